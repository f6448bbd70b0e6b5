"""Which stars depend on how the open questions of the rating rule are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from calib.errors import InputError
from calib.framework import Framework, Readings
from calib.population import Population
from calib.rating import Rating, Scored, rate, score_answers
from calib.weights import WeightSet

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["all_readings", "dependent_table", "range_table", "rate_readings", "reading_table"]


def all_readings(
    framework: Framework, population: Population, base: Readings, *, together: bool
) -> dict[tuple[tuple[str, str], ...], Readings]:
    """Return the readings that could matter for a population, by how they differ from ``base``.

    Parameters
    ----------
    together : every combination of readings; otherwise one change at a time

    Notes
    -----
    Left out, as they could change nothing or cannot be computed: readings of missing answers
    where none is missing (and ``error``), option scores of a population given as scores, ``given``
    scores where an item states none, gate readings where there are no gates.
    """
    choices = {
        key: [v for v in values if _possible(framework, population, key, v)]
        for key, values in framework.rule.choices().items()
    }
    for key in choices:
        own = getattr(base, key)
        choices[key] = [own, *[v for v in choices[key] if v != own]]
    out: dict[tuple[tuple[str, str], ...], Readings] = {(): base}
    if together:
        for combination in product(*choices.values()):
            chosen = dict(zip(choices, combination, strict=True))
            changed = tuple((k, v) for k, v in chosen.items() if v != getattr(base, k))
            out[changed] = replace(base, **chosen)
        return out
    for key, values in choices.items():
        for value in values[1:]:
            out[((key, value),)] = replace(base, **{key: value})
    return out


def _possible(framework: Framework, population: Population, key: str, value: str) -> bool:
    if key == "missing":
        lacking = any(np.isnan(s.values).any() for s in population.samples.values())
        return lacking and value != "error"
    if key == "option_score":
        if population.kind == "scores":
            return False
        items = [n.item for t in framework.tracks.values() for n in t.nodes if n.item]
        return value != "given" or all(i.scores is not None for i in items)
    if key in ("gate_value", "gate_scope", "downgrade"):
        return bool(framework.rule.gates)
    return True


def rate_readings(
    population: Population,
    weights: WeightSet,
    readings: Mapping[tuple[tuple[str, str], ...], Readings],
    *,
    grow: Callable[[Scored], Scored] = lambda scored: scored,
) -> dict[tuple[tuple[str, str], ...], Rating]:
    """Rate a population under each of several readings.

    Parameters
    ----------
    grow : changes the scores before they are rated, as they are by default
    """
    return {
        changed: rate(weights, grow(score_answers(population, r)))
        for changed, r in readings.items()
    }


def _name(changed: tuple[tuple[str, str], ...]) -> str:
    return "; ".join(f"{k} = {v}" for k, v in changed) or "as chosen"


def reading_table(ratings: Mapping[tuple[tuple[str, str], ...], Rating]) -> pd.DataFrame:
    """Return the star distribution under each reading, and how many stars differ from the base.

    Columns: reading, star_<number> for every star, downgraded, up, down.
    """
    import pandas as pd

    base = _base(ratings)
    first = base.framework.rule.first
    rows = []
    for changed, rating in ratings.items():
        step = np.concatenate([s.star - base.samples[t].star for t, s in rating.samples.items()])
        counts = {f"star_{k + first}": int(c) for k, c in enumerate(rating.counts())}
        rows.append({"reading": _name(changed), **counts, "downgraded": rating.downgrades,
                     "up": int((step > 0).sum()), "down": int((step < 0).sum())})  # fmt: skip
    return pd.DataFrame(rows)


def dependent_table(ratings: Mapping[tuple[tuple[str, str], ...], Rating]) -> pd.DataFrame:
    """Return the enterprises whose star another reading changes, one row a reading.

    Columns: enterprise, name, track, reading, star, star_under_reading.
    """
    import pandas as pd

    base = _base(ratings)
    first = base.framework.rule.first
    rows = []
    for changed, rating in ratings.items():
        for t, s in rating.samples.items():
            now = base.samples[t].star
            rows += [
                (
                    s.ids[i],
                    s.names[i],
                    t,
                    _name(changed),
                    int(now[i]) + first,
                    int(s.star[i]) + first,
                )
                for i in np.flatnonzero(now != s.star)
            ]
    columns = ["enterprise", "name", "track", "reading", "star", "star_under_reading"]
    return pd.DataFrame(rows, columns=columns)


def range_table(ratings: Mapping[tuple[tuple[str, str], ...], Rating]) -> pd.DataFrame:
    """Return lowest and highest star of each enterprise over all readings rated.

    Columns: enterprise, name, track, star, lowest, highest, same_share (share of the readings
    that give the star of the base).
    """
    import pandas as pd

    base = _base(ratings)
    first = base.framework.rule.first
    parts = []
    for t, s in base.samples.items():
        stars = np.stack([r.samples[t].star for r in ratings.values()])
        parts.append(pd.DataFrame({
            "enterprise": s.ids, "name": s.names, "track": t, "star": s.star + first,
            "lowest": stars.min(axis=0) + first, "highest": stars.max(axis=0) + first,
            "same_share": (stars == s.star).mean(axis=0),
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _base(ratings: Mapping[tuple[tuple[str, str], ...], Rating]) -> Rating:
    if () not in ratings:
        raise InputError("the readings to compare with, under the key (), are not among them")
    return ratings[()]
