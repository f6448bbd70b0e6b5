"""Mutated files of every format and odd values of every option: each ends in an answer or an error.

``python benchmarks/fuzz.py 10000`` tries as many inputs, some hundreds in a process of its own, and
reports tracebacks, processes that died, and inputs that took over 20 s of processor time or 2 GB.
``--skip 7000`` goes on where an earlier call stopped.
An input is a function of the seed and its number: ``--only 4711`` repeats one. The tests try a few.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MOST_SECONDS, MOST_MEGABYTES, HANGS = 20, 2000, 300

TOKENS = [
    b"", b"\0", b"\xff", b'"', b"'", b",", b"\n", b"=", b"[", b"]", b"{", b"}", b":", b"9" * 5000,
    b"-1e999", b"nan", b"\x1b[2J", "＝".encode(), "²".encode(), b"A" * 3000, b"[[", b'"""', b"true",
    b"null", b"<", b">", b"1000000000000", b"-1", b"0", b"\r", b"\xef\xbb\xbf", b"&#0;",
]  # fmt: skip
WORDS = [
    "", " ", "\0", "nan", "inf", "-inf", "-1", "0", "1", "5", "0.5", "1e999", "-1e-300", "9" * 5000,
    "=", "==", "a=b", "=1", ",", ",,", "\x1b[2J", "＝", "²", "A" * 5000, "/dev/zero", "/", ".",
    "all", "published", "aii", "trial", "discrete", "wrong", "\udcff", "p.csv", "no.csv", "..",
    "contribution=0.2", "contribution=nan", "100%", "3 4", "[", "{}", "../../x", "missing=zero",
]  # fmt: skip

Reader = Callable[[Path], object]


@dataclass(frozen=True)
class Outcome:
    """What became of an input; ``end`` is ``answer``, ``error``, or what is to be mended."""

    number: int
    kind: str
    end: str
    seconds: float = 0.0
    megabytes: float = 0.0
    detail: str = ""

    @property
    def bad(self) -> bool:
        """Whether it is to be mended."""
        slow, large = self.seconds > MOST_SECONDS, self.megabytes > MOST_MEGABYTES
        return slow or large or self.end not in ("answer", "error")


def tables(folder: Path) -> Mapping[str, Reader]:
    """Write weights, populations and surveys as tables of every format; return their readers."""
    import calib
    from calib.ballots import read_preflib, read_survey, write_survey
    from calib.files.shipped import shipped_data
    from calib.imports.prepare import prepare
    from calib.population import load_population
    from calib.population.partitions import find_partitions, read_partition, write_partitions
    from calib.tables import write_table
    from calib.weights import published_weights, read_weights, write_weights

    aii, data = calib.load_framework("aii"), shipped_data()
    made: dict[str, Reader] = {}
    trial = load_population(data / "trial" / "trial.toml", aii)
    survey = read_survey(data / "surveys" / "unequal.csv", aii)
    for suffix in ("csv", "xlsx", "parquet"):
        write_weights(published_weights(aii), folder / f"w.{suffix}")
        made[f"w.{suffix}"] = lambda p: read_weights(p, aii)
        write_table(trial.frame(), folder / f"p.{suffix}")
        made[f"p.{suffix}"] = lambda p: load_population(p, aii)
        write_survey(survey.ballots, folder / f"s.{suffix}")
        made[f"s.{suffix}"] = lambda p: read_survey(p, aii)
    for suffix in ("soi", "toc"):
        write_survey({"discrete": survey.ballots["discrete"]}, folder / f"s.{suffix}")
        made[f"s.{suffix}"] = read_preflib
    (folder / "p.ods").write_bytes(open_document(trial.frame().head(4)))
    made["p.ods"] = lambda p: load_population(p, aii)
    write_partitions(folder / "parts", [trial])
    part = find_partitions(folder / "parts")[0]
    (folder / "part.parquet").write_bytes(Path(part.path).read_bytes())

    def parts(path: Path) -> object:
        own = path.parent / "own-parts"
        own.mkdir(exist_ok=True)
        (own / "a.parquet").write_bytes(path.read_bytes())
        return [read_partition(p, aii) for p in find_partitions(own)]

    made["part.parquet"] = parts
    (folder / "import.csv").write_bytes((folder / "p.csv").read_bytes())
    made["import.csv"] = lambda p: prepare(p, aii)
    return made


def documents(folder: Path) -> Mapping[str, Reader]:
    """Write forms, frameworks, experiments, ledgers and what a run leaves; return their readers."""
    import calib
    from calib.adjustment import adjust, read_ledger, write_ledger
    from calib.experiment import load_experiment, parse_experiment, run_experiment, write_run
    from calib.experiment.protocol import lock_protocol, read_protocol
    from calib.experts import read_panel, write_form
    from calib.experts.panel import questions_of
    from calib.files.shipped import shipped_data, shipped_experiments
    from calib.imports.mapping import read_mapping
    from calib.imports.prepare import prepare
    from calib.population import load_population
    from calib.rating import score_answers
    from calib.weights import published_weights, read_weights, write_weights

    aii, data = calib.load_framework("aii"), shipped_data()
    published, trial = published_weights(aii), load_population("trial", aii)
    made: dict[str, Reader] = {}
    write_weights(published, folder / "w.toml")
    made["w.toml"] = lambda p: read_weights(p, aii)
    for method in ("points", "ahp", "bwm"):
        root = {"root": questions_of(aii)["root"]}
        write_form(folder / f"{method}.xlsx", aii, root, method, expert="e")
        made[f"{method}.xlsx"] = lambda p: read_panel([p], aii)
    found = adjust(
        published, score_answers(trial), cap={"contribution": 0.085}, starts=0, steps=(0.5, 1.0),
        grid=0.01,
    )  # fmt: skip
    write_ledger(found.ledger, folder / "l.json")
    made["l.json"] = read_ledger
    document = {
        "schema": "calib.experiment/1", "name": "small", "framework": "aii",
        "population": {"generate": {"n": 12, "seed": 3}},
        "sets": {"published": {"source": "published"}}, "baseline": "published",
    }  # fmt: skip
    small = parse_experiment(document, folder=folder, file=str(folder / "small.toml"))
    lock_protocol(small, folder / "protocol.toml")
    made["protocol.toml"] = read_protocol
    run = write_run(run_experiment(small), folder / "runs", lang="en")
    for name in ("manifest.json", "columns.json", "stars.csv"):
        kept = run / "tables" / name if name == "stars.csv" else run / name
        (folder / name).write_bytes(kept.read_bytes())
        made[name] = exported(run, kept)
    prepare(data / "trial" / "trial.csv", aii).mapping.write(folder / "a.mapping.toml")
    made["a.mapping.toml"] = read_mapping
    for name, source, read in (
        ("fw.toml", data / "frameworks" / "vdma.toml", calib.load_framework),
        ("e.toml", shipped_experiments() / "trial-comparison.toml", load_experiment),
        ("trial.toml", data / "trial" / "trial.toml", lambda p: load_population(p, aii)),
        ("panel.csv", data / "panels" / "example" / "round-1-synthetic.csv",
         lambda p: read_panel([p], aii)),
    ):  # fmt: skip
        (folder / name).write_bytes(source.read_bytes())
        made[name] = read
    return made


def exported(run: Path, kept: Path) -> Reader:
    """Return a reader that exports a run in which one file is changed."""

    def read(path: Path) -> object:
        true = kept.read_bytes()
        kept.write_bytes(path.read_bytes())
        try:
            return command(["export", str(run), "-o", str(path.parent / "book.xlsx")])
        finally:
            kept.write_bytes(true)

    return read


def open_document(frame: Any) -> bytes:
    """Return a small table as LibreOffice writes it."""
    rows = "".join(
        "<table:table-row>"
        + "".join(f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p>'
                  "</table:table-cell>" for cell in row)
        + "</table:table-row>"
        for row in [list(frame.columns), *frame.astype(str).to_numpy().tolist()]
    )  # fmt: skip
    ns, out = "urn:oasis:names:tc:opendocument:xmlns", io.BytesIO()
    with zipfile.ZipFile(out, "w") as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr("content.xml", (
            f'<?xml version="1.0"?><office:document-content xmlns:office="{ns}:office:1.0" '
            f'xmlns:table="{ns}:table:1.0" xmlns:text="{ns}:text:1.0"><office:body>'
            f'<office:spreadsheet><table:table table:name="S">{rows}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>"
        ))  # fmt: skip
        book.writestr(
            "META-INF/manifest.xml", f'<manifest:manifest xmlns:manifest="{ns}:manifest:1.0"/>'
        )
    return out.getvalue()


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Insert, delete, change or repeat bytes, once or some times."""
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5])):
        at = rng.randrange(len(out) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            out[at : at + rng.choice([0, 1, 4, 40])] = rng.choice(TOKENS)
        elif kind == 1:
            del out[at : at + rng.choice([1, 3, 50, 5000])]
        elif kind == 2 and at < len(out):
            out[at] = rng.randrange(256)
        else:
            other = rng.randrange(len(out) + 1)
            out[at:at] = out[other : other + rng.choice([2, 20, 200])]
    return bytes(out)


def mutated_book(data: bytes, rng: random.Random) -> bytes:
    """Change one part of a workbook, so that the change gets past the checksums of the archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        chosen = rng.choice(old.namelist())
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, mutated(part, rng) if name == chosen else part)
    return out.getvalue()


def mutated_json(data: bytes, rng: random.Random) -> bytes:
    """Put a value of another kind somewhere in a JSON document."""
    document = json.loads(data)
    places: list[tuple[Any, Any]] = []

    def visit(node: Any) -> None:
        for key in node if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                visit(node[key])

    visit(document)
    for _ in range(rng.choice([1, 1, 3])):
        node, key = rng.choice(places)
        node[key] = rng.choice([None, True, -1, 1e308, 10**30, "", "x", [], {}, [[]], {"a": 1}])
    return json.dumps(document).encode()


def changed(name: str, data: bytes, rng: random.Random) -> bytes:
    """Return a valid file changed, in its bytes or in what it holds."""
    inside = rng.random() < 0.7
    if inside and name.endswith((".xlsx", ".ods")):
        return mutated_book(data, rng)
    if inside and name.endswith(".json"):
        return mutated_json(data, rng)
    return mutated(data, rng)


BASES: tuple[tuple[str, ...], ...] = (
    ("new", "x"), ("runs",), ("runs", "show", "x"), ("frameworks", "aii"), ("check", "p.csv"),
    ("import", "p.csv"), ("weights", "published"), ("read", "experts", "panel.csv"),
    ("ballots", "s.csv"), ("dominance", "p.csv"), ("adjust", "p.csv"), ("ledger", "l.json"),
    ("form", "experts"), ("protocol", "check", "e.toml"), ("decide", "w.toml", "w.csv", "p.csv"),
    ("run", "small.toml"), ("publish", "small.toml", "--no-notebooks"), ("explore", "small.toml"),
    ("export", "x"), ("lang", "zh"), ("verify",),
)  # fmt: skip
"""Commands with valid arguments, to which options are added."""


def arguments(rng: random.Random) -> list[str]:
    """Return a command line in which options, or an argument, have odd values."""
    import click

    from calib.cli.main import cli

    base = list(rng.choice(BASES))
    found: click.Command | None = cli
    for word in base:
        below = found.get_command(click.Context(found), word) if isinstance(
            found, click.Group) else None  # fmt: skip
        if below is None:
            break
        found = below
    options = [o for o in getattr(found, "params", ()) if isinstance(o, click.Option)]
    options = [o for o in options if "--help" not in o.opts]
    if not options or rng.random() < 0.15:
        base[-1] = rng.choice(WORDS)
    for option in rng.sample(options, min(len(options), rng.choice([1, 1, 2]))):
        base.append(rng.choice(option.opts))
        if not option.is_flag:
            base.append(rng.choice(WORDS))
    return base


def command(words: list[str]) -> None:
    """Run a command as the entry point does, without a process of its own."""
    import click

    from calib.cli.main import cli
    from calib.errors import CalibError, InputError

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            cli(list(words), standalone_mode=False)
        except CalibError:
            raise
        except (click.ClickException, click.Abort, OSError, SystemExit) as exc:
            # The entry point makes one line of each.
            raise InputError("command line: ended with one line") from exc


def attempt(number: int, seed: int, folder: Path, made: Mapping[str, Reader]) -> Outcome:
    """Try an input: a file of one of the formats, or one in five times a command line."""
    rng = random.Random(f"{seed} {number}")
    names = sorted(made)
    if number % 5 == 4:
        words = arguments(rng)
        kind, shown = f"calib {words[0]}", repr(words)
        own = folder / "work"
        own.mkdir(exist_ok=True)

        def act() -> object:
            os.chdir(folder)
            return command(words)
    else:
        kind = names[(number - number // 5) % len(names)]
        file = folder / f"changed-{kind}"
        file.write_bytes(changed(kind, (folder / kind).read_bytes(), rng))
        shown = str(file)

        def act() -> object:
            return made[kind](file)

    return judged(number, kind, shown, act)


def judged(number: int, kind: str, shown: str, act: Callable[[], object]) -> Outcome:
    """Call something, and return how it ended, with processor time and highest memory."""
    from calib.errors import CalibError

    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    start, end, detail = time.process_time(), "answer", ""
    try:
        act()
    except CalibError as exc:
        end = "error"
        if len(str(exc)) > 20_000:
            end, detail = "a message of many pages", str(exc)[:200]
    except Exception as exc:
        at = traceback.extract_tb(exc.__traceback__)[-1]
        end = "traceback"
        detail = f"{type(exc).__name__}: {exc} ({Path(at.filename).name}:{at.lineno}) {shown}"[:500]
    return Outcome(number, kind, end, round(time.process_time() - start, 2), peak(), detail)


def peak() -> float:
    """Return the highest memory since it was last cleared, in MB."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def prepared(folder: Path) -> Mapping[str, Reader]:
    """Write all valid files; return their readers."""
    made = {**tables(folder), **documents(folder)}
    (folder / "small.toml").write_text(
        'schema = "calib.experiment/1"\nname = "small"\nframework = "aii"\n'
        'baseline = "published"\n\n[population]\nfile = "p.csv"\n\n'
        '[sets.published]\nsource = "published"\n', encoding="utf-8",
    )  # fmt: skip
    return made


def work(start: int, stop: int, seed: int) -> None:
    """Try the inputs from start to stop, a line of JSON for each before and after."""
    import warnings

    warnings.simplefilter("ignore")
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
        folder = Path(made)
        readers = prepared(folder)
        for number in range(start, stop):
            print(json.dumps({"number": number}), file=out)
            faulthandler.dump_traceback_later(HANGS, exit=True)
            found = attempt(number, seed, folder, readers)
            faulthandler.cancel_dump_traceback_later()
            print(json.dumps(asdict(found)), file=out)
        os.chdir("/")


def outcomes(count: int, seed: int, batch: int, start: int = 0) -> Iterator[Outcome]:
    """Try inputs in processes of their own; one that dies is named with its input."""
    while start < count:
        stop = min(count, start + batch)
        words = [sys.executable, __file__, "--from", str(start), "--to", str(stop),
                 "--seed", str(seed)]  # fmt: skip
        done = subprocess.run(words, capture_output=True, check=False)
        last = -1
        for line in done.stdout.decode("utf-8", errors="replace").splitlines():
            found = json.loads(line)
            last = found["number"]
            if "end" in found:
                yield Outcome(**found)
                start = last + 1
        if start < stop:
            text = done.stderr.decode("utf-8", errors="replace")
            if last < 0:
                raise RuntimeError(f"valid files could not be made:\n{text[-3000:]}")
            yield Outcome(last, "process", f"died ({done.returncode})", 0, 0, text[-1500:])
            start = last + 1


def report(count: int, seed: int, batch: int, start: int = 0) -> bool:
    """Print counts by how inputs ended, and every input that is to be mended."""
    ends, bad, slowest, largest = Counter[str](), 0, 0.0, 0.0
    for found in outcomes(count, seed, batch, start):
        ends[found.end] += 1
        slowest, largest = max(slowest, found.seconds), max(largest, found.megabytes)
        if found.bad:
            bad += 1
            print(asdict(found), flush=True)
        if sum(ends.values()) % 500 == 0:
            print(dict(ends), f"slowest {slowest} s, largest {largest} MB", flush=True)
    print(f"{sum(ends.values())} inputs, seed {seed}: {dict(ends)}; to be mended: {bad}; "
          f"slowest {slowest} s, largest {largest} MB")  # fmt: skip
    return not bad


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=400)
    parser.add_argument("--only", type=int)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--from", dest="start", type=int)
    parser.add_argument("--to", dest="stop", type=int)
    given = parser.parse_args()
    if given.only is not None:
        work(given.only, given.only + 1, given.seed)
    elif given.start is not None:
        work(given.start, given.stop, given.seed)
    else:
        sys.exit(0 if report(given.count, given.seed, given.batch, given.skip) else 1)


if __name__ == "__main__":
    main()
