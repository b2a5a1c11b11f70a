"""What is so, after all that was said? What stands of a fact's past, applied in order: nothing is undone by hand."""

from __future__ import annotations

from collections.abc import Sequence

from bus.errors import Reject
from bus.fact.say import Past
from bus.fact.shape import ACTIVE, Flat


def fold(pasts: Sequence[Past], blank: Flat) -> Flat:
    """The image. An annulled event is left out, a correction speaks in the place of the event it names.

    So a path comes back to what it was unless a later event changed it, in whatever order things are annulled. Without
    its first event a fact has never stood: its image stays as what was said of it.
    """
    image = dict(blank)
    annulled = annulments(pasts)
    for number, past in enumerate(pasts):
        if past.kind in ("CORRECT", "ANNUL") or (past.id in annulled and number):
            continue
        for one in line(past, pasts):
            image.update(one.said)
        if past.id in annulled:
            image[ACTIVE] = False
    return image


def annulments(pasts: Sequence[Past]) -> set[str]:
    return {str(past.supersedes) for past in pasts if past.kind == "ANNUL"}


def line(first: Past, pasts: Sequence[Past]) -> list[Past]:
    """An event, and the corrections of it that stand."""
    found, annulled = [first], annulments(pasts)
    for past in pasts:
        if past.kind == "CORRECT" and past.id not in annulled and past.supersedes in {one.id for one in found}:
            found.append(past)
    return found


def named(wanted: str | None, pasts: Sequence[Past], *, annuls: bool) -> Past:
    """The event that is corrected or annulled. Raises Reject: it must be of this fact, and stand."""
    found = next((past for past in pasts if past.id == wanted), None)
    if found is None or found.kind == "ANNUL":
        raise Reject("there is no such event of this fact", code="CORRECTION_TARGET", where="supersedes")
    if found.id in annulments(pasts):
        code = "ALREADY_ANNULLED" if annuls else "CORRECTION_TARGET"
        raise Reject("the event is annulled", code=code, where="supersedes")
    return found


def undone(events: Sequence[Past]) -> tuple[str, ...]:
    """The paths that these events had changed; of a first image: all that it says."""
    return tuple(sorted({path for one in events for path in changed(one.before, one.after)}))


def changed(before: Flat | None, after: Flat) -> tuple[str, ...]:
    if before is None:
        return tuple(path for path, value in after.items() if value not in (None, False))
    return tuple(path for path, value in after.items() if before.get(path) != value)
