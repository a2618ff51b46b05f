"""Whose network a request comes from, as far as limits need to know. Nothing here is stored or logged as it is."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from aiohttp import web

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_of(request: web.Request, trusted_proxies: Sequence[Network] = ()) -> str:
    """Return the address of the client: IPv4 whole, IPv6 as its /64, since a household has all of that.

    `X-Forwarded-For` is read from the right, only as far as the hops are in `trusted_proxies`; anything else in
    it is what a stranger wrote.
    """
    peer = _address(request.remote or "")
    hops = [part.strip() for value in request.headers.getall("X-Forwarded-For", []) for part in value.split(",")]
    while peer is not None and hops and any(peer in each for each in trusted_proxies):
        told = _address(hops.pop())
        if told is None:
            break
        peer = told
    if peer is None:
        return "unknown"
    if isinstance(peer, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((peer, 64), strict=False))
    return str(peer)


def host_of(request: web.Request) -> tuple[str, int | None]:
    """Return name and port by which the client says to have reached us; an empty name where it says nonsense."""
    try:
        named = urlsplit(f"//{request.host}")
        host, port = named.hostname or "", named.port
    except ValueError:
        return "", None
    return host, port


def family_of(request: web.BaseRequest) -> str:
    """Return `ipv4`, `ipv6` or `other`: all that the log says of an address."""
    peer = _address(request.remote or "")
    return "other" if peer is None else f"ipv{peer.version}"


@lru_cache(maxsize=4096)
def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found
