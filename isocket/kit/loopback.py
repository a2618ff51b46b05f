"""Whether a host is this machine itself, out of everybody else's reach."""

from functools import lru_cache
from ipaddress import ip_address


@lru_cache(maxsize=4096)
def is_loopback(host: str) -> bool:
    """Return whether `host`, an IP address or a name, leads to this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
