"""How unequal the items are, and how small a difference this survey could have shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calib.ballots.equality import pick_test, pick_variance
from calib.ballots.montecarlo import savage_points
from calib.ballots.prefix import PrefixTable
from calib.ballots.shares import normal_quantile
from calib.ballots.shrinkage import Shrinkage

__all__ = ["Detectable", "Effects", "detectable", "effects"]


@dataclass(frozen=True, slots=True)
class Effects:
    """Sizes of the differences between items.

    Parameters
    ----------
    sigma, sigma_interval : standard deviation of the log-worths, with its 95% interval; 0 when
        all are equal, 0.2 when worths typically differ by a fifth
    agreement : ``W = Q / (n (J - 1))``, from 0 (picks at random) to 1 (all ballots list the same
        items); None when every ballot lists every item
    worth_ratio : largest over smallest shrunk worth
    share_ratio : largest over smallest pick share; inf when some item was never picked
    """

    sigma: float
    sigma_interval: tuple[float, float]
    agreement: float | None
    worth_ratio: float
    share_ratio: float


def effects(table: PrefixTable, shrunk: Shrinkage) -> Effects:
    """Return effect sizes from the sufficient statistics and the shrunk fit.

    Notes
    -----
    With weights n is Kish's effective number, so that W does not depend on the weights' scale.
    """
    q = pick_test(table)
    size = table.total**2 / float(table.lengths2.sum())
    counts = table.pick_counts
    low = float(counts.min())
    return Effects(
        shrunk.sigma,
        shrunk.sigma_interval,
        None if q is None else q.statistic / (size * (table.J - 1)),
        float(shrunk.worth.max() / shrunk.worth.min()),
        float(counts.max() / low) if low > 0 else float("inf"),
    )


@dataclass(frozen=True, slots=True)
class Detectable:
    """The smallest differences that a survey of this size would probably have shown.

    Parameters
    ----------
    sigma : spread of log-worths at which the score test rejects with the given power
    share : difference of one item's pick share from the others' common expectation at which its
        Holm-corrected residual rejects with that power; None when every ballot lists every item,
        or when no difference between 0 and 1 is large enough
    power, alpha : power and size that these refer to
    """

    sigma: float
    share: float | None
    power: float
    alpha: float


def detectable(
    table: PrefixTable, *, size: float | None = None, alpha: float = 0.05, power: float = 0.8
) -> Detectable:
    """Return the minimal detectable differences.

    Parameters
    ----------
    table : sufficient statistics
    size : effective number of ballots when enterprises sent several; by default Kish's number,
        which allows for respondent weights only
    alpha, power : size of the tests and the power asked of them

    Notes
    -----
    At log-worths theta near 0 the score statistic is non-central chi-square with
    ``lambda = I sum theta_j^2`` and ``I = (sum_i w_i)^2 / sum_i w_i^2`` times the information of
    an average ballot; ``sum theta^2 = (J - 1) sigma^2``. The share uses
    ``(z(1 - alpha/2J) + z(power)) sqrt(V (1 - 1/J)) / n``, Holm's first step. Both I and
    1 / V shrink by ``size`` over Kish's number.
    """
    from scipy.special import chdtri, chndtrinc

    J = table.J
    df = J - 1
    critical = float(chdtri(df, alpha))
    noncentral = float(chndtrinc(critical, df, 1.0 - power))
    variance = savage_points(J, table.lengths.size - 1).variance
    kish = table.total**2 / float(table.lengths2.sum())
    shrunk = 1.0 if size is None else size / kish
    information = shrunk * float(table.lengths @ variance) ** 2 / float(table.lengths2 @ variance)
    scale = pick_variance(table) / shrunk
    share: float | None = None
    if scale > 0:
        z = normal_quantile(1.0 - alpha / (2 * J)) + normal_quantile(power)
        share = float(z * np.sqrt(scale * (1.0 - 1.0 / J)) / table.total)
        expected = float(table.pick_counts.sum()) / table.total / J
        share = share if share <= 1.0 - expected else None
    return Detectable(float(np.sqrt(noncentral / (information * df))), share, power, alpha)
