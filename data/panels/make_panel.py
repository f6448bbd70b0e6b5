"""Make the synthetic example panel again: ``python data/panels/make_panel.py``.

Twenty synthetic experts answer two Delphi rounds about the pillars and capabilities of the AII
framework: seven by pairwise comparisons, seven by Best-Worst, six by ratings. Nothing here was ever
said by anybody. The opinions are drawn around made-up centres: two clusters (one would give data
analytics more weight), one expert who turns the pillars round, one careless one. In the second
round everybody moves half way to the group, and two experts do not answer. Round 1 is written as
one plain table, round 2 as returned XLSX forms, so that the example shows both ways in.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from calib.experts.elicit import elicit
from calib.experts.form_write import write_form
from calib.experts.pairwise import matrix_from_pairs, pairs_of
from calib.experts.panel import Answer, ExpertForm, Panel, Question, questions_of
from calib.experts.panel_csv import write_panel_csv
from calib.experts.pooling import BASIS_SCALE, FAMILIARITY_SCALE, basis_of_judgement
from calib.framework import load_framework

SEED = 20170214
LABEL = "合成示例数据，非真实专家意见 · synthetic example, no real opinions"
METHODS = ("ahp",) * 7 + ("bwm",) * 7 + ("ratings",) * 6
ABSENT_IN_ROUND_2 = (4, 17)
ANALYTICS_CAMP = (2, 6, 9, 12, 18)
CONTRARY, CARELESS = 10, 5
HERE = Path(__file__).resolve().parent


def opinion(question: Question, expert: int, published: np.ndarray, rng: np.random.Generator):
    """Draw one expert's true local weights around a centre."""
    logs = np.log(published)
    if question.key == "root":
        if expert in ANALYTICS_CAMP:
            logs = logs + np.array([-0.35, -0.25, 0.45])
        if expert == CONTRARY:
            logs = np.array([-2.2, -1.2, 0.0])
    weights = np.exp(logs + rng.normal(0, 0.22, logs.size))
    return weights / weights.sum()


def answer(method: str, weights: np.ndarray, noise: float, rng: np.random.Generator) -> Answer:
    """Turn true weights into what the expert writes down."""
    n = weights.size
    if method == "ratings":
        raw = 10 * (weights / weights.max()) ** 0.6 * np.exp(rng.normal(0, noise / 3, n))
        return Answer("ratings", np.clip(np.round(raw), 1, 10))
    if method == "ahp":
        ratios = [weights[i] / weights[j] * np.exp(rng.normal(0, noise)) for i, j in pairs_of(n)]
        whole = [max(1, min(9, round(max(r, 1 / r)))) for r in ratios]
        signed = [w if r >= 1 else 1 / w for w, r in zip(whole, ratios, strict=True)]
        return Answer("ahp", matrix_from_pairs(np.array(signed), n))
    best, worst = int(weights.argmax()), int(weights.argmin())
    top = max(2, min(9, round(weights.max() / weights.min() * float(np.exp(rng.normal(0, noise))))))
    others = np.clip(np.round(weights[best] / weights * np.exp(rng.normal(0, noise, n))), 1, top)
    lowest = np.clip(np.round(weights / weights[worst] * np.exp(rng.normal(0, noise, n))), 1, top)
    others[best] = lowest[worst] = 1
    others[worst] = lowest[best] = top
    return Answer("bwm", np.stack([others, lowest]), best, worst)


def make_panel() -> tuple[Panel, dict[str, tuple[int, int, int, int, int]]]:
    """Draw the panel; returns it with each expert's self-assessment."""
    rng = np.random.default_rng(SEED)
    framework = load_framework("aii")
    questions = questions_of(framework, levels=["pillar", "capability"])
    forms: list[ExpertForm] = []
    selves = {}
    truths: dict[tuple[int, str], np.ndarray] = {}
    for e, method in enumerate(METHODS):
        name = f"synthetic-{e + 1:02d}"
        own = tuple(int(v) for v in (*rng.integers(1, 4, 4), rng.integers(1, 4)))
        selves[name] = own
        noise = 0.9 if e == CARELESS else 0.2
        answers = {}
        for key, question in questions.items():
            track = question.tracks[0]
            at = [framework.tracks[track].index[code] for code in question.items]
            truths[e, key] = opinion(question, e, framework.published[track][at], rng)
            answers[key] = answer(method, truths[e, key], noise, rng)
        forms.append(_form(name, 1, answers, own))
    for e, method in enumerate(METHODS):
        if e in ABSENT_IN_ROUND_2:
            continue
        name = f"synthetic-{e + 1:02d}"
        answers = {}
        for key in questions:
            group = np.mean([truths[other, key] for other in range(len(METHODS))], axis=0)
            moved = np.sqrt(truths[e, key] * group)  # half way, in log-ratios
            answers[key] = answer(method, moved / moved.sum(), 0.1, rng)
        forms.append(_form(name, 2, answers, selves[name]))
    ordered = tuple(sorted(forms, key=lambda f: (f.round, f.expert)))
    return Panel(framework, questions, ordered), selves


def _form(name: str, number: int, answers: dict[str, Answer], own: tuple[int, ...]) -> ExpertForm:
    basis = basis_of_judgement(dict(zip(BASIS_SCALE, own[:4], strict=True)))
    for a in answers.values():
        named = {"best": [a.best], "worst": [a.worst]} if a.method == "bwm" else {}
        elicit(a.method, a.response[None], **named)  # raises if a draw is no valid judgement
    return ExpertForm(name, number, answers, basis, FAMILIARITY_SCALE[own[4] - 1])


def main() -> None:
    """Write the table of round 1 and the forms of round 2."""
    panel, selves = make_panel()
    folder = HERE / "example"
    folder.mkdir(exist_ok=True)
    first = Panel(panel.framework, panel.questions, panel.in_round(1))
    write_panel_csv(first, folder / "round-1-synthetic.csv")
    for form in panel.in_round(2):
        method = next(iter(form.answers.values())).method
        write_form(
            folder / f"round-2-{form.expert}.xlsx",
            panel.framework,
            panel.questions,
            method,
            lang="zh",
            expert=form.expert,
            round_number=2,
            filled=form,
            self_rating=selves[form.expert],
            label=LABEL,
        )


if __name__ == "__main__":
    main()
