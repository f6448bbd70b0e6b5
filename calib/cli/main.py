"""``calib``: the entry point. Only click is imported until a command runs."""

from __future__ import annotations

import importlib
import io
import signal
import sys
from collections.abc import Mapping
from typing import Any

import click

import calib
from calib.cli.options import NearestGroup

__all__ = ["cli", "main"]

COMMANDS: Mapping[str, tuple[str, str]] = {
    "new": ("calib.cli.new:new", "Start a round: an experiment, and workbooks to fill in."),
    "run": ("calib.cli.run:run", "Run an experiment: rate under several weight sets, compare."),
    "demo": ("calib.cli.run:demo", "Run the main example on the trial sample."),
    "runs": ("calib.cli.runs:runs", "List runs; label, compare, remove and restore them."),
    "lang": ("calib.cli.language:lang", "Remember the language of the command line: zh or en."),
    "frameworks": ("calib.cli.frameworks:frameworks", "List frameworks, or show one."),
    "check": ("calib.cli.check:check", "Check input files of any kind, and list every fault."),
    "import": ("calib.cli.importing:import_file", "Import the export of a survey platform."),
    "weights": ("calib.cli.weights:weights", "Compare, convert and round weight sets."),
    "form": ("calib.cli.experts:form", "Write forms for experts."),
    "read": ("calib.cli.experts:read", "Read filled-in forms, and list every fault."),
    "ballots": ("calib.cli.ballots:ballots", "Worths from ballots; equally important or not?"),
    "dominance": ("calib.cli.adjustment:dominance", "Show which indicators really decide."),
    "adjust": ("calib.cli.adjustment:adjust", "Nearest weights under which no indicator decides."),
    "ledger": ("calib.cli.adjustment:ledger", "Check or replay the ledger of a calibration."),
    "protocol": ("calib.cli.protocol:protocol", "Lock what is declared before the data; check it."),
    "decide": ("calib.cli.decide:decide", "Adopt proposed weights or not: the page to decide on."),
    "plan": ("calib.cli.plan:plan", "What to find out next: what more data are worth."),
    "verify": (
        "calib.cli.verify:verify",
        "Compare calib with published values; check it.",
    ),
    "publish": ("calib.cli.publish:publish", "Publish an experiment as a site, with notebooks."),
    "explore": ("calib.cli.publish:explore", "Write the page on which the weights can be moved."),
    "export": ("calib.cli.publish:export", "Write a run as an Excel workbook."),
}
"""Where each command lives, and its line in the help."""
_LONG = {"new", "run", "demo", "check", "import", "form", "read", "ballots", "dominance", "adjust",
         "ledger", "decide", "plan", "verify", "publish", "explore", "export"}  # fmt: skip
"""Commands that may take more than a moment, and say how long."""


class _LazyGroup(NearestGroup):
    """A group that imports a command when it is used, so that help answers at once."""

    spoken = "en"
    """The language that the last command spoke, which an error that ended it speaks as well."""

    def main(self, *args: Any, **options: Any) -> Any:
        from calib.cli.help import click_speaks, spoken
        from calib.files.preferences import remembered_language
        from calib.words import current_language, speaking

        with speaking(remembered_language()), click_speaks():
            spoken(self, "calib")
            try:
                return super().main(*args, **options)
            finally:
                _LazyGroup.spoken = current_language()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if any("\0" in word for word in args):
            from calib.words import say

            raise click.UsageError(say("cli.nul", _LazyGroup.spoken), ctx)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        from calib.cli.help import spoken

        module, attribute = COMMANDS[cmd_name][0].split(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{attribute} is no command")
        return spoken(command, f"calib {cmd_name}")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from gettext import gettext

        from calib.cli.help import line

        with formatter.section(gettext("Commands")):
            lines = [(name, line(f"calib {name}", text)) for name, (_, text) in COMMANDS.items()]
            formatter.write_dl(lines)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(calib.__version__, prog_name="calib")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Calibrate the weights of a maturity assessment, and see what they do to the stars."""
    from calib._dates import now
    from calib.files.inputs import keep_inputs

    now()  # a date that cannot be read would end in the middle of the work
    ctx.with_resource(keep_inputs())


def main() -> None:
    """Run the command line; a user's mistake ends with a message and exit code 2."""
    from calib.cli.console import plain, prepare_streams
    from calib.cli.help import click_speaks
    from calib.cli.timing import timed
    from calib.errors import CalibError
    from calib.words import say, speaking

    prepare_streams()
    # A polite kill clears up as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    words = sys.argv[1:]
    long = bool(words) and words[0] in _LONG and not {"-h", "--help", "--quiet"} & set(words)
    try:
        with timed(long, language=lambda: _LazyGroup.spoken):
            cli(standalone_mode=False)
    except click.ClickException as exc:
        text = io.StringIO()
        with speaking(_LazyGroup.spoken), click_speaks():
            exc.show(text)
        click.echo(plain(text.getvalue()), nl=False, err=True)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo(say("cli.interrupted", _LazyGroup.spoken), err=True)
        sys.exit(130)
    except CalibError as exc:
        click.echo(plain(f"calib: {exc.get(_LazyGroup.spoken)}"), err=True)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)
    except (OSError, MemoryError) as exc:
        click.echo(plain(f"calib: {exc or say('cli.no_memory', _LazyGroup.spoken)}"), err=True)
        sys.exit(2)
