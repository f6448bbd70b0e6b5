"""Uniform draws of weights are uniform on the simplex; normalised uniforms are not."""

from __future__ import annotations

import numpy as np
import pytest

from calib.outcomes import FamilyRule
from calib.outcomes.draws import draw_family

# Exact standard deviation of a flat Dirichlet weight, sqrt((P - 1) / (P² (P + 1))), beside the
# one that independent uniforms divided by their sum have (200,000 draws).
EXACT = {3: 0.23570226039551584, 11: 0.08298826628866153, 28: 0.03446076004835769}
NORMALISED_UNIFORM = {3: 0.1798, 11: 0.0524, 28: 0.0206}


@pytest.mark.parametrize("parts", EXACT)
def test_uniform_draws_have_the_spread_of_the_flat_dirichlet(parts):
    codes = [f"c{i}" for i in range(parts)]
    rng = np.random.default_rng(0)
    draws = draw_family(FamilyRule(kind="uniform"), codes, np.full(parts, 1 / parts), 200_000, rng)
    np.testing.assert_allclose(draws.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(draws.mean(axis=0), 1 / parts, atol=0.002)
    spread = float(np.sqrt(draws.var(axis=0).mean()))
    assert spread == pytest.approx(EXACT[parts], abs=0.0005)
    assert EXACT[parts] == pytest.approx(np.sqrt((parts - 1) / (parts**2 * (parts + 1))))
    assert spread > NORMALISED_UNIFORM[parts] + 0.01
