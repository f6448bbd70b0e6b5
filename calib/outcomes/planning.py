"""What more data are worth: enterprises that would no longer be misrated, and sizes to ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field, StrictInt

from calib._streams import stream, token
from calib._types import FloatArray, IntArray, Seed
from calib.errors import InputError
from calib.framework import RuleOptions
from calib.population import Population
from calib.rating import Scored, stars_by_draw
from calib.rating.subject import check_framework, scored_enterprises
from calib.report import Note, Result, Table
from calib.requests import Request, expect, takes
from calib.weights import Local, Root, Weighed, WeightSet
from calib.words import Text, joined, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ValueRequest", "ValueResult", "value_of_information"]

KINDS = {"panel": "experts", "survey": "ballots", "population": "enterprises"}
"""By the kind of a root, the option that says how many more units of it are thought of."""
_LEAST = 0.05
"""Sources that explain less than this share of a weight's variance are not asked for more."""
MOST_STARS = 20_000_000
"""Stars that are looked up for one further study; of more enterprises, fewer draws are used."""

Sizes = tuple[Annotated[StrictInt, Field(ge=1)], ...]


class ValueRequest(Request):
    """Options of :func:`value_of_information`."""

    experts: Sizes = Field((10,), description="numbers of further experts")
    ballots: Sizes = Field((100,), description="numbers of further ballots")
    enterprises: Sizes = Field((20,), description="numbers of enterprises in a further trial")
    half_width: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.05, description="half width that the interval of a local weight is to have"
    )
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = Field(
        0.9, description="level of the intervals of the weights"
    )
    size: Annotated[StrictInt, Field(ge=2, le=10_000)] = Field(
        256, description="results that the further study is imagined to have"
    )
    inner_size: Annotated[StrictInt, Field(ge=4, le=10_000, multiple_of=2)] = Field(
        256, description="draws of the weights after each of them"
    )


@dataclass(frozen=True)
class Study:
    """What a further study is worth.

    Attributes
    ----------
    root : what would be studied further
    more : units of it, such as experts; inf for so many that nothing is left to know
    fall, se : expected fall of the number of misrated enterprises, and its simulation error
    """

    root: Root
    more: float
    fall: float
    se: float


@dataclass(frozen=True, eq=False, repr=False)
class ValueResult(Result):
    """What further experts, ballots and enterprises are worth.

    Attributes
    ----------
    weights : the set whose uncertainty is looked at
    enterprises : how many are rated
    misrated : expected number whose most probable star is not the true one, with today's data
    studies : the value of each further study
    request : the options
    sizes : one row a node and a root: how many units in all the wanted half width takes

    Tables: ``value-of-information`` and ``required-sizes``.
    """

    weights: WeightSet
    enterprises: int
    misrated: float
    studies: Sequence[Study]
    request: ValueRequest
    sizes: pd.DataFrame

    @property
    def names(self) -> Mapping[str, Text]:
        """Names of nodes, tracks and levels by code."""
        return self.weights.framework.names

    def headline(self) -> Text:
        """Return how many are misrated, and what each study would change."""
        parts = [
            message(f"outcomes.value.more.{KINDS[s.root.kind]}", n=int(s.more),
                    fall=f"{max(0.0, s.fall):.2f}")
            for s in self.studies if np.isfinite(s.more)
        ]  # fmt: skip
        return message(
            "outcomes.value.headline", misrated=f"{self.misrated:.1f}", n=self.enterprises,
            parts=joined(parts) if parts else message("outcomes.value.no_studies"),
        )  # fmt: skip

    @cached_property
    def tables(self) -> Sequence[Table]:  # type: ignore[override]
        """The value of each study, and the sizes that a half width takes."""
        half = f"{self.request.half_width:g}"
        level = f"{100 * self.request.confidence:g}"
        studies = self._frame()
        return (
            Table("value-of-information", studies, message("outcomes.value.table"),
                  shown=self._labelled(studies), blank=message("outcomes.value.blank")),
            Table("required-sizes", self.sizes,
                  message("outcomes.value.sizes", half=half, level=level), 40,
                  shown=self._labelled(self.sizes), blank=message("outcomes.value.never")),
        )  # fmt: skip

    def _labelled(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a table with the roots named in the reader's language."""
        names = {s.root.label.get("en"): s.root.label for s in self.studies}
        return frame.assign(root=[names[r] for r in frame["root"]])

    def _frame(self) -> pd.DataFrame:
        import pandas as pd

        perfect = {s.root.key: s.fall for s in self.studies if not np.isfinite(s.more)}
        finite = [s for s in self.studies if np.isfinite(s.more)]
        bare = [s for s in self.studies if s.root.key not in {f.root.key for f in finite}]
        rows = [
            (s.root.kind, s.root.label.get("en"), _known(s.root.units),
             s.more if np.isfinite(s.more) else np.nan, self.misrated,
             self.misrated - s.fall if np.isfinite(s.more) else np.nan,
             s.fall if np.isfinite(s.more) else np.nan,
             s.se if np.isfinite(s.more) else np.nan, perfect[s.root.key])
            for s in [*finite, *bare]
        ]  # fmt: skip
        columns = ["root_kind", "root", "units", "more", "misrated_now", "misrated_after",
                   "misrated_fall", "misrated_fall_se", "misrated_fall_at_most"]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    @cached_property
    def notes(self) -> Sequence[Note]:  # type: ignore[override]
        """How the numbers come about, and what the weights do not rest on."""
        kinds = {s.root.kind for s in self.studies}
        absent = [message(f"outcomes.value.of.{KINDS[k]}") for k in KINDS if k not in kinds]
        out = [Note(message("outcomes.value.method"))]
        if absent:
            out.append(Note(message("outcomes.value.absent", kinds=absent)))
        return tuple(out)


@takes(ValueRequest)
def value_of_information(
    weights: WeightSet | Weighed,
    population: Population | Scored,
    *,
    request: ValueRequest,
    units: Mapping[str, float] | None = None,
    rule_options: RuleOptions | Mapping[str, str] | None = None,
    rng: Seed = None,
) -> ValueResult:
    """Return what further data are worth: the expected value of sample information (EVSI).

    Parameters
    ----------
    weights : a set with draws, or the result that made it
    population : the enterprises that are to be rated
    units : by the key of a root, how many experts, ballots or enterprises it has, where the root
        does not say so itself
    rule_options : answers to the open questions of the rating rule; the defaults if None
    rng : seed or Generator
    {options}

    Returns
    -------
    ValueResult
        An enterprise is given its most probable star. What a study is worth is by how much it
        lowers the expected number whose true star is another, before its result is known.

    Raises
    ------
    InputError
        When the weights have no draws, or enterprises lack answers.

    Notes
    -----
    Nested Monte Carlo with moment matching. A root of n units contributes d_i to the weights in
    its replicate i, the other roots as observed; d is taken about its mean. After m more units the
    contribution is known up to n / (n + m) of its variance, and what becomes known has the other
    m / (n + m) of it: with
    replicate i for the result of the study, the weights are drawn as
    ``w_j - d_j + sqrt(n / (n + m)) d_j + sqrt(m / (n + m)) d_i``, where w_j is the draw of the
    whole procedure. For normal contributions this is the conjugate analysis. Weights that would
    become negative are 0, and families sum to 1 again. The bias of a maximum over few inner draws
    is taken out by halves (antithetic).

    Sizes: the variance of a weight falls by the share of it that the root explains alone, times
    m / (n + m).

    References
    ----------
    Raiffa, H. and Schlaifer, R. (1961). Applied Statistical Decision Theory, chapter 5.
    Jalal, H. and Alarid-Escudero, F. (2018). A Gaussian approximation approach for value of
    information analysis. Medical Decision Making 38, 174-188.
    Heath, A., Manolopoulou, I. and Baio, G. (2018). Efficient Monte Carlo estimation of the
    expected value of sample information using moment matching. Medical Decision Making 38, 163-173.
    Giles, M. B. and Goda, T. (2019). Decision-making under uncertainty: using MLMC for efficient
    estimation of EVPPI. Statistics and Computing 29, 739-751.

    Examples
    --------
    >>> found = value_of_information(mixed, firms, experts=(10, 20), rng=1)  # doctest: +SKIP
    """
    chosen = weights.weights if isinstance(weights, Weighed) else weights
    call = "value_of_information(weights, population)"
    expect(call, weights=(chosen, WeightSet), population=(population, (Population, Scored)))
    scored = scored_enterprises(population, rule_options)
    check_framework([chosen], scored)
    for sample in scored.samples.values():
        sample.require_complete(message("sections.value-of-information"))
    if chosen.uncertainty is None:
        raise InputError(message("outcomes.value.decided", set=chosen.label))
    known = _Known(chosen, scored, units or {})
    generator = stream(token(rng), "value of information")
    studies = tuple(_studies(known, request, generator))
    now = known.enterprises - float(known.best(known.drawn).sum())
    return ValueResult(
        chosen, known.enterprises, now, studies, request, _sizes(known, request)
    )  # fmt: skip


class _Known:
    """What today's data say: draws of the weights, and what each root contributes to them."""

    def __init__(self, weights: WeightSet, scored: Scored, units: Mapping[str, float]) -> None:
        uncertainty = weights.uncertainty
        assert uncertainty is not None
        self.weights, self.scored = weights, scored
        self.roots = tuple(
            Root(r.key, r.kind, r.label, r.stream, units.get(r.key, r.units))
            for r in uncertainty.roots.values()
        )
        self.drawn = uncertainty.draws()
        alone = (uncertainty.draws(free=[r.key]) for r in self.roots)
        # About their mean, which need not be the point: what is expected stays what it is, however
        # much becomes known.
        self.contributions = [{t: v - v.mean(axis=0) for t, v in local.items()} for local in alone]
        self.replicates = len(next(iter(self.drawn.values())))

    @property
    def enterprises(self) -> int:
        """How many enterprises are rated."""
        return len(self.scored)

    def stars(self, local: Local) -> IntArray:
        """Return the stars (k, n) of all enterprises under draws of the weights."""
        rule, options = self.scored.framework.rule, self.scored.rule_options
        return np.concatenate([
            stars_by_draw(s.track, s.X, local[t], rule.effective(options, t))
            for t, s in self.scored.samples.items()
        ], axis=1)  # fmt: skip

    def shares(self, stars: IntArray, axis: int = 0) -> FloatArray:
        """Return how often each star (last axis) is among draws (given axis)."""
        kinds = range(self.scored.framework.rule.stars)
        return np.stack([(stars == k).mean(axis=axis) for k in kinds], axis=-1)

    def best(self, local: Local) -> FloatArray:
        """Return the probability of the most probable star of each enterprise, (n,)."""
        return np.asarray(self.shares(self.stars(local)).max(axis=-1), dtype=float)


def _known(units: float | None) -> float:
    return np.nan if units is None else float(units)


def _studies(known: _Known, request: ValueRequest, rng: np.random.Generator) -> Iterator[Study]:
    inner = request.inner_size
    outer = max(2, min(request.size, MOST_STARS // (inner * max(1, known.enterprises))))
    # The same results and draws for every study, so that their differences are not noise.
    turns = [rng.permutation(known.replicates) for _ in range(-(-outer // known.replicates))]
    result = np.concatenate(turns)[:outer, None]
    other = rng.integers(1, max(2, known.replicates), size=(outer, inner))
    draw = (result + other) % known.replicates
    for root, contribution in zip(known.roots, known.contributions, strict=True):
        asked: tuple[int, ...] = ()
        if root.units is not None and root.kind in KINDS:
            asked = getattr(request, KINDS[root.kind])
        for more in (*sorted(asked), np.inf):
            learnt = 1.0 if root.units is None else more / (root.units + more)
            learnt = 1.0 if not np.isfinite(more) else float(learnt)
            fall, se = _fall(known, contribution, learnt, (result, draw))
            yield Study(root, float(more), fall, se)


def _fall(
    known: _Known, contribution: Local, learnt: float, at: tuple[IntArray, IntArray]
) -> tuple[float, float]:
    """Return the expected fall of the misrated when a share of a root's variance becomes known."""
    result, draw = at
    after = {}
    for t, whole in known.drawn.items():
        own = contribution[t]
        values = whole[draw] - (1 - np.sqrt(1 - learnt)) * own[draw] + np.sqrt(learnt) * own[result]
        after[t] = _on_simplex(known, t, values.reshape(-1, values.shape[-1]))
    stars = known.stars(after).reshape(*draw.shape, -1)
    share = known.shares(stars, axis=1)
    half = draw.shape[1] // 2
    halves = [known.shares(part, axis=1) for part in (stars[:, :half], stars[:, half:])]
    rough = sum(h.max(axis=-1) for h in halves) / 2
    sure = (2 * share.max(axis=-1) - rough).sum(axis=-1)
    now = share.mean(axis=0).argmax(axis=-1)  # the star of each enterprise without the study
    gain = sure - np.take_along_axis(share, now[None, :, None], axis=-1).sum(axis=(1, 2))
    return float(gain.mean()), float(gain.std(ddof=1) / np.sqrt(len(gain)))


def _on_simplex(known: _Known, track: str, local: FloatArray) -> FloatArray:
    """Return weights whose families are not negative and sum to 1."""
    out = np.maximum(local, 0.0)
    for family in known.weights.framework.tracks[track].families:
        out[:, family.members] /= out[:, family.members].sum(axis=1, keepdims=True)
    return out


def _sizes(known: _Known, request: ValueRequest) -> pd.DataFrame:
    """Return how many units of each root would give every weight the wanted half width."""
    import pandas as pd

    framework = known.weights.framework
    levels = [code for code, _ in framework.levels]
    tail = (1 - request.confidence) / 2
    rows = []
    for t, tree in framework.tracks.items():
        low, high = np.quantile(known.drawn[t], [tail, 1 - tail], axis=0)
        half, variance = (high - low) / 2, known.drawn[t].var(axis=0)
        for i, node in enumerate(tree.nodes):
            shared = node.code in framework.shared
            if (shared and t != next(iter(framework.tracks))) or half[i] <= request.half_width:
                continue
            for root, contribution in zip(known.roots, known.contributions, strict=True):
                explained = min(1.0, float(contribution[t][:, i].var() / variance[i]))
                if explained < _LEAST or root.units is None:
                    continue
                level = levels[node.depth - 1] if node.depth <= len(levels) else str(node.depth)
                needed = _needed(root.units, explained, request.half_width / float(half[i]))
                rows.append(("all" if shared else t, level, node.parent, node.code,
                             known.weights.local[t][i], half[i], root.kind, root.label.get("en"),
                             root.units, needed))  # fmt: skip
    columns = ["track", "level", "parent", "code", "local_weight", "half_width", "root_kind",
               "root", "units", "units_needed"]  # fmt: skip
    found = pd.DataFrame(rows, columns=columns)
    return found.sort_values("half_width", ascending=False, kind="stable", ignore_index=True)


def _needed(units: float, explained: float, ratio: float) -> float:
    """Return the units at which a half width is ``ratio`` of today's; NaN where none is enough."""
    learnt = (1 - ratio**2) / explained
    return float(np.ceil(units / (1 - learnt) - 1e-9)) if learnt < 1 - 1e-9 else np.nan
