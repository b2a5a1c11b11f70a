"""Who hears of which canonical topic? The topology and the contracts, made ready for the projector."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Protocol

from bus.broker import Message, Record
from bus.contract import framing
from bus.contract.schema import Contract, Contracts
from bus.codec.strict import EPOCH
from bus.disclosure.hearing import Cells, Hearing, Image, Rule, Spoken
from bus.disclosure.protect import LEVEL, is_protected
from bus.disclosure.purpose import Stanza
from bus.errors import Misconfigured, Reject

Concerns = Callable[[str], Rule | None]  # subscription -> its rule; None: every person concerns it


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

    def tell(self, record: Record) -> list[tuple[Hearing, str, Message]]:
        """(whom, mode, what) of one canonical record. Raises Reject: it cannot be read, or a rule fails."""
        framing.check(record, self.contract)
        assert record.value is not None  # check refuses what has no value or no key
        assert record.key is not None
        event = self.read(record.value)
        told = []
        for hearing in self.hearings:
            if said := hearing.hear(event):
                recorded = event.after.recorded
                headers = framing.headers(hearing.contract, id=event.id, recorded=recorded, value=said.value)
                message = Message(hearing.topic, record.key, said.value, headers, record.partition)
                told.append((hearing, said.mode, message))
        return told

    def read(self, value: bytes) -> Spoken:
        *head, before_recorded, before, after = self._decode(value)
        incarnation = framing.incarnation(value, self.contract)
        earlier = None if before is None else self._image(before, before_recorded)
        return Spoken._make((*head, incarnation, earlier, self._image(after, head[3])))

    def _image(self, cells: Cells, recorded: int | None) -> Image:
        if recorded is None:
            raise Reject("an image before without the time it was recorded", code="DECODE", where="before_recorded")
        return Image(cells, self._is_protected(cells), _instant(recorded))

    @cached_property
    def _decode(self) -> Callable[[bytes], tuple[Any, ...]]:
        return self.contract.decoder(self.asked)

    @cached_property
    def _is_protected(self) -> Callable[[Cells], bool]:
        if LEVEL not in self.asked:
            return lambda _: True  # an entity that does not say
        index = self.asked.index(LEVEL)
        return lambda cells: is_protected(cells[index])


def _instant(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def audiences(topology: Town, contracts: Contracts, concerns: Concerns) -> dict[str, Audience]:
    """By canonical topic. A rule that is asked for and not there is a mistake: nobody hears more for want of it."""
    found = {}
    for entity in topology.topics:
        contract = contracts.canonical(entity)
        stanzas = [stanza for _, stanza in sorted(topology.subscriptions.items()) if entity in stanza.reads]
        narrowed = {stanza.id: contracts.narrowed(stanza.id, entity) for stanza in stanzas}
        wanted = {LEVEL}.union(*(one.paths for one in narrowed.values()))
        asked = tuple(path for path in contract.paths if path in wanted)
        hearings = [
            Hearing(stanza, narrowed[stanza.id], contract.image, asked, rule_of(stanza, concerns)) for stanza in stanzas
        ]
        found[contract.topic] = Audience(contract, asked, hearings)
    return found


def rule_of(stanza: Stanza, concerns: Concerns) -> Rule | None:
    if stanza.concerns is None:
        return None
    rule = concerns(stanza.id)
    if rule is None:
        what = f"topology.yaml: {stanza.id} concerns {stanza.concerns}, which its connector does not define"
        raise Misconfigured.all([what])
    return rule
