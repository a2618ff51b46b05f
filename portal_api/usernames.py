"""What people type as their name and place: an e-mail address, a language, a time zone."""

import re
from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field

from isocket.domain.letters import LANGUAGES, is_spoken
from isocket.kit.zones import time_zones

MAX_ADDRESS = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets
_OWN_NET = frozenset({"local", "localhost", "test", "invalid"})  # RFC 6761, RFC 6762
_STAND_IN = ".example.org"
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def _username(text: str) -> str:
    """Return one plain address: no display name, no list, an ASCII local part, the domain in lower case.

    A local part beyond ASCII is refused: many letters look alike, some fold into another
    (U+017F folds into s), and few mail servers take them.
    """
    plain = text.strip()
    # Names without a meaning in the public net are refused by the library, but have one in somebody's own.
    own_net = plain.rpartition("@")[2].rpartition(".")[2].lower() in _OWN_NET
    try:
        found = validate_email(
            plain + _STAND_IN if own_net else plain,
            allow_smtputf8=False,
            allow_display_name=False,
            allow_quoted_local=False,
            allow_domain_literal=False,
            strict=True,
            check_deliverability=False,
        )
    except EmailNotValidError:
        raise ValueError("This is not an e-mail address.") from None
    address = (found.ascii_email or "").removesuffix(_STAND_IN if own_net else "")
    if not 0 < len(address) <= MAX_ADDRESS:
        raise ValueError("This is not an e-mail address.")
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.lower()}"


def _language(text: str) -> str:
    if not (_LANGUAGE.fullmatch(text) and is_spoken(text)):
        raise ValueError(f"We write in {', '.join(LANGUAGES[:-1])} and {LANGUAGES[-1]}: name one, as `fi` or `en-GB`.")
    return text


def _time_zone(text: str) -> str:
    if text not in time_zones():
        raise ValueError("This is not a time zone such as `Europe/Helsinki`.")
    return text


Username = Annotated[str, Field(min_length=1, max_length=MAX_ADDRESS + 66), AfterValidator(_username)]
"""An e-mail address that names an account."""
Language = Annotated[str, Field(min_length=2, max_length=35), AfterValidator(_language)]
"""A language tag (RFC 5646) of a language that we write in, or one that is close enough to be read by its speakers."""
TimeZone = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_time_zone)]
"""A name from the IANA time zone database."""
