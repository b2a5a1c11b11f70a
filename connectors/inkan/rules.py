"""Who may have a seal registered, and until when are certificates issued? The age is in connectors/law.yaml."""

from datetime import date, timedelta

from bus import attains, certain

NEXT_DAY = timedelta(days=1)


def may_register(person, on: date, law) -> bool:
    """印鑑登録証明事務処理要領 第2-1: who is on the register and has attained 15."""
    return person.is_resident and has_attained_15(person, on, law)


def has_attained_15(person, on: date, law) -> bool:
    """年齢計算ニ関スル法律: on the day before the birthday. Younger ones do not concern us at all."""
    return certain(person.birth, lambda born: attains(born, law.inkan.first_age) <= on)


def certificates_until(person) -> date | None:
    """印鑑登録証明事務処理要領 第6: the day before an announced move; of an uncertain day the earliest."""
    leaves_on = person.move_out.planned_on
    return None if leaves_on is None or leaves_on.earliest is None else leaves_on.earliest - NEXT_DAY
