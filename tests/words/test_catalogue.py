"""The catalogue says the same things in every language, and says nothing that nobody asks for."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

import calib
from calib.publish.live import live_texts
from calib.words import languages, message, say, set_language
from calib.words.catalogue import templates

PACKAGE = Path(calib.__file__).parent
KEYS = sorted(templates("en"))
LOOKED_UP = (
    "columns.", "values.", "causes.", "sections.", "faults.", "words.", "explorer.", "live.",
    "rule_options.", "rule_option_values.",
)  # fmt: skip
"""Keys that are made from data: a column's key, a coded value, the name of an analysis."""


def placeholders(template):
    parts = (template,) if isinstance(template, str) else template
    return {name for part in parts for _, name, _, _ in string.Formatter().parse(part) if name}


@pytest.mark.parametrize("lang", languages())
def test_every_language_has_the_same_keys(lang):
    assert set(templates(lang)) == set(KEYS)


def test_placeholders_are_the_same_in_every_language():
    for key in KEYS:
        asked = {lang: placeholders(templates(lang)[key]) for lang in languages()}
        assert len({frozenset(a) for a in asked.values()}) == 1, (key, asked)


def test_every_key_is_used():
    source = "\n".join(p.read_text("utf-8") for p in PACKAGE.rglob("*.py"))
    source += "\n".join(p.read_text("utf-8") for p in PACKAGE.rglob("*.jinja"))
    literal = set(re.findall(r"""["']([\w]+(?:\.[\w?★ -]+)+)["']""", source))
    made = set(re.findall(r"""f["']([\w.]+\.)\{""", source))
    unused = [
        k for k in KEYS
        if k not in literal and not k.startswith(LOOKED_UP) and not k.startswith(tuple(made))
    ]  # fmt: skip
    assert not unused


def test_every_text_of_the_explorer_is_used_in_its_scripts():
    scripts = sorted((PACKAGE / "publish" / "assets" / "explorer").glob("*.js"))
    source = "".join(f.read_text("utf-8") for f in scripts)
    names = set(re.findall(r'"(\w+)"', source))
    keys = {k.removeprefix("explorer.") for k in KEYS if k.startswith("explorer.")}
    # Words for what data or a list holds: value_one-star, show_up, vary_all.
    made = set(re.findall(r"`(\w+_)\$\{", source))
    assert {k for k in keys - names if not k.startswith(tuple(made))} == set()


def test_live_pages_use_their_texts_and_carry_all_that_their_scripts_ask_for():
    scripts = sorted((PACKAGE / "publish" / "assets" / "live").glob("*.js"))
    asked = {
        k for f in scripts for k in re.findall(r'say\("([^"]+)"', f.read_text("utf-8"))
    }  # fmt: skip
    assert asked <= set(live_texts("en"))
    asked |= {
        k for f in scripts for k in re.findall(r'say\(\w+ \? "([^"]+)"', f.read_text("utf-8"))
    }  # fmt: skip
    assert {k for k in KEYS if k.startswith("live.")} <= asked


def test_every_literal_key_of_a_message_exists():
    pattern = re.compile(r"""\b(?:message|say)\(\s*["']([\w]+\.[\w.]+)["']""")
    for path in PACKAGE.rglob("*.py"):
        for key in pattern.findall(path.read_text("utf-8")):
            assert key in templates("en"), f"{path.name}: {key}"


def test_a_message_is_rendered_in_the_language_of_the_reader():
    text = message("words.example", n=2)
    assert (text.get("zh"), text.get("en")) == ("2 家企业", "2 enterprises")
    assert message("words.example", n=1).get("en") == "1 enterprise"


def test_values_that_are_texts_follow_the_language():
    inner = message("words.example", n=3)
    outer = message("requests.both", names=[inner, "b"])
    assert "3 家企业、b" in outer.get("zh")
    assert "3 enterprises, b" in outer.get("en")


def test_the_current_language_speaks_where_none_is_named():
    set_language("zh")
    try:
        assert say("words.yes") == "是"
        assert str(message("words.no")) == "否"
    finally:
        set_language("en")
    assert say("words.yes") == "yes"


def test_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match="no language 'fr'; expected one of zh, en"):
        set_language("fr")
