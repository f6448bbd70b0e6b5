"""Ballots in the shapes that platforms export become the survey that was meant."""

from __future__ import annotations

import numpy as np
import pytest
from platform_exports import AII, name, write_csv, write_xlsx

import calib
from calib.errors import InputError
from calib.imports import prepare

ZH = {"discrete": "离散型", "process": "流程型"}


def ballots(seed=3, n=40):
    """Return track and five codes of each respondent, best first."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(n):
        track = "discrete" if i % 3 else "process"
        leaves = AII.tracks[track].leaf_codes
        out.append((track, [leaves[j] for j in rng.choice(len(leaves), 5, replace=False)]))
    return out


def numbered(code, track):
    return f"{AII.tracks[track].leaf_codes.index(code) + 1}. {name(code)}"


def read(survey):
    """Return what a survey holds as ballots by track."""
    out = {}
    for t, part in survey.ballots.items():
        out[t] = [[part.items[j] for j in row if j >= 0] for row in part.picks]
    return out


MEANT = {t: [codes for own, codes in ballots() if own == t] for t in AII.tracks}
HEAD = ["序号", "提交答卷时间", "所用时间", "来自IP", "1、您所在企业类型"]


def base(i, track):
    return [i + 1, "2026/4/1 10:00:00", "85秒", "1.2.3.4(北京-北京)", ZH[track]]


def rank_columns(path):
    rows = [[*HEAD, *(f"2、请选出最重要的五项并排序（第{k}位）" for k in range(1, 6))]]
    for i, (t, codes) in enumerate(ballots()):
        rows.append([*base(i, t), *(numbered(c, t) for c in codes)])
    return write_xlsx(path / "b.xlsx", {"Sheet1": rows})


def arrows(path):
    rows = [[*HEAD, "2、最重要的五项指标"]]
    for i, (t, codes) in enumerate(ballots()):
        rows.append([*base(i, t), "→".join(map(name, codes))])
    return write_xlsx(path / "b.xlsx", {"Sheet1": rows})


def branches(path):
    """Each track has its own question, skipped by the other."""
    heads = [f"{q}、最重要的五项（第{k}位）" for q in (2, 3) for k in range(1, 6)]
    rows = [[*HEAD, *heads]]
    for i, (t, codes) in enumerate(ballots()):
        own, skipped = list(map(name, codes)), ["(跳过)"] * 5
        rows.append([*base(i, t), *(own + skipped if t == "discrete" else skipped + own)])
    return write_xlsx(path / "b.xlsx", {"Sheet1": rows})


def places(path, first=1):
    """A column an option, with its place in the ranking."""
    leaves = list(dict.fromkeys(c for t in AII.tracks for c in AII.tracks[t].leaf_codes))
    shown = [f"2、排序({name(c)})" for c in leaves if c in AII.tracks["discrete"].leaf_codes]
    rows = [[*HEAD, *shown]]
    for i, (t, codes) in enumerate(b for b in ballots() if b[0] == "discrete"):
        ranks = {c: k for k, c in enumerate(codes, 1)}
        cells = [ranks.get(c, -2) for c in AII.tracks["discrete"].leaf_codes]
        rows.append([*base(i, t), *cells])
    return write_xlsx(path / "b.xlsx", {"Sheet1": rows})


@pytest.mark.parametrize("layout", [rank_columns, arrows, branches])
def test_ballots_are_read_as_they_were_cast(layout, tmp_path):
    path = layout(tmp_path)
    assert prepare(path, AII).mapping.kind == "ballots"
    survey = calib.import_ballots(path, AII)
    assert read(survey) == MEANT
    assert any("40" in n.get("en") or "200" in n.get("en") for n in survey.read_report.notes)


def test_places_in_a_ranking_a_column_an_option(tmp_path):
    path = places(tmp_path)
    assert prepare(path, AII).mapping.kind == "ballots"
    assert read(calib.import_ballots(path, AII)) == {"discrete": MEANT["discrete"]}


@pytest.mark.parametrize("sign", ["┋", ";"])
def test_choices_joined_by_the_sign_of_a_multiple_choice_are_asked_about(sign, tmp_path):
    rows = [["企业类型", "最重要的五项"]]
    rows += [[ZH[t], sign.join(map(name, codes)) + (sign if sign == ";" else "")]
             for t, codes in ballots()]  # fmt: skip
    path = write_csv(tmp_path / "b.csv", rows)
    with pytest.raises(InputError, match="Were they ranked"):
        calib.import_ballots(path, AII, confirm=True)
    assert read(calib.import_ballots(path, AII, choices={"joined": "ranked"})) == MEANT
    with pytest.raises(InputError, match="not ranked"):
        calib.import_ballots(path, AII, choices={"joined": "no-ranking"})


def test_a_last_rank_that_was_not_recognised_is_asked_about(tmp_path):
    heads = ["第1位", "第2位", "第3位", "第4位", "备选"]
    rows = [["企业类型", *heads], *([ZH[t], *map(name, codes)] for t, codes in ballots())]
    path = write_csv(tmp_path / "b.csv", rows)
    with pytest.raises(InputError, match="Which rank does column '备选' hold"):
        calib.import_ballots(path, AII, confirm=True)


def test_a_rank_that_was_not_exported_is_asked_about(tmp_path):
    rows = [["企业类型", "第1位", "第3位"]]
    rows += [[ZH[t], name(codes[0]), name(codes[2])] for t, codes in ballots()]
    path = write_csv(tmp_path / "b.csv", rows)
    with pytest.raises(InputError, match="No column for rank 2"):
        calib.import_ballots(path, AII, confirm=True)


def test_a_word_that_is_no_indicators_name_is_asked_about(tmp_path):
    rows = [["企业类型", "第1位", "第2位"]]
    rows += [[ZH[t], name(codes[0]), name(codes[1])] for t, codes in ballots()]
    rows[1][1] = "供应商的集成"
    path = write_csv(tmp_path / "b.csv", rows)
    with pytest.raises(InputError, match="Which indicator does the choice '供应商的集成' mean"):
        calib.import_ballots(path, AII, confirm=True)


def test_the_same_columns_give_the_same_survey_through_a_mapping_beside_them(tmp_path):
    path = rank_columns(tmp_path)
    prepare(path, AII).mapping.write(tmp_path / "b.mapping.toml")
    assert read(calib.read_survey(path, AII)) == MEANT
