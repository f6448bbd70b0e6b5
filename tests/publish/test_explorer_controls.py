"""Every control of the explorer does what it says, by keys and by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from test_explorer import FW, click, counts_shown, frame, page_for, set_value, sets, text_of

from calib import shift
from calib.population import generate_population
from calib.publish import explorer_page, write_explorer
from calib.rating import one_weight_intervals, rate, score_answers
from calib.weights import override, published_weights

RANGE = "#sliders input[type=range]"


@pytest.fixture(scope="module")
def population():
    return generate_population(FW, {"discrete": 30, "process": 25}, rng=3)


@pytest.fixture
def opened(browser, population, tmp_path):
    path, scored = page_for(tmp_path, population, lang="en")
    page = browser.open(path)
    yield page, scored
    assert page.errors == []


def strips(page):
    page.run(
        "new Promise(done => { const from = document.documentElement.dataset.strips || '';"
        " const wait = () => document.documentElement.dataset.strips !== from || from ? done()"
        " : setTimeout(wait, 20); wait(); })"
    )
    page.run("new Promise(r => setTimeout(r, 300))")


def weights(page):
    return page.run("calibExplorer.state.weights")


def test_the_page_says_that_it_has_checked_itself_and_says_when_it_differs(
    browser, population, tmp_path
):
    path, _ = page_for(tmp_path, population, lang="en")
    page = browser.open(path)
    assert "stars of 3 weight sets equal those of the run" in text_of(page, "#check")
    text = path.read_text(encoding="utf-8")
    wrong = text.replace('"check":[{"name":"published","tracks":[{"counts":[', "", 1)
    assert wrong != text
    start = text.index('"check":[{"name":"published","tracks":[{"counts":[')
    end = text.index("]", start + 50)
    path.write_text(text[:start] + '"check":[{"name":"published","tracks":[{"counts":[9,9,9,9,9'
                    + text[end:], encoding="utf-8")  # fmt: skip
    page = browser.open(path)
    assert "published" in text_of(page, "#check")
    assert "Do not use" in text_of(page, "#check")


def test_each_slider_tells_the_interval_in_which_no_star_changes(opened):
    page, scored = opened
    strips(page)
    published = published_weights(FW)
    low, high = np.zeros(3), np.ones(3)
    for t, s in scored.samples.items():
        found = one_weight_intervals(s.track, s.X, published.local[t], FW.rule.thresholds())
        top = s.track.at_depth(1)
        low = np.maximum(low, found.low[:, top].max(axis=0))
        high = np.minimum(high, found.high[:, top].min(axis=0))
    said = page.run(
        "[...document.querySelectorAll('#sliders .said')].slice(0, 3).map(e => e.textContent)"
    )
    for text, a, b in zip(said, low, high, strict=True):
        assert text.startswith(f"No star changes from {a:.3f} to {b:.3f}.")


def test_a_locked_weight_stays_and_its_siblings_share_the_rest(opened):
    page, _ = opened
    click(page, "#sliders .lock")
    assert (
        page.run("document.querySelector('#sliders .lock').getAttribute('aria-pressed')") == "true"
    )
    page.run(f"document.querySelectorAll('{RANGE}')[1].focus()")
    page.key("End", 35)
    frame(page)
    local = weights(page)["discrete"]
    codes = FW.tracks["discrete"].index
    assert [local[codes[c]] for c in ("IC", "IN", "DA")] == pytest.approx([0.35, 0.65, 0.0])
    assert page.run(f"document.querySelectorAll('{RANGE}')[0].disabled")


def test_a_range_stops_the_slider_and_the_siblings_that_make_room(opened):
    page, _ = opened
    page.run("document.querySelectorAll('#sliders .more')[0].click()")
    frame(page)
    page.run("""(e => { e.value = '0.3'; e.dispatchEvent(new Event('change')); })
        (document.querySelectorAll('#sliders .limits')[0].querySelectorAll('input')[0])""")
    frame(page)
    page.run(f"document.querySelectorAll('{RANGE}')[1].focus()")
    page.key("End", 35)
    frame(page)
    local, codes = weights(page)["discrete"], FW.tracks["discrete"].index
    assert local[codes["IC"]] == pytest.approx(0.3)  # it made room down to its range
    assert "stopped" in text_of(page, "#stopped")


def test_a_cap_on_the_share_of_the_mean_total_stops_a_slider(opened):
    page, scored = opened
    set_value(page, "#cap", "40")
    page.run(f"document.querySelectorAll('{RANGE}')[2].focus()")
    page.key("End", 35)
    frame(page)
    local = weights(page)
    most = 0.0
    for t, s in scored.samples.items():
        w = np.array(local[t])
        leaf = s.track.leaf_weights(w) * s.X.mean(axis=0)
        own = s.track.membership([s.track.index["DA"]])[0]
        most = max(most, leaf[own].sum() / leaf.sum())
    assert most == pytest.approx(0.4, abs=1e-6)


def test_undo_and_redo_go_back_and_forth_by_button_and_by_keys(opened):
    page, _ = opened
    first = weights(page)
    page.run(f"document.querySelectorAll('{RANGE}')[0].focus()")
    page.key("End", 35)
    frame(page)
    second = weights(page)
    assert first != second
    click(page, "#undo")
    assert weights(page) == first
    assert page.run("document.getElementById('undo').disabled")
    click(page, "#redo")
    assert weights(page) == second
    page.run("document.body.dispatchEvent(new KeyboardEvent('keydown',"
             " {key: 'z', ctrlKey: true, bubbles: true}))")  # fmt: skip
    assert weights(page) == first
    page.run("document.body.dispatchEvent(new KeyboardEvent('keydown',"
             " {key: 'y', ctrlKey: true, bubbles: true}))")  # fmt: skip
    assert weights(page) == second


def test_the_address_and_a_file_bring_the_state_back(browser, opened):
    page, _ = opened
    click(page, "#rule-summary")
    set_value(page, "#rule-numbers input[data-path='bands.1']", "45")
    set_value(page, "#option-downgrade", "one-star")
    set_value(page, RANGE, "0.5")
    kept, stars = weights(page), counts_shown(page)
    address, file = page.run("location.href"), page.run("calibExplorer.stateText()")
    assert "#s=" in address
    again = browser.open(address)
    assert weights(again) == kept
    assert counts_shown(again) == stars
    assert "calib.explorer/1" in file
    click(again, "#reset")
    again.run("""(async text => { const d = new DataTransfer();
        d.items.add(new File([text], 's.json'));
        const e = document.getElementById('state'); e.files = d.files;
        e.dispatchEvent(new Event('change')); await new Promise(r => setTimeout(r, 300)); })"""
              f"({json.dumps(file)})")  # fmt: skip
    frame(again)
    assert weights(again) == kept
    assert counts_shown(again) == stars


def test_bands_gates_and_options_move_the_stars_as_in_python(opened):
    page, scored = opened
    set_value(page, "#rule-numbers input[data-path='bands.1']", "45")
    set_value(page, "#rule-numbers input[data-path='gates.table.values.1']", "35")
    set_value(page, "#option-gate_scope", "capability")
    rule = FW.rule
    table = replace(rule.gates["table"], values=(10.0, 35.0, 50.0, 70.0))
    moved = replace(
        rule, bands=(20.0, 45.0, 60.0, 80.0), gates={**rule.gates, "table": table},
        defaults=replace(rule.defaults, gate_scope="capability"),
    )  # fmt: skip
    fw = replace(FW, rule=moved)
    own = replace(scored, framework=fw, rule_options=moved.defaults)
    expected = rate(replace(published_weights(FW), framework=fw), own).counts().tolist()
    assert counts_shown(page) == expected
    # A band that would not rise is refused, and said so.
    set_value(page, "#rule-numbers input[data-path='bands.1']", "70")
    field = "document.querySelector(\"#rule-numbers input[data-path='bands.1']\")"
    assert page.run(f"{field}.getAttribute('aria-invalid')") == "true"
    assert counts_shown(page) == expected
    click(page, "#rule-reset")
    set_value(page, "#option-gate_scope", "pillar")
    assert counts_shown(page) == rate(published_weights(FW), scored).counts().tolist()


def test_two_pinned_sets_stand_side_by_side_with_the_slopes_of_stars(opened):
    page, scored = opened
    click(page, "#pin-a")
    set_value(page, "#preset", "analytics")
    click(page, "#pin-b")
    a, b = rate(sets()["published"], scored), rate(sets()["analytics"], scored)
    matrix = np.zeros((5, 5), dtype=int)
    for t in scored.samples:
        np.add.at(matrix, (a.samples[t].star, b.samples[t].star), 1)
    shown = page.run("[...document.querySelectorAll('#pins tbody tr')]"
                     ".map(r => [...r.cells].slice(1)"
                     ".map(c => Number(c.textContent.replace('·', '0'))))")  # fmt: skip
    assert shown == matrix.tolist()
    assert page.run("document.querySelectorAll('#slopes line').length") == np.count_nonzero(matrix)
    assert "A → B" in text_of(page, "#slopes title")
    click(page, "#unpin")
    assert page.run("document.getElementById('compare').hidden")


def test_the_year_slider_follows_a_shift(browser, population, tmp_path):
    published = published_weights(FW)
    moving = shift(published, {"DA": 0.4}, years=(2017, 2025), path="log-ratio", name="moving")
    scored = score_answers(population)
    all_sets = {"published": published, "moving": moving.weights}
    text = explorer_page(scored, all_sets, baseline="published", shifts={"moving": moving})
    page = browser.open(write_explorer(tmp_path / "e.html", text))
    assert page.run("document.getElementById('year').max") == "8"
    page.run("document.getElementById('year').focus()")
    page.key("Home", 36)
    for _ in range(3):
        page.key("ArrowRight", 39)
    frame(page)
    assert text_of(page, "#year-now") == "2020"
    for t, local in moving.at(2020).local.items():
        np.testing.assert_allclose(weights(page)[t], local, atol=1e-12)
    assert counts_shown(page) == rate(moving.at(2020), scored).counts().tolist()


def test_one_enterprise_opens_with_contributions_and_its_way_to_the_next_star(opened):
    page, scored = opened
    click(page, "#enterprises tbody button")
    assert page.run("document.activeElement.id") == "detail-title"
    s = scored.samples["discrete"]
    track, local = s.track, published_weights(FW).local["discrete"]
    points = page.run("[...document.querySelectorAll('#detail-nodes tbody tr')]"
                      ".map(r => Number(r.cells[4].textContent))")  # fmt: skip
    leaf = track.leaf_weights(local) * s.X[0]
    expected = track.membership(range(len(track.nodes))) @ leaf
    np.testing.assert_allclose(points, expected, atol=0.0051)
    assert "Nearest threshold" in text_of(page, "#detail-nearest")
    assert page.run("document.querySelectorAll('#detail-way li').length") >= 1
    click(page, "#detail-close")
    assert page.run("document.getElementById('detail').hidden")


def load(page, name, content):
    page.run(f"calibExplorer.loadOwn(new File([{content}], {json.dumps(name)}))")
    frame(page)


def test_own_answers_are_rated_in_the_browser_from_csv_and_from_a_workbook(
    opened, tmp_path, population
):
    import base64

    import pandas as pd

    page, _ = opened
    own = generate_population(FW, {"discrete": 7, "process": 5}, rng=77)
    rows = []
    for t, s in own.samples.items():
        for i, values in zip(s.ids, s.values, strict=True):
            given = dict(zip(s.track.leaf_codes, values.astype(int).tolist(), strict=True))
            rows.append({"企业": f"我方 {i}", "类型": FW.tracks[t].name.zh, **given})
    table = pd.DataFrame(rows)
    expected = rate(published_weights(FW), own).counts().tolist()
    text = table.to_csv(index=False).replace(".0", "")
    load(page, "own.csv", json.dumps(text))
    assert counts_shown(page) == expected
    assert "own.csv" in text_of(page, "#check")
    click(page, "#own-back")
    assert sum(counts_shown(page)) == 55
    table.to_excel(tmp_path / "own.xlsx", index=False)
    raw = base64.b64encode((tmp_path / "own.xlsx").read_bytes()).decode()
    load(page, "own.xlsx", f"Uint8Array.from(atob('{raw}'), c => c.charCodeAt(0))")
    assert counts_shown(page) == expected
    outside = [r for r in page.requests if not r.startswith(("file:", "blob:"))]
    assert outside == []


def test_faults_of_own_answers_are_named_and_nothing_changes(opened):
    page, _ = opened
    before = counts_shown(page)
    codes = FW.tracks["discrete"].leaf_codes
    text = "enterprise,track," + ",".join(codes) + "\nA,discrete," + ",".join(["9"] * len(codes))
    load(page, "own.csv", json.dumps(text))
    assert f"Row 2, {codes[0]}: '9' is no answer" in text_of(page, "#own-said")
    assert counts_shown(page) == before
    load(page, "own.csv", json.dumps("a,b\n1,2\n"))
    assert "no column enterprise" in text_of(page, "#own-said")


def test_acceptability_is_sampled_in_a_worker_and_follows_its_seed(opened):
    page, _ = opened
    assert page.run("calibExplorer.inWorker()")
    page.run("calibExplorer.sample()")
    frame(page)
    first = page.run("calibExplorer.sampled().counts.map(c => [...c])")
    page.run("calibExplorer.sample()")
    assert page.run("calibExplorer.sampled().counts.map(c => [...c])") == first
    assert [sum(c) for c in first] == [30 * 10_000, 25 * 10_000]
    head = page.run("[...document.querySelectorAll('#enterprises th')].map(h => h.textContent)")
    assert "P(star)" in head
    set_value(page, RANGE, "0.6")
    assert "draw again" in text_of(page, "#sample-said")


def test_shares_of_the_total_are_shown_at_every_level(opened):
    page, _ = opened
    click(page, "#shares-summary")
    page.run("new Promise(r => setTimeout(r, 50))")
    for level, rows in ((1, [3, 3]), (3, [28, 23])):
        set_value(page, "#level", str(level))
        found = page.run(
            "[...document.querySelectorAll('#shares table')].map(t => [...t.tBodies[0].rows]"
            ".map(r => [1, 2, 3].map(c => Number(r.cells[c].textContent.replace('−', '-')))))"
        )
        assert [len(t) for t in found] == rows
        for table in found:
            np.testing.assert_allclose(np.sum(table, axis=0), 100, atol=1.5)


def test_my_weights_are_a_small_file_with_comment_and_role(opened):
    page, _ = opened
    set_value(page, RANGE, "0.5")
    set_value(page, "#comment", "更看重联网")
    set_value(page, "#role", "methodologist")
    said = json.loads(page.run("calibExplorer.opinion()"))
    assert said["schema"] == "calib.opinion/1"
    assert said["judged"] == ["root"]
    assert said["weights"]["IC"] == 0.5
    assert (said["comment"], said["role"]) == ("更看重联网", "methodologist")
    assert len(json.dumps(said)) < 8000


def test_every_control_is_reached_by_keys_and_named(opened):
    page, _ = opened
    page.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    frame(page)
    page.run("document.activeElement.blur()")
    reached = set()
    total = page.run(
        "[...document.querySelectorAll('button, select, input, textarea, summary')].filter(e =>"
        " e.offsetParent && !e.disabled).map((e, i) => { e.dataset.n = i; return i; }).length"
    )
    for _ in range(total + 40):
        page.key("Tab", 9)
        reached.add(page.run("document.activeElement.dataset.n"))
    assert len(reached - {None}) == total
    unnamed = page.run(
        "[...document.querySelectorAll('button, select, input, textarea')].filter(e =>"
        " e.offsetParent && !(e.textContent.trim() || e.getAttribute('aria-label')"
        " || e.getAttribute('aria-labelledby')"
        " || (e.labels && [...e.labels].some(l => l.textContent.trim())))).length"
    )
    assert unnamed == 0


@pytest.mark.parametrize("width", [360, 640, 1280])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_part_is_wider_than_the_screen_with_everything_open(
    browser, population, tmp_path, width, language
):
    """640 px is 1280 px at 200 % zoom."""
    path, _ = page_for(tmp_path, population, lang=language)
    page = browser.open(path, width=width, height=844, dark=width == 640)
    page.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    click(page, "#enterprises tbody button")
    click(page, "#pin-a")
    assert page.run("document.documentElement.scrollWidth") <= width
    assert page.errors == []


def test_print_shows_the_weights_and_whole_tables(browser, population, tmp_path):
    path, _ = page_for(tmp_path, population, lang="en")
    page = browser.open(path)
    page.call("Emulation.setEmulatedMedia", media="print")
    frame(page)
    shown = "(e => !!e && e.offsetParent !== null && getComputedStyle(e).display !== 'none')"
    assert page.run(f"{shown}(document.querySelector('#sliders input[type=number]'))")
    assert not page.run(f"{shown}(document.getElementById('undo'))")
    assert (
        page.run("getComputedStyle(document.getElementById('enterprises').parentElement).overflowX")
        == "visible"
    )


def test_an_override_keeps_other_families_as_they_are(opened):
    page, scored = opened
    set_value(page, RANGE, "0.6")
    own = override(published_weights(FW), {"IC": 0.6})
    assert counts_shown(page) == rate(own, scored).counts().tolist()
