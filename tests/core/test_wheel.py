"""An installed wheel finds its shipped data, outside the checkout."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import click


def run(*command, cwd):
    return subprocess.run(
        [*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False, timeout=280
    )


def test_an_installed_wheel_runs_the_demo(root, tmp_path):
    built = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir",
                tmp_path / "dist", root, cwd=tmp_path)  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for name in ("data/frameworks/aii.toml", "data/trial/trial.csv",
                 "experiments/trial-comparison.toml"):  # fmt: skip
        assert f"calib/_shipped/{name}" in names
    assert not any("__pycache__" in n for n in names)
    # A fresh environment that sees the dependencies of this one, but not this checkout's calib.
    env = tmp_path / "env"
    assert run(sys.executable, "-m", "venv", env, cwd=tmp_path).returncode == 0
    installed = run(env / "bin" / "pip", "install", "--no-index", "--no-deps", wheel, cwd=tmp_path)
    assert installed.returncode == 0, installed.stderr
    (site,) = env.glob("lib/python*/site-packages")
    dependencies = click.__file__.rsplit("/click/", 1)[0]
    # An editable install in that folder stays unseen: its .pth is read in site folders only.
    (site / "dependencies.pth").write_text(dependencies + "\n")
    done = run(env / "bin" / "calib", "demo", "-o", tmp_path / "runs", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    where = run(env / "bin" / "python", "-c", "import calib; print(calib.__file__)", cwd=tmp_path)
    assert where.stdout.startswith(str(site))
    assert "published (baseline)" in done.stdout
    assert "data/trial/trial.toml" in next((tmp_path / "runs").rglob("manifest.json")).read_text()
