"""Unanswered items: stars under each treatment, and every analysis under every one."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

import calib
from calib.cli import cli
from calib.population import Population
from calib.rating import Unanswered, score_answers, stars_by_draw

AII = calib.load_framework("aii")
PUBLISHED = calib.published_weights(AII)
MORE = PUBLISHED.with_weights({"DA": 0.45}, name="more")
TREATMENTS = ("leave-out", "renormalise", "zero", "worst", "best", "impute")


def with_gaps(share=0.05, seed=5, spare=4):
    """Return the trial's enterprises with gaps; some of each track stay complete."""
    rng, samples = np.random.default_rng(seed), {}
    for t, s in calib.load_population("trial", AII).samples.items():
        values = s.values.copy()
        values[rng.random(values.shape) < share] = np.nan
        values[:spare] = s.values[:spare]
        samples[t] = type(s)(s.track, s.ids, s.names, values, s.attributes)
    return Population(AII, samples, "answers", "holes", True)


HOLES = with_gaps()
COMPLETE = sum(int((~np.isnan(s.values)).all(axis=1).sum()) for s in HOLES.samples.values())


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_every_analysis_works_under_every_treatment(treatment):
    options = {"rule_options": {"missing": treatment}}
    uniform = {"levels": {"pillar": {"kind": "uniform"}}, "size": 32, "rng": 1}
    rated = calib.rate(PUBLISHED, HOLES, **options)
    assert len(rated.scored) == (COMPLETE if treatment == "leave-out" else 22)
    sure = calib.acceptability(PUBLISHED, HOLES, **uniform, **options)
    assert len(sure.frame()) == len(rated.scored)
    np.testing.assert_allclose(sure.frame().filter(regex=r"^p_\d").sum(axis=1), 1)
    assert len(calib.stability(PUBLISHED, HOLES, levels=["pillar"], **options).frame("stability"))
    moving = calib.shift(PUBLISHED, {"DA": 0.5}, years=(2020, 2024))
    assert len(calib.tipping(moving, HOLES, **options).frame("stars-by-year"))
    assert len(calib.lifecycle(PUBLISHED, HOLES, **options).frame()) == 51
    assert len(calib.dominance(PUBLISHED, HOLES, draws=0, rng=0, **options).frame())
    assert calib.decide(PUBLISHED, MORE, HOLES, rng=1, **options).advice
    assert len(calib.compare(PUBLISHED, MORE, HOLES, rng=1, **options).frame("stars"))
    assert len(calib.rule_options(PUBLISHED, HOLES, together=False, **options).frame())
    assert calib.adjust(PUBLISHED, HOLES, cap=0.12, draws=0, **options).weights


def test_what_cannot_follow_a_gap_leaves_the_enterprise_out_and_says_so():
    options = {"rule_options": {"missing": "renormalise"}}
    incomplete = sum(int(np.isnan(s.values).any(axis=1).sum()) for s in HOLES.samples.values())
    moving = calib.shift(PUBLISHED, {"DA": 0.5}, years=(2020, 2024))
    for found in (
        calib.stability(PUBLISHED, HOLES, levels=["pillar"], **options),
        calib.tipping(moving, HOLES, **options),
        calib.lifecycle(PUBLISHED, HOLES, **options),
    ):
        assert any(f"{incomplete} of 22" in n.text.get("en") for n in found.notes if n.warning)


def test_where_nobody_answered_everything_it_says_so():
    with pytest.raises(Unanswered, match="unanswered"):
        calib.stability(PUBLISHED, with_gaps(0.3, 1, 0), rule_options={"missing": "renormalise"})


def test_the_table_says_how_many_stars_depend_on_the_treatment():
    found = calib.unanswered(PUBLISHED, HOLES, rule_options={"missing": "renormalise"})
    by_hand = {
        m: calib.rate(PUBLISHED, HOLES, rule_options={"missing": m})
        for m in ("renormalise", "worst", "best", "impute")
    }
    differs = 0
    for t, sample in HOLES.samples.items():
        stars = np.stack([r.samples[t].star for r in by_hand.values()])
        differs += int((np.ptp(stars, axis=0) > 0).sum())
        assert (by_hand["worst"].samples[t].star <= by_hand["best"].samples[t].star).all()
        assert len(stars[0]) == len(sample)
    assert len(found.dependent) == differs > 0
    table = found.frame("unanswered").set_index("missing")
    for m, rating in by_hand.items():
        counts = table.loc[f"missing_{m}", [f"star_{k}" for k in range(1, 6)]].tolist()
        assert counts == rating.counts().tolist()
    assert table.loc["missing_leave_out", "enterprises"] == COMPLETE < 22
    assert str(differs) in found.headline().get("zh")


def test_worst_and_best_are_the_ends_of_the_item_not_of_the_scale():
    options = AII.rule.read({"missing": "worst", "option_score": "even-to-100"})
    scored = score_answers(HOLES, options)
    for t, sample in HOLES.samples.items():
        gaps = np.isnan(sample.values)
        sizes = np.array([sample.track.nodes[i].item.options for i in sample.track.leaves])
        expected = np.broadcast_to(100 / sizes, gaps.shape)[gaps]
        np.testing.assert_allclose(scored.samples[t].X[gaps], expected)


def test_probabilities_count_the_imputations_by_brute_force():
    """P(star) of a decided set is the share of completed populations that give the star."""
    ensemble = calib.impute(HOLES, rng=0)
    rating = calib.rate(PUBLISHED, HOLES, rule_options={"missing": "impute"})
    for t, probability in rating.probability.items():
        stars = np.stack([calib.rate(PUBLISHED, m).samples[t].star for m in ensemble])
        expected = np.stack([(stars == k).mean(axis=0) for k in range(5)], axis=1)
        np.testing.assert_allclose(probability, expected)
    assert rating.misrated > 0


def test_draws_of_the_weights_meet_the_imputations():
    scored = score_answers(HOLES, AII.rule.read({"missing": "impute"}))
    draws = np.random.default_rng(1).dirichlet(np.ones(3), 200)
    for t, sample in scored.samples.items():
        local = np.repeat(PUBLISHED.local[t][None], 200, axis=0)
        local[:, sample.track.families[0].members] = draws
        rule = AII.rule.effective(scored.rule_options, t)
        found = sample.stars_by_draw(local, rule)
        for i in (0, 7, 27, 199):
            X = sample.X.copy()
            X[sample.imputed.rows] = sample.imputed.X[i % 20]
            expected = stars_by_draw(sample.track, X, local[[i]], rule)[0]
            np.testing.assert_array_equal(found[i], expected)


def test_imputation_is_a_root_that_the_drivers_show():
    found = calib.drivers(PUBLISHED, HOLES, baseline=MORE, rng=1, size=64,
                          rule_options={"missing": "impute"})  # fmt: skip
    assert [r.kind for r in found.roots] == ["imputation"]
    assert found.ranking()[0][1] == pytest.approx(1)


def test_an_enterprise_without_any_answer_is_not_rated():
    sample = HOLES.samples["process"]
    values = sample.values.copy()
    values[0] = np.nan
    empty = type(sample)(sample.track, sample.ids, sample.names, values, sample.attributes)
    people = Population(AII, {**HOLES.samples, "process": empty}, "answers", "one empty")
    for treatment in ("leave-out", "renormalise", "impute"):
        rated = calib.rate(PUBLISHED, people, rule_options={"missing": treatment})
        assert sample.ids[0] in rated.not_rated["enterprise"].tolist()
    assert len(calib.unanswered(PUBLISHED, people).stars) == 22


def test_a_run_reports_the_treatments_and_goes_on_where_an_analysis_cannot(tmp_path):
    with_gaps(0.3, 2, 0).frame().to_csv(tmp_path / "answers.csv", index=False)
    (tmp_path / "e.toml").write_text(
        'schema = "calib.experiment/1"\nname = "gaps"\nframework = "aii"\n'
        '[population]\nfile = "answers.csv"\n'
        '[rule_options]\nmissing = "renormalise"\n[sets.published]\nsource = "published"\n'
        "[outcomes.stability]\n"
    )
    done = CliRunner().invoke(
        cli, ["run", str(tmp_path / "e.toml"), "-o", str(tmp_path), "--lang", "zh", "--quiet"]
    )
    assert done.exit_code == 0, done.output
    report = next((tmp_path / "gaps").glob("*/report.html")).read_text("utf-8")
    assert "未作答项各种处理方式下的星级" in report
    assert "多重插补" in report
    assert "未作答" in report
