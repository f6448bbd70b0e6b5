"""What a solver hands back: weights, certificate, prices, and how the search went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calib._types import FloatArray
from calib.adjustment.nearest import Certificate
from calib.adjustment.star_fit import StarFit
from calib.words import Text, message

__all__ = ["Solution", "priced", "worst_certificate"]


@dataclass(frozen=True)
class Solution:
    """Adjusted local weights with what proves and prices them.

    Parameters
    ----------
    local : (m,) by track
    certificate : Karush-Kuhn-Tucker residuals, or None where the problem has none (stars)
    prices : (demand, shadow price, slack) of every demand with a price or without slack
    optima : objectives of distinct local optima (variance caps), best first
    starts, converged : starts tried, and those of them that ended in an optimum (variance caps)
    stars : outcome of the integer programme (stars)
    notes : what was done to the data or could not be met
    """

    local: dict[str, FloatArray]
    certificate: Certificate | None
    prices: tuple[tuple[str, float, float], ...] = ()
    optima: tuple[float, ...] = ()
    starts: int = 0
    converged: int = 0
    stars: StarFit | None = None
    notes: tuple[Text, ...] = ()

    def search(self) -> Text:
        """Say how the answer is known to be an optimum, and of how many."""
        cert = self.certificate
        if cert is None:
            return message("adjustment.search.none")
        if cert.unique:
            return message("adjustment.search.unique", residual=cert.residual)
        return message("adjustment.search.local", residual=cert.residual, starts=self.starts,
                       converged=self.converged, n=len(self.optima))  # fmt: skip


def worst_certificate(found: Sequence[Certificate]) -> Certificate | None:
    """Return the largest residuals of several; None for none."""
    if not found:
        return None
    return Certificate(
        max(c.stationarity for c in found),
        max(c.violation for c in found),
        max(c.complementarity for c in found),
        all(c.unique for c in found),
    )


def priced(
    labels: Sequence[str], price: FloatArray, slack: FloatArray
) -> tuple[tuple[str, float, float], ...]:
    """Keep the demands that have a price or no slack, as (demand, price, slack)."""
    return tuple(
        (label, float(p), float(s))
        for label, p, s in zip(labels, price, slack, strict=True)
        if abs(p) > 1e-12 or s < 1e-9
    )
