"""``calib check``: is a file valid, and if not, what is wrong with it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import click

__all__ = ["check"]


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--framework", default="aii", show_default=True,
              help="Framework of populations and weight tables.")  # fmt: skip
@click.option("--values", type=click.Choice(["answers", "scores"]), default="answers",
              show_default=True, help="What a population file holds.")  # fmt: skip
@click.option("--attributes", default="", help="Further columns of a population, by commas.")
def check(files: tuple[str, ...], framework: str, values: str, attributes: str) -> None:
    """Check FILES: frameworks, weight sets, populations, experiments.

    The kind is told by the file's schema (TOML) or its columns (CSV, XLSX, Parquet). Every fault
    is listed with file, row or key, value, and what would be valid; exit code 2 if there is any.
    """
    from calib.errors import InputError

    columns = tuple(c.strip() for c in attributes.split(",") if c.strip())
    faulty: list[InputError] = []
    for name in files:
        try:
            click.echo(f"{name}: {_check(name, framework, values, columns)}")
        except InputError as exc:
            faulty.append(exc)
    if faulty:
        raise InputError([f for exc in faulty for f in exc.faults])


def _check(name: str, framework: str, values: str, attributes: tuple[str, ...]) -> str:
    if Path(name).suffix.lower() == ".toml":
        return _check_toml(name, framework)
    return _check_table(name, framework, values, attributes)


def _check_toml(name: str, framework: str) -> str:
    from calib.errors import InputError
    from calib.experiment import load_experiment
    from calib.framework import load_framework
    from calib.population import load_population
    from calib.weights import read_weights

    try:
        document = tomllib.loads(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise InputError(f"{name}: cannot be read as TOML: {exc}") from exc
    kinds = ("framework", "weights", "population", "experiment")
    kind = str(document.get("schema", "")).removeprefix("calib.").removesuffix("/1")
    if kind not in kinds:
        expected = " | ".join(f"calib.{k}/1" for k in kinds)
        raise InputError(f"{name}: schema: unknown or missing (found "
                         f"{document.get('schema')!r}); expected {expected}")  # fmt: skip
    if kind == "framework":
        fw = load_framework(name)
        tracks = ", ".join(f"{t} {len(x.leaves)}" for t, x in fw.tracks.items())
        return f"framework {fw.code} {fw.version}, indicators: {tracks}"
    if kind == "experiment":
        experiment = load_experiment(name)
        return f"experiment {experiment.name} with {len(experiment.sets)} weight sets"
    fw = load_framework(str(document.get("framework") or framework))
    if kind == "weights":
        weights = read_weights(name, fw)
        return f"weight set {weights.name!r} for {fw.code} {fw.version}"
    population = load_population(name, fw)
    return f"population of {len(population)} enterprises for {fw.code}"


def _check_table(name: str, framework: str, values: str, attributes: tuple[str, ...]) -> str:
    from calib.framework import load_framework
    from calib.population import Kind, parse_population
    from calib.tables import read_table
    from calib.weights import read_weights

    fw = load_framework(framework)
    table = read_table(name)
    if "local_weight" in table.frame.columns:
        read_weights(name, fw)
        return f"weight table for {fw.code} {fw.version}"
    kind: Kind = "scores" if values == "scores" else "answers"
    population = parse_population(table, fw, kind=kind, attributes=attributes)
    sizes = ", ".join(f"{t} {len(s)}" for t, s in population.samples.items())
    notes = "".join(f"; {n}" for n in population.notes)
    return f"population of {len(population)} enterprises ({sizes}), {kind}{notes}"
