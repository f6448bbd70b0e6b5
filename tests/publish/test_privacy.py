"""Nothing published names an enterprise, and small counts cannot be worked out."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from views import KEY, view_of

from calib.errors import CalibError, InputError
from calib.experiment import load_experiment, make_sets
from calib.figures import estimates, save_svg
from calib.files import shipped_experiments
from calib.framework import load_framework
from calib.population import Population, Sample, generate_population
from calib.publish import (
    Privacy,
    Sheet,
    build_site,
    find_leaks,
    open_view,
    pseudonymise,
    read_key,
    secret_words,
    write_workbook,
)
from calib.publish.release import Release, mentions
from calib.rating import rate, score_answers
from calib.report import Column, Role, SchemaError, Table
from calib.weights import published_weights
from calib.words import Name

FW = load_framework("aii")


def named():
    population = generate_population(FW, {"discrete": 12, "process": 9}, rng=4)
    samples = {
        t: Sample(s.track, np.array([f"NO-{t}-{i:03d}" for i in range(len(s))], dtype=object),
                  np.array([f"华东机床{t}第{i}厂" for i in range(len(s))], dtype=object), s.values)
        for t, s in population.samples.items()
    }  # fmt: skip
    return Population(FW, samples, "answers", "named")


def test_pseudonyms_are_stable_under_a_key_and_differ_under_another():
    first, second = pseudonymise(named(), KEY), pseudonymise(named(), KEY)
    other = pseudonymise(named(), KEY[::-1])
    for t in first.samples:
        assert first.samples[t].ids.tolist() == second.samples[t].ids.tolist()
        assert not set(first.samples[t].ids) & set(other.samples[t].ids)


def test_pseudonyms_keep_the_answers_and_hide_the_order():
    population = named()
    hidden = pseudonymise(population, KEY)
    weights = published_weights(FW)
    before, after = rate(weights, population), rate(weights, hidden)
    assert before.counts().tolist() == after.counts().tolist()
    for t, s in hidden.samples.items():
        assert s.ids.tolist() == sorted(s.ids)
        assert s.names.tolist() == s.ids.tolist()
        rows = {tuple(r) for r in population.samples[t].values}
        assert {tuple(r) for r in s.values} == rows
    own = np.concatenate([s.values for s in population.samples.values() if len(s) == 12])
    assert not np.array_equal(own, hidden.samples["discrete"].values)


def test_a_key_is_made_once_for_its_owner_only(tmp_path):
    file = tmp_path / "keys" / "pseudonyms.key"
    key = read_key(file)
    assert key == read_key(file)
    assert file.stat().st_mode & 0o077 == 0
    (tmp_path / "short").write_text("abc")
    with pytest.raises(InputError, match="expected 16 up"):
        read_key(tmp_path / "short")


def test_a_minimum_of_two_is_refused_as_it_would_tell_every_one():
    with pytest.raises(InputError, match="or 3 and more"):
        Privacy(min_count=2)


def test_a_minimum_of_one_suppresses_nothing():
    frame = pd.DataFrame({"set": ["a"], "star": [1], "count": [1]})
    table = Table("t", frame, Name("表", "table"))
    assert released(table, min_count=1) is table
    with pytest.raises(InputError, match="1 or more"):
        Privacy(min_count=0)


def test_names_are_found_wherever_they_hide(tmp_path):
    """In text, HTML and JSON escapes, workbooks, file names, and in figures drawn as outlines."""
    words = secret_words(named())
    name, code = "华东机床discrete第3厂", "NO-process-004"
    assert name in words
    assert code in words
    (tmp_path / "plain.html").write_text(f"<td>{name}</td>", encoding="utf-8")
    escaped = "".join(f"&#{ord(c)};" for c in name)
    (tmp_path / "escaped.html").write_text(f"<td>{escaped}</td>", encoding="utf-8")
    unicode = "".join(f"\\u{ord(c):04x}" for c in name)
    (tmp_path / "data.json").write_text(f'{{"n": "{unicode}"}}', encoding="utf-8")
    (tmp_path / f"{code}.txt").write_text("nothing", encoding="utf-8")
    own = Table("s", pd.DataFrame({"name": [name]}), Name("s", "s"))
    write_workbook([Sheet("s", own)], tmp_path / "book.xlsx")
    table = pd.DataFrame({"estimate": [1.0], "lower": [0.5], "upper": [2.0]}, index=[name])
    save_svg(estimates(table, label="x"), tmp_path / "figure.svg")
    (tmp_path / "clean.html").write_text("<td>E-ABCDEF 华东</td>", encoding="utf-8")
    found = {leak.file for leak in find_leaks(tmp_path, words)}
    assert found == {
        "plain.html", "escaped.html", "data.json", f"{code}.txt", "book.xlsx", "figure.svg",
    }  # fmt: skip


def test_short_ids_are_not_found_inside_codes_and_short_numbers_not_at_all(tmp_path):
    (tmp_path / "a.html").write_text("IC.DEV.D1 17 #d1d1d1", encoding="utf-8")
    assert find_leaks(tmp_path, ["D1"]) == []
    (tmp_path / "b.html").write_text("<td>D1</td>", encoding="utf-8")
    assert [leak.file for leak in find_leaks(tmp_path, ["D1"])] == ["b.html"]
    s = named().samples["process"]
    plain = Sample(s.track, np.array([str(i) for i in range(9)], dtype=object), s.names, s.values)
    words = secret_words(Population(FW, {"process": plain}, "answers"))
    assert all(not w.isdigit() for w in words)


def test_scores_of_a_pseudonymous_population_carry_no_name():
    scored = score_answers(pseudonymise(named(), KEY))
    for s in scored.samples.values():
        assert all(str(i).startswith("E-") for i in (*s.ids, *s.names))


def test_files_named_after_their_authors_go_by_numbers():
    view = open_view("expert-panel", lang="en", privacy=Privacy(KEY, 3))
    inputs = [k for w in view.run.sets.values() for k in w.provenance.inputs]
    names = [*view.run.inputs, *inputs]
    assert any(n.startswith("file 1.") for n in names)
    assert not any(n.endswith(".xlsx") and not n.startswith("file ") for n in names)
    # A file has one number wherever it is named.
    assert len(set(names)) == len(set(view.run.inputs))
    plain = open_view("expert-panel", lang="en").run
    assert any("round-" in n for n in plain.inputs)
    assert sorted(plain.inputs.values()) == sorted(view.run.inputs.values())
    # What is left out says so in a sentence, not as a string in quotes.
    part = view.table("movers")
    assert part._repr_html_().startswith('<p class="muted">')
    assert "not published" in repr(part)
    assert "'" not in repr(part)


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("权重 王 伟强", "王伟强"),
        ("from 2nd round-R2.CSV", "round-R2.csv"),
        ("a panel, round-R2", ""),
    ],
)
def test_a_site_that_names_an_expert_or_their_file_is_not_published(title, found, tmp_path):
    panel = tmp_path / "round-R2.csv"
    rows = [f"{e},1,points,root,{i},,{v}" for e in ("王伟强", "专家1", "an") for i, v in
            (("IC", 40), ("IN", 30), ("DA", 30))]  # fmt: skip
    panel.write_text("\n".join(["expert,round,method,node,item,against,value", *rows]), "utf-8")
    (tmp_path / "e.toml").write_text(
        f"""schema = "calib.experiment/1"
name = "e"
framework = "aii"
baseline = "published"
title = {{ zh = "{title}", en = "{title}" }}
population.generate = {{ n = 40, seed = 1 }}
sets.published.source = "published"
[sets.panel]
source = "experts"
files = ["round-R2.csv"]
unjudged = "published"
draws = 100
""", "utf-8")  # fmt: skip
    view = open_view(tmp_path / "e.toml", lang="zh", privacy=Privacy(KEY, 3))
    if not found:
        assert build_site(view, tmp_path / "s", answers=False, secrets=["无此企业"]).folder.exists()
        return
    with pytest.raises(CalibError, match=f"({found})"):
        build_site(view, tmp_path / "s", answers=False, secrets=["无此企业"])
    assert not (tmp_path / "s").exists()


def released(table, min_count=3, key=KEY, ids=None):
    return Release(Privacy(key, min_count), ids).table(table)


def test_a_count_of_a_plugin_is_left_out_as_nobody_knows_how_it_adds_up():
    columns = (Column("firms", Role.COUNT, label=Name("企业", "firms")),
               Column("region", Role.GROUP, label=Name("地区", "region")))  # fmt: skip
    frame = pd.DataFrame({"region": ["n", "s"], "firms": [1, 9], "weight": [0.4, 0.6]})
    table = Table("regions", frame, Name("地区", "regions"), declared=columns)
    assert list(released(table).frame.columns) == ["region", "weight"]
    assert released(table, min_count=1).frame.equals(frame)
    # Nothing is left to say without the counts.
    bare = Table("bare", frame[["region", "firms"]], Name("地区", "regions"), declared=columns)
    assert released(bare) is None


def test_known_counts_by_a_key_of_which_no_sums_are_known_are_left_out():
    region = (Column("region", Role.GROUP, label=Name("地区", "region")),)
    frame = pd.DataFrame({"region": ["n", "s"] * 2, "star": [1, 1, 2, 2], "count": [9, 8, 7, 5],
                          "share": [0.5, 0.5, 0.5, 0.5], "weight": 0.1})  # fmt: skip
    table = Table("t", frame, Name("表", "table"), declared=region)
    assert list(released(table).frame.columns) == ["region", "star", "weight"]


def test_an_undeclared_column_is_refused():
    with pytest.raises(SchemaError, match="firms"):
        Table("t", pd.DataFrame({"firms": [1]}), Name("表", "table"))


def test_counts_that_no_sum_protects_go_with_their_columns():
    frame = pd.DataFrame(
        {"code": ["x"], "star_changed": [0.05], "stars_1": [1], "star_2": [2], "share_now": [0.1],
         "retire_up": [1], "variance_share": [0.2]}
    )  # fmt: skip
    assert list(released(Table("t", frame, Name("", ""))).frame.columns) == [
        "code", "variance_share"]  # fmt: skip


def test_tables_about_single_enterprises_and_persons_are_withheld_by_role():
    who = Column("shop", Role.ENTERPRISE, label=Name("厂", "shop"))
    judge = Column("judge", Role.PERSON, label=Name("评委", "judge"))
    shops = Table("s", pd.DataFrame({"shop": ["a"], "score": [1.0]}), Name("厂", "s"),
                  declared=(who,))  # fmt: skip
    judges = Table("j", pd.DataFrame({"judge": ["b"], "weight": [1.0]}), Name("评", "j"),
                   declared=(judge,))  # fmt: skip
    assert released(shops) is None
    assert released(shops, min_count=1) is shops
    assert released(judges) is None
    assert released(judges, min_count=1) is None
    assert released(judges, key=None) is not None


def test_lists_of_enterprises_and_texts_that_name_one_leave_only_their_column_out():
    population = named()
    frame = pd.DataFrame({
        "step": [1, 2], "moved_enterprises": ["NO-process-004 2→3", ""],
        "detail": ["of NO-process-004", "none"], "weight": [0.1, 0.2],
    })  # fmt: skip
    table = Table("rounds", frame, Name("轮", "rounds"))
    shown = released(table, ids=mentions(population)).frame
    assert list(shown.columns) == ["step", "weight"]
    harmless = Table(
        "t", pd.DataFrame({"detail": ["NO-process-0041"], "weight": [1.0]}), Name("", "")
    )
    assert "detail" in released(harmless, ids=mentions(population)).frame


def test_statistics_of_the_transitions_are_withheld_whatever_their_columns_are_called():
    frame = pd.DataFrame({"set": ["a"], "statistic": [1.5]})
    told = Table("t", frame, Name("检验", "tests"), from_transitions=True)
    assert released(told) is None
    assert released(Table("t", frame, Name("检验", "tests"))) is not None


def test_bounds_go_with_the_shares_that_they_are_about():
    frame = pd.DataFrame({"scope": "all", "star": [1, 2], "expected_share": [0.05, 0.95],
                          "low": [0.04, 0.9], "high": [0.06, 1.0], "weight": 0.5})  # fmt: skip
    shown = released(Table("t", frame, Name("", ""))).frame
    assert list(shown.columns) == ["scope", "star", "weight"]


@pytest.mark.parametrize("name", ["robustness", "shift", "rule-options", "rounds"])
def test_an_anonymised_publication_tells_of_no_single_enterprise(name, tmp_path):
    """Neither id nor pseudonym nor a count below the minimum: on no page, in no file."""
    if name in SHORTENED:
        experiment = shortened(name, tmp_path)
        view = open_view(experiment, lang="en", privacy=Privacy(KEY, 3))
    else:
        experiment, view = name, view_of(name)
    site = build_site(view, tmp_path / "site", answers=False)
    run = view.run
    pseudonyms = [str(i) for s in run.context.population.samples.values() for i in s.ids]
    plain = make_sets(load_experiment(experiment), []).population
    assert find_leaks(site.folder, [*pseudonyms, *secret_words(plain)]) == []
    for table in view.tables():
        assert not table.has(Role.ENTERPRISE)
        for key, column in table.columns.items():
            if column.role == Role.COUNT:
                values = {str(v) for v in table.frame[key]}
                assert not values & {"1", "2", "1.0", "2.0"}, (table.name, key)
            if column.role == Role.SHARE:
                assert "count" in table.frame, (table.name, key)


SHORTENED = {
    "shift": ("shift-to-analytics", {"[2017, 2025]": "[2017, 2019]"}),
    "rounds": ("reverse-adjustment", {"draws = 50": "draws = 0", 'ensemble = "trial"': ""}),
}
"""Shipped experiments without what takes long: years, refits, samples, a set of the same kind."""


def shortened(name, folder):
    shipped, (source, changes) = shipped_experiments(), SHORTENED[name]
    text = (shipped / f"{source}.toml").read_text("utf-8")
    if name == "rounds":
        text = text.split("[outcomes")[0]
        text = re.sub(r"\[sets\.without-floor\].*?(?=\[sets)", "", text, flags=re.DOTALL)
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    text = text.replace("../data/", f"{(shipped.parent / 'data').as_posix()}/")
    file = folder / f"{name}.toml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("text", [
    "<td>华东\n  机床discrete第3厂</td>", "<b>华东</b>机床<i>discrete</i>第3厂",
    "华东机床DISCRETE第３厂",
    '<img alt="华东 机床 discrete 第 3 厂">', "<td>no-Process-004</td>", "NO<wbr>-process-004",
    "NO-pro\u200bcess-004",
])  # fmt: skip
def test_names_are_found_wrapped_spaced_in_markup_and_in_other_case(text, tmp_path):
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    assert find_leaks(tmp_path, secret_words(named()))
    (tmp_path / "page.html").write_text("<td>华东机床厂 process 004</td>", encoding="utf-8")
    assert find_leaks(tmp_path, secret_words(named())) == []
