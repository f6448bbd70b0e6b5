"""Corrupt and hostile files end in one error that names them, soon and within bounds of memory."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xlsxwriter

from calib.adjustment import read_ledger
from calib.errors import Fault, InputError, did_you_mean
from calib.experiment import load_experiment, parse_experiment
from calib.experts import read_panel
from calib.files import read_toml, shipped_data
from calib.framework import load_framework
from calib.population import load_population
from calib.tables import read_table, write_table
from calib.weights import published_weights, read_weights, write_weights

AII = load_framework("aii")
BOOK = "xl/worksheets/sheet1.xml"


def repacked(source, target, change, part=BOOK):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, change(data) if name == part else data)
    return target


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "w.xlsx"
    write_weights(published_weights(AII), path)
    return path


def test_a_stray_cell_at_the_last_corner_is_refused_before_the_reader_asks_for_memory(tmp_path):
    path = tmp_path / "far.xlsx"
    workbook = xlsxwriter.Workbook(str(path))
    sheet = workbook.add_worksheet()
    sheet.write(0, 0, "enterprise")
    sheet.write(1_048_575, 16_383, "x")
    workbook.close()
    for read in (read_table, lambda p: read_panel([p], AII)):
        with pytest.raises(InputError, match=r"far\.xlsx.*1,048,576 rows and 16,384 columns"):
            read(path)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        (BOOK, lambda d: d[: len(d) // 2]),
        (BOOK, lambda d: d.replace(b'r="A1"', b'r="ZZZZZ99999999"')),
        (BOOK, lambda d: d.replace(b"utf-8", b"klingon").replace(b"UTF-8", b"klingon")),
        (BOOK, lambda d: d.replace(b"<row ", b'<row r="4294967295" ', 1)),
        (BOOK, lambda d: b""),
        ("xl/workbook.xml", lambda d: d.replace(b"<sheets>", b"<sheets><")),
        ("xl/workbook.xml", lambda d: b"<workbook/>"),
        ("xl/_rels/workbook.xml.rels", lambda d: b"<x"),
        ("xl/sharedStrings.xml", lambda d: b"<sst/>"),
    ],
)
def test_a_corrupt_workbook_is_one_error_with_its_name(book, tmp_path, part, change):
    path = repacked(book, tmp_path / "bad.xlsx", change, part)
    with pytest.raises(InputError, match=r"bad\.xlsx"):
        read_weights(path, AII)


def test_a_workbook_that_unpacks_too_large_is_refused_whatever_size_it_states(
    tmp_path, book, monkeypatch
):
    monkeypatch.setattr("calib.tables.xlsx.MOST_UNPACKED", 3_000_000)
    path = repacked(book, tmp_path / "bomb.xlsx", lambda d: d + b" " * 4_000_000)
    with pytest.raises(InputError, match=r"bomb\.xlsx: holds more than 3,000,000 bytes"):
        read_table(path)
    with zipfile.ZipFile(path) as archive:
        stated = archive.getinfo(BOOK).file_size
    raw = path.read_bytes()
    lying = raw.replace(stated.to_bytes(4, "little"), b"\x00\x10\x00\x00")
    assert lying != raw
    path.write_bytes(lying)
    with pytest.raises(InputError, match=r"bomb\.xlsx: holds more than 3,000,000 bytes"):
        read_table(path)


def test_a_workbook_that_states_too_large_a_size_is_refused_before_it_is_unpacked(tmp_path, book):
    path = repacked(book, tmp_path / "bomb.xlsx", lambda d: d)
    with zipfile.ZipFile(path) as archive:
        stated = archive.getinfo(BOOK).file_size
    large = (2_000_000_000).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(stated.to_bytes(4, "little"), large))
    with pytest.raises(InputError, match="holds more than 1,000,000,000 bytes unpacked"):
        read_table(path)


def test_only_regular_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    (tmp_path / "folder.csv").mkdir()
    for name, word in (("pipe.toml", "pipe"), ("zero.csv", "device"), ("folder.csv", "folder")):
        with pytest.raises(InputError, match=f"{name}: is a .*{word}"):
            load_population(tmp_path / name, AII)
    for read in (load_framework, load_experiment, read_toml, read_ledger):
        with pytest.raises(InputError, match=r"pipe\.toml"):
            read(tmp_path / "pipe.toml")


def test_a_nul_in_a_name_is_an_error_of_the_name(tmp_path):
    for read in (read_table, lambda p: read_weights(p, AII), read_toml):
        with pytest.raises(InputError, match="no name of a file"):
            read(f"{tmp_path}/a\0b.toml")
    document = {
        "schema": "calib.experiment/1", "name": "e", "framework": "aii",
        "population": {"file": "a\0.csv"}, "sets": {"p": {"source": "file", "file": "b\0.toml"}},
        "baseline": "p",
    }  # fmt: skip
    from calib.experiment import run_experiment

    with pytest.raises(InputError):
        run_experiment(parse_experiment(document, folder=tmp_path, file="e.toml"))


def test_numbers_of_thousands_of_digits_are_no_numbers(tmp_path):
    long = "9" * 5000
    frame = load_population(shipped_data() / "trial" / "trial.csv", AII).frame().astype(object)
    code = next(c for c in frame.columns if c.startswith("IC."))
    frame.loc[0, code] = long
    frame.to_csv(tmp_path / "p.csv", index=False)
    with pytest.raises(InputError, match="is no number") as caught:
        load_population(tmp_path / "p.csv", AII)
    assert len(str(caught.value)) < 2000
    (tmp_path / "w.toml").write_text(f"a = {long}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"w\.toml: cannot be read as TOML"):
        read_weights(tmp_path / "w.toml", AII)
    assert "thousands of digits" in str(Fault("f", "w", "bad", 10**5000))


def test_deep_nesting_and_wrong_shapes_in_toml_are_one_error(tmp_path):
    for text in (
        "a = " + "[" * 3000 + "]" * 3000,
        "a." * 100 + "b = 1",
        "a = " + "[" * 80 + "]" * 80,
    ):
        (tmp_path / "deep.toml").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=r"deep\.toml"):
            read_toml(tmp_path / "deep.toml")


def test_a_header_of_a_hundred_thousand_characters_is_answered_at_once(tmp_path):
    (tmp_path / "p.csv").write_text("enterprise,track," + "x" * 100_000 + "\na,discrete,1\n")
    start = time.process_time()
    with pytest.raises(InputError, match="unknown column") as caught:
        load_population(tmp_path / "p.csv", AII)
    (tmp_path / "p.csv").write_text("enterprise,track" + ",x" * 100_000 + "\na,discrete\n")
    with pytest.raises(InputError, match="100,002 columns"):
        load_population(tmp_path / "p.csv", AII)
    assert time.process_time() - start < 5
    assert did_you_mean("x" * 100_000, ["xxx"]) == ""
    assert caught.value.faults


def test_a_parquet_of_bytes_is_an_error(tmp_path):
    frame = pd.DataFrame(
        {"enterprise": [b"\xff\xfe"], "track": ["discrete"], "IC.DEV.D1": [b"\xff"]}
    )
    frame.to_parquet(tmp_path / "p.parquet")
    with pytest.raises(InputError):
        load_population(tmp_path / "p.parquet", AII)


def test_no_flipped_bit_of_a_parquet_file_changes_a_value_in_silence(tmp_path):
    frame = load_population(shipped_data() / "trial" / "trial.csv", AII).frame()
    path = tmp_path / "p.parquet"
    write_table(frame, path)
    true, rng, said = path.read_bytes(), random.Random(5), []
    before = read_table(path).frame
    for _ in range(120):
        data = bytearray(true)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        try:
            after = read_table(path).frame
        except InputError as exc:
            said.append(str(exc))
        else:
            pd.testing.assert_frame_equal(after, before)
    assert len(said) > 60
    assert all(str(path) in text and "\n" not in text for text in said)


def test_a_file_name_that_is_not_utf_8_is_read_and_named(tmp_path, book):
    name = os.fsdecode(os.fsencode(str(tmp_path)) + b"/\xff\xfe.toml")
    try:
        write_weights(published_weights(AII), name)
    except OSError:
        pytest.skip("this file system takes no such names")
    assert read_weights(name, AII).framework.code == "aii"
    document = {
        "schema": "calib.experiment/1", "name": "e", "framework": "aii",
        "population": {"generate": {"n": 4, "seed": 1}},
        "sets": {"published": {"source": "published"}},
    }  # fmt: skip
    assert parse_experiment(document, folder=tmp_path, file=name)


@pytest.fixture(scope="module")
def fuzz():
    path = Path(__file__).parents[2] / "benchmarks" / "fuzz.py"
    spec = importlib.util.spec_from_file_location("fuzz", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def prepared(fuzz, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    return folder, fuzz.prepared(folder)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("manifest.json", lambda d: d.update(inputs=3)),
        ("manifest.json", lambda d: d.update(outputs={"a": [1]})),
        ("columns.json", lambda d: d.update(names=[1])),
        ("columns.json", lambda d: d["names"].update(DA={"zh": {}, "en": 1})),
        ("columns.json", lambda d: d["tables"]["stars"]["columns"]["star"].update(unit=7)),
        ("columns.json", lambda d: d["tables"]["stars"]["title"].update(en=[])),
    ],
)
def test_what_a_run_left_with_values_of_another_kind_is_one_error(prepared, tmp_path, name, change):
    folder, made = prepared
    document = json.loads((folder / name).read_text("utf-8"))
    change(document)
    (tmp_path / name).write_text(json.dumps(document), "utf-8")
    with pytest.raises(InputError):
        made[name](tmp_path / name)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (",5,", ",5,5,5,5,5,5,5,5,", "is no table of a run any more"),
        (",5,", ",5=,", r"column \w+: is no number"),
        ("scope", "range", "no column scope"),
    ],
)
def test_a_table_of_a_run_that_was_edited_out_of_shape_is_named(
    prepared, tmp_path, old, new, words
):
    folder, made = prepared
    text = (folder / "stars.csv").read_text("utf-8-sig")
    assert old in text
    (tmp_path / "stars.csv").write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(InputError, match=rf"stars\.csv.*{words}"):
        made["stars.csv"](tmp_path / "stars.csv")


def test_a_nul_in_an_option_is_one_line(fuzz):
    with pytest.raises(InputError):
        fuzz.command(["adjust", "p.csv", "--out", "\0"])


def test_changed_files_and_odd_options_end_in_an_answer_or_an_error(fuzz, prepared, monkeypatch):
    """``benchmarks/fuzz.py 10000`` tries as many; every input has the time and memory it needs."""
    monkeypatch.chdir(prepared[0])
    numbers = [n for n in range(3000, 3110) if n % 5 < 4 or n % 20 == 4]
    with np.errstate(all="ignore"):
        found = [fuzz.attempt(n, 7, *prepared) for n in numbers]
    assert {o.end for o in found} >= {"answer", "error"}
    assert [o for o in found if o.bad] == []
    assert len({o.kind for o in found}) > 25
