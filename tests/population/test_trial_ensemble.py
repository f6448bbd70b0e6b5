"""The trial sample is one of many: each member meets every aggregate, and they differ."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise

import numpy as np
import pytest

import calib
from calib.errors import InputError

AII = calib.load_framework("aii")
ENSEMBLE = calib.load_ensemble("trial", AII)
PUBLISHED = calib.published_weights(AII)
RATINGS = [calib.rate(PUBLISHED, member) for member in ENSEMBLE]
SHIPPED = calib.rate(PUBLISHED, calib.load_population("trial", AII))


def aggregates(rating):
    """Return every published number, and what the text says of the tracks."""
    ic, it, da = (rating.node_counts(c) for c in ("IC", "IN", "DA"))
    process, discrete = (
        {c: rating.node_counts(c, t) for c in ("IC", "IN", "DA")} for t in ("process", "discrete")
    )
    return {
        "stars": rating.counts().tolist(),
        "sizes": {t: len(s.ids) for t, s in rating.samples.items()},
        "downgrades": rating.downgrades,
        "interconnection": ic[2:4].sum(),
        "integration": [it[:2].sum(), it[2:4].sum(), it[4]],
        "analytics": [da[:2].sum(), *da[2:]],
        "process at three": rating.counts("process")[2],
        "process above three at most two": rating.counts("process")[3:].sum() <= 2,
        "process nearly all at 3-4": all(process[c][2:4].sum() >= 9 for c in ("IC", "IN")),
        "discrete polarised": discrete["IN"][:2].sum() >= 4 and discrete["IN"][3:].sum() >= 5,
        "discrete leads on analytics": discrete["DA"][4],
    }


def profiles(rating):
    """Return the multiset of stars, overall and by pillar, of a sample's enterprises."""
    out = Counter()
    for t, s in rating.samples.items():
        pillars = [s.track.index[c] for c in ("IC", "IN", "DA")]
        out.update((t, int(a), *map(int, p)) for a, p in zip(s.star, s.node_stars[:, pillars],
                                                             strict=True))  # fmt: skip
    return out


def test_the_shipped_sample_meets_the_aggregates():
    assert aggregates(SHIPPED)["stars"] == [1, 5, 9, 6, 1]


def test_there_are_200_members_and_each_meets_every_aggregate():
    assert len(ENSEMBLE) == 200
    for rating in RATINGS:
        assert aggregates(rating) == aggregates(SHIPPED)


def test_no_two_members_are_the_same_sample():
    assert len({m.digest for m in ENSEMBLE}) == 200


def test_two_members_share_less_than_four_in_ten_of_their_profiles():
    """Diversity is the share of enterprises of two members that no profile pairs."""
    drawn = [profiles(r) for r in RATINGS[::4]]
    apart = [1 - (a & b).total() / 22 for a, b in combinations(drawn, 2)]
    assert np.mean(apart) > 0.6
    assert min(apart) > 0


def test_members_are_not_tied_to_their_neighbours_in_the_chain():
    drawn = [profiles(r) for r in RATINGS]
    near = np.mean([(a & b).total() for a, b in pairwise(drawn)])
    far = np.mean([(a & b).total() for a, b in zip(drawn, drawn[100:], strict=False)])
    assert near == pytest.approx(far, abs=0.7)


def test_ranges_over_the_members_contain_the_shipped_sample():
    for t in AII.tracks:
        mean = np.array([r.samples[t].scores.mean(axis=0) for r in RATINGS])
        own = SHIPPED.samples[t].scores.mean(axis=0)
        inside = (own >= mean.min(axis=0)) & (own <= mean.max(axis=0))
        assert inside.mean() > 0.9
        total = np.array([r.samples[t].total.mean() for r in RATINGS])
        assert total.min() <= SHIPPED.samples[t].total.mean() <= total.max()


def test_an_ensemble_introduces_itself_and_gives_its_first_members():
    assert len(repr(ENSEMBLE)) < 200
    assert len(calib.load_ensemble("trial", AII, n=5)) == 5
    with pytest.raises(InputError, match="expected 1 to 200"):
        ENSEMBLE.first(201)
    with pytest.raises(InputError, match="no ensemble 'trail'"):
        calib.load_ensemble("trail", AII)


def test_members_keep_no_distance_from_edges_and_pillars_none_to_the_total():
    """The single sample prefers both: 0.3 points of clearance, and pillars near the total."""
    near, apart = [], []
    for rating in (SHIPPED, *RATINGS):
        scores = np.concatenate([s.total[:, None] for s in rating.samples.values()])
        pillars = np.concatenate(
            [s.scores[:, [s.track.index[c] for c in ("IC", "IN", "DA")]]
             for s in rating.samples.values()]
        )  # fmt: skip
        every = np.column_stack([scores, pillars])
        near.append((np.abs(every[:, :, None] - [20, 40, 60, 80]).min(axis=2) < 0.3).mean())
        apart.append((pillars - scores).std())
    assert near[0] == 0
    assert np.mean(near[1:]) == pytest.approx(0.6 / 20, abs=0.005)  # as if edges did not matter
    assert np.mean(apart[1:]) > apart[0] + 1.5
