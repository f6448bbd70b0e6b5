"""Two runs side by side: what they read, their weights, their stars, and who has another star."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from calib.experiment.history import PastRun
from calib.experiment.stored import stored_tables
from calib.report import Column, Note, Result, Role, Table, rendered, table_html
from calib.words import Name, Text, message, say

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RunComparison", "compare_runs", "comparison_page"]

_NOISE = 1e-9
_TABLES = ("stars", "weights", "enterprises")
_WHO = ["set", "enterprise", "name", "track"]
_WHERE = ["set", "track", "level", "code"]


@dataclass(frozen=True, eq=False, repr=False)
class RunComparison(Result):
    """What differs between two runs, by the names of their sets.

    Tables: ``compared-stars`` (enterprises by star in each run), ``compared-movers`` (those that
    have another star), ``compared-weights`` (those that differ), ``compared-inputs`` (files,
    options and versions that differ).

    Attributes
    ----------
    first, second : the runs
    """

    first: PastRun
    second: PastRun

    @cached_property
    def _stored(self) -> tuple[tuple[dict[str, Table], Mapping[str, Text]], ...]:
        return tuple(stored_tables(r.folder, _TABLES) for r in (self.first, self.second))

    @property
    def names(self) -> Mapping[str, Text]:
        """Names of nodes, tracks and stars by code, those of the second run first."""
        return {**self._stored[0][1], **self._stored[1][1]}

    @property
    def shared(self) -> list[str]:
        """Sets that both runs have."""
        return [s for s in self.first.sets if s in self.second.sets]

    def headline(self) -> Text:
        """Return how many enterprises have another star, under how many sets."""
        movers = self._movers
        return message(
            "runs.headline", first=self.first.title, second=self.second.title, n=len(movers),
            sets=len(self.shared), moved=int(movers["set"].nunique()),
        )  # fmt: skip

    @cached_property
    def tables(self) -> Sequence[Table]:  # type: ignore[override]
        """Stars, movers, weights, inputs; see the class."""
        ends = (self._of("first", Role.TEXT), self._of("second", Role.TEXT))
        stars = [
            Column(k, Role.COUNT, label=self.names.get(k, Name(k, k)))
            for k in self._stars.columns if str(k).startswith("star_")
        ]  # fmt: skip
        of_weights = (self._of("first", Role.WEIGHT), self._of("second", Role.WEIGHT))
        level = Column("level", Role.GROUP, coded="track")  # named beside tracks
        run = Column("run", Role.GROUP, label=message("runs.run"))
        what = Column("what", Role.TEXT, label=message("publish.manifest_what"))
        return (
            Table("compared-stars", self._stars, message("runs.stars"), declared=(run, *stars)),
            Table("compared-movers", self._movers, message("runs.movers"),
                  declared=(self._of("first", Role.STAR), self._of("second", Role.STAR))),
            Table("compared-weights", self._weights, message("runs.weights"), rows=20,
                  declared=(level, *of_weights)),
            Table("compared-inputs", self._inputs, message("runs.inputs"), declared=(what, *ends)),
        )  # fmt: skip

    @cached_property
    def notes(self) -> Sequence[Note]:  # type: ignore[override]
        """Which sets and enterprises stand in one run only."""
        out = []
        for run, other in ((self.first, self.second), (self.second, self.first)):
            alone = [s for s in run.sets if s not in other.sets]
            if alone:
                out.append(Note(message("runs.only_sets", run=run.title, sets=alone)))
        for run, left in zip((self.first, self.second), self._alone, strict=True):
            if left:
                out.append(Note(message("runs.only_enterprises", run=run.title, n=left)))
        return tuple(out)

    def _of(self, which: str, role: Role) -> Column:
        run: PastRun = getattr(self, which)
        return Column(which, role, label=Name(run.title, run.title))

    def _frames(self, name: str) -> list[pd.DataFrame | None]:
        return [t[name].frame if name in t else None for t, _ in self._stored]

    @cached_property
    def _stars(self) -> pd.DataFrame:
        import pandas as pd

        rows: list[dict[str, Any]] = []
        every = list(dict.fromkeys([*self.first.sets, *self.second.sets]))
        frames = self._frames("stars")
        for name in every:
            for run, frame in zip((self.first, self.second), frames, strict=True):
                if frame is None or name not in run.sets:
                    continue
                own = frame[(frame["set"].astype(str) == name) & (frame["scope"] == "all")]
                counts = {
                    f"star_{k}": int(c) for k, c in zip(own["star"], own["count"], strict=True)
                }
                rows.append({"set": name, "run": run.title, **counts})
        return pd.DataFrame(rows, columns=None if rows else ["set", "run"])

    @cached_property
    def _both(self) -> pd.DataFrame:
        """Every enterprise of either run under the sets of both."""
        import pandas as pd

        frames = self._frames("enterprises")
        if any(f is None for f in frames):
            return pd.DataFrame(columns=[*_WHO, "first", "second", "_merge"])
        parts = []
        for frame in frames:
            assert frame is not None
            own = frame[frame["set"].astype(str).isin(self.shared)]
            parts.append(own[[*_WHO, "star"]].astype(dict.fromkeys(_WHO, str)))
        return (
            parts[0]
            .merge(parts[1], on=["set", "enterprise", "track"], how="outer", indicator=True,
                   suffixes=("", " 2"), sort=False)
            .assign(name=lambda f: f["name"].fillna(f["name 2"]))
            .rename(columns={"star": "first", "star 2": "second"})
        )[[*_WHO, "first", "second", "_merge"]]  # fmt: skip

    @property
    def _alone(self) -> tuple[int, int]:
        both = self._both
        return tuple(  # type: ignore[return-value]
            int(both.loc[both["_merge"] == side, "enterprise"].nunique())
            for side in ("left_only", "right_only")
        )

    @cached_property
    def _movers(self) -> pd.DataFrame:
        both = self._both
        known = both[both["first"].notna() & both["second"].notna()]
        moved = known[known["first"] != known["second"]].drop(columns="_merge")
        order = {name: i for i, name in enumerate(self.shared)}
        moved = moved.sort_values("set", key=lambda s: s.map(order), kind="stable")
        return moved.astype({"first": int, "second": int}).reset_index(drop=True)

    @cached_property
    def _weights(self) -> pd.DataFrame:
        import pandas as pd

        frames = self._frames("weights")
        columns = [*_WHERE, "first", "second", "change"]
        if any(f is None for f in frames):
            return pd.DataFrame(columns=columns)
        parts = []
        for frame, name in zip(frames, ("first", "second"), strict=True):
            assert frame is not None
            own = frame[frame["set"].astype(str).isin(self.shared)]
            own = own[[*_WHERE, "global_weight"]].rename(columns={"global_weight": name})
            parts.append(own.astype(dict.fromkeys(_WHERE, str)))
        both = parts[0].merge(parts[1], on=_WHERE, how="inner", sort=False)
        both["change"] = both["second"] - both["first"]
        return both.loc[both["change"].abs() > _NOISE, columns].reset_index(drop=True)

    @cached_property
    def _inputs(self) -> pd.DataFrame:
        import pandas as pd

        one, two = (_read_by(r) for r in (self.first, self.second))
        rows = [
            (*key, one.get(key, ""), two.get(key, ""))
            for key in dict.fromkeys([*one, *two])
            if one.get(key) != two.get(key)
        ]
        return pd.DataFrame(rows, columns=["what", "name", "first", "second"])


def _read_by(run: PastRun) -> dict[tuple[Text, str], str]:
    """Return what a run was made from, by kind and name; digests in short."""
    m = run.manifest
    what = {
        k: message(f"runs.from.{k}") for k in ("experiment", "seed", "input", "option", "version")
    }
    out: dict[tuple[Text, str], str] = {
        (what["experiment"], run.experiment): str(m.get("experiment", {}).get("digest", ""))[:12],
        (what["seed"], ""): str(m.get("seed", "")),
    }
    for key, group, most in (("input", "inputs", 12), ("option", "rule_options", 60),
                             ("version", "versions", 60)):  # fmt: skip
        for name, value in m.get(group, {}).items():
            out[what[key], str(name)] = str(value)[:most]
    return out


def compare_runs(first: PastRun, second: PastRun) -> RunComparison:
    """Return what differs between two runs; see :class:`RunComparison`.

    Raises
    ------
    InputError
        When a run's tables cannot be read.
    """
    comparison = RunComparison(first, second)
    _ = comparison.tables
    return comparison


def comparison_page(comparison: RunComparison, lang: str) -> str:
    """Return the comparison as one page that loads nothing."""
    from markupsafe import Markup

    return rendered(
        "calib.experiment",
        "templates/runs.html.jinja",
        lang=lang,
        title=say("runs.page", lang),
        lead=comparison.headline().get(lang),
        notes=[n.get(lang) for n in comparison.notes],
        runs=[(r.title, r.folder.name, r.finished) for r in (comparison.first, comparison.second)],
        # Every text in these is escaped by the table's renderer.
        tables=[
            (
                t.title.get(lang),
                Markup(table_html(t, lang, comparison.names, max(t.rows, 200), caption=False))
                if len(t.frame)
                else say("runs.no_difference", lang),
            )
            for t in comparison.tables
        ],
    )
