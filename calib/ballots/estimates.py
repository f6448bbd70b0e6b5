"""Every estimator of importance as one type of result, to be laid side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calib._types import BoolArray, FloatArray
from calib.ballots.data import Ballots
from calib.ballots.kemeny import kemeny
from calib.ballots.plackett import NoMaximumError, PlackettLuce, fit_ml
from calib.ballots.prefix import tabulate
from calib.ballots.quasi import quasi_variances
from calib.ballots.robust import cluster_index, effective_table, sandwich, weights_differ
from calib.ballots.scores import SCORES, positional_score
from calib.ballots.shares import normal_quantile
from calib.ballots.shrinkage import Shrinkage, fit_shrunk
from calib.errors import InputError, suggest
from calib.framework import Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ERRORS",
    "METHODS",
    "Estimate",
    "comparison_table",
    "estimate",
    "estimate_all",
    "maximum_note",
    "method_table",
]

_SHOWN = 6

METHODS = ("shrinkage", "maximum_likelihood", *SCORES, "kemeny")
"""Names of the estimators, the default first."""

ERRORS: Mapping[str, Name] = {
    "model": Name("按模型，选票等权且相互独立", "by the model, ballots equal and independent"),
    "kish": Name(
        "按有效选票数（Kish 有效样本量；同一企业多份选票时再折减）",
        "at the effective number of ballots (Kish's; fewer where enterprises sent several)",
    ),
    "robust": Name(
        "稳健（三明治）标准误，按选票，或按企业聚类",
        "robust (sandwich), by ballot, or by enterprise where these sent several",
    ),
    "none": Name("无", "none"),
}
"""What standard errors can rest on, in words. None of them depends on the scale of the weights."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The importance of every item by one method.

    Parameters
    ----------
    method : name of the method, one of :data:`METHODS`
    items : (J,) codes
    worth : (J,) shares of importance that sum to 1; None for Kemeny, which gives an order only
    se : (J,) standard errors of the worths, or None; NaN for an item whose worth has no maximum
    lower, upper : (J,) single-item intervals of the worths at ``level``, or None; NaN likewise
    rank : (J,) rank, 1 is most important; equal worths share their mean rank
    level : coverage of the intervals
    theta, theta_se, quasi_variance : (J,) log-worths with errors and quasi-variances, for the two
        Plackett-Luce methods; else None
    loglik : log-likelihood, or None
    note : what a reader must know, "" if nothing
    errors : what the standard errors rest on, a key of :data:`ERRORS`
    """

    method: str
    items: tuple[str, ...]
    worth: FloatArray | None
    se: FloatArray | None
    lower: FloatArray | None
    upper: FloatArray | None
    rank: FloatArray
    level: float
    theta: FloatArray | None = None
    theta_se: FloatArray | None = None
    quasi_variance: FloatArray | None = None
    loglik: float | None = None
    note: str = ""
    errors: str = "none"

    def table(self) -> pd.DataFrame:
        """Return one row an item: code, rank, and what the method gives."""
        import pandas as pd

        columns = ("worth", "se", "lower", "upper", "theta", "theta_se", "quasi_variance")
        values = {c: getattr(self, c) for c in columns if getattr(self, c) is not None}
        return pd.DataFrame({"code": self.items, "rank": self.rank, **values})


def estimate(ballots: Ballots, method: str = "shrinkage", *, level: float = 0.95) -> Estimate:
    """Estimate the importance of every item.

    Parameters
    ----------
    ballots : the ballots
    method : one of :data:`METHODS`: ``shrinkage`` (Plackett-Luce shrunk towards equal worth, the
        default), ``maximum_likelihood``, a positional score, or ``kemeny``
    level : coverage of the intervals of single items

    Raises
    ------
    InputError
        If the method is unknown.
    NoMaximumError
        If maximum likelihood was asked for and does not exist.

    Notes
    -----
    Respondent weights are relative: they count everywhere, their scale nowhere. Where they differ,
    or where enterprises sent several ballots, errors are robust: sandwich for maximum likelihood,
    an effective number of ballots for shrinkage, clustered variances for positional scores;
    ``errors`` of the result says which.

    Maximum likelihood of an item that nobody chose has no maximum: its worth is 0 in the limit,
    and it has neither a standard error nor an interval (NaN). Those of the others hold given that
    limit.
    """
    if method not in METHODS:
        hint = suggest(method, METHODS) or f"expected one of {', '.join(METHODS)}"
        raise InputError(f"unknown estimator {method!r}; {hint}")
    if method == "shrinkage":
        return _from_shrinkage(ballots, fit_shrunk(effective_table(ballots).table), level)
    if method == "maximum_likelihood":
        return _from_likelihood(ballots, fit_ml(tabulate(ballots)), level)
    if method == "kemeny":
        found = kemeny(ballots)
        share = found.disagreements / found.comparisons
        note = f"contradicts {share:.1%} of the ballots' pairwise preferences; proven optimal"
        ranks = found.ranks.astype(float)
        return Estimate(method, ballots.items, None, None, None, None, ranks, level, note=note)
    score = positional_score(ballots, method)
    z = normal_quantile((1 + level) / 2)
    lower = np.maximum(score.share - z * score.se, 0.0)
    upper = np.minimum(score.share + z * score.se, 1.0)
    rank = _ranks(score.share)
    return Estimate(
        method, ballots.items, score.share, score.se, lower, upper, rank, level, errors="robust"
    )


def estimate_all(
    ballots: Ballots, methods: Sequence[str] = METHODS, *, level: float = 0.95
) -> tuple[Estimate, ...]:
    """Estimate by several methods; one that does not exist for these ballots is left out."""
    out = []
    for method in methods:
        try:
            out.append(estimate(ballots, method, level=level))
        except NoMaximumError:
            if len(methods) == 1:
                raise
    return tuple(out)


def comparison_table(estimates: Sequence[Estimate]) -> pd.DataFrame:
    """Lay estimates side by side: ``worth`` and ``rank`` of each method, one row an item."""
    import pandas as pd

    columns: dict[str, object] = {"code": estimates[0].items}
    for one in estimates:
        if one.worth is not None:
            columns[f"{one.method}_weight"] = one.worth
        columns[f"{one.method}_rank"] = one.rank
    return pd.DataFrame(columns)


def method_table(ballots: Ballots, estimates: Sequence[Estimate]) -> pd.DataFrame:
    """Return one row a method: what its errors rest on, and what a reader must know.

    A maximum-likelihood estimate that does not exist, and is not among the estimates, has a row
    that says so.
    """
    import pandas as pd

    rows = [[e.method, ERRORS[e.errors].en, ERRORS[e.errors].zh, e.note] for e in estimates]
    if all(e.method != "maximum_likelihood" for e in estimates):
        missing = maximum_note(ballots)
        if missing is not None:
            none = ERRORS["none"]
            rows.append(["maximum_likelihood", none.en, none.zh, f"{missing.zh} {missing.en}"])
    return pd.DataFrame(rows, columns=["method", "errors_en", "errors_zh", "note"])


def maximum_note(ballots: Ballots, names: Mapping[str, str] | None = None) -> Name | None:
    """Say where the likelihood has no maximum; None when every log-worth has a finite estimate.

    Parameters
    ----------
    ballots : the ballots
    names : item names as shown, by code; codes are shown where there is none
    """
    shown = [(names or {}).get(code, code) for code in ballots.items]

    def listed(which: BoolArray) -> tuple[str, str]:
        words = [shown[j] for j in np.flatnonzero(which)]
        more = len(words) - _SHOWN
        zh, en = "、".join(words[:_SHOWN]), ", ".join(words[:_SHOWN])
        return (f"{zh}等 {len(words)} 项", f"{en} and {more} more") if more > 0 else (zh, en)

    try:
        absent = ~fit_ml(tabulate(ballots)).chosen
    except NoMaximumError as none:
        upper, lower = listed(none.upper), listed(none.lower)
        return Name(
            f"最大似然估计不存在：凡可选时，{upper[0]} 总是先于 {lower[0]}；"
            "因此没有标准误和区间，似然比统计量取上确界，请用收缩估计。",
            f"No maximum-likelihood estimate exists: wherever they meet, {upper[1]} stand above "
            f"{lower[1]}. There are no standard errors or intervals of it, likelihood ratios are "
            "suprema; use the shrinkage estimate.",
        )
    if not absent.any():
        return None
    zh, en = listed(absent)
    return Name(
        f"从未被选的指标：{zh}；其最大似然估计不存在（极限为重要性 0），没有标准误和区间。",
        f"Never chosen: {en}. The likelihood has no maximum there (worth 0 in the limit), "
        "so no standard error and no interval.",
    )


def _ranks(worth: FloatArray) -> FloatArray:
    """Return ranks, 1 for the largest; values equal within rounding share their mean rank."""
    rounded = np.round(worth, 12)
    _, inverse, counts = np.unique(-rounded, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2.0)[inverse], dtype=float)


def _intervals(
    worth: FloatArray, covariance: FloatArray, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return intervals of worths from the covariance of theta, by the delta method on logits."""
    contrast = np.eye(worth.size) - worth  # d log w_j / d theta_l
    variance = np.maximum(np.diag(contrast @ covariance @ contrast.T), 0.0)
    live = (worth > 0) & (worth < 1)
    odds = np.where(live, worth / np.where(live, 1 - worth, 1.0), 0.0)
    half = normal_quantile((1 + level) / 2) * np.sqrt(variance) / np.where(live, 1 - worth, 1.0)
    low, high = odds * np.exp(-half), odds * np.exp(half)
    lower = np.where(live, low / (1 + low), worth)
    return lower, np.where(live, high / (1 + high), worth)


def _from_shrinkage(ballots: Ballots, fit: Shrinkage, level: float) -> Estimate:
    lower, upper = _intervals(fit.worth, fit.covariance, level)
    note = f"sigma = {fit.sigma:.3f}"
    if fit.at_bound:
        note += "; at its largest allowed value: the ballots nearly all agree"
    return Estimate(
        "shrinkage",
        ballots.items,
        fit.worth,
        np.sqrt(np.maximum(np.diag(fit.worth_covariance), 0.0)),
        lower,
        upper,
        _ranks(fit.worth),
        level,
        fit.theta,
        fit.se,
        quasi_variances(fit.covariance).variances,
        fit.loglik,
        note,
        "kish" if weights_differ(ballots) or cluster_index(ballots) is not None else "model",
    )


def _from_likelihood(ballots: Ballots, fit: PlackettLuce, level: float) -> Estimate:
    robust = weights_differ(ballots) or cluster_index(ballots) is not None
    covariance = sandwich(ballots, fit) if robust else fit.covariance
    own = PlackettLuce(fit.theta, covariance, fit.loglik, fit.iterations)
    alone = int(fit.chosen.sum()) == 1  # a single item was chosen: its worth of 1 is a limit too

    # Robust errors of few enterprises can be 0 in some direction, which is no knowledge.
    spread = np.diag(covariance)
    shown = fit.chosen & (spread > 1e-12 * float(np.diag(fit.covariance).max()))

    def known(values: FloatArray) -> FloatArray:
        return np.where(shown & (not alone), values, np.nan)

    lower, upper = _intervals(own.worth, covariance, level)
    absent = [ballots.items[j] for j in np.flatnonzero(~fit.chosen)]
    note = "robust standard errors" if robust else ""
    if not shown[fit.chosen].all() and not alone:
        few = "too few enterprises or ballots for the robust errors of some items"
        note = "; ".join(filter(None, [note, few]))
    if absent:
        without = (
            "no maximum exists for items never chosen (worth 0 in the limit, no standard error,"
            f" no interval): {', '.join(absent)}"
        )
        note = "; ".join(filter(None, [note, without]))
    quasi = quasi_variances(covariance, fit.chosen).variances if fit.chosen.sum() > 1 else None
    return Estimate(
        "maximum_likelihood",
        ballots.items,
        own.worth,
        known(np.sqrt(np.maximum(np.diag(own.worth_covariance), 0.0))),
        known(lower),
        known(upper),
        _ranks(own.worth),
        level,
        own.theta,
        known(own.se),
        None if quasi is None else known(quasi),
        own.loglik,
        note,
        "robust" if robust else "model",
    )
