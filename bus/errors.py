"""What can go wrong, grouped by what the runner does about it. This is the only table of reactions and exit codes.

    BusError
    ├── Undecided      a rule cannot tell          row in bus_review; the event counts as applied   runs on
    ├── Reject         this event is wrong         this person is parked, all others go on          runs on
    ├── Unavailable    the world is away           roll back, pause, the same records again         runs on   exit 6
    │   └── Fenced     another process owns this   stop at once; nothing was written                stops     exit 1
    ├── Refused        law or privacy says no      nothing is touched                               stops     exit 5
    ├── Misconfigured  topology, manifests, …      every mistake listed with file and line          no start  exit 4
    ├── Usage          the call is off             nothing is touched                               –         exit 2
    └── Difference     two things are not equal    said where, never what                           –         exit 3

Messages name event ids, fields and places, never a value of a person (reliability I14).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class BusError(Exception):
    """`code` is stable, for machines; `where` a place (file:line, topic/partition/offset, path); `hint` what to do."""

    exit: ClassVar[int] = 1
    code: str = "FAILED"

    def __init__(
        self, message: str, *, code: str | None = None, where: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.where = where
        self.hint = hint

    @property
    def family(self) -> str:
        return type(self).__name__

    def as_dict(self) -> dict[str, dict[str, str | None]]:
        """The shape every command prints with --json."""
        return {
            "error": {
                "family": self.family,
                "code": self.code,
                "message": self.message,
                "where": self.where,
                "hint": self.hint,
            }
        }


class Undecided(BusError):
    code = "UNDECIDED"


class Reject(BusError):
    """Codes are those of the bad-input catalogue: EMPTY FRAMING SCHEMA_UNKNOWN DECODE NON_CANONICAL RANGE BOMB ENCODING
    NUL CONTROL FINGERPRINT DIGEST HEADERS MISROUTED KEY GAP ID_REUSE TOMBSTONE RULE DATA …"""

    code = "REJECTED"
    index: int = 0  # of the message a broker will never take, among those it was given


class Unavailable(BusError):
    exit = 6
    code = "UNAVAILABLE"


class Fenced(Unavailable):
    exit = 1
    code = "FENCED"


class Refused(BusError):
    exit = 5
    code = "REFUSED"


class Misconfigured(BusError):
    exit = 4
    code = "MISCONFIGURED"

    @classmethod
    def all(cls, mistakes: Sequence[str]) -> Misconfigured:
        """One error for all mistakes, each of them `file:line: what is wrong, what to do`."""
        return cls("\n".join(mistakes), where=mistakes[0].split(": ", 1)[0] if mistakes else None)


class Usage(BusError):
    exit = 2
    code = "USAGE"


class Difference(BusError):
    exit = 3
    code = "DIFFERENCE"
