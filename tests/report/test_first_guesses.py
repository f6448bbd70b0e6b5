"""What a newcomer guesses and gets wrong is answered with what would be right."""

import pytest

import calib
from calib.errors import InputError


def test_a_table_that_is_not_there_is_named_without_a_stray_space():
    framework = calib.load_framework("aii")
    rating = calib.rate(
        calib.published_weights(framework), calib.load_population("trial", framework)
    )
    with pytest.raises(InputError, match="no table 'agreement'; there are enterprises"):
        rating.frame("agreement")
    with pytest.raises(InputError, match=r"no table 'star' \(did you mean"):
        rating.frame("star")


def test_what_a_method_gave_stands_for_its_weights_in_a_blend():
    framework = calib.load_framework("aii")
    panel = calib.weigh_panel(
        calib.read_panel("example", framework), unjudged="published", draws=100, rng=1
    )
    published = calib.published_weights(framework)
    mixed = calib.blend({panel: 0.7, published: 0.3})
    assert mixed.digest == calib.blend({panel.weights: 0.7, published: 0.3}).digest
    assert mixed.roots == panel.weights.roots
    with pytest.raises(InputError, match=r"experts\.weights: 0\.7"):
        calib.blend({"panel": 1.0})


def test_sets_given_one_by_one_are_answered_with_how_to_compare():
    framework = calib.load_framework("aii")
    published, firms = calib.published_weights(framework), calib.load_population("trial", framework)
    with pytest.raises(InputError, match=r"compare\(baseline, candidate, population, …\)"):
        calib.compare(published, published, published, firms)
    with pytest.raises(InputError, match="Several sets go into one list"):
        calib.compare([published, published], firms)


def test_first_guesses_work_or_are_answered_with_the_call():
    framework = calib.load_framework("aii")
    published, firms = calib.published_weights(framework), calib.load_population("trial", framework)
    with pytest.raises(InputError, match=r"explain_star\(rating, enterprise, …\)"):
        calib.explain_star(published, firms, "D06")
    with pytest.raises(InputError, match=r"compare_weights\(baseline, candidate, …\)"):
        calib.compare_weights(published, published, published)
    one, listed = (calib.equal_weights(framework, levels=v) for v in ("pillar", ["pillar"]))
    assert one.digest == listed.digest
    with pytest.raises(InputError, match=r"no experiment 'rule-option'.*rule-options"):
        calib.run_experiment("rule-option")


def test_a_word_where_a_list_is_wanted_is_shown_as_a_list():
    with pytest.raises(InputError, match=r'levels.*\["indicator"\]'):
        calib.weigh_ballots(
            calib.read_survey("near-equal", calib.load_framework("aii")), levels="indicator"
        )
    with pytest.raises(InputError, match=r"ballots.*\[22\]"):
        calib.plan_ballots(items=28, ballots=22)
