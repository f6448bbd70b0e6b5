"""What weight sets are called in tables and sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from calib.weights.weightset import WeightSet
from calib.words import Name, Text, languages, message

__all__ = ["set_names"]


def set_names(sets: Mapping[str, WeightSet]) -> dict[str, Text]:
    """Return what columns of sets show for each name: its label.

    The keys are ``"set:NAME"``, so that a set may be called as a node is. Sets whose labels are
    the same are told apart by their names; a set that is called otherwise here than it calls
    itself goes by the name given here.
    """
    shared = {lang: Counter(w.label.get(lang) for w in sets.values()) for lang in languages()}

    def named(name: str, own: str, label: Text) -> Text:
        if name != own:
            return Name(name, name)
        alone = all(count[label.get(lang)] == 1 for lang, count in shared.items())
        return label if alone else message("weights.told_apart", label=label, name=name)

    return {f"set:{name}": named(name, w.name, w.label) for name, w in sets.items()}
