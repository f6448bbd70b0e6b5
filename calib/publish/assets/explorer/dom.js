"use strict";
// Small helpers. Text from the data only ever goes into textContent.
const Dom = (() => {
  const $ = (id) => document.getElementById(id);
  function make(tag, text, className) {
    const node = document.createElement(tag);
    if (text !== undefined) node.textContent = text;
    if (className) node.className = className;
    return node;
  }
  function button(text, onClick, className) {
    const node = make("button", text, className);
    node.type = "button";
    node.addEventListener("click", onClick);
    return node;
  }
  // Write only what changed: 500 rows stay within one frame.
  function put(node, text, className) {
    if (node.textContent !== text) node.textContent = text;
    if (className !== undefined && node.className !== className) node.className = className;
  }
  function options(select, entries, chosen) {
    select.replaceChildren(...entries.map(([value, text]) => {
      const option = make("option", text);
      option.value = value;
      return option;
    }));
    select.value = chosen;
  }
  function grid(table, head, rows) {
    const thead = table.tHead;
    const body = table.tBodies[0];
    if (!thead.rows.length) thead.append(make("tr"));
    sync(thead.rows[0], head, "th");
    while (body.rows.length > rows.length) body.lastElementChild.remove();
    while (body.rows.length < rows.length) body.append(make("tr"));
    rows.forEach((cells, r) => sync(body.rows[r], cells, "td"));
  }
  // Cells are [text, class, action]; the first of a body row is its header.
  function sync(row, cells, tag) {
    while (row.cells.length > cells.length) row.lastElementChild.remove();
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
      let inner = cell.firstElementChild;
      if (!inner) {
        cell.replaceChildren(button("", () => inner.act(), "link"));
        inner = cell.firstElementChild;
      }
      inner.act = action;
      put(inner, text);
      if (cell.className !== (className || "")) cell.className = className || "";
    });
  }
  function save(name, text, type) {
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name.replace(/[^\p{L}\p{N}._-]+/gu, "-");
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
  const SVG = "http://www.w3.org/2000/svg";
  function svg(tag, attributes, text) {
    const node = document.createElementNS(SVG, tag);
    for (const [k, v] of Object.entries(attributes)) node.setAttribute(k, String(v));
    if (text !== undefined) node.textContent = text;
    return node;
  }
  return { $, make, button, put, options, grid, save, svg };
})();
