"""What are the people of an invented town called, and where do they live? Every name and place here is made up."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Final, NamedTuple


class Written(NamedTuple):
    """A name as it is written, and its reading."""

    text: str
    kana: str


# Family names from the ten stems, so that they are seen to be invented (domain 6.7).
STEMS: Final = (
    Written("甲", "コウ"), Written("乙", "オツ"), Written("丙", "ヘイ"), Written("丁", "テイ"), Written("戊", "ボ"),
    Written("己", "キ"), Written("庚", "カノエ"), Written("辛", "カノト"), Written("壬", "ミズノエ"),
    Written("癸", "ミズノト"),
)  # fmt: skip
SUFFIXES: Final = (
    Written("野", "ノ"), Written("川", "カワ"), Written("山", "ヤマ"), Written("田", "タ"), Written("井", "イ"),
    Written("村", "ムラ"), Written("島", "シマ"), Written("沢", "サワ"), Written("原", "ハラ"), Written("谷", "タニ"),
    Written("本", "モト"), Written("森", "モリ"), Written("池", "イケ"), Written("塚", "ヅカ"),
)  # fmt: skip
# Characters that programs lose: not in JIS X 0208, outside the BMP, changed by NFC, with a variation selector.
RARE_FIRST: Final = (
    Written("髙", "タカ"), Written("𠮷", "ヨシ"), Written("葛\U000e0100", "カツ"), Written("\ufa19", "カミ"),
    Written("\ufa1b", "フク"), Written("鷗", "カモメ"), Written("噓", "ウソ"),
)  # fmt: skip
RARE_LAST: Final = (Written("﨑", "サキ"), Written("邉", "ベ"), Written("𨘢", "ナベ"), Written("濵", "ハマ"))

MEN: Final = tuple(
    Written(*pair)
    for pair in (
        ("一郎", "イチロウ"), ("二郎", "ジロウ"), ("三郎", "サブロウ"), ("太一", "タイチ"), ("誠", "マコト"),
        ("学", "マナブ"), ("明", "アキラ"), ("剛", "ツヨシ"), ("光", "ヒカル"), ("陽", "ヨウ"),
        ("大和", "ヤマト"), ("樹", "イツキ"), ("直", "ナオ"), ("健", "ケン"), ("翔", "ショウ"), ("蓮", "レン"),
        ("湊", "ミナト"), ("悠真", "ユウマ"), ("朔", "サク"), ("清", "キヨシ"), ("茂", "シゲル"),
        ("勇", "イサム"), ("実", "ミノル"), ("隆", "タカシ"), ("進", "ススム"), ("修", "オサム"),
        ("博", "ヒロシ"), ("徹", "トオル"), ("亮", "リョウ"), ("拓也", "タクヤ"), ("大輔", "ダイスケ"),
        ("直樹", "ナオキ"), ("和也", "カズヤ"),
    )
)  # fmt: skip
WOMEN: Final = tuple(
    Written(*pair)
    for pair in (
        ("京子", "キョウコ"), ("幸子", "サチコ"), ("桜", "サクラ"), ("松子", "マツコ"), ("結", "ユイ"),
        ("心", "ココロ"), ("冬子", "フユコ"), ("春江", "ハルエ"), ("涼子", "リョウコ"), ("由美", "ユミ"),
        ("静", "シズカ"), ("好江", "ヨシエ"), ("陽葵", "ヒマリ"), ("凛", "リン"), ("紬", "ツムギ"),
        ("芽衣", "メイ"), ("葵", "アオイ"), ("美咲", "ミサキ"), ("愛", "アイ"), ("彩", "アヤ"),
        ("恵", "メグミ"), ("直美", "ナオミ"), ("久美子", "クミコ"), ("洋子", "ヨウコ"), ("和子", "カズコ"),
        ("文子", "フミコ"), ("節子", "セツコ"), ("千代", "チヨ"), ("美穂", "ミホ"), ("真由美", "マユミ"),
        ("香織", "カオリ"), ("智子", "トモコ"), ("裕子", "ユウコ"),
    )
)  # fmt: skip
# Families from elsewhere: the word "sample" in some languages, so that nobody is meant.
ROMAN_FAMILIES: Final = (
    Written("SAMPLE", "サンプル"), Written("MUSTER", "ムスター"), Written("MUESTRA", "ムエストラ"),
    Written("ESEMPIO", "エゼンピオ"), Written("PRZYKLAD", "プシクワト"), Written("CONTOH", "チョントー"),
)  # fmt: skip
ROMAN_GIVEN: Final = (
    Written("TEST", "テスト"), Written("ALPHA", "アルファ"), Written("BETA", "ベータ"), Written("GAMMA", "ガンマ"),
    Written("DELTA", "デルタ"), Written("SIGMA", "シグマ"), Written("OMEGA", "オメガ"),
)  # fmt: skip

QUARTERS: Final = ("中央", "北", "東", "南", "西", "緑ケ丘", "表")
DISTRICTS: Final = (
    *(f"{quarter}{number}丁目" for quarter in QUARTERS for number in "一二三"),
    "字サンプル",
    "字ダミー",
)
BUILDINGS: Final = ("サンプルハイツ", "サンプルコーポ", "メゾンダミー", "ダミー荘", "サンプル団地Ａ棟", "ソノタ表参道")

ERAS: Final = (  # code, first day; the newer era on a day that has two names (domain 4.2)
    ("5", date(2019, 5, 1)), ("4", date(1989, 1, 8)), ("3", date(1926, 12, 25)), ("2", date(1912, 7, 30)),
    ("1", date(1868, 1, 25)),
)  # fmt: skip
WIDE: Final = str.maketrans("0123456789", "０１２３４５６７８９")


def family_name(chance: Random) -> Written:
    """One in twenty carries a character that is easily lost, one in two hundred a variation selector."""
    draw = chance.random()
    if draw < 0.03:
        first, last = chance.choice(RARE_FIRST), chance.choice(SUFFIXES)
    elif draw < 0.055:
        first, last = chance.choice(STEMS), chance.choice(RARE_LAST)
    else:
        first, last = chance.choice(STEMS), chance.choice(SUFFIXES)
    return Written(first.text + last.text, first.kana + last.kana)


def given_name(chance: Random, sex: str) -> Written:
    return chance.choice(MEN if sex == "1" else WOMEN)


def era(day: date) -> str:
    return next(code for code, first in ERAS if day >= first)


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
