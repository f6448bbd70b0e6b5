"""Tables and the figure of a panel: weights, experts, consistency, rounds, groups, seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from calib._types import FloatArray, IntArray
from calib.experts.cooke import Performance
from calib.experts.delphi_panel import NodeRound, changes_table, items_table, rounds_table
from calib.experts.diagnostics import outlying_experts, star_influence
from calib.experts.elicit import METHODS
from calib.experts.judgements import TOTALS, NodeJudgements
from calib.experts.panel import Panel
from calib.experts.panel_differences import Direction, NodeGroups, clusters_table, methods_table
from calib.experts.random_index import random_index_name, random_index_source
from calib.experts.synthesis import PanelWeights
from calib.rating import Scored
from calib.rating.stars import stars_by_draw
from calib.report import Drawing, Role, Table
from calib.words import Message, Text, joined, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "PanelFindings",
    "SeedScores",
    "consistency_table",
    "experts_table",
    "panel_tables",
    "seeds_table",
    "sums_table",
    "weights_drawing",
    "weights_table",
]

SeedScores = tuple[tuple[str, ...], Performance]
"""Names, and their performance on the seed questions in that order."""
Stars = Callable[[str, FloatArray], IntArray]

_METHOD_NAMES = {key: method.name for key, method in METHODS.items()}


@dataclass(frozen=True, eq=False)
class PanelFindings:
    """A panel, its weights, and everything that was tested about it.

    Attributes
    ----------
    panel : the judgements that were used
    pooled : the round that gives the weights
    name : of the weight set, shown in titles
    """

    panel: Panel
    pooled: PanelWeights
    rounds: Sequence[NodeRound]
    groups: Mapping[str, NodeGroups]
    direction: Direction
    seeds: SeedScores | None
    name: str

    def title(self, key: str, **values: Any) -> Message:
        """Return the title of a table or figure, with the set's name; synthetic panels say so."""
        what = message(f"experts.title.{key}", **values)
        kind = "synthetic_title" if self.panel.synthetic else "named_title"
        return message(f"experts.{kind}", title=what, name=self.name)


def panel_tables(found: PanelFindings, scored: Scored | None = None) -> tuple[Table, ...]:
    """Return the tables of a panel; those without rows are left out.

    Parameters
    ----------
    scored : enterprises by which the table of experts counts the stars that each one decides;
        left out where answers are missing
    """
    stars = None
    if scored is not None and all(sample.complete for sample in scored.samples.values()):
        stars = partial(_stars, scored)
    nodes, rounds = found.pooled.nodes, found.rounds
    names = {key: question.called for key, question in found.panel.questions.items()}
    confidence = f"{100 * found.pooled.request.confidence:g}"
    experts = experts_table(found.panel, found.pooled, stars, found.direction)
    made = [
        ("weights", weights_table(found.pooled), 40),
        ("experts", experts, 40),
        ("consistency", consistency_table(nodes), 15),
        ("sums", sums_table(nodes), 15),
        ("rounds", rounds_table(rounds), 40),
        ("items", items_table(rounds), 30),
        ("changes", changes_table(rounds), 30),
        ("clusters", clusters_table(found.groups), 20),
        ("methods", methods_table(found.groups), 30),
    ]
    if found.seeds is not None:
        made.append(("seeds", seeds_table(*found.seeds), 40))
    return tuple(
        _table(key, frame, found.title(key, confidence=confidence), rows, names)
        for key, frame, rows in made
        if len(frame)
    )


def _table(
    key: str, frame: pd.DataFrame, title: Text, rows: int, names: Mapping[str, Text]
) -> Table:
    """Return a table; in the file its cells are English and codes, where shown they are in words.

    A file says the same whoever makes it, as its column keys do.
    """
    said = [c for c in ("reasons", "look_again_at", "index_source") if c in frame]
    in_words: dict[str, Callable[[str], Text | str]] = {
        "node": lambda cell: names.get(cell, cell),
        "nodes_against_rest": partial(_listed, names=names, form="experts.node.against"),
        "methods": partial(_listed, names=_METHOD_NAMES, form="experts.node.method"),
    }
    coded = {c: in_words[c] for c in frame if c in in_words}
    if not said and not coded:
        return Table(key, frame, title, rows)
    plain = frame.assign(**{c: [_english(v) for v in frame[c]] for c in said})
    shown = frame.assign(**{c: [spell(v) for v in frame[c]] for c, spell in coded.items()})
    return Table(key, plain, title, rows, shown=shown)


def _listed(cell: str, names: Mapping[str, Text], form: str) -> Text | str:
    """Put a cell such as ``ahp 5, bwm 4`` or ``root (-0.94)`` in words."""
    if not cell:
        return cell
    parts = [part.split(" ", 1) for part in cell.split(", ")]
    return joined(
        [
            message(form, name=names.get(code, code), n=number, r=number.strip("()"))
            for code, number in parts
        ]
    )


def _english(value: Text | None) -> str:
    return "" if value is None else value.get("en")


def _stars(scored: Scored, track: str, local: FloatArray) -> IntArray:
    """Rate a track's enterprises under (s, m) local weights: stars (s, n)."""
    tree = scored.framework.tracks[track]
    sample = scored.samples.get(track)
    if sample is None or not len(sample):
        return np.zeros((len(local), 0), dtype=np.int64)
    thresholds = scored.framework.rule.effective(scored.rule_options, track)
    return stars_by_draw(tree, sample.X, local, thresholds)


def weights_drawing(found: PanelFindings) -> Drawing:
    """Draw the panel's weights with their intervals, node by node."""
    confidence = f"{100 * found.pooled.request.confidence:g}"
    title = found.title("weights", confidence=confidence)

    def draw(lang: str) -> Any:
        import pandas as pd

        from calib.figures import estimates

        rows, labels = [], []
        for key, pooled in found.pooled.pooled.items():
            question = found.pooled.nodes[key].question
            for i, item in enumerate(question.names):
                place = question.place
                where = f"{place.get(lang)} · " if place is not None else ""
                labels.append(f"{where}{item.get(lang)}")
                rows.append((pooled.weights[i], pooled.low[i], pooled.high[i]))
        frame = pd.DataFrame(rows, columns=["estimate", "lower", "upper"], index=labels)
        axis = message("weights.axis").get(lang)
        return estimates(frame, label=axis, lang=lang, title=title.get(lang))

    return Drawing("weights", title, draw, roles=(Role.WEIGHT,))


def weights_table(result: PanelWeights) -> pd.DataFrame:
    """Return the panel's local weights with intervals, a row per node and item."""
    import pandas as pd

    rows = []
    for key, pooled in result.pooled.items():
        node = result.nodes[key]
        for i, code in enumerate(node.question.items):
            rows.append(
                {
                    "node": key,
                    "code": code,
                    "name_zh": node.question.names[i].zh,
                    "name_en": node.question.names[i].en,
                    "weight": pooled.weights[i],
                    "low": pooled.low[i],
                    "high": pooled.high[i],
                    "se": pooled.se[i],
                    "experts": len(node.experts),
                }
            )
    return pd.DataFrame(rows)


def consistency_table(nodes: Mapping[str, NodeJudgements]) -> pd.DataFrame:
    """Return a row per expert and node: consistency, the random index used, the worst judgement."""
    import pandas as pd

    rows = []
    for key, node in nodes.items():
        acceptable = node.acceptable
        for i, expert in enumerate(node.experts):
            if not np.isnan(node.consistency[i]):
                found = (node.measure[i], node.consistency[i], node.limit[i])
                index = (node.random_index[i], _index_source(node.index[i]), int(node.missing[i]))
                verdict = "yes" if acceptable[i] else "no"
                rows.append((key, expert, node.methods[i], *found, verdict, *index, node.hint[i]))
    columns = ["node", "expert", "method", "measure", "consistency", "limit", "acceptable"]
    columns += ["random_index", "index_source", "missing_pairs", "look_again_at"]
    frame = pd.DataFrame(rows, columns=columns)
    above = (frame["consistency"] / frame["limit"]).where(frame["acceptable"] == "no", 0.0)
    order = frame.assign(above=-above.astype(float))
    order = order.sort_values(["acceptable", "above", "node", "expert"], ignore_index=True)
    return order.drop(columns="above")


def _index_source(label: str) -> Text | None:
    if not label:
        return None
    index, source = random_index_name(label), random_index_source(label)
    return message("experts.index_named", index=index, source=source)


def seeds_table(experts: Sequence[str], performance: Performance) -> pd.DataFrame:
    """Return a row per expert: calibration, information and weight by seed questions (Cooke).

    Parameters
    ----------
    experts
        Names in the order of the rows of ``performance``.
    performance
        From :func:`calib.experts.cooke.weights_from_seeds`.
    """
    import pandas as pd

    reached = performance.calibration >= performance.cutoff
    return pd.DataFrame(
        {
            "expert": list(experts),
            "seed_questions": performance.counts.sum(axis=1),
            "between_quantiles": ["/".join(str(c) for c in row) for row in performance.counts],
            "calibration": performance.calibration,
            "information": performance.information,
            "calibration_x_information": performance.score,
            "seed_cutoff": performance.cutoff,
            "reaches_cutoff": np.where(reached, "yes", "no"),
            "seed_overshoot": performance.overshoot,
            "weight": performance.weights,
        }
    )


def sums_table(nodes: Mapping[str, NodeJudgements]) -> pd.DataFrame:
    """Return a row per judgement by direct weights or points: its sum before normalising."""
    import pandas as pd

    rows = [
        (key, expert, node.methods[i], node.stated_sum[i], "no" if off else "yes")
        for key, node in nodes.items()
        for i, (expert, off) in enumerate(zip(node.experts, node.off_total, strict=True))
        if node.methods[i] in TOTALS
    ]
    columns = ["node", "expert", "method", "stated_sum", "adds_up"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values(["adds_up", "node", "expert"], ignore_index=True)


def experts_table(
    panel: Panel,
    result: PanelWeights,
    stars: Stars | None = None,
    direction: Direction | None = None,
) -> pd.DataFrame:
    """Return a row per expert: competence, consistency, outlier score, and what they change.

    Parameters
    ----------
    panel, result
        The panel and its pooled round.
    stars
        Function from a track and (s, m) local weights to (s, n) stars; None if there is no
        population to rate.
    direction
        From :func:`calib.experts.panel_direction`; adds how the expert's answers go with
        the rest of the panel, and the nodes at which they run against it.
    """
    import pandas as pd

    forms = {form.expert: form for form in panel.in_round(result.round)}
    distance = _by_expert(result, lambda node: outlying_experts(node.weights).score)
    flagged = _by_expert(
        result, lambda node: np.asarray(outlying_experts(node.weights).outlying, dtype=float)
    )
    doubtful = _by_expert(result, lambda node: np.asarray(~node.acceptable, dtype=float))
    shift = _leaf_shift(panel, result)
    up, down = _stars_changed(panel, result, stars)
    rows = []
    for e, expert in enumerate(result.experts):
        form = forms[expert]
        methods = {a.method for a in form.answers.values()}
        rows.append(
            {
                "expert": expert,
                "method": ", ".join(sorted(methods)),
                "nodes": len(form.answers),
                "ca": form.basis,
                "cs": form.familiarity,
                "cr": form.authority,
                "mean_weight": result.competence[e][result.competence[e] > 0].mean()
                if (result.competence[e] > 0).any()
                else 0.0,
                "doubtful_nodes": int(np.nansum(doubtful[e])),
                "outlying_nodes": int(np.nansum(flagged[e])),
                "largest_outlier_score": np.nanmax(distance[e]),
                "weight_shift_without": shift[e],
                "stars_up_without": up[e],
                "stars_down_without": down[e],
            }
            | _direction_cells(result, direction, e)
        )
    return pd.DataFrame(rows)


def _direction_cells(
    result: PanelWeights, direction: Direction | None, e: int
) -> dict[str, object]:
    if direction is None:
        return {}
    against = [
        f"{key} ({r:.2f})"
        for key, r in zip(result.nodes, direction.by_node[e].tolist(), strict=True)
        if r < 0
    ]
    return {
        "correlation_with_rest": direction.correlation[e],
        "p_against_rest": direction.p[e],
        "p_floor": direction.floor,
        "nodes_against_rest": ", ".join(against),
    }


def _by_expert(result: PanelWeights, of: Callable[[NodeJudgements], FloatArray]) -> FloatArray:
    out = np.full((len(result.experts), len(result.nodes)), np.nan)
    for column, node in enumerate(result.nodes.values()):
        rows = [result.experts.index(name) for name in node.experts]
        out[rows, column] = of(node)
    return out


def _leaf_shift(panel: Panel, result: PanelWeights) -> FloatArray:
    """Return the largest move, over tracks, of leaf weights (total variation)."""
    moved = np.zeros(len(result.experts))
    for t, tree in panel.framework.tracks.items():
        whole = tree.leaf_weights(result.local[t])
        part = tree.leaf_weights(result.without[t])
        moved = np.maximum(moved, np.abs(part - whole).sum(axis=1) / 2)
    return moved


def _stars_changed(
    panel: Panel, result: PanelWeights, stars: Stars | None
) -> tuple[Sequence[object], Sequence[object]]:
    k = len(result.experts)
    if stars is None:
        return [None] * k, [None] * k
    up, down = np.zeros(k, dtype=int), np.zeros(k, dtype=int)
    for t in panel.framework.tracks:
        found = star_influence(result.local[t], result.without[t], partial(stars, t))
        up, down = up + found.up, down + found.down
    return up.tolist(), down.tolist()
