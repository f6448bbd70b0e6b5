"""Weight sets from tables that people make: percent or shares, local or global."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from calib._types import FloatArray
from calib.errors import Faults
from calib.files.inputs import file_digest
from calib.framework import Framework, Track
from calib.imports import GivenWeight, Proposal, prepare, read_given, require_ready
from calib.requests import expect
from calib.weights.weightset import WeightSet, check_weights
from calib.words import message

__all__ = ["import_weights", "mapped_weights"]

_OFF = 0.02
"""How far sums of printed weights are off 1 by rounding."""
_ALIKE = 0.0051
"""How far a printed global weight is off the product of local ones."""
Given = dict[str, dict[str, GivenWeight]]


def import_weights(
    path: str | os.PathLike[str],
    framework: Framework,
    *,
    mapping: str | os.PathLike[str] | None = None,
    choices: Mapping[str, str] | None = None,
    confirm: bool = False,
    sheet: str | None = None,
    name: str = "",
) -> WeightSet:
    """Read a weight set from a table as people make them.

    A row a node (by code or name), weights in one column or in one a track; or a column a level,
    each followed by its weights. Shares or percent; local weights or global ones, which are told
    apart by what they sum to.

    Parameters
    ----------
    choices : ``rest``: where the weights of families that are not listed come from,
        ``"published"`` or ``"equal"``; ``sums``: ``"normalise"`` where printed siblings sum to
        nearly 1
    name : name of the set; the file's if not given

    Raises
    ------
    InputError
        With every open question, or with every fault: weights that sum to neither 1 nor 100,
        codes and names of different nodes, a global weight that is not the product of local ones.
    """
    expect("import_weights(path, framework)", framework=(framework, Framework))
    given = dict(choices or {})
    sums = given.pop("sums", "")
    proposal = prepare(path, framework, kind="weights", mapping=mapping, choices=given,
                       sheet=sheet)  # fmt: skip
    require_ready(proposal, confirm=confirm)
    return mapped_weights(proposal, framework, name=name, normalise=sums == "normalise")


def mapped_weights(
    proposal: Proposal, framework: Framework, *, name: str = "", normalise: bool = False
) -> WeightSet:
    """Return the weight set of a table whose mapping is ready or was confirmed."""
    file = Path(proposal.export.file)
    faults = Faults(file)
    given = read_given(proposal.export, proposal.mapping, framework, faults)
    local = _gather([g for g in given if g.scope != "global"], faults)
    whole = _gather([g for g in given if g.scope == "global"], faults)
    faults.raise_if_any()
    rest = proposal.mapping.choices.get("rest", "")
    arrays: dict[str, FloatArray] = {}
    for t, tree in framework.tracks.items():
        values = _local(tree, local.get(t, {}), whole.get(t, {}), faults)
        arrays[t] = _completed(tree, values, framework.published[t], rest, normalise, faults)
        if local.get(t) and whole.get(t):
            _compare_global(tree, arrays[t], whole[t], faults)
    faults.raise_if_any()
    check_weights(framework, arrays, str(file)).raise_if_any()
    return WeightSet.build(
        framework, name or file.stem, arrays, source="import", detail=file.name,
        inputs={file.name: file_digest(file)},
    )  # fmt: skip


def _gather(given: Sequence[GivenWeight], faults: Faults) -> Given:
    out: Given = defaultdict(dict)
    for one in given:
        first = out[one.track].setdefault(one.code, one)
        if first is not one and abs(first.value - one.value) > 1e-12:
            faults.add(
                one.where,
                message("imports.weight_twice", code=one.code, where=first.where),
                value=one.value,
                expected=f"{first.value:g}",
            )
    return out


def _local(
    tree: Track, local: Mapping[str, GivenWeight], whole: Mapping[str, GivenWeight], faults: Faults
) -> dict[str, float]:
    """Return local weights as shares: percent divided, global ones divided by their parent's."""
    if not local:
        return _from_global(tree, _shares(tree, whole), faults)
    shares = _shares(tree, local)
    sums = _sums(tree, shares)
    if sums and all(abs(s - 1) <= _OFF for s in sums):
        return shares
    scopes = {g.scope for g in local.values()}
    leaves = [shares[c] for c in tree.leaf_codes if c in shares]
    if scopes == {"share"} and len(leaves) == len(tree.leaves) and abs(sum(leaves) - 1) <= _OFF:
        return _from_global(tree, shares, faults)
    return shares


def _shares(tree: Track, given: Mapping[str, GivenWeight]) -> dict[str, float]:
    """Divide by 100 where that makes siblings, or all leaves, sum to 1."""
    values = {c: g.value for c, g in given.items()}
    plain = [c for c, g in given.items() if not g.percent]
    hundred = [s for s in _sums(tree, values) if abs(s - 100) <= 100 * _OFF]
    leaves = sum(values.get(c, 0.0) for c in tree.leaf_codes)
    if plain and (hundred or abs(leaves - 100) <= 100 * _OFF):
        return {c: v / 100 if c in plain else v for c, v in values.items()}
    return values


def _sums(tree: Track, values: Mapping[str, float]) -> list[float]:
    families = [[tree.codes[i] for i in f.members] for f in tree.families]
    return [sum(values[c] for c in f) for f in families if all(c in values for c in f)]


def _from_global(tree: Track, values: Mapping[str, float], faults: Faults) -> dict[str, float]:
    """Return local weights from global ones; those of parents are sums where they are not given."""
    if not values:
        return {}
    total = dict(values)
    for node in reversed(tree.nodes):
        if node.children and all(c in total for c in node.children):
            summed = sum(total[c] for c in node.children)
            if node.code in values and abs(values[node.code] - summed) > _ALIKE:
                faults.add(
                    node.code,
                    message("imports.not_the_sum", code=node.code),
                    value=values[node.code],
                    expected=f"{summed:.6g}",
                )
            total[node.code] = summed
    out: dict[str, float] = {}
    for family in tree.families:
        codes = [tree.codes[i] for i in family.members]
        if all(c in total for c in codes):
            above = sum(total[c] for c in codes)
            if above > 0:
                out |= {c: total[c] / above for c in codes}
    return out


def _completed(
    tree: Track,
    values: Mapping[str, float],
    published: FloatArray,
    rest: str,
    normalise: bool,
    faults: Faults,
) -> FloatArray:
    out = np.array(published, dtype=float)
    for family in tree.families:
        codes = [tree.codes[i] for i in family.members]
        lacking = [c for c in codes if c not in values]
        under = family.place(tree.name)
        if len(lacking) == len(codes):
            if rest == "equal" or len(codes) == 1:
                out[family.members] = 1 / len(codes)
            continue
        if lacking:
            expected = message("faults.a_weight_for_every_sibling")
            faults.add(under, message("faults.no_weight_for", lacking=lacking), expected=expected)
            continue
        given = np.array([values[c] for c in codes])
        off = float(given.sum()) - 1
        if abs(off) > 1e-9 and ((normalise and abs(off) <= _OFF) or abs(off) < 1e-6):
            given = given / given.sum()
        elif abs(off) > 1e-9:
            key = "imports.sum_nearly" if abs(off) <= _OFF else "imports.sum_off"
            listed = [f"{c} {v:g}" for c, v in zip(codes, given, strict=True)]
            faults.add(under, message(key, total=f"{given.sum():.6g}", members=listed),
                       expected=message("imports.sum_expected"))  # fmt: skip
        out[family.members] = given
    return out


def _compare_global(
    tree: Track, local: FloatArray, whole: Mapping[str, GivenWeight], faults: Faults
) -> None:
    """Check the column of global weights against the local ones beside it."""
    shares = _shares(tree, whole)
    made = tree.global_weights(local)
    for code, value in shares.items():
        product = float(made[tree.index[code]])
        if abs(product - value) > _ALIKE:
            faults.add(
                whole[code].where,
                message("imports.global_differs", code=code),
                value=value,
                expected=f"{product:.6g}",
            )
