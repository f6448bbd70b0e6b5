"""What reaches the terminal: any encoding is coped with, and nothing in a file can steer it."""

from __future__ import annotations

import io
import os
import re
import sys
from typing import TextIO

from calib.cli.timing import clock

__all__ = ["plain", "prepare_streams"]

_STYLE = re.compile(r"\x1b\[[\d;]*m")
"""Colour and weight of letters, as tables are set in."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and line feed, and those that turn the direction of a text."""


def plain(text: str) -> str:
    r"""Return text with its control characters spelled out.

    Examples
    --------
    >>> print(plain("a\x1b[2Jb"))
    a\x1b[2Jb
    """
    return _CONTROL.sub(_spelled, text)


def _spelled(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


class _Careful(io.TextIOWrapper):
    """A stream that passes on styles of letters, and no other control sequence.

    Where nobody reads it any more, as after ``| head``, the rest is dropped and the command goes
    on: what it still has to write into files is not lost.
    """

    def write(self, text: str) -> int:
        if own := clock():
            own.wrote(text)
        if _CONTROL.search(text):
            parts = _STYLE.split(text)
            styles = [*_STYLE.findall(text), ""]
            text = "".join(plain(p) + s for p, s in zip(parts, styles, strict=True))
        try:
            super().write(text)
        except BrokenPipeError:
            self._drop_the_rest()
        return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except BrokenPipeError:
            self._drop_the_rest()

    def _drop_the_rest(self) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)


def prepare_streams() -> None:
    r"""Make standard output take every text.

    What its encoding cannot show is spelled out (``\u4e92``). Plain ASCII is what Python falls
    back to where nobody chose an encoding; it becomes UTF-8.
    """
    sys.stdout = _careful(sys.stdout)
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(encoding=_encoding(sys.stderr), errors="backslashreplace")


def _encoding(stream: TextIO) -> str:
    return "utf-8" if stream.encoding.lower().replace("_", "-") in ("ascii", "us-ascii", "646",
        "ansi-x3.4-1968") else stream.encoding  # fmt: skip


def _careful(stream: TextIO) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper) or isinstance(stream, _Careful):
        return stream  # a test's or a notebook's own
    encoding, lines = _encoding(stream), stream.line_buffering
    return _Careful(
        stream.detach(), encoding=encoding, errors="backslashreplace", line_buffering=lines,
        write_through=False,
    )  # fmt: skip
