"""Trouble of a whole account: nobody who could be told, or messages that arrive by no way. Its owner hears of both."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.broken_deliveries import ENOUGH, BrokenDeliveries, is_broken
from alerts.lonely_accounts import AT_ONCE, LonelyAccounts
from alerts.operator import OPERATOR
from isocket.domain.accounts import Account
from isocket.domain.contacts import ChannelKind, Contact, Escalation, Substitution
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Incident, IncidentState
from isocket.domain.reach import Reach, reach
from isocket.storage.port import Records, is_
from tests.fakes.alert_house import ACCOUNT, ANNA, BERTIL, DEVICE, PUBLIC_URL, AlertHouse
from tests.fakes.clock import NOON
from tests.fakes.dying import DyingRecords, Fuse, every_crash_point

BOTH = (ChannelKind.SMS, ChannelKind.EMAIL)
UNPROVED: dict[str, Any] = {"phone_verified_at": None, "email_verified_at": None}


def lonely(house: AlertHouse, records: Records | None = None) -> LonelyAccounts:
    return LonelyAccounts(records=records or house.records, clock=house.clock, public_url=PUBLIC_URL, configured=BOTH)


def broken(house: AlertHouse, records: Records | None = None) -> BrokenDeliveries:
    return BrokenDeliveries(records=records or house.records, clock=house.clock, public_url=PUBLIC_URL)


def socket_named(device_id: str) -> Device:
    return Device(
        id=device_id, model="isocket-4g", secret_hash="", claim_hash="", provisioned_at=NOON, owner_id=ACCOUNT
    )  # fmt: skip


async def opened(house: AlertHouse, cause: Cause) -> list[Incident]:
    found = await house.records.find(Incident, is_("cause", cause), order_by="detected_at")
    return [each for each in found if each.state is not IncidentState.CLOSED]


async def notices(house: AlertHouse) -> list[Delivery]:
    found = await house.deliveries(DeliveryKind.NOTICE)
    return [each for each in found if each.account_id == ACCOUNT]


async def test_an_account_with_nobody_to_tell_opens_one_incident_and_its_owner_is_told_once() -> None:
    house = await AlertHouse().furnish(**UNPROVED)
    for _ in range(3):
        await lonely(house).step()
        await house.pass_by(minutes=5)
    (incident,) = await opened(house, Cause.NO_RECIPIENT)
    assert (incident.device_id, incident.needs_step) == ("", False)
    (notice,) = await notices(house)
    assert (notice.address, notice.channel) == ("owner@example.org", ChannelKind.EMAIL)
    assert "nobody can be told of alarms" in notice.subject_line
    assert "/contacts" in notice.text


async def test_the_people_of_a_thousand_sockets_alike_are_gone_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    house = await AlertHouse().furnish(**UNPROVED)
    await house.records.add_all([socket_named(f"is-1{number:07}") for number in range(1000)])
    own, theirs = Escalation(id="esc_own", account_id=ACCOUNT, device_id=DEVICE), is_("account_id", ACCOUNT)
    away = Substitution(
        id="sub_1", account_id=ACCOUNT, device_id="is-10000007", contact_id=ANNA, stand_in_id=BERTIL,
        from_at=NOON, until_at=NOON + timedelta(days=9), created_at=NOON,
    )  # fmt: skip
    await house.records.add_all([own, away])
    asked: list[str] = []

    def counted(*people: Any, device_id: str, **how: Any) -> Reach:
        asked.append(device_id)
        return reach(*people, device_id=device_id, **how)

    monkeypatch.setattr("alerts.lonely_accounts.reach", counted)
    await lonely(house).step()
    assert len(asked) == 3, "of the two that something names, and of all others"
    assert {DEVICE, "is-10000007"} < set(asked)
    assert [each.device_id for each in await house.records.find(Incident, theirs)] == [""]


async def test_while_the_people_of_many_sockets_are_gone_through_others_have_their_turns() -> None:
    house = await AlertHouse().furnish()
    await house.records.add_all([socket_named(f"is-1{number:07}") for number in range(50)])
    await house.records.add_all(
        [Escalation(id=f"esc_{n}", account_id=ACCOUNT, device_id=f"is-1{n:07}") for n in range(50)]
    )
    asking, look = asyncio.create_task(lonely(house).step()), 0
    while not asking.done():
        look += 1
        await asyncio.sleep(0)
    assert look > 50


async def test_it_is_over_as_soon_as_there_is_somebody() -> None:
    house = await AlertHouse().furnish(**UNPROVED)
    await lonely(house).step()
    await house.records.change_one(Contact, is_("id", ANNA), email_verified_at=house.clock.now())
    await lonely(house).step()
    assert not await opened(house, Cause.NO_RECIPIENT)
    await house.records.change_one(Contact, is_("id", ANNA), paused_at=house.clock.now())
    await house.pass_by(minutes=5)
    await lonely(house).step()
    assert len(await opened(house, Cause.NO_RECIPIENT)) == 1
    assert len(await notices(house)) == 2, "a new trouble is told anew"


async def test_one_socket_whose_own_ladder_leads_to_nobody_is_named_alone() -> None:
    house = await AlertHouse().furnish()
    await house.contact(BERTIL, **UNPROVED)
    await house.records.add(
        Device(
            id="is-2", model="m", secret_hash="", claim_hash="", provisioned_at=NOON, owner_id=ACCOUNT, name="Liiteri"
        )
    )
    await house.ladder({"contact_ids": [BERTIL], "channels": [], "after_s": 0}, device_id="is-2")
    await lonely(house).step()
    (incident,) = await opened(house, Cause.NO_RECIPIENT)
    assert incident.device_id == "is-2"
    (notice,) = await notices(house)
    assert notice.text.startswith("Liiteri: ")


@pytest.mark.parametrize(("own", "troubled"), [({}, []), (UNPROVED, [ACCOUNT])], ids=["somebody", "nobody"])
async def test_another_customers_people_and_ladder_are_not_ones_own(own: dict[str, Any], troubled: list[str]) -> None:
    house = await AlertHouse().furnish(**own)
    await house.records.add(Account(id="acc_0", email="other@example.org", created_at=NOON))
    await house.contact(BERTIL, account_id="acc_0")
    if not own:
        await house.records.add(Escalation(id="esc_0", account_id="acc_0", steps=({"contact_ids": [BERTIL]},)))
    await lonely(house).step()
    assert [each.account_id for each in await opened(house, Cause.NO_RECIPIENT)] == troubled


async def test_a_way_that_nothing_goes_out_by_reaches_nobody() -> None:
    house = await AlertHouse().furnish(email_verified_at=None)
    await LonelyAccounts(
        records=house.records, clock=house.clock, public_url=PUBLIC_URL, configured=[ChannelKind.EMAIL]
    ).step()
    assert await opened(house, Cause.NO_RECIPIENT)


async def test_an_account_without_a_socket_needs_nobody() -> None:
    house = await AlertHouse().furnish(**UNPROVED)
    await lonely(house).step()
    await house.records.change_one(Device, is_("id", DEVICE), owner_id=None)
    await lonely(house).step()
    assert not await opened(house, Cause.NO_RECIPIENT)


async def test_all_accounts_are_looked_at_some_at_a_time_and_then_again() -> None:
    house = AlertHouse()
    for number in range(AT_ONCE + 3):
        account = f"acc_{number:03}"
        device = Device(
            id=f"is-{number}", model="m", secret_hash="", claim_hash="", provisioned_at=NOON, owner_id=account
        )
        await house.records.add_all([Account(id=account, email=f"{number}@example.org", created_at=NOON), device])
    sweep = lonely(house)
    await sweep.step()
    assert len(await opened(house, Cause.NO_RECIPIENT)) == AT_ONCE
    await sweep.step()
    assert len(await opened(house, Cause.NO_RECIPIENT)) == AT_ONCE + 3
    await sweep.step()
    assert len(await house.records.find(Incident)) == AT_ONCE + 3


async def ended(house: AlertHouse, name: str, state: DeliveryState, **changes: Any) -> None:
    """Add an alarm that ended so, a minute after the one before."""
    await house.pass_by(minutes=1)
    kind = changes.pop("kind", DeliveryKind.ALARM)
    await house.delivery(kind, id=f"dlv_{name}", state=state, ended_at=house.clock.now(), **changes)


async def several_failed(house: AlertHouse, number: int = ENOUGH) -> None:
    for each in range(number):
        await ended(house, f"failed_{each}", DeliveryState.FAILED, channel=BOTH[each % 2])


async def test_messages_that_fail_by_every_way_open_one_incident_and_the_owner_is_told_by_mail() -> None:
    house = await AlertHouse().furnish()
    await several_failed(house)
    for _ in range(3):
        await broken(house).step()
        await house.pass_by(minutes=5)
    (incident,) = await opened(house, Cause.DELIVERY_BROKEN)
    assert (incident.device_id, incident.needs_step) == ("", False)
    (notice,) = await notices(house)
    assert "messages do not reach the contacts" in notice.subject_line


async def test_it_ends_when_a_message_gets_through() -> None:
    house = await AlertHouse().furnish()
    await several_failed(house)
    await broken(house).step()
    await ended(house, "went", DeliveryState.SENT)
    await broken(house).step()
    assert not await opened(house, Cause.DELIVERY_BROKEN)
    await house.pass_by(days=2)
    await broken(house).step()
    assert len(await house.records.find(Incident)) == 1


async def test_it_stays_open_however_long_nothing_is_sent() -> None:
    house = await AlertHouse().furnish()
    await several_failed(house)
    await broken(house).step()
    await house.pass_by(days=3)
    await broken(house).step()
    assert await opened(house, Cause.DELIVERY_BROKEN)


async def test_what_failed_long_ago_or_for_another_is_nobodys_trouble_and_what_went_for_another_ends_none() -> None:
    house = await AlertHouse().furnish()
    await house.records.add(Account(id="acc_other", email="other@example.org", created_at=NOON))
    await ended(house, "long_ago", DeliveryState.FAILED)
    await house.pass_by(hours=25)
    await ended(house, "other", DeliveryState.FAILED, account_id="acc_other")
    await several_failed(house, ENOUGH - 1)
    await broken(house).step()
    assert not await opened(house, Cause.DELIVERY_BROKEN)
    await ended(house, "last", DeliveryState.FAILED)
    await ended(house, "went", DeliveryState.SENT, account_id="acc_other")
    await broken(house).step()
    assert [each.account_id for each in await opened(house, Cause.DELIVERY_BROKEN)] == [ACCOUNT]


@pytest.mark.parametrize("kind", [DeliveryKind.NOTICE, DeliveryKind.RESET])
async def test_mail_to_the_account_itself_says_nothing_of_its_contacts(kind: DeliveryKind) -> None:
    house = await AlertHouse().furnish()
    for each in range(ENOUGH):
        await ended(house, f"{each}", DeliveryState.FAILED, kind=kind)
    await ended(house, "operator", DeliveryState.FAILED, account_id=OPERATOR)
    await broken(house).step()
    assert not await opened(house, Cause.DELIVERY_BROKEN)


@given(st.lists(st.integers(0, 100)), st.none() | st.integers(0, 100))
def test_only_what_failed_since_the_last_success_counts(failed: list[int], went: int | None) -> None:
    times = [NOON + timedelta(minutes=each) for each in failed]
    last = None if went is None else NOON + timedelta(minutes=went)
    since = [each for each in failed if went is None or each > went]
    assert is_broken(times, last) is (len(since) >= ENOUGH)


async def test_whoever_dies_anywhere_leaves_one_incident_and_one_notice_of_each() -> None:
    async def build() -> AlertHouse:
        house = await AlertHouse().furnish(**UNPROVED)
        await several_failed(house)
        return house

    async def run(house: AlertHouse, fuse: Fuse) -> None:
        records = DyingRecords(house.records, fuse)
        await lonely(house, records).step()
        await broken(house, records).step()
        await house.pass_by(seconds=5)

    async def check(house: AlertHouse) -> None:
        for cause in (Cause.NO_RECIPIENT, Cause.DELIVERY_BROKEN):
            assert len(await opened(house, cause)) == 1
        assert len(await house.records.find(Incident)) == 2
        assert len(await notices(house)) == 2

    assert await every_crash_point(build, run, check) > 20


async def test_an_end_that_dies_anywhere_is_an_end_all_the_same() -> None:
    async def build() -> AlertHouse:
        house = await AlertHouse().furnish(**UNPROVED)
        await several_failed(house)
        await lonely(house).step()
        await broken(house).step()
        await house.records.change_one(Contact, is_("id", ANNA), email_verified_at=house.clock.now())
        await ended(house, "went", DeliveryState.DELIVERED)
        return house

    async def run(house: AlertHouse, fuse: Fuse) -> None:
        records = DyingRecords(house.records, fuse)
        await lonely(house, records).step()
        await broken(house, records).step()

    async def check(house: AlertHouse) -> None:
        assert {each.state for each in await house.records.find(Incident)} == {IncidentState.CLOSED}
        assert len(await notices(house)) == 2

    await every_crash_point(build, run, check)
