"""Two providers of text messages: the second stands in while the first refuses us, fails or is not there."""

import pytest

from alerts.channels.channel import ChannelKind, Message
from alerts.health import LEAST_CALLS, REFUSED_FOR_S
from alerts.outcomes import Outcome, RefusalScope, Refused, Sent, TryLater, Unclear, read_twilio_error
from alerts.providers import health_id
from isocket.domain.deliveries import AttemptState, DeliveryKind, DeliveryState
from isocket.domain.sending import ProviderHealth
from tests.fakes.alert_house import ANNA, MAILS, PHONES, AlertHouse, RecordingChannel
from tests.fakes.dying import Fuse, every_crash_point

BY_SMS = {"contact_ids": [ANNA], "channels": ["sms"], "after_s": 0}
REFUSES_US = Refused(reason="credentials", scope=RefusalScope.ACCOUNT, code="20003")
NOT_THERE = TryLater(reason="nothing_sent: ClientConnectorError")
LOST = Unclear(reason="answer_lost")


@pytest.fixture
async def house() -> AlertHouse:
    return await a_house()


async def a_house() -> AlertHouse:
    return await AlertHouse(second_sms=RecordingChannel(ChannelKind.SMS, "second")).furnish(email=None)


async def text(house: AlertHouse, name: str) -> None:
    """Send one message, as the only thing that is due."""
    await house.delivery(id=f"dlv_{name}", text=name)
    await house.send()


def by_first(house: AlertHouse) -> list[str]:
    return [message.text for message in house.sms.accepted]


def by_second(house: AlertHouse) -> list[str]:
    assert house.second_sms is not None
    return [message.text for message in house.second_sms.accepted]


async def test_while_all_goes_well_the_first_carries_everything_and_nothing_is_written_down(house: AlertHouse) -> None:
    for name in "abc":
        await text(house, name)
    assert (by_first(house), by_second(house)) == (["a", "b", "c"], [])
    assert not await house.records.count(ProviderHealth)


@pytest.mark.parametrize("outcome", [REFUSES_US, NOT_THERE], ids=["refuses us", "is not there"])
async def test_what_the_first_certainly_does_not_have_goes_by_the_second_at_once(
    house: AlertHouse, outcome: Outcome
) -> None:
    house.sms.script.append(outcome)
    await text(house, "a")
    assert by_second(house) == ["a"]
    first, second = sorted(await house.attempts(), key=lambda attempt: attempt.number)
    assert (first.state, first.provider, second.state, second.provider) == (
        AttemptState.LATER,
        "recording",
        AttemptState.SENT,
        "second",
    )


async def test_a_first_that_refuses_us_is_not_asked_for_a_while_and_then_gets_its_chance(house: AlertHouse) -> None:
    house.sms.script.append(REFUSES_US)
    for name in "ab":
        await text(house, name)
    assert (len(house.sms.asked), by_second(house)) == (1, ["a", "b"])
    await house.pass_by(seconds=REFUSED_FOR_S)
    await text(house, "c")
    assert by_first(house) == ["c"]


async def test_calls_that_end_badly_at_once_are_counted_before_they_are_written_down(house: AlertHouse) -> None:
    dispatcher = house.dispatcher()
    house.sms.script.extend([LOST] * int(LEAST_CALLS))
    for number in range(int(LEAST_CALLS) + 1):
        await house.delivery(id=f"dlv_{number}", text=str(number))
        await dispatcher.step()
    assert by_second(house) == ["4"]


async def test_a_daily_limit_is_waited_out_longer(house: AlertHouse) -> None:
    house.sms.script.append(Refused(reason="daily_cap", scope=RefusalScope.ACCOUNT, code="63038"))
    await text(house, "a")
    await house.pass_by(seconds=REFUSED_FOR_S * 2)
    await text(house, "b")
    assert by_second(house) == ["a", "b"]


async def test_an_answer_that_was_lost_is_never_followed_by_the_other_provider(house: AlertHouse) -> None:
    house.sms.script.append((LOST, True))
    house.sms.can_be_asked = False
    await house.delivery(text="a")
    await house.rest()
    assert (by_first(house), by_second(house)) == (["a"], [])


async def test_the_provider_that_had_it_is_asked_what_became_of_it(house: AlertHouse) -> None:
    house.sms.script.append((LOST, True))
    await house.delivery(text="a")
    await house.rest()
    assert house.second_sms is not None
    assert (len(house.sms.looked_up), len(house.second_sms.looked_up)) == (1, 0)


async def test_a_first_that_keeps_failing_is_passed_over_until_its_failures_have_faded(house: AlertHouse) -> None:
    house.sms.script.extend([NOT_THERE] * 50)
    for number in range(round(LEAST_CALLS) + 3):
        await text(house, str(number))
        await house.pass_by(seconds=2)
    asked = len(house.sms.asked)
    assert asked < LEAST_CALLS + 3
    house.sms.script.clear()
    await house.pass_by(minutes=10)
    await text(house, "later")
    assert by_first(house) == ["later"]


async def test_when_both_fail_the_message_waits_and_is_not_thrown_to_and_fro(house: AlertHouse) -> None:
    assert house.second_sms is not None
    house.sms.script.extend([NOT_THERE] * 3)
    house.second_sms.script.extend([NOT_THERE] * 3)
    await text(house, "a")
    assert (len(house.sms.asked), len(house.second_sms.asked)) == (1, 1)
    await house.rest()
    assert by_first(house) + by_second(house) == ["a"]


async def test_a_provider_that_is_slow_is_passed_over(house: AlertHouse) -> None:
    async def slowly(message: Message) -> Outcome:
        await house.pass_by(seconds=6)
        house.sms.accepted.append(message)
        return Sent(provider_id="SM1", receipt_expected=True)

    house.sms.send = slowly  # type: ignore[method-assign]  # time passes inside the call
    for number in range(round(LEAST_CALLS) + 3):
        await text(house, str(number))
    assert by_second(house)


async def test_a_provider_whose_receipts_do_not_come_is_passed_over(house: AlertHouse) -> None:
    await house.ladder(BY_SMS)
    for number in range(round(LEAST_CALLS) + 2):
        await house.incident(f"inc_{number}")
    await house.escalate()
    await house.send()
    assert not by_second(house)
    await house.pass_by(seconds=90)
    await house.send()
    await text(house, "later")
    assert by_second(house) == ["later"]


async def test_a_browser_that_does_not_report_is_held_against_nobody(house: AlertHouse) -> None:
    await house.endpoint(ChannelKind.PUSH)
    await house.only_by(ChannelKind.PUSH)
    await house.incident()
    await house.escalate()
    await house.send()
    assert house.push.accepted
    await house.pass_by(seconds=90)
    await house.send()
    assert not await house.records.count(ProviderHealth)


async def test_what_went_well_long_ago_does_not_hide_what_goes_wrong_now(house: AlertHouse) -> None:
    dispatcher = house.dispatcher()

    async def send(name: str) -> None:
        await house.delivery(id=f"dlv_{name}", text=name)
        while await dispatcher.step():
            pass

    for number in range(30):
        await send(f"well {number}")
    await house.pass_by(hours=1)
    house.sms.script.extend([NOT_THERE] * 50)
    for number in range(12):
        await send(f"now {number}")
        await house.pass_by(seconds=2)
    assert len(house.sms.asked) < 30 + 12


async def test_when_all_are_slow_nothing_changes(house: AlertHouse) -> None:
    for name in ("recording", "second"):
        await house.records.add(
            ProviderHealth(
                id=health_id(ChannelKind.SMS, name),
                kind=ChannelKind.SMS,
                name=name,
                calls=20,
                slow=20,
                counted_at=house.clock.now(),
            )
        )
    await text(house, "a")
    assert by_first(house) == ["a"]


async def test_a_report_that_our_account_is_suspended_brings_the_same_text_by_the_other_provider(
    house: AlertHouse,
) -> None:
    await house.ladder(BY_SMS)
    await house.incident()
    await house.escalate()
    await house.send()
    await house.receipt("failed", error_code=30002)
    await house.take_in_receipts()
    await house.send()
    assert house.second_sms is not None
    assert [message.to for message in house.second_sms.accepted] == [PHONES[ANNA]]


@pytest.mark.parametrize("code", [30024, 30042])
async def test_a_report_that_one_carrier_does_not_know_our_sender_sends_this_text_only_by_the_other(
    house: AlertHouse, code: int
) -> None:
    await house.ladder(BY_SMS)
    await house.incident()
    await house.escalate()
    await house.send()
    await house.receipt("undelivered", error_code=code)
    await house.take_in_receipts()
    await house.send()
    assert len(by_second(house)) == 1
    assert not await house.records.count(ProviderHealth), "a refusal of this one message"
    await text(house, "to somebody else")
    assert by_first(house)[-1] == "to somebody else"
    (again,) = [each for each in await house.attempts() if each.provider == "second"]
    await house.receipt("undelivered", again, error_code=code)
    await house.take_in_receipts()
    await house.send()
    assert (len(by_first(house)), len(by_second(house))) == (2, 1), "once more is once"


async def test_a_message_that_is_refused_for_where_it_goes_takes_the_other_provider_and_nobody_elses_does(
    house: AlertHouse,
) -> None:
    house.sms.script.append(read_twilio_error(400, 30042, None))
    await text(house, "a")
    await text(house, "b")
    assert (by_first(house), by_second(house)) == (["b"], ["a"])
    assert not await house.records.count(ProviderHealth)
    assert {each.state for each in await house.deliveries(DeliveryKind.CODE)} == {DeliveryState.SENT}


async def test_with_one_provider_a_message_that_is_refused_for_where_it_goes_takes_the_next_way() -> None:
    house = await AlertHouse().furnish()
    await house.ladder(BY_SMS)
    await house.incident()
    await house.escalate()
    house.sms.script.append(read_twilio_error(400, 30042, None))
    await house.send()
    assert [message.to for message in house.mail.accepted] == [MAILS[ANNA]]
    await text(house, "to somebody else")
    assert by_first(house) == ["to somebody else"]


async def test_with_one_provider_a_refusal_of_ours_is_waited_out() -> None:
    house = await AlertHouse().furnish(email=None)
    house.sms.script.append(REFUSES_US)
    await text(house, "a")
    (code,) = await house.deliveries(DeliveryKind.CODE)
    assert (code.state, code.held_up) == (DeliveryState.DUE, True)


async def test_at_every_crash_point_a_message_goes_by_one_provider_or_the_other() -> None:
    async def build() -> AlertHouse:
        house = await a_house()
        house.sms.script.append(REFUSES_US)
        await house.ladder(BY_SMS)
        await house.incident()
        return house

    async def run(house: AlertHouse, fuse: Fuse) -> None:
        await house.rest(fuse)

    async def check(house: AlertHouse) -> None:
        assert len(by_first(house)) + len(by_second(house)) <= 1
        alarm = await house.the_delivery(ChannelKind.SMS)
        unclear = alarm.state is DeliveryState.FAILED and alarm.reason == "unclear"
        assert alarm.state is DeliveryState.SENT or unclear

    assert await every_crash_point(build, run, check) > 20
