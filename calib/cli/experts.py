"""``calib form experts`` and ``calib read experts``: forms out, forms in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calib.cli.options import (
    FILE,
    framework_option,
    lang_option,
    listed,
    option_of,
    out_option,
    seed_option,
)
from calib.experts.panel_request import PanelRequest

if TYPE_CHECKING:
    from calib.experts.panel import Panel, Question
    from calib.experts.panel_weighing import PanelResult
    from calib.experts.register import Sent
    from calib.framework import Framework

__all__ = ["form", "read"]

_SEED = seed_option()
_PANEL_OUT = out_option("Write the whole panel as one plain CSV.")


@click.group()
def form() -> None:
    """Write forms to be filled in."""


@click.group()
def read() -> None:
    """Read filled-in forms, and list every fault by sheet and cell."""


@form.command("experts")
@framework_option()
@click.option(
    "--method",
    required=True,
    type=click.Choice(["ahp", "ahp-incomplete", "bwm", "points", "ranks", "ratings"]),
)
@lang_option()
@click.option(
    "--levels", help="Levels to weigh, for instance pillar,capability (all if not given)."
)
@click.option("--track", help="One track only.")
@click.option("--expert", default="", help="Written into the form.")
@click.option("--experts", help="Names by commas: a form for each in the folder OUT, and the "
              "register of forms sent.")  # fmt: skip
@click.option("--round", "number", type=click.IntRange(1), default=1, show_default=True)
@out_option("The .xlsx file (experts-METHOD-LANG.xlsx if not given).")
def form_experts(
    framework: str,
    method: str,
    lang: str,
    levels: str | None,
    track: str | None,
    expert: str,
    experts: str | None,
    number: int,
    out: Path | None,
) -> None:
    """Write an XLSX form that asks experts for weights, one sheet for each node."""
    from calib.errors import InputError
    from calib.experts.form_write import write_form
    from calib.experts.panel import questions_of
    from calib.framework import load_framework
    from calib.words import message, say

    fw = load_framework(framework)
    questions = questions_of(fw, levels=listed(levels) or None, track=track)
    model = f"{fw.code} {fw.version}"
    if experts is not None:
        folder = out or Path(f"experts-{method}-{lang}")
        _write_forms(folder, list(listed(experts)), fw, questions, method, lang, number)
        return
    path = out or Path(f"experts-{method}-{lang}.xlsx")
    if path.exists():
        raise InputError(message("experts.cli_exists", path=path))
    write_form(path, fw, questions, method, lang=lang, expert=expert, round_number=number)
    click.echo(say("experts.cli_form", path=path, n=len(questions), framework=model))


def _write_forms(
    folder: Path, experts: list[str], framework: Framework, questions: dict[str, Question],
    method: str, lang: str, number: int,
) -> None:  # fmt: skip
    """Write a form for each expert, and note it in the register."""
    from calib.errors import InputError
    from calib.experts.form_write import form_file, write_form
    from calib.experts.register import REGISTER, add_to_register
    from calib.words import message, say

    made = {expert: folder / form_file(number, expert) for expert in dict.fromkeys(experts)}
    for path in made.values():
        if path.exists():
            raise InputError(message("experts.cli_exists", path=path))
    folder.mkdir(parents=True, exist_ok=True)
    for expert, path in made.items():
        write_form(path, framework, questions, method, lang=lang, expert=expert,
                   round_number=number)  # fmt: skip
    add_to_register(folder / REGISTER, made, number)
    click.echo(say("experts.cli_forms", n=len(made), round=number, folder=folder,
                   register=REGISTER))  # fmt: skip


@form.command("next-round")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@framework_option()
@lang_option()
@out_option("Folder of the new forms.", required=True, folder=True)
def next_round(files: tuple[Path, ...], framework: str, lang: str, out: Path) -> None:
    """Write forms for another round after FILES, one per expert of the last round.

    Each shows the expert's own last answers, ready to be changed, and the panel's weights.
    """
    from calib.experts.form_write import write_next_round
    from calib.experts.panel_files import read_panel
    from calib.experts.register import REGISTER, add_to_register
    from calib.framework import load_framework
    from calib.words import say

    panel = read_panel(files, load_framework(framework))
    kept: list[str] = []
    made = write_next_round(panel, out, lang=lang, notice=kept.append)
    for text in kept:
        click.echo(text, err=True)
    count, number = len(made) - len(kept), panel.rounds[-1] + 1
    experts = [f.expert for f in panel.in_round(panel.rounds[-1])]
    add_to_register(out / REGISTER, dict(zip(experts, made, strict=True)), number)
    click.echo(say("experts.cli_next_round", n=count, round=number, folder=out))


@read.command("experts")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@framework_option()
@click.option("--rounds", help="Rounds of the study, for instance 1,2.")
@click.option("--skip-invalid", is_flag=True, help="Keep what is sound; list what was skipped.")
@option_of(PanelRequest, "method")
@option_of(PanelRequest, "pooling")
@option_of(PanelRequest, "competence")
@option_of(PanelRequest, "inconsistent")
@click.option("--sent", type=FILE,
              help="Register of forms sent (sent.csv): who returned one, the rate.")  # fmt: skip
@click.option(
    "--seeds",
    type=FILE,
    help="Answers to seed questions, for --competence seeds (Cooke's classical model).",
)
@option_of(PanelRequest, "seed_cutoff")
@option_of(PanelRequest, "seed_overshoot")
@_SEED
@lang_option()
@_PANEL_OUT
@click.option("--report", type=FILE,
              help="Write all tables of the panel as .xlsx, for a Delphi report.")  # fmt: skip
def read_experts(
    files: tuple[Path, ...],
    framework: str,
    rounds: str | None,
    skip_invalid: bool,
    seeds: Path | None,
    sent: Path | None,
    seed: int,
    lang: str,
    out: Path | None,
    report: Path | None,
    **options: Any,
) -> None:
    """Read returned forms and tables (FILES); show weights, consistency and agreement."""
    from calib.errors import InputError
    from calib.experts.panel_csv import write_panel_csv
    from calib.experts.panel_files import read_panel
    from calib.experts.panel_request import PanelRequest
    from calib.experts.panel_weighing import weigh_panel
    from calib.experts.register import read_register, sent_counts
    from calib.framework import load_framework
    from calib.words import message

    register = read_register(sent) if sent is not None else []
    given = {"unjudged": "published", "sent": sent_counts(register), **options}
    request = PanelRequest.make(given)
    try:
        numbers = [int(r) for r in listed(rounds)] or None
    except ValueError as exc:
        raise InputError(message("experts.cli_rounds", value=repr(rounds))) from exc
    panel = read_panel(files, load_framework(framework), rounds=numbers, skip_invalid=skip_invalid)
    if register:
        _show_register(register, panel, lang)
    result = weigh_panel(panel, request=request, seeds=seeds, rng=seed)
    _show(result, lang)
    if out is not None:
        write_panel_csv(panel, out)
        click.echo(message("experts.cli_wrote", path=out).get(lang))
    if report is not None:
        _write_report(result, report, lang)
        click.echo(message("experts.cli_wrote", path=report).get(lang))


def _show_register(register: list[Sent], panel: Panel, lang: str) -> None:
    """Print the response rate of each round, and who is awaited."""
    from calib.experts.register import register_table
    from calib.report import print_table
    from calib.words import message

    table = register_table(register, panel)
    for number, rows in table.frame[table.frame["state"] != "unexpected"].groupby("round"):
        count = rows["state"].value_counts()
        returned, sent = int(count.get("returned", 0)), len(rows)
        said = message(
            "experts.register.rate", round=int(number), sent=sent, returned=returned,
            share=f"{returned / sent:.0%}", faulty=int(count.get("faulty", 0)),
            awaited=int(count.get("awaited", 0)),
        )  # fmt: skip
        click.echo(said.get(lang))
    print_table(table, lang)


@read.command("opinions")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@framework_option()
@click.option("--skip-invalid", is_flag=True, help="Keep what is sound; list what was skipped.")
@option_of(PanelRequest, "pooling")
@_SEED
@lang_option()
@_PANEL_OUT
@click.option("--weights", type=FILE,
              help="Write the pooled weights as a file that an experiment can name.")  # fmt: skip
def read_opinions(
    files: tuple[Path, ...],
    framework: str,
    skip_invalid: bool,
    seed: int,
    lang: str,
    out: Path | None,
    weights: Path | None,
    **options: Any,
) -> None:
    """Pool weights that readers of the explorer saved (FILES): consensus, who differs, clusters."""
    from calib.experts.panel_csv import write_panel_csv
    from calib.experts.panel_request import PanelRequest
    from calib.experts.panel_weighing import weigh_panel
    from calib.experts.returned_weights import read_opinions as read_files
    from calib.framework import load_framework
    from calib.weights import write_weights
    from calib.words import message

    request = PanelRequest.make({"unjudged": "published", **options})
    panel = read_files(files, load_framework(framework), skip_invalid=skip_invalid)
    result = weigh_panel(panel, request=request, rng=seed, name="opinions")
    _show(result, lang, ("weights", "experts", "clusters"))
    for form in panel.forms:
        if form.role or form.comment:
            said = message("experts.cli_said", name=form.expert, comment=form.comment)
            own = message("experts.cli_said_as", name=form.expert, role=form.role,
                          comment=form.comment)  # fmt: skip
            click.echo((own if form.role else said).get(lang))
    for fault in panel.skipped:
        click.echo(fault.get(lang), err=True)
    if out is not None:
        write_panel_csv(panel, out)
        click.echo(message("experts.cli_wrote", path=out).get(lang))
    if weights is not None:
        write_weights(result.weights, weights)
        click.echo(message("experts.cli_wrote", path=weights).get(lang))


def _show(
    result: PanelResult, lang: str, shown: tuple[str, ...] = ("weights", "seeds", "rounds")
) -> None:
    from calib.report import print_table

    click.echo(result.headline().get(lang))
    for table in result.tables:
        if table.name not in shown:
            continue
        if table.name == "rounds":  # all of its columns are wider than a screen
            narrow = table.view[["round", "node", "kendall_w", "p", "verdict"]]
            print_table(replace(table, shown=narrow), lang, result.names)
        else:
            print_table(table, lang, result.names)
    for note in result.notes:
        click.echo(note.get(lang))


def _write_report(result: PanelResult, path: Path, lang: str) -> None:
    from calib.errors import InputError
    from calib.experts.delphi_panel import delphi_report
    from calib.tables import write_xlsx
    from calib.words import message

    if path.suffix.lower() != ".xlsx":
        raise InputError(message("experts.cli_xlsx", path=path))
    by_item, by_round = delphi_report(result.rounds, lang)
    sheets = {"Delphi": by_round, "Delphi indicators": by_item}
    for name, frame in result.frames.items():
        sheets[name] = frame.dropna(axis=1, how="all") if name == "experts" else frame
    write_xlsx(sheets, path)
