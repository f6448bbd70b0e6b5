"""Corrupt and hostile files end in one error that names them, soon and within bounds of memory."""

from __future__ import annotations

import io
import os
import random
import time
import zipfile

import numpy as np
import pandas as pd
import pytest
import xlsxwriter

from calib.adjustment import read_ledger
from calib.ballots import read_survey
from calib.errors import CalibError, Fault, InputError, suggest
from calib.experiment import load_experiment, parse_experiment
from calib.experts import read_panel, write_form
from calib.experts.panel import questions_of
from calib.files.inputs import read_toml
from calib.files.shipped import shipped_data, shipped_experiments
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
    assert suggest("x" * 100_000, ["xxx"]) == ""
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


def readers(folder):
    """Valid files of every format, and what reads them."""
    weights = published_weights(AII)
    made = {}
    for suffix in ("toml", "csv", "xlsx", "parquet"):
        write_weights(weights, folder / f"w.{suffix}")
        made[f"w.{suffix}"] = lambda p: read_weights(p, AII)
    write_form(folder / "f.xlsx", AII, {"root": questions_of(AII)["root"]}, "points", expert="e")
    made["f.xlsx"] = lambda p: read_panel([p], AII)
    data = shipped_data()
    sources = {
        "p.csv": (data / "trial" / "trial.csv", lambda p: load_population(p, AII)),
        "fw.toml": (data / "frameworks" / "vdma.toml", load_framework),
        "e.toml": (shipped_experiments() / "trial-comparison.toml", load_experiment),
        "s.csv": (data / "surveys" / "unequal.csv", lambda p: read_survey(p, AII)),
    }
    for name, (source, read) in sources.items():
        (folder / name).write_bytes(source.read_bytes())
        made[name] = read
    return made


TOKENS = [
    b"", b"\0", b"\xff", b'"', b"'", b",", b"\n", b"=", b"[", b"]", b"{", b"9" * 5000,
    b"-1e999", b"nan", b"\x1b[2J", "＝".encode(), b"A" * 3000, b"[[", b'"""', b"true", b"<",
    b">",
]  # fmt: skip


def mutated(data, rng):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5])):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            data[at : at + rng.choice([0, 1, 4, 40])] = rng.choice(TOKENS)
        elif kind == 1:
            del data[at : at + rng.choice([1, 3, 50, 5000])]
        elif kind == 2 and at < len(data):
            data[at] = rng.randrange(256)
        else:
            other = rng.randrange(len(data) + 1)
            data[at:at] = data[other : other + rng.choice([2, 20, 200])]
    return bytes(data)


def mutated_book(data, rng):
    """Change one part of a workbook, so that the change gets past the checksums of the archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        chosen = rng.choice(old.namelist())
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, mutated(part, rng) if name == chosen else part)
    return out.getvalue()


def test_mutated_files_of_every_format_end_in_an_answer_or_an_error_of_calibs(tmp_path):
    """CALIB_FUZZ=2000 in the environment tries more, CALIB_FUZZ_SEED other ones."""
    tries = int(os.environ.get("CALIB_FUZZ", "12"))
    seed = int(os.environ.get("CALIB_FUZZ_SEED", "7"))
    made = readers(tmp_path)
    escaped = []
    for name, read in made.items():
        rng = random.Random(f"{name} {seed}")
        valid = (tmp_path / name).read_bytes()
        file = tmp_path / f"mutated-{name}"
        for number in range(tries):
            assert len(escaped) < 20, "\n".join(escaped)
            whole = not name.endswith(".xlsx") or rng.random() < 0.3
            file.write_bytes(mutated(valid, rng) if whole else mutated_book(valid, rng))
            try:
                with np.errstate(all="ignore"):
                    read(file)
            except CalibError:
                continue
            except Exception as exc:
                kept = tmp_path / f"{number}-{name}"
                kept.write_bytes(file.read_bytes())
                escaped.append(f"{kept}: {type(exc).__name__}: {exc}"[:300])
    assert not escaped, "\n".join(escaped)
