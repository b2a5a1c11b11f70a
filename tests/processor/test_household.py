"""What is said of a household when something happens to its members?"""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from bus.event import RESIDENT
from bus.processor.fold import Folded
from bus.processor.household import HOUSEHOLD
from tests.processor.scene import NAME, Town, drain, hear, told
from tests.register.ledger import CHILD, HEAD, WIFE, named


@pytest.fixture
def town():
    return Town()


class TestFromTheFirstMemberToTheLast:
    def test_a_family_that_moves_in_is_one_decision(self, town):
        no, head, wife, child = town.family(HEAD, WIFE, CHILD)

        assert told(town.said) == [(no, "KETTEI", head, [head, wife, child])]
        (event,) = town.said
        assert (event.version, event.kind, event.before, event.effective.text) == (1, "REGISTER", None, "2026-04-01")
        assert event.data["size"] == 3
        assert event.data["members"][1] == {"key": wife, "relation_code": "12", "relation": "妻"}

    def test_what_concerns_no_household_says_nothing(self, town):
        _, head, wife = town.family(HEAD, WIFE)

        assert town.enter("SHIMEI_HENKO", "2026-04-01", [named(wife, name__full="乙野　花")]) == []
        assert town.enter("TENKYO", "2026-04-01", [named(k, address__lot="９番地") for k in (head, wife)]) == []
        assert town.enter("SHIEN_SOCHI_KAISHI", "2026-04-01", [head, wife]) == []

    def test_the_last_who_leaves_ends_it(self, town):
        no, head, wife = town.family(HEAD, WIFE)

        assert town.enter("TENSHUTSU", "2026-04-01", [head, wife]) == [(no, "SHURYO", None, [])]
        last = town.said[-1]
        assert (last.kind, last.version, last.data["active"], last.data["size"]) == ("END", 2, False, 0)
        assert last.before["size"] == 2

    def test_a_dead_head_leaves_a_household_without_head_until_the_change_is_reported(self, town):
        no, head, wife, child = town.family(HEAD, WIFE, CHILD)

        assert town.enter("SHIBO", "2026-04-01", [head]) == [(no, "HENKO", None, [wife, child])]
        assert town.enter("SETAINUSHI_HENKO", "2026-04-01", [wife]) == [(no, "HENKO", wife, [wife, child])]

    def test_another_head_is_one_change_though_two_rows_say_it(self, town):
        no, head, wife = town.family(HEAD, WIFE)
        husband = named(head, household__relation_code="11", household__relation="夫")

        said = town.enter("SETAINUSHI_HENKO", "2026-04-01", [named(wife, household__relation_code="02"), husband])

        assert said == [(no, "HENKO", wife, [head, wife])]

    def test_a_child_is_born_into_it(self, town):
        no, head = town.family(HEAD)

        said = town.enter("SHUSSEI", "2026-04-01", [{"key": None, "set": {"name.full": "甲野　花"}}], household=no)

        assert said == [(no, "HENKO", head, [head, town.last[0].key])]


class TestARegisterAsItWasFound:
    def test_says_every_household_once_though_its_members_come_one_by_one(self, town):
        acts = [town.ledger.enter("TENNYU", "2026-04-01", town.newcomers([HEAD, WIFE, CHILD])) for _ in range(30)]
        town.wire.publish([replace(event, reason="IKO", change_set=None) for act in acts for event in act])

        drain(town.driver, 20)

        assert sorted(members for _, _, _, members in told(town.said)) == [[e.key for e in act] for act in acts]
        assert {reason for _, reason, _, _ in told(town.said)} == {"KETTEI"}
        assert not town.notebook.keys(NAME, "act/")

    def test_lets_what_happens_meanwhile_be_said_with_it(self, town):
        (found,) = town.ledger.enter("TENNYU", "2026-04-01", town.newcomers([HEAD]))
        no = found.data["household"]["no"]
        born = town.ledger.enter("SHUSSEI", "2026-04-01", [{"key": None, "set": {"name.full": "甲"}}], household=no)
        patient = town.wire.driver(town.notebook, look=3600.0)
        for events in ([replace(found, reason="IKO")], born):
            town.wire.publish(events)
            patient.step(wait=0.0)
        assert town.said == []

        drain(town.wire.driver(town.notebook))

        assert told(town.said) == [(no, "KETTEI", found.key, [found.key, born[0].key])]


class TestSplitsAndMerges:
    def test_a_split_says_the_old_and_the_new_household_once(self, town):
        no, head, wife, child = town.family(HEAD, WIFE, CHILD)

        said = town.enter("SETAI_BUNRI", "2026-04-01", [named(wife, household__relation_code="02"), named(child)])

        new = town.ledger.image(wife)["household.no"]
        assert sorted(said) == sorted([(no, "HENKO", head, [head]), (new, "KETTEI", wife, [wife, child])])

    def test_a_merge_ends_the_household_that_is_left(self, town):
        first, head, wife = town.family(HEAD, WIFE)
        second, other = town.family(HEAD)
        lodger = named(other, household__relation_code="99", household__relation="同居人")

        said = town.enter("SETAI_GAPPEI", "2026-04-01", [lodger], household=first)

        assert sorted(said) == sorted([(first, "HENKO", head, [head, wife, other]), (second, "SHURYO", None, [])])

    @pytest.mark.parametrize("order", list(permutations(range(3))))
    def test_in_whatever_order_the_rows_of_an_act_arrive_nothing_is_said_by_half(self, town, order):
        no, head, wife, child = town.family(HEAD, WIFE, CHILD)
        events = town.ledger.enter("TENSHUTSU", "2026-04-01", [head, wife, child])

        said = []
        for index in order:
            before = len(town.said)
            town.wire.publish([events[index]])
            drain(town.driver)
            said.append(told(town.said[before:]))

        assert said == [[], [], [(no, "SHURYO", None, [])]]


class TestWhatWasWrong:
    @pytest.mark.parametrize(("reason", "undone_by"), [("SHIBO", "TORIKESHI_ZO"), ("TENSHUTSU", "TORIKESHI_ZO")])
    def test_who_never_left_is_a_member_again(self, town, reason, undone_by):
        no, head, wife = town.family(HEAD, WIFE)
        before = dict(town.said[-1].data)
        town.enter(reason, "2026-04-01", [wife])

        said = town.enter(undone_by, None, [], supersedes=town.last[0].id)

        assert said == [(no, "HENKO", head, [head, wife])]
        assert town.said[-1].data == before

    def test_a_household_that_never_was_ends_and_one_that_did_not_end_begins_again(self, town):
        no, head = town.family(HEAD)
        came = town.last[0].id
        town.enter("TENSHUTSU", "2026-04-01", [head])

        assert town.enter("TORIKESHI_ZO", None, [], supersedes=town.last[0].id) == [(no, "KETTEI", head, [head])]
        assert town.enter("TORIKESHI_GEN", None, [], supersedes=came) == [(no, "SHURYO", None, [])]
        assert [event.version for event in town.said] == [1, 2, 3, 4]

    def test_a_correction_of_a_relation_is_a_change(self, town):
        no, head, wife = town.family(HEAD, WIFE)

        said = town.enter("GOKI_SHUSEI", "2026-04-01", [named(wife, household__relation="妻（未届）")])

        assert said == [(no, "HENKO", head, [head, wife])]
        assert town.said[-1].data["members"][1]["relation"] == "妻（未届）"


class TestOnePersonTwoRecords:
    def test_the_record_that_is_given_up_is_no_member_and_the_annulment_brings_it_back(self, town):
        first, head = town.family(HEAD)
        second, twin = town.family(HEAD)

        said = town.enter("TOGO", "2026-04-01", [head, twin])
        assert said == [(second, "SHURYO", None, [])]
        assert town.enter("TOGO_TORIKESHI", None, [], supersedes=town.last[0].id) == [(second, "KETTEI", twin, [twin])]
        assert first != second

    def test_a_new_number_takes_the_place_of_the_old_one_in_one_change(self, town):
        no, head, wife = town.family(HEAD, WIFE)

        said = town.enter("FUBAN_KAE", "2026-04-01", [head, {"key": None}])

        new = next(event.key for event in town.last if event.key not in (head, wife))
        assert said == [(no, "HENKO", new, [new, wife])]

    def test_whoever_names_another_record_is_nobody_here_even_if_said_to_be_a_resident(self, town):
        _, head = town.family(HEAD)
        heard = hear(town.last[0])
        merged = heard._replace(key="other", after=dict(heard.after) | {"identity.merged_into": head})

        assert HOUSEHOLD.fold({}.get, merged) == Folded({}, [])
        assert "identity.merged_into" in HOUSEHOLD.reads[RESIDENT]


def test_two_heads_or_none_are_no_answer_to_who_the_head_is(town):
    no, head, wife = town.family(HEAD, WIFE)

    town.enter("GOKI_SHUSEI", "2026-04-01", [named(wife, household__relation_code="02")])

    assert told(town.said)[-1] == (no, "HENKO", None, [head, wife])


def test_only_keys_and_relations_are_said_and_nothing_of_where_they_live(town):
    _, head, wife = town.family(HEAD, WIFE)
    town.enter("SHIEN_SOCHI_KAISHI", "2026-04-01", [head, wife])

    text = repr([event.data for event in town.said]) + repr(town.notebook._books)

    assert "甲野" not in text
    assert "北一丁目" not in text
