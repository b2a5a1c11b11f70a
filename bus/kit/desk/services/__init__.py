"""How do the offices for residents beside the insurances work? A simulation, one office per system."""

from __future__ import annotations

from typing import Final

from bus.kit.desk.desk import Office
from bus.kit.desk.services import children, civic, outside, welfare

OFFICES: Final[dict[str, Office]] = {"jutogai": outside.OFFICE} | children.OFFICES | welfare.OFFICES | civic.OFFICES
