"""Which tables does the register keep? The migrations make them, a test proves both equal."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Identity,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

REGISTER = MetaData()

# The uuid of this register's life: a register that was restored from a backup begins a new one.
INCARNATION = Table(
    "incarnation",
    REGISTER,
    Column("one", Boolean, primary_key=True),
    Column("id", Uuid(as_uuid=False), nullable=False),
)

HOUSEHOLD = Table(
    "household",
    REGISTER,
    Column("no", Text, primary_key=True),
)

# The row that is locked while a person's next version is made; everything in it follows from the history.
PERSON = Table(
    "person",
    REGISTER,
    Column("key", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("household_no", Text),
    Column("state", Text),
    Column("position", BigInteger, Identity(always=True), nullable=False),  # the order of loading, for the export
)

# Append-only. The image is the whole person as of this version; names and addresses are kept byte for byte.
HISTORY = Table(
    "resident_history",
    REGISTER,
    Column("key", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("event_id", Uuid(as_uuid=False), nullable=False),
    Column("kind", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("effective_text", Text, nullable=False),
    Column("effective_earliest", Date),
    Column("effective_latest", Date),
    Column("recorded", DateTime(timezone=True), nullable=False),
    Column("supersedes", Uuid(as_uuid=False)),
    Column("undoes", ARRAY(Text), nullable=False),
    Column("change_set_id", Text),
    Column("change_set_size", Integer),
    Column("change_set_seq", Integer),
    Column("image", JSONB(none_as_null=True), nullable=False),
    Column("protected", Boolean, nullable=False),
    PrimaryKeyConstraint("key", "version"),
)

CODE = Table(
    "code",
    REGISTER,
    Column("list", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("name_ja", Text, nullable=False),
)

ACCESS = Table(
    "access_log",
    REGISTER,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("key", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("who", Text, nullable=False),
)
