"""The equal-importance report: whether indicators are about equally important."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from calib._types import IntArray, Seed
from calib.ballots.equality import (
    EqualityTests,
    Residuals,
    adjusted_residuals,
    clustered_residuals,
    equality_tests,
)
from calib.ballots.equality_words import equality_sentences, verdict_name
from calib.ballots.equivalence import (
    Detectable,
    Effects,
    Equivalence,
    check_alpha,
    check_margin,
    detectable,
    effects,
    equivalence_of_shares,
    equivalence_of_worths,
)
from calib.ballots.homogeneity import GroupEquality, StageTest, group_equality, stage_test
from calib.ballots.power import (
    SPREAD,
    SurveyPower,
    ballots_for_difference,
    power_of_equality_test,
)
from calib.ballots.prefix import tabulate
from calib.ballots.robust import effective_table, likelihood_scale
from calib.ballots.share_intervals import PickShares, WorthIntervals, pick_shares, worth_intervals
from calib.ballots.shrinkage import Shrinkage, fit_shrunk
from calib.ballots.survey import Ballots
from calib.rating.kernel import single_threaded_blas
from calib.report import Drawing, Note, Result, Role, Table
from calib.words import Text, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MARGIN", "EqualityReport", "equality_report"]

MARGIN = 1.25
"""Default equivalence margin: within a quarter more or a fifth less. A convention, declared in
every report; there is none for importance, so state your own where you can."""


@dataclass(frozen=True, eq=False, repr=False)
class EqualityReport(Result):
    """Everything about the question whether items are equally important.

    Parameters
    ----------
    items : (J,) codes
    n : number of ballots
    size : effective number of ballots (weights, several ballots per enterprise)
    mean_length : mean number of picks on a ballot
    alpha : level of the tests; intervals hold at 1 - alpha
    tests : tests of equality
    shares : pick shares with simultaneous intervals
    shrunk : shrunk worths, the estimate
    unshrunken : worths without shrinkage with simultaneous intervals, for the verdict
    residuals : adjusted residuals of the picks; None when every ballot lists every item
    effects : effect sizes
    detectable : smallest differences that the survey could have shown
    power : chance that the main test had of showing differences that matter
    by_share, by_worth : equivalence verdicts; by_share is None when every ballot lists every item
    stages : test that all ranks follow the same worths
    groups : tests of equality within groups of items, and the groups' names; or None
    group_names : (G,) names
    shown : names of items and groups by their codes, where they have any
    """

    items: tuple[str, ...]
    n: int
    size: float
    mean_length: float
    alpha: float
    tests: EqualityTests
    shares: PickShares
    shrunk: Shrinkage
    unshrunken: WorthIntervals
    residuals: Residuals | None
    effects: Effects
    detectable: Detectable
    power: SurveyPower
    by_share: Equivalence | None
    by_worth: Equivalence
    stages: StageTest
    groups: GroupEquality | None
    group_names: tuple[str, ...]
    shown: Mapping[str, Text] = field(default_factory=dict)

    @property
    def names(self) -> Mapping[str, Text]:
        """Names of items and groups by their codes."""
        return self.shown

    def headline(self) -> Text:
        """Return the verdict and how sure it is."""
        return message(
            "ballots.headline", verdict=verdict_name(self.verdict), sure=1 - self.alpha, n=self.n
        )

    @property
    def percent(self) -> str:
        """Confidence level of the simultaneous intervals, as titles show it."""
        return f"{100 * (1 - self.alpha):g}"

    @cached_property
    def tables(self) -> tuple[Table, ...]:  # type: ignore[override]
        """Items, tests, effect sizes and groups."""
        frames = {
            "items": self.item_table(),
            "tests": self.test_table(),
            "effects": self.effect_table(),
            "groups": self.group_table(),
        }
        return tuple(
            Table(name, frame, message(f"ballots.tables.{name}", level=self.percent, mark=""), 60)
            for name, frame in frames.items()
        )

    @property
    def drawings(self) -> tuple[Drawing, ...]:  # type: ignore[override]
        """The pick shares against equality and its band, where ballots leave items out."""
        if self.by_share is None:
            return ()
        title = message("ballots.figures.heading_shares")
        return (
            Drawing("shares", title, lambda lang: self.draw_shares(lang, title.get(lang)),
                    roles=(Role.PROBABILITY,)),
        )  # fmt: skip

    @property
    def notes(self) -> tuple[Note, ...]:  # type: ignore[override]
        """What was found, in sentences."""
        return tuple(Note(s) for s in equality_sentences(self))

    def draw_shares(self, lang: str, title: str) -> Any:
        """Draw the pick shares with their simultaneous intervals and the band of equality."""
        from calib.figures.ballots import SIMULTANEOUS, pick_shares_with_band

        table = self.item_table().rename(columns=SIMULTANEOUS)
        table.index = [  # type: ignore[assignment, unused-ignore]
            self.shown[c].get(lang) if c in self.shown else c for c in table["code"]
        ]
        band = (0.0, 1.0) if self.by_share is None else self.by_share.band
        return pick_shares_with_band(
            table, expected=self.shares.expected, band=band, lang=lang, title=title,
            level=self.shares.confidence,
        )  # fmt: skip

    @property
    def equivalence(self) -> Equivalence:
        """The verdict that answers the question.

        By pick shares, as the published claim is worded - unless ballots list more than half
        of the items, where shares crowd near 1 and say little: then by worths.
        """
        if self.by_share is None or self.shares.expected > 0.5:
            return self.by_worth
        return self.by_share

    @property
    def verdict(self) -> str:
        """``equal``, ``unequal``, ``different`` or ``undecided``."""
        return self.equivalence.verdict

    def item_table(self) -> pd.DataFrame:
        """Return one row an item: picks and share, residual, worths, and places in the bands.

        Returns
        -------
        DataFrame
            ``simultaneous_lower`` and ``simultaneous_upper`` belong to the pick share,
            ``worth_simultaneous_lower`` and ``worth_simultaneous_upper`` to the
            ``worth_unshrunken``; they hold for all items at once. ``share_band`` and
            ``worth_band`` say where each lies: ``inside`` the band of equality, ``outside``, or
            ``open``; the verdict rests on one of them (:attr:`equivalence`).
        """
        import pandas as pd

        J = len(self.items)
        blank = np.full(J, np.nan)
        res, worth = self.residuals, self.unshrunken
        return pd.DataFrame(
            {
                "code": self.items,
                "picks": self.shares.count,
                "pick_share": self.shares.share,
                "se": self.shares.se,
                "simultaneous_lower": self.shares.lower,
                "simultaneous_upper": self.shares.upper,
                "share_band": _bands(self.by_share, J),
                "share_of_picks": self.shares.share_of_picks,
                "residual": blank if res is None else res.z,
                "p_holm": blank if res is None else res.p_holm,
                "worth": self.shrunk.worth,
                "worth_unshrunken": worth.worth,
                "worth_simultaneous_lower": worth.lower,
                "worth_simultaneous_upper": worth.upper,
                "worth_band": _bands(self.by_worth, J),
            }
        )

    def test_table(self) -> pd.DataFrame:
        """Return one row a test: statistic, degrees of freedom, p-values."""
        import pandas as pd

        rows = [
            [t.name, t.statistic, t.df, t.p_chi2, _or_nan(t.p_monte_carlo), t.replicates]
            for t in self.tests.all
        ]
        if self.stages.df:
            stage = self.stages
            rows.append(
                [
                    "stage_homogeneity",
                    stage.statistic,
                    stage.df,
                    stage.p_chi2,
                    _or_nan(stage.p_monte_carlo),
                    stage.replicates,
                ]
            )
        if self.groups is not None:
            one = self.groups
            rows.append(["equal_within_groups", one.statistic, one.df, one.p, np.nan, 0])
        columns = ["test", "statistic", "df", "p_asymptotic", "p_monte_carlo", "replicates"]
        return pd.DataFrame(rows, columns=columns)

    def group_table(self) -> pd.DataFrame:
        """Return one row a group of items (a capability): test of equality within it."""
        import pandas as pd

        if self.groups is None:
            return pd.DataFrame(columns=["code", "statistic", "df", "p", "p_holm"])
        one = self.groups
        return pd.DataFrame(
            {
                "code": self.group_names,
                "statistic": one.group_statistic,
                "df": one.group_df,
                "p": one.group_p,
                "p_holm": one.group_p_holm,
            }
        )

    def effect_table(self) -> pd.DataFrame:
        """Return effect sizes, detectable differences and the verdict, one row each."""
        import pandas as pd

        e, d, v = self.effects, self.detectable, self.equivalence
        rows: list[tuple[str, float]] = [
            ("ballots", float(self.n)),
            ("effective_ballots", self.size),
            ("picks_per_ballot", self.mean_length),
            ("sigma", e.sigma),
            ("sigma_lower", e.sigma_interval[0]),
            ("sigma_upper", e.sigma_interval[1]),
            ("agreement_W", _or_nan(e.agreement)),
            ("largest_over_smallest_worth", e.worth_ratio),
            ("largest_over_smallest_share", e.share_ratio),
            ("detectable_sigma", d.sigma),
            ("detectable_share_difference", _or_nan(d.share)),
            ("power_of_test", self.power.power),
            ("ballots_needed_for_difference", _or_nan(self.power.needed)),
            ("margin", v.margin),
            ("smallest_margin_for_equal", v.smallest_margin),
            ("ballots_needed_for_equal", _or_nan(v.ballots_needed)),
        ]
        return pd.DataFrame(rows, columns=["quantity", "value"])


@single_threaded_blas()
def equality_report(
    ballots: Ballots,
    *,
    margin: float = MARGIN,
    alpha: float = 0.05,
    power: float = 0.8,
    groups: IntArray | None = None,
    group_names: tuple[str, ...] = (),
    names: Mapping[str, Text] | None = None,
    monte_carlo: bool | None = None,
    rng: Seed = None,
) -> EqualityReport:
    """Test, size up and judge the claim that all items are about equally important.

    Parameters
    ----------
    ballots : the ballots
    margin : equivalence margin, a ratio above 1: equal means within ``[1/margin, margin]`` times
        the value under equality
    alpha : level of the tests, 1 - alpha that of the simultaneous intervals; in (0, 0.5)
    power : power to which the detectable differences refer
    groups : (J,) group of each item (its capability), for tests of equality within groups
    group_names : (G,) their names; their numbers by default
    names : names of items and groups as shown, by code
    monte_carlo : see :func:`~calib.ballots.equality_tests`
    rng : seed of the Monte-Carlo null

    Raises
    ------
    InputError
        If the margin is no ratio above 1 or alpha no level of a test.
    """
    check_margin(margin)
    check_alpha(alpha)
    table = tabulate(ballots)
    effective = effective_table(ballots)
    shrunk = fit_shrunk(effective.table)
    gen = np.random.default_rng(rng)
    tests = equality_tests(ballots, monte_carlo=monte_carlo, rng=gen)
    shares = pick_shares(ballots, confidence=1 - alpha)
    shown = tests.main.p < alpha
    by_share = None
    if tests.picks is not None:
        by_share = equivalence_of_shares(shares, margin=margin, differences_shown=shown)
    unshrunken = worth_intervals(ballots, confidence=1 - alpha)
    by_worth = equivalence_of_worths(unshrunken, ballots, margin=margin, differences_shown=shown)
    scale = likelihood_scale(ballots)
    several = groups is not None and np.bincount(np.asarray(groups)).max() > 1
    return EqualityReport(
        items=ballots.items,
        n=ballots.n,
        size=effective.size,
        mean_length=float(ballots.weights @ ballots.lengths / ballots.weights.sum()),
        alpha=alpha,
        tests=tests,
        shares=shares,
        shrunk=shrunk,
        unshrunken=unshrunken,
        residuals=clustered_residuals(shares) if tests.clustered else adjusted_residuals(table),
        effects=effects(table, shrunk),
        detectable=detectable(table, size=effective.size, alpha=alpha, power=power),
        power=_power(ballots, effective.size, alpha, power, np.random.default_rng(_POWER_SEED)),
        by_share=by_share,
        by_worth=by_worth,
        stages=stage_test(table, scale=scale, ballots=ballots, monte_carlo=monte_carlo, rng=gen),
        groups=group_equality(table, groups, scale=scale)
        if groups is not None and several
        else None,
        group_names=group_names or _numbered(groups),
        shown=dict(names or {}),
    )


_POWER_SEED = 45
"""The power is a number about surveys of this size, not about this survey: one seed for all."""


def _power(
    ballots: Ballots, size: float, alpha: float, wanted: float, rng: np.random.Generator
) -> SurveyPower:
    """Return what independent ballots of these lengths, as many as these are worth, could show."""
    lengths = np.sort(ballots.lengths[ballots.lengths > 0])
    n = max(1, round(size))
    typical = lengths[((np.arange(n) + 0.5) * len(lengths) / n).astype(int)] if len(lengths) else 1
    power = power_of_equality_test(ballots.J, typical, n, alpha=alpha, rng=rng)
    needed = ballots_for_difference(ballots.J, typical, alpha=alpha, power=wanted, rng=rng)
    if needed is not None:  # ballots like these, of which several may be worth one
        needed = int(np.ceil(needed * max(1.0, ballots.n / size)))
    return SurveyPower(SPREAD, power, needed, wanted)


def _bands(verdict: Equivalence | None, J: int) -> list[str]:
    if verdict is None:
        return [""] * J
    place = dict.fromkeys(verdict.outside, "outside") | dict.fromkeys(verdict.open, "open")
    return [place.get(j, "inside") for j in range(J)]


def _numbered(groups: IntArray | None) -> tuple[str, ...]:
    """Return numbers for groups that were given no names."""
    return () if groups is None else tuple(str(g) for g in range(int(np.max(groups)) + 1))


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else float(value)
