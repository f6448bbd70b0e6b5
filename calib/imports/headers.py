"""What headers and words of tracks say, in any kind of export."""

from __future__ import annotations

import re
from collections.abc import Sequence

from calib.framework import Framework
from calib.imports.export import Block
from calib.imports.mapping import OPEN
from calib.imports.option_texts import blank_kind
from calib.imports.text import bare, fold, option_parts, unnumbered
from calib.imports.vocabulary import words

__all__ = ["headed", "track_column", "track_words"]


def headed(label: str, known: Sequence[str]) -> bool:
    """Return whether a header is one of the known ones, or contains a long one."""
    folded = unnumbered(label)
    parts = {folded, fold(label), *(p.strip() for p in re.split(r"[|:(\[]", folded))}
    return any(w in parts or ((len(w) > 3 or _wide(w)) and w in folded) for w in known)


def _wide(word: str) -> bool:
    """Return whether a word of two or three characters is long enough: Chinese ones are."""
    return len(word) > 1 and ord(word[0]) > 0x2E7F and len(word) > 2


def track_words(framework: Framework, texts: Sequence[str]) -> dict[str, str] | None:
    """Return the track that each text of a column means, None if one of them means none."""
    found: dict[str, str] = {}
    for text in {t for t in texts if not blank_kind(t)}:
        rest = option_parts(text)[1] or text
        code = framework.track(text) or framework.track(rest)
        if code is None:
            hits = [
                t
                for t, track in framework.tracks.items()
                if any(
                    bare(w) in bare(rest) for w in (track.name.zh, track.name.en, *track.aliases)
                )
            ]
            code = hits[0] if len(hits) == 1 else None
        if code is None:
            return None
        found[text] = code
    return found or None


def track_column(framework: Framework, block: Block) -> tuple[int, dict[str, str]] | None:
    """Return the column that says each row's track, with its words; None if none does.

    A column that is headed like one and holds other words comes with ``"?"`` for each.
    """
    if len(framework.tracks) < 2:
        return None
    worded, telling = [], []
    for c, label in enumerate(block.labels):
        if headed(label, words("roles", "track")):
            worded.append(c)
        found = track_words(framework, block.texts[c])
        if found:
            telling.append((c, found))
    best = [t for t in telling if t[0] in worded] or telling
    if len(best) == 1 or (best and best[0][0] in worded):
        return best[0]
    few = [c for c in worded if len({t for t in block.texts[c] if not blank_kind(t)}) <= 4]
    if not best and len(few) == 1:
        texts = sorted({t for t in block.texts[few[0]] if not blank_kind(t)})
        own = {t: (track_words(framework, [t]) or {t: OPEN})[t] for t in texts}
        return few[0], own
    return None
