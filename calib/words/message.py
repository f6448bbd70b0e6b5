"""Messages: a key and named values now, a sentence in the reader's language at the edge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeGuard, runtime_checkable

from calib.words.catalogue import template
from calib.words.language import current_language, resolve_language

__all__ = ["Message", "Text", "is_text", "joined", "message", "say"]


@runtime_checkable
class Text(Protocol):
    """Anything that can be read in several languages: a message, or a name from a data file."""

    def get(self, lang: str) -> str:
        """Return the text in a language."""
        ...


def is_text(value: object) -> TypeGuard[Text]:
    """Return whether a value can be read in several languages.

    Tables ask it of each cell; ``isinstance`` with a protocol takes a hundred times as long.
    """
    return callable(getattr(value, "get", None))


@dataclass(frozen=True, eq=False)
class Message:
    """A message of the catalogue with its values.

    Values may be texts themselves (a node's name, another message); they are rendered in the
    same language. A list or tuple is joined by the language's comma. Two messages are equal when
    key and values are.
    """

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def get(self, lang: str) -> str:
        """Return the sentence in a language.

        Raises
        ------
        KeyError
            For a key that the catalogue lacks, or a placeholder without a value.
        """
        found = template(self.key, lang)
        if found is None:
            raise KeyError(f"the catalogue of {lang!r} has no message {self.key!r}")
        if isinstance(found, tuple):
            found = found[0] if self.values.get("n") == 1 else found[1]
        return found.format_map({k: _shown(v, lang) for k, v in self.values.items()})

    def __str__(self) -> str:
        return self.get(current_language())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[str, str]:
        return self.key, repr(sorted(self.values.items(), key=lambda pair: pair[0]))


@dataclass(frozen=True)
class _Joined:
    """Texts one after another."""

    parts: tuple[Any, ...]
    separator: Message | str

    def get(self, lang: str) -> str:
        between = _shown(self.separator, lang)
        return str(between).join(str(_shown(p, lang)) for p in self.parts)

    def __str__(self) -> str:
        return self.get(current_language())


def message(key: str, /, **values: Any) -> Message:
    """Return a message of the catalogue.

    Examples
    --------
    >>> message("words.example", n=1).get("en"), message("words.example", n=3).get("en")
    ('1 enterprise', '3 enterprises')
    """
    return Message(key, values)


def say(key: str, /, lang: str | None = None, **values: Any) -> str:
    """Return a message's sentence at once, in ``lang`` or the current language.

    Examples
    --------
    >>> say("words.example", "zh", n=3)
    '3 家企业'
    """
    return Message(key, values).get(resolve_language(lang))


def joined(parts: Iterable[Any], separator: str | Message | None = None) -> Text:
    """Return texts joined, by the language's comma if nothing else is given.

    Examples
    --------
    >>> joined(["IC", "IN"]).get("zh"), joined(["IC", "IN"]).get("en")
    ('IC、IN', 'IC, IN')
    """
    between = message("words.comma") if separator is None else separator
    return _Joined(tuple(parts), between)


def _shown(value: Any, lang: str) -> Any:
    if isinstance(value, list | tuple):
        return joined(value).get(lang)
    if is_text(value) and not isinstance(value, Mapping):
        return value.get(lang)
    return value
