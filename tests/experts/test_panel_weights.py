"""From a panel to weights, draws, tables, an experiment and the command line."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from shipped import shipped_run, untitled_intervals

from calib.cli import cli
from calib.errors import InputError
from calib.experiment import parse_experiment, run_experiment, write_run
from calib.experts import (
    Answer,
    ExpertForm,
    Panel,
    PanelRequest,
    clusters_table,
    consistency_table,
    delphi_report,
    delphi_rounds,
    elicit,
    experts_table,
    judge_nodes,
    panel_groups,
    pool_panel,
    questions_of,
    read_panel,
    read_seed_answers,
    weights_from_seeds,
    weights_table,
    write_next_round,
)
from calib.files import shipped_data
from calib.framework import load_framework
from calib.population import load_population
from calib.rating import rate
from calib.tables import sheet_names
from calib.weights import WeightSet

sys.path.insert(0, str(Path(__file__).parent))
from workbook_formulas import Sheet

AII = load_framework("aii")
EXAMPLE = shipped_data() / "panels" / "example"
FAST = PanelRequest(unjudged="published", draws=200)


@pytest.fixture(scope="module")
def panel():
    return read_panel(sorted(EXAMPLE.glob("*.*")), AII)


def points(expert, root, number=1, extra=None):
    answers = {"root": Answer("points", np.array(root, dtype=float))} | (extra or {})
    return ExpertForm(expert, number, answers, basis=0.9, familiarity=0.7)


def small(*forms):
    questions = {k: q for k, q in questions_of(AII).items() if any(k in f.answers for f in forms)}
    return Panel(AII, questions, forms)


def test_shipped_panel_is_what_its_script_makes(panel):
    made, _ = runpy.run_path(str(shipped_data() / "panels" / "make_panel.py"))["make_panel"]()
    assert [(f.expert, f.round) for f in made.forms] == [(f.expert, f.round) for f in panel.forms]
    for one, two in zip(made.forms, panel.forms, strict=True):
        assert (one.basis, one.familiarity) == (two.basis, two.familiarity)
        for key, answer in one.answers.items():
            assert two.answers[key].response == pytest.approx(answer.response, rel=1e-12)


def test_shipped_panel_is_marked_synthetic_wherever_it_is_shown(panel):
    assert all("synthetic" in form.expert for form in panel.forms)
    assert all("synthetic" in path.name for path in EXAMPLE.iterdir())


def test_shipped_panel_has_twenty_experts_three_methods_two_rounds(panel):
    assert panel.rounds == (1, 2)
    assert len(panel.in_round(1)) == 20
    assert {a.method for f in panel.forms for a in f.answers.values()} == {"ahp", "bwm", "ratings"}


def test_pooled_weights_are_the_mean_of_every_expert_solved_alone(panel):
    result = pool_panel(panel, 2, FAST, rng=0)
    forms = panel.in_round(2)
    for key, question in panel.questions.items():
        alone = []
        for f in forms:
            a = f.answers[key]
            named = {"best": [a.best], "worst": [a.worst]} if a.method == "bwm" else {}
            alone.append(elicit(a.method, a.response[None], **named).weights[0])
        mean = np.mean(alone, axis=0)
        for track in question.tracks:
            at = [AII.tracks[track].index[c] for c in question.items]
            assert result.local[track][at] == pytest.approx(mean, abs=1e-12)


def test_draws_are_valid_weight_sets_and_share_first_level_weights(panel):
    result = pool_panel(panel, None, FAST, rng=1)
    for track, tree in AII.tracks.items():
        assert result.draws[track].shape == (200, len(tree.nodes))
        assert tree.sibling_sums(result.draws[track]) == pytest.approx(1.0, abs=1e-12)
        assert (result.draws[track] >= 0).all()
    tops = [
        result.draws[t][:, [tree.index[c] for c in ("IC", "IN", "DA")]]
        for t, tree in AII.tracks.items()
    ]
    assert (tops[0] == tops[1]).all()
    again = pool_panel(panel, None, FAST, rng=1)
    assert all((again.draws[t] == result.draws[t]).all() for t in AII.tracks)


def test_authority_weighs_experts_and_missing_authority_is_told():
    high = ExpertForm("Li", 1, points("Li", [60, 20, 20]).answers, 1.0, 1.0)
    low = ExpertForm("Wang", 1, points("Wang", [20, 20, 60]).answers, 0.6, 0.4)
    options = PanelRequest(unjudged="published", competence="authority", draws=100)
    result = pool_panel(small(high, low), 1, options, rng=0)
    share = np.array([1.0, 0.5]) / 1.5
    expected = share @ np.array([[0.6, 0.2, 0.2], [0.2, 0.2, 0.6]])
    assert result.pooled["root"].weights == pytest.approx(expected)
    unknown = ExpertForm("Zhao", 1, low.answers)
    with pytest.raises(InputError, match="Zhao: no authority coefficient"):
        pool_panel(small(high, unknown), 1, options)


def test_hand_set_weights_and_consistency_weights():
    forms = [points("Li", [60, 20, 20]), points("Wang", [20, 20, 60])]
    by_hand = PanelRequest(unjudged="published", competence={"Wang": 0.0}, draws=100)
    result = pool_panel(small(*forms), 1, by_hand, rng=0)
    assert result.pooled["root"].weights == pytest.approx([0.6, 0.2, 0.2])
    assert result.irreplaceable == (("Li", "root"),)
    with pytest.raises(InputError, match="did you mean 'Wang'"):
        pool_panel(small(*forms), 1, PanelRequest(unjudged="published", competence={"Wagn": 2.0}))
    steady = np.array([[1, 2, 4], [1 / 2, 1, 2], [1 / 4, 1 / 2, 1]])
    torn = np.array([[1, 9, 1 / 9], [1 / 9, 1, 9], [9, 1 / 9, 1]])
    judged = [
        ExpertForm(name, 1, {"root": Answer("ahp", a)})
        for name, a in (("Li", steady), ("Wang", torn))
    ]
    options = PanelRequest(unjudged="published", competence="consistency", draws=100)
    found = pool_panel(small(*judged), 1, options, rng=0).competence[:, 0]
    assert found[0] == pytest.approx(1.0)
    assert found[1] < 0.05


def test_pooled_judgements_need_comparisons_from_everybody():
    a = Answer("ahp", np.array([[1, 2, 4], [1 / 2, 1, 2], [1 / 4, 1 / 2, 1]]))
    b = Answer("ahp", np.array([[1, 1 / 2, 1], [2, 1, 2], [1, 1 / 2, 1]]))
    compared = [ExpertForm(n, 1, {"root": x}) for n, x in (("Li", a), ("Wang", b))]
    options = PanelRequest(pooling="aij", unjudged="published", draws=100)
    result = pool_panel(small(*compared), 1, options, rng=0)
    expected = elicit("ahp", np.sqrt(a.response * b.response)[None]).weights[0]
    assert result.pooled["root"].weights == pytest.approx(expected)
    assert result.without["discrete"][0][[AII.tracks["discrete"].index["IC"]]] == pytest.approx(
        elicit("ahp", b.response[None]).weights[0, 0]
    )
    with pytest.raises(InputError, match=r"at root not by Zhao \(point allocation\)"):
        pool_panel(small(*compared, points("Zhao", [1, 1, 1])), 1, options)


def test_pooled_judgements_become_weights_by_the_chosen_formula():
    """Of four items: for three, eigenvector and geometric means are the same."""
    a = np.array([[1, 2, 9, 3], [1 / 2, 1, 3, 5], [1 / 9, 1 / 3, 1, 1], [1 / 3, 1 / 5, 1, 1]])
    b = np.array([[1, 5, 1, 3], [1 / 5, 1, 4, 1], [1, 1 / 4, 1, 7], [1 / 3, 1, 1 / 7, 1]])
    key = "discrete/IC.DEV"
    forms = [ExpertForm(who, 1, {key: Answer("ahp", m)}) for who, m in (("Li", a), ("Wang", b))]
    options = PanelRequest(pooling="aij", formulas={"ahp": "geometric"}, unjudged="published")
    result = pool_panel(small(*forms), 1, options, rng=0)
    means = np.exp(np.log(np.sqrt(a * b)).mean(axis=1))
    assert result.pooled[key].weights == pytest.approx(means / means.sum())
    index = AII.tracks["discrete"].index
    place = [index[code] for code in questions_of(AII)[key].items]
    alone = np.exp(np.log(b).mean(axis=1))
    assert result.without["discrete"][0][place] == pytest.approx(alone / alone.sum())


def test_unjudged_nodes_are_an_error_unless_declared():
    one = small(points("Li", [60, 20, 20]), points("Wang", [20, 20, 60]))
    with pytest.raises(InputError, match="no expert judged 27 nodes: discrete/IC"):
        pool_panel(one, 1)
    equal = pool_panel(one, 1, PanelRequest(unjudged="equal", draws=100), rng=0)
    tree = AII.tracks["discrete"]
    assert equal.local["discrete"][tree.index["IC.DEV"]] == pytest.approx(1 / 3)
    published = pool_panel(one, 1, PanelRequest(unjudged="published", draws=100), rng=0)
    assert (
        published.local["discrete"][tree.index["IC.DEV"]]
        == AII.published["discrete"][tree.index["IC.DEV"]]
    )


def test_experts_may_leave_nodes_out():
    extra = {"process/IC": Answer("points", np.array([70.0, 30.0]))}
    forms = [points("Li", [60, 20, 20], extra=extra), points("Wang", [20, 20, 60])]
    result = pool_panel(small(*forms), 1, FAST, rng=0)
    assert result.nodes["process/IC"].experts == ("Li",)
    assert result.irreplaceable == (("Li", "process/IC"),)
    # Every resampled panel still has the one expert who judged this node.
    assert (result.draws["process"][:, AII.tracks["process"].index["IC.DEV"]] == 0.7).all()


def test_contrary_expert_of_the_example_is_found_in_the_first_round(panel):
    result = pool_panel(panel, 1, FAST, rng=0)
    table = experts_table(panel, result).set_index("expert")
    assert table["weight_shift_without"].idxmax() == "synthetic-11"
    assert table.loc["synthetic-11", "outlying_nodes"] >= 1
    checked = consistency_table(result.nodes)
    ahp = checked[checked["method"] == "ahp"]
    mean = ahp.groupby("expert")["consistency"].mean()
    assert mean.idxmax() == "synthetic-06"


def test_stars_function_is_asked_once_per_track_with_the_whole_panel_first(panel):
    result = pool_panel(panel, 2, FAST, rng=0)
    seen = []

    def stars(track, local):
        seen.append((track, local.shape))
        up = local[:, AII.tracks[track].index["DA"]]
        return (up[:, None] > up[0]).astype(int)

    table = experts_table(panel, result, stars)
    assert seen == [(t, (19, len(tree.nodes))) for t, tree in AII.tracks.items()]
    gained = table["stars_up_without"].to_numpy()
    at = AII.tracks["discrete"].index["DA"]
    without = result.without["discrete"][:, at] > result.local["discrete"][at]
    assert gained.tolist() == (2 * without).astype(int).tolist()


def test_delphi_tables_have_the_form_that_studies_print(panel):
    rounds = delphi_rounds(panel, sent={1: 20, 2: 20}, draws=50, rng=0)
    assert len(rounds) == 14
    by_item, by_round = delphi_report(rounds, "zh")
    assert list(by_item.columns) == [
        "轮次",
        "上级指标",
        "指标",
        "均值±标准差",
        "变异系数",
        "满分比",
    ]
    assert by_round["积极系数"].tolist() == ["100.0%"] * 7 + ["90.0%"] * 7
    assert set(by_round["协调系数W"]) != {"–"}
    second = [r for r in rounds if r.round == 2]
    assert all(len(r.change.stayed) == 18 and len(r.change.left) == 2 for r in second)
    closer = [np.nanmean(r.change.cv_change) for r in second]
    assert max(closer) < 0
    raters = [f.expert for f in panel.in_round(1) if f.answers["root"].method == "ratings"]
    only = panel.without([f.expert for f in panel.in_round(1) if f.expert not in raters])
    rated = delphi_rounds(only, draws=0, rng=0)
    assert {r.scale for r in rated} == {"rating"}
    root = rated[0]
    assert root.statistics.items.mean == pytest.approx(root.node.stated.mean(axis=0))
    assert root.statistics.items.full_marks == pytest.approx((root.node.stated == 10).mean(axis=0))


def test_weights_table_and_clusters_cover_every_judged_node(panel):
    result = pool_panel(panel, 2, FAST, rng=0)
    table = weights_table(result)
    assert table.groupby("node")["weight"].sum().to_numpy() == pytest.approx(np.ones(7))
    assert ((table["low"] <= table["weight"]) & (table["weight"] <= table["high"])).all()
    clusters = clusters_table(panel_groups(judge_nodes(panel, 2), rng=0))
    assert clusters.groupby("node")["size"].sum().tolist() == [18] * 7


def test_titles_of_the_shipped_report_state_the_level_of_their_intervals():
    assert untitled_intervals(shipped_run("expert-panel")) == []


def test_experiment_goes_from_forms_to_stars():
    run = shipped_run("expert-panel")
    found = run.results["panel"]
    assert set(found.also) == {"1"}
    assert {t.name for t in found.tables} >= {"weights", "experts", "rounds"}
    experts = next(t.frame for t in found.tables if t.name == "experts")
    assert experts["stars_up_without"].notna().all()
    assert any("synthetic" in n.text.get("en") for n in found.notes)
    assert all(
        "synthetic" in t.title.get("en") and "合成" in t.title.get("zh") for t in found.tables
    )
    assert "synthetic" in found.weights.provenance.detail
    assert all("synthetic" in d.title.get("en") for d in found.drawings)
    for track, tree in AII.tracks.items():
        assert found.weights.draws[track].shape == (2000, len(tree.nodes))


def small_experiment(tmp_path, **keys):
    document = {
        "schema": "calib.experiment/1",
        "name": "x",
        "framework": "aii",
        "population": {"file": str(shipped_data() / "trial" / "trial.toml")},
        "baseline": "published",
        "sets": {
            "published": {"source": "published"},
            "panel": {"source": "experts", "unjudged": "published", "draws": 100, **keys},
        },
    }
    return parse_experiment(document, folder=tmp_path, file="x.toml")


def write_panel(tmp_path, rows):
    head = "expert,round,method,node,item,against,value"
    (tmp_path / "panel.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")


ROWS = [
    f"{who},1,points,root,{item},,{value}"
    for who, values in (("A", (60, 30, 10)), ("B", (20, 30, 50)), ("C", (30, 40, 30)))
    for item, value in zip(("IC", "IN", "DA"), values, strict=True)
]


def test_seed_questions_set_competence_in_an_experiment(tmp_path):
    write_panel(tmp_path, ROWS)
    (tmp_path / "seeds.csv").write_text(SEEDS, encoding="utf-8")
    weights, _ = weights_from_seeds(read_seed_answers(tmp_path / "seeds.csv"))
    assert weights["B"] == pytest.approx(0.43388825, abs=1e-7)
    experiment = small_experiment(
        tmp_path, files=["panel.csv"], competence="seeds", seeds="seeds.csv"
    )
    found = run_experiment(experiment).results["panel"].weights
    assert {"panel.csv", "seeds.csv"} <= {Path(k).name for k in found.provenance.inputs}
    assert "competence by seed questions" in found.provenance.detail
    stated = np.array([[60, 30, 10], [20, 30, 50], [30, 40, 30]]) / 100
    expected = np.array([weights[e] for e in "ABC"]) @ stated
    assert [found.weight(c) for c in ("IC", "IN", "DA")] == pytest.approx(expected)


SEEDS = "expert,question,truth,q5,q50,q95\n" + "".join(
    f"{who},{i},{truth},{q[0]},{q[1]},{q[2]}\n"
    for who, rows in {
        "A": [(2, 5, 7), (12, 13, 15), (87, 89, 92), (2, 5, 8), (48, 50, 52)],
        "B": [(20, 23, 34), (8, 10, 11), (60, 70, 90), (20, 35, 45), (30, 35, 40)],
        "C": [(20, 25, 28), (10, 13, 15), (65, 67, 70), (42, 44, 46), (32, 33, 35)],
    }.items()
    for i, (truth, q) in enumerate(zip((24, 11, 68, 47, 31), rows, strict=True))
)


def test_faulty_seed_answers_are_told_by_row(tmp_path):
    lines = SEEDS.splitlines()
    lines[2] = "A,1,11,14,13,15"
    lines[3] = "A,2,,87,89,92"
    lines[6] = "B,0,25,20,23,34"
    del lines[10]
    lines.append(lines[1])
    (tmp_path / "seeds.csv").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_seed_answers(tmp_path / "seeds.csv")
    text = str(caught.value)
    for expected in (
        "row 3: quantiles do not increase",
        "row 4, column truth: is empty",
        "row 7, column truth: differs from the same question above (found 25.0)",
        "B: no answer to seed question 4",
        "row 16: A answers 0 again; first in row 2",
    ):
        assert expected in text


def test_source_reports_what_it_skipped_and_what_matches_nothing(tmp_path):
    write_panel(tmp_path, [*ROWS, "D,1,points,root,IC,,many"])
    with pytest.raises(InputError, match="row 11, column value: is no number"):
        run_experiment(small_experiment(tmp_path, files=["panel.csv"]))
    found = run_experiment(small_experiment(tmp_path, files=["*.csv"], skip_invalid=True))
    notes = found.results["panel"].notes
    assert any(n.warning and "row 11, column value" in n.text.get("en") for n in notes)
    with pytest.raises(InputError, match=r"no files match 'forms-\*\.xlsx'"):
        run_experiment(small_experiment(tmp_path, files=["forms-*.xlsx"]))
    with pytest.raises(InputError, match="no such expert in the panel"):
        run_experiment(
            small_experiment(tmp_path, files=["*.csv"], skip_invalid=True, exclude=["E"])
        )


# Command line ----------------------------------------------------------------------------------


def test_form_command_writes_and_read_command_reads(tmp_path):
    runner = CliRunner()
    target = tmp_path / "form.xlsx"
    made = runner.invoke(
        cli,
        [
            "form",
            "experts",
            "--method",
            "bwm",
            "--lang",
            "en",
            "--levels",
            "pillar",
            "-o",
            str(target),
        ],
        catch_exceptions=False,
    )
    assert made.exit_code == 0
    assert "1 node of aii 1.0" in made.output
    forms = [str(p) for p in sorted(EXAMPLE.glob("*.*"))]
    report, table = tmp_path / "report.xlsx", tmp_path / "panel.csv"
    read = runner.invoke(
        cli,
        ["read", "experts", *forms, "--report", str(report), "-o", str(table), "--lang", "en"],
        catch_exceptions=False,
    )
    assert read.exit_code == 0
    assert "round 2: 18 experts" in read.output
    assert "data analytics" in read.output
    sheets = sheet_names(report)
    assert sheets[:2] == ["Delphi", "Delphi indicators"]
    assert read_panel([table], AII).rounds == (1, 2)


def test_one_expert_has_weights_but_no_interval(tmp_path):
    write_panel(tmp_path, ROWS[:3])
    result = run_experiment(small_experiment(tmp_path, files=["panel.csv"]))
    pooled = result.results["panel"].pooled.pooled["root"]
    np.testing.assert_allclose(pooled.weights, [0.6, 0.3, 0.1])
    assert np.isnan(pooled.low).all()
    assert np.isnan(pooled.se).all()
    write_run(result, tmp_path / "runs")  # report and figures live with it
    shown = CliRunner().invoke(cli, ["read", "experts", str(tmp_path / "panel.csv")])
    assert "nan" not in shown.output


def test_sums_that_were_normalised_are_reported(tmp_path):
    write_panel(tmp_path, [row.replace(",60", ",50") for row in ROWS])
    found = run_experiment(small_experiment(tmp_path, files=["panel.csv"])).results["panel"]
    assert any(n.warning and "first level A 90" in n.text.get("en") for n in found.notes)
    assert "sums" in {t.name for t in found.tables}
    args = ["experts", str(tmp_path / "panel.csv"), "--lang", "zh"]
    shown = CliRunner().invoke(cli, ["read", *args])
    assert "已按合计归一：一级指标 A 90。" in shown.output


def test_read_command_lists_what_it_skips(tmp_path):
    write_panel(tmp_path, [*ROWS, "D,1,points,root,IC,,many"])
    runner = CliRunner()
    path = str(tmp_path / "panel.csv")
    refused = runner.invoke(cli, ["read", "experts", path])
    assert isinstance(refused.exception, InputError)
    kept = runner.invoke(
        cli, ["read", "experts", path, "--skip-invalid", "--lang", "en"], catch_exceptions=False
    )
    assert kept.exit_code == 0
    assert "Skipped 1 invalid input: panel.csv, row 11, column value: is no number" in kept.output
    assert "round 1: 3 experts" in kept.output


def test_next_round_forms_keep_own_answers_and_show_the_panel(tmp_path, panel):
    runner = CliRunner()
    forms = [str(p) for p in sorted(EXAMPLE.glob("*.*"))]
    made = runner.invoke(
        cli, ["form", "next-round", *forms, "-o", str(tmp_path / "third"), "--lang", "zh"],
        catch_exceptions=False,
    )  # fmt: skip
    assert made.exit_code == 0
    assert "第 3 轮的 18 份表单已写入" in made.output
    files = sorted((tmp_path / "third").glob("*.xlsx"))
    third = read_panel([*forms, *map(str, files)], AII)
    assert third.rounds == (1, 2, 3)
    for old, new in zip(third.in_round(2), third.in_round(3), strict=True):
        assert old.expert == new.expert
        for key, answer in old.answers.items():
            assert new.answers[key].response == pytest.approx(answer.response, rel=1e-12)
    group = pool_panel(panel, 2, FAST, rng=0).pooled
    shown = Sheet(files[-1], "process DA")  # a rating form: the panel's weights in column E
    assert [shown.value(f"E{r}") for r in range(7, 12)] == pytest.approx(
        group["process/DA"].weights
    )
    compared = Sheet(files[0], "root")
    texts = {v: k for k, v in compared.cells.items() if isinstance(v, str)}
    row = texts["上一轮专家组权重"][1:]
    assert [compared.value(f"{c}{row}") for c in "BCD"] == pytest.approx(group["root"].weights)


def test_next_round_names_experts_whose_methods_no_form_holds(tmp_path):
    swing = ExpertForm("Li", 1, {"root": Answer("swing", np.array([100.0, 50, 20]))})
    with pytest.raises(InputError, match="Li: no form holds these methods"):
        write_next_round(small(swing), tmp_path)


def test_stopping_rule_can_be_set_and_is_stated(tmp_path):
    write_panel(tmp_path, ROWS)
    experiment = small_experiment(
        tmp_path, files=["panel.csv"], stopping={"max_rounds": 1, "max_cv": 0.2}
    )
    found = run_experiment(experiment).results["panel"]
    assert any("every CV at most 0.2" in n.text.get("en") for n in found.notes)
    rounds = next(t.frame for t in found.tables if t.name == "rounds")
    assert set(rounds["verdict"]) == {"round limit"}
    with pytest.raises(InputError, match="max_cw"):
        small_experiment(tmp_path, files=["panel.csv"], stopping={"max_cw": 0.2})


def test_stars_without_an_expert_are_the_stars_of_a_full_rating(panel):
    """The experts table against rating the whole population once more per expert."""
    result = pool_panel(panel, 2, PanelRequest(unjudged="published", competence="authority"), rng=0)
    trial = load_population(shipped_data() / "trial" / "trial.toml", AII)
    found = shipped_run("expert-panel").results["panel"]
    table = next(t.frame for t in found.tables if t.name == "experts").set_index("expert")

    def stars(local):
        weights = WeightSet.build(AII, "x", local, source="test")
        rated = rate(weights, trial, rule_options=AII.rule.read({}))
        return np.concatenate([rated.samples[t].star for t in AII.tracks])

    whole = stars(result.local)
    for e, expert in enumerate(result.experts):
        change = stars({t: result.without[t][e] for t in AII.tracks}) - whole
        row = table.loc[expert]
        assert (row["stars_up_without"], row["stars_down_without"]) == (
            (change > 0).sum(),
            (change < 0).sum(),
        )
