"""``calib verify`` shows that numbers are right, and fails when they are not."""

from __future__ import annotations

import csv
import json
import re
import shutil
import types
from pathlib import Path

import pytest
from click.testing import CliRunner

import calib
from calib.cli import cli
from calib.files import shipped, shipped_data
from calib.files.last_verification import last_verification
from calib.verification import Compared, digits_agreed, health, verification_page, verify

ROOT = Path(__file__).resolve().parents[2]
NO_METHOD = {
    # Readers, writers and settings compute nothing; they are covered by tests of their files.
    "current_language", "set_language", "list_frameworks", "load_experiment", "load_framework",
    "load_population", "read_opinions", "read_panel", "read_population", "read_survey",
    "read_weights", "write_form", "write_run", "write_weights",
}  # fmt: skip


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("CALIB_STATE", str(tmp_path_factory.mktemp("state")))
    result = verify()
    noted = last_verification()
    patch.undo()
    return result, noted


def test_all_published_values_agree(done):
    result, _ = done
    assert result.passed
    assert len(result.compared) >= 200
    assert not result.differ
    by_tier = {t: sum(c.tier == t for c in result.compared) for t in
               ("closed_form", "paper", "software", "official")}  # fmt: skip
    assert min(by_tier.values()) >= 50


def test_the_last_verification_is_noted_for_manifests(done):
    result, noted = done
    assert noted["id"] == result.identifier
    assert noted["passed"] is True


def test_the_page_has_every_value_a_verdict_and_room_for_a_signature(done):
    result, _ = done
    for lang, signed in (("zh", "签字"), ("en", "Signature")):
        page = verification_page(result, lang)
        assert signed in page
        assert page.count("<tr>") > len(result.compared)
        assert "http://" not in page.replace("http://www.w3.org", "")
    text = re.sub(r"<[^>]+>", " ", verification_page(result, "zh"))
    assert "核验报告" in text
    assert "医院 010001 的汇总得分" in text
    assert "summary score" not in text


def test_agreement_is_told_in_whole_digits(done):
    result, _ = done
    shown = result.frame("values")
    for compared, digits in zip(result.compared, shown["verify.digits"], strict=True):
        assert digits <= compared.digits < digits + 1
    fewest = result.frame("tiers").set_index("verify.tier")["verify.fewest"]
    assert (fewest == shown.groupby("verify.tier")["verify.digits"].min()[fewest.index]).all()


def test_the_comparison_itself_is_controlled(done):
    result, _ = done
    assert [c.state for c in result.controls] == ["passed", "passed"]
    near = Compared("paper", "rating", "x", "", 1.0, 1.0 + 2e-9, 1e-9)
    assert not near.agrees
    assert not Compared("paper", "rating", "x", "", 1.0, float("nan"), 1e-9).agrees
    assert digits_agreed(1.0, 1.001) == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("verify/paper.csv", "weight discrete IC,", None),
        ("verify/entropy.json", "0.2996736096", "0.2996736196"),
        # Not among the hospitals that are listed one by one.
        ("official/cms-hospitals/cms-hospitals.csv", "-0.623289646,2", "-0.623289746,2"),
    ],
)
def test_one_altered_reference_fails(file, old, new, tmp_path, monkeypatch):
    copy = tmp_path / "data"
    shutil.copytree(shipped_data(), copy)
    path = copy / file
    text = path.read_text("utf-8")
    assert old in text
    if new is None:
        line = next(x for x in text.splitlines() if old in x)
        text = text.replace(line, line.replace("0.35", "0.36"))
    else:
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("CALIB_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(shipped, "_folder", lambda name: tmp_path / name)
    ran = CliRunner().invoke(cli, ["verify", "-o", str(tmp_path / "out"), "--lang", "en"])
    assert ran.exit_code == 1
    assert "does not agree" in ran.output
    assert json.loads((tmp_path / "state" / "verification.json").read_text())["passed"] is False


def fake_install(tmp_path, monkeypatch):
    """Install a small package whose record is right."""
    from importlib import metadata

    package = tmp_path / "calib"
    (package / "verify").mkdir(parents=True)
    (package / "verify" / "health.py").write_text("x = 1\n")
    (package / "data.csv").write_text("a\n")

    def record(name):
        entry = metadata.PackagePath(name)
        digest = health._digest(tmp_path / name, "sha256")
        entry.hash = types.SimpleNamespace(mode="sha256", value=digest)
        return entry

    files = [record("calib/verify/health.py"), record("calib/data.csv")]
    installed = types.SimpleNamespace(files=files, locate_file=lambda f: tmp_path / f)
    monkeypatch.setattr(health.metadata, "distribution", lambda name: installed)
    monkeypatch.setattr(health, "__file__", str(package / "verify" / "health.py"))
    return package


def test_an_altered_an_added_and_a_missing_file_are_found(tmp_path, monkeypatch):
    package = fake_install(tmp_path, monkeypatch)
    assert health._files().state == "passed"
    (package / "data.csv").write_text("b\n")
    assert "data.csv" in health._files().found.get("en")
    (package / "data.csv").write_text("a\n")
    (package / "new.py").write_text("")
    assert health._files().state == "failed"
    (package / "new.py").unlink()
    (package / "data.csv").unlink()
    assert health._files().state == "failed"


def claims():
    with (ROOT / "data" / "verify" / "claims.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_method_has_a_claim_a_test_and_a_source():
    methods = {
        n for n in calib.__all__ if isinstance(getattr(calib, n), types.FunctionType)
    } - NO_METHOD  # fmt: skip
    claimed = {row["method"] for row in claims()}
    assert methods - claimed == set(), "methods without a claim in data/verify/claims.csv"
    assert claimed - methods == set(), "claims of methods that there are not"


@pytest.mark.parametrize("row", claims(), ids=lambda r: f"{r['method']}-{r['claim_en']}")
def test_the_test_of_a_claim_exists(row):
    assert all(row.values())
    file, name = row["test"].split("::")
    assert re.search(rf"^def {name}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE)
