"""Mistakes that a methodologist makes: each is found, asked about, or cannot be known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mistakes import MISTAKES
from platform_exports import AII

import calib
from calib.errors import InputError

TABLE = Path(__file__).parents[2] / "docs" / "howto" / "faulty-files.md"
LISTED = dict(re.findall(r"^\| `([^`]+)` \| (\w+)", TABLE.read_text("utf-8"), re.MULTILINE))


def notes_of(read):
    return " ".join(n.get("en") for n in read.notes)


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_found_asked_about_or_cannot_be_known(case, tmp_path):
    make, outcome, match = MISTAKES[case]
    if outcome in ("found", "asked"):
        with pytest.raises(InputError, match=match) as caught:
            make(tmp_path)
        assert caught.value.get("zh") != caught.value.get("en")
    elif outcome == "noted":
        assert match in notes_of(make(tmp_path))
    else:
        assert notes_of(make(tmp_path)) == ""


def test_the_table_in_the_docs_lists_every_mistake_with_what_happens():
    assert {c: o for c, (_, o, _) in MISTAKES.items()} == LISTED
    assert len(MISTAKES) >= 40


def test_the_chinese_table_says_the_same_of_as_many_mistakes():
    words = {"发现": "found", "询问": "asked", "附注": "noted", "无从得知": "unknown"}
    text = (TABLE.parent / "zh" / TABLE.name).read_text("utf-8")
    rows = re.findall(r"^\| [^|]+ \| (\w+) \| [^|]+ \|$", text, re.MULTILINE)
    assert [words[w] for w in rows if w in words] == list(LISTED.values())


def test_cells_and_remedies_are_said_in_the_readers_language(tmp_path):
    file = tmp_path / "p.csv"
    file.write_text("enterprise,track,IC.DEV.D1\na,discrete,0.5\nb,discrete,1.0\n", "utf-8")
    with pytest.raises(InputError) as caught:
        calib.read_population(file, AII)
    assert "row 2, column IC.DEV.D1" in caught.value.get("en")
    chinese = caught.value.get("zh")
    assert "第 2 行 IC.DEV.D1 列" in chinese
    assert "运行一次 calib import p.csv" in chinese
    assert not re.search(r"\b(row|column|header)\b", chinese)
