"""What is typed in a notebook introduces itself in a line, and never floods it."""

from __future__ import annotations

from shipped import shipped_run

import calib
from calib.experiment import make_sets


def test_no_object_floods_a_notebook(aii, trial):
    published = calib.published_weights(aii)
    rating = calib.rate(published, trial)
    run = shipped_run("trial-comparison")
    experiment = run.experiment
    objects = [
        aii, aii.rule, aii.tracks["discrete"], trial, trial.samples["discrete"], published,
        published.provenance, rating, rating.scored, rating.samples["discrete"],
        rating.table("stars"), experiment, run, run.context, make_sets(experiment),
        calib.read_survey("unequal", aii), calib.read_panel("example", aii),
        calib.load_ensemble("trial", aii, n=2), calib.shift(published, {"DA": 0.4}, years=[1, 3]),
        calib.stability(published, trial), calib.lifecycle(published, trial),
        calib.dominance(published, trial), calib.rule_options(published, trial),
        calib.compare(published, calib.override(published, {"DA": 0.4}), trial, rng=1),
    ]  # fmt: skip
    for thing in objects:
        assert len(repr(thing)) < 200, type(thing)
        assert "object at 0x" not in repr(thing)
