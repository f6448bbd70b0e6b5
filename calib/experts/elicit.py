"""One interface for all ways to ask an expert about the children of one node.

A batch of responses of one method goes in; local weights, a consistency measure where the
method has one, and the method's own details come out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from calib._types import FloatArray
from calib.experts.ahp import CR_LIMIT, Comparisons, weigh_comparisons
from calib.experts.bestworst import (
    BestWorst,
    check_best_worst,
    find_best_worst,
    input_consistency,
    solve_best_worst,
)
from calib.experts.incomplete import check_connected
from calib.experts.pairwise import check_comparisons
from calib.experts.problems import Problem, names_or_numbers, raise_problems
from calib.experts.ranks_and_points import (
    Normalised,
    check_numbers,
    check_ranks,
    normalise,
    rank_weights,
)
from calib.words import Text, message

__all__ = ["METHODS", "Elicited", "Method", "check_responses", "elicit"]

RATING_RANGE = (1.0, 10.0)
SWING_TOP = 100.0
# calib's screening convention; published limits depend on n and a_BW (Liang et al. 2020).
BEST_WORST_LIMIT = 0.3


@dataclass(frozen=True, slots=True)
class Elicited:
    """Local weights of a batch of experts at one node.

    Parameters
    ----------
    method : name of the method
    weights : (k, n) local weights, rows sum to 1
    consistency : (k,) consistency measure, NaN where the method has none
    measure : what ``consistency`` is
    limit : the value up to which ``consistency`` is usually accepted
    raw_sum : (k,) sum of the stated numbers before normalising, NaN where nothing is summed
    details : the method's own result (comparisons, Best-Worst certificate, stated numbers)
    """

    method: str
    weights: FloatArray
    consistency: FloatArray
    measure: str = ""
    limit: float = np.nan
    raw_sum: FloatArray = field(default_factory=lambda: np.empty(0))
    details: Comparisons | BestWorst | Normalised | None = None


@dataclass(frozen=True, slots=True)
class Method:
    """A way to ask: the shape of one response, its check, its solution.

    Parameters
    ----------
    name : what readers call it
    shape : ``"vector"`` (n,), ``"matrix"`` (n, n) or ``"best-worst"`` (2, n)
    check : finds problems in (k, ...) responses
    solve : turns sound (k, ...) responses into :class:`Elicited`
    """

    name: Text
    shape: str
    check: Callable[..., list[Problem]]
    solve: Callable[..., Elicited]


def _stated(method: str) -> Callable[..., Elicited]:
    def solve(responses: FloatArray, **_: Any) -> Elicited:
        result = normalise(responses)
        none = np.full(len(responses), np.nan)
        return Elicited(method, result.weights, none, raw_sum=result.raw_sum, details=result)

    return solve


def _solve_ranks(
    responses: FloatArray, *, formula: str = "centroid", ties: str = "unordered"
) -> Elicited:
    none = np.full(len(responses), np.nan)
    weights = rank_weights(responses, formula=formula, ties=ties)
    return Elicited("ranks", weights, none, raw_sum=none)


def _solve_ahp(method: str) -> Callable[..., Elicited]:
    def solve(responses: FloatArray, **options: Any) -> Elicited:
        result = weigh_comparisons(responses, **options)
        return Elicited(
            method,
            result.weights,
            result.ratio,
            "CR",
            CR_LIMIT,
            np.full(len(responses), np.nan),
            result,
        )

    return solve


def _check_pairs(responses: FloatArray, **_: Any) -> list[Problem]:
    problems = check_comparisons(responses, complete=False)
    return problems or check_connected(responses)


def _places(
    responses: FloatArray, best: Sequence[int] | None, worst: Sequence[int] | None
) -> tuple[Any, ...]:
    a, o = responses[:, 0], responses[:, 1]
    found_best, found_worst = find_best_worst(a, o)
    b = found_best if best is None else np.asarray(best, dtype=np.int64)
    w = found_worst if worst is None else np.asarray(worst, dtype=np.int64)
    return a, o, b, w


def _check_bwm(
    responses: FloatArray,
    *,
    best: Sequence[int] | None = None,
    worst: Sequence[int] | None = None,
) -> list[Problem]:
    return check_best_worst(*_places(responses, best, worst))


def _solve_bwm(
    responses: FloatArray,
    *,
    best: Sequence[int] | None = None,
    worst: Sequence[int] | None = None,
) -> Elicited:
    judged = _places(responses, best, worst)
    result = solve_best_worst(*judged)
    ratio, _ = input_consistency(*judged)
    none = np.full(len(responses), np.nan)
    label = "input-based consistency ratio"
    return Elicited("bwm", result.weights, ratio, label, BEST_WORST_LIMIT, none, result)


METHODS: Mapping[str, Method] = {
    "direct": Method(
        message("values.direct"),
        "vector",
        lambda r, **_: check_numbers(r),
        _stated("direct"),
    ),
    "points": Method(
        message("values.points"),
        "vector",
        lambda r, **_: check_numbers(r),
        _stated("points"),
    ),
    "ratings": Method(
        message("values.ratings"),
        "vector",
        lambda r, **_: check_numbers(r, low=RATING_RANGE[0], high=RATING_RANGE[1]),
        _stated("ratings"),
    ),
    "swing": Method(
        message("values.swing"),
        "vector",
        lambda r, **_: check_numbers(r, high=SWING_TOP, top=SWING_TOP),
        _stated("swing"),
    ),
    "ranks": Method(
        message("values.ranks"),
        "vector",
        lambda r, **_: check_ranks(r),
        _solve_ranks,
    ),
    "ahp": Method(
        message("values.ahp"),
        "matrix",
        _check_pairs,
        _solve_ahp("ahp"),
    ),
    "ahp-incomplete": Method(
        message("values.ahp-incomplete"),
        "matrix",
        _check_pairs,
        _solve_ahp("ahp-incomplete"),
    ),
    "bwm": Method(message("values.bwm"), "best-worst", _check_bwm, _solve_bwm),
}


def _as_batch(method: Method, responses: FloatArray) -> FloatArray:
    batch = np.asarray(responses, dtype=float)
    axes = 2 if method.shape == "vector" else 3
    fits = batch.ndim == axes and (
        method.shape == "vector"
        or batch.shape[1] == (2 if method.shape == "best-worst" else batch.shape[2])
    )
    if not fits:
        one = {"vector": "(n,)", "matrix": "(n, n)", "best-worst": "(2, n)"}[method.shape]
        msg = f"responses have shape {batch.shape}, expected a batch of {one}"
        raise ValueError(msg)
    return batch


def check_responses(method: str, responses: FloatArray, **options: Any) -> list[Problem]:
    """Find every problem in a batch of responses without solving it.

    Parameters
    ----------
    method
        A key of :data:`METHODS`.
    responses : (k, ...) one response per expert, NaN where nothing was stated
    options
        ``best`` and ``worst`` (``"bwm"``): (k,) positions of the items named best and worst.
    """
    chosen = METHODS[method]
    return chosen.check(_as_batch(chosen, responses), **options)


def elicit(
    method: str,
    responses: FloatArray,
    *,
    experts: Sequence[str] | None = None,
    items: Sequence[str] | None = None,
    **options: Any,
) -> Elicited:
    """Turn a batch of judgements about the children of one node into local weights.

    Parameters
    ----------
    method
        ``"direct"``, ``"points"``, ``"ratings"`` (1-10), ``"swing"`` (0-100, one item 100),
        ``"ranks"``, ``"ahp"``, ``"ahp-incomplete"`` or ``"bwm"``.
    responses : (k, n) numbers or places; (k, n, n) comparisons; or (k, 2, n) the rows
        best-to-others and others-to-worst. NaN where nothing was stated; comparisons may have
        gaps, by either name, as long as chains of them link all items.
    experts, items
        Names for error messages.
    options
        ``formula``, ``ties`` for ranks (:func:`calib.experts.rank_weights`); ``complete``,
        ``incomplete``, ``index`` for AHP (:func:`calib.experts.weigh_comparisons`);
        ``best``, ``worst`` (k,) positions for ``"bwm"``, inferred where they are not given.

    Returns
    -------
    Elicited

    Raises
    ------
    InputError
        With every problem of every expert, by names.

    Examples
    --------
    >>> import numpy as np
    >>> elicit("points", np.array([[50, 30, 20], [40, 40, 10]])).raw_sum
    array([100.,  90.])
    """
    if method not in METHODS:
        msg = f"unknown method {method!r}; known: {', '.join(METHODS)}"
        raise ValueError(msg)
    chosen = METHODS[method]
    batch = _as_batch(chosen, responses)
    people = names_or_numbers(experts, batch.shape[0], "expert")
    things = names_or_numbers(items, batch.shape[-1], "item")
    raise_problems(chosen.check(batch, **options), people, things)
    return chosen.solve(batch, **options)
