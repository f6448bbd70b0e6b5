"""Text files in the encodings that Chinese and Western programs write."""

from __future__ import annotations

from pathlib import Path

from calib.errors import InputError
from calib.words import Text, message

__all__ = ["decode"]


def decode(raw: bytes, file: Path) -> tuple[str, tuple[Text, ...]]:
    """Return a text file's contents, and a note where its encoding had to be found out.

    UTF-8 and UTF-16 say what they are. GB18030 and Big5 do not, and a text of one often reads as
    garbage of the other without an error; the one whose characters are commoner is taken.

    Raises
    ------
    InputError
        When no encoding fits.
    """
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _utf16(raw, file), (message("tables.read_as", file=file.name, encoding="UTF-16"),)
    try:
        return raw.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        pass
    fits: dict[str, str] = {}
    for encoding in ("gb18030", "big5"):
        try:
            fits[encoding] = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    if not fits:
        raise InputError(message("faults.neither_utf_utf_nor_gb", file=file))
    best = max(fits, key=lambda encoding: _commonness(fits[encoding]))
    note = message("tables.read_as", file=file.name, encoding=best.upper())
    return fits[best], (note,)


def _utf16(raw: bytes, file: Path) -> str:
    try:
        return raw.decode("utf-16")
    except UnicodeDecodeError as exc:
        raise InputError(message("faults.neither_utf_utf_nor_gb", file=file)) from exc


def _commonness(text: str) -> float:
    """Return the share of a text's Chinese characters that are in everyday use.

    GB 2312 holds its 3,755 everyday characters in rows 16–55 (leading bytes B0–D7), Big5 its
    5,401 in rows A4–C6; text read in the wrong encoding falls outside both half of the time.
    """
    letters = {c for c in text if _is_chinese(ord(c))}
    if not letters:
        return 1.0
    return sum(_everyday(c) for c in letters) / len(letters)


def _is_chinese(code: int) -> bool:
    """Return whether a character is Chinese, or of the private use that garbage decodes to."""
    return 0x3400 <= code <= 0x9FFF or 0xE000 <= code <= 0xF8FF


def _everyday(letter: str) -> bool:
    for encoding, low, high in (("gb2312", 0xB0, 0xD7), ("big5", 0xA4, 0xC6)):
        try:
            lead = letter.encode(encoding)[0]
        except UnicodeEncodeError:
            continue
        if low <= lead <= high:
            return True
    return False
