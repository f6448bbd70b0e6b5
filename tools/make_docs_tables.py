"""Write the pages of the documentation that are tables of shipped data.

``docs/trial-figures.md``: every figure that the white paper prints of its trial, rule and weights,
beside calib's. ``docs/levels.md``: what the levels of each capability mean. A test compares both
pages with what this script would write.

    python tools/make_docs_tables.py
"""

from __future__ import annotations

from pathlib import Path

from calib.framework import load_framework
from calib.verification.paper import paper_values

DOCS = Path(__file__).resolve().parent.parent / "docs"

FIGURES = """# The paper's figures against calib

Every weight, threshold and trial figure that the white paper prints (counts follow from printed
shares of 22), and what calib computes: the trial from the shipped reconstruction
(`data/trial/trial.csv`, synthetic) under the published weights and the default rule. {n} figures,
{agree} agree; the two others are one misprint: 30.8 % is printed for the seven enterprises at 3★
and for the seven at 4★ on data analytics; 7 of 22 is 31.8 %, no count of 22 enterprises is 30.8 %,
and with it the printed shares of data analytics would sum to 98.0 %.

| figure | printed | calib | |
|---|---:|---:|---|
"""

LEVELS = """# What the levels of each capability mean

The white paper describes five levels of every capability (its figures 3 to 16). The framework
`aii` carries them in other words, in Chinese and English (`descriptions` in the file); forms for
experts show them on their last sheet.
"""


def figure(what: str) -> str:
    """Say which figure it is, from its key in ``data/verify/paper.csv``."""
    kind, *words = what.split()
    aii = load_framework("aii")
    if kind == "weight":
        track, code = words
        name = (load_framework("vdma") if track == "vdma" else aii).node(code).name.en
        return f"weight of {name}, {'VDMA/IMPULS' if track == 'vdma' else track}"
    if kind in ("count", "percent"):
        node, stars, *track = words
        where = "overall" if node == "overall" else f"on {aii.node(node).name.en}"
        of = {"count": "enterprises", "percent": "% of enterprises"}[kind]
        return f"{of} at {stars.replace('-', '–')}★ {where}" + (f", {track[0]}" if track else "")
    if kind == "nodes":
        code, track, depth = words
        fw = load_framework(code)
        level = fw.levels[int(depth) - 1][1].en
        return f"{code}: nodes of level {level}" + (f", {track}" if len(fw.tracks) > 1 else "")
    return {
        "band": "upper edge of {}★, points",
        "gate": "gate of {}★ on every pillar, points",
        "enterprises": "questionnaires, {}",
        "downgraded": "enterprises downgraded by a gate",
        "stars": "{}: levels of the outcome",
    }[kind].format(*words)


def trial_figures() -> str:
    """Return the page of the paper's figures."""
    rows, values = [], list(paper_values())
    for value in values:
        misprint = "printed 30.8" in value.source
        printed = 30.8 if misprint else value.reference
        said = "misprint: 7 of 22 is 31.8 %" if misprint else "agrees"
        rows.append((figure(str(value.what)), f"{printed:g}", f"{value.ours:g}", said))
    agree = sum(row[3] == "agrees" for row in rows)
    assert all(abs(v.ours - v.reference) <= max(v.tolerance, 1e-9) for v in values)
    body = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return FIGURES.format(n=len(rows), agree=agree) + body


def levels() -> str:
    """Return the page of level descriptions."""
    framework, parts = load_framework("aii"), [LEVELS]
    for code in framework.codes:
        known = {
            t: tree.nodes[tree.index[code]].descriptions
            for t, tree in framework.tracks.items()
            if code in tree.index
        }
        apart = len(set(known.values())) > 1
        for t, texts in known.items() if apart else list(known.items())[:1]:
            if not texts:
                continue
            name = framework.node(code).name
            where = framework.tracks[t].name
            zh, en = (f" ({where.zh})", f" ({where.en})") if apart else ("", "")
            parts.append(f"\n## {name.en}{en}\n\n| `{code}` | {name.zh}{zh} | |\n|---|---|---|\n")
            parts += [f"| L{k} | {n.zh} | {n.en} |\n" for k, n in enumerate(texts, 1)]
    return "".join(parts)


PAGES = {"trial-figures.md": trial_figures, "levels.md": levels}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (DOCS / name).write_text(make(), encoding="utf-8")
