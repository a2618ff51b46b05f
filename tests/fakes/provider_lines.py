"""One line to each provider: its channel as it runs, its double, and by attempt what the double took.

What a provider took it knows by the address of the callback, which names our attempt; so two copies of one message
cannot hide behind each other.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urldefrag

from alerts.channels.channel import Channel, Message
from alerts.channels.elks_sms import ElksSms
from alerts.channels.twilio_sms import TwilioSms
from alerts.channels.twilio_voice import TwilioVoice
from alerts.outcomes import Outcome
from isocket.domain.deliveries import Attempt
from isocket.kit.clock import Clock
from tests.fakes.alert_house import AlertHouse
from tests.fakes.elks_server import ElksDouble
from tests.fakes.twilio_behaviours import Behaviour
from tests.fakes.twilio_server import TwilioDouble

SENDER = "+447700900100"

Report = str | tuple[str, int]  # with the provider's error code


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How a provider treats the first message to a number: what it answers, and what it reports of it.

    A report comes before the answer is read, which is the worst moment for one.
    """

    answers: Behaviour
    reports: tuple[Report, ...] = ()
    then_reports: tuple[Report, ...] = ()  # of the second message, if there is one
    fails_later: bool = False  # it reports a failure, after which one more message may be in order


class ReportingChannel:
    """A channel whose provider reports to `house` in the moment in which it has taken something.

    Whoever waits for one that hangs has waited long enough as soon as it does: no test waits for a clock of ours.
    """

    def __init__(self, channel: Channel, hanging: asyncio.Event) -> None:
        self.kind = channel.kind
        self.name = channel.name
        self.house: AlertHouse | None = None
        self.to_report: list[tuple[Report, ...]] = []
        self._channel = channel
        self._hanging = hanging

    async def send(self, message: Message) -> Outcome:
        try:
            return await self._unless_it_hangs(self._channel.send(message))
        finally:
            if self.to_report and self.house is not None:
                (attempt,) = [each for each in await self.house.attempts() if each.id == message.attempt_id]
                await _report(self.house, attempt, self.to_report.pop(0))

    async def look_up(self, message: Message, sent_after: datetime) -> Outcome:
        return await self._channel.look_up(message, sent_after)

    async def close(self) -> None:
        await self._channel.close()

    async def _unless_it_hangs(self, sending: Coroutine[Any, Any, Outcome]) -> Outcome:
        self._hanging.clear()
        call, hangs = asyncio.create_task(sending), asyncio.create_task(self._hanging.wait())
        await asyncio.wait({call, hangs}, return_when=asyncio.FIRST_COMPLETED)
        hangs.cancel()
        if call.done():
            return call.result()
        call.cancel()
        await asyncio.wait({call})
        raise TimeoutError


async def _report(house: AlertHouse, attempt: Attempt, reports: Sequence[Report]) -> None:
    for each in reports:
        status, code = each if isinstance(each, tuple) else (each, None)
        await house.receipt(status, attempt, error_code=code)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderLine:
    """A running double and the channel to it."""

    channel: ReportingChannel
    keep_time: Callable[[Clock], None]
    """Let the double have the time of a house, so that what it took is found again by when it took it."""
    script: Callable[[str, Behaviour], None]
    taken: Callable[[str], list[str]]
    """Return the attempts of which the double took a message to this number, one for each message."""


def _callback(attempt: str) -> str:
    return f"https://cloud.example.org/hooks/status/{attempt}"


def _attempts(addresses: Sequence[str | None]) -> list[str]:
    return [urldefrag(each or "").url.rpartition("/")[2] for each in addresses]


@asynccontextmanager
async def twilio_texts() -> AsyncIterator[ProviderLine]:
    """Open a line for text messages by Twilio."""
    double = TwilioDouble()
    await double.start()

    def keep_time(clock: Clock) -> None:
        double.account.clock = clock

    channel = TwilioSms(
        account_sid=double.account_sid,
        auth_token=double.auth_token,
        sender=SENDER,
        base_url=double.base_url,
        status_callback=_callback,
    )

    def taken(number: str) -> list[str]:
        return _attempts([each.status_callback for each in double.accepted[number]])

    reporting = ReportingChannel(channel, double.hanging)
    try:
        yield ProviderLine(channel=reporting, keep_time=keep_time, script=double.script, taken=taken)
    finally:
        await reporting.close()
        await double.stop()


@asynccontextmanager
async def twilio_calls() -> AsyncIterator[ProviderLine]:
    """Open a line for calls by Twilio."""
    double = TwilioDouble()
    await double.start()

    def keep_time(clock: Clock) -> None:
        double.account.clock = clock

    channel = TwilioVoice(
        account_sid=double.account_sid,
        auth_token=double.auth_token,
        sender=SENDER,
        base_url=double.base_url,
        voice_url=lambda attempt: f"https://cloud.example.org/hooks/voice/{attempt}",
        status_callback=_callback,
    )

    def taken(number: str) -> list[str]:
        return _attempts([each.form.get("StatusCallback") for each in double.calls.accepted[number]])

    reporting = ReportingChannel(channel, double.hanging)
    try:
        yield ProviderLine(channel=reporting, keep_time=keep_time, script=double.calls.script, taken=taken)
    finally:
        await reporting.close()
        await double.stop()


@asynccontextmanager
async def elks_texts() -> AsyncIterator[ProviderLine]:
    """Open a line for text messages by 46elks."""
    double = ElksDouble()
    await double.start()

    channel = ElksSms(
        username=double.username,
        password=double.password,
        sender=SENDER,
        base_url=double.base_url,
        status_callback=_callback,
    )

    def taken(number: str) -> list[str]:
        return _attempts([each.whendelivered for each in double.accepted[number]])

    reporting = ReportingChannel(channel, double.hanging)
    try:
        yield ProviderLine(channel=reporting, keep_time=double.keep_time, script=double.script, taken=taken)
    finally:
        await reporting.close()
        await double.stop()
