"""Do taxes, collection and the internal departments say all they owe within three days, and not too much in a month?"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from functools import cache

import pytest

from bus.dates import JAPAN
from bus.kit.desk import internal, tax
from bus.kit.desk.desk import Look
from bus.kit.desk.offices import OFFICES as EVERYBODY
from bus.kit.desk.tax.collection import reported
from bus.town.stories.script import Filing
from tests.fleet.hall import FLEET, TOPOLOGY
from tests.kit.memory import City, residents

SUNDAY = date(2026, 4, 5)
OFFICES = tax.OFFICES | internal.OFFICES
SPOKEN = sorted(
    entity for entity in TOPOLOGY.topics if entity.partition(".")[0] in OFFICES and not entity.endswith(".decision")
)


def after(days: int) -> date:
    return SUNDAY + timedelta(days=days)


def filed(on: date, kind: str, number: int) -> Filing:
    key = residents(300, SUNDAY)[number].key
    return Filing(datetime(on.year, on.month, on.day, 10, tzinfo=JAPAN), kind, key)


@cache
def month() -> City:
    city = City(OFFICES, residents(300, SUNDAY))
    for number in range(1, 31):
        on = after(number)
        filings = {
            "keiji_zei": [filed(on, "KEIJI_TOROKU", number)],
            "kotei_shisanzei": [filed(on, "KOTEI_SHUTOKU", 2 * number)],
        }
        city.work(on, filings if number % 5 == 0 else None)
    while not city.work(on := on + timedelta(days=1), chores=False).is_nothing:
        assert on < after(40), "staff never come to an end"
    return city


def dump(city: City) -> list[tuple[object, ...]]:
    """Without ids, which are new every time and by which rows in memory lie; what is acknowledged is named by one."""
    said = [(one.entity, one.event) for one in city.heard if one.entity in SPOKEN]
    told = [(entity, event.key, event.version, event.reason, event.data) for entity, event in said]
    return sorted(told, key=lambda one: one[:3])


@pytest.mark.parametrize("size", [30, 300])
def test_everything_is_said_within_three_days_and_heard_by_who_listens(size):
    city = City(OFFICES, residents(size, SUNDAY))

    for number in (1, 2, 3):
        city.work(after(number))

    assert [entity for entity in SPOKEN if not city.said(entity)] == []


def test_the_same_town_and_days_give_the_same_facts():
    first, second = (City(OFFICES, residents(30, SUNDAY)) for _ in range(2))

    for city in (first, second):
        for number in (1, 2, 3, 4):
            city.work(after(number))

    assert dump(first) == dump(second)


def test_a_month_brings_tens_to_some_hundred_facts_of_a_department():
    said = Counter(one.entity for one in month().heard)

    assert {entity: count for entity, count in said.items() if entity in SPOKEN and not 5 <= count <= 900} == {}
    assert sum(said[entity] for entity in SPOKEN) < 5_000


def test_in_a_month_facts_are_corrected_withdrawn_amended_and_ended():
    reasons = Counter(one.event.reason for one in month().heard if one.entity in SPOKEN)

    assert {"KETTEI", "HENKO", "SHURYO", "TEISEI", "TORIKESHI"} <= set(reasons)


def test_what_banks_report_is_in_the_accounts_and_in_the_sums_of_the_days():
    collection = month().world["shutaino"]

    rows = reported(Look(after(30), collection.book, collection, {}))

    paid = Counter()
    for row in rows:
        paid[row["paid_on"]] += row["amount"]
    receipts = Counter()
    for fact in collection.book.find("shutaino.receipt", {"active": True}):
        receipts[fact.image["day"].text] += fact.image["amount"]
    assert receipts == paid
    assert len(rows) > 50


def test_nobody_pays_more_than_is_owed():
    collection = month().world["shutaino"]
    owed = {row["assessment"]: row["amount"] for row in collection.rows("assessments")}

    payments = collection.book.find("shutaino.payment", {"active": True})

    assert {one.image["assessment"] for one in payments} == set(owed)
    over = [one.key for one in payments if one.image["paid"] > owed[one.image["assessment"]] * 1.2 + 100]
    assert len(over) <= len(payments) // 20


@pytest.mark.parametrize("size", [30, 300])
def test_the_whole_city_hall_says_every_fact_it_owes_within_three_days(size):
    city = City({name: EVERYBODY[name] for name in FLEET if name != "juki"}, residents(size, SUNDAY))

    for number in (1, 2, 3):
        city.work(after(number))

    owed = [entity for entity in TOPOLOGY.topics if not entity.startswith("juki.") and not entity.endswith(".decision")]
    assert [entity for entity in owed if not city.said(entity)] == []
