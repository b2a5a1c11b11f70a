"""What may each reason do, and to whom? One function per reason; a refusal has a code, and nothing was changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bus.movement import household
from bus.movement.act import Act
from bus.movement.rules import entry, identity, names, nationality, protection, removal, sheet

# In the order of schemas/codes/reason.yaml. Corrections and annulments are not here: movement/undo.py.
RULES: Final[dict[str, Callable[[Act], None]]] = {
    "TENNYU": entry.moving_in,
    "SHUSSEI": entry.shussei,
    "SHOKKEN_KISAI": entry.moving_in,
    "KIKA": nationality.kika,
    "KOKUSEKI_SHUTOKU": nationality.kika,
    "KOKUSEKI_SOSHITSU": nationality.kokuseki_soshitsu,
    "KUKAN_IDO": household.kukan_ido,
    "KAISEI": sheet.next_sheet,
    "SAISEI": sheet.next_sheet,
    "SHIBO": removal.shibo,
    "TENSHUTSU": removal.tenshutsu,
    "SHOKKEN_SHOJO": removal.shokken_shojo,
    "TENKYO": household.tenkyo,
    "KEIBI_SHUSEI": names.amend,
    "JUSHO_IKKATSU": names.amend,
    "TENSHUTSU_TODOKE": removal.tenshutsu_todoke,
    "TENSHUTSU_KAKUTEI": removal.tenshutsu_kakutei,
    "SETAI_BUNRI": household.setai_bunri,
    "SETAI_GAPPEI": household.setai_gappei,
    "SETAI_HENKO": household.setai_henko,
    "SETAINUSHI_HENKO": household.setainushi_henko,
    "SHIMEI_HENKO": names.shimei_henko,
    "KOSEKI_KONIN": names.koseki,
    "KOSEKI_RIKON": names.koseki,
    "KOSEKI_ENGUMI": names.koseki,
    "KOSEKI_RIEN": names.koseki,
    "KOSEKI_UJI_HENKO": names.amend,
    "KOSEKI_TENSEKI": names.amend,
    "TOKUBETSU_YOSHI": names.tokubetsu_yoshi,
    "FURIGANA_KISAI": names.furigana_kisai,
    "KYUUJI_KISAI": names.kyuuji_kisai,
    "KYUUJI_HENKO": names.kyuuji_henko,
    "KYUUJI_SAKUJO": names.kyuuji_sakujo,
    "TSUSHO_KISAI": nationality.tsusho_kisai,
    "TSUSHO_SAKUJO": nationality.tsusho_sakujo,
    "ZAIRYU_HENKO": nationality.zairyu_henko,
    "KOJIN_BANGO_HENKO": sheet.kojin_bango_henko,
    "JUMINHYO_CODE_HENKO": names.amend,
    "SHIKAKU_HENKO": names.amend,
    "SHIEN_SOCHI_KARI": protection.shien_kari,
    "SHIEN_SOCHI_KAISHI": protection.shien_kaishi,
    "SHIEN_SOCHI_ENCHO": protection.shien_encho,
    "SHIEN_SOCHI_SHURYO": protection.shien_shuryo,
    "YOKUSHI_SETTEI": protection.yokushi_settei,
    "YOKUSHI_KAIJO": protection.yokushi_kaijo,
    "TOGO": identity.togo,
    "FUBAN_KAE": identity.fuban_kae,
}
