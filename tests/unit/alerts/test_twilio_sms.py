"""Text messages through the genuine SDK, against the double of Twilio."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from alerts.channels.channel import Message
from alerts.channels.twilio_sms import TwilioSms
from alerts.outcomes import Outcome, RefusalScope, Refused, Sent, TryLater, Unclear
from alerts.signatures import SIGNATURE_HEADER, TwilioSignature
from tests.fakes import twilio_server
from tests.fakes.patience import PATIENCE_S, out_of_time
from tests.fakes.twilio_behaviours import odd_201
from tests.fakes.twilio_server import Behaviour, TwilioDouble

TO = "+447700900123"
SENDER = "+447700900001"
MakeChannel = Callable[..., TwilioSms]


def _callback(attempt_id: str) -> str:
    return f"https://cloud.example.org/hooks/twilio/status/{attempt_id}"


def _message(text: str = "Mökki: mains lost 14:02 (47)", *, to: str = TO, attempt_id: str = "a1") -> Message:
    return Message(attempt_id=attempt_id, to=to, subject="", text=text)


class HandMovedClock:
    """A clock for the double that stands still until moved."""

    def __init__(self) -> None:
        self.instant = datetime(2026, 11, 22, 12, 0, 0, 700_000, tzinfo=UTC)

    def now(self) -> datetime:
        return self.instant

    def monotonic_s(self) -> float:
        return self.instant.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        await self.sleep(timeout_s)
        return event.is_set()


@pytest.fixture
def clock() -> HandMovedClock:
    return HandMovedClock()


@pytest.fixture
async def double(clock: HandMovedClock) -> AsyncIterator[TwilioDouble]:
    double = TwilioDouble(clock=clock)
    await double.start()
    yield double
    await double.stop()


@pytest.fixture
async def make_channel(double: TwilioDouble) -> AsyncIterator[MakeChannel]:
    made: list[TwilioSms] = []

    def make(**changes: object) -> TwilioSms:
        plain: dict[str, object] = {
            "account_sid": double.account_sid,
            "auth_token": double.auth_token,
            "sender": SENDER,
            "base_url": double.base_url,
            "status_callback": _callback,
            "connect_s": PATIENCE_S,
            "total_s": PATIENCE_S,
        }
        made.append(TwilioSms(**(plain | changes)))  # type: ignore[arg-type]  # the test names what it changes
        return made[-1]

    yield make
    for each in made:
        await each.close()


@pytest.fixture
def channel(make_channel: MakeChannel) -> TwilioSms:
    return make_channel()


async def test_an_accepted_message_is_sent_and_awaits_a_receipt(double: TwilioDouble, channel: TwilioSms) -> None:
    outcome = await channel.send(_message())
    assert outcome == Sent(provider_id=double.accepted[TO][0].sid, receipt_expected=True)


async def test_the_request_holds_what_the_channel_was_given_and_nothing_more(
    double: TwilioDouble, channel: TwilioSms
) -> None:
    await channel.send(_message("Mökki €"))
    assert double.accepted[TO][0].form == {
        "To": TO,
        "From": SENDER,
        "Body": "Mökki €",
        "StatusCallback": _callback("a1") + "#rc=3&rp=all",
    }


async def test_a_text_arrives_as_it_is_whatever_is_in_it(double: TwilioDouble, channel: TwilioSms) -> None:
    text = "".join(map(chr, range(128))) + "äÖåøß€£Ж雪🙂\u2028"
    await channel.send(_message(text))
    assert double.accepted[TO][0].form["Body"] == text


async def test_a_callback_address_with_its_own_repeats_keeps_them(
    double: TwilioDouble, make_channel: MakeChannel
) -> None:
    await make_channel(status_callback=lambda attempt: _callback(attempt) + "#rc=1").send(_message())
    assert double.accepted[TO][0].status_callback == _callback("a1") + "#rc=1"


async def test_a_messaging_service_takes_the_place_of_a_sender(double: TwilioDouble, make_channel: MakeChannel) -> None:
    await make_channel(sender="MG" + "1" * 32).send(_message())
    form = double.accepted[TO][0].form
    assert (form.get("MessagingServiceSid"), form.get("From")) == ("MG" + "1" * 32, None)


async def test_with_retention_minimised_twilio_is_asked_to_keep_nothing(
    double: TwilioDouble, make_channel: MakeChannel
) -> None:
    await make_channel(retention_minimised=True).send(_message())
    form = double.accepted[TO][0].form
    assert (form["ContentRetention"], form["AddressRetention"]) == ("discard", "obfuscate")


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (twilio_server.refuse(21211), Refused(reason="number_invalid", scope=RefusalScope.CONTACT, code="21211")),
        (twilio_server.refuse(21610), Refused(reason="opted_out", scope=RefusalScope.CONTACT, code="21610")),
        (
            twilio_server.refuse(21610, problem_json=True),
            Refused(reason="opted_out", scope=RefusalScope.CONTACT, code="21610"),
        ),
        (twilio_server.refuse(63038, 429), Refused(reason="daily_cap", scope=RefusalScope.ACCOUNT, code="63038")),
        (twilio_server.rate_limit(7), TryLater(reason="too_many_requests", after_s=7.0)),
        (twilio_server.rate_limit(), TryLater(reason="too_many_requests", after_s=None)),
        (twilio_server.rate_limit("soon"), TryLater(reason="too_many_requests", after_s=None)),
        (twilio_server.rate_limit("1e9"), TryLater(reason="too_many_requests", after_s=None)),
        (twilio_server.rate_limit("-1"), TryLater(reason="too_many_requests", after_s=None)),
        (twilio_server.rate_limit("\uff19"), TryLater(reason="too_many_requests", after_s=None)),
        (twilio_server.rate_limit("9" * 20), TryLater(reason="too_many_requests", after_s=86_400.0)),
        (twilio_server.rate_limit("9" * 5000), TryLater(reason="too_many_requests", after_s=86_400.0)),
        (twilio_server.HTML_503, TryLater(reason="provider_unavailable", after_s=None)),
        (twilio_server.HTTP_500_BEFORE, Unclear(reason="http_500")),
    ],
)
async def test_what_twilio_did_not_take_is_told_apart(
    double: TwilioDouble, channel: TwilioSms, behaviour: Behaviour, outcome: Outcome
) -> None:
    double.script(TO, behaviour)
    assert await channel.send(_message()) == outcome
    assert double.create_requests[TO] == 1


@pytest.mark.parametrize(
    "behaviour",
    [
        twilio_server.HTTP_500_AFTER_ACCEPT,
        twilio_server.DROP_AFTER_ACCEPT,
        twilio_server.HANG_AFTER_ACCEPT,
        twilio_server.EMPTY_201,
        twilio_server.HTML_201,
        odd_201('{"sid": "SM\\ud800"}'),
        odd_201(f'{{"sid": "{"S" * 65}"}}'),
        odd_201("[" * 100_000),
        odd_201("{}", "text/plain; charset=hex"),
    ],
)
async def test_what_twilio_took_without_a_clear_answer_is_unclear_and_asked_for_once(
    double: TwilioDouble, channel: TwilioSms, behaviour: Behaviour
) -> None:
    double.script(TO, behaviour)
    assert isinstance(await out_of_time(channel.send(_message()), double.hanging, limit_s=PATIENCE_S), Unclear)
    assert (double.create_requests[TO], len(double.accepted[TO])) == (1, 1)


@pytest.mark.parametrize("behaviour", [twilio_server.DROP_BEFORE, twilio_server.HANG])
async def test_silence_is_unclear_even_when_nothing_was_taken(
    double: TwilioDouble, channel: TwilioSms, behaviour: Behaviour
) -> None:
    double.script(TO, behaviour)
    assert isinstance(await out_of_time(channel.send(_message()), double.hanging, limit_s=PATIENCE_S), Unclear)


async def test_what_breaks_on_our_side_behind_the_request_is_unclear_and_not_taken_for_unsent(
    double: TwilioDouble, channel: TwilioSms, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = aiohttp.ClientResponse.start

    async def break_down(answer: aiohttp.ClientResponse, connection: Any) -> None:
        await begun(answer, connection)
        raise AttributeError

    monkeypatch.setattr(aiohttp.ClientResponse, "start", break_down)
    assert await channel.send(_message()) == Unclear(reason="answer_lost: AttributeError")
    assert double.accepted_total == 1


async def test_what_breaks_on_our_side_before_the_request_is_tried_later(
    double: TwilioDouble, channel: TwilioSms, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def break_down(*_: Any, **__: Any) -> None:
        raise AttributeError

    monkeypatch.setattr(aiohttp.TCPConnector, "_create_connection", break_down)
    assert await channel.send(_message()) == TryLater(reason="nothing_sent: AttributeError")
    assert double.accepted_total == 0


async def test_a_refused_connection_is_tried_later(make_channel: MakeChannel) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        port = closed_soon.getsockname()[1]
    outcome = await make_channel(base_url=f"http://127.0.0.1:{port}").send(_message())
    assert isinstance(outcome, TryLater)


async def test_a_name_that_does_not_resolve_is_tried_later(make_channel: MakeChannel) -> None:
    outcome = await make_channel(base_url="http://" + "x" * 64 + ".invalid").send(_message())
    assert isinstance(outcome, TryLater)


async def test_a_server_that_speaks_no_tls_is_tried_later(double: TwilioDouble, make_channel: MakeChannel) -> None:
    outcome = await make_channel(base_url=double.base_url.replace("http:", "https:")).send(_message())
    assert isinstance(outcome, TryLater)
    assert double.accepted_total == 0


async def test_a_wrong_token_refuses_for_the_whole_account(make_channel: MakeChannel) -> None:
    outcome = await make_channel(auth_token="wrong").send(_message())
    assert outcome == Refused(reason="credentials", scope=RefusalScope.ACCOUNT, code="20003")


@pytest.mark.parametrize("to", ["", "447700900123", "+0447700900123", "+44 7700 900123", "whatsapp:+447700900123"])
async def test_what_is_no_number_does_not_even_leave(double: TwilioDouble, channel: TwilioSms, to: str) -> None:
    outcome = await channel.send(_message(to=to))
    assert outcome == Refused(reason="number_invalid", scope=RefusalScope.CONTACT)
    assert double.headers_seen == []


async def test_a_text_that_cannot_be_encoded_is_refused_before_it_leaves(
    double: TwilioDouble, channel: TwilioSms
) -> None:
    outcome = await channel.send(_message("\ud800"))
    assert isinstance(outcome, Refused)
    assert (outcome.scope, double.headers_seen) == (RefusalScope.MESSAGE, [])


async def test_what_never_leaves_says_nothing_of_another_message_under_way(
    double: TwilioDouble, channel: TwilioSms
) -> None:
    double.script(TO, odd_201("[" * 100_000))
    under_way, never_left = await asyncio.gather(channel.send(_message()), channel.send(_message("\ud800")))
    assert isinstance(under_way, Unclear)
    assert isinstance(never_left, Refused)


async def test_the_path_of_another_address_goes_before_twilios_own(make_channel: MakeChannel) -> None:
    paths: list[str] = []

    async def note(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.json_response({"sid": "SM1"}, status=201)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", note)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/proxy/"
    await make_channel(base_url=base_url, account_sid="AC1").send(_message())
    await runner.cleanup()
    assert paths == ["/proxy/2010-04-01/Accounts/AC1/Messages.json"]


async def test_the_environment_of_the_process_changes_nothing(
    make_channel: MakeChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ACCOUNT_SID", "AUTH_TOKEN", "EDGE", "REGION"):
        monkeypatch.setenv(f"TWILIO_{name}", "elsewhere")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    channel = make_channel()
    assert isinstance(await channel.send(_message()), Sent)
    assert channel._account._client.get_hostname("https://api.twilio.com/x") == "https://api.twilio.com/x"


async def test_the_sdk_logs_neither_number_nor_text(channel: TwilioSms, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await channel.send(_message())
    await channel.look_up(_message(), datetime(2026, 1, 1, tzinfo=UTC))
    assert not [line for line in caplog.messages if TO[1:] in line or "Mökki" in line]


async def _lose(double: TwilioDouble, channel: TwilioSms, clock: HandMovedClock) -> datetime:
    double.script(TO, twilio_server.DROP_AFTER_ACCEPT)
    before = clock.now()
    await channel.send(_message())
    return before


async def test_a_lost_message_is_found_by_its_number_and_text(
    double: TwilioDouble, channel: TwilioSms, clock: HandMovedClock
) -> None:
    before = await _lose(double, channel, clock)
    found = await channel.look_up(_message(), before)
    assert found == Sent(provider_id=double.accepted[TO][0].sid, receipt_expected=True)


async def test_looking_up_does_not_send(double: TwilioDouble, channel: TwilioSms, clock: HandMovedClock) -> None:
    before = await _lose(double, channel, clock)
    await channel.look_up(_message(), before)
    assert double.create_requests[TO] == 1


async def test_an_older_message_with_the_same_text_is_not_taken_for_the_lost_one(
    double: TwilioDouble, channel: TwilioSms, clock: HandMovedClock
) -> None:
    await channel.send(_message())
    await clock.sleep(60)
    assert await channel.look_up(_message(), clock.now()) == Unclear(reason="not_found")


async def test_two_messages_with_the_same_text_cannot_be_told_apart(channel: TwilioSms, clock: HandMovedClock) -> None:
    before = clock.now()
    await channel.send(_message(attempt_id="a1"))
    await channel.send(_message(attempt_id="a2"))
    assert await channel.look_up(_message(), before) == Unclear(reason="found_several")


async def test_another_text_to_the_same_number_is_not_taken_for_the_lost_one(
    channel: TwilioSms, clock: HandMovedClock
) -> None:
    before = clock.now()
    await channel.send(_message("something else"))
    assert await channel.look_up(_message(), before) == Unclear(reason="not_found")


async def test_a_lost_message_that_twilio_gave_up_is_refused(
    double: TwilioDouble, channel: TwilioSms, clock: HandMovedClock
) -> None:
    before = await _lose(double, channel, clock)
    message = double.accepted[TO][0]
    message.status, message.error_code = "undelivered", 30003
    assert await channel.look_up(_message(), before) == Refused(
        reason="failed_after_acceptance", scope=RefusalScope.MESSAGE, code="30003"
    )


async def test_what_twilio_was_asked_not_to_keep_cannot_be_looked_up(
    double: TwilioDouble, make_channel: MakeChannel, clock: HandMovedClock
) -> None:
    channel = make_channel(retention_minimised=True)
    before = await _lose(double, channel, clock)
    assert await channel.look_up(_message(), before) == Unclear(reason="nothing_kept")


async def test_a_look_up_with_a_wrong_token_cannot_tell(make_channel: MakeChannel, clock: HandMovedClock) -> None:
    outcome = await make_channel(auth_token="wrong").look_up(_message(), clock.now())
    assert isinstance(outcome, Unclear)


async def test_a_status_callback_comes_signed_to_the_address_of_its_attempt(
    double: TwilioDouble, make_channel: MakeChannel
) -> None:
    heard: list[tuple[str, str, bool]] = []

    async def hear(request: web.Request) -> web.Response:
        form = await request.post()
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        checker = TwilioSignature(auth_tokens=[double.auth_token], public_url=origin)
        signature = request.headers.get(SIGNATURE_HEADER)
        genuine = checker.is_valid(path_qs=request.path_qs, form=fields, signature=signature)
        heard.append((request.match_info["attempt"], fields["MessageStatus"], genuine))
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/hooks/twilio/status/{attempt}", hear)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    channel = make_channel(status_callback=lambda attempt: f"{origin}/hooks/twilio/status/{attempt}")
    outcome = await channel.send(_message())
    assert isinstance(outcome, Sent)
    await double.send_status(outcome.provider_id, "delivered", times=2)
    await double.send_status(outcome.provider_id, "undelivered", 30003, sign_with="someone else's")
    await double.send_status(outcome.provider_id, "sent", sign_with="")
    await runner.cleanup()
    assert heard == [
        ("a1", "delivered", True),
        ("a1", "delivered", True),
        ("a1", "undelivered", False),
        ("a1", "sent", False),
    ]
