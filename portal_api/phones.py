"""Telephone numbers as people type them, and as they are kept: E.164; and what may go to which of them."""

import re
from collections.abc import Set as AbstractSet
from typing import Annotated

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType, ValidationResult
from pydantic import AfterValidator, Field

_TYPED = re.compile(r"\+[0-9 ()./\-]{3,30}")
_DEAR = frozenset(
    {
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN,
        PhoneNumberType.VOICEMAIL,
        PhoneNumberType.PAGER,
        PhoneNumberType.PERSONAL_NUMBER,  # as +44 70: looks like a mobile telephone, costs as a premium number
    }
)
_SHORTEST = 5  # digits of a national number at a special rate
_ONLY_CALLED = frozenset({PhoneNumberType.FIXED_LINE, PhoneNumberType.TOLL_FREE})


def _phone(text: str) -> str:
    """Return the number in E.164.

    The length must fit its country. Whether it is in use the verification code shows: lists of assigned ranges
    lag behind, and leave out the numbers reserved for examples.
    """
    typed = text.strip()
    if not _TYPED.fullmatch(typed):
        raise ValueError("Write the number with + and the country, as +358 40 1234567.")
    try:
        number = phonenumbers.parse(typed, None)
    except NumberParseException:
        raise ValueError("No country has such a number.") from None
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible == ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
        raise ValueError("The number is not whole: write its area code too, after + and the country.")
    if possible != ValidationResult.IS_POSSIBLE:
        raise ValueError("The number is too long or too short for its country.")
    # Satellites, ships and services without a country (ITU-T E.164, 3.3 and Annex A) cost many times a usual message.
    if number.country_code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS or _is_dear(number):
        raise ValueError("Messages are not sent to numbers at a special rate.")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _is_dear(number: phonenumbers.PhoneNumber) -> bool:
    """Return whether the number costs more than a usual one.

    Exchanges connect as soon as a number is complete and pass over the digits after it, so that a number in no list
    is looked at with fewer digits as well.
    """
    kind = phonenumbers.number_type(number)
    if kind != PhoneNumberType.UNKNOWN:
        return kind in _DEAR
    national = phonenumbers.national_significant_number(number)
    return any(
        phonenumbers.number_type(_national(number.country_code, national[:length])) in _DEAR
        for length in range(_SHORTEST, len(national))
    )


def _national(country_code: int | None, digits: str) -> phonenumbers.PhoneNumber:
    """Return the number with these digits; zeros at its beginning are a part of it, as in Italy."""
    zeros = len(digits) - len(digits.lstrip("0"))
    return phonenumbers.PhoneNumber(
        country_code=country_code,
        national_number=int(digits),
        italian_leading_zero=zeros > 0,
        number_of_leading_zeros=zeros or None,
    )


def takes_calls(phone: str) -> bool:
    """Return whether this number (E.164) may be called unproved: what is in no list may cost anything."""
    number = _read(phone)
    return number is not None and phonenumbers.number_type(number) != PhoneNumberType.UNKNOWN


def takes_texts(phone: str) -> bool:
    """Return whether texts can arrive at this number (E.164), as far as its range tells: a landline has only calls."""
    number = _read(phone)
    return number is None or phonenumbers.number_type(number) not in _ONLY_CALLED


def is_served(phone: str, countries: AbstractSet[str]) -> bool:
    """Return whether this number (E.164) belongs to one of `countries` (ISO 3166).

    Where several share a code, as +44 with the islands, the range decides; one that is in no list of assigned ranges
    counts for the first of them.
    """
    number = _read(phone)
    if number is None:
        return False
    first = phonenumbers.region_code_for_country_code(number.country_code or 0)
    return (phonenumbers.region_code_for_number(number) or first) in countries


def _read(phone: str) -> phonenumbers.PhoneNumber | None:
    """Return a kept number; None for one that today's lists do not know any more."""
    try:
        return phonenumbers.parse(phone, None)
    except NumberParseException:
        return None


Phone = Annotated[str, Field(min_length=4, max_length=32, examples=["+447700900123"]), AfterValidator(_phone)]
"""A telephone number with its country code."""
