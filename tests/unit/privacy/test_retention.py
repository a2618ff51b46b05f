"""What its time is over for goes; the rest stays."""

import asyncio
import json
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from isocket.domain import STORED
from isocket.domain.accounts import Account, Bucket, PasswordReset, Registration
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Attempt, Delivery, DeliveryKind
from isocket.domain.handling import Handling, Keep
from isocket.domain.incidents import Cause, Incident, IncidentState, Severity
from isocket.domain.record import handling_of
from isocket.domain.reports import ClockQuality, Envelope, Report, ReportKind
from isocket.domain.requests import RequestChannel, RequestState, Right, RightsRequest
from isocket.domain.restrictions import Restriction, restriction_id
from isocket.domain.shares import Share, ShareRole
from isocket.storage import port
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.port import is_
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from privacy.retention import LIVES, OVER, SWEEP_EVERY_S, Retention, terms
from tests.fakes.clock import ManualClock


class House:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.records = StoredRecords(MemoryDocuments())
        self.retention = Retention(records=self.records, clock=self.clock)

    def delivery(self, number: int = 1) -> Delivery:
        return Delivery(
            id=f"dlv_{number}",
            account_id="acc_1",
            person_id="con_1",
            kind=DeliveryKind.ALARM,
            channel=ChannelKind.SMS,
            address="+447700900001",
            text="mains power is out",
            created_at=self.clock.now(),
            due_at=self.clock.now(),
        )

    async def pass_days(self, days: float) -> dict[str, int]:
        await self.clock.advance(timedelta(days=days).total_seconds())
        return await self.retention.sweep()


@pytest.fixture
def house() -> House:
    return House()


async def test_the_text_and_address_of_a_message_are_emptied_after_30_days_and_the_fact_stays(house: House) -> None:
    await house.records.add(house.delivery())
    await house.pass_days(29)
    before = await house.records.get(Delivery, "dlv_1")
    await house.pass_days(1)
    after = await house.records.get(Delivery, "dlv_1")
    assert before is not None
    assert after is not None
    assert before.text == "mains power is out"
    assert (after.address, after.text, after.html) == ("", "", None)
    assert after.channel is ChannelKind.SMS


async def test_what_is_due_goes_some_at_a_time_so_that_no_alarm_waits_for_thousands(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    buckets = [Bucket(id=f"b{number}", tokens=1, refilled_at=house.clock.now()) for number in range(25)]
    await house.records.add_all([*buckets, *(house.delivery(number) for number in range(25))])
    monkeypatch.setattr(port, "PAGE", 10)
    remove, removed = house.records.remove_all, list[int]()

    async def counted(kind: Any, *tests: Any, **named: Any) -> int:
        removed.append(await remove(kind, *tests, **named))
        return removed[-1]

    monkeypatch.setattr(house.records, "remove_all", counted)
    await house.pass_days(365)
    assert sorted(filter(None, removed)) == [5, 5, 10, 10, 10, 10]


async def test_the_fact_of_a_message_goes_after_a_year(house: House) -> None:
    await house.records.add(house.delivery())
    await house.pass_days(364)
    assert await house.records.count(Delivery) == 1
    await house.pass_days(1)
    assert await house.records.count(Delivery) == 0


@pytest.mark.clause("C7-08")
async def test_of_whose_data_is_only_kept_nothing_goes_but_other_peoples_words_until_that_is_over(house: House) -> None:
    now, mine = house.clock.now(), {"account_id": "acc_1"}
    await house.records.add_all(
        [
            Restriction(id=restriction_id("acc_1"), since=now, **mine),
            Contact(id="con_own", name="", is_owner=True, created_at=now, **mine),
            PasswordReset(id="t", credential_epoch=0, expires_at=now, **mine),
            house.delivery(1),
            replace(house.delivery(2), person_id="con_own"),
            replace(house.delivery(3), account_id="acc_2"),
        ]
    )
    await house.pass_days(40)
    assert {each.id: each.text for each in await house.records.find(Delivery)} == {
        "dlv_1": "", "dlv_2": "mains power is out", "dlv_3": "",
    }  # fmt: skip
    assert await house.records.count(PasswordReset) == 0
    await house.pass_days(326)
    assert [each.id for each in await house.records.find(Delivery, order_by="id")] == ["dlv_1", "dlv_2"]
    await house.records.change_one(Restriction, is_("account_id", "acc_1"), lifts_at=house.clock.now())
    await house.pass_days(0)
    assert await house.records.count(Delivery) == 0


@pytest.mark.clause("C7-08")
async def test_what_was_kept_while_restricted_is_emptied_as_soon_as_that_is_over(house: House) -> None:
    mine: dict[str, Any] = {"account_id": "acc_1"}
    lifts_at = house.clock.now() + timedelta(days=60)
    made = Restriction(id=restriction_id("acc_1"), since=house.clock.now(), lifts_at=lifts_at, **mine)
    await house.records.add_all([made, replace(house.delivery(), person_id="acc_1")])
    for days, text in ((59, "mains power is out"), (1, "")):
        await house.pass_days(days)
        (sent,) = await house.records.find(Delivery)
        assert sent.text == text


async def test_a_message_that_became_due_between_two_sweeps_is_not_missed(house: House) -> None:
    await house.records.add(house.delivery(1))
    await house.pass_days(30)
    await house.records.add(house.delivery(2))
    await house.pass_days(30)
    second = await house.records.get(Delivery, "dlv_2")
    assert second is not None
    assert second.text == ""


async def test_what_was_not_used_in_time_goes_at_its_end(house: House) -> None:
    end = house.clock.now() + timedelta(hours=1)
    await house.records.add(Registration(id="r", account_id="acc_1", email="maija@example.org", expires_at=end))
    await house.records.add(PasswordReset(id="p", account_id="acc_1", credential_epoch=1, expires_at=end))
    assert await house.pass_days(0.5 / 24) == {}
    assert await house.pass_days(1) == {"registrations": 1, "password_resets": 1}


async def test_an_incident_that_is_open_stays_however_old_it_is_and_goes_three_years_after_its_end(
    house: House,
) -> None:
    """A socket that has been silent for years is no socket with which all is well."""
    began = house.clock.now()
    about = {"account_id": "acc_1", "device_id": "isk-1", "severity": Severity.MAJOR}
    incident = Incident(id="inc_1", cause=Cause.OFFLINE, opened_at=began, detected_at=began, open_key="1", **about)
    await house.records.add(incident)
    assert await house.pass_days(4 * 365) == {}
    assert await house.records.get(Incident, "inc_1") == incident
    over = {"state": IncidentState.CLOSED, "open_key": None, "closed_at": house.clock.now()}
    await house.records.change_one(Incident, is_("id", "inc_1"), **over)
    assert await house.pass_days(3 * 365 - 1) == {}
    assert await house.pass_days(1) == {"incidents": 1}


def test_what_is_kept_from_its_end_on_is_what_the_notices_say_so_of() -> None:
    counted = {term.kind for term in terms() if term.since == OVER}
    told = {
        kind for kind in STORED if any(getattr(how, "keep", None) is Keep.EPISODE for how in handling_of(kind).values())
    }
    assert counted == told == {Incident}


async def test_an_account_stays_however_old_it_is(house: House) -> None:
    await house.records.add(Account(id="acc_1", email="maija@example.org", created_at=house.clock.now()))
    await house.pass_days(5_000)
    assert await house.records.count(Account) == 1


async def test_buckets_that_are_full_again_go_and_those_that_count_still_stay(house: House) -> None:
    now = house.clock.now()
    full = Bucket(id="full", tokens=1.0, refilled_at=now)
    counts = replace(full, id="counts", refilled_at=now + timedelta(days=1, seconds=1))
    await house.records.add_all([full, counts])
    said = await house.retention.forecast(now + timedelta(days=3))
    assert [(each.collection, each.removed, each.days) for each in said] == [("buckets", 1, 2)]
    assert await house.pass_days(3) == {"buckets": 1}
    assert [each.id for each in await house.records.find(Bucket)] == ["counts"]


async def test_a_second_sweep_finds_nothing_to_do(house: House) -> None:
    await house.records.add(house.delivery())
    assert await house.pass_days(30) == {"deliveries": 1}
    assert await house.pass_days(0) == {}


@pytest.mark.parametrize("kind", STORED, ids=lambda kind: kind.collection)
def test_every_class_whose_personal_fields_all_end_by_time_is_swept(kind: Any) -> None:
    keeps = [how.keep for how in handling_of(kind).values() if isinstance(how, Handling)]
    ends = bool(keeps) and all(keep in LIVES for keep in keeps)
    has_a_moment = any(each.type for each in fields(kind) if each.name.endswith("_at") or each.name == "at")
    assert (kind in {term.kind for term in terms()}) or not (ends and has_a_moment)


class SealedHouse(House):
    """A house in which somebody can spoil what is stored."""

    def __init__(self) -> None:
        super().__init__()
        beneath = MemoryDocuments()
        self.raw = StoredRecords(beneath)
        self.records = StoredRecords(SealedDocuments(beneath, MemoryKeyring()))
        self.retention = Retention(records=self.records, clock=self.clock)


async def test_one_record_that_does_not_open_keeps_no_other_from_going() -> None:
    house = SealedHouse()
    for number in (1, 2, 3):
        await house.records.add(house.delivery(number))
    end = house.clock.now()
    await house.records.add(PasswordReset(id="p", account_id="acc_1", credential_epoch=1, expires_at=end))
    await house.raw.change_one(Delivery, is_("id", "dlv_2"), text="v1.altered")
    touched = await house.pass_days(31)
    kept = await house.raw.find(Delivery)
    assert [(each.text, each.address, each.html) for each in kept] == [("", "", None)] * 3
    assert touched == {"deliveries": 3, "password_resets": 1}


async def test_what_goes_wrong_with_one_class_stops_neither_the_others_nor_the_cloud(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house, stop = House(), asyncio.Event()
    remove = house.records.remove_all

    async def broken(kind: Any, *tests: Any, **named: Any) -> int:
        if kind is Attempt:
            raise RuntimeError("it is altered")
        return await remove(kind, *tests, **named)

    monkeypatch.setattr(house.records, "remove_all", broken)
    await house.records.add(PasswordReset(id="p", account_id="a", credential_epoch=1, expires_at=house.clock.now()))
    running = asyncio.create_task(house.retention.run(stop), name="retention")
    await house.clock.advance(SWEEP_EVERY_S)
    stop.set()
    await running
    assert await house.records.count(PasswordReset) == 0


@pytest.mark.clause("C6-14")
async def test_what_will_go_is_known_before_and_a_look_changes_nothing(house: House) -> None:
    await house.records.add(house.delivery())
    now = house.clock.now()
    days = {day: await house.retention.forecast(now + timedelta(days=day)) for day in (29, 30, 364, 365)}
    assert {day: [(each.removed, each.emptied) for each in due] for day, due in days.items()} == {
        29: [], 30: [(0, 1)], 364: [(0, 1)], 365: [(1, 0)],
    }  # fmt: skip
    assert await house.pass_days(29) == {}
    assert await house.pass_days(1) == {"deliveries": 1}
    assert await house.retention.forecast(house.clock.now()) == []


async def test_a_sweep_as_on_a_day_that_is_past_takes_what_was_due_then_and_one_to_come_takes_no_more(
    house: House,
) -> None:
    await house.records.add(house.delivery())
    made = house.clock.now()
    await house.clock.advance(40 * 86_400)
    assert await house.retention.sweep(made + timedelta(days=29)) == {}
    assert await house.retention.sweep(made + timedelta(days=30)) == {"deliveries": 1}
    assert await house.retention.sweep(made + timedelta(days=400)) == {}
    assert await house.records.count(Delivery) == 1


@pytest.mark.clause("C6-01")
@pytest.mark.clause("C6-14")
async def test_single_reports_go_after_their_time_and_what_hours_were_like_stays() -> None:
    clock = ManualClock()
    telemetry = MemoryTelemetry(clock=clock)
    retention = Retention(
        records=StoredRecords(MemoryDocuments()), clock=clock, telemetry=telemetry, reports_life=timedelta(days=40)
    )
    at_ms = clock.now_ms()
    for seq, age_s in ((1, 3600), (2, 0)):
        body = {"boot": 1, "seq": seq, "temp_c": [20]}
        said_ms = at_ms - age_s * 1000
        await telemetry.store(
            [Report("d1", ReportKind.STATE, 1, seq, said_ms, said_ms, ClockQuality.DEVICE, json.dumps(body), body)]
        )
    waiting = await telemetry.claim_waiting(owner="w", now=clock.now(), lease_s=30)
    assert waiting is not None
    await telemetry.settle(waiting, envelope=Envelope(anything=True), wake_at=None, silent_after_s=None)
    await telemetry.roll_up()
    await clock.advance(40 * 86_400 - 1800)
    span: dict[str, Any] = {"start": clock.now() - timedelta(days=50), "end": clock.now()}
    assert [each.removed for each in await retention.forecast(clock.now()) if each.collection == "telemetry"] == [1]
    assert await swept(retention, clock) == {"telemetry": 1}
    assert len((await telemetry.series("d1", **span)).ts) == 1
    assert len((await telemetry.series("d1", step="1h", **span)).ts) == 2
    assert await swept(retention, clock) == {}


async def swept(retention: Retention, clock: ManualClock) -> dict[str, int]:
    """Sweep, letting the little pauses pass."""
    sweeping = asyncio.create_task(retention.sweep())
    while not sweeping.done():
        await clock.advance(0.02)
    return sweeping.result()


@pytest.mark.clause("C6-14")
async def test_with_a_request_or_share_whose_time_is_over_goes_the_key_of_its_own() -> None:
    house, keyring = SealedHouse(), MemoryKeyring()
    records = StoredRecords(SealedDocuments(MemoryDocuments(), keyring))
    now = house.clock.now()
    request = RightsRequest(
        id="rrq_1", kind=Right.ACCESS, channel=RequestChannel.LETTER, email="niina@example.org",
        state=RequestState.ANSWERED, received_at=now, due_at=now,
    )  # fmt: skip
    share = Share(
        id="shr_1", device_id="d1", owner_id="acc_1", email="niina@example.org", role=ShareRole.VIEWER,
        created_at=now, expires_at=now + timedelta(days=14),
    )  # fmt: skip
    stays = replace(share, id="shr_2", device_id="d2", expires_at=None)
    await records.add_all([request, share, stays])
    retention = Retention(records=records, clock=house.clock, keyring=keyring)
    await house.clock.advance(15 * 86_400)
    assert await retention.sweep() == {"shares": 1}
    assert (await keyring.was_destroyed("shr_1"), await keyring.was_destroyed("shr_2")) == (True, False)
    await house.clock.advance(3 * 365 * 86_400)
    assert await retention.sweep() == {"rights_requests": 1}
    assert await keyring.was_destroyed("rrq_1")
    assert not await keyring.was_destroyed("shr_2")


async def test_with_an_old_message_goes_no_key_of_whoever_it_went_to() -> None:
    house, keyring = SealedHouse(), MemoryKeyring()
    records = StoredRecords(SealedDocuments(MemoryDocuments(), keyring))
    entry = Contact(id="con_1", account_id="acc_1", name="Niina", created_at=house.clock.now())
    await records.add_all([entry, House().delivery()])
    await house.clock.advance(366 * 86_400)
    await Retention(records=records, clock=house.clock, keyring=keyring).sweep()
    assert await records.count(Delivery) == 0
    assert not await keyring.was_destroyed("con_1")
    assert await records.get(Contact, "con_1") == entry


async def test_with_a_wish_whose_time_is_over_goes_no_key_of_who_has_an_account_by_now_or_asked_once_more() -> None:
    house, keyring = SealedHouse(), MemoryKeyring()
    records = StoredRecords(SealedDocuments(MemoryDocuments(), keyring))
    now = house.clock.now()
    wish = Registration(id="wish_1", account_id="acc_1", email="maija@example.org", expires_at=now)
    again = replace(wish, id="wish_2", account_id="acc_2", email="pekka@example.org")
    alone = replace(wish, id="wish_4", account_id="acc_3", email="niina@example.org")
    later = replace(again, id="wish_3", expires_at=now + timedelta(days=1))
    account = Account(id="acc_1", email="maija@example.org", created_at=now)
    await records.add_all([wish, again, later, alone, account])
    await house.clock.advance(60)
    assert await Retention(records=records, clock=house.clock, keyring=keyring).sweep() == {"registrations": 3}
    assert [await keyring.was_destroyed(each) for each in ("acc_1", "acc_2", "acc_3")] == [False, False, True]
    assert await records.get(Account, "acc_1") == account
