"""A local double of 46elks' text messages, that counts what it accepted.

`script(number, …)` tells how the next messages to a number are answered, with the behaviours of the double of Twilio;
a refusal's `http` is what 46elks would say. `report(sid, status)` posts a delivery report, `text_from` lets somebody
write to us. `accepted`, by number, is the oracle of what was sent twice.
"""

import asyncio
import uuid
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
from aiohttp import web

from isocket.kit.clock import Clock, SystemClock
from tests.fakes.patience import PATIENCE_S
from tests.fakes.twilio_behaviours import ACCEPT, Behaviour, Stopping, Trick, behave

LONGEST_TEXT = 1600


@dataclass(slots=True, kw_only=True)
class ElksMessage:
    """One message that went out: the double's fact, whatever the client was told."""

    sid: str
    to: str
    sender: str
    text: str
    whendelivered: str | None
    created_at: datetime
    kept: bool  # the text, for the history
    status: str = "created"


class ElksDouble:
    """46elks on a free loopback port."""

    def __init__(self) -> None:
        self.username, self.password = "u-double", "password-of-the-double"
        self.accepted: defaultdict[str, list[ElksMessage]] = defaultdict(list)
        self.numbers: list[dict[str, object]] = []  # as 46elks shows them
        self._clock: Clock = SystemClock()
        self._scripts: defaultdict[str, deque[Behaviour]] = defaultdict(deque)
        self._stopping = Stopping()
        self._arrived = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.base_url = ""

    @property
    def hanging(self) -> asyncio.Event:
        """Set whenever a request begins to hang."""
        return self._stopping.hanging

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        app = web.Application()
        app.add_routes([web.post("/a1/sms", self._create), web.get("/a1/sms", self._list), web.get("/a1/me", self._me)])
        app.add_routes([web.get("/a1/numbers", self._list_numbers)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}"

    async def stop(self) -> None:
        """Let hanging requests go and close the port."""
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def keep_time(self, clock: Clock) -> None:
        """Take the time from this clock from now on."""
        self._clock = clock

    def script(self, number: str, *behaviours: Behaviour) -> None:
        """Answer the next messages to `number` so, one each; after the last, accept."""
        self._scripts[number].extend(behaviours)

    async def wait_for_accepted(self, number: str, count: int = 1) -> list[ElksMessage]:
        """Return what went to `number` once there are `count`; TimeoutError when they do not come."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.accepted[number]) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.accepted[number]

    async def report(self, message: ElksMessage, status: str, *, to: str | None = None) -> int:
        """Post a delivery report, `to` another address than the message's own; return the HTTP answer."""
        message.status = status
        url = to or message.whendelivered
        assert url is not None, "the message asked for no delivery reports"
        form = {"id": message.sid, "status": status}
        if status == "delivered":
            form["delivered"] = self._clock.now().astimezone(UTC).replace(tzinfo=None).isoformat()
        return (await _post(url, form))[0]

    async def text_from(self, number: str, text: str, url: str) -> tuple[int, str]:
        """Let somebody write to our number, whose webhook is `url`; return the HTTP status and what is answered."""
        form = {"id": f"s{uuid.uuid4().hex}", "direction": "incoming", "from": number, "to": "+46700000000"}
        return await _post(url, {**form, "message": text, "created": self._clock.now().isoformat()})

    async def _create(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        if not self._is_authorised(request):
            return web.Response(status=401, text="API access requires Basic HTTP authentication")
        to = form.get("to", "")
        if not (to.startswith("+") and form.get("from") and 0 < len(form.get("message", "")) <= LONGEST_TEXT):
            return web.Response(status=400, text="Missing or invalid parameter")
        script = self._scripts[to]
        how = script.popleft() if script else ACCEPT
        if how.trick in {Trick.REFUSE, Trick.RATE_LIMIT}:
            headers = {} if how.retry_after is None else {"Retry-After": how.retry_after}
            return web.Response(status=how.http, text="Not this time", headers=headers)
        answer = await behave(how, request, lambda: _describe(self._accept(form)), self._stopping)
        if answer.status == 201:
            answer.set_status(200)  # what Twilio calls created is simply well here
        return answer

    def _accept(self, form: Mapping[str, str]) -> ElksMessage:
        message = ElksMessage(
            sid=f"s{uuid.uuid4().hex}",
            to=form["to"],
            sender=form["from"],
            text=form["message"],
            whendelivered=form.get("whendelivered"),
            created_at=self._clock.now(),
            kept=form.get("dontlog") != "message",
        )
        self.accepted[message.to].append(message)
        self._arrived.set()
        return message

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if not self._is_authorised(request):
            return web.Response(status=401)
        wanted = [
            _describe(each)
            for messages in self.accepted.values()
            for each in messages
            if request.query.get("to", each.to) == each.to and _created(each) >= request.query.get("end", "")
        ]
        return web.json_response({"data": wanted[: int(request.query.get("limit", "100"))]})

    async def _me(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({}, status=200 if self._is_authorised(request) else 401)

    async def _list_numbers(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"data": self.numbers}, status=200 if self._is_authorised(request) else 401)

    def _is_authorised(self, request: web.Request) -> bool:
        expected = aiohttp.encode_basic_auth(self.username, self.password)
        return request.headers.get("Authorization") == expected


def _created(message: ElksMessage) -> str:
    return message.created_at.astimezone(UTC).replace(tzinfo=None).isoformat()


def _describe(message: ElksMessage) -> dict[str, object]:
    described: dict[str, object] = {
        "id": message.sid, "status": message.status, "direction": "outgoing", "from": message.sender,
        "to": message.to, "created": _created(message), "parts": 1, "cost": 3500,
    }  # fmt: skip
    return described | ({"message": message.text} if message.kept else {})


async def _post(url: str, form: Mapping[str, str]) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.post(url, data=form, allow_redirects=False) as answer:
        return answer.status, await answer.text()
