"""Publishing: the weight explorer, the static site, the workbook, and pseudonyms."""

from calib.publish.explorer import explorer_data, explorer_page, write_explorer
from calib.publish.leaks import find_leaks, secret_words
from calib.publish.notebooks import Executed, execute_notebook, render_notebook
from calib.publish.preview import losses_summary, losses_table
from calib.publish.privacy import Privacy, pseudonymise, read_key
from calib.publish.run_workbook import export_run
from calib.publish.site import build_site
from calib.publish.view import View, open_view
from calib.publish.workbook import Sheet, write_workbook

__all__ = [
    "Executed",
    "Privacy",
    "Sheet",
    "View",
    "build_site",
    "execute_notebook",
    "explorer_data",
    "explorer_page",
    "export_run",
    "find_leaks",
    "losses_summary",
    "losses_table",
    "open_view",
    "pseudonymise",
    "read_key",
    "render_notebook",
    "secret_words",
    "write_explorer",
    "write_workbook",
]
