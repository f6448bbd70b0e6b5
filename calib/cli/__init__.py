"""The command line; see :mod:`calib.cli.main`."""

from calib.cli.main import COMMANDS, cli

__all__ = [
    "COMMANDS",
    "cli",
]
