"""Does a subscription hear what decision 17 says it hears? The whole table."""

from itertools import product

import pytest

from bus.disclosure.decision import NOBODY, Decided, mode, touches
from bus.event import BARE, DATA, KINDS, REMOVED

YES, NO = True, False


def side(concerns=YES, visible=("a",), protected=NO):
    return Decided(concerns, protected, visible)


@pytest.mark.parametrize(
    ("before", "after", "undone", "kind", "heard"),
    [
        # neither
        (NOBODY, side(NO), NO, "REGISTER", None),
        (side(NO), side(NO), NO, "AMEND", None),
        (side(NO), side(NO, ("b",)), YES, "ANNUL", None),
        (side(NO), side(NO), NO, "RESYNC", None),
        # only before
        (side(), side(NO), NO, "AMEND", REMOVED),
        (side(), side(NO, ("b",)), YES, "CORRECT", REMOVED),
        (side(), side(NO), NO, "CLOCK", REMOVED),
        # only after
        (NOBODY, side(), NO, "REGISTER", DATA),
        (NOBODY, side(), NO, "AMEND", DATA),
        (side(NO), side(), NO, "AMEND", DATA),
        (side(NO), side(), NO, "CLOCK", DATA),
        # both
        (side(), side(), NO, "AMEND", BARE),
        (side(), side(visible=("b",)), NO, "AMEND", DATA),
        (side(), side(visible=(None,)), NO, "AMEND", DATA),
        (side(), side(), YES, "ANNUL", DATA),
        (side(), side(), NO, "ANNUL", BARE),
        (side(), side(), NO, "END", BARE),
        (side(visible=(None,)), side(visible=(None,), protected=YES), NO, "AMEND", DATA),
        (side(visible=(None,), protected=YES), side(visible=(None,), protected=YES), NO, "AMEND", BARE),
        (side(), side(), NO, "REGISTER", DATA),
        (side(), side(), NO, "RESYNC", DATA),
        (side(), side(), NO, "CLOCK", DATA),
        (side(), side(), NO, "IDENTITY", DATA),
    ],
)
def test_each_case_is_heard_as_decided(before, after, undone, kind, heard):
    assert mode(kind, before, after, undone=undone) == heard


def test_whom_a_person_concerns_hears_every_version():
    """A gap proves loss at the sink, so there may be none while a person concerns a subscription."""
    for kind, before, visible, undone in product(KINDS, (YES, NO), (("a",), ("b",)), (YES, NO)):
        assert mode(kind, side(before), side(YES, visible), undone=undone) in (DATA, BARE)
        assert mode(kind, side(YES), side(before, visible), undone=undone) is not None


@pytest.mark.parametrize(
    ("visible", "undoes", "answer"),
    [
        (["birth"], ["birth"], YES),
        (["birth.text"], ["birth"], YES),
        (["birth"], ["birth.text"], YES),
        (["birth"], ["birth_era"], NO),
        (["address.lot"], ["address.town"], NO),
        (["address.lot"], [], NO),
        ([], ["address.lot"], NO),
    ],
)
def test_a_path_is_taken_back_by_name_and_not_by_its_letters(visible, undoes, answer):
    assert touches(visible, undoes) is answer
