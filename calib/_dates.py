"""The date that results are made at, which can be set so that they are the same again."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from calib.errors import InputError
from calib.words import message

__all__ = ["now"]


def now() -> datetime:
    """Return the time, or what SOURCE_DATE_EPOCH in the environment says.

    Raises
    ------
    InputError
        When that is no number of seconds since 1970.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        return datetime.now(UTC)
    try:
        return datetime.fromtimestamp(int(epoch), UTC)
    except (ValueError, OverflowError, OSError) as exc:
        raise InputError(
            message("faults.source_date_epoch_in_the", epoch=repr(epoch[:40]))
        ) from exc
