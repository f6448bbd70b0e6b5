"""Reports on models without gates do not speak of gates; scales from 0 are shown from 0."""

from __future__ import annotations

import re

import pytest
from shipped import shipped_run

import calib
from calib.experiment import write_run

# The one sentence that says that there are none.
SAID = {"en": "This framework has no gates.", "zh": "此框架没有门槛。"}
WORDS = {"en": r"gate|downgrad", "zh": "门槛|降级"}


@pytest.fixture(scope="module")
def run():
    return shipped_run("vdma-readiness")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_report_without_gates_says_so_once_and_no_more(run, tmp_path, lang):
    folder = write_run(run, tmp_path, lang=lang)
    page = (folder / "report.html").read_text(encoding="utf-8")
    page = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    page = re.sub(r"<[^>]+>", "\n", page)
    lines = [line for line in page.splitlines() if re.search(WORDS[lang], line, re.IGNORECASE)]
    assert [line.strip() for line in lines] == [SAID[lang]]
    assert not (folder / "tables" / "downgrades.csv").exists()


def test_levels_from_0_to_5_are_never_shown_as_1_to_6(run, tmp_path):
    folder = write_run(run, tmp_path, lang="en")
    for name in ("transitions", "movers"):
        lines = (folder / "tables" / f"{name}.csv").read_text("utf-8-sig").splitlines()
        heads = lines[0].split(",")
        at = [heads.index("from_star"), heads.index("to_star")]
        found = {int(line.split(",")[i]) for line in lines[1:] for i in at}
        assert found <= set(range(6))
    moves = (folder / "tables" / "transitions.csv").read_text("utf-8")
    assert ",0," in moves
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "level 0" in page
    assert "level 6" not in page
    assert not re.search(r"6\s*→\s*5|5\s*→\s*6", re.sub(r"<[^>]+>", " ", page))


def test_a_rating_without_gates_has_no_downgrades(run):
    rating = run.ratings["published"]
    assert "downgrades" not in rating.frames
    assert "downgraded" not in rating.headline().get("en")
    assert "gate_above" not in rating.frame("thresholds")
    fw = calib.load_framework("aii")
    gated = calib.rate(calib.published_weights(fw), calib.load_population("trial", fw))
    assert "downgrades" in gated.frames
    assert "4 downgraded" in gated.headline().get("en")
