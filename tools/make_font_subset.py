"""Make the Chinese font that calib ships, from Noto Sans CJK.

The figures must show Chinese on a machine without Chinese fonts. This script cuts Noto Sans CJK SC
(SIL Open Font Licence 1.1; Debian package ``fonts-noto-cjk``) down to the characters of GB 2312,
Latin, Greek, punctuation, arrows and geometric signs, plus some characters that are frequent in
names of people and enterprises but missing from GB 2312.

Run it only to renew the shipped file::

    python tools/make_font_subset.py NotoSansCJK-Regular.ttc calib/figures/fonts/calib-sans-sc.otf
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

FACE = "Noto Sans CJK SC"
FAMILY = "calib Sans SC"
# Frequent in names, absent from GB 2312.
NAME_CHARACTERS = (
    "喆堃昇祎玥珺琤翀赟晞旻甯燊炘瑧鋆垚玮昀頔顗晔炅煊玙珩珮甦钘锠镕铧鑛溁濛禛翊芃菂蔻虓衎跞邸"
)


def gb2312() -> set[int]:
    """Return the code points of GB 2312, read from Python's own codec."""
    points: set[int] = set()
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            try:
                points.add(ord(bytes((row, cell)).decode("gb2312")))
            except UnicodeDecodeError:
                continue
    return points


def wanted() -> set[int]:
    """Return every code point that the subset keeps."""
    ranges = [
        (0x0020, 0x024F),  # Latin with extensions A and B
        (0x0370, 0x03FF),  # Greek
        (0x2010, 0x2044),  # punctuation
        (0x2070, 0x209F),  # superscripts and subscripts
        (0x20A0, 0x20BF),  # currency
        (0x2100, 0x214F),  # letter-like
        (0x2150, 0x218F),  # number forms
        (0x2190, 0x21FF),  # arrows
        (0x2200, 0x22FF),  # mathematics
        (0x2460, 0x24FF),  # circled numbers
        (0x25A0, 0x25FF),  # geometric shapes
        (0x2600, 0x2672),  # signs, stars among them
        (0x2713, 0x2717),  # ticks
        (0x3000, 0x303F),  # Chinese punctuation
        (0xFF00, 0xFFEF),  # full-width forms
    ]
    points = gb2312() | {ord(c) for c in NAME_CHARACTERS}
    for low, high in ranges:
        points.update(range(low, high + 1))
    return points


def make_subset(source: Path, target: Path) -> None:
    """Write the subset of ``source`` to ``target`` under its own family name."""
    from fontTools import subset
    from fontTools.ttLib import TTCollection

    fonts = TTCollection(str(source)).fonts
    font = next(f for f in fonts if f["name"].getDebugName(1) == FACE)
    options = subset.Options()
    options.layout_features = []
    options.hinting = False
    options.desubroutinize = False
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.name_languages = [0x409]
    options.drop_tables += ["BASE", "VORG", "vhea", "vmtx", "GPOS", "GSUB", "GDEF"]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=wanted())
    cutter.subset(font)
    names = {1: FAMILY, 3: f"calib;{FAMILY}", 4: FAMILY, 6: FAMILY.replace(" ", "")}
    for record in list(font["name"].names):
        if record.nameID in names:
            record.string = names[record.nameID]
    top = font["CFF "].cff
    top.fontNames[0] = names[6]
    top.topDictIndex[0].FullName = top.topDictIndex[0].FamilyName = FAMILY
    font["head"].modified = font["head"].created  # the same input gives the same bytes
    font.recalcTimestamp = False
    font.save(str(target))


def main() -> None:
    """Read the two paths and write the subset."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="NotoSansCJK-Regular.ttc")
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    make_subset(arguments.source, arguments.target)
    data = arguments.target.read_bytes()
    print(f"{arguments.target}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
