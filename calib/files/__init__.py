"""Files: read only what is regular, write aside and rename, mark folders, lock, name apart."""

from calib.files.atomic import (
    atomic_directory,
    atomic_file,
    atomic_files,
    clear_remains,
    write_text,
)
from calib.files.folders import MANIFEST, changes, file_hashes, read_manifest
from calib.files.inputs import read_toml
from calib.files.names import file_stem, names_apart
from calib.files.preferences import preferences_file
from calib.files.shipped import shipped_data, shipped_experiments, shipped_notebooks

__all__ = [
    "MANIFEST",
    "atomic_directory",
    "atomic_file",
    "atomic_files",
    "changes",
    "clear_remains",
    "file_hashes",
    "file_stem",
    "names_apart",
    "preferences_file",
    "read_manifest",
    "read_toml",
    "shipped_data",
    "shipped_experiments",
    "shipped_notebooks",
    "write_text",
]
