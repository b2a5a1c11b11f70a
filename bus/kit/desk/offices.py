"""How does each department of the simulated city hall work?"""

from __future__ import annotations

from typing import Final

from bus.kit.desk import insurance, internal, services, tax
from bus.kit.desk.desk import Office

OFFICES: Final[dict[str, Office]] = tax.OFFICES | insurance.OFFICES | services.OFFICES | internal.OFFICES
