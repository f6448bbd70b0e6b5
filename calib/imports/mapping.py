"""A mapping: what each column of an export holds, and which option each text is.

It is proposed by calib, looked through by a person, and lies beside the data as TOML. What is
open stands as ``"?"``. It fits every file of the same layout.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping as Entries
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from calib._validation import parse_model
from calib.errors import InputError
from calib.files.atomic import write_text
from calib.files.inputs import read_toml
from calib.imports.finder import CERTAIN
from calib.words import message

__all__ = ["OPEN", "ColumnEntry", "Kind", "LadderEntry", "Mapping", "find_mapping", "read_mapping"]

OPEN = "?"
"""What stands where a person has to say something."""
Kind = Literal["answers", "ballots", "weights"]
Role = Literal["enterprise", "name", "track", "attribute", "indicator", "respondent", "segment",
               "weight", "rank", "joined", "place", "item", "level", "local", "global", "share",
               "code", "aside", "?"]  # fmt: skip


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnEntry(_Entry):
    """What a column holds.

    Attributes
    ----------
    column : its letters, after the sheet's name where there are sheets (``"Sheet1!F"``)
    taken : ``as`` in the file: its role
    of : what the role is about: an indicator's code by track, a rank, an attribute's name
    options : number of the ladder by which its texts become option numbers
    """

    column: str
    header: str = ""
    taken: Role = Field(alias="as")
    of: str = ""
    tracks: tuple[str, ...] = ()
    options: int = 0
    confidence: float = 1.0
    reason: str = ""
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class LadderEntry(_Entry):
    """The texts of one set of options, the lowest first; "" for one that nobody chose."""

    texts: tuple[str, ...]
    confidence: float = 1.0
    reason: str = ""


class Mapping(_Entry):
    """A whole mapping.

    Attributes
    ----------
    fingerprint : of the layout that it is for
    confirmed : whether a person has looked through what is less than certain
    choices : answers to questions about the file as a whole, ``"?"`` where open
    tracks : words in the column of tracks, by the track that they mean
    items : words of ballots that are not an indicator's own name, by the code that they mean
    """

    schema_: Literal["calib.mapping/1"] = Field(default="calib.mapping/1", alias="schema")
    kind: Kind
    framework: str
    framework_version: str = ""
    platform: str = ""
    fingerprint: str
    confirmed: bool = False
    choices: dict[str, str] = {}
    tracks: dict[str, str] = {}
    items: dict[str, str] = {}
    columns: tuple[ColumnEntry, ...]
    options: tuple[LadderEntry, ...] = ()
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    def open_points(self) -> list[str]:
        """Return what a person still has to say, by the place in the file."""
        out = [f"choices.{k}" for k, v in self.choices.items() if v == OPEN]
        out += [f"tracks.{k}" for k, v in self.tracks.items() if v == OPEN]
        out += [f"items.{k}" for k, v in self.items.items() if v == OPEN]
        out += [c.column for c in self.columns if OPEN in (c.taken, c.of)]
        out += [f"options {i}" for i, o in enumerate(self.options, 1) if OPEN in o.texts]
        return out

    def doubtful_points(self) -> list[str]:
        """Return what is likely, but not certain, by the place in the file."""
        out = [c.column for c in self.columns if c.confidence < CERTAIN]
        return out + [
            f"options {i}" for i, o in enumerate(self.options, 1) if o.confidence < CERTAIN
        ]

    @property
    def ready(self) -> bool:
        """Whether it can be used: nothing is open, and what is doubtful was confirmed."""
        return not self.open_points() and (self.confirmed or not self.doubtful_points())

    def column(self, role: str) -> list[ColumnEntry]:
        """Return the columns of a role, in the order of the file."""
        return [c for c in self.columns if c.taken == role]

    def with_choices(self, choices: Entries[str, str]) -> Mapping:
        """Return the mapping with questions about the whole file answered.

        Raises
        ------
        InputError
            For a question that it does not ask.
        """
        unknown = [k for k in choices if k not in self.choices]
        if unknown:
            known = list(self.choices)
            raise InputError(message("imports.no_such_choice", names=unknown, known=known))
        return self.model_copy(update={"choices": {**self.choices, **choices}})

    def open_texts(self, key: str) -> list[str]:
        """Return the texts of a ladder whose order is open, by its name ``options <number>``."""
        ladder = self.options[int(key.split()[-1]) - 1]
        return [t for t in ladder.texts if t != OPEN]

    def answered(self, key: str, answer: str) -> Mapping:
        """Return the mapping with one question answered.

        Parameters
        ----------
        key : as in :meth:`open_points`
        answer : a word; for the order of options their texts, one a line
        """
        section, _, name = key.partition(".")
        if section in ("choices", "tracks", "items"):
            entries: dict[str, str] = getattr(self, section)
            return self.model_copy(update={section: {**entries, name: answer}})
        if key.startswith("options "):
            place = int(key.split()[-1]) - 1
            given = {"texts": tuple(answer.split("\n")), "confidence": 1.0, "reason": "given"}
            ladders = list(self.options)
            ladders[place] = ladders[place].model_copy(update=given)
            return self.model_copy(update={"options": tuple(ladders)})
        columns = [_answered(c, answer) if c.column == key else c for c in self.columns]
        return self.model_copy(update={"columns": tuple(columns)})

    def write(
        self, path: str | os.PathLike[str], comments: Entries[str, str] | None = None
    ) -> None:
        """Write the mapping as TOML.

        Parameters
        ----------
        comments : lines that explain an open point, by the names of :meth:`open_points`
        """
        write_text(path, _toml(self, comments or {}))


def _answered(column: ColumnEntry, answer: str) -> ColumnEntry:
    """Return a column with its question answered: by a code, a rank, or as set aside."""
    told: dict[str, Any] = {"confidence": 1.0, "reason": "given"}
    if answer == "aside":
        return column.model_copy(update={**told, "taken": "aside", "of": "", "tracks": ()})
    if answer.isdigit():
        return column.model_copy(update={**told, "taken": "rank", "of": answer})
    return column.model_copy(update={**told, "of": answer})


def _toml(mapping: Mapping, comments: Entries[str, str]) -> str:
    head = mapping.model_dump(
        by_alias=True, exclude={"columns", "options", "choices", "tracks", "items"}
    )
    lines = [f"# {line}" for line in comments.get("", "").splitlines()]
    lines += [f"{k} = {_value(v)}" for k, v in head.items() if v != ""]
    for name in ("choices", "tracks", "items"):
        entries: dict[str, str] = getattr(mapping, name)
        if entries:
            lines += ["", f"[{name}]"]
            for key, value in entries.items():
                lines += _comment(comments, f"{name}.{key}")
                lines.append(f"{_value(key)} = {_value(value)}")
    for i, ladder in enumerate(mapping.options, 1):
        lines += ["", f"# options {i}", *_comment(comments, f"options {i}"), "[[options]]"]
        lines += [f"{k} = {_value(v)}" for k, v in ladder.model_dump().items() if v != ""]
    for column in mapping.columns:
        lines += ["", *_comment(comments, column.column), "[[columns]]"]
        shown = column.model_dump(by_alias=True)
        lines += [f"{k} = {_value(v)}" for k, v in shown.items() if v not in ("", (), 0)]
    return "\n".join(lines) + "\n"


def _comment(comments: Entries[str, str], key: str) -> list[str]:
    return [f"# {line}" for line in comments.get(key, "").splitlines()]


def _value(value: Any) -> str:
    """Return a value as TOML; JSON's strings, numbers and lists are valid in it."""
    plain = list(value) if isinstance(value, tuple) else value
    return json.dumps(plain, ensure_ascii=False).replace("\x7f", "\\u007f")


def read_mapping(path: str | os.PathLike[str]) -> Mapping:
    """Read a mapping.

    Raises
    ------
    InputError
        With every fault by key.
    """
    return parse_model(Mapping, read_toml(path), os.fspath(path))


def find_mapping(path: str | os.PathLike[str], fingerprint: str) -> Path | None:
    """Return the mapping beside a file that is for its layout, None if there is none."""
    file = Path(path)
    own = file.with_name(f"{file.stem}.mapping.toml")
    others = sorted(file.parent.glob("*.mapping.toml"))
    for candidate in dict.fromkeys([own, *others]):
        if not candidate.is_file():
            continue
        try:
            if read_mapping(candidate).fingerprint == fingerprint:
                return candidate
        except InputError:
            if candidate == own:
                raise
    return None
