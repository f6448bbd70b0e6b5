"""Source ``entropy``: weights from how much the population differs, as a check on judgement."""

from __future__ import annotations

import numpy as np

from calib._types import FloatArray
from calib.errors import InputError
from calib.experiment.context import Context
from calib.experiment.registry import Params, Source
from calib.rating import Scored, node_scores
from calib.rating.subject import complete_only
from calib.report import Note
from calib.weights import Weighed, WeightSet, entropy_weights, published_weights
from calib.words import message

__all__ = ["ENTROPY"]


class EntropyParams(Params):
    """``entropy``: entropy weights among siblings on ``levels``; other levels as in ``base``.

    First-level weights are shared by the tracks, so they are computed over all enterprises.
    """

    levels: tuple[str, ...] | None = None
    base: str | None = None


def _build(context: Context, name: str, params: EntropyParams) -> Weighed:
    framework = context.framework
    base = context.set(params.base) if params.base else published_weights(framework)
    known = [code for code, _ in framework.levels]
    unknown = [level for level in params.levels or () if level not in known]
    if unknown:
        raise InputError(message("provenance.no_level", level=unknown[0], known=known))
    what = message("provenance.entropy_label")
    whole, left_out = complete_only(context.scored, "leave-out", what)
    depths = {framework.level_depth(level) for level in params.levels or known}
    # Deepest level first: a node's score depends on the weights below it.
    local = {t: np.array(v) for t, v in base.local.items()}
    for depth in sorted(depths, reverse=True):
        scores = _scores(whole, local)
        if depth == 1 and framework.shared:
            _set_shared(context, local, scores)
            continue
        for t, values in scores.items():
            tree = framework.tracks[t]
            for family in tree.families:
                members = family.members
                if int(tree.depth[members[0]]) == depth and len(members) > 1:
                    local[t][members] = entropy_weights(values[:, members])
    weights = WeightSet.build(
        framework, name, local, source="entropy", label=message("provenance.entropy_label"),
        detail=message("provenance.entropy", levels=list(params.levels or known), base=base.called),
        inputs={base.name: base.digest, context.scored.label: context.scored.digest},
        synthetic=context.scored.synthetic or base.provenance.synthetic,
    )  # fmt: skip
    note = Note(message("provenance.entropy_note", name=name))
    return Weighed(weights, notes=(note, *left_out))


def _scores(scored: Scored, local: dict[str, FloatArray]) -> dict[str, FloatArray]:
    return {t: node_scores(s.track, s.X, local[t]) for t, s in scored.samples.items()}


def _set_shared(
    context: Context, local: dict[str, FloatArray], scores: dict[str, FloatArray]
) -> None:
    """Weigh the first level over all tracks together."""
    trees = context.framework.tracks
    first = [[trees[t].codes[i] for i in trees[t].families[0].members] for t in scores]
    if any(codes != first[0] for codes in first):
        raise InputError(message("provenance.entropy_tracks"))
    pooled = np.vstack([v[:, trees[t].families[0].members] for t, v in scores.items()])
    weights = entropy_weights(pooled)
    for tree, own in zip(trees.values(), local.values(), strict=True):
        own[tree.families[0].members] = weights


ENTROPY = Source(EntropyParams, _build, lambda p: [p.base] if p.base else [])
