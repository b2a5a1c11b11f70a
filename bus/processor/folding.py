"""What does a batch come to? Records and what is remembered become one turn; nothing is written here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from bus import telemetry
from bus.broker import Record
from bus.disclosure.positions import BEHIND, Held, Person
from bus.errors import BusError, Reject
from bus.processor.fold import Folded, Heard, Processor, Said, State, speak
from bus.processor.notebook import Notebook, Position, Turn
from bus.processor.reading import Ear

NewId = Callable[[], str]


class Folding:
    """One turn in the making. What is asked of the notebook is asked once, and for many records together."""

    def __init__(self, processor: Processor, name: str, notebook: Notebook, new_id: NewId) -> None:
        self._processor, self._name, self._notebook, self._new_id = processor, name, notebook, new_id
        self._known: dict[str, State | None] = {}
        self._seen: dict[str, Position] = {}
        self._said: list[Said] = []
        self.turn = Turn()

    def records(self, records: Sequence[Record], ears: Mapping[str, Ear], waiting: Collection[Person]) -> None:
        """Folds each of them, in order; or holds it with its person, and everything of that person behind it."""
        heard = [self._hear(record, ears) for record in records]
        self._fetch(one for one in heard if isinstance(one, Heard))
        behind = set(waiting)
        for record, one in zip(records, heard, strict=True):
            self.turn.upto[record.topic, record.partition] = record.offset + 1
            held = Held(record, BEHIND)
            if held.person not in behind:
                code = one if isinstance(one, str) else self._fold(one)
                if code is None:
                    continue
                held = Held(record, code)
                behind.add(held.person)
            self.turn.held.append(held)

    def hold(self, record: Record, code: str) -> None:
        """Sets it aside unfolded."""
        self.turn.upto[record.topic, record.partition] = record.offset + 1
        self.turn.held.append(Held(record, code))

    def release(self, keys: Sequence[str]) -> None:
        self._known |= dict.fromkeys(keys) | dict(self._notebook.recall(self._name, keys))
        for key in keys:
            self._take(self._processor.release(self._recall, key))

    def facts(self, keys: Sequence[str]) -> None:
        """What these facts are now, whether or not anything happened to them."""
        self._known |= dict.fromkeys(keys) | dict(self._notebook.recall(self._name, keys))
        found = (self._processor.fact(self._recall, key) for key in keys)
        self._said += [fact for fact in found if fact is not None]

    def done(self, *, silent: bool = False) -> Turn:
        """`silent`: while the memory is being rebuilt."""
        if self._said and not silent:
            keys = sorted({said.key for said in self._said})
            self.turn.said = speak(self._said, self._notebook.spoken(self._name, keys), self._new_id)
        return self.turn

    def _hear(self, record: Record, ears: Mapping[str, Ear]) -> Heard | str:
        try:
            return ears[record.topic](record)
        except Reject as error:
            return error.code
        except BusError:
            raise  # ours, and no record's fault
        except Exception as error:  # noqa: BLE001  # no record whatever may stop a processor
            telemetry.crashed(self._name, error)
            return "UNREADABLE"

    def _fetch(self, heard: Iterable[Heard]) -> None:
        heard = list(heard)
        keys = sorted({key for one in heard for key in self._processor.needs(one)})
        self._known |= dict.fromkeys(keys) | dict(self._notebook.recall(self._name, keys))
        self._seen |= self._notebook.seen(self._name, sorted({one.person for one in heard}))

    def _recall(self, key: str) -> State | None:
        if key not in self._known:
            self._known[key] = self._notebook.recall(self._name, [key]).get(key)
        return self._known[key]

    def _fold(self, heard: Heard) -> str | None:
        """None, or the code of why it cannot be folded: then nothing of it has been."""
        position = (heard.version, heard.recorded)
        if position <= self._seen.get(heard.person, (0, 0)):
            self.turn.stale += 1
            return None
        try:
            folded = self._processor.fold(self._recall, heard)
        except Reject as error:
            return error.code
        except BusError:
            raise
        except Exception as error:  # noqa: BLE001  # the fold's fault, and perhaps only with this event
            telemetry.crashed(self._name, error)
            return "FOLD"
        self._take(folded)
        self._seen[heard.person] = self.turn.seen[heard.person] = position
        return None

    def _take(self, folded: Folded) -> None:
        self._known |= folded.states
        self.turn.states |= folded.states
        self._said += folded.said
