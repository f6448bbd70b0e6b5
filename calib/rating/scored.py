"""Enterprises with their scores under rule options, and those that are not rated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from calib._types import BoolArray, FloatArray, IntArray
from calib.errors import InputError
from calib.framework import Framework, RuleOptions, Thresholds, Track
from calib.population import Labels
from calib.rating.clusters import with_cluster_bands
from calib.rating.stars import stars_by_draw
from calib.words import Text, message

__all__ = ["Imputed", "NotRated", "Scored", "ScoredSample", "Unanswered"]


@dataclass(frozen=True)
class NotRated:
    """An enterprise that has answered too little to be rated, and what it lacks."""

    track: str
    id: str
    name: str
    reason: Text


class Unanswered(InputError):
    """An analysis needs complete answers, and no enterprise has given them."""


@dataclass(frozen=True, eq=False)
class Imputed:
    """Scores that enterprises with unanswered items could have.

    Attributes
    ----------
    rows : (g,) their positions in the sample
    X : (M, g, L) all their scores, the unanswered ones drawn M times
    """

    rows: IntArray
    X: FloatArray

    def __len__(self) -> int:
        return len(self.X)


@dataclass(frozen=True, eq=False)
class ScoredSample:
    """Scores of the enterprises of one track.

    Attributes
    ----------
    X : (n, L) scores in points; unanswered items stand as the rule option says: as a score, as
        NaN under ``renormalise``, as the median of what was drawn under ``impute``
    imputed : what was drawn under ``impute``
    """

    track: Track
    ids: Labels
    names: Labels
    X: FloatArray
    attributes: Mapping[str, Labels]
    imputed: Imputed | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: IntArray | BoolArray) -> ScoredSample:
        """Return some of the enterprises, by rising positions or by a mask."""
        rows = np.arange(len(self))[rows]
        imputed = self.imputed
        if imputed is not None:
            own = np.isin(imputed.rows, rows)
            places = np.searchsorted(rows, imputed.rows[own])
            imputed = Imputed(places, imputed.X[:, own]) if own.any() else None
        attributes = {k: v[rows] for k, v in self.attributes.items()}
        return ScoredSample(self.track, self.ids[rows], self.names[rows], self.X[rows], attributes,
                            imputed)  # fmt: skip

    def stars_by_draw(
        self, local: FloatArray, thresholds: Thresholds, imputation: IntArray | None = None
    ) -> IntArray:
        """Return the stars (k, n), from 0, under draws (k, m) of the weights.

        Parameters
        ----------
        imputation : (k,) which draw of unanswered items each draw of the weights meets, -1 for
            the median; all of them in turn if None
        """
        out = stars_by_draw(self.track, self.X, local, thresholds)
        if self.imputed is None:
            return out
        turn = np.arange(len(out)) % len(self.imputed) if imputation is None else imputation
        for number in np.unique(turn[turn >= 0]):
            draws, X = np.flatnonzero(turn == number), self.imputed.X[number]
            found = stars_by_draw(self.track, X, local[draws], thresholds)
            out[np.ix_(draws, self.imputed.rows)] = found
        return out

    @property
    def settled(self) -> BoolArray:
        """Which enterprises have one score for every item, (n,)."""
        out: BoolArray = np.asarray(~np.isnan(self.X).any(axis=1))
        if self.imputed is not None:
            out[self.imputed.rows] = False
        return out

    @property
    def complete(self) -> bool:
        """Whether every item has a score."""
        return not bool(np.isnan(self.X).any())

    def require_complete(self, what: Text) -> FloatArray:
        """Return ``X``, or raise :class:`InputError` where answers are missing.

        Parameters
        ----------
        what : the analysis that needs complete answers, for the message
        """
        rows = np.flatnonzero(np.isnan(self.X).any(axis=1))
        if len(rows):
            shown = ", ".join(str(self.ids[i]) for i in rows[:5])
            raise Unanswered(
                message(
                    "faults.needs_complete_answers_but_enterprises",
                    what=what,
                    n=len(rows),
                    code=self.track.code,
                    shown=shown,
                    more=" …" if len(rows) > 5 else "",
                )
            )
        return self.X


@dataclass(frozen=True, eq=False)
class Scored:
    """A population's scores under given rule options.

    Attributes
    ----------
    framework : the population's; where the rule takes its bands from the enterprises, with them
    notes : what was filled in
    not_rated : enterprises without the least coverage, which are not in ``samples``
    """

    framework: Framework
    rule_options: RuleOptions
    samples: Mapping[str, ScoredSample]
    label: str
    synthetic: bool
    digest: str
    notes: tuple[Text, ...] = ()
    one_of_many: bool = False
    not_rated: tuple[NotRated, ...] = ()

    def __len__(self) -> int:
        return sum(len(s) for s in self.samples.values())

    def under(self, framework: Framework) -> Scored:
        """Return the same scores under a framework of the same trees with another rule.

        Bands that come from the enterprises are found again.

        Raises
        ------
        InputError
            When the trees differ.
        """
        self.framework.same_trees(framework)
        samples = {t: replace(s, track=framework.tracks[t]) for t, s in self.samples.items()}
        options = framework.rule.read(self.rule_options)
        ruled = with_cluster_bands(framework, samples)
        return replace(self, framework=ruled, samples=samples, rule_options=options)

    @property
    def imputations(self) -> int:
        """How often unanswered items were drawn; 0 where none was."""
        return max((len(s.imputed) for s in self.samples.values() if s.imputed), default=0)

    @property
    def made_up(self) -> Text | None:
        """What a reader has to know where no real enterprise is among them."""
        if not self.synthetic:
            return None
        key = "one_of_many" if self.one_of_many else "synthetic"
        return message(f"rating.{key}", label=self.label)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{t} {len(s)}" for t, s in self.samples.items())
        return f"<Scored {self.label!r}: {len(self)} ({sizes})>"
