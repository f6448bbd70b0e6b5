from __future__ import annotations

import pytest
from click.testing import CliRunner

from calib.cli import cli
from calib.files import preferences_file


@pytest.fixture(autouse=True)
def settings(tmp_path, monkeypatch):
    monkeypatch.delenv("CALIB_LANG", raising=False)
    monkeypatch.setattr(
        "platformdirs.user_config_path", lambda *names, **kept: tmp_path / "settings" / "calib"
    )


def said(*args):
    return CliRunner().invoke(cli, args, catch_exceptions=False).output


def test_a_language_is_remembered_and_lang_and_the_environment_come_first(tmp_path, monkeypatch):
    empty = ("runs", "-o", str(tmp_path / "none"))
    assert "no run is here yet" in said(*empty)
    assert "命令行使用中文" in said("lang", "zh")
    assert "此处还没有运行结果" in said(*empty)
    assert "没有命令" in said("rnus")
    assert "no run is here yet" in said(*empty, "--lang", "en")
    monkeypatch.setenv("CALIB_LANG", "en")
    assert "no run is here yet" in said(*empty)
    monkeypatch.delenv("CALIB_LANG")
    assert "speaks English" in said("lang", "en")
    assert "no run is here yet" in said(*empty)


def test_settings_that_cannot_be_read_choose_nothing():
    said("lang", "zh")
    preferences_file().write_text("lang = [", "utf-8")
    assert "speaks English" in said("lang")
