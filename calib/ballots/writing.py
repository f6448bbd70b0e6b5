"""Writing ballots: wide, long, or for PrefLib."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from calib.ballots.data import Ballots
from calib.ballots.preflib import is_preflib, write_preflib
from calib.errors import InputError
from calib.words import message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["survey_table", "write_survey"]

Form = Literal["wide", "long"]


def survey_table(ballots: Mapping[str, Ballots], *, form: Form = "wide") -> pd.DataFrame:
    """Return ballots as the table that :func:`~calib.ballots.read_survey` reads.

    Parameters
    ----------
    ballots : by track
    form : ``wide`` (one row a ballot, ``rank1`` ... with codes) or ``long`` (one row a choice)
    """
    import pandas as pd

    frames = [_wide(track, part) for track, part in ballots.items()]
    wide = pd.concat(frames, ignore_index=True)
    if "weight" in wide:
        wide["weight"] = wide["weight"].fillna(1.0)
    wide = wide.fillna("")
    if wide["respondent"].duplicated().any():
        wide["respondent"] = [f"R{i + 1:0{len(str(len(wide)))}d}" for i in range(len(wide))]
    if form == "wide":
        return wide
    ranks = [c for c in wide.columns if c.startswith("rank")]
    kept = [c for c in wide.columns if c not in ranks]
    rows = []
    for row in wide.to_dict("records"):
        for place, column in enumerate(ranks, start=1):
            if row[column]:
                rows.append({**{c: row[c] for c in kept}, "rank": place, "indicator": row[column]})
    return pd.DataFrame(rows)


def _wide(track: str, ballots: Ballots) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    columns: dict[str, object] = {
        "respondent": ballots.respondent
        if ballots.respondent is not None
        else [f"R{i + 1:0{len(str(ballots.n))}d}" for i in range(ballots.n)]
    }
    if ballots.cluster is not None:
        columns["enterprise"] = ballots.cluster
    columns["track"] = [track] * ballots.n
    if ballots.segment is not None:
        columns["segment"] = ballots.segment
    if ballots.weight is not None:
        columns["weight"] = ballots.weight
    names = np.array([*ballots.items, ""], dtype=object)
    for place in range(ballots.K):
        columns[f"rank{place + 1}"] = names[ballots.picks[:, place]]
    return pd.DataFrame(columns)


def write_survey(
    ballots: Mapping[str, Ballots],
    path: str | os.PathLike[str],
    *,
    form: Form = "wide",
    synthetic: bool = False,
) -> None:
    """Write ballots as CSV, XLSX, Parquet or PrefLib, by the ending of the path.

    Parameters
    ----------
    ballots : by track
    path : where to
    form : wide or long, of a table
    synthetic : mark every ballot as synthetic (PrefLib has no place for the mark but the title)

    Raises
    ------
    InputError
        If PrefLib, which knows no tracks, is asked to hold several of them.
    """
    from calib.tables import write_table

    if is_preflib(path):
        if len(ballots) > 1:
            raise InputError(
                message("ballots.faults.one_track", file=Path(path), known=list(ballots))
            )
        title = f"{Path(path).stem} (SYNTHETIC)" if synthetic else ""
        write_preflib(next(iter(ballots.values())), path, title=title)
        return
    table = survey_table(ballots, form=form)
    if synthetic:
        table.insert(0, "synthetic", "yes")
    write_table(table, path)
