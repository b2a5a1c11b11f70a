"""Who hears of which canonical topic? The topology and the contracts, made ready for the projector."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from bus.broker import Message, Record
from bus.codec.strict import EPOCH
from bus.contract import framing
from bus.contract.schema import Contract, Contracts
from bus.disclosure.hearing import Cells, Hearing, Image, Rule, Spoken
from bus.disclosure.protect import LEVEL, is_protected
from bus.disclosure.purpose import Stanza
from bus.errors import Misconfigured, Reject

Concerns = Callable[[str, str], Rule | None]  # subscription, entity -> its rule; None: all of it concerns it


class Town(Protocol):
    """What is needed of a topology."""

    @property
    def topics(self) -> Mapping[str, Any]: ...
    @property
    def subscriptions(self) -> Mapping[str, Stanza]: ...


@dataclass(frozen=True)
class Audience:
    """A canonical topic and all who hear of it. Pure."""

    contract: Contract
    asked: tuple[str, ...]  # the paths that are read: all that is granted to anybody, and the level of protection
    hearings: Sequence[Hearing]
    of: Callable[[bytes | None], Contract]  # the contract a value was written with, which may be an older one
    _readers: dict[int, Callable[[bytes], Spoken]] = field(default_factory=dict)

    def tell(self, record: Record) -> list[tuple[Hearing, str, Message]]:
        """(whom, mode, what) of one canonical record. Raises Reject: it cannot be read, or a rule fails."""
        if not self.hearings:
            return []  # nobody is granted anything of it
        event = self.read(record)
        assert record.key is not None  # or it would have been refused
        told = []
        for hearing in self.hearings:
            if said := hearing.hear(event):
                recorded = event.after.recorded
                headers = framing.headers(hearing.contract, id=event.id, recorded=recorded, value=said.value)
                message = Message(hearing.topic, record.key, said.value, headers, record.partition)
                told.append((hearing, said.mode, message))
        return told

    def read(self, record: Record) -> Spoken:
        contract = self._written_with(record.value)
        framing.check(record, contract)
        assert record.value is not None  # or it would have been refused
        if contract.id not in self._readers:
            self._readers[contract.id] = reader(contract, self.asked)
        return self._readers[contract.id](record.value)

    def _written_with(self, value: bytes | None) -> Contract:
        if value is not None and value.startswith(self.contract.frame):
            return self.contract
        found = self.of(value)
        if found.topic != self.contract.topic:
            raise Reject("a schema id of another topic", code="SCHEMA_UNKNOWN")
        return found


def reader(contract: Contract, asked: Sequence[str]) -> Callable[[bytes], Spoken]:
    """Reads the paths asked for. What an older schema has not is blank; without a level everybody is protected, where
    there is anything to hide at all."""
    known = [path for path in asked if path in contract.paths]
    decode = contract.decoder(known)
    blank = len(known)  # the place of the None that is appended
    places = [known.index(path) if path in known else blank for path in asked]
    level = known.index(LEVEL) if LEVEL in known else None
    hiding = bool(contract.protected_paths)

    def image(cells: Cells, recorded: int | None) -> Image:
        if recorded is None:
            raise Reject("an image before without the time it was recorded", code="DECODE", where="before_recorded")
        protected = hiding if level is None else is_protected(cells[level])
        if blank != len(asked):
            filled = (*cells, None)
            cells = tuple(filled[place] for place in places)
        return Image(cells, protected, EPOCH + timedelta(microseconds=recorded))

    def read(value: bytes) -> Spoken:
        *head, before_recorded, before, after = decode(value)
        incarnation = framing.incarnation(value, contract)
        earlier = None if before is None else image(before, before_recorded)
        return Spoken._make((*head, incarnation, earlier, image(after, head[3])))

    return read


def audiences(topology: Town, contracts: Contracts, concerns: Concerns) -> dict[str, Audience]:
    """By canonical topic. A rule that is asked for and not there is a mistake: nobody hears more for want of it."""
    found = {}
    for entity in topology.topics:
        contract = contracts.canonical(entity)
        stanzas = [stanza for _, stanza in sorted(topology.subscriptions.items()) if entity in stanza.reads]
        narrowed = {stanza.id: contracts.narrowed(stanza.id, entity) for stanza in stanzas}
        wanted = {LEVEL}.union(*(one.paths for one in narrowed.values()))  # a fact that hides nothing has no level
        asked = tuple(path for path in contract.paths if path in wanted)
        hearings = [
            Hearing(stanza, narrowed[stanza.id], contract.image, asked, rule_of(stanza, entity, concerns))
            for stanza in stanzas
        ]
        found[contract.topic] = Audience(contract, asked, hearings, contracts.of)
    return found


def rule_of(stanza: Stanza, entity: str, concerns: Concerns) -> Rule | None:
    call = stanza.concerns.get(entity)
    if call is None:
        return None
    rule = concerns(stanza.id, entity)
    if rule is None:
        what = f"topology.yaml: {stanza.id} concerns {call}, which its connector does not define"
        raise Misconfigured.all([what])
    return rule
