"""Every estimator of importance as one type of result, to be laid side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calib._types import BoolArray, FloatArray
from calib.ballots.equality_words import listing
from calib.ballots.plackett import NoMaximumError, PlackettLuce, fit_ml
from calib.ballots.prefix import tabulate
from calib.ballots.robust import cluster_index, effective_table, sandwich, weights_differ
from calib.ballots.share_intervals import normal_quantile
from calib.ballots.shrinkage import Shrinkage, fit_shrunk
from calib.ballots.survey import Ballots
from calib.ballots.voting import SCORES, kemeny, positional_score
from calib.errors import InputError, unknown
from calib.words import Text, joined, message, resolve_language

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
    "quasi_variances",
]

_NONE = 1e-12  # a variance below this share of the largest is rounding


def quasi_variances(covariance: FloatArray, keep: BoolArray | None = None) -> FloatArray:
    """Return quasi-variances of log-worths.

    Parameters
    ----------
    covariance : (J, J) covariance of the log-worths, under any constraint
    keep : (J,) items to include, those with a finite log-worth; all by default

    Returns
    -------
    (J,) quasi-variances q with ``q_i + q_j`` close to the variance of the difference of estimates
    i and j; inf for items left out; NaN where there are none: a difference shows no variance at
    all (robust errors of few enterprises), or no numbers come closest. One of them can be negative
    (a known property), though no sum of two is

    Notes
    -----
    Minimises ``sum_{i<j} (log(q_i + q_j) - log V_ij)^2`` over q by Gauss-Newton, where ``V_ij`` is
    the variance of the difference.

    References
    ----------
    Firth & de Menezes (2004), *Biometrika* 91, 65-80.
    """
    J = len(covariance)
    items = np.arange(J) if keep is None else np.flatnonzero(keep)
    out = np.full(J, np.inf)
    if items.size < 2:
        return out
    v = np.diag(covariance)
    first, second = np.triu_indices(items.size, 1)
    a, b = items[first], items[second]
    target = v[a] + v[b] - 2.0 * covariance[a, b]
    if float(target.min()) <= _NONE * float(target.max()):
        out[items] = np.nan
        return out
    if items.size == 2:
        out[items] = target[0] / 2.0
        return out
    q = _gauss_newton(first, second, target, items.size)
    out[items] = np.nan if q is None else q
    return out


def _gauss_newton(
    first: np.ndarray[tuple[int], np.dtype[np.intp]],
    second: np.ndarray[tuple[int], np.dtype[np.intp]],
    target: FloatArray,
    size: int,
) -> FloatArray | None:
    """Return the least-squares quasi-variances; None where the misfit has no minimum in reach."""
    design = np.zeros((first.size, size))
    rows = np.arange(first.size)
    design[rows, first] = design[rows, second] = 1.0
    q: FloatArray = np.full(size, float(np.median(target)) / 2.0)
    log_target = np.log(target)

    def misfit(q: FloatArray) -> float:
        total = design @ q
        return float(((np.log(total) - log_target) ** 2).sum()) if (total > 0).all() else np.inf

    value = misfit(q)
    for _ in range(500):
        total = design @ q
        step = np.linalg.lstsq(design / total[:, None], log_target - np.log(total), rcond=None)[0]
        length = 1.0
        while misfit(q + length * step) > value * (1 + 1e-12) + 1e-300 and length > 1e-10:
            length *= 0.5
        q = np.asarray(q + length * step, dtype=float)
        value = misfit(q)
        if float(np.abs(length * step).max()) < 1e-10 * float(np.abs(q).max()):
            return q
        if length <= 1e-10:  # no descent left: the minimum within rounding
            return q
    return None


METHODS = ("shrinkage", "maximum_likelihood", *SCORES, "kemeny")
"""Names of the estimators, the default first."""

ERRORS = ("model", "kish", "robust", "none")
"""What standard errors can rest on; in words under ``ballots.errors`` of the catalogue.

None of them depends on the scale of the weights.
"""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The importance of every item by one method.

    Parameters
    ----------
    method : name of the method, one of :data:`METHODS`
    items : (J,) codes
    worth : (J,) shares of importance that sum to 1; None for Kemeny, which gives an order only
    se : (J,) standard errors of the worths, or None; NaN for an item whose worth has no maximum
    lower, upper : (J,) single-item intervals of the worths at ``confidence``, or None; NaN likewise
    rank : (J,) rank, 1 is most important; equal worths share their mean rank
    confidence : coverage of the intervals
    theta, theta_se, quasi_variance : (J,) log-worths with errors and quasi-variances, for the two
        Plackett-Luce methods; else None
    loglik : log-likelihood, or None
    notes : what a reader must know
    errors : what the standard errors rest on, a key of :data:`ERRORS`
    """

    method: str
    items: tuple[str, ...]
    worth: FloatArray | None
    se: FloatArray | None
    lower: FloatArray | None
    upper: FloatArray | None
    rank: FloatArray
    confidence: float
    theta: FloatArray | None = None
    theta_se: FloatArray | None = None
    quasi_variance: FloatArray | None = None
    loglik: float | None = None
    notes: tuple[Text, ...] = ()
    errors: str = "none"

    def table(self) -> pd.DataFrame:
        """Return one row an item: code, rank, and what the method gives."""
        import pandas as pd

        columns = ("worth", "se", "lower", "upper", "theta", "theta_se", "quasi_variance")
        values = {c: getattr(self, c) for c in columns if getattr(self, c) is not None}
        return pd.DataFrame({"code": self.items, "rank": self.rank, **values})


def estimate(ballots: Ballots, method: str = "shrinkage", *, confidence: float = 0.95) -> Estimate:
    """Estimate the importance of every item.

    Parameters
    ----------
    ballots : the ballots
    method : one of :data:`METHODS`: ``shrinkage`` (Plackett-Luce shrunk towards equal worth, the
        default), ``maximum_likelihood``, a positional score, or ``kemeny``
    confidence : coverage of the intervals of single items

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
        raise InputError(unknown("ballots.input.estimator", method, METHODS))
    if method == "shrinkage":
        return _from_shrinkage(ballots, fit_shrunk(effective_table(ballots).table), confidence)
    if method == "maximum_likelihood":
        return _from_likelihood(ballots, fit_ml(tabulate(ballots)), confidence)
    if method == "kemeny":
        found = kemeny(ballots)
        share = found.disagreements / found.comparisons
        notes = (message("ballots.kemeny_note", share=share),)
        ranks = found.ranks.astype(float)
        return Estimate(
            method, ballots.items, None, None, None, None, ranks, confidence, notes=notes
        )
    score = positional_score(ballots, method)
    z = normal_quantile((1 + confidence) / 2)
    lower = np.maximum(score.share - z * score.se, 0.0)
    upper = np.minimum(score.share + z * score.se, 1.0)
    rank = _ranks(score.share)
    return Estimate(
        method,
        ballots.items,
        score.share,
        score.se,
        lower,
        upper,
        rank,
        confidence,
        errors="robust",
    )


def estimate_all(
    ballots: Ballots, methods: Sequence[str] = METHODS, *, confidence: float = 0.95
) -> tuple[Estimate, ...]:
    """Estimate by several methods; one that does not exist for these ballots is left out."""
    out = []
    for method in methods:
        try:
            out.append(estimate(ballots, method, confidence=confidence))
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


def method_table(
    ballots: Ballots, estimates: Sequence[Estimate], *, lang: str | None = None
) -> pd.DataFrame:
    """Return one row a method: what its errors rest on, and what a reader must know, in words.

    A maximum-likelihood estimate that does not exist, and is not among the estimates, has a row
    that says so.
    """
    import pandas as pd

    language = resolve_language(lang)
    rows: list[tuple[str, str, tuple[Text, ...]]] = [
        (e.method, e.errors, e.notes) for e in estimates
    ]
    if all(e.method != "maximum_likelihood" for e in estimates):
        missing = maximum_note(ballots)
        if missing is not None:
            rows.append(("maximum_likelihood", "none", (missing,)))
    semicolon = message("words.semicolon")
    said = [
        (
            method,
            message(f"ballots.errors.{errors}").get(language),
            joined(notes, semicolon).get(language),
        )
        for method, errors, notes in rows
    ]
    return pd.DataFrame(said, columns=["method", "errors", "note"])


def maximum_note(ballots: Ballots, names: Mapping[str, Text | str] | None = None) -> Text | None:
    """Say where the likelihood has no maximum; None when every log-worth has a finite estimate.

    Parameters
    ----------
    ballots : the ballots
    names : item names as shown, by code; codes are shown where there is none
    """

    def listed(which: BoolArray) -> Text:
        return listing([ballots.items[j] for j in np.flatnonzero(which)], names or {})

    try:
        absent = ~fit_ml(tabulate(ballots)).chosen
    except NoMaximumError as none:
        return message("ballots.separated", above=listed(none.upper), below=listed(none.lower))
    return message("ballots.never_chosen", listed=listed(absent)) if absent.any() else None


def _ranks(worth: FloatArray) -> FloatArray:
    """Return ranks, 1 for the largest; values equal within rounding share their mean rank."""
    rounded = np.round(worth, 12)
    _, inverse, counts = np.unique(-rounded, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2.0)[inverse], dtype=float)


def _intervals(
    worth: FloatArray, covariance: FloatArray, confidence: float
) -> tuple[FloatArray, FloatArray]:
    """Return intervals of worths from the covariance of theta, by the delta method on logits."""
    contrast = np.eye(worth.size) - worth  # d log w_j / d theta_l
    variance = np.maximum(np.diag(contrast @ covariance @ contrast.T), 0.0)
    live = (worth > 0) & (worth < 1)
    odds = np.where(live, worth / np.where(live, 1 - worth, 1.0), 0.0)
    z = normal_quantile((1 + confidence) / 2)
    half = z * np.sqrt(variance) / np.where(live, 1 - worth, 1.0)
    low, high = odds * np.exp(-half), odds * np.exp(half)
    lower = np.where(live, low / (1 + low), worth)
    return lower, np.where(live, high / (1 + high), worth)


def _from_shrinkage(ballots: Ballots, fit: Shrinkage, confidence: float) -> Estimate:
    lower, upper = _intervals(fit.worth, fit.covariance, confidence)
    notes = [message("ballots.sigma_note", sigma=fit.sigma)]
    if fit.at_bound:
        notes.append(message("ballots.sigma_bound"))
    return Estimate(
        "shrinkage",
        ballots.items,
        worth=fit.worth,
        se=np.sqrt(np.maximum(np.diag(fit.worth_covariance), 0.0)),
        lower=lower,
        upper=upper,
        rank=_ranks(fit.worth),
        confidence=confidence,
        theta=fit.theta,
        theta_se=fit.se,
        quasi_variance=quasi_variances(fit.covariance),
        loglik=fit.loglik,
        notes=tuple(notes),
        errors="kish" if weights_differ(ballots) or cluster_index(ballots) is not None else "model",
    )


def _from_likelihood(ballots: Ballots, fit: PlackettLuce, confidence: float) -> Estimate:
    robust = weights_differ(ballots) or cluster_index(ballots) is not None
    covariance = sandwich(ballots, fit) if robust else fit.covariance
    own = PlackettLuce(fit.theta, covariance, fit.loglik, fit.iterations)
    alone = int(fit.chosen.sum()) == 1  # a single item was chosen: its worth of 1 is a limit too

    # Robust errors of few enterprises can be 0 in some direction, which is no knowledge.
    spread = np.diag(covariance)
    shown = fit.chosen & (spread > 1e-12 * float(np.diag(fit.covariance).max()))

    def known(values: FloatArray) -> FloatArray:
        return np.where(shown & (not alone), values, np.nan)

    lower, upper = _intervals(own.worth, covariance, confidence)
    absent = [ballots.items[j] for j in np.flatnonzero(~fit.chosen)]
    notes = [message("ballots.robust_note")] if robust else []
    if not shown[fit.chosen].all() and not alone:
        notes.append(message("ballots.too_few"))
    if absent:
        notes.append(message("ballots.absent_note", listed=absent))
    quasi = quasi_variances(covariance, fit.chosen) if fit.chosen.sum() > 1 else None
    return Estimate(
        "maximum_likelihood",
        ballots.items,
        worth=own.worth,
        se=known(np.sqrt(np.maximum(np.diag(own.worth_covariance), 0.0))),
        lower=known(lower),
        upper=known(upper),
        rank=_ranks(own.worth),
        confidence=confidence,
        theta=own.theta,
        theta_se=known(own.se),
        quasi_variance=None if quasi is None else known(quasi),
        loglik=own.loglik,
        notes=tuple(notes),
        errors="robust" if robust else "model",
    )
