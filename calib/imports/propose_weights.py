"""What a table of weights holds: nodes by name or code, shares or percent, local or global."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from calib.errors import Faults
from calib.framework import Framework
from calib.imports.draft import Draft
from calib.imports.export import Block, Export
from calib.imports.finder import Finder
from calib.imports.headers import headed, track_column, track_words
from calib.imports.mapping import OPEN, ColumnEntry, Mapping
from calib.imports.option_texts import blank_kind, numeric
from calib.imports.proposal import Proposal
from calib.imports.text import fold
from calib.imports.vocabulary import words
from calib.words import Text, message

__all__ = ["GivenWeight", "looks_like_weights", "percent_or_number", "propose_weights",
           "read_given"]  # fmt: skip

_ENOUGH = 0.6
_PERCENT = re.compile(r"([-+]?\d+(?:\.\d+)?)\s*%")


@dataclass(frozen=True, slots=True)
class GivenWeight:
    """A weight as a table gives it.

    Attributes
    ----------
    scope : ``"local"``, ``"global"`` or ``"share"`` (which of them is not said)
    percent : whether the cell says so itself; its value is divided by 100 already
    """

    track: str
    code: str
    value: float
    scope: str
    percent: bool
    where: str


def percent_or_number(text: str) -> tuple[float, bool] | None:
    """Return a cell's number, and whether it is written as percent (and divided by 100)."""
    folded = fold(text)
    match = _PERCENT.fullmatch(folded)
    if match:
        return float(match[1]) / 100, True
    number = numeric(folded)
    return None if number is None else (number, False)


def _nodes(framework: Framework) -> Finder:
    return Finder(framework, tuple(range(1, len(framework.levels) + 1)))


def _is_nodes(finder: Finder, texts: Sequence[str]) -> bool:
    total = words("weights", "total")
    different = {t for t in texts if not blank_kind(t) and fold(t) not in total}
    hits = sum(finder.find(t).reason in ("code", "exact", "inside", "contradiction")
               for t in different)  # fmt: skip
    return len(different) > 1 and hits >= _ENOUGH * len(different)


def _is_numbers(texts: Sequence[str]) -> bool:
    filled = [t for t in texts if not blank_kind(t)]
    return bool(filled) and all(percent_or_number(t) is not None for t in filled)


def looks_like_weights(export: Export, framework: Framework) -> bool:
    """Return whether a column holds nodes of several levels, beside one headed as weights."""
    finder = _nodes(framework)
    known = [w for k in ("weight", "local", "global") for w in words("weights", k)]
    for block in export.blocks:
        named = [c for c, t in enumerate(block.texts) if _is_nodes(finder, t)]
        weighed = [
            c
            for c, t in enumerate(block.texts)
            if _is_numbers(t)
            and (headed(block.labels[c], known) or track_words(framework, [block.labels[c]]))
        ]
        if named and weighed:
            return True
    return False


def propose_weights(export: Export, framework: Framework) -> Proposal:
    """Return what a table of weights holds, column by column."""
    finder = _nodes(framework)
    draft = Draft(framework, export, finder)
    for b, block in enumerate(export.blocks):
        track = track_column(framework, block)
        if track is not None and OPEN in track[1].values():
            track = None
        draft.words |= track[1] if track else {}
        for c, label in enumerate(block.labels):
            texts = block.texts[c]
            role, reason = "aside", "no-indicator"
            tracks: tuple[str, ...] = ()
            if track is not None and c == track[0]:
                role, reason = "track", "track-words"
            elif _is_nodes(finder, texts):
                role, reason = "item", "exact"
            elif headed(label, words("weights", "level")):
                role, reason = "aside", "header"
            elif _is_numbers(texts):
                role, reason = _scope(label), "header"
                told = track_words(framework, [label])
                if told:
                    tracks = (told[label],)
            draft.put((b, c), role, reason, 0.98, tracks=tracks)
    mapping = draft.proposal("weights").mapping
    _ask_rest(draft, read_given(export, mapping, framework, Faults(export.file)))
    return draft.proposal("weights")


def _scope(label: str) -> str:
    for role in ("global", "local"):
        if headed(label, words("weights", role)):
            return role
    return "share"


@dataclass
class _Group:
    """Columns that name the same nodes (code and name), and the weights that belong to them."""

    names: list[int]
    weights: list[tuple[int, ColumnEntry]] = field(default_factory=list)


def _groups(block: Block, mapping: Mapping, finder: Finder) -> list[_Group]:
    """Return which weights belong to which names: those that follow them, else in their order."""
    entries = {e.column: e for e in mapping.columns}
    groups: list[_Group] = []
    loose: list[tuple[int, ColumnEntry]] = []
    fresh = True
    for c in range(len(block.labels)):
        entry = entries.get(block.column_name(c))
        if entry is None:
            continue
        if entry.taken == "item":
            if (
                groups
                and not groups[-1].weights
                and _same_nodes(finder, block, groups[-1].names[-1], c)
            ):
                groups[-1].names.append(c)
            else:
                groups.append(_Group([c]))
            fresh = True
        elif entry.taken in ("local", "global", "share"):
            if groups:
                groups[-1].weights.append((c, entry))
            else:
                loose.append((c, entry))
            fresh = False
    bare_groups = [g for g in groups if not g.weights]
    if bare_groups and len(groups[-1].weights) == len(groups) and not fresh:
        for group, weight in zip(groups, groups[-1].weights, strict=True):
            group.weights = [weight]
    elif bare_groups and len(groups) > 1:
        # Levels before the last are there to be read, not to be weighed.
        groups = [g for g in groups if g.weights]
    if loose and groups:
        groups[0].weights += loose
    return groups


def _same_nodes(finder: Finder, block: Block, first: int, second: int) -> bool:
    """Return whether two columns name the same nodes in most rows, as code and name do."""
    pairs = zip(block.texts[first], block.texts[second], strict=True)
    alike = [
        bool(set(finder.find(a).codes.items()) & set(finder.find(b).codes.items()))
        for a, b in pairs
        if a and b
    ]
    return sum(alike) > len(alike) / 2


def read_given(
    export: Export, mapping: Mapping, framework: Framework, faults: Faults
) -> list[GivenWeight]:
    """Return every weight that a table gives; what is wrong with its cells becomes faults."""
    finder = _nodes(framework)
    out: list[GivenWeight] = []
    tracks = {block.column_name(c) for block in export.blocks for c in range(len(block.labels))}
    track_entries = [e for e in mapping.column("track") if e.column in tracks]
    for block in export.blocks:
        names = [block.column_name(c) for c in range(len(block.labels))]
        at = next((names.index(e.column) for e in track_entries if e.column in names), None)
        sheet = (track_words(framework, [block.sheet]) or {}).get(block.sheet)
        for group in _groups(block, mapping, finder):
            for row in block.rows:
                said = "" if at is None else mapping.tracks.get(block.text(row, at), OPEN)
                if said == OPEN and at is not None and not block.text(row, at):
                    said = ""
                out += _row(block, row, group, finder, faults, said or sheet or "")
    return out


def _row(
    block: Block, row: int, group: _Group, finder: Finder, faults: Faults, track: str
) -> list[GivenWeight]:
    text = " ".join(dict.fromkeys(block.text(row, c) for c in group.names if block.text(row, c)))
    if not text or fold(text) in words("weights", "total"):
        return []
    found = finder.find(text)
    where = block.cell(row, group.names[0])
    if found.reason not in ("code", "exact", "inside"):
        key = "imports.code_and_name" if found.reason == "contradiction" else "imports.unknown_node"
        faults.add(where, message(key), value=text, expected=message("imports.node_expected"))
        return []
    if track == OPEN:
        return []
    out: list[GivenWeight] = []
    for column, entry in group.weights:
        cell = block.text(row, column)
        error = block.grid.marks.errors.get(block.address(row, column).rpartition("!")[2])
        value = None if error else percent_or_number(cell)
        if blank_kind(cell) and not error:
            continue
        if value is None or value[0] < 0:
            faults.add(
                block.cell(row, column),
                message("imports.error_cell" if error else "imports.no_weight"),
                value=error or cell,
                expected=message("imports.weight_expected"),
            )
            continue
        own = entry.tracks or ((track,) if track else ())
        for t, code in found.codes.items():
            if not own or t in own:
                place = block.cell(row, column)
                out.append(GivenWeight(t, code, value[0], entry.taken, value[1], place))
    return out


def _ask_rest(draft: Draft, given: Sequence[GivenWeight]) -> None:
    """Ask what the table does not say: where the rest comes from."""
    framework = draft.framework
    have = {(g.track, g.code) for g in given}
    lacking = [
        f"{family.parent or framework.name.get('en')} ({t})"
        for t, tree in framework.tracks.items()
        for family in tree.families
        if len(family.members) > 1 and not any((t, tree.codes[i]) in have for i in family.members)
    ]
    leaves_only = all(
        (t, code) in have for t, tree in framework.tracks.items() for code in tree.leaf_codes
    )
    if not lacking or leaves_only:
        return
    answers: dict[str, Text] = {
        "published": message("imports.rest_published"),
        "equal": message("imports.rest_equal"),
    }
    asked = message("imports.ask_rest", n=len(lacking), families=lacking[:6])
    draft.ask_choice("rest", asked, answers)
