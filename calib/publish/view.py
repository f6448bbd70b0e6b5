"""A run as it may be shown: in one language, with the counts and names that privacy allows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calib.errors import InputError, unknown
from calib.experiment import Run, load_experiment, run_experiment
from calib.experiment.spec import DECISION
from calib.files.names import composed, file_stem
from calib.outcomes.decision import DecisionResult
from calib.publish.cells import count_cells
from calib.publish.privacy import Privacy, read_key
from calib.publish.protection import Protection, protect
from calib.publish.release import Loss, Release, mentions, name_pattern, normal
from calib.report import (
    Drawing,
    Note,
    Role,
    Sentence,
    Table,
    heading,
    mark,
    release,
    table_html,
    table_text,
)
from calib.shifts import ShiftResult
from calib.words import Text, joined, languages, message, resolve_language, say

if TYPE_CHECKING:
    import pandas as pd

    from calib.report.page_parts import Page

__all__ = ["Sentence", "Shown", "View", "open_view"]

_FILES = (
    ".csv",
    ".tsv",
    ".txt",
    ".json",
    ".xlsx",
    ".xls",
    ".ods",
    ".parquet",
    ".soc",
    ".soi",
    ".toc",
    ".toi",
)
"""Endings of files that people fill in; frameworks and weight sets keep their names."""


@dataclass(frozen=True, eq=False)
class Shown:
    """A table ready to be read: it shows itself in a notebook, without an index.

    Attributes
    ----------
    table : what may be shown, with its columns
    language : of headings and words
    names : names of nodes and tracks by their codes
    rows : at most this many rows
    """

    table: Table
    language: str
    names: Mapping[str, Text]
    rows: int

    def _repr_html_(self) -> str:
        return mark(table_html(self.table, self.language, self.names, self.rows))

    def __repr__(self) -> str:
        return table_text(self.table, self.language, self.names, self.rows)


@dataclass(frozen=True, eq=False)
class View:
    """A run in a language under a privacy.

    Attributes
    ----------
    run : the run; its enterprises carry pseudonyms already where the privacy has a key
    privacy : what may be shown
    language : ``zh`` or ``en``
    people : names of experts and respondents, which must not stand in an anonymous publication
    files : names of the files that they filled in, with their endings and without; neither must
        these, as files are called after people
    """

    run: Run
    privacy: Privacy
    language: str
    people: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def say(self, key: str, **values: Any) -> str:
        """Return a message of the catalogue in the view's language."""
        return say(key, self.language, **values)

    def tables(self) -> list[Table]:
        """Return the tables that may be shown, small counts suppressed."""
        return list(self._released[0].values())

    @cached_property
    def _released(self) -> tuple[dict[str, Table], tuple[Loss, ...]]:
        shown: dict[str, Table] = {}
        lost: list[Loss] = []
        for table in self.run.tables:
            found, reasons = self._release.judge(table)
            lost += reasons
            if found is not None:
                shown[table.name] = found
        return shown, tuple(lost)

    @cached_property
    def protection(self) -> Protection | None:
        """Which counts of the publication are hidden, with the proof; None where all are shown."""
        if self.privacy.rows_allowed:
            return None
        run, least = self.run, self.privacy.min_count
        growing = [n for n in run.ratings if run.context.grown(n) is not None]
        cells = count_cells(run.ratings, run.context.baseline, growing, least_group=least)
        return protect(cells, least)

    @cached_property
    def _release(self) -> Release:
        named = (*self.people, *self.files)
        people = name_pattern(named) if self.privacy.key is not None else None
        ids = mentions(self.run.context.population)
        return Release(self.privacy, ids, self.protection, people)

    def losses(self) -> tuple[Loss, ...]:
        """Return what privacy keeps back of each table and figure, and why."""
        drawn = {d.name for d in self.drawings()}
        figures = [Loss(d.name, (), 0, 0, "figure") for d in self.run.drawings
                   if d.name not in drawn]  # fmt: skip
        return (*self._released[1], *figures)

    def left_out(self) -> list[str]:
        """Return the titles of tables, columns and figures left out, in the view's language."""
        lang, names = self.language, self.run.names
        tables, drawn = self._released[0], {d.name for d in self.drawings()}
        out = []
        for table in self.run.tables:
            title, released = table.title.get(lang), tables.get(table.name)
            gone = [] if released is None else [
                heading(column, lang, names) for key, column in table.columns.items()
                if key not in released.frame.columns
            ]  # fmt: skip
            if released is None:
                out.append(title)
            elif gone:
                listed = joined(gone, message("words.comma"))
                out.append(say("publish.left_out_columns", lang, title=title, columns=listed))
        out += [say("publish.left_out_figure", lang, title=d.title)
                for d in self.run.drawings if d.name not in drawn]  # fmt: skip
        return list(dict.fromkeys(out))

    def frame(self, name: str) -> pd.DataFrame:
        """Return a table by its name, as data, small counts suppressed."""
        return self._table(name).frame

    def _withholds(self, name: str) -> bool:
        """Return whether the run has a table of a name that may not be shown."""
        return name not in self._released[0] and any(t.name == name for t in self.run.tables)

    def _table(self, name: str) -> Table:
        found = self._released[0]
        if name not in found:
            if self._withholds(name):
                raise InputError(message("publish.table_withheld", name=name))
            raise InputError(unknown("experiment.no_table", name, found))
        return found[name]

    def table(self, name: str, *, rows: int | None = None, query: str = "") -> Shown | Sentence:
        """Return a table by its name, in the view's language; a sentence where it is left out.

        Parameters
        ----------
        rows : at most this many rows; as the run's report shows if None
        query : a condition on the columns, as ``DataFrame.query`` takes it; ``@baseline`` stands
            for the name of the baseline
        """
        if self._withholds(name):
            return self._withheld(name)
        table = self._table(name)
        known = {"baseline": self.run.context.baseline}
        if query:
            frame = table.frame.query(query, local_dict=known)
            table = replace(table, frame=frame, shown=None)
        return self._shown(table, table.rows or 60 if rows is None else rows)

    def _shown(self, table: Table, rows: int | None = None) -> Shown:
        names = self.run.names
        return Shown(table, self.language, names, table.rows if rows is None else rows)

    def _withheld(self, name: str) -> Sentence:
        return Sentence(say("publish.table_withheld", self.language, name=name))

    def shifts(self) -> dict[str, ShiftResult]:
        """Return the shifts of weights over years in the run, by the names of their sets."""
        return {n: r for n, r in self.run.results.items() if isinstance(r, ShiftResult)}

    def drawings(self) -> list[Drawing]:
        """Return the figures that may be shown, by what they are drawn from.

        Where small counts are suppressed, a figure of counts is drawn from its table as that may
        be shown, or left out.
        """
        drawn = (self._release.drawing(d, lambda: self.run.tables) for d in self.run.drawings)
        return [d for d in drawn if d is not None]

    def figure(self, name: str) -> Any:
        """Return a figure by its name; a sentence where privacy leaves it out."""
        for drawing in self.drawings():
            if drawing.name == name:
                return release(drawing.draw(self.language))
        every = [d.name for d in self.run.drawings]
        if name in every:
            least = self.privacy.min_count
            return Sentence(say("publish.figure_withheld", self.language, name=name, least=least))
        raise InputError(unknown("publish.no_figure", name, every))

    @property
    def decides(self) -> bool:
        """Whether the run ends in a decision."""
        return isinstance(self.run.outcomes.get(DECISION), DecisionResult)

    def decision(self) -> Page | None:
        """Return the page for the committee, None where there is none to be shown.

        It counts the enterprises that change star: not shown where small counts are suppressed.
        In an anonymous publication it does not say which enterprises move.
        """
        found = self.run.outcomes.get(DECISION)
        if not isinstance(found, DecisionResult) or not self.privacy.rows_allowed:
            return None
        return found.page(self.language, anonymous=self.privacy.key is not None)

    def notes(self) -> list[str]:
        """Return the notes of the run; none where small counts are suppressed, as they count."""
        return self.said(self.run.notes)

    def said(self, notes: Iterable[Note]) -> list[str]:
        """Return notes as they may be shown: none where small counts are suppressed.

        Those in which a person or a person's file stands are left out of an anonymous publication.
        """
        if not self.privacy.rows_allowed:
            return []
        said = [n.get(self.language) for n in notes]
        people = self._release.people
        return [t for t in said if people is None or not people.search(normal(t))]


def open_view(
    experiment: str | Path,
    *,
    lang: str | None = None,
    privacy: Privacy | Mapping[str, Any] | None = None,
    seed: int | None = None,
) -> View:
    """Run an experiment and return what may be shown of it; for notebooks and pages.

    Parameters
    ----------
    experiment : an experiment file, or the name of a shipped experiment
    lang : ``zh`` or ``en``; the current language if None
    privacy : a :class:`Privacy`; or, as a notebook's parameter, ``{"key_file": …,
        "min_count": …}``; None shows everything
    seed : in place of the file's
    """
    if lang is not None and lang not in languages():
        raise InputError(message("publish.no_language", name=repr(lang), known=languages()))
    language = resolve_language(lang)
    if not isinstance(privacy, Privacy):
        given = dict(privacy or {})
        key_file = given.pop("key_file", None)
        others = set(given) - {"min_count"}
        if others:
            raise InputError(message("publish.no_privacy_key", names=sorted(others)))
        key = read_key(key_file) if key_file else None
        privacy = Privacy(key, int(given.get("min_count", 1)))
    run = run_experiment(load_experiment(experiment), seed=seed, prepare=privacy.prepare)
    if privacy.key is None:
        return View(run, privacy, language)
    return View(_without_file_names(run), privacy, language, _people(run), _files(run))


def _people(run: Run) -> tuple[str, ...]:
    """Return names of persons in tables."""
    words: dict[str, None] = {}
    for table in run.tables:
        for key in (k for k, c in table.columns.items() if c.role == Role.PERSON):
            for value in table.frame[key].unique():
                words |= dict.fromkeys(w.strip() for w in re.split("[,;，；、]", str(value)))
    return _telling(words)


def _files(run: Run) -> tuple[str, ...]:
    """Return the names of files that people filled in."""
    words: dict[str, None] = {}
    judged = [e.name for e in run.experiment.sets if e.source in ("experts", "opinions")]
    for name in (k for n in judged for k in run.sets[n].provenance.inputs):
        file = Path(name)
        if _filled_in(file):
            words |= {file.name: None, file.stem: None}
    return _telling(words)


def _telling(words: Iterable[str]) -> tuple[str, ...]:
    """Leave out numbers of fewer than six digits: they stand everywhere."""
    return tuple(w for w in words if len(w) > 1 and not (w.isdigit() and len(w) < 6))


def _filled_in(name: str | Path) -> bool:
    return Path(name).suffix.lower() in _FILES


def _without_file_names(run: Run) -> Run:
    """Return the run with numbered input files, as forms are named after who filled them."""
    every = [run.inputs, *(w.provenance.inputs for w in run.sets.values())]
    files = [(n, digest) for inputs in every for n, digest in inputs.items() if _filled_in(n)]
    # A file goes by one number, whether it is named with its folder or without.
    number = {digest: i for i, digest in enumerate(dict.fromkeys(d for _, d in files), start=1)}

    def numbered(inputs: Mapping[str, str]) -> dict[str, str]:
        return {
            f"file {number[d]}{Path(n).suffix.lower()}" if _filled_in(n) else n: d
            for n, d in inputs.items()
        }

    sets = {
        name: replace(w, provenance=replace(w.provenance, inputs=numbered(w.provenance.inputs)))
        for name, w in run.sets.items()
    }
    return replace(run, sets=sets, inputs=numbered(run.inputs))


def file_name(name: str) -> str:
    """Return a name as part of a file's name."""
    return file_stem(re.sub(r"[^\w.-]+", "-", composed(name)))
