"use strict";
/** A value as a reader sees it: calib.report.display in the page. */
const LiveCells = (() => {
  const { say, word } = LiveData;
  const NOTHING = "–";
  /** @type {Record<string, number>} */
  const DECIMALS = { weight: 4, score: 2, probability: 3, share: 3 };
  const CAUSES = ["gate of a higher band", "band of the total", "gate", "band", "total", "several", "none"];

  /** @param {number} value @param {number} decimals */
  function fixed(value, decimals) {
    const text = value.toFixed(decimals);
    return Number(text) === 0 ? text.replace("-", "") : text;
  }
  /** @param {number} value @param {Column} column */
  function number(value, column) {
    if (!Number.isFinite(value)) return NOTHING;
    if (column.unit === "percent") return `${fixed(100 * value, 1)}%`;
    if (column.unit === "pp") return fixed(value, 2);
    if (["count", "number", "star", "group"].includes(column.role)) {
      return Number.isInteger(value) ? String(value) : fixed(value, 2);
    }
    if (column.role in DECIMALS) return fixed(value, DECIMALS[column.role]);
    if (Math.abs(value) < 1e-12) return "0";
    if (Number.isInteger(value)) return String(value);
    return value.toFixed(4);
  }

  /** A cause in words: codes followed by their names, bands and gates named.
   * @param {string} text @param {Record<string, string>} names */
  function spell(text, names) {
    if (!text) return text;
    const codes = Object.keys(names).sort((a, b) => b.length - a.length)
      .map((c) => c.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    let out = text.replace(new RegExp(`(?<![\\w.])(${codes.join("|")})(?![\\w.])`, "g"), (c) => `${c} ${names[c]}`);
    out = out.replace(/ \(exactly at ([\d.]+)\)/g, (_, value) => say("causes.exactly at", { value }));
    for (const key of CAUSES) {
      const own = word(`causes.${key}`, key);
      if (own !== key) out = out.replace(new RegExp(`\\b${key}\\b`, "g"), own);
    }
    return out;
  }

  /** @param {unknown} value @param {Column} column @param {Record<string, string>} names */
  function display(value, column, names) {
    if (value === undefined || value === null || Number.isNaN(value)) return NOTHING;
    if (typeof value === "boolean") return say(value ? "words.yes" : "words.no");
    if (typeof value === "number") return number(value, column);
    const text = String(value);
    if (column.coded === "track") return names[text] ?? word(`values.${text}`, text);
    if (column.coded === "node") return text in names ? `${text} ${names[text]}` : text;
    if (column.coded === "set" || column.coded === "case") return names[`${column.coded}:${text}`] ?? text;
    if (column.coded === "cause") return spell(text, names);
    return column.coded === "word" ? word(`values.${text}`, text) : text;
  }

  /** Whether two cells say the same, but for rounding in the last digit.
   * @param {string} a @param {string} b */
  function same(a, b) {
    if (a === b) return true;
    const form = /^-?\d+(?:\.(\d+))?(%?)$/;
    const [x, y] = [form.exec(a), form.exec(b)];
    if (!x || !y || x[2] !== y[2]) return false;
    const decimals = Math.max((x[1] || "").length, (y[1] || "").length);
    return decimals > 0 && Math.abs(parseFloat(a) - parseFloat(b)) <= 1.001 * 10 ** -decimals;
  }

  /** Whether two shares or percentages are as near as random draws let them be.
   * @param {string} a @param {string} b @param {number} far */
  function near(a, b, far) {
    /** @param {string} text */
    const value = (text) => (text.endsWith("%") ? parseFloat(text) / 100 : parseFloat(text));
    return Math.abs(value(a) - value(b)) <= far;
  }

  return { NOTHING, display, same, near, fixed };
})();
