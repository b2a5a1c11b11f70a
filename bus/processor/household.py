"""Who makes up a household? Persons' events, each of one person, become one event per household and act.

Who belongs where follows from the last image of every person alone, so the order in which different persons are read
does not matter in the end. On the way there no household is said by half: an act on several persons (domain R1) holds
back the households it touches until all its rows are read; whatever else happens to these households meanwhile is said
with it. `release` ends the waiting for a row that does not come (its person is set aside): the driver calls it when
everything the broker stamped HOLD_SECONDS after the act's first row has been read, or when an operator asks for it.

A register that is loaded as it was found has no acts: its households wait until all that is there has been read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from hashlib import sha256
from typing import Any, Final

from bus.dates import Uncertain
from bus.errors import Reject
from bus.event import RESIDENT
from bus.processor.fold import Folded, Heard, Processor, Recall, Said, State
from bus.resident.codes import bare

_PERSON, _HOUSE, _ACT = "person/", "household/", "act/"
_PATHS: Final = (
    "is_resident", "household.no", "household.relation_code", "household.relation", "household.order",
    "identity.merged_into",
)  # fmt: skip
_OF_MEMBER: Final = ("relation_code", "relation", "order")
_HEAD: Final = "2"
_LOADED: Final = "IKO"
_REPEATS: Final = ("CLOCK", "RESYNC")  # say a version again; the act was told when it was new
_PLAIN: Final = re.compile(r"[\x21-\x39\x3b-\x7e]{1,64}")  # what every department's store takes for a key
_LONGEST: Final = 100


class Sheet:
    """Copies of what is remembered, and what this step makes of it."""

    def __init__(self, recall: Recall) -> None:
        self._recall = recall
        self.states: dict[str, State | None] = {}

    def get(self, key: str) -> dict[str, Any] | None:
        known = self.states[key] if key in self.states else self._recall(key)
        return None if known is None else deepcopy(dict(known))

    def put(self, key: str, state: State | None) -> None:
        self.states[key] = state

    def house(self, no: str) -> dict[str, Any]:
        return self.get(_HOUSE + no) or {"members": {}, "waits": [], "recorded": 0, "effective": None, "told": True}

    def settled(self, numbers: Iterable[str]) -> Folded:
        """These households may be said as they are, as far as nothing holds them back."""
        said = []
        for no in numbers:
            house = self.house(no)
            if (now := _fact(no, house)) is not None:
                said.append(now)
                self.put(_HOUSE + no, house | {"told": True})
        return Folded(self.states, said)


def fold(recall: Recall, heard: Heard) -> Folded:
    sheet = Sheet(recall)
    changed = _move(sheet, heard)
    if heard.reason == _LOADED:
        return sheet.settled(_hold_briefly(sheet, heard, changed))
    if heard.change_set is None or heard.change_set.size < 2 or heard.kind in _REPEATS:
        return sheet.settled(changed)
    return sheet.settled(_gather(sheet, heard, changed))


def _move(sheet: Sheet, heard: Heard) -> list[str]:
    """Out of one household, into another, or another relation in the same: which households are not as they were?

    Looks into the households themselves, so that one remembered wrongly is mended when its members are heard again.
    """
    key = _PERSON + heard.key
    was, now, said = sheet.get(key), _member(heard.after), heard.before and heard.before["household.no"]
    if was != now:
        sheet.put(key, now)
    changed = []
    for no in sorted({one["household"] for one in (was, now) if one is not None} | ({said} if said else set())):
        house = sheet.house(no)
        member = {name: now[name] for name in _OF_MEMBER} if now is not None and now["household"] == no else None
        if house["members"].get(heard.key) == member:
            continue
        if member is None:
            del house["members"][heard.key]
        else:
            house["members"][heard.key] = member
        if house["told"] or house["recorded"] < heard.recorded:  # of all that is untold the latest gives the day
            house |= {"recorded": heard.recorded, "effective": heard.effective.as_json(), "told": False}
        sheet.put(_HOUSE + no, house)
        changed.append(no)
    return changed


def _member(image: Mapping[str, Any]) -> dict[str, Any] | None:
    """Of which household, and as what. None: of none; who is recorded under another key now is nobody here."""
    no = image["household.no"]
    if not image["is_resident"] or image["identity.merged_into"] is not None or no is None:
        return None
    if not _PLAIN.fullmatch(no):
        raise Reject("the number of the household cannot be the key of a record", code="KEY", where="household.no")
    return {"household": no, **{name: image[f"household.{name}"] for name in _OF_MEMBER}}


def _gather(sheet: Sheet, heard: Heard, changed: Sequence[str]) -> Sequence[str]:
    """Notes one row of an act. Which households does it no longer hold back?"""
    assert heard.change_set is not None
    key, (_, size, seq) = _act(heard), heard.change_set
    act = sheet.get(key) or _waiting(heard) | {"size": size, "rows": [], "households": []}
    act["rows"] = sorted({*act["rows"], seq})
    act["households"] = sorted({*act["households"], *changed})
    if len(act["rows"]) >= act["size"]:
        sheet.put(key, None)
        return _let_go(sheet, key, act["households"])
    sheet.put(key, act)
    if act["released"]:
        return changed
    for no in changed:
        _hold(sheet, key, no)
    return []


def _hold_briefly(sheet: Sheet, heard: Heard, changed: Sequence[str]) -> Sequence[str]:
    """The members of a household come one by one, soon after another; each household waits for itself."""
    for no in changed:
        key = f"{_ACT}{_LOADED}/{no}"
        sheet.put(key, _waiting(heard) | {"is_brief": True, "households": [no]})
        _hold(sheet, key, no)
    return []


def _waiting(heard: Heard) -> dict[str, Any]:
    return {"stamp": heard.stamp, "released": False, "is_brief": False}


def _hold(sheet: Sheet, key: str, no: str) -> None:
    house = sheet.house(no)
    house["waits"] = sorted({*house["waits"], key})
    sheet.put(_HOUSE + no, house)


def _let_go(sheet: Sheet, key: str, numbers: Sequence[str]) -> Sequence[str]:
    for no in numbers:
        house = sheet.house(no)
        if key in house["waits"]:
            house["waits"].remove(key)
            sheet.put(_HOUSE + no, house)
    return numbers


def _act(heard: Heard) -> str:
    """All rows of an act have its id and its instant; a clerk may have used the id twice."""
    assert heard.change_set is not None
    id = heard.change_set.id
    short = id if len(id) <= _LONGEST and id.isascii() else sha256(id.encode()).hexdigest()
    return f"{_ACT}{short}/{heard.recorded}"


def release(recall: Recall, key: str) -> Folded:
    """The act stays in memory, and in sight, until its last row is there; further rows of it are said as they come."""
    sheet = Sheet(recall)
    act = sheet.get(key)
    if act is None or act["released"]:
        return Folded({}, [])
    sheet.put(key, None if act["is_brief"] else act | {"released": True})
    return sheet.settled(_let_go(sheet, key, act["households"]))


def fact(recall: Recall, key: str) -> Said | None:
    no = key.removeprefix(_HOUSE)
    return _fact(no, Sheet(recall).house(no))


def _fact(no: str, house: State) -> Said | None:
    if house["waits"] or house["effective"] is None:
        return None
    return Said(no, _image(no, house["members"]), Uncertain.from_json(house["effective"]), house["recorded"])


def _image(no: str, members: Mapping[str, State]) -> dict[str, Any]:
    """The head is whoever is recorded as such; with none, or by mistake with two, there is no answer (D11)."""
    listed = sorted(members.items(), key=lambda item: (_rank(item[1]["order"]), item[0]))
    heads = [key for key, member in listed if bare(member["relation_code"]) == _HEAD]
    return {
        "active": bool(members),
        "household": no,
        "head": heads[0] if len(heads) == 1 else None,
        "size": len(members),
        "members": [
            {"key": key, "relation_code": member["relation_code"], "relation": member["relation"]}
            for key, member in listed
        ],
    }


def _rank(order: str | None) -> int:
    return int(order) if order and order.isdecimal() and len(order) < 10 else 10**9


def _needs(heard: Heard) -> list[str]:
    numbers = {image["household.no"] for image in (heard.before, heard.after) if image}
    keys = [_PERSON + heard.key, *(_HOUSE + no for no in numbers if no)]
    return [*keys, _act(heard)] if heard.change_set and heard.change_set.size > 1 else keys


HOUSEHOLD: Final = Processor(
    id="household", reads={RESIDENT: _PATHS}, writes="juki.household", needs=_needs, fold=fold,
    waiting=_ACT, release=release, standing=_HOUSE, fact=fact,
)  # fmt: skip
