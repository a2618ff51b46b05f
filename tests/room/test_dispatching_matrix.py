"""A process that dies at any point, beside a provider that does anything: nothing goes twice, nothing ends unsaid.

Texts by either provider and calls, each through its genuine channel against a double; what the double took, by
attempt, is what went out, whatever we were told. Beside a provider of texts a second one stands by, so that it shows
when one message is given to both.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import MappingProxyType

import pytest

from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import KEY_PRESSED, Attempt, DeliveryKind, DeliveryState
from isocket.domain.incidents import Happening, IncidentState
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from isocket.storage.sqlite import SqliteStore
from isocket.storage.wakeups import Wakeups
from tests.fakes.alert_house import ANNA, AlertHouse, RecordingChannel
from tests.fakes.clock import ManualClock
from tests.fakes.dying import Fuse, every_crash_point
from tests.fakes.provider_lines import Habit, ProviderLine, elks_texts, twilio_calls, twilio_texts
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
    daily_cap,
    rate_limit,
    refuse,
)

STEP_S = 250  # longer than any lease: of a provider that cannot tell, only few of the same questions are asked
NUMBERS = count(1)
ENDED_WELL = frozenset({DeliveryState.SENT, DeliveryState.DELIVERED})
ENDED = ENDED_WELL | {DeliveryState.FAILED, DeliveryState.CALLED_OFF}
# How an alarm ends that nobody's death disturbs: what is not named here is sent, once, by this provider.
ARRIVES = frozenset({"accepts and reports at once", "reports in disorder"})
GOES_BY_ANOTHER = frozenset(
    {
        "answers 503 with a page",
        "has too many requests",
        "says when it has room again",
        "has the day's messages used up",
        "refuses our account",
        "has no money of ours left",
        "has as many calls as it may",
    }
)
"""By the second provider, or later by the same one where there is none."""
FAILS: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        "drops the line before": ("unclear", 0),
        "hangs before": ("unclear", 0),
        "answers 500 before": ("unclear", 0),
        "refuses the number": ("number_invalid", 0),
        "says so in the newer shape": ("not_a_mobile", 0),
        "knows that they said STOP": ("opted_out", 0),
        "may not call this country": ("country_not_enabled", 0),
        "cannot call this number": ("no_route", 0),
        "does not like the message": ("refused", 0),
        "loses it on the way": ("unknown", 2),
        "loses answer and message": ("handset_unreachable", 2),
        "does not know the number": ("number_unknown", 1),
        "says in the end that it failed": ("failed", 1),
        "reaches a voicemail": ("no_key", 1),
        "finds the line busy": ("line_busy", 2),
        "rings in vain, and its answer is lost": ("call_not_answered", 2),
    }
)
"""The reason, and how many messages went out: one more may follow what is known to have failed."""

ANY: dict[str, Habit] = {
    "accepts": Habit(answers=ACCEPT),
    "drops the line after accepting": Habit(answers=DROP_AFTER_ACCEPT),
    "drops the line before": Habit(answers=DROP_BEFORE),
    "hangs after accepting": Habit(answers=HANG_AFTER_ACCEPT),
    "hangs before": Habit(answers=HANG),
    "answers 500 after accepting": Habit(answers=HTTP_500_AFTER_ACCEPT),
    "answers 500 before": Habit(answers=HTTP_500_BEFORE),
    "answers 201 without a word": Habit(answers=EMPTY_201),
    "answers 201 with a page": Habit(answers=HTML_201),
    "answers 503 with a page": Habit(answers=HTML_503),
    "has too many requests": Habit(answers=rate_limit()),
    "says when it has room again": Habit(answers=rate_limit(20)),
}
TEXTS = {
    **ANY,
    "accepts and reports at once": Habit(answers=ACCEPT, reports=("queued", "sent", "delivered")),
    "reports in disorder": Habit(answers=ACCEPT, reports=("delivered", "sent", "queued")),
    "loses the answer and reports it": Habit(answers=DROP_AFTER_ACCEPT, reports=("sent",)),
    "has the day's messages used up": Habit(answers=daily_cap()),
    "refuses our account": Habit(answers=refuse(20003, 401)),
    "refuses the number": Habit(answers=refuse(21211)),
    "says so in the newer shape": Habit(answers=refuse(21614, problem_json=True)),
    "knows that they said STOP": Habit(answers=refuse(21610)),
    "loses it on the way": Habit(
        answers=ACCEPT, reports=("sent", ("undelivered", 30008)), then_reports=("delivered",), fails_later=True
    ),
    "loses answer and message": Habit(answers=HANG_AFTER_ACCEPT, reports=(("undelivered", 30003),), fails_later=True),
    "does not know the number": Habit(answers=ACCEPT, reports=(("undelivered", 30005),), fails_later=True),
}
CALLS = {
    **ANY,
    "accepts and reports at once": Habit(answers=ACCEPT, reports=("initiated", "in-progress", KEY_PRESSED)),
    "reports in disorder": Habit(answers=ACCEPT, reports=(KEY_PRESSED, "completed", "ringing")),
    "loses the answer and reports it": Habit(answers=DROP_AFTER_ACCEPT, reports=("ringing",)),
    "refuses our account": Habit(answers=refuse(20003, 401)),
    "refuses the number": Habit(answers=refuse(21217)),
    "cannot call this number": Habit(answers=refuse(21214, problem_json=True)),
    "has as many calls as it may": Habit(answers=refuse(10004, 429)),
    "may not call this country": Habit(answers=refuse(21215)),
    "reaches a voicemail": Habit(answers=ACCEPT, reports=("in-progress", "completed"), fails_later=True),
    "finds the line busy": Habit(answers=ACCEPT, reports=("busy",), then_reports=(KEY_PRESSED,), fails_later=True),
    "rings in vain, and its answer is lost": Habit(answers=DROP_AFTER_ACCEPT, reports=("no-answer",), fails_later=True),
}
ELKS_TEXTS = {
    **ANY,
    "accepts and reports at once": Habit(answers=ACCEPT, reports=("sent", "delivered")),
    "loses the answer and reports it": Habit(answers=DROP_AFTER_ACCEPT, reports=("sent",)),
    "refuses our account": Habit(answers=refuse(0, 401)),
    "has no money of ours left": Habit(answers=refuse(0, 402)),
    "does not like the message": Habit(answers=refuse(0, 400)),
    "says in the end that it failed": Habit(answers=ACCEPT, reports=("failed",), fails_later=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A way to tell somebody, and what whoever carries it may do."""

    kind: ChannelKind
    line: Callable[[], AbstractAsyncContextManager[ProviderLine]]
    habits: dict[str, Habit]


PROVIDERS = {
    "texts by Twilio": Provider(kind=ChannelKind.SMS, line=twilio_texts, habits=TEXTS),
    "texts by 46elks": Provider(kind=ChannelKind.SMS, line=elks_texts, habits=ELKS_TEXTS),
    "calls by Twilio": Provider(kind=ChannelKind.VOICE, line=twilio_calls, habits=CALLS),
}
CASES = [(provider, habit) for provider, each in PROVIDERS.items() for habit in each.habits]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A house whose one contact has a number of their own, so that the double tells the worlds apart."""

    house: AlertHouse
    line: ProviderLine
    habit: Habit
    phone: str

    def by_the_second(self) -> list[str]:
        second = self.house.second_sms
        return [] if second is None else [each.attempt_id for each in second.accepted]

    def went_out(self) -> list[str]:
        """Return the attempts that reached this person, by either provider, one for each message."""
        return [*self.line.taken(self.phone), *self.by_the_second()]


@asynccontextmanager
async def opened(provider: str, habit: str) -> AsyncIterator[Callable[[AlertHouse], Awaitable[World]]]:
    """Open a line and give what furnishes a house beside it, in which one alarm is to be told by this way alone."""
    chosen = PROVIDERS[provider]
    how = chosen.habits[habit]
    async with chosen.line() as line:

        async def furnish(house: AlertHouse) -> World:
            phone = f"+4477009{next(NUMBERS):05d}"
            if chosen.kind is ChannelKind.VOICE:
                house.voice = line.channel  # type: ignore[assignment]  # a channel, if not one that records
            else:
                house.sms = line.channel  # type: ignore[assignment]  # likewise
                house.second_sms = RecordingChannel(ChannelKind.SMS, "second")
            line.channel.house = house
            line.keep_time(house.clock)
            line.channel.to_report = [each for each in (how.reports, how.then_reports) if each]
            await house.furnish(phone=phone, email=None)
            await house.ladder({"contact_ids": [ANNA], "channels": [chosen.kind.value], "after_s": 0})
            if chosen.kind is ChannelKind.VOICE:
                await house.only_by(ChannelKind.VOICE)
            await house.incident()
            await house.escalate()
            line.script(phone, how.answers)
            return World(house=house, line=line, habit=how, phone=phone)

        yield furnish


async def run(world: World, fuse: Fuse) -> None:
    await world.house.rest(fuse, step_s=STEP_S)


async def nothing_twice_and_nothing_unsaid(world: World) -> None:
    house = world.house
    delivery_of = {each.id: each.delivery_id for each in await house.records.find(Attempt)}
    gone = Counter(delivery_of[each] for each in world.went_out())
    assert all(times == 1 for times in gone.values()), gone
    assert gone.total() <= (2 if world.habit.fails_later else 1)  # once more is in order only after a failure
    for delivery in await house.deliveries(None):
        assert delivery.state in ENDED, delivery
    for alarm in await house.deliveries():
        unknown = alarm.state is DeliveryState.FAILED and (alarm.reason == "unclear" or world.habit.fails_later)
        assert unknown or gone[alarm.id] == (alarm.state in ENDED_WELL), alarm
    told = any(each.state in ENDED_WELL for each in await house.deliveries())
    said = await house.timeline(Happening.EXHAUSTED) and await house.deliveries(DeliveryKind.NOTICE)
    assert told or said
    incident = await house.the_incident()
    assert incident.state is IncidentState.OPEN
    assert incident.needs_step  # it stays in view until somebody answers
    told_of = [*await house.timeline(Happening.ATTEMPT), *await house.timeline(Happening.RECEIPT)]
    lines = {each.detail["attempt_id"] for each in told_of}  # a receipt may have settled what its worker could not
    assert lines >= {each.id for each in await house.attempts() if each.incident_id and each.ended_at is not None}


@pytest.mark.parametrize(("provider", "habit"), CASES)
async def test_killed_at_any_point_beside_any_provider_a_message_goes_once_at_most(provider: str, habit: str) -> None:
    async with opened(provider, habit) as furnish:

        async def build() -> World:
            return await furnish(AlertHouse())

        tried = await every_crash_point(build, run, nothing_twice_and_nothing_unsaid)
    assert tried >= 10  # a message that is taken at once needs no more changes than half as many


@pytest.mark.parametrize(("provider", "habit"), CASES)
async def test_without_a_death_it_ends_as_the_provider_s_answer_says(provider: str, habit: str) -> None:
    async with opened(provider, habit) as furnish:
        world = await furnish(AlertHouse())
        await run(world, Fuse())
        await nothing_twice_and_nothing_unsaid(world)
    (alarm,) = [each for each in await world.house.deliveries() if each.instead_of is None]
    taken, by_the_second = len(world.line.taken(world.phone)), len(world.by_the_second())
    if habit in FAILS:
        assert alarm.state is DeliveryState.FAILED
        assert (alarm.reason, taken, by_the_second) == (*FAILS[habit], 0)
        return
    assert alarm.state is (DeliveryState.DELIVERED if habit in ARRIVES else DeliveryState.SENT)
    second = habit in GOES_BY_ANOTHER and world.house.second_sms is not None
    assert (taken, by_the_second) == ((0, 1) if second else (1, 0))  # what went out is found, by asking


@pytest.mark.parametrize("habit", ["accepts", "drops the line after accepting", "refuses our account"])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_on_disk_it_is_the_same(provider: str, habit: str, tmp_path: Path) -> None:
    files, stores = count(), list[SqliteStore]()
    async with opened(provider, habit) as furnish:

        async def build() -> World:
            clock, wakeups = ManualClock(), Wakeups()
            store = await SqliteStore.open(tmp_path / f"{next(files)}.sqlite", wakeups=wakeups, clock=clock)
            stores.append(store)
            records = StoredRecords(SealedDocuments(store.documents, MemoryKeyring()), wakeups)
            await records.prepare()
            return await furnish(AlertHouse(clock=clock, records=records))

        try:
            await every_crash_point(build, run, nothing_twice_and_nothing_unsaid, worth=lambda at: at % 7 == 0)
        finally:
            for store in stores:
                await store.close()
