"""What do all tax offices do with what was assessed? Heirs, one person under two numbers, corrections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bus.adapters.sql.proposals import Request
from bus.fact.say import Say
from bus.kit.desk.desk import NOTED, Answer, Chore, Look, Verdict
from bus.kit.desk.habits import amend, correct, draw, heir, number, withdraw

WITHDRAWN: Final = 0.2  # of what is corrected: it never was


def reviewed(system: str) -> Answer:
    """Of who died, letters go to an heir from now on; anything else is seen, and nothing follows from it."""

    def answer(request: Request, look: Look) -> Verdict:
        if request.row.get("reason") != "SHIBO":
            return NOTED
        dead = request.row["person"]
        owed, to = look.facts(f"{system}.assessment", subject=dead), heir(look, dead)
        if not owed or to is None:
            return NOTED._replace(note="heirs are searched for" if owed else "nothing is owed")
        says = [say for one in owed for say in amend(look, one.entity, one.key, {"notice_to": to})]
        return Verdict(confirm=True, says=says, note="letters go to an heir")

    return answer


def reviewed_outside(system: str) -> Answer:
    """One person under two numbers: letters go to the one that stays."""

    def answer(request: Request, look: Look) -> Verdict:
        stays = request.row.get("merged_into")
        owed = look.facts(f"{system}.assessment", subject=number(request.row["addressee"])) if stays else []
        says = [say for one in owed for say in amend(look, one.entity, one.key, {"notice_to": number(str(stays))})]
        return Verdict(confirm=True, says=says, note="" if says else "nothing is owed, or heirs are searched for")

    return answer


def corrected(system: str, often: float, also: str | None = None) -> Chore:
    """更正, 取消し: what was assessed was wrong from the beginning on, or of the wrong person. `also`: the taxation."""

    def chore(look: Look) -> Sequence[Say]:
        if look.chance(system, str(look.on), "corrected") > often:
            return []
        wrong = draw(look, look.facts(f"{system}.assessment"), lambda fact: fact.key, system)
        if wrong is None:
            return []
        about = {f"{system}.assessment": "amount"} | ({also: "tax"} if also else {})
        if look.chance(system, wrong.key, str(look.on)) < WITHDRAWN:
            return [say for entity in about for say in withdraw(look, entity, wrong.key)]
        less = int(wrong.image["amount"] * 0.9) // 100 * 100
        return [say for entity, path in about.items() for say in correct(look, entity, wrong.key, {path: less})]

    return chore
