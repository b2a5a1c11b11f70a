"""Which fields may an act of a reason set, and on which days may it be? What every rule may take for granted."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bus.dates import Uncertain
from bus.errors import Reject
from bus.movement.act import Act

_ALWAYS: Final = ("movement.", "unknown.", "control.")
# What follows from the rules, and is never simply said.
_OWN: Final = (
    "is_resident", "state", "history.", "household.no", "household.head_name", "protection.", "identity.",
    "suppression.", "number_changed_on",
)  # fmt: skip
_LONGEST_NOTICE: Final = timedelta(days=366)

_WHERE: Final = tuple(
    f"address.{name}" for name in ("prefecture", "city", "town", "lot", "building", "postal_code", "district")
)
_KANA: Final = ("name.kana", "name.family_kana", "name.given_kana", "name.old_family_kana", "name.common_kana")
_KOSEKI: Final = ("name.", "honseki.", "household.relation", "household.order")
_NOTHING: Final[tuple[str, ...]] = ()

# reason -> what `set` may hold besides _ALWAYS; nothing listed: all but _OWN
_MAY_SET: Final[dict[str, tuple[str, ...]]] = {
    "SHIBO": ("removal.",),
    "SHOKKEN_SHOJO": ("removal.",),
    "TENKYO": ("address.", "household.", "foreign.address_notified"),
    "KUKAN_IDO": ("address.", "household.", "foreign.address_notified", "municipality_code"),
    "KEIBI_SHUSEI": (*_WHERE, "name.", "honseki.", "previous."),
    "JUSHO_IKKATSU": _WHERE,
    "FURIGANA_KISAI": (*_KANA, "name.kana_confirmed"),
    "TENSHUTSU_TODOKE": ("move_out.notified_on", "move_out.planned_"),
    "TENSHUTSU": ("removal.", "move_out."),
    "TENSHUTSU_KAKUTEI": ("move_out.",),
    "SETAINUSHI_HENKO": ("household.",),
    "SETAI_BUNRI": ("household.",),
    "SETAI_GAPPEI": ("household.",),
    "SETAI_HENKO": ("household.",),
    "SHIMEI_HENKO": ("name.", "honseki.head_"),
    "KOSEKI_KONIN": _KOSEKI,
    "KOSEKI_RIKON": _KOSEKI,
    "KOSEKI_ENGUMI": _KOSEKI,
    "KOSEKI_RIEN": _KOSEKI,
    "KOSEKI_UJI_HENKO": ("name.", "honseki."),
    "KOSEKI_TENSEKI": ("honseki.",),
    "TOKUBETSU_YOSHI": _KOSEKI,
    "KIKA": ("name.", "honseki.", "birth_era"),
    "KOKUSEKI_SHUTOKU": ("name.", "honseki.", "birth_era"),
    "KOKUSEKI_SOSHITSU": ("name.", "foreign."),
    "KYUUJI_KISAI": ("name.old_family",),
    "KYUUJI_HENKO": ("name.old_family",),
    "KYUUJI_SAKUJO": _NOTHING,
    "TSUSHO_KISAI": ("name.common",),
    "TSUSHO_SAKUJO": _NOTHING,
    "ZAIRYU_HENKO": ("foreign.",),
    "KAISEI": _NOTHING,
    "SAISEI": _NOTHING,
    "KOJIN_BANGO_HENKO": _NOTHING,
    "JUMINHYO_CODE_HENKO": ("juminhyo_code",),
    "SHIKAKU_HENKO": ("schemes.",),
    "SHIEN_SOCHI_KARI": ("protection.",),
    "SHIEN_SOCHI_KAISHI": ("protection.",),
    "SHIEN_SOCHI_ENCHO": ("protection.until",),
    "SHIEN_SOCHI_SHURYO": ("protection.",),
    "YOKUSHI_SETTEI": ("suppression.",),
    "YOKUSHI_KAIJO": _NOTHING,
    "FUBAN_KAE": _NOTHING,
}
_ENDS: Final = ("SHIBO", "TENSHUTSU", "TENSHUTSU_TODOKE", "SHOKKEN_SHOJO", "TENKYO", "KUKAN_IDO")


def check_fields(act: Act) -> None:
    reason = act.reason.reason
    allowed = _MAY_SET.get(reason)
    for values in act.given.values():
        for path in values:
            if reason.startswith("SETAI") and path.startswith("address."):
                raise Reject("an address cannot change in this act", code="ADDRESS_IN_HOUSEHOLD_CHANGE", where=path)
            listed = allowed is not None and path.startswith(allowed)
            own = path.startswith(_OWN) and not (listed and reason.startswith(("SHIEN", "YOKUSHI")))
            if own or not (allowed is None or listed or path.startswith(_ALWAYS)):
                raise Reject(f"{reason} does not set this field", code="FIELD_NOT_HERE", where=path)


def check_records(act: Act) -> None:
    """A person was changed since somebody looked; a record is another one now: nothing is entered on either."""
    for key, version in act.request.versions.items():
        if key in act.scene.persons and act.scene.persons[key].version != version:
            raise Reject("the person was changed meanwhile", code="CHANGED_SINCE", where="persons")
    for key in act.given if not act.reason.annuls else ():
        if key in act.scene.persons and act.images[key]["identity.merged_into"] is not None:
            raise Reject("the record is merged into another", code="MERGED", where="persons")


def check_date(act: Act, effective: Uncertain) -> None:
    """R2: only a move-out may lie ahead; R4: only some dates may be uncertain."""
    if not effective.is_certain and not act.reason.uncertain and not (act.reason.annuls or act.reason.corrects):
        raise Reject("this date cannot be uncertain", code="UNCERTAIN_DATE", where="effective")
    limit = act.scene.today + (_LONGEST_NOTICE if act.reason.future else timedelta(0))
    if effective.earliest and effective.earliest > limit:
        raise Reject("only an announced move-out lies in the future", code="FUTURE_DATE", where="effective")


def check_life(act: Act, key: str, effective: Uncertain) -> None:
    birth, since = act.images[key]["birth"], act.images[key]["resident_since"]
    if is_before(effective, birth):
        raise Reject("before the person was born", code="BEFORE_BIRTH", where="effective")
    if act.reason.reason in _ENDS and is_before(effective, since):
        raise Reject("before the person became a resident", code="END_BEFORE_START", where="effective")


def is_before(one: Uncertain, other: Uncertain | None) -> bool:
    """Certainly before: whatever the two days were."""
    return bool(other and one.latest and other.earliest and one.latest < other.earliest)
