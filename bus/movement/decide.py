"""What follows from one approved 異動? Pure: images and a request in; new images, as events, out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import uuid4

from bus.dates import Uncertain
from bus.errors import Reject
from bus.event import ChangeSet, Event
from bus.movement import undo
from bus.movement.act import Act, Request, Scene, official
from bus.movement.allowed import check_date, check_fields, check_life, check_records
from bus.movement.rules import RULES
from bus.resident.codes import Reason
from bus.resident.image import Changes, Shape, changed


def decide(
    request: Request,
    scene: Scene,
    reasons: Mapping[str, Reason],
    shape: Shape,
    recorded: datetime,
    new_id: Callable[[], str] = lambda: str(uuid4()),
) -> Changes:
    """The events of one act, one per person whose row changes. Raises Reject with the rule's code."""
    reason = reasons.get(request.reason)
    if reason is None or reason.reason == "IKO":
        raise Reject("no such reason", code="REASON", where="reason", hint="schemas/codes/reason.yaml lists them")
    act = Act(request, scene, reason, shape)
    _judge(act, dict(reasons))
    follow_heads(act)
    return _events(act, reasons, recorded, new_id)


def _judge(act: Act, reasons: dict[str, Reason]) -> None:
    if act.reason.annuls:
        keys = undo.annulled_keys(act)
        act.given = act.given or {key: {} for key in keys}
    if not act.given:
        raise Reject("whom does it concern?", code="NO_PERSON", where="persons")
    check_records(act)
    check_fields(act)
    if act.request.effective is not None or not act.request.supersedes:
        check_date(act, act.effective)
    if act.reason.annuls:
        undo.annul(act, reasons)
    elif act.reason.corrects:
        undo.amend_or_correct(act)
    else:
        RULES[act.reason.reason](act)
    for key in act.given if not act.supersedes else ():
        check_life(act, key, act.effective)


def follow_heads(act: Act) -> None:
    """A household whose head is another now, or has another name, or is dead: the members' rows say so (D11, M03)."""
    images = {**{key: person.image for key, person in act.scene.persons.items()}, **act.images}
    for household in sorted({str(image["household.no"]) for image in images.values() if image["household.no"]}):
        was, now = act.head(household, before=True), act.head(household)
        if was is None and now is None:
            continue
        name = act.images[now]["name.full"] if now else None
        if was == now and was is not None and act.scene.persons[was].image["name.full"] == name:
            continue
        for key in act.members(household):
            if act.images[key]["household.head_name"] != name:
                act.images[key]["household.head_name"] = name
                act.follow(key, "SETAINUSHI_HENKO" if was != now else "SHOKKEN_SHUSEI")


def _events(act: Act, reasons: Mapping[str, Reason], recorded: datetime, new_id: Callable[[], str]) -> Changes:
    rows = {**dict.fromkeys(act.given, act.reason.reason), **dict(sorted(act.derived.items()))}
    change_set = act.request.change_set or (new_id() if len(rows) > 1 else None)
    made: Changes = []
    for seq, (key, why) in enumerate(rows.items(), 1):
        before = act.scene.persons.get(key)
        reason, after = reasons[why], act.images[key]
        effective = act.effectives.get(key) or act.request.effective or Uncertain.on(act.scene.today)
        version = before.version + 1 if before else 1
        _book(act, key, reason, effective, version)
        event = Event(
            id=new_id(),
            kind="CORRECT" if act.reason.corrects and key in act.supersedes else reason.kind,
            reason=why,
            key=key,
            version=version,
            effective=effective,
            recorded=recorded,
            data=act.shape.nested(after),
            supersedes=act.supersedes.get(key),
            change_set=ChangeSet(change_set, len(rows), seq) if change_set else None,
            protected=after["protection.level"] is not None,
            before=act.shape.nested(before.image) if before else None,
            before_recorded=before.recorded if before else None,
            undoes=act.undoes.get(key, ()),
        )
        made.append((event, after))
    return made


def _book(act: Act, key: str, reason: Reason, effective: Uncertain, version: int) -> None:
    """How this version came about (image.BOOKKEEPING); the request may say more of it."""
    today = Uncertain.on(act.scene.today)
    image = act.images[key]
    said = {path: value for path, value in act.given.get(key, {}).items() if not changed({path: None}, {path: value})}
    image.update({path: None for path in image if path.startswith(("movement.", "control.operat"))})
    image.update({"movement.date": effective, "movement.notified_on": today, "movement.processed_on": today})
    image.update({"movement.class_code": reason.group})
    image["movement.reason_code"] = act.codes.get(key) or official(reason, image)
    image.update({"unknown.movement": "0" if effective.is_certain else "1", "control.operated_on": today})
    image.update({"history.no": str(version), "history.branch": "1", "history.latest": "1"})
    image.update(said)
