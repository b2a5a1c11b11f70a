"""Who belongs to a household?"""

from typing import NamedTuple


class Member(NamedTuple):
    person: str
    relation_code: str | None
    relation: str | None


def members(household) -> list[Member]:
    """生活保護法 10条: all of one household, in the order of the sheet."""
    return [Member(one["key"], one["relation_code"], one["relation"]) for one in household.members or ()]
