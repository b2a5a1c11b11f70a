"""How does a canonical record become what a fold hears?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bus.broker import Record
from bus.connector.guard import is_plain
from bus.contract.schema import Contracts
from bus.disclosure.audience import Audience
from bus.disclosure.hearing import Image
from bus.errors import Reject
from bus.processor.fold import Heard, Processor

Ear = Callable[[Record], Heard]  # raises Reject when the record cannot be read


def ears(processor: Processor, contracts: Contracts) -> dict[str, Ear]:
    """By canonical topic. Records of older contracts are read as well."""
    found = {}
    for entity, paths in processor.reads.items():
        contract = contracts.canonical(entity)
        found[contract.topic] = _ear(entity, Audience(contract, paths, (), contracts.of))
    return found


def _ear(entity: str, audience: Audience) -> Ear:
    def by_path(image: Image) -> Mapping[str, Any]:
        return dict(zip(audience.asked, image.cells, strict=True))

    def hear(record: Record) -> Heard:
        said = audience.read(record)
        if not is_plain(said.key):
            raise Reject("the key is no plain number", code="KEY", where="key")
        before = said.before and by_path(said.before)
        return Heard(
            entity, said.key, said.version, said.micros, said.kind, said.reason, said.effective, said.change_set,
            before, by_path(said.after), record.timestamp,
        )  # fmt: skip

    return hear
