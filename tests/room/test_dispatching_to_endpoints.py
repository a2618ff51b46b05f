"""A message to a browser or a program is checked against the endpoint it goes to, right before it goes."""

import asyncio
from datetime import datetime
from typing import Any

import pytest

from alerts.channels.channel import ChannelKind, Message
from alerts.dispatcher import Dispatcher
from alerts.next_ways import UNCLEAR_WAIT_S
from alerts.outcomes import Outcome, TryLater, Unclear
from alerts.providers import Providers
from alerts.unclear import UnclearDeliveries
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.incidents import Severity
from tests.fakes.alert_house import ANNA, BERTIL, PHONES, PUBLIC_URL, AlertHouse
from tests.fakes.clock import NOON
from tests.fakes.endpoint_house import NAME, PROGRAM, endpoint_house
from tests.fakes.web_receiver import HANG_AFTER

PUSH = {"channel": ChannelKind.PUSH, "address": "end_push"}


async def sent(house: AlertHouse, kind: DeliveryKind = DeliveryKind.CLEAR) -> Delivery:
    """Return a message to Anna's browser after everything due has gone."""
    await house.delivery(kind, **PUSH)
    await house.send()
    return await house.the_delivery(ChannelKind.PUSH, kind)


async def test_a_message_to_an_endpoint_carries_its_id_its_kind_and_its_end() -> None:
    house = await AlertHouse().furnish()
    await house.endpoint()
    await house.delivery(DeliveryKind.CLEAR, **PUSH, incident_id="inc_1", expires_at=NOON.replace(hour=14))
    await house.send()
    (message,) = house.push.accepted
    assert (message.to, message.kind, message.topic) == ("end_push", DeliveryKind.CLEAR, "inc_1")
    assert message.expires_at == NOON.replace(hour=14)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"gone_at": NOON}, "endpoint_gone"),
        ({"verified_at": None}, "unverified"),
        ({"contact_id": BERTIL}, "removed"),
        ({"id": "end_other"}, "removed"),
    ],
    ids=["gone", "unverified", "another's", "removed"],
)
async def test_an_endpoint_that_may_not_be_told_gets_nothing(changes: dict[str, Any], reason: str) -> None:
    house = await AlertHouse().furnish()
    await house.endpoint(**changes)
    ended = await sent(house)
    assert (ended.state, ended.reason, house.push.asked) == (DeliveryState.CALLED_OFF, reason, [])


@pytest.mark.parametrize("kind", [DeliveryKind.CODE, DeliveryKind.NOTICE])
async def test_what_proves_or_tries_an_endpoint_goes_before_it_has_answered(kind: DeliveryKind) -> None:
    house = await AlertHouse().furnish()
    await house.endpoint(verified_at=None)
    assert (await sent(house, kind)).state is DeliveryState.SENT


async def test_the_endpoints_of_somebody_who_asked_us_to_stop_get_nothing() -> None:
    house = await AlertHouse().furnish(paused_at=NOON)
    await house.endpoint()
    assert (await sent(house)).reason == "paused"


async def test_an_endpoint_needs_no_number_and_no_mailbox_of_its_contact() -> None:
    house = await AlertHouse().furnish(phone=None, email=None, phone_verified_at=None, email_verified_at=None)
    await house.endpoint()
    ended = await sent(house)
    assert (ended.state, ended.contact_id) == (DeliveryState.SENT, ANNA)


async def test_a_program_whose_message_was_under_way_when_we_died_gets_it_again_with_the_same_id() -> None:
    async with endpoint_house() as made:
        house, ways = made.house, {ChannelKind.WEBHOOK: made.webhook}
        providers = Providers(ways, records=house.records, clock=house.clock)
        usual: dict[str, Any] = {"records": house.records, "clock": house.clock, "public_url": PUBLIC_URL}
        dispatcher = Dispatcher(providers=providers, **usual)
        unclear = UnclearDeliveries(providers=providers, **usual)
        text = '{"type":"incident.clear"}'
        await house.delivery(DeliveryKind.CLEAR, channel=ChannelKind.WEBHOOK, address=PROGRAM, text=text)
        made.program.script(NAME, HANG_AFTER)
        dying = asyncio.create_task(dispatcher.step())
        await made.program.silent.wait()
        dying.cancel()
        await asyncio.wait([dying])
        for _ in range(10):
            await house.pass_by(seconds=30)
            while await unclear.step() or await dispatcher.step():
                pass
        assert [each.headers["iSocket-Id"] for each in made.program.accepted[NAME]] == ["dlv_clear", "dlv_clear"]
        assert (await house.the_delivery(ChannelKind.WEBHOOK, DeliveryKind.CLEAR)).state is DeliveryState.SENT


async def test_what_stays_in_doubt_goes_by_another_way_in_time_although_its_program_is_tried_again() -> None:
    house = await AlertHouse().furnish()
    await house.endpoint(ChannelKind.WEBHOOK, id="end_program")
    await house.ladder({"contact_ids": [ANNA], "channels": ["webhook"], "after_s": 0})
    await house.incident(severity=Severity.CRITICAL)

    async def look_up(message: Message, sent_after: datetime) -> Outcome:
        del message, sent_after
        return TryLater(reason="answer_lost")

    house.webhook.look_up = look_up  # type: ignore[method-assign]
    house.webhook.script.extend([Unclear(reason="channel_failed")] * 9)
    await house.escalate()
    for _ in range(round(UNCLEAR_WAIT_S)):
        await house.send()
        await house.unclear().step()
        await house.failover().step()
        assert not house.sms.accepted
        await house.pass_by(seconds=1)
    await house.failover().step()
    await house.send()
    assert len(house.webhook.asked) > 1
    assert [each.to for each in house.sms.accepted] == [PHONES[ANNA]]
