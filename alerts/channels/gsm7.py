"""The alphabet of text messages (GSM 03.38, 3GPP TS 23.038 section 6.2.1), and writing a text in it.

A text with one character outside it gets 70 characters a segment in place of 160.
"""
# ruff: noqa: RUF001 - letters that look like others are what the tables below are about

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

SEGMENT_SEPTETS = 160

# Position in the string = the septet. 0x1B is the escape and no character; U+001B stands in its place here.
DEFAULT_ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
# Written as the escape and one more septet: each costs two.
EXTENSION: Mapping[str, int] = MappingProxyType(
    {
        "\f": 0x0A,
        "^": 0x14,
        "{": 0x28,
        "}": 0x29,
        "\\": 0x2F,
        "[": 0x3C,
        "~": 0x3D,
        "]": 0x3E,
        "|": 0x40,
        "€": 0x65,
    }
)

_SINGLE = frozenset(DEFAULT_ALPHABET) - {"\x1b"}  # of one septet each
_LETTERS = _SINGLE | frozenset(EXTENSION)
_FALLBACK = "."


def is_gsm7(text: str) -> bool:
    """Whether every character of `text` is in the alphabet or its extension."""
    return _LETTERS.issuperset(text)


def septets(text: str) -> int:
    """Return how many septets `text` takes.

    Raises ValueError for a character outside the alphabet: write the text with `to_gsm7` first.
    """
    if _SINGLE.issuperset(text):
        return len(text)
    if not is_gsm7(text):
        foreign = next(char for char in text if char not in _LETTERS)
        raise ValueError(f"U+{ord(foreign):04X} is not in the GSM alphabet: pass the text through to_gsm7")
    return len(text) + sum(map(text.count, EXTENSION))


def fits_one_segment(text: str) -> bool:
    """Whether `text` goes out as one segment of the GSM alphabet."""
    return is_gsm7(text) and septets(text) <= SEGMENT_SEPTETS


def to_gsm7(text: str) -> str:
    """Return `text` in the alphabet: foreign marks dropped, Cyrillic spelt in Latin, Greek in capitals, the rest a dot.

    For names that people chose; a text that is already in the alphabet comes back unchanged.
    """
    if is_gsm7(text):
        return text
    return unicodedata.normalize("NFC", text).translate(_SPELT)


class _Spelt(dict[int, str]):
    """How each character is written, by its code point; what is not in the table is worked out where it is met."""

    def __missing__(self, code_point: int) -> str:
        char = chr(code_point)
        category = unicodedata.category(char)
        if category.startswith("Z") or char == "\t":
            return " "
        if category in {"Mn", "Me", "Cf", "Cc"}:  # accents, variation selectors, direction marks, controls: unseen
            return ""
        plain = "".join(part for part in unicodedata.normalize("NFKD", char) if unicodedata.category(part) != "Mn")
        if plain == char:
            return _FALLBACK
        return plain.translate(self) or _FALLBACK


_LOWER_CYRILLIC = MappingProxyType(
    {
        "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh", "з": "z", "и": "i",
        "й": "y", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t",
        "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ы": "y",
        "ь": "", "э": "e", "ю": "yu", "я": "ya", "є": "ye", "і": "i", "ї": "yi", "ґ": "g", "ў": "u",
    }
)  # fmt: skip

# The alphabet has those Greek capitals that no Latin one looks like.
_GREEK_CAPITALS = MappingProxyType(dict(zip("ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ", "ABΓΔEZHΘIKΛMNΞOΠPΣTYΦXΨΩ", strict=True)))

_SPELLINGS: Mapping[str, str] = MappingProxyType(
    dict(_LOWER_CYRILLIC)
    | dict(_GREEK_CAPITALS)
    | {capital.lower(): looks for capital, looks in _GREEK_CAPITALS.items()}
    | {lower.upper(): latin.capitalize() for lower, latin in _LOWER_CYRILLIC.items()}
    | {
        "‘": "'", "’": "'", "‚": "'", "‛": "'", "`": "'", "´": "'", "′": "'", "“": '"', "”": '"', "„": '"',
        "‟": '"', "«": '"', "»": '"', "‹": "'", "›": "'", "″": '"', "‐": "-", "‑": "-", "‒": "-", "–": "-",
        "—": "-", "―": "-", "−": "-", "°": "", "·": ".", "•": "*", "×": "x", "÷": "/", "⁄": "/", "±": "+-",
        "→": "->", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "ł": "l", "Ł": "L", "þ": "th", "Þ": "Th", "œ": "oe",
        "Œ": "OE", "ı": "i", "ħ": "h", "Ħ": "H", "ŋ": "ng", "Ŋ": "Ng", "ẞ": "SS", "ə": "e", "Ə": "E",
        "ς": "Σ", "µ": "u", "©": "(c)", "®": "(R)", "¢": "c",
    }
)  # fmt: skip

_SPELT = _Spelt({ord(char): char for char in _LETTERS} | {ord(char): spelt for char, spelt in _SPELLINGS.items()})
