"""Weight sets in files: TOML, and the spreadsheet table.

The TOML form lists local weights by node code: shared first-level weights, and others that are
the same in every track that has the node, under ``[weights]``; a track's own under
``[weights.<track>]``. Whole families may be left out if ``unlisted`` says where their weights
come from (``"published"`` or ``"equal"``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StrictFloat

from calib._validation import parse_model
from calib.errors import Faults, did_you_mean
from calib.files.atomic import write_text
from calib.files.inputs import read_toml
from calib.files.shipped import shipped_data, shipped_file
from calib.framework import Framework, Name
from calib.imports import stored
from calib.weights.imported import mapped_weights
from calib.weights.published_and_equal import published_weights
from calib.weights.sheet import complete, read_weight_table
from calib.weights.weightset import Provenance, WeightSet, check_weights
from calib.words import languages, message, say

__all__ = ["read_weights", "to_toml", "write_weights"]


class _NameEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    zh: str
    en: str


class _ProvenanceEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    source: str = "file"
    detail: str = ""
    date: str = ""
    synthetic: bool = False
    inputs: dict[str, str] = {}


class _WeightsFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    schema_: Literal["calib.weights/1"] = Field(alias="schema")
    framework: str
    framework_version: str | None = None
    name: Annotated[str, Field(min_length=1)]
    version: str = "1"
    label: _NameEntry | None = None
    unlisted: Literal["published", "equal"] | None = None
    provenance: _ProvenanceEntry = _ProvenanceEntry()
    weights: dict[str, StrictFloat | dict[str, StrictFloat]]


def read_weights(
    path: str | os.PathLike[str] | WeightSet,
    framework: Framework,
    *,
    sheet: str | None = None,
    mapping: str | os.PathLike[str] | None = None,
) -> WeightSet:
    """Read a weight set from TOML, or from its table as CSV, XLSX or Parquet.

    Parameters
    ----------
    path : the file; or ``"published"``, the framework's own weights; or the name of a shipped set:
        "meeting-draft". A set that is read already is handed back
    sheet : sheet of a workbook, the first if None
    mapping : what the columns of a table that people made hold; see :func:`calib.import_weights`.
        A mapping that lies beside the file and is for its layout is used without being named

    Raises
    ------
    InputError
        With every fault: unknown, duplicate or missing codes, negative weights or NaN, siblings
        that do not sum to 1 (and by how much), a file for another framework or version.
    """
    if isinstance(path, WeightSet):
        return path
    if str(path) == "published":
        return published_weights(framework)
    file = _shipped(path) or Path(path)
    if file.suffix.lower() != ".toml":
        found = stored(file, framework, "weights", mapping, sheet)
        if found is not None:
            return mapped_weights(found, framework)
        return read_weight_table(file, framework, sheet)
    spec = parse_model(_WeightsFile, read_toml(file), str(file))
    _check_framework(spec, framework, str(file))
    given = _by_track(spec.weights, framework, Faults(file))
    local = complete(given, framework, spec.unlisted, Faults(file))
    check_weights(framework, local, str(file)).raise_if_any()
    p = spec.provenance
    label = Name(spec.label.zh, spec.label.en) if spec.label else Name(spec.name, spec.name)
    detail = p.detail
    if spec.unlisted:
        detail = f"{detail}; unlisted families: {spec.unlisted}".lstrip("; ")
    provenance = Provenance(p.source, detail, p.date, p.inputs, synthetic=p.synthetic)
    return WeightSet(framework, spec.name, local, label, provenance, spec.version)


def _shipped(path: str | os.PathLike[str]) -> Path | None:
    """Return the file of a shipped set that goes by its name, None for any other path."""
    shipped = {p.stem: p for p in sorted((shipped_data() / "weights").glob("*.toml"))}
    return shipped_file(path, shipped, "weights.no_such", more=["published"])


def _check_framework(spec: _WeightsFile, framework: Framework, file: str) -> None:
    faults = Faults(file)
    if spec.framework != framework.code:
        faults.add(
            "framework",
            message("faults.the_weights_are_for_another"),
            value=spec.framework,
            expected=framework.code,
        )
    elif spec.framework_version not in (None, framework.version):
        faults.add(
            "framework_version",
            message("faults.the_weights_are_for_another_2"),
            value=spec.framework_version,
            expected=framework.version,
        )
    faults.raise_if_any()


def _by_track(
    weights: Mapping[str, float | dict[str, float]],
    framework: Framework,
    faults: Faults,
) -> dict[str, dict[str, float]]:
    given: dict[str, dict[str, float]] = {t: {} for t in framework.tracks}
    for key, value in weights.items():
        if isinstance(value, dict):
            track = framework.track(key)
            if track is None:
                faults.add(
                    f"weights.{key}",
                    message("faults.no_such_track", hint=did_you_mean(key, framework.tracks)),
                    expected=" | ".join(framework.tracks),
                )
                continue
            for code, number in value.items():
                _put(given, framework, track, code, float(number), faults)
            continue
        holders = [t for t, tree in framework.tracks.items() if key in tree.index]
        if not holders:
            hint = did_you_mean(key, framework.codes)
            faults.add(
                f"weights.{key}",
                message("faults.unknown_code", hint=hint),
                expected=message("faults.a_node_code_keys_with"),
            )
        for t in holders:
            _put(given, framework, t, key, float(value), faults)
    faults.raise_if_any()
    return given


def _put(
    given: dict[str, dict[str, float]],
    framework: Framework,
    track: str,
    code: str,
    number: float,
    faults: Faults,
) -> None:
    tree = framework.tracks[track]
    where = f"weights.{track}.{code}"
    if code not in tree.index:
        faults.add(
            where,
            message("faults.unknown_code", hint=did_you_mean(code, tree.codes)),
            expected=message("faults.a_node_code_of_track", track=track),
        )
    elif code in given[track]:
        faults.add(
            where,
            message("faults.stands_under_weights_and_under"),
            value=number,
            expected=message("faults.one_place"),
        )
    elif not np.isfinite(number) or number < 0:
        faults.add(
            where,
            message("faults.weight_is_negative_or_no"),
            value=number,
            expected=message("faults.a_number_from_to"),
        )
    else:
        given[track][code] = number


def to_toml(weights: WeightSet) -> str:
    """Return a weight set as TOML text; numbers in the shortest form that reads back exactly."""
    fw, p = weights.framework, weights.provenance
    mark = [f"# {say('provenance.synthetic', lang)}" for lang in languages() if p.synthetic]
    lines = [
        *mark,
        'schema = "calib.weights/1"',
        f"framework = {_q(fw.code)}",
        f"framework_version = {_q(fw.version)}",
        f"name = {_q(weights.name)}",
        f"version = {_q(weights.version)}",
        f"label = {{ zh = {_q(weights.label.zh)}, en = {_q(weights.label.en)} }}",
        "",
        "[provenance]",
        f"source = {_q(p.source)}",
    ]
    lines += [f"{key} = {_q(v)}" for key, v in (("detail", p.detail), ("date", p.date)) if v]
    if p.synthetic:
        lines.append("synthetic = true")
    if p.inputs:
        lines.append("[provenance.inputs]")
        lines += [f"{_q(k)} = {_q(v)}" for k, v in p.inputs.items()]
    shared = fw.shared
    lines += ["", "# Local weights: siblings sum to 1.", "[weights]"]
    lines += [_weight_line(fw, c, weights.weight(c)) for c in shared]
    for t, tree in fw.tracks.items():
        lines += ["", f"[weights.{t if '.' not in t else _q(t)}]"]
        lines += [
            _weight_line(fw, c, float(weights.local[t][i]))
            for i, c in enumerate(tree.codes)
            if c not in shared
        ]
    return "\n".join(lines) + "\n"


def _weight_line(framework: Framework, code: str, value: float) -> str:
    name = framework.node(code).name
    comment = f"{name.zh} {name.en}".replace("\n", " ").replace("\r", " ")
    return f"{_q(code)} = {value!r}  # {_printable(comment)}"


def _printable(text: str) -> str:
    return "".join(c if c >= " " and c != "\x7f" else " " for c in text)


def _q(text: Any) -> str:
    """Quote a TOML basic string."""
    out = str(text).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}" for c in out) + '"'


def write_weights(weights: WeightSet, path: str | os.PathLike[str]) -> None:
    """Write a weight set as TOML, or as a table (CSV, XLSX, Parquet), by the path's ending."""
    if Path(path).suffix.lower() == ".toml":
        write_text(path, to_toml(weights))
        return
    from calib.tables import write_table

    fw = weights.framework
    frame = weights.frame().assign(framework=f"{fw.code} {fw.version}")
    write_table(frame.assign(synthetic="yes") if weights.provenance.synthetic else frame, path)
