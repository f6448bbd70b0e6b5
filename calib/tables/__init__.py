"""Reading and writing tables: CSV, XLSX, Parquet, with addresses for error messages."""

from calib.tables.grids import Grid, is_blank, plain_text, read_grids
from calib.tables.marked import write_marked
from calib.tables.raw import RawTable, check_header, filled, row_cell
from calib.tables.read import read_table
from calib.tables.write import (
    inert,
    unmarked,
    write_csv,
    write_parquet,
    write_table,
    write_xlsx,
)
from calib.tables.xlsx import column_letters, new_workbook, read_sheets, sheet_names

__all__ = [
    "Grid",
    "RawTable",
    "check_header",
    "column_letters",
    "filled",
    "inert",
    "is_blank",
    "new_workbook",
    "plain_text",
    "read_grids",
    "read_sheets",
    "read_table",
    "row_cell",
    "sheet_names",
    "unmarked",
    "write_csv",
    "write_marked",
    "write_parquet",
    "write_table",
    "write_xlsx",
]
