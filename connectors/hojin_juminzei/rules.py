"""Which addressees are corporations, and which payments are of their tax?"""

CORPORATION = "2"


def is_corporation(addressee) -> bool:
    """地方税法 294条1項3号・4号: a corporation with an office, a dormitory or a clubhouse here."""
    return addressee.kind == CORPORATION


def is_known(addressee) -> bool:
    """地方税法 9条の3: as long as it stands; of one that is another addressee now, which one."""
    return addressee.active or addressee.merged_into is not None


def is_ours(payment) -> bool:
    """地方税法 321条の8, 20条の10: only what was paid of this department's own assessments."""
    return payment.system == "hojin_juminzei"
