"""Addresses as people write them in settings: `host:port`, and the URLs of brokers and of ourselves."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Self
from urllib.parse import SplitResult, urlsplit

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

from isocket.kit.loopback import is_loopback

_MOST_PORTS = 65_535
_HOST_PORT = re.compile(r"(?:\[(?P<six>[^\s\[\]]+)\]|(?P<host>[^\s:/@\[\]]+)):(?P<port>[0-9]{1,5})")
_NAME = re.compile(r"[\w\-]+(?:\.[\w\-]+)*\.?")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPort:
    """Where a server of ours listens."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the address in `host:port`; an IPv6 host stands in brackets.

        Raises:
            ValueError: it says how an address should look.
        """
        found = _HOST_PORT.fullmatch(text.strip())
        port = int(found["port"]) if found else 0
        if found is None or not 0 < port <= _MOST_PORTS or not _is_there(found["host"], found["six"]):
            raise ValueError(
                f"{text!r} is no address to listen on: write host:port, such as 127.0.0.1:8080 or [::1]:8080, with a "
                f"port from 1 to {_MOST_PORTS}"
            )
        return cls(host=found["six"] or found["host"], port=port)

    @property
    def is_loopback(self) -> bool:
        """Return whether only this machine can reach it."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        """Return it as people write it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def check_broker_url(url: str) -> None:
    """Look whether `url` names a broker and the bridge's login there; one on this machine may know nobody.

    Raises:
        ValueError: it says how the address should look, and never holds the secret.
    """
    example = "write mqtts://user:secret@broker.example.org:8883"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"the address cannot be read: {example}") from None
    if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
        raise ValueError(f"this is no broker's address: {example}")
    if port == 0:
        raise ValueError(f"nothing can be reached at port 0: {example}")
    _check_host_of(parts, example)
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError(f"there is something after the port: {example}")
    if "@" not in parts.netloc and is_loopback(parts.hostname):
        return
    if not parts.username or not parts.password:
        raise ValueError(f"the bridge's user and secret are missing: {example}")


def check_host(host: str, example: str) -> None:
    """Look whether `host` can be one: a name, or an IP address; `999.1.1.1` is neither.

    Raises:
        ValueError: it ends with `example`, which says how an address should look, and never holds the host: where an
            address is mistyped, a secret may stand there.
    """
    if not (_is_name(host) or _is_an(IPv4Address, host) or _is_an(IPv6Address, host)):
        raise ValueError(f"its host is neither a name nor an IP address: {example}")


def _check_host_of(parts: SplitResult, example: str) -> None:
    host = parts.hostname or ""
    bracketed = parts.netloc.rpartition("@")[2].startswith("[")
    if bracketed and not _is_an(IPv6Address, host):  # Python looks for itself from 3.11.4 on
        raise ValueError(f"what stands in brackets is no IPv6 address: {example}")
    check_host(host, example)


def _is_there(host: str | None, six: str | None) -> bool:
    return _is_an(IPv6Address, six or "") if host is None else _is_name(host) or _is_an(IPv4Address, host)


def _is_name(host: str) -> bool:
    """Return whether it may be a name: digits and points alone are meant for an IP address, whoever reads them."""
    return bool(_NAME.fullmatch(host)) and not host.replace(".", "").isdigit()


def _is_an(kind: type[IPv4Address | IPv6Address], host: str) -> bool:
    try:
        kind(host)
    except ValueError:
        return False
    return True


def public_origin(url: str) -> str:
    """Return `url` without a slash at its end.

    Raises:
        ValueError: it is not the address of a web site; it says how one looks.
    """
    example = "write http:// or https:// and a host, such as https://cloud.example.org"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"the address cannot be read: {example}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise ValueError(f"this is no web address: {example}")
    if parts.username or parts.query or parts.fragment:
        raise ValueError(f"there is more than scheme, host and path in it: {example}")
    _check_host_of(parts, example)
    return url.rstrip("/")


def web_address(url: str) -> None:
    """Look whether `url` is a web address that can be asked.

    Raises:
        ValueError: it says how one looks, and never holds the address, which may be a secret.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and parts.port != 0
        _check_host_of(parts, "")
    except ValueError:
        good = False
    if not good:
        raise ValueError("this is no web address: write http:// or https://, a host and a path")


def mailbox(text: str) -> str:
    """Return the one mailbox that `text` names.

    Raises:
        ValueError: it is none, or more.
    """
    try:
        return validate_email(text.strip(), allow_smtputf8=False, check_deliverability=False).normalized
    except EmailNotValidError:
        raise ValueError("this is no e-mail address: write one, such as name@example.org") from None


def phone_number(text: str) -> str:
    """Return the number in E.164.

    Raises:
        ValueError: no country has such a number.
    """
    try:
        number = phonenumbers.parse(text.strip(), None)
    except NumberParseException:
        number = None
    whole = ValidationResult.IS_POSSIBLE
    if number is None or phonenumbers.is_possible_number_with_reason(number) != whole:
        raise ValueError("this is no telephone number: write it with + and the country, such as +358401234567")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
