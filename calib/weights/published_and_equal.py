"""Sets that need no data: the published weights of a framework, and equal ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calib._types import FloatArray
from calib.framework import Framework
from calib.weights.uncertainty import Local, derive
from calib.weights.weightset import WeightSet, check_level
from calib.words import Text, joined, message

__all__ = ["equal_weights", "published_weights"]


def published_weights(framework: Framework) -> WeightSet:
    """Return the published weights of a framework."""
    notes: list[Text] = []
    for (track, parent), total in framework.printed_sums.items():
        under = parent or message("framework.root")
        notes.append(
            message("provenance.printed_sum", parent=under, track=track, total=f"{total:g}")
        )
    if framework.equal_families:
        notes.append(message("provenance.unstated"))
    return WeightSet.build(
        framework,
        "published",
        framework.published,
        source="published",
        detail=joined(notes or [message("provenance.as_printed")], message("words.semicolon")),
        label=message("provenance.published"),
        inputs={f"framework {framework.code} {framework.version}": framework.digest},
    )


def equal_weights(
    framework: Framework,
    *,
    levels: Sequence[str] | str | None = None,
    base: WeightSet | None = None,
) -> WeightSet:
    """Return equal local weights on some levels, and those of ``base`` on the others.

    Parameters
    ----------
    levels : codes of levels made equal, or one; None for all of them
    base : the published weights if None
    """
    base = base or published_weights(framework)
    known = [c for c, _ in framework.levels]
    if isinstance(levels, str):
        levels = (levels,)
    for level in levels or ():
        check_level(framework, level)
    depths = {framework.level_depth(c) for c in (known if levels is None else levels)}

    def equalised(local: Local) -> Local:
        out: dict[str, FloatArray] = {}
        for t, tree in framework.tracks.items():
            values = np.array(local[t])
            for family in tree.families:
                if int(tree.depth[family.members[0]]) in depths or levels is None:
                    values[..., family.members] = 1 / len(family.members)
            out[t] = values
        return out

    local = equalised(base.local)
    names = dict(framework.levels)
    what = joined(
        [message("provenance.all_levels")] if levels is None else [names[c] for c in levels]
    )
    return WeightSet.build(
        framework,
        "equal",
        local,
        source="equal",
        detail=message("provenance.equal", what=what, base=base.called),
        label=message("provenance.equal_label"),
        inputs={base.name: base.digest},
        synthetic=levels is not None and base.provenance.synthetic,
        uncertainty=None if levels is None else derive([base], lambda sets, _: equalised(sets[0])),
    )
