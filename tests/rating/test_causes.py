"""What keeps an enterprise from a star: one wording, checked against the rule itself."""

import re

import numpy as np
import pytest
from shipped import shipped_run

from calib.adjustment.before_and_after import star_moves_table
from calib.framework import load_framework
from calib.outcomes import mover_table
from calib.population import generate_population
from calib.rating import rate
from calib.weights import equal_weights, published_weights

FRAMEWORK = load_framework("aii")
POPULATION = generate_population(FRAMEWORK, 600, rng=2, general=0.4, pillar=0.2)
MOVED = {"DA": 0.6, "IN.HOR": 0.8, "DA.SVC": 0.6, "IC.DEV": 0.8}
BEFORE = rate(published_weights(FRAMEWORK), POPULATION)
AFTER = rate(published_weights(FRAMEWORK).with_weights(MOVED, name="later"), POPULATION)


def test_tables_of_movers_name_the_same_cause():
    one = mover_table({"a": BEFORE, "b": AFTER}, "a").set_index("enterprise")["reason"]
    other = star_moves_table(BEFORE, AFTER).set_index("enterprise")["through"]
    assert len(one) > 20
    assert one.to_dict() == other.to_dict()


def test_causes_are_the_demands_that_are_not_met():
    """Lifting just the named demands gives the higher star, and no fewer of them do."""
    rule = FRAMEWORK.rule.thresholds()
    seen = set()
    for row in mover_table({"a": BEFORE, "b": AFTER}, "a").to_dict("records"):
        low = (BEFORE if row["direction"] == "up" else AFTER).samples[row["track"]]
        i = list(low.ids).index(row["enterprise"])
        star = max(row["from_star"], row["to_star"]) - 1
        unmet = {"total"} if low.total[i] <= rule.band[star - 1] else set()
        scores = low.scores[i, low.gated]
        unmet |= {f"gate {low.track.codes[p]}" for p, s in zip(low.gated, scores, strict=True)
                  if s <= rule.gate[star - 1]}  # fmt: skip
        named = {re.sub(r" \(.*\)", "", text) for text in row["reason"].split("; ")}
        assert named == unmet
        seen |= named
    assert {"total", "gate DA"} <= seen


def test_scores_on_the_very_edge_are_said_to_be():
    vdma = load_framework("vdma")
    population = generate_population(vdma, 300, rng=4)
    published, equal = (rate(w, population) for w in (published_weights(vdma), equal_weights(vdma)))
    table = mover_table({"published": published, "equal": equal}, "published")
    down = table[table["direction"] == "down"]
    # Six indicators of six options: under equal weights totals are whole thirds of ten points.
    edges = np.array(vdma.rule.bands)
    on_edge = np.abs(down["total_after"].to_numpy()[:, None] - edges).min(axis=1) < 1e-9
    said = down["reason"].str.contains("exactly at").to_numpy()
    assert on_edge.sum() > 5
    np.testing.assert_array_equal(on_edge, said)
    assert set(down["reason"][on_edge]) <= {f"total (exactly at {e})" for e in
                                            ("16.67", "33.33", "50", "66.67", "83.33")}  # fmt: skip


def test_scales_that_start_at_0_show_0_to_5():
    run = shipped_run("vdma-readiness")
    for table in run.tables:
        for column in ("star", "from_star", "to_star", "band_star"):
            if column in table.frame:
                assert table.frame[column].between(0, 5).all(), table.name
    stars = run.frame("stars")
    assert (stars["label"] == "level " + stars["star"].astype(str)).all()
    frame = run.ratings["published"].frame()
    assert frame["star"].min() == 0 or frame["star"].max() == 5
    assert ("level " + frame["star"].astype(str) == frame["label"]).all()


@pytest.mark.parametrize("framework", ["aii", "cesi", "cmm", "nist-mbe"])
def test_other_scales_start_at_1(framework):
    assert load_framework(framework).rule.first == 1
