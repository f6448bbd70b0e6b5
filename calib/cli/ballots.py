"""``calib ballots``: worths from a survey, and the test of equal importance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from calib.ballots import Ballots, EqualityReport, Survey
    from calib.framework import Framework, Track

__all__ = ["ballots"]

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("file")
@click.option("--framework", default="aii", show_default=True)
@click.option("--track", help="Track of all ballots, when the file has no such column.")
@click.option("--choices", default=5, show_default=True, help="Ranks that were asked for.")
@click.option("--ranks", default="", help="Columns of the ranks, best first, by commas.")
@click.option("--set-aside", is_flag=True, help="Leave faulty ballots out, with an account.")
@click.option("--margin", default=1.25, show_default=True,
              help="Equivalence margin: a ratio, 1.25 for a quarter more.")  # fmt: skip
@click.option("--alpha", default=0.05, show_default=True, help="Level of the tests, 0.05 for 5%.")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@click.option("--segments", is_flag=True, help="Test whether segments differ.")
@click.option("--opinions", default=0, show_default=True,
              help="Look for up to this many groups of opinion.")  # fmt: skip
@click.option("--outliers", is_flag=True, help="List ballots that fit the others badly.")
@click.option("--seed", default=0, show_default=True, help="Seed of everything simulated.")
@click.option("-o", "--out", type=_FILE, help="Write the ballots as .csv, .xlsx, .parquet, or"
              " for PrefLib as .soi, .toi, .toc, .soc.")  # fmt: skip
@click.option("--form", type=click.Choice(["wide", "long"]), default="wide", show_default=True)
@click.option("--weights", "weights_out", type=_FILE, help="Write the weights up the tree.")
@click.option("--tables", "tables_out", type=_FILE, help="Write all results as .xlsx.")
@click.option("--figures", "figures_out", type=click.Path(path_type=Path, file_okay=False),
              help="Write the figures into this folder.")  # fmt: skip
def ballots(
    file: str,
    framework: str,
    track: str | None,
    choices: int,
    ranks: str,
    set_aside: bool,
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

    FILE is a survey export (one column a rank, or the long form) as .csv or .xlsx, or a PrefLib
    file. An indicator that a ballot does not list was offered and is ranked below.
    """
    from calib.ballots import read_survey, write_survey
    from calib.framework import load_framework

    fw = load_framework(framework)
    survey = read_survey(
        file,
        fw,
        track=track,
        choices=choices,
        ranks=tuple(c.strip() for c in ranks.split(",") if c.strip()),
        faulty="set-aside" if set_aside else "error",
    )
    _say_intake(survey, lang)
    if out is not None:
        write_survey(
            survey.ballots, out, form="long" if form == "long" else "wide",
            synthetic=survey.synthetic,
        )  # fmt: skip
        click.echo(f"-> {out}")
    reports = {}
    for code, part in survey.ballots.items():
        reports[code] = _report(part, fw.tracks[code], lang, margin, alpha, seed)
        if segments:
            _say_segments(part, lang, seed)
        if opinions > 1:
            _say_opinions(part, fw.tracks[code], lang, opinions, seed)
        if outliers:
            _say_outliers(part, lang, seed)
    if weights_out is not None:
        _write_weights(survey, fw, weights_out)
    if tables_out is not None:
        _write_tables(survey, reports, tables_out)
    if figures_out is not None:
        _write_figures(survey, fw, reports, figures_out, lang)


def _say_intake(survey: Survey, lang: str) -> None:
    if survey.synthetic:
        click.echo("合成数据，不是真实调查。" if lang == "zh" else "SYNTHETIC ballots, no survey.")
    click.echo(survey.intake.sentence(lang))
    for note in survey.intake.notes:
        click.echo(note)
    for one in survey.intake.set_aside[:50]:
        click.echo(f"  {one.where}: {one.reason} {one.value} {one.detail}".rstrip())


def _names(track: Track, lang: str) -> dict[str, str]:
    return {node.code: node.name.get(lang) for node in track.nodes}


def _report(
    part: Ballots, track: Track, lang: str, margin: float, alpha: float, seed: int
) -> EqualityReport:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from calib.ballots import (
        ERRORS,
        equality_report,
        equality_sentences,
        estimate,
        leaf_groups,
        maximum_note,
    )

    groups, group_names = leaf_groups(track)
    report = equality_report(
        part, margin=margin, alpha=alpha, groups=groups, group_names=group_names, rng=seed
    )
    names = _names(track, lang)
    console = Console(soft_wrap=True)
    click.echo("")
    zh = lang == "zh"
    fitted = estimate(part)
    table = Table(title=escape(f"{track.name.get(lang)} · {part.n}"), title_justify="left")
    share = report.equivalence.measure == "share"
    level = f"{report.shares.level:.0%}"
    of = (
        ("入选率" if share else "不收缩重要性")
        if zh
        else ("share" if share else "unshrunken worth")
    )
    interval = f"{of}\n{level}联合区间" if zh else f"{level} simultaneous\ninterval of {of}"
    heads = ("编码", "指标", "入选率", "重要性", "标准误", "残差", interval, "界限") if zh else (
        "code", "indicator", "share", "worth", "se", "residual", interval, "band")  # fmt: skip
    for place, head in enumerate(heads):
        left = place < 2 or place == 7
        table.add_column(head, justify="left" if left else "right", no_wrap=place != 1)
    words = {"inside": "内", "open": "跨", "outside": "外"}
    rows = report.item_table().assign(se=fitted.se).sort_values("worth", ascending=False)
    for row in rows.itertuples():
        residual = "–" if row.residual != row.residual else f"{row.residual:+.2f}"
        if share:
            interval = f"{row.simultaneous_lower:.1%}–{row.simultaneous_upper:.1%}"
        else:
            interval = f"{row.worth_simultaneous_lower:.4f}–{row.worth_simultaneous_upper:.4f}"
        band = str(row.share_band if share else row.worth_band)
        table.add_row(
            str(row.code), escape(names[str(row.code)]), f"{row.pick_share:.1%}",
            f"{row.worth:.4f}", f"{row.se:.4f}", residual, interval, words[band] if zh else band,
        )  # fmt: skip
    console.print(table)
    click.echo(f"{'标准误' if zh else 'standard errors'}: {ERRORS[fitted.errors].get(lang)}")
    missing = maximum_note(part, names)
    if missing is not None:
        click.echo(missing.get(lang))
    for test in report.tests.all:
        simulated = ""
        if test.p_monte_carlo is not None:
            simulated = f", p (Monte Carlo) = {test.p_monte_carlo:.4g}"
        click.echo(
            f"{test.name}: {test.statistic:.2f}, df {test.df}, p = {test.p_chi2:.4g}{simulated}"
        )
    for sentence in equality_sentences(report, lang, names):
        click.echo(sentence)
    return report


def _say_segments(part: Ballots, lang: str, seed: int) -> None:
    from calib.ballots import segment_test

    test = segment_test(part, rng=seed)
    head = "分组差异检验" if lang == "zh" else "segments differ?"
    how = "" if test.p_permutation is None else f", p (permutation) = {test.p_permutation:.3g}"
    sizes = ", ".join(f"{s} {n}" for s, n in zip(test.segments, test.sizes, strict=True))
    click.echo(f"{head} {sizes}: {test.statistic:.1f}, df {test.df}, p = {test.p_chi2:.3g}{how}")


def _say_opinions(part: Ballots, track: Track, lang: str, largest: int, seed: int) -> None:
    import numpy as np

    from calib.ballots import choose_mixture

    choice = choose_mixture(part, largest, rng=seed)
    head = ("意见群", "对数似然") if lang == "zh" else ("groups", "log-likelihood")
    for fit in choice.fits:
        mark = " *" if fit is choice.best else ""
        click.echo(
            f"{head[0]} {fit.share.size}: {head[1]} {fit.loglik:.1f}, BIC {fit.bic:.1f},"
            f" ICL {fit.icl:.1f}{mark}"
        )
        if not fit.converged:
            click.echo(
                f"  {fit.iterations} 步后未收敛，到此为止：似然平坦，这通常说明没有分明的意见群。"
                if lang == "zh"
                else f"  stopped after {fit.iterations} steps without converging: a likelihood this"
                " flat usually means that there are no distinct groups."
            )
    names = _names(track, lang)
    for share, worth in zip(choice.best.share, choice.best.worth, strict=True):
        top = [names[part.items[j]] for j in np.argsort(-worth)[:5]]
        click.echo(f"  {share:.0%}: {', '.join(top)}")


def _say_outliers(part: Ballots, lang: str, seed: int) -> None:
    import numpy as np

    from calib.ballots import effective_table, fit_shrunk, outlying_ballots

    found = outlying_ballots(part, fit_shrunk(effective_table(part).table).theta, rng=seed)
    flagged = np.flatnonzero(found.flagged())
    head = "离群选票" if lang == "zh" else "outlying ballots"
    click.echo(f"{head}: {flagged.size}")
    for row in np.argsort(found.p, kind="stable")[:5]:
        name = str(row + 1) if part.respondent is None else str(part.respondent[row])
        click.echo(f"  {name}: z = {found.z[row]:.2f}, p (Holm) = {found.p_holm[row]:.3g}")


def _write_weights(survey: Survey, fw: Framework, path: Path) -> None:
    from calib.ballots import align_leaves, fit_shrunk, pool_tracks
    from calib.ballots.robust import effective_table
    from calib.weights import WeightSet, write_weights

    worths = {
        code: align_leaves(
            fw.tracks[code], part.items, fit_shrunk(effective_table(part).table).worth
        )
        for code, part in survey.ballots.items()
    }
    tree = pool_tracks(fw, worths, {}, {c: float(b.n) for c, b in survey.ballots.items()})
    detail = "shrinkage on ballots" + ("; SYNTHETIC ballots" if survey.synthetic else "")
    made = WeightSet.build(fw, path.stem, tree.local, source="ballots", detail=detail)
    write_weights(made, path)
    click.echo(f"-> {path}")


def _write_tables(survey: Survey, reports: dict[str, EqualityReport], path: Path) -> None:
    from calib.ballots import comparison_table, estimate_all, method_table
    from calib.errors import InputError
    from calib.tables import write_xlsx

    if path.suffix.lower() != ".xlsx":
        raise InputError(f"{path}: the tables go into one workbook; expected a path in .xlsx")
    sheets = {}
    for code, report in reports.items():
        sheets[f"{code} items"] = report.item_table()
        sheets[f"{code} tests"] = report.test_table()
        sheets[f"{code} effects"] = report.effect_table()
        sheets[f"{code} groups"] = report.group_table()
        estimates = estimate_all(survey.ballots[code])
        sheets[f"{code} estimators"] = comparison_table(estimates)
        sheets[f"{code} methods"] = method_table(survey.ballots[code], estimates)
    sheets["set aside"] = survey.intake.table()
    if survey.synthetic:
        sheets = {f"SYNTHETIC {name}"[:31]: frame for name, frame in sheets.items()}
    write_xlsx(sheets, path)
    click.echo(f"-> {path}")


def _write_figures(
    survey: Survey, fw: Framework, reports: dict[str, EqualityReport], folder: Path, lang: str
) -> None:
    from calib._atomic import atomic_files
    from calib.ballots import estimate
    from calib.figures.ballots import (
        SIMULTANEOUS,
        pick_shares_with_band,
        worths_with_intervals,
    )
    from calib.figures.style import save_svg

    mark = "" if not survey.synthetic else ("（合成数据）" if lang == "zh" else " (synthetic)")
    written = []
    with atomic_files(folder) as aside:
        for code, report in reports.items():
            names = _names(fw.tracks[code], lang)
            title = f"{fw.tracks[code].name.get(lang)}{mark}"
            level = report.shares.level
            fitted = estimate(survey.ballots[code], level=level).table()
            worths = fitted.rename(columns={"worth": "estimate"})
            worths.index = [names[c] for c in worths["code"]]
            figure = worths_with_intervals(worths, language=lang, title=title, level=level)
            written.append(save_svg(figure, aside / f"worths-{code}.svg").name)
            if report.by_share is not None:
                items = report.item_table().rename(columns=SIMULTANEOUS)
                items.index = [names[c] for c in items["code"]]
                figure = pick_shares_with_band(
                    items, expected=report.shares.expected, band=report.by_share.band,
                    language=lang, title=title, level=level,
                )  # fmt: skip
                written.append(save_svg(figure, aside / f"shares-{code}.svg").name)
    for name in written:
        click.echo(f"-> {folder / name}")
