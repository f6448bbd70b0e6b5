"use strict";
/**
 * What a live notebook was made from, as it stands in the page, and the words of the page.
 *
 * @typedef {Record<string, number[]>} Weights  Local weights by track.
 * @typedef {{rule: Rule, holdsBack: boolean, beyondGates: boolean, choices: Record<string, string[]>,
 *   tracks: Track[], shared: string[], top: string, names: Record<string, string>,
 *   english: string[], levels: Record<string, Words>, colours: string[], inks: string[]}} LiveFramework
 * @typedef {{framework: string, options: Options, synthetic: boolean,
 *   samples: Record<string, {ids: string[], names: string[], X: (number | null)[][]}>}} LivePopulation
 * @typedef {{name: string, label: string, digest: string, framework: string, local: Weights,
 *   years?: number[], path?: Weights[]}} LiveSet  ``path`` holds the weights of each of the years.
 * @typedef {{set: string, population: string,
 *   check: Record<string, {counts: number[], total?: number}>[]}} LiveRating  What the run found:
 *   once, or for each year of the set's path.
 * @typedef {{key: string, role: string, unit?: string, coded?: string, blank?: boolean,
 *   drawn?: boolean}} Column  ``blank`` is not computed again; ``drawn`` comes from random draws.
 * @typedef {{ratings: [string, string][], base: string, weights?: string, table?: string,
 *   columns?: Column[], rows?: number, names?: Record<string, string>, figure?: string,
 *   labels?: Record<string, string>, title?: string, spread?: Record<string, Stated[]>,
 *   shared?: boolean, error?: number}} Recipe  ``weights`` is the
 *   digest of the set that an output is about which is not computed again.
 * @typedef {{frameworks: Record<string, LiveFramework>, populations: Record<string, LivePopulation>,
 *   sets: Record<string, LiveSet>, ratings: Record<string, LiveRating>,
 *   texts: Record<string, string | string[]>}} LiveInputs
 */
const LiveData = (() => {
  const block = document.getElementById("live-data");
  /** @type {LiveInputs} */
  const data = JSON.parse((block && block.textContent) || "{}");

  /** Return a text of the catalogue with its placeholders filled; ``n`` chooses the number.
   * @param {string} key @param {Record<string, string | number>} [values] */
  function say(key, values = {}) {
    const found = data.texts[key];
    const text = Array.isArray(found) ? found[values.n === 1 ? 0 : 1] : found;
    if (text === undefined) throw new Error(`no text ${key}`);
    return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
  }

  /** Return what the catalogue calls a code, or the code itself.
   * @param {string} key @param {string} otherwise */
  function word(key, otherwise) {
    const found = data.texts[key];
    return typeof found === "string" ? found : otherwise;
  }

  const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
  /** @param {Words} both */
  const name = (both) => both[language];

  return { data, say, word, name };
})();
