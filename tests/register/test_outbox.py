"""Does an event join the transaction of a register that is not ours?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from bus.adapters.sql.engine import engine as connect
from bus.contract.schema import Contracts
from bus.dates import Uncertain
from bus.errors import Misconfigured, Reject
from bus.event import Event
from bus.register import outbox
from bus.settings import ROOT
from bus.topology.model import load
from tests.register.ledger import SHAPE

pytestmark = pytest.mark.stack
CONTRACT = Contracts(ROOT / "schemas", load(ROOT / "topology.yaml")).canonical()
INCARNATION = str(uuid4())


class Base(DeclarativeBase):
    pass


class Inhabitant(Base):
    """A table of somebody else's register."""

    __tablename__ = "inhabitant"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]


@pytest.fixture
def theirs(database):
    engine = connect(database("theirs"))
    Base.metadata.create_all(engine)
    with engine.begin() as db:
        outbox.install(db)
        outbox.install(db)
    yield engine
    engine.dispose()


def event(key="1", **cells):
    image = SHAPE.nested({**SHAPE.blank(), "is_resident": True, "state": "1", "name.full": "甲野　一郎", **cells})
    when = datetime(2026, 4, 1, tzinfo=UTC)
    return Event(str(uuid4()), "REGISTER", "IKO", key, 1, Uncertain.on(date(2026, 4, 1)), when, image)


def put(session, said, contract=CONTRACT):
    outbox.put(session, said, contract=contract, town="999999", incarnation=INCARNATION)


def rows(engine):
    with engine.connect() as db:
        return db.execute(text("SELECT * FROM bus_outbox ORDER BY shard, seq")).all()


def test_their_row_and_our_event_are_committed_together(theirs):
    said = event()
    with Session(theirs) as session:
        session.add(Inhabitant(id="1", name="甲野　一郎"))
        put(session, said)
        assert rows(theirs) == []
        session.commit()

    (row,) = rows(theirs)
    assert (str(row.id), row.aggregatetype, row.aggregateid, row.type) == (said.id, "juki.resident", "1", "IKO")
    assert CONTRACT.decode(bytes(row.payload)) == said


def test_a_rollback_takes_both(theirs):
    with Session(theirs) as session:
        session.add(Inhabitant(id="1", name="甲"))
        session.flush()
        put(session, event())
        session.rollback()

    with theirs.connect() as db:
        assert db.execute(text("SELECT count(*) FROM inhabitant")).scalar_one() == 0
    assert rows(theirs) == []


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (event(**{"name.full": "甲\x00"}), {"NUL"}),
        (event(**{"name.full": "甲\u0007"}), {"CONTROL"}),
        (event(**{"address.building": "方" * 400_000}), {"SIZE", "RANGE", "BOMB"}),
        (replace(event(), kind="NOPE"), {"DATA"}),
    ],
    ids=["nul", "control", "size", "kind"],
)
def test_a_bad_event_aborts_the_change(theirs, said, code):
    with pytest.raises(Reject) as caught, Session(theirs) as session, session.begin():
        session.add(Inhabitant(id="1", name="甲"))
        put(session, said)

    assert caught.value.code in code
    with theirs.connect() as db:
        assert db.execute(text("SELECT count(*) FROM inhabitant")).scalar_one() == 0


class Large:
    def encode(self, event, *, town, incarnation):
        return b"x" * 1_000_001


def test_a_payload_that_no_broker_takes_is_refused(theirs):
    with pytest.raises(Reject) as caught, Session(theirs) as session, session.begin():
        put(session, event(), Large())

    assert caught.value.code == "SIZE"


def test_the_transaction_has_its_id_before_it_draws_a_number(theirs):
    """What the relay's barrier rests on: nobody holds a number without an older xid."""
    with theirs.begin() as db:
        assert db.execute(text("SELECT pg_current_xact_id_if_assigned()::text")).scalar_one() is None
        put(db, event())
        mine = db.execute(text("SELECT pg_current_xact_id_if_assigned()::text")).scalar_one()

    columns = "SELECT attname FROM pg_attribute WHERE attrelid = 'bus_outbox'::regclass AND attnum > 0 ORDER BY attnum"
    with theirs.connect() as db:
        stored = db.execute(text("SELECT xid::text FROM bus_outbox")).scalar_one()
        names = list(db.execute(text(columns)).scalars())
    assert stored == mine
    assert names.index("xid") < names.index("seq")


def test_each_person_stays_in_one_shard_with_its_own_numbers(theirs):
    with theirs.begin() as db:
        for number in range(40):
            put(db, event(str(number % 10)))

    found = rows(theirs)
    assert len({(row.aggregateid, row.shard) for row in found}) == 10
    for shard in {row.shard for row in found}:
        assert [row.seq for row in found if row.shard == shard] == list(
            range(1, sum(row.shard == shard for row in found) + 1)
        )


def test_a_day_without_a_partition_is_kept_all_the_same(theirs):
    with theirs.begin() as db:
        db.execute(text("DROP TABLE " + ", ".join(_days(db))))
        put(db, event())
        outbox.make_partitions(db, datetime.now(UTC).date(), days=3)

    assert len(rows(theirs)) == 1
    with theirs.connect() as db:
        assert len(_days(db)) == 2  # today's rows are in the default partition, and stay there


def _days(db):
    found = db.execute(
        text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'bus_outbox'::regclass")
    )
    return [name for name in found.scalars() if name != "bus_outbox_default"]


def test_the_number_of_shards_is_for_life(theirs):
    with pytest.raises(Misconfigured), theirs.begin() as db:
        outbox.install(db, shards=8)
