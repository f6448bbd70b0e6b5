"""The page for the committee: what a decision found, in the order in which it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from calib.outcomes.decision_rules import Ruling
from calib.report.display import spell
from calib.report.page import (
    Advice,
    Bullets,
    Columns,
    Figure,
    Grid,
    Heading,
    Page,
    Paragraph,
    Part,
    Tone,
)
from calib.words import Text, joined, message, resolve_language, say

if TYPE_CHECKING:
    from calib.outcomes.decision import DecisionResult

__all__ = ["decision_page"]

_TONES: dict[str, Tone] = {"met": "good", "not_met": "bad", "cannot_know": "open"}
_ADVICE: dict[str, Tone] = {"adopt": "good", "reject": "bad", "ask": "open"}
MOST_MOVERS = 8
MOST_NODES = 4
MOST_CAVEATS = 3


def decision_page(decision: DecisionResult, lang: str | None, *, anonymous: bool = False) -> Page:
    """Return the page; see :meth:`DecisionResult.page`."""
    return _Author(decision, resolve_language(lang), anonymous).page()


class _Author:
    def __init__(self, decision: DecisionResult, lang: str, anonymous: bool) -> None:
        self.decision, self.lang, self.anonymous = decision, lang, anonymous
        self.facts = decision.facts
        self.level = f"{100 * decision.request.confidence:g}"
        self.say = partial(self._say, "outcomes.decision.page.")

    def _say(self, prefix: str, key: str, **values: object) -> str:
        return message(prefix + key, **values).get(self.lang)

    def page(self) -> Page:
        facts = self.facts
        framework = facts.proposed.framework
        sizes = [f"{framework.tracks[t].name.get(self.lang)} {len(s)}"
                 for t, s in facts.scored.samples.items()]  # fmt: skip
        return Page(
            self.say("title", proposed=facts.proposed.label, current=facts.current.label),
            self.say("subtitle", framework=framework.name, version=framework.version,
                     label=facts.scored.label, n=facts.enterprises, sizes=sizes),
            self.lang,
            (
                *self._advice(),
                *self._rules(),
                Columns(tuple(self._stars()), tuple(self._movers())),
                *self._weights(),
                Columns(tuple(self._drivers()), tuple(self._agreement())),
                *self._caveats(),
            ),
        )  # fmt: skip

    def _advice(self) -> Iterator[Part]:
        decision = self.decision
        title = say(f"outcomes.decision.advice.{decision.advice}", self.lang)
        items = [self._reason(r) for r in decision.open_rules]
        if decision.advice == "adopt":
            items = [self.say("all_met", n=len(decision.rulings))]
        items += [self.say("change", text=c) for c in decision.changes[:3]]
        yield Advice(title, items, _ADVICE[decision.advice])

    def _reason(self, ruling: Ruling) -> str:
        verdict = message(f"values.{ruling.verdict}")
        return self.say("reason", rule=ruling.title, found=ruling.found, verdict=verdict)

    def _rules(self) -> Iterator[Part]:
        yield Heading(self.say("rules"))
        heads = [self.say(k) for k in ("rule", "asked", "found", "verdict", "p_met")]
        rows = [
            (r.title.get(self.lang), r.asked.get(self.lang), r.found.get(self.lang),
             say(f"values.{r.verdict}", self.lang),
             "–" if np.isnan(r.p_met) else f"{100 * r.p_met:.0f}%")
            for r in self.decision.rulings
        ]  # fmt: skip
        tones = [_TONES[r.verdict] for r in self.decision.rulings]
        yield Grid(heads, rows, numbers=(4,), tones=tones, verdict=3)
        when = self.decision.protocol
        if when is None:
            declared = bool(self.decision.request.rules.model_fields_set)
            when = message(f"outcomes.decision.page.{'declared' if declared else 'defaults'}")
        yield Paragraph(when.get(self.lang), muted=True)

    def _stars(self) -> Iterator[Part]:
        facts = self.facts
        yield Heading(self.say("stars"))
        yield Paragraph(joined(list(self._star_sentences()), "").get(self.lang))
        table = self.decision.frame("decision-stars")
        table = table[table["scope"] == "all"]
        drawn = facts.drawn is not None and facts.estimated
        heads = [self.say(k) for k in ("star", "before", "after")]
        labels = facts.scored.framework.rule.labels
        rows = []
        for row, label in zip(table.itertuples(), labels, strict=True):
            cells = [label.get(self.lang), f"{row.count_before:g}", f"{row.count_after:g}"]
            if drawn:
                cells += [f"{row.count_low:.0f}–{row.count_high:.0f}"]
            rows.append(cells)
        if drawn:
            heads.append(self.say("interval", level=self.level))
        yield Grid(heads, rows, numbers=tuple(range(1, len(heads))))

    def _star_sentences(self) -> Iterator[Text]:
        facts, page = self.facts, "outcomes.decision.page."
        up = sum(int((facts.after[t] > v).sum()) for t, v in facts.before.items())
        tracks = facts.proposed.framework.tracks
        by = [
            message(page + "of_track", track=tracks[t].name,
                    n=int((facts.after[t] != v).sum()), of=len(v))
            for t, v in facts.before.items()
        ]  # fmt: skip
        yield message(page + "moved", n=facts.moved, of=facts.enterprises, up=up,
                      down=facts.moved - up, by=by if len(by) > 1 else "–")  # fmt: skip
        if facts.moved_interval is not None:
            least, most = facts.moved_interval
            yield message(page + "moved_drawn", low=f"{least:.0f}", high=f"{most:.0f}",
                          level=self.level)  # fmt: skip
        if facts.samples:
            low, high = facts.interval(facts.moved_samples)
            yield message(page + "moved_samples", n=len(facts.samples), low=f"{low:.0f}",
                          high=f"{high:.0f}", least=int(facts.moved_samples.min()),
                          most=int(facts.moved_samples.max()), level=self.level)  # fmt: skip
        if facts.misrated is not None:
            yield message(page + "misrated", n=f"{facts.misrated:.1f}")

    def _movers(self) -> Iterator[Part]:
        yield Heading(self.say("movers"))
        movers = self.decision.movers
        if not len(movers):
            yield Paragraph(self.say("nobody"))
            return
        if self.anonymous:
            yield Paragraph(self.say("withheld"))
            return
        sure = "p_moves" in movers
        heads = [self.say(k) for k in ("enterprise", "stars_now", "cause")]
        names, labels = self.decision.names, self.facts.scored.framework.rule
        rows = []
        for row in movers.head(MOST_MOVERS).itertuples():
            old, new = (labels.labels[k - labels.first].get(self.lang)
                        for k in (row.from_star, row.to_star))  # fmt: skip
            cells = [str(row.name), f"{old} → {new}", spell(row.reason, names, self.lang)]
            rows.append([*cells, *([f"{100 * row.p_moves:.0f}%"] if sure else [])])
        if sure:
            heads.append(self.say("p"))
        yield Grid(heads, rows, numbers=(3,) if sure else ())
        left = len(movers) - len(rows)
        if left:
            yield Paragraph(self.say("more_movers", n=left), muted=True)

    def _weights(self) -> Iterator[Part]:
        yield Heading(self.say("weights"))
        table = self.facts.weights
        told = table[table["outside"].notna()]
        changed = int((table["local_pp"].abs() > 1e-7).sum())
        largest = table.loc[table["local_pp"].abs().idxmax()]
        names = self.decision.names
        text = [message(
            "outcomes.decision.page.changed", n=changed, of=len(table),
            code=names[largest["code"]], pp=f"{largest['local_pp']:+.1f}",
            old=f"{largest['baseline_local']:.2f}", new=f"{largest['local_weight']:.2f}",
        )]  # fmt: skip
        if len(told):
            outside = [names[c] for c in told.loc[told["outside"].astype(bool), "code"]]
            more = len(outside) - 6
            listed: Text | str = joined(outside[:6]) if outside else "–"
            if more > 0:
                listed = message("outcomes.decision.page.and_more", listed=listed, n=more)
            text.append(message("outcomes.decision.page.outside", n=len(outside), of=len(told),
                                listed=listed, level=self.level))  # fmt: skip
        yield Paragraph(joined(text, "").get(self.lang))
        drawing = self.decision.drawings[0]
        yield self._figure(drawing.title.get(self.lang))

    def _figure(self, title: str) -> Figure:
        from calib.figures import to_png_bytes, to_svg_string

        made = self.decision.drawings[0].draw(self.lang)
        narrow = to_svg_string(self.decision.stacked_figure(self.lang), title=title)
        svg = to_svg_string(made, title=title)
        return Figure(svg, lambda: to_png_bytes(made, dpi=200), title, narrow)

    def _drivers(self) -> Iterator[Part]:
        yield Heading(self.say("drivers"))
        found = self.decision.drivers
        ranking = [] if found is None else found.ranking()
        if found is None or not ranking:
            yield Paragraph(self.say("no_drivers"))
            return
        rows = []
        for what, share in ranking:
            error, shown = found.error_of(what), f"{100 * share:.0f}%"
            shown += f" ± {np.ceil(100 * error):.0f}%" if error > 0 else ""
            rows.append((what.get(self.lang) if isinstance(what, Text) else what, shown))
        yield Grid([self.say("root"), self.say("share")], rows, numbers=(1,))
        deviation = 0.0 if found.sampled is None else found.sampled.variance[0]
        yield Paragraph(self.say("of_what", sd=f"{np.sqrt(deviation):.1f}"), muted=True)

    def _agreement(self) -> Iterator[Part]:
        yield Heading(self.say("agreement"))
        table = self.decision.agreement
        if not len(table):
            yield Paragraph(self.say("no_panel"))
            return
        names, rows = self.decision.names, []
        for row in table.head(MOST_NODES).itertuples():
            node = names[row.node].get(self.lang) if row.node else self._say(
                "outcomes.decision.", "root")  # fmt: skip
            where = f"{names[row.track].get(self.lang)} · " if row.track in names else ""
            w = "–" if np.isnan(row.kendall_w) else (
                f"{row.kendall_w:.2f} ({row.w_low:.2f}–{row.w_high:.2f})")  # fmt: skip
            rows.append((where + node, f"{row.judged_by}", w))
        yield Grid([self.say("node"), self.say("experts"), "W"], rows, numbers=(1, 2))
        if len(table) > len(rows):
            yield Paragraph(self.say("more_nodes", n=len(table) - len(rows)), muted=True)

    def _caveats(self) -> Iterator[Part]:
        yield Heading(self.say("caveats"))
        found = [c.get(self.lang) for c in self.decision.caveats[:MOST_CAVEATS]]
        yield Bullets(found or [self.say("no_caveats")])
        left = len(self.decision.caveats) - len(found)
        if left > 0:
            yield Paragraph(self.say("more_caveats", n=left), muted=True)
