"""Addresses that customers may have us call: how they must look, and which places we never call.

Somebody who may name an address could otherwise have this server speak to machines that only it can reach: its own
network, its own services, a cloud's metadata ("server-side request forgery", OWASP).
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from isocket.kit.loopback import is_loopback

LONGEST_URL = 2048
HTTPS_PORT = 443
FIRST_FREE_PORT = 1024  # below it are the ports of other services: mail, remote shells, name servers

# IPv4 inside IPv6 where a network translates between both (RFC 6052, section 2.1); its own kind of mapped address.
_TRANSLATED = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291: everything else is local, reserved or multicast
_TUNNELS = (IPv6Network("2001::/32"), IPv6Network("2002::/16"))  # Teredo and 6to4 lead to an IPv4 address inside
_DOCUMENTATION = IPv6Network("3fff::/20")  # RFC 9637; newer than the tables of some versions of Python


class TargetError(ValueError):
    """The address is not one that we call; the message says what to write."""


def is_outside(address: str) -> bool:
    """Return whether a network address is a public one, as opposed to our own network or none at all.

    An IPv4 address inside an IPv6 one counts for what it is inside. False for a text that is no address.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        inside = _inside(parsed)
        return _is_public_v6(parsed) if inside is None else _is_public_v4(inside)
    return _is_public_v4(parsed)


def check_target(url: str, *, loopback: bool = False) -> str:
    """Return `url` if it is one that customers may have us call: HTTPS, and no place of ours by its looks.

    What its host's name leads to is seen only when it is called, and is looked at each time anew. With `loopback`
    this machine is allowed too, also without encryption.

    Raises:
        TargetError: it says how such an address looks.
    """
    example = "Write an address such as https://hooks.example.org/alarm."
    if len(url) > LONGEST_URL:
        raise TargetError(f"The address is longer than {LONGEST_URL} characters.")
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise TargetError(f"The address holds characters that it must not hold. {example}")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise TargetError(f"The address cannot be read. {example}") from None
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise TargetError(f"The address has no host, or a user, a password or a fragment in it. {example}")
    here = is_loopback(host) or host.endswith(".localhost")
    if here and loopback and parts.scheme in {"http", "https"}:
        return url
    if parts.scheme != "https":
        raise TargetError(f"The address must begin with https://. {example}")
    if here or _is_place_of_ours(host):
        raise TargetError("The address must be reachable on the internet, not only on a network of its own.")
    if port is not None and port != HTTPS_PORT and port < FIRST_FREE_PORT:
        raise TargetError(f"The port must be {HTTPS_PORT}, or {FIRST_FREE_PORT} and above.")
    return url


def _is_place_of_ours(host: str) -> bool:
    """Return whether a host is an address that is not public, or a name that no public server has."""
    try:
        ip_address(host)
    except ValueError:
        return "." not in host
    return not is_outside(host)


def _inside(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFF_FFFF) if address in _TRANSLATED else None


def _is_public_v4(address: IPv4Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


def _is_public_v6(address: IPv6Address) -> bool:
    inside_another = any(address in each for each in (*_TUNNELS, _DOCUMENTATION))
    return address in _GLOBAL_UNICAST and address.is_global and not inside_another
