"""Worths up the tree, the experiment source, the command line and the figures."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from shipped import shipped_run, untitled_intervals

from calib.ballots import (
    align_leaves,
    estimate,
    leaf_groups,
    local_from_worths,
    pool_tracks,
    read_survey,
    worth_draws,
)
from calib.cli import cli
from calib.errors import InputError
from calib.figures import pick_shares_with_band, to_svg_string, worths_with_intervals
from calib.framework import Framework
from calib.weights import WeightSet


def test_local_weights_multiply_back_to_the_worths(aii: Framework) -> None:
    track = aii.tracks["discrete"]
    worth = np.random.default_rng(0).dirichlet(np.ones(len(track.leaves)), size=4)
    local = local_from_worths(track, worth)
    np.testing.assert_allclose(track.leaf_weights(local), worth, atol=1e-12)
    np.testing.assert_allclose(track.sibling_sums(local), 1, atol=1e-12)


def test_a_node_without_worth_shares_equally_below(aii: Framework) -> None:
    track = aii.tracks["process"]
    worth = np.zeros(len(track.leaves))
    worth[0] = 1.0
    local = local_from_worths(track, worth)
    assert np.isfinite(local).all()
    np.testing.assert_allclose(track.leaf_weights(local), worth)


def test_worths_are_matched_by_code(aii: Framework) -> None:
    track = aii.tracks["process"]
    worth = np.arange(len(track.leaves), dtype=float)
    reversed_items = tuple(reversed(track.leaf_codes))
    np.testing.assert_array_equal(align_leaves(track, reversed_items, worth[::-1]), worth)
    with pytest.raises(InputError, match="unknown: nonsense"):
        align_leaves(track, (*track.leaf_codes[:-1], "nonsense"), worth)


def test_shared_pillars_are_pooled_by_ballots(aii: Framework) -> None:
    gen = np.random.default_rng(1)
    worths = {t: gen.dirichlet(np.ones(len(x.leaves))) for t, x in aii.tracks.items()}
    draws = {t: gen.dirichlet(np.ones(len(x.leaves)), size=6) for t, x in aii.tracks.items()}
    sizes = {"discrete": 300, "process": 100}
    local, _ = pool_tracks(aii, worths, sizes)
    for code in aii.shared:
        own = {
            t: local_from_worths(aii.tracks[t], w)[aii.tracks[t].index[code]]
            for t, w in worths.items()
        }
        want = 0.75 * own["discrete"] + 0.25 * own["process"]
        for t in worths:
            assert local[t][aii.tracks[t].index[code]] == pytest.approx(want)
    drawn, _ = pool_tracks(aii, draws, sizes)
    first = [drawn[t][:, [aii.tracks[t].index[c] for c in aii.shared]] for t in worths]
    np.testing.assert_allclose(first[0], first[1])
    WeightSet.build(aii, "x", local, source="ballots")  # valid: siblings sum to 1
    for row in range(6):
        WeightSet.build(aii, "x", {t: d[row] for t, d in drawn.items()}, source="ballots")
    _, share = pool_tracks(aii, worths, sizes, pooling="equal")
    assert share == {"discrete": 0.5, "process": 0.5}


def test_ballots_from_one_track_only_are_refused(aii: Framework) -> None:
    with pytest.raises(InputError, match="none from process"):
        pool_tracks(aii, {"discrete": np.full(28, 1 / 28)}, {"discrete": 1})


def test_groups_of_leaves_are_the_capabilities(aii: Framework) -> None:
    groups, names = leaf_groups(aii.tracks["discrete"])
    assert np.bincount(groups).tolist() == [4, 3, 2, 2, 3, 2, 3, 3, 2, 2, 2]
    assert len(names) == 11


def test_shipped_surveys_are_written_again_byte_for_byte(root: Path, tmp_path: Path) -> None:
    folder = root / "data" / "surveys"
    shutil.copy(folder / "make_surveys.py", tmp_path)
    runpy.run_path(str(tmp_path / "make_surveys.py"), run_name="__main__")
    for name in ("near-equal.csv", "unequal.csv"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_titles_of_the_shipped_report_state_the_level_of_their_intervals() -> None:
    assert untitled_intervals(shipped_run("ballots-to-stars")) == []


def test_the_experiment_goes_from_ballots_to_stars(root: Path, aii: Framework) -> None:
    run = shipped_run("ballots-to-stars")
    near, unequal = run.results["near-equal"], run.results["unequal"]
    verdicts = {t: r.verdict for t, r in unequal.reports.items()}
    assert verdicts == {"discrete": "unequal", "process": "unequal"}
    assert all(r.verdict == "undecided" for r in near.reports.values())
    assert any("合成" in note.get("zh") and note.warning for note in near.notes)
    assert "unequal/borda_unlisted_zero" in {f"unequal/{k}" for k in unequal.also}

    track = aii.tracks["discrete"]
    survey = read_survey(root / "data" / "surveys" / "unequal.csv", aii)
    worth = estimate(survey.ballots["discrete"]).worth
    assert worth is not None
    # below the pooled pillars the track's own worths decide
    leaf = unequal.weights.leaf("discrete")
    inside = [j for j, code in enumerate(track.leaf_codes) if code.startswith("DA.")]
    np.testing.assert_allclose(
        leaf[inside] / leaf[inside].sum(), worth[inside] / worth[inside].sum()
    )
    assert leaf[inside].sum() > 0.4  # data analytics was lifted

    # only indicators come from the ballots: the levels above stay published
    published = run.results["published"].weights
    above = [i for i in range(len(track.nodes)) if track.depth[i] < 3]
    np.testing.assert_allclose(
        near.weights.local["discrete"][above], published.local["discrete"][above]
    )
    for result in (near, unequal):
        assert result.weights.draws is not None
        for code, draws in result.weights.draws.items():
            assert draws.shape == (1000, len(aii.tracks[code].nodes))
            np.testing.assert_allclose(aii.tracks[code].sibling_sums(draws), 1, atol=1e-9)
            centre = draws.mean(axis=0)
            np.testing.assert_allclose(centre, result.weights.local[code], atol=0.03)
    figure = to_svg_string(unequal.drawings[0].draw("zh"))
    assert figure.startswith("<svg")


def test_draws_do_not_centre_on_an_order() -> None:
    from calib.ballots import ballots_from_lists

    with pytest.raises(InputError, match="no worths"):
        worth_draws(ballots_from_lists([["a"]], items="ab"), 3, method="kemeny")


def test_the_command_reports_and_converts(root: Path, tmp_path: Path, aii: Framework) -> None:
    survey = root / "data" / "surveys" / "near-equal.csv"
    result = CliRunner().invoke(
        cli,
        ["ballots",
            str(survey), "--lang", "zh", "--segments", "--outliers",
            "--out", str(tmp_path / "b.xlsx"), "--weights", str(tmp_path / "w.toml"),
            "--tables", str(tmp_path / "t.xlsx"), "--figures", str(tmp_path / "figures"),
        ],
        catch_exceptions=False,
    )  # fmt: skip
    assert result.exit_code == 0
    assert "合成数据" in result.output
    assert "读入 730 份选票" in result.output
    assert "结论：尚无定论" in result.output
    again, before = read_survey(tmp_path / "b.xlsx", aii), read_survey(survey, aii)
    assert again.synthetic
    for code in before.ballots:
        np.testing.assert_array_equal(again.ballots[code].picks, before.ballots[code].picks)
    made = sorted(p.name for p in (tmp_path / "figures").iterdir())
    assert made == [
        "shares-discrete.svg", "shares-process.svg", "worths-discrete.svg", "worths-process.svg",
    ]  # fmt: skip
    assert (tmp_path / "w.toml").is_file()
    assert (tmp_path / "t.xlsx").is_file()


def test_figures_refuse_tables_without_their_columns() -> None:
    table = pd.DataFrame({"pick_share": [0.1]}, index=["a"])
    with pytest.raises(InputError, match="no column lower, upper"):
        pick_shares_with_band(table, expected=0.1, band=(0.05, 0.2))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_figures_show_the_line_and_the_band(language: str) -> None:
    table = pd.DataFrame(
        {
            "pick_share": [0.1, 0.2, 0.4, 0.02],
            "lower": [0.09, 0.1, 0.35, 0.01],
            "upper": [0.11, 0.3, 0.45, 0.04],
            "estimate": [0.2, 0.3, 0.4, 0.1],
        },
        index=["甲", "乙", "丙", "丁"],
    )
    figure = pick_shares_with_band(table, expected=0.1, band=(0.08, 0.125), lang=language)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    assert len(labels) == 4
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["丙", "乙", "甲", "丁"]
    shares = worths_with_intervals(
        table.assign(lower=table["estimate"] - 0.05, upper=table["estimate"] + 0.05),
        lang=language,
    )
    assert to_svg_string(shares) != to_svg_string(figure)
    assert handles
    words = {
        "zh": ("95% 同时置信区间", "逐项 95% 区间"),
        "en": ("95% simultaneous", "each for its own"),
    }
    for drawn, word in zip((figure, shares), words[language], strict=True):
        assert word in drawn.axes[0].get_xlabel()


def test_check_recognises_surveys_in_every_form(tmp_path, root):
    from click.testing import CliRunner

    from calib.cli import cli

    survey = root / "data" / "surveys" / "near-equal.csv"
    done = CliRunner().invoke(cli, ["check", str(survey)], catch_exceptions=False)
    assert "survey of 730 ballots, 730 used" in done.output
    text = survey.read_text("utf-8-sig").replace("IN.HOR.D1", "IN.HOR.D9")
    (tmp_path / "bad.csv").write_text(text, encoding="utf-8")
    bad = CliRunner().invoke(cli, ["check", str(tmp_path / "bad.csv")])
    assert "did you mean" in str(bad.exception)
    assert "IN.HOR.D9" in str(bad.exception)
