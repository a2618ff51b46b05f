"""From a due delivery to the provider: once, checked right before, and never left without an end."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from alerts.acknowledging import acknowledge
from alerts.channels.channel import ChannelKind, Message
from alerts.dispatcher import DEADLINE_S
from alerts.health import REFUSED_FOR_S
from alerts.outcomes import Outcome, RefusalScope, Refused, Sent, TryLater, Unclear
from alerts.settlement import LOOK_UP_AFTER_S, MAX_TRIES, UNCLEAR_LIFE_S, attempt_id
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Attempt, AttemptState, Delivery, DeliveryKind, DeliveryState
from isocket.domain.desk import DeskMessage
from isocket.domain.incidents import Happening
from isocket.domain.stops import Stop
from isocket.storage.port import is_
from tests.fakes.alert_house import ACCOUNT, ANNA, PHONES, AlertHouse
from tests.fakes.clock import NOON

BY_SMS = {"contact_ids": [ANNA], "channels": ["sms"], "after_s": 0}
LOST = Unclear(reason="answer_lost: ServerDisconnectedError")
BUSY = TryLater(reason="provider_unavailable")


@pytest.fixture
async def house() -> AlertHouse:
    """A house in which one alarm by SMS is due, to somebody who has no other way."""
    house = await AlertHouse().furnish(email=None)
    await house.ladder(BY_SMS)
    await house.incident()
    await house.escalate()
    return house


async def the_alarm(house: AlertHouse) -> Delivery:
    return await house.the_delivery(ChannelKind.SMS)


async def test_a_due_delivery_is_sent_once_and_its_attempt_is_kept(house: AlertHouse) -> None:
    await house.send()
    alarm, (attempt,), (message,) = await the_alarm(house), await house.attempts(), house.sms.accepted
    assert alarm.state is DeliveryState.SENT
    assert (attempt.state, attempt.provider, attempt.number) == (AttemptState.SENT, "recording", 1)
    assert message.attempt_id == attempt.id
    assert attempt.provider_id == f"SM{attempt.id}"


async def test_the_attempt_is_stored_before_the_provider_is_called(house: AlertHouse) -> None:
    seen: list[tuple[AttemptState, DeliveryState]] = []

    async def look(message: Message) -> Outcome:
        attempt = await house.records.get(Attempt, message.attempt_id)
        assert attempt is not None
        seen.append((attempt.state, (await the_alarm(house)).state))
        return Sent(provider_id="SM1", receipt_expected=True)

    house.sms.send = look  # type: ignore[method-assign]  # looks at the store from inside the call
    await house.send()
    assert seen == [(AttemptState.STARTED, DeliveryState.CALLING)]


async def test_a_delivery_is_not_sent_before_it_is_due() -> None:
    house = await AlertHouse().furnish()
    await house.delivery(due_at=NOON + timedelta(seconds=10))
    await house.send()
    assert not house.accepted
    await house.pass_by(seconds=10)
    await house.send()
    assert len(house.accepted) == 1


async def test_what_was_due_first_goes_first() -> None:
    house = await AlertHouse().furnish()
    for name, seconds in (("b", 2), ("a", 1), ("c", 3)):
        await house.delivery(id=f"dlv_{name}", text=name, due_at=NOON + timedelta(seconds=seconds))
    await house.pass_by(seconds=5)
    await house.send()
    assert [message.text for message in house.sms.accepted] == ["a", "b", "c"]


async def test_an_alarm_acknowledged_in_the_last_moment_is_called_off(house: AlertHouse) -> None:
    await acknowledge(house.records, "inc_1", by=f"{ACCOUNT} web", clock=house.clock)
    await house.send()
    assert not house.accepted
    assert ((await the_alarm(house)).state, (await the_alarm(house)).reason) == (
        DeliveryState.CALLED_OFF,
        "acknowledged",
    )
    assert await house.reasons(Happening.NOT_SENT) == {"acknowledged": 1}


async def test_an_alarm_closed_in_the_last_moment_is_called_off(house: AlertHouse) -> None:
    await house.close()
    await house.send()
    assert not house.accepted
    assert (await the_alarm(house)).reason == "closed"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"paused_at": NOON}, "paused"),
        ({"phone_verified_at": None}, "unverified"),
        ({"phone": "+447700900999"}, "address_changed"),
        ({"phone": None}, "no_address"),
    ],
)
async def test_a_contact_who_changed_in_the_last_moment_is_not_told(
    house: AlertHouse, changes: dict[str, Any], reason: str
) -> None:
    await house.records.change_one(Contact, is_("id", ANNA), **changes)
    await house.send()
    assert not house.accepted
    assert (await the_alarm(house)).reason == reason
    assert await house.reasons(Happening.NOT_SENT) == {reason: 1}


async def test_a_contact_who_was_removed_in_the_last_moment_is_not_told(house: AlertHouse) -> None:
    await house.records.remove_all(Contact, is_("id", ANNA))
    await house.send()
    assert not house.accepted
    assert (await the_alarm(house)).reason == "removed"


async def test_a_code_goes_to_an_address_that_is_not_verified_yet() -> None:
    house = await AlertHouse().furnish(phone_verified_at=None)
    await house.delivery(DeliveryKind.CODE)
    await house.send()
    assert len(house.sms.accepted) == 1


@pytest.mark.parametrize("kind", [DeliveryKind.CODE, DeliveryKind.ACTIVATION, DeliveryKind.RESET])
async def test_a_code_or_link_is_not_kept_once_it_was_sent(kind: DeliveryKind) -> None:
    house = await AlertHouse().furnish()
    delivery = await house.delivery(kind, html="<p>012345</p>")
    await house.send()
    kept = await house.records.get(Delivery, delivery.id)
    assert kept is not None
    assert (kept.state, kept.text, kept.html) == (DeliveryState.SENT, "", None)
    assert "012345" in house.sms.accepted[0].text


async def test_a_code_that_could_not_be_sent_is_not_kept_either() -> None:
    house = await AlertHouse().furnish()
    house.sms.script.append(Refused(reason="number_invalid", scope=RefusalScope.CONTACT))
    delivery = await house.delivery(DeliveryKind.CODE)
    await house.send()
    kept = await house.records.get(Delivery, delivery.id)
    assert kept is not None
    assert (kept.state, kept.text) == (DeliveryState.FAILED, "")


async def test_an_alarms_text_is_kept_for_its_owner_to_read(house: AlertHouse) -> None:
    await house.send()
    assert "mains power is out" in (await the_alarm(house)).text


async def test_a_delivery_that_expired_fails_visibly_and_is_not_sent(house: AlertHouse) -> None:
    await house.pass_by(hours=3)
    await house.send()
    assert not house.accepted
    assert ((await the_alarm(house)).state, (await the_alarm(house)).reason) == (DeliveryState.FAILED, "expired")


async def test_a_channel_that_is_not_set_up_fails_visibly() -> None:
    house = await AlertHouse().furnish()
    await house.delivery(channel=ChannelKind.VOICE)
    await house.send()
    (delivery,) = await house.deliveries(DeliveryKind.CODE)
    assert (delivery.state, delivery.reason) == (DeliveryState.FAILED, "channel_not_configured")


async def test_a_refusal_ends_the_delivery_with_its_reason(house: AlertHouse) -> None:
    house.sms.script.append(Refused(reason="not_a_mobile", scope=RefusalScope.CONTACT, code="21614"))
    await house.send()
    (attempt,) = await house.attempts()
    assert ((await the_alarm(house)).state, (await the_alarm(house)).reason) == (DeliveryState.FAILED, "not_a_mobile")
    assert (attempt.state, attempt.detail) == (AttemptState.REFUSED, "not_a_mobile 21614")
    assert await house.reasons(Happening.ATTEMPT) == {"not_a_mobile 21614": 1}


async def test_who_has_another_number_by_now_is_not_paused_because_the_old_one_opted_out(house: AlertHouse) -> None:
    await house.delivery()
    await house.send()
    await house.records.change_one(Contact, is_("id", ANNA), phone="+447700900999")
    await house.receipt("undelivered", error_code=21610)
    await house.take_in_receipts()
    contact = await house.records.get(Contact, ANNA)
    assert contact is not None
    assert contact.paused_at is None
    assert [each.address for each in await house.records.find(Stop)] == [PHONES[ANNA]]


async def test_a_recipient_who_opted_out_is_paused_and_the_owner_is_told(house: AlertHouse) -> None:
    house.sms.script.append(Refused(reason="opted_out", scope=RefusalScope.CONTACT, code="21610"))
    await house.send()
    contact = await house.records.get(Contact, ANNA)
    assert contact is not None
    assert (contact.paused_at, contact.pause_reason) == (house.clock.now(), "opted_out")
    (notice,) = await house.deliveries(DeliveryKind.NOTICE)
    assert notice.address == "owner@example.org"
    assert PHONES[ANNA] not in notice.text


async def test_try_later_comes_again_not_before_the_provider_said(house: AlertHouse) -> None:
    house.sms.script.append(TryLater(reason="too_many_requests", after_s=60))
    await house.send()
    await house.pass_by(seconds=59)
    await house.send()
    assert not house.accepted
    await house.pass_by(seconds=10)
    await house.send()
    assert len(house.accepted) == 1
    assert [each.number for each in await house.attempts()] == [1, 2]


async def test_try_later_is_tried_again_until_the_alarm_expires(house: AlertHouse) -> None:
    house.sms.script.extend([BUSY] * 500)
    for _ in range(110):
        await house.send()
        await house.pass_by(minutes=1)
    assert (await the_alarm(house)).state is DeliveryState.DUE
    for _ in range(20):
        await house.send()
        await house.pass_by(minutes=1)
    assert ((await the_alarm(house)).state, (await the_alarm(house)).held_up) == (DeliveryState.FAILED, True)


async def test_a_message_that_never_expires_is_tried_so_often_and_no_more() -> None:
    house = await AlertHouse().furnish()
    await house.delivery(DeliveryKind.CODE)
    house.sms.script.extend([BUSY] * 50)
    await house.rest()
    assert len(house.sms.asked) == MAX_TRIES
    (code,) = await house.deliveries(DeliveryKind.CODE)
    assert (code.state, code.reason) == (DeliveryState.FAILED, BUSY.reason)


async def test_what_the_provider_refuses_because_of_us_goes_when_that_is_put_right(house: AlertHouse) -> None:
    house.sms.script.append(Refused(reason="credentials", scope=RefusalScope.ACCOUNT, code="20003"))
    await house.send()
    (attempt,) = await house.attempts()
    assert (attempt.state, attempt.detail) == (AttemptState.LATER, "credentials 20003")
    assert ((await the_alarm(house)).state, (await the_alarm(house)).held_up) == (DeliveryState.DUE, True)
    await house.pass_by(seconds=REFUSED_FOR_S)
    await house.send()
    assert len(house.sms.accepted) == 1


async def test_try_later_ends_as_failed_when_the_next_try_would_come_too_late(house: AlertHouse) -> None:
    house.sms.script.append(TryLater(reason="too_many_requests", after_s=3 * 3600))
    await house.send()
    assert (await the_alarm(house)).state is DeliveryState.FAILED


async def test_a_lost_answer_is_never_followed_by_a_second_message(house: AlertHouse) -> None:
    house.sms.script.append((LOST, True))
    house.sms.can_be_asked = False
    await house.rest()
    assert len(house.sms.asked) == 1


async def test_a_lost_answer_is_settled_by_asking_the_provider(house: AlertHouse) -> None:
    house.sms.script.append((LOST, True))
    await house.send()
    assert (await the_alarm(house)).state is DeliveryState.UNCLEAR
    await house.pass_by(seconds=LOOK_UP_AFTER_S)
    await house.unclear().step()
    (attempt,) = await house.attempts()
    assert (await the_alarm(house)).state is DeliveryState.SENT
    assert (attempt.state, attempt.provider_id) == (AttemptState.SENT, f"SM{attempt.id}")


async def test_the_provider_is_not_asked_at_once_since_a_receipt_may_come(house: AlertHouse) -> None:
    house.sms.script.append((LOST, True))
    await house.send()
    await house.pass_by(seconds=LOOK_UP_AFTER_S - 1)
    assert not await house.unclear().step()


async def test_what_stays_unclear_ends_as_failed_with_a_line_and_somebody_else_is_told(house: AlertHouse) -> None:
    house.sms.script.append((LOST, False))
    await house.rest()
    alarm = await the_alarm(house)
    assert (alarm.state, alarm.reason) == (DeliveryState.FAILED, "unclear")
    assert alarm.ended_at is not None
    assert alarm.ended_at - NOON >= timedelta(seconds=UNCLEAR_LIFE_S)
    assert await house.reasons(Happening.NOTE) == {"unclear": 1}
    assert await house.reasons(Happening.EXHAUSTED) == {"nobody_reached": 1}


async def test_what_is_unclear_for_too_long_is_given_up_without_asking_a_provider_that_may_hang(
    house: AlertHouse,
) -> None:
    house.sms.script.append((LOST, True))
    await house.send()
    await house.pass_by(seconds=UNCLEAR_LIFE_S)
    await house.unclear().step()
    assert not house.sms.looked_up
    assert ((await the_alarm(house)).state, (await the_alarm(house)).reason) == (DeliveryState.FAILED, "unclear")


async def test_a_channel_that_fails_in_an_unforeseen_way_leaves_the_delivery_unclear(house: AlertHouse) -> None:
    async def fail(message: Message) -> Outcome:
        raise RuntimeError("nobody foresaw this")

    house.sms.send = fail  # type: ignore[method-assign]  # the provider's library breaks
    await house.send()
    assert (await the_alarm(house)).state is DeliveryState.UNCLEAR


async def test_a_delivery_whose_worker_died_before_the_attempt_is_sent_by_another(house: AlertHouse) -> None:
    assert await house.dispatcher().claim_one()
    await house.rest()
    assert len(house.sms.accepted) == 1
    assert (await the_alarm(house)).state is DeliveryState.SENT


async def test_a_worker_that_wakes_up_after_its_lease_does_not_send_what_another_sent(house: AlertHouse) -> None:
    sleeper = house.dispatcher()
    held = await sleeper.claim_one()
    assert held is not None
    await house.rest()
    await sleeper.carry(held)
    assert len(house.sms.accepted) == 1


async def test_a_worker_that_wakes_up_first_is_not_followed_by_another(house: AlertHouse) -> None:
    """Its attempt was not there when its lease ran out, and is there when the next worker wants to make it."""
    sleeper = house.dispatcher()
    held = await sleeper.claim_one()
    assert held is not None
    await house.pass_by(minutes=1)
    await house.unclear().step()
    await sleeper.carry(held)
    await house.rest()
    assert len(house.sms.accepted) == 1
    assert (await the_alarm(house)).state is DeliveryState.SENT


async def test_what_a_provider_may_still_answer_is_not_found_left_behind(house: AlertHouse) -> None:
    seen: list[DeliveryState] = []

    async def answer_late(message: Message) -> Outcome:
        await house.clock.advance(max(DEADLINE_S.values()))  # this worker carries messages of any lane
        await house.unclear()._find_left_behind()
        seen.append((await the_alarm(house)).state)
        return Sent(provider_id=f"SM{message.attempt_id}", receipt_expected=True)

    house.sms.send = answer_late  # type: ignore[method-assign]
    await house.send()
    assert seen == [DeliveryState.CALLING]


async def test_a_worker_that_died_in_the_call_leaves_it_unclear_and_not_repeated(house: AlertHouse) -> None:
    async def die(message: Message) -> Outcome:
        house.sms.accepted.append(message)
        raise asyncio.CancelledError

    house.sms.send = die  # type: ignore[method-assign]  # the process ends in the middle of the call
    with pytest.raises(asyncio.CancelledError):
        await house.send()
    await house.pass_by(minutes=1)
    await house.unclear()._find_left_behind()
    assert (await the_alarm(house)).state is DeliveryState.UNCLEAR
    await house.rest()
    assert len(house.sms.accepted) == 1
    assert (await the_alarm(house)).state is DeliveryState.SENT


async def test_attempts_of_different_deliveries_have_ids_that_tell_nothing_of_them(house: AlertHouse) -> None:
    alarm = await the_alarm(house)
    assert attempt_id(alarm, 1) != attempt_id(alarm, 2)
    assert alarm.id.removeprefix("dlv_") not in attempt_id(alarm, 1)


async def test_a_mailbox_can_collapse_a_second_copy_of_the_same_delivery() -> None:
    house = await AlertHouse().furnish()
    await house.delivery(DeliveryKind.NOTICE, channel=ChannelKind.EMAIL, address="anna@example.org")
    house.mail.script.append(BUSY)
    await house.rest()
    first, second = house.mail.asked
    assert first.message_id == second.message_id == "<dlv_notice@cloud.example.org>"
    assert first.attempt_id != second.attempt_id


async def test_without_providers_messages_lie_on_the_desk_once(house: AlertHouse) -> None:
    house.on_the_desk = True
    await house.rest()
    (shown,) = await house.records.find(DeskMessage)
    (attempt,) = await house.attempts()
    assert (shown.id, shown.address, shown.person_id) == (attempt.id, PHONES[ANNA], ANNA)
    assert (await the_alarm(house)).state is DeliveryState.SENT
