"""A local double of Twilio for the genuine SDK: text messages, calls, and what people answer.

What went out is a fact of the double's, whatever the client was told: `accepted` (text messages) and
`calls.accepted`, each by number, are the oracles of what was sent twice.

How it is told what to do:

* `script(number, …)` and `calls.script(number, …)`: how the next create requests are answered, see
  `twilio_behaviours` (refusals in both shapes, 429 of both kinds, 500 and a dropped line before and after the message
  was taken, a hang, HTML, an empty 201).
* `send_status(sid, status, …)`: one status callback now, as often as wanted, rightly or wrongly signed.
* `report(number, "sent", "delivered", …)`: what becomes of the next message to a number, reported by itself in that
  order, repeated where a word stands twice, missing where it does not; with `late=True` only at `release()`.
* `text_from(number, body, url)`: somebody writes to us. STOP makes Twilio refuse the number (21610) until START.
* `calls.answer_with(number, person, …)` and `calls.play(sid, person)`: people who are called, see `twilio_calls`.
* `settled()`: everything that the double does by itself is done.
"""

import asyncio
import uuid
from collections import defaultdict, deque
from collections.abc import Coroutine, Mapping
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from isocket.kit.clock import Clock, SystemClock
from tests.fakes.patience import PATIENCE_S
from tests.fakes.twilio_account import API, TwilioAccount, read_twiml
from tests.fakes.twilio_behaviours import (
    ACCEPT,
    DROP_AFTER_ACCEPT,
    DROP_BEFORE,
    EMPTY_201,
    HANG,
    HANG_AFTER_ACCEPT,
    HTML_201,
    HTML_503,
    HTTP_500_AFTER_ACCEPT,
    HTTP_500_BEFORE,
    Behaviour,
    Stopping,
    Trick,
    behave,
    daily_cap,
    error,
    rate_limit,
    refuse,
)
from tests.fakes.twilio_calls import TwilioCalls
from tests.fakes.twilio_messages import NUMBER_INVALID, AcceptedMessage, describe, find_fault, moment

__all__ = [
    "ACCEPT",
    "DROP_AFTER_ACCEPT",
    "DROP_BEFORE",
    "EMPTY_201",
    "HANG",
    "HANG_AFTER_ACCEPT",
    "HTML_201",
    "HTML_503",
    "HTTP_500_AFTER_ACCEPT",
    "HTTP_500_BEFORE",
    "NUMBER_INVALID",
    "AcceptedMessage",
    "Behaviour",
    "Trick",
    "TwilioDouble",
    "daily_cap",
    "rate_limit",
    "refuse",
]

# Words that Twilio itself heeds on a number (https://www.twilio.com/docs/messaging/guides/opt-out-messages).
STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START_WORDS = frozenset({"START", "UNSTOP"})

Status = str | tuple[str, int]  # with the provider's error code
_LATE = "late"  # at the end of a message's fate: held back


class TwilioDouble:
    """Twilio on a free loopback port; this module's docstring says how to use it."""

    def __init__(
        self,
        *,
        account_sid: str = "AC" + "0" * 32,
        auth_token: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.account = TwilioAccount(
            sid=account_sid, token=auth_token or "token-of-the-double", clock=clock or SystemClock()
        )
        self.accepted: defaultdict[str, list[AcceptedMessage]] = defaultdict(list)
        self.create_requests: defaultdict[str, int] = defaultdict(int)
        self.headers_seen: list[Mapping[str, str]] = []
        self.opted_out: set[str] = set()
        self._scripts: defaultdict[str, deque[Behaviour]] = defaultdict(deque)
        self._fates: defaultdict[str, deque[tuple[Status, ...]]] = defaultdict(deque)
        self._late: list[Coroutine[Any, Any, None]] = []
        self._by_itself: set[asyncio.Task[None]] = set()
        self._stopping = Stopping()
        self._arrived = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._base_url: str | None = None
        self.calls = TwilioCalls(self.account, self._stopping)

    @property
    def hanging(self) -> asyncio.Event:
        """Set whenever a request begins to hang."""
        return self._stopping.hanging

    @property
    def account_sid(self) -> str:
        """The account's id."""
        return self.account.sid

    @property
    def auth_token(self) -> str:
        """The account's token, by which callbacks are signed."""
        return self.account.token

    @property
    def base_url(self) -> str:
        """The address to give the SDK; known once started."""
        assert self._base_url is not None, "start the double first"
        return self._base_url

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        app = web.Application()
        messages = f"/{API}/Accounts/{{account}}/Messages"
        app.router.add_post(f"{messages}.json", self._create)
        app.router.add_get(f"{messages}.json", self._list)
        app.router.add_get(f"{messages}/{{sid}}.json", self._fetch)
        app.router.add_post(f"{messages}/{{sid}}.json", self._update)
        app.router.add_delete(f"{messages}/{{sid}}.json", self._delete)
        app.add_routes(self.calls.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self._base_url = f"http://{host}:{port}"

    async def stop(self) -> None:
        """Let hanging requests go and close the port."""
        self._stopping.set()
        for task in self._by_itself:
            task.cancel()
        await asyncio.gather(*self._by_itself, return_exceptions=True)
        for late in self._late:
            late.close()
        await self.calls.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def script(self, number: str, *behaviours: Behaviour) -> None:
        """Answer the next create requests to `number` so, one each; after the last, accept."""
        self._scripts[number].extend(behaviours)

    def report(self, number: str, *statuses: Status, late: bool = False) -> None:
        """Report these statuses of the next message to `number` by itself; with `late`, wait for `release`."""
        self._fates[number].append((*statuses, _LATE) if late else statuses)

    async def release(self) -> None:
        """Post the callbacks that were held back, in the order in which their messages came."""
        late, self._late = self._late, []
        for each in late:
            await each

    async def settled(self) -> None:
        """Return when the double does nothing by itself any more."""
        while self._by_itself:
            await asyncio.gather(*self._by_itself)
        await self.calls.settled()

    async def text_from(self, number: str, body: str, url: str, *, to: str = "+447700900100") -> tuple[int, list[str]]:
        """Let somebody write to our number, whose webhook is `url`; return the HTTP status and what is answered."""
        word = body.strip().upper()
        if word in STOP_WORDS:
            self.opted_out.add(number)
        elif word in START_WORDS:
            self.opted_out.discard(number)
        sid = "SM" + uuid.uuid4().hex
        form = {
            "MessageSid": sid, "SmsSid": sid, "AccountSid": self.account_sid, "ApiVersion": API, "From": number,
            "To": to, "Body": body, "NumMedia": "0", "NumSegments": "1", "FromCountry": "", "ToCountry": "GB",
        }  # fmt: skip
        answer = await self.account.post(url, form)
        texts = [each.text or "" for each in read_twiml(answer.text).iter("Message")] if answer.text else []
        return answer.status, texts

    @property
    def accepted_total(self) -> int:
        """How many messages went out."""
        return sum(len(messages) for messages in self.accepted.values())

    async def wait_for_accepted(self, number: str, count: int = 1) -> list[AcceptedMessage]:
        """Return what went to `number` once there are `count`; TimeoutError when they do not come."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.accepted[number]) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.accepted[number]

    async def send_status(
        self,
        sid: str,
        status: str,
        error_code: int | None = None,
        times: int = 1,
        sign_with: str | None = None,
    ) -> list[int]:
        """Post the status callback of a message `times` times and return the HTTP answers.

        `sign_with` signs with another token than the account's; "" leaves the signature out.
        """
        message = self._find(sid)
        assert message is not None, f"no message {sid}"
        assert message.status_callback is not None, "the message asked for no status callback"
        message.status, message.error_code = status, error_code
        if status in {"sent", "delivered", "undelivered"}:
            message.sent_at = message.sent_at or self.account.clock.now()
        form = {
            "MessageSid": sid, "SmsSid": sid, "MessageStatus": status, "SmsStatus": status, "ApiVersion": API,
            "AccountSid": self.account_sid, "From": message.sender, "To": message.to,
        }  # fmt: skip
        if error_code is not None:
            form |= {"ErrorCode": str(error_code), "ErrorMessage": "the carrier said no"}
        answers = [await self.post_signed(message.status_callback, form, sign_with) for _ in range(times)]
        message.callbacks.append(status)
        return answers

    async def post_signed(self, url: str, form: Mapping[str, str], sign_with: str | None = None) -> int:
        """Post `form` to `url` as Twilio does and return the HTTP status; see TwilioAccount.post."""
        return (await self.account.post(url, form, sign_with)).status

    async def _create(self, request: web.Request) -> web.StreamResponse:
        self.headers_seen.append(dict(request.headers))
        if not self.account.is_authorised(request):
            return error(20003, 401, "Authenticate")
        form = dict(parse_qsl(await request.text(), keep_blank_values=True))
        to = form.get("To", "")
        self.create_requests[to] += 1
        fault = find_fault(form)
        if fault is not None:
            return fault
        if to in self.opted_out:
            return error(21610, 400, "Attempt to send to unsubscribed recipient")
        script = self._scripts[to]
        return await behave(
            script.popleft() if script else ACCEPT,
            request,
            lambda: describe(self.account, self._accept(form)),
            self._stopping,
        )

    def _accept(self, form: Mapping[str, str]) -> AcceptedMessage:
        service = form.get("MessagingServiceSid", "")
        message = AcceptedMessage(
            sid="SM" + uuid.uuid4().hex,
            to=form["To"],
            sender=form.get("From", service),
            body=form["Body"],
            status_callback=form.get("StatusCallback"),
            created_at=self.account.clock.now(),
            form=form,
            status="accepted" if service else "queued",
        )
        self.accepted[message.to].append(message)
        self._arrived.set()
        fates = self._fates[message.to]
        if fates:
            self._foretell(message.sid, fates.popleft())
        return message

    def _foretell(self, sid: str, statuses: tuple[Status, ...]) -> None:
        if _LATE in statuses:
            self._late.append(self._report_all(sid, statuses[:-1]))
            return
        task = asyncio.create_task(self._report_all(sid, statuses), name=f"callbacks of {sid}")
        self._by_itself.add(task)
        task.add_done_callback(self._by_itself.discard)

    async def _report_all(self, sid: str, statuses: tuple[Status, ...]) -> None:
        for each in statuses:
            status, code = each if isinstance(each, tuple) else (each, None)
            await self.send_status(sid, status, code)

    async def _update(self, request: web.Request) -> web.StreamResponse:
        """Redact a message by an empty body, or cancel one that is scheduled."""
        if not self.account.is_authorised(request):
            return error(20003, 401, "Authenticate")
        message = self._find(request.match_info["sid"])
        if message is None:
            return error(20404, 404, "not found")
        form = dict(parse_qsl(await request.text(), keep_blank_values=True))
        if form.get("Status") == "canceled":
            if message.status != "scheduled":
                return error(30409, 409, "Message cannot be canceled")
            message.status = "canceled"
        if form.get("Body") == "":
            message.body = ""
        return web.json_response(describe(self.account, message))

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        if not self.account.is_authorised(request):
            return error(20003, 401, "Authenticate")
        message = self._find(request.match_info["sid"])
        if message is None or message.deleted:
            return error(20404, 404, "not found")
        if message.status in {"accepted", "queued", "sending", "sent"}:  # until the carrier has said what became of it
            return error(20009, 409, "Cannot delete this message because delivery has not been completed.")
        message.deleted = True
        return web.Response(status=204)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if not self.account.is_authorised(request):
            return error(20003, 401, "Authenticate")
        since = request.query.get("DateSent>")
        everything = [message for messages in self.accepted.values() for message in messages if not message.deleted]
        wanted = [
            message
            for message in sorted(everything, key=lambda each: each.created_at, reverse=True)
            if request.query.get("To", message.to) == message.to
            and request.query.get("From", message.sender) == message.sender
            # what waits in the queue was not sent on any day
            and (since is None or (message.sent_at is not None and message.sent_at >= moment(since)))
        ][: int(request.query.get("PageSize", "50"))]
        page = {"page": 0, "page_size": 50, "start": 0, "end": len(wanted), "uri": request.path_qs}
        pages = {"first_page_uri": request.path_qs, "next_page_uri": None, "previous_page_uri": None}
        return web.json_response({"messages": [describe(self.account, each) for each in wanted], **page, **pages})

    async def _fetch(self, request: web.Request) -> web.StreamResponse:
        if not self.account.is_authorised(request):
            return error(20003, 401, "Authenticate")
        message = self._find(request.match_info["sid"])
        return web.json_response(describe(self.account, message)) if message else error(20404, 404, "not found")

    def _find(self, sid: str) -> AcceptedMessage | None:
        messages = (each for messages in self.accepted.values() for each in messages)
        return next((each for each in messages if each.sid == sid and not each.deleted), None)
