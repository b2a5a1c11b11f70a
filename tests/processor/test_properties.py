"""Whatever acts, however their rows are read, repeated and interrupted: are the households right in the end?"""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import suppress
from random import Random

from hypothesis import given, settings, strategies as st

from bus.errors import Fenced, Reject, Unavailable
from bus.movement.act import is_head
from tests.processor.scene import NAME, Dying, Wire, drain, standing
from tests.register.ledger import CHILD, HEAD, WIFE, Ledger, named

SEEDS = st.integers(min_value=0, max_value=2**32)
_RELATIVE = {"household.relation_code": "96", "household.relation": "縁故者"}


class Acts:
    """Random acts of a small town under the real rules; what they refuse does not happen."""

    def __init__(self, chance: Random) -> None:
        self.chance, self.ledger, self.acts = chance, Ledger(), []

    def play(self, count: int) -> list[list]:
        for _ in range(3):
            self._try("TENNYU", self._family(), household="new")
        while len(self.acts) < count:
            self._one()
        return self.acts

    def _try(self, reason, persons, **more) -> None:
        with suppress(Reject, KeyError):
            self.acts.append(self.ledger.enter(reason, more.pop("effective", "2026-04-01"), persons, **more))

    def _family(self):
        size = self.chance.randrange(1, 4)
        address = {"address.town": self.chance.choice("北南"), "address.lot": "１番地"}
        return [
            {"key": None, "set": {"name.full": "甲", "birth": "1980-03-05", **address, **cells}}
            for cells in (HEAD, WIFE, CHILD)[:size]
        ]

    def _one(self) -> None:
        key, other = (self.chance.choice(sorted(self.ledger.people)) for _ in range(2))
        no, there = (self.ledger.image(one)["household.no"] for one in (key, other))
        home = [one for one in sorted(self.ledger.people) if self.ledger.image(one)["household.no"] == no]
        some = self.chance.sample(home, self.chance.randrange(1, len(home) + 1))
        to = {"address__town": self.chance.choice("北南"), "address__lot": self.chance.choice("１２")}
        relation = {path.replace(".", "__"): cell for path, cell in _RELATIVE.items()}
        head = {"household__relation_code": "02"}
        choices = {
            "TENNYU": (self._family(), {"household": self.chance.choice(["new", no])}),
            "SHUSSEI": ([{"key": None, "set": {"name.full": "乙"}}], {"household": no}),
            "SHIBO": ([key], {}),
            "TENSHUTSU": (some, {}),
            "TENKYO": ([named(one, **to) for one in some], {"household": self.chance.choice([None, "new", there])}),
            "SETAI_BUNRI": ([named(some[0], **head), *some[1:]], {}),
            "SETAI_GAPPEI": ([named(one, **relation) for one in some], {"household": there}),
            "SETAINUSHI_HENKO": ([named(key, **head), *(named(o, **relation) for o in home if o != key)], {}),
            "GOKI_SHUSEI": ([named(key, **relation)], {}),
            "SHIMEI_HENKO": ([named(key, name__full=str(self.chance.random()))], {}),
            "TOGO": ([key, other], {}),
            "FUBAN_KAE": ([key, {"key": None}], {}),
        }
        reason = self.chance.choice([*choices, "annul", "annul", "annul"])
        if reason != "annul":
            persons, more = choices[reason]
            self._try(reason, persons, **more)
        elif self.acts:
            past = self.chance.choice(self.chance.choice(self.acts[-8:]))
            for undone_by in ("TORIKESHI_ZO", "TORIKESHI_GEN", "TORIKESHI_SHUSEI", "TOGO_TORIKESHI"):
                self._try(undone_by, [], supersedes=past.id, effective=None)


def recomputed(ledger: Ledger) -> dict[str, dict]:
    """Independently of the fold: residents by the number of their household."""
    found = defaultdict(list)
    for key, person in ledger.people.items():
        image = person.image
        if image["is_resident"] and not image.get("identity.merged_into") and image["household.no"]:
            found[image["household.no"]].append((int(image["household.order"] or 10**9), key, image))
    households = {}
    for no, members in found.items():
        heads = [key for _, key, image in sorted(members, key=lambda one: one[:2]) if is_head(image)]
        households[no] = {
            "active": True,
            "household": no,
            "head": heads[0] if len(heads) == 1 else None,
            "size": len(members),
            "members": [
                {"key": k, "relation_code": i["household.relation_code"], "relation": i["household.relation"]}
                for _, k, i in sorted(members, key=lambda one: one[:2])
            ],
        }
    return households


def touched(acts) -> Counter:
    """household -> by how many acts it was changed."""
    count = Counter()
    for events in acts:
        changed = set()
        for event in events:
            was, now = (_place(image) for image in (event.before, event.data))
            if was != now:
                changed |= {place[0] for place in (was, now) if place}
        count.update(changed)
    return count


def _place(image):
    if image is None or not image["is_resident"] or image.get("identity", {}).get("merged_into"):
        return None
    household = image["household"]
    return tuple(household[name] for name in ("no", "relation_code", "relation", "order"))


def repeated(events, chance: Random):
    """As a relay that was killed says them: now and then it says the last few once more."""
    for index in range(len(events)):
        yield events[index]
        if chance.random() < 0.15:
            yield from events[max(0, index - chance.randrange(4)) : index + 1]


def fold(acts, chance: Random, notebook: Dying) -> Wire:
    """Read in any order of the partitions, in batches of any size, by drivers that die and are followed by others."""
    wire = Wire(chance)
    events = list(repeated([event for act in acts for event in act], chance))
    rest = iter(events)
    driver = wire.driver(notebook)
    for _ in range(len(events)):
        wire.publish(event for _, event in zip(range(chance.randrange(6)), rest, strict=False))
        with suppress(Unavailable):
            driver.step(chance.choice([1, 2, 5, 1000]), 0.0)
        if chance.random() < 0.1:
            driver = wire.driver(notebook)  # the last one was killed: same process name, no goodbye
    wire.publish(rest)
    notebook.chance = None
    drain(wire.driver(notebook))
    return wire


@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_the_households_are_those_of_the_last_images_and_each_act_says_each_once(seed):
    chance = Random(seed)
    town = Acts(chance)
    acts = town.play(25)
    notebook = Dying()
    notebook.chance = chance

    fold(acts, chance, notebook)

    said = notebook.outbox
    assert standing(said) == recomputed(town.ledger)
    changes = touched(acts)
    for key, count in Counter(event.key for event in said).items():
        assert [event.version for event in said if event.key == key] == list(range(1, count + 1))
        assert count <= changes[key]
    assert not notebook.keys(NAME, "act/")
    for event in said:
        assert event.data != event.before


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_rebuilding_at_any_point_says_nothing_again_and_ends_the_same(seed):
    chance = Random(seed)
    town = Acts(chance)
    acts = town.play(15)
    notebook, wire = Dying(), Wire(chance)
    first = wire.driver(notebook)
    first.step(1, 0.0)
    wire.publish(event for act in acts[:10] for event in act)
    drain(first)
    before = len(notebook.outbox)
    first.close()

    again = wire.driver(notebook)
    again.rebuild()
    drain(again, chance.choice([1, 3, 1000]))
    assert len(notebook.outbox) == before
    wire.publish(event for act in acts[10:] for event in act)
    drain(again)

    assert standing(notebook.outbox) == recomputed(town.ledger)


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_an_act_and_its_annulment_leave_the_households_as_they_were(seed):
    chance = Random(seed)
    town = Acts(chance)
    acts = town.play(12)
    before = recomputed(town.ledger)
    last = len(acts)
    while len(acts) == last:
        town._one()
    act = acts[-1]
    for undone_by in ("TORIKESHI_ZO", "TORIKESHI_GEN", "TORIKESHI_SHUSEI", "TOGO_TORIKESHI"):
        town._try(undone_by, [], supersedes=act[0].id, effective=None)
    notebook = Dying()

    fold(acts, chance, notebook)

    if len(acts) == last + 2:  # else the rules would not have it annulled, or it was an annulment itself
        assert standing(notebook.outbox) == before
    assert standing(notebook.outbox) == recomputed(town.ledger)


def test_a_driver_that_was_frozen_writes_nothing_more():
    wire, notebook = Wire(Random(1)), Dying()
    frozen = wire.driver(notebook)
    frozen.step(1, 0.0)
    wire.publish(event for act in Acts(Random(2)).play(5) for event in act)
    drain(wire.driver(notebook))
    before = len(notebook.outbox)

    with suppress(Unavailable):
        frozen.step(1000, 0.0)
        raise AssertionError("it went on")

    assert issubclass(Fenced, Unavailable)
    assert len(notebook.outbox) == before
