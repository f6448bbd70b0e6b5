"""Forms sent and returned, and judgements above the limit of consistency."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

import calib
from calib.cli import cli
from calib.errors import InputError
from calib.experts import (
    Answer,
    ExpertForm,
    Panel,
    add_to_register,
    matrix_from_pairs,
    questions_of,
    read_register,
    sent_counts,
)

AII = calib.load_framework("aii")
ROOT = questions_of(AII)["root"]
SOUND, CIRCLE = (2.0, 4.0, 2.0), (5.0, 0.2, 5.0)
"""a:b, a:c, b:c. In the circle a beats b and b beats c, yet c beats a."""


def panel(**pairs):
    forms = tuple(
        ExpertForm(name, 1, {"root": Answer("ahp", matrix_from_pairs(np.array(v), 3))})
        for name, v in pairs.items()
    )
    return Panel(AII, {"root": ROOT}, forms)


def weigh(of, **options):
    return calib.weigh_panel(of, unjudged="published", draws=100, rng=1, **options)


MIXED = panel(Li=SOUND, Wang=SOUND, Zhao=CIRCLE, Qian=(3.0, 5.0, 2.0))


def notes(result, lang="en"):
    return [n.text.get(lang) for n in result.notes]


def test_who_is_furthest_above_the_limit_is_named_first_with_what_to_ask():
    found = weigh(MIXED)
    assert found.pooled.doubtful[0].expert == "Zhao"
    assert "they still count" in notes(found)[0] or "it still counts" in notes(found)[0]
    assert notes(found)[1].startswith("Furthest above the limit: Zhao on ")
    assert "ask again about" in notes(found)[1]
    assert "请再问" in notes(found, "zh")[1]
    assert found.frame("consistency")["expert"].iloc[0] == "Zhao"


def test_left_out_judgements_do_not_count():
    without = weigh(panel(Li=SOUND, Wang=SOUND, Qian=(3.0, 5.0, 2.0))).weights
    found = weigh(MIXED, inconsistent="leave-out")
    np.testing.assert_allclose(found.weights.local["discrete"], without.local["discrete"])
    assert "left out" in notes(found)[0]
    assert "1 inconsistent judgement left out" in found.weights.provenance.detail


def test_a_repair_puts_what_the_other_comparisons_imply():
    """Of three items the pair (i, j) is implied by the way over the third: a_ik a_kj."""
    found = weigh(MIXED, inconsistent="repair")
    repaired = found.pooled.nodes["root"].matrices[2]
    original = matrix_from_pairs(np.array(CIRCLE), 3)
    changed = [(i, j) for i, j in ((0, 1), (0, 2), (1, 2)) if repaired[i, j] != original[i, j]]
    assert len(changed) == 1
    i, j = changed[0]
    k = 3 - i - j
    assert repaired[i, j] == pytest.approx(original[i, k] * original[k, j])
    assert found.pooled.nodes["root"].consistency[2] == pytest.approx(0, abs=1e-9)
    assert "replaced by what the others imply" in notes(found)[0]


def test_where_nobody_would_be_left_it_says_so():
    with pytest.raises(InputError, match="nobody judges"):
        weigh(panel(Zhao=CIRCLE), inconsistent="leave-out")


def test_the_choice_can_be_made_in_an_experiment_file():
    from calib.experiment import find_source

    assert "inconsistent" in find_source("experts").params.model_fields


def test_forms_are_written_registered_and_counted_when_they_return(tmp_path):
    run = CliRunner()
    folder = tmp_path / "表"
    made = run.invoke(cli, ["form", "experts", "--method", "points", "--levels", "pillar",
                             "--experts", "张三,李四,Wang", "-o", str(folder),
                             "--lang", "zh"])  # fmt: skip
    assert made.exit_code == 0, made.output
    assert len(list(folder.glob("*.xlsx"))) == 3
    register = read_register(folder / "sent.csv")
    assert [s.expert for s in register] == ["张三", "李四", "Wang"]
    assert sent_counts(register) == {"1": 3}
    table = ["expert,round,method,node,item,against,value"]
    for expert in ("张三", "Wang", "Stranger"):
        for item, value in zip(ROOT.items, (50, 30, 20), strict=True):
            table.append(f"{expert},1,points,root,{item},,{value}")
    (tmp_path / "back.csv").write_text("\n".join(table), "utf-8")
    read = run.invoke(cli, ["read", "experts", str(tmp_path / "back.csv"), "--sent",
                             str(folder / "sent.csv"), "--lang", "zh"])  # fmt: skip
    assert read.exit_code == 0, read.output
    assert "发出 3 份，收回 2 份（67%）" in read.output
    assert "未收回" in read.output
    assert "未登记发出而收回" in read.output


def test_a_register_grows_by_round_and_keeps_what_stands_in_it(tmp_path):
    path = tmp_path / "sent.csv"
    add_to_register(path, {"Li": tmp_path / "a.xlsx"}, 1)
    add_to_register(path, {"Li": tmp_path / "b.xlsx"}, 1)
    add_to_register(path, {"Li": tmp_path / "c.xlsx"}, 2)
    assert [(s.expert, s.round, s.form) for s in read_register(path)] == [
        ("Li", 1, "a.xlsx"),
        ("Li", 2, "c.xlsx"),
    ]
    path.write_text("expert,round\nLi,two\n", "utf-8")
    with pytest.raises(InputError, match="number of a round"):
        read_register(path)
