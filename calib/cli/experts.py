"""``calib form experts`` and ``calib read experts``: forms out, forms in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from calib.experts.direction import Direction
    from calib.experts.groups import NodeGroups
    from calib.experts.panel import Panel
    from calib.experts.rounds import NodeRound
    from calib.experts.synthesis import PanelWeights

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
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
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

    fw = load_framework(framework)
    questions = questions_of(fw, levels=_listed(levels), track=track)
    path = out or Path(f"experts-{method}-{lang}.xlsx")
    if path.exists():
        raise InputError(f"{path}: is there already, and may hold an expert's answers; "
                         "choose another name with -o")  # fmt: skip
    write_form(path, fw, questions, method, lang=lang, expert=expert, round_number=number)
    count = f"{len(questions)} node{'s' if len(questions) > 1 else ''}"
    click.echo(f"wrote {path}: {count} of {fw.code} {fw.version}")


@form.command("next-round")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--framework", default="aii", show_default=True, help="A framework or its file.")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path, file_okay=False),
              help="Folder of the new forms.")  # fmt: skip
def next_round(files: tuple[Path, ...], framework: str, lang: str, out: Path) -> None:
    """Write forms for another round after FILES, one per expert of the last round.

    Each shows the expert's own last answers, ready to be changed, and the panel's weights.
    """
    from calib.experts.next_round import write_next_round
    from calib.experts.reading import read_panel
    from calib.framework import load_framework

    panel, _ = read_panel(files, load_framework(framework))
    kept: list[str] = []
    made = write_next_round(panel, out, lang=lang, notice=kept.append)
    for text in kept:
        click.echo(text, err=True)
    click.echo(f"wrote {len(made) - len(kept)} forms of round {panel.rounds[-1] + 1} to {out}")


@read.command("experts")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--framework", default="aii", show_default=True, help="A framework or its file.")
@click.option("--rounds", help="Rounds of the study, for instance 1,2.")
@click.option("--skip-invalid", is_flag=True, help="Keep what is sound; list what was skipped.")
@click.option(
    "--pool",
    default="arithmetic",
    show_default=True,
    type=click.Choice(["arithmetic", "geometric", "median", "trimmed", "aij"]),
)
@click.option(
    "--competence",
    default="equal",
    show_default=True,
    type=click.Choice(["equal", "authority", "consistency", "seeds"]),
)
@click.option(
    "--seeds",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Answers to seed questions, for --competence seeds (Cooke's classical model).",
)
@click.option(
    "--seed-cutoff",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    show_default=True,
    help="Least calibration that counts.",
)
@click.option(
    "--seed-overshoot",
    type=click.FloatRange(0, min_open=True),
    default=0.1,
    show_default=True,
    help="Widening of the intrinsic ranges.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
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
    pool: str,
    competence: str,
    seeds: Path | None,
    seed_cutoff: float,
    seed_overshoot: float,
    seed: int,
    lang: str,
    out: Path | None,
    report: Path | None,
) -> None:
    """Read returned forms and tables (FILES); show weights, consistency and agreement."""
    from calib.errors import InputError
    from calib.experts.direction import panel_direction
    from calib.experts.groups import camps_table, methods_table, panel_groups
    from calib.experts.panel_csv import write_panel_csv
    from calib.experts.reading import read_panel
    from calib.experts.rounds import delphi_rounds
    from calib.experts.seeds import read_seed_answers, weights_from_seeds
    from calib.experts.synthesis import PoolOptions, pool_panel
    from calib.experts.tables import seeds_table
    from calib.framework import load_framework

    fw = load_framework(framework)
    try:
        numbers = [int(r) for r in _listed(rounds) or []] or None
    except ValueError as exc:
        raise InputError(f"--rounds {rounds!r}: expected whole numbers, for instance 1,2") from exc
    panel, skipped = read_panel(files, fw, rounds=numbers, skip_invalid=skip_invalid)
    for fault in skipped:
        click.echo(f"skipped: {fault}", err=True)
    if (competence == "seeds") != (seeds is not None):
        raise InputError("--competence seeds and --seeds FILE go together")
    scored = None
    weight: str | dict[str, float] = competence
    if seeds is not None:
        answers = read_seed_answers(seeds).of(form.expert for form in panel.forms)
        weight, performance = weights_from_seeds(
            answers, overshoot=seed_overshoot, cutoff=seed_cutoff
        )
        scored = seeds_table(answers.experts, performance)
    options = PoolOptions(pool, weight, unjudged="published")
    result = pool_panel(panel, None, options, rng=seed)
    found = delphi_rounds(panel, rng=seed)
    _show(result, found, lang)
    if scored is not None:
        _show_seeds(scored)
    groups = panel_groups(result.nodes, rng=seed)
    direction = panel_direction(result.nodes, result.experts, rng=seed)
    _say(panel, result, groups, direction, lang)
    if out is not None:
        write_panel_csv(panel, out)
        click.echo(f"wrote {out}")
    if report is not None:
        sheets = {
            **_panel_sheets(panel, result, found, direction, lang),
            "groups": camps_table(groups),
            "methods": methods_table(groups),
            **({"seeds": scored} if scored is not None else {}),
        }
        _write_report(sheets, report)
        click.echo(f"wrote {report}")


def _show(result: PanelWeights, rounds: list[NodeRound], lang: str) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(soft_wrap=True)
    console.width = max(console.width, 110)  # narrower, the numbers would be cut off
    title = f"round {result.round}: {len(result.experts)} experts, {result.options.pool} pool"
    table = Table(title=title, title_justify="left")
    for head in ("node", "code", "name", "weight", "interval", "experts", "doubtful", "W", "p"):
        table.add_column(head, justify="left" if head in ("node", "code", "name") else "right")
    last = {r.node.question.key: r for r in rounds}
    for key, pooled in result.pooled.items():
        node, w = result.nodes[key], last[key].statistics.concordance
        for i, code in enumerate(node.question.items):
            first = i == 0
            table.add_row(
                key if first else "",
                code,
                escape(node.question.names[i].get(lang)),
                f"{pooled.weights[i]:.3f}",
                f"{pooled.low[i]:.3f}–{pooled.high[i]:.3f}" if len(node.experts) > 1 else "–",
                str(len(node.experts)) if first else "",
                str(int((~node.acceptable).sum())) if first else "",
                f"{w.w:.3f}" if first and w else "",
                f"{w.p:.2g}" if first and w else "",
            )
    console.print(table)
    if result.unjudged:
        console.print(f"judged by nobody, published weights: {', '.join(result.unjudged)}")
    met = [key for key, r in last.items() if r.verdict.stop]
    console.print(f"stopping rule met at {len(met)} of {len(last)} nodes")


def _show_seeds(scored: pd.DataFrame) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="seed questions (Cooke)", title_justify="left")
    for head in ("expert", "calibration", "information", "reaches cut-off", "weight"):
        table.add_column(head, justify="left" if head == "expert" else "right")
    for row in scored.itertuples(index=False):
        table.add_row(
            escape(row.expert),
            f"{row.calibration:.3g}",
            f"{row.information:.3f}",
            row.reaches_cutoff,
            f"{row.weight:.3f}",
        )
    Console(soft_wrap=True).print(table)


def _say(
    panel: Panel,
    result: PanelWeights,
    groups: Mapping[str, NodeGroups],
    direction: Direction,
    lang: str,
) -> None:
    """Print what the diagnostics found, as the report of an experiment says it."""
    from calib.experts.findings import direction_findings, group_findings, judgement_findings

    said = [
        *judgement_findings(result.nodes),
        *group_findings(groups),
        *direction_findings(result.experts, direction),
    ]
    for text in (*panel.notes, *(finding.text for finding in said)):
        click.echo(text.get(lang))


def _panel_sheets(
    panel: Panel, result: PanelWeights, rounds: list[NodeRound], direction: Direction, lang: str
) -> dict[str, pd.DataFrame]:
    from calib.experts import tables as t
    from calib.experts.delphi_tables import changes_table, delphi_report

    by_item, by_round = delphi_report(rounds, lang)
    experts = t.experts_table(panel, result, direction=direction)
    return {
        "Delphi": by_round,
        "Delphi indicators": by_item,
        "weights": t.weights_table(result),
        "experts": experts.dropna(axis=1, how="all"),
        "consistency": t.consistency_table(result.nodes),
        "sums": t.sums_table(result.nodes),
        "changes": changes_table(rounds),
    }


def _write_report(sheets: dict[str, pd.DataFrame], path: Path) -> None:
    from calib.errors import InputError
    from calib.tables import write_xlsx

    if path.suffix.lower() != ".xlsx":
        raise InputError(f"{path}: expected a path ending in .xlsx")
    write_xlsx({name: frame for name, frame in sheets.items() if len(frame.columns)}, path)
