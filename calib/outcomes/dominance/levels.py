"""Levels of a tree by name."""

from __future__ import annotations

from collections.abc import Sequence

from calib.errors import InputError, suggest
from calib.framework import Framework
from calib.words import message

__all__ = ["level_depths", "level_name"]


def level_depths(framework: Framework, level: str | Sequence[str]) -> tuple[int, ...]:
    """Return the depths that a level, several, or ``"all"`` mean.

    Parameters
    ----------
    level : a level's code or its English name, in singular or plural; "leaves" for the
        lowest level, "all" for every level; or a sequence of those
    """
    words = [level] if isinstance(level, str) else list(level)
    deepest = max(int(t.depth.max()) for t in framework.tracks.values())
    known: dict[str, tuple[int, ...]] = {"all": tuple(range(1, deepest + 1))}
    for word in ("leaf", "leaves", "indicators"):
        known[word] = (deepest,)
    for depth, (code, name) in enumerate(framework.levels, start=1):
        plural = f"{code[:-1]}ies" if code.endswith("y") else f"{code}s"
        for word in (code, plural, name.en, name.zh):
            known[word] = (depth,)
    out: set[int] = set()
    for word in words:
        if word not in known:
            hint = suggest(word, known)
            raise InputError(
                message("dominance.fault.level", level=repr(word), framework=framework.code,
                        hint=hint, known=list(known))
            )  # fmt: skip
        out.update(known[word])
    if not out:
        raise InputError(message("dominance.fault.no_levels"))
    return tuple(sorted(out))


def level_name(framework: Framework, depth: int) -> str:
    """Return the code of the level at a depth."""
    return framework.levels[depth - 1][0] if depth <= len(framework.levels) else f"level {depth}"
