"""Values that have a closed form, computed here in exact fractions, apart from calib's code."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from calib.verification.values import Compared, figure
from calib.words import message

__all__ = ["closed_forms"]

TIER = "closed_form"


def closed_forms() -> Iterator[Compared]:
    """Yield the comparisons of this tier."""
    yield from _rank_weights()
    yield from _wilson()
    yield from _simplex()
    yield from _picks()
    yield from _variance_shares()
    yield from _rounding()


def _rank_weights() -> Iterator[Compared]:
    from calib.experts.ranks_and_points import place_weights

    source = "Barron, Barrett (1996), Manag. Sci. 42, p. 1515, eq. (3)"
    for n in range(2, 9):
        found = place_weights(n, "centroid")
        for j in range(1, n + 1):
            exact = sum(Fraction(1, i) for i in range(j, n + 1)) / n
            yield Compared(TIER, "ranks", f"ROC w{j}, n={n}", source, float(exact),
                           float(found[j - 1]), 1e-14)  # fmt: skip


def _wilson() -> Iterator[Compared]:
    from calib.outcomes.agreement import wilson_interval

    z = 1.959963984540054
    for k, n in ((0, 22), (1, 22), (5, 22), (9, 22), (22, 22)):
        low, high = (float(v) for v in wilson_interval(k, n)[:2])
        p, d = k / n, 1 + z * z / n
        half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / d
        middle = (p + z * z / (2 * n)) / d
        source = "Wilson (1927), J. Am. Stat. Assoc. 22, p. 210"
        of = f"Wilson {k}/{n}"
        yield Compared(TIER, "comparison", figure(f"{of} low", "low", of=of), source,
                       max(0.0, middle - half), low, 1e-10)  # fmt: skip
        yield Compared(TIER, "comparison", figure(f"{of} high", "high", of=of), source,
                       min(1.0, middle + half), high, 1e-10)  # fmt: skip


def _simplex() -> Iterator[Compared]:
    from calib.outcomes.probabilities import share_above

    source = message("verify.by.simplex")
    for t in (10.0, 25.0, 50.0, 80.0):
        two = float(share_above(np.array([[0.0, 100.0]]), t)[0])
        yield Compared(TIER, "acceptability", f"P(T>{t:g}), P=2", source, 1 - t / 100, two, 1e-14)
        # Of three values 0, 0, 100 the mean exceeds t where the third weight does: (1 - t)^2.
        three = float(share_above(np.array([[0.0, 0.0, 100.0]]), t)[0])
        yield Compared(TIER, "acceptability", f"P(T>{t:g}), P=3", source,
                       (1 - t / 100) ** 2, three, 1e-14)  # fmt: skip


def _picks() -> Iterator[Compared]:
    from calib.ballots import ballots_from_lists, tabulate
    from calib.ballots.equality import pick_test

    lists = [["a", "b"], ["a", "c"], ["a", "d"], ["b", "a"]]
    ballots = ballots_from_lists(lists, items=["a", "b", "c", "d"])
    found = pick_test(tabulate(ballots))
    n, k, J, X = 4, 2, 4, (4, 2, 1, 1)
    share = Fraction(n * k, J)
    exact = Fraction(J * (J - 1), n * k * (J - k)) * sum((x - share) ** 2 for x in X)
    source = "Cochran (1950), Biometrika 37, p. 256; k picks of J"
    ours = float("nan") if found is None else float(found.statistic)
    what = figure("Q, 4 ballots of 2 of 4", "ballots")
    yield Compared(TIER, "ballots", what, source, float(exact), ours, 1e-12)


def _variance_shares() -> Iterator[Compared]:
    from calib.outcomes.dominance.moments import Moments, variance_share

    cov = np.array([[4.0, 1.0], [1.0, 9.0]])
    g = np.array([0.25, 0.75])
    found = variance_share(g, Moments(10, np.zeros(2), cov)).share
    total = Fraction(1, 16) * 4 + 2 * Fraction(3, 16) + Fraction(9, 16) * 9
    first = (Fraction(1, 16) * 4 + Fraction(3, 16)) / total
    source = message("verify.by.hand", formula="g (Σg) / g'Σg")
    for i, exact in enumerate((first, 1 - first)):
        yield Compared(TIER, "dominance", f"C{i + 1}", source, float(exact), float(found[i]), 1e-14)


def _rounding() -> Iterator[Compared]:
    from calib.framework.conditions import Rounding

    source = message("verify.by.ties")
    for rule, edge, point in (("half-up", 3.0, 2.5), ("half-even", 3.0, 2.5), ("half-up", 4.0, 3.5),
                              ("half-even", 4.0, 3.5)):  # fmt: skip
        found = point > Rounding(rule).threshold(edge, True, 1e-9)
        exact = rule == "half-up" or edge % 2 == 0
        what = figure(f"{rule} {point:g} reaches {edge:g}", "reaches", point=point, edge=edge,
                      rule=message(f"verify.rounding.{rule}"))  # fmt: skip
        yield Compared(TIER, "rule", what, source, float(exact), float(found), 0.0)
