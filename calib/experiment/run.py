"""Running an experiment: make every set, rate, compare, write all of it in one step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from calib._streams import stream
from calib.errors import CalibError, Fault, Faults, InputError, did_you_mean
from calib.experiment.context import Context, InputLog
from calib.experiment.outcomes.comparison import stars_of_sets
from calib.experiment.protocol import Followed, protocol_path, read_protocol
from calib.experiment.registry import Params, find_outcome, find_source
from calib.experiment.results import OutcomeResult
from calib.experiment.spec import DECISION, Experiment, SetEntry, load_experiment
from calib.files.names import file_stem, names_apart
from calib.outcomes.unanswered import has_gaps, unanswered
from calib.population import Population, resolve_population
from calib.rating import OverSamples, Rating, Unanswered, rate, score_answers
from calib.report import Drawing, Note, Result, Table
from calib.requests import answered
from calib.weights import Weighed, WeightSet, set_names
from calib.words import Name, Text, joined, message, say

__all__ = [
    "Run",
    "Section",
    "Step",
    "build_set",
    "check_baseline",
    "make_sets",
    "ordered_sets",
    "run_experiment",
    "start_context",
]


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a run as shown to the user while it works."""

    number: int
    of: int
    text: str


@dataclass(frozen=True, eq=False)
class Section:
    """A part of a run as shown: the standard comparison, an analysis, or a source of weights."""

    name: str
    standard: bool
    tables: Sequence[Table]
    drawings: Sequence[Drawing]
    notes: Sequence[Note]


@dataclass(frozen=True, eq=False, repr=False)
class Run(Result):
    """A finished run, in memory: tables, figures and notes of all its parts, as of any result.

    Tables and figures of a source of weights are named after their set.

    Attributes
    ----------
    sets : all weight sets in the order of the file, further ones after their parent
    ratings : the rating of each set
    results : what each source gave, by the name of its set
    outcomes : what each analysis gave; ``stars`` is the standard comparison
    inputs : SHA-256 of every file read
    protocol : what was locked before the data and what deviates from it, if anything was
    """

    experiment: Experiment
    context: Context
    sets: dict[str, WeightSet]
    ratings: dict[str, Rating]
    results: dict[str, Weighed]
    outcomes: dict[str, Result]
    inputs: dict[str, str]
    protocol: Followed | None = None

    def __repr__(self) -> str:
        sets, outcomes = len(self.sets), len(self.outcomes)
        return f"<Run of {self.experiment.name!r}: {sets} weight sets, {outcomes} analyses>"

    @property
    def names(self) -> dict[str, Text]:
        """Names of the codes in its tables: of nodes, tracks, levels, stars, sets and cases."""
        names: dict[str, Text] = {**self.experiment.framework.names, **set_names(self.sets)}
        for outcome in self.outcomes.values():
            names |= {k: v for k, v in outcome.names.items() if k.startswith("case:")}
        return names

    def headline(self) -> Text:
        """Return what was run, and what a decision advises or how many enterprises move."""
        decided = self.outcomes.get(DECISION)
        said = self.outcomes["stars"] if decided is None else decided
        return message("experiment.headline", title=self.experiment.title, said=said.headline())

    @cached_property
    def sections(self) -> Sequence[Section]:
        """What there is to show: the comparison, each analysis, each source.

        A decision comes first. Names of tables and figures are names of files on every system, and
        no two are the same: a later one is numbered.
        """
        out = [
            Section(name, name == "stars", _named_after(name, o), o.drawings, o.notes)
            for name, o in sorted(self.outcomes.items(), key=lambda pair: pair[0] != DECISION)
        ]
        for name, r in self.results.items():
            tables = tuple(replace(t, name=_prefixed(name, t.name)) for t in r.tables)
            drawings = tuple(replace(d, name=_prefixed(name, d.name)) for d in r.drawings)
            if tables or drawings or r.notes:
                out.append(Section(name, False, tables, drawings, r.notes))
        tables_of = iter(names_apart(file_stem(t.name) for s in out for t in s.tables))
        drawings_of = iter(names_apart(file_stem(d.name) for s in out for d in s.drawings))
        return [
            replace(
                s,
                tables=tuple(replace(t, name=next(tables_of)) for t in s.tables),
                drawings=tuple(replace(d, name=next(drawings_of)) for d in s.drawings),
            )
            for s in out
        ]

    @cached_property
    def tables(self) -> Sequence[Table]:  # type: ignore[override]
        """Every table of the run, those of sources named after their set."""
        return tuple(t for section in self.sections for t in section.tables)

    @cached_property
    def drawings(self) -> Sequence[Drawing]:  # type: ignore[override]
        """Every figure of the run, those of sources named after their set."""
        return tuple(d for section in self.sections for d in section.drawings)

    @cached_property
    def notes(self) -> Sequence[Note]:  # type: ignore[override]
        """Every note of the run, each once."""
        return tuple(dict.fromkeys(n for section in self.sections for n in section.notes))


def _prefixed(name: str, own: str) -> str:
    """Return the name of a table or figure that tells the set it belongs to."""
    safe = file_stem(name.replace("/", "-"))
    return own if own.startswith(f"{safe}-") else f"{safe}-{own}"


@answered
def run_experiment(
    experiment: Experiment | str | Path,
    *,
    seed: int | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Callable[[Step], None] = lambda step: None,
    prepare: Callable[[Population], Population] | None = None,
    ready: Callable[[Context], object] = lambda context: None,
) -> Run:
    """Run a checked experiment in memory; nothing is written.

    Parameters
    ----------
    experiment : from :func:`load_experiment`, or what that takes: a file or the name of a shipped
        one
    seed : in place of the file's
    workers : threads that an analysis may use; results do not depend on it
    scheduler : address of a Dask scheduler for analyses that can use one
    progress : called before every step
    prepare : changes the population before anything is computed, for instance its names
    ready : called when the enterprises are read, before anything is computed

    Raises
    ------
    InputError
        For faults of any input file.
    """
    if isinstance(experiment, str | Path):
        experiment = load_experiment(experiment)
    of = 2 + len(experiment.sets) + len(experiment.outcomes)
    done = 0

    def step(text: str) -> None:
        nonlocal done
        done += 1
        progress(Step(done, of, text))

    step(say("experiment.step_population"))
    context = start_context(experiment, seed, workers, scheduler, prepare)
    ready(context)
    context.tick = lambda text: progress(Step(done, of, text))
    protocol = _protocol(experiment, context)
    if protocol is not None:
        context.protocol = protocol.sentence()
    for entry in experiment.sets:
        step(say("experiment.step_weights", name=entry.name))
        context.results[entry.name] = build_set(entry, context)
    check_baseline(experiment, context)
    step(say("experiment.step_stars"))
    sets = ordered_sets(experiment, context)
    context.ratings = {name: rate(w, context.scored_under(name)) for name, w in sets.items()}
    outcomes: dict[str, Result] = {"stars": stars_of_sets(context)}
    if has_gaps(context.population):
        outcomes["unanswered"] = unanswered(
            sets[context.baseline], context.population, rule_options=context.rule_options
        )
    for name, params in experiment.outcomes.items():
        step(say("experiment.step_outcome", name=name))
        outcome = find_outcome(name)
        if outcome is None:  # checked when the file was read
            raise CalibError(message("experiment.not_registered", name=repr(name)))
        try:
            outcomes[name] = outcome.build(context, params)
        except Unanswered as exc:
            outcomes[name] = left_out(name, exc)
        except InputError as exc:
            at = name if name == DECISION else f"outcomes.{name}"
            raise _placed(exc, context.file, at) from exc
    results = {name: context.results[name] for name in experiment.order}
    return Run(
        experiment, context, sets, context.ratings, results, outcomes, context.log.hashes, protocol
    )


def _named_after(name: str, outcome: Result) -> Sequence[Table]:
    """Return the tables of an analysis, that of its range over samples named after it."""
    if not isinstance(outcome, OverSamples):
        return outcome.tables
    return [
        replace(t, name=f"{name}-samples") if t.name == "samples" else t for t in outcome.tables
    ]


def left_out(name: str, error: InputError) -> OutcomeResult:
    """Return what stands in place of an analysis that unanswered items leave nothing for."""
    why = joined([f.problem for f in error.faults], message("words.semicolon"))
    said = message("experiment.left_out", what=message(f"sections.{name}"), why=why)
    return OutcomeResult(notes=(Note(said, warning=True),))


def _protocol(experiment: Experiment, context: Context) -> Followed | None:
    """Return the protocol that stands beside the experiment, with what deviates from it."""
    path = protocol_path(experiment) if experiment.file else None
    if path is None or not path.is_file():
        return None
    context.log.note(path)
    locked = read_protocol(path)
    return Followed(locked, tuple(locked.deviations(experiment, context.seed)))


def start_context(
    experiment: Experiment,
    seed: int | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    prepare: Callable[[Population], Population] | None = None,
) -> Context:
    """Read the population of an experiment and score it."""
    framework = experiment.framework
    rule_options = framework.rule.read(experiment.rule_options)
    log = InputLog(experiment.folder, experiment.file)
    log.hashes[f"framework {framework.code} {framework.version}"] = framework.digest
    used = experiment.seed if seed is None else seed
    try:
        population = resolve_population(
            experiment.population, framework, experiment.folder, log.note,
            rng=stream(used, "population"),
        )  # fmt: skip
    except InputError as exc:
        raise _placed(exc, str(experiment.file), "population") from exc
    if prepare is not None:
        population = prepare(population)
    return Context(
        framework=framework,
        population=population,
        scored=score_answers(population, rule_options),
        rule_options=rule_options,
        baseline=experiment.baseline,
        seed=used,
        log=log,
        workers=workers,
        scheduler=scheduler,
        requires={entry.name: entry.requires for entry in experiment.sets},
    )


def build_set(entry: SetEntry, context: Context, params: Params | None = None) -> Weighed:
    """Make a set from its source, by its own options or by others of the same kind."""
    source = find_source(entry.source)
    if source is None:  # checked when the file was read
        raise CalibError(message("experiment.not_registered", name=repr(entry.source)))
    missing = [n for n in entry.requires if n not in context.sets()]
    if missing:
        faults = Faults(context.file)
        for name in missing:
            faults.add(
                f"sets.{entry.name}",
                message(
                    "experiment.unknown_base",
                    name=repr(name),
                    hint=did_you_mean(name, context.sets()),
                ),
                expected=" | ".join(context.sets()),
            )
        faults.raise_if_any()
    try:
        result = source.build(context, entry.name, entry.params if params is None else params)
    except InputError as exc:
        raise _placed(exc, context.file, f"sets.{entry.name}") from exc
    weights = result.weights.renamed(entry.name, entry.label)
    also = {own: _labelled(further, weights, own) for own, further in result.also.items()}
    return replace(result, weights=weights, also=also)


def _labelled(further: WeightSet, weights: WeightSet, own: str) -> WeightSet:
    """Return a further set of a source; one that is called by its name only, after its parent."""
    if further.label.en != further.name:
        return further
    label = weights.label
    return further.renamed(further.name, Name(f"{label.zh} · {own}", f"{label.en} · {own}"))


def make_sets(
    experiment: Experiment,
    names: Iterable[str] | None = None,
    *,
    seed: int | None = None,
    prepare: Callable[[Population], Population] | None = None,
) -> Context:
    """Make some weight sets of an experiment, and those that they build on; nothing else.

    Parameters
    ----------
    names : of the sets; all of them if None
    seed, prepare : as in :func:`run_experiment`
    """
    wanted = {e.name for e in experiment.sets} if names is None else set(names)
    for entry in reversed(experiment.sets):  # each comes after those that it builds on
        if entry.name in wanted:
            wanted |= {needed.split("/")[0] for needed in entry.requires}
    context = start_context(experiment, seed, 1, None, prepare)
    for entry in experiment.sets:
        if entry.name in wanted:
            context.results[entry.name] = build_set(entry, context)
    return context


def _placed(error: InputError, file: str, where: str) -> InputError:
    """Return an error whose faults name the part of the experiment file that they come from."""
    return InputError(
        f if f.file else Fault(file, joined([where, f.where], " ") if f.where else where,
                               f.problem, f.value, f.expected)
        for f in error.faults
    )  # fmt: skip


def check_baseline(experiment: Experiment, context: Context) -> None:
    """Refuse a baseline that is no set."""
    if experiment.baseline not in context.sets():
        known = context.sets()
        raise InputError(
            [
                Fault(
                    experiment.file,
                    "baseline",
                    message("experiment.no_set", hint=did_you_mean(experiment.baseline, known)),
                    experiment.baseline,
                    " | ".join(known),
                )
            ]
        )


def ordered_sets(experiment: Experiment, context: Context) -> dict[str, WeightSet]:
    """Return all sets in the order of the file; further ones follow their parent."""
    made = context.sets()
    out: dict[str, WeightSet] = {}
    for name in experiment.order:
        out |= {n: w for n, w in made.items() if n == name or n.startswith(name + "/")}
    return out
