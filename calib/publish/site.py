"""A static site of a run: index, results, notebooks, explorer, downloads; readable offline."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from calib._dates import now
from calib.errors import CalibError
from calib.experiment import beside_page, section_title
from calib.experiment.spec import DECISION
from calib.figures import to_svg_string
from calib.files.atomic import atomic_directory, check_directory, write_text
from calib.files.folders import MANIFEST, file_hashes
from calib.files.names import names_apart
from calib.publish.downloads import DownloadNames, download_names, write_downloads
from calib.publish.engine import asset, engine_script
from calib.publish.explorer import explorer_page
from calib.publish.leaks import find_leaks, told_apart
from calib.publish.live import live_page_data, live_script
from calib.publish.notebooks import (
    Executed,
    execute_notebook,
    live_inputs,
    render_notebook,
)
from calib.publish.select import Chosen
from calib.publish.view import View, file_name
from calib.report import (
    Drawing,
    Note,
    PageFigure,
    PageSection,
    options_in_words,
    page_tokens,
    rendered,
    script_hash,
    sections_html,
    sections_script,
    sections_style,
)
from calib.report.page import page_fragment, page_style
from calib.words import Name, Text, message

if TYPE_CHECKING:
    pass

__all__ = ["Site", "build_site"]


@dataclass(frozen=True, slots=True)
class Site:
    """What was published: the folder, and its pages by file name."""

    folder: Path
    pages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Page:
    href: str
    title: str
    short: str
    text: str


def build_site(
    view: View,
    out: str | Path,
    *,
    notebooks: Sequence[str | Path | Chosen] = (),
    filling: Mapping[str, Any] | None = None,
    answers: bool = True,
    secrets: Sequence[str] = (),
    progress: Callable[[str], None] = lambda text: None,
) -> Site:
    """Write the site of a run; the folder appears only when all of it is written and searched.

    Parameters
    ----------
    view : the run as it may be shown
    out : folder of the site; one that stands there is replaced if calib wrote it and nobody
        changed it since
    notebooks : notebooks to execute, in the order of the site
    filling : what notebooks are filled with, see :func:`calib.publish.filling.filled`; they keep
        their own data if None
    answers : whether the explorer is published, and notebooks recompute in their pages; both
        hold the scores of every enterprise. Where small counts are suppressed, notebooks stay as
        they were executed
    secrets : words that must not appear anywhere; see :func:`calib.publish.leaks.secret_words`.
        With them, names of the view's people and files are searched for
    progress : called with what is being done

    Raises
    ------
    InputError
        When ``out`` is there and is not calib's to replace; before anything is done.
    CalibError
        When a notebook fails, or one of ``secrets`` is found; nothing is published then.
    """
    check_directory(out)
    now()  # a date that cannot be read is told before the work
    done = _execute(view, notebooks, filling, answers, progress)
    progress(view.say("publish.progress_pages"))
    with atomic_directory(out) as aside:
        pages = _write_pages(view, aside, done, answers)
        manifest = {"schema": "calib.site/1", "outputs": file_hashes(aside)}
        text = json.dumps(manifest, ensure_ascii=False, indent=2)
        write_text(aside / MANIFEST, text + "\n")
        if secrets:
            progress(view.say("publish.progress_search"))
            _refuse_leaks(aside, [*secrets, *told_apart(view.people, view.files)])
    return Site(Path(out), tuple(pages))


def _execute(
    view: View, notebooks: Sequence[str | Path | Chosen], filling: Mapping[str, Any] | None,
    answers: bool, progress: Callable[[str], None],
) -> list[Executed]:  # fmt: skip
    """Execute the notebooks; they hide of the baseline what the run's own pages hide."""
    done: list[Executed] = []
    # Without a filling a notebook reads its own data, under no pseudonyms.
    own = filling is not None or view.privacy.key is None
    live = answers and own and view.privacy.rows_allowed
    # The folder is its owner's alone: the file in it holds the hidden counts.
    with TemporaryDirectory() as private:
        if filling is not None and notebooks and view.protection is not None:
            file = Path(private) / "hidden.json"
            file.write_text(json.dumps(view.protection.record()), encoding="utf-8")
            filling = {**filling, "hidden": str(file)}
        for notebook in notebooks:
            chosen = notebook if isinstance(notebook, Chosen) else Chosen(Path(notebook))
            progress(view.say("publish.progress_notebook", name=_stem(chosen)))
            about = {"of": chosen.of, "entry": chosen.entry}
            executed = execute_notebook(
                chosen.path, {}, filling=None if filling is None else {**filling, **about},
                live=live, folder=view.run.experiment.folder,
            )  # fmt: skip
            title = executed.title
            if chosen.label is not None:
                title = f"{title} · {chosen.label.get(view.language)}"
            done.append(replace(executed, name=_stem(chosen), title=title))
    return done


def _stem(chosen: Chosen) -> str:
    return file_name(f"{chosen.path.stem}-{chosen.entry}" if chosen.label else chosen.path.stem)


def _refuse_leaks(folder: Path, secrets: Sequence[str]) -> None:
    leaks = find_leaks(folder, secrets)
    if leaks:
        places = sorted({leak.file for leak in leaks})
        shown = f"{', '.join(places[:8])}{' …' if len(places) > 8 else ''}"
        words = sorted({leak.word for leak in leaks})
        named = f"{', '.join(words[:5])}{' …' if len(words) > 5 else ''}"
        raise CalibError(message("publish.leaks", n=len(words), words=named, files=shown))


def _write_pages(view: View, folder: Path, done: Sequence[Executed], answers: bool) -> list[str]:
    say = view.say
    pages = [
        _Page("index.html", view.run.experiment.title.get(view.language), say("publish.home"), ""),
        _Page(
            "results.html", say("publish.results"), say("publish.results_short"),
            say("publish.results_about"),
        ),
    ]  # fmt: skip
    stems = names_apart((d.name for d in done), taken=("index", "results", "explorer"))
    for d, stem in zip(done, stems, strict=True):
        short = d.title.split("：")[0].split(":")[0]
        pages.append(_Page(f"{stem}.html", d.title, short, say("publish.notebook")))
    if answers:
        text, short = say("publish.explorer_about"), say("publish.explorer_short")
        pages.append(_Page("explorer.html", say("publish.explorer"), short, text))
    footer = _footer(view)
    names = download_names(view)
    downloads = write_downloads(view, folder, names)
    bodies = {"results.html": _results(view, names)}
    for executed, stem in zip(done, stems, strict=True):
        bodies[f"{stem}.html"] = render_notebook(
            executed,
            lang=view.language,
            only_svg=view.privacy.key is not None,
            only_released=not view.privacy.rows_allowed,
        )
    inputs = {f"{stem}.html": live_inputs(d) for d, stem in zip(done, stems, strict=True)}
    bodies["index.html"] = _index(view, pages, downloads)
    for page in pages:
        if page.href in bodies:
            live = inputs.get(page.href, {})
            text = _page(view, page, pages, bodies[page.href], footer, live)
            write_text(folder / page.href, text)
    if answers:
        write_text(folder / "explorer.html", _explorer(view, footer))
    return [p.href for p in pages]


def _explorer(view: View, footer: Sequence[tuple[Text, Text]]) -> str:
    # The page itself says which rule and which enterprises it computes with.
    told = (message("publish.foot_rule_options"), message("publish.foot_population"))
    lines = [message("publish.footer_line", name=k, value=v) for k, v in footer if k not in told]
    lines += [
        message("publish.footer_line", name=message("publish.foot_input"), value=line)
        for line in _inputs(view)
    ]
    return explorer_page(
        view.run.context.scored, view.run.sets, baseline=view.run.context.baseline,
        lang=view.language, footer=lines, shifts=view.shifts(),
    )  # fmt: skip


def _page(
    view: View, page: _Page, pages: Sequence[_Page], body: str, footer: Sequence[tuple[Text, Text]],
    live: Mapping[str, Any],
) -> str:  # fmt: skip
    from markupsafe import Markup

    scripts = [f"\n{asset('site.js')}{sections_script()}"]
    scripts += [f"\n{engine_script()}\n", f"\n{live_script()}\n"] if live else []
    return rendered(
        "calib.publish", "assets/page.html.jinja",
        lang=view.language, say=view.say, title=page.title, here=page.href, nav=pages,
        site_title=view.run.experiment.title.get(view.language),
        synthetic=view.run.context.scored.synthetic,
        style=Markup("\n".join([*_styles(page), *([asset("live/live.css")] if live else [])])),
        wide=page.href == "results.html",
        # Made by this package; what stands in the data was escaped on the way.
        body=Markup(body), inputs=_inputs(view),
        footer=[(k.get(view.language), v.get(view.language)) for k, v in footer],
        scripts=[Markup(s) for s in scripts],
        script_hash=Markup(" ".join(script_hash(s) for s in scripts)),
        live=Markup(live_page_data(live, view.language)) if live else "",
    )  # fmt: skip


def _styles(page: _Page) -> list[str]:
    """Return the style sheets of a page; that of the decision stands on the first page."""
    common = [page_tokens(), asset("site.css"), sections_style()]
    return [*common, page_style()] if page.href == "index.html" else common


def _index(view: View, pages: Sequence[_Page], downloads: Sequence[Mapping[str, str]]) -> str:
    from markupsafe import Markup

    drawings = {d.name: d for d in view.drawings()}
    stars = ""
    if "stars" in drawings:
        title = drawings["stars"].title.get(view.language)
        stars = Markup(to_svg_string(drawings["stars"].draw(view.language), title=title))
    page = view.decision()
    return rendered(
        "calib.publish", "assets/index.html.jinja",
        decision=None if page is None else Markup(page_fragment(page, level=2)),
        no_decision=view.say("publish.no_decision") if view.decides and page is None else "",
        say=view.say, title=pages[0].title, cards=pages[1:], findings=_findings(view),
        downloads=downloads, stars=stars,
        description=view.run.experiment.description.get(view.language), privacy=_privacy(view),
    )  # fmt: skip


def _findings(view: View) -> list[tuple[str, str, str]]:
    """Return what each analysis found in a sentence, as may be shown: title, link, sentence."""
    found = []
    for section in view.run.sections:
        outcome = view.run.outcomes.get(section.name)
        if outcome is None or section.name == DECISION:
            continue
        title = section_title(view.run, section, view.language)
        for text in view.said([Note(outcome.headline())]):
            found.append((title, f"results.html#section-{section.name}", text))
    return found


def _privacy(view: View) -> str:
    parts = []
    if view.privacy.key is not None:
        parts.append(view.say("publish.pseudonyms"))
    if view.privacy.min_count > 1:
        least = view.privacy.min_count
        parts.append(view.say("publish.small_counts", n=least, width=least - 1))
    return " ".join(parts)


def _results(view: View, names: DownloadNames) -> str:
    from markupsafe import Markup

    tables = {t.name: t for t in view.tables()}
    drawings = {d.name: d for d in view.drawings()}
    sections = []
    told = view.decision() is not None  # on the first page: what stands there is not repeated
    for section in view.run.sections:
        found = PageSection(
            id=f"section-{section.name}",
            title=section_title(view.run, section, view.language),
            notes=view.said(beside_page(view.run, section) if told else section.notes),
            figures=[
                _figure(drawings[d.name], view.language)
                for d in section.drawings if d.name in drawings
            ],
            tables=[
                (tables[t.name], f"downloads/{names.tables[t.name]}")
                for t in section.tables if t.name in tables
            ],
        )  # fmt: skip
        if found.figures or found.notes or any(t.rows for t, _ in found.tables):
            sections.append(found)
    names_of = view.run.names
    return rendered(
        "calib.publish", "assets/results.html.jinja", say=view.say, left_out=view.left_out(),
        contents=[(s.id, s.title) for s in sections],
        # Made by this package; what stands in the data was escaped on the way.
        sections=Markup(sections_html(sections, view.language, names_of)),
    )  # fmt: skip


def _figure(drawing: Drawing, lang: str) -> PageFigure:
    title = drawing.title.get(lang)
    svg = to_svg_string(drawing.draw(lang), title=title)
    return PageFigure(title, svg, not drawing.name.startswith("transitions-"))


def _footer(view: View) -> list[tuple[Text, Text]]:
    """Return the provenance: experiment, seed, rule options, enterprises, versions, date."""
    from calib import __version__

    run, options = view.run, view.run.context.rule_options.as_dict()
    versions = f"calib {__version__}, Python {platform.python_version()}"
    experiment = f"{run.experiment.name} (sha256 {run.experiment.digest})"
    population = message(
        "publish.foot_population_line", label=run.context.scored.label, n=len(run.context.scored)
    )
    return [
        (message("publish.foot_experiment"), _same(experiment)),
        (message("publish.foot_seed"), _same(str(run.context.seed))),
        (
            message("publish.foot_rule_options"),
            options_in_words(options),
        ),
        (message("publish.foot_population"), population),
        (message("publish.foot_versions"), _same(versions)),
        (message("publish.foot_date"), _same(now().date().isoformat())),
    ]


def _same(text: str) -> Text:
    return Name(text, text)


def _inputs(view: View) -> list[str]:
    """Return every file that was read, and its digest."""
    return [f"{name} (sha256 {sha})" for name, sha in view.run.inputs.items()]
