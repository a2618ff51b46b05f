"""What providers say later: it moves attempts and deliveries forward, in whatever order it comes."""

from itertools import permutations

import pytest

from alerts.channels.channel import ChannelKind, Message
from alerts.outcomes import Outcome, Unclear
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Attempt, AttemptState, Delivery, DeliveryState, Receipt
from isocket.domain.incidents import Happening
from isocket.storage.port import is_
from tests.fakes.alert_house import ANNA, AlertHouse
from tests.fakes.dying import DyingRecords, Fuse, every_crash_point

BY_SMS = {"contact_ids": [ANNA], "channels": ["sms"], "after_s": 0}


async def a_house(*, answer_lost: bool = False) -> AlertHouse:
    """Return a house whose one alarm has been handed over, or whose answer was lost."""
    house = await AlertHouse().furnish(email=None)
    await house.ladder(BY_SMS)
    await house.incident()
    if answer_lost:
        house.sms.script.append((Unclear(reason="answer_lost"), True))
        house.sms.can_be_asked = False
    await house.escalate()
    await house.send()
    return house


@pytest.fixture
async def house() -> AlertHouse:
    return await a_house()


async def the_alarm(house: AlertHouse) -> Delivery:
    return await house.the_delivery(ChannelKind.SMS)


async def the_attempt(house: AlertHouse) -> Attempt:
    (attempt,) = await house.attempts()
    return attempt


@pytest.mark.parametrize("order", list(permutations(["sent", "queued", "delivered"])))
async def test_in_whatever_order_receipts_come_the_furthest_one_counts(order: tuple[str, ...]) -> None:
    house = await a_house()
    for status in order:
        await house.receipt(status)
        await house.take_in_receipts()
    assert (await the_alarm(house)).state is DeliveryState.DELIVERED
    assert (await the_attempt(house)).receipt == "delivered"


async def test_each_receipt_is_a_line_of_the_timeline(house: AlertHouse) -> None:
    for status in ("sent", "delivered"):
        await house.receipt(status)
    await house.take_in_receipts()
    assert await house.reasons(Happening.RECEIPT) == {"sent": 1, "delivered": 1}


async def test_a_failure_is_told_with_its_reason(house: AlertHouse) -> None:
    await house.receipt("undelivered", error_code=30007)
    await house.take_in_receipts()
    alarm = await the_alarm(house)
    assert (alarm.state, alarm.reason) == (DeliveryState.FAILED, "filtered")


async def test_a_failure_that_comes_after_delivery_changes_nothing(house: AlertHouse) -> None:
    for status in ("delivered", "undelivered"):
        await house.receipt(status)
        await house.take_in_receipts()
    assert (await the_alarm(house)).state is DeliveryState.DELIVERED


async def test_a_delivery_that_comes_after_a_failure_counts(house: AlertHouse) -> None:
    for status in ("undelivered", "delivered"):
        await house.receipt(status)
        await house.take_in_receipts()
    assert (await the_alarm(house)).state is DeliveryState.DELIVERED


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("queued", DeliveryState.SENT),
        ("delivered", DeliveryState.DELIVERED),
        ("undelivered", DeliveryState.FAILED),
    ],
)
async def test_a_receipt_settles_a_delivery_whose_answer_was_lost(status: str, state: DeliveryState) -> None:
    house = await a_house(answer_lost=True)
    await house.receipt(status)
    await house.take_in_receipts()
    attempt = await the_attempt(house)
    assert (await the_alarm(house)).state is state
    assert (attempt.state, attempt.provider_id) == (AttemptState.SENT, "SM1")


async def test_a_receipt_repairs_a_delivery_that_was_given_up_as_unclear() -> None:
    house = await a_house(answer_lost=True)
    await house.rest()
    assert (await the_alarm(house)).state is DeliveryState.FAILED
    await house.receipt("sent")
    await house.take_in_receipts()
    assert (await the_alarm(house)).state is DeliveryState.SENT


async def test_a_receipt_that_comes_before_the_answer_is_not_undone_by_it() -> None:
    """The provider may call back while we still wait for its answer to the first request."""
    house = await AlertHouse().furnish()
    await house.ladder(BY_SMS)
    await house.incident()
    await house.escalate()
    send = house.sms.send

    async def report_first(message: Message) -> Outcome:
        await house.receipt("delivered")
        await house.take_in_receipts()
        return await send(message)

    house.sms.send = report_first  # type: ignore[method-assign]  # the order of events is the point
    await house.send()
    assert (await the_alarm(house)).state is DeliveryState.DELIVERED
    assert (await the_attempt(house)).receipt == "delivered"


async def test_an_answer_that_is_lost_after_a_receipt_came_makes_nothing_unclear_again() -> None:
    house = await AlertHouse().furnish()
    await house.ladder(BY_SMS)
    await house.incident()
    await house.escalate()

    async def report_and_lose_the_answer(message: Message) -> Outcome:
        await house.receipt("sent")
        await house.take_in_receipts()
        return Unclear(reason="answer_lost")

    house.sms.send = report_and_lose_the_answer  # type: ignore[method-assign]  # the order of events is the point
    await house.send()
    assert (await the_alarm(house)).state is DeliveryState.SENT
    assert (await the_attempt(house)).state is AttemptState.SENT


async def test_a_word_that_we_do_not_know_changes_nothing(house: AlertHouse) -> None:
    await house.receipt("teleported")
    before = await the_alarm(house)
    await house.take_in_receipts()
    assert await the_alarm(house) == before
    assert not await house.records.count(Receipt, is_("settled", False))


async def test_a_receipt_for_a_delivery_that_is_gone_is_put_aside(house: AlertHouse) -> None:
    await house.receipt("delivered")
    await house.records.remove_all(Delivery)
    await house.take_in_receipts()
    assert not await house.records.count(Receipt, is_("settled", False))


async def test_a_recipient_whom_the_provider_reports_as_opted_out_is_paused(house: AlertHouse) -> None:
    await house.receipt("undelivered", error_code=21610)
    await house.take_in_receipts()
    contact = await house.records.get(Contact, ANNA)
    assert contact is not None
    assert contact.pause_reason == "opted_out"


async def test_at_every_crash_point_a_receipt_ends_up_taken_in_once() -> None:
    async def build() -> AlertHouse:
        house = await a_house(answer_lost=True)
        await house.receipt("undelivered", error_code=30005)
        return house

    async def run(house: AlertHouse, fuse: Fuse) -> None:
        records = DyingRecords(house.records, fuse)
        receipts, failover = house.receipts(records), house.failover(records)
        for _ in range(5):
            while await receipts.step() or await failover.step():
                pass
            await house.pass_by(seconds=10)

    async def check(house: AlertHouse) -> None:
        assert (await the_alarm(house)).state is DeliveryState.FAILED
        assert (await the_attempt(house)).receipt == "undelivered"
        assert await house.reasons(Happening.RECEIPT) == {"number_unknown": 1}
        assert (await house.the_incident()).step_due_at <= house.clock.now()
        assert (await house.the_incident()).needs_step
        assert not await house.records.count(Receipt, is_("settled", False))

    assert await every_crash_point(build, run, check) > 10
