"""What the columns of an export of ballots hold: ranks, joined items, or a place an option."""

from __future__ import annotations

import re
from collections.abc import Sequence

from calib.framework import Framework
from calib.imports.draft import At, Draft, listed
from calib.imports.export import Block, Export
from calib.imports.finder import Finder, Found
from calib.imports.headers import headed
from calib.imports.mapping import OPEN
from calib.imports.option_texts import blank_kind, numeric
from calib.imports.proposal import Proposal
from calib.imports.text import fold
from calib.imports.vocabulary import keys, words
from calib.words import Text, message

__all__ = ["looks_like_ballots", "place_of", "propose_ballots", "separator"]

_NUMERALS = {c: i for i, c in enumerate("一二三四五六七八九十", 1)}
_ENOUGH = 0.6
"""Share of a column's cells that must be indicators for it to be a column of choices."""


def place_of(label: str) -> int | None:
    """Return the rank that a header names, None if it names none."""
    folded = fold(label)
    for pattern in words("ranking", "place"):
        for found in re.finditer(pattern, folded):
            word = found[1]
            return _NUMERALS[word] if word in _NUMERALS else int(word)
    return None


def separator(texts: Sequence[str]) -> tuple[str, bool] | None:
    """Return what joins the items of a cell, and whether it says that they are in order."""
    filled = [t for t in texts if not blank_kind(t)]
    for kind, ordered in (("ordered", True), ("unordered", False)):
        for sign in words("ranking", kind):
            if filled and sum(sign in t for t in filled) >= _ENOUGH * len(filled):
                return sign, ordered
    return None


def _share_of_items(finder: Finder, texts: Sequence[str]) -> float:
    different = {t for t in texts if not blank_kind(t)}
    if not different:
        return 0.0
    hits = sum(bool(finder.find(t).codes) for t in sorted(different)[:60])
    return hits / min(len(different), 60)


def looks_like_ballots(export: Export, framework: Framework) -> bool:
    """Return whether cells are indicators, alone or joined, rather than options of them."""
    finder = Finder(framework)
    for block in export.blocks:
        columns = [c for c in range(len(block.labels)) if _chosen(finder, block, c)]
        if columns:
            return True
        places = _place_columns(finder, block)
        if sum(any((numeric(t) or 0) > 0 for t in block.texts[c]) for c in places) > 4:
            return True
    return False


def _chosen(finder: Finder, block: Block, column: int) -> bool:
    """Return whether a column's cells are indicators, or lists of them."""
    texts = block.texts[column]
    if _share_of_items(finder, texts) >= _ENOUGH:
        return True
    joined = separator(texts)
    if joined is None:
        return False
    pieces = [p for t in texts for p in t.split(joined[0]) if p.strip()]
    return len(pieces) > len(texts) and _share_of_items(finder, pieces) >= _ENOUGH


def _place_columns(finder: Finder, block: Block) -> dict[int, Found]:
    """Return the columns headed by an indicator whose cells are places in a ranking.

    Each row uses a place once, and most indicators are left blank.
    """
    found: dict[int, Found] = {}
    for c, label in enumerate(block.labels):
        numbers = {numeric(t) for t in block.texts[c] if not blank_kind(t)}
        whole = all(n is not None and n == round(n) and 0 <= n <= 60 for n in numbers)
        if whole and (meant := finder.find(label)).codes:
            found[c] = meant
    if len(found) < 5:
        return {}
    for i in range(len(block.rows)):
        given = [numeric(block.texts[c][i]) for c in found if not blank_kind(block.texts[c][i])]
        used = [n for n in given if n]
        if len(set(used)) != len(used):
            return {}
    return found


def propose_ballots(export: Export, framework: Framework) -> Proposal:
    """Return what an export of ballots holds, column by column.

    Notes
    -----
    Items joined by an arrow are in order. Those joined by the sign of a multiple choice may stand
    in the order of the question: whether they are ranked is asked.
    """
    draft = Draft(framework, export, Finder(framework))
    for b in range(len(export.blocks)):
        _block(draft, b)
    return draft.proposal("ballots")


def _block(draft: Draft, b: int) -> None:
    """Make out the columns of a sheet."""
    block = draft.export.blocks[b]
    if len(draft.framework.tracks) > 1 and not draft.take_tracks(b):
        asked = message("imports.ask_rows_track", sheet=block.sheet)
        draft.ask_choice("track", asked, draft.track_names)
    places = _place_columns(draft.finder, block)
    free = [c for c in range(len(block.labels)) if (b, c) not in draft.entries and c not in places]
    chosen = [c for c in free if _chosen(draft.finder, block, c)]
    joined = [c for c in chosen if _share_of_items(draft.finder, block.texts[c]) < _ENOUGH]
    for c in joined:
        _joined(draft, (b, c), block)
    _ranks(draft, b, [c for c in chosen if c not in joined])
    if places and not chosen:
        _places(draft, b, places)
    _items(draft, block, chosen, joined)
    for c in range(len(block.labels)):
        if (b, c) not in draft.entries:
            _other(draft, (b, c), block)


def _joined(draft: Draft, at: At, block: Block) -> None:
    told = separator(block.texts[at[1]])
    if told is None:
        return
    sign, ordered = told
    draft.put(at, "joined", "joined", 0.97 if ordered else 0.96, of=sign)
    if not ordered and not any(w in fold(block.labels[at[1]]) for w in words("ranking", "words")):
        said = message("imports.ask_ranked", header=block.labels[at[1]], sign=sign)
        answers: dict[str, Text] = {
            "ranked": message("imports.ranked"),
            "no-ranking": message("imports.no_ranking"),
        }
        draft.ask_choice("joined", said, answers)


def _ranks(draft: Draft, b: int, columns: list[int]) -> None:
    """Tell the ranks of columns by their headers; by their order where no header says any."""
    block = draft.export.blocks[b]
    said = {c: place_of(block.labels[c]) for c in columns}
    known = [p for p in said.values() if p is not None]
    starts = [c for c in columns if said[c] == 1]
    whole = len(known) == len(columns)
    for c in columns:
        group = sum(s <= c for s in starts)
        rank = said[c]
        if rank is None:
            draft.put((b, c), OPEN, "rank-unknown", 0.0)
            asked = message("imports.ask_rank", header=block.labels[c])
            left = [k for k in range(1, len(columns) + 1) if k not in known]
            answers: dict[str, Text] = {str(k): message("imports.place_in", k=k) for k in left}
            answers["aside"] = message("imports.role.aside")
            draft.ask(block.column_name(c), asked, answers)
        else:
            sure = 0.98 if whole and group else 0.9
            draft.put((b, c), "rank", "rank-header", sure, of=str(rank))
    ranks = sorted(set(known))
    if ranks and ranks != list(range(1, max(ranks) + 1)):
        lacking = [k for k in range(1, max(ranks)) if k not in ranks]
        text = message("imports.ask_lacking_rank", ranks=[str(k) for k in lacking])
        draft.ask_choice("ranks", text, {"as-they-are": message("imports.ranks_as_they_are")})


def _items(draft: Draft, block: Block, chosen: list[int], joined: list[int]) -> None:
    """Ask about words that are no indicator's own name, though others of the column are."""
    for c in chosen:
        texts = [t for t in block.texts[c] if not blank_kind(t)]
        if c in joined:
            told = separator(texts)
            texts = [p for t in texts for p in t.split(told[0] if told else "\n")]
        for text in sorted({fold(t) for t in texts if t.strip()} - set(draft.items)):
            found = draft.finder.find(text)
            if found.codes and found.reason != "like":
                continue
            draft.items[text] = OPEN
            asked = message("imports.ask_item", text=text)
            draft.ask(f"items.{text}", asked, listed(draft, found.among or (found.name,)))


def _places(draft: Draft, b: int, places: dict[int, Found]) -> None:
    """Take columns headed by an indicator as places; which end is best has to be said."""
    block = draft.export.blocks[b]
    for c, found in places.items():
        tracks = tuple(t for t in found.codes if not found.tracks or t in found.tracks)
        codes = " | ".join(dict.fromkeys(found.codes[t] for t in tracks))
        draft.put((b, c), "place", found.reason, found.confidence, of=codes, tracks=tracks)
    numbers = {numeric(t) for c in places for t in block.texts[c] if not blank_kind(t)}
    if numbers <= {0.0, 1.0}:
        draft.ask_choice(
            "places",
            message("imports.ask_marks"),
            {"no-ranking": message("imports.no_ranking")},
        )
        return
    said = any(w in fold(block.labels[c]) for c in places for w in words("ranking", "words"))
    if not said:
        answers: dict[str, Text] = {
            "one-is-first": message("imports.one_is_first"),
            "one-is-last": message("imports.one_is_last"),
        }
        draft.ask_choice("places", message("imports.ask_places"), answers)


def _other(draft: Draft, at: At, block: Block) -> None:
    label, platform = block.labels[at[1]], draft.export.platform
    taken = {e.taken for (b, _), e in draft.entries.items() if b == at[0]}
    known = platform.aside if platform else frozenset()
    serial = len(set(block.texts[at[1]])) == len(block.rows)
    if "respondent" not in taken and serial and headed(label, words("roles", "respondent")):
        draft.put(at, "respondent", "serial", 0.98)
        return
    if fold(label) in known or fold(label) in words("aside", "exact"):
        draft.put(at, "aside", "platform")
        return
    name = (*words("roles", "enterprise"), *words("roles", "name"))
    for role, known_words in (("enterprise", name), ("weight", words("roles", "weight"))):
        if role not in taken and headed(label, known_words):
            draft.put(at, role, "header")
            return
    for key in keys("attributes"):
        if "segment" not in taken and headed(label, words("attributes", key)):
            draft.put(at, "segment", "attribute", of=key)
            return
    draft.put(at, "aside", "no-indicator")
