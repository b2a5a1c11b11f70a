"""What does a record ask of this department? Bytes become a delivery; what is wrong with it becomes its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from bus.broker import Record
from bus.change import Keep, Row
from bus.connector.guard import digest, is_plain, name_of, parking_key
from bus.contract.framing import check
from bus.contract.schema import Contract
from bus.errors import Reject
from bus.event import RESIDENT
from bus.language.mapping import Projected
from bus.mirror.express import Express, express
from bus.store import Again, Delivery, Table

DIGEST: Final = "bus-sha256"


class Projecting(Protocol):
    """A connector, as far as records go."""

    @property
    def paths(self) -> tuple[str, ...]: ...
    @property
    def plan(self) -> Callable[[Row], Projected]: ...


class Contracts(Protocol):
    def by_id(self, id: int, /) -> Contract: ...


class Narrowing(Contracts, Protocol):
    def narrowed(self, subscription: str, entity: str, /) -> Contract: ...


class Intake:
    """`current` is the contract that is written today; records of its older versions are read as well."""

    def __init__(self, connector: Projecting, current: Contract, contracts: Contracts) -> None:
        self._paths = connector.paths
        self._plan = connector.plan
        self._current = current
        self._contracts = contracts
        self._decoders: dict[bytes, tuple[Contract, Callable[[bytes], Row]]] = {}
        mirror: tuple[Table, tuple[str, ...]] | None = getattr(connector, "mirror", None)
        self._mirror = mirror if current.entity == RESIDENT else None  # facts are too few to hurry
        self._express: dict[bytes, Express] = {}

    def __call__(self, record: Record) -> Delivery:
        express = self._express.get((record.value or b"")[:5])
        return (express and express(record)) or self._judged(record)

    def _judged(self, record: Record) -> Delivery:
        try:
            contract, decode = self._decoders.get((record.value or b"")[:5]) or self._learn(record)
            check(record, contract)
            row = decode(record.value)  # type: ignore[arg-type]  # checked
            if not is_plain(row[1]):
                raise Reject("the key is no plain number", code="KEY", where="key")
        except Reject as reject:
            return _refused(record, reject, self._current.entity)
        except Exception as error:  # noqa: BLE001 — whatever pure code raises is that record's fault (house 3.6)
            unread = Reject(f"could not be read: {type(error).__name__}", code="DECODE")
            return _refused(record, unread, self._current.entity)
        event, key, version, recorded, mode, kind = row[:6]
        name = name_of(self._current.entity, key)
        delivery = Delivery(record, name, version, recorded, event, _digest(record), mode, kind or "")
        try:
            delivery.changes, delivery.reviews = self._plan(row)
        except Reject as reject:
            delivery.reject = reject
        except Exception as error:  # noqa: BLE001 — the same
            delivery.reject = Reject(f"raised {type(error).__name__}", code="RULE", where=f"event {event}")
        return delivery

    def _learn(self, record: Record) -> tuple[Contract, Callable[[bytes], Row]]:
        """The contract a record names, if it is one of this very topic."""
        value = record.value or b""
        contract = self._current
        if len(value) >= 5 and not value[0] and value[:5] != contract.frame:
            contract = self._contracts.by_id(int.from_bytes(value[1:5], "big"))
        if contract.subject != self._current.subject:
            raise Reject("a schema id of another topic", code="SCHEMA_UNKNOWN", where="schema id")
        contract.open(record.value)  # or refuses by name
        self._decoders[value[:5]] = found = (contract, contract.decoder(self._paths))
        if self._mirror:
            self._express[value[:5]] = express(contract, *self._mirror, self._row)
        return found

    def _row(self, value: bytes) -> Row:
        """What a mirror keeps, as values."""
        (change,) = self._plan(self._decoders[value[:5]][1](value)).changes
        assert isinstance(change, Keep)
        return change.rows[0]


def intakes(connector: str, views: Mapping[str, Projecting], contracts: Narrowing) -> dict[str, Intake]:
    """topic -> what reads it, for everything a department hears."""
    found: dict[str, Intake] = {}
    for entity, view in views.items():
        contract = contracts.narrowed(connector, entity)
        found[contract.topic] = Intake(view, contract, contracts)
    return found


def by_topic(intakes: Mapping[str, Intake]) -> Again:
    """A department's ear for all its topics; a record of any other is nobody's."""

    def hear(record: Record) -> Delivery:
        intake = intakes.get(record.topic)
        if intake is None:
            return _refused(record, Reject("of a topic this department does not hear", code="MISROUTED"), RESIDENT)
        return intake(record)

    return hear


def _digest(record: Record) -> bytes:
    """The header was compared with the value already."""
    name, value = record.headers[-1]
    return record.value[1:5] + value if name == DIGEST and value and record.value else digest(record)


def _refused(record: Record, reject: Reject, entity: str) -> Delivery:
    place = f"{record.topic}/{record.partition}/{record.offset}"
    located = Reject(reject.message, code=reject.code, where=f"{place} {reject.where or ''}".strip(), hint=reject.hint)
    return Delivery(record, parking_key(record, reject, entity), digest=digest(record), reject=located)
