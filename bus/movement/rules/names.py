"""What may change in a resident's name and family register (戸籍), and how may an address be written anew?"""

from __future__ import annotations

from typing import Final

from bus.errors import Reject
from bus.movement.act import Act, is_foreign
from bus.movement.household import keep_heads, residents

# What such an act is about: one of these must be among what is set.
_ABOUT: Final = {
    "KOSEKI_UJI_HENKO": ("name.full", "name.family"),
    "KOSEKI_TENSEKI": ("honseki.full",),
    "TOKUBETSU_YOSHI": ("name.", "honseki."),
    "KYUUJI_KISAI": ("name.old_family",),
    "KYUUJI_HENKO": ("name.old_family",),
    "TSUSHO_KISAI": ("name.common",),
    "JUMINHYO_CODE_HENKO": ("juminhyo_code",),
}


def shimei_henko(act: Act) -> None:
    for key in residents(act):
        if not any(
            act.images[key][path] != value for path, value in act.given[key].items() if path.startswith("name.")
        ):
            raise Reject("which name?", code="NOTHING_CHANGES", where="name")
        act.apply(key)


def amend(act: Act) -> None:
    """Residents' fields, those that the reason may set (allowed.py); something has to change."""
    about = _ABOUT.get(act.reason.reason, ())
    for key in residents(act):
        image, given = act.images[key], act.given[key]
        said = {path for path, value in given.items() if value is not None}
        if about and not any(path in about or path.startswith(_groups(about)) for path in said):
            raise Reject("what it is about is not given", code="FIELD_MISSING", where=about[0])
        if all(image[path] == value for path, value in given.items()):
            raise Reject("nothing would change", code="NOTHING_CHANGES", where="persons")
        act.apply(key)


def _groups(about: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(path for path in about if path.endswith("."))


def koseki(act: Act) -> None:
    """Marriage, divorce, adoption, …: a head's new name reaches the members (decide.follow_heads)."""
    amend(act)
    keep_heads(act)


def tokubetsu_yoshi(act: Act) -> None:
    """民法 817条の9: the former family is nobody's business; the sheet's history can no longer be chosen."""
    koseki(act)
    for key in act.given:
        act.images[key]["history.locked"] = "1"


def furigana_kisai(act: Act) -> None:
    _japanese(act)
    amend(act)


def kyuuji_kisai(act: Act) -> None:
    _japanese(act)
    record(act, "name.old_family")


def kyuuji_henko(act: Act) -> None:
    _recorded(act, "name.old_family")
    amend(act)


def kyuuji_sakujo(act: Act) -> None:
    erase(act, "name.old_family")


def record(act: Act, path: str) -> None:
    """What was not on the sheet."""
    if any(act.images[key][path] is not None for key in residents(act)):
        raise Reject("there is one already", code="ALREADY_RECORDED", where=path)
    amend(act)


def erase(act: Act, path: str) -> None:
    _recorded(act, path)
    for key in act.given:
        act.images[key].update({path: None, f"{path}_kana": None})


def _recorded(act: Act, path: str) -> None:
    if any(act.images[key][path] is None for key in residents(act)):
        raise Reject("there is none", code="NOT_RECORDED", where=path)


def _japanese(act: Act) -> None:
    if any(is_foreign(act.images[key]) for key in residents(act)):
        raise Reject("of Japanese only", code="NOT_JAPANESE", where="resident_type")
