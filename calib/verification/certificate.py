"""A verification as a page to be printed, signed and filed."""

from __future__ import annotations

from html import escape

from calib.report import table_html
from calib.verification.verify import Verification
from calib.words import say

__all__ = ["verification_page"]

_STYLE = """
body{font:15px/1.5 "Noto Sans CJK SC","Microsoft YaHei",system-ui,sans-serif;max-width:70rem;
margin:2rem auto;padding:0 1rem;color:#1b1b1b}
table{border-collapse:collapse;margin:.5rem 0 1.5rem}td,th{border:1px solid #bbb;
padding:.15rem .5rem;text-align:left;font-variant-numeric:tabular-nums}
.passed{color:#0a6b2d}.failed{color:#a40000}.sign{margin-top:3rem;display:grid;
grid-template-columns:1fr 1fr 1fr;gap:2rem}.sign div{border-top:1px solid #333;padding-top:.3rem}
"""


def verification_page(done: Verification, lang: str) -> str:
    """Return the report of a verification as one HTML page in one language."""
    verdict = "passed" if done.passed else "failed"
    checks = "".join(
        f"<tr><td>{escape(c.what.get(lang))}</td>"
        f'<td class="{c.state}">{escape(say(f"verify.state.{c.state}", lang))}</td>'
        f"<td>{escape(c.found.get(lang))}</td></tr>"
        for c in (*done.controls, *done.health)
    )
    tables = "".join(
        f"<h2>{escape(t.title.get(lang))}</h2>{table_html(t, lang, rows=t.rows)}"
        for t in done.tables
    )
    signs = "".join(
        f"<div>{escape(say(f'verify.sign.{key}', lang))}</div>" for key in ("name", "date", "hand")
    )
    title = escape(say("verify.title", lang))
    tag = "zh-CN" if lang == "zh" else "en"
    return (
        f'<!doctype html><html lang="{tag}"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>"
        f'<p class="{verdict}"><b>{escape(done.headline().get(lang))}</b></p>'
        f"<p>{escape(say('verify.when', lang, when=done.finished, id=done.identifier))}</p>"
        f"<h2>{escape(say('verify.checks', lang))}</h2><table>{checks}</table>{tables}"
        f'<div class="sign">{signs}</div></body></html>\n'
    )
