"""Does every example of acts.yaml hold on PostgreSQL too, with its locks, numbers and triggers?"""

from __future__ import annotations

import pytest

from bus.resident.image import BOOKKEEPING
from tests.register.acts import Town, cases, name
from tests.register.ledger import REASONS, SHAPE

pytestmark = pytest.mark.stack


class Database:
    """What acts.yaml's town asks of a ledger, of the register itself."""

    def __init__(self, entry):
        self.entry = entry

    def enter(self, reason, effective, persons=(), **more):
        return self.entry.enter({"reason": reason, "effective": effective, "persons": list(persons), **more})

    def image(self, key):
        person = self.entry.persons([key])[key]
        return {path: person.image[path] for path in SHAPE.kinds}


def facts(town):
    return {
        who: {p: v for p, v in town.ledger.image(key).items() if not p.startswith(BOOKKEEPING)}
        for who, key in town.keys.items()
        if who != "nobody"
    }


@pytest.mark.parametrize("case", cases(), ids=name)
def test_an_act_is_stored_as_its_example_says_and_annulled_again(register, case):
    town = Town(Database(register.entry))
    for act in case.get("first", ()):
        town.do(act)
    before = facts(town)

    events = town.do(case["act"])

    for who, cells in case["changes"].items():
        assert {path: town.says(who, path) for path in cells} == {p: town.expected(c) for p, c in cells.items()}, who
    assert all(register.entry.history(event.key)[-1] == event for event in events)
    for reverse in REASONS[case["reason"]].reverse[:1]:
        town.do({reverse: {}, "annuls": len(town.told)})
        after = facts(town)
        assert {who: after[who] for who in before} == before
