"""Does every department hear every version in order, whatever befalls the projector?"""

from contextlib import suppress
from itertools import pairwise

import pytest

from bus.adapters.memory import MemoryBroker
from bus.adapters.sql.engine import engine
from bus.adapters.sql.positions import SqlPositions
from bus.contract import framing
from bus.disclosure.positions import REPLAY, SKIP
from bus.disclosure.projector import NAME, run
from bus.errors import Fenced, Unavailable
from bus.event import BARE, DATA, REMOVED
from tests.disclosure.scene import TOPIC, life, log, make, told
from tests.disclosure.town import CONTRACTS, ENTITY, TOWN, Person, canaries, changed, image, message


class TestThePathOfARecord:
    def test_key_and_partition_are_those_of_the_canonical_record(self, broker, projector):
        broker.publish(life("A", 1, 2, partition=1))

        assert projector.step() == 2

        assert [(one.partition, one.key) for one in log(broker)] == [(1, b"A"), (1, b"A")]
        assert broker.committed[NAME] == {(TOPIC, 1): 2}

    def test_headers_are_those_of_every_record_and_name_nobody(self, broker, projector):
        broker.publish(life("A", 1, 1))
        projector.step()

        (record,) = log(broker)
        framing.check(record, CONTRACTS.narrowed("zei", ENTITY))
        assert canaries([record._replace(key=None, value=None)], ["A0", "TENKYO", "REGISTER", DATA]) == []

    def test_a_second_run_goes_on_where_the_first_stopped(self, broker, positions, projector):
        broker.publish(life("A"))
        assert run(projector, until_idle=True) == 3
        projector.close()

        again = make(broker, positions)
        broker.publish(life("B", 2))
        assert run(again, until_idle=True) == 3
        assert told(broker) == [(key, n, DATA) for key in "AB" for n in (1, 2, 3)]

    def test_a_week_of_one_person_for_five_departments(self, broker, projector):
        person = Person("A")
        child = image(name__full="山田", birth=None)
        grown = changed(child, protection__level="SHIEN")
        broker.publish(
            [
                message(person.says(child, "REGISTER")),
                message(person.says(changed(child, sex="1"))),
                message(person.says(grown)),
            ]
        )
        run(projector, until_idle=True)

        assert told(broker, "zei") == [("A", 1, DATA), ("A", 2, BARE), ("A", 3, DATA)]
        assert told(broker, "shugaku") == []
        assert told(broker, "fukushi") == [("A", 1, DATA), ("A", 2, BARE), ("A", 3, DATA)]

    def test_who_left_is_removed(self, broker, positions):
        projector = make(broker, positions, shugaku=lambda record, _: record["is_resident"])
        person = Person("A")
        here = image()
        broker.publish([message(person.says(here)), message(person.says(changed(here, is_resident=False)))])
        run(projector, until_idle=True)

        assert told(broker, "shugaku") == [("A", 1, DATA), ("A", 2, REMOVED)]


class Dying(SqlPositions):
    """Loses its database at the moment of marking, as often as asked."""

    deaths = 1

    def commit(self, *arguments, **more):
        if self.deaths:
            self.deaths -= 1
            raise Unavailable("gone between publishing and marking")
        super().commit(*arguments, **more)


class TestCrashes:
    def test_dying_between_publishing_and_marking_says_the_same_bytes_again(self, broker, tmp_path):
        positions = Dying(engine(f"sqlite:///{tmp_path}/bus.db"))
        projector = make(broker, positions)
        broker.publish(life("A"))
        with pytest.raises(Unavailable):
            projector.step()

        assert projector.step() == 3

        said = [(one.key, one.value, one.headers) for one in log(broker)]
        assert len(said) == 6
        assert said[:3] == said[3:]

    def test_who_has_been_taken_over_marks_nothing(self, broker, positions, projector):
        broker.publish(life("A"))
        projector.step()
        positions.claim(NAME, "another", lease=0)
        broker.publish(life("B", 2))

        with pytest.raises(Fenced):
            projector.step()

        assert positions.offsets(NAME) == {(TOPIC, 0): 3}

    def test_a_second_projector_stands_by_until_the_first_leaves(self, broker, positions, projector):
        projector.step(wait=0)
        second = make(broker, positions, holder="two")
        broker.publish(life("A"))

        assert second.step(wait=0) == 0
        assert told(broker) == []

        projector.close()
        assert second.step(wait=0) == 3

    def test_nobody_waits_for_a_process_of_this_machine_that_is_dead(self, broker, positions):
        import platform
        import subprocess
        import sys

        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        positions.prepare()
        positions.claim(NAME, f"{platform.node()}/{dead.pid}/1", lease=10)

        assert positions.claim(NAME, "two", lease=10) == 2

    def test_an_outage_in_the_middle_loses_and_skips_nothing(self, broker, tmp_path):
        positions = Dying(engine(f"sqlite:///{tmp_path}/bus.db"))
        positions.deaths = 3
        projector = make(broker, positions)
        broker.publish(life("A") + life("B", 2, partition=1))

        run(projector, until_idle=True)

        firsts = list(dict.fromkeys(told(broker)))
        assert firsts == [(key, n, DATA) for key in "AB" for n in (1, 2, 3)]


class TestRelease:
    def hold(self, broker, positions, breaks):
        """A's second version is held by a rule of its own."""
        broker.publish(life("A"))
        projector = make(broker, positions, shugaku=breaks)
        run(projector, until_idle=True)
        projector.close()

    def test_replaying_says_everything_in_order(self, broker, positions):
        self.hold(broker, positions, lambda *_: 1 / 0)
        repaired = make(broker, positions)

        assert positions.decide((TOPIC, 0, 0), REPLAY, "the rule is repaired")
        run(repaired, until_idle=True)

        assert told(broker) == [("A", n, DATA) for n in (1, 2, 3)]
        assert positions.held() == []

    def test_replaying_what_is_still_wrong_holds_it_again(self, broker, positions):
        def breaks(*_):
            raise ValueError

        self.hold(broker, positions, breaks)
        positions.decide((TOPIC, 0, 0), REPLAY, "hope")
        run(make(broker, positions, shugaku=breaks), until_idle=True)

        assert [(one.code, one.decision) for one in positions.held()] == [
            ("RULE", None),
            ("BEHIND", None),
            ("BEHIND", None),
        ]

    def test_skipping_gives_up_one_record_and_leaves_a_gap_for_the_departments_to_see(
        self, broker, positions, projector
    ):
        first, second, third = life("A")
        broker.publish([first, second._replace(value=b""), third])
        run(projector, until_idle=True)

        positions.decide((TOPIC, 0, 1), SKIP, "was never one of ours")
        projector._looked = 0.0
        projector.step(wait=0)

        assert told(broker) == [("A", 1, DATA), ("A", 3, DATA)]
        assert positions.held() == []
        broker.publish(life("A")[2:])  # and the person is free again
        projector.step(wait=0)
        assert len(told(broker)) == 3

    def test_only_the_first_of_a_person_can_be_decided_about(self, broker, positions, projector):
        broker.publish([one._replace(value=b"") for one in life("A")])
        run(projector, until_idle=True)

        assert not positions.decide((TOPIC, 0, 1), SKIP, "no")
        assert not positions.decide((TOPIC, 0, 77), SKIP, "no")
        assert positions.decide((TOPIC, 0, 0), SKIP, "yes")


class Choosy(MemoryBroker):
    """Never takes what is about A, as a broker does that finds it too large."""

    def publish(self, messages):
        from bus.errors import Reject

        for index, one in enumerate(messages):
            if one.key == b"A" and one.topic != TOPIC:
                error = Reject("too large", code="RANGE")
                error.index = index
                raise error
        super().publish(messages)


def test_what_the_broker_will_never_take_holds_its_person_only(positions):
    broker = Choosy({TOPIC: 2} | {TOWN.narrowed(name, ENTITY): 2 for name in TOWN.subscriptions})
    broker.publish([*life("A"), *life("B", 2)])

    run(make(broker, positions), until_idle=True)

    assert told(broker) == [("B", n, DATA) for n in (1, 2, 3)]
    assert [one.code for one in positions.held()] == ["RANGE", "BEHIND", "BEHIND"]


def test_versions_ascend_by_one_for_whom_a_person_concerns(broker, projector):
    for number, key in enumerate("ABCDE"):
        broker.publish(life(key, number, versions=20, partition=number % 2))
    with suppress(Unavailable):
        run(projector, until_idle=True)

    for key in "ABCDE":
        heard = [version for one, version, _ in told(broker) if one == key]
        assert all(later == earlier + 1 for earlier, later in pairwise(heard))
        assert len(heard) == 20
