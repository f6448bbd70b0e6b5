"use strict";
/**
 * What takes longer than a frame: strips of all sliders, and acceptability. Runs in a worker made
 * from this very text, or in the page where workers are not to be had.
 *
 * @typedef {{track: Track, X: Scores}} Sample
 * @typedef {{id: number, kind: "data", samples: Sample[]}} DataJob
 * @typedef {{at: [number, number][], key: string}} SliderJob  Track and node, of each track.
 * @typedef {{id: number, kind: "strips", rule: Rule, options: Options, local: number[][],
 *   locked: string[], sliders: SliderJob[]}} StripJob
 * @typedef {{id: number, kind: "sample", rule: Rule, options: Options, local: number[][],
 *   ranges: {ranges: Spread[][], shared: boolean}, size: number, seed: number}} SampleJob
 */
const Work = (() => {
  /** @type {{index: Index, X: Scores, groups: ReturnType<typeof Rating.patterns>}[]} */
  let samples = [];

  /** @param {Sample[]} given */
  function load(given) {
    samples = given.map(({ track, X }) => ({ index: Tree.prepare(track), X, groups: Rating.patterns(X) }));
  }

  /** @param {StripJob} job @returns {Record<string, Strip | null>} */
  function strips(job) {
    const ratings = samples.map(({ index, X, groups }, k) => Rating.rate(index, X, job.local[k],
      Limits.effective(job.rule, job.options, index), groups));
    const held = new Set(job.locked);
    /** @type {Record<string, Strip | null>} */
    const out = {};
    for (const { at, key } of job.sliders) {
      out[key] = Lines.strip(at.map(([k, node]) => ({
        ...samples[k], local: job.local[k], rating: ratings[k], node,
        locked: (i) => held.has(`${k}/${samples[k].index.codes[i]}`),
      })));
    }
    return out;
  }

  /** Count stars over draws; weights of the first level are drawn once for all tracks.
   * @param {SampleJob} job */
  function sample(job) {
    const random = Sampling.generator(job.seed);
    const counts = samples.map(({ X }) => new Uint32Array(X.length * job.rule.labels.length));
    const limits = samples.map(({ index }) => Limits.effective(job.rule, job.options, index));
    const varying = job.ranges.ranges.map((own) => new Set(own.flatMap((r) => r.members)));
    const shared = job.ranges.shared;
    const tops = samples.map(({ index }) => index.families[0].members);
    const own = job.ranges.ranges.map((all, k) => (shared && k > 0
      ? all.filter((r) => samples[k].index.parent[r.members[0]] >= 0) : all));
    // In blocks whose memory is used again, so that it does not grow with the number of draws.
    const block = 250;
    const draws = samples.map((_, k) => Array.from({ length: block }, () => Float64Array.from(job.local[k])));
    for (let done = 0; done < job.size; done += block) {
      const size = Math.min(block, job.size - done);
      for (let d = 0; d < size; d += 1) {
        for (let k = 0; k < samples.length; k += 1) {
          if (!Sampling.draw(own[k], random, draws[k][d])) return { counts: null, size: job.size };
          if (shared && k > 0) tops[k].forEach((i, j) => { draws[k][d][i] = draws[0][d][tops[0][j]]; });
        }
      }
      samples.forEach(({ index, X }, k) => Sampling.count(index, X, limits[k], draws[k].slice(0, size), varying[k], counts[k]));
    }
    return { counts, size: job.size };
  }

  /** @param {DataJob | StripJob | SampleJob} job */
  function answer(job) {
    if (job.kind === "data") { load(job.samples); return null; }
    return job.kind === "strips" ? strips(job) : sample(job);
  }

  return { answer };
})();
if (typeof document === "undefined" && typeof self !== "undefined") {
  self.onmessage = (event) => {
    const begin = performance.now();
    const result = Work.answer(event.data);
    self.postMessage({ id: event.data.id, result, time: performance.now() - begin });
  };
}
