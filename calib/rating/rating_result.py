"""The rating of a population: totals, stars and what costs them, as every result shows itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray, SmallIntArray
from calib.framework import Cap, Framework, RuleOptions, Track
from calib.population import Labels
from calib.rating.distributions import rating_tables
from calib.rating.scored import Scored
from calib.rating.star_shares import star_shares
from calib.report import Drawing, Live, LiveFigure, LiveRating, Note, Result, Role, Table
from calib.weights import WeightSet
from calib.words import Text, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RatedSample", "Rating"]


@dataclass(frozen=True, eq=False)
class RatedSample:
    """The rating of the enterprises of one track. Stars count from 0 for the lowest.

    Attributes
    ----------
    total : (n,) totals in points
    star : (n,) final star
    band : (n,) star that the total alone reaches
    gated : (P,) positions of the gated nodes in the track
    failed : (n, P) gated nodes that fail the gate of ``band``
    scores, node_stars : (n, m) score and single-element star of every node; NaN and -1 where no
        item under the node is answered, or where the rule has no bands for a node's score
    gates : (P, K-1) effective gates of the gated nodes
    caps : caps that are no gates, and whether they hold (n, C)
    capped : (n, C)
    moved : (n, parts - 1) points that each part has handed to the next one; None without
    """

    track: Track
    ids: Labels
    names: Labels
    attributes: Mapping[str, Labels]
    total: FloatArray
    star: IntArray
    band: IntArray
    gated: IntArray
    failed: BoolArray
    scores: FloatArray
    node_stars: SmallIntArray
    gates: FloatArray
    caps: tuple[Cap, ...]
    capped: BoolArray
    moved: FloatArray | None = None

    def __repr__(self) -> str:
        return f"<RatedSample {self.track.code}: {len(self.ids)} enterprises>"

    @property
    def downgraded(self) -> BoolArray:
        """Which enterprises a gate has cost a star or more, (n,)."""
        return np.asarray(self.star < self.band)

    def causes(self) -> list[str]:
        """Return, by enterprise, the gated nodes and caps that cost it stars, joined by commas."""
        codes = [self.track.codes[i] for i in self.gated]
        codes += ["/".join(dict.fromkeys(c.when.nodes())) for c in self.caps]
        binds = self.capped & (np.array([c.top for c in self.caps]) < self.band[:, None])
        rows = np.concatenate([self.failed, binds.reshape(len(self.failed), -1)], axis=1)
        return [
            ", ".join(dict.fromkeys(c for c, f in zip(codes, row, strict=True) if f))
            if down
            else ""
            for row, down in zip(rows, self.downgraded, strict=True)
        ]


@dataclass(frozen=True, eq=False, repr=False)
class Rating(Result):
    """The rating of a population under one weight set and given rule options.

    Attributes
    ----------
    scored : the scores that were rated
    samples : the rating by track
    remarks : what scoring had to decide, such as unanswered items
    """

    framework: Framework
    weights: WeightSet
    rule_options: RuleOptions
    samples: Mapping[str, RatedSample]
    synthetic: bool
    scored: Scored
    remarks: tuple[Text, ...] = ()

    @property
    def notes(self) -> tuple[Note, ...]:  # type: ignore[override]
        """Whether the enterprises are synthetic, and what scoring had to decide."""
        made_up = self.scored.made_up
        first = () if made_up is None else (Note(made_up, warning=True),)
        return (*first, *(Note(r) for r in self.remarks))

    @property
    def not_rated(self) -> pd.DataFrame:
        """Enterprises without the least coverage, and what they lack: they have no star."""
        import pandas as pd

        rows = [(r.id, r.name, r.track, r.reason.get("en")) for r in self.scored.not_rated]
        return pd.DataFrame(rows, columns=["enterprise", "name", "track", "reason"])

    def headline(self) -> Text:
        """Return the star distribution in one line."""
        labels = self.framework.rule.labels
        counts = [
            message("rating.of_star", star=label, n=int(c))
            for label, c in zip(labels, self.counts(), strict=True)
        ]
        said = {"label": self.weights.label, "size": len(self.scored), "counts": counts}
        if not self.framework.rule.holds_back:
            return message("rating.headline_no_gates", **said)
        return message("rating.headline", **said, n=self.downgrades)

    @cached_property
    def probability(self) -> Mapping[str, FloatArray] | None:
        """P(star) by track, (n, K): shares of the draws of weights and of unanswered items.

        None where weights are decided and no item was drawn. Under ``renormalise`` each draw of
        the weights spreads the weight of unanswered items anew.
        """
        if self.weights.draws is None and not self.scored.imputations:
            return None
        whole, options = self.framework.rule, self.rule_options
        local = self.weights.local if self.weights.draws is None else self.weights.draws
        return {
            t: star_shares(s, np.atleast_2d(local[t]), whole.effective(options, t))[0]
            for t, s in self.scored.samples.items()
        }

    @property
    def misrated(self) -> float | None:
        """Expected number of enterprises to which another draw would give another star."""
        if self.probability is None:
            return None
        given = [p[np.arange(len(p)), self.samples[t].star] for t, p in self.probability.items()]
        return float((1 - np.concatenate(given)).sum())

    @cached_property
    def tables(self) -> tuple[Table, ...]:  # type: ignore[override]
        """Every enterprise; stars overall and by first-level node; downgrades; thresholds."""
        return (*rating_tables(self), *self._not_rated_table())

    def _not_rated_table(self) -> tuple[Table, ...]:
        if not self.scored.not_rated:
            return ()
        return (Table("not-rated", self.not_rated, message("rating.not_rated"), rows=60),)

    @property
    def drawings(self) -> tuple[Drawing, ...]:  # type: ignore[override]
        """The star distribution by track."""
        return (
            Drawing(
                "stars",
                message("rating.stars"),
                lambda lang: self._draw(self.frame("stars"), lang),
                roles=(Role.COUNT,),
                table="stars",
                redraw=self._draw,
            ),
        )

    @property
    def live(self) -> Live:
        """How a published page computes the rating again."""
        tables = ("stars", "node-stars", "enterprises", "downgrades", "thresholds")
        return Live((self.as_live(),), tables={n: n for n in tables},
                    figures={"stars": LiveFigure("stars")})  # fmt: skip

    def as_live(self, name: str = "", path: Any = None) -> LiveRating:
        """Return the rating as part of what a published page computes again.

        Parameters
        ----------
        name : of the set in the tables of the result that it is part of
        path : the weights over the years that lead to the set, if any do
        """
        check = {
            t: {"counts": self.counts(t).tolist(), "total": float(s.total.sum())}
            for t, s in self.samples.items()
        }
        return LiveRating(name, self.weights, self.scored, [check], path)

    def _draw(self, table: pd.DataFrame, lang: str) -> Any:
        """Draw the stars of every scope in a table of stars; texts in it are hidden."""
        import pandas as pd

        from calib.figures import star_distribution

        names = {t: track.name.get(lang) for t, track in self.framework.tracks.items()}
        names["all"] = message("values.all").get(lang)
        values = pd.to_numeric(table["count"], errors="coerce").to_numpy(dtype=float)
        scopes = list(dict.fromkeys(table["scope"]))
        counts = pd.DataFrame(
            values.reshape(len(scopes), -1), index=[names[s] for s in scopes],
            columns=[n.get(lang) for n in self.framework.rule.labels],
        )  # fmt: skip
        sizes = [int(self.counts(None if s == "all" else s).sum()) for s in scopes]
        synthetic = self.scored.synthetic
        return star_distribution(counts, totals=sizes, lang=lang, synthetic=synthetic)

    @property
    def scopes(self) -> tuple[str | None, ...]:
        """What is counted: all enterprises (None), and each track where there are several."""
        return (None, *(self.samples if len(self.samples) > 1 else ()))

    def counts(self, track: str | None = None) -> IntArray:
        """Return how many enterprises have each star, (K,), lowest first."""
        out = np.zeros(self.framework.rule.stars, dtype=np.int64)
        for t, s in self.samples.items():
            if track in (None, t):
                out += np.bincount(s.star, minlength=len(out))
        return out

    def node_counts(self, code: str, track: str | None = None) -> IntArray:
        """Return how many enterprises have each single-element star at a node, (K,)."""
        out = np.zeros(self.framework.rule.stars, dtype=np.int64)
        for t, s in self.samples.items():
            if track in (None, t) and code in s.track.index:
                column = s.node_stars[:, s.track.index[code]]
                out += np.bincount(column[column >= 0], minlength=len(out))
        return out

    @property
    def downgrades(self) -> int:
        """Number of enterprises that a gate has cost a star or more."""
        return self.downgrades_in(None)

    def downgrades_in(self, track: str | None) -> int:
        """Return how many enterprises of a track, or of all, a gate has cost a star or more."""
        return sum(int(s.downgraded.sum()) for t, s in self.samples.items() if track in (None, t))

    def enterprises(self, depth: int = 1) -> pd.DataFrame:
        """Return one row an enterprise: total, stars (the rule's numbers), causes, node scores.

        Where the weights have draws, ``p_now`` is the probability of the star that is given.
        ``next_total`` and ``next_gate`` are the points that the total, and the gated node that
        lacks most, ``next_node``, lack to the next star; empty at the highest one.

        Parameters
        ----------
        depth : scores and stars of the nodes down to this depth are included
        """
        import pandas as pd

        labels, first = [n.en for n in self.framework.rule.labels], self.framework.rule.first
        parts = []
        for t, s in self.samples.items():
            data: dict[str, object] = {
                "enterprise": s.ids, "name": s.names, "track": t, "total": s.total,
                "band_star": s.band + first, "star": s.star + first,
                "label": [labels[i] for i in s.star],
                "downgraded": s.downgraded, "caused_by": s.causes(),
            }  # fmt: skip
            if self.probability is not None:
                data["p_now"] = self.probability[t][np.arange(len(s.star)), s.star]
            data |= self._to_next_star(t, s)
            for i, node in enumerate(s.track.nodes):
                if node.depth <= depth:
                    data[f"score {node.code}"] = s.scores[:, i]
                    data[f"star {node.code}"] = _numbered(s.node_stars[:, i], first)
            parts.append(pd.DataFrame(data))
        return pd.concat(parts, ignore_index=True)

    def _to_next_star(self, track: str, sample: RatedSample) -> dict[str, object]:
        """Return what lacks to the next star, where bands and gates are all that it asks for."""
        thresholds = self.framework.rule.effective(self.rule_options, track)
        if thresholds.caps or thresholds.compensation:
            return {}
        rows = np.arange(len(sample.star))
        steps = np.minimum(sample.star, len(thresholds.band) - 1)
        last = sample.star == len(thresholds.band)
        lacks = np.maximum(thresholds.band[steps] - sample.total, 0.0)
        gaps = np.nan_to_num(sample.gates[:, steps].T - sample.scores[:, sample.gated], nan=-np.inf)
        # A threshold stands within a rounding error of the number that the rule prints.
        most = gaps.argmax(axis=1) if gaps.shape[1] else np.zeros(len(rows), dtype=int)
        short = np.maximum(gaps[rows, most], 0.0) if gaps.shape[1] else np.zeros(len(rows))
        codes = np.array([sample.track.codes[i] for i in sample.gated] or [""], dtype=object)
        held = (short > 0) & ~last
        return {
            "next_total": np.where(last, np.nan, lacks), "next_gate": np.where(last, np.nan, short),
            "next_node": np.where(held, codes[most], ""),
        }  # fmt: skip


def _numbered(stars: SmallIntArray, first: int) -> pd.Series:
    """Return stars as the rule numbers them, empty for nodes without a score."""
    import pandas as pd

    numbers = pd.Series(stars.astype(np.int64) + first)
    return numbers if (stars >= 0).all() else numbers.astype("Int64").where(stars >= 0)
