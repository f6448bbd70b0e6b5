"""What weighing ballots gives back: weights, reports on equal importance, tables and notes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from calib.ballots.equality_report import EqualityReport
from calib.ballots.equality_words import verdict_name
from calib.ballots.estimates import comparison_table, estimate, estimate_all, maximum_note
from calib.ballots.survey import Survey
from calib.framework import Name, Track
from calib.report import Column, Drawing, Note, Role, Table
from calib.weights import Evidence, Weighed
from calib.words import Text, joined, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BallotsResult", "drawings", "node_names", "notes", "synthetic_marks", "tables"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class BallotsResult(Weighed):
    """Weights from ballots, with the report on equal importance of every track.

    Attributes
    ----------
    survey : the ballots
    reports : by track; empty if none was asked for
    share : by track, share in first-level weights that tracks have in common
    """

    survey: Survey
    reports: Mapping[str, EqualityReport] = field(default_factory=dict)
    share: Mapping[str, float] = field(default_factory=dict)

    @property
    def evidence(self) -> Evidence:
        """What was assumed of the ballots."""
        caveats = (message("ballots.synthetic"),) if self.survey.synthetic else ()
        return Evidence(caveats=caveats)

    def headline(self) -> Text:
        """Return the verdict on equal importance by track, and how sure it is."""
        if not self.reports:
            return super().headline()
        tracks = self.weights.framework.tracks
        return joined(
            [
                message("ballots.by_track", track=tracks[t].name, text=r.headline())
                for t, r in self.reports.items()
            ],
            message("words.semicolon"),
        )


def _named(frame: pd.DataFrame, track: Track) -> pd.DataFrame:
    """Put the track and the nodes' names beside their codes."""
    out = frame.copy()
    out.insert(0, "track", track.code)
    names = {node.code: node.name for node in track.nodes}
    for place, lang in enumerate(("zh", "en"), start=2):
        shown = [names[c].get(lang) if c in names else c for c in out["code"]]
        out.insert(place, f"name_{lang}", shown)
    return out


def tables(survey: Survey, reports: Mapping[str, EqualityReport]) -> tuple[Table, ...]:
    """Return the tables of all tracks."""
    import pandas as pd

    tracks = survey.framework.tracks

    def table(name: str, frames: list[pd.DataFrame], rows: int) -> Table:
        level = next(iter(reports.values())).percent
        title = message(f"ballots.tables.{name}", level=level, mark=_mark(survey))
        return Table(name, pd.concat(frames, ignore_index=True), title, rows)

    def tracked(frame: pd.DataFrame, code: str) -> pd.DataFrame:
        frame.insert(0, "track", code)
        return frame

    made = [
        table("items", [_named(r.item_table(), tracks[t]) for t, r in reports.items()], 60),
        table("tests", [tracked(r.test_table(), t) for t, r in reports.items()], 20),
        table("effects", [tracked(r.effect_table(), t) for t, r in reports.items()], 40),
        table("groups", [_named(r.group_table(), tracks[t]) for t, r in reports.items()], 30),
        table(
            "estimators",
            [
                _named(comparison_table(estimate_all(b)), tracks[t])
                for t, b in survey.ballots.items()
            ],
            60,
        ),
    ]
    if survey.read_report.rejected:
        made.append(_rejected(survey))
    return tuple(made)


def _rejected(survey: Survey) -> Table:
    """Return the table of rejected ballots; what stands in a cell is its respondent's."""
    account = survey.read_report
    return Table(
        "rejected",
        account.table(),
        message("ballots.tables.rejected", mark=_mark(survey)),
        shown=account.table(texts=True),
        declared=(Column("value", Role.PERSON), Column("reason", Role.GROUP, coded="word")),
    )


def _mark(survey: Survey) -> Text | str:
    return message("ballots.mark") if survey.synthetic else ""


def drawings(survey: Survey, reports: Mapping[str, EqualityReport]) -> tuple[Drawing, ...]:
    """Return the figures of every track."""
    out = []
    for code, report in reports.items():
        track = survey.framework.tracks[code]
        mark = _mark(survey)
        title = message("ballots.figures.worths", track=track.name, level=report.percent, mark=mark)
        draw_worths = _draw_worths(survey, track, report, title)
        out.append(Drawing(f"worths-{code}", title, draw_worths, roles=(Role.WEIGHT,)))
        if report.by_share is not None:
            title = message("ballots.figures.shares", track=track.name, mark=mark)
            draw = partial(_draw_shares, report, title)
            out.append(Drawing(f"shares-{code}", title, draw, roles=(Role.PROBABILITY,)))
    return tuple(out)


def node_names(track: Track) -> dict[str, Name]:
    """Return the names of a track's nodes by code."""
    return {node.code: node.name for node in track.nodes}


def _draw_worths(
    survey: Survey, track: Track, report: EqualityReport, title: Text
) -> Callable[[str], Any]:
    def draw(lang: str) -> Any:
        from calib.figures.ballots import worths_with_intervals

        confidence = 1 - report.alpha
        table = estimate(survey.ballots[track.code], confidence=confidence).table()
        table = table.rename(columns={"worth": "estimate"})
        names = node_names(track)
        table.index = [names[c].get(lang) for c in table["code"]]  # type: ignore[assignment, unused-ignore]
        return worths_with_intervals(table, lang=lang, title=title.get(lang), level=confidence)

    return draw


def _draw_shares(report: EqualityReport, title: Text, lang: str) -> Any:
    return report.draw_shares(lang, title.get(lang))


def synthetic_marks(survey: Survey) -> tuple[Note, ...]:
    """Return a warning where the ballots are synthetic."""
    return (Note(message("ballots.synthetic"), warning=True),) if survey.synthetic else ()


def notes(
    survey: Survey,
    reports: Mapping[str, EqualityReport],
    share: Mapping[str, float],
    levels: tuple[str, ...],
) -> tuple[Note, ...]:
    """Return what a reader should know, warnings on the method first."""
    framework = survey.framework
    said: list[Note] = []
    counted = [name for code, name in framework.levels[:-1] if code in levels]
    if counted:
        ranked = framework.levels[-1]
        text = message("ballots.counted", levels=counted, ranked=ranked[1], code=ranked[0])
        said.append(Note(text, warning=True))
    said.extend(synthetic_marks(survey))
    read_report = survey.read_report
    said.append(Note(read_report.sentence(), warning=bool(read_report.rejected)))
    verdicts = [
        message(
            "ballots.verdict_of", track=framework.tracks[t].name, verdict=verdict_name(r.verdict)
        )
        for t, r in reports.items()
    ]
    said.append(
        Note(message("ballots.claim", verdicts=joined(verdicts, message("words.semicolon"))))
    )
    for code, report in reports.items():
        said += [_of_track(framework.tracks[code], n.text) for n in report.notes]
    for code, ballots in survey.ballots.items():
        missing = maximum_note(ballots, node_names(framework.tracks[code]))
        if missing is not None:
            said.append(_of_track(framework.tracks[code], missing, warning=True))
    absent = [track.name for code, track in framework.tracks.items() if code not in reports]
    if absent:
        said.append(Note(message("ballots.without", tracks=absent), warning=True))
    if len(share) > 1 and framework.shared and framework.levels[0][0] in levels:
        shares = [
            message("ballots.share_of", track=framework.tracks[t].name, share=s)
            for t, s in share.items()
        ]
        said.append(Note(message("ballots.pooled", shares=shares)))
    return tuple(said)


def _of_track(track: Track, text: Text, *, warning: bool = False) -> Note:
    return Note(message("ballots.by_track", track=track.name, text=text), warning=warning)
