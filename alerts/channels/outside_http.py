"""POSTs to addresses that customers named, and to nobody inside this house; it knows whether a request ever left."""

import asyncio
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from alerts.channels.retry_after import retry_after_s
from isocket.domain.outside import is_outside
from isocket.kit.loopback import is_loopback

MOST_CONNECTIONS = 64
MOST_TO_ONE_HOST = 8  # one that answers slowly must not take up all of them
LONGEST_ANSWER = 8 * 1024  # bytes that are read of an answer; what comes after is left unread
USER_AGENT = "iSocket-Cloud/1"


class NothingLeftError(Exception):
    """No byte of the request left this machine; the text is a word for why."""


class AnswerMissingError(Exception):
    """The request left, wholly or in part, and no answer came back; the text is a word for why."""


class ForbiddenPlaceError(Exception):
    """The host's name leads into a network that we do not call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: the body as far as it was wanted and came in time."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def retry_after_s(self) -> float | None:
        """How long to wait before the next request, see `retry_after`."""
        return retry_after_s(self.headers)


class OutsideHttp:
    """The connections to outside addresses that the messages of one channel share.

    Every address is looked at twice: when a name is resolved, and once more when the socket for it is made, so that
    a name that changes in between leads nowhere ("DNS rebinding"). Redirects are not followed, proxies and cookies
    not used. `connect_s` limits reaching the server, `total_s` one request and its answer.
    """

    def __init__(self, *, loopback: bool = False, connect_s: float = 4.0, total_s: float = 10.0) -> None:
        """Keep the plain values; the first request opens the session, because it needs a running loop."""
        self._loopback = loopback
        self._total_s = total_s
        self._timeout = aiohttp.ClientTimeout(total=None, connect=connect_s, sock_connect=connect_s)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str], read: bool = False) -> Answer:
        """Make one request and return its answer, whatever its status; with `read`, the beginning of its body too.

        Raises:
            ForbiddenPlaceError: the address leads into a network that is not public; nothing was sent.
            NothingLeftError: nothing was sent.
            AnswerMissingError: it may have arrived.
        """
        trace = SimpleNamespace(left=False)
        try:
            async with (
                asyncio.timeout(self._total_s),
                self._open_session().post(
                    url,
                    data=body,
                    headers={"User-Agent": USER_AGENT, **headers},
                    allow_redirects=False,
                    trace_request_ctx=trace,
                ) as answer,
            ):
                taken = await _beginning(answer) if read else b""
                if not read:
                    answer.close()
                return Answer(status=answer.status, headers=answer.headers, body=taken)
        except ForbiddenPlaceError:
            raise
        except Exception as error:  # whatever broke, what counts is whether the request had left
            kind = AnswerMissingError if trace.left else NothingLeftError
            raise kind(type(error).__name__) from error

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            tracing = aiohttp.TraceConfig()
            tracing.on_request_headers_sent.append(_note_leaving)
            connector = aiohttp.TCPConnector(
                resolver=_CheckedResolver(self._may_call),
                use_dns_cache=False,
                socket_factory=self._socket,
                limit=MOST_CONNECTIONS,
                limit_per_host=MOST_TO_ONE_HOST,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=self._timeout,
                trace_configs=[tracing],
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,  # a small answer can be a large one in disguise
            )
        return self._session

    def _may_call(self, address: str) -> bool:
        return is_outside(address) or (self._loopback and is_loopback(address))

    def _socket(self, place: tuple[Any, ...]) -> socket.socket:
        """Make the socket for one place, which is the very address it is then connected to."""
        family, kind, protocol, _, (address, *_) = place
        if not self._may_call(str(address)):
            raise ForbiddenPlaceError
        return socket.socket(family, kind, protocol)


class _CheckedResolver(AbstractResolver):
    """Resolves names as this machine does, and refuses one of which any address is not public."""

    def __init__(self, may_call: Callable[[str], bool]) -> None:
        self._may_call = may_call
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if not all(self._may_call(each["host"]) for each in found):
            raise ForbiddenPlaceError
        return found

    async def close(self) -> None:
        await self._resolver.close()


async def _beginning(answer: aiohttp.ClientResponse) -> bytes:
    """Return as much of the body as we read; what breaks in it does not undo that there was an answer."""
    taken = b""
    try:
        async for chunk in answer.content.iter_any():
            taken += chunk
            if len(taken) >= LONGEST_ANSWER:
                break
    except Exception:  # noqa: BLE001, S110 - whatever broke
        pass
    answer.close()
    return taken[:LONGEST_ANSWER]


async def _note_leaving(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _sent: aiohttp.TraceRequestHeadersSentParams
) -> None:
    # aiohttp tells this just before the first byte is written: earlier failures have sent nothing.
    context.trace_request_ctx.left = True
