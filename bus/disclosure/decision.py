"""What does a subscription hear of one version (decision 17)? Pure: the whole rule, on what is not hidden."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from bus.event import BARE, DATA, REMOVED

CLOCK: Final = "CLOCK"

# Said to everybody whom the person concerns, whether or not something differs: who speaks so means it.
ALWAYS_DATA: Final = frozenset({"REGISTER", "RESYNC", CLOCK, "IDENTITY"})


class Side(Protocol):
    """One image as the subscription may see it. `visible`: the granted values, None where hidden."""

    @property
    def concerns(self) -> bool: ...  # asked for only when it matters: a rule takes longer than all the rest
    @property
    def protected(self) -> bool: ...
    @property
    def visible(self) -> Sequence[Any]: ...


class Decided(NamedTuple):
    """A side about which nothing is left to ask."""

    concerns: bool
    protected: bool
    visible: Sequence[Any]


NOBODY: Final = Decided(concerns=False, protected=False, visible=())  # there was no image


def mode(kind: str, before: Side, after: Side, *, undone: bool) -> str | None:
    """DATA, BARE, REMOVED, or None for silence. `undone`: a correction or annulment takes a visible granted path back.

    That the measure of protection begins or ends is heard by all: the flag is in every body, so its change is a change.
    """
    if not after.concerns:
        return REMOVED if before.concerns else None
    differs = before.protected != after.protected or before.visible != after.visible
    if differs or undone or kind in ALWAYS_DATA:
        return DATA
    return BARE if before.concerns else DATA


def touches(visible: Iterable[str], undoes: Iterable[str]) -> bool:
    """Is a visible path among those taken back? Either may name a part of the other (birth, birth.text)."""
    taken = [path + "." for path in undoes]
    return bool(taken) and any(
        (seen := path + ".").startswith(each) or each.startswith(seen) for path in visible for each in taken
    )
