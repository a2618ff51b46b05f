"""A process that dies at any point, beside a provider that does anything: nothing goes twice, nothing ends unsaid.

The provider is the double behind the genuine SDK; what it accepted, by number, is what went out, whatever we were
told. A second provider stands by, so that it shows when one message is given to both.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest

from alerts.channels.channel import ChannelKind, Message
from alerts.channels.twilio_sms import TwilioSms
from alerts.outcomes import Outcome
from isocket.domain.deliveries import DeliveryKind, DeliveryState
from isocket.domain.incidents import Happening, IncidentState
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from isocket.storage.sqlite import SqliteStore
from isocket.storage.wakeups import Wakeups
from tests.fakes.alert_house import ANNA, AlertHouse, RecordingChannel
from tests.fakes.clock import ManualClock
from tests.fakes.dying import Fuse, every_crash_point
from tests.fakes.twilio_server import (
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
    TwilioDouble,
    daily_cap,
    rate_limit,
    refuse,
)

HANGS_S = 0.05
FIRST_VERBS = 24  # up to the outcome of the call and what follows at once
FIRST_WRITES = 36  # all of them, but where the same question is asked again for ten minutes
THEN_EVERY = 17
NUMBERS = count(1)
ENDED = frozenset({DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.CALLED_OFF})

BEHAVIOURS: dict[str, Behaviour] = {
    "accepts": ACCEPT,
    "drops the line after accepting": DROP_AFTER_ACCEPT,
    "drops the line before": DROP_BEFORE,
    "hangs after accepting": HANG_AFTER_ACCEPT,
    "hangs before": HANG,
    "answers 500 after accepting": HTTP_500_AFTER_ACCEPT,
    "answers 500 before": HTTP_500_BEFORE,
    "answers 201 without a word": EMPTY_201,
    "answers 201 with a page": HTML_201,
    "answers 503 with a page": HTML_503,
    "has too many requests": rate_limit(),
    "has the day's messages used up": daily_cap(),
    "refuses our account": refuse(20003, 401),
    "refuses the number": refuse(21211),
    "says so in the newer shape": refuse(21614, problem_json=True),
    "knows that they said STOP": refuse(21610),
}
KNOWN_TO_THE_FIRST = {"accepts", "refuses the number", "says so in the newer shape", "knows that they said STOP"}
BY_THE_SECOND = {
    "answers 503 with a page",
    "has too many requests",
    "has the day's messages used up",
    "refuses our account",
}


class Impatient:
    """Twilio by the genuine SDK, which waits long for an answer to a question and not at all for one that hangs."""

    kind = ChannelKind.SMS
    name = "twilio"

    def __init__(self, send: TwilioSms, look_up: TwilioSms) -> None:
        self._send = send
        self._look_up = look_up

    async def send(self, message: Message) -> Outcome:
        return await self._send.send(message)

    async def look_up(self, message: Message, sent_after: datetime) -> Outcome:
        return await self._look_up.look_up(message, sent_after)

    async def close(self) -> None:
        await self._send.close()
        await self._look_up.close()


@dataclass(frozen=True, slots=True)
class World:
    """A house whose one contact has a number of their own, so that the double tells the worlds apart."""

    house: AlertHouse
    double: TwilioDouble
    phone: str

    def went_out(self) -> int:
        """Return how many messages this person got, by either provider."""
        assert self.house.second_sms is not None
        return len(self.double.accepted[self.phone]) + len(self.house.second_sms.accepted)


@asynccontextmanager
async def provider(*, hangs: bool) -> AsyncIterator[tuple[TwilioDouble, Impatient]]:
    double = TwilioDouble(clock=ManualClock())
    await double.start()

    def channel(total_s: float) -> TwilioSms:
        return TwilioSms(
            account_sid=double.account_sid,
            auth_token=double.auth_token,
            sender="+447700900100",
            base_url=double.base_url,
            status_callback=lambda attempt: f"https://cloud.example.org/hooks/twilio/status/{attempt}",
            total_s=total_s,
        )

    twilio = Impatient(channel(HANGS_S if hangs else 10.0), channel(10.0))
    try:
        yield double, twilio
    finally:
        await twilio.close()
        await double.stop()


async def a_world(house: AlertHouse, double: TwilioDouble, twilio: Impatient, behaviour: Behaviour) -> World:
    """Return a world in which one alarm is to be told to somebody who can be reached by text only."""
    phone = f"+4477009{next(NUMBERS):05d}"
    house.sms = twilio  # type: ignore[assignment]  # a channel, if not one that records
    house.second_sms = RecordingChannel(ChannelKind.SMS, "second")
    await house.furnish(phone=phone, email=None)
    await house.ladder({"contact_ids": [ANNA], "channels": ["sms"], "after_s": 0})
    await house.incident()
    await house.escalate()
    double.script(phone, behaviour)
    return World(house, double, phone)


async def run(world: World, fuse: Fuse) -> None:
    await world.house.rest(fuse, step_s=30)


async def nothing_twice_and_nothing_unsaid(world: World) -> None:
    house = world.house
    assert world.went_out() <= 1
    for delivery in await house.deliveries(None):
        assert delivery.state in ENDED, delivery
    (alarm,) = [each for each in await house.deliveries() if each.instead_of is None]
    given_up = alarm.state is DeliveryState.FAILED and alarm.reason == "unclear"
    if alarm.state is DeliveryState.SENT:
        assert world.went_out() == 1
    elif not given_up:
        assert world.went_out() == 0
    told = alarm.state is DeliveryState.SENT
    said = await house.timeline(Happening.EXHAUSTED) and await house.deliveries(DeliveryKind.NOTICE)
    assert told or said
    incident = await house.the_incident()
    assert incident.state is IncidentState.OPEN
    assert incident.needs_step  # it stays in view until somebody answers
    lines = {each.detail["attempt_id"] for each in await house.timeline(Happening.ATTEMPT)}
    assert lines >= {each.id for each in await house.attempts() if each.incident_id and each.ended_at is not None}


@pytest.mark.parametrize("name", BEHAVIOURS)
async def test_killed_at_any_point_beside_any_provider_a_message_goes_once_at_most(name: str) -> None:
    behaviour = BEHAVIOURS[name]
    async with provider(hangs=behaviour in {HANG, HANG_AFTER_ACCEPT}) as (double, twilio):

        async def build() -> World:
            return await a_world(AlertHouse(), double, twilio, behaviour)

        tried = await every_crash_point(
            build,
            run,
            nothing_twice_and_nothing_unsaid,
            worth=lambda at: at <= FIRST_WRITES or at % THEN_EVERY == 0,
        )
    assert tried >= 2 * FIRST_VERBS


@pytest.mark.parametrize("name", BEHAVIOURS)
async def test_without_a_death_it_ends_as_the_provider_s_answer_says(name: str) -> None:
    behaviour = BEHAVIOURS[name]
    async with provider(hangs=behaviour in {HANG, HANG_AFTER_ACCEPT}) as (double, twilio):
        world = await a_world(AlertHouse(), double, twilio, behaviour)
        await run(world, Fuse())
        await nothing_twice_and_nothing_unsaid(world)
        assert world.house.second_sms is not None
        assert len(world.house.second_sms.accepted) == (1 if name in BY_THE_SECOND else 0)
        (alarm,) = [each for each in await world.house.deliveries() if each.instead_of is None]
        if name in KNOWN_TO_THE_FIRST:
            assert alarm.state is (DeliveryState.SENT if name == "accepts" else DeliveryState.FAILED)
        accepted = len(double.accepted[world.phone])
        assert alarm.state is not DeliveryState.SENT or accepted or name in BY_THE_SECOND
        assert not accepted or alarm.state is DeliveryState.SENT  # what went out is found, by asking


@pytest.mark.parametrize("name", ["accepts", "drops the line after accepting", "refuses our account"])
async def test_on_disk_it_is_the_same(name: str, tmp_path: Path) -> None:
    behaviour, files = BEHAVIOURS[name], count()
    opened: list[SqliteStore] = []
    async with provider(hangs=False) as (double, twilio):

        async def build() -> World:
            clock, wakeups = ManualClock(), Wakeups()
            store = await SqliteStore.open(tmp_path / f"{next(files)}.sqlite", wakeups=wakeups, clock=clock)
            opened.append(store)
            records = StoredRecords(SealedDocuments(store.documents, MemoryKeyring()), wakeups)
            await records.prepare()
            return await a_world(AlertHouse(clock=clock, records=records), double, twilio, behaviour)

        try:
            await every_crash_point(build, run, nothing_twice_and_nothing_unsaid, worth=lambda at: at % 7 == 0)
        finally:
            for store in opened:
                await store.close()
