"""Ledgers: forged, cut and malformed ones are found out."""

from __future__ import annotations

import copy
import hashlib
import json

import pytest
from click.testing import CliRunner

from calib.adjustment import (
    adjust,
    read_ledger,
    replay_ledger,
)
from calib.cli import cli
from calib.errors import InputError
from calib.rating import score_answers
from calib.weights import published_weights


@pytest.fixture(scope="module")
def scored(trial):
    return score_answers(trial)


@pytest.fixture(scope="module")
def entries(aii, scored) -> list:
    found = adjust(
        published_weights(aii), scored, cap={"contribution": 0.085}, starts=0,
        groups={"g": (("IC",), 0.1, 0.9)}, steps=(0.5, 1.0), grid=0.01,
    )  # fmt: skip
    assert found.rounds
    assert any(r.moves for r in found.rounds) or found.rounds[0].over
    return json.loads(found.ledger.text())


def hashed_anew(entries: list) -> list:
    previous = ""
    for index, entry in enumerate(entries):
        body = json.dumps([index, previous, entry["content"]], sort_keys=True, ensure_ascii=False)
        entry.update(index=index, previous=previous)
        previous = entry["hash"] = hashlib.sha256(body.encode()).hexdigest()
    return entries


def written(tmp_path, entries: list):
    path = tmp_path / "ledger.json"
    path.write_text(json.dumps(entries), "utf-8")
    return path


def forge_moves(e: list) -> None:
    e[1]["content"]["moves"] = [["D99", "discrete", 2, 5, "band of the total"]]


def forge_reason(e: list) -> None:
    e[1]["content"]["reason"]["en"] = "The committee asked for it."


def forge_largest(e: list) -> None:
    e[1]["content"]["largest_after"]["contribution"] = 0.01


def forge_before(e: list) -> None:
    for t in e[1]["content"]["before"].values():
        t["IC"] += 0.01
    for t in e[0]["content"]["weights"].values():
        t["IC"] += 0.01
        t["IN"] -= 0.01


def forge_over(e: list) -> None:
    e[1]["content"]["over"] = []


def forge_enterprises(e: list) -> None:
    e[0]["content"]["population"]["enterprises"] = 500


def forge_synthetic(e: list) -> None:
    e[0]["content"]["population"]["synthetic"] = False


def forge_stop(e: list) -> None:
    e[-1]["content"]["stopped"]["en"] = "Every cap holds."
    e[-1]["content"]["holds"] = not e[-1]["content"]["holds"]


def forge_digest(e: list) -> None:
    e[0]["content"]["start"]["digest"] = "0" * 64


@pytest.mark.parametrize(
    "forge",
    [forge_moves, forge_reason, forge_largest, forge_over, forge_enterprises, forge_synthetic,
     forge_stop, forge_digest, forge_before],
)  # fmt: skip
def test_whatever_is_forged_does_not_replay_as_the_same(entries, scored, tmp_path, forge) -> None:
    forged = copy.deepcopy(entries)
    forge(forged)
    path = written(tmp_path, hashed_anew(forged))
    try:
        found = replay_ledger(read_ledger(path), scored)
    except InputError:
        return
    assert not found.same
    assert found.differences


def test_an_untouched_ledger_replays_as_the_same(entries, scored, tmp_path) -> None:
    found = replay_ledger(read_ledger(written(tmp_path, entries)), scored)
    assert found.same
    assert found.differences == ()


@pytest.mark.parametrize("keep", [1, 2, -1])
def test_a_cut_ledger_is_not_unbroken(entries, tmp_path, keep) -> None:
    with pytest.raises(InputError, match="does not close the ledger"):
        read_ledger(written(tmp_path, entries[:keep]))


def test_a_round_left_out_shows_in_the_length_even_when_hashed_anew(entries, tmp_path) -> None:
    cut = hashed_anew([*copy.deepcopy(entries[:-2]), copy.deepcopy(entries[-1])])
    with pytest.raises(InputError, match="another length"):
        read_ledger(written(tmp_path, cut))


def test_the_seal_tells_a_ledger_from_one_that_was_rewritten(entries, tmp_path) -> None:
    seal = entries[-1]["hash"]
    forged = copy.deepcopy(entries)
    forge_reason(forged)
    path = written(tmp_path, hashed_anew(forged))
    read_ledger(path)  # consistent in itself
    with pytest.raises(InputError, match="seal"):
        read_ledger(path, seal=seal[:12])
    assert read_ledger(written(tmp_path, entries), seal=seal[:12]).seal == seal


def paths_of(value: object, path: tuple = ()) -> list:
    out = [path] if path else []
    if isinstance(value, dict):
        for key, part in list(value.items())[:20]:
            out += paths_of(part, (*path, key))
    elif isinstance(value, list):
        for i, part in enumerate(value[:2]):
            out += paths_of(part, (*path, i))
    return out


def test_a_wrong_type_anywhere_is_one_clear_error(entries, tmp_path) -> None:
    small = copy.deepcopy(entries)
    for path in paths_of(small):
        for wrong in (None, {"no": []}, [[1]], "text"):
            data = copy.deepcopy(small)
            place = data
            for step in path[:-1]:
                place = place[step]
            if type(place[path[-1]]) is type(wrong) or (wrong is None and path[-1] in NULLABLE):
                continue
            if wrong == "text" and path[-1] in NAMES:
                continue  # a level or a measure; whether there is one shows in replaying
            place[path[-1]] = wrong
            with pytest.raises(InputError) as caught:
                read_ledger(written(tmp_path, data))
            assert "ledger.json" in str(caught.value)


NAMES = ("level", "measure", "on")
NULLABLE = ("bounds", "cap", "floor", "grid", "kkt_residual", "measure", "on", "reference")


@pytest.mark.parametrize(
    "text", ["", "{}", "3", "[]", "[1]", "[{}]", "[" * 100_000, "\x00", "[null]"]
)
def test_what_is_no_ledger_is_refused(tmp_path, text) -> None:
    path = tmp_path / "ledger.json"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"ledger\.json"):
        read_ledger(path)


def test_the_command_says_length_and_seal_and_lists_what_differs(
    root, entries, tmp_path, aii
) -> None:
    trial = str(root / "data" / "trial" / "trial.toml")
    path = written(tmp_path, entries)
    done = CliRunner().invoke(cli, ["ledger", str(path), "--population", trial])
    assert done.exit_code == 0, done.output
    assert f"{len(entries)} entries" in done.output
    assert entries[-1]["hash"] in done.output
    assert "everything in the ledger agrees" in done.output
    forged = copy.deepcopy(entries)
    forge_moves(forged)
    path = written(tmp_path, hashed_anew(forged))
    done = CliRunner().invoke(cli, ["ledger", str(path), "--population", trial])
    assert done.exit_code != 0
    assert "entry 1.moves" in done.output + str(done.exception)
