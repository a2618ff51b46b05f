"""What the Twilio SDK takes for its HTTP client.

The SDK's own asynchronous client waits without limit, repeats POSTs when told to retry, and logs phone
numbers.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote_plus, urlencode

import aiohttp
from twilio.http import AsyncHttpClient  # type: ignore[import-untyped]  # twilio ships no types
from twilio.http.response import Response  # type: ignore[import-untyped]  # twilio ships no types

from alerts.channels.provider_http import HttpRequest, NothingSentError, ProviderHttp

_QUOTED = str.maketrans({chr(byte): quote_plus(bytes([byte])) for byte in range(256)})


@dataclass(slots=True)
class Exchange:
    """What became of the requests of one call to the SDK, of which its errors tell only a part.

    `http_status` (0 without an answer) and `retry_after_s` are those of the last answer.
    """

    began_to_leave: bool = False
    http_status: int = 0
    retry_after_s: float | None = None


_under_way: ContextVar[Exchange] = ContextVar("exchange_with_twilio")


def begin_exchange() -> Exchange:
    """Return where the requests are noted that this task makes from now on."""
    exchange = Exchange()
    _under_way.set(exchange)
    return exchange


class TwilioHttp(AsyncHttpClient):  # type: ignore[misc]  # twilio ships no types
    """The requests of all calls to one client of the SDK; each is noted in the exchange of the task that makes it."""

    def __init__(self, http: ProviderHttp) -> None:
        """Use `http`, which outlives this."""
        self.is_async = True
        self._http = http

    async def request(  # noqa: PLR0917 - the SDK's signature
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the SDK's signature; our own limits hold
        allow_redirects: bool = False,  # the SDK's signature; we never follow
    ) -> Response:
        """Make the SDK's request; see ProviderHttp.carry for what it raises."""
        del timeout, allow_redirects
        all_headers = dict(headers or {})
        if auth is not None:
            all_headers["Authorization"] = _login(auth)
        url = f"{uri}?{_form(params)}" if params else uri
        body = _form(data).encode() if data else None
        request = HttpRequest(method=method.upper(), url=url, body=body, headers=all_headers)
        exchange = _under_way.get(None) or begin_exchange()
        exchange.began_to_leave = True  # whatever breaks, unless we are told that it did not
        try:
            answer = await self._http.carry(request)
        except NothingSentError:
            exchange.began_to_leave = False
            raise
        exchange.http_status, exchange.retry_after_s = answer.status, answer.retry_after_s
        return Response(answer.status, answer.text, answer.headers)


@lru_cache(maxsize=8)  # the same with each request
def _login(auth: tuple[str, str]) -> str:
    return aiohttp.encode_basic_auth(*auth)


def _form(fields: Mapping[str, object]) -> str:
    return urlencode(fields, doseq=True, quote_via=_quote)


def _quote(text: str | bytes, *_: object) -> str:
    """Quote as urllib's `quote_plus` does, but a whole text at a time instead of byte by byte: an alarm waits."""
    octets = text if isinstance(text, bytes) else text.encode()
    return octets.decode("latin-1").translate(_QUOTED)
