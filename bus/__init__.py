"""The integration bus of a municipality. These are the names that a vendor's rules and a city's register use."""

from bus.change import Append, Keep
from bus.dates import Uncertain, attains, certain
from bus.errors import Reject, Undecided
from bus.event import ChangeSet, Event

__all__ = ["Append", "ChangeSet", "Event", "Keep", "Reject", "Uncertain", "Undecided", "attains", "certain"]
