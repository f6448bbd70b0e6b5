"""What more data are worth: against the conjugate normal case, and as Jensen would have it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import multivariate_normal, norm

import calib
from calib.cli import cli
from calib.errors import InputError
from calib.rating import score_answers, stars_by_draw
from calib.weights import Root, from_table
from calib.words import Name

AII = calib.load_framework("aii")
TRIAL = calib.load_population("trial", AII)
PUBLISHED = calib.published_weights(AII)
TREE = AII.tracks["discrete"]
TOP = TREE.families[0].members
DA = TREE.index["DA"]
UNITS, SPREAD = 16, 0.04


def with_analytics(track, share):
    """Return weights with DA at ``share`` (k,), the other pillars in proportion."""
    tree, base = AII.tracks[track], PUBLISHED.local[track]
    own = tree.index["DA"]
    rest = [i for i in tree.families[0].members if i != own]
    out = np.tile(base, (len(share), 1))
    out[:, own] = share
    out[:, rest] = base[rest] / base[rest].sum() * (1 - share[:, None])
    return out


def one_enterprise():
    """Return an enterprise whose star changes once as DA grows, and the share where it does."""
    sample = TRIAL.samples["discrete"]
    grid = np.linspace(0.1, 0.6, 5001)
    X = score_answers(TRIAL).samples["discrete"].X
    local = with_analytics("discrete", grid)
    stars = stars_by_draw(TREE, X, local, AII.rule.effective(AII.rule.read(None), "discrete"))
    row = int(np.flatnonzero((np.diff(stars, axis=0) != 0).sum(axis=0) == 1)[0])
    alone = replace(
        sample, ids=sample.ids[[row]], names=sample.names[[row]], values=sample.values[[row]],
        attributes={},
    )  # fmt: skip
    return replace(TRIAL, samples={"discrete": alone}), grid[np.argmax(np.diff(stars[:, row]) != 0)]


ENTERPRISE, EDGE = one_enterprise()


def normal(centre, key="panel", spread=SPREAD, size=4000, point=None):
    """Return weights whose share of DA is normal, with one root of 16 experts."""
    drawn = norm.ppf((np.arange(size) + 0.5) / size) * spread
    drawn = np.random.default_rng([7, *key.encode()]).permutation(drawn)
    at = np.array([centre if point is None else point])
    local = {t: with_analytics(t, at)[0] for t in AII.tracks}
    draws = {t: with_analytics(t, centre + drawn) for t in AII.tracks}
    root = Root(key, "panel", Name(key, key), "1", UNITS)
    made = calib.WeightSet.build(AII, "normal", local, source="simulation")
    return made.with_uncertainty(from_table(root, local, draws))


def conjugate(gap, more):
    """Return by how much the chance of a wrong star falls, for a normal weight ``gap`` SDs off."""
    if np.isinf(more):
        return 1 - norm.cdf(abs(gap))
    rho = np.sqrt(more / (UNITS + more))
    # What is believed after the study, in its own standard deviations, and the truth.
    both = multivariate_normal(cov=[[1, rho], [rho, 1]])
    right = sum(both.cdf([s * gap / rho, s * gap]) for s in (1, -1))
    return right - norm.cdf(abs(gap))


@pytest.mark.parametrize("gap", [0.0, 0.5, 1.0])
def test_the_value_is_that_of_the_conjugate_normal_case(gap):
    found = calib.value_of_information(
        normal(EDGE + gap * SPREAD), ENTERPRISE, experts=(4, 32), size=500, inner_size=64, rng=1
    )
    for study in found.studies:
        assert study.fall == pytest.approx(conjugate(gap, study.more), abs=0.004 + 3 * study.se)
    assert found.misrated == pytest.approx(norm.sf(gap), abs=0.003)


@pytest.mark.parametrize("off", [-1, 1])
def test_the_value_rests_on_the_draws_not_on_how_far_their_mean_is_from_the_point(off):
    """Draws of shrunken, floored or adjusted weights are not centred on the point."""
    centre = EDGE + 0.5 * SPREAD
    found = calib.value_of_information(
        normal(centre, point=centre + off * SPREAD), ENTERPRISE, experts=(16,), size=1000,
        inner_size=64, rng=1,
    )  # fmt: skip
    study = found.studies[0]
    assert study.fall == pytest.approx(conjugate(0.5, 16), abs=0.004 + 3 * study.se)


def test_an_enterprise_on_the_edge_is_worth_the_arc_of_a_sine():
    """E max(p, 1 - p) = 1/2 + arcsin(rho) / pi, whatever the spread."""
    for more in (1, 10, 100):
        rho = np.sqrt(more / (UNITS + more))
        assert conjugate(0.0, more) == pytest.approx(np.arcsin(rho) / np.pi, abs=1e-6)


def test_more_data_are_never_worth_less_and_never_more_than_perfect_knowledge():
    mixed = calib.blend({normal(EDGE, "a", 0.05): 0.5, normal(EDGE + 0.02, "b", 0.03): 0.5})
    found = calib.value_of_information(
        mixed, TRIAL, experts=(1, 5, 20, 100), size=120, inner_size=64, rng=2
    )
    for key in ("a", "b"):
        own = [s for s in found.studies if s.root.key == key]
        falls, errors = [s.fall for s in own], [s.se for s in own]
        assert falls[0] > -3 * errors[0]
        for less, more, error in zip(falls, falls[1:], errors, strict=False):
            assert more > less - 2 * error
        assert np.isinf(own[-1].more)
    frame = found.frame()
    assert (frame["misrated_fall"] <= frame["misrated_fall_at_most"] + 0.05).all()
    assert np.allclose(frame["misrated_now"] - frame["misrated_fall"], frame["misrated_after"])


def test_the_value_does_not_depend_on_another_root_that_moves_no_star():
    one = normal(EDGE)
    still = calib.blend({one: 1 - 1e-9, normal(EDGE, "other"): 1e-9})
    a = calib.value_of_information(one, ENTERPRISE, experts=(16,), size=100, rng=3)
    b = calib.value_of_information(still, ENTERPRISE, experts=(16,), size=100, rng=3)
    by_key = {s.root.key: s for s in b.studies if np.isfinite(s.more)}
    assert by_key["panel"].fall == pytest.approx(a.studies[0].fall, abs=0.03)
    assert by_key["other"].fall == pytest.approx(0, abs=0.02)


def test_half_the_width_takes_four_times_the_experts():
    half = norm.ppf(0.95) * SPREAD / 2
    found = calib.value_of_information(normal(EDGE), ENTERPRISE, half_width=half, size=10, rng=1)
    sizes = found.frame("required-sizes").set_index("code")
    assert sizes.loc["DA", "units_needed"] == pytest.approx(4 * UNITS, abs=1)


def test_a_source_that_is_not_the_only_one_cannot_do_everything():
    """Of two equal sources, one known perfectly leaves 1/sqrt(2) of the width."""
    mixed = calib.blend({normal(EDGE, "a"): 0.5, normal(EDGE, "b"): 0.5})
    half = norm.ppf(0.95) * SPREAD / np.sqrt(2)

    def needed(share):
        found = calib.value_of_information(
            mixed, ENTERPRISE, half_width=share * half, size=10, rng=1
        )
        return found.frame("required-sizes").query("code == 'DA'")["units_needed"]

    np.testing.assert_allclose(needed(0.9), UNITS / (1 - 2 * (1 - 0.9**2)), rtol=0.15)
    assert needed(0.6).isna().all()


def test_decided_weights_have_nothing_to_learn():
    with pytest.raises(InputError, match="decided"):
        calib.value_of_information(PUBLISHED, TRIAL)


def test_what_weights_do_not_rest_on_is_said():
    found = calib.value_of_information(normal(EDGE), ENTERPRISE, size=10, rng=1)
    assert "do not rest on ballots and enterprises" in found.summary("en").replace(", ", " and ")
    assert "权重不依据选票" in found.summary("zh")


def test_the_command_line_tells_what_experts_of_an_experiment_are_worth():
    command = ["plan", "value", "expert-panel", "--size", "4", "--lang", "zh", "--set"]
    done = CliRunner().invoke(cli, [*command, "panel"], catch_exceptions=False)
    assert "位专家" in done.output
    with pytest.raises(InputError, match="panel-geometric"):
        CliRunner().invoke(cli, [*command, "pannel"], catch_exceptions=False)
