"""``calib ballots``: weights from a survey, and the test of equal importance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calib.ballots import BallotsRequest
from calib.cli.options import (
    FILE,
    FOLDER,
    framework_option,
    lang_option,
    listed,
    option_of,
    seed_option,
)

if TYPE_CHECKING:
    from calib.ballots import Ballots, BallotsResult, Survey
    from calib.framework import Track
    from calib.report import Table

__all__ = ["ballots"]


@click.command()
@click.argument("file")
@framework_option()
@click.option("--track", help="Track of all ballots, when the file has no such column.")
@click.option("--choices", default=5, show_default=True, help="Ranks that were asked for.")
@click.option("--ranks", default="", help="Columns of the ranks, best first, by commas.")
@click.option("--set-aside", is_flag=True, help="Leave faulty ballots out, with an account.")
@option_of(BallotsRequest, "method")
@click.option("--levels", default="", help="Levels that come from the ballots, by commas, or all;"
              " by default the level that was ranked, the others as published.")  # fmt: skip
@option_of(BallotsRequest, "pooling")
@option_of(BallotsRequest, "margin")
@option_of(BallotsRequest, "alpha")
@lang_option()
@click.option("--segments", is_flag=True, help="Test whether segments differ.")
@click.option("--opinions", default=0, show_default=True,
              help="Look for up to this many groups of opinion.")  # fmt: skip
@click.option("--outliers", is_flag=True, help="List ballots that fit the others badly.")
@seed_option()
@click.option("-o", "--out", type=FILE, help="Write the ballots as .csv, .xlsx, .parquet, or"
              " for PrefLib as .soi, .toi, .toc, .soc.")  # fmt: skip
@click.option("--form", type=click.Choice(["wide", "long"]), default="wide", show_default=True)
@click.option("--weights", "weights_out", type=FILE, help="Write the weights.")
@click.option("--tables", "tables_out", type=FILE, help="Write all results as .xlsx.")
@click.option("--figures", "figures_out", type=FOLDER,
              help="Write the figures into this folder.")  # fmt: skip
def ballots(
    file: str,
    framework: str,
    track: str | None,
    choices: int,
    ranks: str,
    set_aside: bool,
    method: str,
    levels: str,
    pooling: str,
    margin: float,
    alpha: float,
    lang: str,
    segments: bool,
    opinions: int,
    outliers: bool,
    seed: int,
    out: Path | None,
    form: str,
    weights_out: Path | None,
    tables_out: Path | None,
    figures_out: Path | None,
) -> None:
    """Report on the ballots in FILE: worths, tests of equal importance, the verdict.

    FILE is a survey export (one column a rank, or the long form) as .csv or .xlsx, a PrefLib
    file, or the name of a shipped survey. An indicator that a ballot does not list was offered
    and is ranked below.
    """
    from calib.ballots import read_survey, weigh_ballots, write_survey
    from calib.framework import load_framework

    fw = load_framework(framework)
    survey = read_survey(
        file,
        fw,
        track=track,
        choices=choices,
        ranks=listed(ranks),
        faulty="set-aside" if set_aside else "error",
    )
    request = BallotsRequest.make(
        {
            "method": method,
            "levels": "all" if levels == "all" else listed(levels) or None,
            "pooling": pooling,
            "margin": margin,
            "alpha": alpha,
        }
    )
    _say_read(survey, lang)
    if out is not None:
        write_survey(
            survey.ballots, out, form="long" if form == "long" else "wide",
            synthetic=survey.synthetic,
        )  # fmt: skip
        _say("written", lang, path=out)
    found = weigh_ballots(survey, name="ballots", rng=seed, request=request)
    for note in found.notes:
        if note.warning and note.text != survey.read_report.sentence():
            click.echo(note.get(lang))
    for code, part in survey.ballots.items():
        _say_report(found, code, lang)
        if segments:
            _say_segments(part, lang, seed)
        if opinions > 1:
            _say_opinions(part, fw.tracks[code], lang, opinions, seed)
        if outliers:
            _say_outliers(part, lang, seed)
    _write_results(found, weights_out, tables_out, figures_out, lang)


def _write_results(
    found: BallotsResult, weights: Path | None, tables: Path | None, figures: Path | None, lang: str
) -> None:
    """Write what was asked for, and say so."""
    if weights is not None:
        from calib.weights import write_weights

        write_weights(found.weights.renamed(weights.stem), weights)
        _say("written", lang, path=weights)
    if tables is not None:
        _write_tables(found, tables, lang)
    if figures is not None:
        _write_figures(found, figures, lang)


def _say(key: str, lang: str, **values: Any) -> None:
    from calib.words import say

    click.echo(say(f"ballots.cli.{key}", lang, **values))


def _say_read(survey: Survey, lang: str) -> None:
    from calib.ballots import reason_name

    click.echo(survey.read_report.sentence().get(lang))
    for note in survey.read_report.notes:
        click.echo(note.get(lang))
    for one in survey.read_report.rejected[:50]:
        words = [one.where, reason_name(one.reason), one.value, one.detail]
        where, why, value, detail = (w if isinstance(w, str) else w.get(lang) for w in words)
        click.echo(f"  {where}: {why} {value} {detail}".rstrip())


def _say_report(found: BallotsResult, code: str, lang: str) -> None:
    from calib.ballots import estimate
    from calib.report import print_table
    from calib.words import message

    report = found.reports[code]
    click.echo("")
    print_table(_items(found, code), lang, found.names, rows=100)
    print_table(report.table("tests"), lang, found.names)
    errors = estimate(found.survey.ballots[code]).errors
    _say("errors", lang, errors=message(f"ballots.errors.{errors}"))
    for note in report.notes:
        click.echo(note.get(lang))


def _items(found: BallotsResult, code: str) -> Table:
    """Return the table of items as a terminal has room for: the measure that the verdict is on."""
    from calib.ballots import estimate
    from calib.report import Column, Role, Table
    from calib.words import message

    report, track = found.reports[code], found.weights.framework.tracks[code]
    part = found.survey.ballots[code]
    names = {node.code: node.name for node in track.nodes}
    frame = report.item_table().assign(se=estimate(part).se)
    for lang in ("zh", "en"):
        frame[f"name_{lang}"] = [names[c].get(lang) for c in frame["code"]]
    share = report.equivalence.measure == "share"
    own = (
        ["simultaneous_lower", "simultaneous_upper", "share_band"]
        if share
        else ["worth_simultaneous_lower", "worth_simultaneous_upper", "worth_band"]
    )
    columns = ["code", "name_zh", "name_en", "pick_share", "worth", "se", "residual", *own]
    title = message("ballots.cli.items", track=track.name, n=part.n)
    shown = frame.sort_values("worth", ascending=False)[columns]
    # Names stand in a column of their own, so that codes are not followed by them once more.
    return Table(f"items-{code}", shown, title, declared=(Column("code", Role.GROUP),))


def _say_segments(part: Ballots, lang: str, seed: int) -> None:
    from calib.ballots import segment_test
    from calib.words import message

    test = segment_test(part, rng=seed)
    p = test.p_permutation
    _say(
        "segments",
        lang,
        sizes=[f"{s} {n}" for s, n in zip(test.segments, test.sizes, strict=True)],
        statistic=test.statistic,
        df=test.df,
        p=test.p_chi2,
        how="" if p is None else message("ballots.cli.by_permutation", p=p),
    )


def _say_opinions(part: Ballots, track: Track, lang: str, largest: int, seed: int) -> None:
    import numpy as np

    from calib.ballots import choose_mixture

    choice = choose_mixture(part, largest, rng=seed)
    for fit in choice.fits:
        _say(
            "opinions",
            lang,
            groups=fit.share.size,
            loglik=fit.loglik,
            bic=fit.bic,
            icl=fit.icl,
            mark=" *" if fit is choice.best else "",
        )
        if not fit.converged:
            _say("not_converged", lang, steps=fit.iterations)
    names = {node.code: node.name for node in track.nodes}
    for share, worth in zip(choice.best.share, choice.best.worth, strict=True):
        top = [names[part.items[j]] for j in np.argsort(-worth)[:5]]
        _say("opinion", lang, share=share, listed=top)


def _say_outliers(part: Ballots, lang: str, seed: int) -> None:
    import numpy as np

    from calib.ballots import effective_table, fit_shrunk, outlying_ballots

    found = outlying_ballots(part, fit_shrunk(effective_table(part).table).theta, rng=seed)
    _say("outliers", lang, count=int(found.flagged().sum()))
    for row in np.argsort(found.p, kind="stable")[:5]:
        name = str(row + 1) if part.respondent is None else str(part.respondent[row])
        _say("outlier", lang, name=name, z=found.z[row], p=found.p_holm[row])


def _write_tables(found: BallotsResult, path: Path, lang: str) -> None:
    from calib.ballots import estimate_all, method_table
    from calib.errors import InputError
    from calib.tables import write_xlsx
    from calib.words import message

    if path.suffix.lower() != ".xlsx":
        raise InputError(message("ballots.cli.workbook", path=path))
    sheets = dict(found.frames)
    for code, part in found.survey.ballots.items():
        sheets[f"methods {code}"] = method_table(part, estimate_all(part), lang=lang)
    if found.survey.synthetic:
        sheets = {f"SYNTHETIC {name}"[:31]: frame for name, frame in sheets.items()}
    write_xlsx(sheets, path)
    _say("written", lang, path=path)


def _write_figures(found: BallotsResult, folder: Path, lang: str) -> None:
    from calib.figures.style import save_svg
    from calib.files.atomic import atomic_files

    with atomic_files(folder) as aside:
        written = [
            save_svg(drawing.draw(lang), aside / f"{drawing.name}.svg").name
            for drawing in found.drawings
        ]
    for name in written:
        _say("written", lang, path=folder / name)
