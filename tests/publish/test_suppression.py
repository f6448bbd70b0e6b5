"""Counts that a publication keeps back cannot be worked out from all the rest of it."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pandas as pd
import pytest
from attacker import FULL, Attacker, attack_site, attack_view
from click.testing import CliRunner
from views import KEY, view_of

from calib.cli import cli
from calib.errors import CalibError
from calib.experiment import load_experiment
from calib.files import shipped_experiments
from calib.framework import load_framework
from calib.outcomes import ComparisonResult
from calib.population import generate_population
from calib.publish import Privacy, build_site, losses_summary, losses_table
from calib.publish.cells import count_cells
from calib.publish.protection import protect
from calib.publish.release import Release
from calib.rating import rate
from calib.report import WITHHELD, Role, Table
from calib.weights import published_weights
from calib.words import Name

FW = load_framework("aii")
QUICK = ("cesi-capability", "robustness", "rule-options", "trial-comparison", "vdma-readiness")
SHIPPED = sorted(p.stem for p in shipped_experiments().glob("*.toml"))


def compared(sizes, seed, sets=2):
    population = generate_population(FW, sizes, rng=seed)
    rng = np.random.default_rng(seed)
    published = published_weights(FW)
    others = {}
    for i in range(sets):
        share = float(rng.uniform(0.2, 0.6))
        others[f"other-{i}"] = published.with_weights({"DA": share}, name=f"other-{i}")
    # A twin: the same weights by another name, which everybody can see.
    others["twin"] = others["other-0"].with_weights({}, name="twin")
    sets = {"published": published, **others}
    return ComparisonResult({n: rate(w, population) for n, w in sets.items()}, "published")


def protected(result, least=3):
    cells = count_cells(result.ratings, result.baseline, least_group=least)
    return protect(cells, least)


def released(result, least=3):
    release = Release(Privacy(KEY, least), None, protected(result, least))
    shown = (release.table(t) for t in result.tables)
    return {t.name: t.frame for t in shown if t is not None}


def attacked(result, tables, least=3):
    tables = {n: f.assign(count_=f["count"]) if "count" in f else f for n, f in tables.items()}
    sizes = {t: len(s.star) for t, s in result.base.samples.items()}
    sizes = {"all": sum(sizes.values()), **sizes}
    return Attacker(tables, sizes, result.baseline, {"twin": "other-0"}).attack(least - 1)


@pytest.mark.parametrize("least", [3, 5])
@pytest.mark.parametrize("seed", range(4))
def test_nothing_hidden_can_be_worked_out_from_the_publication(seed, least):
    result = compared({"discrete": 12 + 3 * seed, "process": 9}, seed)
    tables = released(result, least)
    found = attacked(result, tables, least)
    assert found.hidden > 0
    assert found.exact == ()
    assert found.narrow == ()
    # What is shown is true, and no small count is.
    before = result.frames["stars"].set_index(["set", "scope", "star"])["count"]
    after = tables["stars"].set_index(["set", "scope", "star"])["count"]
    for key, value in after.items():
        assert value == WITHHELD or (value == before[key] and not 0 < value < least)


def test_the_attacker_finds_what_is_hidden_carelessly():
    """The proof can fail: hiding only small cells leaves nearly all to be worked out."""
    result = compared({"discrete": 12, "process": 9}, 1)
    tables = {n: f.copy() for n, f in result.frames.items()
              if n in ("stars", "node-stars", "transitions", "agreement")}  # fmt: skip
    for name, columns in {"stars": ["count"], "node-stars": ["count"], "transitions": ["count"],
                          "agreement": ["same", "up", "down", "downgraded"]}.items():  # fmt: skip
        for column in columns:
            frame = tables[name]
            small = frame[column].between(1, 2)
            frame[column] = frame[column].astype(object).where(~small, WITHHELD)
    found = attacked(result, tables)
    assert len(found.exact) > 0.5 * found.hidden


def test_the_witness_tables_leave_every_hidden_cell_open():
    found = protected(compared({"discrete": 14, "process": 10}, 3))
    open_by = (found.high - found.low)[found.hidden]
    assert open_by.min() >= found.width == 2
    assert (found.low >= 0).all()
    assert found.hidden[found.small].all()


def test_splits_are_given_up_before_totals():
    result = compared({"discrete": 30, "process": 25}, 5)
    tables = released(result)
    stars = tables["stars"]
    whole, split = stars[stars["scope"] == "all"], stars[stars["scope"] != "all"]
    hidden = [(f["count"] == WITHHELD).mean() for f in (whole, split)]
    assert hidden[0] < hidden[1]
    # Every set shows stars of all enterprises.
    assert (whole.groupby("set")["count"].apply(lambda c: (c != WITHHELD).sum()) >= 2).all()


def test_suppression_is_the_same_every_time():
    first, second = (released(compared({"discrete": 12, "process": 9}, 2)) for _ in range(2))
    for name, frame in first.items():
        pd.testing.assert_frame_equal(frame, second[name])


def test_an_only_enterprise_of_a_track_never_shows_its_star():
    result = compared({"discrete": 20, "process": 1}, 1)
    tables = released(result)
    for name in ("stars", "agreement", "transitions", "node-stars"):
        assert set(tables[name]["scope"]) == {"all"}
    assert attacked(result, tables).exact == ()


def test_transitions_that_nobody_makes_are_hidden_among_those_that_few_make():
    result = compared({"discrete": 12, "process": 9}, 1)
    before, after = result.frames["transitions"], released(result)["transitions"]
    there = set(before[["set", "scope", "from_star", "to_star"]].itertuples(index=False, name=None))
    rows = after[["set", "scope", "from_star", "to_star"]].itertuples(index=False, name=None)
    new = [v for k, v in zip(rows, after["count"], strict=True) if k not in there]
    assert new
    assert set(new) == {WITHHELD}


def test_agreement_goes_with_the_transitions_that_it_follows_from():
    result = compared({"discrete": 12, "process": 9}, 1)
    tables = released(result)
    agreement = tables["agreement"]
    assert "max_abs_change" not in agreement
    for row in agreement.itertuples():
        if WITHHELD in (row.same, row.up, row.down):
            assert row.kappa_linear == WITHHELD


def test_a_count_that_is_not_that_of_the_publication_is_left_out():
    result = compared({"discrete": 12, "process": 9}, 1)
    release = Release(Privacy(KEY, 3), None, protected(result))
    frame = result.frames["stars"].assign(count=lambda f: f["count"] + 1, weight=0.5)
    shown = release.table(Table("stars", frame, Name("", ""))).frame
    assert "count" not in shown
    assert "share" not in shown


def test_too_few_enterprises_are_refused_rather_than_shown():
    few = generate_population(FW, {"discrete": 1}, rng=1)
    base = rate(published_weights(FW), few)
    with pytest.raises(CalibError, match="so few enterprises"):
        protect(count_cells({"published": base}, "published"), 3)


@pytest.mark.parametrize("name", SHIPPED if FULL else QUICK)
def test_nothing_hidden_is_found_in_a_shipped_experiment(name):
    view = view_of(name)
    found = attack_view(view)
    assert found.hidden > 0
    assert found.exact == ()
    assert found.narrow == ()
    # No count below the minimum, and no share that stands alone.
    for table in view.tables():
        for key, column in table.columns.items():
            values = {str(v) for v in table.frame[key]}
            if column.role == Role.COUNT:
                assert not values & {"1", "2", "1.0", "2.0"}, (table.name, key)
            if column.role == Role.SHARE:
                assert "count" in table.frame, (table.name, key)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published") / "site"
    return build_site(view_of("trial-comparison", "zh"), folder, answers=False).folder


def test_the_pages_of_a_site_tell_no_more_than_its_tables(site):
    found, attacker = attack_site(site, view_of("trial-comparison", "zh"))
    assert attacker.seen > 100
    assert found.hidden > 0
    assert (found.exact, found.narrow, attacker.contradictions) == ((), (), [])
    assert attacker.drawn
    assert not set(attacker.drawn) & {1, 2}


def test_the_attacker_reads_what_a_page_tells_too_much(site, tmp_path):
    """The proof can fail: one hidden count in a notebook's table gives it away."""
    view = view_of("trial-comparison", "zh")
    stars = view.run.ratings["published"].frames["stars"]
    row = next(r for r in stars.itertuples() if r.scope == "all" and r.count in (1, 2))
    star = view.run.experiment.framework.rule.labels[row.star - 1].get("zh")
    copy = tmp_path / "site"
    shutil.copytree(site, copy)
    told = "".join(f"<td>{cell}</td>" for cell in ("全部", star, row.count))
    (copy / "n.html").write_text(
        f"<table><tr><th>范围</th><th>星级</th><th>企业数</th></tr><tr>{told}</tr></table>", "utf-8"
    )
    found, attacker = attack_site(copy, view)
    assert ("stars", "published", "all", row.star) in found.exact or attacker.contradictions


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", SHIPPED if FULL else [])
def test_nothing_hidden_is_found_on_a_site_with_its_notebooks(name, language, tmp_path):
    """CALIB_FULL_ATTACK=1 publishes every experiment in both languages, for an hour."""
    (tmp_path / "key").write_bytes(KEY)
    words = ["publish", name, "--lang", language, "--anonymise", "--key", str(tmp_path / "key")]
    done = CliRunner().invoke(cli, [*words, "-o", str(tmp_path / "site")])
    assert done.exit_code == 0, done.output
    found, attacker = attack_site(tmp_path / "site", view_of(name, language))
    print(name, language, found.hidden, attacker.seen)
    assert (found.exact, found.narrow, attacker.contradictions) == ((), (), [])
    assert not set(attacker.drawn) & {1, 2}


def test_every_set_shows_its_stars_in_the_figure():
    view = view_of("trial-comparison")
    text = [t.get_text() for t in view.figure("stars").axes[0].get_yticklabels()]
    assert len(text) == len(load_experiment("trial-comparison").sets)
    labels = view.figure("stars").axes[0].get_legend_handles_labels()[1]
    assert "not published star by star" in labels
    chinese = view_of("trial-comparison", "zh").figure("stars")
    assert "不逐星公布" in chinese.axes[0].get_legend_handles_labels()[1]
    assert "合成数据" in chinese.get_suptitle()


def test_what_is_not_published_says_so_in_the_readers_words():
    for language, word in (("zh", "不公布"), ("en", "not published")):
        shown = view_of("trial-comparison", language).table("stars")
        assert f">{word}<" in shown._repr_html_()
        assert "&lt;3" not in shown._repr_html_()
    # A figure that is left out says so in a sentence, not as a string in quotes.
    part = view_of("robustness").figure("stability-pillar")
    assert part._repr_html_().startswith('<p class="muted">')
    assert "not published" in repr(part)
    assert "'" not in repr(part)


def test_the_preview_is_in_the_readers_words_alone():
    view = view_of("trial-comparison", "zh")
    shown = losses_table(view).frame
    cells = shown[["name", "part", "why"]].to_numpy().ravel()
    words = " ".join([*map(str, cells), losses_summary(view).get("zh")])
    assert re.search("[A-Za-z_]{2,}", words) is None, words
    assert "最大变化" in words
    row = shown[shown["part"].str.contains("最大变化")].iloc[0]
    assert row["why"] == "是单家企业的数值"
