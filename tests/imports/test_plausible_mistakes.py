"""Mistakes that a methodologist makes: each is found, asked about, or cannot be known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mistakes import MISTAKES

import calib.tables  # noqa: F401
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
