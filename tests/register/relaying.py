"""A relay as a process of its own, that tests may kill: python -m tests.register.relaying '{"dsn": …, "client": …}'."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import replace
from pathlib import Path

import bus.register.relay as relaying
from bus.adapters.kafka import KafkaBroker
from bus.adapters.sql.engine import engine
from bus.adapters.sql.outbox import SqlOutbox
from bus.contract.schema import Contract, Contracts
from bus.topology.model import load

ROOT = Path(__file__).resolve().parents[2]


class OneTopic:
    """The real contract, on a topic of the test's own."""

    def __init__(self, topic: str) -> None:
        topology = load(ROOT / "topology.yaml")
        self._contract = replace(Contracts.provisional(ROOT / "schemas", topology).canonical(), topic=topic)

    def canonical(self, entity: str) -> Contract:
        return self._contract


def made(options: dict) -> relaying.Relay:
    relaying.LEASE_SECONDS = options.get("lease", relaying.LEASE_SECONDS)
    broker = KafkaBroker(options["client"], patience=options.get("patience", 120.0))
    return relaying.Relay(SqlOutbox(engine(options["dsn"])), broker, OneTopic(options["topic"]))


def main() -> None:
    relay = made(json.loads(sys.argv[1]))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        relay.run()
    finally:
        print(json.dumps({"fenced": relay.fenced}), flush=True)


if __name__ == "__main__":
    main()
