"""Opinions that readers of the explorer saved are a panel like another."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

import calib
from calib.cli import cli
from calib.errors import InputError
from calib.experiment import load_experiment, run_experiment
from calib.weights import override, published_weights

FW = calib.load_framework("aii")


def opinion(name, changes, **more):
    """Return what the explorer saves after some weights were moved."""
    moved = override(published_weights(FW), changes)
    weights = {c: moved[c] for c in FW.shared}
    for t, track in FW.tracks.items():
        weights[t] = {c: float(w) for c, w in zip(track.codes, moved.local[t], strict=True)
                      if c not in FW.shared}  # fmt: skip
    return {
        "schema": "calib.opinion/1", "framework": FW.code, "framework_version": FW.version,
        "framework_digest": FW.digest, "date": "2026-11-26", "start": "published",
        "start_digest": "x", "judged": ["root"], "weights": weights, "name": name, **more,
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    said = {"Li": 0.5, "Wang": 0.52, "Zhao": 0.48, "Qian": 0.1}
    for name, value in said.items():
        comment = "更看重联网" if name == "Li" else ""
        data = opinion(name, {"IC": value}, comment=comment, role="expert" if comment else "")
        (tmp_path / f"{name}.json").write_text(json.dumps(data), encoding="utf-8")
    return tmp_path


def test_saved_weights_are_pooled_where_they_were_moved_and_published_elsewhere(folder):
    panel = calib.read_opinions(str(folder / "*.json"), FW)
    assert sorted(panel.experts) == ["Li", "Qian", "Wang", "Zhao"]
    assert {k for f in panel.forms for k in f.answers} == {"root"}
    li = next(f for f in panel.forms if f.expert == "Li")
    assert (li.role, li.comment) == ("expert", "更看重联网")
    result = calib.weigh_panel(panel, unjudged="published", pooling="arithmetic", rng=1)
    assert result.weights["IC"] == pytest.approx(np.mean([0.5, 0.52, 0.48, 0.1]))
    assert result.weights["DA"] / result.weights["IN"] == pytest.approx(0.32 / 0.33)
    published = published_weights(FW)
    assert result.weights["IC.DEV.D1"] == published["IC.DEV.D1"]


def test_opinions_are_a_source_of_an_experiment(folder):
    (folder / "own.toml").write_text(
        'schema = "calib.experiment/1"\nname = "own"\ntitle = { zh = "甲", en = "own" }\n'
        'description = { zh = "甲", en = "own" }\nframework = "aii"\nbaseline = "published"\n'
        'seed = 1\n[population]\ngenerate = { n = 20 }\n[sets.published]\nsource = "published"\n'
        '[sets.readers]\nsource = "opinions"\nfiles = ["*.json"]\npooling = "arithmetic"\n',
        encoding="utf-8",
    )
    run = run_experiment(load_experiment(folder / "own.toml"))
    assert run.sets["readers"]["IC"] == pytest.approx(0.4)
    assert {"Li.json", "Qian.json"} <= {k.split("/")[-1] for k in run.inputs}
    # What readers said in confidence to whoever asked stands in no table and no note of a run.
    said = [t.frame.to_csv() for t in run.tables] + [n.get("zh") for n in run.notes]
    assert not any("更看重联网" in text for text in said)


def test_the_command_line_pools_them_and_shows_comments(folder):
    out = folder / "pooled.toml"
    done = CliRunner().invoke(
        cli, ["read", "opinions", str(folder / "*.json"), "--lang", "zh", "--weights", str(out)]
    )
    assert done.exit_code == 0, done.output
    assert "Li（expert）：更看重联网" in done.output
    pooled = calib.read_weights(out, FW)
    panel = calib.read_opinions(str(folder / "*.json"), FW)
    same = calib.weigh_panel(panel, unjudged="published", rng=0).weights
    assert pooled["IC"] == pytest.approx(same["IC"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": "calib.opinion/9"}, "is no file of saved weights"),
        ({"framework_version": "9"}, "weights for another framework"),
        ({"judged": []}, "no weight was moved"),
        ({"judged": ["discrete/XX"]}, "unknown node"),
        ({"weights": {"IC": 0.5, "IN": 0.5, "DA": 0.5}}, "do not add up to 1"),
        ({"weights": {"IC": float("nan")}}, "is no file of saved weights"),
        ({"surprise": 1}, "is no file of saved weights"),
    ],
)
def test_a_file_that_is_no_opinion_is_named_with_what_is_wrong(tmp_path, change, said):
    (tmp_path / "a.json").write_text(json.dumps({**opinion("A", {"IC": 0.5}), **change}))
    with pytest.raises(InputError, match=said) as error:
        calib.read_opinions(tmp_path / "a.json", FW)
    assert "a.json" in str(error.value)


def test_sound_opinions_are_kept_where_others_are_skipped(folder):
    (folder / "bad.json").write_text("{", encoding="utf-8")
    panel = calib.read_opinions(str(folder / "*.json"), FW, skip_invalid=True)
    assert len(panel.experts) == 4
    assert [f.file for f in panel.skipped] == ["bad.json"]
