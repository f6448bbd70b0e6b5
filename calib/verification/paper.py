"""What the white paper prints: weights, and every figure of the trial."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator

from calib.files.shipped import shipped_data
from calib.verification.values import Compared, figure
from calib.words import Label, say

__all__ = ["paper_values"]


def paper_values() -> Iterator[Compared]:
    """Yield the comparisons of this tier; what is printed stands in ``data/verify/paper.csv``."""
    ours = _figures()
    with (shipped_data() / "verify" / "paper.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            kind, _, rest = row["what"].partition(" ")
            found = ours[kind](rest)
            what = figure(row["what"], kind, of=_in_chinese(rest))
            yield Compared("paper", row["method"], what, Label(row["source"], row["source_zh"]),
                           float(row["reference"]), found, float(row["tolerance"]))  # fmt: skip


def _in_chinese(of: str) -> str:
    """Return what a figure is of, its tracks and levels by their Chinese names."""
    from calib.framework import load_framework

    tracks = {code: t.name for code, t in load_framework("aii").tracks.items()}
    words = {"all", "overall"}
    return " ".join(
        tracks[w].get("zh") if w in tracks else say(f"verify.figure.{w}", "zh") if w in words else w
        for w in of.split()
    )


def _figures() -> dict[str, Callable[[str], float]]:
    from calib.framework import load_framework
    from calib.population import load_population
    from calib.rating import rate
    from calib.weights import published_weights

    aii, vdma = load_framework("aii"), load_framework("vdma")
    rating = rate(published_weights(aii), load_population("trial", aii))

    def weight(text: str) -> float:
        track, code = text.split()
        fw = vdma if track == "vdma" else aii
        name = "all" if track == "vdma" else track
        tree = fw.tracks[name]
        local = fw.published[name][tree.index[code]]
        return float(local * fw.printed_sums.get((name, ""), 1.0))

    def count(text: str) -> float:
        node, stars, *track = text.split()
        where = track[0] if track else None
        counts = rating.counts(where) if node == "overall" else rating.node_counts(node, where)
        low, _, high = stars.partition("-")
        return float(counts[int(low) - 1 : int(high or low)].sum())

    def percent(text: str) -> float:
        of = rating.counts(text.split()[2] if len(text.split()) > 2 else None).sum()
        return round(100 * count(text) / float(of), 1)

    def nodes(text: str) -> float:
        code, track, depth = text.split()
        tree = load_framework(code).tracks[track]
        return float((tree.depth == int(depth)).sum())

    return {
        "weight": weight,
        "count": count,
        "percent": percent,
        "downgraded": lambda text: float(rating.downgrades),
        "enterprises": lambda text: float(rating.counts(None if text == "all" else text).sum()),
        "nodes": nodes,
        "stars": lambda text: float(load_framework(text).rule.stars),
        "band": lambda text: float(aii.rule.bands[int(text) - 1]),
        "gate": lambda text: float(aii.rule.gates["table"].values[int(text) - 2]),
    }
