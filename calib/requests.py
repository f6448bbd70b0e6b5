"""One request per method: its options, checked once, for Python, files, ledgers and commands.

A method's options are one frozen model. The front function takes them as keywords, an experiment
file as keys, the command line as flags, and a ledger records them; all are checked here.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, ParamSpec, TypeVar

from pydantic import BaseModel, ConfigDict

from calib._validation import parse_model
from calib.errors import InputError
from calib.words import Name, message

__all__ = ["Request", "answered", "expect", "kind_name", "takes"]

R = TypeVar("R", bound="Request")
F = TypeVar("F")
P = ParamSpec("P")


class Request(BaseModel):
    """Base of a method's options: frozen, and unknown keys are faults.

    ``renamed`` tells what options of earlier versions are called now; the old names are faults
    that say so.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    renamed: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def make(cls: type[R], options: Mapping[str, Any], file: str = "", at: str = "") -> R:
        """Check options; every fault is named.

        Raises
        ------
        InputError
        """
        return parse_model(cls, options, file, at)

    def part(self, model: type[R]) -> R:
        """Return the options of a method whose model this one extends."""
        return model.model_validate({k: getattr(self, k) for k in model.model_fields})

    def record(self) -> dict[str, Any]:
        """Return the options as plain values, for ledgers and manifests."""
        return self.model_dump(mode="json")


def takes(model: type[Request]) -> Callable[[Callable[..., F]], Callable[..., F]]:
    """Let a function take the options of ``model`` as keywords.

    The function itself has a parameter ``request``. Callers pass its options by name, or a whole
    request as ``request=``. The signature that ``help()`` shows, and the section of parameters in
    the docstring, come from the model; a ``{options}`` in the docstring is where they stand.
    """

    def decorate(function: Callable[..., F]) -> Callable[..., F]:
        own = inspect.signature(function)
        fields = model.model_fields
        kept = [p for p in own.parameters.values() if p.name != "request"]
        names = {p.name for p in kept}

        @functools.wraps(function)
        def call(*args: Any, **given: Any) -> F:
            request = given.pop("request", None)
            options = {k: given.pop(k) for k in list(given) if k in fields and k not in names}
            unknown = [k for k in given if k not in names]
            if unknown:
                # The model names what is unknown, and what it takes.
                options |= {k: given.pop(k) for k in unknown}
            if request is None:
                request = model.make(options)
            elif options:
                raise InputError(message("requests.both", names=sorted(options)))
            _bound(function.__name__, own, kept, args, given)
            return function(*args, request=request, **given)

        call.__signature__ = _signature(own, kept, fields)  # type: ignore[attr-defined]
        call.__doc__ = _document(function.__doc__ or "", fields)
        call.request = model  # type: ignore[attr-defined]
        return call

    return decorate


def answered(function: Callable[P, F]) -> Callable[P, F]:
    """Decorate a function: a call that does not fit it is answered with how it is written."""
    own = inspect.signature(function)
    kept = list(own.parameters.values())

    @functools.wraps(function)
    def call(*args: P.args, **given: P.kwargs) -> F:
        _bound(function.__name__, own, kept, args, given)
        return function(*args, **given)

    return call


def _bound(
    name: str,
    own: inspect.Signature,
    kept: list[inspect.Parameter],
    args: tuple[Any, ...],
    given: Mapping[str, Any],
) -> None:
    """Say how a function is called where the call does not fit it."""
    try:
        own.replace(parameters=kept).bind(*args, **given)
    except TypeError as exc:
        asked = [p for p in kept if p.kind is not inspect.Parameter.KEYWORD_ONLY]
        shown = ", ".join(
            p.name if p.default is inspect.Parameter.empty else f"{p.name}=…" for p in asked
        )
        raise InputError(
            message("requests.call", call=f"{name}({shown}, …)", n=len(args), why=str(exc))
        ) from None


def _signature(
    own: inspect.Signature, kept: list[inspect.Parameter], fields: Mapping[str, Any]
) -> inspect.Signature:
    taken = {p.name for p in kept}
    options = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=(
                inspect.Parameter.empty
                if f.is_required()
                else f.get_default(call_default_factory=True)
            ),
            annotation=f.annotation,
        )
        for name, f in fields.items()
        if name not in taken
    ]
    first = [p for p in kept if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    last = [p for p in kept if p.kind is inspect.Parameter.KEYWORD_ONLY]
    return own.replace(parameters=[*first, *options, *last])


def _document(doc: str, fields: Mapping[str, Any]) -> str:
    lines = [f"{name} : {f.description}" for name, f in fields.items() if f.description]
    indent = "    "
    return doc.replace("{options}", f"\n{indent}".join(lines))


def expect(call: str, **arguments: tuple[Any, type | tuple[type, ...]]) -> None:
    """Check the kinds of a function's arguments, so that a mix-up gets one sentence.

    Parameters
    ----------
    call : how the function is called, such as ``"rate(weights, population)"``
    arguments : by name, the value that was given and the kind that is expected

    Raises
    ------
    InputError
        For the first argument of another kind; says so where two were swapped.

    Examples
    --------
    >>> expect("rate(weights, population)", weights=(1, str))
    Traceback (most recent call last):
    calib.errors.InputError: rate(weights, population): weights is an int; expected a str
    """
    for name, (value, kinds) in arguments.items():
        if isinstance(value, kinds):
            continue
        expected = kinds if isinstance(kinds, tuple) else (kinds,)
        swapped = any(isinstance(v, expected) for n, (v, _) in arguments.items() if n != name)
        raise InputError(
            message(
                "requests.swapped" if swapped else "requests.kind",
                call=call,
                name=name,
                given=kind_name(type(value).__name__),
                expected=kind_name(" | ".join(k.__name__ for k in expected)),
            )
        )


def kind_name(word: str) -> Name:
    """Return the name of a kind, with an article where the language has them."""
    return Name(word, f"{'an' if word[:1].lower() in 'aeiou' else 'a'} {word}")
