from __future__ import annotations

import re
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xlsxwriter

from calib.errors import InputError
from calib.population import (
    Population,
    generate_population,
    load_population,
    read_population,
)
from calib.rating import rate
from calib.tables import read_table, write_csv, write_parquet, write_table, write_xlsx
from calib.weights import published_weights


def wide(trial):
    frame = trial.frame()
    leaves = [c for c in frame.columns if "." in c]
    frame[leaves] = frame[leaves].astype("Int64")
    return frame


def save(frame, path, **options):
    frame.to_csv(path, index=False, encoding=options.pop("encoding", "utf-8"), **options)
    return path


def same(a, b):
    for t in a.samples:
        np.testing.assert_array_equal(a.samples[t].values, b.samples[t].values)
        assert a.samples[t].ids.tolist() == b.samples[t].ids.tolist()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_csv_is_read_in_the_encodings_that_excel_writes(aii, trial, tmp_path, encoding):
    again = read_population(save(wide(trial), tmp_path / "p.csv", encoding=encoding), aii)
    same(trial, again)
    assert again.samples["discrete"].names[0].startswith("合成企业")
    if encoding == "gb18030":
        assert any("GB18030" in n.get("en") for n in again.notes)


def test_chinese_heads_track_names_and_indicator_names_are_understood(aii, trial, tmp_path):
    frame = wide(trial)
    frame = frame[frame["track"] == "discrete"].drop(
        columns=[c for c in frame.columns if re.search(r"\.P\d", c)]
    )
    tree = aii.tracks["discrete"]
    names = {tree.codes[i]: tree.nodes[i].name.zh for i in tree.leaves}
    frame = frame.rename(
        columns={"enterprise": "企业编号", "name": "企业名称", "track": "企业类型", **names}
    )
    frame["企业类型"] = "离散型制造企业"
    frame["规模"] = "大型"
    again = read_population(save(frame, tmp_path / "p.csv", encoding="gb18030"), aii)
    np.testing.assert_array_equal(
        again.samples["discrete"].values, trial.samples["discrete"].values
    )
    assert set(again.samples["discrete"].attributes["size"]) == {"大型"}


@pytest.mark.parametrize("ending", ["xlsx", "parquet"])
def test_workbooks_and_parquet_give_the_same_population(aii, trial, tmp_path, ending):
    frame = trial.frame()
    path = tmp_path / f"p.{ending}"
    (write_xlsx({"answers": frame}, path) if ending == "xlsx" else write_parquet(frame, path))
    same(trial, read_population(path, aii))


def test_long_tables_give_the_same_population(aii, trial, tmp_path):
    long = wide(trial).melt(id_vars=["enterprise", "name", "track"], var_name="indicator")
    long = long.dropna().sample(frac=1, random_state=1)
    again = read_population(save(long, tmp_path / "long.csv"), aii)
    for t, sample in trial.samples.items():
        order = np.argsort(again.samples[t].ids)
        np.testing.assert_array_equal(again.samples[t].values[order], sample.values)


def test_a_dataframe_goes_in_and_comes_out(aii, trial):
    again = Population.from_frame(trial.frame(), aii)
    same(trial, again)
    scores = trial.frame()
    leaves = [c for c in scores.columns if "." in c]
    scores[leaves] = 25.0 * (scores[leaves].astype(float) - 1)
    # Four- and three-option items exceed nothing here: scores are 0 to 100 whatever the item.
    people = Population.from_frame(scores, aii, kind="scores")
    assert people.samples["process"].values.max() <= 100


def edited(trial, tmp_path, edit):
    frame = wide(trial).astype(object).where(lambda f: f.notna(), "")
    edit(frame)
    return save(frame, tmp_path / "p.csv")


def put(row, column, value):
    def edit(frame):
        frame.loc[row, column] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (put(0, "IC.DEV.D1", "abc"), ["row 2, column IC.DEV.D1", "no number", "'abc'", "1 to 5"]),
        (put(2, "IC.DEV.D1", 6), ["row 4, column IC.DEV.D1", "answer is no option", "6.0"]),
        (put(2, "IC.DEV.D1", 2.5), ["answer is no option", "2.5"]),
        (put(2, "DA.SVC.D2", 4), ["an option 1 to 3"]),
        (put(2, "IC.DEV.D1", "inf"), ["is no number", "'inf'"]),
        (put(1, "track", "proces"), ["row 3, column track", "no such track", "discrete | process"]),
        (put(1, "track", "process"), ["enterprise of track process answers an indicator of track "
                                      "discrete"]),
        (put(3, "enterprise", "D01"), ["row 5", "duplicate enterprise id", "first in row 2"]),
        (put(3, "enterprise", ""), ["row 5", "enterprise id is empty"]),
    ],
)  # fmt: skip
def test_a_faulty_cell_is_named_with_what_would_be_valid(aii, trial, tmp_path, edit, words):
    with pytest.raises(InputError) as caught:
        read_population(edited(trial, tmp_path, edit), aii)
    for word in ["p.csv", *words]:
        assert word in str(caught.value)


def test_all_faults_of_a_file_are_listed_at_once(aii, trial, tmp_path):
    def edit(frame):
        frame.loc[0, "IC.DEV.D1"] = "abc"
        frame.loc[20, "DA.SVC.P2"] = 9
        frame.loc[5, "enterprise"] = "D01"

    with pytest.raises(InputError) as caught:
        read_population(edited(trial, tmp_path, edit), aii)
    assert len(caught.value.faults) == 3


def test_unknown_duplicate_and_missing_columns_are_faults(aii, trial, tmp_path):
    frame = wide(trial).rename(columns={"IC.DEV.D1": "IC.DEV.X1"})
    with pytest.raises(InputError) as caught:
        read_population(save(frame, tmp_path / "p.csv"), aii)
    assert "unknown column (did you mean 'IC.DEV." in str(caught.value)
    assert "no column for 1 indicators of track discrete: IC.DEV.D1" in str(caught.value)
    twice = pd.concat([wide(trial), wide(trial)[["IC.DEV.D1"]]], axis=1)
    with pytest.raises(InputError, match="duplicate column"):
        read_population(save(twice, tmp_path / "q.csv"), aii)


@pytest.mark.parametrize(("value", "fine"), [(-1, False), (100.5, False), (0, True), (100, True)])
def test_scores_outside_0_to_100_are_refused(aii, trial, value, fine):
    frame = trial.frame()
    leaves = [c for c in frame.columns if "." in c]
    frame[leaves] = frame[leaves].astype(float) * 10
    frame.loc[0, "IC.DEV.D1"] = value
    if fine:
        assert len(Population.from_frame(frame, aii, kind="scores")) == 22
    else:
        with pytest.raises(InputError, match=r"score out of range .*a score from 0 to 100"):
            Population.from_frame(frame, aii, kind="scores")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"enterprise,track\n"])
def test_an_empty_file_is_refused(aii, tmp_path, content):
    (tmp_path / "e.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"e\.csv.*(is empty|no rows)"):
        read_population(tmp_path / "e.csv", aii)


def test_a_missing_or_broken_file_is_refused(aii, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_population(tmp_path / "none.csv", aii)
    (tmp_path / "b.xlsx").write_bytes(b"not a workbook")
    with pytest.raises(InputError, match="cannot be read as an Excel workbook"):
        read_population(tmp_path / "b.xlsx", aii)
    (tmp_path / "b.csv").write_bytes(b"\xff\x81\xff\x00\x80")
    with pytest.raises(InputError, match="neither UTF-8, UTF-16 nor GB18030"):
        read_population(tmp_path / "b.csv", aii)
    (tmp_path / "r.csv").write_text("enterprise,track\na,b\nc,d,e,f\n")
    with pytest.raises(InputError, match="rows do not fit"):
        read_population(tmp_path / "r.csv", aii)


@pytest.mark.parametrize("cached", [3, ""])
def test_a_formula_cell_is_refused_by_its_address(aii, trial, tmp_path, cached):
    frame = wide(trial)
    path = tmp_path / "f.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("数据")
    sheet.write_row(0, 0, list(frame.columns))
    for i, row in enumerate(
        frame.astype(object).where(frame.notna(), None).itertuples(index=False)
    ):
        for j, value in enumerate(row):
            if value is not None:
                sheet.write(i + 1, j, value)
    sheet.write_formula("D3", "=1+2", None, cached)
    book.close()
    assert zipfile.is_zipfile(path)
    with pytest.raises(InputError, match=r"数据!D3 \(IC\.DEV\.D1\): holds a formula"):
        read_population(path, aii)


def test_booleans_are_no_scores(aii, trial, tmp_path):
    frame = wide(trial).astype(object).where(wide(trial).notna(), np.nan)
    frame.loc[0, "IC.DEV.D1"] = True
    write_xlsx({"s": frame}, tmp_path / "b.xlsx")
    with pytest.raises(InputError, match=r"s!D2.*is no number"):
        read_population(tmp_path / "b.xlsx", aii)


def test_names_that_start_formulas_are_inert_in_csv_and_xlsx(tmp_path):
    frame = pd.DataFrame({"name": ["=1+1", "+x", "-y", "@z", "plain"], "v": [-1.5, 2, 3, 4, 5]})
    write_csv(frame, tmp_path / "t.csv")
    text = (tmp_path / "t.csv").read_text("utf-8-sig")
    assert "'=1+1,-1.5" in text
    assert "\n=" not in text
    write_xlsx({"t": frame}, tmp_path / "t.xlsx")
    with zipfile.ZipFile(tmp_path / "t.xlsx") as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
    assert read_table(tmp_path / "t.xlsx").text("name")[0] == "=1+1"


def test_generated_populations_are_seeded_correlated_and_shaped_like_the_trial(aii, trial):
    one = generate_population(aii, 4000, like=trial, rng=5)
    two = generate_population(aii, 4000, like=trial, rng=5)
    same(one, two)
    assert one.synthetic
    assert {t: len(s) for t, s in one.samples.items()} == {"discrete": 2182, "process": 1818}
    values = one.samples["discrete"].values
    correlation = np.corrcoef(values.T)
    assert 0.2 < np.median(correlation[np.triu_indices(28, 1)]) < 0.6
    mean_old = trial.samples["discrete"].values.mean()
    assert values.mean() == pytest.approx(mean_old, abs=0.15)
    counts = rate(published_weights(aii), one).counts()
    assert (counts > 0).all()
    assert counts.argmax() in (1, 2, 3)
    other = generate_population(aii, 4000, like=trial, rng=6)
    assert not np.array_equal(other.samples["discrete"].values, values)


def test_generating_says_what_it_cannot_do(aii):
    with pytest.raises(InputError, match="below 1 in all"):
        generate_population(aii, 10, general=0.6, pillar=0.4)
    with pytest.raises(InputError, match="no track 'x'"):
        generate_population(aii, {"x": 3})


def test_rows_keep_their_numbers_past_empty_ones(aii, trial, tmp_path):
    path = tmp_path / "gaps.csv"
    lines = trial.frame().to_csv(index=False).splitlines()
    lines[6] = lines[6].replace(",discrete,", ",discret,")
    path.write_text("\n".join(["", *lines[:3], "", ",,", *lines[3:], ""]), "utf-8")
    with pytest.raises(InputError) as caught:
        read_population(path, aii)
    assert [f.where for f in caught.value.faults] == ["row 10, column track"]
    path.write_text(path.read_text("utf-8").replace(",discret,", ",discrete,"), "utf-8")
    assert len(read_population(path, aii)) == 22


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_row_that_ends_early_is_refused(aii, trial, tmp_path, quote):
    path = tmp_path / "short.csv"
    frame = trial.frame()
    frame["name"] = quote + frame["name"]
    lines = frame.to_csv(index=False).splitlines()
    lines[4] = ",".join(lines[4].split(",")[:10])
    path.write_text("\n".join(lines), "utf-8")
    with pytest.raises(InputError, match=r"row 5: ends before the header .*found 10.* 54 cells"):
        read_population(path, aii)


def test_text_that_only_claims_to_be_utf_16_is_refused(aii, tmp_path):
    (tmp_path / "odd.csv").write_bytes(b"\xff\xfea,b\n1")
    with pytest.raises(InputError, match="neither UTF-8, UTF-16 nor GB18030"):
        read_population(tmp_path / "odd.csv", aii)


def _long(trial):
    frame = trial.frame().drop(columns="name")
    long = frame.melt(["enterprise", "track"], var_name="indicator").dropna()
    return long.reset_index(drop=True)


@pytest.mark.parametrize(
    ("row", "track", "words"),
    [(5, "process", "stands on two tracks"), (0, "proces", "no such track"),
     (5, "proces", "no such track")],
)  # fmt: skip
def test_a_long_table_with_a_stray_track_is_refused(aii, trial, row, track, words):
    long = _long(trial)
    long.loc[row, "track"] = track
    with pytest.raises(InputError, match=words):
        Population.from_frame(long, aii)


def test_a_column_that_is_not_used_is_a_note(aii, trial):
    for frame in (_long(trial), trial.frame()):
        read = Population.from_frame(frame.assign(score=3), aii)
        assert [n.get("en") for n in read.notes] == ["column not used: score"]
        assert len(read) == 22


def test_faults_of_a_dataframe_count_rows_by_position_and_show_plain_numbers(aii, trial):
    long = _long(trial)
    long.loc[3, "value"] = 9.5
    with pytest.raises(InputError, match=r"row 3, .*no option \(found 9\.5\)"):
        Population.from_frame(long, aii)


def test_a_dataframe_with_a_repeated_column_is_refused(aii, trial):
    frame = trial.frame()
    frame.insert(4, "IC.DEV.D1", 1, allow_duplicates=True)
    with pytest.raises(InputError, match="duplicate column"):
        Population.from_frame(frame, aii)


def test_what_excel_has_no_number_for_is_written_as_text(tmp_path):
    frame = pd.DataFrame({"{=1+1}": ["{=1+1}", "http://x"], "x": [np.inf, 1.5], "y": [True, None]})
    write_table(frame, tmp_path / "t.xlsx")
    back = read_table(tmp_path / "t.xlsx")
    assert list(back.frame.columns) == ["{=1+1}", "x", "y"]
    assert back.frame.to_numpy().tolist() == [["{=1+1}", "inf", True], ["http://x", 1.5, ""]]
    assert not back.formulas


def test_population_files_that_name_each_other_are_refused(aii, tmp_path):
    for name, other in (("a", "b"), ("b", "a")):
        text = f'schema = "calib.population/1"\nfile = "{other}.toml"\n'
        (tmp_path / f"{name}.toml").write_text(text)
    with pytest.raises(InputError, match="in a circle"):
        load_population(tmp_path / "a.toml", aii)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('file = "x.toml"\nvalues = "scores"', "values would have no effect"),
        ('generate = { n = 3 }\nsheet = "a"', "sheet would have no effect"),
        ("generate = { n = 3, seed = -1 }", "generate.seed: .*greater than or equal to 0"),
        ("generate = { n = { discrete = 0 } }", "expected 1 or more"),
    ],
)
def test_a_declared_population_that_cannot_be_meant_is_refused(aii, tmp_path, body, words):
    path = tmp_path / "population.toml"
    path.write_text('schema = "calib.population/1"\n' + body)
    with pytest.raises(InputError, match=words):
        load_population(path, aii)


def test_generated_ids_differ_between_tracks_of_the_same_initial(aii):
    track = aii.tracks["discrete"]
    tracks = {t: replace(track, code=t) for t in ("press", "print")}
    twins = replace(aii, tracks=tracks, published=dict.fromkeys(tracks, aii.published["discrete"]))
    ids = generate_population(twins, 6, rng=1).frame()["enterprise"]
    assert sorted(ids) == ["PRE1", "PRE2", "PRE3", "PRI1", "PRI2", "PRI3"]


def test_a_long_table_gives_an_enterprise_one_name_and_one_of_each_attribute(aii, trial):
    long = _long(trial).assign(name="A", region="north")
    assert len(Population.from_frame(long, aii)) == 22
    long.loc[200, "region"] = "south"
    with pytest.raises(InputError, match=r"row 200, column region: differs .*expected 'north'"):
        Population.from_frame(long, aii)


def test_an_id_that_is_a_formula_is_refused(aii, trial, tmp_path):
    frame = wide(trial)
    book = xlsxwriter.Workbook(str(tmp_path / "f.xlsx"))
    sheet = book.add_worksheet("答案")
    sheet.write_row(0, 0, list(frame.columns))
    for i, row in enumerate(frame.astype(object).to_numpy().tolist(), start=1):
        for j, value in enumerate(row):
            if value is not pd.NA:
                sheet.write(i, j, value)
    sheet.write_formula(3, 0, '="D"&"03"', None, "D03")
    book.close()
    with pytest.raises(InputError, match=r"答案!A4 \(enterprise\): holds a formula"):
        read_population(tmp_path / "f.xlsx", aii)
