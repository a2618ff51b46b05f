"""What whoever runs the cloud is told: once, by every way they gave, without anybody's data."""

from alerts.channels.gsm7 import SEGMENT_SEPTETS, septets
from alerts.operator import News, Operator, tell_operator
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import DeliveryKind, DeliveryState
from isocket.domain.unheard import Unheard
from tests.fakes.alert_house import AlertHouse

OPERATOR = Operator(email="ops@example.org", phone="+447700900999")
NEWS = News(headline="nothing is heard from any socket", advice="Look whether the broker runs.")


async def test_one_event_is_told_once_by_each_way_that_was_given() -> None:
    house = AlertHouse()
    told = [
        await tell_operator(house.records, OPERATOR, "outage", key, NEWS, now=house.clock.now())
        for key in ("one", "one", "another")
    ]
    assert told == [2, 0, 2]
    await house.send()
    assert [each.to for each in house.sms.accepted] == ["+447700900999"] * 2
    assert [each.to for each in house.mail.accepted] == ["ops@example.org"] * 2
    states = {each.state for each in await house.deliveries(DeliveryKind.NOTICE)}
    assert states == {DeliveryState.SENT}


async def test_the_text_message_fits_one_segment_whatever_it_is_about() -> None:
    house = AlertHouse()
    long = News(headline=f"so many things are wrong: {'ä€' * 200}")
    await tell_operator(house.records, OPERATOR, "audit", "k", long, now=house.clock.now())
    (sms,) = [each for each in await house.deliveries(None) if each.channel is ChannelKind.SMS]
    assert septets(sms.text) <= SEGMENT_SEPTETS


async def test_an_operator_without_a_way_is_told_by_the_log_alone() -> None:
    house = AlertHouse()
    assert await tell_operator(house.records, Operator(), "audit", "k", NEWS, now=house.clock.now()) == 0
    assert not await house.deliveries(None)


async def test_an_alarm_that_reached_nobody_is_kept_for_its_customer_once_a_reason() -> None:
    house = await AlertHouse().furnish(phone_verified_at=None, email_verified_at=None)
    await house.incident()
    await house.escalate()
    await house.pass_by(minutes=20)
    await house.escalate()
    (kept,) = await house.records.find(Unheard)
    assert (kept.incident_id, kept.reason, kept.seen_at) == ("inc_1", "no_recipient", None)
