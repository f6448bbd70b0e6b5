"""From pydantic's errors to calib's faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from calib.errors import Fault, InputError, suggest

__all__ = ["parse_model"]

M = TypeVar("M", bound=BaseModel)


def parse_model(model: type[M], document: Mapping[str, Any], file: str, at: str = "") -> M:
    """Check a document against a model.

    Parameters
    ----------
    model : a pydantic model
    document : contents of a file, or a part of it
    file : named in the faults
    at : key under which ``document`` stands in its file

    Raises
    ------
    InputError
        With one fault for each key that does not fit.
    """
    try:
        return model.model_validate(document)
    except ValidationError as exc:
        raise InputError(_fault(e, file, at, model) for e in exc.errors()) from exc


def _fault(error: Any, file: str, at: str, model: type[BaseModel]) -> Fault:
    place = at
    for part in error["loc"]:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
    kind = error["type"]
    if kind == "extra_forbidden":
        key = str(error["loc"][-1])
        known = _known_keys(model, error["loc"])
        hint = suggest(key, known)
        return Fault(file, place, f"unknown key {hint}".rstrip(), expected=", ".join(known))
    if kind == "missing":
        return Fault(file, place, "is missing")
    value = error["input"]
    shown = value if isinstance(value, (str, int, float, bool, list, tuple)) else None
    return Fault(file, place, error["msg"], shown)


def _known_keys(model: type[BaseModel], loc: tuple[Any, ...]) -> list[str]:
    """Return the keys valid beside a wrong one, as far as plain nesting can be followed."""
    current: Any = model
    for part in loc[:-1]:
        if isinstance(part, int):
            continue
        field = next((f for k, f in current.model_fields.items() if part in (k, f.alias)), None)
        current = _inner_model(field.annotation) if field else None
        if current is None:
            return []
    return [f.alias or k for k, f in current.model_fields.items()]


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _inner_model(inner)
        if found is not None:
            return found
    return None
