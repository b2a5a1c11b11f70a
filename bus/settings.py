"""Where are things, and with which secrets? The only reader of the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bus.errors import Usage

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Setting:
    value: Any
    source: str  # flag, BUS_…, stack, default


@dataclass(slots=True)
class Settings:
    """Flags win over BUS_* variables, these over what the embedded stack wrote into stack.json, that over defaults."""

    project: Path  # where topology.yaml, schemas/ and connectors/ lie
    home: Path  # state of the embedded stack
    lang: str  # ja or en
    town: str | None  # 団体コード; None: as topology.yaml says
    bootstrap: str | None  # host:port[,host:port] of Kafka
    security_protocol: str  # SASL_PLAINTEXT or SASL_SSL
    sasl_mechanism: str
    ca_file: str | None
    registry_url: str | None
    maven: str | None  # where the stack's jars come from; None: as ~/.m2/settings.xml says, or public
    register_dsn: str | None  # SQLAlchemy URL, the register's application role
    relay_dsn: str | None  # … the relay's role in the register's database
    owner_dsn: str | None  # … the owner role in the register's database (migrations)
    bus_dsn: str | None  # … the bus's own database
    users: Mapping[str, str] = field(default_factory=dict, repr=False)  # Kafka principal -> password
    departments: Mapping[str, str] = field(default_factory=dict, repr=False)  # connector id -> SQLAlchemy URL
    sources: dict[str, str] = field(default_factory=dict)  # setting -> where it came from

    @classmethod
    def load(cls, **flags: Any) -> Settings:
        project = Path(flags.get("project") or os.environ.get("BUS_PROJECT") or ROOT)
        home = Path(flags.get("home") or os.environ.get("BUS_HOME") or project / ".bus").absolute()
        state = _state(home / "stack.json")
        sources: dict[str, str] = {}

        def pick(name: str, default: Any = None) -> Any:
            for source, value in (
                ("flag", flags.get(name)),
                (f"BUS_{name.upper()}", os.environ.get(f"BUS_{name.upper()}") or None),
                ("stack", state.get(name)),
            ):
                if value is not None:
                    sources[name] = source
                    return value
            sources[name] = "default"
            return default

        lang = pick("lang", "ja" if os.environ.get("LANG", "").startswith("ja") else "en")
        if lang not in ("ja", "en"):
            raise Usage(f"--lang is ja or en, not {lang!r}")
        return cls(
            project=project,
            home=home,
            lang=lang,
            town=pick("town"),
            bootstrap=pick("bootstrap"),
            security_protocol=pick("security_protocol", "SASL_SSL"),
            sasl_mechanism=pick("sasl_mechanism", "SCRAM-SHA-512"),
            ca_file=pick("ca_file"),
            registry_url=pick("registry_url"),
            maven=os.environ.get("BUS_MAVEN_REPOSITORY"),
            register_dsn=pick("register_dsn"),
            relay_dsn=pick("relay_dsn"),
            owner_dsn=pick("owner_dsn"),
            bus_dsn=pick("bus_dsn"),
            users=_many(state.get("users", {}), "BUS_USER_"),
            departments=_many(state.get("departments", {}), "BUS_DEPARTMENT_"),
            sources=sources,
        )


def _state(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return {}


def _many(known: Mapping[str, str], prefix: str) -> Mapping[str, str]:
    given = {name[len(prefix) :].lower(): value for name, value in os.environ.items() if name.startswith(prefix)}
    return {**known, **given}
