"""How the text of a setting becomes its value; what is wrong says how to write it."""

import re
from collections.abc import Callable
from datetime import date
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import unquote, urlsplit
from zoneinfo import available_timezones

import phonenumbers
from pydantic import BeforeValidator

from isocket.app.addresses import check_broker_url, check_host, phone_number, public_origin, web_address
from isocket.domain.authorities import AUTHORITIES
from isocket.domain.countries import countries
from isocket.domain.tariff import parse_prices, to_micro
from isocket.kit.unreadable import unreadable

Networks = tuple[IPv4Network | IPv6Network, ...]
_URI = re.compile(r"[!-~]+")


def by(read: Callable[[str], object]) -> BeforeValidator:
    """Have the text of a setting read so. What is no text is left to its type, which says what to write."""
    return BeforeValidator(lambda value: read(value) if isinstance(value, str) else value)


def read_origin(value: str) -> str:
    """Return an origin of addresses; empty stays empty."""
    return public_origin(value) if value else value


def read_broker(value: str) -> str:
    """Return a broker's address, once it is one."""
    check_broker_url(value)
    return value


def read_smtp(value: str) -> str:
    """Return a mail server's address, once mail can be handed over there."""
    from alerts.channels.smtp import parse_smtp_url

    check_host(parse_smtp_url(value).host, "it should look like smtps://user:password@mail.example.org:465")
    return value


def read_sender(value: str) -> str:
    """Return who sends every mail, once a mail can be written so."""
    from alerts.channels.mail_text import AddressInvalidError, parse_sender

    try:
        parse_sender(value)
    except AddressInvalidError:
        raise ValueError(
            "this is no sender of mails: write one mailbox, with a name or without, such as iSocket "
            "<no-reply@example.org>; a name with a comma stands in double quotes"
        ) from None
    return value


def read_contact(value: str) -> str:
    """Return where a security hole is reported, a URI as RFC 9116 wants it; a mailbox alone becomes `mailto:`."""
    given = value.strip()
    uri = given if ":" in given else f"mailto:{given}"
    if not (_URI.fullmatch(uri) and _leads_to_somebody(uri)):
        raise ValueError(
            "nobody is reached by this: write mailto:security@example.org, https://example.org/security or "
            "tel:+358401234567"
        )
    return uri


def _leads_to_somebody(uri: str) -> bool:
    from alerts.channels.mail_text import AddressInvalidError, parse_mailbox

    try:
        parts = urlsplit(uri)
        if parts.scheme == "mailto":
            for each in parts.path.split(","):
                parse_mailbox(unquote(each))
        elif parts.scheme == "tel":
            phone_number(parts.path.partition(";")[0])
        else:
            web_address(uri)
    except (AddressInvalidError, ValueError):
        return False
    return parts.scheme != "http"  # RFC 9116 wants https


def read_web(value: str) -> str:
    """Return a web address, once it is one."""
    web_address(value)
    return value


def read_networks(value: str) -> Networks:
    """Return networks."""
    try:
        return tuple(ip_network(each.strip()) for each in value.split(",") if each.strip())
    except ValueError:
        raise ValueError("write networks with commas between, such as 10.0.0.0/8,fd00::/8") from None


def read_day_of_year(value: str) -> str:
    """Return a day that comes in some year, as month and day; the 29th of February is one."""
    try:
        if re.fullmatch(r"[0-9]{2}-[0-9]{2}", value):
            date.fromisoformat(f"2024-{value}")
            return value
    except ValueError:
        pass
    raise ValueError("write month and day of a day that there is, such as 12-31")


def read_countries(value: str) -> tuple[str, ...]:
    """Return countries to which messages go."""
    codes = tuple(each.strip().upper() for each in value.split(",") if each.strip())
    unknown = [each for each in codes if each not in phonenumbers.SUPPORTED_REGIONS]
    if unknown or not codes:
        raise ValueError("write countries by their two letters with commas between, such as FI,SE,NO")
    return tuple(sorted(set(codes)))


def read_office_country(value: object) -> object:
    """Return the country of the office, which has an authority to complain to."""
    code = str(value).strip().upper()
    if code not in AUTHORITIES:
        raise ValueError("write one country of the EEA, or GB, by its two letters, such as FI")
    return code


def read_provider_countries(value: str) -> str:
    """Return where a provider is: no country, one, or several; a name in words would count as outside the EEA."""
    given = [each.strip() for each in value.split(",") if each.strip()]
    strange = [each for each in given if each.upper() not in countries()]
    if strange:
        raise ValueError(
            f"{strange[0]} is no country of ISO 3166: write its two letters, several with commas between, "
            "such as DE or US,IE"
        )
    return ", ".join(dict.fromkeys(each.upper() for each in given))


def read_office_zone(value: object) -> object:
    """Return the time zone of the office."""
    if str(value) not in available_timezones():
        raise ValueError("write a time zone such as Europe/Helsinki")
    return value


def read_store(value: str) -> str:
    """Return the path of a store."""
    if "://" in value:
        raise ValueError("this version stores in an SQLite file: write the path of one")
    return read_file(value)


def read_file(value: str) -> str:
    """Return the path of a file, which may be still to be made."""
    try:
        is_folder = Path(value).is_dir()
    except OSError as error:
        raise ValueError(f"no file can be there: {unreadable(error)}") from None
    if is_folder:
        raise ValueError(f"{value} is a folder: write the path of a file")
    return value


def read_prices(value: str) -> str:
    """Return prices, once they can be read."""
    parse_prices(value)
    return value


def read_currency(value: str) -> str:
    """Return a currency by its letters."""
    if not re.fullmatch(r"[A-Z]{3}", value):
        raise ValueError("this is no currency: write its three capital letters, such as EUR")
    return value


def read_amount(value: object) -> object:
    """Return an amount of money, once it is one."""
    amount = str(value).strip()
    to_micro(amount)
    return amount
