"""How does a line of acts.yaml become a town, an act and what is expected of it?"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bus.dates import Uncertain
from tests.register.ledger import CHILD, HEAD, WIFE, Ledger

NOBODY = "000000000000000"
ADDRESS = {"address.town": "北一丁目", "address.lot": "３番地", "address.city": "サンプル市"}
SETTLED = {**ADDRESS, "birth": "1980-03-05", "honseki.full": "サンプル県サンプル市北一丁目３番"}
LEE = {
    "resident_type": "2",
    "address.town": "南二丁目",
    "address.lot": "１番地",
    "birth": "1985-07-07",
    "name.roman": "LEE SAMPLE",
    "name.common": "南　理",
    "foreign.country": "ダミー国",
    "foreign.card_no": "XX00000000XX",
    "foreign.status_code": "11",
}
HOUSEHOLDS = (
    {"taro": {"name.full": "甲野　太郎"} | SETTLED | HEAD, "hana": {"name.full": "甲野　花子"} | SETTLED | WIFE,
     "ken": {"name.full": "甲野　健"} | SETTLED | CHILD},
    {"ume": {"name.full": "乙川　梅"} | SETTLED | HEAD},
    {"lee": {"name.full": "LEE SAMPLE"} | LEE | HEAD},
)  # fmt: skip


@dataclass
class Town:
    """The ledger of acts.yaml's people, and who is who."""

    ledger: Ledger = field(default_factory=Ledger)
    keys: dict[str, str] = field(default_factory=lambda: {"nobody": NOBODY})
    told: list[list] = field(default_factory=list)  # the events of each act

    def __post_init__(self) -> None:
        for household in HOUSEHOLDS:
            persons = [{"key": None, "set": cells} for cells in household.values()]
            events = self.ledger.enter("TENNYU", "2026-03-01", persons, household="new")
            self.keys.update(zip(household, (event.key for event in events), strict=True))

    def do(self, act: dict) -> list:
        """{REASON: {who: cells}, household:, effective:, annuls:}"""
        reason = next(name for name in act if name.isupper())
        more = {}
        if "household" in act:
            more["household"] = self.household(act["household"])
        if "annuls" in act:
            more["supersedes"] = self.told[act["annuls"] - 1][0].id
        persons = [{"key": self.keys.get(who), "set": cells} for who, cells in act[reason].items()]
        given = act.get("effective", None if "annuls" in act else "2026-04-01")
        events = self.ledger.enter(reason, given, persons, **more)
        fresh = [event.key for event in events if event.version == 1]
        self.keys.update(zip((who for who in act[reason] if who not in self.keys), fresh, strict=True))
        self.told.append(events)
        return events

    def household(self, who: str) -> str:
        return "new" if who == "new" else self.ledger.image(self.keys[who])["household.no"]

    def expected(self, cell: object) -> object:
        if isinstance(cell, str) and cell.startswith("household of "):
            return self.ledger.image(self.keys[cell.removeprefix("household of ")])["household.no"]
        if isinstance(cell, str) and cell.startswith("key of "):
            return self.keys[cell.removeprefix("key of ")]
        return cell

    def says(self, who: str, path: str) -> object:
        value = self.ledger.image(self.keys[who])[path]
        return value.text if isinstance(value, Uncertain) else value


def cases() -> list[dict]:
    return _plain(YAML(typ="safe").load(Path(__file__).with_name("acts.yaml")))


def _plain(cell: Any) -> Any:
    """Days as a request has them: as text."""
    if isinstance(cell, dict):
        return {name: _plain(inner) for name, inner in cell.items()}
    if isinstance(cell, list):
        return [_plain(inner) for inner in cell]
    return cell.isoformat() if isinstance(cell, date) else cell


def name(case: dict) -> str:
    return f"{case['reason']}: {case['what']}" if "what" in case else case["reason"]
