"""Reading frameworks: shipped ones by name, any other by its path."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from calib._types import FloatArray
from calib._validation import parse_model
from calib.errors import Faults, InputError, did_you_mean
from calib.files.inputs import MOST_TOML_BYTES, parse_toml, read_input
from calib.files.shipped import shipped_data
from calib.framework.framework import Framework
from calib.framework.framework_file import FrameworkFile, ItemEntry, NodeEntry
from calib.framework.rule_file import build_rule, check_options, check_rating, name_of
from calib.framework.tree import Item, Node, Track
from calib.words import message

__all__ = ["list_frameworks", "load_framework", "parse_framework", "with_rule"]

SUM_TOLERANCE = 1e-9


def list_frameworks() -> tuple[str, ...]:
    """Return the names of the frameworks that the package ships."""
    return tuple(sorted(p.stem for p in (shipped_data() / "frameworks").glob("*.toml")))


def load_framework(source: str | os.PathLike[str] | Framework) -> Framework:
    """Read a framework by its shipped name (``"aii"``) or from a TOML file.

    One that is loaded already is handed back.

    Raises
    ------
    InputError
        With every fault of the file: unknown keys, duplicate codes, weights of siblings that
        do not sum to 1, gates that fall …
    """
    if isinstance(source, Framework):
        return source
    text = os.fspath(source)
    path = Path(text)
    if path.suffix != ".toml" and not path.is_file():
        known = list_frameworks()
        if text not in known:
            raise InputError(
                message(
                    "faults.no_framework_shipped_are_or",
                    text=repr(text),
                    hint=did_you_mean(text, known),
                    known=list(known),
                )
            )
        path = shipped_data() / "frameworks" / f"{text}.toml"
    raw = read_input(path, most=MOST_TOML_BYTES)
    return parse_framework(
        parse_toml(raw, str(path)), path=str(path), digest=hashlib.sha256(raw).hexdigest()
    )


def parse_framework(document: Mapping[str, Any], *, path: str = "", digest: str = "") -> Framework:
    """Build a framework from the contents of its file; see :func:`load_framework`.

    Parameters
    ----------
    digest : SHA-256 of the file; that of the contents if empty
    """
    spec = parse_model(FrameworkFile, document, path)
    if not digest:
        digest = hashlib.sha256(spec.model_dump_json(by_alias=True).encode()).hexdigest()
    faults = Faults(path)
    _check_tree(spec, faults)
    check_rating(spec, faults)
    faults.raise_if_any()
    tracks = {t.code: _build_track(spec, t.code) for t in spec.tracks}
    published: dict[str, FloatArray] = {}
    sums: dict[tuple[str, str], float] = {}
    equal: list[tuple[str, str]] = []
    for code, track in tracks.items():
        published[code] = _published(spec, track, faults, sums, equal)
    _check_shared(tracks, published, faults)
    rule = build_rule(spec)
    faults.raise_if_any()
    check_options(rule, path)
    return Framework(
        code=spec.code,
        version=spec.version,
        name=name_of(spec.name),
        source=spec.source,
        notes=tuple(name_of(n) for n in spec.notes),
        levels=tuple((lv.code, name_of(lv.name)) for lv in spec.levels),
        tracks=tracks,
        rule=rule,
        published=published,
        printed_sums=sums,
        equal_families=tuple(equal),
        digest=digest,
        path=path,
        columns=dict(spec.columns),
    )


def with_rule(framework: Framework, **rating: Any) -> Framework:
    """Return a framework with another rule, to see what a cap, a gate or other bands would do.

    Parameters
    ----------
    framework : read from a file
    rating : keys of the file's section ``[rating]`` with their new values; None takes one out

    Raises
    ------
    InputError
        For a rule that does not fit together, or a framework that was read from no file.

    Examples
    --------
    >>> import calib
    >>> aii = calib.load_framework("aii")
    >>> weak = {"at_most": 3, "when": {"node": "IC.NET", "at_most": 55}}
    >>> capped = calib.with_rule(aii, caps=[weak])
    >>> firms = calib.load_population("trial", capped)
    >>> calib.rate(calib.published_weights(capped), firms).counts().tolist()
    [1, 5, 10, 5, 1]
    """
    if not framework.path:
        raise InputError(message("framework.from_no_file", code=framework.code))
    document = parse_toml(read_input(Path(framework.path), most=MOST_TOML_BYTES), framework.path)
    kept = {k: v for k, v in {**document["rating"], **rating}.items() if v is not None}
    version = f"{document['version']}, changed"
    changed = {**document, "rating": kept, "version": version}
    return replace(parse_framework(changed), path="")


def _tracks_of(node: NodeEntry, spec: FrameworkFile) -> tuple[str, ...]:
    return node.tracks if node.tracks is not None else tuple(t.code for t in spec.tracks)


def _check_tree(spec: FrameworkFile, faults: Faults) -> None:
    track_codes = {t.code for t in spec.tracks}
    if len(track_codes) != len(spec.tracks):
        faults.add(
            "tracks",
            message("faults.a_track_code_stands_twice"),
            value=[t.code for t in spec.tracks],
        )
    _check_words(spec, faults)
    by_code: dict[str, NodeEntry] = {}
    for i, node in enumerate(spec.nodes):
        where = f"nodes[{i}] {node.code}"
        if isinstance(node.weight, dict):
            strays = set(node.weight) - set(_tracks_of(node, spec))
            for t in sorted(strays):
                faults.add(
                    where,
                    message("faults.weighs_in_a_track_that", hint=did_you_mean(t, track_codes)),
                    value=t,
                    expected=" | ".join(_tracks_of(node, spec)),
                )
        _check_descriptions(where, node, spec, faults)
        if node.code in by_code:
            faults.add(
                where,
                message("faults.duplicate_code"),
                value=node.code,
                expected=message("faults.each_code_once"),
            )
        for t in _tracks_of(node, spec):
            if t not in track_codes:
                faults.add(
                    where,
                    message("faults.no_such_track", hint=did_you_mean(t, track_codes)),
                    value=t,
                    expected=" | ".join(sorted(track_codes)),
                )
        if node.parent:
            parent = by_code.get(node.parent)
            if parent is None:
                faults.add(
                    where,
                    message("faults.parent_is_not_listed_above"),
                    value=node.parent,
                    expected=message("faults.the_code_of_an_earlier"),
                )
            elif not set(_tracks_of(node, spec)) <= set(_tracks_of(parent, spec)):
                faults.add(
                    where,
                    message("faults.is_in_a_track_that", code=parent.code),
                    value=list(_tracks_of(node, spec)),
                )
        by_code.setdefault(node.code, node)
    _check_leaves(spec, faults)


def _check_descriptions(where: str, node: NodeEntry, spec: FrameworkFile, faults: Faults) -> None:
    """Note descriptions of tracks that the node is not in, or of more or fewer levels than are."""
    given = node.descriptions
    stars, tracks = len(spec.rating.labels), _tracks_of(node, spec)
    for track, texts in given.items() if isinstance(given, dict) else [("", given)]:
        at = f"{where}.descriptions" + (f".{track}" if track else "")
        if track and track not in tracks:
            faults.add(at, message("faults.no_such_value", hint=did_you_mean(track, tracks)),
                       value=track, expected=" | ".join(tracks))  # fmt: skip
        if (texts or track) and len(texts) != stars:
            faults.add(at, message("framework.one_description_a_star"), value=len(texts),
                       expected=message("framework.so_many_descriptions", n=stars))  # fmt: skip


def _check_words(spec: FrameworkFile, faults: Faults) -> None:
    """Note words for tracks that could mean either of two."""
    owner: dict[str, str] = {}
    for track in spec.tracks:
        for word in (track.code, track.name.zh, track.name.en, *track.aliases):
            if owner.setdefault(word.strip().casefold(), track.code) != track.code:
                faults.add(
                    f"tracks {track.code}",
                    message("faults.has_a_name_or_alias"),
                    value=word,
                    expected=message("faults.words_that_mean_one_track"),
                )


def _check_leaves(spec: FrameworkFile, faults: Faults) -> None:
    for t in spec.tracks:
        inside = [n for n in spec.nodes if t.code in _tracks_of(n, spec)]
        if not inside:
            faults.add(f"tracks {t.code}", message("faults.has_no_nodes"))
        parents = {n.parent for n in inside}
        for node in inside:
            where = f"nodes {node.code}"
            if node.code in parents and node.item is not None:
                faults.add(
                    where,
                    message("faults.has_children_and_an_item"),
                    expected=message("faults.an_item_on_leaves_only"),
                )
            if node.code not in parents and node.item is None:
                faults.add(
                    where,
                    message("faults.is_a_leaf_of_track", code=t.code),
                    expected='item = { kind = "qualitative", options = 5 }',
                )
            if node.item is not None:
                _check_item(where, node.item, spec.rating.score_range, faults)


def _check_item(where: str, entry: ItemEntry, ends: tuple[float, float], faults: Faults) -> None:
    """Note what of an item does not fit its kind, or the score scale."""
    (low, high), scores = ends, entry.scores
    if (entry.kind == "graded") != (entry.degrees is not None):
        faults.add(where, message("framework.graded_needs_degrees"))
    if (entry.kind == "number") != (entry.range is not None):
        faults.add(where, message("framework.number_needs_range"))
    if entry.kind == "number":
        span = entry.range or (low, high)
        if not span[0] < span[1]:
            faults.add(f"{where}.range", message("faults.must_rise"), value=list(span))
        stated = span if scores is None else scores
        if len(stated) != 2 or not all(low <= s <= high for s in stated):
            faults.add(
                where, message("framework.number_scores"), value=list(stated),
                expected=message("framework.two_scores", low=f"{low:g}", high=f"{high:g}"),
            )  # fmt: skip
        return
    if entry.options < 2 and entry.kind != "checklist":
        faults.add(f"{where}.options", message("framework.two_options"), value=entry.options)
    count = len(_item(entry).answers)
    if scores is not None and (
        len(scores) != count
        or list(scores) != sorted(scores)
        or not all(low <= s <= high for s in scores)
    ):
        faults.add(
            where,
            message("faults.option_scores_do_not_fit"),
            value=list(scores),
            expected=message(
                "faults.rising_scores_from_to", options=count, low=f"{low:g}", high=f"{high:g}"
            ),
        )


def _item(entry: ItemEntry) -> Item:
    degrees = entry.degrees or 1
    return Item(entry.kind, entry.options * degrees, entry.scores, degrees, entry.range)


def _build_track(spec: FrameworkFile, code: str) -> Track:
    entry = next(t for t in spec.tracks if t.code == code)
    inside = [n for n in spec.nodes if code in _tracks_of(n, spec)]
    children: dict[str, list[NodeEntry]] = {}
    for node in inside:
        children.setdefault(node.parent, []).append(node)
    nodes: list[Node] = []

    def walk(parent: str, depth: int) -> None:
        for n in children.get(parent, []):
            item = _item(n.item) if n.item else None
            below = tuple(c.code for c in children.get(n.code, []))
            texts = n.descriptions
            own = texts.get(code, ()) if isinstance(texts, dict) else texts
            nodes.append(Node(
                n.code, name_of(n.name), depth, parent, below, item, n.status or "",
                tuple(name_of(t) for t in own),
            ))  # fmt: skip
            walk(n.code, depth + 1)

    walk("", 1)
    return Track(code, name_of(entry.name), tuple(nodes), entry.aliases)


def _published(
    spec: FrameworkFile,
    track: Track,
    faults: Faults,
    sums: dict[tuple[str, str], float],
    equal: list[tuple[str, str]],
) -> FloatArray:
    entries = {n.code: n for n in spec.nodes}
    local = np.zeros(len(track.nodes))
    for family in track.families:
        codes = [track.codes[i] for i in family.members]
        stated = [_stated(entries[c], track.code) for c in codes]
        where = family.place(track.code)
        if all(w is None for w in stated):
            if spec.published.unstated != "equal" and len(codes) > 1:
                faults.add(
                    where,
                    message("faults.no_weights_are_stated"),
                    expected=message("faults.a_weight_each_or_published"),
                )
            local[family.members] = 1 / len(codes)
            equal.append((track.code, family.parent))
            continue
        lacking = [c for c, w in zip(codes, stated, strict=True) if w is None]
        if lacking:
            faults.add(where, message("faults.no_weight_for", lacking=list(lacking)))
            continue
        weights = np.array(stated, dtype=float)
        total = float(weights.sum())
        if abs(total - 1) > SUM_TOLERANCE:
            if not spec.published.normalise or total <= 0:
                faults.add(
                    where,
                    message(
                        "faults.siblings_sum_to_off",
                        total=f"{total:.6g}",
                        off=f"{total - 1:+.6g}",
                    ),
                    value=dict(zip(codes, stated, strict=True)),
                    expected=message("faults.a_sum_of_or_published"),
                )
            else:
                sums[track.code, family.parent] = total
                weights = weights / total
        local[family.members] = weights
    return local


def _stated(node: NodeEntry, track: str) -> float | None:
    return node.weight.get(track) if isinstance(node.weight, dict) else node.weight


def _check_shared(
    tracks: Mapping[str, Track], published: Mapping[str, FloatArray], faults: Faults
) -> None:
    seen: dict[str, float] = {}
    for code, track in tracks.items():
        for i, node in enumerate(track.nodes):
            if node.depth > 1:
                continue
            weight = float(published[code][i])
            if abs(seen.setdefault(node.code, weight) - weight) > SUM_TOLERANCE:
                faults.add(
                    f"nodes {node.code}",
                    message("faults.first_level_weights_are_shared"),
                    value=[seen[node.code], weight],
                )
