"""How fast a sender goes: never faster than it may, whatever the number of lanes and processes, the urgent first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest

from alerts.channels.channel import ChannelKind, Message
from alerts.due import Due
from alerts.lanes import Lane
from alerts.outcomes import Outcome
from alerts.pace import Pace
from isocket.domain.deliveries import DeliveryKind, Urgency, lane_name
from isocket.domain.incidents import Severity
from isocket.storage.wakeups import Wakeups
from tests.fakes.alert_house import AlertHouse
from tests.fakes.clock import NOON, ManualClock

AHEAD = timedelta(hours=5)


class WrongClock(ManualClock):
    """A clock that shows more than it is, until somebody sets it."""

    off = AHEAD

    def now(self) -> datetime:
        return super().now() + self.off


class Line:
    """A house whose texts go at a pace; notes in which second each went."""

    def __init__(self, house: AlertHouse) -> None:
        self.house = house
        self.went: list[tuple[float, str]] = []
        send = house.sms.send

        async def noted(message: Message) -> Outcome:
            self.went.append(((house.clock.now() - NOON).total_seconds(), message.text))
            return await send(message)

        house.sms.send = noted  # type: ignore[method-assign]  # notes the time as well

    def lanes(self, per_s: float, due: Due | None = None) -> list[Lane]:
        """Return both lanes of texts, as one process has them."""
        pace = Pace("sms", per_s, records=self.house.records, clock=self.house.clock)
        dispatcher = self.house.dispatcher()
        return [
            Lane(
                f"send-{urgency}",
                dispatcher=dispatcher,
                lane=lane_name(urgency, ChannelKind.SMS),
                calls=4,
                pace=pace,
                due=due,
                bell=Wakeups().bell(),
                clock=self.house.clock,
            )
            for urgency in Urgency
        ]

    async def due(self, count: int, *, urgent: bool = False, text: str = "") -> None:
        kind = DeliveryKind.ALARM if urgent else DeliveryKind.CODE
        for _ in range(count):
            number = len(await self.house.deliveries(None))
            await self.house.delivery(
                kind,
                id=f"dlv_{number:04d}",
                text=text or f"{'alarm' if urgent else 'code'} {number}",
                severity=Severity.CRITICAL if urgent else None,
            )

    def in_second(self, begins: float) -> int:
        return sum(begins <= at < begins + 1 for at, _ in self.went)


@asynccontextmanager
async def running(line: Line, *per_s: float, due: Due | None = None) -> AsyncIterator[None]:
    """Run as many processes as there are rates."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(lane.run(stop)) for each in per_s for lane in line.lanes(each, due)]
    yield
    stop.set()
    await line.house.pass_by(seconds=3)
    await asyncio.gather(*tasks)


@pytest.fixture
async def line() -> Line:
    return Line(await AlertHouse().furnish())


@pytest.mark.parametrize("per_s", [1, 5, 20])
async def test_a_backlog_goes_as_fast_as_the_sender_may_and_no_faster(line: Line, per_s: int) -> None:
    await line.due(per_s * 6, urgent=True)
    async with running(line, per_s):
        for _ in range(40):
            await line.house.pass_by(seconds=0.1)
    # The other lane keeps one moment in hand, so as to lose no time should something come.
    assert per_s * 4 - 1 <= len(line.went) <= per_s * 4 + max(1, per_s // 5)
    assert all(line.in_second(second) <= per_s + max(1, per_s // 5) for second in range(4))


async def test_who_was_held_up_for_a_moment_catches_up(line: Line) -> None:
    await line.due(60, urgent=True)
    async with running(line, 10):
        for _ in range(4):
            await line.house.pass_by(seconds=0.1)
        line.house.clock._now += timedelta(seconds=0.5)  # the process stood still
        for _ in range(31):
            await line.house.pass_by(seconds=0.1)
    assert len(line.went) >= 38


async def test_several_processes_share_one_rate(line: Line) -> None:
    await line.due(100, urgent=True)
    async with running(line, 10, 10, 10):
        for _ in range(50):
            await line.house.pass_by(seconds=0.1)
    assert [line.in_second(second) for second in (1, 2, 3)] == [10, 10, 10]


async def test_after_a_rest_one_message_goes_at_once_and_no_burst_was_saved_up(line: Line) -> None:
    async with running(line, 1):
        await line.house.pass_by(seconds=100)
        await line.due(10, urgent=True)
        for _ in range(40):
            await line.house.pass_by(seconds=0.1)
    began = [at - 100 for at, _ in line.went]
    assert began[0] < 0.5
    assert sum(at < 1 for at in began) <= 3


async def test_after_a_rest_no_more_than_a_seconds_worth_goes_at_once(line: Line) -> None:
    async with running(line, 10):
        await line.house.pass_by(seconds=100)
        await line.due(100, urgent=True)
        for _ in range(20):
            await line.house.pass_by(seconds=0.1)
    assert len(line.went) <= 2 * 10 + 10 + 4


async def test_what_is_urgent_goes_first_and_the_rest_is_not_starved(line: Line) -> None:
    await line.due(60)
    await line.due(60, urgent=True)
    async with running(line, 10):
        for _ in range(50):
            await line.house.pass_by(seconds=0.1)
    sent = [text.split()[0] for _, text in line.went[:40]]
    assert sent.count("alarm") >= 34
    assert 2 <= sent.count("code") <= 6


async def test_a_long_text_counts_as_its_pieces(line: Line) -> None:
    await line.due(20, urgent=True, text="x" * 300)
    async with running(line, 4):
        for _ in range(60):
            await line.house.pass_by(seconds=0.1)
    assert [line.in_second(second) for second in (2, 3, 4)] == [2, 2, 2]


async def test_a_lane_that_waits_for_its_moment_stops_when_it_is_told_to(line: Line) -> None:
    await line.due(5, urgent=True)
    async with running(line, 0.01):
        await line.house.pass_by(seconds=1)
    assert len(line.went) <= 2


def pace_of(line: Line, clock: ManualClock, per_s: float = 10) -> Pace:
    return Pace("sms", per_s, records=line.house.records, clock=clock)


async def may_send(pace: Pace, clock: ManualClock, *, within_s: float, urgency: Urgency = Urgency.URGENT) -> bool:
    stop = asyncio.Event()
    taking = asyncio.create_task(pace.take(urgency, stop))
    await clock.advance(within_s)
    stop.set()
    await clock.advance(1)
    return await taking if taking.done() else False


@pytest.mark.parametrize("per_s", [0.5, 10])
async def test_a_process_whose_clock_is_ahead_does_not_silence_the_sender_for_the_others(
    line: Line, per_s: float
) -> None:
    wrong = WrongClock()
    assert await may_send(pace_of(line, wrong, per_s), wrong, within_s=1)
    right = pace_of(line, line.house.clock, per_s)
    assert await may_send(right, line.house.clock, within_s=0.1)
    assert await may_send(right, line.house.clock, within_s=3)


@pytest.mark.parametrize("urgency", list(Urgency))
async def test_a_process_whose_clock_is_set_right_sends_at_once(line: Line, urgency: Urgency) -> None:
    clock = WrongClock()
    pace = pace_of(line, clock)
    assert await may_send(pace, clock, within_s=1, urgency=urgency)
    pace.found(Urgency.URGENT, something=True)
    clock.off = timedelta(0)
    assert await may_send(pace, clock, within_s=1, urgency=urgency)


async def test_whoever_waits_for_a_moment_while_the_clock_is_set_right_does_not_wait_for_the_wrong_time(
    line: Line,
) -> None:
    clock = WrongClock()
    pace = pace_of(line, clock, 1)
    assert await may_send(pace, clock, within_s=0.1)
    taking = asyncio.create_task(pace.take(Urgency.URGENT, asyncio.Event()))
    pace.owe(3)
    await clock.advance(0.1)
    clock.off = timedelta(0)
    await clock.advance(3)
    assert taking.done()
    assert await taking


async def test_what_stands_in_its_lane_while_the_clock_is_set_right_goes_without_waiting_for_the_wrong_time() -> None:
    clock = WrongClock()
    line = Line(await AlertHouse(clock=clock).furnish())
    due = Due(records=line.house.records, clock=clock, bell=Wakeups().bell())
    assert not await due.is_anything()
    await line.due(12, urgent=True)
    await line.due(1)
    async with running(line, 2, due=due):
        await clock.advance(1)
        clock.off = timedelta(0)
        await clock.advance(7)
        assert len(line.house.sms.accepted) == 13
        await line.due(1)
        await clock.advance(1)
        assert len(line.house.sms.accepted) == 14


async def test_while_the_clock_is_set_back_nobody_is_told_that_nothing_is_due() -> None:
    clock = WrongClock()
    house = await AlertHouse(clock=clock).furnish()
    due = Due(records=house.records, clock=clock, bell=Wakeups().bell())
    assert not await due.is_anything()
    clock.off = timedelta(0)
    await clock.advance(1)
    assert await due.is_anything()
    await clock.advance(AHEAD.total_seconds())
    assert not await due.is_anything()


async def test_many_that_take_moments_at_once_are_not_mistaken_for_a_wrong_clock(line: Line) -> None:
    taking = [
        asyncio.create_task(pace_of(line, line.house.clock).take(Urgency.URGENT, asyncio.Event())) for _ in range(16)
    ]
    await line.house.clock.advance(1.8)
    assert sum(each.done() for each in taking) <= 15
    await line.house.clock.advance(3)
    assert all(each.done() for each in taking)
