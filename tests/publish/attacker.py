"""An attacker with a publication, the numbers of enterprises, and an integer programme.

Written apart from calib.publish: it reads what is published, as anybody would, builds every sum
that it can think of, and asks for the least and the largest value that each hidden count can have.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from calib.words import say

FULL = bool(os.environ.get("CALIB_FULL_ATTACK"))


@dataclass(frozen=True)
class Found:
    """Hidden cells of a publication, and how far each stays open."""

    hidden: int
    exact: tuple
    narrow: tuple


class Attacker:
    """What somebody works out from published tables.

    Parameters
    ----------
    tables : published frames by name
    sizes : enterprises by scope, which everybody knows; ``all`` among them
    baseline : the set that others are compared with
    weights : local weights by set, published: equal weights give equal stars
    complete : whether everybody has a score at every node; how many have none is told nowhere
    """

    def __init__(self, tables, sizes, baseline, alike=None, complete=True):
        self.sizes, self.baseline, self.alike = sizes, baseline, alike or {}
        self.complete = complete
        self.cells, self.low, self.high, self.shown = {}, [], [], []
        self.sums = []
        self.printed = set()
        self.tables = tables
        self._read()
        self._add_up()

    def cell(self, *key):
        key = self._same(key)
        if key not in self.cells:
            self.cells[key] = len(self.low)
            self.low.append(0)
            self.high.append(self.sizes["all"])
        return self.cells[key]

    def _same(self, key):
        """One name for counts that equal weights make the same."""
        if key[0] in ("stars", "moves", "agreement", "downgraded"):
            return (key[0], self.alike.get(key[1], key[1]), *key[2:])
        if key[0] == "nodes":
            return (key[0], self.alike.get((key[1], key[2]), key[1]), *key[2:])
        return key

    def _told(self, position, value, floor=0):
        if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
            low, high = (1, int(value[1:]) - 1) if value.startswith("<") else (floor, self.high[0])
            self.low[position] = max(self.low[position], low)
            self.high[position] = min(self.high[position], high if value[0] == "<" else 10**9)
            self.printed.add(position)
        else:
            self.low[position] = self.high[position] = int(float(value))

    def _read(self):
        # A dash of former publications stands for a count that is not 0.
        dash = {"–": 1}
        t = self.tables
        if "stars" in t:
            for r in t["stars"].itertuples():
                p = self.cell("stars", r.set, r.scope, r.star)
                self._told(p, r.count_, dash.get(r.count_, 0))
        if "star-intervals" in t and "count" in t["star-intervals"]:
            for r in t["star-intervals"].itertuples():
                p = self.cell("stars", r.set, r.scope, r.star)
                self._told(p, r.count_, dash.get(r.count_, 0))
        if "stars-by-year" in t and "count" in t["stars-by-year"]:
            frame = t["stars-by-year"]
            first = frame.groupby("set")["year"].min()
            last = frame.groupby("set")["year"].max()
            known = set(t["stars"]["set"])
            for r in frame.itertuples():
                name = f"{r.set}/{r.year}"
                if name not in known:
                    name = r.set if r.year == last[r.set] else self.baseline
                    assert name != self.baseline or r.year == first[r.set]
                p = self.cell("stars", name, r.scope, r.star)
                self._told(p, r.count_, dash.get(r.count_, 0))
        if "node-stars" in t:
            for r in t["node-stars"].itertuples():
                p = self.cell("nodes", r.set, r.node, r.scope, r.star)
                self._told(p, r.count_, dash.get(r.count_, 0))
        if "agreement" in t:
            for r in t["agreement"].itertuples():
                for kind in ("same", "up", "down"):
                    value = getattr(r, kind)
                    self._told(self.cell("agreement", r.set, r.scope, kind), value,
                               dash.get(value, 0))  # fmt: skip
                if hasattr(r, "downgraded"):
                    value = r.downgraded
                    self._told(self.cell("downgraded", r.set, r.scope), value,
                               dash.get(value, 0))  # fmt: skip
        if "transitions" in t:
            frame = t["transitions"]
            stars = sorted({*frame["from_star"], *frame["to_star"], *self._stars()})
            there = {(r.set, r.scope, r.from_star, r.to_star): r.count_ for r in frame.itertuples()}
            for s, c in frame[["set", "scope"]].drop_duplicates().itertuples(index=False):
                for i in stars:
                    for j in stars:
                        # A row that is missing says that nobody goes there.
                        value = there.get((s, c, i, j), 0)
                        self._told(self.cell("moves", s, c, i, j), value, dash.get(value, 0))

    def _stars(self):
        return {k[3] for k in self.cells if k[0] == "stars"}

    def _sum(self, parts, whole=None, total=None):
        if whole is None:
            self.sums.append((dict.fromkeys(parts, 1), total))
        else:
            row = dict.fromkeys(parts, 1)
            row[whole] = row.get(whole, 0) - 1
            self.sums.append((row, 0))

    def _add_up(self):
        keys = list(self.cells)
        groups = {}
        for k in keys:
            if k[0] in ("stars", "nodes"):
                groups.setdefault(k[:-1], []).append(self.cells[k])
            if k[0] == "moves":
                _, s, c, i, j = k
                groups.setdefault(("from", s, c, i), []).append(self.cells[k])
                groups.setdefault(("to", s, c, j), []).append(self.cells[k])
                kind = "same" if i == j else "up" if i < j else "down"
                groups.setdefault(("kind", s, c, kind), []).append(self.cells[k])
            if k[0] == "agreement":
                groups.setdefault(("agree", *k[1:3]), []).append(self.cells[k])
        for g, parts in groups.items():
            if g[0] in ("stars", "nodes", "agree"):
                scope = g[2] if g[0] != "nodes" else g[3]
                if g[0] == "nodes" and not self.complete:
                    parts = [*parts, self.cell("gap", g[2], scope)]
                self._sum(parts, total=self.sizes[scope])
            elif g[0] == "from":
                self._sum(parts, self.cell("stars", self.baseline, g[2], g[3]))
            elif g[0] == "to":
                self._sum(parts, self.cell("stars", g[1], g[2], g[3]))
            elif g[1] != self.alike.get(self.baseline, self.baseline):
                self._sum(parts, self.cell("agreement", g[1], g[2], g[3]))
        tracks = [s for s in self.sizes if s != "all"]
        for k in list(self.cells):
            at = 3 if k[0] == "nodes" else 2
            if k[at] == "all" and len(tracks) > 1:
                parts = [(*k[:at], t, *k[at + 1 :]) for t in tracks]
                if all(p in self.cells for p in parts):
                    self._sum([self.cells[p] for p in parts], self.cells[k])

    def attack(self, width=2):
        """Return which hidden cells can be told exactly, and which to less than ``width``."""
        n = len(self.low)
        rows, columns, factors, right = [], [], [], []
        for r, (row, total) in enumerate(self.sums):
            right.append(total)
            for c, f in row.items():
                rows.append(r)
                columns.append(c)
                factors.append(f)
        matrix = csr_array((factors, (rows, columns)), shape=(len(self.sums), n), dtype=float)
        sums = LinearConstraint(matrix, right, right)
        bounds = Bounds(np.array(self.low, float), np.array(self.high, float))

        def extreme(costs):
            for whole in (0, 1):
                found = milp(costs, integrality=np.full(n, whole), bounds=bounds, constraints=sums)
                assert found.x is not None, "what is published contradicts itself"
                if np.abs(found.x - np.round(found.x)).max() < 1e-6:
                    break
            return np.round(found.x)

        low, high = np.full(n, np.inf), np.full(n, -np.inf)

        def see(x):
            np.minimum(low, x, out=low)
            np.maximum(high, x, out=high)

        cells = np.array(sorted(self.printed), dtype=int)
        rng = np.random.default_rng(1)
        for _ in range(40):
            left = cells[~(high[cells] - low[cells] >= width)]
            if not len(left):
                break
            costs = np.zeros(n)
            costs[left] = rng.uniform(0.5, 1.5, len(left)) * rng.choice([-1, 1], len(left))
            see(extreme(costs))
            see(extreme(-costs))
        for c in cells[~(high[cells] - low[cells] >= width)]:
            costs = np.zeros(n)
            costs[c] = 1.0
            see(extreme(costs))
            see(extreme(-costs))
        names = {p: k for k, p in self.cells.items()}
        span = high - low
        return Found(
            len(cells), tuple(names[c] for c in cells if span[c] == 0),
            tuple(names[c] for c in cells if 0 < span[c] < width),
        )  # fmt: skip


def attack_view(view, width=2):
    """Attack the tables of a view with the numbers of enterprises and the published weights."""
    run = view.run
    tables = {t.name: t.frame.rename(columns={"count": "count_"}) for t in view.tables()}
    for frame in tables.values():
        if "count_" in frame:
            frame["count"] = frame["count_"]
    sizes = {t: len(s) for t, s in run.context.scored.samples.items()}
    sizes = {"all": sum(sizes.values()), **(sizes if len(sizes) > 1 else {})}
    return Attacker(tables, sizes, run.context.baseline, alike(run), complete(run)).attack(width)


def complete(run):
    """Return whether every enterprise has a score at every node."""
    return not any(np.isnan(s.X).any() for s in run.context.scored.samples.values())


def alike(run):
    """Return which sets have the same weights, in all or under a node."""
    out, seen = {}, {}
    for name, weights in run.sets.items():
        if run.context.grown(name) is not None:
            continue
        frame = weights.frame()
        whole = tuple(zip(frame["code"], np.round(frame["local_weight"], 12), strict=True))
        out[name] = seen.setdefault(whole, name)
        tops = [n.code for s in run.context.scored.samples.values() for n in s.track.nodes
                if n.depth == 1]  # fmt: skip
        for code in dict.fromkeys(tops):
            inside = frame[frame["code"].map(lambda c, code=code: below(run, c, code))]
            part = (code, *zip(inside["track"], inside["code"],
                               np.round(inside["local_weight"], 12), strict=True))  # fmt: skip
            out[name, code] = seen.setdefault(part, name)
    return out


def below(run, code, top):
    for track in run.experiment.framework.tracks.values():
        if code in track.index and top in track.index:
            i = track.index[code]
            while (i := int(track.parent[i])) >= 0:
                if track.nodes[i].code == top:
                    return True
    return False


# What the pages of a site say, beside its downloads ----------------------------------------------


class Pages(HTMLParser):
    """The tables of a page, as lists of rows of texts."""

    def __init__(self, text):
        super().__init__()
        self.tables, self._cell = [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag in ("td", "th") and self.tables:
            self._cell = []

    def handle_data(self, data):
        if self._cell is not None:
            self._cell.append(data)

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self._cell is not None:
            self.tables[-1][-1].append("".join(self._cell).strip())
            self._cell = None


def keyed(table, run, language):
    """Return a page's table as a frame whose columns and codes are calib's own."""
    known = {say(f"columns.{k}", language): k for k in KEYS}
    labels = run.experiment.framework.rule.labels
    known |= {label.get(language): f"star_{i}" for i, label in enumerate(labels, 1)}
    heads = [known.get(h, h) for h in table[0]]
    frame = pd.DataFrame([r for r in table[1:] if len(r) == len(heads)], columns=heads)
    scopes = {say("values.all", language): "all"}
    scopes |= {t.name.get(language): c for c, t in run.experiment.framework.tracks.items()}
    for key in ("scope", "track"):
        if key in frame:
            frame[key] = frame[key].map(lambda v: scopes.get(v, v))
    if "node" in frame:
        frame["node"] = frame["node"].str.split(" ").str[0]
    for key in ("star", "from_star", "to_star"):
        if key in frame:
            frame[key] = frame[key].str.extract(r"(\d+)")[0].astype(int)
    return frame


KEYS = (
    "n", "set", "scope", "star", "count", "share", "node", "from_star", "to_star", "same", "up",
    "down", "downgraded", "track", "year",
)  # fmt: skip


def told_by_page(frame, baseline):
    """Yield cells and their printed values of a table on a page; none where it counts nothing."""
    keys = set(frame.columns)
    if "year" in keys:
        return
    sets = frame["set"] if "set" in keys else [baseline] * len(frame)
    rows = list(zip(sets, frame.to_dict("records"), strict=True))
    if {"node", "star_1"} <= keys:
        for name, r in rows:
            for key in (k for k in keys if k.startswith("star_")):
                yield ("nodes", name, r["node"], r.get("scope", "all"), int(key[5:])), r[key]
    elif {"scope", "star", "count"} <= keys:
        for name, r in rows:
            where = (r["node"], r["scope"]) if "node" in keys else (r["scope"],)
            yield ("nodes" if "node" in keys else "stars", name, *where, r["star"]), r["count"]
    elif {"set", "scope", "from_star", "to_star", "count"} <= keys:
        for name, r in rows:
            yield ("moves", name, r["scope"], r["from_star"], r["to_star"]), r["count"]
    elif {"set", "scope", "same"} <= keys:
        for name, r in rows:
            for kind in ("same", "up", "down"):
                yield ("agreement", name, r["scope"], kind), r[kind]
            if "downgraded" in keys:
                yield ("downgraded", name, r["scope"]), r["downgraded"]


def drawn_numbers(text):
    """Return whole numbers that figures of a page draw, without those of axes and legends."""
    out = []
    for svg in re.findall(r"<svg.*?</svg>", text, flags=re.S):
        cut = re.split(
            r'<g id="(?=(?:[^"]*-)?(?:text|xtick|ytick|legend|axes|patch|line2d)_?\d)', svg
        )
        inside = ""
        for part in cut[1:]:
            name = part.split('"', 1)[0].rpartition("-")[2]
            kind = name.partition("_")[0]
            if kind in ("xtick", "ytick", "legend", "axes", "patch"):
                inside = kind
            elif kind == "text" and inside not in ("xtick", "ytick", "legend"):
                said = re.findall(r"<text[^>]*>([^<]*)</text>", part)
                out += [int(t) for t in said if t.strip().isdigit()]
    return out


class SiteAttacker(Attacker):
    """Attacks a published site by its downloads, the tables of its pages, and its figures."""

    def __init__(self, folder, view):
        run = view.run
        tables = {
            p.stem: pd.read_csv(p, encoding="utf-8-sig").rename(columns={"count": "count_"})
            for p in Path(folder, "downloads").glob("*.csv")
        }
        for frame in tables.values():
            if "count_" in frame:
                frame["count"] = frame["count_"]
        sizes = {t: len(s) for t, s in run.context.scored.samples.items()}
        sizes = {"all": sum(sizes.values()), **(sizes if len(sizes) > 1 else {})}
        self.seen, self.drawn, self.contradictions = 0, [], []
        self._pages = [p.read_text("utf-8") for p in Path(folder).glob("*.html")]
        self._run, self._language = run, view.language
        super().__init__(tables, sizes, run.context.baseline, alike(run), complete(run))

    def _read(self):
        super()._read()
        for text in self._pages:
            self.drawn += drawn_numbers(text)
            for table in Pages(text).tables:
                if len(table) < 2 or len(set(map(len, table))) > 2:
                    continue
                frame = keyed(table, self._run, self._language)
                for key, value in told_by_page(frame, self.baseline):
                    self.seen += 1
                    before = len(self.low)
                    position = self.cell(*key)
                    if str(value).isdigit():
                        here = int(value)
                        if (
                            position < before
                            and not self.low[position] <= here <= self.high[position]
                        ):
                            self.contradictions.append((key, here))
                        self.low[position] = self.high[position] = here
                    elif position >= before:
                        self._told(position, str(value))


def attack_site(folder, view, width=2):
    """Attack a site; return what was found, and what the pages told."""
    attacker = SiteAttacker(folder, view)
    return attacker.attack(width), attacker
