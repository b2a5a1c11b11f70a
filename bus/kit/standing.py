"""Where does each department stand? Told by its database, its topic, and what projector and relay still hold back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from bus.connector.ownership import LEASE
from bus.connector.progress import age, state, unread
from bus.errors import BusError, Refused
from bus.topology.model import REGISTER, producer
from bus.wiring import Wiring

if TYPE_CHECKING:
    from sqlalchemy import Engine

T = TypeVar("T")


@dataclass(slots=True)
class Standing:
    """One line of `bus connector status`. None: it cannot be told now."""

    id: str
    state: str = "unknown"
    truth_age_seconds: float | None = None
    applied: int | None = None
    stale: int | None = None
    fenced: int | None = None
    parked: int | None = None  # persons
    reviews: int | None = None
    last_applied: datetime | None = None
    lag: int | None = None  # records of its topic that it has not got
    holder: str | None = None
    epoch: int | None = None
    paused: str | None = None
    stopped: str | None = None  # the code of the error it last ended with

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def standings(wiring: Wiring, ids: Iterable[str]) -> list[Standing]:
    before = upstream(wiring)
    return [_standing(wiring, name, before) for name in ids]


def _standing(wiring: Wiring, name: str, above: Upstream) -> Standing:
    found = Standing(name)
    try:
        with closing(wiring.store(name)) as store:
            store.prepare(())
            owner, progress, offsets = store.owner(name), store.progress(name), store.offsets(name)
    except BusError:
        return found
    found.applied, found.stale, found.fenced = progress.applied, progress.stale, progress.fenced
    found.parked, found.reviews, found.last_applied = progress.parked, progress.reviews, progress.last_applied
    if owner:
        found.holder, found.epoch, found.paused, found.stopped = (
            owner.holder,
            owner.epoch,
            owner.paused or None,
            owner.stopped or None,
        )
    subscription = wiring.topology.subscriptions[name]
    topics = [wiring.topology.narrowed(name, entity) for entity in subscription.reads]
    try:
        with closing(wiring.broker(name)) as broker:
            behind = unread(broker, subscription.group, topics, offsets)
    except Refused:
        found.state = "bootstrap_required"
        return found
    except BusError:
        found.state = state(owner, LEASE, None)
        return found
    found.lag = behind.records
    found.truth_age_seconds = round(age(datetime.now(UTC), [behind.oldest, *above.before(subscription.reads)]), 3)
    found.state = _stalled(state(owner, LEASE, True), progress.last_applied, behind.records)
    return found


def _stalled(found: str, last: datetime | None, lag: int) -> str:
    """It lives, it has something to do, and nothing has come of it for longer than a lease."""
    idle = last is None or datetime.now(UTC) - last > timedelta(seconds=3 * LEASE)
    return "stalled" if found == "running" and lag and idle else found


@dataclass(frozen=True, slots=True)
class Upstream:
    """What is not yet where a department could read it. None: nothing waits there, or it cannot be told."""

    unnarrowed: datetime | None  # the oldest event before the projector
    unpublished: Mapping[str, datetime | None]  # system -> the oldest event in its outbox

    def before(self, entities: Iterable[str]) -> list[datetime | None]:
        """Only the sources of these entities: what others say ages nobody else's truth."""
        return [self.unnarrowed, *(self.unpublished.get(system) for system in {producer(one) for one in entities})]


def upstream(wiring: Wiring) -> Upstream:
    topology = wiring.topology
    speaking = [name for name in topology.publishers if name in wiring.settings.departments]
    outboxes = {name: _known(partial(_unpublished, wiring.facts(name).engine)) for name in speaking}
    register = [_known(lambda: _unpublished(wiring.engine("relay")))]
    if topology.processors:
        register.append(_known(lambda: _unpublished(wiring.engine("bus"))))
    outboxes[REGISTER] = min((one for one in register if one is not None), default=None)
    return Upstream(_known(lambda: _before_projector(wiring)), outboxes)


def _known(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except BusError:
        return None


def _before_projector(wiring: Wiring) -> datetime | None:
    topics = [wiring.topology.canonical(entity) for entity in wiring.topology.topics]
    positions = wiring.positions()
    positions.prepare()
    with closing(wiring.broker("projector")) as broker:
        return unread(broker, "projector", topics, positions.offsets("projector")).oldest


def _unpublished(source: Engine) -> datetime | None:
    from bus.adapters.sql.outbox import SqlOutbox

    with closing(SqlOutbox(source)) as outbox:
        ages = [shard["oldest_unpublished_seconds"] for shard in outbox.status()]
    oldest = max((one for one in ages if one is not None), default=None)
    return None if oldest is None else datetime.now(UTC) - timedelta(seconds=oldest)
