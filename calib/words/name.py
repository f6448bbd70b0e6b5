"""Names that data files give in Chinese and English."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Name"]


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
