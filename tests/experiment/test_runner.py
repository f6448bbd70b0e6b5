from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from shipped import shipped_run

from calib.errors import InputError
from calib.experiment import load_experiment, parse_experiment, run_experiment, write_run
from calib.experiment.context import InputLog
from calib.framework import Name
from calib.outcomes import weighted_kappa
from calib.rating import rate

BASE = {
    "schema": "calib.experiment/1",
    "name": "test",
    "framework": "aii",
    "population": {"generate": {"n": 40, "seed": 3}},
    "sets": {
        "published": {"source": "published"},
        "da": {"source": "override", "weights": {"DA": 0.45}},
        "mix": {"source": "blend", "shares": {"published": 0.5, "da": 0.5}},
    },
}


def experiment(tmp_path, **changes):
    return parse_experiment({**BASE, **changes}, folder=tmp_path, file="exp.toml")


@pytest.fixture(scope="module")
def demo():
    return shipped_run("trial-comparison")


def test_the_main_experiment_gives_the_published_stars_for_the_published_set(demo):
    stars = demo.frame("stars")
    row = stars[(stars["set"] == "published") & (stars["scope"] == "all")]
    assert row["count"].tolist() == [1, 5, 9, 6, 1]
    assert demo.ratings["published"].downgrades == 4
    assert {"published", "equal-pillars", "analytics-040", "meeting-draft"} <= set(demo.sets)
    assert demo.sets["analytics-040"].weight("DA") == 0.40


def test_a_run_introduces_itself_as_every_result_does(demo):
    assert len(repr(demo)) < 200
    assert demo.summary("zh").startswith(f"{demo.experiment.title.zh}：")
    assert len(demo.summary("en").splitlines()) == 1 + len(demo.notes)
    assert set(demo.frames) == {t.name for t in demo.tables}
    assert demo.table("node-stars").names["IC"].zh == "互联互通"
    with pytest.raises(InputError, match="mover"):
        demo.frame("mover")


def test_a_shipped_population_goes_by_its_name(tmp_path):
    one = {"published": BASE["sets"]["published"]}
    named = experiment(tmp_path, population={"file": "trial"}, sets=one)
    assert len(run_experiment(named).context.population) == 22
    wrong = experiment(tmp_path, population={"file": "trail"})
    with pytest.raises(InputError, match=r"exp.toml, population: .*'trial'.*cms-hospitals"):
        run_experiment(wrong)


def test_tables_agree_with_a_direct_count(demo):
    before = demo.ratings["published"].frame().set_index("enterprise")
    for name in demo.sets:
        after = rate(demo.sets[name], demo.context.scored).frame().set_index("enterprise")
        moved = after.index[(after["star"] != before["star"]).to_numpy()]
        movers = demo.frame("movers")
        assert set(movers.loc[movers["set"] == name, "enterprise"]) == set(moved)
        downgrades = demo.frame("downgrades")
        expected = after.index[(after["star"] < after["band_star"]).to_numpy()]
        assert set(downgrades.loc[downgrades["set"] == name, "enterprise"]) == set(expected)
        crossed = Counter(zip(before["star"], after["star"], strict=True))
        table = demo.frame("transitions")
        table = table[(table["set"] == name) & (table["scope"] == "all")]
        found = {(r.from_star, r.to_star): r.count for r in table.itertuples(index=False)}
        assert found == dict(crossed)


def test_every_mover_has_the_reason_that_the_rule_gives(tmp_path):
    run = run_experiment(experiment(tmp_path, population={"generate": {"n": 5000, "seed": 1}}))
    movers = run.frame("movers")
    assert len(movers) > 20
    rule = run.experiment.framework.rule
    frames = {n: r.frame().set_index("enterprise") for n, r in run.ratings.items()}
    seen = set()
    for row in movers.itertuples():
        low = frames["published" if row.direction == "up" else row.set].loc[row.enterprise]
        high = max(row.from_star, row.to_star)
        reasons = ["total"] if low["total"] <= rule.bands[high - 2] else []
        gate = rule.gates["table"].values[high - 2]
        reasons += [f"gate {p}" for p in ("IC", "IN", "DA") if low[f"score {p}"] <= gate]
        assert re.sub(r" \(exactly at [^)]*\)", "", row.reason) == "; ".join(reasons)
        seen.add(row.reason)
    assert "total" in seen


def test_weighted_kappa_agrees_with_statsmodels():
    from statsmodels.stats.inter_rater import cohens_kappa

    rng = np.random.default_rng(0)
    for _ in range(20):
        matrix = rng.integers(0, 30, (5, 5))
        for weights, name in (("linear", "linear"), ("quadratic", "quadratic")):
            expected = cohens_kappa(matrix, wt=name).kappa
            assert weighted_kappa(matrix, weights) == pytest.approx(expected, rel=1e-12)
    single = np.zeros((5, 5), dtype=int)
    single[2, 2] = 9
    assert np.isnan(weighted_kappa(single))
    assert weighted_kappa(np.diag([1, 2, 3])) == 1


def digests(folder):
    return {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (folder / "tables").iterdir()
    }


def test_the_same_inputs_and_seed_give_byte_identical_tables(tmp_path):
    one = write_run(run_experiment(experiment(tmp_path, seed=5)), tmp_path / "a", lang="en")
    two = write_run(run_experiment(experiment(tmp_path, seed=5)), tmp_path / "b", lang="zh")
    assert one.name == two.name.replace("-zh", "-en")
    assert digests(one) == digests(two)
    assert (one / "figures" / "stars.svg").read_bytes() != (
        two / "figures" / "stars.svg"
    ).read_bytes()
    three = write_run(run_experiment(experiment(tmp_path, seed=6)), tmp_path / "a")
    assert three.name != one.name


def test_a_run_holds_tables_weights_figures_summary_manifest_and_report(tmp_path, demo):
    folder = write_run(demo, tmp_path, command=["calib", "run", "x"])
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    for name in ("tables/stars.csv", "tables/movers.csv", "tables/stars.parquet",
                 "weights/published.toml", "figures/stars.svg", "summary.json", "manifest.json",
                 "report.html"):  # fmt: skip
        assert name in names
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    assert summary["sets"]["published"]["stars"] == [1, 5, 9, 6, 1]
    assert summary["population"]["synthetic"] is True
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["command"] == "calib run x"
    assert manifest["seed"] == 20170214
    assert any("trial.csv" in k for k in manifest["inputs"])
    assert set(manifest["outputs"]) <= names
    for name, digest in manifest["outputs"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert not any(k.startswith("/") for k in manifest["inputs"])


def test_the_report_loads_nothing_and_says_that_the_data_are_synthetic(tmp_path, demo):
    for lang, word in (("en", "is synthetic"), ("zh", "合成数据")):
        text = (write_run(demo, tmp_path, lang=lang) / "report.html").read_text("utf-8")
        assert word in text
        assert not re.search(r"(src|href)=.(https?:)?//", text)
        assert text.count("<script") == 1  # calib's own, and the policy lets no other run
        assert re.search(r"script-src 'sha256-[\w+/=]+'; img-src data:", text)
        assert "url(http" not in text


def test_names_are_inert_in_the_report(tmp_path, aii, trial):
    frame = trial.frame()
    frame.loc[frame["enterprise"] == "D08", "name"] = "<script>alert(1)</script>"
    frame.loc[frame["enterprise"] == "D06", "name"] = '=HYPERLINK("x")'
    frame.to_csv(tmp_path / "p.csv", index=False)
    run = run_experiment(experiment(tmp_path, population={"file": "p.csv"}))
    folder = write_run(run, tmp_path / "runs")
    text = (folder / "report.html").read_text("utf-8")
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text
    table = (folder / "tables" / "downgrades.csv").read_text("utf-8-sig")
    assert "'=HYPERLINK" in table
    assert ",=HYPERLINK" not in table


def test_sets_can_be_declared_in_any_order(tmp_path):
    sets = {"mix": BASE["sets"]["mix"], **BASE["sets"]}
    run = run_experiment(experiment(tmp_path, sets=sets))
    assert list(run.sets) == ["mix", "published", "da"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sets": {"published": {"source": "publishd"}}}, ["unknown source", "'published'"]),
        ({"sets": {"published": {}}}, ["sets.published.source", "is missing"]),
        ({"sets": {"published": {"source": "blend", "shares": {"b": 1.0}},
                   "b": {"source": "blend", "shares": {"published": 1.0}}}},
         ["a cycle of sources", "published → b → published"]),
        ({"sets": {"published": {"source": "blend", "shares": {"nobody": 1.0}}}},
         ["unknown set 'nobody'"]),
        ({"baseline": "da2"}, ["baseline", "'da'", "published | da | mix"]),
        ({"rule_options": {"downgrade": "half"}},
         ["rule_options.downgrade", "highest-met | one-star"]),
        ({"readings": {"downgrade": "one-star"}}, ["readings is now called rule_options"]),
        ({"outcomes": {"readings": {}}}, ["readings is now called rule-options"]),
        ({"seeds": 1}, ["unknown key", "'seed'"]),
        ({"population": {}}, ["state either file or generate"]),
        ({"outcomes": {"acceptibility": {}}}, ["unknown analysis", "'acceptability'"]),
        ({"framework": "ai"}, ["no framework 'ai'"]),
        ({"sets": {"published": {"source": "equal", "level": ["pillar"]}}},
         ["sets.published.level", "unknown key", "'levels'"]),
    ],
)  # fmt: skip
def test_a_faulty_experiment_says_what_is_wrong_before_anything_runs(tmp_path, changes, words):
    with pytest.raises(InputError) as caught:
        experiment(tmp_path, **changes)
    for word in words:
        assert word in str(caught.value)


def test_a_fault_met_while_a_set_is_made_names_the_set(tmp_path):
    sets = {"published": {"source": "override", "weights": {"DA": 1.4}}}
    with pytest.raises(InputError, match=r"exp\.toml, sets\.published DA: weight out of range"):
        run_experiment(experiment(tmp_path, sets=sets))


def test_progress_counts_every_step(tmp_path):
    steps = []
    run_experiment(experiment(tmp_path), progress=steps.append)
    assert [s.number for s in steps] == list(range(1, steps[-1].of + 1))


SLOW = """
import sys, time
from pathlib import Path
import calib.experiment.run_folder as write
from calib.experiment import load_experiment, run_experiment, write_run
def stop(*args, **kwargs):
    Path(sys.argv[2]).touch()
    time.sleep(60)
write.render_report = stop
write_run(run_experiment(load_experiment(sys.argv[1])), sys.argv[3])
"""


def test_a_killed_run_leaves_nothing_that_looks_finished(tmp_path):
    flag, out = tmp_path / "flag", tmp_path / "runs"
    process = subprocess.Popen([sys.executable, "-c", SLOW, "trial-comparison", flag, out])
    deadline = time.monotonic() + 60
    while not flag.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert flag.exists()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    left = list((out / "trial-comparison").iterdir())
    assert left
    assert all(p.name.startswith(".unfinished-") for p in left)
    # The next run of the experiment clears the remains away.
    write_run(run_experiment(load_experiment("trial-comparison")), out)
    names = [p.name for p in (out / "trial-comparison").iterdir()]
    assert len(names) == 1
    assert not names[0].startswith(".")


@pytest.mark.parametrize("name", ["vdma-readiness", "cesi-capability"])
def test_other_frameworks_run_through_the_same_runner(name, tmp_path):
    run = run_experiment(load_experiment(name))
    folder = write_run(run, tmp_path)
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    assert sum(summary["sets"][run.context.baseline]["stars"]) == len(run.context.population)
    assert (run.frame("agreement")["same"] < len(run.context.population)).any()


def test_a_weight_of_zero_is_infinitely_far_which_the_report_shows_as_a_dash(tmp_path):
    sets = {**BASE["sets"], "da": {"source": "override", "weights": {"DA": 0.0}}}
    run = run_experiment(experiment(tmp_path, sets=sets))
    assert np.isinf(run.frame("distances")["aitchison"]).any()
    report = (write_run(run, tmp_path / "runs") / "report.html").read_text("utf-8")
    assert "∞" not in report
    assert "“–”: infinitely far: a weight is 0 in one set only" in report
    assert 'href="tables/distances.csv"' in report


def test_sets_of_one_label_are_told_apart_in_figures(tmp_path):
    sets = {"published": {"source": "published"}, "a": {"source": "equal"},
            "b": {"source": "equal", "levels": ["pillar"]}}  # fmt: skip
    run = run_experiment(experiment(tmp_path, sets=sets))
    drawn = {d.name: d.draw("en") for d in run.drawings}
    texts = {t.get_text() for t in drawn["weights"].findobj() if hasattr(t, "get_text")}
    assert {"equal (a)", "equal (b)"} <= texts


def test_a_declared_label_is_kept_even_if_it_is_the_name_of_the_set(tmp_path):
    label = {"zh": "草案", "en": "draft"}
    sets = {**BASE["sets"], "draft": {"source": "equal", "label": label}}
    assert run_experiment(experiment(tmp_path, sets=sets)).sets["draft"].label.zh == "草案"


def test_reports_name_tracks_as_the_framework_does(tmp_path, aii):
    tracks = dict(aii.tracks)
    tracks["process"] = replace(tracks["process"], name=Name("流程甲", "process A"))
    own = replace(experiment(tmp_path), framework=replace(aii, tracks=tracks))
    page = (write_run(run_experiment(own), tmp_path, lang="zh") / "report.html").read_text("utf-8")
    assert "流程甲" in page
    assert "流程型" not in page


def test_two_inputs_of_one_name_are_both_in_the_manifest(tmp_path):
    for part in ("a/b/c/one", "x", "y"):
        (tmp_path / part).mkdir(parents=True)
    log = InputLog(tmp_path / "a" / "b" / "c" / "one", "exp.toml")
    for part in ("x", "y"):
        (tmp_path / part / "same.csv").write_text(part)
        log.note(tmp_path / part / "same.csv")
    assert len(log.hashes) == 2
