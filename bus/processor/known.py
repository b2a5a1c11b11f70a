"""Which processors are there, and does the topology say of them what they are?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from bus.errors import Misconfigured, Usage
from bus.processor.fold import Processor
from bus.processor.household import HOUSEHOLD

FOLDS: Final[Mapping[str, Processor]] = {fold.id: fold for fold in (HOUSEHOLD,)}


class Stanza(Protocol):
    @property
    def reads(self) -> tuple[str, ...]: ...
    @property
    def writes(self) -> str: ...


class Town(Protocol):
    """What is needed of a topology."""

    @property
    def processors(self) -> Mapping[str, Any]: ...  # of Stanza


def known(town: Town) -> dict[str, Processor]:
    """All that the topology lets run; each must hear and say what its stanza says."""
    mistakes = []
    for name, stanza in town.processors.items():
        if name not in FOLDS:
            mistakes.append(f"topology.yaml: there is no fold {name} for this processor; there are {', '.join(FOLDS)}")
        elif set(stanza.reads) != set(FOLDS[name].reads) or stanza.writes != FOLDS[name].writes:
            reads = ", ".join(FOLDS[name].reads)
            mistakes.append(f"topology.yaml: {name} reads {reads} and writes {FOLDS[name].writes}, and nothing else")
    if mistakes:
        raise Misconfigured.all(mistakes)
    return {name: FOLDS[name] for name in town.processors}


def one(town: Town, name: str) -> Processor:
    found = known(town)
    if name not in found:
        raise Usage(f"there is no processor {name}", hint=f"topology.yaml has {', '.join(found) or 'none'}")
    return found[name]
