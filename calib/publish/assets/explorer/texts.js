"use strict";
// Elements with a fixed text; the texts of every language stand in the page's data.
const LABELS = [
  ["intro", "intro"], ["language", "language"], ["theme", "theme"], ["weights-title", "weights"],
  ["preset-label", "preset"], ["reset", "reset"], ["undo", "undo"], ["redo", "redo"],
  ["path-label", "path"], ["year-label", "year"], ["cap-label", "cap"],
  ["rule-summary", "rule"], ["rule-note", "rule_note"], ["rule-reset", "rule_reset"],
  ["own-summary", "own"], ["own-note", "own_note"], ["own-label", "own_file"], ["own-kind-label", "own_kind"],
  ["own-back", "own_back"], ["export-title", "export"], ["name-label", "name"], ["role-label", "role"],
  ["comment-label", "comment"], ["opinion", "opinion"], ["opinion-note", "opinion_note"],
  ["download", "download"], ["export-note", "export_note"], ["toml-summary", "toml"],
  ["state-save", "state_save"], ["state-label", "state_open"], ["result-title", "result"],
  ["track-label", "track"], ["pin-a", "pin_a"], ["pin-b", "pin_b"], ["unpin", "unpin"],
  ["compare-title", "compare"], ["gates-title", "gates"], ["list-title", "list"], ["show-label", "show"],
  ["find-label", "find"], ["earlier", "earlier"], ["later", "later"], ["detail-close", "close"],
  ["way-title", "way"], ["shares-summary", "shares"], ["level-label", "level"],
  ["sample-summary", "acceptability"], ["vary-label", "vary"], ["within-label", "within"], ["sample", "sample"],
];
