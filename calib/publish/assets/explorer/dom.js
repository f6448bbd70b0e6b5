"use strict";
/**
 * Small helpers of the pages. Text from the data only ever goes into textContent.
 *
 * @typedef {[text: string, className?: string, action?: () => void]} Cell
 * @typedef {HTMLButtonElement & {act?: () => void}} Acting
 */
const Dom = (() => {
  /** The element of an id, which the page's template has. @param {string} id @returns {any} */
  const $ = (id) => document.getElementById(id);
  /** @template {keyof HTMLElementTagNameMap} K @param {K} tag @param {string} [text]
   * @param {string} [className] @returns {HTMLElementTagNameMap[K]} */
  function make(tag, text, className) {
    const node = document.createElement(tag);
    if (text !== undefined) node.textContent = text;
    if (className) node.className = className;
    return node;
  }
  /** @param {string} text @param {() => void} onClick @param {string} [className] */
  function button(text, onClick, className) {
    const node = make("button", text, className);
    node.type = "button";
    node.addEventListener("click", onClick);
    return node;
  }
  /** Write only what changed: 500 rows stay within one frame.
   * @param {Element} node @param {string} text @param {string} [className] */
  function put(node, text, className) {
    if (node.textContent !== text) node.textContent = text;
    if (className !== undefined && node.className !== className) node.className = className;
  }
  /** @param {HTMLSelectElement} select @param {Iterable<[value: string, text: string]>} entries
   * @param {string} chosen */
  function options(select, entries, chosen) {
    select.replaceChildren(...[...entries].map(([value, text]) => {
      const option = make("option", text);
      option.value = value;
      return option;
    }));
    select.value = chosen;
  }
  /** Write a head and rows into a table that has a thead and a tbody.
   * @param {HTMLTableElement} table @param {Cell[]} head @param {Cell[][]} rows */
  function grid(table, head, rows) {
    const thead = /** @type {HTMLTableSectionElement} */ (table.tHead);
    const body = table.tBodies[0];
    if (!thead.rows.length) thead.append(make("tr"));
    sync(thead.rows[0], head, "th");
    while (body.rows.length > rows.length) body.deleteRow(-1);
    while (body.rows.length < rows.length) body.append(make("tr"));
    rows.forEach((cells, r) => sync(body.rows[r], cells, "td"));
  }
  /** The first cell of a body row is its header.
   * @param {HTMLTableRowElement} row @param {Cell[]} cells @param {"th" | "td"} tag */
  function sync(row, cells, tag) {
    while (row.cells.length > cells.length) row.deleteCell(-1);
    cells.forEach(([text, className, action], c) => {
      let cell = row.cells[c];
      if (!cell) {
        cell = make(c === 0 || tag === "th" ? "th" : "td");
        cell.scope = tag === "th" ? "col" : "row";
        row.append(cell);
      }
      if (!action) {
        put(cell, text, className || "");
        return;
      }
      let inner = /** @type {Acting | null} */ (cell.firstElementChild);
      if (!inner) {
        /** @type {Acting} */
        const made = button("", () => { if (made.act) made.act(); }, "link");
        cell.replaceChildren(made);
        inner = made;
      }
      inner.act = action;
      put(inner, text);
      if (cell.className !== (className || "")) cell.className = className || "";
    });
  }
  /** @param {string} name @param {BlobPart} text @param {string} type */
  function save(name, text, type) {
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name.replace(/[^\p{L}\p{N}._-]+/gu, "-");
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
  const SVG = "http://www.w3.org/2000/svg";
  /** @param {string} tag @param {Record<string, string | number>} attributes @param {string} [text] */
  function svg(tag, attributes, text) {
    const node = document.createElementNS(SVG, tag);
    for (const [k, v] of Object.entries(attributes)) node.setAttribute(k, String(v));
    if (text !== undefined) node.textContent = text;
    return node;
  }
  return { $, make, button, put, options, grid, save, svg };
})();
