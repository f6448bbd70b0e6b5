"""Live notebooks: the page computes what was executed, follows its controls, and keeps privacy."""

from __future__ import annotations

import ast
import html
import json
import re
from dataclasses import replace

import numpy as np
import pytest

import calib
from calib.extend import Live, Name, Result, Table
from calib.framework import load_framework
from calib.population import generate_population
from calib.publish import Executed, Privacy, build_site, open_view
from calib.publish.live import LiveRecorder, collect
from calib.rating import score_answers
from calib.report import limit_to, record_with
from calib.tables import write_csv

FW = load_framework("aii")
EXPERIMENT = """
schema = "calib.experiment/1"
name = "live"
title = { zh = "页面", en = "pages" }
framework = "aii"
seed = 1
[population]
file = "own.csv"
[sets.published]
source = "published"
"""
CELLS = """
base = calib.read_weights("published", firms.framework)
rating = calib.rate(base, firms)
base.plot()
---
rating
---
rating.plot()
---
rating.table("stars")
---
rating.table("node-stars")
---
rating.table("downgrades")
---
rating.table("thresholds")
---
moving = calib.shift(base, {"DA": 0.9}, years=(2020, 2024))
tipping = calib.tipping(moving, firms)
tipping.plot()
---
tipping.table()
---
comparison = calib.compare(base, {"equal": calib.equal_weights(firms.framework), "moving": moving}, firms)
comparison.plot("weights")
---
comparison.plot()
---
comparison.plot("transitions-equal")
---
comparison.table("agreement")
---
comparison.table()
---
comparison.table("transitions")
---
near = {"pillar": {"kind": "interval", "within": 0.2}}
calib.acceptability(base, firms, levels=near, size=128, replicates=2, rng=1).table()
"""  # noqa: E501
POPULATION = generate_population(FW, {"discrete": 30, "process": 25}, rng=9)
SLIDER = "#live-all-DA"


def executed(path, parameters, *, filling=None, live=False, folder="."):
    """Execute a notebook in this process, as a kernel does."""
    import nbformat.v4 as v4
    from IPython.core.formatters import DisplayFormatter

    space = {"calib": calib, "firms": POPULATION}
    calib.set_language(filling["language"])
    record_with(LiveRecorder() if live else None)
    cells = []
    every = CELLS.split("---")
    for source in every if filling["language"] == "en" else every[:5]:
        tree = ast.parse(source)
        *before, last = tree.body
        exec(compile(ast.Module(before, []), "cell", "exec"), space)
        shown = eval(compile(ast.Expression(last.value), "cell", "eval"), space)
        kinds = ["text/html", "image/svg+xml"]
        data, _ = DisplayFormatter().format(shown, include=kinds)
        outputs = [v4.new_output("display_data", data=data)]
        cells.append(v4.new_code_cell(source.strip(), outputs=outputs))
    record_with(None)
    heading = v4.new_markdown_cell("# One")
    return Executed("one", "One", v4.new_notebook(cells=[heading, *cells]))


@pytest.fixture(autouse=True)
def what_a_notebook_sets_is_undone(monkeypatch):
    from calib.words import language

    monkeypatch.setattr(language, "_chosen", [])
    yield
    record_with(None)
    limit_to(None)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The page of one notebook, in both languages."""
    folder = tmp_path_factory.mktemp("live")
    write_csv(POPULATION.frame(), folder / "own.csv")
    file = folder / "own.toml"
    file.write_text(EXPERIMENT, encoding="utf-8")
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("calib.publish.site.execute_notebook", executed)
        run = open_view(file, lang="en")
        for lang in ("en", "zh"):
            view = replace(run, language=lang)
            out = folder / lang
            build_site(view, out, notebooks=["one.ipynb"], filling={"language": lang})
            found[lang] = out / "one.html"
    return found


def frame(page):
    page.run("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")


def text_of(page, selector):
    return page.run(f"(document.querySelector({json.dumps(selector)}) || {{}}).textContent")


def rows(page, table, number=0):
    """Cells of a table by its name, as shown."""
    return page.run(f"""(() => {{
      const found = [...document.querySelectorAll('main [data-live]')].filter(e =>
        JSON.parse(e.dataset.live).table === '{table}')[{number}];
      return [...found.querySelector('tbody').rows].map(r => [...r.cells].map(c => c.textContent));
    }})()""")


def badges(page, kind):
    return page.run(f"document.querySelectorAll('main .live-{kind} > .live-badge').length")


def write(page, selector, value, event="input"):
    page.run(f"""(e => {{ e.value = '{value}'; e.dispatchEvent(new Event('{event}')); }})
      (document.querySelector({json.dumps(selector)}))""")
    frame(page)


def counts(rating):
    return [[str(c) for c in rating.counts(s)] for s in (None, "discrete", "process")]


def shown_counts(page):
    column = [row[2] for row in rows(page, "stars")]
    return [column[i : i + 5] for i in (0, 5, 10)]


def test_a_live_page_computes_what_was_executed_and_follows_every_control(browser, pages):
    page = browser.open(pages["en"])
    assert page.run("document.documentElement.dataset.recomputes") == "checked"
    # enterprises, stars, node-stars, downgrades, thresholds; agreement, movers, transitions;
    # acceptability
    assert "Checked at load: 9 tables, cell by cell, and 4 ratings" in text_of(page, ".live-status")
    scored = score_answers(POPULATION)
    base = calib.published_weights(FW)
    assert shown_counts(page) == counts(calib.rate(base, scored))
    executed_rows = {name: rows(page, name) for name in ("stars", "agreement", "movers")}
    assert badges(page, "now") == badges(page, "stale") == 0

    # A weight, by keys: siblings make room, what depends on it follows or says that it does not.
    page.run("document.querySelector('.live-fold summary').focus()")
    page.key("Enter", 13, "\r")
    frame(page)
    page.run(f"document.querySelector('{SLIDER}').focus()")
    page.key("End", 35)
    frame(page)
    all_da = calib.override(base, {"DA": 1.0})
    assert shown_counts(page) == counts(calib.rate(all_da, scored))
    comparison = calib.compare(
        all_da, {"equal": calib.equal_weights(FW), "moving": base}, scored, rng=1
    )
    agreed = comparison.frame("agreement").query("set == 'equal' and scope == 'all'").iloc[0]
    mine = next(r for r in rows(page, "agreement") if r[:2] == ["equal", "all"])
    assert mine[2:6] == [str(agreed[k]) for k in ("n", "same", "up", "down")]
    np.testing.assert_allclose(
        [float(x) for x in mine[6:11]],
        agreed[["kappa_linear", "kappa_quadratic", "kendall_tau", "mean_abs_change",
                "max_abs_change"]].astype(float),
        atol=0.0051,
    )  # fmt: skip
    movers = comparison.frame("movers").query("set == 'equal'")
    seen = [r for r in rows(page, "movers") if r[0] == "equal"]
    assert [r[1] for r in seen] == movers["enterprise"].head(len(seen)).tolist()
    assert [r[7].split(" ")[0] for r in seen] == [
        m.split(" ")[0] for m in movers["reason"].head(len(seen))
    ]
    near = {"pillar": {"kind": "interval", "within": 0.2}}
    sure = calib.acceptability(all_da, scored, levels=near, rng=2).frame()
    page.run("new Promise(r => setTimeout(r, 600))")
    drawn = np.array([[float(x) for x in r[7:12]] for r in rows(page, "acceptability")])
    np.testing.assert_allclose(drawn, sure[[f"p_{k}" for k in range(1, 6)]][:30], atol=0.03)
    assert "Recomputed in this page, not the published result." in text_of(page, ".live-changes")
    assert "data analytics 0.320 → 1.000" in text_of(page, ".live-changes")
    assert badges(page, "now") >= 9
    # The headline and the figure of the weights, which are not drawn again, say so.
    assert badges(page, "stale") == 2
    assert "3★" in text_of(page, ".live-figure")
    # Printed, the page says what was changed, without the controls.
    page.call("Emulation.setEmulatedMedia", media="print")
    assert page.run("getComputedStyle(document.querySelector('.live-fold')).display") == "none"
    assert page.run("document.querySelector('.live-changes').offsetHeight") > 0
    page.call("Emulation.setEmulatedMedia", media="")

    page.run("document.querySelector('#live-reset').click()")
    frame(page)
    assert {name: rows(page, name) for name in executed_rows} == executed_rows
    assert badges(page, "now") == badges(page, "stale") == 0

    # A rule option, and a gate as a number.
    write(page, "select[data-option=downgrade]", "one-star", "change")
    one = calib.rate(base, POPULATION, rule_options={"downgrade": "one-star"})
    assert shown_counts(page) == counts(one)
    write(page, "select[data-option=downgrade]", "highest-met", "change")
    write(page, "[data-path='gates.table.values.2']", "58")
    raised = [line for line in rows(page, "thresholds") if line[0] == "4"]
    assert raised == [["4", "60.00", "58.00"]]
    write(page, "[data-path='gates.table.values.2']", "99")
    assert "does not fit" in text_of(page, ".live-wrong")
    page.run("document.querySelector('#live-reset').click()")
    frame(page)

    # The year of the shift: the comparison and the stars under the figure are those of that year.
    write(page, ".live-years input", "2021")
    at = calib.shift(base, {"DA": 0.9}, years=(2020, 2024)).at(2021)
    agreed = calib.compare(base, {"moving": at}, scored, rng=1).frame("agreement")
    mine = next(r for r in rows(page, "agreement") if r[:2] == ["moving", "all"])
    assert mine[2:6] == [str(x) for x in agreed[["n", "same", "up", "down"]].iloc[0]]
    bars = page.run("[...document.querySelectorAll('.live-years .live-bar')].map(e => e.ariaLabel)")
    whole = calib.rate(at, scored).counts()
    assert re.findall(r": (\d+)", bars[0]) == [str(c) for c in whole]
    late = page.run("document.querySelectorAll('.live-later').length")
    years = calib.tipping(calib.shift(base, {"DA": 0.9}, years=(2020, 2024)), scored).frame()[
        "year"
    ]
    assert late == int((years > 2021 + 1 / 12).sum()) > 0
    assert page.errors == []
    assert [r for r in page.requests if not r.startswith(("file:", "data:"))] == []


def test_on_a_narrow_screen_nothing_is_cut_and_chinese_pages_speak_chinese(browser, pages):
    page = browser.open(pages["zh"], width=390)
    assert "✓ 打开时已核对" in text_of(page, ".live-status")
    page.run("document.querySelector('.live-fold').open = true")
    write(page, SLIDER, "0.7")
    assert "在本页重新计算，并非公布的结果。" in text_of(page, ".live-changes")
    assert page.run("document.documentElement.scrollWidth") <= 390
    words = page.run("document.querySelector('.live-panel').innerText")
    assert not re.search(r"[A-Za-z]{4,}", re.sub(r"e-\d+", "", words)), words
    unnamed = page.run("""[...document.querySelectorAll('.live-panel input, .live-panel select')]
      .filter(e => !(e.ariaLabel || (e.labels && e.labels.length))).length""")
    assert unnamed == 0
    assert page.errors == []


def test_a_page_that_computes_something_else_says_so_and_stays_as_executed(
    browser, pages, tmp_path
):
    text = pages["en"].read_text(encoding="utf-8")
    wrong = re.sub(r'"counts":\[(\d+)', lambda m: f'"counts":[{int(m[1]) + 1}', text, count=1)
    file = tmp_path / "wrong.html"
    file.write_text(wrong, encoding="utf-8")
    page = browser.open(file)
    assert "stays as it was executed" in text_of(page, ".live-status")
    assert page.run("document.querySelectorAll('.live-panel input').length") == 0


def test_without_scripts_the_page_is_as_executed_and_small(pages):
    text = pages["en"].read_text(encoding="utf-8")
    assert len(text.encode()) < 1_500_000
    body = re.sub(r"<script\b.*?</script>", "", text, flags=re.DOTALL)
    for c in calib.rate(calib.published_weights(FW), POPULATION).counts():
        assert f">{c}</td>" in body
    assert "<input" not in body
    assert body.count("data-live=") == 17


def test_an_anonymous_publication_keeps_scores_only_of_enterprises_under_pseudonyms():
    from calib.publish import pseudonymise

    def kept(population, recorder):
        record_with(recorder)
        try:
            shown = calib.rate(calib.published_weights(FW), population).table("stars")._repr_html_()
        finally:
            record_with(None)
        return collect([shown]), shown

    hidden = pseudonymise(POPULATION, b"k" * 16)
    ids = [i for s in hidden.samples.values() for i in s.ids]
    known, _ = kept(hidden, LiveRecorder(ids))
    assert set(known) == {"frameworks", "populations", "sets", "ratings"}
    text = json.dumps(known)
    assert all(str(i) not in text for s in POPULATION.samples.values() for i in s.ids)
    # A notebook that reads other enterprises beside those of the publication stays as executed.
    unknown, shown = kept(POPULATION, LiveRecorder(ids))
    assert unknown == {}
    assert "data-live" not in shown


class OwnStars(Result):
    """A result of a package outside calib."""

    def __init__(self, rating):
        self.rating = rating
        shown = replace(rating.table("stars"), name="own-stars")
        self.tables = (shown, Table("others", shown.frame[["count"]], Name("其他", "others")))

    def headline(self):
        return Name("本包结果", "own")

    @property
    def live(self):
        return Live((self.rating.as_live(),), tables={"own-stars": "stars"})


def test_a_result_of_another_package_says_itself_how_a_page_computes_it_again():
    rating = calib.rate(calib.published_weights(FW), POPULATION)
    own = OwnStars(rating)

    def recipe(result, name):
        record_with(LiveRecorder())
        try:
            markup = result.table(name)._repr_html_()
        finally:
            record_with(None)
        found = html.unescape(re.search(r"data-live='([^']*)'", markup)[1])
        return json.loads(found), collect([markup])

    (made, inputs), (calibs, same) = recipe(own, "own-stars"), recipe(rating, "stars")
    assert made == calibs
    assert made["table"] == "stars"
    assert inputs == same
    assert "table" not in recipe(own, "others")[0]


@pytest.mark.parametrize(
    ("privacy", "answers", "live"),
    [(Privacy(), True, True), (Privacy(), False, False), (Privacy(b"k" * 16, 1), True, True),
     (Privacy(b"k" * 16, 3), True, False)],
)  # fmt: skip
def test_notebooks_recompute_only_where_the_explorer_may_hold_every_score(
    pages, tmp_path, monkeypatch, privacy, answers, live
):
    asked = []

    def noted(path, parameters, **more):
        asked.append(more["live"])
        raise InterruptedError

    monkeypatch.setattr("calib.publish.site.execute_notebook", noted)
    view = open_view(pages["en"].parent.parent / "own.toml", lang="en", privacy=privacy)
    with pytest.raises(InterruptedError):
        build_site(view, tmp_path / "s", notebooks=["n"], filling={}, answers=answers)
    assert asked == [live]
