"""An option of a method is described once: commands take name, help, default and type from it."""

from __future__ import annotations

import click
import pytest

from calib.adjustment import AdjustRequest
from calib.ballots import BallotsRequest
from calib.cli import cli
from calib.experts import PanelRequest
from calib.outcomes.dominance import DominanceRequest


def options_of(*names):
    command, context = cli, click.Context(cli)
    for name in names:
        command = command.get_command(context, name)
        context = click.Context(command)
    return {p.name: p for p in command.params}


@pytest.mark.parametrize(
    ("names", "request_of", "fields"),
    [
        (("ballots",), BallotsRequest, ("method", "pooling", "margin", "alpha")),
        (("read", "experts"), PanelRequest, ("method", "pooling", "competence", "seed_cutoff")),
        (
            ("adjust",),
            AdjustRequest,
            ("problem", "distance", "keep_order", "draws", "on", "steps", "level"),
        ),
        (("dominance",), DominanceRequest, ("cap_level", "level")),
    ],
)
def test_a_command_takes_its_options_from_the_method(names, request_of, fields):
    options = options_of(*names)
    for field in fields:
        info, option = request_of.model_fields[field], options[field]
        stated = info.get_default(call_default_factory=True)
        assert option.get_default(click.Context(click.Command("x"))) in (
            stated,
            (stated,),
            None,
            (),
        )
        assert option.help.rstrip(".").casefold() == info.description.rstrip(".").casefold()


def test_choices_and_limits_are_those_of_the_method():
    options = options_of("adjust")
    assert options["problem"].type.choices == ("caps", "shares", "correlations", "stars")
    assert (options["draws"].type.min, options["draws"].type.max) == (0, 10_000)
    assert options["keep_order"].is_flag
    assert options["steps"].multiple
    assert options["cap"].multiple
    assert options["level"].multiple
    cutoff = options_of("read", "experts")["seed_cutoff"].type
    assert (cutoff.min, cutoff.max, cutoff.max_open) == (0, 1, True)
    assert "authority" in options_of("read", "experts")["competence"].type.choices
