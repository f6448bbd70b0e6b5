"""A browser for the tests of pages; they skip only where no Chromium is installed."""

from __future__ import annotations

import pytest
from chromium import Chromium, find_chromium


@pytest.fixture(scope="session")
def chromium():
    path = find_chromium()
    if path is None:
        pytest.skip("no chromium found: install Debian's package chromium, or set CHROMIUM")
    chromium = Chromium(path)
    yield chromium
    chromium.close()


@pytest.fixture
def browser(chromium):
    yield chromium
    chromium.close_pages()
