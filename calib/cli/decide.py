"""``calib decide``: the page for the committee."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from calib.cli.options import FILE, framework_option, lang_option, out_option, seed_option
from calib.cli.timing import working

if TYPE_CHECKING:
    from calib.framework import Framework
    from calib.population import Ensemble, Population

__all__ = ["decide"]


@click.command()
@click.argument("current")
@click.argument("proposed")
@click.argument("population")
@framework_option()
@click.option("--rules", "rules_file", type=FILE,
              help="TOML file with thresholds of the rules of adoption.")  # fmt: skip
@click.option("--anonymous", is_flag=True, help="Leave out which enterprises change star.")
@seed_option()
@out_option("Write the page as .html or .docx.")
@lang_option("page")
def decide(
    current: str, proposed: str, population: str, framework: str, rules_file: Path | None,
    anonymous: bool, seed: int, out: Path | None, lang: str,
) -> None:  # fmt: skip
    """Recommend whether to adopt PROPOSED in place of CURRENT for a POPULATION.

    CURRENT and PROPOSED are weight files, or "published"; POPULATION is a file, or "trial": that
    one is shown with all the samples that agree as well with what was published. Weight files
    have no draws: in an experiment, [decision] has those of the sets that it makes.
    """
    from calib.framework import load_framework
    from calib.outcomes.decision import decide as judge
    from calib.report import print_table
    from calib.report.page import check_ending
    from calib.weights import read_weights
    from calib.words import message, say

    if out is not None:
        check_ending(out)
    fw = load_framework(framework)
    rules = {} if rules_file is None else _rules(rules_file)
    working(say("cli.doing_decide", lang))
    found = judge(
        read_weights(current, fw), read_weights(proposed, fw), _population(population, fw),
        rules=rules, rng=seed,
    )  # fmt: skip
    click.echo(found.headline().get(lang))
    print_table(found.table(), lang, fw.names)
    for text in found.changes:
        click.echo(f"· {text.get(lang)}")
    click.echo(say("outcomes.decision.page.caveats", lang))
    for text in found.caveats:
        click.echo(f"· {text.get(lang)}")
    if out is not None:
        working(say("cli.doing_write", lang, file=str(out)))
        found.write(out, lang=lang, anonymous=anonymous)
        click.echo(message("cli.wrote", file=str(out)).get(lang))


def _population(name: str, framework: Framework) -> Population | Ensemble:
    from calib.population import has_ensemble, load_ensemble, load_population

    if has_ensemble(name):
        return load_ensemble(name, framework)
    return load_population(name, framework)


def _rules(path: Path) -> dict[str, object]:
    """Return the thresholds stated in a file, checked under its name.

    They stand alone, in ``[rules]``, or as in an experiment in ``[decision.rules]``.
    """
    from calib._validation import parse_model
    from calib.files.inputs import read_toml
    from calib.outcomes.decision_rules import AdoptionRules

    document, where = read_toml(path), ""
    if isinstance(document.get("decision"), dict):
        document, where = document["decision"], "decision."
    inside = "rules" in document or where
    stated: dict[str, object] = document.get("rules", {}) if inside else document
    parse_model(AdoptionRules, stated, str(path), f"{where}rules" if inside else "")
    return stated
