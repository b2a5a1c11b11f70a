"""What happens in an invented town in some days, or a month? The same town gives the same, by a simulated clock."""

from __future__ import annotations

from typing import Final

from bus.town.stories.counter import JAPAN
from bus.town.stories.households import households
from bus.town.stories.identity import identity
from bus.town.stories.koseki import family_register
from bus.town.stories.lives import births, deaths
from bus.town.stories.moves import arrivals, departures, new_address, within
from bus.town.stories.office import addresses_anew, corrections, notices, readings, sheets
from bus.town.stories.protection import protection
from bus.town.stories.residence import foreigners
from bus.town.stories.script import Days, Filing, Movement, Script, Story, alone, everybody, person, settled
from bus.town.town import Town

__all__ = ["JAPAN", "Days", "Filing", "Movement", "everybody", "person", "play"]

# What is rare first, so that it finds somebody in a small town, too.
STORIES: Final = (
    identity, protection, foreigners, households, family_register, corrections, sheets, births, deaths, arrivals,
    departures, within, readings, addresses_anew, notices,
)  # fmt: skip


def play(town: Town, days: int = 7) -> Days:
    """`days` days of `town`, from the day after the one it stands for."""
    script = Script(town, days)
    insured = script.take(lambda h: alone(h) and settled(h) and h[0].cells.get("schemes.kokuho") == "1")
    victim = insured or script.take(lambda h: alone(h) and settled(h)) or script.take(lambda _: True)
    if victim is None:
        raise ValueError("nobody lives in this town")
    for story in STORIES:
        story(script)
    last = Story(script, len(script.open) - 1)
    waits = last.say("TENKYO", [person(member, new_address(script.chance)) for member in victim], late=True)
    return script.days(victim[0].key, waits)
