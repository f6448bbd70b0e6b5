"""Coverage of a whole calibration round: weights, star changes and P(star) against a known truth.

python benchmarks/sim_round.py [--rounds 500] [--draws 200] [--seed 1] [--out FILE.jsonl]
    [--experts 18] [--ballots 300]
    (rounds that the file has already are not made again)
python benchmarks/sim_round.py --read FILE.jsonl [--figure FILE.png] [--curve FILE.csv]

Each round has a true set of weights. A panel judges pillars and capabilities with noise, and
respondents rank indicators by their true worths; panel and ballots are pooled, blended and
rounded, with the draws that calib gives them. Counted is how often 90 % intervals hold the truth,
and how often an enterprise has the star that its P(star) promises. The truth of a procedure is
what it gives in the limit of many experts and ballots.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

import calib
from calib.ballots import ReadReport, Survey, simulate_ballots
from calib.experts import PanelRequest, pool_panel
from calib.experts.panel import Answer, ExpertForm, Panel, questions_of
from calib.outcomes.decision_facts import Facts, ends_of_changes
from calib.rating import Scored, score_answers
from calib.weights import Evidence, Root, WeightSet, from_table
from calib.words import Name

FRAMEWORK = calib.load_framework("aii")
PUBLISHED = calib.published_weights(FRAMEWORK)
LEVELS = [code for code, _ in FRAMEWORK.levels]
SHARE = 0.7
NOISE, SPREAD = 0.35, 0.4
"""SD of an expert's log-weights around the truth, and of true log-worths of indicators."""
LEVEL = 0.9


def truth(rng: np.random.Generator) -> tuple[WeightSet, dict[str, np.ndarray]]:
    """Return true weights, and the true worths of indicators by track."""
    local = {t: np.array(v) for t, v in PUBLISHED.local.items()}
    worths = {}
    top = rng.dirichlet(60 * np.array([0.30, 0.30, 0.40]))
    for t, tree in FRAMEWORK.tracks.items():
        worth = np.exp(rng.normal(0, SPREAD, len(tree.leaves)))
        worths[t] = worth / worth.sum()
        for family in tree.families:
            own = family.members
            if family.parent == "":
                local[t][own] = top
            elif tree.nodes[own[0]].children:
                local[t][own] = rng.dirichlet(60 * local[t][own])
            else:
                part = worths[t][np.isin(tree.leaves, own)]
                local[t][own] = part / part.sum()
    return WeightSet.build(FRAMEWORK, "truth", local, source="simulation"), worths


def panel_of(weights: WeightSet, experts: int, rng: np.random.Generator) -> Panel:
    """Return a panel whose experts judge the upper levels with noise of equal log-ratios."""
    questions = questions_of(FRAMEWORK, levels=LEVELS[:-1])
    forms = []
    for number in range(experts):
        answers = {}
        for key, question in questions.items():
            t = question.tracks[0]
            at = [FRAMEWORK.tracks[t].index[c] for c in question.items]
            stated = weights.local[t][at] * np.exp(rng.normal(0, NOISE, len(at)))
            answers[key] = Answer("direct", stated / stated.sum())
        forms.append(ExpertForm(f"expert {number}", 1, answers))
    return Panel(FRAMEWORK, questions, tuple(forms), synthetic=True)


def calibrated(weights: WeightSet, worths: dict[str, np.ndarray], asked: argparse.Namespace,
               rng: np.random.Generator) -> tuple[WeightSet, WeightSet]:  # fmt: skip
    """Return the estimated and the true weights of the whole procedure, before rounding."""
    panel, draws = panel_of(weights, asked.experts, rng), asked.draws
    request = PanelRequest.make({"pooling": "geometric", "unjudged": "equal", "draws": draws})
    pooled = pool_panel(panel, request=request, rng=1)
    root = Root(panel.digest, "panel", Name("专家", "experts"), "1")
    experts = WeightSet.build(
        FRAMEWORK, "experts", pooled.local, source="simulation",
        uncertainty=from_table(root, pooled.local, pooled.draws),
    )  # fmt: skip
    ballots = {
        t: simulate_ballots(np.log(worths[t]), asked.ballots, 5, items=tree.leaf_codes, rng=rng)
        for t, tree in FRAMEWORK.tracks.items()
    }
    read = ReadReport("simulated", 2 * asked.ballots, 2 * asked.ballots, ())
    survey = Survey(FRAMEWORK, ballots, read)
    said = calib.weigh_ballots(survey, base=experts, draws=draws, report=False, rng=1).weights
    whole = calib.blend({experts: SHARE, said: 1 - SHARE}, name="blend")
    equal = calib.equal_weights(FRAMEWORK, levels=[LEVELS[-1]], base=weights)  # nobody judged them
    return whole, calib.blend({equal: SHARE, weights: 1 - SHARE}, name="true blend")


def one_round(
    asked: argparse.Namespace, firms: Scored, rng: np.random.Generator
) -> dict[str, object]:
    """Return what one round got right."""
    made, true = calibrated(*truth(rng), asked, rng)
    out: dict[str, object] = {}
    hits: dict[str, list[bool]] = {}
    for t, tree in FRAMEWORK.tracks.items():
        low, high = np.quantile(made.draws[t], [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
        inside = (low <= true.local[t]) & (true.local[t] <= high)
        alone = [f.members[0] for f in tree.families if len(f.members) == 1]
        for i, node in enumerate(tree.nodes):
            if i not in alone and not (node.depth == 1 and t != "discrete"):
                hits.setdefault(LEVELS[node.depth - 1], []).append(bool(inside[i]))
    out["weights"] = {k: [sum(v), len(v)] for k, v in hits.items()}
    final, goal = calib.round_weights(made, 0.01), calib.round_weights(true, 0.01)
    for name, proposed, target in (("blend", made, true), ("rounded", final, goal)):
        facts, wanted = (
            Facts(PUBLISHED, w, firms, (), Evidence(), LEVEL, asked.draws)
            for w in (proposed, target)
        )
        low, high = facts.moved_interval
        plain = facts.interval(facts.moved_drawn)
        out[name] = [bool(low <= wanted.moved <= high), int(wanted.moved), facts.moved,
                     float(low), float(high), float(plain[0]), float(plain[1])]  # fmt: skip
        if name == "rounded":
            given = np.concatenate([facts.after[t] for t in facts.after])
            star = np.concatenate([wanted.after[t] for t in facts.after])
            table = np.concatenate([facts.probability[t] for t in facts.after])
            bins = np.minimum((table * 10).astype(int), 9)
            happened = star[:, None] == np.arange(table.shape[1])
            open_ones = (table > 0) & (table < 1)
            out["curve"] = [
                [int((open_ones & (bins == b)).sum()), float(table[open_ones & (bins == b)].sum()),
                 int((happened & open_ones & (bins == b)).sum())]
                for b in range(10)
            ]  # fmt: skip
            out["misrated"] = [facts.misrated, int((given != star).sum())]
            out["sure"] = [int((table == 1).sum()), int(happened[table == 1].sum())]
    return out


def report(rounds: list[dict[str, object]]) -> None:
    """Print the tables."""
    print(f"{len(rounds)} rounds")
    print("| 90 % interval of | covered |\n|---|---|")
    for level in LEVELS:
        hit, of = np.sum([r["weights"][level] for r in rounds], axis=0)
        print(f"| weights, {level} | {hit / of:.1%} |")
    for name in ("blend", "rounded"):
        found = np.array([r[name] for r in rounds], dtype=float)
        found[:, 3:5] = [ends_of_changes(*row) for row in found[:, [2, 5, 6]]]
        found[:, 0] = (found[:, 3] <= found[:, 1]) & (found[:, 1] <= found[:, 4])
        plain = ((found[:, 5] <= found[:, 1]) & (found[:, 1] <= found[:, 6])).mean()
        below, above = (found[:, 1] < found[:, 3]).mean(), (found[:, 1] > found[:, 4]).mean()
        print(f"| number of star changes, {name} | {found[:, 0].mean():.1%} (truth below "
              f"{below:.1%}, above {above:.1%}; percentiles alone {plain:.1%}) |")  # fmt: skip
    curve = np.sum([r["curve"] for r in rounds], axis=0)
    print("\n| P(star) | stars | promised | had it |\n|---|---|---|---|")
    for b, (n, promised, had) in enumerate(curve):
        if n:
            print(f"| {b / 10:.1f}–{(b + 1) / 10:.1f} | {n:.0f} | {promised / n:.3f} "
                  f"| {had / n:.3f} |")  # fmt: skip
    sure = np.sum([r["sure"] for r in rounds], axis=0)
    print(f"| 1 | {sure[0]} | 1 | {sure[1] / max(1, sure[0]):.4f} |")
    promised, found = np.mean([r["misrated"] for r in rounds], axis=0)
    print(f"\nmisrated: promised {promised:.2f}, found {found:.2f}")


def write_curve(rounds: list[dict[str, object]], path: Path) -> None:
    """Write the reliability curve that calib ships (``calib.reliability``)."""
    curve = np.sum([r["curve"] for r in rounds], axis=0)
    rows = [f"{len(rounds)},{n:.0f},{p / n:.4f},{h / n:.4f}" for n, p, h in curve if n]
    path.write_text("\n".join(["rounds,stars,promised,happened", *rows, ""]), encoding="ascii")


def draw_curve(rounds: list[dict[str, object]], path: Path) -> None:
    """Draw how often stars were right against the probability that they had."""
    import pandas as pd

    from calib.figures import save
    from calib.figures.stars import reliability_curve

    curve = np.sum([r["curve"] for r in rounds], axis=0)
    n, promised, had = curve[curve[:, 0] > 0].T
    table = pd.DataFrame({"stars": n, "promised": promised / n, "happened": had / n})
    save(reliability_curve(table, lang="en"), path)


def main() -> None:
    """Simulate rounds, keep them in a file, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--experts", type=int, default=18)
    parser.add_argument("--ballots", type=int, default=300, help="of each track")
    parser.add_argument("--enterprises", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--read", type=Path, nargs="+", help="files of rounds made before")
    parser.add_argument("--figure", type=Path, help="draw the reliability curve")
    parser.add_argument("--curve", type=Path, help="write the curve as CSV")
    parser.add_argument("--out", type=Path, help="results of every round, as JSON lines")
    asked = parser.parse_args()
    if asked.read:
        lines = [line for f in asked.read for line in f.read_text("utf-8").splitlines()]
        report([json.loads(line) for line in lines])
        if asked.figure is not None:
            draw_curve([json.loads(line) for line in lines], asked.figure)
        if asked.curve is not None:
            write_curve([json.loads(line) for line in lines], asked.curve)
        return
    trial = calib.load_population("trial", FRAMEWORK)
    firms = score_answers(
        calib.generate_population(FRAMEWORK, asked.enterprises, like=trial, rng=2)
    )
    rounds = []
    if asked.out is not None and asked.out.is_file():
        rounds = [json.loads(line) for line in asked.out.read_text("utf-8").splitlines()]
    for number in range(len(rounds), asked.rounds):
        rng = np.random.default_rng([asked.seed, number])
        rounds.append(one_round(asked, firms, rng))
        if asked.out is not None:
            with asked.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(rounds[-1]) + "\n")
    report(rounds)
    if asked.figure is not None:
        draw_curve(rounds, asked.figure)


if __name__ == "__main__":
    main()
