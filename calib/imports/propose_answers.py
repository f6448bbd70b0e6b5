"""What the columns of an export of answers hold: enterprises, tracks, attributes, indicators."""

from __future__ import annotations

from collections.abc import Sequence

from calib.framework import Framework
from calib.imports.draft import FEW, At, Draft, listed, row_tracks
from calib.imports.export import Block, Export
from calib.imports.finder import Finder
from calib.imports.headers import headed, track_words
from calib.imports.mapping import OPEN, LadderEntry
from calib.imports.option_texts import Answers, blank_kind, gather, ladders
from calib.imports.proposal import Proposal
from calib.imports.text import fold, option_parts
from calib.imports.together import ask_unsettled, holds_options, place_together
from calib.imports.vocabulary import keys, words
from calib.words import Text, message

__all__ = ["propose_answers"]


def propose_answers(export: Export, framework: Framework) -> Proposal:
    """Return what an export of answers holds, column by column.

    Notes
    -----
    A column is an indicator when its header holds the indicator's code or name; names that several
    tracks share are told apart by what else the header says, and by which enterprises answered.
    A name that is only alike is proposed and has to be confirmed; so are names that are clear only
    beside the others, because one indicator is left for them. Two that compete are asked about.
    """
    draft = Draft(framework, export, Finder(framework))
    for b, block in enumerate(export.blocks):
        _tracks(draft, b)
        for c in range(len(block.labels)):
            if (b, c) not in draft.entries:
                _column(draft, (b, c), block)
    place_together(draft)
    ask_unsettled(draft)
    _identity(draft)
    _settle_tracks(draft)
    _settle_twice(draft)
    _ask_lacking(draft)
    return draft.proposal("answers", options=tuple(_options(draft)))


def _tracks(draft: Draft, b: int) -> None:
    """Find out how the rows of a block say their track: by a column, or by the sheet's name."""
    block = draft.export.blocks[b]
    if len(draft.framework.tracks) < 2 or draft.take_tracks(b):
        return
    named = track_words(draft.framework, [block.sheet]) if block.sheet else None
    key = f"track of {block.sheet}" if block.sheet else "track"
    if named:
        draft.choices[key] = named[block.sheet]
        return
    answers: dict[str, Text] = {"by-branch": message("imports.by_branch"), **draft.track_names}
    draft.ask_choice(key, message("imports.ask_rows_track", sheet=block.sheet), answers)


def _column(draft: Draft, at: At, block: Block) -> None:
    label, texts = block.labels[at[1]], block.texts[at[1]]
    platform = draft.export.platform
    known = platform.aside if platform else frozenset()
    parts = {fold(label), *(fold(p) for p in label.split(" | "))}
    if not label and all(blank_kind(t) for t in texts):
        draft.put(at, "aside", "nothing")
    elif (
        parts & known
        or fold(label) in words("aside", "exact")
        or (platform and fold(label).startswith(platform.before))
        or fold(label).endswith(words("aside", "ending"))
    ):
        draft.put(at, "aside", "platform")
    elif headed(label, words("roles", "credit")):
        draft.put(at, "aside", "credit")
    elif headed(label, words("roles", "enterprise")):
        draft.put(at, "enterprise", "header")
    elif headed(label, words("roles", "name")):
        draft.put(at, "name", "header")
    else:
        _by_name(draft, at, block)


def _by_name(draft: Draft, at: At, block: Block) -> None:
    """Tell indicators by their names, then attributes and what is set aside by their headers."""
    label, texts = block.labels[at[1]], block.texts[at[1]]
    found = draft.finder.find(label)
    if found.codes and found.reason != "like":
        draft.indicator(at, found)
        return
    for key in keys("attributes"):
        if headed(label, words("attributes", key)):
            taken = [e for e in draft.entries.values() if e.of == key and e.taken == "attribute"]
            draft.put(at, "aside" if taken else "attribute", "attribute", of="" if taken else key)
            return
    filled = {t for t in texts if not blank_kind(t)}
    if any(w in fold(label) for w in words("aside", "containing")):
        draft.put(at, "aside", "no-answer")
    elif found.reason == "none" or not filled or len(filled) > FEW:
        draft.put(at, "aside", "no-indicator")
    elif found.codes:
        draft.indicator(at, found)
    else:
        draft.found[at] = found
        draft.put(at, "indicator", "several", 0.0, of=OPEN)


def _identity(draft: Draft) -> None:
    """Choose the column that tells enterprises apart: a code, else the name, else a number."""
    for b, block in enumerate(draft.export.blocks):
        own = {at: e for at, e in draft.entries.items() if at[0] == b}
        ids = [at for at, e in own.items() if e.taken == "enterprise"]
        names = [at for at, e in own.items() if e.taken == "name"]
        for at in ids[1:] + names[1:]:
            draft.update(at, taken="aside", reason="twice")
        if ids:
            continue
        if names:
            draft.update(names[0], taken="enterprise", reason="name-as-id")
            continue
        serial = [
            at
            for at in sorted(own)
            if headed(block.labels[at[1]], words("roles", "respondent"))
            or own[at].reason == "credit"
        ]
        if serial:
            draft.update(serial[0], taken="enterprise", reason="serial", confidence=0.9)


def _settle_tracks(draft: Draft) -> None:
    """Tell names that several tracks share apart by who answered."""
    for b in range(len(draft.export.blocks)):
        tracks = row_tracks(draft, b)
        before: str = ""
        for at in sorted(a for a, e in draft.entries.items() if a[0] == b):
            entry = draft.entries[at]
            if entry.taken != "indicator" or entry.of == OPEN:
                continue
            if len(entry.tracks) > 1:
                _settle(draft, at, tracks, before)
            if len(draft.entries[at].tracks) == 1:
                before = draft.entries[at].tracks[0]


def _settle(draft: Draft, at: At, tracks: Sequence[str], before: str) -> None:
    texts = draft.export.blocks[at[0]].texts[at[1]]
    codes = draft.found[at].codes
    answered = {t for t, text in zip(tracks, texts, strict=True) if t and not blank_kind(text)}
    among = [t for t in draft.entries[at].tracks if t in answered]
    if len(among) == 1:
        reason, confidence = "answered-by", 0.97
    elif among:
        # One question for all: its name means an indicator of each track.
        several = " | ".join(dict.fromkeys(codes[t] for t in among))
        draft.update(at, tracks=tuple(among), of=several, reason="both-tracks")
        return
    elif before in codes:
        among, reason, confidence = [before], "neighbours", 0.9
    else:
        draft.update(at, of=OPEN, reason="which-track", confidence=0.0)
        draft.ask(
            draft.entries[at].column,
            message("imports.ask_column", header=draft.entries[at].header),
            listed(draft, [draft.found[at].name]),
        )
        return
    sure = min(draft.entries[at].confidence, confidence)
    draft.update(at, tracks=(among[0],), of=codes[among[0]], reason=reason, confidence=sure)


def _settle_twice(draft: Draft) -> None:
    """Ask where two columns of a sheet hold the same indicator."""
    claims: dict[tuple[int, str, str], list[At]] = {}
    for at, entry in draft.entries.items():
        if entry.taken == "indicator" and entry.of != OPEN:
            for t in entry.tracks:
                claims.setdefault((at[0], t, draft.found[at].codes[t]), []).append(at)
    clashing = sorted({at for ats in claims.values() if len(ats) > 1 for at in ats})
    for at in clashing:
        entry = draft.entries[at]
        answers = {**listed(draft, [draft.found[at].name]), "aside": message("imports.role.aside")}
        draft.update(at, of=OPEN, reason="claimed-twice", confidence=0.0)
        draft.ask(entry.column, message("imports.ask_twice", header=entry.header), answers)


def _ask_lacking(draft: Draft) -> None:
    """Ask about columns of options that match nothing, where an indicator has no column."""
    present = {t for b in range(len(draft.export.blocks)) for t in row_tracks(draft, b) if t}
    have = {
        (t, draft.found[at].codes.get(t))
        for at, e in draft.entries.items()
        if e.taken == "indicator" and e.of != OPEN
        for t in e.tracks
    }
    lacking = {
        code: tree.nodes[tree.index[code]].name
        for t, tree in draft.framework.tracks.items()
        if t in present
        for code in tree.leaf_codes
        if (t, code) not in have
    }
    if not lacking:
        return
    for at, entry in sorted(draft.entries.items()):
        if (
            entry.taken == "aside"
            and entry.reason == "no-indicator"
            and (_is_options(draft, at) or holds_options(draft, at))
        ):
            answers: dict[str, Text] = {**lacking, "aside": message("imports.role.aside")}
            draft.update(at, taken="indicator", of=OPEN, reason="lacking", confidence=0.0)
            draft.ask(entry.column, message("imports.ask_column", header=entry.header), answers)


def _is_options(draft: Draft, at: At) -> bool:
    """Return whether a column holds options as the columns of indicators do."""
    filled = {t for t in draft.export.blocks[at[0]].texts[at[1]] if not blank_kind(t)}
    lettered = [t for t in filled if option_parts(t)[0] is not None]
    return 1 < len(filled) <= FEW and len(lettered) == len(filled)


def _options(draft: Draft) -> list[LadderEntry]:
    """Find the ladders of option texts, and ask what numbers are where they are no options."""
    gathered: list[Answers] = []
    for at, entry in sorted(draft.entries.items()):
        if entry.taken == "indicator" and entry.of != OPEN:
            item = draft.framework.node(entry.of.split(" | ")[0]).item
            texts = draft.export.blocks[at[0]].texts[at[1]]
            gathered.append(gather(at, item.options if item else 0, texts))
    entries, used, clashing = ladders(gathered)
    for at, number in used.items():
        draft.update(at, options=number)
    for i, ladder in enumerate(entries, 1):
        if OPEN in ladder.texts:
            shown = [t for t in ladder.texts if t != OPEN]
            draft.ask(f"options {i}", message("imports.ask_order", texts=shown, n=len(shown)))
    if clashing:
        _ask_clashing(draft, clashing, entries)
    _ask_numbers(draft, gathered)
    return entries


def _ask_clashing(draft: Draft, clashing: Sequence[At], ladders: Sequence[LadderEntry]) -> None:
    """Ask where the questionnaire has more or fewer options than the framework's item."""
    shown: list[Text] = []
    for at in clashing:
        entry = draft.entries[at]
        item = draft.framework.node(entry.of.split(" | ")[0]).item
        shown.append(
            message(
                "imports.clash",
                code=entry.of,
                column=entry.column,
                here=len([t for t in ladders[entry.options - 1].texts if t != OPEN]),
                there=item.options if item else 0,
            )
        )
    answers: dict[str, Text] = {
        "as-in-file": message("imports.options_as_in_file"),
        "as-in-framework": message("imports.options_as_in_framework"),
    }
    draft.ask_choice("item-options", message("imports.ask_clash", items=shown), answers)


def _ask_numbers(draft: Draft, gathered: Sequence[Answers]) -> None:
    """Ask what numbers mean where they are not all options from 1 on."""
    numbers = {v for a in gathered for v in a.numbers}
    fitting = all(v == round(v) and 1 <= v <= a.options for a in gathered for v in a.numbers)
    if not numbers or fitting:
        return
    low, high = min(numbers), max(numbers)
    listed: dict[str, Text] = {}
    whole = all(v == round(v) for v in numbers)
    if whole and low == 0 and all(v < a.options for a in gathered for v in a.numbers):
        listed["options-from-0"] = message("imports.numbers.from_0")
    if low >= 0 and high <= 1:
        listed["scores-from-0-to-1"] = message("imports.numbers.fractions")
    rule = draft.framework.rule
    if low >= rule.low and high <= rule.high:
        listed["scores"] = message("imports.numbers.scores", low=rule.low, high=rule.high)
    listed["options"] = message("imports.numbers.options")
    said = message("imports.ask_numbers", low=f"{low:g}", high=f"{high:g}", n=len(numbers))
    draft.ask_choice("numbers", said, listed)
