"""How does the office of 法人住民税 work? Corporations declare what they owe, one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bus.fact.say import Say
from bus.kit.desk.desk import Look, Office
from bus.kit.desk.habits import draw, known, levy, number
from bus.kit.desk.tax.reviews import corrected
from bus.resident.numbers import hojin_bango

SYSTEM: Final = "hojin_juminzei"
FLAT: Final = 50_000  # 均等割 of the smallest (地方税法 312条)


def corporation_no(serial: int) -> str:
    """Invented, and of a form that no corporation has: the check digit is another one's (法人番号省令 2条)."""
    base = f"9999{serial:08d}"
    return f"{int(hojin_bango(base)) % 9 + 1}{base}"


INVENTED: Final = tuple(corporation_no(serial) for serial in range(1, 13))


def declared(look: Look) -> Sequence[Say]:
    """Within two months after their business year (地方税法 321条の8): half of them before the story begins."""
    rows = [row for row in look.files.find("corporations") if not row.get("merged_into")]
    here = {row.get("corporation_no") or number(row["addressee"]): number(row["addressee"]) for row in rows}
    offices = {f"{no}-1": here.get(no) for no in (*INVENTED, *here)}
    said, year = known(look, f"{SYSTEM}.assessment"), look.on.year
    left = [office for office in offices if f"{SYSTEM}/{office}/{year}" not in said]
    drawn = draw(look, left, str, "declared")
    today = left[::2] if not said else [drawn] if drawn else []
    says: list[Say] = []
    for office in today:
        amount = FLAT + int(look.chance("profit", office, str(year)) ** 3 * 40) * 25_000
        says += levy(look, SYSTEM, office, year, amount, due=look.on, notice_to=offices[office])
    return says


OFFICE: Final = Office(chores=[declared, corrected(SYSTEM, 0.1)])
