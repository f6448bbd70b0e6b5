"""Seed questions (Cooke's classical model), and experts whose weight is 0."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

from calib.cli import cli
from calib.errors import InputError
from calib.experiment import parse_experiment, run_experiment
from calib.experts import (
    Answer,
    ExpertForm,
    Panel,
    PanelRequest,
    performance_weights,
    pool_judgements,
    pool_panel,
    pool_weights,
    questions_of,
    read_seed_answers,
    seeds_table,
    weights_from_seeds,
)
from calib.files import shipped_data
from calib.framework import load_framework
from calib.tables import read_table

AII = load_framework("aii")
CASE = next(
    c
    for c in json.loads(
        (Path(__file__).parents[2] / "data" / "verify" / "experts.json").read_text("utf-8")
    )
    if c["id"] == "cooke_tudelft_3experts"
)
STATED = {name: np.array(rows, dtype=float) for name, rows in CASE["inputs"]["assessments"].items()}
TRUTHS = CASE["inputs"]["realizations"]


def by_definition(assessed, truths, levels=(0.05, 0.5, 0.95), overshoot=0.1, cutoff=0.0):
    """Cooke (1991) as the book defines it, expert by expert and question by question."""
    p = np.diff([0, *levels, 1])
    calibration, information = [], []
    for rows in assessed:
        counts = [0] * len(p)
        relative = []
        for q, quantiles in enumerate(rows):
            counts[sum(truths[q] > x for x in quantiles)] += 1
            said = [x for other in assessed for x in other[q]] + [truths[q]]
            low, high = min(said), max(said)
            low, high = low - overshoot * (high - low), high + overshoot * (high - low)
            edges = [low, *quantiles, high]
            relative.append(
                sum(
                    p[i] * math.log(p[i] / ((edges[i + 1] - edges[i]) / (high - low)))
                    for i in range(len(p))
                )
            )
        n = len(truths)
        divergence = sum(c / n * math.log(c / n / p[i]) for i, c in enumerate(counts) if c)
        calibration.append(stats.chi2.sf(2 * n * divergence, len(p) - 1))
        information.append(np.mean(relative))
    raw = np.array(
        [c * i if c >= cutoff else 0 for c, i in zip(calibration, information, strict=True)]
    )
    return np.array(calibration), np.array(information), raw / raw.sum()


@pytest.mark.parametrize("overshoot", [0.05, 0.1, 0.3])
@pytest.mark.parametrize("cutoff", [0.0, 0.05])
def test_scores_and_weights_follow_the_definition(overshoot, cutoff):
    rng = np.random.default_rng(5)
    truths = rng.normal(50, 10, 12)
    centre = truths + rng.normal(0, 8, (5, 12))
    width = np.exp(rng.normal(2, 0.5, (5, 12, 2)))
    assessed = np.stack([centre - width[..., 0], centre, centre + width[..., 1]], axis=-1)
    found = performance_weights(assessed, truths, overshoot=overshoot, cutoff=cutoff)
    calibration, information, weights = by_definition(
        assessed, truths, overshoot=overshoot, cutoff=cutoff
    )
    assert found.calibration == pytest.approx(calibration)
    assert found.information == pytest.approx(information)
    assert found.weights == pytest.approx(weights)
    assert found.score == pytest.approx(calibration * information)


def seed_file(path, stated):
    lines = ["expert,question,truth,q5,q50,q95"]
    for who, rows in stated.items():
        for q, (truth, row) in enumerate(zip(TRUTHS, rows, strict=True)):
            lines.append(f"{who},{q},{truth},{','.join(str(x) for x in row)}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def panel_file(path, experts):
    rows = ["expert,round,method,node,item,against,value"]
    for who, values in zip(
        experts, ((60, 30, 10), (20, 30, 50), (30, 40, 30), (10, 80, 10)), strict=False
    ):
        for item, value in zip(("IC", "IN", "DA"), values, strict=True):
            rows.append(f"{who},1,points,root,{item},,{value}")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


WILD = STATED | {"D": np.array([[-9000.0, 0, 9000]] * 5)}


def experiment(tmp_path, **keys):
    document = {
        "schema": "calib.experiment/1",
        "name": "x",
        "framework": "aii",
        "population": {"file": str(shipped_data() / "trial" / "trial.toml")},
        "baseline": "published",
        "sets": {
            "published": {"source": "published"},
            "panel": {
                "source": "experts", "unjudged": "published", "draws": 100,
                "files": ["panel.csv"], **keys,
            },
        },
    }  # fmt: skip
    return parse_experiment(document, folder=tmp_path, file="x.toml")


def table_of(run, name):
    return next(t.frame for t in run.results["panel"].tables if t.name == name)


def test_an_excluded_experts_seed_answers_do_not_move_the_ranges(tmp_path):
    seed_file(tmp_path / "seeds.csv", WILD)
    panel_file(tmp_path / "panel.csv", "ABCD")
    keys = {"competence": "seeds", "seeds": "seeds.csv"}
    run = run_experiment(experiment(tmp_path, exclude=["D"], **keys))
    scores = table_of(run, "seeds")
    assert scores["expert"].tolist() == ["A", "B", "C"]
    for i, who in enumerate("ABC"):  # the published example has these three experts
        expected = CASE["expected"][who]
        assert scores["information"][i] == pytest.approx(expected["information"], abs=1e-6)
        assert scores["calibration"][i] == pytest.approx(expected["calibration"], rel=2e-4)
        assert scores["weight"][i] == pytest.approx(expected["weight"], abs=1e-7)
    weighed = np.array([[60, 30, 10], [20, 30, 50], [30, 40, 30]]) / 100
    found = run.results["panel"].weights
    expected = scores["weight"].to_numpy() @ weighed
    assert [found.weight(c) for c in ("IC", "IN", "DA")] == pytest.approx(expected)
    with_d = table_of(run_experiment(experiment(tmp_path, **keys)), "seeds")
    assert with_d["information"][0] > scores["information"][0] + 1  # D's ranges make all look sharp


def test_cutoff_and_overshoot_are_set_in_the_experiment_and_shown(tmp_path):
    seed_file(tmp_path / "seeds.csv", STATED)
    panel_file(tmp_path / "panel.csv", "ABC")
    keys = {"competence": "seeds", "seeds": "seeds.csv"}
    run = run_experiment(experiment(tmp_path, **keys, seed_cutoff=0.05, seed_overshoot=0.25))
    scores = table_of(run, "seeds")
    calibration, information, weights = by_definition(
        list(STATED.values()), TRUTHS, overshoot=0.25, cutoff=0.05
    )
    assert scores["calibration"].to_numpy() == pytest.approx(calibration)
    assert scores["information"].to_numpy() == pytest.approx(information)
    assert scores["weight"].to_numpy() == pytest.approx(weights)
    assert scores["reaches_cutoff"].tolist() == ["no", "yes", "yes"]
    assert set(scores["seed_cutoff"]) == {0.05}
    assert set(scores["seed_overshoot"]) == {0.25}
    assert scores["between_quantiles"].tolist() == [
        "/".join(f"{c:g}" for c in CASE["expected"][who]["bin_counts"]) for who in "ABC"
    ]


def test_seed_settings_without_seeds_are_refused(tmp_path):
    with pytest.raises(InputError, match='seed_cutoff: only with competence = "seeds"'):
        experiment(tmp_path, seed_cutoff=0.1)
    stated = np.stack(list(STATED.values()))
    for keys, word in (({"overshoot": 0.0}, "overshoot"), ({"cutoff": 1.0}, "cut-off")):
        with pytest.raises(InputError, match=word):
            performance_weights(stated, np.array(TRUTHS, dtype=float), **keys)


def test_the_command_line_shows_and_writes_the_scores(tmp_path):
    seed_file(tmp_path / "seeds.csv", WILD)
    panel_file(tmp_path / "panel.csv", "ABC")
    args = ["experts", str(tmp_path / "panel.csv"), "--report", str(tmp_path / "out.xlsx")]
    args += ["--competence", "seeds", "--lang", "zh", "--seeds", str(tmp_path / "seeds.csv")]
    done = CliRunner().invoke(cli, ["read", *args], catch_exceptions=False)
    assert "校准" in done.output
    assert "0.4339" in done.output  # weight of B in the published example
    scores = read_table(tmp_path / "out.xlsx", sheet="seeds").frame
    assert [float(x) for x in scores["calibration"]] == pytest.approx(
        [CASE["expected"][who]["calibration"] for who in "ABC"], rel=2e-4
    )
    without = CliRunner().invoke(cli, ["read", *args[:-2]])
    assert "须给出种子问题的答案（seeds）" in without.exception.get("zh")


def test_an_expert_without_seed_answers_is_named(tmp_path):
    seed_file(tmp_path / "seeds.csv", {k: STATED[k] for k in "AB"})
    answers = read_seed_answers(tmp_path / "seeds.csv")
    with pytest.raises(InputError, match="C: no seed answers of this expert"):
        answers.of(["A", "C"])
    only = answers.of(["B"])
    weights, performance = weights_from_seeds(only)
    assert weights == {"B": 1.0}
    assert seeds_table(only.experts, performance)["weight"].tolist() == [1.0]


# Weight 0 --------------------------------------------------------------------------------------


def test_a_zero_from_an_expert_of_weight_zero_does_not_stop_the_geometric_pool():
    w = np.array([[0.5, 0.3, 0.2], [0.2, 0.4, 0.4], [1.0, 0.0, 0.0]])
    found = pool_weights(w, pool="geometric", competence=np.array([1.0, 2.0, 0.0]))
    expected = np.exp(np.average(np.log(w[:2]), axis=0, weights=[1, 2]))
    assert found == pytest.approx(expected / expected.sum())
    rows = np.array([[1.0, 0, 0], [0, 1, 0]])
    assert pool_weights(w, pool="geometric", competence=rows) == pytest.approx(w[:2])
    with pytest.raises(InputError, match="given by expert 3"):
        pool_weights(w, pool="geometric", competence=np.array([1.0, 1.0, 1e-9]))


def test_a_gap_from_an_expert_of_weight_zero_does_not_stop_pooled_judgements():
    whole = np.array([[1, 2, 4], [1 / 2, 1, 2], [1 / 4, 1 / 2, 1]])
    gappy = np.array([[1, 2, 4], [1 / 2, 1, np.nan], [1 / 4, np.nan, 1]])
    both = np.stack([whole, gappy])
    assert pool_judgements(both, competence=np.array([1.0, 0.0])) == pytest.approx(whole)
    with pytest.raises(InputError, match="not by expert 2"):
        pool_judgements(both)


@pytest.mark.parametrize("pool", ["geometric", "aij"])
def test_a_panel_is_pooled_as_if_experts_of_weight_zero_were_not_there(pool):
    sound = [
        np.array([[1, 2, 4], [1 / 2, 1, 2], [1 / 4, 1 / 2, 1]]),
        np.array([[1, 1 / 2, 1], [2, 1, 2], [1, 1 / 2, 1]]),
    ]
    forms = [ExpertForm(n, 1, {"root": Answer("ahp", a)}) for n, a in zip("AB", sound, strict=True)]
    forms.append(ExpertForm("C", 1, {"root": Answer("points", np.array([100.0, 0, 0]))}))
    panel = Panel(AII, {"root": questions_of(AII)["root"]}, tuple(forms))
    options = PanelRequest(pooling=pool, competence={"C": 0.0}, unjudged="published", draws=100)
    found = pool_panel(panel, 1, options, rng=0)
    alone = pool_panel(
        panel.without(["C"]), 1, PanelRequest(pooling=pool, unjudged="published", draws=100)
    )
    assert found.pooled["root"].weights == pytest.approx(alone.pooled["root"].weights)
    with pytest.raises(InputError, match="C"):
        pool_panel(panel, 1, PanelRequest(pooling=pool, unjudged="published", draws=100), rng=0)
