"""What do tests of the projector share? A broker in memory, a bus database in a file, and a projector between them."""

import pytest

from bus.adapters.memory import MemoryBroker
from bus.adapters.sql.engine import engine
from bus.adapters.sql.positions import SqlPositions
from tests.disclosure.scene import TOPIC, make
from tests.disclosure.town import ENTITY, TOWN


@pytest.fixture
def broker():
    return MemoryBroker({TOPIC: 2} | {TOWN.narrowed(name, ENTITY): 2 for name in TOWN.subscriptions})


@pytest.fixture
def positions(tmp_path):
    return SqlPositions(engine(f"sqlite:///{tmp_path}/bus.db"))


@pytest.fixture
def projector(broker, positions):
    return make(broker, positions)
