"""What do the insurances do alike? Follow a household, and know which town insures who lives in a facility."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from bus.adapters.sql.proposals import Request
from bus.kit.desk.desk import NOTED, Answer, Look, Verdict
from bus.kit.desk.habits import Row, amend, day
from bus.kit.desk.rounds import ends, key

SOON: Final = timedelta(days=40)
LAST_YEAR: Final = timedelta(days=365)


def rehoused(entity: str) -> Answer:
    """The household is another one; an announced move is only prepared."""

    def answer(request: Request, look: Look) -> Verdict:
        row = request.row
        moved = {"household": row["household"]} if row["reason"] != "TENSHUTSU_TODOKE" and row["household"] else None
        says = amend(look, entity, key(entity, row["person"]), moved, day(row["since"])) if moved else []
        return Verdict(confirm=True, says=says) if says else NOTED

    return answer


def elsewhere(entity: str, column: str = "lost_on") -> Answer:
    """The cover ends, unless the new home is a facility of which 住所地特例 holds: then it goes on from there."""
    ordinary = ends(entity, column)

    def answer(request: Request, look: Look) -> Verdict:
        for facility in look.files.find("facility_reviews", event_id=request.event_id):
            if facility["building"]:
                return Verdict(confirm=False, note="住所地特例: stays insured here")
        return ordinary(request, look)

    return answer


def here(answer: Answer) -> Answer:
    """A gain, unless the town they came from goes on insuring them."""

    def asked(request: Request, look: Look) -> Verdict:
        come = look.files.find("facility_arrivals", event_id=request.event_id)
        if any(row["building"] for row in come):
            return Verdict(confirm=False, note="住所地特例: stays insured elsewhere")
        return answer(request, look)

    return asked


def themselves(_: Look) -> Callable[[Row], str]:
    return lambda image: str(image["person"])


def long_insured(table: str) -> Callable[[Look], Callable[[str], bool]]:
    """A pension is cut only after some months: who came this year pays by slips first."""

    def asked(look: Look) -> Callable[[str], bool]:
        rows = {row["person"]: day(row.get("insured_since")) for row in look.files.find(table)}
        return lambda payer: (rows.get(payer) or look.on) < look.on - LAST_YEAR

    return asked
