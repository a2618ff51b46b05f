"""What a provider of text messages and calls takes for a telephone number."""

import re

E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def is_number(address: str) -> bool:
    """Whether `address` is a telephone number in the form of E.164."""
    return E164.fullmatch(address) is not None
