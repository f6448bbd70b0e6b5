"""Reverse adjustment: the front function, and what it gives back for a committee to ask about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from calib.adjustment.adjust_request import AdjustRequest, ResolvedRequest
from calib.adjustment.adjusting import Adjusted
from calib.adjustment.before_and_after import measure_table, minimised, star_moves_table
from calib.adjustment.constraint_names import place_name
from calib.adjustment.ensemble_check import EnsembleCheck
from calib.adjustment.families import Solution
from calib.adjustment.grid import GridRounding
from calib.adjustment.ledger import Ledger
from calib.adjustment.out_of_sample import OutOfSample
from calib.adjustment.refits import Refits
from calib.adjustment.relaxation import Relaxed
from calib.adjustment.rounds import Round, Rounds, round_table
from calib.adjustment.verdict import Verdict, judge
from calib.outcomes.dominance.dominance_result import DominanceResult, dominance
from calib.outcomes.dominance.moments import complete_scores, moments_of
from calib.rating import Scored, rate
from calib.report import Drawing, Note, Role, Table
from calib.weights import Evidence, LeftOut, OwnVerdict, Weighed, WeightSet, off_grid
from calib.words import Text, joined, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AdjustResult", "describe"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class AdjustResult(Weighed):
    """Adjusted weights with what proves, prices and checks them.

    Attributes
    ----------
    weights, before : the weight sets after and before
    request : the options
    spec : what they mean on the tree
    last : the adjustment of the last round, or the only one; None where no round was needed
    rounds : the rounds made, empty when adjusted at once
    stopped : why no further round was made
    ledger : everything needed to audit and replay the rounds
    check : how far the caps hold on enterprises left out, with ``draws``
    ensemble : what changes over an ensemble of samples, where one was given
    relaxed : the caps met instead, where floor and order forbid those asked, and the ways out
    verdict : whether the weights can be recommended, by which rules
    refits : the adjustment solved again, from which the draws of ``weights`` come
    measures : one row a track and capped node: weight, contribution, variance share before/after
    stars : who changes star, from what to what, and why
    synthetic : the enterprises are made up
    """

    before: WeightSet
    request: AdjustRequest
    spec: ResolvedRequest
    last: Adjusted | None
    rounds: tuple[Round, ...] = ()
    stopped: Text | None = None
    ledger: Ledger | None = None
    check: OutOfSample | None = None
    ensemble: EnsembleCheck | None = None
    relaxed: Relaxed | None = None
    verdict: Verdict
    refits: Refits
    measures: pd.DataFrame
    stars: pd.DataFrame
    synthetic: bool = False

    @property
    def solution(self) -> Solution | None:
        """Certificate, shadow prices and optima of the last adjustment."""
        return None if self.last is None else self.last.solution

    @property
    def prices(self) -> pd.DataFrame | None:
        """Constraints that hold the answer back, dearest first."""
        return None if self.last is None else self.last.prices

    @property
    def distance(self) -> pd.DataFrame | None:
        """By track, how far the weights moved, and the distance that was minimised."""
        return None if self.last is None else self.last.distance

    @property
    def rounding(self) -> Mapping[str, GridRounding]:
        """The integer programmes of the grid, by tracks and level; empty when not rounded."""
        return {} if self.last is None else self.last.rounding

    @property
    def misses(self) -> tuple[Text, ...]:
        """Target variance shares that the weights do not have on the sample's own covariance."""
        return () if self.last is None else self.last.misses

    @property
    def minimised(self) -> Text:
        """Which distance "nearest" means here."""
        return minimised(self.weights.framework, self.spec)

    @property
    def largest(self) -> dict[str, float]:
        """Largest value after adjustment of every measure that is capped, over all tracks."""
        return {m: float(self.measures[f"{m}_after"].max()) for m in self.spec.caps}

    @property
    def holds(self) -> bool:
        """Whether every cap holds after adjustment, within 1e-8."""
        return all(self.largest[m] <= c + 1e-8 for m, c in self.spec.asked.items())

    @property
    def evidence(self) -> Evidence:
        """The own verdict, and how often the caps hold on enterprises left out of the refits."""
        own = OwnVerdict(self.verdict.recommended, len(self.verdict.unknown), self.verdict.short())
        check = self.check
        left_out = () if check is None else tuple(
            LeftOut(m, self.spec.caps[m], held, check.held_before[m])
            for m, held in check.held.items()
        )  # fmt: skip
        outside = None if self.ensemble is None else self.ensemble.outside_sentence(self.names)
        return Evidence(
            left_out=left_out, caveats=() if outside is None else (outside,), verdicts=(own,)
        )

    def headline(self) -> Text:
        """Return the largest value of each capped measure before and after, and stars moved."""
        parts: list[Text] = [
            message(
                "adjustment.largest",
                measure=message(f"adjustment.measure.{m}"),
                before=float(self.measures[f"{m}_before"].max()),
                after=after,
                cap=self.spec.asked[m],
            )
            for m, after in self.largest.items()
        ]
        parts += [message("adjustment.moved", n=len(self.stars)), self.verdict.short()]
        return message(
            "adjustment.headline",
            label=self.weights.label,
            said=joined(parts, message("words.semicolon")),
        )


def describe(
    before: WeightSet,
    weights: WeightSet,
    scored: Scored,
    spec: ResolvedRequest,
    seed: int,
    *,
    last: Adjusted | None,
    made: Rounds | None,
    check: OutOfSample | None,
    refits: Refits,
    ensemble: EnsembleCheck | None,
    relaxed: Relaxed | None,
) -> AdjustResult:
    """Put together what an adjustment found.

    Parameters
    ----------
    before, weights : the weight sets before and after
    scored : the enterprises
    spec : the request on the tree
    last : the last adjustment, None where none was needed
    made : the rounds, None when adjusted at once
    check : the out-of-sample check, None when not asked for
    refits : the adjustment solved again
    ensemble : the check over an ensemble, None where there is none
    relaxed : the caps met instead of those asked, None where these are met
    seed : of sampled Shapley orders
    """
    request = spec.request
    if scored.synthetic:
        weights = _marked(weights)
    earlier, later = (_moments(scored, w) for w in (before, weights))
    measures = measure_table(before, weights, earlier, spec.on, later)
    stars = star_moves_table(rate(before, scored), rate(weights, scored))
    judged = _Judged(before, weights, scored, spec, seed)
    largest = {m: float(measures[f"{m}_after"].max()) for m in spec.caps}
    verdict = judge(
        before, weights, spec, largest, check, ensemble, 0 if last is None else len(last.misses)
    )
    tables = [
        verdict.table(),
        *(() if relaxed is None else (relaxed.table(),)),
        Table("measures", measures, message("adjustment.table.measures"), 60),
        *(judged.tables() if request.dominance else ()),
        Table("star-moves", stars, message("adjustment.table.stars")),
        *_tables(weights, spec, last, made, check, ensemble),
    ]
    return AdjustResult(
        weights,
        also={str(r.number): _marked(r.after) if scored.synthetic else r.after for r in made.rounds}
        if made
        else {},
        tables=tables,
        drawings=list(judged.drawings()),
        notes=[
            *_judged_notes(verdict, relaxed, last),
            *_ensemble_notes(ensemble, weights),
            *_notes(weights, spec, last, made, check),
        ],
        files={"ledger.json": made.ledger.text()} if made else {},
        before=before,
        request=request,
        spec=spec,
        last=last,
        rounds=made.rounds if made else (),
        stopped=made.stopped if made else None,
        ledger=made.ledger if made else None,
        check=check,
        ensemble=ensemble,
        relaxed=relaxed,
        verdict=verdict,
        refits=refits,
        measures=measures,
        stars=stars,
        synthetic=scored.synthetic,
    )


def _tables(
    weights: WeightSet,
    spec: ResolvedRequest,
    last: Adjusted | None,
    made: Rounds | None,
    check: OutOfSample | None,
    ensemble: EnsembleCheck | None,
) -> Iterator[Table]:
    """Yield the tables of those parts that there are."""
    if last is not None:
        title = message("adjustment.table.distance", minimised=minimised(weights.framework, spec))
        yield Table("prices", last.prices, message("adjustment.table.prices"))
        yield Table("distance", last.distance, title)
    if made is not None:
        yield Table("rounds", round_table(made), message("adjustment.table.rounds"))
    if check is not None:
        yield Table("refits", check.spread, message("adjustment.table.refits"), 60)
    if ensemble is not None:
        title = message("adjustment.table.ensemble", samples=ensemble.samples,
                        answered=ensemble.answered)  # fmt: skip
        yield Table("ensemble", ensemble.table, title, 60)


def _marked(weights: WeightSet) -> WeightSet:
    """Return a set that says that it was made from enterprises that are none."""
    return replace(weights, provenance=replace(weights.provenance, synthetic=True))


def _moments(scored: Scored, weights: WeightSet) -> dict[str, Any]:
    scores, _ = complete_scores(scored, weights)
    return {t: moments_of(X) for t, X in scores.items() if len(X)}


class _Judged:
    """Dominance before and after, measured when it is asked for."""

    def __init__(
        self, before: WeightSet, after: WeightSet, scored: Scored, spec: ResolvedRequest, seed: int
    ) -> None:
        self._sets = {"before": before, "after": after}
        self._scored, self._spec, self._seed = scored, spec, seed
        self._found: dict[str, DominanceResult] = {}
        framework = before.framework
        depth = spec.on
        self._level = framework.levels[depth - 1][0] if depth <= len(framework.levels) else None
        self._caps = {("variance_share" if m == "variance" else m): c for m, c in spec.caps.items()}

    def found(self, when: str) -> DominanceResult:
        if when not in self._found:
            self._found[when] = dominance(
                self._sets[when], self._scored, cap=self._caps or None, cap_level=self._level,
                rng=self._seed,
            )  # fmt: skip
        return self._found[when]

    def tables(self) -> list[Table]:
        before, after = self.found("before"), self.found("after")
        return [
            Table("dominance-before", before.measures, message("adjustment.table.before"), 0),
            Table("dominance-after", after.measures, message("adjustment.table.after"), 0),
            Table("flags", before.flags, message("adjustment.table.flags"),
                  blank=message("dominance.no_interval")),
        ]  # fmt: skip

    def drawings(self) -> Iterator[Drawing]:
        tracks = self._sets["before"].framework.tracks
        for when in self._sets:
            for t, sample in self._scored.samples.items():
                if len(sample):
                    title = message(f"adjustment.drawing.{when}", track=tracks[t].name)
                    yield Drawing(f"dominance-{when}-{t}", title, self._drawer(when, t, title),
                                  roles=(Role.STATISTIC, Role.SHARE))  # fmt: skip

    def _drawer(self, when: str, track: str, title: Text) -> Any:
        def draw(lang: str) -> Any:
            from calib.figures.dominance import dominance_comparison

            found = self.found(when)
            rows = (found.measures["track"] == track) & (found.measures["level"] == found.cap_level)
            return dominance_comparison(
                found.measures[rows], lang=lang, title=title.get(lang), caps=self._caps,
                synthetic=found.synthetic,
            )  # fmt: skip

        return draw


def _judged_notes(
    verdict: Verdict, relaxed: Relaxed | None, last: Adjusted | None
) -> Iterator[Note]:
    """Yield what a reader should know first."""
    for miss in () if last is None else last.misses:
        yield Note(miss, warning=True)
    if relaxed is not None:
        yield Note(relaxed.sentence(), warning=True)
    yield Note(verdict.sentence(), warning=not verdict.recommended)


def _ensemble_notes(ensemble: EnsembleCheck | None, weights: WeightSet) -> Iterator[Note]:
    outside = None
    if ensemble is not None:
        outside = ensemble.outside_sentence(weights.framework.names)
    if outside is not None:
        yield Note(outside, warning=True)


def _notes(
    weights: WeightSet,
    spec: ResolvedRequest,
    last: Adjusted | None,
    made: Rounds | None,
    check: OutOfSample | None,
) -> Iterator[Note]:
    grid = spec.request.grid
    if made is not None:
        yield Note(made.stopped, warning=not made.holds)
    if last is not None:
        yield Note(minimised(weights.framework, spec))
        if last.solution.certificate is not None:
            yield Note(last.solution.search())
        for said in last.notes:
            yield Note(said)
        for where, r in last.rounding.items():
            yield Note(r.sentence(place_name(where, weights.framework)))
    if check is not None:
        yield Note(check.sentence(), warning=True)
        if check.failed:
            yield Note(message("adjustment.note.kept_full", n=check.failed, draws=check.draws),
                       warning=True)  # fmt: skip
    if grid:
        yield Note(message("adjustment.note.draws_rounded"))
    parents = [p or message("adjustment.root") for p in off_grid(weights, grid)] if grid else []
    if parents:
        yield Note(message("adjustment.note.off_grid", grid=grid, parents=parents))
