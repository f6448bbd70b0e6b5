"""Delphi rounds: what a panel thinks, how much it agrees, and when to stop asking.

Consensus (agreement within a round) and stability (little change between rounds) are different
things and are kept apart: a panel may be stable and disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from calib._types import FloatArray, Seed
from calib.errors import InputError
from calib.experts.concordance import Concordance, kendall_w, mean_ranks
from calib.experts.panel_request import StoppingRule
from calib.words import Text, message

__all__ = [
    "ItemStatistics",
    "RoundChange",
    "RoundStatistics",
    "Verdict",
    "compare_rounds",
    "item_statistics",
    "round_statistics",
    "stop_or_go",
]


@dataclass(frozen=True, slots=True)
class ItemStatistics:
    """What a round says about every item; arrays of shape (n,).

    Parameters
    ----------
    count : experts who judged the item
    mean, median, sd : of their values (sd with n − 1; NaN for one expert)
    cv : coefficient of variation sd/mean (变异系数)
    iqr : interquartile range
    full_marks : share of experts who gave the full mark (满分比), NaN without a full mark
    """

    count: FloatArray
    mean: FloatArray
    median: FloatArray
    sd: FloatArray
    cv: FloatArray
    iqr: FloatArray
    full_marks: FloatArray


@dataclass(frozen=True, slots=True)
class RoundStatistics:
    """One Delphi round at one node.

    Parameters
    ----------
    items : statistics by item
    sent, returned : forms sent out and forms returned
    response_rate : positive coefficient of the experts (专家积极系数)
    authority : mean Cr (权威系数), NaN if not asked for
    concordance : Kendall's W over experts who judged all items; None where undefined
    reason : why ``concordance`` is undefined
    """

    items: ItemStatistics
    sent: int
    returned: int
    response_rate: float
    authority: float
    concordance: Concordance | None
    reason: Text | None = None


def item_statistics(values: FloatArray, *, full_mark: float | None = None) -> ItemStatistics:
    """Summarise the values of a round by item.

    Parameters
    ----------
    values : (k, n) ratings, points or weights; NaN where an expert did not judge
    full_mark
        The highest possible value, or None where there is none.

    Raises
    ------
    InputError
        Naming items (by number) that nobody judged.
    """
    values = np.asarray(values, dtype=float)
    judged = ~np.isnan(values)
    count = judged.sum(axis=0)
    if (count == 0).any():
        nobody = [str(i + 1) for i in np.flatnonzero(count == 0)]
        raise InputError(message("experts.faults.nobody_item", items=nobody))
    mean = np.nanmean(values, axis=0)
    spread = np.where(judged, (values - mean) ** 2, 0.0).sum(axis=0)
    sd = np.sqrt(np.divide(spread, count - 1, out=np.full(mean.shape, np.nan), where=count > 1))
    cv = np.divide(sd, mean, out=np.full(mean.shape, np.nan), where=mean > 0)
    quartiles = np.nanquantile(values, [0.25, 0.75], axis=0)
    full = np.full(mean.shape, np.nan)
    if full_mark is not None:
        full = (judged & (values >= full_mark)).sum(axis=0) / count
    return ItemStatistics(
        count.astype(float),
        mean,
        np.asarray(np.nanmedian(values, axis=0), dtype=float),
        sd,
        cv,
        np.asarray(quartiles[1] - quartiles[0], dtype=float),
        np.asarray(full, dtype=float),
    )


def round_statistics(
    values: FloatArray,
    *,
    sent: int | None = None,
    authority: FloatArray | None = None,
    full_mark: float | None = None,
    draws: int = 1000,
    rng: Seed = None,
) -> RoundStatistics:
    """Compute the statistics that a Delphi study reports for one round.

    Parameters
    ----------
    values : (k, n) values of the experts who returned the form, NaN where not judged
    sent
        Forms sent out; the number returned if None.
    authority : (k,) authority coefficients Cr, NaN where unknown, or None
    full_mark
        Highest possible value, or None.
    draws
        Bootstrap samples for the interval of W.
    rng
        Generator or seed.
    """
    values = np.asarray(values, dtype=float)
    k = len(values)
    sent = k if sent is None else sent
    if sent < k:
        raise InputError(message("experts.faults.returned_sent", returned=k, sent=sent))
    items = item_statistics(values, full_mark=full_mark)
    mean_authority = float("nan")
    if authority is not None and not np.isnan(authority).all():
        mean_authority = float(np.nanmean(authority))
    concordance: Concordance | None = None
    reason: Text | None = None
    whole = values[~np.isnan(values).any(axis=1)]
    try:
        concordance = kendall_w(mean_ranks(whole), draws=draws, rng=rng)
    except InputError as error:
        reason = error
    rate = k / sent if sent else float("nan")
    return RoundStatistics(items, sent, k, rate, mean_authority, concordance, reason)


@dataclass(frozen=True, slots=True)
class RoundChange:
    """How one round differs from the one before.

    Parameters
    ----------
    stayed : experts who answered both rounds
    joined, left : experts of one round only
    mean_change : (n,) change of the item means, all experts of each round
    cv_change : (n,) change of the coefficients of variation (negative: closer together)
    moved : (n,) mean |change| of the experts who stayed
    changed_share : (n,) share of those who stayed and changed their value
    weight_shift : total variation between the group weights of the two rounds
    w_change : change of Kendall's W, NaN where undefined
    """

    stayed: tuple[str, ...]
    joined: tuple[str, ...]
    left: tuple[str, ...]
    mean_change: FloatArray
    cv_change: FloatArray
    moved: FloatArray
    changed_share: FloatArray
    weight_shift: float
    w_change: float


def compare_rounds(
    before: FloatArray,
    after: FloatArray,
    experts_before: Sequence[str],
    experts_after: Sequence[str],
    *,
    weights_before: FloatArray | None = None,
    weights_after: FloatArray | None = None,
) -> RoundChange:
    """Compare two rounds of one panel, matching experts by name.

    Parameters
    ----------
    before, after : (k1, n), (k2, n) values of the two rounds, same items in the same order
    experts_before, experts_after
        Names of the rows.
    weights_before, weights_after : (n,) group weights; normalised item means if None
    """
    before, after = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    first, second = item_statistics(before), item_statistics(after)
    row = {name: i for i, name in enumerate(experts_after)}
    stayed = tuple(name for name in experts_before if name in row)
    old = before[[i for i, name in enumerate(experts_before) if name in row]]
    new = after[[row[name] for name in stayed]]
    moved = np.full(before.shape[1], np.nan)
    changed = moved.copy()
    both = ~(np.isnan(old) | np.isnan(new))
    count = both.sum(axis=0)
    step = np.where(both, np.abs(new - old), 0.0)
    np.divide(step.sum(axis=0), count, out=moved, where=count > 0)
    np.divide((step > 1e-9).sum(axis=0), count, out=changed, where=count > 0)
    u = first.mean / first.mean.sum() if weights_before is None else weights_before
    v = second.mean / second.mean.sum() if weights_after is None else weights_after
    return RoundChange(
        stayed,
        tuple(name for name in experts_after if name not in experts_before),
        tuple(name for name in experts_before if name not in row),
        second.mean - first.mean,
        second.cv - first.cv,
        moved,
        changed,
        float(np.abs(np.asarray(v) - np.asarray(u)).sum() / 2),
        _w_or_nan(after) - _w_or_nan(before),
    )


def _w_or_nan(values: FloatArray) -> float:
    whole = values[~np.isnan(values).any(axis=1)]
    try:
        return kendall_w(mean_ranks(whole)).w
    except InputError:
        return float("nan")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether to stop, and why.

    Parameters
    ----------
    stop : whether the study may stop
    outcome : ``"consensus"``, ``"stable dissent"``, ``"round limit"`` or ``"another round"``
    consensus, stable : the two conditions
    reasons : what is not met yet, with numbers
    """

    stop: bool
    outcome: str
    consensus: bool
    stable: bool
    reasons: tuple[Text, ...] = field(default=())


def stop_or_go(
    statistics: RoundStatistics,
    change: RoundChange | None,
    round_number: int,
    rule: StoppingRule | None = None,
) -> Verdict:
    """Apply a stopping rule to a round.

    Parameters
    ----------
    statistics
        The latest round.
    change
        Its comparison with the round before; None for the first round, which is never stable.
    round_number
        1 for the first round.
    rule
        Limits; the defaults of :class:`StoppingRule` if None.

    Notes
    -----
    Stop with *consensus* when the panel agrees and is stable; with *stable dissent* when it is
    stable from the third round on without agreeing, because more rounds would only press people to
    conform; at the *round limit* otherwise.
    """
    rule = rule or StoppingRule()
    reasons: list[Text] = []
    cvs = statistics.items.cv[~np.isnan(statistics.items.cv)]
    worst_cv = float(cvs.max()) if cvs.size else float("nan")
    if not cvs.size:
        reasons.append(message("experts.reason.no_cv"))
    elif worst_cv > rule.max_cv:
        reasons.append(
            message("experts.reason.cv_above", cv=f"{worst_cv:.3f}", limit=f"{rule.max_cv:g}")
        )
    w = statistics.concordance
    if w is None:
        if statistics.reason is not None:
            reasons.append(statistics.reason)
    else:
        if w.w < rule.min_w:
            reasons.append(
                message("experts.reason.w_below", w=f"{w.w:.3f}", limit=f"{rule.min_w:g}")
            )
        if w.p >= rule.alpha:
            reasons.append(
                message("experts.reason.p_above", p=f"{w.p:.3g}", limit=f"{rule.alpha:g}")
            )
    consensus = not reasons
    stable = change is not None and change.weight_shift <= rule.max_shift
    if change is None:
        reasons.append(message("experts.reason.first_round"))
    elif not stable:
        reasons.append(
            message(
                "experts.reason.moved",
                moved=f"{change.weight_shift:.3f}",
                limit=f"{rule.max_shift:g}",
            )
        )
    if consensus and stable:
        return Verdict(True, "consensus", True, True)
    if stable and round_number >= 3:
        return Verdict(True, "stable dissent", consensus, stable, tuple(reasons))
    if round_number >= rule.max_rounds:
        return Verdict(True, "round limit", consensus, stable, tuple(reasons))
    return Verdict(False, "another round", consensus, stable, tuple(reasons))
