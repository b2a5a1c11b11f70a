"""Does each reason do what its rule says, and refuse what it must, by name?"""

from __future__ import annotations

import pytest

from bus.errors import Reject
from tests.register.ledger import CHILD, HEAD, WIFE, Ledger, named, newcomer


@pytest.fixture
def ledger():
    return Ledger()


def refused(ledger, *request, **more):
    before = {key: (person.version, dict(person.image)) for key, person in ledger.people.items()}
    with pytest.raises(Reject) as caught:
        ledger.enter(*request, **more)
    assert {key: (person.version, person.image) for key, person in ledger.people.items()} == before
    return caught.value.code


class TestMovingIn:
    def test_a_newcomer_becomes_a_resident_under_a_new_key(self, ledger):
        (event,) = ledger.enter("TENNYU", "2026-03-20", [newcomer()])

        image = ledger.image(event.key)
        assert (event.kind, event.version, event.before) == ("REGISTER", 1, None)
        assert (image["is_resident"], image["state"], image["resident_since"].text) == (True, "1", "2026-03-20")
        assert (image["household.relation"], image["household.head_name"]) == ("世帯主", "甲野　一郎")
        assert image["address.since"] == image["resident_since"]

    def test_a_family_is_one_change_set_with_one_head(self, ledger):
        events = ledger.enter("TENNYU", "2026-04-01", [newcomer("甲", **dot(HEAD)), newcomer("乙", **dot(WIFE))])

        assert [event.change_set[1:] for event in events] == [(2, 1), (2, 2)]
        assert len({event.change_set.id for event in events}) == 1
        assert {event.data["household"]["head_name"] for event in events} == {"甲"}

    def test_a_former_resident_returns_under_the_same_key(self, ledger):
        (key,) = ledger.family(HEAD)
        ledger.enter("TENSHUTSU", "2026-04-01", [key])

        (event,) = ledger.enter("TENNYU", "2026-04-01", [named(key, address__town="南", address__lot="１")])

        assert (event.key, event.version, event.kind) == (key, 3, "REGISTER")
        assert ledger.image(key)["removal.date"] is None
        assert ledger.image(key)["is_resident"]

    def test_what_cannot_be_is_refused(self, ledger):
        (key,) = ledger.family(HEAD)

        assert refused(ledger, "TENNYU", "2026-04-01", [key]) == "ALREADY_RESIDENT"
        assert refused(ledger, "TENNYU", "2026-04-01", ["000000000000000"]) == "UNKNOWN_PERSON"
        assert refused(ledger, "TENNYU", "2026-05-01", [newcomer()]) == "FUTURE_DATE"
        assert refused(ledger, "TENNYU", "1970-01-01", [newcomer()]) == "BEFORE_BIRTH"
        assert refused(ledger, "TENNYU", "2026-04-01", [newcomer()], household="4711") == "UNKNOWN_HOUSEHOLD"
        assert refused(ledger, "TENNYU", "2026-04-01", [newcomer(), newcomer()]) == "HEAD_MISSING"
        assert refused(ledger, "TENNYU", "2026-04-01", []) == "NO_PERSON"

    def test_a_new_born_joins_the_household_with_its_address(self, ledger):
        (key,) = ledger.family(HEAD)
        household = ledger.image(key)["household.no"]

        (event,) = ledger.enter(
            "SHUSSEI", "2026-03-31", [{"key": None, "set": {"name.full": "甲野　花"}}], household=household
        )

        image = ledger.image(event.key)
        assert (image["birth"].text, image["household.relation"], image["address.lot"]) == (
            "2026-03-31",
            "子",
            "３番地",
        )
        assert image["household.head_name"] == "甲野　0子"


class TestDeath:
    def test_a_dead_head_leaves_the_household_without_one(self, ledger):
        head, wife, child = ledger.family(HEAD, WIFE, CHILD)

        events = ledger.enter("SHIBO", "2026-04-01", [head])

        assert [(e.key, e.kind, e.reason) for e in events] == [
            (head, "END", "SHIBO"),
            (wife, "AMEND", "SETAINUSHI_HENKO"),
            (child, "AMEND", "SETAINUSHI_HENKO"),
        ]
        assert ledger.image(wife)["household.head_name"] is None

    def test_one_dies_once_and_does_not_move_again(self, ledger):
        (key,) = ledger.family(HEAD)
        ledger.enter("SHIBO", "2026-04-01", [key])

        assert refused(ledger, "SHIBO", "2026-04-01", [key]) == "ALREADY_DEAD"
        assert refused(ledger, "TENKYO", "2026-04-01", [named(key, address__lot="１")]) == "DEAD"
        assert refused(ledger, "TENNYU", "2026-04-01", [key]) == "DEAD"

    def test_a_day_that_is_not_known_is_kept_as_it_was_said(self, ledger):
        (key,) = ledger.family(HEAD, effective="2020-01-01")

        (event,) = ledger.enter("SHIBO", "令和8年3月頃", [key])

        assert event.effective == ("令和8年3月頃", None, None)
        assert ledger.image(key)["unknown.removal"] == "1"

    def test_an_end_before_the_start_is_refused(self, ledger):
        (key,) = ledger.family(HEAD)

        assert refused(ledger, "SHIBO", "2026-03-01", [key]) == "END_BEFORE_START"
        assert refused(ledger, "SHIBO", "1979-01-01", [key]) == "BEFORE_BIRTH"


class TestMovingOut:
    def test_an_announced_person_stays_a_resident_until_the_removal(self, ledger):
        (key,) = ledger.family(HEAD)

        ledger.enter("TENSHUTSU_TODOKE", "2026-04-20", [key])
        assert (ledger.image(key)["is_resident"], ledger.image(key)["move_out.planned_on"].text) == (True, "2026-04-20")
        assert refused(ledger, "TENSHUTSU", "2026-04-20", [key]) == "FUTURE_DATE"
        assert refused(ledger, "TENSHUTSU_TODOKE", "2026-04-21", [key]) == "ALREADY_ANNOUNCED"

        ledger.enter("TENSHUTSU", "2026-04-01", [key])
        assert (ledger.image(key)["is_resident"], ledger.image(key)["state"]) == (False, "2")

    def test_the_confirmation_adds_and_keeps_the_plan(self, ledger):
        (key,) = ledger.family(HEAD)
        assert refused(ledger, "TENSHUTSU_KAKUTEI", "2026-04-01", [key]) == "NOT_ANNOUNCED"
        ledger.enter("TENSHUTSU_TODOKE", "2026-04-20", [named(key, move_out__planned_city="ダミー市")])

        ledger.enter("TENSHUTSU_KAKUTEI", "2026-04-01", [named(key, move_out__city="別の市")])

        image = ledger.image(key)
        assert (image["move_out.planned_city"], image["move_out.city"]) == ("ダミー市", "別の市")
        assert (image["move_out.planned_on"].text, image["move_out.confirmed_on"].text) == ("2026-04-20", "2026-04-01")

    def test_a_head_who_leaves_one_behind_makes_that_one_the_head(self, ledger):
        head, wife = ledger.family(HEAD, WIFE)

        events = ledger.enter("TENSHUTSU", "2026-04-01", [head])

        assert [(e.key, e.reason) for e in events] == [(head, "TENSHUTSU"), (wife, "SETAINUSHI_HENKO")]
        assert ledger.image(wife)["household.head_name"] == ledger.image(wife)["name.full"]
        assert ledger.image(wife)["household.relation_code"] == "02"

    def test_a_head_who_leaves_two_behind_is_replaced_first(self, ledger):
        head, wife, _ = ledger.family(HEAD, WIFE, CHILD)

        assert refused(ledger, "TENSHUTSU", "2026-04-01", [head]) == "HEAD_FIRST"

        ledger.enter("SETAINUSHI_HENKO", "2026-04-01", [named(wife, **dot(HEAD)), named(head, **dot(HUSBAND))])
        assert ledger.enter("TENSHUTSU", "2026-04-01", [head])


class TestMovingWithin:
    def test_a_new_address_is_given_as_a_whole(self, ledger):
        (key,) = ledger.family({**HEAD, "address.building": "２０１号室"})

        ledger.enter("TENKYO", "2026-04-01", [named(key, address__town="南一丁目", address__lot="４番地")])

        image = ledger.image(key)
        assert (image["address.town"], image["address.building"], image["address.city"]) == (
            "南一丁目",
            None,
            "サンプル市",
        )

    def test_a_child_who_moves_alone_founds_a_household(self, ledger):
        head, _, child = ledger.family(HEAD, WIFE, CHILD)

        ledger.enter("TENKYO", "2026-04-01", [named(child, address__lot="９")], household="new")

        image = ledger.image(child)
        assert image["household.no"] != ledger.image(head)["household.no"]
        assert (image["household.relation"], image["household.head_name"]) == ("世帯主", image["name.full"])

    def test_what_cannot_be_is_refused(self, ledger):
        (key,) = ledger.family(HEAD)

        assert refused(ledger, "TENKYO", "2026-04-02", [named(key, address__lot="１")]) == "FUTURE_DATE"
        assert refused(ledger, "TENKYO", "2026-04-01", [key]) == "FIELD_MISSING"
        assert refused(ledger, "TENKYO", "2026-04-01", [named(key, name__full="別")]) == "FIELD_NOT_HERE"
        assert refused(ledger, "TENKYO", "2026-04-01", [named(key, address__moon="１")]) == "UNKNOWN_FIELD"
        assert refused(ledger, "TENKYO", "2026-04-01", [key, key]) == "DUPLICATE_KEY"


class TestHouseholds:
    def test_a_household_splits_and_joins_again_at_one_address(self, ledger):
        head, wife, child = ledger.family(HEAD, WIFE, CHILD)
        household = ledger.image(head)["household.no"]

        ledger.enter("SETAI_BUNRI", "2026-04-01", [child])
        assert ledger.image(child)["household.no"] != household

        ledger.enter("SETAI_GAPPEI", "2026-04-01", [named(child, **dot(CHILD))], household=household)
        assert ledger.image(child)["household.no"] == household
        assert ledger.image(child)["household.head_name"] == ledger.image(head)["name.full"]
        assert ledger.people[wife].version == 1

    def test_an_address_does_not_change_in_the_same_act(self, ledger):
        head, _, child = ledger.family(HEAD, WIFE, CHILD)
        (stranger,) = ledger.family({**HEAD, "address.lot": "９９"})
        elsewhere = ledger.image(stranger)["household.no"]

        moved = [named(child, address__lot="１")]
        assert refused(ledger, "SETAI_BUNRI", "2026-04-01", moved) == "ADDRESS_IN_HOUSEHOLD_CHANGE"
        joined = refused(ledger, "SETAI_GAPPEI", "2026-04-01", [child], household=elsewhere)
        assert joined == "ADDRESS_IN_HOUSEHOLD_CHANGE"
        assert refused(ledger, "SETAI_BUNRI", "2026-04-01", [head]) == "HEAD_FIRST"

    def test_the_former_head_is_something_to_the_new_one(self, ledger):
        _, wife = ledger.family(HEAD, WIFE)

        assert refused(ledger, "SETAINUSHI_HENKO", "2026-04-01", [named(wife, **dot(HEAD))]) == "RELATION_MISSING"

    def test_a_heads_new_name_is_copied_to_the_members(self, ledger):
        head, wife = ledger.family(HEAD, WIFE)

        events = ledger.enter("SHIMEI_HENKO", "2026-04-01", [named(head, name__full="乙川　一郎")])

        assert [(e.key, e.reason) for e in events] == [(head, "SHIMEI_HENKO"), (wife, "SHOKKEN_SHUSEI")]
        assert ledger.image(wife)["household.head_name"] == "乙川　一郎"
        assert (
            refused(ledger, "SHIMEI_HENKO", "2026-04-01", [named(head, name__full="乙川　一郎")]) == "NOTHING_CHANGES"
        )


class TestProtection:
    def test_all_persons_listed_are_protected_for_a_year(self, ledger):
        keys = ledger.family(HEAD, WIFE)

        events = ledger.enter("SHIEN_SOCHI_KAISHI", "2026-04-01", keys)

        assert [event.protected for event in events] == [True, True]
        assert ledger.image(keys[0])["protection.until"].text == "2027-03-31"

    def test_only_a_protected_person_can_be_released(self, ledger):
        (key,) = ledger.family(HEAD)
        assert refused(ledger, "SHIEN_SOCHI_SHURYO", "2026-04-01", [key]) == "NOT_PROTECTED"
        ledger.enter("SHIEN_SOCHI_KAISHI", "2026-04-01", [key])

        (event,) = ledger.enter("SHIEN_SOCHI_SHURYO", "2026-04-01", [key])

        assert event.protected is False

    def test_no_other_reason_touches_the_protection(self, ledger):
        (key,) = ledger.family(HEAD)

        code = refused(ledger, "GOKI_SHUSEI", "2026-04-01", [named(key, protection__level="SHIEN")])

        assert code == "FIELD_NOT_HERE"


@pytest.mark.parametrize("text", ["甲野 123456789018", "１２３４５６７８９０１８", "1234-5678-9018"])
def test_a_kojin_bango_is_refused_in_every_text(ledger, text):
    with pytest.raises(Reject) as caught:
        ledger.enter("TENNYU", "2026-04-01", [newcomer(text)])

    assert (caught.value.code, caught.value.where) == ("KOJIN_BANGO", "name.full")
    assert text not in str(caught.value)


def dot(cells):
    return {path.replace(".", "__"): cell for path, cell in cells.items()}


HUSBAND = {"household.relation_code": "11", "household.relation": "夫"}
