"""What did the register say, about whom, in which version?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from bus.dates import Uncertain

RESIDENT: Final = "juki.resident"  # what the register speaks of; every other entity is a department's fact
KINDS: Final = ("REGISTER", "AMEND", "CORRECT", "ANNUL", "END", "IDENTITY", "RESYNC", "CLOCK")

# What a record of a narrowed topic carries (decision 17).
DATA: Final = "DATA"  # a version in which something granted changed
BARE: Final = "BARE"  # a version that only has to be counted
REMOVED: Final = "REMOVED"  # the person no longer concerns the subscription


class ChangeSet(NamedTuple):
    """One act on several persons (domain R1): this is number `seq` of `size`, from 1."""

    id: str
    size: int
    seq: int


@dataclass(frozen=True, slots=True)
class Event:
    id: str  # UUID, unique for ever
    kind: str  # one of KINDS
    reason: str  # TENNYU, SHIBO, … (schemas/codes/reason.yaml)
    key: str  # whom it is about: 宛名番号; the Kafka key
    version: int  # 履歴番号: gap-free per key, from 1, taken under the person's row lock
    effective: Uncertain  # since when it is so
    recorded: datetime  # since when the register says so; UTC, microseconds
    data: Mapping[str, Any]  # the after-image: nested mappings, text, bool, Uncertain; None where blank
    supersedes: str | None = None  # id of the event that is corrected or annulled
    change_set: ChangeSet | None = None
    protected: bool = False  # 支援措置: fields of the address may be hidden
    # Only in the canonical topic; never narrowed to anybody:
    before: Mapping[str, Any] | None = None  # the image before this version; None for the first
    before_recorded: datetime | None = None  # when that image was recorded
    undoes: tuple[str, ...] = ()  # dotted paths that the superseded event had changed
