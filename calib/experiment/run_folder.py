"""Writing a run: tables, weight sets, figures, summary, manifest and report, in one step."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import platform
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import count
from pathlib import Path
from typing import Any

import calib
from calib.experiment.beforehand import enterprises_read, last_run
from calib.experiment.history import origin_of, runs_in
from calib.experiment.marks import mark_synthetic
from calib.experiment.report import render_report
from calib.experiment.run import Run
from calib.experiment.spec import DECISION
from calib.files.atomic import atomic_directory, clear_remains, write_bytes, write_text
from calib.files.folders import MANIFEST, file_hashes, own_work
from calib.files.last_verification import last_verification
from calib.files.names import file_stem, names_apart
from calib.outcomes.decision import DecisionResult
from calib.outcomes.star_differences import transition_matrix
from calib.report import Table, data_dictionary
from calib.tables import write_csv, write_parquet
from calib.weights import to_toml
from calib.words import say

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
            "enterprises": None if grown is None else grown.label.get("en"),
            "moved": moved,
        }
    found = run.outcomes.get(DECISION)
    decision = found if isinstance(found, DecisionResult) else None
    return {
        "schema": "calib.summary/1",
        "experiment": run.experiment.name,
        "framework": [run.experiment.framework.code, run.experiment.framework.version],
        "population": {
            "label": run.context.scored.label, "n": len(run.context.scored),
            "synthetic": run.context.scored.synthetic,
            "by_track": {t: len(s) for t, s in run.context.scored.samples.items()},
            "read": {t: len(s) for t, s in run.context.population.samples.items()},
        },
        "labels": [n.en for n in run.experiment.framework.rule.labels],
        "baseline": base,
        "sets": sets,
        **({"decision": {"advice": decision.advice}} if decision is not None else {}),
    }  # fmt: skip


def write_run(
    run: Run,
    folder: str | Path,
    *,
    lang: str = "en",
    command: Sequence[str] = (),
    notice: Callable[[str], None] = lambda text: None,
) -> Path:
    """Write a run to ``folder/<experiment>/<id>-<lang>/``.

    The directory appears under its name only when everything in it is written. The same inputs
    and seed give the same id and byte-identical tables. A run of the same id and language is
    replaced, unless its files were changed: then it is kept, and the new one gets a number.

    Parameters
    ----------
    lang : language of report and figures, ``"zh"`` or ``"en"``
    command : as typed, for the manifest
    notice : called with what the user should know, such as a run that is kept

    Returns
    -------
    The run's directory.

    Raises
    ------
    DiskFullError
        When the disk has no room for the run; nothing of it is left then.
    """
    identifier = run_id(run)
    target = _free_name(
        Path(folder) / file_stem(run.experiment.name), f"{identifier}-{lang}", notice
    )
    read = enterprises_read(run, last_run(folder, run.experiment))
    with atomic_directory(target) as aside:
        _write_tables(run, aside)
        figures = _write_figures(run, aside, lang)
        _write_json(aside / "summary.json", summary(run))
        _write_json(aside / "columns.json", data_dictionary(_tables(run), run.names))
        manifest = _manifest(run, identifier, lang, command, target)
        write_text(aside / "report.html", render_report(run, manifest, figures, lang, read))
        _write_json(aside / MANIFEST, {**manifest, "outputs": file_hashes(aside)})
    return target


def _free_name(folder: Path, name: str, notice: Callable[[str], None]) -> Path:
    """Return where a run goes: under its name, or with a number where a changed one stands."""
    clear_remains(folder)
    for number in count(1):
        target = folder / (name if number == 1 else f"{name}-{number}")
        kept = own_work(target)
        if not kept:
            break
        notice(say("experiment.run_kept", folder=str(target), why=kept))
    return target


def _tables(run: Run) -> list[Table]:
    return [mark_synthetic(table.written(), run) for table in run.tables]


def _write_tables(run: Run, aside: Path) -> None:
    parquet = importlib.util.find_spec("pyarrow") is not None
    (aside / "tables").mkdir()
    (aside / "weights").mkdir()
    for table in _tables(run):
        path = aside / "tables" / f"{table.name}.csv"
        write_csv(table.frame, path)
        if parquet:
            write_parquet(table.frame, path.with_suffix(".parquet"))
    names = names_apart(file_stem(name) for name in run.sets)
    for name, weights in zip(names, run.sets.values(), strict=True):
        write_text(aside / "weights" / f"{name}.toml", to_toml(weights))
    files = [
        (f"{file_stem(name)}-{file_stem(file)}", text)
        for name, result in run.results.items()
        for file, text in result.files.items()
    ]
    if files:
        (aside / "files").mkdir()
    for name, (_, text) in zip(names_apart(name for name, _ in files), files, strict=True):
        write_text(aside / "files" / name, text)


def _write_figures(run: Run, aside: Path, lang: str) -> dict[str, str]:
    from calib.figures import svg_bytes, to_svg_string

    (aside / "figures").mkdir()
    out = {}
    for drawing in run.drawings:
        figure = drawing.draw(lang)
        drawn = svg_bytes(figure)  # once: drawing takes longer than most analyses
        write_bytes(aside / "figures" / f"{drawing.name}.svg", drawn)
        out[drawing.name] = to_svg_string(figure, title=drawing.title.get(lang), drawn=drawn)
    return out


def _label_before(folder: Path, identifier: str) -> str:
    """Return the label of the same run made before, in whatever language."""
    return next((r.label for r in runs_in(folder) if r.id == identifier and r.label), "")


def _write_json(path: Path, body: Any) -> None:
    write_text(path, json.dumps(body, ensure_ascii=False, indent=2, sort_keys=False) + "\n")


def _manifest(
    run: Run, identifier: str, lang: str, command: Sequence[str], target: Path
) -> dict[str, Any]:
    experiment = {"name": run.experiment.name, "digest": run.experiment.digest}
    origin = origin_of(run.experiment.file, target)
    label = _label_before(target.parent, identifier)
    versions = {"calib": calib.__version__, "python": platform.python_version()}
    for package in _RECORDED:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "schema": "calib.manifest/1",
        "id": identifier,
        **({"label": label} if label else {}),
        "experiment": {**experiment, **({"file": origin} if origin else {})},
        "command": " ".join(command),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": run.context.seed,
        "language": lang,
        **({} if run.protocol is None else {"protocol": run.protocol.record()}),
        "rule_options": run.context.rule_options.as_dict(),
        "inputs": dict(sorted(run.inputs.items())),
        "population": {
            "label": run.context.scored.label, "digest": run.context.scored.digest,
            "synthetic": run.context.scored.synthetic,
        },
        "versions": versions,
        "verification": last_verification(),
    }  # fmt: skip
