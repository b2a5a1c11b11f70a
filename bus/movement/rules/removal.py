"""How does residence end, and how is its end announced and confirmed?"""

from __future__ import annotations

from bus.dates import Uncertain
from bus.errors import Reject
from bus.movement.act import DEAD, Act, official
from bus.movement.allowed import check_date
from bus.movement.household import leave, residents
from bus.resident.codes import bare

MOVED_OUT = "2"
OTHERWISE = "9"


def shibo(act: Act) -> None:
    for key in residents(act):
        _remove(act, key, DEAD)  # the head of a household may be gone now: see movement.follow_heads


def tenshutsu(act: Act) -> None:
    leavers = residents(act)
    leave(act, leavers)
    for key in leavers:
        _remove(act, key, MOVED_OUT)


def shokken_shojo(act: Act) -> None:
    for key in residents(act):
        _remove(act, key, OTHERWISE)


def _remove(act: Act, key: str, state: str) -> None:
    image = act.images[key]
    today, effective = Uncertain.on(act.scene.today), act.effective
    notified = image["move_out.notified_on"] if state != DEAD else None
    image.update({"is_resident": False, "state": state, "removal.date": effective})
    image.update({"removal.notified_on": notified or today, "removal.closed": "1", "removal.archived_on": today})
    image["unknown.removal"] = "0" if effective.is_certain else "1"
    image["removal.reason_code"] = None
    act.apply(key)
    image["removal.reason_code"] = image["removal.reason_code"] or official(act.reason, image)


def tenshutsu_todoke(act: Act) -> None:
    for key in residents(act):
        image, given = act.images[key], act.given[key]
        if image["move_out.planned_on"] is not None:
            raise Reject("a move-out is announced already", code="ALREADY_ANNOUNCED", where="persons")
        image.update({"move_out.planned_on": act.effective, "move_out.notified_on": Uncertain.on(act.scene.today)})
        act.apply(key)
        planned = given.get("move_out.planned_on")
        if planned is not None:
            check_date(act, planned)


def tenshutsu_kakutei(act: Act) -> None:
    for key in act.given:
        image = act.person(key)
        if bare(image["state"]) != "2" and image["move_out.planned_on"] is None:
            raise Reject("no move-out is known", code="NOT_ANNOUNCED", where="persons")
        image.update({"move_out.confirmed_on": act.effective, "move_out.notice_on": Uncertain.on(act.scene.today)})
        act.apply(key)
