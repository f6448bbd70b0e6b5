"""Columns whose headers shorten or mistype names: seen together, most of them are clear."""

from __future__ import annotations

from collections.abc import Mapping as Entries
from collections.abc import Sequence
from dataclasses import dataclass

from calib.imports.draft import FEW, At, Draft, listed, row_tracks
from calib.imports.finder import Found
from calib.imports.likeness import Free, cores, match, names_of
from calib.imports.mapping import OPEN
from calib.imports.option_texts import blank_kind
from calib.imports.text import bare, option_parts
from calib.words import message

__all__ = ["ask_unsettled", "holds_options", "place_together"]


@dataclass(frozen=True)
class _Name:
    """An indicator's name with the code that it has in each track."""

    key: str
    codes: Entries[str, str]
    names: tuple[str, ...]
    group: str


def place_together(draft: Draft) -> None:
    """Propose indicators for the columns that are left, among those that no column holds.

    Columns are compared with those that the same enterprises answered. What is proposed has to be
    confirmed.
    """
    for b, block in enumerate(draft.export.blocks):
        tracks = row_tracks(draft, b)
        own = sorted(at for at in draft.entries if at[0] == b)
        answered = {at: _answered(block.texts[at[1]], tracks) for at in own}
        left = [at for at in own if answered[at] and _is_left(draft, at)]
        for among in dict.fromkeys(answered[at] for at in left):
            columns = [at for at in left if answered[at] == among]
            _match(draft, among, columns, answered)
            if len(among) == 1:
                still = [at for at in columns if _is_left(draft, at)]
                _by_place(draft, among[0], still, answered)


def _answered(texts: Sequence[str], tracks: Sequence[str]) -> tuple[str, ...]:
    """Return the tracks whose enterprises answered a column."""
    return tuple(sorted({t for t, x in zip(tracks, texts, strict=True) if t and not blank_kind(x)}))


def _is_left(draft: Draft, at: At) -> bool:
    entry = draft.entries[at]
    several = entry.taken == "indicator" and entry.of == OPEN and entry.reason == "several"
    nameless = entry.taken == "aside" and entry.reason == "no-indicator"
    return bool(entry.header) and (several or (nameless and holds_options(draft, at)))


def _options_in(draft: Draft, at: At) -> set[str]:
    texts = draft.export.blocks[at[0]].texts[at[1]]
    return {option_parts(t)[1] or t for t in texts if not blank_kind(t)}


def holds_options(draft: Draft, at: At) -> bool:
    """Return whether a column holds the options that columns of questions hold."""
    own = _options_in(draft, at)
    if not 1 < len(own) <= FEW:
        return False
    for other, entry in draft.entries.items():
        question = entry.taken == "indicator" or entry.reason == "no-indicator"
        if other != at and other[0] == at[0] and question:
            theirs = _options_in(draft, other)
            if len(theirs) <= FEW and len(own & theirs) * 2 >= len(own):
                return True
    return False


def _names(draft: Draft, among: Sequence[str]) -> list[_Name]:
    """Return the names that every one of some tracks has an indicator of."""
    trees = draft.framework.tracks
    by_name = {
        t: {bare(n.name.zh): n for n in trees[t].nodes if not n.children} for t in among
    }  # fmt: skip
    first = among[0]
    out = []
    for key, node in by_name[first].items():
        if all(key in by_name[t] for t in among):
            codes = {t: by_name[t][key].code for t in among}
            names = names_of(draft.framework, first, node.code)
            out.append(_Name(key, codes, names, node.parent or ""))
    return out


def _held(draft: Draft, answered: Entries[At, tuple[str, ...]]) -> dict[tuple[str, str], At]:
    """Return the column that holds each indicator, by track and code."""
    return {
        (t, code): at
        for at, tracks in answered.items()
        if draft.entries[at].taken == "indicator" and draft.entries[at].of != OPEN
        for t, code in draft.found[at].codes.items()
        if t in (draft.found[at].tracks or tracks)
        # Read as both tracks' own where nobody's answers tell.
    }


def _match(
    draft: Draft, among: tuple[str, ...], columns: Sequence[At],
    answered: Entries[At, tuple[str, ...]],
) -> None:  # fmt: skip
    held = _held(draft, answered)
    names = {n.key: n for n in _names(draft, among)}
    free = [n for n in names.values() if not any((t, c) in held for t, c in n.codes.items())]
    taken = [n.names for n in names.values() if n not in free]
    labels = [draft.entries[at].header for at in columns]
    groups = [_group(draft, label, among) for label in labels]
    wanted = [Free(n.key, n.names, n.group) for n in free]
    for i, found in match(cores(labels), groups, wanted, taken).items():
        _take(draft, columns[i], names[found.code], found.confidence, found.reason)


def _take(draft: Draft, at: At, name: _Name, confidence: float, reason: str) -> None:
    tracks = tuple(name.codes)
    found = Found(name.codes, confidence, reason, name.key, (name.key,), tracks)
    draft.indicator(at, found)


def _group(draft: Draft, label: str, among: Sequence[str]) -> str:
    """Return the one group of indicators that a header names, "" if none or several."""
    text = bare(label)
    tree = draft.framework.tracks[among[0]]
    parents = {n.parent for n in tree.nodes if not n.children}
    hits = {
        name: n.code
        for n in tree.nodes
        if n.code in parents
        for name in (bare(n.name.zh), bare(n.name.en))
        if name in text
    }
    codes = set(hits.values())
    return codes.pop() if len(codes) == 1 else ""


def _by_place(
    draft: Draft, track: str, columns: Sequence[At], answered: Entries[At, tuple[str, ...]]
) -> None:
    """Propose the indicator that is missing between two neighbours for the column between them."""
    order = draft.framework.tracks[track].leaf_codes
    held = {at: code for (t, code), at in _held(draft, answered).items() if t == track}
    row = sorted([*held, *columns])
    names = {n.codes[track]: n for n in _names(draft, [track])}
    for at in columns:
        i = row.index(at)
        before, after = row[i - 1] if i else None, row[i + 1] if i + 1 < len(row) else None
        if before is None or after is None or before not in held or after not in held:
            continue
        place = order.index(held[before])
        between = order[place + 1 : place + 2]
        if order[place + 2 : place + 3] == (held[after],) and between[0] not in held.values():
            _take(draft, at, names[between[0]], 0.5, "place")


def ask_unsettled(draft: Draft) -> None:
    """Ask about the columns whose names are still like several."""
    for at, entry in sorted(draft.entries.items()):
        if entry.taken == "indicator" and entry.of == OPEN and entry.reason == "several":
            draft.ask(
                entry.column,
                message("imports.ask_column", header=entry.header),
                listed(draft, draft.found[at].among),
            )
