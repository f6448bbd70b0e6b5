"""From pydantic's errors to calib's faults."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from calib.errors import Fault, InputError, did_you_mean
from calib.words import Name, Text, is_text, joined, message, template

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
        errors = _by_place(exc.errors(), document)
        raise InputError(_fault(e, p, file, at, model) for p, e in errors.items()) from None


def _by_place(errors: Sequence[Any], document: Mapping[str, Any]) -> dict[tuple[Any, ...], Any]:
    """Return one error a place; pydantic gives one for each alternative of a union.

    The alternatives stand in its places as tags that are no keys of the document. Of a number or
    a table of numbers, say, only the faults inside the table are kept where there are any.
    """
    out: dict[tuple[Any, ...], Any] = {}
    for error in errors:
        place = _keys_of(error, document)
        found = out.setdefault(place, {**error, "said": []})
        said = _said(error)
        if said.get("en") not in [s.get("en") for s in found["said"]]:
            found["said"].append(said)
    tagged = {_keys_of(e, document) for e in errors if len(_keys_of(e, document)) < len(e["loc"])}
    return {
        place: error
        for place, error in out.items()
        if place not in tagged
        or not any(len(p) > len(place) and p[: len(place)] == place for p in out)
    }


def _holds(current: Any, part: Any) -> bool:
    if isinstance(current, Mapping):
        return part in current
    return isinstance(current, list | tuple) and isinstance(part, int) and part < len(current)


def _keys_of(error: Any, document: Any) -> tuple[Any, ...]:
    """Return an error's place without the tags of unions."""
    keys: list[Any] = []
    current: Any = document
    for number, part in enumerate(error["loc"], start=1):
        if _holds(current, part):
            current = current[part]
        elif error["type"] != "missing" or number < len(error["loc"]):
            continue
        keys.append(part)
    return tuple(keys)


def _fault(error: Any, keys: tuple[Any, ...], file: str, at: str, model: type[BaseModel]) -> Fault:
    place = at
    for part in keys:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
    kind = error["type"]
    if kind == "extra_forbidden":
        key = str(keys[-1])
        at_place = _model_at(model, keys)
        renamed = getattr(at_place, "renamed", {})
        if key in renamed:
            return Fault(file, place, message("requests.renamed", old=key, new=renamed[key]))
        known = _known_keys(at_place)
        hint = did_you_mean(key, known)
        return Fault(
            file, place, message("faults.unknown_key", hint=hint), expected=", ".join(known)
        )
    if kind == "missing":
        return Fault(file, place, message("faults.is_missing"))
    value = error["input"]
    shown = value if isinstance(value, (str, int, float, bool, list, tuple)) else None
    said = joined(error["said"], message("options.or"))
    return Fault(file, place, said, shown, expected=_share_meant(error, keys))


def _said(error: Any) -> Text:
    """Return what is wrong, in the words of the catalogue; in pydantic's where it has none."""
    context = error.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, ValueError) and cause.args and is_text(cause.args[0]):
        return cause.args[0]
    alone = error["input"]
    if error["type"] in ("tuple_type", "list_type") and isinstance(alone, str | int | float):
        return message("options.list_wanted", example=f"[{json.dumps(alone, ensure_ascii=False)}]")
    kind = f"options.{error['type']}"
    if isinstance(template(kind, "en"), str | list | tuple):
        return message(kind, **{k: _shown(v) for k, v in context.items() if k in _VALUES})
    plain = str(error["msg"]).removeprefix("Value error, ")
    return Name(plain, plain)


_VALUES = ("gt", "ge", "lt", "le", "expected", "min_length", "max_length", "pattern", "error")


def _shown(value: Any) -> Any:
    return f"{value:g}" if isinstance(value, float) else str(value)


_SHARES = ("alpha", "confidence", "cap", "floor", "share", "shares")
"""Options that are shares of 1."""


def _share_meant(error: Any, keys: tuple[Any, ...]) -> Text | str:
    """Return "did you mean 0.25?" where a share is expected and 25 stands, as of percent."""
    value = error["input"]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 < value <= 100:
        return ""
    limit = error.get("ctx", {}).get("le", error.get("ctx", {}).get("lt"))
    stated = isinstance(limit, int | float) and limit <= 1
    own = error["type"] == "value_error" and any(str(k) in _SHARES for k in keys)
    return message("faults.share_meant", value=f"{value / 100:g}") if stated or own else ""


def _model_at(model: type[BaseModel], loc: tuple[Any, ...]) -> type[BaseModel] | None:
    """Return the model that a key stands in, as far as plain nesting can be followed."""
    current: Any = model
    for part in loc[:-1]:
        if isinstance(part, int):
            continue
        field = next((f for k, f in current.model_fields.items() if part in (k, f.alias)), None)
        current = _inner_model(field.annotation) if field else None
        if current is None:
            return None
    found: type[BaseModel] = current
    return found


def _known_keys(model: type[BaseModel] | None) -> list[str]:
    return [] if model is None else [f.alias or k for k, f in model.model_fields.items()]


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _inner_model(inner)
        if found is not None:
            return found
    return None
