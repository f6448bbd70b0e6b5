"use strict";
// Elements with a fixed text; the texts of every language stand in the page's data.
const LABELS = [
  ["intro", "intro"], ["language", "language"], ["theme", "theme"], ["weights-title", "weights"],
  ["preset-label", "preset"], ["reset", "reset"], ["export-title", "export"], ["name-label", "name"],
  ["download", "download"], ["export-note", "export_note"], ["toml-summary", "toml"],
  ["result-title", "result"], ["track-label", "track"], ["gates-title", "gates"],
  ["list-title", "list"], ["show-label", "show"], ["find-label", "find"],
  ["earlier", "earlier"], ["later", "later"],
];
