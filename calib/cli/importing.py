"""``calib import``: an export of a survey platform, looked through once and then used as it is."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from calib.cli.options import FILE, framework_option, lang_option, out_option
from calib.cli.timing import working

if TYPE_CHECKING:
    from calib.framework import Framework
    from calib.imports import Mapping, Proposal, Question
    from calib.imports.mapping import Kind

__all__ = ["import_file"]


@click.command("import")
@click.argument("file")
@click.option("--as", "kind", type=click.Choice(["answers", "ballots", "weights"]),
              help="What the file holds; told from the file if not given.")  # fmt: skip
@framework_option()
@click.option("--mapping", type=FILE,
              help="Mapping file; FILE's name with .mapping.toml if not given.")  # fmt: skip
@click.option("--choose", multiple=True, metavar="QUESTION=ANSWER",
              help="Answer a question about the whole file: numbers=scores …")  # fmt: skip
@click.option("--yes", is_flag=True, help="Accept what is likely without being asked.")
@click.option("--sheet", help="Read this sheet only.")
@click.option("--missing", type=click.Choice(["leave-out", "renormalise", "worst", "best", "impute",
                                              "zero"]),
              help="What is done about unanswered items when stars are shown.")  # fmt: skip
@out_option("Write what was read as a table (weights also as .toml).")
@lang_option("questions")
def import_file(
    file: str, kind: Kind | None, framework: str, mapping: Path | None, choose: tuple[str, ...],
    yes: bool, sheet: str | None, missing: str | None, out: Path | None, lang: str,
) -> None:  # fmt: skip
    """Import FILE, the export of a survey platform: answers, ballots or weights.

    Shows what each column is taken as, how sure that is and why, and what is set aside. In a
    terminal it asks what the file does not say; elsewhere it writes the questions into the
    mapping file, to be answered there. The mapping is used again for every file of the same layout.
    """
    from calib.framework import load_framework
    from calib.imports import prepare
    from calib.words import say

    working(say("cli.doing_read", lang, file=file))
    fw = load_framework(framework)
    chosen = dict(_pair(text) for text in choose)
    given = mapping if mapping is not None and mapping.is_file() else None
    known = {k: v for k, v in chosen.items() if k != "sums"}
    proposal = prepare(file, fw, kind=kind, mapping=given, choices=known or None, sheet=sheet)
    target = mapping or Path(proposal.stored or Path(file).with_suffix(".mapping.toml"))
    if not proposal.stored or not proposal.mapping.ready:
        _show(proposal, fw, lang)
        settled = _settled(proposal, target, yes=yes, lang=lang)
    else:
        _say("reused", lang, file=str(target))
        settled = proposal.mapping
    _use(proposal, settled, fw, out, missing, chosen.get("sums", ""), lang)


def _say(key: str, lang: str, **values: object) -> None:
    from calib.words import say

    click.echo(say(f"imports.{key}", lang, **values))


def _pair(text: str) -> tuple[str, str]:
    from calib.errors import InputError
    from calib.words import message

    key, sign, value = text.partition("=")
    if not sign:
        raise InputError(message("imports.no_pair", text=text))
    return key.strip(), value.strip()


def _show(proposal: Proposal, framework: Framework, lang: str) -> None:
    from calib.report import print_table

    click.echo(proposal.headline().get(lang))
    print_table(proposal.table(framework), lang, framework.names, rows=1000)
    for line in proposal.ladder_lines():
        click.echo(line.get(lang))
    doubtful = proposal.doubtful_lines(framework)
    if doubtful:
        _say("to_look_at", lang, n=len(doubtful))
        for line in doubtful:
            click.echo(f"  {line.get(lang)}")


def _settled(proposal: Proposal, target: Path, *, yes: bool, lang: str) -> Mapping:
    """Return the mapping with every question answered; without a terminal, leave it to the file."""
    from calib.errors import InputError
    from calib.files.inputs import release_input
    from calib.imports import require_ready
    from calib.words import message

    mapping = proposal.mapping
    asking = sys.stdin.isatty() and sys.stdout.isatty()
    for question in proposal.questions:
        click.echo(question.get(lang))
        if asking:
            mapping = mapping.answered(question.key, _answer(question, proposal, lang))
    ready = not mapping.open_points()
    if ready and mapping.doubtful_points() and not mapping.confirmed and asking and not yes:
        from calib.words import say

        yes = click.confirm(say("imports.accept", lang), default=False)
    confirmed = ready and (yes or not mapping.doubtful_points())
    mapping = mapping.model_copy(update={"confirmed": confirmed or mapping.confirmed})
    release_input(target)
    mapping.write(target, proposal.comments(lang))
    _say("saved", lang, file=str(target))
    if not ready or not mapping.ready:
        _say("to_edit" if not ready else "not_accepted", lang, file=str(target))
        if not ready:
            open_points = mapping.open_points()
            raise InputError(message("imports.still_open", n=len(open_points), what=open_points))
        require_ready(proposal)
    return mapping


def _answer(question: Question, proposal: Proposal, lang: str) -> str:
    """Ask one question in the terminal; an order of options is given by their numbers."""
    from calib.words import say

    if question.answers:
        listed = list(question.answers)
        for i, key in enumerate(listed, 1):
            click.echo(f"  {i}. {question.answers[key].get(lang)} ({key})")
        number = click.prompt(say("imports.choose", lang), type=click.IntRange(1, len(listed)))
        return listed[int(number) - 1]
    texts = proposal.mapping.open_texts(question.key)
    for i, text in enumerate(texts, 1):
        click.echo(f"  {i}. {text}")
    while True:
        numbers = str(click.prompt(say("imports.choose_order", lang))).split()
        if sorted(numbers) == sorted(str(i) for i in range(1, len(texts) + 1)):
            return "\n".join(texts[int(n) - 1] for n in numbers)


def _use(
    proposal: Proposal, mapping: Mapping, framework: Framework, out: Path | None,
    missing: str | None, sums: str, lang: str,
) -> None:  # fmt: skip
    """Read the file by its mapping, say what came of it, and write it."""
    from calib.imports import Proposal as Made

    made = Made(proposal.export, mapping, (), proposal.stored)
    if mapping.kind == "answers":
        _use_answers(made, framework, out, missing, lang)
    elif mapping.kind == "ballots":
        _use_ballots(made, framework, out, lang)
    else:
        _use_weights(made, framework, out, sums, lang)


def _use_answers(
    made: Proposal, framework: Framework, out: Path | None, missing: str | None, lang: str
) -> None:
    import numpy as np

    from calib.population import mapped_population
    from calib.tables import write_table
    from calib.words import joined

    population = mapped_population(made, framework)
    sizes = joined(f"{s.track.name.get(lang)} {len(s)}" for s in population.samples.values())
    _say("read_answers", lang, n=len(population), sizes=sizes)
    for note in population.notes:
        click.echo(note.get(lang))
    if out is not None:
        write_table(population.frame(), out)
        click.echo(str(out))
    unanswered = sum(int(np.isnan(s.values).sum()) for s in population.samples.values())
    if unanswered and missing is None:
        _say("unanswered", lang, n=unanswered)
    else:
        _show_stars(population, framework, {"missing": missing} if missing else None, lang)
    _say("next_step", lang, file=json.dumps(Path(made.export.file).name, ensure_ascii=False))


def _show_stars(
    population: object, framework: Framework, options: dict[str, str] | None, lang: str
) -> None:
    from calib.population import Population
    from calib.rating import rate
    from calib.report import Table, print_table
    from calib.weights import published_weights
    from calib.words import message

    assert isinstance(population, Population)
    rating = rate(published_weights(framework), population, rule_options=options)
    import pandas as pd

    counts = {f"star_{k}": int(c) for k, c in enumerate(rating.counts(), framework.rule.first)}
    lost = {"downgraded_count": rating.downgrades} if framework.rule.holds_back else {}
    frame = pd.DataFrame([{**counts, **lost}])
    print_table(Table("stars", frame, message("imports.stars"), 1), lang, framework.names)


def _use_ballots(made: Proposal, framework: Framework, out: Path | None, lang: str) -> None:
    from calib.ballots import mapped_survey, write_survey

    survey = mapped_survey(made, framework)
    _say("read_ballots", lang, n=survey.read_report.used)
    for note in survey.read_report.notes:
        click.echo(note.get(lang))
    if out is not None:
        write_survey(survey.ballots, out, form="wide", synthetic=survey.synthetic)
        click.echo(str(out))


def _use_weights(
    made: Proposal, framework: Framework, out: Path | None, sums: str, lang: str
) -> None:
    from calib.report import Table, print_table
    from calib.weights import mapped_weights, write_weights
    from calib.words import Name

    weights = mapped_weights(made, framework, normalise=sums == "normalise")
    frame = weights.frame()[["track", "code", "local_weight", "global_weight"]]
    title = Name(weights.name, weights.name)
    print_table(Table("weights", frame, title, len(frame)), lang, framework.names, rows=200)
    if out is not None:
        write_weights(weights, out)
        click.echo(str(out))
