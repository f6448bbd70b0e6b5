"""Notebooks with parameters: executed in a kernel, rendered as parts of a page."""

from __future__ import annotations

import asyncio
import base64
import html
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calib.errors import CalibError, InputError, MissingExtraError
from calib.files.inputs import note_input
from calib.publish.live import collect, without_inputs
from calib.report import RELEASED
from calib.words import message, say

__all__ = ["Executed", "execute_notebook", "live_inputs", "render_notebook"]

_SET = "set-parameters"
"""Id of the cell that is put in; an author does not count it."""

_TIMEOUT = 900


@dataclass(frozen=True, eq=False)
class Executed:
    """A notebook after its run.

    Attributes
    ----------
    name : file name without ending
    title : first heading in the wanted language
    node : the notebook with its outputs
    """

    name: str
    title: str
    node: Any


def _need(package: str) -> Any:
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError as exc:
        raise MissingExtraError(message("extras.notebooks"), "publish") from exc


def execute_notebook(
    path: str | Path,
    parameters: Mapping[str, Any],
    *,
    filling: Mapping[str, Any] | None = None,
    live: bool = False,
    folder: str | Path = ".",
) -> Executed:
    """Run a notebook from top to bottom with parameters in place of its own.

    Parameters
    ----------
    path : a notebook; the cell tagged ``parameters`` gives the defaults
    parameters : values set right after that cell; names that it does not set are refused
    filling : arguments of :func:`calib.publish.filling.filled`, which gives the values of further
        parameters and puts privacy in force
    live : whether results note what they were computed from, so that the page can recompute them
    folder : the kernel's working directory, from which the notebook's file names start

    Raises
    ------
    InputError
        When the file is no notebook, or has no such parameter.
    CalibError
        When a cell fails; the message names the cell and gives the error. When the kernel dies
        or a cell takes longer than 15 minutes.
    """
    nbformat = _need("nbformat")
    nbclient = _need("nbclient")
    file = Path(path)
    if file.exists():
        note_input(file)
    try:
        node = nbformat.read(file, as_version=4)
    except FileNotFoundError as exc:
        raise InputError(message("publish.no_notebook", file=str(file))) from exc
    except Exception as exc:
        raise InputError(message("publish.bad_notebook", file=str(file), cause=str(exc))) from exc
    _set_parameters(node, parameters, filling, file, live)
    client = nbclient.NotebookClient(
        node, timeout=_TIMEOUT, kernel_name="python3", extra_arguments=["--log-level=40"],
        resources={"metadata": {"path": str(folder)}},
    )  # fmt: skip
    try:
        _execute(client)
    except nbclient.exceptions.CellExecutionError as exc:
        number = sum(
            1 for c in node.cells
            if c.cell_type == "code" and c.get("execution_count") and c.get("id") != _SET
        )  # fmt: skip
        cause = f"{exc.ename}: {exc.evalue}"
        said = message("publish.cell_fails", file=str(file), n=number, cause=cause)
        raise CalibError(said) from exc
    except (nbclient.exceptions.DeadKernelError, nbclient.exceptions.CellTimeoutError) as exc:
        raise CalibError(message("publish.kernel_stopped", file=str(file), cause=str(exc))) from exc
    language = str((filling or {}).get("language", parameters.get("LANGUAGE", "zh")))
    return Executed(file.stem, _title(node, language, file.stem), node)


class _OwnLoop(asyncio.SelectorEventLoop):
    """A loop that leaves signals to asyncio, which cancels what runs and clears up behind it.

    nbclient's own handlers would take the kernel away under the cell that waits for it.
    """

    def add_signal_handler(self, *args: Any) -> None:  # type: ignore[override]
        raise RuntimeError("signals are left to asyncio")

    def remove_signal_handler(self, sig: int) -> bool:
        return False


async def _all_cells(client: Any) -> None:
    dead = _need("nbclient").exceptions.DeadKernelError
    try:
        # What a kernel says when it is taken down is no output of the notebook.
        await client.async_execute(stderr=subprocess.DEVNULL)
    except dead as exc:
        task = asyncio.current_task()
        if task is not None and task.cancelling():  # by Ctrl-C; nbclient takes it for a death
            raise asyncio.CancelledError from exc
        raise


def _execute(client: Any) -> None:
    """Run all cells; whatever stops them, no kernel stays behind."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:  # inside a notebook, nbclient finds a way of its own
        client.execute()
        return
    with asyncio.Runner(loop_factory=_OwnLoop) as runner:
        try:
            runner.run(_all_cells(client))
        finally:
            if client.km is not None and client.km.has_kernel:
                runner.run(client.km.shutdown_kernel(now=True))


def _set_parameters(
    node: Any, parameters: Mapping[str, Any], filling: Mapping[str, Any] | None, file: Path,
    live: bool,
) -> None:  # fmt: skip
    tagged = [i for i, c in enumerate(node.cells) if "parameters" in c.metadata.get("tags", [])]
    if not tagged:
        if parameters:
            raise InputError(message("publish.no_parameters", file=str(file)))
        if filling is not None or live:
            node.cells.insert(0, _hidden(_filling([], filling, live)))
        return
    source = node.cells[tagged[0]].source
    known = set(re.findall(r"^([A-Za-z_]\w*)\s*(?::[^=]+)?=", source, flags=re.MULTILINE))
    unknown = [name for name in parameters if name not in known]
    if unknown:
        raise InputError(
            message("publish.no_parameter", file=str(file), names=unknown, known=sorted(known))
        )
    lines = _filling(sorted(known), filling, live)
    lines += [f"{name} = {value!r}" for name, value in parameters.items()]
    if lines:
        node.cells.insert(tagged[0] + 1, _hidden(lines))


def _filling(names: Sequence[str], filling: Mapping[str, Any] | None, live: bool) -> list[str]:
    if filling is None:
        return ["from calib.publish.live import record", "record()"] if live else []
    if live:
        filling = {**filling, "live": True}
    arguments = ", ".join(f"{k}={v!r}" for k, v in filling.items())
    return [
        "from calib.publish.filling import filled",
        f"globals().update(filled({list(names)!r}, {arguments}))",
    ]


def _hidden(lines: Sequence[str]) -> Any:
    cell = _need("nbformat").v4.new_code_cell("\n".join(lines))
    cell["id"] = _SET
    cell.metadata["tags"] = ["hide"]
    return cell


def _languages(source: str) -> tuple[str, str]:
    """Split a text cell into Chinese and English: ``<!-- en -->`` stands between them."""
    zh, mark, en = source.partition("<!-- en -->")
    return (zh.strip(), en.strip()) if mark else (source.strip(), source.strip())


def _in(source: str, language: str) -> str:
    return _languages(source)[0 if language == "zh" else 1]


def _title(node: Any, language: str, otherwise: str) -> str:
    for cell in node.cells:
        if cell.cell_type == "markdown":
            found = re.search(r"^#\s+(.+)$", _in(cell.source, language), flags=re.MULTILINE)
            if found:
                return found.group(1).strip()
    return otherwise


def render_notebook(
    done: Executed, *, lang: str, only_svg: bool = False, only_released: bool = False
) -> str:
    """Return the notebook as HTML: text in one language, code folded away, outputs.

    Parameters
    ----------
    only_svg : leave pictures out that cannot be searched for names (PNG, JPEG)
    only_released : leave everything out that calib has not let through, such as printed numbers
    """
    parts = []
    for cell in done.node.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown":
            parts.append(f'<section class="text">{_markdown(_in(cell.source, lang))}</section>')
        elif cell.cell_type == "code" and cell.source.strip():
            if "hide" not in tags and "parameters" not in tags:
                parts.append(_code(cell.source, lang))
            outputs = cell.get("outputs", [])
            if only_released:
                outputs, held = [o for o in outputs if _released(o)], len(outputs)
                held -= len(outputs)
                note = f'<p class="muted">{say("publish.unreleased", lang)}</p>'
                parts += [note] if held else []
            parts += [_output(o, lang, only_svg) for o in outputs]
    return "\n".join(p for p in parts if p)


def live_inputs(done: Executed) -> dict[str, dict[str, Any]]:
    """Return what the outputs of a notebook were computed from; nothing where none is live."""
    shown = (o.get("data", {}) for c in done.node.cells for o in c.get("outputs", []))
    kinds = ("image/svg+xml", "text/html")
    return collect(_joined(data[k]) for data in shown for k in kinds if k in data)


def _code(source: str, language: str) -> str:
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    body = highlight(source, PythonLexer(), HtmlFormatter(nowrap=True))
    word = say("publish.code", language)
    return (
        f'<details class="code"><summary>{word}</summary>'
        f'<pre class="highlight" tabindex="0">{body}</pre></details>'
    )


def _markdown(text: str) -> str:
    """Return Markdown as HTML; formulas between dollar signs become MathML."""
    mistune = _need("mistune")
    formulas: list[str] = []

    def keep(match: re.Match[str]) -> str:
        block = match.group(1) is not None
        formulas.append(_formula(match.group(1) or match.group(2), block))
        return f"\x02{len(formulas) - 1}\x03"

    kept = re.sub(r"\$\$(.+?)\$\$|(?<![\\$])\$([^$\n]+?)\$", keep, text, flags=re.DOTALL)
    body = str(mistune.create_markdown(escape=True, plugins=["table", "strikethrough"])(kept))
    return re.sub(r"\x02(\d+)\x03", lambda m: formulas[int(m.group(1))], body)


def _formula(text: str, block: bool) -> str:
    try:
        from latex2mathml.converter import convert
    except ImportError as exc:
        raise MissingExtraError(message("extras.formulas"), "publish") from exc
    return str(convert(text.strip(), display="block" if block else "inline"))


def _released(output: Any) -> bool:
    """Whether calib let an output through; what goes to stderr is shown to nobody."""
    data = output.get("data", {})
    if output.get("output_type") == "stream" and output.get("name") == "stderr":
        return True
    shown = data.get("image/svg+xml") or data.get("text/html") or ""
    return RELEASED in _joined(shown)[:_HEAD]


_HEAD = 200
"""Characters of an output among which its mark stands."""


def _output(output: Any, language: str, only_svg: bool) -> str:
    kind = output.get("output_type")
    if kind == "stream":
        if output.get("name") == "stderr":
            return ""
        return f'<pre class="output" tabindex="0">{html.escape(_joined(output["text"]))}</pre>'
    data = output.get("data", {})
    if "image/svg+xml" in data:
        svg = without_inputs(_joined(data["image/svg+xml"]))
        return f'<figure class="drawing">{svg}</figure>'
    if "text/html" in data:
        return f'<div class="output">{_clean(without_inputs(_joined(data["text/html"])))}</div>'
    if "image/png" in data:
        if only_svg:
            word = say("publish.picture", language)
            return f'<p class="muted">{word}</p>'
        png = "".join(_joined(data["image/png"]).split())
        base64.b64decode(png, validate=True)
        return f'<figure><img alt="" src="data:image/png;base64,{png}"></figure>'
    if "text/markdown" in data:
        return f'<section class="text">{_markdown(_joined(data["text/markdown"]))}</section>'
    if "text/plain" in data:
        return f'<pre class="output" tabindex="0">{html.escape(_joined(data["text/plain"]))}</pre>'
    return ""


def _joined(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value)


def _clean(markup: str) -> str:
    """Drop scripts and style sheets of an output: a page runs nothing of a notebook's."""
    return re.sub(r"<(script|style)\b.*?</\1\s*>", "", markup, flags=re.DOTALL | re.IGNORECASE)
