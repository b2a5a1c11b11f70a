"""Who works in city hall? A desk for every department that is asked something or says something; simulated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Final

from bus.adapters.sql.files import Files
from bus.kit.desk.desk import Desk, Office, Worked
from bus.kit.desk.offices import OFFICES
from bus.topology.model import REGISTER
from bus.town.stories.script import Filing
from bus.wiring import Wiring

# Whose window something is filed at; what is not named here, and every 届出 of the family register, is for koseki.
WINDOWS: Final[Mapping[str, tuple[str, ...]]] = {
    "INKAN_TOROKU": ("inkan",),
    "INKAN_HAISHI": ("inkan",),
    "SHAKAI_HOKEN_KANYU": ("kokuho", "nenkin"),
    "SHAKAI_HOKEN_SOSHITSU": ("kokuho", "nenkin"),
    "YOKAIGO_SHINSEI": ("kaigo",),
    "SHOGAI_TECHO": ("shogai_fukushi",),
    "SEIKATSU_HOGO_KAISHI": ("seikatsu_hogo",),
    "SEIKATSU_HOGO_HAISHI": ("seikatsu_hogo",),
    "KEIJI_TOROKU": ("keiji_zei",),
    "KOTEI_SHUTOKU": ("kotei_shisanzei",),
    "NENKIN_MENJO": ("nenkin",),
    "JIDO_TEATE_SEIKYU": ("jido_teate",),
}
ELSEWHERE: Final = ("koseki",)
AT_ONCE: Final = 4  # desks wait for their databases most of the time


class Staff:
    """All desks. Used by one thread."""

    def __init__(self, wiring: Wiring, departments: Iterable[str], offices: Mapping[str, Office] = OFFICES) -> None:
        names = sorted(set(departments) - {REGISTER})
        self.world = {name: Files(wiring.facts(name).engine) for name in names}
        self.desks: dict[str, Desk] = {}
        for name in names:
            proposals = wiring.proposals(name)
            proposals.prepare()
            self.desks[name] = Desk(name, offices.get(name, Office()), proposals, self.world[name], self.world)

    def work(
        self, on: date, recorded: datetime | None = None, *, chores: bool = True, filings: Sequence[Filing] = ()
    ) -> Worked:
        """One day of everybody, some at a time. `filings`: what was filed at any window that day."""

        def day(name: str) -> Worked:
            here = [filing for filing in filings if name in WINDOWS.get(filing.kind, ELSEWHERE)]
            return self.desks[name].work(on, recorded, chores=chores, filings=here)

        total = Worked()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for worked in pool.map(day, self.desks):
                total += worked
        return total

    def close(self) -> None:
        for files in self.world.values():
            files.engine.dispose()
