"use strict";
// Two pinned sets side by side, and the slopes of stars between them.
const Compare = (() => {
  const { $, put, grid, svg } = Dom;
  const M = Model;

  // What is pinned is rated as it was pinned: weights, options and thresholds.
  function pin(which) {
    const { weights, options, edits } = M.state.chosen;
    M.state.chosen.pins[which] = { weights: M.copy(weights), options: { ...options }, edits: { ...edits } };
    M.commit();
  }
  const cache = new Map();
  function rated(pinned) {
    const key = JSON.stringify(pinned);
    if (!cache.has(key)) { if (cache.size > 8) cache.clear(); cache.set(key, M.rateAs(pinned)); }
    return cache.get(key);
  }
  function forget() { cache.clear(); }

  function draw() {
    const { A, B } = M.state.chosen.pins;
    $("compare").hidden = !A && !B;
    $("unpin").disabled = !A && !B;
    if (!A && !B) return;
    const left = A ? rated(A) : M.ratings();
    const right = B ? rated(B) : M.ratings();
    const K = M.data.rule.labels.length;
    const matrix = Array.from({ length: K }, () => new Array(K).fill(0));
    for (const k of Results.selected()) {
      Measures.transitions(left[k].star, right[k].star, K).forEach((row, r) => row.forEach((n, c) => { matrix[r][c] += n; }));
    }
    const [from, to] = [A ? "A" : M.words("now"), B ? "B" : M.words("now")];
    grid($("pins"), [[`${from} → ${to}`], ...Results.starHeads()], Results.matrixRows(matrix));
    put($("pins").caption, M.fill("slopes", { from, to, up: count(matrix, (r, c) => c > r), down: count(matrix, (r, c) => c < r) }));
    slopes(matrix, from, to);
  }
  const count = (matrix, test) => matrix.reduce((a, row, r) => a + row.reduce((b, n, c) => b + (test(r, c) ? n : 0), 0), 0);

  function slopes(matrix, from, to) {
    const K = matrix.length;
    const total = Math.max(1, count(matrix, () => true));
    const [width, height, pad] = [320, 26 * K + 40, 64];
    const y = (k) => height - 18 - 26 * (k + 0.5);
    const box = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", class: "slopes" });
    box.append(svg("title", {}, $("pins").caption.textContent));
    matrix.forEach((row, r) => row.forEach((n, c) => {
      if (!n) return;
      const kind = c > r ? "up" : c < r ? "down" : "same";
      box.append(svg("line", {
        x1: pad, y1: y(r), x2: width - pad, y2: y(c), class: kind, "stroke-width": 1 + 18 * n / total, "stroke-linecap": "round",
      }));
    }));
    for (let k = 0; k < K; k += 1) {
      const was = matrix[k].reduce((a, b) => a + b, 0);
      const now = matrix.reduce((a, row) => a + row[k], 0);
      box.append(svg("text", { x: pad - 8, y: y(k) + 5, "text-anchor": "end" }, `${M.stars(k)}  ${was}`));
      box.append(svg("text", { x: width - pad + 8, y: y(k) + 5 }, `${now}  ${M.stars(k)}`));
    }
    box.append(svg("text", { x: pad, y: 14, "text-anchor": "middle", class: "head" }, from));
    box.append(svg("text", { x: width - pad, y: 14, "text-anchor": "middle", class: "head" }, to));
    $("slopes").replaceChildren(box);
  }
  return { pin, draw, forget };
})();
