"""``calib.shift``: years, targets, draws and what is refused."""

import numpy as np
import pytest

import calib
from calib.errors import InputError
from calib.weights import Root, from_table

FRAMEWORK = calib.load_framework("aii")
START = calib.published_weights(FRAMEWORK)


def drawn(weights, seed):
    """Return a set with 40 draws of its first level around it."""
    rng = np.random.default_rng(seed)
    top = {t: tree.families[0].members for t, tree in FRAMEWORK.tracks.items()}
    first = rng.dirichlet(60 * next(iter(weights.local.values()))[next(iter(top.values()))], 40)
    draws = {t: np.tile(v, (40, 1)) for t, v in weights.local.items()}
    for t, members in top.items():
        draws[t][:, members] = first
    root = Root("panel-digest", "panel", calib.words.Name("专家", "experts"), str(seed))
    return weights.with_uncertainty(from_table(root, weights.local, draws))


def test_a_range_of_years_and_its_two_ends_are_the_same_shift():
    by_range = calib.shift(START, {"DA": 0.40}, years=range(2025, 2036))
    by_ends = calib.shift(START, {"DA": 0.40}, years=(2025, 2035))
    assert by_range.years == by_ends.years == tuple(range(2025, 2036))
    assert list(by_range.also) == [str(y) for y in range(2026, 2035)]
    assert by_range.weights["DA"] == pytest.approx(0.40)
    assert by_range.also["2030"]["DA"] == by_ends.at(2030)["DA"] == pytest.approx(0.36)
    some = calib.shift(START, {"DA": 0.40}, years=(2025, 2030, 2035))
    assert list(some.also) == ["2030"]


def test_draws_move_along_the_path_row_by_row():
    start = drawn(START, 1)
    moving = calib.shift(start, {"DA": 0.5}, years=(2020, 2030), path="log-ratio")
    middle = moving.at(2025)
    track = FRAMEWORK.tracks["discrete"]
    a, b = start.draws["discrete"], moving.path.end.draws["discrete"]
    expected = np.sqrt(a * b)
    for family in track.families:
        expected[:, family.members] /= expected[:, family.members].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(middle.draws["discrete"], expected, atol=1e-12)
    np.testing.assert_allclose(middle.local["discrete"], moving.also["2025"].local["discrete"])
    assert {r.key for r in middle.roots} == {"panel-digest"}
    assert moving.weights.draws["discrete"][:, track.index["DA"]] == pytest.approx(0.5)


def test_a_shift_to_a_set_of_other_data_has_both_roots():
    end = drawn(START, 2)
    other = Root("ballots-digest", "survey", calib.words.Name("选票", "ballots"), "2")
    end = end.with_uncertainty(from_table(other, end.local, end.draws))
    moving = calib.shift(drawn(START, 1), to=end, years=(2020, 2022))
    assert {r.key for r in moving.weights.roots} == {"panel-digest", "ballots-digest"}
    np.testing.assert_allclose(moving.weights.draws["discrete"], end.draws["discrete"], atol=1e-15)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"years": (2030, 2020), "changes": {"DA": 0.4}}, "must rise"),
        ({"years": (2020, 2030)}, "either to"),
        ({"years": (2020, 2030), "changes": {"DA": 0.4}, "to": START}, "either to"),
        ({"years": (2020, 2030), "changes": {"XX": 0.4}}, "unknown code"),
        ({"years": (2020, 2030), "changes": {"DA": 0.4}, "path": "curved"}, "path"),
        ({"years": (2020, 2030), "changes": {"DA": 0.4}, "growth": {"points": {"X": 1.0}}}, "'X'"),
        ({"years": (2020, 2030), "changes": {"DA": 0.4}, "growth": {"catch_up": {"": 2.0}}}, "1"),
        ({"years": (2020, 2030), "changes": {"DA": 0.4}, "speed": 3}, "speed"),
    ],
)
def test_what_makes_no_shift_is_refused(options, problem):
    with pytest.raises(InputError, match=problem):
        calib.shift(START, options.pop("changes", None), **options)


def test_a_shift_introduces_itself_and_draws_the_families_that_move():
    moving = calib.shift(START, {"DA": 0.40}, years=range(2025, 2036), growth={"points": {"": 1.0}})
    assert len(repr(moving)) < 200
    assert "2025" in moving.summary("zh")
    assert [d.name for d in moving.drawings] == ["weights"]
    assert set(moving.frame("path")["code"]) == {"IC", "IN", "DA"}
    firms = calib.generate_population(FRAMEWORK, 30, rng=1)
    grown = moving.enterprises_at(firms, 2030).samples["discrete"].X
    now = moving.enterprises_at(firms, 2025).samples["discrete"].X
    np.testing.assert_allclose(grown, np.minimum(now + 5, 100), atol=5)
