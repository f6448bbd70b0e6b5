"""What a user wants remembered: one small file in the folder of settings of the system."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from calib.files.atomic import write_text
from calib.words import languages

__all__ = ["preferences_file", "remember_language", "remembered_language"]


def preferences_file() -> Path:
    """Return the file of settings, where the operating system keeps those of a user."""
    from platformdirs import user_config_path

    return user_config_path("calib", appauthor=False) / "settings.toml"


def remember_language(lang: str) -> Path:
    """Let the command line speak ``lang`` from here on; return the file that says so."""
    file = preferences_file()
    write_text(file, f'lang = "{lang}"\n')
    return file


def remembered_language() -> str | None:
    """Return the language that the command line is to speak, None where nobody chose one.

    ``CALIB_LANG`` in the environment comes first. A file that cannot be read chooses nothing.
    """
    if os.environ.get("CALIB_LANG"):
        return None
    try:
        lang = tomllib.loads(preferences_file().read_text(encoding="utf-8")).get("lang")
    except (OSError, ValueError):
        return None
    return lang if lang in languages() else None
