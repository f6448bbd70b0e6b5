"""Whether probabilities of stars are kept: simulated rounds with known true weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from calib.files.shipped import shipped_data
from calib.report import Column, Drawing, Result, Role, Table
from calib.words import Text, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Reliability", "reliability"]

COLUMNS = (
    Column("stars", Role.NUMBER, label=message("verify.reliability.stars")),
    Column("promised", Role.PROBABILITY),
    Column("happened", Role.PROBABILITY),
)


@dataclass(frozen=True, eq=False, repr=False)
class Reliability(Result):
    """How often enterprises had the star that they had been given with some probability.

    Attributes
    ----------
    rounds : how many rounds of calibration were simulated
    curve : by probability in tenths, how many stars were given with it (``stars``), the mean
        probability (``promised``), and the share that had the star (``happened``)
    """

    rounds: int
    curve: pd.DataFrame

    def headline(self) -> Text:
        """Return the largest gap between what was promised and what happened."""
        gap = (self.curve["promised"] - self.curve["happened"]).abs().max()
        return message("verify.reliability.headline", rounds=self.rounds,
                       n=int(self.curve["stars"].sum()), points=f"{100 * gap:.1f}")  # fmt: skip

    @cached_property
    def tables(self) -> tuple[Table, ...]:  # type: ignore[override]
        """The curve, one row a tenth."""
        title = message("verify.reliability.table")
        return (Table("reliability", self.curve, title, declared=COLUMNS),)

    @property
    def drawings(self) -> tuple[Drawing, ...]:  # type: ignore[override]
        """The curve, with 95 % intervals of the simulation."""
        return (Drawing("reliability", message("verify.reliability.table"), self._draw, roles=()),)

    def _draw(self, lang: str) -> Any:
        from calib.figures.stars import reliability_curve

        return reliability_curve(self.curve, lang=lang)


def reliability() -> Reliability:
    """Return how often stars were right in simulated rounds with known true weights.

    Returns
    -------
    Reliability
        Of rounds made once by ``benchmarks/sim_round.py`` (panel, ballots, blend, rounding, stars
        of 400 enterprises), which are shipped; nothing is simulated here.

    Examples
    --------
    >>> reliability().rounds
    500
    """
    import pandas as pd

    found = pd.read_csv(shipped_data() / "verify" / "reliability.csv")
    return Reliability(int(found["rounds"].iloc[0]), found.drop(columns="rounds"))
