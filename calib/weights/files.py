"""Weight sets in files: TOML, and the spreadsheet table.

The TOML form lists local weights by node code: shared first-level weights, and others that are
the same in every track that has the node, under ``[weights]``; a track's own under
``[weights.<track>]``. Whole families may be left out if ``unlisted`` says where their weights
come from (``"published"`` or ``"equal"``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StrictFloat

from calib._types import FloatArray
from calib._validation import parse_model
from calib.errors import Faults, InputError, did_you_mean, suggest
from calib.files.atomic import write_text
from calib.files.inputs import read_toml
from calib.files.shipped import shipped_data
from calib.framework import Framework, Name
from calib.imports import stored
from calib.imports.text import bare, fold
from calib.imports.vocabulary import words
from calib.tables.raw import RawTable
from calib.weights.imported import mapped_weights
from calib.weights.weightset import Provenance, WeightSet, check_weights, published_weights
from calib.words import message

__all__ = ["read_weights", "to_toml", "write_weights"]

_PRINTED = 0.0051
"""How far a printed global weight is off the product of local ones."""


class _NameEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    zh: str
    en: str


class _ProvenanceEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    source: str = "file"
    detail: str = ""
    date: str = ""
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
        return _read_weight_table(file, framework, sheet)
    spec = parse_model(_WeightsFile, read_toml(file), str(file))
    _check_framework(spec, framework, str(file))
    given = _by_track(spec.weights, framework, Faults(file))
    local = _complete(given, framework, spec.unlisted, Faults(file))
    check_weights(framework, local, str(file)).raise_if_any()
    p = spec.provenance
    label = Name(spec.label.zh, spec.label.en) if spec.label else Name(spec.name, spec.name)
    detail = p.detail
    if spec.unlisted:
        detail = f"{detail}; unlisted families: {spec.unlisted}".lstrip("; ")
    provenance = Provenance(p.source, detail, p.date, p.inputs)
    return WeightSet(framework, spec.name, local, label, provenance, spec.version)


def _shipped(path: str | os.PathLike[str]) -> Path | None:
    """Return the file of a shipped set that goes by its name, None for any other path."""
    if Path(path).suffix or Path(path).exists():
        return None
    shipped = {p.stem: p for p in sorted((shipped_data() / "weights").glob("*.toml"))}
    name = str(path)
    if name not in shipped:
        known = ["published", *shipped]
        hint = suggest(name, known)
        raise InputError(message("weights.no_such", name=name, hint=hint, known=known))
    return shipped[name]


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


def _complete(
    given: Mapping[str, Mapping[str, float]],
    framework: Framework,
    unlisted: str | None,
    faults: Faults,
) -> dict[str, FloatArray]:
    local: dict[str, FloatArray] = {}
    for t, tree in framework.tracks.items():
        values = np.array(framework.published[t])
        for family in tree.families:
            codes = [tree.codes[i] for i in family.members]
            lacking = [c for c in codes if c not in given[t]]
            under = family.parent or "the root"
            if not lacking:
                values[family.members] = [given[t][c] for c in codes]
            elif len(lacking) < len(codes):
                faults.add(
                    f"under {under} ({t})",
                    message("faults.no_weight_for", lacking=list(lacking)),
                    expected=message("faults.a_weight_for_every_sibling"),
                )
            elif unlisted == "equal" or len(codes) == 1:
                values[family.members] = 1 / len(codes)
            elif unlisted is None:
                faults.add(
                    f"under {under} ({t})",
                    message("faults.no_weights_for", codes=list(codes)),
                    expected=message("faults.weights_or_unlisted_published_equal"),
                )
        local[t] = values
    faults.raise_if_any()
    return local


def _read_weight_table(file: Path, framework: Framework, sheet: str | None) -> WeightSet:
    from calib.tables import check_header, read_table

    table = _in_calibs_words(read_table(file, sheet=sheet))
    check_header(table, ("track", "code", "local_weight"))
    faults = Faults(file)
    numbers = table.numbers("local_weight", faults, expected="a local weight from 0 to 1")
    given: dict[str, dict[str, float]] = {t: {} for t in framework.tracks}
    tracks, codes = table.text("track"), table.text("code")
    for row, (word, code) in enumerate(zip(tracks, codes, strict=True)):
        track = framework.track(word)
        where = table.where(row, "code")
        if track is None:
            faults.add(
                table.where(row, "track"),
                message("faults.no_such_track_2"),
                value=word,
                expected=" | ".join(framework.tracks),
            )
        elif code not in framework.tracks[track].index:
            hint = did_you_mean(code, framework.tracks[track].codes)
            faults.add(
                where,
                message("faults.unknown_code", hint=hint),
                value=code,
                expected=message("faults.a_node_code_of_track", track=track),
            )
        elif code in given[track]:
            faults.add(
                where,
                message("faults.duplicate_code"),
                value=code,
                expected=message("faults.each_node_once_a_track"),
            )
        elif np.isnan(numbers[row]) and not str(table.frame["local_weight"].iloc[row]).strip():
            faults.add(
                table.where(row, "local_weight"),
                message("faults.is_empty"),
                expected=message("faults.a_local_weight"),
            )
        elif numbers[row] < 0:
            faults.add(
                table.where(row, "local_weight"),
                message("faults.weight_is_negative"),
                value=float(numbers[row]),
                expected=message("faults.a_number_from_to"),
            )
        else:
            given[track][code] = float(numbers[row])
    _check_beside(table, framework, faults)
    faults.raise_if_any()
    local = _complete(given, framework, None, faults)
    check_weights(framework, local, str(file)).raise_if_any()
    _check_global(table, framework, local, faults)
    faults.raise_if_any()
    return WeightSet.build(framework, file.stem, local, source="file")


def _in_calibs_words(table: RawTable) -> RawTable:
    """Return a table whose Chinese headers are calib's own."""
    own = {"track": "track", "code": "code", "name": "name", "local": "local_weight",
           "global": "global_weight"}  # fmt: skip
    heads = [str(c) for c in table.frame.columns]
    renamed = {
        head: calibs
        for key, calibs in own.items()
        for head in heads
        if calibs not in heads and fold(head) in words("weights", key)
    }
    renamed |= {h: "framework" for h in heads if fold(h) in words("weights", "framework")}
    return replace(table, frame=table.frame.rename(columns=renamed))


def _check_beside(table: RawTable, framework: Framework, faults: Faults) -> None:
    """Check what stands beside the codes: names, and the framework that the table is for."""
    columns = [str(c) for c in table.frame.columns]
    codes = table.text("code")
    for column in (c for c in columns if c in ("name", "name_zh", "name_en")):
        for row, (code, said) in enumerate(zip(codes, table.text(column), strict=True)):
            if code not in framework.codes or not said:
                continue
            name = framework.node(code).name
            if bare(said) not in (bare(name.zh), bare(name.en)):
                faults.add(
                    table.where(row, column),
                    message("imports.code_and_name"),
                    value=said,
                    expected=f"{code} {name}",
                )
    if "framework" in columns:
        own = f"{framework.code} {framework.version}"
        for row, said in enumerate(table.text("framework")):
            if said and said != own:
                faults.add(
                    table.where(row, "framework"),
                    message("faults.the_weights_are_for_another_2"),
                    value=said,
                    expected=own,
                )


def _check_global(
    table: RawTable, framework: Framework, local: Mapping[str, FloatArray], faults: Faults
) -> None:
    """Check the global weights of a table against its local ones; printed digits may be few."""
    if "global_weight" not in table.frame.columns:
        return
    stated = table.numbers("global_weight", faults, expected=message("faults.a_number_from_to"))
    made = {t: x.global_weights(local[t]) for t, x in framework.tracks.items()}
    rows = zip(table.text("track"), table.text("code"), stated, strict=True)
    for row, (word, code, value) in enumerate(rows):
        track = framework.track(word)
        if track is None or np.isnan(value):
            continue
        product = float(made[track][framework.tracks[track].index[code]])
        if abs(product - value) > _PRINTED:
            faults.add(
                table.where(row, "global_weight"),
                message("imports.global_differs", code=code),
                value=float(value),
                expected=f"{product:.6g}",
            )


def to_toml(weights: WeightSet) -> str:
    """Return a weight set as TOML text; numbers in the shortest form that reads back exactly."""
    fw, p = weights.framework, weights.provenance
    lines = [
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
    write_table(weights.frame().assign(framework=f"{fw.code} {fw.version}"), path)
