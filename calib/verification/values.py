"""Published values against calib's: what is compared, and how."""

from __future__ import annotations

import math
from dataclasses import dataclass

from calib.words import Label, Text, say

__all__ = ["TIERS", "Compared", "digits_agreed", "figure"]

TIERS = ("closed_form", "paper", "software", "official")


def digits_agreed(reference: float, ours: float) -> float:
    """Return to how many significant digits two numbers agree; 15 at most, 0 at least.

    Examples
    --------
    >>> round(digits_agreed(0.5, 0.505), 1)
    2.0
    >>> digits_agreed(3.0, 3.0)
    15.0
    """
    if not (math.isfinite(reference) and math.isfinite(ours)):
        return 15.0 if reference == ours else 0.0
    gap = abs(reference - ours)
    if gap == 0:
        return 15.0
    scale = max(abs(reference), 1e-300)
    return float(min(15.0, max(0.0, -math.log10(gap / scale))))


def figure(said: str, key: str, **values: object) -> Label:
    """Return what a number is, as it stands in the record, and the catalogue's words in Chinese."""
    return Label(said, say(f"verify.figure.{key}", "zh", **values))


@dataclass(frozen=True, slots=True)
class Compared:
    """One published value beside what calib computes now.

    Attributes
    ----------
    tier : one of ``TIERS``
    method : key of the method, as in the table of claims
    what : which number it is: symbols and codes, or words
    source : where it is published, with page, table or function
    tolerance : largest absolute difference, from the digits that were published
    """

    tier: str
    method: str
    what: str | Text
    source: str | Text
    reference: float
    ours: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the two differ by no more than the tolerance."""
        return abs(self.reference - self.ours) <= self.tolerance

    @property
    def digits(self) -> float:
        """Significant digits that agree."""
        return digits_agreed(self.reference, self.ours)
