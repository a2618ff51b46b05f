"""The channels' contract, on the genuine clients against providers on loopback."""

from collections.abc import AsyncIterator

import pytest

pytest.register_assert_rewrite("tests.contract.channel_contract")

from alerts.channels.channel import Message  # noqa: E402 - after the line that makes the suite's asserts speak
from alerts.channels.elks_sms import ElksSms  # noqa: E402 - the same
from alerts.channels.smtp import SmtpMail  # noqa: E402 - the same
from alerts.channels.twilio_sms import TwilioSms  # noqa: E402 - the same
from alerts.channels.twilio_voice import TwilioVoice  # noqa: E402 - the same
from alerts.outcomes import TryLater  # noqa: E402 - the same
from tests.contract.channel_contract import LIMIT_S, CancellingContract, ChannelBench, ChannelContract  # noqa: E402
from tests.fakes import elks_server, endpoint_house, smtp_server, twilio_server, web_receiver  # noqa: E402 - the same


class TwilioBench(ChannelBench):
    """Text messages against the double of Twilio."""

    def __init__(self, double: twilio_server.TwilioDouble) -> None:
        self.to = "+447700900123"
        self._double = double
        self.channel = TwilioSms(
            account_sid=double.account_sid,
            auth_token=double.auth_token,
            sender="+447700900001",
            base_url=double.base_url,
            status_callback=lambda attempt_id: f"https://cloud.example.org/hooks/twilio/status/{attempt_id}",
            connect_s=LIMIT_S,
            total_s=LIMIT_S,
        )

    def refuse_next(self) -> None:
        self._double.script(self.to, twilio_server.refuse(21610))

    def put_off_next(self) -> None:
        self._double.script(self.to, twilio_server.rate_limit(3))

    def lose_next_answer(self) -> None:
        self._double.script(self.to, twilio_server.DROP_AFTER_ACCEPT)

    def hang_next(self) -> None:
        self._double.script(self.to, twilio_server.HANG_AFTER_ACCEPT)

    async def take_provider_away(self) -> None:
        await self._double.stop()

    def texts_out(self) -> list[str]:
        return [message.body for message in self._double.accepted[self.to]]

    async def wait_until_out(self) -> None:
        await self._double.wait_for_accepted(self.to)


class TwilioVoiceBench(ChannelBench):
    """Calls against the double of Twilio.

    A call carries no words but the address that has them; here whoever knows the attempt has them. That the words
    are heard as written is shown by the tests of the hooks.
    """

    def __init__(self, double: twilio_server.TwilioDouble) -> None:
        self.to = "+447700900123"
        self._double = double
        self._words: dict[str, str] = {}
        self.channel = TwilioVoice(
            account_sid=double.account_sid,
            auth_token=double.auth_token,
            sender="+447700900001",
            base_url=double.base_url,
            voice_url=lambda attempt_id: f"https://cloud.example.org/hooks/twilio/voice/{attempt_id}",
            status_callback=lambda attempt_id: f"https://cloud.example.org/hooks/twilio/status/{attempt_id}",
            connect_s=LIMIT_S,
            total_s=LIMIT_S,
        )

    def message(self, attempt_id: str = "attempt-1", text: str = "Mökki: mains lost 14:02 (47)") -> Message:
        self._words[attempt_id] = text
        return super().message(attempt_id, text)

    def refuse_next(self) -> None:
        self._double.calls.script(self.to, twilio_server.refuse(21214))

    def put_off_next(self) -> None:
        self._double.calls.script(self.to, twilio_server.rate_limit(3))

    def lose_next_answer(self) -> None:
        self._double.calls.script(self.to, twilio_server.DROP_AFTER_ACCEPT)

    def hang_next(self) -> None:
        self._double.calls.script(self.to, twilio_server.HANG_AFTER_ACCEPT)

    async def take_provider_away(self) -> None:
        await self._double.stop()

    def texts_out(self) -> list[str]:
        calls = self._double.calls.accepted[self.to]
        return [self._words[call.url.rpartition("/")[2]] for call in calls]

    async def wait_until_out(self) -> None:
        await self._double.calls.wait_for_accepted(self.to)


class ElksBench(ChannelBench):
    """Text messages against the double of 46elks."""

    def __init__(self, double: elks_server.ElksDouble) -> None:
        self.to = "+447700900123"
        self._double = double
        self.channel = ElksSms(
            username=double.username,
            password=double.password,
            sender="+447700900001",
            base_url=double.base_url,
            status_callback=lambda attempt_id: f"https://cloud.example.org/hooks/46elks/status/{attempt_id}/proof",
            connect_s=LIMIT_S,
            total_s=LIMIT_S,
        )

    def refuse_next(self) -> None:
        self._double.script(self.to, twilio_server.refuse(0, 400))

    def put_off_next(self) -> None:
        self._double.script(self.to, twilio_server.rate_limit(3))

    def lose_next_answer(self) -> None:
        self._double.script(self.to, twilio_server.DROP_AFTER_ACCEPT)

    def hang_next(self) -> None:
        self._double.script(self.to, twilio_server.HANG_AFTER_ACCEPT)

    async def take_provider_away(self) -> None:
        await self._double.stop()

    def texts_out(self) -> list[str]:
        return [message.text for message in self._double.accepted[self.to]]

    async def wait_until_out(self) -> None:
        await self._double.wait_for_accepted(self.to)


class SmtpBench(ChannelBench):
    """E-mail against a mail server that keeps what it takes."""

    def __init__(self, sink: smtp_server.SmtpSink) -> None:
        self.to = "ada@example.org"
        self._sink = sink
        self.channel = SmtpMail(
            url=sink.url, sender="iSocket <no-reply@example.org>", connect_s=LIMIT_S, total_s=LIMIT_S
        )

    def refuse_next(self) -> None:
        self._sink.script(self.to, smtp_server.refuse_recipient())

    def put_off_next(self) -> None:
        self._sink.script(self.to, smtp_server.refuse_recipient("451 4.7.1 greylisted"))

    def lose_next_answer(self) -> None:
        self._sink.script(self.to, smtp_server.DROP_AFTER_TAKING)

    def hang_next(self) -> None:
        self._sink.script(self.to, smtp_server.HANG_AFTER_TAKING)

    async def take_provider_away(self) -> None:
        await self._sink.stop()

    def texts_out(self) -> list[str]:
        bodies = [mail.parsed.get_body(("plain",)) for mail in self._sink.accepted[self.to]]
        texts = [body.get_content() for body in bodies if body is not None]
        return [text.replace("\r\n", "\n").removesuffix("\n") for text in texts]

    async def wait_until_out(self) -> None:
        await self._sink.wait_for_mail(self.to)


class EndpointBench(ChannelBench):
    """Notifications and webhooks against a server that takes them; a second copy is known for one there."""

    lost = TryLater

    def __init__(self, house: endpoint_house.EndpointHouse, receiver: web_receiver.WebReceiver) -> None:
        is_push = receiver is house.service
        self.to = endpoint_house.BROWSER if is_push else endpoint_house.PROGRAM
        self.channel = house.push if is_push else house.webhook
        self._receiver = receiver

    def refuse_next(self) -> None:
        self._receiver.script(endpoint_house.NAME, web_receiver.answer(400))

    def put_off_next(self) -> None:
        self._receiver.script(endpoint_house.NAME, web_receiver.answer(429, Retry_After="3"))

    def lose_next_answer(self) -> None:
        self._receiver.script(endpoint_house.NAME, web_receiver.DROP_AFTER)

    def hang_next(self) -> None:
        self._receiver.script(endpoint_house.NAME, web_receiver.HANG_AFTER)

    async def take_provider_away(self) -> None:
        await self._receiver.stop()

    def texts_out(self) -> list[str]:
        return [each.text for each in self._receiver.accepted[endpoint_house.NAME]]

    async def wait_until_out(self) -> None:
        await self._receiver.wait_for(endpoint_house.NAME)


class TestTwilioSms(ChannelContract):
    """Text messages by Twilio."""

    @pytest.fixture
    async def bench(self) -> AsyncIterator[ChannelBench]:
        double = twilio_server.TwilioDouble()
        await double.start()
        bench = TwilioBench(double)
        yield bench
        await bench.channel.close()
        await double.stop()


class TestTwilioVoice(CancellingContract):
    """Calls by Twilio."""

    @pytest.fixture
    async def bench(self) -> AsyncIterator[ChannelBench]:
        double = twilio_server.TwilioDouble()
        await double.start()
        bench = TwilioVoiceBench(double)
        yield bench
        await bench.channel.close()
        await double.stop()


class TestElksSms(ChannelContract):
    """Text messages by 46elks."""

    @pytest.fixture
    async def bench(self) -> AsyncIterator[ChannelBench]:
        double = elks_server.ElksDouble()
        await double.start()
        bench = ElksBench(double)
        yield bench
        await bench.channel.close()
        await double.stop()


class TestSmtpMail(ChannelContract):
    """E-mail by SMTP."""

    @pytest.fixture
    async def bench(self) -> AsyncIterator[ChannelBench]:
        sink = smtp_server.SmtpSink()
        await sink.start()
        bench = SmtpBench(sink)
        yield bench
        await bench.channel.close()
        await sink.stop()


class TestWebPush(ChannelContract):
    """Notifications in a browser."""

    @pytest.fixture
    async def bench(self) -> AsyncIterator[ChannelBench]:
        async with endpoint_house.endpoint_house() as house:
            yield EndpointBench(house, house.service)


class TestWebhook(ChannelContract):
    """Messages to a program."""

    @pytest.fixture
    async def bench(self) -> AsyncIterator[ChannelBench]:
        async with endpoint_house.endpoint_house() as house:
            yield EndpointBench(house, house.program)
