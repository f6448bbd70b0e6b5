"""Publishing: the weight explorer, the static site, the workbook, and pseudonyms."""

from calib.publish.explorer import explorer_page, write_explorer
from calib.publish.leaks import find_leaks, secret_words
from calib.publish.privacy import Privacy, pseudonymise, read_key
from calib.publish.site import build_site
from calib.publish.view import View, open_view
from calib.publish.workbook import export_run, write_workbook

__all__ = [
    "Privacy",
    "View",
    "build_site",
    "explorer_page",
    "export_run",
    "find_leaks",
    "open_view",
    "pseudonymise",
    "read_key",
    "secret_words",
    "write_explorer",
    "write_workbook",
]
