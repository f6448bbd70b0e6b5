"use strict";
// Runs the engine of the pages under Node: reads cases from a file, prints what they give.
const fs = require("fs");
const vm = require("vm");

const [engineFile, casesFile] = process.argv.slice(2);
const names = "{Tree, Limits, Rating, Answers, Lines, Way, Measures, Sampling, Work}";
const { Tree, Limits, Rating, Answers, Lines, Way, Measures, Sampling, Work } =
  vm.runInThisContext(`${fs.readFileSync(engineFile, "utf8")}\n(${names})`);

const rows = (X) => X.map((r) => Float64Array.from(r, (x) => (x === null ? NaN : x)));
const plain = (a) => Array.from(a, (x) => (Number.isFinite(x) ? x : String(x)));

const RUN = {
  rate(c) {
    const indices = c.tracks.map(Tree.prepare);
    const values = c.tracks.map((t, k) => rows(c.values[k]));
    const covered = indices.map((x, k) => Answers.ratable(x, values[k], c.rule, c.options));
    const kept = values.map((v, k) => v.filter((_, e) => covered[k][e]));
    const X = c.tracks.map((t, k) => (c.kind === "answers"
      ? Answers.score(t, kept[k], c.rule, c.options)
      : Answers.fillScores(t, kept[k], c.rule, c.options)));
    const rule = Answers.withClusters(c.rule, indices, X, c.published);
    return indices.map((index, k) => {
      const t = Limits.effective(rule, c.options, index);
      const r = Rating.rate(index, X[k], c.local[k], t);
      const moves = c.lines && Lines.followed(t)
        ? c.lines[k].map((node) => Lines.intervals(index, X[k], c.local[k], r, node)) : null;
      const shares = c.depth && X[k].length ? Measures.shares(index, c.local[k], r, c.depth) : null;
      return {
        covered: covered[k], X: X[k].map(plain), weight: plain(Tree.globalWeights(index, c.local[k])),
        total: plain(r.total), star: [...r.star], band: [...r.band], scores: plain(r.scores),
        failed: [...r.failed], capped: [...r.capped], moved: r.moved ? [...r.moved] : null,
        nodes: t.nodes, gates: t.gates.map(plain), bandEdges: plain(t.band), moves, shares,
      };
    });
  },
  agree(c) {
    const nan = (x) => (Number.isNaN(x) ? null : x);
    return { linear: nan(Measures.kappa(c.matrix, 1)), quadratic: nan(Measures.kappa(c.matrix, 2)), tau: nan(Measures.kendallTau(c.x, c.y)) };
  },
  way(c) {
    const index = Tree.prepare(c.track);
    const t = Limits.effective(c.rule, c.options, index);
    return rows(c.X).map((row) => Way.next(index, row, c.local, t, c.rule.high));
  },
  strip(c) {
    const index = Tree.prepare(c.track);
    const X = rows(c.X);
    const rating = Rating.rate(index, X, c.local, Limits.effective(c.rule, c.options, index));
    const locked = new Set(c.locked);
    const at = (u) => {
      const f = index.families.find((x) => x.parent === index.parent[c.node]);
      const local = Tree.move(c.local, f.members, c.node, u, (i) => locked.has(i));
      return [...Rating.rate(index, X, local, rating.thresholds).star];
    };
    return {
      strip: Lines.strip([{
        index, X, local: c.local, rating, node: c.node, locked: (i) => locked.has(i),
      }]),
      now: [...rating.star], at: c.at.map(at),
    };
  },
  count(c) {
    const index = Tree.prepare(c.track);
    const counts = new Uint32Array(c.X.length * c.rule.labels.length);
    Sampling.count(index, rows(c.X), Limits.effective(c.rule, c.options, index),
      c.draws.map((d) => Float64Array.from(d)), new Set(c.varying), counts);
    return [...counts];
  },
  draws(c) {
    const random = Sampling.generator(c.seed);
    return Array.from({ length: c.size }, () => {
      const out = new Float64Array(c.m);
      return Sampling.draw(c.ranges, random, out) ? [...out] : null;
    });
  },
  sample(c) {
    Work.answer({ id: 0, kind: "data", samples: c.tracks.map((track, k) => ({ track, X: rows(c.X[k]) })) });
    const { counts } = Work.answer({ ...c, id: 1, kind: "sample" });
    return counts.map((x) => [...x]);
  },
};

const cases = JSON.parse(fs.readFileSync(casesFile, "utf8"));
process.stdout.write(JSON.stringify(cases.map((c) => {
  try { return RUN[c.run](c); } catch (e) { return { error: String(e.stack || e) }; }
})));
