"""Carries requests to a provider of ours over aiohttp, and knows whether a request ever left."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace

import aiohttp

from alerts.channels.retry_after import retry_after_s

LONGEST_ANSWER = 1024 * 1024  # bytes; the longest list that we ask for, a hundred messages, is a quarter of it


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


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """One answer, whatever its status; a text beyond `LONGEST_ANSWER` is cut, and so is no JSON any more."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def retry_after_s(self) -> float | None:
        """How long to wait before the next request, see `retry_after`."""
        return retry_after_s(self.headers)


class ProviderHttp:
    """The connections to one provider that all messages share.

    `base_url` takes the place of a request's scheme, host and port; a path in it goes before the request's own.
    `connect_s` limits reaching the server, TLS included; `total_s` limits one request and its answer.
    """

    def __init__(self, *, base_url: str | None, connect_s: float, total_s: float) -> None:
        """Keep the plain values; the first request opens the session, because it needs a running loop."""
        self._base_url = base_url.rstrip("/") if base_url else None
        self._total_s = total_s
        self._timeout = aiohttp.ClientTimeout(total=None, connect=connect_s, sock_connect=connect_s)
        self._session: aiohttp.ClientSession | None = None

    async def carry(self, request: HttpRequest) -> HttpAnswer:
        """Make one request, once, and return the answer. Redirects are not followed.

        Raises NothingSentError or AnswerLostError when there is none.
        """
        trace = SimpleNamespace(left=False)
        try:
            async with (
                asyncio.timeout(self._total_s),
                self._open_session().request(
                    request.method,
                    self._place(request.url),
                    data=request.body,
                    headers=request.headers,
                    allow_redirects=False,
                    trace_request_ctx=trace,
                ) as answer,
            ):
                text = await _text(answer)
        except Exception as error:  # whatever broke, what counts is whether the request had left
            kind = AnswerLostError if trace.left else NothingSentError
            raise kind(type(error).__name__) from error
        return HttpAnswer(status=answer.status, text=text, headers=answer.headers)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            tracing = aiohttp.TraceConfig()
            tracing.on_request_headers_sent.append(_note_leaving)
            self._session = aiohttp.ClientSession(
                timeout=self._timeout,
                trace_configs=[tracing],
                headers={"Accept-Encoding": "identity"},  # a small answer can be a large one in disguise
                auto_decompress=False,
            )
        return self._session

    def _place(self, url: str) -> str:
        if self._base_url is None:
            return url
        _scheme, _, _host, path_and_query = url.split("/", 3)
        return f"{self._base_url}/{path_and_query}"


async def _text(answer: aiohttp.ClientResponse) -> str:
    """Return the text as far as it is read, as UTF-8, which JSON is (RFC 8259); raise what breaks before its end."""
    taken = bytearray()
    async for chunk in answer.content.iter_any():
        taken += chunk
        if len(taken) > LONGEST_ANSWER:
            answer.close()
            break
    return taken[:LONGEST_ANSWER].decode(errors="replace")


async def _note_leaving(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _sent: aiohttp.TraceRequestHeadersSentParams
) -> None:
    # aiohttp tells this just before the first byte is written: earlier failures have sent nothing.
    context.trace_request_ctx.left = True
