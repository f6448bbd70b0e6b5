"""Nothing that a user has is lost, half-written, or silently overwritten."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from calib.cli import cli
from calib.errors import DiskFullError, InputError
from calib.experiment import parse_experiment, run_experiment, write_run
from calib.files import (
    MANIFEST,
    atomic_directory,
    atomic_file,
    atomic_files,
    changes,
    clear_remains,
    file_hashes,
    read_manifest,
    write_text,
)

SITE = {"index.html": "<p>1</p>", "downloads/a.csv": "a\n1\n"}


def fill(folder, files, *, mark=True):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    if mark:
        body = {"schema": "calib.site/1", "outputs": file_hashes(folder)}
        (folder / MANIFEST).write_text(json.dumps(body), encoding="utf-8")


def replaced(folder):
    with atomic_directory(folder) as aside:
        fill(aside, {"new.html": "new"})


def listing(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


def test_a_folder_that_calib_wrote_is_replaced_whole(tmp_path):
    fill(tmp_path / "site", SITE)
    replaced(tmp_path / "site")
    assert listing(tmp_path) == ["site", "site/manifest.json", "site/new.html"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda site: (site / MANIFEST).unlink(), "calib did not write it; it holds downloads/"),
        (lambda site: (site / "index.html").write_text("mine"), r"index\.html \(edited\)"),
        (lambda site: (site / "downloads" / "note.md").write_text(""), r"note\.md \(added\)"),
        (lambda site: (site / "mine").mkdir(), r"mine \(added\)"),
        (lambda site: (site / "link").symlink_to("/"), r"link \(added\)"),
        (lambda site: (site / MANIFEST).write_text("[" * 9999), "calib did not write it"),
    ],
)
def test_a_folder_that_is_not_as_calib_wrote_it_is_refused_and_left(tmp_path, change, words):
    site = tmp_path / "site"
    fill(site, SITE)
    change(site)
    before = listing(tmp_path)
    with pytest.raises(InputError, match=words):
        replaced(site)
    assert listing(tmp_path) == before


def test_a_folder_changed_while_its_successor_was_made_is_kept(tmp_path):
    site = tmp_path / "site"
    fill(site, SITE)

    def work():
        with atomic_directory(site) as aside:
            fill(aside, {"new.html": "new"})
            (site / "note.md").write_text("mine")

    with pytest.raises(InputError, match="note"):
        work()
    assert (site / "note.md").exists()
    assert (site / "index.html").exists()


def test_what_a_file_manager_leaves_is_no_change(tmp_path):
    fill(tmp_path / "site", SITE)
    (tmp_path / "site" / ".DS_Store").write_text("x")
    (tmp_path / "site" / "index.html").unlink()
    replaced(tmp_path / "site")
    assert "new.html" in listing(tmp_path / "site")


@pytest.mark.parametrize("out", [".", "..", "../here"])
def test_publish_refuses_the_current_folder_before_any_work(tmp_path, monkeypatch, out):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    with pytest.raises(InputError, match="current folder"):
        CliRunner().invoke(cli, ["publish", "x", "-o", out], catch_exceptions=False)


def test_publish_refuses_a_folder_of_the_users_before_any_work(tmp_path):
    fill(tmp_path / "thesis", {"chapter.md": "years of work"}, mark=False)
    with pytest.raises(InputError, match=r"calib did not write it; it holds chapter\.md"):
        CliRunner().invoke(
            cli, ["publish", "no-such-experiment", "-o", str(tmp_path / "thesis")],
            catch_exceptions=False,
        )  # fmt: skip
    assert listing(tmp_path / "thesis") == ["chapter.md"]


KILLED = """
import json, os, signal, sys
from pathlib import Path
from calib.files.atomic import atomic_directory
from calib.files.folders import file_hashes
seen, move = [], os.replace
def replace(a, b):
    if len(seen) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    seen.append(a)
    move(a, b)
os.replace = replace
with atomic_directory(sys.argv[1]) as aside:
    (aside / "manifest.json").write_text(json.dumps({"schema": "calib.site/1", "outputs": {}}))
"""


def test_a_site_whose_replacement_was_killed_between_the_renames_comes_back(tmp_path):
    site = tmp_path / "site"
    fill(site, SITE)
    done = subprocess.run([sys.executable, "-c", KILLED, site], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not site.exists()  # both halves are hidden
    clear_remains(tmp_path)
    assert listing(tmp_path) == sorted(
        ["site", "site/manifest.json", "site/downloads", *(f"site/{name}" for name in SITE)]
    )


def test_an_error_between_the_renames_puts_the_old_site_back(tmp_path, monkeypatch):
    site, move, seen = tmp_path / "site", os.replace, []
    fill(site, SITE)

    def failing(a, b):
        seen.append(a)
        if len(seen) == 2:
            raise KeyboardInterrupt
        move(a, b)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", failing)
        with pytest.raises(KeyboardInterrupt):
            replaced(site)
    assert listing(tmp_path) == sorted(
        ["site", "site/manifest.json", "site/downloads", *(f"site/{name}" for name in SITE)]
    )


LIVE = """
import sys, time
from pathlib import Path
from calib.files.atomic import atomic_directory
with atomic_directory(sys.argv[1]) as aside:
    (aside / "part").write_text("work")
    Path(sys.argv[2]).touch()
    while not Path(sys.argv[3]).exists():
        time.sleep(0.02)
    (aside / "manifest.json").write_text('{"schema": "calib.site/1", "outputs": {}}')
"""


def wait_for(path, seconds=30):
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_live_work_of_another_process_is_kept_and_that_of_a_killed_one_cleared(tmp_path):
    out = tmp_path / "shared"
    out.mkdir()
    names = [(out / n, tmp_path / f"{n}-up", tmp_path / f"{n}-go") for n in ("one", "two")]
    living, killed = [
        subprocess.Popen([sys.executable, "-c", LIVE, *map(str, row)]) for row in names
    ]
    for _, up, _ in names:
        wait_for(up)
    killed.kill()
    killed.wait()
    assert len(list(out.glob(".unfinished-*"))) == 2
    replaced(out / "three")  # a process number cannot tell them apart on another machine
    assert len(list(out.glob(".unfinished-*"))) == 1
    names[0][2].touch()
    assert living.wait(30) == 0
    assert (out / "one" / "part").read_text() == "work"
    assert not list(out.glob(".unfinished-*"))


def test_two_runs_of_one_experiment_at_once_end_with_one_whole_folder(tmp_path):
    names = [(tmp_path / "out" / "same", tmp_path / f"{n}-up", tmp_path / "go") for n in "abcd"]
    running = [subprocess.Popen([sys.executable, "-c", LIVE, *map(str, row)]) for row in names]
    for _, up, _ in names:
        wait_for(up)
    (tmp_path / "go").touch()
    assert [p.wait(30) for p in running].count(0) >= 1
    assert listing(tmp_path / "out") == ["same", "same/manifest.json", "same/part"]


def test_a_half_written_file_is_no_input_and_is_cleared_by_the_next(tmp_path):
    code = (
        "import os, signal, sys\nfrom calib.files.atomic import atomic_file\n"
        "with atomic_file(sys.argv[1]) as aside:\n"
        "    aside.write_text('half')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "form.xlsx"], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    assert not list(tmp_path.glob("*.xlsx"))
    write_text(tmp_path / "other.toml", "x")
    assert listing(tmp_path) == ["other.toml"]


def test_a_folder_named_unfinished_that_is_not_calibs_is_left(tmp_path):
    fill(tmp_path / ".unfinished-symphony", {"score.pdf": "x"}, mark=False)
    write_text(tmp_path / "other.toml", "x")
    assert (tmp_path / ".unfinished-symphony" / "score.pdf").exists()


def test_a_device_is_no_place_to_write_to(tmp_path):
    with pytest.raises(InputError, match="no regular file"):
        write_text("/dev/null", "x")
    with pytest.raises(InputError, match="no regular file"):
        write_text(tmp_path, "x")


def test_a_link_stays_a_link_and_a_mode_stays_a_mode(tmp_path):
    (tmp_path / "real").mkdir()
    file, link = tmp_path / "real" / "w.toml", tmp_path / "w.toml"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    write_text(link, "new")
    assert link.is_symlink()
    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o640


def no_space(*args, **kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_nothing_and_says_what_is_missing(tmp_path, monkeypatch):
    out = tmp_path / "deep" / "down"
    for write, name in ((atomic_file, "x.csv"), (atomic_directory, "run"), (atomic_files, "plots")):
        with pytest.raises(DiskFullError, match=f"{name}: no space .* at least 7 bytes"):
            fill_the_disk(write, out / name)
    monkeypatch.setattr("pathlib.Path.write_bytes", no_space)
    with pytest.raises(DiskFullError, match=r"x\.toml: no space left on the disk: 3 bytes") as hit:
        write_text(out / "x.toml", "abc")
    assert hit.value.exact
    assert listing(tmp_path) == []


def fill_the_disk(write, path):
    with write(path) as aside:
        (aside if write is atomic_file else aside / "part").write_text("1234567")
        no_space()


@pytest.fixture(scope="module")
def small():
    document = {
        "schema": "calib.experiment/1", "name": "small", "framework": "aii",
        "population": {"generate": {"n": 12, "seed": 3}},
        "sets": {"published": {"source": "published"}},
    }  # fmt: skip
    return run_experiment(parse_experiment(document, folder="", file="e.toml"))


def test_reports_in_both_languages_stand_side_by_side(tmp_path, small):
    folders = {lang: write_run(small, tmp_path, lang=lang) for lang in ("zh", "en")}
    for lang, folder in folders.items():
        assert f'lang="{lang}' in (folder / "report.html").read_text("utf-8")
        assert json.loads((folder / "manifest.json").read_text("utf-8"))["language"] == lang
    assert folders["zh"] != folders["en"]
    write_run(small, tmp_path, lang="en")
    assert len(list((tmp_path / "small").iterdir())) == 2


def test_a_run_that_somebody_worked_in_is_kept_and_the_next_gets_a_number(tmp_path, small):
    folder = write_run(small, tmp_path)
    (folder / "minutes.md").write_text("what the committee said")
    (folder / "tables" / "stars.csv").write_text("edited")
    said = []
    again = write_run(small, tmp_path, notice=said.append)
    assert again.name == f"{folder.name}-2"
    assert "minutes.md (added), tables/stars.csv (edited)" in said[0]
    found = changes(folder, read_manifest(folder))
    assert [text.get("zh") for text in found] == [
        "minutes.md（新增）",
        "tables/stars.csv（已改动）",
    ]
    assert (folder / "minutes.md").read_text() == "what the committee said"
    assert write_run(small, tmp_path) == again


def test_a_run_that_meets_a_full_disk_leaves_no_folder(tmp_path, small, monkeypatch):
    monkeypatch.setattr("calib.experiment.run_folder.render_report", no_space)
    with pytest.raises(DiskFullError, match=r"runs/small/.*at least \d+,\d\d\d bytes"):
        write_run(small, tmp_path / "runs")
    assert listing(tmp_path) == []
