"use strict";
// One enterprise: where its total comes from, its nearest threshold, its way to the next star.
const Detail = (() => {
  const { $, make, put, grid } = Dom;
  const M = Model;

  function open(k, e) {
    M.state.open = [k, e];
    draw();
    $("detail").scrollIntoView({ block: "nearest" });
    $("detail-title").focus();
  }
  function close() {
    M.state.open = null;
    draw();
  }

  // The threshold of a star that a score is closest to, over the total and all gated nodes.
  function nearest(r, e, m) {
    const t = r.thresholds;
    const all = t.hasBands ? t.band.map((edge, s) => ({ node: -1, star: s + 1, gap: r.total[e] - edge })) : [];
    t.nodes.forEach((i, p) => t.gates[p].forEach((edge, s) => {
      const score = r.scores[e * m + i];
      if (Number.isFinite(edge) && !Number.isNaN(score)) all.push({ node: i, star: s + 1, gap: score - edge });
    }));
    return all.sort((a, b) => Math.abs(a.gap) - Math.abs(b.gap))[0];
  }

  function draw() {
    const at = M.state.open;
    $("detail").hidden = !at;
    if (!at) return;
    const [k, e] = at;
    const track = M.tracks[k];
    const index = M.indices[k];
    const r = M.ratings()[k];
    const row = M.samples[k].X[e];
    const local = M.state.chosen.weights[track.code];
    const known = row.some(Number.isNaN) ? Tree.known(index, local, row) : null;
    const own = known ? Tree.effective(index, local, known) : local;
    const g = Tree.globalWeights(index, own);
    const named = (i) => (i < 0 ? M.words("total") : M.name(track.names[i]));
    put($("detail-title"), Results.called(k, e));
    put($("detail-star"), r.star[e] < 0 ? M.words("unrated") : M.fill("detail_star", {
      star: M.stars(r.star[e]), total: r.total[e].toFixed(2), before: M.stars(M.baseline()[k].star[e]),
    }));
    const close = r.star[e] < 0 ? null : nearest(r, e, index.m);
    put($("detail-nearest"), close ? M.fill(close.gap > 0 ? "nearest_above" : "nearest_below", {
      node: named(close.node), gap: Math.abs(close.gap).toFixed(2), star: M.stars(close.star),
    }) : "");
    drawNodes(k, e, g, own);
    drawWay(k, row, local, named);
    drawIntervals(k, e, local);
  }

  function drawNodes(k, e, g, own) {
    const index = M.indices[k];
    const r = M.ratings()[k];
    /** @type {Cell[][]} */
    const rows = M.tracks[k].codes.map((_, i) => {
      const score = r.scores[e * index.m + i];
      const points = Number.isNaN(score) ? 0 : g[i] * score;
      return [[M.name(M.tracks[k].names[i]), `text depth-${Math.min(4, index.depth[i])}`], [own[i].toFixed(3)], [(100 * g[i]).toFixed(1)],
        [Number.isNaN(score) ? "–" : score.toFixed(1)], [points.toFixed(2)], [r.total[e] > 0 ? (100 * points / r.total[e]).toFixed(1) : "–"]];
    });
    /** @type {Cell[]} */
    const head = ["node", "local", "share_percent", "score", "points", "part_percent"].map((key) => [M.words(key)]);
    grid($("detail-nodes"), head, rows);
    put($("detail-nodes").caption, M.words("contributions"));
  }

  function drawWay(k, row, local, named) {
    const t = M.ratings()[k].thresholds;
    const way = Way.next(M.indices[k], row, local, t, M.data.rule.high);
    const lines = [];
    if (!way) lines.push(M.words(t.compensation ? "way_not_followed" : "way_top"));
    else {
      const lacking = way.needs.filter((n) => n.lacking > 0);
      lines.push(M.fill("way_to", { star: M.stars(way.star) }) + (lacking.length
        ? lacking.map((n) => M.fill("way_lacks", { node: named(n.node), now: n.now.toFixed(1), lacking: n.lacking.toFixed(2) })).join(M.words("comma"))
        : M.words("way_cap")));
      for (const item of way.alone.slice(0, 3)) {
        lines.push(M.fill("way_alone", { node: named(item.leaf), from: item.from.toFixed(1), to: item.to.toFixed(1) }));
      }
      if (!way.alone.length) lines.push(M.words("way_none_alone"));
      if (way.together.length > 1) {
        lines.push(M.fill("way_together", {
          points: way.points.toFixed(1),
          list: way.together.map((x) => `${named(x.leaf)} ${x.from.toFixed(1)} → ${x.to.toFixed(1)}`).join(M.words("comma")),
        }));
      }
      if (way.held) lines.push(M.words("way_held"));
    }
    $("detail-way").replaceChildren(...lines.map((line) => make("li", line)));
  }

  function drawIntervals(k, e, local) {
    const index = M.indices[k];
    const r = M.ratings()[k];
    const one = [M.samples[k].X[e]];
    const alone = Rating.rate(index, one, local, r.thresholds);
    const rows = r.star[e] < 0 || !Lines.followed(r.thresholds) ? [] : index.families[0].members.flatMap((i) => {
      const found = Lines.intervals(index, one, local, alone, i)[0];
      return found ? [[[M.name(M.tracks[k].names[i]), "text"], [local[i].toFixed(3)], [found.low.toFixed(3)], [found.high.toFixed(3)],
        [`${M.stars(found.below)} / ${M.stars(found.above)}`]]] : [];
    });
    $("detail-intervals").hidden = !rows.length;
    grid($("detail-intervals"), ["node", "local", "from_word", "to_word", "outside"].map((key) => [M.words(key)]), rows);
    put($("detail-intervals").caption, M.words("intervals"));
  }
  return { open, close, draw };
})();
