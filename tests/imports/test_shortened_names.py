"""Names that a questionnaire shortens or mistypes are proposed together, never guessed."""

from __future__ import annotations

import numpy as np
import pytest
from platform_exports import AII, ALL, TRACK_NAMES, cells, codes, firms, name, text, write_csv
from shortened_exports import SHORTENED, short

import calib
from calib.imports import prepare

TRUTH = {f.name: f for f in firms()}


def wrong(population):
    """Return enterprises with a cell that is not what they answered."""
    out = []
    for t, sample in population.samples.items():
        for i, own in enumerate(sample.names):
            firm = TRUTH[own]
            meant = [firm.answers.get(c, np.nan) for c in codes(t)]
            if firm.track != t or not np.allclose(sample.values[i], meant, equal_nan=True):
                out.append(own)
    return out


def table(path, headers, answers):
    rows = [["企业名称", "企业类型", *headers]]
    rows += [[f.name, TRACK_NAMES[f.track], *answers(f)] for f in firms()]
    return write_csv(path / "答卷.csv", rows)


@pytest.mark.parametrize("layout", SHORTENED)
def test_an_export_with_shortened_names_needs_one_confirmation(layout, tmp_path):
    path = SHORTENED[layout](tmp_path)
    proposal = prepare(path, AII)
    assert proposal.questions == ()
    assert not proposal.mapping.ready
    population = calib.import_answers(path, AII, confirm=True)
    assert len(population) == 60
    assert wrong(population) == []
    rating = calib.rate(
        calib.published_weights(AII), population, rule_options={"missing": "renormalise"}
    )
    assert rating.counts().sum() == 60


def test_what_is_proposed_from_likeness_or_place_is_never_certain(tmp_path):
    path = SHORTENED["surveymonkey_chinese"](tmp_path)
    entries = prepare(path, AII).mapping.column("indicator")
    assert all(
        e.confidence < 0.95 for e in entries if e.reason in ("like", "together", "last", "place")
    )
    assert [e.header[:6] for e in entries if e.reason == "place"] == ["数字孪生应用"]


def test_a_further_question_takes_no_indicators_place(tmp_path):
    """An indicator has no column, and a question like its neighbour stands at the end."""
    asked = [c for c in ALL if name(c) != "协同制造"]
    path = table(
        tmp_path,
        [*map(short, asked), "办公协同系统"],
        lambda f: [*(a for c, a in zip(ALL, cells(f, text, "", ""), strict=True) if c in asked),
                   text("DA.COL.D1", 1 + len(f.name) % 4 if f.track == "discrete" else 1)],
    )  # fmt: skip
    proposal = prepare(path, AII)
    held = {e.of for e in proposal.mapping.column("indicator")}
    assert "DA.COL.D2" not in held
    taken = {e.header: (e.taken, e.of) for e in proposal.mapping.columns}
    assert taken["办公协同系统"][0] == "aside" or taken["办公协同系统"][1] == "?"


def test_two_columns_that_are_equally_like_a_name_are_asked_about(tmp_path):
    headers = [*map(short, ALL)]
    headers[ALL.index("DA.SVC.D1")] = "数据服务甲"
    headers[ALL.index("DA.SVC.D2")] = "数据服务乙"
    path = table(tmp_path, headers, lambda f: cells(f, text, "", ""))
    open_headers = {e.header for e in prepare(path, AII).mapping.column("indicator") if e.of == "?"}
    assert open_headers == {"数据服务甲", "数据服务乙"}


@pytest.mark.parametrize("seed", range(3))
def test_names_with_a_wrong_or_lacking_character_are_never_taken_for_another(seed, tmp_path):
    rng = np.random.default_rng(seed)

    def mistyped(code):
        said = list(name(code))
        at = int(rng.integers(len(said)))
        said[at : at + 1] = [] if rng.random() < 0.5 else ["某"]
        return "".join(said)

    path = table(tmp_path, [mistyped(c) for c in ALL], lambda f: cells(f, text, "", ""))
    mapping = prepare(path, AII).mapping
    meant = {
        e.column: code for e, code in zip(mapping.columns[2:], ALL, strict=True)
    }  # fmt: skip
    guessed = {e.column: e.of for e in mapping.column("indicator") if e.of != "?"}
    assert {c: of for c, of in guessed.items() if of != meant[c]} == {}
    assert len(guessed) >= 45
