"""Telephone numbers as people type them, and as they are kept: E.164."""

import re
from typing import Annotated

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType
from pydantic import AfterValidator, Field

_TYPED = re.compile(r"\+[0-9 ()./\-]{3,30}")
_DEAR = frozenset(
    {PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.UAN, PhoneNumberType.VOICEMAIL}
)


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
    if not phonenumbers.is_possible_number(number):
        raise ValueError("The number is too long or too short for its country.")
    # Satellites, ships and services without a country (ITU-T E.164, 3.3 and Annex A) cost many times a usual message.
    if (
        number.country_code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS
        or phonenumbers.number_type(number) in _DEAR
    ):
        raise ValueError("Messages are not sent to numbers at a special rate.")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


Phone = Annotated[str, Field(min_length=4, max_length=32, examples=["+447700900123"]), AfterValidator(_phone)]
"""A telephone number with its country code."""
