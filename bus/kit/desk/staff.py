"""Who works in city hall? A desk for every department that is asked something or says something; simulated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from bus.adapters.sql.files import Files
from bus.kit.desk.desk import Desk, Office, Worked
from bus.kit.desk.offices import OFFICES
from bus.topology.model import REGISTER
from bus.wiring import Wiring


class Staff:
    """All desks, in the order of their names. Used by one thread."""

    def __init__(self, wiring: Wiring, departments: Iterable[str], offices: Mapping[str, Office] = OFFICES) -> None:
        names = sorted(set(departments) - {REGISTER})
        self.world = {name: Files(wiring.facts(name).engine) for name in names}
        self.desks: dict[str, Desk] = {}
        for name in names:
            proposals = wiring.proposals(name)
            proposals.prepare()
            self.desks[name] = Desk(name, offices.get(name, Office()), proposals, self.world[name], self.world)

    def work(self, on: date, recorded: datetime | None = None, *, chores: bool = True) -> Worked:
        """One day of everybody."""
        total = Worked()
        for desk in self.desks.values():
            total += desk.work(on, recorded, chores=chores)
        return total

    def close(self) -> None:
        for files in self.world.values():
            files.engine.dispose()
