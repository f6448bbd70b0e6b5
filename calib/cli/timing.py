"""How long a command takes: told while it works, and at its end."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TextIO

__all__ = ["Clock", "clock", "held", "tell", "timed", "working"]

PATIENCE = 1.0
"""Seconds for which nothing is said."""
_CLEAR = "\r\x1b[K"


class Clock:
    """A line on a terminal that says what is being done and for how long.

    It is cleared whenever something else is written, and does not stand beside a question.
    Elsewhere than on a terminal nothing is shown while the command works.

    Parameters
    ----------
    stream : where it is shown
    patience : seconds before it is shown, and over which the whole time is told
    """

    def __init__(self, stream: TextIO | None = None, patience: float = PATIENCE) -> None:
        self.stream = stream or sys.stderr
        self.patience = patience
        self.start = time.monotonic()
        self.text = ""
        self._shown = False
        self._held = not self.stream.isatty()
        self._asking = False
        self._quiet_since = self.start
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)
        if not self._held:
            self._thread.start()

    @property
    def seconds(self) -> float:
        """Seconds since the command began."""
        return time.monotonic() - self.start

    def _tick(self) -> None:
        from calib.words import say

        while not self._end.wait(0.25):
            with self._lock:
                waited = time.monotonic() - self._quiet_since
                if self._held or self._asking or waited < self.patience:
                    continue
                said = say("cli.working", text=self.text, seconds=f"{self.seconds:.0f}").strip()
                self.stream.write(f"{_CLEAR}{said}")
                self.stream.flush()
                self._shown = True

    def wrote(self, text: str) -> None:
        """Make room for what is written next; a text without an end of line is a question."""
        with self._lock:
            self._clear()
            self._asking = bool(text) and not text.endswith("\n")
            self._quiet_since = time.monotonic()

    def hold(self, held: bool) -> None:
        """Leave the terminal to something else that shows progress, or take it back."""
        with self._lock:
            self._clear()
            self._held = held or not self.stream.isatty()

    def stop(self) -> None:
        """Show nothing more."""
        self._end.set()
        with self._lock:
            self._held = True
            self._clear()

    def _clear(self) -> None:
        if self._shown:
            self.stream.write(_CLEAR)
            self.stream.flush()
            self._shown = False


_CURRENT: list[Clock] = []


def clock() -> Clock | None:
    """Return the clock of the command that is running, None if it has none."""
    return _CURRENT[-1] if _CURRENT else None


@contextlib.contextmanager
def timed(
    on: bool = True, *, patience: float = PATIENCE, language: Callable[[], str] = lambda: "en"
) -> Iterator[None]:
    """Run a command with a clock, and tell its time at the end if it took a while.

    Parameters
    ----------
    language : what the command spoke, asked at its end
    """
    from calib.words import say

    if not on:
        yield
        return
    own = Clock(patience=patience)
    _CURRENT.append(own)
    try:
        yield
    finally:
        own.stop()
        _CURRENT.remove(own)
    if own.seconds >= patience:
        print(say("cli.took", language(), seconds=f"{own.seconds:.1f}"), file=own.stream)


def working(text: str) -> None:
    """Say what the running command is doing; shown if it takes a while."""
    if own := clock():
        own.text = text


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Leave the terminal to a progress bar."""
    own = clock()
    if own:
        own.hold(True)
    try:
        yield
    finally:
        if own:
            own.hold(False)


def tell(text: str) -> None:
    """Say a step of a long command on standard error, with the time since the command began."""
    own = clock()
    if own is None:
        print(text, file=sys.stderr)
        return
    own.wrote("\n")
    print(say_at(text, own.seconds), file=own.stream)
    own.text = text


def say_at(text: str, seconds: float) -> str:
    """Return a step with the time at which it began."""
    from calib.words import say

    return say("cli.at", text=text, seconds=f"{seconds:.0f}") if seconds >= 1 else text
