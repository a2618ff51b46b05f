"""The text message alphabet."""
# ruff: noqa: RUF001 - letters that look like others are what is tested

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.channels.gsm7 import (
    DEFAULT_ALPHABET,
    EXTENSION,
    fits_one_segment,
    is_gsm7,
    septets,
    to_gsm7,
)

# The basic table of 3GPP TS 23.038, as code points by septet.
BASIC_TABLE = {
    **{septet: septet for septet in range(0x20, 0x7F)},  # ASCII, but for what follows
    **dict(enumerate([0x40, 0xA3, 0x24, 0xA5, 0xE8, 0xE9, 0xF9, 0xEC, 0xF2, 0xC7, 0x0A, 0xD8, 0xF8, 0x0D])),
    0x0E: 0xC5, 0x0F: 0xE5, 0x10: 0x394, 0x11: 0x5F, 0x12: 0x3A6, 0x13: 0x393, 0x14: 0x39B, 0x15: 0x3A9,
    0x16: 0x3A0, 0x17: 0x3A8, 0x18: 0x3A3, 0x19: 0x398, 0x1A: 0x39E, 0x1C: 0xC6, 0x1D: 0xE6, 0x1E: 0xDF,
    0x1F: 0xC9, 0x24: 0xA4, 0x40: 0xA1, 0x5B: 0xC4, 0x5C: 0xD6, 0x5D: 0xD1, 0x5E: 0xDC, 0x5F: 0xA7,
    0x60: 0xBF, 0x7B: 0xE4, 0x7C: 0xF6, 0x7D: 0xF1, 0x7E: 0xFC, 0x7F: 0xE0,
}  # fmt: skip
EXTENSION_TABLE = {
    0x0A: 0x0C, 0x14: 0x5E, 0x28: 0x7B, 0x29: 0x7D, 0x2F: 0x5C, 0x3C: 0x5B, 0x3D: 0x7E, 0x3E: 0x5D,
    0x40: 0x7C, 0x65: 0x20AC,
}  # fmt: skip


def test_the_basic_table_is_the_standards() -> None:
    ours = {septet: ord(char) for septet, char in enumerate(DEFAULT_ALPHABET) if septet != 0x1B}
    assert ours == BASIC_TABLE


def test_the_basic_table_has_127_characters_and_the_escape() -> None:
    assert (len(DEFAULT_ALPHABET), len(BASIC_TABLE)) == (128, 127)


def test_the_extension_table_is_the_standards() -> None:
    assert {septet: ord(char) for char, septet in EXTENSION.items()} == EXTENSION_TABLE


def test_the_escape_itself_is_no_character() -> None:
    assert not is_gsm7("\x1b")


@pytest.mark.parametrize("char", list("åäöøæÅÄÖØÆüÜéèàñß"))
def test_nordic_and_german_letters_cost_one_septet(char: str) -> None:
    assert septets(char) == 1


@pytest.mark.parametrize("char", sorted(EXTENSION))
def test_characters_of_the_extension_cost_two(char: str) -> None:
    assert septets(char) == 2


@pytest.mark.parametrize("char", ["°", "−", "–", "’", "\u00a0", "ð", "Я", "š", "🔥"])
def test_counting_a_foreign_character_says_which_one(char: str) -> None:
    with pytest.raises(ValueError, match=f"U\\+{ord(char):04X}"):
        septets(f"a{char}b")


def test_160_septets_fit_one_segment() -> None:
    assert fits_one_segment("ä" * 158 + "€")


def test_161_septets_do_not_fit() -> None:
    assert not fits_one_segment("ä" * 159 + "€")


def test_one_foreign_character_makes_even_a_short_text_not_fit() -> None:
    assert not fits_one_segment("21,5 °C")


@pytest.mark.parametrize(
    ("name", "spelt"),
    [
        ("Mökki Åland", "Mökki Åland"),
        ("Řežábkova chata", "Rezabkova chata"),
        ("Domek Łódź", "Domek Lodz"),
        ("Дача на Волге", "Dacha na Volge"),
        ("Щука", "Shchuka"),
        ("Хата Їжака", "Khata Yizhaka"),
        ("Σπίτι στο νησί", "ΣΠITI ΣTO NHΣI"),
        ("ψυγείο Λάρισας", "ΨYΓEIO ΛAPIΣAΣ"),
        ("5 µm", "5 um"),
        ("Sumarbústaður Þór", "Sumarbustadur Thor"),
        ("“Sauna” – it’s 21\u00a0°C", '"Sauna" - it\'s 21 C'),
        ("−3,5", "-3,5"),
        ("m² … ½", "m2 ... 1/2"),
        ("Sauna 🔥", "Sauna ."),
        ("Sauna ☀\ufe0f", "Sauna ."),
        ("a\u0308", "ä"),
        ("x\u0301", "x"),
        ("tab\there", "tab here"),
        ("bell\x07\x1b", "bell"),
        ("山小屋", "..."),
        ("", ""),
    ],
)
def test_a_name_is_spelt_in_the_alphabet(name: str, spelt: str) -> None:
    assert to_gsm7(name) == spelt


@given(st.text(max_size=40))
def test_whatever_is_spelt_is_in_the_alphabet(text: str) -> None:
    assert is_gsm7(to_gsm7(text))


@given(st.text(alphabet=sorted(set(DEFAULT_ALPHABET) - {"\x1b"} | set(EXTENSION)), max_size=40))
def test_a_text_in_the_alphabet_comes_back_unchanged(text: str) -> None:
    assert to_gsm7(text) == unicodedata.normalize("NFC", text)
