"""How do the four insurances work? A simulation, one office per system."""

from __future__ import annotations

from typing import Final

from bus.kit.desk.desk import Office
from bus.kit.desk.insurance import kaigo, kokuho, kouki, nenkin

OFFICES: Final[dict[str, Office]] = {
    "kokuho": kokuho.OFFICE,
    "kouki": kouki.OFFICE,
    "kaigo": kaigo.OFFICE,
    "nenkin": nenkin.OFFICE,
}
