"""How the text of a setting becomes its value; what is wrong says how to write it."""

import re
from datetime import date
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import unquote, urlsplit
from zoneinfo import available_timezones

import phonenumbers

from isocket.app.addresses import (
    HostPort,
    check_broker_url,
    check_host,
    mailbox,
    phone_number,
    public_origin,
    web_address,
)
from isocket.domain.authorities import AUTHORITIES
from isocket.domain.countries import countries
from isocket.domain.tariff import parse_prices, to_micro
from isocket.kit.unreadable import unreadable

Networks = tuple[IPv4Network | IPv6Network, ...]
_URI = re.compile(r"[!-~]+")


def read_listen(value: object) -> object:
    """Return where something listens."""
    return HostPort.parse(value) if isinstance(value, str) else value


def read_origin(value: object) -> object:
    """Return an origin of addresses; empty stays empty."""
    return public_origin(value) if isinstance(value, str) and value else value


def read_broker(value: object) -> object:
    """Return a broker's address, once it is one."""
    if isinstance(value, str):
        check_broker_url(value)
    return value


def read_mailbox(value: object) -> object:
    """Return an e-mail address."""
    return mailbox(value) if isinstance(value, str) else value


def read_smtp(value: object) -> object:
    """Return a mail server's address, once mail can be handed over there."""
    from alerts.channels.smtp import parse_smtp_url

    if isinstance(value, str):
        check_host(parse_smtp_url(value).host, "it should look like smtps://user:password@mail.example.org:465")
    return value


def read_sender(value: object) -> object:
    """Return who sends every mail, once a mail can be written so."""
    from alerts.channels.mail_text import AddressInvalidError, parse_sender

    if not isinstance(value, str):
        return value
    try:
        parse_sender(value)
    except AddressInvalidError:
        raise ValueError(
            "this is no sender of mails: write one mailbox, with a name or without, such as iSocket "
            "<no-reply@example.org>; a name with a comma stands in double quotes"
        ) from None
    return value


def read_contact(value: object) -> object:
    """Return where a security hole is reported, a URI as RFC 9116 wants it; a mailbox alone becomes `mailto:`."""
    if not isinstance(value, str):
        return value
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


def read_phone(value: object) -> object:
    """Return a telephone number in E.164."""
    return phone_number(value) if isinstance(value, str) else value


def read_web(value: object) -> object:
    """Return a web address, once it is one."""
    if isinstance(value, str):
        web_address(value)
    return value


def read_networks(value: object) -> object:
    """Return networks."""
    if not isinstance(value, str):
        return value
    try:
        return tuple(ip_network(each.strip()) for each in value.split(",") if each.strip())
    except ValueError:
        raise ValueError("write networks with commas between, such as 10.0.0.0/8,fd00::/8") from None


def read_day_of_year(value: object) -> object:
    """Return a day that comes in some year, as month and day; the 29th of February is one."""
    if not isinstance(value, str):
        return value
    try:
        if re.fullmatch(r"[0-9]{2}-[0-9]{2}", value):
            date.fromisoformat(f"2024-{value}")
            return value
    except ValueError:
        pass
    raise ValueError("write month and day of a day that there is, such as 12-31")


def read_countries(value: object) -> object:
    """Return countries to which messages go."""
    if not isinstance(value, str):
        return value
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


def read_provider_countries(value: object) -> object:
    """Return where a provider is: no country, one, or several; a name in words would count as outside the EEA."""
    if not isinstance(value, str):
        return value
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


def read_store(value: object) -> object:
    """Return the path of a store."""
    if isinstance(value, str) and "://" in value:
        raise ValueError("this version stores in an SQLite file: write the path of one")
    return read_file(value)


def read_file(value: object) -> object:
    """Return the path of a file, which may be still to be made."""
    if not isinstance(value, str):
        return value
    try:
        is_folder = Path(value).is_dir()
    except OSError as error:
        raise ValueError(f"no file can be there: {unreadable(error)}") from None
    if is_folder:
        raise ValueError(f"{value} is a folder: write the path of a file")
    return value


def read_prices(value: object) -> object:
    """Return prices, once they can be read."""
    if isinstance(value, str):
        parse_prices(value)
    return value


def read_currency(value: object) -> object:
    """Return a currency by its letters."""
    if isinstance(value, str) and not re.fullmatch(r"[A-Z]{3}", value):
        raise ValueError("this is no currency: write its three capital letters, such as EUR")
    return value


def read_level(value: object) -> object:
    """Return how much is logged."""
    return value.upper() if isinstance(value, str) else value


def read_amount(value: object) -> object:
    """Return an amount of money, once it is one."""
    amount = str(value).strip()
    to_micro(amount)
    return amount
