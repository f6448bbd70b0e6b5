"""Writing a run: tables, weight sets, figures, summary, manifest and report, in one step."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import calib
from calib._atomic import atomic_directory, write_text
from calib.errors import InputError
from calib.experiment.report import render_report
from calib.experiment.run import Run
from calib.outcomes.comparison import transition_matrix
from calib.tables import write_csv, write_parquet
from calib.weights import to_toml

__all__ = ["run_id", "summary", "write_run"]

_RECORDED = ("numpy", "scipy", "pandas", "statsmodels", "matplotlib")


def run_id(run: Run) -> str:
    """Return the run's id: a digest of the experiment, its inputs, seed and calib's version."""
    body = {
        "experiment": run.experiment.digest, "inputs": run.inputs, "seed": run.context.seed,
        "calib": calib.__version__,
    }  # fmt: skip
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:12]


def summary(run: Run) -> dict[str, Any]:
    """Return the main numbers of a run, for programs."""
    base = run.context.baseline
    sets = {}
    for name, rating in run.ratings.items():
        matrix = transition_matrix(rating, run.ratings[base])
        moved = int(matrix.sum() - matrix.trace())
        grown = run.context.grown(name)
        sets[name] = {
            "source": run.sets[name].provenance.source,
            "digest": run.sets[name].digest,
            "stars": rating.counts().tolist(),
            "stars_by_track": {t: rating.counts(t).tolist() for t in rating.samples},
            "downgraded": rating.downgrades,
            "enterprises": None if grown is None else grown.label.en,
            "moved": moved,
        }
    return {
        "schema": "calib.summary/1",
        "experiment": run.experiment.name,
        "framework": [run.experiment.framework.code, run.experiment.framework.version],
        "population": {
            "label": run.context.scored.label, "n": len(run.context.scored),
            "synthetic": run.context.scored.synthetic,
            "by_track": {t: len(s) for t, s in run.context.scored.samples.items()},
        },
        "labels": [n.en for n in run.experiment.framework.rule.labels],
        "baseline": base,
        "sets": sets,
    }  # fmt: skip


def write_run(
    run: Run, folder: str | Path, *, lang: str = "en", command: Sequence[str] = ()
) -> Path:
    """Write a run to ``folder/<experiment>/<id>/``.

    The directory appears under its name only when everything in it is written. The same inputs
    and seed give the same id and byte-identical tables; a run of the same id is replaced.

    Parameters
    ----------
    lang : language of report and figures, ``"zh"`` or ``"en"``
    command : as typed, for the manifest

    Returns
    -------
    The run's directory.
    """
    identifier = run_id(run)
    target = Path(folder) / run.experiment.name / identifier
    with atomic_directory(target) as aside:
        outputs = _write_tables(run, aside)
        figures = _write_figures(run, aside, lang)
        _write_json(aside / "summary.json", summary(run))
        manifest = _manifest(run, identifier, lang, command, outputs)
        _write_json(aside / "manifest.json", manifest)
        write_text(aside / "report.html", render_report(run, manifest, figures, lang))
    return target


def _write_tables(run: Run, aside: Path) -> dict[str, str]:
    parquet = importlib.util.find_spec("pyarrow") is not None
    (aside / "tables").mkdir()
    (aside / "weights").mkdir()
    written = []
    for table in run.tables():
        path = aside / "tables" / f"{_safe(table.name)}.csv"
        if path.exists():
            raise InputError(
                f"{run.experiment.file}: two tables of the run are called {table.name!r};"
                " give the set or analysis of one another name"
            )
        write_csv(table.frame, path)
        written.append(path)
        if parquet:
            write_parquet(table.frame, path.with_suffix(".parquet"))
            written.append(path.with_suffix(".parquet"))
    for name, weights in run.sets.items():
        path = aside / "weights" / f"{_safe(name)}.toml"
        write_text(path, to_toml(weights))
        written.append(path)
    for name, result in run.results.items():
        for file, text in result.files.items():
            (aside / "files").mkdir(exist_ok=True)
            path = aside / "files" / f"{_safe(name)}-{_safe(file)}"
            write_text(path, text)
            written.append(path)
    return {
        p.relative_to(aside).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in written
    }


def _write_figures(run: Run, aside: Path, lang: str) -> dict[str, str]:
    from calib.figures import save_svg, to_svg_string

    (aside / "figures").mkdir()
    out = {}
    for drawing in run.drawings():
        figure = drawing.draw(lang)
        save_svg(figure, aside / "figures" / f"{_safe(drawing.name)}.svg")
        out[drawing.name] = to_svg_string(figure, title=drawing.title.get(lang))
    return out


def _safe(name: str) -> str:
    """Return a name as part of a file name; ``@`` can stand in no set's own name."""
    return name.replace("/", "@")


def _write_json(path: Path, body: Any) -> None:
    write_text(path, json.dumps(body, ensure_ascii=False, indent=2, sort_keys=False) + "\n")


def _manifest(
    run: Run, identifier: str, lang: str, command: Sequence[str], outputs: dict[str, str]
) -> dict[str, Any]:
    versions = {"calib": calib.__version__, "python": platform.python_version()}
    for package in _RECORDED:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "schema": "calib.manifest/1",
        "id": identifier,
        "experiment": {"name": run.experiment.name, "digest": run.experiment.digest},
        "command": " ".join(command),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": run.context.seed,
        "language": lang,
        "readings": run.context.readings.as_dict(),
        "inputs": dict(sorted(run.inputs.items())),
        "population": {
            "label": run.context.scored.label, "digest": run.context.scored.digest,
            "synthetic": run.context.scored.synthetic,
        },
        "versions": versions,
        "outputs": outputs,
    }  # fmt: skip
