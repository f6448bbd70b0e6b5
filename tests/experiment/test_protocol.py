"""A protocol is locked before the data; a run says what deviates from it."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from calib.cli import cli
from calib.errors import InputError
from calib.experiment import (
    find_outcome,
    find_source,
    load_experiment,
    lock_protocol,
    protocol_path,
    read_protocol,
    run_experiment,
    write_run,
)
from calib.experiment.registry import OUTCOMES, SOURCES
from calib.population import PopulationSpec
from calib.words import template

TEXT = """
schema = "calib.experiment/1"
name = "round"
framework = "aii"
[population]
{population}
[sets.published]
source = "published"
[sets.more]
source = "override"
weights = {{ DA = 0.40 }}
[sets.mixed]
source = "blend"
shares = {{ published = 0.7, more = 0.3 }}
[decision]
proposed = "mixed"
driver_size = 0
[decision.rules]
stars_moved = {moved}
allow_reversed = [""]
"""
GENERATED = "generate = { n = 30, seed = 3 }"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "round.toml"
    path.write_text(TEXT.format(moved=0.2, population=GENERATED), "utf-8")
    return path


def change(file, old, new):
    file.write_text(file.read_text("utf-8").replace(old, new), "utf-8")


def test_nothing_deviates_from_a_protocol_that_was_just_locked(file):
    path = lock_protocol(load_experiment(file))
    assert path.name == "round.protocol.json"
    locked = read_protocol(path)
    assert locked.intact
    assert locked.deviations(load_experiment(file)) == []
    assert locked.declared["sets.mixed.shares.published"] == 0.7
    assert locked.declared["decision.rules.sure_p"] == 0.8  # a default is declared too
    assert locked.present == {}


def test_every_deviation_stands_first_in_the_report_and_in_the_manifest(file, tmp_path):
    lock_protocol(load_experiment(file))
    change(file, "stars_moved = 0.2", "stars_moved = 0.5")
    change(file, "published = 0.7, more = 0.3", "published = 0.5, more = 0.5")
    folder = write_run(run_experiment(load_experiment(file), seed=9), tmp_path / "runs", lang="en")
    kept = json.loads((folder / "manifest.json").read_text("utf-8"))["protocol"]
    assert {d["key"]: (d["locked"], d["now"]) for d in kept["deviations"]} == {
        "decision.rules.stars_moved": (0.2, 0.5), "seed": (0, 9),
        "sets.mixed.shares.published": (0.7, 0.5), "sets.mixed.shares.more": (0.3, 0.5),
    }  # fmt: skip
    report = (folder / "report.html").read_text("utf-8")
    body = report[report.index("</header>") :]
    assert body.index("4 deviations from it") < body.index("Recommendation")
    assert ("Decision · rules of adoption · largest share of stars that may change "
            "(decision.rules.stars_moved): locked 0.2, now 0.5") in report  # fmt: skip
    page = report[report.index('class="calib-page') :]
    assert "4 deviations from it" in page  # the page says when its rules were set


def test_a_protocol_that_is_kept_is_named_on_the_page(file):
    lock_protocol(load_experiment(file))
    run = run_experiment(load_experiment(file))
    assert "nothing deviates" in run.outcomes["decision"].protocol.get("en")
    assert "没有偏离" in run.outcomes["decision"].protocol.get("zh")


def test_a_protocol_that_was_changed_afterwards_is_found_out(file):
    path = lock_protocol(load_experiment(file))
    path.write_text(path.read_text("utf-8").replace('stars_moved": 0.2', 'stars_moved": 0.5'))
    locked = read_protocol(path)
    assert not locked.intact
    assert "changed after it was locked" in locked.sentence([]).get("en")


def test_data_that_were_there_already_are_named(file, tmp_path):
    import calib

    framework = calib.load_framework("aii")
    calib.generate_population(framework, 10, rng=1).frame().to_csv(tmp_path / "t.csv", index=False)
    change(file, GENERATED, 'file = "t.csv"')
    locked = read_protocol(lock_protocol(load_experiment(file)))
    assert list(locked.present) == ["t.csv"]
    assert "were there already: t.csv" in locked.sentence([]).get("en")


def test_a_protocol_is_not_replaced(file):
    lock_protocol(load_experiment(file))
    with pytest.raises(InputError, match="locked already"):
        lock_protocol(load_experiment(file))


def test_the_command_checks_and_fails_on_deviations(file):
    run = CliRunner()
    done = run.invoke(cli, ["protocol", "lock", str(file)])
    assert done.exit_code == 0
    assert read_protocol(protocol_path(load_experiment(file))).hash in done.output
    assert run.invoke(cli, ["protocol", "check", str(file)]).exit_code == 0
    change(file, 'allow_reversed = [""]', "")
    found = run.invoke(cli, ["protocol", "check", str(file), "--lang", "zh"])
    assert found.exit_code == 1
    assert "decision.rules.allow_reversed" in found.output


def test_every_deviation_is_named_in_the_reader_s_words_and_by_its_key(file):
    lock_protocol(load_experiment(file))
    for old, new in [
        ("{ DA = 0.40 }", '{ DA = 0.45 }\nlabel = { zh = "更多分析", en = "more analytics" }'),
        ('allow_reversed = [""]', 'allow_reversed = ["IN", "DA"]\nconsensus = false'),
        ("[population]", '[rule_options]\ngate_value = "example"\n[population]'),
        ("n = 30", "n = 31"),
        ("[decision]\n", '[sets.added]\nsource = "equal"\n[outcomes.stability]\n[decision]\n'),
    ]:
        change(file, old, new)
    done = CliRunner().invoke(cli, ["protocol", "check", str(file), "--lang", "en"])
    assert done.output.split("\n· ")[1:] == [
        "Which gates: the table's or the worked example's? (rule_options.gate_value): "
        "locked the table's, now the worked example's",
        "enterprises · generated enterprises · number (population.generate.n): locked 30, now 31",
        "weight set “more analytics” · weights set by hand · DA (sets.more.weights.DA): "
        "locked 0.4, now 0.45",
        "Decision · rules of adoption · nodes under which order may change "
        '(decision.rules.allow_reversed): locked "", now IN, DA',
        "Decision · rules of adoption · least Kendall's W among experts "
        "(decision.rules.consensus): locked 0.5, now no",
        "weight set “added” (sets.added): was not there, now has 1 option",
        "analysis “Stability: how far the weights are from changing a star” (outcomes.stability): "
        "was not there, now has 3 options\n",
    ]
    said = CliRunner().invoke(cli, ["protocol", "check", str(file), "--lang", "zh"]).output
    assert (
        "权重集“更多分析” · 直接指定的权重 · DA（sets.more.weights.DA）：锁定为 0.4，现为 0.45"
        in said
    )
    assert "锁定为 按门槛表，现为 按文中示例" in said


def test_every_option_of_every_source_and_analysis_has_words():
    models = [find_source(n).params for n in SOURCES] + [find_outcome(n).params for n in OUTCOMES]
    keys = set().union(*(options_of(m) for m in [*models, PopulationSpec]))
    assert len(keys) > 100
    unsaid = {"zh", "en", "schema_"}  # words themselves, and the kind of a file
    assert {k for k in keys if template(f"option_names.{k}", "zh") is None} <= unsaid


def options_of(model):
    """Return the names of a model's fields, and of those of the models inside."""
    inside = [m for f in model.model_fields.values() for m in models_in(f.annotation)]
    return set(model.model_fields).union(*(options_of(m) for m in inside))


def models_in(annotation):
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for part in get_args(annotation) for m in models_in(part)]
