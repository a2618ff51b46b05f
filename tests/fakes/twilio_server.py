"""A local double of Twilio's Messages resource, for the genuine SDK, that counts what it accepted."""

import asyncio
import base64
import uuid
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from urllib.parse import parse_qsl, urldefrag

import aiohttp
from aiohttp import web
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # twilio ships no types

from isocket.kit.clock import Clock, SystemClock

API = "2010-04-01"
NUMBER_INVALID = "+15005550001"  # never a valid recipient, as with Twilio's test credentials
REPEAT_WORDS = frozenset({"4xx", "5xx", "ct", "rt", "all"})


class Trick(StrEnum):
    """How the double answers a create request."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    RATE_LIMIT = "rate_limit"
    HTTP_500_BEFORE = "http_500_before"
    HTTP_500_AFTER_ACCEPT = "http_500_after_accept"
    DROP_BEFORE = "drop_before"
    DROP_AFTER_ACCEPT = "drop_after_accept"
    HANG = "hang"
    HANG_AFTER_ACCEPT = "hang_after_accept"
    HTML_503 = "html_503"
    EMPTY_201 = "empty_201"
    HTML_201 = "html_201"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What happens to one create request."""

    trick: Trick
    code: int = 0
    http: int = 400
    retry_after: str | None = None
    problem_json: bool = False


ACCEPT = Behaviour(trick=Trick.ACCEPT)
HTTP_500_BEFORE = Behaviour(trick=Trick.HTTP_500_BEFORE)
HTTP_500_AFTER_ACCEPT = Behaviour(trick=Trick.HTTP_500_AFTER_ACCEPT)
DROP_BEFORE = Behaviour(trick=Trick.DROP_BEFORE)
DROP_AFTER_ACCEPT = Behaviour(trick=Trick.DROP_AFTER_ACCEPT)
HANG = Behaviour(trick=Trick.HANG)
HANG_AFTER_ACCEPT = Behaviour(trick=Trick.HANG_AFTER_ACCEPT)
HTML_503 = Behaviour(trick=Trick.HTML_503)
EMPTY_201 = Behaviour(trick=Trick.EMPTY_201)
HTML_201 = Behaviour(trick=Trick.HTML_201)


def refuse(code: int, http: int = 400, *, problem_json: bool = False) -> Behaviour:
    """Return a refusal with Twilio's `code`; with `problem_json` in the newer shape of RFC 9457."""
    return Behaviour(trick=Trick.REFUSE, code=code, http=http, problem_json=problem_json)


def rate_limit(retry_after: str | float | None = None) -> Behaviour:
    """Return "too many requests", with the header Retry-After where given."""
    value = None if retry_after is None else f"{retry_after:g}" if isinstance(retry_after, float) else str(retry_after)
    return Behaviour(trick=Trick.RATE_LIMIT, code=20429, http=429, retry_after=value)


@dataclass(slots=True, kw_only=True)
class AcceptedMessage:
    """One message that went out: the double's fact, whatever the client was told."""

    sid: str
    to: str
    sender: str
    body: str
    status_callback: str | None
    created_at: datetime
    form: Mapping[str, str]
    status: str = "queued"
    error_code: int | None = None
    callbacks: list[str] = field(default_factory=list)


class TwilioDouble:
    """Twilio on a free loopback port. `accepted` is the oracle of duplicates: what went out, by recipient."""

    def __init__(
        self,
        *,
        account_sid: str = "AC" + "0" * 32,
        auth_token: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.account_sid = account_sid
        self.auth_token = auth_token or "token-of-the-double"
        self.accepted: defaultdict[str, list[AcceptedMessage]] = defaultdict(list)
        self.create_requests: defaultdict[str, int] = defaultdict(int)
        self.headers_seen: list[Mapping[str, str]] = []
        self._clock = clock or SystemClock()
        self._scripts: defaultdict[str, deque[Behaviour]] = defaultdict(deque)
        self._stopping = asyncio.Event()
        self._arrived = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._base_url: str | None = None

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
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self._base_url = f"http://{host}:{port}"

    async def stop(self) -> None:
        """Let hanging requests go and close the port."""
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def script(self, number: str, *behaviours: Behaviour) -> None:
        """Answer the next create requests to `number` so, one each; after the last, accept."""
        self._scripts[number].extend(behaviours)

    @property
    def accepted_total(self) -> int:
        """How many messages went out."""
        return sum(len(messages) for messages in self.accepted.values())

    async def wait_for_accepted(self, number: str, count: int = 1, timeout_s: float = 10.0) -> list[AcceptedMessage]:
        """Return what went to `number` once there are `count`; TimeoutError when they do not come."""
        async with asyncio.timeout(timeout_s):
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
        """Post `form` to `url` as Twilio does, signed without the fragment, and return the HTTP status."""
        target = urldefrag(url).url
        token = self.auth_token if sign_with is None else sign_with
        headers = {"User-Agent": "TwilioProxy/1.1"}
        if token:
            headers["X-Twilio-Signature"] = RequestValidator(token).compute_signature(target, form)
        timeout = aiohttp.ClientTimeout(total=15)  # Twilio waits this long
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(target, data=form, headers=headers, allow_redirects=False) as answer,
        ):
            await answer.read()
            return answer.status

    async def _create(self, request: web.Request) -> web.StreamResponse:
        self.headers_seen.append(dict(request.headers))
        if not self._is_authorised(request):
            return _error(20003, 401, "Authenticate")
        form = dict(parse_qsl(await request.text(), keep_blank_values=True))
        to = form.get("To", "")
        self.create_requests[to] += 1
        fault = _find_fault(form)
        if fault is not None:
            return fault
        script = self._scripts[to]
        return await self._behave(script.popleft() if script else ACCEPT, request, form)

    async def _behave(self, how: Behaviour, request: web.Request, form: Mapping[str, str]) -> web.StreamResponse:
        if how.trick is Trick.REFUSE or how.trick is Trick.RATE_LIMIT:
            return _refusal(how)
        if how.trick is Trick.HTTP_500_BEFORE:
            return _error(20500, 500, "Internal server error")
        if how.trick is Trick.HTML_503:
            return web.Response(status=503, text="<html>down</html>", content_type="text/html")
        if how.trick in {Trick.DROP_BEFORE, Trick.HANG}:
            return await self._go_silent(how.trick is Trick.HANG, request)
        message = self._accept(form)
        if how.trick in {Trick.DROP_AFTER_ACCEPT, Trick.HANG_AFTER_ACCEPT}:
            return await self._go_silent(how.trick is Trick.HANG_AFTER_ACCEPT, request)
        if how.trick is Trick.HTTP_500_AFTER_ACCEPT:
            return _error(20500, 500, "Internal server error")
        if how.trick is Trick.HTML_201:
            return web.Response(status=201, text="<html>fine</html>", content_type="text/html")
        return web.json_response({} if how.trick is Trick.EMPTY_201 else self._describe(message), status=201)

    async def _go_silent(self, hang: bool, request: web.Request) -> web.StreamResponse:
        if hang:
            await self._stopping.wait()
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    def _accept(self, form: Mapping[str, str]) -> AcceptedMessage:
        service = form.get("MessagingServiceSid", "")
        message = AcceptedMessage(
            sid="SM" + uuid.uuid4().hex,
            to=form["To"],
            sender=form.get("From", service),
            body=form["Body"],
            status_callback=form.get("StatusCallback"),
            created_at=self._clock.now(),
            form=form,
            status="accepted" if service else "queued",
        )
        self.accepted[message.to].append(message)
        self._arrived.set()
        return message

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if not self._is_authorised(request):
            return _error(20003, 401, "Authenticate")
        everything = [message for messages in self.accepted.values() for message in messages]
        wanted = [
            message
            for message in sorted(everything, key=lambda each: each.created_at, reverse=True)
            if request.query.get("To", message.to) == message.to
            and request.query.get("From", message.sender) == message.sender
        ][: int(request.query.get("PageSize", "50"))]
        page = {"page": 0, "page_size": 50, "start": 0, "end": len(wanted), "uri": request.path_qs}
        pages = {"first_page_uri": request.path_qs, "next_page_uri": None, "previous_page_uri": None}
        return web.json_response({"messages": [self._describe(each) for each in wanted], **page, **pages})

    async def _fetch(self, request: web.Request) -> web.StreamResponse:
        if not self._is_authorised(request):
            return _error(20003, 401, "Authenticate")
        message = self._find(request.match_info["sid"])
        return web.json_response(self._describe(message)) if message else _error(20404, 404, "not found")

    def _find(self, sid: str) -> AcceptedMessage | None:
        return next((each for messages in self.accepted.values() for each in messages if each.sid == sid), None)

    def _is_authorised(self, request: web.Request) -> bool:
        expected = base64.b64encode(f"{self.account_sid}:{self.auth_token}".encode()).decode()
        known = request.match_info["account"] == self.account_sid
        return known and request.headers.get("Authorization") == f"Basic {expected}"

    def _describe(self, message: AcceptedMessage) -> dict[str, object]:
        created = format_datetime(message.created_at.astimezone(UTC))
        uri = f"/{API}/Accounts/{self.account_sid}/Messages/{message.sid}"
        return {
            "account_sid": self.account_sid, "api_version": API, "body": message.body,
            "date_created": created, "date_sent": None, "date_updated": created, "direction": "outbound-api",
            "error_code": message.error_code, "error_message": None, "from": message.sender,
            "messaging_service_sid": message.form.get("MessagingServiceSid"), "num_media": "0",
            "num_segments": "1", "price": None, "price_unit": "USD", "sid": message.sid,
            "status": message.status, "subresource_uris": {"media": f"{uri}/Media.json"}, "to": message.to,
            "uri": f"{uri}.json",
        }  # fmt: skip


def _find_fault(form: Mapping[str, str]) -> web.Response | None:
    if not form.get("To"):
        return _error(21604, 400, "A 'To' phone number is required.")
    if not (form.get("From") or form.get("MessagingServiceSid")):
        return _error(21603, 400, "A 'From' phone number is required.")
    if form["To"] == NUMBER_INVALID:
        return _error(21211, 400, "Invalid 'To' Phone Number")
    if not form.get("Body"):
        return _error(21602, 400, "Message body is required.")
    if len(form["Body"]) > 1600:
        return _error(21617, 400, "The concatenated message body exceeds the 1600 character limit")
    callback, fragment = urldefrag(form.get("StatusCallback", "http://none"))
    if not callback.startswith(("http://", "https://")):
        return _error(21609, 400, "The 'StatusCallback' URL is not a valid URL.")
    repeats = dict(parse_qsl(fragment)).get("rp", "all").split(",")
    if not REPEAT_WORDS.issuperset(repeats):
        return _error(11243, 400, "Invalid connection override")
    return None


def _refusal(how: Behaviour) -> web.Response:
    headers = {} if how.retry_after is None else {"Retry-After": how.retry_after}
    if not how.problem_json:
        return _error(how.code, how.http, "refused", headers)
    problem = {"type": _more_info(how.code), "title": "refused", "status": how.http, "code": how.code}
    return web.json_response(problem, status=how.http, headers=headers, content_type="application/problem+json")


def _error(code: int, http: int, text: str, headers: Mapping[str, str] | None = None) -> web.Response:
    body = {"code": code, "message": text, "more_info": _more_info(code), "status": http}
    return web.json_response(body, status=http, headers=headers)


def _more_info(code: int) -> str:
    return f"https://www.twilio.com/docs/errors/{code}"
