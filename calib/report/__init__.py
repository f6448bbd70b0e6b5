"""Results and their parts: declared columns, tables, figures, notes, and how they are shown."""

from calib.report.dictionary import data_dictionary, read_dictionary, read_names
from calib.report.display import (
    NOTHING,
    WITHHELD,
    display,
    excel_format,
    heading,
    option_text,
    option_value,
    options_in_words,
    spell,
    spell_options,
)
from calib.report.html import blank_note, shown_cells, shown_headings, table_html
from calib.report.live import Live, LiveFigure, LiveRating
from calib.report.rendering import rendered
from calib.report.result import Report, Result
from calib.report.schema import Column, Role, SchemaError, find_column, resolve_columns
from calib.report.sections import (
    PageFigure,
    PageSection,
    page_tokens,
    script_hash,
    sections_html,
    sections_script,
    sections_style,
)
from calib.report.showing import (
    RELEASED,
    Limits,
    Recorder,
    Sentence,
    current_limits,
    limit_to,
    mark,
    record_with,
    release,
)
from calib.report.table import Drawing, Note, Table
from calib.report.terminal import print_table, table_text, terminal_table

__all__ = [
    "NOTHING",
    "RELEASED",
    "WITHHELD",
    "Column",
    "Drawing",
    "Limits",
    "Live",
    "LiveFigure",
    "LiveRating",
    "Note",
    "PageFigure",
    "PageSection",
    "Recorder",
    "Report",
    "Result",
    "Role",
    "SchemaError",
    "Sentence",
    "Table",
    "blank_note",
    "current_limits",
    "data_dictionary",
    "display",
    "excel_format",
    "find_column",
    "heading",
    "limit_to",
    "mark",
    "option_text",
    "option_value",
    "options_in_words",
    "page_tokens",
    "print_table",
    "read_dictionary",
    "read_names",
    "record_with",
    "release",
    "rendered",
    "resolve_columns",
    "script_hash",
    "sections_html",
    "sections_script",
    "sections_style",
    "shown_cells",
    "shown_headings",
    "spell",
    "spell_options",
    "table_html",
    "table_text",
    "terminal_table",
]
