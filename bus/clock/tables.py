"""Which tables does the calendar keep in the register's database? Migrations make them, a test proves both equal."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, PrimaryKeyConstraint, Table, Text, Uuid

from bus.register.tables import REGISTER

# How far the calendar is said (bus/clock). `began`: days up to it are nobody's business.
CLOCK_UNTIL = Table(
    "clock_until",
    REGISTER,
    Column("one", Boolean, primary_key=True),
    Column("began", Date, nullable=False),
    Column("day", Date, nullable=False),
)

# From which version a person's days were worked out; `gone`: the day from which no longer a resident.
CLOCK_KNOWN = Table(
    "clock_known",
    REGISTER,
    Column("key", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("gone", Date),
)

# What is still to be said; `why`: or to be looked at by a person, the date it follows from being too uncertain.
CLOCK_DUE = Table(
    "clock_due",
    REGISTER,
    Column("duty", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("due", Date, nullable=False),
    Column("why", Text),
    PrimaryKeyConstraint("duty", "key", "due"),
)

# What was said, and what takes it back: append-only but for `superseded_by`. One duty stands once per person and day.
CLOCK_SAID = Table(
    "clock_said",
    REGISTER,
    Column("event_id", Uuid(as_uuid=False), primary_key=True),
    Column("duty", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("due", Date, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("recorded", DateTime(timezone=True), nullable=False),
    Column("supersedes", Uuid(as_uuid=False)),
    Column("superseded_by", Uuid(as_uuid=False)),
)

CLOCK_REVIEW = Table(
    "clock_review",
    REGISTER,
    Column("duty", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("due", Date, nullable=False),
    Column("why", Text, nullable=False),
    PrimaryKeyConstraint("duty", "key"),
)
