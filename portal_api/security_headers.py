"""Headers that keep a browser from doing what our pages never ask for (OWASP ASVS 5.0, V3.4)."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from aiohttp import web

from isocket.domain.collected import COOKIE_NAMES
from isocket.kit.logs import get_logger

log = get_logger(__name__)

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
ALWAYS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Server": "isocket",
    }
)
_TWO_YEARS_S = 63_072_000


def security_headers(*, https: bool) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Return what to append to `on_response_prepare`: it reaches streams and errors as well.

    There is no header for cross-origin use: no other site's page has any business here.
    """
    always = dict(ALWAYS)
    if https:
        always["Strict-Transport-Security"] = f"max-age={_TWO_YEARS_S}; includeSubDomains"

    async def add(_: web.Request, response: web.StreamResponse) -> None:
        _keep_declared_cookies(response)
        for name, value in always.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["Server"] = always["Server"]  # aiohttp has put its own there

    return add


def _keep_declared_cookies(response: web.StreamResponse) -> None:
    """Take out cookies that nobody declared; when this runs they are headers already."""
    undeclared = [name for name in response.cookies if name not in COOKIE_NAMES]
    if not undeclared:
        return
    for each in response.headers.popall("Set-Cookie", []):
        if each.partition("=")[0] in COOKIE_NAMES:
            response.headers.add("Set-Cookie", each)
    for name in undeclared:
        log.error("undeclared_cookie", name=name)
