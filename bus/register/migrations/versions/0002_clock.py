"""What the calendar said, and what it has still to say; nothing is said without its outbox row."""

from __future__ import annotations

from typing import Final

from alembic import op

revision = "0002"
down_revision = "0001"

_TABLES: Final = (
    """CREATE TABLE clock_until (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        began date NOT NULL,
        day date NOT NULL CHECK (day >= began)
    )""",
    """CREATE TABLE clock_known (
        key text PRIMARY KEY REFERENCES person,
        version bigint NOT NULL,
        gone date
    )""",
    """CREATE TABLE clock_due (
        duty text NOT NULL,
        key text NOT NULL,
        due date NOT NULL,
        why text,
        PRIMARY KEY (duty, key, due)
    )""",
    "CREATE INDEX clock_due_day ON clock_due (due)",
    "CREATE INDEX clock_due_key ON clock_due (key)",
    """CREATE TABLE clock_said (
        event_id uuid PRIMARY KEY,
        duty text NOT NULL,
        key text NOT NULL,
        due date NOT NULL,
        version bigint NOT NULL,
        recorded timestamptz NOT NULL,
        supersedes uuid REFERENCES clock_said UNIQUE,
        superseded_by uuid REFERENCES clock_said,
        FOREIGN KEY (key, version) REFERENCES resident_history (key, version)
    )""",
    """CREATE UNIQUE INDEX clock_said_once ON clock_said (duty, key, due)
        WHERE supersedes IS NULL AND superseded_by IS NULL""",
    "CREATE INDEX clock_said_key ON clock_said (key, version, recorded)",
    """CREATE TABLE clock_review (
        duty text NOT NULL,
        key text NOT NULL REFERENCES person,
        due date NOT NULL,
        why text NOT NULL,
        PRIMARY KEY (duty, key)
    )""",
)

_TRIGGER: Final = (
    """CREATE FUNCTION clock_is_published() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    BEGIN
        IF NOT EXISTS (SELECT FROM bus_outbox WHERE id = NEW.event_id AND xid = pg_current_xact_id()
                       AND aggregateid = NEW.key AND version = NEW.version AND type = NEW.duty AND repeats
                       AND created = (transaction_timestamp() AT TIME ZONE 'UTC')::date) THEN
            RAISE EXCEPTION 'a duty of the calendar without its outbox row';
        END IF;
        RETURN NULL;
    END $$""",
    """CREATE CONSTRAINT TRIGGER clock_is_published AFTER INSERT ON clock_said
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION clock_is_published()""",
)


def upgrade() -> None:
    for statement in (*_TABLES, *_TRIGGER):
        op.execute(statement)
