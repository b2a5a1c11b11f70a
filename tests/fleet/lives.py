"""What could happen in a town? Random lives under the real rules of the register, of facts and of the calendar.

What the rules refuse does not happen. Nothing here knows a department.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from bus.adapters.memory_notebook import MemoryNotebook
from bus.clock.clock import Calendar
from bus.clock.duties import load as load_calendar, transits
from bus.clock.life import Version, life
from bus.dates import JAPAN, Uncertain, day
from bus.errors import Reject
from bus.event import RESIDENT, Event
from bus.reading.law import load as load_law
from tests.processor.scene import Wire, drain
from tests.register.ledger import CHILD, HEAD, REASONS, WIFE, Ledger, named

from .facts import FACTS, Facts
from .hall import ROOT

SCHEMAS: Final = ROOT / "schemas"
CALENDAR: Final[Calendar] = load_calendar(SCHEMAS, load_law(ROOT / "connectors" / "law.yaml"))
TRANSITS: Final = transits(SCHEMAS)
BEGAN: Final = datetime(2024, 3, 1, 9, tzinfo=JAPAN)
ONE_DAY: Final = timedelta(days=1)
HOUSEHOLDS: Final = "juki.household"

BIRTHS: Final = (
    "1948-07-07", "1949-04-01", "1951-01-01", "1952-02-29", "1959-05-31", "1960-04-01", "1961-03-20", "1965-01-01",
    "1985-05-05", "1990-12-31", "2004-02-29", "2006-04-01", "2008-04-01", "2008-04-02", "2010-10-10", "2017-04-01",
    "2017-04-02", "2020-03-31", "2023-07-07", "年月日不詳",
    {"text": "昭和36年頃", "earliest": "1961-01-01", "latest": "1961-12-31"},
)  # fmt: skip
ABROAD: Final = {"municipality_code": None, "prefecture": "ダミー国", "city": "ダミー市"}
ELSEWHERE: Final = (
    ABROAD,
    {"municipality_code": "139999", "prefecture": "別の県", "city": "別の市", "town": "港"},
    {"municipality_code": "999998", "prefecture": "サンプル県", "city": "隣の市", "building": "老人ホーム"},
)
FOREIGN: Final = {
    "resident_type": "2", "name.roman": "LEE SAMPLE", "foreign.country": "ダミー国", "foreign.status_code": "11",
    "foreign.since": "2024-03-01", "foreign.article_30_45": "1", "foreign.expires_on": "2025-06-30",
}  # fmt: skip
PARTNER: Final = {"household.relation_code": "13", "household.relation": "夫（未届）"}
RELATIVE: Final = {"household.relation_code": "96", "household.relation": "縁故者"}
INTO: Final = ("TEN", "SHUSSEI", "SHOKKEN_KISAI", "SETAI", "KUKAN")  # reasons that may lead into a household
PERMITS: Final = ("2025-02-28", "2026-01-15")
ANNULLING: Final = tuple(name for name, reason in REASONS.items() if reason.annuls)


class Lives:
    """A small town and those who write to it; `said`: everything in the order in which it was said, with its entity."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.ledger = Ledger()
        self.ledger.now = BEGAN.astimezone(UTC)
        self.said: list[tuple[str, Event]] = []
        self.facts = Facts(self.chance, self._new_id)
        self.speakers = self.chance.sample(FACTS, 10)  # not all of them at once, so that a fact has a history
        self.wire, self.notebook = Wire(), MemoryNotebook()
        self.driver = self.wire.driver(self.notebook)
        self.driver.step(wait=0.0)
        self.families(2)

    def play(self, acts: int) -> Lives:
        for _ in range(acts):
            self._pass()
            self.one()
            for _ in range(self.chance.randrange(8)):
                self.fact(self.chance.choice(self.speakers))
        return self

    def people(self) -> list[str]:
        return sorted(self.ledger.people)

    def history(self, entity: str, key: str) -> list[Event]:
        return [event for of, event in self.said if (of, event.key) == (entity, key)]

    # The register

    def enter(self, reason: str, persons: Any, effective: Any = None, **more: Any) -> list[Event]:
        """The events of one act; none where it is refused."""
        with suppress(Reject, KeyError):
            when = effective or day(self.ledger.now + timedelta(minutes=1)).isoformat()
            events = self.ledger.enter(reason, None if "supersedes" in more else when, persons, **more)
            self._say(events)
            return events
        return []

    def _say(self, events: list[Event]) -> None:
        self.said += [(RESIDENT, event) for event in events]
        before = len(self.notebook.outbox)
        self.wire.publish(events)
        drain(self.driver)
        self.said += [(HOUSEHOLDS, event) for event in self.notebook.outbox[before:]]

    def families(self, count: int) -> None:
        for _ in range(count):
            self.enter("TENNYU", self._family(), household="new")

    def one(self) -> list[Event]:
        """One more act, of any reason there is."""
        for number in range(48):
            if number % 6 == 0:  # or what is refused easily would hardly ever happen
                reason = self.chance.choice(tuple(REASONS))
            found = self.annul() if reason in ANNULLING else self._act(reason)
            if found:
                return found
        return []

    def _act(self, reason: str) -> list[Event]:
        key, other = self._someone(), self._someone()
        there = self.ledger.image(other)["household.no"]
        made = self._persons(reason, key, other)
        where = {"household": there if reason == "SHUSSEI" else self.chance.choice(["new", there])}
        return self.enter(reason, made, self._effective(reason), **(where if reason.startswith(INTO) else {}))

    def _someone(self) -> str:
        return self.chance.choice(self.people())

    def _home(self, key: str) -> list[str]:
        no = self.ledger.image(key)["household.no"]
        return [one for one in self.people() if no and self.ledger.image(one)["household.no"] == no]

    def _some(self, key: str) -> list[str]:
        home = self._home(key) or [key]
        return self.chance.sample(home, self.chance.randrange(1, len(home) + 1))

    def _persons(self, reason: str, key: str, other: str) -> list[Any]:
        """Whom it concerns, and what is said of them."""
        chance = self.chance
        match reason:
            case "TENNYU" | "SHOKKEN_KISAI":
                return self._family() if chance.random() < 0.4 else [named(key, **_flat(self._address()))]
            case "SHUSSEI":
                return [{"key": None, "set": {"name.full": self._name()}}]
            case "TENKYO" | "KUKAN_IDO":
                return [named(one, **_flat(self._address())) for one in self._some(key)]
            case "TENSHUTSU" | "TENSHUTSU_TODOKE" | "TENSHUTSU_KAKUTEI":
                way = "move_out." if reason.endswith("KAKUTEI") else "move_out.planned_"
                to = {f"{way}{name}": cell for name, cell in chance.choice(ELSEWHERE).items()}
                return [named(one, **_flat(to)) for one in self._some(key)]
            case "SETAINUSHI_HENKO":
                rest = [one for one in self._home(key) if one != key]
                return [named(key, **_flat(HEAD)), *(named(one, **_flat(RELATIVE)) for one in rest)]
            case "SETAI_BUNRI" | "SETAI_GAPPEI" | "SETAI_HENKO":
                first, *rest = self._some(key)
                head = HEAD if reason == "SETAI_BUNRI" else RELATIVE
                return [named(first, **_flat(head)), *(named(one, **_flat(RELATIVE)) for one in rest)]
            case "TOGO":
                return [key, other]
            case "FUBAN_KAE":
                return [key, {"key": None}]
        return [named(key, **_flat(self._cells(reason)))]

    def _cells(self, reason: str) -> dict[str, Any]:
        chance = self.chance
        names = {"name.full": self._name(), "name.kana": chance.choice(["ミホン", "カイノ"])}
        cells: dict[str, dict[str, Any]] = {
            "KEIBI_SHUSEI": {"address.building": chance.choice(["甲棟", "乙棟", None])},
            "JUSHO_IKKATSU": self._address(),
            "FURIGANA_KISAI": {"name.kana": chance.choice(["ミホン", "カイノ"])},
            "SHIMEI_HENKO": names,
            "KOSEKI_KONIN": names | {"household.relation": "妻", "household.relation_code": "12"},
            "KOSEKI_RIKON": names,
            "KOSEKI_ENGUMI": names,
            "KOSEKI_RIEN": names,
            "KOSEKI_UJI_HENKO": names,
            "KOSEKI_TENSEKI": {"honseki.full": chance.choice(["サンプル市北一丁目３番", "別の市１番"])},
            "TOKUBETSU_YOSHI": names,
            "KIKA": {"name.full": "南　理", "honseki.full": "サンプル市南二丁目１番"},
            "KOKUSEKI_SHUTOKU": {"name.full": "南　理", "honseki.full": "サンプル市南二丁目１番"},
            "KOKUSEKI_SOSHITSU": {"foreign.country": "ダミー国", "foreign.article_30_45": "5"},
            "KYUUJI_KISAI": {"name.old_family": chance.choice(["丙山", "丁沢"])},
            "KYUUJI_HENKO": {"name.old_family": chance.choice(["丙山", "丁沢"])},
            "TSUSHO_KISAI": {"name.common": "南　通"},
            "ZAIRYU_HENKO": {"foreign.expires_on": chance.choice(PERMITS), "foreign.status_code": "12"},
            "JUMINHYO_CODE_HENKO": {"juminhyo_code": str(chance.randrange(10**10, 10**11))},
            "SHIKAKU_HENKO": self._schemes(),
            "YOKUSHI_SETTEI": {"suppression.level": chance.choice(["ERROR", "ALERT"])},
            "SHOKKEN_SHUSEI": {"sex": chance.choice(["1", "2"]), "birth": chance.choice(BIRTHS)},
            "GOKI_SHUSEI": chance.choice([{"birth": chance.choice(BIRTHS)}, self._address(), names, self._schemes()]),
        }  # fmt: skip
        return cells.get(reason, {})

    def _schemes(self) -> dict[str, Any]:
        chance = self.chance
        return {
            "schemes.kokuho": chance.choice(["1", None]),
            "schemes.kouki": chance.choice(["1", None]),
            "schemes.kouki_since": chance.choice(["2024-04-01", None]),
            "schemes.jido_type": chance.choice(["1", None]),
            "schemes.jido_from": chance.choice(["2024-05-01", None]),
            "schemes.nenkin": chance.choice(["1", None]),
        }

    def _family(self) -> list[dict[str, Any]]:
        address, foreign = self._address(), FOREIGN if self.chance.random() < 0.3 else {}
        honseki = {} if foreign else {"honseki.full": "サンプル県サンプル市北一丁目３番"}
        cells = (HEAD, self.chance.choice([WIFE, PARTNER]), CHILD, CHILD)[: self.chance.randrange(1, 4)]
        coming = {f"previous.{name}": cell for name, cell in self.chance.choice(ELSEWHERE).items() if cell}
        more = {**address, **foreign, **honseki, **coming}
        return [
            {"key": None, "set": {"name.full": self._name(), "birth": self.chance.choice(BIRTHS), **more, **one}}
            for one in cells
        ]

    def _name(self) -> str:
        return self.chance.choice("甲乙丙丁戊己庚辛") + "野　" + self.chance.choice("一二三四五六七八")

    def _address(self) -> dict[str, Any]:
        town, lot = self.chance.choice(["北一丁目", "南二丁目"]), self.chance.choice(["１番地", "２番地"])
        ward = {"address.municipality_code": "999998"} if self.chance.random() < 0.1 else {}
        home = {"address.building": self.chance.choice(["老人ホーム", "甲棟"])} if self.chance.random() < 0.3 else {}
        place = {
            "address.prefecture": "サンプル県",
            "address.city": "サンプル市",
            "address.town": town,
            "address.lot": lot,
        }
        return {**place, "address.town_code": "0000001", "address.postal_code": "0000001", **ward, **home}

    def _effective(self, reason: str) -> Any:
        today = day(self.ledger.now + timedelta(minutes=1))
        if reason == "TENSHUTSU_TODOKE":
            return (today + timedelta(days=self.chance.choice([0, 1, 14, 60]))).isoformat()
        if self.chance.random() < 0.1 and REASONS[reason].uncertain:
            return {"text": "このころ", "earliest": (today - ONE_DAY * 20).isoformat(), "latest": today.isoformat()}
        return (today - ONE_DAY * self.chance.choice([0, 0, 0, 1, 14])).isoformat()

    def annul(self, event: Event | None = None) -> list[Event]:
        """An earlier event of somebody, by the first reason that takes it back."""
        mine = [
            one for of, one in self.said if of == RESIDENT and REASONS.get(one.reason) and REASONS[one.reason].reverse
        ]
        if not mine:
            return []
        past = event or self.chance.choice(mine[-12:])
        for reason in REASONS[past.reason].reverse if past.reason in REASONS else ():
            if found := self.enter(reason, [], supersedes=past.id):
                return found
        return []

    # The calendar

    def _pass(self) -> None:
        """Days go by, and what is due on them is said."""
        began = day(self.ledger.now)
        self.ledger.now += timedelta(days=self.chance.choice([0, 0, 1, 1, 20, 31, 200]), minutes=1)
        due = [
            (one.day, key, one.duty)
            for key in self.people()
            for one in CALENDAR.until(self._life(key), began, day(self.ledger.now))
            if one.why is None
        ]
        for when, key, duty in sorted(due):
            said = self.by_calendar(key, duty, when)
            if self.chance.random() < 0.1:  # it was not right after all
                self.by_calendar(key, duty, when, supersedes=said.id)

    def _life(self, key: str) -> Any:
        spoken = {event.version: event for event in self.history(RESIDENT, key) if event.kind != "CLOCK"}
        versions = [
            Version(past.kind, past.reason, spoken[number].recorded, past.effective, past.after)
            for number, past in enumerate(self.ledger.pasts[key], 1)
        ]
        return life(versions, TRANSITS)

    def by_calendar(self, key: str, duty: str, when: date, supersedes: str | None = None) -> Event:
        mine = self.history(RESIDENT, key)
        last = next(event for event in reversed(mine) if event.kind != "CLOCK")
        moment = datetime.combine(when, datetime.min.time(), JAPAN).astimezone(UTC)
        event = replace(
            last, id=self._new_id(), kind="CLOCK", reason=duty, effective=Uncertain.on(when), supersedes=supersedes,
            recorded=max(moment, mine[-1].recorded + timedelta(microseconds=1)), change_set=None, undoes=(),
            before=last.data, before_recorded=last.recorded,
        )  # fmt: skip
        self.said.append((RESIDENT, event))
        return event

    # The other departments

    def fact(self, entity: str) -> Event | None:
        event = self.facts.one(entity, self.ledger.now, self.people())
        if event is not None:
            self.said.append((entity, event))
        return event

    def again(self, entity: str, key: str, moment: datetime) -> Event | None:
        """What is so, said again at that moment, as for a department that rebuilds."""
        mine = self.history(entity, key)
        if not mine:
            return None
        last = next(event for event in reversed(mine) if event.kind != "CLOCK")
        return replace(
            last, id=self._new_id(), kind="RESYNC", recorded=moment, supersedes=None, undoes=(), change_set=None,
            before=last.data, before_recorded=last.recorded,
        )  # fmt: skip

    def _new_id(self) -> str:
        return str(UUID(int=self.chance.getrandbits(128), version=4))


def _flat(cells: dict[str, Any]) -> dict[str, Any]:
    return {path.replace(".", "__"): cell for path, cell in cells.items()}
