"""Do the check digits follow the published rules? Vectors of domain 4.1."""

from __future__ import annotations

import pytest

from bus.resident import numbers


@pytest.mark.parametrize("number", ["123456789018", "983205673214", "123456789050", "000000000060", "999000000032"])
def test_a_kojin_bango_ends_in_its_check_digit(number):
    assert numbers.kojin_bango(number[:-1]) == number[-1]
    assert numbers.holds_kojin_bango(f"覚え {number}。")


@pytest.mark.parametrize("number", ["12345678903", "99900000010", "99900000029"])
def test_a_juminhyo_code_ends_in_its_check_digit(number):
    assert numbers.juminhyo_code(number[:-1]) == number[-1]


@pytest.mark.parametrize("number", ["7123456789012", "7000012050002", "7900012050002"])
def test_a_hojin_bango_begins_with_its_check_digit(number):
    assert numbers.hojin_bango(number[1:]) == number[0]


@pytest.mark.parametrize("code", ["012041", "141003", "473821", "134210"])
def test_a_municipality_code_ends_in_its_check_digit(code):
    assert numbers.is_checked(code, 6, "dantai")


def test_sample_municipalities_can_never_be_real():
    assert not numbers.is_checked("999999", 6, "dantai")
    assert numbers.is_checked("999997", 6, "dantai")


@pytest.mark.parametrize(("body", "digit"), [("1", "9"), ("2", "7"), ("12", "4"), ("12345", "5"), ("6", "0")])
def test_a_register_number_has_modulus_eleven_weights_two_to_seven(body, digit):
    assert numbers.atena_bango(body) == digit
    assert numbers.issued(int(body)) == (body + digit).zfill(15)


EVENT = "aeb05623-7660-4290-8196-3ebbbefc34f2"  # an id whose digits look like a number in groups of four


@pytest.mark.parametrize(
    "text", ["1234-5678-9018", "１２３４５６７８９０１８", "甲野１２３４　５６７８　９０１８", "no.123456789018x"]
)
def test_a_kojin_bango_is_seen_in_any_writing(text):
    assert numbers.holds_kojin_bango(text)


@pytest.mark.parametrize(
    "text", ["123456789019", "7123456789012", "000000000000019", "2026-04-01 12:00", "O'Brien", "", EVENT]
)
def test_other_digits_are_let_through(text):
    assert not numbers.holds_kojin_bango(text)
