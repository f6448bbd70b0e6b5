"""Names that data files give in Chinese and English."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from calib.words.language import current_language

__all__ = ["Label", "Name"]


@dataclass(frozen=True, slots=True)
class Name:
    """A name in Chinese and English, as a framework or an experiment file states it.

    What calib itself says is a :class:`~calib.words.Message`.
    """

    zh: str
    en: str

    def get(self, lang: str) -> str:
        """Return the name in ``lang`` (``"zh"`` or ``"en"``)."""
        return self.zh if lang == "zh" else self.en

    def __str__(self) -> str:
        return self.zh if self.zh == self.en else f"{self.zh} {self.en}"


class _Readable(Protocol):
    def get(self, lang: str) -> str: ...


class Label(str):
    """A name that is a string, its English one, and can be read in Chinese as well.

    What is recorded and compared is the string; what a reader sees is in the reader's language.

    Examples
    --------
    >>> label = Label("trial", "试评估")
    >>> label == "trial", label.get("zh"), label.get("en")
    (True, '试评估', 'trial')
    """

    zh: str

    def __new__(cls, en: str, zh: str | None = None) -> Label:
        """Make a label; without Chinese it is the same in both languages."""
        made = super().__new__(cls, en)
        made.zh = en if zh is None else zh
        return made

    @classmethod
    def of(cls, text: _Readable) -> Label:
        """Make a label of a text in several languages."""
        return cls(text.get("en"), text.get("zh"))

    def get(self, lang: str) -> str:
        """Return the name in ``lang`` (``"zh"`` or ``"en"``)."""
        return self.zh if lang == "zh" else str.__str__(self)

    def __repr__(self) -> str:
        return repr(self.get(current_language()))

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        """Return what copies and pickles are made from."""
        return str.__str__(self), self.zh
