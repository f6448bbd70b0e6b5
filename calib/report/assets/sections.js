(() => {
  "use strict";
  const open = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const found = id && document.getElementById(id);
    if (found && found.tagName === "DETAILS") found.open = true;
  };
  addEventListener("hashchange", open);
  open();
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details.table:not([open])")];
    for (const one of closed) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of closed) one.open = false; });

  // A heading sorts its column; numbers as numbers, what is not available last.
  const number = (text) => {
    const plain = text.replace(/[%<>\s,]/g, "").replace("−", "-");
    return plain !== "" && isFinite(plain) ? Number(plain) : NaN;
  };
  const compare = (a, b) => {
    const [x, y] = [number(a), number(b)];
    if (!isNaN(x) && !isNaN(y)) return x - y;
    return a.localeCompare(b, document.documentElement.lang, { numeric: true });
  };
  for (const table of document.querySelectorAll("details.table table")) {
    const body = table.tBodies[0];
    if (!body || body.rows.length < 2) continue;
    for (const head of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const at = head.cellIndex;
        const text = (row) => row.cells[at].textContent.trim();
        const rows = [...body.rows];
        const known = rows.filter((r) => text(r) !== "–");
        known.sort((r, s) => (down ? -1 : 1) * compare(text(r), text(s)));
        body.append(...known, ...rows.filter((r) => text(r) === "–"));
      });
    }
  }

  // A figure that the screen makes small is enlarged by a click, and scrolls.
  for (const drawing of document.querySelectorAll(".drawing")) {
    const svg = drawing.querySelector("svg");
    if (!svg || !matchMedia("(max-width: 46rem)").matches) continue;
    drawing.classList.add("zooms");
    drawing.tabIndex = 0;
    const toggle = () => drawing.classList.toggle("zoomed");
    drawing.addEventListener("click", toggle);
    drawing.addEventListener("keydown", (event) => { if (event.key === "Enter") toggle(); });
  }
})();
