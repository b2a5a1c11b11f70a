"""Does the driver keep its promises when records are bad, databases away, others run, and operators decide?"""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from bus.adapters.memory_notebook import MemoryNotebook
from bus.adapters.sql.engine import engine
from bus.adapters.sql.notebook import SqlNotebook
from bus.disclosure.positions import BEHIND, REPLAY, SKIP
from bus.errors import BusError, Fenced, Refused, Reject, Unavailable, Usage
from bus.processor.driver import run
from tests.processor.scene import NAME, TOPIC, Dying, Town, Wire, drain, standing, told, until
from tests.processor.test_notebooks import PlainOutlet
from tests.processor.test_properties import Acts, fold, recomputed
from tests.register.ledger import CHILD, HEAD, WIFE, named


@pytest.fixture
def town():
    return Town()


class TestAnActOfWhichARowIsMissing:
    @pytest.fixture
    def torn(self, town):
        """Three move out together; the rows of two of them have been read."""
        no, *keys = town.family(HEAD, WIFE, CHILD)
        gone = town.ledger.enter("TENSHUTSU", "2026-04-01", keys)
        town.wire.publish(gone[1:])
        return no, keys, gone

    def test_holds_its_household_back_and_what_happens_meanwhile_is_said_with_it(self, town, torn):
        no, keys, gone = torn
        town.wire.publish(town.ledger.enter("TORIKESHI_ZO", None, keys[2:], supersedes=gone[2].id))
        drain(town.driver)
        assert told(town.said) == [(no, "KETTEI", keys[0], keys)]

        town.wire.publish(gone[:1])
        drain(town.driver)

        assert told(town.said)[1:] == [(no, "HENKO", None, [keys[2]])]
        assert not town.notebook.keys(NAME, "act/")

    def test_is_said_as_it_is_once_everything_of_its_time_has_been_read(self, town, torn):
        no, keys, gone = torn
        driver = town.wire.driver(town.notebook, hold=0.0)

        until(driver, lambda: len(town.said) == 2)
        assert told(town.said)[1:] == [(no, "HENKO", keys[0], keys[:1])]
        (act,) = town.notebook.keys(NAME, "act/")
        assert town.notebook.recall(NAME, [act])[act]["released"]

        town.wire.publish(gone[:1])
        drain(driver)
        assert told(town.said)[2:] == [(no, "SHURYO", None, [])]
        assert not town.notebook.keys(NAME, "act/")

    def test_waits_as_long_as_a_row_may_still_be_on_its_way(self, town, torn):
        assert len(torn) == 3
        driver = town.wire.driver(town.notebook, hold=3600.0)

        drain(driver)
        for _ in range(20):
            driver.step(1000, 0.0)

        assert len(town.said) == 1

    def test_is_released_when_an_operator_asks_also_after_a_restart(self, town, torn):
        no, keys, _ = torn
        drain(town.driver)
        town.notebook.ask(NAME, "the row will not come")

        drain(town.wire.driver(town.notebook))

        assert told(town.said)[1:] == [(no, "HENKO", keys[0], keys[:1])]
        assert town.notebook.standing(NAME).asked is None

    def test_of_one_who_is_set_aside_goes_on_when_that_one_is_released(self, town, torn):
        no, _, gone = torn
        town.wire.publish(gone[:1], broken=[gone[0].id])
        drain(town.driver)
        assert len(town.said) == 1

        town.wire.mended = True
        assert town.notebook.decide(NAME, town.notebook.held(NAME)[0].place, REPLAY, "mended")
        until(town.driver, lambda: not town.notebook.held(NAME))

        assert told(town.said)[1:] == [(no, "SHURYO", None, [])]


class TestABadRecord:
    def test_sets_its_person_aside_and_the_others_go_on(self, town):
        _, one = town.family(HEAD)
        other, two = town.family(HEAD)
        bad = town.ledger.enter("GOKI_SHUSEI", "2026-04-01", [named(one, household__relation="主")])
        town.wire.publish(bad, broken=[bad[0].id])
        town.wire.publish(town.ledger.enter("TENSHUTSU", "2026-04-01", [one]))
        town.wire.publish(town.ledger.enter("TENSHUTSU", "2026-04-01", [two]))
        drain(town.driver)

        held = town.notebook.held(NAME)
        assert [(one_.code, one_.person[2]) for one_ in held] == [("DECODE", one.encode()), (BEHIND, one.encode())]
        assert told(town.said)[2:] == [(other, "SHURYO", None, [])]

    def test_that_is_given_up_lets_what_is_behind_it_go_on(self, town):
        no, one = town.family(HEAD)
        bad = town.ledger.enter("GOKI_SHUSEI", "2026-04-01", [named(one, household__relation="主")])
        town.wire.publish(bad, broken=[bad[0].id])
        town.wire.publish(town.ledger.enter("TENSHUTSU", "2026-04-01", [one]))
        drain(town.driver)

        town.notebook.decide(NAME, town.notebook.held(NAME)[0].place, SKIP, "not needed")
        until(town.driver, lambda: not town.notebook.held(NAME))

        assert told(town.said)[1:] == [(no, "SHURYO", None, [])]

    def test_whose_household_cannot_be_the_key_of_a_record_is_set_aside(self, town):
        (event,) = town.ledger.enter("TENNYU", "2026-04-01", town.newcomers([HEAD]))
        household = dict(event.data["household"]) | {"no": "世帯　一"}
        town.wire.publish([replace(event, data=dict(event.data) | {"household": household})])
        drain(town.driver)

        assert [held.code for held in town.notebook.held(NAME)] == ["KEY"]

    def test_of_which_the_outbox_will_not_have_the_fact_sets_aside_whoever_caused_it(self):
        def refuse(events):
            if any(event.data["size"] > 1 for event in events):
                raise Reject("too large", code="SIZE")

        town = Town(MemoryNotebook(refuse))
        two = town.ledger.enter("TENNYU", "2026-04-01", town.newcomers([HEAD, WIFE]))
        one = town.ledger.enter("TENNYU", "2026-04-01", town.newcomers([HEAD]))
        town.wire.publish(two + one)
        drain(town.driver)

        assert [held.code for held in town.notebook.held(NAME)] == ["SIZE"]
        assert [event.data["head"] for event in town.said] == [one[0].key]

    def test_a_hundred_different_persons_in_a_row_stop_the_processor(self, town):
        acts = [town.ledger.enter("TENNYU", "2026-04-01", town.newcomers([HEAD])) for _ in range(100)]
        town.wire.publish([event for act in acts for event in act], broken=[act[0].id for act in acts])

        with pytest.raises(BusError) as caught:
            drain(town.driver)

        assert caught.value.code == "MANY_HELD"


class TestWhoRuns:
    def test_a_second_one_stands_by_until_the_first_leaves(self, town):
        second = town.wire.driver(town.notebook, "two")
        town.wire.publish(town.ledger.enter("TENNYU", "2026-04-01", town.newcomers([HEAD])))

        assert second.step(wait=0.0) == 0
        town.driver.close()
        assert drain(second) == 1

    def test_who_was_taken_over_stops_and_writes_nothing(self):
        wire, notebook = Wire(), MemoryNotebook()
        first, second = wire.driver(notebook, "one", lease=0.0), wire.driver(notebook, "two", lease=0.0)
        first.step(wait=0.0)
        second.step(wait=0.0)
        wire.publish(event for act in Acts(Random(2)).play(5) for event in act)

        with pytest.raises(Fenced):
            run(first, until_idle=True)

        assert notebook.outbox == []
        assert drain(second) > 0

    def test_an_outage_is_waited_for_and_nothing_is_said_twice(self):
        class Away(MemoryNotebook):
            times = 2

            def commit(self, name, epoch, turn):
                super().commit(name, epoch, turn)
                self.times -= 1
                if self.times >= 0:
                    raise Unavailable("the answer was lost")

        town = Town(Away())
        town.wire.publish(town.ledger.enter("TENNYU", "2026-04-01", town.newcomers([HEAD])))

        run(town.driver, until_idle=True)

        assert len(town.said) == 1

    def test_whoever_comes_too_late_for_the_beginning_is_told_so(self):
        wire = Wire()
        wire.publish(event for act in Acts(Random(2)).play(9) for event in act)
        for (topic, partition), log in wire.broker.logs.items():
            wire.broker.lose(topic, partition, len(log))

        with pytest.raises(Refused) as caught:
            run(wire.driver(MemoryNotebook()), until_idle=True)

        assert caught.value.code == "BOOTSTRAP_REQUIRED"


class TestRebuilding:
    @pytest.fixture
    def played(self):
        acts, town = Acts(Random(3)), Town()
        town.ledger = acts.ledger
        town.wire.publish(event for act in acts.play(12) for event in act)
        drain(town.driver)
        return town

    def test_is_not_begun_under_a_running_processor(self, town):
        with pytest.raises(Usage):
            town.wire.driver(town.notebook, "two").rebuild()

    def test_mends_what_was_remembered_wrongly_and_says_only_that(self, played):
        no, image = next((no, image) for no, image in standing(played.said).items() if image["size"] > 1)
        member = image["members"][1]["key"]
        played.forget_members(no)
        said = played.enter("GOKI_SHUSEI", "2026-04-01", [named(member, household__relation="縁故者の子")])
        assert [(key, members) for key, _, _, members in said] == [(no, [member])]
        before = len(played.said)

        played.rebuild()

        assert standing(played.said) == recomputed(played.ledger)
        assert [event.key for event in played.said[before:]] == [no]

    def test_goes_on_where_it_was_interrupted(self, played):
        before = len(played.said)
        killed = played.wire.driver(played.notebook)
        killed.rebuild()
        killed.step(2, 0.0)

        drain(played.wire.driver(played.notebook))

        assert played.notebook.standing(NAME).rebuilding is None
        assert len(played.said) == before

    def test_begins_with_the_first_record_there_is_and_keeps_who_is_older(self, played):
        before = len(played.said)
        for partition in range(4):
            played.wire.broker.lose(TOPIC, partition, 2)

        played.rebuild()

        assert standing(played.said) == recomputed(played.ledger)
        assert len(played.said) == before


def test_the_same_fold_in_an_sql_database_remembers_the_same(tmp_path):
    acts = Acts(Random(11)).play(30)
    memory, book = Dying(), SqlNotebook(engine(f"sqlite:///{tmp_path}/bus.db"), PlainOutlet())

    fold(acts, Random(1), memory)
    wire = Wire(Random(2))
    wire.publish(event for act in acts for event in act)
    drain(wire.driver(book), 7)

    assert list(book.keys(NAME, "household/")) == list(memory.keys(NAME, "household/"))
    images = standing(memory.outbox)
    assert {key: spoken.image for key, spoken in book.spoken(NAME, sorted(images)).items()} == images
