"""``calib check``: is a file valid, and if not, what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from calib.cli.options import FILE, framework_option, lang_option, listed
from calib.cli.timing import working
from calib.words import current_language, joined, message, say

if TYPE_CHECKING:
    from calib.errors import Fault
    from calib.framework import Framework

__all__ = ["check"]


@click.command()
@click.argument("files", nargs=-1, required=True)
@framework_option()
@click.option("--values", type=click.Choice(["answers", "scores"]), default="answers",
              show_default=True, help="What a population file holds.")  # fmt: skip
@click.option("--attributes", default="", help="Further columns of a population, by commas.")
@click.option("--sheet", help="Sheet of a workbook; all visible ones if not given.")
@click.option("--marked", type=FILE,
              help="Write a copy of the table, faulty cells coloured (.xlsx).")  # fmt: skip
@lang_option("faults")
def check(
    files: tuple[str, ...], framework: str, values: str, attributes: str, sheet: str | None,
    marked: Path | None, lang: str,
) -> None:  # fmt: skip
    """Check FILES: frameworks, weight sets, populations, experiments, experts' forms.

    The kind is told by the file's schema (TOML) or its columns (CSV, XLSX, Parquet). Every fault
    is named with file, row or key, value, and what would be valid, many of one cause in one line;
    exit code 2 if there is any. An experiment is tried as a run would: every file is read and every
    set is made; analyses are tried with few draws.
    """
    from calib.errors import CalibError, Fault, InputError

    columns = listed(attributes)
    faults: list[Fault] = []
    for name in files:
        working(say("cli.doing_check", file=name))
        try:
            click.echo(f"{name}: {_check(name, framework, values, columns, sheet)}")
        except InputError as exc:
            faults += exc.faults
        except (CalibError, OSError) as exc:
            faults.append(Fault(name, "", str(exc)))
    for text in _against_the_rest(files, framework):
        click.echo(text)
    if marked is not None:
        _write_marked(files, faults, marked, lang)
    if faults:
        raise InputError(faults)


def _write_marked(files: tuple[str, ...], faults: list[Fault], out: Path, lang: str) -> None:
    """Write a copy of the one table that was checked, with its faults."""
    from calib.errors import InputError
    from calib.tables import write_marked

    if len(files) != 1 or Path(files[0]).suffix.lower() == ".toml" or out.suffix != ".xlsx":
        raise InputError(message("cli.marked_needs_one_table"))
    cells = write_marked(files[0], faults, out, lang=lang)
    click.echo(say("cli.marked", lang, file=str(out), n=cells))


def _check(
    name: str, framework: str, values: str, attributes: tuple[str, ...], sheet: str | None
) -> str:
    if Path(name).suffix.lower() == ".toml":
        return _check_toml(name, framework)
    return _check_table(name, framework, values, attributes, sheet)


def _check_toml(name: str, framework: str) -> str:
    from calib.errors import InputError
    from calib.files.inputs import read_toml
    from calib.framework import list_frameworks, load_framework
    from calib.population import load_population
    from calib.weights import read_weights

    document = read_toml(name)
    kinds = ("framework", "weights", "population", "experiment")
    kind = str(document.get("schema", "")).removeprefix("calib.").removesuffix("/1")
    if kind not in kinds:
        expected = " | ".join(f"calib.{k}/1" for k in kinds)
        given = repr(document.get("schema"))
        said = message("cli.no_schema", file=name, found=given, expected=expected)
        raise InputError(said)
    if kind == "framework":
        fw = load_framework(name)
        tracks = ", ".join(f"{t} {len(x.leaves)}" for t, x in fw.tracks.items())
        return say("cli.is_framework", code=fw.code, version=fw.version, tracks=tracks)
    if kind == "experiment":
        return _check_experiment(name)
    fw = load_framework(framework)
    stated = document.get("framework")
    if stated in list_frameworks() and stated != fw.code:
        fw = load_framework(str(stated))
    if kind == "weights":
        weights = read_weights(name, fw)
        name = repr(weights.name)
        return say("cli.is_weights", name=name, code=fw.code, version=fw.version)
    population = load_population(name, fw)
    return say("cli.is_population", n=len(population), code=fw.code)


def _check_experiment(name: str) -> str:
    """Check an experiment with the population that it names and the files of its sets."""
    from calib.errors import InputError
    from calib.experiment import announcements, check_inputs, load_experiment

    experiment = load_experiment(name)
    said: list[str] = []
    lang = current_language()
    faults = check_inputs(
        experiment,
        lambda context: said.extend(n.get(lang) for n in announcements(experiment, context)),
    )
    if faults:
        raise InputError(faults)
    is_valid = say("cli.is_experiment", name=experiment.name, n=len(experiment.sets))
    return "\n".join([is_valid, *said])


def _check_table(
    name: str, framework: str, values: str, attributes: tuple[str, ...], sheet: str | None
) -> str:
    from calib.ballots.ballot_rows import looks_like_survey
    from calib.ballots.preflib import is_preflib
    from calib.framework import load_framework
    from calib.population import Kind, parse_population
    from calib.tables import read_table, sheet_names
    from calib.weights import read_weights
    from calib.weights.sheet import is_weight_table

    fw = load_framework(framework)
    if is_preflib(name):
        return _check_survey(name, fw)
    if Path(name).suffix.lower() == ".xlsx" and "_calib" in sheet_names(name):
        return _check_panel(name, framework)
    table = read_table(name, sheet=sheet)
    if {"expert", "round", "method", "node"} <= set(table.frame.columns):
        return _check_panel(name, framework)
    if "local_weight" in table.frame.columns or is_weight_table(table):
        read_weights(name, fw, sheet=sheet)
        return say("cli.is_weight_table", code=fw.code, version=fw.version)
    if looks_like_survey(table):
        return _check_survey(name, fw, sheet)
    kind: Kind = "scores" if values == "scores" else "answers"
    population = parse_population(table, fw, kind=kind, attributes=attributes)
    sizes = ", ".join(f"{t} {len(s)}" for t, s in population.samples.items())
    values_are = message("cli.scores" if kind == "scores" else "cli.answers")
    said = message("cli.is_table", n=len(population), sizes=sizes, kind=values_are)
    return joined([said, *population.notes], message("words.semicolon")).get(current_language())


def _check_survey(name: str, framework: Framework, sheet: str | None = None) -> str:
    """Check a survey of ballots."""
    from calib.ballots import read_survey

    read = read_survey(name, framework, sheet=sheet).read_report
    return say("cli.is_survey", n=read.read, used=read.used, code=framework.code)


def _against_the_rest(files: tuple[str, ...], framework: str) -> list[str]:
    """Say whose judgements run against those of all others in these files, of each round."""
    from calib.errors import CalibError
    from calib.experts import judge_nodes, panel_direction, read_panel
    from calib.experts.panel_notes import direction_notes
    from calib.framework import load_framework

    out: list[str] = []
    try:
        of_experts = [name for name in files if _is_panel(name)]
        if not of_experts:
            return []
        panel = read_panel(of_experts, load_framework(framework), rounds=range(1, 100))
        for number in sorted({form.round for form in panel.forms}):
            nodes = judge_nodes(panel, number)
            names = sorted({e for node in nodes.values() for e in node.experts})
            found = panel_direction(nodes, names, rng=0)
            out += [n.get(current_language()) for n in direction_notes(names, found)]
    except (CalibError, OSError):
        return out  # the files' own faults are listed
    return out


def _is_panel(name: str) -> bool:
    from calib.tables import read_table, sheet_names

    if Path(name).suffix.lower() == ".xlsx":
        return "_calib" in sheet_names(name)
    if Path(name).suffix.lower() not in (".csv", ".parquet"):
        return False
    return {"expert", "round", "method", "node"} <= set(read_table(name).frame.columns)


def _check_panel(name: str, framework: str) -> str:
    """Check a returned form, or a table of experts' judgements, of whatever round."""
    from calib.experts.panel_files import read_panel
    from calib.framework import load_framework

    fw = load_framework(framework)
    panel = read_panel([name], fw, rounds=range(1, 100))
    answers = sum(len(form.answers) for form in panel.forms)
    return say("cli.is_panel", n=len(panel.forms), nodes=answers, code=fw.code, version=fw.version)
