"""Where does a department keep what it said? Tables beside its own, and triggers that let nobody by the outbox."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, exc, text

from bus.adapters.sql.engine import create
from bus.errors import Misconfigured
from bus.register import outbox

SHARDS: Final = 1  # a department says less than the register; one shard, one order

_TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS bus_incarnation (
        one boolean PRIMARY KEY DEFAULT true CHECK (one), id uuid NOT NULL DEFAULT gen_random_uuid())""",
    "INSERT INTO bus_incarnation DEFAULT VALUES ON CONFLICT DO NOTHING",
    # The row that is locked while a fact's next version is made. Version 0: nothing is said yet, inside a transaction.
    """CREATE TABLE IF NOT EXISTS bus_fact (
        entity text NOT NULL,
        key text NOT NULL,
        version bigint NOT NULL CHECK (version BETWEEN 0 AND 1000000000),
        image jsonb,
        recorded timestamptz,
        PRIMARY KEY (entity, key)
    ) WITH (fillfactor = 80)""",
    "CREATE INDEX IF NOT EXISTS bus_fact_image ON bus_fact USING gin (image jsonb_path_ops)",
    """CREATE TABLE IF NOT EXISTS bus_fact_history (
        entity text NOT NULL,
        key text NOT NULL,
        version bigint NOT NULL,
        event_id uuid NOT NULL UNIQUE,
        kind text NOT NULL,
        reason text NOT NULL,
        effective_text text NOT NULL,
        effective_earliest date,
        effective_latest date,
        recorded timestamptz NOT NULL,
        supersedes uuid REFERENCES bus_fact_history (event_id),
        undoes text[] NOT NULL,
        said jsonb NOT NULL,
        image jsonb NOT NULL,
        cause text,
        PRIMARY KEY (entity, key, version),
        FOREIGN KEY (entity, key) REFERENCES bus_fact
    )""",
    "CREATE INDEX IF NOT EXISTS bus_fact_cause ON bus_fact_history (cause) WHERE cause IS NOT NULL",
)

# Judged at commit, as in the register: things may be done in any order, but half of them cannot be left out. The outbox
# row must be of this very transaction, so that an old one never covers for a new change.
_TRIGGERS: Final = (
    """CREATE OR REPLACE FUNCTION bus_fact_is_published() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = {schema}, pg_temp AS $$
    BEGIN
        IF NOT EXISTS (SELECT FROM bus_outbox WHERE id = NEW.event_id AND xid = pg_current_xact_id()
                       AND aggregatetype = NEW.entity AND aggregateid = NEW.key AND version = NEW.version
                       AND type = NEW.reason AND created = (transaction_timestamp() AT TIME ZONE 'UTC')::date) THEN
            RAISE EXCEPTION 'history row without its outbox row';
        END IF;
        IF NEW.version > 1 AND NOT EXISTS (SELECT FROM bus_fact_history WHERE entity = NEW.entity
                                           AND key = NEW.key AND version = NEW.version - 1) THEN
            RAISE EXCEPTION 'history row leaves a gap';
        END IF;
        IF NOT EXISTS (SELECT FROM bus_fact WHERE entity = NEW.entity AND key = NEW.key
                       AND version >= NEW.version) THEN
            RAISE EXCEPTION 'history row without its version';
        END IF;
        RETURN NULL;
    END $$""",
    """CREATE CONSTRAINT TRIGGER bus_fact_is_published AFTER INSERT ON bus_fact_history
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION bus_fact_is_published()""",
    # Only the last of a transaction's changes is judged; the ones before it have their history rows.
    """CREATE OR REPLACE FUNCTION bus_fact_has_history() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = {schema}, pg_temp AS $$
    BEGIN
        IF EXISTS (SELECT FROM bus_fact WHERE entity = NEW.entity AND key = NEW.key AND version = NEW.version)
        AND NOT EXISTS (SELECT FROM bus_fact f JOIN bus_fact_history h USING (entity, key, version)
                        JOIN bus_outbox o ON o.id = h.event_id
                        WHERE f.entity = NEW.entity AND f.key = NEW.key AND o.xid = pg_current_xact_id()
                        AND o.created = (transaction_timestamp() AT TIME ZONE 'UTC')::date
                        AND f.image = h.image AND f.recorded = h.recorded) THEN
            RAISE EXCEPTION 'fact changed without a history row';
        END IF;
        RETURN NULL;
    END $$""",
    """CREATE CONSTRAINT TRIGGER bus_fact_has_history AFTER INSERT OR UPDATE ON bus_fact
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION bus_fact_has_history()""",
    """CREATE OR REPLACE FUNCTION bus_fact_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'what was said stays';
    END $$""",
    """CREATE TRIGGER bus_fact_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON bus_fact_history
    FOR EACH STATEMENT EXECUTE FUNCTION bus_fact_stays()""",
    """CREATE TRIGGER bus_fact_stays BEFORE DELETE OR TRUNCATE ON bus_fact
    FOR EACH STATEMENT EXECUTE FUNCTION bus_fact_stays()""",
    """CREATE TRIGGER bus_fact_key_stays BEFORE UPDATE OF entity, key ON bus_fact
    FOR EACH STATEMENT EXECUTE FUNCTION bus_fact_stays()""",
)
_TODAY: Final = "SELECT (transaction_timestamp() AT TIME ZONE 'UTC')::date"
_LOCKED: Final = "55P03"
_IS_THERE: Final = (
    "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = to_regclass('bus_fact') AND tgname = 'bus_fact_key_stays')"
)


def install(connection: Connection) -> None:
    """Makes what is missing, one process at a time; of what is there nothing is touched, so that no writer waits."""
    if connection.dialect.name != "postgresql":
        raise Misconfigured("facts are kept in PostgreSQL only", code="NOT_POSTGRESQL", where=connection.dialect.name)
    create(connection)
    if connection.execute(text(_IS_THERE)).scalar_one():
        _go_on(connection)
    else:
        quoted = connection.dialect.identifier_preparer.quote
        schema = quoted(connection.execute(text("SELECT current_schema()")).scalar_one())
        for statement in _TABLES:
            connection.execute(text(statement))
        for statement in _TRIGGERS:
            connection.exec_driver_sql(statement.format(schema=schema))
        outbox.install(connection, SHARDS)


def _go_on(connection: Connection) -> None:
    """Partitions of the days to come, unless somebody writes: until the next time, the default partition takes all."""
    connection.execute(text("SET LOCAL lock_timeout = '2s'"))
    try:
        with connection.begin_nested():
            outbox.make_partitions(connection, connection.execute(text(_TODAY)).scalar_one(), days=8)
    except exc.OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCKED:
            raise
