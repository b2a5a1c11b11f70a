"""Can the application change a resident without anybody hearing of it? Each way is tried, with its own role."""

from __future__ import annotations

import warnings

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import exc, text

from bus.clock.tables import CLOCK_UNTIL
from bus.register.tables import REGISTER
from tests.register.ledger import HEAD
from tests.register.test_entry import enter, family

pytestmark = pytest.mark.stack

COPY = (
    "INSERT INTO resident_history SELECT key, version + 1, gen_random_uuid(), kind, reason, effective_text, "
    "effective_earliest, effective_latest, recorded, supersedes, undoes, change_set_id, change_set_size, "
    "change_set_seq, image, protected FROM resident_history WHERE key = :key AND version = 1"
)
AS_PERSON = "UPDATE person SET version = version + 1 WHERE key = :key"
OLD_OUTBOX = "UPDATE person SET state = state"
ATTEMPTS = {
    "a new state by hand": ["UPDATE person SET state = '3'"],
    "another household by hand": ["UPDATE person SET household_no = NULL"],
    "the same values again, covered by the old outbox row": [OLD_OUTBOX],
    "a version without history": [AS_PERSON],
    "history without an outbox row": [COPY, AS_PERSON],
    "history that the person does not follow": [COPY],
    "history checked early": ["SET CONSTRAINTS ALL DEFERRED", COPY, AS_PERSON, "SET CONSTRAINTS ALL IMMEDIATE"],
    "a person without history": ["INSERT INTO person (key, version) VALUES ('9', 1)"],
    "history rewritten": ["UPDATE resident_history SET image = '{}'"],
    "history deleted": ["DELETE FROM resident_history"],
    "history emptied": ["TRUNCATE resident_history CASCADE"],
    "a person deleted": ["DELETE FROM person"],
    "another key": ["UPDATE person SET key = '9'"],
    "the outbox rewritten": ["UPDATE bus_outbox SET payload = ''"],
    "the outbox emptied": ["DELETE FROM bus_outbox"],
    "the outbox read": ["SELECT payload FROM bus_outbox"],
    "the trigger disabled": ["ALTER TABLE resident_history DISABLE TRIGGER ALL"],
    "the trigger dropped": ["DROP TRIGGER person_has_history ON person"],
    "triggers off for the session": ["SET session_replication_role = replica", AS_PERSON],
    "the function replaced": ["CREATE OR REPLACE FUNCTION person_has_history() RETURNS trigger LANGUAGE sql AS ''"],
    "the access log read": ["SELECT * FROM access_log"],
    "the access log emptied": ["DELETE FROM access_log"],
    "the relay's position moved": ["UPDATE bus_lease SET cursor = 9"],
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_no_way_leads_past_the_outbox(register, attempt):
    (event,) = family(register, HEAD)
    before = register.entry.history(event.key)

    with pytest.raises(exc.DBAPIError) as caught, register.app.begin() as db:
        for statement in ATTEMPTS[attempt]:
            db.execute(text(statement), {"key": event.key} if ":key" in statement else {})

    assert caught.value.orig.sqlstate in {"P0001", "42501"}  # a trigger said no, or the role may not
    assert register.entry.history(event.key) == before
    assert len(enter(register, "SHIBO", event.key)) == 1  # the proper way is still open


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO bus_lease VALUES (9)",
        "UPDATE bus_outbox SET payload = ''",
        "DELETE FROM bus_outbox",
        "SELECT * FROM resident_history",
        "SELECT * FROM person",
        "INSERT INTO bus_outbox (shard, seq) VALUES (0, 1)",
    ],
)
def test_the_relay_only_reads_the_outbox_and_moves_its_lease(register, statement):
    with register.relay.begin() as db:
        db.execute(text("SELECT * FROM bus_outbox"))
        db.execute(text("UPDATE bus_lease SET cursor = cursor"))

    with pytest.raises(exc.ProgrammingError) as caught, register.relay.begin() as db:
        db.execute(text(statement))

    assert caught.value.orig.sqlstate == "42501"


def test_the_tables_are_what_the_migrations_make(register):
    def ours(thing, name, kind, _, __):
        return kind not in {"index", "unique_constraint", "foreign_key_constraint"} and not str(name).startswith("bus_")

    with register.owner.connect() as db, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = MigrationContext.configure(db, opts={"compare_type": True, "include_object": ours})
        assert CLOCK_UNTIL.metadata is REGISTER  # the calendar's tables are the register's
        assert compare_metadata(context, REGISTER) == []
