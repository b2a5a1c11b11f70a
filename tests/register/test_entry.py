"""Is one act one transaction, readable again as it was published, whoever acts at the same time?"""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import text

from bus.errors import Reject
from bus.register.entry import Entry
from bus.resident.fold import standing
from tests.register.ledger import CHILD, HEAD, WIFE, named, newcomer

pytestmark = pytest.mark.stack

NAMES = ["葛󠄀城　𠮷", "神　髙﨑", "O'Brien　‖〜－", "'; DROP TABLE person; --"]


def family(register, *members, **more):
    persons = [newcomer(NAMES[n], **{k.replace(".", "__"): v for k, v in m.items()}) for n, m in enumerate(members)]
    request = {"reason": "TENNYU", "effective": "2026-04-01", "persons": persons, "household": "new"}
    return register.entry.enter(request | more)


def enter(register, reason, *persons, effective="2026-04-01", **more):
    return register.entry.enter({"reason": reason, "effective": effective, "persons": list(persons), **more})


def count(register, table):
    with register.owner.connect() as db:
        return db.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()


def published(register, keys):
    """What lies in the outbox, read with the contract."""
    query = text("SELECT payload FROM bus_outbox WHERE aggregateid = ANY(:keys) ORDER BY aggregateid, version")
    with register.relay.connect() as db:
        payloads = db.execute(query, {"keys": list(keys)}).scalars().all()
    return [register.entry.contract.decode(payload) for payload in payloads]


def test_an_act_is_history_and_outbox_in_one_and_reads_back_as_published(register):
    head, wife, child = (event.key for event in family(register, HEAD, WIFE, CHILD))

    enter(register, "SHIBO", head)

    histories = [event for key in (head, wife, child) for event in register.entry.history(key)]
    assert histories == published(register, [head, wife, child])
    assert [event.version for event in histories] == [1, 2] * 3
    assert {key for key, *_ in register.entry.latest()} >= {head, wife, child}


def test_names_are_kept_byte_for_byte(register):
    events = family(register, *([HEAD] + [CHILD] * 3))

    stored = [register.entry.history(event.key)[0].data["name"]["full"] for event in events]

    assert stored == NAMES
    assert [event.data["name"]["full"] for event in published(register, [e.key for e in events])] == NAMES


def test_a_refused_act_leaves_nothing(register):
    (event,) = family(register, HEAD)
    enter(register, "SHIBO", event.key)
    before = [count(register, table) for table in ("person", "resident_history", "bus_outbox", "household")]

    for request in (("SHIBO", event.key), ("TENKYO", named(event.key, address__lot="１"))):
        with pytest.raises(Reject):
            enter(register, *request)

    assert [count(register, table) for table in ("person", "resident_history", "bus_outbox", "household")] == before


@pytest.mark.parametrize("bad", ["甲\x00野", "甲\u202e野"])
def test_an_event_that_cannot_be_encoded_aborts_the_change(register, bad):
    before = count(register, "person")

    with pytest.raises(Reject) as caught:
        enter(register, "TENNYU", newcomer(bad))

    assert caught.value.code in {"NUL", "CONTROL"}
    assert count(register, "person") == before


def test_an_annulled_death_restores_the_household_in_the_database(register):
    head, wife = (event.key for event in family(register, HEAD, WIFE))
    death = enter(register, "SHIBO", head)

    events = enter(register, "TORIKESHI_ZO", effective=None, supersedes=death[0].id)

    assert [event.supersedes for event in events] == [event.id for event in death]
    assert register.entry.history(wife)[-1].data["household"]["head_name"] == NAMES[0]
    with pytest.raises(Reject) as caught:
        enter(register, "TORIKESHI_ZO", effective=None, supersedes=death[0].id)
    assert caught.value.code == "ALREADY_ANNULLED"


@pytest.mark.parametrize("target", ["00000000-0000-4000-8000-000000000000", "no event"])
def test_a_correction_of_nothing_is_refused(register, target):
    (event,) = family(register, HEAD)

    with pytest.raises(Reject) as caught:
        enter(register, "GOKI_SHUSEI", named(event.key, sex="2"), supersedes=target)

    assert caught.value.code == "CORRECTION_TARGET"


def test_the_clock_is_given_only_in_simulated_towns_and_never_runs_backwards(register):
    at = datetime(2026, 4, 1, 3, tzinfo=UTC)
    (event,) = family(register, HEAD, recorded=at.isoformat())
    assert event.recorded == at

    with pytest.raises(Reject) as backwards:
        enter(register, "SHIBO", event.key, recorded=(at - timedelta(seconds=1)).isoformat())
    real = Entry(register.app, register.entry.contract, "012041", register.entry.incarnation)
    with pytest.raises(Reject) as given:
        real.enter({"reason": "SHIBO", "effective": "2026-04-01", "persons": [event.key]}, recorded=at)

    assert (backwards.value.code, given.value.code) == ("RECORDED_ORDER", "RECORDED")


def test_both_time_axes_are_kept(register):
    def at(day):
        return datetime(2026, 4, day, 3, tzinfo=UTC).isoformat()

    (event,) = family(register, HEAD, recorded=at(1))
    move = named(event.key, address__town="南", address__lot="１")
    (moved,) = enter(register, "TENKYO", move, effective="2026-04-05", recorded=at(20))
    enter(register, "TORIKESHI_SHUSEI", effective=None, supersedes=moved.id, recorded=at(25))
    history = register.entry.history(event.key)

    def town(as_of, known):
        found = standing(history, date(2026, 4, as_of), datetime.fromisoformat(at(known)))
        return found and found[1]["address"]["town"]

    assert town(10, 10) == "北一丁目"  # nobody had said
    assert town(10, 21) == "南"
    assert town(4, 21) == "北一丁目"
    assert town(10, 26) == "北一丁目"  # it never was
    assert standing(history, date(2026, 3, 1)) is None


def test_acts_on_one_household_at_the_same_time_follow_one_another(register):
    keys = [event.key for event in family(register, HEAD, WIFE, CHILD)]
    failures = []

    def move(number):
        try:
            for turn in range(8):
                persons = [named(key, address__lot=f"{number}の{turn}") for key in keys[number:] + keys[:number]]
                enter(register, "TENKYO", *persons)
        except Exception as error:  # noqa: BLE001  # shown below
            failures.append(error)

    threads = [threading.Thread(target=move, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    for key in keys:
        history = register.entry.history(key)
        assert [event.version for event in history] == list(range(1, 26))
        assert all(a.recorded < b.recorded for a, b in pairwise(history))
    assert len({register.entry.history(key)[-1].data["address"]["lot"] for key in keys}) == 1
