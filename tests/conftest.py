"""Shared fixtures: the alliance's framework and the trial sample."""

from __future__ import annotations

from pathlib import Path

import pytest

from calib.files import shipped_data
from calib.framework import Framework, load_framework
from calib.population import Population, load_population
from calib.words import set_language


@pytest.fixture(autouse=True)
def _plain_settings(monkeypatch, tmp_path_factory) -> None:
    """No test depends on the language of another one, or on what is remembered on a machine."""
    set_language(None)
    monkeypatch.delenv("CALIB_LANG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "settings"))


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def aii() -> Framework:
    return load_framework("aii")


@pytest.fixture(scope="session")
def trial(aii: Framework) -> Population:
    return load_population(shipped_data() / "trial" / "trial.toml", aii)
