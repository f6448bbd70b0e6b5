"""``calib protocol``: lock what was declared before the data, and check what deviates from it."""

from __future__ import annotations

import sys

import click

from calib.cli.options import lang_option

__all__ = ["protocol"]


@click.group()
def protocol() -> None:
    """Lock the protocol of an experiment before the data, or check it."""


@protocol.command()
@click.argument("experiment")
@lang_option()
def lock(experiment: str, lang: str) -> None:
    """Write EXPERIMENT's protocol beside its file: every option, the time, and a hash.

    Note the hash down where it cannot be changed (minutes, an e-mail): with it anybody can check
    that caps, margins, shares, pooling, stopping and adoption rules were set before the data.
    """
    from calib.experiment import load_experiment
    from calib.experiment.protocol import lock_protocol, read_protocol
    from calib.words import message

    path = lock_protocol(load_experiment(experiment))
    locked = read_protocol(path)
    said = message("experiment.protocol.done", file=str(path), hash=locked.hash,
                   n=len(locked.declared), present=locked.data_present())  # fmt: skip
    click.echo(said.get(lang))


@protocol.command()
@click.argument("experiment")
@lang_option()
def check(experiment: str, lang: str) -> None:
    """List what EXPERIMENT declares otherwise than its locked protocol; exit code 1 if anything."""
    from calib.errors import InputError
    from calib.experiment import load_experiment
    from calib.experiment.protocol import protocol_path, read_protocol
    from calib.words import message

    found = load_experiment(experiment)
    path = protocol_path(found)
    if not path.exists():
        raise InputError(message("experiment.protocol.none", file=str(path)))
    locked = read_protocol(path)
    deviations = locked.deviations(found)
    click.echo(locked.sentence(deviations).get(lang))
    for deviation in deviations:
        click.echo(f"· {deviation.text.get(lang)}")
    if deviations or not locked.intact:
        sys.exit(1)
