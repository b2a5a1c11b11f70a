"""What must every store keep? Behaviours by name: subclass StoreSuite, give it a fixture `open`, and be green.

class TestMyStore(StoreSuite):
    @pytest.fixture
    def open(self): ...   # returns a function; each call opens another store on the same, at first empty, database
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

import pytest

from bus.broker import Record
from bus.change import Append, Change, Keep
from bus.connector.guard import digest
from bus.errors import Fenced, Reject
from bus.event import BARE, REMOVED
from bus.store import Column, Delivery, Store, Table

ME: Final = "shugaku"
KEPT: Final = Table("pupils", (Column("person", "text"), Column("name", "text"), Column("enters", "int")), kept=True)
MANY: Final = Table("members", (Column("person", "text"), Column("member", "text")), kept=True, many=True)
TYPED: Final = Table(
    "typed",
    (
        Column("person", "text"), Column("word", "text"), Column("yes", "bool"), Column("number", "int"),
        Column("day", "date"), Column("moment", "timestamp"),
    ),
    kept=True,
)  # fmt: skip
LETTERS: Final = Table(
    "letters",
    tuple(Column(name, "text") for name in ("event_id", "kind", "supersedes", "person", "what")),
    kept=False,
)
TABLES: Final = (KEPT, MANY, TYPED, LETTERS)
Open = Callable[[], Store]


def event_of(key: str, version: int, recorded: int = 0) -> str:
    return f"{key}-{version}-{recorded}" if recorded else f"{key}-{version}"


def delivery(
    key: str, version: int, changes: Sequence[Change] | None = None, *, offset: int = 0, **given: Any
) -> Delivery:
    """Version `version` of a person: keeps a row that says so, and appends a letter."""
    given.setdefault("id", event_of(key, version))
    value = b"\0\0\0\0\1" + f"{given['id']}/{given.pop('content', '')}".encode()
    record = Record("999999.in", 0, offset, key.encode(), value, (("ce_id", b"x"), ("empty", None)), 1)
    if changes is None:
        changes = (keep(key, version), letter(given["id"], key))
    return Delivery(
        record, key, version, given.pop("recorded", version * 10), digest=digest(record), changes=changes, **given
    )


def keep(key: str, version: int) -> Keep:
    return Keep("pupils", key, ((key, f"version {version}", version),))


def letter(event: str, key: str, *, follows: str | None = None) -> Append:
    return Append("letters", (event, "AMEND", follows, key, "sent"), follows)


def bad(one: Delivery, code: str = "RULE") -> Delivery:
    return replace(one, reject=Reject("a rule could not decide", code=code))


class StoreSuite:
    @pytest.fixture
    def store(self, open: Open) -> Store:
        store = open()
        store.prepare(TABLES)
        store.claim(ME, "me")
        return store

    def versions(self, store: Store) -> dict[str, int]:
        return {row[0]: row[2] for row in store.rows("pupils")}

    def test_applies_in_one_transaction(self, store: Store) -> None:
        refused = delivery("b", 1, [Keep("pupils", "b", ((None, "nobody", 1),))])

        with pytest.raises(Reject):
            store.apply(ME, [delivery("a", 1), refused], {("t", 0): 2})

        assert not store.rows("pupils")
        assert not store.rows("letters")
        assert store.offsets(ME) == {}
        assert store.progress(ME).applied == 0
        assert store.apply(ME, [delivery("a", 1), bad(refused, "DATA")], {("t", 0): 2}).fresh == 1

    def test_effects_and_offsets_stand_or_fall_together(self, store: Store) -> None:
        nowhere: Any = None

        with pytest.raises(Reject):
            store.apply(ME, [delivery("a", 1), delivery("b", 1)], {(nowhere, 0): 1})

        assert not store.rows("pupils")
        assert not store.rows("letters")
        assert store.apply(ME, [delivery("a", 1), delivery("b", 1)], {("t", 0): 1}).fresh == 2

    def test_ignores_an_older_version(self, store: Store) -> None:
        store.apply(ME, [delivery("a", 1), delivery("a", 2), delivery("a", 3)], {("t", 0): 3})

        done = store.apply(ME, [delivery("a", 1), delivery("a", 2)], {("t", 0): 5})

        assert (done.fresh, done.stale) == (0, 2)
        assert self.versions(store) == {"a": 3}

    def test_ignores_an_older_version_in_another_batch_of_fresh_ones(self, store: Store) -> None:
        store.apply(ME, [delivery("a", 1), delivery("a", 2)], {})

        done = store.apply(ME, [delivery("a", 1), delivery("b", 1)], {})

        assert (done.fresh, done.stale) == (1, 1)
        assert self.versions(store) == {"a": 2, "b": 1}

    def test_appends_once_per_event(self, store: Store) -> None:
        for _ in range(3):
            store.apply(ME, [delivery("a", 1), delivery("a", 1), delivery("a", 2)], {})

        assert [row[0] for row in store.rows("letters")] == ["a-1", "a-2"]

    def test_a_fenced_owner_writes_nothing(self, store: Store, open: Open) -> None:
        store.apply(ME, [delivery("a", 1)], {("t", 0): 1})
        other = open()
        other.prepare(TABLES)
        other.claim(ME, "other")

        with pytest.raises(Fenced):
            store.apply(ME, [delivery("b", 1)], {("t", 0): 2})

        assert self.versions(other) == {"a": 1}
        assert other.offsets(ME) == {("t", 0): 1}
        assert other.progress(ME).fenced == 1
        with pytest.raises(Fenced):
            store.renew(ME)
        assert other.apply(ME, [delivery("b", 1)], {("t", 0): 2}).fresh == 1

    def test_each_claim_raises_the_epoch_and_says_who_lives(self, store: Store, open: Open) -> None:
        first = store.owner(ME)
        other = open()
        other.claim(ME, "other")
        second = other.owner(ME)

        assert first and second
        assert (first.holder, second.holder) == ("me", "other")
        assert second.epoch == first.epoch + 1
        assert 0 <= second.age < 5

        other.resign(ME, "PARK_STORM")
        after = store.owner(ME)

        assert after and after.age > 1000
        assert after.stopped == "PARK_STORM"

    def test_a_pause_is_seen_by_the_owner(self, store: Store, open: Open) -> None:
        open().pause(ME, "maintenance")

        owner = store.owner(ME)

        assert owner and owner.paused == "maintenance"

    def test_parks_one_person_only(self, store: Store) -> None:
        done = store.apply(
            ME, [delivery("a", 1), bad(delivery("a", 2)), delivery("b", 1), delivery("a", 3)], {("t", 0): 4}
        )

        assert (done.fresh, done.parked) == (2, 2)
        assert [(one.key, one.version, one.code) for one in store.parked(ME)] == [("a", 2, "RULE"), ("a", 3, "BEHIND")]
        assert [code.code for _, code in done.culprits] == ["RULE"]
        assert self.versions(store) == {"a": 1, "b": 1}

        again = store.apply(ME, [delivery("a", 4), delivery("b", 2)], {})

        assert (again.fresh, again.parked) == (1, 1)
        assert self.versions(store) == {"a": 1, "b": 2}
        assert store.progress(ME).parked == 1

    def test_a_parked_record_keeps_its_bytes(self, store: Store) -> None:
        record = Record("999999.in", 3, 77, b"\xff\0", b"\0\1\2", (("x", b"\xfe"), ("y", None), ("x", b"")), 42)
        broken = Delivery(record, "raw:ff00", reject=Reject("no", code="DECODE"))

        store.apply(ME, [broken, replace(broken, record=record._replace(offset=78, key=None, value=None))], {})

        first, second = store.parked(ME, "raw:ff00")
        assert tuple(map(tuple, first.record.headers)) == record.headers
        assert first.record._replace(headers=()) == record._replace(headers=())
        assert (first.code, first.where, first.version) == ("DECODE", "999999.in/3/77", 0)
        assert abs((datetime.now(UTC) - first.since).total_seconds()) < 60
        assert (second.record.key, second.record.value) == (None, None)
        assert not store.parked(ME, "nobody")

    def test_a_filled_gap_releases_in_order(self, store: Store) -> None:
        versions = {one.record.value: one for one in (delivery("a", number) for number in range(1, 8))}
        again = lambda record: versions[record.value]
        store.apply(ME, [delivery("a", 1), delivery("a", 3), delivery("a", 4), delivery("a", 6)], {}, again)
        assert [one.code for one in store.parked(ME)] == ["GAP", "BEHIND", "BEHIND"]

        done = store.apply(ME, [delivery("a", 2)], {}, again)

        assert (done.fresh, done.released) == (1, 2)
        assert self.versions(store) == {"a": 4}
        assert [one.version for one in store.parked(ME)] == [6]
        assert store.apply(ME, [delivery("a", 5), delivery("a", 7)], {}, again).released == 1
        assert not store.parked(ME)
        assert [row[0] for row in store.rows("letters")] == [f"a-{number}" for number in range(1, 8)]

    def test_a_repaired_person_is_released_in_order(self, store: Store) -> None:
        store.apply(ME, [delivery("a", 1), bad(delivery("a", 2)), delivery("a", 3)], {})
        versions = {one.record.value: one for one in (delivery("a", 2), delivery("a", 3))}

        nothing = store.release(ME, "a", lambda record: bad(versions[record.value]))
        done = store.release(ME, "a", lambda record: versions[record.value])

        assert nothing.released == 0
        assert done.released == 2
        assert not store.parked(ME)
        assert self.versions(store) == {"a": 3}
        assert store.apply(ME, [delivery("a", 4)], {}).fresh == 1

    def test_offsets_survive(self, store: Store, open: Open) -> None:
        store.apply(ME, [delivery("a", 1)], {("t", 0): 1, ("t", 1): 7})
        store.apply(ME, [delivery("a", 2)], {("t", 0): 2})
        store.apply(ME, [], {("u", 0): 3})
        store.close()

        assert open().offsets(ME) == {("t", 0): 2, ("t", 1): 7, ("u", 0): 3}

    def test_removal_removes_rows(self, store: Store) -> None:
        store.apply(ME, [delivery("a", 1, [keep("a", 1), Keep("members", "a", (("a", "x"), ("a", "y")))])], {})

        removed = delivery("a", 2, [Keep("pupils", "a"), Keep("members", "a")], mode=REMOVED)
        store.apply(ME, [removed, delivery("b", 1)], {})

        assert self.versions(store) == {"b": 1}
        assert not store.rows("members")
        done = store.apply(ME, [delivery("a", 1), delivery("a", 2, mode=REMOVED), delivery("a", 9)], {})
        assert (done.fresh, done.stale) == (1, 2)
        assert self.versions(store) == {"a": 9, "b": 1}

    def test_a_bare_version_counts(self, store: Store) -> None:
        store.apply(ME, [delivery("a", 1), delivery("a", 2, (), mode=BARE), delivery("a", 3, (), mode=BARE)], {})

        assert self.versions(store) == {"a": 1}
        assert store.apply(ME, [delivery("a", 4)], {}).fresh == 1

    def test_id_reuse_is_parked(self, store: Store) -> None:
        store.apply(ME, [delivery("a", 1)], {})

        done = store.apply(ME, [delivery("a", 1, content="forged"), delivery("b", 1)], {})

        assert [why.code for _, why in done.culprits] == ["ID_REUSE"]
        assert (done.fresh, done.parked, done.stale) == (1, 1, 0)

    def test_absurd_versions_are_parked(self, store: Store) -> None:
        for version in (0, -1, 10**9 + 1, 2**62):
            done = store.apply(ME, [delivery(f"p{version}", version)], {})
            assert [why.code for _, why in done.culprits] == ["RANGE"]

    def test_says_a_version_again_later(self, store: Store) -> None:
        store.apply(ME, [delivery("a", 1)], {})

        again = delivery("a", 1, [Keep("pupils", "a", (("a", "later", 1),))], id="clock", recorded=99, kind="CLOCK")
        done = store.apply(ME, [again, delivery("a", 1)], {})

        assert (done.fresh, done.stale) == (1, 1)
        assert store.rows("pupils")[0][1] == "later"
        assert store.apply(ME, [delivery("a", 1, id="forged", recorded=100, kind="AMEND")], {}).parked == 1

    def test_the_last_of_several_versions_in_a_batch_is_kept(self, store: Store) -> None:
        done = store.apply(ME, [delivery("a", number) for number in range(1, 50)], {})

        assert done.fresh == 49
        assert self.versions(store) == {"a": 49}
        assert len(store.rows("letters")) == 49

    def test_many_rows_are_exactly_these(self, store: Store) -> None:
        def members(*names: str) -> list[Change]:
            return [Keep("members", "a", tuple(("a", name) for name in names))]

        store.apply(
            ME, [delivery("a", 1, members("x", "y")), delivery("b", 1, [Keep("members", "b", (("b", "z"),))])], {}
        )

        store.apply(ME, [delivery("a", 2, members("y", "v", "w"))], {})

        assert store.rows("members") == [("a", "v"), ("a", "w"), ("a", "y"), ("b", "z")]

    def test_a_follower_is_appended_only_behind_its_event(self, store: Store) -> None:
        store.apply(ME, [delivery("a", 1)], {})

        def follow(version: int, of: str) -> Delivery:
            return delivery("a", version, [letter(f"a-{version}", "a", follows=of)])

        store.apply(ME, [follow(2, "a-1"), follow(3, "a-2"), follow(4, "never told")], {})

        assert [row[0] for row in store.rows("letters")] == ["a-1", "a-2", "a-3"]

    def test_what_is_undecided_is_counted_as_applied(self, store: Store) -> None:
        done = store.apply(ME, [delivery("a", 1, (), reviews=["the date is unknown", "so is the other"])], {})

        assert (done.fresh, done.reviewed) == (1, 2)
        assert store.progress(ME).reviews == 2
        assert store.apply(ME, [delivery("a", 1, (), reviews=["the date is unknown"]), delivery("a", 2)], {}).fresh == 1

    def test_values_come_back_as_they_were(self, store: Store) -> None:
        rows = [
            (
                "a",
                "𠮷田󠄁 神\t\n\"',;\\N髙",
                True,
                2**53,
                date(1926, 12, 25),
                datetime(2026, 4, 1, 9, 0, 0, 123456, tzinfo=UTC),
            ),
            ("b", "", False, -1, date(2400, 2, 29), datetime(1970, 1, 1, tzinfo=UTC)),
            ("c", None, None, None, None, None),
        ]
        for row in rows:
            store.apply(ME, [delivery(row[0], 1, [Keep("typed", row[0], (row,))])], {})

        assert [(*row[:5], row[5] and row[5].replace(tzinfo=UTC)) for row in store.rows("typed")] == rows

    def test_counts_what_it_did(self, store: Store) -> None:
        store.apply(ME, [delivery("a", 1), delivery("a", 1), bad(delivery("b", 1))], {("t", 0): 3})

        progress = store.progress(ME)

        assert (progress.persons, progress.applied, progress.stale, progress.parked) == (1, 1, 1, 1)
        assert progress.last_applied and abs((datetime.now(UTC) - progress.last_applied).total_seconds()) < 60
