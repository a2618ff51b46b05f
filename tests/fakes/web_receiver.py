"""Servers on loopback that take what is posted to them: a push service with its browsers, and programs of customers.

What went out is a fact of the double's, whatever the client was told: `accepted`, by address, is the oracle of what
was sent twice.
"""

import asyncio
import hashlib
import hmac
import json
from abc import ABC, abstractmethod
from base64 import urlsafe_b64encode
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import http_ece  # type: ignore[import-untyped]  # http_ece ships no types
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02  # type: ignore[import-untyped]  # py_vapid ships no types

from tests.fakes.patience import PATIENCE_S


class Trick(StrEnum):
    """When a receiver misbehaves."""

    NONE = "none"
    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    HANG_AFTER = "hang_after"
    ENDLESS = "endless"  # an answer that never ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How one request is answered; by default it is taken."""

    trick: Trick = Trick.NONE
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    takes: bool = False  # takes it although the status says otherwise


DROP_BEFORE = Manner(trick=Trick.DROP_BEFORE)
DROP_AFTER = Manner(trick=Trick.DROP_AFTER)
HANG_AFTER = Manner(trick=Trick.HANG_AFTER)
ENDLESS = Manner(trick=Trick.ENDLESS)
USUAL = Manner()


def answer(status: int, *, takes: bool = False, body: str = "", **headers: str) -> Manner:
    """Answer with this status; `Retry_After` stands for `Retry-After`."""
    return Manner(
        status=status, takes=takes, body=body, headers={name.replace("_", "-"): each for name, each in headers.items()}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One message that went out."""

    text: str
    headers: Mapping[str, str]
    raw: bytes


class WebReceiver(ABC):
    """A server on a free loopback port, in the running loop, which does as it is told for each of its addresses."""

    def __init__(self) -> None:
        self.accepted: defaultdict[str, list[Taken]] = defaultdict(list)
        self.requests = 0
        self._scripts: defaultdict[str, deque[Manner]] = defaultdict(deque)
        self.silent = asyncio.Event()  # a request hangs
        self._stopping = asyncio.Event()
        self._arrived = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._base_url = ""

    @property
    def base_url(self) -> str:
        """Where it listens; known once started."""
        assert self._base_url, "start the receiver first"
        return self._base_url

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        app = web.Application()
        app.router.add_post("/{name}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self._base_url = f"http://{host}:{port}"

    async def stop(self) -> None:
        """Let hanging requests go and close the port."""
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def script(self, name: str, *manners: Manner) -> None:
        """Answer the next requests to `name` so, one each; after the last, take them."""
        self._scripts[name].extend(manners)

    async def wait_for(self, name: str, count: int = 1) -> list[Taken]:
        """Return what came for `name` once there are `count`; TimeoutError when they do not come."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.accepted[name]) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.accepted[name]

    @abstractmethod
    def opened(self, name: str, body: bytes, request: web.Request) -> str:
        """Return the text of a message, checked as this kind of receiver does."""

    @abstractmethod
    def usual(self, text: str) -> web.Response:
        """Return the usual answer to a message that was taken."""

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        name = request.match_info["name"]
        manner = self._scripts[name].popleft() if self._scripts[name] else USUAL
        if manner.trick is Trick.DROP_BEFORE:
            return self._drop(request)
        raw = await request.read()
        if manner.status is None or manner.takes:
            taken = Taken(text=self.opened(name, raw, request), headers=dict(request.headers), raw=raw)
            self.accepted[name].append(taken)
            self._arrived.set()
            if manner.status is None and manner.trick is Trick.NONE:
                return self.usual(taken.text)
        match manner.trick:
            case Trick.DROP_AFTER:
                return self._drop(request)
            case Trick.HANG_AFTER:
                self.silent.set()
                await self._stopping.wait()
                return self._drop(request)
            case Trick.ENDLESS:
                return await self._without_end(request)
            case _:
                assert manner.status is not None
                return web.Response(status=manner.status, headers=manner.headers, text=manner.body)

    @staticmethod
    def _drop(request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _without_end(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while not self._stopping.is_set():
            await response.write(b"x" * 65536)
        return response


class PushService(WebReceiver):
    """A push service and the browsers that subscribe to it: it opens what comes with the browser's own key."""

    def __init__(self) -> None:
        super().__init__()
        self._browsers: dict[str, tuple[EllipticCurvePrivateKey, bytes]] = {}
        self._count = 0

    def subscribe(self, name: str, *, origin: str | None = None) -> dict[str, Any]:
        """Return what a browser gives a page that subscribes; `name` is its place here."""
        key, secret = generate_private_key(SECP256R1()), hashlib.sha256(name.encode()).digest()[:16]
        self._browsers[name] = (key, secret)
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {
            "endpoint": f"{origin or self.base_url}/{name}",
            "expirationTime": None,
            "keys": {"p256dh": _base64url(point), "auth": _base64url(secret)},
        }

    def opened(self, name: str, body: bytes, request: web.Request) -> str:
        """Return the text, after a look at who says to have sent it."""
        assert request.headers["Content-Encoding"] == "aes128gcm"
        assert Vapid02.verify(request.headers["Authorization"]), "the sender is not who it says"
        key, secret = self._browsers[name]
        clear: bytes = http_ece.decrypt(body, private_key=key, auth_secret=secret, version="aes128gcm")
        return clear.decode().rstrip(" ")

    def usual(self, text: str) -> web.Response:
        """Say where the message waits."""
        self._count += 1
        return web.Response(status=201, headers={"Location": f"{self.base_url}/waiting/{self._count}"})


class Program(WebReceiver):
    """A customer's program that checks signatures with its `secret` and answers a challenge."""

    def __init__(self) -> None:
        super().__init__()
        self.secret = "whsec_of_the_double"

    def opened(self, name: str, body: bytes, request: web.Request) -> str:
        """Return the text, after a look at its signature, as docs/webhooks.md says."""
        at, *given = request.headers["iSocket-Signature"].split(",")
        due = hmac.new(self.secret.encode(), f"{at.removeprefix('t=')}.".encode() + body, hashlib.sha256).hexdigest()
        assert any(hmac.compare_digest(each, f"v1={due}") for each in given), "the signature is not good"
        return body.decode()

    def usual(self, text: str) -> web.Response:
        """Take it, and answer a challenge."""
        try:
            said = json.loads(text)
        except ValueError:
            said = {}
        if isinstance(said, dict) and "challenge" in said:
            digest = hmac.new(self.secret.encode(), said["challenge"].encode(), hashlib.sha256).hexdigest()
            return web.json_response({"proof": digest})
        return web.Response(status=204)


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
