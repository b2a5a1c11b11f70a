"""How do the offices of taxes and of their collection work? A simulation, one office per system."""

from __future__ import annotations

from typing import Final

from bus.kit.desk.desk import Office
from bus.kit.desk.tax import collection, corporations, inhabitants, property as held

OFFICES: Final[dict[str, Office]] = {
    "kojin_juminzei": inhabitants.OFFICE,
    "hojin_juminzei": corporations.OFFICE,
    "kotei_shisanzei": held.LAND_OFFICE,
    "keiji_zei": held.VEHICLE_OFFICE,
    "shutaino": collection.OFFICE,
}
