"""What a ledger file must hold: the types of every entry, checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calib.adjustment.adjust_request import AdjustRequest
from calib.errors import Faults
from calib.words import message

__all__ = ["check_types"]

_Weight = Annotated[float, Field(ge=0, le=1)]
_Share = Annotated[float, Field(gt=0, le=1)]
_Count = Annotated[int, Field(ge=0)]
_Weights = dict[str, dict[str, _Weight]]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Framework(_Model):
    code: str
    version: str
    digest: str


class _Population(_Model):
    label: str
    digest: str
    enterprises: _Count
    synthetic: bool


class _Start(_Model):
    name: str
    digest: str


class _Head(_Model):
    schema_: Annotated[Literal["calib.ledger/3"], Field(alias="schema")]
    calib: str
    framework: _Framework
    population: _Population
    rule_options: dict[str, str]
    start: _Start
    weights: _Weights
    request: dict[str, Any]
    seed: _Count


class _Words(_Model):
    zh: str
    en: str


class _Rounding(_Model):
    distance: float
    bound: float
    proven: bool


class _Round(_Model):
    round: Annotated[int, Field(ge=1)]
    step: _Share
    reason: _Words
    before: _Weights
    after: _Weights
    over: list[tuple[str, str, float, float]]
    largest_before: dict[str, float]
    largest_after: dict[str, float]
    stars_before: list[_Count]
    stars_after: list[_Count]
    moves: list[tuple[str, str, int, int, str]]
    kkt_residual: float | None
    optima: list[float]
    rounding: dict[str, _Rounding]
    notes: list[_Words]


class _Closing(_Model):
    closed: Literal[True]
    rounds: _Count
    holds: bool
    stopped: _Words
    final: _Weights


class _Entry(_Model):
    index: int
    previous: str
    content: dict[str, Any]
    hash: str


def check_types(entries: Sequence[object], faults: Faults) -> None:
    """Note every value of a ledger that is missing, unknown or of the wrong type.

    Parameters
    ----------
    entries : of a ledger file, as read from JSON
    faults : collects what is wrong
    """
    for number, entry in enumerate(entries):
        where = f"entry {number}"
        if _noted(_Entry, entry, where, faults):
            continue
        content = entry["content"]  # type: ignore[index]
        kind = _Head if number == 0 else _Closing if "closed" in content else _Round
        if not _noted(kind, _tuples(content), where, faults) and number == 0:
            _check_request(content["request"], where, faults)


def _check_request(request: Mapping[str, Any], where: str, faults: Faults) -> None:
    """Note options that the method does not take, or would have written otherwise."""
    if _noted(AdjustRequest, request, f"{where} request", faults):
        return
    written = AdjustRequest.model_validate(request).record()
    for key, value in written.items():
        if key not in request or not _same(request[key], value):
            faults.add(f"{where} request.{key}", message("adjustment.fault.ledger_value"),
                       expected=repr(value))  # fmt: skip
    if not written["steps"]:
        faults.add(f"{where} request.steps", message("adjustment.fault.ledger_steps"))


def _same(a: object, b: object) -> bool:
    return type(a) is type(b) and a == b


def _noted(kind: type[BaseModel], value: object, where: str, faults: Faults) -> bool:
    try:
        kind.model_validate(value)
    except ValidationError as exc:
        for error in exc.errors(include_url=False):
            path = ".".join(str(part) for part in error["loc"])
            found = error["input"] if isinstance(error["input"], str | int | float) else None
            faults.add(f"{where} {path}".rstrip(), error["msg"].lower(), value=found)
        return True
    return False


def _tuples(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content with JSON's lists as the tuples that the schema has for rows."""
    out = dict(content)
    for name in ("over", "moves"):
        if isinstance(out.get(name), list):
            out[name] = [tuple(r) if isinstance(r, list) else r for r in out[name]]
    return out
