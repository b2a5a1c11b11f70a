"""Do the offices for residents live through a town's days? All is said in time, and nothing about who is gone."""

from __future__ import annotations

import pytest

from bus.kit.desk import insurance, services
from tests.fleet.hall import TOPOLOGY, connector
from tests.kit.living import life

OFFICES = insurance.OFFICES | services.OFFICES
SPOKEN = sorted(entity for entity in TOPOLOGY.topics if entity.partition(".")[0] in OFFICES)
OF_A_PERSON = [
    *(f"{name}.qualification" for name in ("kokuho", "kouki", "kaigo", "nenkin")),
    *(f"{name}.entitlement" for name in ("jido_teate", "nyuyoji_iryo", "hitorioya_iryo")),
    "shogai_fukushi.certificate", "seikatsu_hogo.assistance", "inkan.registration", "koseki.guardianship",
]  # fmt: skip


@pytest.mark.parametrize("department", sorted(OFFICES))
def test_every_table_of_requests_is_answered_or_noted_on_purpose(department):
    asked = {table.name for table in connector(department).tables if not table.kept}

    answered = set(OFFICES[department].answers)

    assert answered == asked


def test_every_fact_and_every_decision_is_said_within_three_days():
    lived = life(300, 7)

    assert [entity for entity in SPOKEN if entity not in lived.early] == []


@pytest.mark.parametrize("entity", OF_A_PERSON)
def test_in_the_end_nothing_stands_of_who_is_gone_dead_or_somebody_else(entity):
    lived = life(300, 7)
    book = lived.city.world[entity.partition(".")[0]].book

    stands = [fact.image["person"] for fact in book.find(entity, {"active": True})]

    assert stands
    people = {person: lived.register.people[person].image for person in stands}
    assert {key: one["state"] for key, one in people.items() if not one["is_resident"]} == {}
    assert {key for key, one in people.items() if one["identity.merged_into"]} == set()


def test_facts_begin_change_end_are_corrected_taken_back_and_merged():
    reasons = life(300, 7).reasons(*OFFICES)

    assert set(reasons) == {"KETTEI", "HENKO", "SHURYO", "TEISEI", "TORIKESHI", "TOGO"}


def test_nothing_that_is_paid_names_a_resident():
    lived = life(300, 7)
    numbers = set(lived.register.people)

    paid = [one.event for one in lived.city.heard if one.entity.endswith(".disbursement")]

    assert {event.data["payee_no"] for event in paid} & numbers == set()
    mine = [event.key for event in paid if event.key.partition("/")[0] in OFFICES]
    assert [key for key in mine if any(letter.isdigit() for letter in key)] == []
