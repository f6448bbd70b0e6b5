"""Published stars and scores of real institutions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from calib.verification.values import Compared
from calib.words import Text, message

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
    source = message("verify.by.homes")
    agree = homes[sample.star + 1 == star].sum()
    yield Compared(TIER, "rule", message("verify.official.homes"), source, 26_822, float(agree), 0)
    for i in np.argsort(-homes, kind="stable")[:60]:
        what = message("verify.official.profile", profile=sample.ids[i], homes=homes[i])
        yield _value(what, source, star[i], sample.star[i] + 1)


def _hospitals() -> Iterator[Compared]:
    from calib.framework import load_framework
    from calib.population import load_population
    from calib.rating import rate
    from calib.weights import published_weights

    fw = load_framework("cms-hospitals")
    rating = rate(published_weights(fw), load_population("cms-hospitals", fw))
    source = message("verify.by.hospitals")
    for t, s in rating.samples.items():
        star = s.attributes["star"].astype(int)
        score = s.attributes["summary_score"].astype(float)
        agree = int((s.star + 1 == star).sum())
        yield _value(message("verify.official.stars", groups=t), source, len(star), agree)
        gap = float(np.abs(score - s.total).max())
        yield _value(message("verify.official.gap", groups=t), source, 0, gap, 2e-9)
        for k in range(1, 6):
            what = message("verify.official.count", star=k, groups=t)
            yield _value(what, source, int((star == k).sum()), int((s.star + 1 == k).sum()))
        for i in range(0, len(star), EVERY):
            what = message("verify.official.score", hospital=s.ids[i])
            yield _value(what, source, score[i], s.total[i], 2e-9)


def _value(
    what: Text, source: Text, reference: float, ours: float, tolerance: float = 0.0
) -> Compared:
    return Compared(TIER, "rule", what, source, float(reference), float(ours), tolerance)
