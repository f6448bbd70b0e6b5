"""calib: calibrate the weights of a maturity assessment, and see what they do to the stars."""

from __future__ import annotations

__version__ = "0.2.0"

TYPE_CHECKING = False  # typing's own takes time in which Ctrl-C is not answered yet
if TYPE_CHECKING:
    from typing import Any

    from calib.adjustment import adjust, adjust_rounds
    from calib.ballots import (
        equality_report,
        import_ballots,
        plan_ballots,
        read_survey,
        weigh_ballots,
    )
    from calib.experiment import load_experiment, run_experiment, write_run
    from calib.experts import elicit, read_opinions, read_panel, weigh_panel, write_form
    from calib.framework import list_frameworks, load_framework, with_rule
    from calib.outcomes import (
        acceptability,
        compare,
        draw_weights,
        drivers,
        lifecycle,
        rule_options,
        scale,
        smallest_shift,
        stability,
        tipping,
        unanswered,
        value_of_information,
    )
    from calib.outcomes.decision import decide
    from calib.outcomes.dominance import dominance
    from calib.population import (
        Ensemble,
        Population,
        generate_population,
        import_answers,
        impute,
        load_ensemble,
        load_population,
        read_population,
    )
    from calib.rating import explain_rule, explain_star, rate
    from calib.shifts import shift
    from calib.verification import reliability, verify
    from calib.weights import (
        WeightSet,
        blend,
        compare_weights,
        equal_weights,
        import_weights,
        override,
        published_weights,
        read_weights,
        round_weights,
        write_weights,
    )
    from calib.words import current_language, set_language

# Names are looked up on first use, so that `import calib` and `calib --help` stay instant.
_HOMES = {
    "calib.adjustment": ("adjust", "adjust_rounds"),
    "calib.ballots": (
        "equality_report",
        "import_ballots",
        "plan_ballots",
        "read_survey",
        "weigh_ballots",
    ),
    "calib.experiment": ("load_experiment", "run_experiment", "write_run"),
    "calib.experts": ("elicit", "read_opinions", "read_panel", "weigh_panel", "write_form"),
    "calib.framework": ("list_frameworks", "load_framework", "with_rule"),
    "calib.outcomes": (
        "acceptability",
        "compare",
        "draw_weights",
        "drivers",
        "lifecycle",
        "rule_options",
        "scale",
        "smallest_shift",
        "stability",
        "tipping",
        "value_of_information",
        "unanswered",
    ),
    "calib.outcomes.decision": ("decide",),
    "calib.outcomes.dominance": ("dominance",),
    "calib.population": (
        "Ensemble",
        "Population",
        "generate_population",
        "import_answers",
        "impute",
        "load_ensemble",
        "load_population",
        "read_population",
    ),
    "calib.rating": ("explain_rule", "explain_star", "rate"),
    "calib.shifts": ("shift",),
    "calib.weights": (
        "WeightSet",
        "blend",
        "compare_weights",
        "equal_weights",
        "import_weights",
        "override",
        "published_weights",
        "read_weights",
        "round_weights",
        "write_weights",
    ),
    "calib.verification": ("reliability", "verify"),
    "calib.words": ("current_language", "set_language"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Ensemble",
    "Population",
    "WeightSet",
    "__version__",
    "acceptability",
    "adjust",
    "adjust_rounds",
    "blend",
    "compare",
    "compare_weights",
    "current_language",
    "decide",
    "dominance",
    "draw_weights",
    "drivers",
    "elicit",
    "equal_weights",
    "equality_report",
    "explain_rule",
    "explain_star",
    "generate_population",
    "import_answers",
    "import_ballots",
    "import_weights",
    "impute",
    "lifecycle",
    "list_frameworks",
    "load_ensemble",
    "load_experiment",
    "load_framework",
    "load_population",
    "override",
    "plan_ballots",
    "published_weights",
    "rate",
    "read_opinions",
    "read_panel",
    "read_population",
    "read_survey",
    "read_weights",
    "reliability",
    "round_weights",
    "rule_options",
    "run_experiment",
    "scale",
    "set_language",
    "shift",
    "smallest_shift",
    "stability",
    "tipping",
    "unanswered",
    "value_of_information",
    "verify",
    "weigh_ballots",
    "weigh_panel",
    "with_rule",
    "write_form",
    "write_run",
    "write_weights",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'calib' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
