"""What does a department do with one thing it hears? Pure: it remembers nothing, looks at no clock, touches nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Final

from bus.change import Change, Keep, Row
from bus.dates import day
from bus.errors import Reject, Undecided
from bus.event import Event
from bus.language.mapping import ALIAS, MERGED, Case, Projected, compiled, located, mirrored, project
from bus.language.record import record_type, value_at
from bus.language.rules import Rule
from bus.language.words import Plan
from bus.reading.law import Law
from bus.store import Column, Table

ALIASES: Final = Table(ALIAS, (Column("person", "text"), Column("survivor", "text")), kept=True)


@dataclass(frozen=True)
class View:
    """A department's view of one entity: of residents, or of another department's facts."""

    entity: str
    tables: tuple[Table, ...]
    plans: tuple[Plan, ...] = field(repr=False)
    law: Law = field(repr=False)
    reads: tuple[str, ...]  # granted: topology.yaml
    uses: frozenset[str]  # fields of the image that manifest, rules and concerns read
    paths: tuple[str, ...]  # what to decode, in order: fields, or parts of dates
    rules: Mapping[str, Rule] = field(repr=False)
    concern: Rule | None = None  # whom the department hears about; None: everybody

    def project(self, event: Event, on: date | None = None, law: Law | None = None) -> Projected:
        """What the event asks of the department's database. `on` is the day the register spoke."""
        on = on or day(event.recorded)
        try:
            record = self._record([value_at(event.data, path) for path in self._rule_paths])
            return project(self.plans, Case(record, on, (law or self.law).on(on)), event, aliased=self.aliased)
        except Reject as reject:
            raise located(reject, event.id) from None

    @cached_property
    def plan(self) -> Callable[[Row], Projected]:
        """The same, compiled, for the flat record of contract.decoder(connector.paths): DATA, BARE or REMOVED."""
        return compiled(self.plans, self.paths, self._rule_paths, self.law)

    @cached_property
    def mirror(self) -> tuple[Table, tuple[str, ...]] | None:
        """The one table and the paths of its columns, if the connector keeps what it hears as it hears it."""
        paths = None if self.aliased else mirrored(self.plans)
        return None if paths is None else (self.tables[0], paths)

    def remove(self, key: str) -> list[Change]:
        """A person who no longer concerns the department: nothing kept stays."""
        return [Keep(table.name, key) for table in self.tables if table.kept]

    @property
    def aliased(self) -> bool:
        """Is it told who is another one now? Then aliases are among its tables."""
        return MERGED in self.paths

    def concerns(self, image: Mapping[str, Any] | None, on: date, law: Law | None = None) -> bool:
        """Whether a person with this image (granted fields, protected ones hidden) concerns the department on that day.

        Where the rule cannot tell, it does: the department's own rules then ask a person.
        """
        if image is None or self.concern is None:
            return image is not None
        record = self._concern_record([value_at(image, path) for path in self.concern.paths])
        try:
            return bool(Case(record, on, (law or self.law).on(on)).ask(self.concern))
        except Undecided:
            return True

    @cached_property
    def _rule_paths(self) -> tuple[str, ...]:
        used = {path for rule in self.rules.values() for path in rule.paths}
        return tuple(path for path in self.paths if path in used)

    @cached_property
    def _concern_record(self) -> Callable[[Sequence[Any]], Any]:
        """Only what `concerns` reads: the projector asks it twice per event and subscription."""
        return record_type({path: index for index, path in enumerate(self.concern.paths if self.concern else ())})

    @cached_property
    def _record(self) -> Callable[[Sequence[Any]], Any]:
        return record_type({path: index for index, path in enumerate(self._rule_paths)})
