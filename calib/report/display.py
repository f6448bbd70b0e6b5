"""One value as a reader sees it: by its column's role and unit, in a language."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from calib.report.schema import Column, Role
from calib.words import Name, Text, is_text, joined, languages, message, say, template

__all__ = ["NOTHING", "WITHHELD", "display", "excel_format", "heading", "option_text",
           "option_value", "options_in_words", "spell", "spell_options"]  # fmt: skip

NOTHING = "–"
"""Stands for a value that is not defined or not known."""

WITHHELD = "not published"
"""Stands in a table for a value that privacy keeps back; shown in the reader's words."""

_DECIMALS: Mapping[Role, int] = {
    Role.WEIGHT: 4,
    Role.SCORE: 2,
    Role.PROBABILITY: 3,
    Role.SHARE: 3,
}
_CAUSES = (
    "gate of a higher band", "band of the total", "gate", "band", "total", "several", "none",
)  # fmt: skip
"""Words of causes, under ``causes`` in the catalogue; longer ones first."""
_EXACTLY = re.compile(r" \(exactly at ([\d.]+)\)")
_PP_DECIMALS = 2
_PERCENT_DECIMALS = 1
_SMALLEST_P = 0.001
_MONTH_NOISE = 1e-6
"""Years as computed differ from whole ones by rounding."""

Names = Mapping[str, Text]
"""Names of nodes, tracks, levels and stars by their codes."""


def heading(column: Column, lang: str, names: Names | None = None) -> str:
    """Return a column's heading.

    Parameters
    ----------
    names : names by code; a column of a star (``star_0``, ``p_0``) is headed by the name that the
        framework gives that star
    """
    of_star = re.fullmatch(r"(stars?|p)_(\d+)", column.key)
    star = (names or {}).get(f"star_{of_star[2]}") if of_star and column.label is not None else None
    if of_star is None or star is None:
        return column.heading.get(lang)
    return f"P({star.get(lang)})" if of_star[1] == "p" else star.get(lang)


def display(value: Any, column: Column, lang: str, names: Names | None = None) -> str:
    """Return a value as shown.

    Parameters
    ----------
    names : names of nodes and tracks by code, for columns whose values are such codes

    Notes
    -----
    What is undefined shows as a dash; a number that is 0 within rounding shows as 0; an infinite
    distance means "no such change exists" and shows as a dash too.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)) or _is_na(value):
        return NOTHING
    if isinstance(value, str) and value == WITHHELD:
        return message("report.cell_withheld").get(lang)
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return message("words.yes" if value else "words.no").get(lang)
    if is_text(value):
        return value.get(lang)
    if isinstance(value, int | float) or hasattr(value, "dtype"):
        return number(float(value), column)
    return _coded(str(value), column, lang, names or {})


def _is_na(value: Any) -> bool:
    return type(value).__name__ in ("NAType", "NaTType")


def number(value: float, column: Column) -> str:
    """Return a number in the format of its column."""
    if not math.isfinite(value):
        return NOTHING
    if column.unit == "percent":
        return _fixed(100 * value, _PERCENT_DECIMALS) + "%"
    if column.unit == "pp":
        return _fixed(value, _PP_DECIMALS)
    if column.role == Role.P_VALUE:
        return f"<{_SMALLEST_P}" if 0 <= value < _SMALLEST_P else _fixed(value, 3)
    if column.unit == "years":
        return _month(value)
    if column.role in (Role.COUNT, Role.NUMBER, Role.STAR, Role.GROUP):
        return str(round(value)) if value == round(value) else _fixed(value, 2)
    if column.role in _DECIMALS:
        return _fixed(value, _DECIMALS[column.role])
    return _significant(value)


def _month(value: float) -> str:
    """Return a year, with its month where it falls within the year: 2031.5 is 2031-07.

    A point of time stands for the month in which it lies.
    """
    months = math.floor(round(12 * value, 6))
    if abs(12 * value - round(value) * 12) < _MONTH_NOISE:
        return str(round(value))
    return f"{months // 12}-{months % 12 + 1:02d}"


def _fixed(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _significant(value: float) -> str:
    """Return four decimals for middling numbers, three digits for others, 0 for noise."""
    if abs(value) < 1e-12:
        return "0"
    if value == round(value) and abs(value) < 1e15:
        return str(round(value))
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e4 else f"{value:.3g}"


def _coded(text: str, column: Column, lang: str, names: Names) -> str:
    if text in column.words:
        return column.words[text].get(lang)
    if column.coded == "track":
        if text in names:
            return names[text].get(lang)
        return _word(text, lang)
    if column.coded == "node":
        return f"{text} {names[text].get(lang)}" if text in names else text
    if column.coded in ("set", "case"):
        named = names.get(f"{column.coded}:{text}")
        return text if named is None else named.get(lang)
    if column.coded == "cause":
        return spell(text, names, lang)
    if column.coded == "moves":
        return re.sub(r"\(([^()]*)\)", lambda m: f"({spell(m[1], names, lang)})", text)
    if column.coded == "rule option":
        return spell_options(text, lang)
    return _word(text, lang) if column.coded == "word" else text


def spell_options(text: str, lang: str) -> str:
    """Return answers to open questions of the rule in words: ``key = value; key = value``.

    Examples
    --------
    >>> spell_options("downgrade = one-star; year = 2026", "en")
    'downgrade: by one star; year of the rule: 2026'
    """
    return joined(
        [_spell_option(part, lang) for part in text.split("; ")], message("words.semicolon")
    ).get(lang)


def options_in_words(chosen: Mapping[str, str]) -> Text:
    """Return answers to open questions of the rule, in the words of each language."""
    text = "; ".join(f"{key} = {value}" for key, value in chosen.items())
    return Name(**{lang: spell_options(text, lang) for lang in languages()})


def _spell_option(text: str, lang: str) -> str:
    key, _, value = text.partition(" = ")
    name = _found(f"rule_options.{key}", key, lang)
    if not value:
        return name
    return say("report.option", lang, name=name, value=option_value(key, value, lang))


def option_value(option: str, value: str, lang: str) -> str:
    """Return what the catalogue calls a value of a rule option, or the value itself."""
    return _found(f"rule_option_values.{option}.{value}", value, lang)


def option_text(option: str, value: str) -> Text:
    """Return a value of a rule option in the words of each language; see :func:`option_value`."""
    return Name(**{lang: option_value(option, value, lang) for lang in languages()})


def _word(text: str, lang: str) -> str:
    """Return what the catalogue calls a coded value, or the value where it has no word for it."""
    return _found(f"values.{text}", text, lang)


def _found(key: str, otherwise: str, lang: str) -> str:
    found = template(key, lang)
    return found if isinstance(found, str) else otherwise


def spell(text: str, names: Names, lang: str) -> str:
    """Return a cause in words: codes followed by their names, bands and gates named.

    Examples
    --------
    >>> from calib.words import Name
    >>> spell("gate IN", {"IN": Name("综合集成", "integration")}, "en")
    'gate IN integration'
    """
    if not text:
        return text
    codes = sorted(names, key=len, reverse=True)
    if codes:
        pattern = r"(?<![\w.])(" + "|".join(map(re.escape, codes)) + r")(?![\w.])"
        text = re.sub(pattern, lambda m: f"{m.group(1)} {names[m.group(1)].get(lang)}", text)
    text = _EXACTLY.sub(lambda m: message("causes.exactly at", value=m[1]).get(lang), text)
    for key in _CAUSES:
        word = template(f"causes.{key}", lang)
        if isinstance(word, str) and word != key:
            text = re.sub(rf"\b{key}\b", word, text)
    return text


def excel_format(column: Column) -> str:
    """Return the number format of a column in Excel."""
    if column.unit == "percent":
        return "0.0%"
    if column.unit == "pp" or column.role == Role.SCORE:
        return "0.00"
    if column.role == Role.P_VALUE:
        return "0.000"
    if column.unit == "years":
        return "General"
    if column.role in (Role.COUNT, Role.NUMBER, Role.STAR):
        return "0"
    if column.role in (Role.WEIGHT, Role.BOUND, Role.STATISTIC):
        return "0.0000"
    return "0.000" if column.role == Role.PROBABILITY else "General"
