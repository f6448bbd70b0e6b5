"""The explorer page rates as Python does, runs nothing from its data, and can be used by keys."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from calib.errors import InputError
from calib.framework import load_framework
from calib.population import Population, Sample, generate_population
from calib.publish import explorer_data, explorer_page, write_explorer
from calib.rating import rate, score_answers
from calib.weights import WeightSet, equal_weights, published_weights, read_weights

FW = load_framework("aii")


def sets():
    published = published_weights(FW)
    shifted = published.with_weights({"DA": 0.4}, name="analytics")
    return {"published": published, "equal": equal_weights(FW), "analytics": shifted}


def page_for(path, population, rule_options=None, **options):
    scored = score_answers(population, population.framework.rule.read(rule_options))
    page = explorer_page(scored, sets(), baseline="published", **options)
    return write_explorer(path / "explorer.html", page), scored


def random_local(fw, rng, grid):
    """Local weights, uniform on each family's simplex, or on a coarse grid that hits edges."""
    pillars, out = {}, {}
    for t, track in fw.tracks.items():
        local = np.zeros(len(track.nodes))
        for family in track.families:
            w = rng.dirichlet(np.ones(len(family.members)))
            if grid:
                w = rng.multinomial(20, w) / 20
            if not family.parent:
                w = np.array([pillars.setdefault(track.codes[i], v)
                              for i, v in zip(family.members, w, strict=True)])  # fmt: skip
            local[family.members] = w
        out[t] = local
    return out


def _stars(text):
    """Stars from digits, -1 included."""
    return [int(d) for d in re.findall(r"-1|\d", text)]


RATE_ALL = """(sets => sets.map(w => calibExplorer.rate(w).map(r => {
  const nodes = r.thresholds.nodes;
  const failed = (_, e) => nodes.filter((g, p) => r.failed[e * nodes.length + p]).join('.');
  return [[...r.star].join(''), [...r.band].join(''), Array.from({length: r.n}, failed).join(',')];
})))(%s)"""


def disagreements(page, scored, count, rng):
    """Rate ``count`` random weight sets in the page and in Python; return what differs."""
    drawn = [random_local(scored.framework, rng, grid=i % 2 == 1) for i in range(count)]
    said = []
    for start in range(0, count, 100):
        block = [{t: w.tolist() for t, w in d.items()} for d in drawn[start : start + 100]]
        said += page.run(RATE_ALL % json.dumps(block))
    wrong, stars = [], set()
    for number, (local, answer) in enumerate(zip(drawn, said, strict=True)):
        weights = WeightSet.build(scored.framework, "random", local, source="test")
        try:
            rating = rate(weights, scored)
        except InputError as exc:  # no answer counts: the page shows these without a star
            named = {f.where.get("en").removeprefix("enterprise ") for f in exc.faults}
            unrated = set()
            for (star, _, _), sample in zip(answer, scored.samples.values(), strict=True):
                pairs = zip(sample.ids, _stars(star), strict=True)
                unrated |= {str(i) for i, place in pairs if place < 0}
            if not named or not named <= unrated:
                wrong.append(number)
            continue
        for (star, band, failed), sample in zip(answer, rating.samples.values(), strict=True):
            own = [".".join(str(g) for g, f in zip(sample.gated, row, strict=True) if f)
                   for row in sample.failed]  # fmt: skip
            expected = ["".join(map(str, sample.star)), "".join(map(str, sample.band))]
            if [star, band] != expected or failed.split(",") != own:
                wrong.append(number)
            stars |= set(sample.star.tolist())
    return wrong, stars


@pytest.fixture(scope="module")
def population():
    return generate_population(FW, {"discrete": 60, "process": 50}, rng=3)


def test_stars_bands_and_gates_agree_with_python_for_a_thousand_random_sets(
    browser, population, tmp_path
):
    path, scored = page_for(tmp_path, population)
    page = browser.open(path)
    wrong, stars = disagreements(page, scored, 1000, np.random.default_rng(11))
    assert wrong == []
    assert stars == {0, 1, 2, 3, 4}
    assert page.errors == []


@pytest.mark.parametrize(
    "rule_options",
    [
        {"band_edge": "round-half-up", "gate_value": "example"},
        {"downgrade": "one-star", "gate_scope": "capability"},
        {"option_score": "even-to-100", "gate_value": "example", "downgrade": "one-star"},
    ],
)
def test_the_page_follows_every_reading_of_the_rule(browser, population, tmp_path, rule_options):
    path, scored = page_for(tmp_path, population, rule_options)
    page = browser.open(path)
    assert disagreements(page, scored, 60, np.random.default_rng(5))[0] == []


def test_unanswered_items_are_renormalised_as_in_python(browser, population, tmp_path):
    rng = np.random.default_rng(8)
    samples = {}
    for t, s in population.samples.items():
        values = s.values.copy()
        values[rng.random(values.shape) < 0.12] = np.nan
        values[:, np.unique(s.track.parent[s.track.leaves], return_index=True)[1]] = 3
        samples[t] = Sample(s.track, s.ids, s.names, values)
    holes = Population(FW, samples, "answers", "holes", synthetic=True)
    path, scored = page_for(tmp_path, holes, {"missing": "renormalise"})
    page = browser.open(path)
    assert disagreements(page, scored, 60, np.random.default_rng(6))[0] == []


def test_the_page_asks_for_nothing_beyond_itself_and_is_small_for_500(browser, tmp_path):
    path, _ = page_for(tmp_path, generate_population(FW, 500, rng=1))
    assert path.stat().st_size < 1.5e6
    page = browser.open(path)
    assert page.requests[0] == path.resolve().as_uri()
    assert all(r.startswith("blob:") for r in page.requests[1:])  # the worker, from the page's text
    assert page.errors == []
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"(?:src|href)=", text)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)


def test_names_are_shown_as_text_and_never_run(browser, tmp_path):
    evil = '</script><script>window.hurt=1</script><img src=x onerror="window.hurt=1">'
    s = generate_population(FW, {"discrete": 2}, rng=1).samples["discrete"]
    names = np.array([evil, "<!--\u2028{{7*7}}"], dtype=object)
    population = Population(FW, {"discrete": Sample(s.track, s.ids, names, s.values)}, "answers")
    path, _ = page_for(tmp_path, population)
    page = browser.open(path)
    assert page.run("window.hurt") is None
    assert evil in page.run("document.getElementById('enterprises').textContent")
    assert page.run("document.querySelectorAll('img').length") == 0
    # These are not declared synthetic, and the page must not say so.
    assert page.run("getComputedStyle(document.getElementById('synthetic')).display") == "none"
    assert page.errors == []


def frame(page):
    page.run("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")


def set_value(page, selector, value, event="change"):
    """Type a value into a control, as a reader does."""
    page.run(
        "((e, value, event) => { e.value = value; for (const kind of ['input', event])"
        " e.dispatchEvent(new Event(kind, {bubbles: true})); })"
        f"(document.querySelector({json.dumps(selector)}), {json.dumps(value)}, '{event}')"
    )
    frame(page)


def click(page, selector):
    page.run(f"document.querySelector({json.dumps(selector)}).click()")
    frame(page)


def text_of(page, selector):
    return page.run(f"document.querySelector({json.dumps(selector)}).textContent")


def counts_shown(page):
    return page.run(
        "[...document.querySelectorAll('#distribution tbody tr')].slice(0, 5)"
        ".map(r => Number(r.cells[2].textContent))"
    )


def test_a_slider_moved_by_keys_rescales_its_siblings_and_moves_the_stars(
    browser, population, tmp_path
):
    path, scored = page_for(tmp_path, population)
    page = browser.open(path)
    page.run("document.querySelectorAll('#sliders input[type=range]')[2].focus()")
    page.key("End", 35)
    frame(page)
    local = page.run("calibExplorer.state.weights")
    for t, track in FW.tracks.items():
        top = track.at_depth(1)
        np.testing.assert_allclose(np.array(local[t])[top], [0, 0, 1], atol=1e-12)
    weights = WeightSet.build(
        FW, "x", {t: np.array(v) for t, v in local.items()}, source="explorer"
    )
    counts = rate(weights, scored).counts().tolist()
    shown = page.run(
        "[...document.querySelectorAll('#distribution tbody tr')].slice(0, 5)"
        ".map(r => Number(r.cells[2].textContent))"
    )
    assert shown == counts
    page.key("Home", 36)
    frame(page)
    assert page.run("calibExplorer.state.weights.discrete[0]") == pytest.approx(0.5)
    last = "document.querySelectorAll('#sliders input[type=range]')[2]"
    said = page.run(f"{last}.getAttribute('aria-valuetext')")
    assert said == "0.000"


def test_presets_are_the_sets_of_the_experiment_and_reset_returns_to_them(
    browser, population, tmp_path
):
    path, _ = page_for(tmp_path, population)
    page = browser.open(path)
    assert page.run("[...document.querySelectorAll('#preset option')].map(o => o.value)") == list(
        sets()
    )
    page.run(
        "(p => { p.value = 'analytics'; p.dispatchEvent(new Event('change')); })"
        "(document.getElementById('preset'))"
    )
    frame(page)
    now = page.run("calibExplorer.state.weights")
    for t, local in sets()["analytics"].local.items():
        assert now[t] == local.tolist()


def test_an_exported_set_reads_back_as_the_weights_on_the_page(browser, population, tmp_path):
    path, _ = page_for(tmp_path, population)
    page = browser.open(path)
    page.run(
        "(s => { s.value = '0.417'; s.dispatchEvent(new Event('input')); })"
        "(document.querySelectorAll('#sliders input[type=range]')[1])"
    )
    frame(page)
    page.run("document.getElementById('name').value = 'mein \"set\" \\\\ 草案'")
    file = tmp_path / "explored.toml"
    file.write_text(page.run("calibExplorer.toml()"), encoding="utf-8")
    read = read_weights(file, FW)
    assert read.name == 'mein "set" \\ 草案'
    assert read.provenance.inputs == {"published": sets()["published"].digest}
    state = page.run("calibExplorer.state.weights")
    assert {t: v.tolist() for t, v in read.local.items()} == state
    assert read.weight("IN") == 0.417


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_is_wider_than_the_screen_and_every_control_has_a_name(
    browser, population, tmp_path, width, language
):
    path, _ = page_for(tmp_path, population, lang=language)
    page = browser.open(path, width=width, height=844)
    assert page.run("document.documentElement.scrollWidth") <= width
    unnamed = page.run(
        "[...document.querySelectorAll('button, select, input')].filter(e => e.offsetParent &&"
        " !(e.textContent.trim()"
        " || e.getAttribute('aria-label') || (e.labels && [...e.labels].some(l => "
        "l.textContent.trim())))).length"
    )
    assert unnamed == 0
    assert page.run("document.documentElement.lang") == {"zh": "zh-CN", "en": "en"}[language]
    heads = page.run("[...document.querySelectorAll('th')].filter(t => !t.scope).length")
    assert heads == 0


@pytest.mark.parametrize(
    "name", ["vdma", "cmm", "cesi", "nist-mbe", "euro-ncap-2026", "au-aged-care"]
)
def test_other_frameworks_have_their_explorer_too(browser, tmp_path, name):
    fw = load_framework(name)
    population = generate_population(fw, 90, rng=2)
    scored = score_answers(population)
    own = {"published": published_weights(fw)}
    path = write_explorer(tmp_path / "e.html", explorer_page(scored, own, baseline="published"))
    page = browser.open(path)
    assert page.errors == []
    assert "right" in page.run("document.getElementById('check').className")
    shown = page.run("[...document.querySelectorAll('#distribution tbody tr')]"
                     ".map(r => Number(r.cells[2].textContent))")  # fmt: skip
    assert shown[: fw.rule.stars] == rate(own["published"], scored).counts().tolist()


def test_a_baseline_that_is_no_set_is_refused(population):
    with pytest.raises(InputError, match="did you mean 'published'"):
        explorer_data(score_answers(population), sets(), baseline="publishd")
