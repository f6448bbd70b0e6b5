"""Multiple imputation of unanswered items: unbiased, covering, and fit for every edge."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import calib
from calib.errors import InputError
from calib.population import Population, draw_answers

AII = calib.load_framework("aii")


def with_gaps(population, share, seed):
    rng = np.random.default_rng(seed)
    samples = {}
    for t, s in population.samples.items():
        values = s.values.copy()
        values[rng.random(values.shape) < share] = np.nan
        samples[t] = type(s)(s.track, s.ids, s.names, values, s.attributes)
    return Population(AII, samples, population.kind, "holes")


def firms(n, seed, track="discrete"):
    return calib.generate_population(AII, {track: n}, rng=seed)


def test_draws_of_an_enterprise_cover_what_it_would_have_answered():
    """Answers are missing completely at random; nominal 90%, by Rubin's rules with t(19)."""
    hits, total, errors = 0, 0, []
    for seed in range(8):
        whole = firms(60, seed).samples["discrete"].values.mean(axis=1)
        sample = with_gaps(firms(60, seed), 0.15, 100 + seed).samples["discrete"]
        drawn = draw_answers(sample, 0, 100, answers=True, seed=seed)
        means = drawn.values.mean(axis=2)
        spread = means.std(axis=0, ddof=1) * np.sqrt(1 + 1 / len(means)) * stats.t.ppf(0.95, 19)
        error = means.mean(axis=0) - whole[drawn.rows]
        hits, total = hits + int((np.abs(error) <= spread).sum()), total + len(error)
        errors += error.tolist()
    assert 0.84 < hits / total < 0.94  # 0.88 over many more
    assert abs(np.mean(errors)) < 0.01  # options are 1 to 5


def test_a_mean_over_enterprises_agrees_with_statsmodels():
    """MICE of statsmodels, with its own predictive mean matching, on four items."""
    from statsmodels.imputation.mice import MICEData

    sample = with_gaps(firms(80, 3), 0.2, 4).samples["discrete"]
    own = draw_answers(sample, 0, 100, answers=True, seed=1)
    mean = sample.values.copy()
    mean[own.rows] = own.values.mean(axis=0)
    import pandas as pd

    frame = pd.DataFrame(sample.values[:, :4], columns=["a", "b", "c", "d"])
    np.random.seed(5)  # noqa: NPY002 - statsmodels draws from the global stream
    mice = MICEData(frame, k_pmm=5)
    theirs = []
    for _ in range(10):
        mice.update_all(1)
        theirs.append(mice.data.to_numpy().mean(axis=0))
    gap = mean[:, :4].mean(axis=0) - np.mean(theirs, axis=0)
    assert np.abs(gap).max() < 3 * np.std(theirs, axis=0).max()


def test_only_answers_that_somebody_gave_are_drawn_and_given_ones_stay():
    sample = with_gaps(firms(40, 8), 0.2, 9).samples["discrete"]
    drawn = draw_answers(sample, 0, 100, answers=True)
    known = ~np.isnan(sample.values[drawn.rows])
    assert not np.isnan(drawn.values).any()
    for values in drawn.values:
        np.testing.assert_array_equal(values[known], sample.values[drawn.rows][known])
    for j in range(sample.values.shape[1]):
        given = set(sample.values[:, j][~np.isnan(sample.values[:, j])])
        assert set(drawn.values[:, :, j].ravel()) <= given


def test_an_answer_follows_the_enterprise():
    """Who answers high elsewhere is drawn high: answers are not drawn at random."""
    sample = with_gaps(firms(60, 2), 0.1, 2).samples["discrete"]
    drawn = draw_answers(sample, 0, 100, answers=True)
    gap = np.isnan(sample.values[drawn.rows])
    level = np.nanmean(sample.values[drawn.rows], axis=1)
    own = [values[g].mean() for values, g in zip(drawn.values.mean(axis=0), gap, strict=True)]
    assert np.corrcoef(level, own)[0, 1] > 0.6


def test_replicates_are_a_function_of_data_and_seed():
    population = with_gaps(calib.load_population("trial", AII), 0.1, 1)
    one, two = calib.impute(population, rng=7), calib.impute(population, rng=7)
    assert [m.digest for m in one] == [m.digest for m in two]
    assert len({m.digest for m in one}) == 20
    assert one[3].digest == calib.impute(population, size=5, rng=7)[3].digest
    assert calib.impute(population, rng=8)[0].digest != one[0].digest


def test_both_tracks_are_imputed_and_the_example_is_the_median():
    population = with_gaps(calib.load_population("trial", AII), 0.1, 1)
    found = calib.impute(population, rng=1)
    assert set(found.example.samples) == {"discrete", "process"}
    for t, sample in population.samples.items():
        every = np.stack([m.samples[t].values for m in found])
        middle = np.sort(every, axis=0)[9]
        np.testing.assert_array_equal(found.example.samples[t].values, middle)
        assert not np.isnan(every).any()
        known = ~np.isnan(sample.values)
        assert (every[:, known] == sample.values[known]).all()


def test_an_item_that_nobody_answered_is_drawn_evenly():
    sample = firms(30, 4).samples["discrete"]
    sample.values[:, 5] = np.nan
    drawn = draw_answers(sample, 0, 100, answers=True, size=60)
    counts = np.unique(drawn.values[:, :, 5], return_counts=True)[1]
    assert drawn.empty == (sample.track.leaf_codes[5],)
    assert stats.chisquare(counts).pvalue > 0.001
    assert len(counts) == sample.track.nodes[sample.track.leaves[5]].item.options


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_tiny_samples_are_imputed(n):
    sample = firms(n, 4).samples["discrete"]
    sample.values[0, :3] = np.nan
    drawn = draw_answers(sample, 0, 100, answers=True)
    assert not np.isnan(drawn.values).any()


def test_scores_are_imputed_on_their_scale():
    sample = firms(40, 6).samples["discrete"]
    scores = np.random.default_rng(1).uniform(0, 100, sample.values.shape)
    scores[0, 0] = np.nan
    drawn = draw_answers(type(sample)(sample.track, sample.ids, sample.names, scores), 0, 100,
                         answers=False)  # fmt: skip
    assert set(drawn.values[:, 0, 0]) <= set(scores[1:, 0])


def test_no_draws_are_refused():
    with pytest.raises(InputError, match="at least 1"):
        calib.impute(firms(5, 1), size=0)


def test_a_complete_population_has_nothing_to_draw():
    assert draw_answers(firms(5, 1).samples["discrete"], 0, 100, answers=True) is None


def test_a_note_says_that_few_enterprises_make_intervals_too_narrow():
    def notes(n):
        scored = calib.rating.score_answers(
            with_gaps(firms(n, 2), 0.1, 3), AII.rule.read({"missing": "impute"})
        )
        return " ".join(note.get("en") for note in scored.notes)

    assert "only 12 enterprises" in notes(12)
    assert "too narrow" not in notes(30)
