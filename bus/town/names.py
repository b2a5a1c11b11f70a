"""What are the people of an invented town called? Shares follow the national list; every name is made up."""

from __future__ import annotations

from datetime import date
from itertools import accumulate, product
from random import Random
from typing import Final, NamedTuple


class Written(NamedTuple):
    """A name as it is written, and its reading."""

    text: str
    kana: str


def joined(*parts: Written) -> Written:
    return Written("".join(part.text for part in parts), "".join(part.kana for part in parts))


def _written(line: str) -> tuple[Written, ...]:
    return tuple(Written(*pair.split("=")) for pair in line.split())


# Family names from the ten stems and twelve branches, so that they are seen to be invented (domain 6.7).
STEMS: Final = _written("甲=コウ 乙=オツ 丙=ヘイ 丁=テイ 戊=ボ 己=キ 庚=カノエ 辛=カノト 壬=ミズノエ 癸=ミズノト")
BRANCHES: Final = _written("子=ネ 丑=ウシ 寅=トラ 卯=ウ 辰=タツ 巳=ミ 午=ウマ 未=ヒツジ 申=サル 酉=トリ 戌=イヌ 亥=イ")
SUFFIXES: Final = _written(
    "野=ノ 川=カワ 山=ヤマ 田=タ 井=イ 村=ムラ 島=シマ 沢=サワ 原=ハラ 谷=タニ 本=モト 森=モリ 池=イケ 塚=ヅカ "
    "木=キ 崎=サキ 辺=ベ 橋=ハシ 岡=オカ 内=ウチ 口=グチ 坂=サカ 石=イシ 松=マツ 林=バヤシ 浜=ハマ 上=カミ 下=シタ"
)
SURNAMES: Final = (  # by rank
    *(joined(stem, suffix) for suffix, stem in product(SUFFIXES, STEMS)),
    *(joined(branch, suffix) for suffix, branch in product(SUFFIXES, BRANCHES)),
    *(joined(stem, middle, suffix) for suffix, middle, stem in product(SUFFIXES[14:], SUFFIXES[:14], STEMS + BRANCHES)),
)
# Zipf-Mandelbrot through the published shares: rank 1 has 1.53 %, the first ten 10.2 %, the first hundred 33.4 %.
_OFFSET, _SLOPE = 5.7, 0.9
_REACH: Final = tuple(accumulate((rank + _OFFSET) ** -_SLOPE for rank in range(1, len(SURNAMES) + 1)))

# Characters that programs lose: not in JIS X 0208, outside the BMP, changed by NFC, variants of one another.
RARE_FIRST: Final = _written("髙=タカ 𠮷=ヨシ 齋=サイ 齊=サイ 斎=サイ \ufa19=カミ \ufa1b=フク 鷗=カモメ 噓=ウソ")
RARE_LAST: Final = _written("﨑=サキ 邉=ベ 邊=ベ 𨘢=ナベ 濵=ハマ")
SELECTED: Final = _written("葛\U000e0100=カツ 辻\U000e0101=ツジ 祇\U000e0100=ギ")  # with a variation selector
GAIJI: Final = _written("\ue000=タカ \ue001=ワタ")  # of this town alone: private use, as CP932 F040 and F041
_COMMON, _VARIANT, _SELECTED, _GAIJI = 94.4, 5.0, 0.5, 0.1  # % of the families (domain 6.7)

MEN: Final = _written(
    "一郎=イチロウ 二郎=ジロウ 三郎=サブロウ 太一=タイチ 誠=マコト 学=マナブ 明=アキラ 剛=ツヨシ 光=ヒカル 陽=ヨウ "
    "大和=ヤマト 樹=イツキ 直=ナオ 健=ケン 翔=ショウ 蓮=レン 湊=ミナト 悠真=ユウマ 朔=サク 清=キヨシ 茂=シゲル "
    "勇=イサム 実=ミノル 隆=タカシ 進=ススム 修=オサム 博=ヒロシ 徹=トオル 亮=リョウ 拓也=タクヤ 大輔=ダイスケ "
    "直樹=ナオキ 和也=カズヤ"
)
WOMEN: Final = _written(
    "京子=キョウコ 幸子=サチコ 桜=サクラ 松子=マツコ 結=ユイ 心=ココロ 冬子=フユコ 春江=ハルエ 涼子=リョウコ "
    "由美=ユミ 静=シズカ 好江=ヨシエ 陽葵=ヒマリ 凛=リン 紬=ツムギ 芽衣=メイ 葵=アオイ 美咲=ミサキ 愛=アイ 彩=アヤ "
    "恵=メグミ 直美=ナオミ 久美子=クミコ 洋子=ヨウコ 和子=カズコ 文子=フミコ 節子=セツコ 千代=チヨ 美穂=ミホ "
    "真由美=マユミ 香織=カオリ 智子=トモコ 裕子=ユウコ"
)

ERAS: Final = (  # code, first day; the newer era on a day that has two names (domain 4.2)
    ("5", date(2019, 5, 1)), ("4", date(1989, 1, 8)), ("3", date(1926, 12, 25)), ("2", date(1912, 7, 30)),
    ("1", date(1868, 1, 25)),
)  # fmt: skip
ERA_NAMES: Final = {"1": "明治", "2": "大正", "3": "昭和", "4": "平成", "5": "令和"}
WIDE: Final = str.maketrans("0123456789", "０１２３４５６７８９")


def family_name(chance: Random) -> Written:
    """One in twenty carries a character that is easily lost, one in two hundred a variation selector."""
    kinds = (ordinary, variant, selected, unmapped)
    (kind,) = chance.choices(kinds, weights=(_COMMON, _VARIANT, _SELECTED, _GAIJI))
    return kind(chance)


def family_names(chance: Random, count: int) -> list[Written]:
    """The same for a whole town, where even the rarest kind is there."""
    rare = [
        *(unmapped(chance, number) for number in range(_some(count, _GAIJI))),
        *(selected(chance, number) for number in range(_some(count, _SELECTED))),
        *(variant(chance, number) for number in range(_some(count, _VARIANT))),
    ][:count]
    found = rare + [ordinary(chance) for _ in range(count - len(rare))]
    chance.shuffle(found)
    return found


def _some(count: int, percent: float) -> int:
    return max(round(count * percent / 100), int(count >= 100))


def ordinary(chance: Random) -> Written:
    return chance.choices(SURNAMES, cum_weights=_REACH)[0]


def variant(chance: Random, number: int | None = None) -> Written:
    index = chance.randrange(len(RARE_FIRST) + len(RARE_LAST)) if number is None else number
    index %= len(RARE_FIRST) + len(RARE_LAST)
    if index < len(RARE_FIRST):
        return joined(RARE_FIRST[index], chance.choice(SUFFIXES))
    return joined(chance.choice(STEMS), RARE_LAST[index - len(RARE_FIRST)])


def selected(chance: Random, number: int | None = None) -> Written:
    return joined(SELECTED[chance.randrange(3) if number is None else number % 3], chance.choice(SUFFIXES))


def unmapped(chance: Random, number: int | None = None) -> Written:
    return joined(GAIJI[chance.randrange(2) if number is None else number % 2], chance.choice(SUFFIXES))


def given_name(chance: Random, sex: str) -> Written:
    return chance.choice(MEN if sex == "1" else WOMEN)


def era(day: date) -> str:
    return next(code for code, first in ERAS if day >= first)


def era_year(year: int) -> str:
    """A year as the register of a Japanese writes it: 昭和10年."""
    code, first = next((code, first) for code, first in ERAS if year > first.year or code == "1")
    return f"{ERA_NAMES[code]}{year - first.year + 1}年"


def serial(number: int) -> str:
    """A register number: a serial and its check digit, modulus 11, weights 2 to 7 (domain 4.1)."""
    digits = str(number)
    rest = sum(int(digit) * (2 + place % 6) for place, digit in enumerate(reversed(digits))) % 11
    return digits + ("0" if rest < 2 else str(11 - rest))


def juminhyo_code(number: int) -> str:
    """A 住民票コード that can never be issued: its check digit is off by one."""
    body = f"999{number:07d}"
    rest = sum(int(digit) * weight for digit, weight in zip(body, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2), strict=True)) % 11
    right = 0 if rest < 2 else 11 - rest
    return body + str((right + 1) % 10)
