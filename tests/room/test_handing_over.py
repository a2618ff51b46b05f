"""Alarms that are handed to a lane at rest as they are stored: the same comes of them, sooner, whoever dies."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from alerts.acknowledging import acknowledge
from alerts.channels.channel import ChannelKind, Message
from alerts.climbing import REVIEW_S, Climber
from alerts.dispatcher import Dispatcher
from alerts.escalation import Escalator
from alerts.handing_over import Handed, HandOver, Orders
from alerts.judge import LEASE_S, Judge
from alerts.lanes import Lane, Order
from alerts.outcomes import Outcome, RefusalScope, Refused, Sent, TryLater, Unclear
from alerts.pace import Pace
from alerts.providers import Providers
from alerts.settlement import LOOK_UP_AGAIN_S, RETRY_BASE_S
from alerts.unclear import UnclearDeliveries
from alerts.urging import urge
from isocket.domain.contacts import Contact, Escalation
from isocket.domain.deliveries import Attempt, AttemptState, Delivery, DeliveryKind, DeliveryState, Urgency, lane_name
from isocket.domain.incidents import Cause, Incident, IncidentState, Severity, TimelineEntry
from isocket.domain.record import Record
from isocket.domain.reports import ReportKind
from isocket.domain.sending import SenderRate, Spending, month_of, spending_id
from isocket.domain.tariff import Tariff
from isocket.kit.clock import EPOCH
from isocket.storage.port import Records, StoreUnavailableError, is_
from isocket.storage.records import StoredRecords
from isocket.storage.sqlite import SqliteStore
from isocket.storage.wakeups import queue_bell
from tests.fakes.clock import NOON, ManualClock
from tests.fakes.dying import DyingRecords, DyingTelemetry, Fuse, every_crash_point
from tests.fakes.judged_house import OWNER, JudgedHouse, Stores, judged_house
from tests.fakes.patience import until

PUBLIC_URL = "https://cloud.example.org"
BY_SMS = lane_name(Urgency.URGENT, ChannelKind.SMS)
ANNA, BERTIL = "con_anna", "con_bertil"
PRICES = Tariff(prices={(ChannelKind.SMS, ""): 80_000})


class Provider:
    """Remembers what it got; may be told to keep everybody waiting."""

    kind = ChannelKind.SMS
    name = "recording"

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self.before: Callable[[Message], Awaitable[None]] | None = None
        self.outcome: Outcome | None = None

    async def send(self, message: Message) -> Outcome:
        if self.before is not None:
            await self.before(message)
        self.got.append(message)
        await self.answers.wait()
        return self.outcome or Sent(provider_id=f"SM{len(self.got)}", receipt_expected=False)

    async def look_up(self, message: Message, sent_after: object) -> Outcome:
        known = [each for each in self.got if each.text == message.text]
        return Sent(provider_id="SM1", receipt_expected=False) if known else Unclear(reason="not_found")

    async def close(self) -> None:
        pass


class Watching(DyingRecords):
    """Records that count the claims of deliveries, and do something before alarms are stored."""

    def __init__(self, inner: Records, fuse: Fuse | None = None) -> None:
        super().__init__(inner, fuse)
        self.claims = 0
        self.before_alarms: Callable[[], Awaitable[None]] | None = None
        self.no_moments = False  # the paces of senders cannot be read
        self.may_count = asyncio.Event()  # what messages cost
        self.may_count.set()
        self.most: int | None = None  # so many of what is stored with alarms get there
        self.with_alarms: list[set[type[Record]]] = []  # what was stored by one verb with an alarm

    async def get(self, kind: Any, record_id: str) -> Any:
        if self.no_moments and kind is SenderRate:
            raise StoreUnavailableError("not now")
        return await super().get(kind, record_id)

    async def change_one(self, kind: Any, *tests: Any, order_by: str = "id", **changes: Any) -> Any:
        changed = await super().change_one(kind, *tests, order_by=order_by, **changes)
        self.claims += kind is Delivery and changed is not None and changes.get("state") is DeliveryState.CALLING
        return changed

    async def add_all(self, records: Sequence[Record]) -> int:
        if any(isinstance(each, Spending) for each in records):
            await self.may_count.wait()
        if any(isinstance(each, Delivery) for each in records):
            self.with_alarms.append({type(each) for each in records})
            if self.before_alarms is not None:
                await self.before_alarms()
            if self.most is not None:
                records, self.most = records[: self.most], None
                await super().add_all(records)
                raise ConnectionError("cut off")
        return await super().add_all(records)


@dataclass(kw_only=True)
class Street:
    """A socket whose owner has one telephone; judges and lanes of one process after another."""

    house: JudgedHouse
    provider: Provider = field(default_factory=Provider)
    calls: int = 4
    per_s: float = 0.0
    tariff: Tariff = field(default_factory=Tariff)

    def dispatcher_of(self, records: Records) -> Dispatcher:
        clock = self.house.clock
        return Dispatcher(
            records=records,
            clock=clock,
            providers=Providers({ChannelKind.SMS: self.provider}, records=records, clock=clock),
            public_url=PUBLIC_URL,
            tariff=self.tariff,
            chance=random.Random(1),
        )

    def lane_of(self, records: Records, dispatcher: Dispatcher) -> Lane:
        clock = self.house.clock
        return Lane(
            "lane",
            dispatcher=dispatcher,
            lane=BY_SMS,
            calls=self.calls,
            pace=Pace(ChannelKind.SMS, self.per_s, records=records, clock=clock) if self.per_s else None,
            bell=self.house.wakeups.bell(queue_bell(Delivery.collection, BY_SMS)),
            clock=clock,
        )

    @asynccontextmanager
    async def open(self, records: Records, telemetry: Any = None) -> AsyncIterator[Lane]:
        """Run a lane, and let the house have a judge who hands over to it."""
        stop, dispatcher = asyncio.Event(), self.dispatcher_of(records)
        lane = self.lane_of(records, dispatcher)
        running = asyncio.create_task(lane.run(stop))
        await self.house.clock.advance(0)
        self.house.judge = Judge(
            records=records,
            telemetry=telemetry or self.house.telemetry,
            clock=self.house.clock,
            owner="judge",
            climber=Climber(records=records, public_url=PUBLIC_URL, hand_over=HandOver([lane], dispatcher=dispatcher)),
        )
        try:
            yield lane
        finally:
            stop.set()
            self.provider.answers.set()
            await self.house.clock.advance(1)
            await running

    async def alarms(self) -> list[Delivery]:
        return await self.house.records.find(Delivery)

    async def come_to_rest(self) -> None:
        await self.house.clock.advance(0)


async def spent(street: Street) -> int:
    return sum(each.segments for each in await street.house.records.find(Spending))


def by_telephone(contact_id: str, number: int) -> Contact:
    return Contact(
        id=contact_id,
        account_id=OWNER,
        name=contact_id,
        phone=f"+44770090000{number}",
        phone_verified_at=NOON,
        created_at=NOON,
    )


async def a_street(*, clock: ManualClock | None = None, stores: Stores | None = None, **options: Any) -> Street:
    house = await judged_house(clock=clock, stores=stores)
    await house.records.add(by_telephone(ANNA, 1))
    await house.state(mains=True, battery_pct=98)
    return Street(house=house, **options)


async def test_a_lane_at_rest_carries_an_alarm_as_soon_as_it_is_stored_and_without_a_claim() -> None:
    street = await a_street()
    records = Watching(street.house.records)
    async with street.open(records):
        await street.house.alarm("mains_lost")
        await street.come_to_rest()
        (alarm,) = await street.alarms()
        assert alarm.state is DeliveryState.SENT
        assert len(street.provider.got) == 1
        assert records.claims == 0
    (attempt,) = await street.house.records.find(Attempt)
    assert attempt.state is AttemptState.SENT


async def test_what_a_lane_at_rest_carries_is_stored_beside_what_waits_for_another_lane() -> None:
    street = await a_street()
    await street.house.records.change_one(Contact, is_("id", ANNA), email="anna@example.org", email_verified_at=NOON)
    async with street.open(street.house.records):
        await street.house.alarm("mains_lost")
        await street.come_to_rest()
        states = {each.channel: each.state for each in await street.alarms()}
    assert states == {ChannelKind.SMS: DeliveryState.SENT, ChannelKind.EMAIL: DeliveryState.DUE}


async def test_its_attempt_is_stored_by_the_verb_that_stores_the_incident() -> None:
    street = await a_street()
    records = Watching(street.house.records)
    async with street.open(records):
        await street.house.alarm("mains_lost")
    (stored,) = records.with_alarms
    assert stored == {Incident, Delivery, TimelineEntry, Attempt}


async def test_what_it_costs_is_counted_once_before_it_goes(tmp_path: Path) -> None:
    clock = ManualClock()
    store = await SqliteStore.open(
        tmp_path / "house.db", clock=clock
    )  # in which what is asked for at once is one commit
    records = StoredRecords(store.documents)
    await records.prepare()
    try:
        street = await a_street(clock=clock, stores=(records, store.telemetry), tariff=PRICES)
        counted: list[int] = []

        async def count(_message: Message) -> None:
            counted.append(await spent(street))

        street.provider.before = count
        async with street.open(records):
            await street.house.alarm("mains_lost")
            await until(lambda: counted)
        assert counted == [1]
        assert await spent(street) == 1
    finally:
        await store.close()


async def test_it_goes_while_counting_what_it_costs_takes_long() -> None:
    street = await a_street(tariff=PRICES)
    records = Watching(street.house.records)
    async with street.open(records):
        records.may_count.clear()
        judging = asyncio.create_task(street.house.alarm("mains_lost"))
        await street.come_to_rest()
        got = len(street.provider.got)
        records.may_count.set()
        await judging
        await street.come_to_rest()
    assert got == 1
    assert await spent(street) == 1


async def test_what_is_refused_before_its_cost_was_counted_costs_nothing_in_the_end() -> None:
    street = await a_street(tariff=PRICES)
    street.provider.outcome = Refused(reason="number_invalid", scope=RefusalScope.CONTACT)
    records = Watching(street.house.records)
    async with street.open(records):
        records.may_count.clear()
        judging = asyncio.create_task(street.house.alarm("mains_lost"))
        await street.come_to_rest()
        records.may_count.set()
        await judging
        await street.come_to_rest()
    assert [each.state for each in await street.alarms()] == [DeliveryState.FAILED]
    assert await spent(street) == 0


async def test_what_it_cost_is_taken_back_where_nothing_comes_of_it() -> None:
    street = await a_street(tariff=PRICES)
    records = Watching(street.house.records)
    records.most = 0
    async with street.open(records):
        with pytest.raises(ConnectionError):
            await street.house.alarm("mains_lost")
        assert len(await street.house.records.find(Spending)) == 1
        assert await spent(street) == 0


async def test_what_was_not_counted_is_not_taken_back(tmp_path: Path) -> None:
    street = await a_street(tariff=PRICES)
    clock, now = street.house.clock, street.house.clock.now()
    store = await SqliteStore.open(tmp_path / "house.db", clock=clock)
    records = StoredRecords(store.documents)
    await records.prepare()

    def fail(_: object) -> int:
        raise ValueError("as it happens")

    try:
        month = month_of(now)
        before = Spending(
            id=spending_id(OWNER, month), account_id=OWNER, month=month, segments=5, spent_micro=400_000, started_at=now
        )
        await records.add(before)
        alarm = Delivery(
            id="dlv_1", incident_id="inc_1", account_id=OWNER, person_id=ANNA, contact_id=ANNA,
            kind=DeliveryKind.ALARM, channel=ChannelKind.SMS, address="+447700900001", text="Alarm",
            created_at=now, due_at=now,
        )  # fmt: skip
        ready = await street.dispatcher_of(records).ready(alarm)
        assert ready is not None
        orders = Orders([Handed(ready, asyncio.get_running_loop().create_future())], street.dispatcher_of(records))
        with pytest.raises(ValueError, match="as it happens"):
            await orders.counted_with(store._file.write(fail), 1)
        await orders.let_go()
        assert [each.segments for each in await records.find(Spending)] == [5]
    finally:
        await store.close()


async def test_what_the_month_s_money_may_not_reach_for_takes_the_way_of_all_others() -> None:
    street = await a_street(tariff=replace(PRICES, cap_micro=1))
    records = Watching(street.house.records)
    async with street.open(records):
        await street.house.alarm("shutdown_imminent")
        await street.house.alarm("battery_low")
        await street.come_to_rest()
    critical, major = sorted(await street.alarms(), key=lambda each: each.severity or "")
    assert (critical.severity, critical.state) == (Severity.CRITICAL, DeliveryState.SENT)
    assert (major.severity, major.state, major.reason) == (Severity.MAJOR, DeliveryState.FAILED, "spending_cap")
    assert records.claims == 1


async def test_what_was_stored_although_the_store_says_it_was_not_goes_without_waiting_for_its_lease() -> None:
    street = await a_street()
    records = Watching(street.house.records)
    records.most = 99
    async with street.open(records):
        with pytest.raises(ConnectionError):
            await street.house.alarm("mains_lost")
        (attempt,) = await street.house.records.find(Attempt)
        assert (attempt.state, attempt.detail) == (AttemptState.LATER, "changed_meanwhile")
        await street.house.clock.advance(RETRY_BASE_S + 1)
        assert len(street.provider.got) == 1
    assert [each.state for each in await street.alarms()] == [DeliveryState.SENT]


async def test_where_all_calls_of_the_lane_are_under_way_the_next_alarm_waits_in_the_store() -> None:
    street = await a_street(calls=1)
    street.provider.answers.clear()
    async with street.open(street.house.records):
        await street.house.alarm("mains_lost")
        await street.house.alarm("shutdown_imminent")
        await street.come_to_rest()
        assert len(street.provider.got) == 1
        assert {each.state for each in await street.alarms()} == {DeliveryState.CALLING, DeliveryState.DUE}
        street.provider.answers.set()
        await street.house.clock.advance(1)
        assert len(street.provider.got) == 2


async def test_no_more_is_promised_in_one_moment_than_there_are_calls() -> None:
    street = await a_street(calls=2)
    async with street.open(street.house.records) as lane:
        orders = [order for order in [lane.reserve() for _ in range(3)] if order is not None]
        for order in orders:
            order.set_result(None)
        assert len(orders) == 2
        await street.come_to_rest()
        order = lane.reserve()
        assert order is not None
        order.set_result(None)


async def test_where_one_lane_fails_what_was_promised_by_others_is_let_go() -> None:
    street = await a_street()

    class Ended:
        lane = lane_name(Urgency.ORDINARY, ChannelKind.SMS)
        is_at_rest = True

        def reserve(self) -> Order | None:
            raise RuntimeError("this lane has ended")

    async with street.open(street.house.records) as lane:
        promised: list[Order | None] = []
        reserve = lane.reserve
        lane.reserve = lambda: promised.append(reserve()) or promised[-1]  # type: ignore[method-assign]
        dispatcher = street.dispatcher_of(street.house.records)
        hand_over = HandOver([lane, cast(Lane, Ended())], dispatcher=dispatcher)
        now = street.house.clock.now()
        by_sms = Delivery(
            id="dlv_1", incident_id="inc_1", account_id=OWNER, person_id=ANNA, contact_id=ANNA,
            kind=DeliveryKind.ALARM, channel=ChannelKind.SMS, address="+447700900001", text="Alarm",
            created_at=now, due_at=now,
        )  # fmt: skip
        by_another = replace(by_sms, id="dlv_2", lane=Ended.lane)
        with pytest.raises(RuntimeError, match="ended"):
            await hand_over.order([by_sms, by_another], now)
        (order,) = promised
        assert order is not None
        was_let_go = order.done()
        if not was_let_go:
            order.set_result(None)  # the lane waits for it to its end
        assert was_let_go


async def test_a_lane_that_was_rung_for_takes_nothing_over_before_it_has_looked() -> None:
    street = await a_street()
    async with street.open(street.house.records) as lane:
        street.house.wakeups.ring(queue_bell(Delivery.collection, BY_SMS))
        assert lane.reserve() is None
        await street.come_to_rest()
        order = lane.reserve()
        assert order is not None
        order.set_result(None)


async def test_what_is_handed_over_takes_its_sender_s_moments_like_anything_else() -> None:
    street = await a_street(per_s=0.5)
    async with street.open(street.house.records):
        await street.house.alarm("mains_lost")
        await street.house.alarm("shutdown_imminent")
        await street.come_to_rest()
        assert len(street.provider.got) == 1
        await street.house.clock.advance(1.5)
        assert len(street.provider.got) == 1
        await street.house.clock.advance(1.5)
        assert len(street.provider.got) == 2


async def test_a_store_that_gives_no_moment_now_ends_no_lane() -> None:
    street = await a_street(per_s=1.0)
    records = Watching(street.house.records)
    async with street.open(records) as lane:
        records.no_moments = True
        await street.house.alarm("mains_lost")
        await street.come_to_rest()
        assert len(street.provider.got) == 1
        assert lane.reserve() is None
        records.no_moments = False
        await street.house.clock.advance(20)  # a worker that failed waits a little longer each time
        order = lane.reserve()
        assert order is not None
        order.set_result(None)


async def test_a_call_that_was_kept_free_in_vain_is_free_again() -> None:
    street = await a_street(calls=1)
    records = Watching(street.house.records)
    records.most = 0
    async with street.open(records):
        with pytest.raises(ConnectionError):
            await street.house.alarm("mains_lost")
        await street.come_to_rest()
        await street.house.clock.advance(LEASE_S)
        await street.house.settle()
        await street.come_to_rest()
        assert len(street.provider.got) == 1
        assert records.claims == 0


async def test_an_alarm_of_an_incident_that_was_stored_before_without_it_goes_at_once_as_well() -> None:
    street = await a_street()
    records = Watching(street.house.records)
    records.most = 1
    async with street.open(records):
        with pytest.raises(ConnectionError):
            await street.house.alarm("mains_lost")
        await street.house.clock.advance(LEASE_S)
        await street.house.settle()
        await street.come_to_rest()
        (alarm,) = await street.alarms()
        assert alarm.state is DeliveryState.SENT
        assert records.claims == 0


async def test_what_took_long_to_store_is_looked_at_again_before_the_call() -> None:
    street = await a_street()
    records = Watching(street.house.records)

    async def she_replies_stop() -> None:
        await street.house.clock.advance(1)
        await street.house.records.change_one(
            Contact, is_("id", ANNA), paused_at=street.house.clock.now(), pause_reason="stop_reply"
        )

    records.before_alarms = she_replies_stop
    async with street.open(records):
        await street.house.alarm("mains_lost")
        await street.house.clock.advance(RETRY_BASE_S)
    (alarm,) = await street.alarms()
    assert (alarm.state, alarm.reason) == (DeliveryState.CALLED_OFF, "paused")
    (attempt,) = await street.house.records.find(Attempt)
    assert (attempt.state, attempt.detail) == (AttemptState.LATER, "changed_meanwhile")
    assert not street.provider.got


LADDERS: tuple[tuple[tuple[str, float], ...], ...] = (
    ((ANNA, 0.0),),
    ((ANNA, 0.0), (BERTIL, 300.0)),
    ((ANNA, 0.0), (BERTIL, 20.0)),
)


@pytest.mark.parametrize("ladder", LADDERS)
async def test_once_it_is_out_its_incident_rests_until_a_look_would_find_something_to_do(
    ladder: tuple[tuple[str, float], ...],
) -> None:
    street = await a_street()
    records = street.house.records
    steps = tuple({"contact_ids": [who], "channels": ["sms"], "after_s": after_s} for who, after_s in ladder)
    await records.add_all([by_telephone(BERTIL, 2), Escalation(id="esc", account_id=OWNER, steps=steps)])
    bell = street.house.wakeups.bell(queue_bell(Incident.collection, IncidentState.OPEN))
    async with street.open(records):
        await street.house.alarm("mains_lost")
        await street.come_to_rest()
    rests = await street.house.only(Cause.MAINS_LOST)
    assert not bell.has_rung
    await records.change_one(Incident, is_("id", rests.id), step_due_at=street.house.clock.now())
    assert await Escalator(records=records, clock=street.house.clock, public_url=PUBLIC_URL).step()
    looked_at = await street.house.only(Cause.MAINS_LOST)
    assert replace(rests, version=0, lease_until=EPOCH) == replace(looked_at, version=0, lease_until=EPOCH)


async def test_where_somebody_was_left_out_it_is_looked_after_a_minute_whether_they_have_a_way_by_now() -> None:
    street = await a_street()
    records = street.house.records
    both = ({"contact_ids": [ANNA, BERTIL], "channels": ["sms"], "after_s": 0.0},)
    without_a_way = replace(by_telephone(BERTIL, 2), phone_verified_at=None)
    await records.add_all([without_a_way, Escalation(id="esc", account_id=OWNER, steps=both)])
    async with street.open(records):
        await street.house.alarm("mains_lost")
        await street.come_to_rest()
    (alarm,) = await street.alarms()
    incident = await street.house.only(Cause.MAINS_LOST)
    assert alarm.state is DeliveryState.SENT
    assert incident.step_due_at == incident.detected_at + timedelta(seconds=REVIEW_S)


async def test_where_the_provider_will_not_have_it_the_ladder_is_looked_at_again_after_a_minute() -> None:
    street = await a_street()
    street.provider.outcome = TryLater(reason="busy")
    async with street.open(street.house.records):
        await street.house.alarm("mains_lost")
        await street.come_to_rest()
        incident = await street.house.only(Cause.MAINS_LOST)
        assert incident.step_due_at == incident.detected_at + timedelta(seconds=REVIEW_S)


async def test_what_somebody_has_taken_meanwhile_is_seen_to_at_once_though_its_alarm_goes_out_after_that() -> None:
    street = await a_street()
    records = street.house.records

    async def take(_: Message) -> None:
        incident = await street.house.only(Cause.MAINS_LOST)
        assert await acknowledge(records, incident.id, by=f"{ANNA} sms", clock=street.house.clock)

    street.provider.before = take
    async with street.open(records):
        await street.house.alarm("mains_lost")
        await street.come_to_rest()
        incident = await street.house.only(Cause.MAINS_LOST)
    assert (incident.state, incident.step_due_at) == (IncidentState.ACKNOWLEDGED, incident.acknowledged_at)


async def test_what_was_urged_meanwhile_is_looked_at_at_once() -> None:
    street = await a_street()
    records, now = street.house.records, street.house.clock.now()

    async def by_somebody_else(_: Message) -> None:
        (alarm,) = await street.alarms()
        await urge(records, alarm, now)

    street.provider.before = by_somebody_else
    async with street.open(records):
        await street.house.alarm("mains_lost")
        await street.come_to_rest()
        assert (await street.house.only(Cause.MAINS_LOST)).step_due_at == now


async def test_at_every_crash_point_it_goes_once_and_is_never_lost() -> None:
    async def build() -> Street:
        street = await a_street()
        await street.house.telemetry.store(
            [street.house.report(ReportKind.ALARM, {"cause": "mains_lost", "active": True})]
        )
        return street

    async def run(street: Street, fuse: Fuse) -> None:
        house, clock = street.house, street.house.clock
        records = DyingRecords(house.records, fuse)
        left_behind = UnclearDeliveries(
            records=records,
            clock=clock,
            providers=Providers({ChannelKind.SMS: street.provider}, records=records, clock=clock),
            public_url=PUBLIC_URL,
        )
        async with street.open(records, DyingTelemetry(house.telemetry, fuse)):
            for wait_s in (0, LEASE_S, 1, LOOK_UP_AGAIN_S):  # the lease of a lane is shorter
                await clock.advance(wait_s)
                await house.settle()
                await clock.advance(0)
                while await left_behind.step():
                    await clock.advance(1)

    async def check(street: Street) -> None:
        (alarm,) = await street.alarms()
        if alarm.state is DeliveryState.UNCLEAR:  # its attempt was written and never made, which nobody can tell
            assert not street.provider.got
        else:
            assert (alarm.state, len(street.provider.got)) == (DeliveryState.SENT, 1)

    assert await every_crash_point(build, run, check) > 10
