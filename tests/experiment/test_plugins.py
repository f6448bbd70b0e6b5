"""What the documentation says of extending calib, done from outside of it."""

from __future__ import annotations

import importlib
import json
import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from calib.cli import cli
from calib.errors import CalibError, InputError
from calib.experiment import load_experiment, run_experiment, write_run
from calib.framework import load_framework

DOCS = Path(__file__).resolve().parents[2] / "docs"
EXPERIMENT = """
schema = "calib.experiment/1"
name = "own"
framework = "aii"
[population]
file = "trial.toml"
[sets.published]
source = "published"
[sets.sizes]
source = "by-size"
power = 0.5
[outcomes.close-calls]
points = 3.0
"""


def block(page, kind):
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"```{kind}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)[0]


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """A package that is installed beside calib: modules, and its entry points."""
    place = tmp_path / "site-packages"
    info = place / "outside-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1\n")
    (place / "by_size.py").write_text(block("add-source.md", "python"), encoding="utf-8")
    (place / "close_calls.py").write_text(block("add-outcome.md", "python"), encoding="utf-8")
    points = block("add-source.md", "toml") + block("add-outcome.md", "toml")
    points = points.replace('[project.entry-points."', "[").replace('"]', "]").replace('"', "")
    (info / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(place)
    importlib.invalidate_caches()
    yield place
    for name in ("by_size", "close_calls"):
        sys.modules.pop(name, None)


@pytest.fixture
def experiment(outside, tmp_path):
    from calib.files import shipped_data

    for name in ("trial.toml", "trial.csv"):
        (tmp_path / name).write_bytes((shipped_data() / "trial" / name).read_bytes())
    file = tmp_path / "own.toml"
    file.write_text(EXPERIMENT, encoding="utf-8")
    return file


def call(*arguments):
    return CliRunner().invoke(cli, [str(a) for a in arguments])


def test_a_plugin_is_called_in_python_like_a_verb_of_calib(outside):
    import inspect

    module = importlib.import_module("by_size")
    framework = load_framework("aii")
    made = module.weigh_by_size(framework, power=2.0)
    assert made.weights["IC"] != module.weigh_by_size(framework).weights["IC"]
    assert "power" in inspect.signature(module.weigh_by_size).parameters
    assert "of the number of indicators" in module.weigh_by_size.__doc__
    with pytest.raises(InputError, match="strength"):
        module.weigh_by_size(framework, strength=2.0)
    assert len(repr(made)) < 200


def test_a_plugin_is_checked_with_the_experiment_that_names_it(experiment):
    assert call("check", experiment).exit_code == 0
    wrong = experiment.with_name("wrong.toml")
    wrong.write_text(EXPERIMENT.replace("power = 0.5", "pover = 0.5"), encoding="utf-8")
    answer = call("check", wrong)
    assert isinstance(answer.exception, InputError)
    assert "power" in str(answer.exception)
    wrong.write_text(EXPERIMENT.replace("points = 3.0", "points = -1.0"), encoding="utf-8")
    assert "greater than 0" in str(call("check", wrong).exception)


def test_a_plugin_has_headings_in_the_language_of_the_report(experiment, tmp_path):
    run = run_experiment(load_experiment(experiment))
    table = run.frame("close-calls")
    assert len(table)
    assert table["close"].sum() == len(run.frame("close-enterprises"))
    pages = {
        lang: (write_run(run, tmp_path / lang, lang=lang) / "report.html").read_text("utf-8")
        for lang in ("zh", "en")
    }
    for word in ("接近升星", "还差", "所含指标数", "总分不足", "差距按总分计。"):
        assert word in pages["zh"]
        assert word not in pages["en"]
    for word in ("Close calls", "points missing", "indicators under it", "total too low"):
        assert word in pages["en"]
        assert word not in pages["zh"]


def test_the_columns_of_a_plugin_are_in_the_dictionary_of_the_run(experiment, tmp_path):
    folder = write_run(run_experiment(load_experiment(experiment)), tmp_path / "runs", lang="en")
    columns = json.loads((folder / "columns.json").read_text("utf-8"))
    text = json.dumps(columns, ensure_ascii=False)
    for word in ("points_missing", "points missing", "还差", "leaves", "所含指标数"):
        assert word in text


def test_what_a_plugin_says_of_enterprises_is_withheld_by_its_roles(experiment, tmp_path):
    options = ("--no-notebooks", "--lang", "en", "--key", tmp_path / "k.key", "-o")
    plain = call("publish", experiment, "--no-notebooks", "--lang", "en", "-o", tmp_path / "plain")
    assert plain.exit_code == 0, plain.output
    assert (tmp_path / "plain/downloads/close-enterprises.csv").exists()
    assert "points missing" in (tmp_path / "plain/results.html").read_text("utf-8")
    answer = call("publish", experiment, "--anonymise", *options, tmp_path / "anonymous")
    assert answer.exit_code == 0, answer.output
    names = {p.name for p in (tmp_path / "anonymous/downloads").iterdir()}
    assert not {"close-enterprises.csv", "close-calls.csv"} & names
    assert "sizes-sizes.csv" in names  # about weights only
    assert "points missing" not in (tmp_path / "anonymous/results.html").read_text("utf-8")


def test_a_plugin_with_an_undeclared_column_is_refused(experiment, outside):
    file = outside / "close_calls.py"
    text = file.read_text("utf-8").replace('"points_missing", "held_by"]', '"surplus", "held_by"]')
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CalibError, match="undeclared columns: surplus"):
        run_experiment(load_experiment(experiment)).frame()


def test_a_plugin_that_cannot_be_loaded_is_named(experiment, outside):
    (outside / "by_size.py").write_text("import a_package_that_is_not_there", encoding="utf-8")
    answer = call("check", experiment)
    assert isinstance(answer.exception, CalibError)
    assert "by-size" in str(answer.exception)
    assert "a_package_that_is_not_there" in str(answer.exception)


def test_the_framework_of_the_documentation_works_everywhere(tmp_path):
    import calib

    file = tmp_path / "demo.toml"
    file.write_text(block("add-framework.md", "toml"), encoding="utf-8")
    assert call("check", file).exit_code == 0
    assert call("frameworks", file).exit_code == 0
    framework = calib.load_framework(file)
    firms = calib.generate_population(framework, 30, rng=1)
    published = calib.published_weights(framework)
    rating = calib.rate(published, firms)
    assert rating.counts().sum() == 30
    found = calib.compare(published, calib.override(published, {"A": 0.2}), firms, rng=1)
    assert len(found.frame("agreement")) == 1
    assert calib.stability(published, firms).summary("zh")
    firms.frame().to_csv(tmp_path / "firms.csv", index=False)
    own = tmp_path / "own.toml"
    own.write_text(
        'schema = "calib.experiment/1"\nname = "own"\nframework = "demo.toml"\n'
        '[population]\nfile = "firms.csv"\n[sets.published]\nsource = "published"\n'
        '[sets.equal]\nsource = "equal"\n', encoding="utf-8",
    )  # fmt: skip
    assert call("check", own).exit_code == 0
    answer = call("publish", own, "--lang", "zh", "-o", tmp_path / "site")
    assert answer.exit_code == 0, answer.output
    page = (tmp_path / "site/results.html").read_text("utf-8")
    assert "三级" in page
    assert "level 3" not in page
