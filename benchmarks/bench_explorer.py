"""Size, first draw, redraw, strips and sampling of the explorer for 500 enterprises in Chromium.

python benchmarks/bench_explorer.py
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

from calib.framework import load_framework
from calib.population import generate_population
from calib.publish.explorer import explorer_page, write_explorer
from calib.rating import score_answers
from calib.weights import equal_weights, published_weights

MOVES = """(async () => {
  const times = [];
  const sliders = document.querySelectorAll('#sliders input[type=range]');
  for (let i = 0; i < 100; i += 1) {
    const s = sliders[i % sliders.length];
    s.value = String(0.1 + 0.008 * i);
    s.dispatchEvent(new Event('input'));
    await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)));
    times.push(calibExplorer.timings.redraw);
  }
  return times;
})()"""

SAMPLES = """(async () => {
  const times = [];
  for (let i = 0; i < 3; i += 1) {
    await calibExplorer.sample();
    times.push(calibExplorer.sampled().whole);
  }
  return times;
})()"""


def main() -> None:
    """Measure and print."""
    path = find_chromium()
    if path is None:
        sys.exit("no chromium found")
    framework = load_framework("aii")
    scored = score_answers(generate_population(framework, 500, rng=1))
    sets = {"published": published_weights(framework), "equal": equal_weights(framework)}
    page = explorer_page(scored, sets, baseline="published")
    browser = Chromium(path)
    with tempfile.TemporaryDirectory() as folder:
        file = write_explorer(Path(folder) / "explorer.html", page)
        firsts, moves, strips, samples = [], [], [], []
        for _ in range(5):
            opened = browser.open(file)
            firsts.append(opened.run("calibExplorer.timings.first"))
            moves += opened.run(MOVES)
            opened.run("new Promise(done => setTimeout(done, 500))")
            strips.append(opened.run("calibExplorer.timings.strips"))
            samples += opened.run(SAMPLES)
            opened.close()
            browser.pages.clear()
        print(f"{platform.machine()}, {os.cpu_count()} cores, {date.today()}")
        print(f"page: {file.stat().st_size / 1e3:.0f} kB for 500 enterprises")
        print(f"first draw after navigation: median {statistics.median(firsts):.0f} ms, "
              f"worst of 5 {max(firsts):.0f} ms")  # fmt: skip
        high = statistics.quantiles(moves, n=20)[-1]
        print(f"redraw after a slider move: median {statistics.median(moves):.1f} ms, "
              f"95 % {high:.1f} ms, worst of {len(moves)} {max(moves):.1f} ms")  # fmt: skip
        print(f"where stars change, all open sliders: median {statistics.median(strips):.0f} ms")
        print(f"10,000 draws of all weights: median {statistics.median(samples):.0f} ms, "
              f"worst of {len(samples)} {max(samples):.0f} ms")  # fmt: skip
    browser.close()


if __name__ == "__main__":
    main()
