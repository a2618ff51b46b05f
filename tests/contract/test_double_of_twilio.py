"""The double of Twilio keeps to what is known of Twilio: the other tests believe it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]  # twilio ships no types
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # twilio ships no types
from twilio.rest import Client  # type: ignore[import-untyped]  # twilio ships no types

from alerts.channels.provider_http import ProviderHttp
from alerts.channels.twilio_http import TwilioHttp
from tests.fakes import twilio_server
from tests.fakes.patience import PATIENCE_S
from tests.fakes.twilio_people import BUSY, VOICEMAIL, presses
from tests.fakes.twilio_server import TwilioDouble

NUMBER, OURS = "+447700900123", "+447700900001"
SAY = '<Say language="en-GB">{}</Say>'


@dataclass
class Hooks:
    """Our side: keeps what the double posts, and answers with TwiML or a status in turn."""

    url: str = ""
    twiml: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    posted: list[dict[str, str]] = field(default_factory=list)
    signed_well: list[bool] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        signature = request.headers.get("X-Twilio-Signature", "")
        self.posted.append(form)
        self.tokens.append(request.headers["I-Twilio-Idempotency-Token"])
        self.signed_well.append(RequestValidator("token-of-the-double").validate(self.url, form, signature))
        status = self.statuses.pop(0) if self.statuses else 200
        text = self.twiml.pop(0) if self.twiml and "MessageStatus" not in form and "Timestamp" not in form else ""
        return web.Response(status=status, text=text and f"<Response>{text}</Response>", content_type="text/xml")

    def said(self, field_name: str) -> list[str]:
        return [form[field_name] for form in self.posted if field_name in form]


@dataclass
class Line:
    """The genuine SDK, the double, and our side."""

    double: TwilioDouble
    hooks: Hooks
    connection: ProviderHttp

    @property
    def sdk(self) -> Client:
        return Client(
            self.double.account_sid,
            self.double.auth_token,
            http_client=TwilioHttp(self.connection),
            environment={"TWILIO_REGION": ""},
        )

    async def text(self, **more: str) -> str:
        created = await self.sdk.messages.create_async(to=NUMBER, from_=OURS, body="hello", **more)
        return str(created.sid)

    async def call(self, *twiml: str) -> str:
        self.hooks.twiml += twiml
        created = await self.sdk.calls.create_async(to=NUMBER, from_=OURS, url=self.hooks.url)
        return str(created.sid)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    double, hooks, app = TwilioDouble(), Hooks(), web.Application()
    await double.start()
    app.router.add_post("/hook", hooks.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    hooks.url = f"http://{host}:{port}/hook"
    connection = ProviderHttp(base_url=double.base_url, connect_s=PATIENCE_S, total_s=PATIENCE_S)
    yield Line(double, hooks, connection)
    await connection.close()
    await runner.cleanup()
    await double.stop()


async def test_callbacks_come_in_the_order_told_repeated_and_signed_for_the_address_without_its_fragment(
    line: Line,
) -> None:
    line.double.report(NUMBER, "delivered", "sent", "delivered")
    await line.text(status_callback=f"{line.hooks.url}#rc=3&rp=all")
    await line.double.settled()
    assert line.hooks.said("MessageStatus") == ["delivered", "sent", "delivered"]
    assert all(line.hooks.signed_well)


async def test_late_callbacks_wait_and_without_a_fate_none_comes(line: Line) -> None:
    line.double.report(NUMBER, ("undelivered", 30003), late=True)
    for _ in range(2):
        await line.text(status_callback=line.hooks.url)
    await line.double.settled()
    assert line.hooks.posted == []
    await line.double.release()
    assert line.hooks.said("ErrorCode") == ["30003"]


@pytest.mark.parametrize(("fragment", "times"), [("", 1), ("#rc=2&rp=4xx", 1), ("#rc=2&rp=5xx", 3)])
async def test_a_callback_is_repeated_as_its_fragment_says_under_one_token(
    line: Line, fragment: str, times: int
) -> None:
    line.hooks.statuses = [500, 500, 500]
    line.double.report(NUMBER, "sent")
    await line.text(status_callback=line.hooks.url + fragment)
    await line.double.settled()
    assert (len(line.hooks.posted), len(set(line.hooks.tokens))) == (times, 1)


async def test_a_fragment_with_unknown_words_is_refused(line: Line) -> None:
    with pytest.raises(TwilioRestException) as refused:
        await line.text(status_callback=f"{line.hooks.url}#rp=sometimes")
    assert refused.value.code == 11243


async def test_both_kinds_of_429_and_a_refusal_in_the_newer_shape(line: Line) -> None:
    line.double.script(
        NUMBER,
        twilio_server.rate_limit(3),
        twilio_server.daily_cap(),
        twilio_server.refuse(21614, problem_json=True),
    )
    refused = []
    for _ in range(3):
        try:
            await line.text()
        except Exception as error:  # noqa: BLE001 - the SDK has two kinds
            refused.append((getattr(error, "status", None), getattr(error, "code", None)))
    assert (refused, line.double.accepted_total) == ([(429, 20429), (429, 63038), (400, 21614)], 0)


async def test_messages_are_listed_by_number_and_since_they_were_sent(line: Line) -> None:
    sids = [await line.text(status_callback=line.hooks.url) for _ in range(2)]
    await line.double.send_status(sids[0], "sent")
    listed = await line.sdk.messages.list_async(to=NUMBER)
    began = line.double.accepted[NUMBER][0].created_at.replace(microsecond=0)
    since = await line.sdk.messages.list_async(to=NUMBER, date_sent_after=began)
    nobodys = await line.sdk.messages.list_async(to=OURS)
    assert {each.sid for each in listed} == set(sids)
    assert ([each.sid for each in since], nobodys) == ([sids[0]], [])  # the other was not sent on any day yet


async def test_a_message_is_emptied_deleted_and_only_cancelled_while_it_is_scheduled(line: Line) -> None:
    sid = await line.text()
    with pytest.raises(TwilioRestException):
        await line.sdk.messages(sid).update_async(status="canceled")
    emptied = await line.sdk.messages(sid).update_async(body="")
    with pytest.raises(TwilioRestException):  # it is carried still
        await line.sdk.messages(sid).delete_async()
    line.double.accepted[NUMBER][0].status = "delivered"
    deleted = await line.sdk.messages(sid).delete_async()
    assert (emptied.body, deleted, await line.sdk.messages.list_async(to=NUMBER)) == ("", True, [])
    assert len(line.double.accepted[NUMBER]) == 1


async def test_who_wrote_stop_is_refused_until_start(line: Line) -> None:
    await line.double.text_from(NUMBER, "Stop", line.hooks.url)
    with pytest.raises(TwilioRestException) as refused:
        await line.text()
    line.hooks.twiml = ["<Message>Welcome back</Message>"]
    answered = await line.double.text_from(NUMBER, "start", line.hooks.url)
    await line.text()
    assert (refused.value.code, answered) == (21610, (200, ["Welcome back"]))


async def test_a_key_counts_only_inside_a_gather(line: Line) -> None:
    gather = f'<Gather numDigits="1" action="/hook">{SAY.format("press")}</Gather>'
    sid = await line.call(SAY.format("before") + gather, SAY.format("thanks"))
    call = await line.double.calls.play(sid, presses("71", while_it_speaks=True))
    assert (call.pressed, call.heard, call.faults) == ("1", "before\npress\nthanks", [])
    assert line.hooks.said("Digits") == ["1"]


async def test_a_mailbox_hears_all_and_is_a_completed_call(line: Line) -> None:
    gather = f'<Gather numDigits="1">{SAY.format("press")}</Gather>'
    sid = await line.call(gather + SAY.format("goodbye"))
    call = await line.double.calls.play(sid, VOICEMAIL)
    assert (call.status, call.pressed, call.heard) == ("completed", "", "press\ngoodbye")


async def test_a_busy_line_asks_for_no_words(line: Line) -> None:
    sid = await line.call(SAY.format("hello"))
    call = await line.double.calls.play(sid, BUSY)
    assert (call.status, call.heard, line.hooks.posted) == ("busy", "", [])


async def test_a_call_is_cancelled_while_it_waits_and_not_when_it_is_over(line: Line) -> None:
    sid = await line.call(SAY.format("hello"))
    await line.sdk.calls(sid).update_async(status="canceled")
    call = await line.double.calls.play(sid, presses("1"))
    with pytest.raises(TwilioRestException) as refused:
        await line.sdk.calls(sid).update_async(status="canceled")
    assert (call.status, call.heard, refused.value.code) == ("canceled", "", 21220)


async def test_words_that_are_no_twiml_end_the_call(line: Line) -> None:
    sid = await line.call("<Say language='en-GB'>unclosed")
    call = await line.double.calls.play(sid, presses("1"))
    assert (call.faults, call.heard) == (["12100: not XML"], "")
