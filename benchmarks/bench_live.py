"""Size, first paint, self-check and redraw of live notebooks in Chromium.

python benchmarks/bench_live.py [experiment ...]

Publishes the notebooks of each experiment (by default the trial and the shift), opens every page
five times and moves every slider of its panel.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "publish"))

from chromium import Chromium, find_chromium

from calib.experiment import load_experiment
from calib.publish import build_site, open_view
from calib.publish.select import fitting_notebooks

MOVES = """(async () => {
  const times = [];
  document.querySelector('.live-fold').open = true;
  const sliders = document.querySelectorAll('.live-slider input[type=range]');
  for (let i = 0; i < 40; i += 1) {
    const s = sliders[i % sliders.length];
    s.value = String(0.1 + 0.02 * i);
    s.dispatchEvent(new Event('input'));
    await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)));
    times.push(calibLive.timing());
  }
  return times;
})()"""
PAINT = """new Promise(done => {
  const look = () => {
    const [paint] = performance.getEntriesByName('first-contentful-paint');
    if (paint) done(paint.startTime); else setTimeout(look, 50);
  };
  look();
})"""
CHECK = (
    "(() => { const t = performance.now(); calibLive.check(); return performance.now() - t; })()"
)


def measure(browser: Chromium, file: Path) -> None:
    """Print what one page takes."""
    paints, checks, moves = [], [], []
    for _ in range(5):
        page = browser.open(file)
        if page.run("document.documentElement.dataset.recomputes") is None:
            print(f"{file.name}: {file.stat().st_size / 1e3:.0f} kB, nothing recomputes")
            return
        page.run("new Promise(done => setTimeout(done, 300))")
        paints.append(page.run(PAINT))
        checks.append(page.run(CHECK))
        moves += page.run(MOVES)
        page.close()
        browser.pages.clear()
    high = statistics.quantiles(moves, n=20)[-1]
    print(f"{file.name}: {file.stat().st_size / 1e3:.0f} kB, first paint median "
          f"{statistics.median(paints):.0f} ms (worst {max(paints):.0f}), check "
          f"{statistics.median(checks):.0f} ms, redraw median {statistics.median(moves):.1f} ms, "
          f"95 % {high:.1f} ms")  # fmt: skip


def main() -> None:
    """Publish, measure and print."""
    path = find_chromium()
    if path is None:
        sys.exit("no chromium found")
    browser = Chromium(path)
    print(f"{platform.machine()}, {os.cpu_count()} cores, {date.today()}")
    for name in sys.argv[1:] or ["trial-comparison", "shift-to-analytics"]:
        with tempfile.TemporaryDirectory() as folder:
            view = open_view(name, lang="zh")
            chosen = fitting_notebooks(load_experiment(name))
            filling = {"experiment": name, "language": "zh"}
            site = build_site(view, Path(folder) / "site", notebooks=chosen, filling=filling)
            for page in site.pages:
                if page[0].isdigit():
                    measure(browser, site.folder / page)
    browser.close()


if __name__ == "__main__":
    main()
