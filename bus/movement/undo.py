"""What becomes of a person when an earlier event was wrong? Corrections, and annulments as a three-way restore."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from bus.dates import Uncertain
from bus.errors import Reject
from bus.movement.act import Act, Past, is_head
from bus.resident.codes import Reason
from bus.resident.image import Flat, changed

_NEVER: Final = "S09"  # 異動の取消し（減）: closed because it should not have been opened


def amend_or_correct(act: Act) -> None:
    """修正: of the event the request names, or simply of what is so."""
    for key, given in act.given.items():
        image = act.person(key)
        if act.request.supersedes is None:
            if all(image[path] == value for path, value in given.items()):
                raise Reject("nothing would change", code="NOTHING_CHANGES", where="persons")
            act.apply(key)
            continue
        line = _line(act, key)
        _names(act, key, line)
        said = _said(line)
        image.update({path: value for path, value in given.items() if path not in said or image[path] in said[path][1]})


def annul(act: Act, reasons: dict[str, Reason]) -> None:
    """取消: every row of the act that the request names, or of the listed persons only.

    A path comes back to what it was unless a later event changed it again: that event stands.
    """
    for key in act.given:
        image, line = act.person(key), _line(act, key)
        named = line[0]
        if named.kind == "IDENTITY" and set(act.given) != set(annulled_keys(act)):
            raise Reject("both records, or none", code="TWO_RECORDS", where="persons")
        if named.id == act.request.supersedes and act.request.reason not in reasons[named.reason].reverse:
            raise Reject("this reason does not annul that event", code="CORRECTION_TARGET", where="supersedes")
        _names(act, key, line)
        said = _said(line)
        if "state" in said and image["state"] not in said["state"][1]:
            raise Reject("a later event must be annulled first", code="LATER_MOVEMENT", where="supersedes")
        if named.before is None:
            image.update(never_resident(Uncertain.on(act.scene.today)))
            if named.reason == "FUBAN_KAE":  # the key was heard of: it leads back to the one that is right
                image["identity.merged_into"] = next(other for other in act.given if other != key)
                image["identity.merged_on"] = Uncertain.on(act.scene.today)
        else:
            image.update({path: before for path, (before, after) in said.items() if image[path] in after})
    _check_heads(act)


def _check_heads(act: Act) -> None:
    """Somebody else became the head since: that comes first."""
    for household in {str(act.images[key]["household.no"]) for key in act.given}:
        if sum(is_head(act.images[key]) for key in act.members(household)) > 1:
            raise Reject("another head was chosen since; annul that first", code="LATER_MOVEMENT", where="supersedes")


def annulled_keys(act: Act) -> list[str]:
    """Whom the named act concerned, the person of the named event first."""
    wanted = act.request.supersedes
    named = next((past for pasts in act.scene.pasts.values() for past in pasts if past.id == wanted), None)
    if named is None:
        raise Reject("there is no such event", code="CORRECTION_TARGET", where="supersedes")
    keys = [key for key, pasts in act.scene.pasts.items() if any(_is_of(past, named) for past in pasts)]
    return sorted(keys, key=lambda key: (all(past.id != wanted for past in act.scene.pasts[key]), key))


def _is_of(past: Past, named: Past) -> bool:
    return past.id == named.id or (named.change_set is not None and past.change_set == named.change_set)


def _line(act: Act, key: str) -> list[Past]:
    """The person's row of the named act, and the corrections of it that followed."""
    wanted, pasts = act.request.supersedes, act.scene.pasts.get(key, ())
    named = next((past for all_ in act.scene.pasts.values() for past in all_ if past.id == wanted), None)
    first = next((past for past in pasts if named is not None and _is_of(past, named)), None)
    if first is None or first.kind == "ANNUL":
        raise Reject("there is no such event of this person to correct", code="CORRECTION_TARGET", where="supersedes")
    if any(past.kind == "ANNUL" and past.supersedes == first.id for past in pasts):
        code = "ALREADY_ANNULLED" if act.reason.annuls else "CORRECTION_TARGET"
        raise Reject("the event is annulled", code=code, where="supersedes")
    line = [first]
    for past in pasts:
        if past.kind == "CORRECT" and past.supersedes in {one.id for one in line} and not _is_annulled(past, pasts):
            line.append(past)
    return line


def _is_annulled(past: Past, pasts: Sequence[Past]) -> bool:
    return any(other.kind == "ANNUL" and other.supersedes == past.id for other in pasts)


def _said(line: Sequence[Past]) -> dict[str, tuple[Any, list[Any]]]:
    """path -> (what it was before the first of these events changed it, what each of them made of it)"""
    said: dict[str, tuple[Any, list[Any]]] = {}
    for past in line:
        for path in changed(past.before, past.after):
            said.setdefault(path, (past.before[path] if past.before else None, []))[1].append(past.after[path])
    return said


def _names(act: Act, key: str, line: Sequence[Past]) -> None:
    act.supersedes[key] = line[0].id
    act.undoes[key] = tuple(sorted(_said(line)))
    act.effectives[key] = act.request.effective or line[0].effective


def never_resident(on: Uncertain) -> Flat:
    """The first 記載 of a person is undone: the sheet is closed, what it says of the person stays on it."""
    said: Flat = {"is_resident": False, "state": "9", "resident_since": None, "address.since": None}
    said |= {"entry.date": None, "entry.reason_code": None, "removal.reason_code": _NEVER, "removal.closed": "1"}
    return said | {"removal.date": on, "removal.notified_on": on, "removal.archived_on": on}
