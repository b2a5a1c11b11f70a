"""How is one connector put together and run, here or in a process of its own?"""

from __future__ import annotations

import sys
from contextlib import closing
from typing import Any

from bus.connector.intake import by_topic, intakes
from bus.connector.ownership import here
from bus.connector.runner import Limits, serve
from bus.settings import Settings
from bus.wiring import Wiring


def run_connector(wiring: Wiring, name: str, *, until_idle: bool, storm: int) -> dict[str, Any]:
    """Until stopped, or idle. Gives the counts of records."""
    connector = wiring.connector(name)
    heard = intakes(name, connector.views, wiring.contracts)
    group = wiring.topology.subscriptions[name].group
    with closing(wiring.broker(name)) as broker, closing(wiring.store(name)) as store:
        done = serve(
            name, by_topic(heard), connector.tables, list(heard), broker, store,
            holder=here(), group=group, until_idle=until_idle, limits=Limits(storm=storm),
        )  # fmt: skip
    return {
        "id": name, "applied": done.fresh, "stale": done.stale, "parked": done.parked, "released": done.released,
        "reviewed": done.reviewed,
    }  # fmt: skip


def command(settings: Settings, name: str, *, until_idle: bool, storm: int, quiet: bool) -> list[str]:
    """The same, for a process of its own."""
    flags = ["--home", str(settings.home), "--lang", settings.lang, "--storm", str(storm), "--json"]
    flags += ["--town", settings.town] if settings.town else []
    flags += ["--until-idle"] if until_idle else []
    flags += ["--quiet"] if quiet else []
    return [sys.executable, "-m", "bus", "connector", "run", name, *flags]
