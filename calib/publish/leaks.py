"""Proof that nothing published names an enterprise: every file of a site is searched.

Text is searched as it stands and with HTML and JSON escapes undone; workbooks are opened. Figures
that others make may draw text as outlines: sequences of glyphs of calib's font are searched too.
"""

from __future__ import annotations

import html
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from calib.figures.fonts import FONT_FILE
from calib.population import Population

__all__ = ["Leak", "find_leaks", "secret_words", "told_apart"]

_GLYPH = re.compile(r'href="#[^"]*?calibSansSC-([0-9a-f]+)"')
_TAG = re.compile(rb"<[^>]*>")
_MARKUP = re.compile(r"<[^<>]{0,2000}>")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
_LEAST_LATIN, _LEAST_OTHER = 5, 3
"""Shorter words stand everywhere, as parts of others or by chance."""
_JSON = re.compile(r"\\u([0-9a-fA-F]{4})")


@dataclass(frozen=True, slots=True)
class Leak:
    """A word that must not be published, and the file that holds it."""

    file: str
    word: str


def secret_words(population: Population) -> tuple[str, ...]:
    """Return what must not appear: names and ids of the enterprises.

    Ids of fewer than six characters that are all digits are left out: as numbers they stand
    everywhere, and tell nothing. So are single characters.
    """
    words: dict[str, None] = {}
    for sample in population.samples.values():
        for name in sample.names:
            words[str(name).strip()] = None
        for code in sample.ids:
            text = str(code).strip()
            if not (text.isdigit() and len(text) < 6):
                words[text] = None
    return tuple(w for w in words if len(w) > 1)


def told_apart(people: Iterable[str], files: Iterable[str]) -> tuple[str, ...]:
    """Return the names of people and files that do not stand in texts by chance.

    Left out are files' names without their endings (``panel``), names of one to three Latin
    letters, and numbered ones in other scripts: 专家 1 stands in 专家 18 位.
    """
    out = []
    for word in people:
        latin = word.isascii()
        if len(word) > 3 if latin else not word[-1].isdigit():
            out.append(word)
    return (*out, *(f for f in files if Path(f).suffix))


def find_leaks(folder: str | Path, words: Iterable[str]) -> list[Leak]:
    """Search every file under a folder for words that must not be there."""
    secrets = [w for w in words if w]
    patterns = {w: _pattern(w) for w in secrets}
    glyphs = _glyph_sequences(secrets)
    bare = _bare_patterns(secrets)
    found = []
    for path in sorted(Path(folder).rglob("*")):
        if not path.is_file():
            continue
        name = path.relative_to(folder).as_posix()
        for text in (name, *_texts(path)):
            found += [Leak(name, w) for w, p in patterns.items() if p.search(text)]
            found += [Leak(name, w) for w in _drawn(text, glyphs)]
            found += [Leak(name, w) for w in _disguised(text, bare)]
    return list(dict.fromkeys(found))


def _pattern(word: str) -> re.Pattern[str]:
    """Match a word that is not part of a longer Latin word, such as D12 in MD123.

    Short ids must stand alone: D1 is not found in the indicator code IC.DEV.D1.
    """
    beside = "A-Za-z0-9._-" if word.isascii() and len(word) < 5 else "A-Za-z0-9"
    start = f"(?<![{beside}])" if word[0].isascii() and word[0].isalnum() else ""
    end = f"(?![{beside}])" if word[-1].isascii() and word[-1].isalnum() else ""
    return re.compile(start + re.escape(word) + end)


def _bare_patterns(words: Iterable[str]) -> Mapping[str, re.Pattern[str]]:
    """Return what finds words in texts without tags and in one case.

    Names with other than Latin letters are sought with any blanks between their characters; Latin
    ones from five characters on, with any blanks in place of their own.
    """
    out = {}
    for word in words:
        plain = unicodedata.normalize("NFKC", word).casefold()
        if plain.isascii():
            if len(plain) >= _LEAST_LATIN:
                parts = r"\s+".join(map(re.escape, plain.split()))
                out[word] = re.compile(rf"(?<![a-z0-9]){parts}(?![a-z0-9])")
        elif len(plain) >= _LEAST_OTHER:
            letters = [re.escape(c) for c in plain if not c.isspace()]
            out[word] = re.compile(r"\s*".join(letters))
    return out


def _disguised(text: str, patterns: Mapping[str, re.Pattern[str]]) -> list[str]:
    """Return words that stand in a text in another case or width, wrapped, spaced or marked up."""
    # With its tags too, as their attributes are read out and shown.
    whole = f"{_MARKUP.sub('', text)}\n{text}"
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", html.unescape(whole))).casefold()
    return [word for word, pattern in patterns.items() if pattern.search(plain)]


def _texts(path: Path) -> Iterator[str]:
    data = path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            # The tags of a sheet hold cell addresses, which look like ids; its text does not.
            parts = [
                _TAG.sub(b"\n", archive.read(n)) if "worksheets/" in n else archive.read(n)
                for n in archive.namelist()
            ]
    else:
        parts = [data]
    for part in parts:
        text = part.decode("utf-8", errors="replace")
        yield text
        plain = html.unescape(_JSON.sub(lambda m: chr(int(m.group(1), 16)), text))
        if plain != text:
            yield plain


def _glyph_sequences(words: Iterable[str]) -> Mapping[str, str]:
    from matplotlib.ft2font import FT2Font

    font = FT2Font(str(FONT_FILE))
    out = {}
    for word in words:
        glyphs = [font.get_char_index(ord(c)) for c in word if not c.isspace()]
        if len(glyphs) > 1:
            out[word] = "-" + "-".join(f"{g:x}" for g in glyphs) + "-"
    return out


def _drawn(text: str, glyphs: Mapping[str, str]) -> list[str]:
    if "calibSansSC-" not in text:
        return []
    space = _space()
    sequence = "-" + "-".join(g for g in _GLYPH.findall(text) if g != space) + "-"
    return [word for word, wanted in glyphs.items() if wanted in sequence]


def _space() -> str:
    from matplotlib.ft2font import FT2Font

    return f"{FT2Font(str(FONT_FILE)).get_char_index(32):x}"
