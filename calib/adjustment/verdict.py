"""Whether adjusted weights can be recommended: rules with thresholds, findings, and a sentence.

Reverse adjustment minimises a distance under caps and knows nothing else. What a committee would
refuse (a weight that vanishes, an order turned round, few indicators left to decide, caps that hold
only on the enterprises at hand) is judged afterwards, by the rules of
:class:`calib.adjustment.adjust_request.VerdictRules`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from calib.adjustment.adjust_request import ResolvedRequest, VerdictRules
from calib.adjustment.constraint_names import place_name
from calib.adjustment.ensemble_check import EnsembleCheck
from calib.adjustment.out_of_sample import OutOfSample
from calib.framework import Framework, Track
from calib.report import Column, Role, Table
from calib.weights import WeightSet
from calib.words import Text, joined, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Finding", "Verdict", "judge"]


_SAME = 1e-9
_AT_BOUND = 1e-6
_FEW = 6


@dataclass(frozen=True, eq=False)
class Finding:
    """One rule, and what was found.

    Attributes
    ----------
    rule : its name
    threshold, measured : what it asks for and what was found; NaN where not known
    asked, found : the same in words
    verdict : "met", "not_met" or "cannot_know"
    """

    rule: str
    threshold: float
    measured: float
    asked: Text
    found: Text
    verdict: Literal["met", "not_met", "cannot_know"]

    @property
    def title(self) -> Text:
        """The name of the rule in words."""
        return message(f"adjustment.rule.{self.rule}")

    def sentence(self) -> Text:
        """Return rule and finding."""
        return message("adjustment.verdict.finding", rule=self.title, found=self.found)


@dataclass(frozen=True)
class Verdict:
    """The findings of every rule that was asked for.

    Attributes
    ----------
    findings : in the order in which a reader should see them
    """

    findings: tuple[Finding, ...]

    @property
    def against(self) -> tuple[Finding, ...]:
        """The findings that do not meet their rule."""
        return tuple(f for f in self.findings if f.verdict == "not_met")

    @property
    def unknown(self) -> tuple[Finding, ...]:
        """The rules that could not be checked."""
        return tuple(f for f in self.findings if f.verdict == "cannot_know")

    @property
    def recommended(self) -> bool:
        """Whether no rule speaks against the weights."""
        return not self.against

    def sentence(self) -> Text:
        """Return the verdict in words, with its reasons."""
        comma = message("words.semicolon")
        if self.against:
            why = joined([f.sentence() for f in self.against], comma)
            return message("adjustment.verdict.not_recommended", reasons=why)
        return self._as_far_as_checked() or message("adjustment.verdict.recommended")

    def _as_far_as_checked(self) -> Text | None:
        """Name the rules that could not be checked; None where all were."""
        if not self.unknown:
            return None
        titles = {f.rule: f.title for f in self.unknown}
        what = joined([*titles.values()], message("words.semicolon"))
        return message("adjustment.verdict.as_far_as_checked", unchecked=what)

    def short(self) -> Text:
        """Return the verdict with the names of the rules that are not met, for a headline.

        Where none speaks against the weights, those that could not be checked are named.
        """
        if not self.against:
            return self._as_far_as_checked() or message("adjustment.verdict.yes")
        first = {f.rule: f.title for f in self.against}
        rules = joined([*first.values()], message("words.semicolon"))
        return message("adjustment.verdict.no", rules=rules)

    def table(self) -> Table:
        """Return every rule with threshold, finding and verdict."""
        return Table("verdict", self._frame(words=False), message("adjustment.table.verdict"),
                     shown=self._frame(words=True), declared=_COLUMNS)  # fmt: skip

    def _frame(self, *, words: bool) -> pd.DataFrame:
        import pandas as pd

        def said(text: Text) -> Any:
            return text if words else text.get("en")

        rows = [
            (f.title if words else f.rule, said(f.asked), said(f.found), f.threshold, f.measured,
             f.verdict)
            for f in self.findings
        ]  # fmt: skip
        columns = ["rule", "asked", "found", "threshold", "measured", "verdict"]
        return pd.DataFrame(rows, columns=columns)


_COLUMNS = (
    Column("rule", Role.GROUP, coded="word"),
    Column("asked", Role.GROUP),
    Column("found", Role.TEXT),
    Column("threshold", Role.STATISTIC),
    Column("measured", Role.STATISTIC),
)


def judge(
    before: WeightSet,
    after: WeightSet,
    spec: ResolvedRequest,
    largest: Mapping[str, float],
    check: OutOfSample | None,
    ensemble: EnsembleCheck | None,
    misses: int = 0,
) -> Verdict:
    """Judge adjusted weights by the rules of their request.

    Parameters
    ----------
    before, after : weight sets
    spec : the request on the tree
    largest : largest value after adjustment, by capped measure
    check : the check on enterprises left out, None where there was none
    ensemble : the check over an ensemble of samples, None where there is none
    misses : families whose target shares are not met
    """
    rules = spec.request.verdict
    case = _Case(before, after, spec, rules)
    found = [
        *_targets(misses), *_caps(spec, largest),
        *case.vanished(), *case.reversed(), *case.effective(),
        *_out_of_sample(rules, spec, check),
        *_over_ensemble(rules, spec, ensemble, after.framework),
        *case.at_bound(),
    ]  # fmt: skip
    return Verdict(tuple(found))


def _finding(
    rule: str, threshold: float, measured: float, met: bool, found: Text, **more: object
) -> Finding:
    asked = message(f"adjustment.asked.{rule}", threshold=threshold, **more)
    return Finding(rule, threshold, measured, asked, found, "met" if met else "not_met")


def _targets(misses: int) -> Iterator[Finding]:
    if misses:
        found = message("adjustment.found.targets", n=misses)
        yield _finding("targets", 0.0, float(misses), False, found)


def _caps(spec: ResolvedRequest, largest: Mapping[str, float]) -> Iterator[Finding]:
    for m, cap in spec.asked.items():
        measure = message(f"adjustment.measure.{m}")
        yield _finding(
            "caps", cap, largest[m], largest[m] <= cap + 1e-8,
            message("adjustment.found.caps", measure=measure, value=largest[m]), measure=measure,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Case:
    """What can be judged from the weights alone."""

    before: WeightSet
    after: WeightSet
    spec: ResolvedRequest
    rules: VerdictRules

    def _tracks(self) -> Iterator[tuple[Track, np.ndarray, np.ndarray, np.ndarray]]:
        """Yield tracks with their local weights before and after, and which nodes may move."""
        for t, track in self.before.framework.tracks.items():
            moves = np.isin(track.depth, self.spec.depths)
            yield track, self.before.local[t], self.after.local[t], moves

    def vanished(self) -> Iterator[Finding]:
        if not self.rules.vanished:
            return
        gone = [
            _at(track, int(i))
            for track, old, new, moves in self._tracks()
            for i in np.flatnonzero(moves & (old > _SAME) & (new <= _SAME))
        ]
        found = _named("vanished", gone)
        yield _finding("vanished", 0.0, float(len(gone)), not gone, found)

    def at_bound(self) -> Iterator[Finding]:
        if self.rules.at_bound is False:
            return
        worst, named = 0.0, []
        for track, old, new, moves in self._tracks():
            low, high = self._bounds(track, old)
            stuck = moves & (old > _SAME) & ((new <= low + _AT_BOUND) | (new >= high - _AT_BOUND))
            stuck &= np.abs(new - old) > _AT_BOUND
            named += [_at(track, int(i)) for i in np.flatnonzero(stuck)]
            worst = max(worst, float(stuck.sum() / max(int(moves.sum()), 1)))
        limit = float(self.rules.at_bound)
        yield _finding("at_bound", limit, worst, worst <= limit, _named("at_bound", named))

    def _bounds(self, track: Track, old: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest and highest local weight allowed to each node."""
        low, high = self.spec.least * old, np.ones(len(old))
        for bound in self.spec.bounds:
            for i, code in enumerate(track.codes):
                pair = bound.get(code) if isinstance(bound, Mapping) else bound
                if pair is not None:
                    low[i], high[i] = max(low[i], pair[0]), min(high[i], pair[1])
        return low, high

    def reversed(self) -> Iterator[Finding]:
        if not self.rules.reversed:
            return
        pairs = []
        for track, old, new, moves in self._tracks():
            for family in track.families:
                if not moves[family.members[0]]:
                    continue
                for i, j in combinations(map(int, family.members), 2):
                    a, b = (i, j) if old[i] >= old[j] else (j, i)
                    if old[a] > old[b] + _SAME and new[a] < new[b] - _SAME:
                        pairs.append(
                            message("adjustment.found.pair", higher=_at(track, b),
                                    lower=track.nodes[a].name)
                        )  # fmt: skip
        yield _finding("reversed", 0.0, float(len(pairs)), not pairs, _named("reversed", pairs))

    def effective(self) -> Iterator[Finding]:
        if self.rules.effective is False:
            return
        least, said = np.inf, []
        for t, track in self.before.framework.tracks.items():
            nodes = track.at_depth(self.spec.on)
            old, new = (_effective(track.global_weights(w.local[t])[nodes])
                        for w in (self.before, self.after))  # fmt: skip
            if new / old <= least:
                least = new / old
                text = "adjustment.found.effective"
                said = [message(text, track=track.name, before=old, after=new)]
        limit = float(self.rules.effective)
        yield _finding("effective", limit, float(least), least >= limit - _SAME, said[0])


def _effective(g: np.ndarray) -> float:
    """Return the effective number of weights: 1 / Σ g² of weights that sum to 1."""
    return float(g.sum() ** 2 / np.sum(g**2))


def _at(track: Track, node: int) -> Text:
    return message("adjustment.found.node", track=track.name, node=track.nodes[node].name,
                   code=track.codes[node])  # fmt: skip


def _named(rule: str, which: Sequence[Text]) -> Text:
    if not which:
        return message("adjustment.found.none")
    return message(f"adjustment.found.{rule}", n=len(which), which=which[:_FEW],
                   more="" if len(which) <= _FEW else " …")  # fmt: skip


def _unknown(rule: str, threshold: float, why: str) -> Finding:
    asked = message(f"adjustment.asked.{rule}", threshold=threshold)
    found = message(f"adjustment.found.{why}")
    return Finding(rule, threshold, float("nan"), asked, found, "cannot_know")


def _out_of_sample(
    rules: VerdictRules, spec: ResolvedRequest, check: OutOfSample | None
) -> Iterator[Finding]:
    if rules.out_of_sample is False or not spec.caps:
        return
    least = float(rules.out_of_sample)
    if check is None:
        yield _unknown("out_of_sample", least, "no_refits")
        return
    for m, after in check.held.items():
        before = check.held_before[m]
        found = message("adjustment.found.out_of_sample", before=before, after=after,
                        measure=message(f"adjustment.measure.{m}"), failed=check.failed,
                        draws=check.draws)  # fmt: skip
        yield _finding(
            "out_of_sample", least, after - before, after - before >= least - _SAME, found
        )


def _over_ensemble(
    rules: VerdictRules, spec: ResolvedRequest, ensemble: EnsembleCheck | None, framework: Framework
) -> Iterator[Finding]:
    if not spec.caps:
        return
    if rules.same_nodes is not False:
        least = float(rules.same_nodes)
        if ensemble is None:
            yield _unknown("same_nodes", least, "no_ensemble")
        else:
            where, share = ensemble.least_shared()
            found = message(
                "adjustment.found.same_nodes", where=place_name(where, framework), share=share,
                samples=ensemble.samples,
            )  # fmt: skip
            if not where:
                found = message("adjustment.found.none_over")
            yield _finding("same_nodes", least, share, share >= least - _SAME, found)
    if rules.holds_over_ensemble is not False and ensemble is not None:
        least = float(rules.holds_over_ensemble)
        gain = ensemble.held - ensemble.held_before
        found = message("adjustment.found.holds_over_ensemble", before=ensemble.held_before,
                        after=ensemble.held, samples=ensemble.samples)  # fmt: skip
        yield _finding("holds_over_ensemble", least, gain, gain >= least - _SAME, found)
