"""Carries the Twilio SDK's requests over aiohttp, and knows whether a request ever left.

The SDK's own asynchronous client waits without limit, repeats POSTs when told to retry, and logs phone
numbers.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from urllib.parse import urlencode, urlsplit, urlunsplit

import aiohttp
from twilio.http import AsyncHttpClient  # type: ignore[import-untyped]  # twilio ships no types
from twilio.http.response import Response  # type: ignore[import-untyped]  # twilio ships no types


class NothingSentError(Exception):
    """No byte of the request left this machine: the message is certainly not out."""


class AnswerLostError(Exception):
    """The request left, wholly or in part, and no whole answer came back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request as it goes on the wire."""

    method: str
    url: str
    body: bytes | None
    headers: Mapping[str, str]


class TwilioConnection:
    """The connections to Twilio that all messages share.

    `base_url` takes the place of the SDK's scheme, host and port; a path in it goes before Twilio's own.
    `connect_s` limits reaching the server, TLS included; `total_s` limits one request and its answer.
    """

    def __init__(self, *, base_url: str | None, connect_s: float, total_s: float) -> None:
        """Keep the plain values; the first request opens the session, because it needs a running loop."""
        self._base_url = base_url.rstrip("/") if base_url else None
        self._total_s = total_s
        self._timeout = aiohttp.ClientTimeout(total=None, connect=connect_s, sock_connect=connect_s)
        self._session: aiohttp.ClientSession | None = None

    async def carry(self, request: HttpRequest, exchange: "TwilioExchange") -> Response:
        """Make one request and return the whole answer, whatever its status.

        Raises NothingSentError or AnswerLostError when there is none.
        """
        try:
            async with (
                asyncio.timeout(self._total_s),
                self._open_session().request(
                    request.method,
                    self._place(request.url),
                    data=request.body,
                    headers=request.headers,
                    allow_redirects=False,
                    trace_request_ctx=exchange,
                ) as answer,
            ):
                text = await answer.text(errors="replace")
        except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
            kind = AnswerLostError if exchange.began_to_leave else NothingSentError
            raise kind(type(error).__name__) from error
        return Response(answer.status, text, answer.headers)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            tracing = aiohttp.TraceConfig()
            tracing.on_request_headers_sent.append(_note_leaving)
            self._session = aiohttp.ClientSession(timeout=self._timeout, trace_configs=[tracing])
        return self._session

    def _place(self, url: str) -> str:
        if self._base_url is None:
            return url
        parts = urlsplit(url)
        return self._base_url + urlunsplit(("", "", parts.path, parts.query, ""))


class TwilioExchange(AsyncHttpClient):  # type: ignore[misc]  # twilio ships no types
    """What the SDK takes for its HTTP client, made anew for each call so that what it notes is of that call.

    After the call: `began_to_leave`, and `http_status` (0 without an answer) and `retry_after_s` of the last
    answer.
    """

    def __init__(self, connection: TwilioConnection) -> None:
        """Use `connection`, which outlives this."""
        self.is_async = True
        self.began_to_leave = False
        self.http_status = 0
        self.retry_after_s: float | None = None
        self._connection = connection

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
        """Make the SDK's request; see TwilioConnection.carry for what it raises."""
        del timeout, allow_redirects
        all_headers = dict(headers or {})
        if auth is not None:
            all_headers["Authorization"] = aiohttp.encode_basic_auth(*auth)
        url = f"{uri}?{urlencode(params, doseq=True)}" if params else uri
        body = urlencode(data, doseq=True).encode() if data else None
        request = HttpRequest(method=method.upper(), url=url, body=body, headers=all_headers)
        response = await self._connection.carry(request, self)
        self.http_status = response.status_code
        self.retry_after_s = _seconds(response.headers.get("Retry-After"))
        return response


async def _note_leaving(
    _session: aiohttp.ClientSession,
    context: SimpleNamespace,
    _sent: aiohttp.TraceRequestHeadersSentParams,
) -> None:
    # aiohttp tells this just before the first byte is written: earlier failures have sent nothing.
    exchange = context.trace_request_ctx
    if isinstance(exchange, TwilioExchange):
        exchange.began_to_leave = True


def _seconds(retry_after: str | None) -> float | None:
    # The other form that HTTP allows, a date, is not something Twilio sends.
    if retry_after is None or not (retry_after.isascii() and retry_after.strip().isdigit()):
        return None
    return float(retry_after)
