"""``calib plan``: what more data are worth, and how many ballots a verdict takes."""

from __future__ import annotations

from typing import Any

import click

from calib.ballots.power import BallotsPlanRequest
from calib.cli.options import NearestGroup, lang_option, option_of, seed_option
from calib.cli.timing import working
from calib.outcomes.planning import ValueRequest

__all__ = ["plan"]


@click.group(cls=NearestGroup)
def plan() -> None:
    """Find out what to find out next: further experts, ballots and enterprises."""


@plan.command()
@click.argument("experiment")
@click.option("--set", "name", help="Weight set; the one proposed in [decision] if not stated.")
@option_of(ValueRequest, "experts", default=(10,))
@option_of(ValueRequest, "ballots", default=(100,))
@option_of(ValueRequest, "enterprises", default=(20,))
@option_of(ValueRequest, "half_width")
@option_of(ValueRequest, "confidence")
@option_of(ValueRequest, "size")
@click.option("--seed", type=click.IntRange(min=0), help="In place of the experiment's.")
@lang_option("tables")
def value(
    experiment: str, name: str | None, experts: tuple[int, ...], ballots: tuple[int, ...],
    enterprises: tuple[int, ...], half_width: float, confidence: float, size: int,
    seed: int | None, lang: str,
) -> None:  # fmt: skip
    """Say what more data behind a weight set of an EXPERIMENT are worth.

    Counted are enterprises that would be given a wrong star: by how many fewer they are expected
    to be after further experts, ballots, or another trial. And how many it takes for intervals of
    a wanted half width.
    """
    from calib.errors import InputError
    from calib.experiment import load_experiment
    from calib.experiment.run import make_sets
    from calib.experiment.spec import DECISION
    from calib.outcomes.planning import value_of_information
    from calib.report import print_table
    from calib.words import message, say

    loaded = load_experiment(experiment)
    decision = loaded.outcomes.get(DECISION)
    chosen = name or getattr(decision, "proposed", None)
    if chosen is None:
        raise InputError(message("cli.plan_no_set", known=[e.name for e in loaded.sets]))
    source = chosen.partition("/")[0]
    if source not in {e.name for e in loaded.sets}:
        raise InputError(message("cli.plan_unknown_set", set=chosen,
                                 known=[e.name for e in loaded.sets]))  # fmt: skip
    working(say("cli.doing_plan", lang))
    context = make_sets(loaded, [source], seed=seed)
    found = value_of_information(
        context.set(chosen), context.scored_under(chosen), experts=experts, ballots=ballots,
        enterprises=enterprises, half_width=half_width, confidence=confidence, size=size,
        rng=context.seed,
    )  # fmt: skip
    click.echo(found.headline().get(lang))
    for table in (t for t in found.tables if len(t.frame)):
        print_table(table, lang, found.names)
    for note in found.notes:
        click.echo(f"· {note.get(lang)}")


@plan.command("ballots")
@option_of(BallotsPlanRequest, "items")
@option_of(BallotsPlanRequest, "picks")
@option_of(BallotsPlanRequest, "ballots")
@option_of(BallotsPlanRequest, "spread")
@option_of(BallotsPlanRequest, "margin")
@option_of(BallotsPlanRequest, "power")
@seed_option()
@lang_option("table")
def of_ballots(seed: int, lang: str, **options: Any) -> None:
    """Say how many ballots show a difference, and how many show that there is none.

    Not having found a difference is no evidence of equal importance: that takes intervals that
    lie within a margin, and far more ballots.
    """
    from calib.ballots.power import plan_ballots
    from calib.report import print_table
    from calib.words import say

    working(say("cli.doing_plan", lang))
    found = plan_ballots(rng=seed, **options)
    click.echo(found.headline().get(lang))
    if found.powers:
        print_table(found.table(), lang)
    for note in found.notes:
        click.echo(f"· {note.get(lang)}")
