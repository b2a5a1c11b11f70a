"""A connector's process for tests that kill it: python -m tests.connector.child SUBSCRIPTION DSN, settings on stdin."""

from __future__ import annotations

import json
import signal
import sys
import threading

from bus import telemetry
from bus.adapters.kafka import KafkaBroker
from bus.adapters.sql.store import open_store
from bus.connector import runner
from bus.connector.ownership import here
from bus.errors import BusError
from tests.connector.department import TABLES, contracts, intake

LEASE = 2.0


def main() -> int:
    name, dsn = sys.argv[1:]
    client = json.loads(sys.stdin.read())
    known = contracts(name)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    telemetry.configure("warning")
    store = open_store(dsn)
    try:
        runner.serve(
            name, intake(known, name), TABLES, [known.narrowed(name).topic], KafkaBroker(client), store,
            holder=here(), group="g", limits=runner.Limits(records=50, lease=LEASE), stop=stop,
        )  # fmt: skip
    except BusError as error:
        print(error.code, flush=True)
        return error.exit
    return 0


if __name__ == "__main__":
    sys.exit(main())
