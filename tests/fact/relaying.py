"""Departments' relays as a process of its own, that tests may kill: python -m tests.fact.relaying '{"dsn": …}'."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import replace
from pathlib import Path

from bus.adapters.kafka import KafkaBroker
from bus.adapters.sql.engine import engine
from bus.adapters.sql.outbox import SqlOutbox
from bus.contract.schema import Contract, Contracts
from bus.kit.publishing import Published, Publishers
from bus.register.relay import Relay
from tests.fact.toys import contracts


class Elsewhere:
    """The same contracts, on topics of the test's own."""

    def __init__(self, made: Contracts, topics: dict[str, str]) -> None:
        self._made, self._topics = made, topics

    def canonical(self, entity: str) -> Contract:
        return replace(self._made.canonical(entity), topic=self._topics[entity])


def publisher(options: dict):
    made = Elsewhere(contracts(Path(options["schemas"])), options["topics"])

    def run(*, until_idle, stop):
        relay = Relay(SqlOutbox(engine(options["dsn"])), KafkaBroker(options["client"]), made, name="toy")
        return Published(relay.run(until_idle=until_idle, stop=stop, idle=0.05, patience=20.0), relay.fenced)

    return run


def main() -> None:
    options = json.loads(sys.argv[1])
    publishers = Publishers({"toy": publisher(options)})
    signal.signal(signal.SIGTERM, lambda *_: publishers.stop.set())
    publishers.run(until_idle=options["until_idle"])
    print(json.dumps({"published": publishers.done["toy"].published}), flush=True)


if __name__ == "__main__":
    main()
