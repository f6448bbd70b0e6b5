"""Values that other software or worked examples in the literature give."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from calib.files.shipped import shipped_data
from calib.verification.values import Compared, figure
from calib.words import Label, Text, joined, message

__all__ = ["software_values"]

TIER = "software"


def software_values() -> Iterator[Compared]:
    """Yield the comparisons of this tier; the references stand in ``data/verify/*.json``."""
    experts = {c["id"]: c for c in _read("experts")}
    yield from _pairwise(experts)
    yield from _best_worst(experts)
    yield from _ranks(experts)
    yield from _cooke(experts["cooke_tudelft_3experts"])
    yield from _ballots(_read("ballots")["cases"])
    yield from _entropy(_read("entropy"))
    yield from _importance(_read("importance"))


def _read(name: str) -> Any:
    return json.loads((shipped_data() / "verify" / f"{name}.json").read_text("utf-8"))


def _each(
    method: str, what: str, source: str | Text, reference: Any, ours: Any, tolerance: float
) -> Iterator[Compared]:
    """Yield a comparison for each number of a list."""
    wanted, found = np.ravel(reference), np.ravel(ours)
    for i, (a, b) in enumerate(zip(wanted, found, strict=True), start=1):
        number = "" if len(wanted) == 1 else f"[{i}]"
        zh = what.get("zh") if isinstance(what, Label) else what
        name = Label(f"{what}{number}", f"{zh}{number}")
        yield Compared(TIER, method, name, source, float(a), float(b), tolerance)


def _matrix(case: Any) -> np.ndarray[Any, Any]:
    rows = case["inputs"]["matrix"]
    return np.array([[np.nan if v is None else v for v in row] for row in rows], dtype=float)


def _pairwise(cases: dict[str, Any]) -> Iterator[Compared]:
    from calib.experts.ahp import weigh_comparisons

    sources = {
        "ahp_drinks_saaty2008": "Saaty (2008), Int. J. Serv. Sci. 1, p. 83; AHPy",
        "ahp_jmcdm_8x8": "JMcDM.jl, test/mcdm/testahp.jl",
    }
    for name, source in sources.items():
        case = cases[name]
        expected, one = case["expected"], _matrix(case)[None]
        found = weigh_comparisons(one)
        plain = weigh_comparisons(one, complete="geometric")
        yield from _each("ahp", f"{name} w", source, expected["weights_eigenvector"],
                         found.weights[0], 1e-9)  # fmt: skip
        yield from _each("ahp", f"{name} λ", source, expected["lambda_max"], found.eigenvalue[0],
                         1e-9)  # fmt: skip
        yield from _each("ahp", f"{name} GCI", source, expected["GCI"], found.gci[0], 1e-9)
        what = figure(f"{name} w (geometric)", "geometric", of=name)
        yield from _each("ahp", what, source, expected["weights_geometric_mean"], plain.weights[0],
                         1e-9)  # fmt: skip


def _best_worst(cases: dict[str, Any]) -> Iterator[Compared]:
    from calib.experts.bestworst import xi_scale
    from calib.experts.elicit import elicit

    for name, source in (
        ("bwm_transport_2015", "Rezaei (2015), Omega 53, p. 54; R package BWM"),
        ("bwm_car_consistent", "R package BWM, tests/testthat/test-example-data.R"),
    ):
        inputs, expected = cases[name]["inputs"], cases[name]["expected"]
        rows = np.array([inputs["best_to_others"], inputs["others_to_worst"]], dtype=float)
        found: Any = elicit("bwm", rows[None])
        yield from _each("bwm", f"{name} w", source, expected["linear_weights"], found.weights[0],
                         1e-9)  # fmt: skip
        yield from _each("bwm", f"{name} ξ", source, expected["linear_ksi"],
                         found.details.xi[0], 1e-9)  # fmt: skip
    index = cases["bwm_consistency_index"]
    yield from _each("bwm", figure("consistency index a=1…9", "index"),
                     "Rezaei (2015), Omega 53, table 1", index["expected"]["CI_published_2dp"],
                     xi_scale(np.array(index["inputs"]["a_BW"])), index["tolerance"])  # fmt: skip


def _ranks(cases: dict[str, Any]) -> Iterator[Compared]:
    from calib.experts.concordance import kendall_w
    from calib.experts.ranks_and_points import RANK_FORMULAS, place_weights

    keys: Sequence[str] = ("ROC", "rank_sum", "rank_reciprocal", "sum_reciprocal")
    for n in (5, 11):
        expected = cases[f"rank_weights_n{n}"]["expected"]
        for formula, key in zip(RANK_FORMULAS, keys, strict=True):
            yield from _each("ranks", f"{key} n={n}", "Stillwell, Seaver, Edwards (1981); vcalc",
                             expected[key], place_weights(n, formula), 1e-11)  # fmt: skip
    case = cases["kendall_w_10x4"]
    found = kendall_w(np.array(case["inputs"]["ranks"], dtype=float).T)
    source = message("verify.by.worked", items=10, raters=4, deviations=1048)
    yield from _each("agreement", "Kendall W, 10 × 4", source, case["expected"]["W"],
                     found.w, 1e-6)  # fmt: skip


def _cooke(case: dict[str, Any]) -> Iterator[Compared]:
    from calib.experts.cooke import performance_weights

    inputs, expected = case["inputs"], case["expected"]
    found = performance_weights(
        np.array(list(inputs["assessments"].values()), dtype=float),
        np.array(inputs["realizations"], dtype=float),
        levels=tuple(inputs["quantiles"]), overshoot=inputs["overshoot"],
    )  # fmt: skip
    source = "TU Delft OCW, Decision Making Under Uncertainty, 3.7.3"
    for i, who in enumerate("ABC"):
        published = expected["published"]
        yield from _each("cooke", figure(f"calibration {who}", "calibration", of=who), source,
                         published["calibration"][who],
                         found.calibration[i], 1e-3)  # fmt: skip
        yield from _each("cooke", figure(f"weight {who}", "weight", of=who), source,
                         published["weights"][who],
                         found.weights[i], 1e-3)  # fmt: skip


def _ballots(cases: dict[str, Any]) -> Iterator[Compared]:
    from calib.ballots import Ballots, fit_ml, tabulate

    for name in ("german_goals", "rice", "sim_top5of28_200"):
        case = cases[name]
        if "data" in case:
            picks = np.array(case["data"])
        else:
            most = max(len(b["ranking"]) for b in case["ballots"])
            rows = [[r - 1 for r in b["ranking"]] + [-1] * (most - len(b["ranking"]))
                    for b in case["ballots"] for _ in range(b["count"])]  # fmt: skip
            picks = np.array(rows)
        items = tuple(f"item{j:02d}" for j in range(case["J"]))
        fit = fit_ml(tabulate(Ballots(items, picks)))
        data = case.get("source", message("verify.by.simulated"))
        source = joined(["R survival::coxph, PLMIX, choix 0.3", data], ": ")
        yield from _each("ballots", f"{name} log L", source, case["loglik"], fit.loglik, 1e-6)
        yield from _each("ballots", f"{name} θ", source, case["theta_sum0"], fit.theta, 1e-6)
        yield from _each("ballots", f"{name} SE", source, case["se_sum0"], fit.se, 1e-6)


def _entropy(case: dict[str, Any]) -> Iterator[Compared]:
    from calib.weights import entropy_weights

    found = entropy_weights(np.array(case["matrix"]))
    yield from _each("entropy", figure("entropy weights", "entropy"),
                     "JMcDM.jl, test/mcdm/testentropy.jl",
                     case["weights"], found, 1e-9)  # fmt: skip


def _importance(document: dict[str, Any]) -> Iterator[Compared]:
    from calib.outcomes.dominance.moments import Moments, correlation_with_total

    for case in document["cases"]:
        moments = Moments(100, np.zeros(3), np.array(case["covariance"], dtype=float))
        found = correlation_with_total(np.array(case["weights"]), moments) ** 2
        yield from _each("dominance", f"{case['id']} r²",
                         "Paruolo, Saisana, Saltelli (2013), J. R. Stat. Soc. A 176, p. 613",
                         case["r_squared"], found, 1e-12)  # fmt: skip
