"""``calib dominance``, ``calib adjust`` and ``calib ledger``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calib.adjustment.adjust_request import AdjustRequest
from calib.cli.options import (
    FILE,
    framework_option,
    lang_option,
    option_of,
    out_option,
    seed_option,
)
from calib.outcomes.dominance.dominance_request import DominanceRequest

if TYPE_CHECKING:
    from calib.rating import Scored
    from calib.weights import WeightSet

__all__ = ["adjust", "dominance", "ledger"]

_LANG = lang_option()
_WEIGHTS = click.option("--weights", "weights_file", default="published", show_default=True,
                        help='A weight-set file, or "published".')  # fmt: skip
_FRAMEWORK = framework_option()
_RULE_OPTION = click.option("--rule-option", "rule_options", multiple=True, metavar="KEY=VALUE",
                        help="An option of the rating rule; may be repeated.")  # fmt: skip
_DRAWS, _DRAWN_BY_DEFAULT = 200, 2000
_ROWS = 100
_SEED = seed_option()


def _load(
    population: str, weights_file: str, framework: str, rule_options: tuple[str, ...], seed: int
) -> tuple[Scored, WeightSet]:
    """Return the enterprises under rule options, and the weights, that a command names."""
    from calib.errors import InputError
    from calib.framework import load_framework
    from calib.population import load_population
    from calib.rating import score_answers
    from calib.weights import read_weights
    from calib.words import message

    fw = load_framework(framework)
    chosen = {}
    for text in rule_options:
        key, sep, value = text.partition("=")
        if not sep:
            raise InputError(message("cli.rule_option_pair", text=repr(text)))
        chosen[key.replace("-", "_")] = value
    scored = score_answers(load_population(population, fw, rng=seed), fw.rule.read(chosen))
    return scored, read_weights(weights_file, fw)


class _Share(click.ParamType[float]):
    """A share between 0 and 1, as a number; a percent is refused with the share it may mean."""

    name = "share"

    def __init__(self, low: float = 0.0, high: float = 1.0, *, above: bool = True) -> None:
        self.low, self.high, self.above = low, high, above

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        from calib.words import say

        text = str(value).strip()
        percent = text.endswith("%")
        try:
            number = float(text.removesuffix("%"))
        except ValueError:
            self.fail(say("cli.share_number", text=repr(text)), param, ctx)
        under = number <= self.low if self.above else number < self.low
        if percent or not number <= self.high or under:
            meant = (percent or number >= 1) and self.low < number / 100 <= self.high
            hint = say("cli.share_meant", share=f"{number / 100:g}") if meant else ""
            key = "cli.share_above" if self.above else "cli.share_from"
            low, high = f"{self.low:g}", f"{self.high:g}"
            self.fail(say(key, text=text, low=low, high=high, hint=hint), param, ctx)
        return number


def _caps(values: tuple[str, ...]) -> float | dict[str, float] | None:
    from calib.errors import InputError
    from calib.words import message

    plain: float | None = None
    named: dict[str, float] = {}
    for text in values:
        name, sep, number = text.rpartition("=")
        try:
            value = _Share().convert(number, None, None)
        except click.BadParameter as exc:
            why = message("cli.cap_wrong", text=repr(text), why=exc.message)
            raise InputError(why) from None
        if (sep and name in named) or (not sep and plain is not None):
            raise InputError(message("cli.cap_twice", text=repr(text)))
        if sep:
            named[name] = value
        else:
            plain = value
    if plain is not None and named:
        raise InputError(message("cli.cap_both"))
    return named or plain


@click.command()
@click.argument("population")
@_WEIGHTS
@_FRAMEWORK
@option_of(DominanceRequest, "level")
@option_of(DominanceRequest, "cap", type=str, several=True,
           help="Declared cap: a share, or MEASURE=SHARE.")  # fmt: skip
@option_of(DominanceRequest, "cap_level")
@option_of(DominanceRequest, "draws", default=None,
           help="Bootstrap draws for intervals; 200 if not stated, none above 2,000 "
           "enterprises.")  # fmt: skip
@_RULE_OPTION
@_SEED
@_LANG
@out_option("Write all measures as .csv, .xlsx or .parquet.")
@click.option("--figure", type=FILE,
              help="Draw the comparison as .svg or .png (needs --level and --track).")  # fmt: skip
@click.option("--track", help="Show this track only (or pooled).")
def dominance(
    population: str, weights_file: str, framework: str, level: tuple[str, ...],
    cap: tuple[str, ...], cap_level: str | None, draws: int | None,
    rule_options: tuple[str, ...], seed: int, lang: str, out: Path | None,
    figure: Path | None, track: str | None,
) -> None:  # fmt: skip
    """Show which indicators really decide totals and stars of POPULATION: eight measures."""
    from calib.errors import InputError
    from calib.outcomes.dominance import dominance as measure
    from calib.report import Table, print_table
    from calib.words import message

    scored, weights = _load(population, weights_file, framework, rule_options, seed)
    if draws is None:
        draws = _DRAWS if len(scored) <= _DRAWN_BY_DEFAULT else 0
    request = DominanceRequest.make(
        {"level": level, "cap": _caps(cap), "cap_level": cap_level, "draws": draws}
    )
    found = measure(weights, scored, request=request, rng=seed)
    table = found.measures
    if track is not None:
        table = table[table["track"] == track]
        if table.empty:
            known = list(dict.fromkeys(found.measures["track"]))
            raise InputError(message("dominance.fault.no_track", track=track, known=known))
    if figure is not None and table[["track", "level"]].drop_duplicates().shape[0] != 1:
        raise InputError(message("dominance.fault.one_figure"))
    ends = ["main_effect_low", "main_effect_high"] if draws else []
    columns = ["track", "level", "code", "weight", "contribution",
               "variance_share", "shapley", "main_effect", *ends, "main_effect_adjusted",
               "item_rest", "star_changed", "leverage"]  # fmt: skip
    print_table(Table("dominance", table[columns], found.tables[0].title), lang, found.names, 150)
    if found.caps:
        print_table(found.table("dominance-flags"), lang, found.names)
    for note in found.notes:
        click.echo(note.get(lang))
    if scored.made_up is not None:
        click.echo(scored.made_up.get(lang))
    if out is not None:
        from calib.tables.write import write_table

        write_table(table, out)
        click.echo(message("adjustment.wrote", file=str(out)).get(lang))
    if figure is not None:
        from calib.figures import save
        from calib.figures.dominance import dominance_comparison

        held = found.caps if (table["level"] == found.cap_level).all() else {}
        save(dominance_comparison(table, lang=lang, caps=held,
                                  synthetic=found.synthetic), figure)  # fmt: skip
        click.echo(message("adjustment.wrote", file=str(figure)).get(lang))


def _adjust_options(command: Callable[..., None]) -> Callable[..., None]:
    options = [
        option_of(AdjustRequest, "cap", type=str, several=True,
                  help="Highest share: a number, or MEASURE=SHARE, as variance=0.1."),
        option_of(AdjustRequest, "level"),
        option_of(AdjustRequest, "on"),
        click.option("--low", type=_Share(above=False), help="Lowest local weight of what moves."),
        click.option("--high", type=_Share(), help="Highest local weight of what moves."),
        option_of(AdjustRequest, "floor", type=_Share(above=False)),
        option_of(AdjustRequest, "relative_floor", type=_Share(above=False)),
        option_of(AdjustRequest, "keep_order", flag="--keep-order/--free-order"),
        option_of(AdjustRequest, "problem"),
        option_of(AdjustRequest, "distance"),
        option_of(AdjustRequest, "grid", type=_Share(high=0.5)),
        option_of(AdjustRequest, "steps", flag="--step", type=_Share()),
        option_of(AdjustRequest, "draws"),
        click.option("--ensemble", help="Judge the adjustment on these samples too: trial."),
        click.option("--ledger", "ledger_file", type=FILE,
                     help="Write the ledger of the rounds."),
        click.option("-o", "--out", type=FILE,
                     help="Write the adjusted weight set."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.argument("population")
@_WEIGHTS
@_FRAMEWORK
@_adjust_options
@_RULE_OPTION
@_SEED
@_LANG
def adjust(
    population: str, weights_file: str, framework: str, cap: tuple[str, ...],
    level: tuple[str, ...], on: str | None, low: float | None, high: float | None,
    floor: float | None, relative_floor: float | None, keep_order: bool | None, problem: str,
    distance: Any, grid: float | None, steps: tuple[float, ...], draws: int | None,
    ensemble: str | None, ledger_file: Path | None, out: Path | None,
    rule_options: tuple[str, ...], seed: int, lang: str,
) -> None:  # fmt: skip
    """Find the nearest weights under which no indicator decides the result of POPULATION."""
    from calib.adjustment import adjust as adjusted
    from calib.adjustment import write_ledger
    from calib.errors import InputError
    from calib.population import load_ensemble, load_population
    from calib.report import print_table
    from calib.weights import write_weights
    from calib.words import message

    scored, weights = _load(population, weights_file, framework, rule_options, seed)
    bounds = None
    if low is not None or high is not None:
        bounds = (0.0 if low is None else low, 1.0 if high is None else high)
    request = AdjustRequest.make({
        "cap": _caps(cap), "level": level, "on": on, "bounds": bounds, "floor": floor,
        "relative_floor": relative_floor, "keep_order": keep_order, "problem": problem,
        "distance": distance, "grid": grid, "steps": steps, "draws": draws,
    })  # fmt: skip
    if ledger_file is not None and not steps:
        raise InputError(message("adjustment.fault.no_rounds"))
    enterprises: Any = scored
    if ensemble is not None:
        shown = load_population(population, scored.framework, rng=seed)
        enterprises = replace(load_ensemble(ensemble, scored.framework), example=shown)
    found = adjusted(weights, enterprises, request=request, rule_options=scored.rule_options,
                     rng=seed)  # fmt: skip
    click.echo(found.headline().get(lang))
    for note in found.notes:
        if note.warning:
            click.echo("! " + note.get(lang))
    for table in found.tables:
        if len(table.frame):
            print_table(table, lang, found.names, _ROWS)
    for note in found.notes:
        if not note.warning:
            click.echo(note.get(lang))
    if scored.made_up is not None:
        click.echo(scored.made_up.get(lang))
    if ledger_file is not None and found.ledger is not None:
        write_ledger(found.ledger, ledger_file)
        click.echo(message("adjustment.wrote_ledger", file=str(ledger_file),
                           seal=found.ledger.seal).get(lang))  # fmt: skip
    if out is not None:
        write_weights(found.weights, out)
        click.echo(message("adjustment.wrote", file=str(out)).get(lang))


@click.command()
@click.argument("file", type=FILE)
@click.option("--population", help="Replay the calibration on this population and compare.")
@click.option("--seal", help="The seal as noted when the ledger was written; its start is enough.")
@_FRAMEWORK
@_LANG
def ledger(file: Path, population: str | None, seal: str | None, framework: str, lang: str) -> None:
    """Check the chain and length of a calibration ledger FILE; with --population, replay it."""
    from calib.adjustment import read_ledger, replay_ledger
    from calib.errors import CalibError
    from calib.words import message, say

    book = read_ledger(file, seal=seal)
    head = book.entries[0]["content"]
    rounds, start, label = len(book.rounds), head["start"]["name"], head["population"]["label"]
    click.echo(
        say("ledger.unbroken", lang, n=rounds, start=start, label=label, entries=len(book.entries))
    )
    click.echo(say("ledger.seal", lang, seal=book.seal))
    if population is None:
        return
    rule_options = tuple(f"{k}={v}" for k, v in head["rule_options"].items())
    scored, _ = _load(population, "published", framework, rule_options, 0)
    found = replay_ledger(book, scored)
    if not found.same:
        lines = [f"  {where}: {a!r} → {b!r}" for where, a, b in found.differences[:20]]
        more = len(found.differences) - len(lines)
        lines += [f"  … {more}"] if more else []
        raise CalibError(message("ledger.differs", file=str(file), lines="\n".join(lines)))
    click.echo(say("ledger.agrees", lang, n=found.rounds))
