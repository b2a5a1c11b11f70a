"""What happens to a sheet and its numbers, without anything being said of the person?"""

from __future__ import annotations

from bus.errors import Reject
from bus.movement.act import Act
from bus.movement.household import residents


def next_sheet(act: Act) -> None:
    """改製, 再製: bookkeeping only, so nobody outside hears anything but that there is a version more."""
    for key in residents(act):
        image = act.images[key]
        number = image["history.reissue_no"] or ""
        image["history.reissue_no"] = str(int(number) + 1 if number.isdecimal() else 1)
        image["history.reissued_on"] = act.effective


def kojin_bango_henko(act: Act) -> None:
    """That there is another number, never which: the number has no place here (番号法)."""
    for key in residents(act):
        image = act.images[key]
        if image["number_changed_on"] == act.effective:
            raise Reject("that is known", code="NOTHING_CHANGES", where="effective")
        image["number_changed_on"] = act.effective
