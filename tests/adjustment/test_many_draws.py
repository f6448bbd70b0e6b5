"""Many draws of an adjustment at once: the search from afar against a grid and one by one."""

import numpy as np

from calib.adjustment import AdjustRequest, adjust
from calib.adjustment.batch import Batch, solve_each
from calib.adjustment.interior_point import interior_point
from calib.adjustment.many import solve_many
from calib.adjustment.optimality import settle
from calib.adjustment.solve import solve
from calib.errors import NotFoundError
from calib.weights import published_weights


def test_singular_systems_do_not_spoil_the_others() -> None:
    matrix = np.array([np.eye(3), np.zeros((3, 3)), 2 * np.eye(3)])
    found = solve_each(matrix, np.ones((3, 3)))
    np.testing.assert_array_equal(found[[0, 2]], [[1.0] * 3, [0.5] * 3])
    assert np.isnan(found[1]).all()


def three_indicators(count: int, cap: float) -> Batch:
    """Three weights that are at least .15 and sum to 1, under random covariances."""
    rng = np.random.default_rng(5)
    roots = rng.normal(size=(count, 3, 4)) * rng.uniform(0.5, 3.0, (count, 3, 1))
    return Batch(
        start=rng.dirichlet([4.0, 4.0, 4.0], count),
        a=np.tile(-np.eye(3), (count, 1, 1)),
        b=np.full((count, 3), -0.15),
        equal=np.ones((count, 1, 3)),
        value=np.ones((count, 1)),
        spans=(slice(0, 3),),
        cov=(roots @ roots.transpose(0, 2, 1),),
        under=(np.eye(3),),
        cap=cap,
    )


def test_the_search_from_afar_finds_what_a_fine_grid_finds() -> None:
    batch = three_indicators(60, 0.42)
    ends = np.linspace(0.15, 0.7, 221)
    first, second = (g.ravel() for g in np.meshgrid(ends, ends))
    grid = np.column_stack([first, second, 1 - first - second])
    grid = grid[grid[:, 2] >= 0.15]
    known = np.full(60, np.inf)
    lowest = np.empty(60)
    for i, (start, cov) in enumerate(zip(batch.start, batch.cov[0], strict=True)):
        part = grid * (grid @ cov)
        over = (part / part.sum(axis=1, keepdims=True)).max(axis=1) - batch.cap
        far = np.linalg.norm(grid - start, axis=1)
        lowest[i] = over.min()
        known[i] = far[over <= 0].min(initial=np.inf)
    assert 10 <= np.isinf(known).sum() <= 40

    distance, above = np.full(60, np.inf), np.full(60, np.inf)
    for point in (batch.start, np.full((60, 3), 1 / 3), np.tile([0.6, 0.2, 0.2], (60, 1))):
        inside = interior_point(batch, point, np.full(60, 10.0))
        z, settled = settle(batch, inside.z, inside.price)
        good = settled & (inside.above <= 1e-6)
        excess, _ = batch.excess(z)
        assert excess[good].max() <= 1e-9
        far = np.linalg.norm(z - batch.start, axis=1)
        distance = np.minimum(distance, np.where(good, far, np.inf))
        above = np.minimum(above, inside.above)
    clear = np.abs(lowest) > 0.003  # where the grid decides whether there are weights at all
    assert (np.isinf(distance) == np.isinf(known))[clear].all()
    both = np.isfinite(known) & np.isfinite(distance)
    assert both.sum() >= 20
    assert (distance[both] <= known[both] + 1e-9).all()
    assert (distance[both] >= known[both] - 0.02).all()
    # Where no weights are under the caps, the search ends near the lowest excess, but for some.
    over = (above - lowest)[np.isinf(known) & clear]
    assert (over > -0.003).all()
    assert np.median(over) < 0.005


def test_draws_far_from_the_others_are_found_in_the_batch_and_no_farther_than_one_by_one(
    aii, trial
) -> None:
    published = published_weights(aii)
    asked = {"cap": {"variance": 0.1}, "level": "all"}
    refits = adjust(published, trial, **asked, draws=0, replicates=1).refits
    spec = AdjustRequest(**asked).resolve(aii)
    which = [13, 34]  # Newton steps from the usual starts lead nowhere here
    moments = [refits.moments(refits.counts(i)) for i in which]
    batch = solve_many([refits.space] * len(which), spec, moments, refits.full)
    assert [found.unreached for found in batch] == [False, True]
    for found, m in zip(batch, moments, strict=True):
        try:
            alone = solve(refits.space, spec.quick(), m, rng=0).local
        except NotFoundError:
            assert found.unreached
            continue
        assert distance(published, found.local) <= distance(published, alone) + 1e-8


def distance(start, local) -> float:
    tracks = start.framework.tracks
    moved = [tracks[t].leaf_weights(w) - tracks[t].leaf_weights(start.local[t])
             for t, w in local.items()]  # fmt: skip
    return float(np.linalg.norm(np.concatenate(moved)))
