"""How does an empty database become the register's? By migrations that travel inside the package."""

from __future__ import annotations

from alembic import command
from alembic.config import Config

from bus.resident import codes
from bus.settings import ROOT


def migrate(owner_dsn: str, *, app_role: str | None = None, relay_role: str | None = None, shards: int = 4) -> None:
    """Brings the database to the newest shape, makes coming partitions, grants each role what it needs, no more."""
    config = Config()
    config.set_main_option("script_location", "bus.register:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes.update(dsn=owner_dsn, app_role=app_role, relay_role=relay_role, shards=shards)
    config.attributes["codes"] = codes.lists(ROOT / "schemas") if (ROOT / "schemas").is_dir() else []
    command.upgrade(config, "head")
