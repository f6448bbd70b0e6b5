"""Groups of experts against ways of asking; answers in the wrong direction; what the tables say."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from calib.experts import (
    Answer,
    ExpertForm,
    Panel,
    aitchison_distances,
    clusters_table,
    consistency_table,
    correlation_with_rest,
    expert_clusters,
    experts_table,
    judge_nodes,
    matrix_from_pairs,
    method_association,
    method_difference,
    methods_table,
    panel_direction,
    panel_groups,
    questions_of,
    read_panel,
    sums_table,
)
from calib.experts.panel_notes import direction_notes, group_notes, judgement_notes
from calib.files import shipped_data
from calib.framework import load_framework

AII = load_framework("aii")
ROOT = {"root": questions_of(AII)["root"]}


def panel_of(answers):
    forms = [ExpertForm(name, 1, {"root": a}) for name, a in answers.items()]
    return Panel(AII, ROOT, tuple(forms))


def noisy(centre, k, rng, noise=0.1):
    w = np.exp(np.log(centre) + rng.normal(0, noise, (k, len(centre))))
    return w / w.sum(axis=1, keepdims=True)


# Differences between methods --------------------------------------------------------------------


def pseudo_f(weights, groups):
    """Compute Anderson's (2001) pseudo-F from sums over pairs, as the paper writes it."""
    d2 = aitchison_distances(weights) ** 2
    k, names = len(weights), sorted(set(groups))
    total = sum(d2[i, j] for i, j in itertools.combinations(range(k), 2)) / k
    within = 0.0
    for name in names:
        at = [i for i, g in enumerate(groups) if g == name]
        within += sum(d2[i, j] for i, j in itertools.combinations(at, 2)) / len(at)
    return ((total - within) / (len(names) - 1)) / (within / (k - len(names))), 1 - within / total


def test_the_test_of_methods_is_exact_for_few_experts():
    rng = np.random.default_rng(1)
    w = noisy([0.5, 0.3, 0.2], 7, rng, 0.4)
    methods = ["ahp", "bwm", "ahp", "ratings", "bwm", "ahp", "ratings"]
    found = method_difference(w, methods)
    f, r2 = pseudo_f(w, methods)
    every = [pseudo_f(w, order)[0] for order in set(itertools.permutations(methods))]
    assert (found.f, found.r2) == (pytest.approx(f), pytest.approx(r2))
    assert found.exact
    assert found.permutations == len(every) == 210
    assert found.p == pytest.approx(np.mean([value >= f - 1e-9 for value in every]))
    assert found.floor == pytest.approx(np.mean([v >= max(every) - 1e-9 for v in every]))


def test_on_two_items_pseudo_f_is_the_f_of_analysis_of_variance():
    """One log-ratio is one number, so distances between experts are differences on a line."""
    rng = np.random.default_rng(2)
    w = noisy([0.6, 0.4], 18, rng, 0.5)
    methods = ["ahp"] * 6 + ["bwm"] * 7 + ["ratings"] * 5
    ratio = np.log(w[:, 0] / w[:, 1])
    expected = stats.f_oneway(ratio[:6], ratio[6:13], ratio[13:])
    found = method_difference(w, methods, rng=0)
    assert found.f == pytest.approx(expected.statistic)
    assert found.p == pytest.approx(expected.pvalue, abs=0.03)
    assert not found.exact


def test_p_is_b_plus_one_over_draws_plus_one_and_says_its_floor():
    rng = np.random.default_rng(3)
    w = np.concatenate([noisy([0.7, 0.2, 0.1], 10, rng), noisy([0.1, 0.2, 0.7], 10, rng)])
    found = method_difference(w, ["ahp"] * 10 + ["bwm"] * 10, draws=499, rng=1)
    assert found.p == found.floor == pytest.approx(1 / 500)
    assert method_difference(w, ["ahp"] * 10 + ["bwm"] * 10, rng=0).floor == pytest.approx(1e-4)


def test_methods_do_not_differ_too_often_when_nothing_differs():
    rng = np.random.default_rng(4)
    methods = ["ahp"] * 5 + ["bwm"] * 5
    p = [
        method_difference(noisy([0.5, 0.3, 0.2], 10, rng), methods, draws=300, rng=rng).p
        for _ in range(200)
    ]
    assert 0.01 <= np.mean(np.array(p) <= 0.05) <= 0.1


def test_complete_and_incomplete_comparisons_are_one_method():
    w = noisy([0.5, 0.3, 0.2], 6, np.random.default_rng(5))
    found = method_difference(w, ["ahp", "ahp-incomplete"] * 3)
    assert found.methods == ("ahp",)
    assert np.isnan(found.p)
    apart = method_difference(w[:3], ["ahp", "bwm", "ratings"])
    assert np.isnan(apart.p)  # nobody to compare with within any method


# Groups and methods -----------------------------------------------------------------------------


def test_association_is_fishers_exact_test():
    labels = np.array([0] * 9 + [1] * 8)
    methods = ["ahp"] * 7 + ["bwm"] * 2 + ["ahp"] * 3 + ["bwm"] * 5
    found = method_association(labels, methods)
    assert found.table.tolist() == [[7, 2], [3, 5]]
    assert found.exact
    assert found.p == pytest.approx(stats.fisher_exact(found.table).pvalue)
    chi2 = stats.chi2_contingency(found.table, correction=False).statistic
    assert found.cramers_v == pytest.approx(np.sqrt(chi2 / 17))


def test_association_of_three_groups_and_methods_counts_every_arrangement():
    labels = np.array([0, 0, 0, 1, 1, 2, 2])
    methods = ["a", "a", "b", "b", "b", "c", "a"]
    found = method_association(labels, methods)
    chance = Counter()
    for order in itertools.permutations(range(7)):
        table = np.zeros((3, 3), dtype=int)
        for label, i in zip(labels, order, strict=True):
            table[label, "abc".index(methods[i])] += 1
        chance[table.tobytes()] += 1
    own = chance[found.table.tobytes()]
    total = sum(chance.values())
    assert found.p == pytest.approx(sum(v for v in chance.values() if v <= own) / total)
    least = min(chance.values())
    assert found.floor == pytest.approx(sum(v for v in chance.values() if v == least) / total)
    assert found.permutations == len(chance)


def test_association_with_too_many_tables_is_drawn():
    rng = np.random.default_rng(6)
    labels = rng.integers(0, 4, 120)
    methods = [("ahp", "bwm", "points", "ranks", "ratings")[i] for i in rng.integers(0, 5, 120)]
    found = method_association(labels, methods, rng=0)
    assert not found.exact
    assert found.floor == pytest.approx(1e-4)
    drawn = stats.random_table(found.table.sum(axis=1), found.table.sum(axis=0))
    reference = drawn.logpmf(drawn.rvs(4000, random_state=np.random.default_rng(1)))
    expected = np.mean(reference <= drawn.logpmf(found.table) + 1e-9)
    assert found.p == pytest.approx(expected, abs=0.03)


def stretched(k, rng):
    """Best-Worst answers that stretch an opinion, and ratings that flatten the same opinion."""
    best_worst = [
        Answer("bwm", np.array([[1.0, 3 + rng.integers(0, 2), 9], [9.0, 4, 1.0]]), 0, 2)
        for _ in range(k)
    ]
    ratings = [Answer("ratings", np.array([9.0, 8, 7 + rng.integers(0, 2)])) for _ in range(k)]
    return {f"e{i}": a for i, a in enumerate([*best_worst, *ratings])}


def test_groups_that_are_methods_are_not_called_clusters_of_opinion():
    nodes = judge_nodes(panel_of(stretched(8, np.random.default_rng(0))), 1)
    found = panel_groups(nodes, rng=0)
    assert found["root"].kind == "methods"
    table = clusters_table(found)
    assert set(table["groups_are"]) == {"methods"}
    assert (table["p_method_association"] < 0.001).all()
    said = [f.text for f in group_notes(found)]
    assert "ways of asking, not clusters of opinion" in said[0].get("en")
    assert "不能说是意见分歧" in said[0].get("zh")
    by_method = methods_table(found)
    assert by_method["method"].tolist() == ["bwm", "ratings"]
    assert by_method["p"].max() <= 5e-4
    assert by_method["p_floor"].tolist() == pytest.approx([1e-4, 1e-4])


def test_clusters_within_one_method_are_opinions():
    rng = np.random.default_rng(2)
    sides = [[60, 30, 10], [10, 30, 60]]
    answers = {
        f"e{i}": Answer("points", np.array(sides[i % 2], dtype=float) + rng.integers(0, 5, 3))
        for i in range(12)
    }
    found = panel_groups(judge_nodes(panel_of(answers), 1), rng=0)
    assert found["root"].kind == "opinions"
    assert group_notes(found) == []
    assert methods_table(found).empty


def test_three_experts_a_side_cannot_tell_opinion_from_method():
    answers = {}
    for i, (method, values) in enumerate(
        [("points", [60, 30, 10]), ("points", [58, 31, 11]), ("points", [61, 28, 11]),
         ("direct", [10, 30, 60]), ("direct", [11, 31, 58]), ("direct", [12, 28, 60])]
    ):  # fmt: skip
        answers[f"e{i}"] = Answer(method, np.array(values, dtype=float))
    found = panel_groups(judge_nodes(panel_of(answers), 1), rng=0)["root"]
    assert found.association.floor == pytest.approx(0.1)  # 2 of 20 arrangements
    assert found.association.p == pytest.approx(0.1)
    assert found.kind in ("not told apart", "one group")
    assert found.difference.p == pytest.approx(0.1)


def test_every_best_worst_expert_of_the_example_is_in_the_extreme_groups_and_it_is_said():
    files = sorted((shipped_data() / "panels" / "example").glob("round-2-*.xlsx"))
    panel = read_panel(files, AII, rounds=[2])
    nodes = judge_nodes(panel, 2)
    found = panel_groups({key: nodes[key] for key in ("root", "process/IC", "discrete/DA")}, rng=0)
    assert found["process/IC"].association.p < 1e-5
    assert found["process/IC"].kind == "methods"
    text = " ".join(f.text.get("en") for f in group_notes(found))
    assert "groups of experts at process: IC interconnection go with the elicitation method" in text
    assert "the least this test can give" in text
    assert "give different weights" in text


def test_clusters_state_the_floor_of_their_p():
    rng = np.random.default_rng(7)
    w = np.concatenate([noisy([0.6, 0.3, 0.1], 8, rng), noisy([0.1, 0.3, 0.6], 8, rng)])
    found = expert_clusters(w, rng=0)
    assert found.p == found.floor == pytest.approx(1 / 200)


# Direction --------------------------------------------------------------------------------------


def test_the_expert_who_filled_in_the_scale_the_wrong_way_is_named():
    rng = np.random.default_rng(8)
    forms, questions = [], questions_of(AII, levels=["pillar", "capability"])
    truths = {key: rng.permutation(len(q.items)) + 1.0 for key, q in questions.items()}
    for i in range(8):
        answers = {}
        for key, places in truths.items():
            own = places.copy()
            if rng.random() < 0.3:
                own[[0, 1]] = own[[1, 0]]
            answers[key] = Answer("ranks", len(own) + 1 - own if i == 5 else own)
        forms.append(ExpertForm(f"e{i}", 1, answers))
    panel = Panel(AII, questions, tuple(forms))
    nodes = judge_nodes(panel, 1)
    names = [f.expert for f in forms]
    found = panel_direction(nodes, names, rng=0)
    assert np.flatnonzero(found.correlation < 0).tolist() == [5]
    assert found.p[5] <= 0.001
    assert found.floor == pytest.approx(1e-4)
    (said,) = direction_notes(names, found)
    assert said.warning
    assert "e5 (r -0." in said.text.get("en")
    assert "e4" not in said.text.get("en")


@pytest.mark.parametrize("command", ["check", "read experts"])
def test_an_expert_against_all_others_is_asked_about_when_the_panel_is_read(tmp_path, command):
    from click.testing import CliRunner

    from calib.cli import cli

    rows = ["expert,round,method,node,item,against,value"]
    for e in range(8):
        for key, question in questions_of(AII).items():
            points = np.array([2.0**i for i in range(len(question.items))])
            points = points[::-1] if e == 7 else points
            shares = zip(question.items, points / points.sum() * 100, strict=True)
            rows += [f"e{e},1,points,{key},{item},,{value!r}" for item, value in shares]
    path = tmp_path / "panel.csv"
    path.write_text("\n".join(rows).replace("np.float64(", "").replace(")", ""), "utf-8")
    done = CliRunner().invoke(cli, [*command.split(), str(path), "--lang", "en"])
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert "(filled in in the wrong direction?): e7 (r -1.00" in said
    done = CliRunner().invoke(cli, [*command.split(), str(path), "--lang", "zh"])
    assert "e7" in done.output


def test_correlation_with_the_rest_is_pearsons_within_one_node():
    w = noisy([0.4, 0.3, 0.2, 0.1], 6, np.random.default_rng(9), 0.8)
    found = correlation_with_rest([w], draws=50, rng=0)
    logs = np.log(w)
    z = logs - logs.mean(axis=1, keepdims=True)
    for e in range(6):
        expected = np.corrcoef(z[e], np.delete(z, e, 0).mean(axis=0))[0, 1]
        assert found.correlation[e] == pytest.approx(expected)
        assert found.by_node[e, 0] == pytest.approx(expected)


def test_experts_who_left_nodes_out_are_compared_where_they_judged():
    rng = np.random.default_rng(10)
    one, two = noisy([0.6, 0.3, 0.1], 4, rng), noisy([0.2, 0.8], 4, rng)
    two[0] = np.nan
    found = correlation_with_rest([one, two], draws=50, rng=0)
    assert found.correlation[0] == pytest.approx(found.by_node[0, 0])
    assert np.isnan(found.by_node[0, 1])
    lonely = np.full((2, 2), np.nan)
    lonely[0] = [0.5, 0.5]
    assert np.isnan(correlation_with_rest([lonely], draws=50, rng=0).correlation).all()


# Tables -----------------------------------------------------------------------------------------


def test_the_consistency_table_says_which_random_index_was_used():
    pairs = matrix_from_pairs(np.array([2.0, 4.0, 9.0]), 3)
    best_worst = Answer("bwm", np.array([[1.0, 2, 8], [8.0, 5, 1]]), 0, 2)
    panel = panel_of({"Li": Answer("ahp", pairs), "Wang": best_worst})
    for index, value, source in (
        ("simulated", 0.52448, "simulated by calib"),
        ("saaty", 0.52, "Saaty (2005), p. 31"),
        (0.58, 0.58, "stated by the user"),
    ):
        nodes = judge_nodes(panel, 1, {"ahp": {"index": index}})
        table = consistency_table(nodes).set_index("expert")
        assert table.loc["Li", "measure"] == "CR"
        assert table.loc["Li", "random_index"] == pytest.approx(value)
        assert source in str(table.loc["Li", "index_source"])
        eigenvalue = np.linalg.eigvals(pairs).real.max()
        assert table.loc["Li", "consistency"] == pytest.approx((eigenvalue - 3) / 2 / value)
        assert np.isnan(table.loc["Wang", "random_index"])
        said = judgement_notes(nodes)[0].text.get("en")
        assert source in said
        assert f"RI(3) = {value:.4g}" in said


def test_direct_weights_that_do_not_add_up_are_reported_like_points():
    panel = panel_of(
        {
            "Li": Answer("direct", np.array([0.6, 0.4, 0.2])),
            "Wang": Answer("direct", np.array([0.5, 0.3, 0.2])),
            "Zhao": Answer("direct", np.array([50.0, 30.0, 20.0])),
            "Qian": Answer("points", np.array([0.5, 0.3, 0.2])),
        }
    )
    nodes = judge_nodes(panel, 1)
    assert nodes["root"].off_total.tolist() == [True, False, False, True]
    table = sums_table(nodes).set_index("expert")
    assert table.loc["Li", "stated_sum"] == pytest.approx(1.2)
    assert table["adds_up"].to_dict() == {"Li": "no", "Qian": "no", "Wang": "yes", "Zhao": "yes"}
    said = next(f for f in judgement_notes(nodes) if f.warning)
    assert "first level Li 1.2; first level Qian 1" in said.text.get("en")
    assert "一级指标 Li 1.2" in said.text.get("zh")


def test_the_experts_table_has_the_direction_of_every_expert():
    files = sorted((shipped_data() / "panels" / "example").glob("round-1-*.csv"))
    panel = read_panel(files, AII)
    from calib.experts import PanelRequest, pool_panel

    result = pool_panel(panel, 1, PanelRequest(unjudged="published", draws=100), rng=0)
    direction = panel_direction(result.nodes, result.experts, rng=0)
    table = experts_table(panel, result, direction=direction).set_index("expert")
    assert table["correlation_with_rest"].between(-1, 1).all()
    assert "root (-1.00)" in table.loc["synthetic-08", "nodes_against_rest"]
