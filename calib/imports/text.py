"""Texts of exports made comparable: widths, numbers before questions, letters before options."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["bare", "fold", "option_parts", "parts_of", "segments", "unnumbered"]

_CIRCLED = str.maketrans({chr(0x2460 + i): f"{i + 1}、" for i in range(20)})
"""Circled numbers stand before items like "1、"; NFKC would run them into what follows."""
_UNSEEN = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_SPACE = re.compile(r"\s+")
_SIGNS = re.compile(r"[\W_]+")
_QUESTION = re.compile(
    r"""^\s*(?: 第\s*\d{1,3}\s*题 | 问题\s*\d{1,3} | q(?:uestion\s*)?\d{1,3}(?:[_.\-]\d+)?
    | [a-z]?\d{1,3}(?=\s*[.、:)\]]) | [(\[]\s*\d{1,3}\s*[)\]] )\s*[.、:)\]\-_]*\s*""",
    re.VERBOSE,
)
"""The number before a question or an item, in folded text."""
_SIGN = r"[.、:)\]\-=]+"
_LETTER = re.compile(rf"^\s*[(\[]?([a-j])[)\]]?(?:\s*{_SIGN}\s*(.*)|\s+(.+)|)$", re.DOTALL)
_ORDINAL = re.compile(
    rf"^\s*[(\[]?(\d{{1,2}})[)\]]?(?:\s*{_SIGN}\s*(\D.*)|\s+(\D.*)|)$"
    r"|^\s*(?:(\d{1,2})\s*[、:]|[(\[](\d{1,2})[)\]]|(\d{1,2})[)\]])\s*(\d.*)$",
    re.DOTALL,
)
"""A number before an option; before another number only with a sign that no number has in it."""
_GRADE = re.compile(r"^\s*(?:l|lv|level|step|option|选项)?\s*(\d{1,2})\s*星?\s*$")
"""A number with the word for what it counts: L3, level 3, 3星."""
_CODE = re.compile(r"^ao?0?([1-9]\d?)$")
"""Codes that LimeSurvey gives to answers: A1, AO01."""
_SEGMENT = re.compile(r"""[\[\]()【】《》「」"'“”:;,.?!、。|/>\n]|\s[-–—]\s|--|——""")

_PART = re.compile(r"""[\[\]()【】《》「」"'“”:;?!。|_\n]|\s[-–—]\s|--|——""")


def fold(text: str) -> str:
    """Return text in one width and case (NFKC), without unseen characters and extra spaces.

    Examples
    --------
    >>> fold("  Ｑ１２．Smart\u200b  lines ")
    'q12.smart lines'
    """
    plain = _UNSEEN.sub("", unicodedata.normalize("NFKC", text.translate(_CIRCLED)))
    return _SPACE.sub(" ", plain).strip().casefold()


def bare(text: str) -> str:
    """Return folded text without spaces and punctuation, for comparison.

    Examples
    --------
    >>> bare("Human–machine connection?")
    'humanmachineconnection'
    """
    return _SIGNS.sub("", fold(text))


def unnumbered(text: str) -> str:
    """Return a question or item without the number before it.

    Examples
    --------
    >>> unnumbered("Q12. sensing devices"), unnumbered("3D printing"), unnumbered("16. MBE")
    ('sensing devices', '3d printing', 'mbe')
    """
    folded = fold(text)
    return _QUESTION.sub("", folded, count=1) or folded


def segments(text: str) -> list[str]:
    """Return the parts of a question between brackets, colons and the like, none empty.

    Examples
    --------
    >>> segments("[devices] sensing: how many?")
    ['devices', 'sensing', 'how many']
    """
    return [s.strip() for s in _SEGMENT.split(unnumbered(text)) if s.strip()]


def parts_of(text: str) -> list[str]:
    """Return the parts of a question like :func:`segments`, lists of words left whole.

    Examples
    --------
    >>> parts_of("3. devices | machines, robots?")
    ['devices', 'machines, robots']
    """
    return [s.strip() for s in _PART.split(unnumbered(text)) if s.strip()]


def option_parts(text: str) -> tuple[int | None, str]:
    """Return the place that a letter or number before an option gives, and the option's text.

    Examples
    --------
    >>> option_parts("A.under 20%"), option_parts("C"), option_parts("4"), option_parts("2) some")
    ((1, 'under 20%'), (3, ''), (4, ''), (2, 'some'))
    >>> option_parts("3、40%-60%"), option_parts("②20%以下"), option_parts("L4")
    ((3, '40%-60%'), (2, '20%以下'), (4, ''))
    >>> option_parts("20% to 40%")
    (None, '20% to 40%')
    """
    folded = fold(text)
    match = _CODE.match(folded)
    if match:
        return int(match[1]), ""
    match = _LETTER.match(folded)
    if match and (match[2] is not None or match[3] is None):
        return ord(match[1]) - ord("a") + 1, (match[2] or "").strip()
    match = _ORDINAL.match(folded)
    if match and match[1]:
        return int(match[1]), (match[2] or match[3] or "").strip()
    if match:
        return int(match[4] or match[5] or match[6]), match[7].strip()
    match = _GRADE.match(folded)
    if match:
        return int(match[1]), ""
    return None, folded
