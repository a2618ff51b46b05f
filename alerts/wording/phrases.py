"""The parts of a message: the socket's name, what is wrong, and when, as one reader would say them."""

import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from alerts.channels.gsm7 import septets, to_gsm7
from alerts.wording.de import GERMAN
from alerts.wording.en import ENGLISH
from alerts.wording.fi import FINNISH
from alerts.wording.nb import NORWEGIAN
from alerts.wording.sv import SWEDISH
from alerts.wording.texts import Texts
from isocket.domain.devices import NEUTRAL_NAME, neutral_name
from isocket.domain.incidents import Cause, Incident
from isocket.domain.letters import spoken
from isocket.kit.zones import zone_named

LABEL_SEPTETS = 16
NAME_CHARACTERS = 60  # of a name in an e-mail

WORDS: Mapping[str, Texts] = MappingProxyType(
    {"en": ENGLISH, "fi": FINNISH, "sv": SWEDISH, "de": GERMAN, "nb": NORWEGIAN}
)

_JOINER = "\u200d"
_TONES = range(0x1F3FB, 0x1F400)  # of skin, behind the emoji that they colour
_TAGS = range(0xE0020, 0xE0080)  # which make a region's flag of a black one
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)  # two of them are one flag
BRACKETS = re.compile(r"\[([^\]]*)\]")
_CONTROLS = MappingProxyType(dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), " "))
# An e-mail address, a phone or serial number, a socket's id as `isocket device provision` makes it: 98 of 100 of these
# have a digit, which a word such as Isaakstrasse has not.
_TELLING = re.compile(r"@|(?:\d[\s\-./()]*){7}|\bis(?=[a-z]*\d)[0-9a-hjkmnp-tv-z]{10}\b", re.IGNORECASE)
_TOO_MUCH = 100_000.0  # no thermometer, battery or credit says that


def words(language: str) -> Texts:
    """Return the words of the language that serves a reader of `language`."""
    return WORDS.get(language) or WORDS[spoken(language)]


def plain_name(name: str | None, number: int | None = None) -> str:
    """Return the socket's name on one line, a neutral one where there is none or where it would tell who it is.

    An owner may have put a phone number or an address for e-mail into it: messages carry neither. `number` is which of
    its owner's it is, so that several without a name can be told apart.
    """
    return _own_name(name) or neutral_name(number)


def _own_name(name: str | None) -> str:
    """Return the name that a message may carry, nothing where there is none."""
    seen = unicodedata.normalize("NFC", name or "").translate(_CONTROLS)
    line = " ".join(seen.split())
    return "" if _TELLING.search(line) else line


def mail_name(name: str | None, number: int | None = None) -> str:
    """Return the socket's name for an e-mail, see `plain_name`."""
    return _whole(_own_name(name), NAME_CHARACTERS).rstrip() or neutral_name(number)


def _whole(text: str, most: int) -> str:
    """Return the first `most` code points of a text, fewer where these would end inside of what is seen as one sign.

    One sign of more than `most` code points is left out whole.
    """
    end = min(most, len(text))
    while 0 < end < len(text) and _is_inside(text, end):
        end -= 1
    return text[:end]


def _is_inside(text: str, at: int) -> bool:
    """Return whether what stands before `at` and what stands there are parts of one sign."""
    after = ord(text[at])
    if _JOINER in text[at - 1 : at + 1] or unicodedata.category(text[at]).startswith("M"):
        return True
    if after in _TONES or after in _TAGS:
        return True
    letters = 0
    while letters < at and ord(text[at - 1 - letters]) in _FLAG_LETTERS:
        letters += 1
    return after in _FLAG_LETTERS and letters % 2 == 1


def sms_name(name: str | None, room: int, number: int | None = None) -> str:
    """Return the socket's name in the GSM-7 alphabet and in at most `room` septets, see `plain_name`."""
    spelt = cut(to_gsm7(_own_name(name)), room)
    if any(map(str.isalnum, spelt)):  # else it is nothing but signs we could not spell
        return spelt
    neutral = neutral_name(number)
    return neutral if septets(neutral) <= room else cut(NEUTRAL_NAME, room)  # a number cut short is another's


def cut(text: str, room: int) -> str:
    """Return as much of a GSM-7 text as `room` septets hold."""
    kept = text
    while septets(kept) > room:
        kept = kept[:-1]
    return kept.strip()


def what(texts: Texts, incident: Incident, *, clear: bool, label: str | None, is_within: bool = False) -> str:
    """Return what is wrong, or that it no longer is, with the value and the probe that are known.

    `is_within`: the value is inside the limit again, but not by enough to be over.
    """
    phrase = (texts.clear if clear else texts.alarm)[incident.cause]
    if is_within and not clear:
        phrase = texts.within.get(incident.cause, phrase)
    if clear and incident.why_over is not None:
        phrase = texts.unwatched.get(incident.why_over, phrase)
    value = _value(texts, incident, clear=clear)
    phrase = BRACKETS.sub("" if value is None else lambda found: found.group(1), phrase)
    phrase = phrase.replace("{value}", value or "")
    if incident.part_of is not None and not clear:
        phrase += texts.elsewhere
    where = _where(texts, incident, label)
    return f"{phrase} ({where})" if where else phrase


def _value(texts: Texts, incident: Incident, *, clear: bool) -> str | None:
    """Return what the phrase tells beyond the cause: a measured value, of an unstable one what it is and how often."""
    if incident.cause is Cause.FLAPPING and not clear:
        return None if incident.about is None else BRACKETS.sub("", texts.alarm[incident.about])
    if clear and incident.cause is not Cause.FLAPPING:
        return None
    return number(incident.value, texts.decimal_mark)


def number(value: float | None, decimal_mark: str) -> str | None:
    """Return a measured value with at most one decimal, None where it is not one that can be measured."""
    if value is None or not math.isfinite(value) or abs(value) >= _TOO_MUCH:
        return None
    text = f"{value:.1f}".removesuffix(".0")
    return ("0" if text == "-0" else text).replace(".", decimal_mark)


def local_time(texts: Texts, instant: datetime, zone_name: str) -> str:
    """Return day and time where the reader is; a zone that is unknown or UTC is said to be UTC."""
    zone = zone_named(zone_name)
    local = instant.astimezone(zone)
    text = texts.time.format(
        day=local.day,
        month=local.month,
        month_name=texts.months[local.month - 1] if texts.months else "",
        hour=local.hour,
        minute=local.minute,
    )
    return f"{text} UTC" if zone.key == "UTC" else text


def _where(texts: Texts, incident: Incident, label: str | None) -> str:
    if incident.probe is None:
        return ""
    chosen = cut(to_gsm7(plain_name(label)), LABEL_SEPTETS) if label else ""
    if chosen and chosen != NEUTRAL_NAME:
        return chosen
    pattern = texts.input if incident.cause is Cause.INPUT else texts.sensor
    return pattern.format(number=incident.probe + 1)
