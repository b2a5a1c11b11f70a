"""In which database is an outbox, and who may do what with it there?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bus.errors import Misconfigured
from bus.topology.outboxes import PROCESSORS, REGISTERS
from bus.wiring import Wiring

if TYPE_CHECKING:
    from sqlalchemy import Engine


def engine_of(wiring: Wiring, name: str, register_role: str) -> Engine:
    """As its owner; of the register's as the given role."""
    if name == REGISTERS:
        return wiring.engine(register_role)
    made = wiring.engine("bus") if name == PROCESSORS else wiring.department_engine(name)
    if made.dialect.name != "postgresql":
        raise Misconfigured("facts are kept in PostgreSQL only", code="NOT_POSTGRESQL", where=made.dialect.name)
    return made
