"""Published stars and scores of real institutions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from calib.verification.values import Compared

__all__ = ["official_values"]

TIER = "official"
EVERY = 40
"""Of the hospitals, one in so many is listed with its score; all are counted."""


def official_values() -> Iterator[Compared]:
    """Yield the comparisons of this tier; the references are the published data themselves."""
    yield from _homes()
    yield from _hospitals()


def _homes() -> Iterator[Compared]:
    from calib.framework import load_framework
    from calib.population import load_population
    from calib.rating import rate
    from calib.weights import published_weights

    fw = load_framework("au-aged-care")
    sample = rate(published_weights(fw), load_population("au-aged-care", fw)).samples["all"]
    homes = sample.attributes["homes"].astype(int)
    star = sample.attributes["overall_star_rating"].astype(int)
    source = "Australian Government, Star Ratings quarterly data extracts"
    agree = homes[sample.star + 1 == star].sum()
    yield Compared(TIER, "rule", "homes whose star agrees, of 26,825 (3 contradict themselves)",
                   source, 26_822, float(agree), 0)  # fmt: skip
    for i in np.argsort(-homes, kind="stable")[:60]:
        what = f"star of profile {sample.ids[i]} ({homes[i]} homes)"
        yield Compared(TIER, "rule", what, source, float(star[i]), float(sample.star[i] + 1), 0)


def _hospitals() -> Iterator[Compared]:
    from calib.framework import load_framework
    from calib.population import load_population
    from calib.rating import rate
    from calib.weights import published_weights

    fw = load_framework("cms-hospitals")
    rating = rate(published_weights(fw), load_population("cms-hospitals", fw))
    source = "CMS, Overall Hospital Quality Star Rating, April 2021"
    for t, s in rating.samples.items():
        star = s.attributes["star"].astype(int)
        score = s.attributes["summary_score"].astype(float)
        agree = int((s.star + 1 == star).sum())
        yield Compared(TIER, "rule", f"stars that agree, {t} groups", source, float(len(star)),
                       float(agree), 0)  # fmt: skip
        for k in range(1, 6):
            yield Compared(TIER, "rule", f"hospitals with {k}★, {t} groups", source,
                           float((star == k).sum()), float((s.star + 1 == k).sum()), 0)  # fmt: skip
        for i in range(0, len(star), EVERY):
            yield Compared(TIER, "rule", f"summary score of {s.ids[i]}", source, float(score[i]),
                           float(s.total[i]), 2e-9)  # fmt: skip
