"""Weight sets in calib's own table: a row a node of each track."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from calib._types import FloatArray
from calib.errors import Faults, did_you_mean
from calib.framework import Framework
from calib.imports.text import bare, fold
from calib.imports.vocabulary import words
from calib.tables.raw import RawTable
from calib.weights.weightset import WeightSet, check_weights
from calib.words import message

__all__ = ["complete", "is_weight_table", "read_weight_table"]

_PRINTED = 0.0051
"""How far a printed global weight is off the product of local ones."""


def complete(
    given: Mapping[str, Mapping[str, float]],
    framework: Framework,
    unlisted: str | None,
    faults: Faults,
) -> dict[str, FloatArray]:
    """Return local weights by track, families that are not given as ``unlisted`` says."""
    local: dict[str, FloatArray] = {}
    for t, tree in framework.tracks.items():
        values = np.array(framework.published[t])
        for family in tree.families:
            codes = [tree.codes[i] for i in family.members]
            lacking = [c for c in codes if c not in given[t]]
            if not lacking:
                values[family.members] = [given[t][c] for c in codes]
            elif len(lacking) < len(codes):
                faults.add(
                    family.place(t),
                    message("faults.no_weight_for", lacking=list(lacking)),
                    expected=message("faults.a_weight_for_every_sibling"),
                )
            elif unlisted == "equal" or len(codes) == 1:
                values[family.members] = 1 / len(codes)
            elif unlisted is None:
                faults.add(
                    family.place(t),
                    message("faults.no_weights_for", codes=list(codes)),
                    expected=message("faults.weights_or_unlisted_published_equal"),
                )
        local[t] = values
    faults.raise_if_any()
    return local


def read_weight_table(file: Path, framework: Framework, sheet: str | None) -> WeightSet:
    """Read a weight set from the table that calib writes, its headers in either language."""
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
    local = complete(given, framework, None, faults)
    check_weights(framework, local, str(file)).raise_if_any()
    _check_global(table, framework, local, faults)
    faults.raise_if_any()
    marks = table.text("synthetic") if "synthetic" in table.frame.columns else []
    synthetic = any(bare(fold(m)) in ("yes", "true", "1") for m in marks)
    return WeightSet.build(framework, file.stem, local, source="file", synthetic=synthetic)


def is_weight_table(table: RawTable) -> bool:
    """Return whether a table holds weights under calib's own headers, in either language."""
    heads = set(_in_calibs_words(table).frame.columns)
    return "local_weight" in heads and bool({"code", "name"} & heads)


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
