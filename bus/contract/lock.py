"""Which number does a schema have on the wire, for ever? schemas/ids.lock says, append-only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bus.errors import Misconfigured

HEAD = """\
# The number of every schema that was ever on the wire; append-only, the same in every environment.
# Written by `bus contract lock`. A narrowed schema is its image and the granted paths.
# id version sha256-of-the-parsing-canonical-form subject image[:paths]
"""


@dataclass(frozen=True, slots=True)
class Entry:
    id: int
    subject: str  # topic without the town, and "-value"
    version: int  # of the subject, from 1
    sha256: str
    image: str  # juki/resident.1
    paths: tuple[str, ...]  # granted; none: canonical

    def line(self) -> str:
        made_of = f"{self.image}:{','.join(self.paths)}" if self.paths else self.image
        return f"{self.id} {self.version} {self.sha256} {self.subject} {made_of}"


class Lock:
    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries: list[Entry] = list(entries)

    @classmethod
    def read(cls, path: Path) -> Lock:
        if not path.exists():
            return cls()
        entries = []
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line and not line.startswith("#"):
                entries.append(_entry(line, f"{path}:{number}"))
        ids = [entry.id for entry in entries]
        if ids != list(range(1, len(ids) + 1)):
            raise Misconfigured(
                "ids are not 1, 2, 3, …", code="LOCK_BROKEN", where=str(path), hint="restore it from git"
            )
        return cls(entries)

    def write(self, path: Path) -> None:
        path.write_text(HEAD + "".join(f"{entry.line()}\n" for entry in self.entries))

    def find(self, subject: str, sha256: str) -> Entry | None:
        return next((one for one in self.entries if one.subject == subject and one.sha256 == sha256), None)

    def of(self, subject: str) -> list[Entry]:
        return [one for one in self.entries if one.subject == subject]

    def add(self, subject: str, sha256: str, image: str, paths: Sequence[str]) -> Entry:
        """The entry of this schema; a new one with the next number when there is none yet."""
        known = self.find(subject, sha256)
        if known is None:
            known = Entry(len(self.entries) + 1, subject, len(self.of(subject)) + 1, sha256, image, tuple(paths))
            self.entries.append(known)
        return known


def _entry(line: str, where: str) -> Entry:
    try:
        number, version, sha256, subject, made_of = line.split(" ")
        image, _, paths = made_of.partition(":")
        return Entry(int(number), subject, int(version), sha256, image, tuple(paths.split(",")) if paths else ())
    except ValueError:
        raise Misconfigured(
            "not a line of this file", code="LOCK_BROKEN", where=where, hint="restore it from git"
        ) from None
