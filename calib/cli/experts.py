"""``calib form experts`` and ``calib read experts``: forms out, forms in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calib.cli.options import lang_option, option_of
from calib.experts.panel_request import PanelRequest

if TYPE_CHECKING:
    from calib.experts.panel_weighing import PanelResult

__all__ = ["form", "read"]


@click.group()
def form() -> None:
    """Write forms to be filled in."""


@click.group()
def read() -> None:
    """Read filled-in forms, and list every fault by sheet and cell."""


def _listed(text: str | None) -> list[str] | None:
    return [part.strip() for part in text.split(",") if part.strip()] if text else None


@form.command("experts")
@click.option("--framework", default="aii", show_default=True, help="A framework or its file.")
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
@click.option("--round", "number", type=click.IntRange(1), default=1, show_default=True)
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False),
              help="The .xlsx file (experts-METHOD-LANG.xlsx if not given).")  # fmt: skip
def form_experts(
    framework: str,
    method: str,
    lang: str,
    levels: str | None,
    track: str | None,
    expert: str,
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
    questions = questions_of(fw, levels=_listed(levels), track=track)
    path = out or Path(f"experts-{method}-{lang}.xlsx")
    if path.exists():
        raise InputError(message("experts.cli_exists", path=path))
    write_form(path, fw, questions, method, lang=lang, expert=expert, round_number=number)
    model = f"{fw.code} {fw.version}"
    click.echo(say("experts.cli_form", path=path, n=len(questions), framework=model))


@form.command("next-round")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--framework", default="aii", show_default=True, help="A framework or its file.")
@lang_option()
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path, file_okay=False),
              help="Folder of the new forms.")  # fmt: skip
def next_round(files: tuple[Path, ...], framework: str, lang: str, out: Path) -> None:
    """Write forms for another round after FILES, one per expert of the last round.

    Each shows the expert's own last answers, ready to be changed, and the panel's weights.
    """
    from calib.experts.form_write import write_next_round
    from calib.experts.panel_files import read_panel
    from calib.framework import load_framework
    from calib.words import say

    panel = read_panel(files, load_framework(framework))
    kept: list[str] = []
    made = write_next_round(panel, out, lang=lang, notice=kept.append)
    for text in kept:
        click.echo(text, err=True)
    count, number = len(made) - len(kept), panel.rounds[-1] + 1
    click.echo(say("experts.cli_next_round", n=count, round=number, folder=out))


@read.command("experts")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--framework", default="aii", show_default=True, help="A framework or its file.")
@click.option("--rounds", help="Rounds of the study, for instance 1,2.")
@click.option("--skip-invalid", is_flag=True, help="Keep what is sound; list what was skipped.")
@option_of(PanelRequest, "method")
@option_of(PanelRequest, "pooling")
@option_of(PanelRequest, "competence")
@click.option(
    "--seeds",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Answers to seed questions, for --competence seeds (Cooke's classical model).",
)
@option_of(PanelRequest, "seed_cutoff")
@option_of(PanelRequest, "seed_overshoot")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@lang_option()
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the whole panel as one plain CSV.",
)
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False),
              help="Write all tables of the panel as .xlsx, for a Delphi report.")  # fmt: skip
def read_experts(
    files: tuple[Path, ...],
    framework: str,
    rounds: str | None,
    skip_invalid: bool,
    seeds: Path | None,
    seed: int,
    lang: str,
    out: Path | None,
    report: Path | None,
    **options: Any,
) -> None:
    """Read returned forms and tables (FILES); show weights, consistency and agreement."""
    from calib.errors import InputError
    from calib.experts.panel_files import read_panel, write_panel_csv
    from calib.experts.panel_request import PanelRequest
    from calib.experts.panel_weighing import weigh_panel
    from calib.framework import load_framework
    from calib.words import message

    request = PanelRequest.make({"unjudged": "published", **options})
    try:
        numbers = [int(r) for r in _listed(rounds) or []] or None
    except ValueError as exc:
        raise InputError(message("experts.cli_rounds", value=repr(rounds))) from exc
    panel = read_panel(files, load_framework(framework), rounds=numbers, skip_invalid=skip_invalid)
    result = weigh_panel(panel, request=request, seeds=seeds, rng=seed)
    _show(result, lang)
    if out is not None:
        write_panel_csv(panel, out)
        click.echo(message("experts.cli_wrote", path=out).get(lang))
    if report is not None:
        _write_report(result, report, lang)
        click.echo(message("experts.cli_wrote", path=report).get(lang))


def _show(result: PanelResult, lang: str) -> None:
    from calib.report import print_table

    click.echo(result.headline().get(lang))
    for table in result.tables:
        if table.name == "rounds":  # all of its columns are wider than a screen
            narrow = table.view[["round", "node", "kendall_w", "p", "verdict"]]
            print_table(replace(table, shown=narrow), lang, result.names)
        elif table.name in ("weights", "seeds"):
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
