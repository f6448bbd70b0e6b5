"""A published site: complete, offline, the same each time, and without names where asked."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from calib.cli import cli
from calib.errors import CalibError, InputError
from calib.experiment import load_experiment, run_experiment, write_run
from calib.framework import load_framework
from calib.population import Population, Sample, generate_population
from calib.publish import (
    Privacy,
    build_site,
    execute_notebook,
    export_run,
    find_leaks,
    open_view,
    render_notebook,
    secret_words,
)
from calib.rating import rate
from calib.tables import write_csv
from calib.weights import read_weights

FW = load_framework("aii")

EXPERIMENT = """
schema = "calib.experiment/1"
name = "own"
title = { zh = "自有数据 <b>", en = "own data <b>" }
framework = "aii"
seed = 1
[population]
file = "own.csv"
[sets.published]
source = "published"
[sets.analytics]
source = "override"
weights = { DA = 0.6 }
label = { zh = "分析占六成", en = "analytics at 0.6" }
"""
NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "id": "a", "metadata": {},
         "source": "# 一：标题 $\\theta > 1$\n<!-- en -->\n# One: title $\\theta > 1$"},
        {"cell_type": "code", "id": "b", "metadata": {"tags": ["parameters"]}, "outputs": [],
         "execution_count": None,
         "source": "EXPERIMENT = 'trial-comparison'\nLANGUAGE = 'zh'\nPRIVACY = {}"},
        {"cell_type": "code", "id": "c", "metadata": {}, "outputs": [], "execution_count": None,
         "source": "from calib.publish import open_view\n"
                   "view = open_view(EXPERIMENT, lang=LANGUAGE, privacy=PRIVACY)\n"
                   "display(view.figure('weights'))\nview.table('stars')"},
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    "nbformat": 4, "nbformat_minor": 5,
}  # fmt: skip


def secret_population():
    population = generate_population(FW, {"discrete": 30, "process": 25}, rng=9)
    samples = {
        t: Sample(s.track, np.array([f"QY{t[:1]}{i:04d}" for i in range(len(s))], dtype=object),
                  np.array([f"江南<i>{t}</i>第{i}公司" for i in range(len(s))], dtype=object),
                  s.values)
        for t, s in population.samples.items()
    }  # fmt: skip
    return Population(FW, samples, "answers")


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    write_csv(secret_population().frame(), folder / "own.csv")
    file = folder / "own.toml"
    file.write_text(EXPERIMENT, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    file = tmp_path_factory.mktemp("notebook") / "one.ipynb"
    file.write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def chinese_site(experiment, notebook, tmp_path_factory):
    out = tmp_path_factory.mktemp("zh") / "site"
    answer = call("publish", experiment, "--notebook", notebook, "-o", out, "--lang", "zh")
    assert answer.exit_code == 0, answer.output
    return out


def call(*arguments):
    return CliRunner().invoke(cli, [str(a) for a in arguments], catch_exceptions=False)


def test_a_site_has_all_its_pages_and_reaches_nothing_outside(chinese_site):
    out = chinese_site
    names = {p.name for p in out.glob("*.html")}
    assert names == {"index.html", "results.html", "one.html", "explorer.html"}
    for page in out.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        for link in re.findall(r'(?:src|href)="([^"#]+)"', text):
            assert "://" not in link
            assert (out / link).exists() or link.startswith("data:"), link
        assert "<b>" not in text
        assert "<i>" not in text
    page = (out / "one.html").read_text(encoding="utf-8")
    assert "<math" in page
    assert "一：标题" in page
    assert "One: title" not in page
    footer = (out / "index.html").read_text(encoding="utf-8")
    for word in ("sha256", "own.csv", "calib 0", "日期", "随机种子"):
        assert word in footer
    found = r'href="results.html#section-stars">[^<]+</a></dt><dd>55 家.*“分析占六成”升'
    assert re.search(found, footer)
    results = (out / "results.html").read_text(encoding="utf-8")
    assert re.search(r"<t[dh][^>]*>分析占六成</t", results)
    assert "= upper-inclusive" not in (out / "explorer.html").read_text(encoding="utf-8")


def test_pages_open_offline_at_phone_and_desk_width_in_both_languages(
    browser, chinese_site, experiment, tmp_path
):
    call("publish", experiment, "--no-notebooks", "-o", tmp_path / "en", "--lang", "en")
    pages = [chinese_site / f"{p}.html" for p in ("index", "results", "one", "explorer")]
    pages += [tmp_path / "en" / f"{p}.html" for p in ("index", "results")]
    for width in (390, 1280):
        for page in pages:
            opened = browser.open(page, width=width, dark=width == 390)
            assert opened.errors == []
            outside = [r for r in opened.requests if not r.startswith(("file:", "data:", "blob:"))]
            assert outside == []
            assert opened.run("document.documentElement.scrollWidth") <= width, page
            assert opened.run("document.body.textContent.includes('\\ufffd')") is False
            opened.close()
            browser.pages.remove(opened)


def test_a_site_leads_with_the_decision_unless_small_counts_are_suppressed(experiment, tmp_path):
    decides = '[decision]\ncurrent = "published"\nproposed = "analytics"\n'
    deciding = experiment.with_name("deciding.toml")
    deciding.write_text(EXPERIMENT + decides, encoding="utf-8")
    key = tmp_path / "a.key"
    for out, options in (("plain", ()), ("named", ("--anonymise", "--min-count", "1")),
                         ("few", ("--anonymise",))):  # fmt: skip
        done = call("publish", deciding, "--no-notebooks", "-o", tmp_path / out, "--key", key,
                    "--lang", "en", *options)  # fmt: skip
        assert done.exit_code == 0, done.output
    plain, named, few = (
        (tmp_path / n / "index.html").read_text("utf-8") for n in ("plain", "named", "few")
    )
    advice = 'class="advice'
    assert 0 < plain.index(advice) < plain.index('class="cards"') < plain.index('class="downloads"')
    assert advice in named
    assert advice not in few
    assert "small counts are suppressed here" in few
    narrow = plain.index('class="narrow"')
    assert plain.index("<svg", narrow) - narrow < 30
    results = (tmp_path / "plain" / "results.html").read_text("utf-8")
    assert results.count("recommendation") <= 1  # the sentences stand on the first page


@pytest.mark.parametrize("answers", [(), ("--answers",), ("--answers", "--min-count", "1")])
def test_no_name_of_the_population_is_anywhere_in_an_anonymised_site(
    experiment, notebook, tmp_path, answers
):
    out, key = tmp_path / "site", tmp_path / "k.key"
    # A notebook takes no notice of --answers alone: it is the one published before.
    shown = ("--no-notebooks",) if answers == ("--answers",) else ("--notebook", notebook)
    options = ("--anonymise", "--key", key, "-o", out, *shown, *answers)
    answer = call("publish", experiment, *options)
    assert answer.exit_code == 0, answer.output
    words = secret_words(secret_population())
    assert len(words) == 110
    assert find_leaks(out, words) == []
    whole = "".join(
        p.read_text(encoding="utf-8-sig")
        for p in out.rglob("*")
        if p.is_file() and p.suffix != ".xlsx"
    )
    assert "江南" not in whole
    assert (out / "explorer.html").exists() == bool(answers)
    assert (out / "downloads" / "movers.csv").exists() == ("1" in answers)
    stars = pd.read_csv(out / "downloads" / "stars.csv", encoding="utf-8-sig")
    if "1" not in answers:
        shown = {str(v) for v in stars["count"]}
        assert not shown & {"1", "2", "1.0", "2.0"}


def test_a_name_that_slips_into_a_notebook_stops_the_publication(experiment, tmp_path):
    node = json.loads(json.dumps(NOTEBOOK))
    node["cells"][2]["source"] = "print('江南<i>discrete</i>第7公司')"
    file = tmp_path / "leak.ipynb"
    file.write_text(json.dumps(node), encoding="utf-8")
    out = tmp_path / "site"
    options = ("--anonymise", "--key", tmp_path / "k", "-o", out, "--notebook", file)
    with pytest.raises(CalibError, match=r"nothing was published: .* was found in leak\.html"):
        call("publish", experiment, *options)
    assert not out.exists()


def test_the_same_run_gives_the_same_site(experiment, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1500000000")
    folders = []
    for name in ("a", "b"):
        view = open_view(experiment, lang="en", privacy=Privacy(b"k" * 16, 1))
        folders.append(build_site(view, tmp_path / name).folder)
    for file in sorted(p for p in folders[0].rglob("*") if p.is_file()):
        twin = folders[1] / file.relative_to(folders[0])
        assert file.read_bytes() == twin.read_bytes(), file.name
    assert "2017-07-14" in (folders[0] / "index.html").read_text(encoding="utf-8")


def test_a_failing_cell_is_named_and_nothing_is_published(experiment, tmp_path):
    node = json.loads(json.dumps(NOTEBOOK))
    node["cells"][2]["source"] = "1 / 0"
    file = tmp_path / "bad.ipynb"
    file.write_text(json.dumps(node), encoding="utf-8")
    view = open_view(experiment)
    with pytest.raises(CalibError, match=r"code cell 2 fails: ZeroDivisionError"):
        build_site(view, tmp_path / "site", notebooks=[file])
    assert not (tmp_path / "site").exists()


def test_unknown_parameters_and_missing_notebooks_are_refused(notebook, tmp_path):
    with pytest.raises(InputError, match="no parameter LANG; it has EXPERIMENT, LANGUAGE, PRIVACY"):
        execute_notebook(notebook, {"LANG": "zh"})
    with pytest.raises(InputError, match="no such notebook"):
        execute_notebook(tmp_path / "none.ipynb", {})


def test_a_notebook_page_runs_no_script_of_its_outputs(tmp_path):
    node = {**NOTEBOOK, "cells": [*NOTEBOOK["cells"][:2], {
        "cell_type": "code", "id": "d", "metadata": {}, "outputs": [], "execution_count": None,
        "source": "from IPython.display import HTML\nHTML('<script>x()</script><p>kept</p>')",
    }]}  # fmt: skip
    file = tmp_path / "script.ipynb"
    file.write_text(json.dumps(node), encoding="utf-8")
    page = render_notebook(execute_notebook(file, {}), lang="en")
    assert "<script" not in page
    assert "<p>kept</p>" in page


def test_a_workbook_reads_back_as_the_weight_sets_of_its_run(experiment, tmp_path):
    run = run_experiment(load_experiment(experiment))
    folder = write_run(run, tmp_path / "runs", lang="zh")
    answer = call("export", folder, "-o", tmp_path / "book.xlsx", "--lang", "zh")
    assert answer.exit_code == 0
    for name, weights in run.sets.items():
        back = read_weights(tmp_path / "book.xlsx", FW, sheet=f"set {name}")
        for t in FW.tracks:
            np.testing.assert_allclose(back.local[t], weights.local[t], rtol=0, atol=1e-15)
        own = rate(back, run.context.scored).counts().tolist()
        assert own == run.ratings[name].counts().tolist()


def test_a_workbook_holds_the_results_with_frozen_heads_and_formats(experiment, tmp_path):
    import zipfile

    from calib.tables import read_table, sheet_names

    run = run_experiment(load_experiment(experiment))
    folder = write_run(run, tmp_path / "runs", lang="en")
    book = export_run(folder, tmp_path / "book.xlsx", lang="en")
    sheets = sheet_names(book)
    assert sheets[:4] == ["summary", "contents", "stars", "transitions"]
    assert {"set published", "set analytics", "agreement", "manifest"} <= set(sheets)
    assert [*read_table(book, sheet="transitions").frame][:3] == ["set", "from star", "→ 1★"]
    stars = read_table(book, sheet="stars").frame
    expected = run.frame("stars")
    assert [int(float(v)) for v in stars["enterprises"]] == expected["count"].tolist()
    with zipfile.ZipFile(book) as archive:
        assert b"0.0%" in archive.read("xl/styles.xml")
        parts = [archive.read(n) for n in archive.namelist() if "worksheets/sheet" in n]
        assert all(b'state="frozen"' in p for p in parts)
        assert not any(b"<f>" in p for p in parts)
    again = export_run(folder, tmp_path / "again.xlsx", lang="en")
    assert again.read_bytes() == book.read_bytes()


def test_export_refuses_what_is_no_run(tmp_path):
    with pytest.raises(InputError, match="no run here"):
        export_run(tmp_path, tmp_path / "book.xlsx")


def test_explore_writes_one_page(experiment, tmp_path):
    answer = call("explore", experiment, "-o", tmp_path / "e.html", "--lang", "zh")
    assert answer.output.strip() == f"页面: {tmp_path / 'e.html'}"
    assert "江南" in (tmp_path / "e.html").read_text(encoding="utf-8")
