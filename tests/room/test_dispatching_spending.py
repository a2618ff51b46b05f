"""What texts and calls may cost in a month, and what that never keeps from anybody."""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.channels.channel import ChannelKind
from alerts.outcomes import RefusalScope, Refused, TryLater, Unclear
from alerts.spending import segments_of
from alerts.wording import Reader
from alerts.wording.spending import spending_notice
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import ABOUT_INCIDENTS, Delivery, DeliveryKind, DeliveryState
from isocket.domain.incidents import Happening, Severity
from isocket.domain.letters import LANGUAGES
from isocket.domain.reach import SPENDING_CAP
from isocket.domain.record import Record
from isocket.domain.sending import Spending
from isocket.domain.tariff import MICRO, Tariff, parse_prices
from isocket.storage.port import Records, StoreUnavailableError, Test, is_
from tests.fakes.alert_house import ANNA, MAILS, AlertHouse, RecordingChannel
from tests.fakes.clock import ManualClock
from tests.fakes.dying import DyingRecords, Fuse, every_crash_point
from tests.fakes.patience import until

R = TypeVar("R", bound=Record)

BY_SMS = {"contact_ids": [ANNA], "channels": ["sms"], "after_s": 0}
TARIFF = Tariff(prices=parse_prices("sms=1,voice=2"), cap_micro=10 * MICRO, reserve_micro=5 * MICRO)


async def a_house(spent: int = 0, **changes: object) -> AlertHouse:
    """Return a house whose account has spent so much of 10 this month."""
    house = await AlertHouse(tariff=TARIFF, **changes).furnish()  # type: ignore[arg-type]  # fields of the house
    for number in range(spent):
        await house.delivery(id=f"dlv_spent{number}")
    await house.send()
    house.sms.accepted.clear()
    house.mail.accepted.clear()
    return house


async def spending(house: AlertHouse) -> Spending:
    (found,) = await house.records.find(Spending)
    return found


async def raise_alarm(house: AlertHouse, severity: Severity) -> None:
    await house.ladder(BY_SMS)
    await house.incident(severity=severity)
    await house.escalate()
    await house.send()


class WithoutAPurse(DyingRecords):
    """A store that has no room for what was spent."""

    async def add_all(self, records: Sequence[Record]) -> int:
        if any(isinstance(each, Spending) for each in records):
            raise StoreUnavailableError("no room")
        return await super().add_all(records)


async def test_what_cannot_be_counted_goes_all_the_same_where_money_keeps_nothing_back() -> None:
    house = await a_house()
    await house.ladder(BY_SMS)
    await house.incident(severity=Severity.CRITICAL)
    await house.escalate()
    assert await house.dispatcher(WithoutAPurse(house.records)).step()
    assert len(house.sms.accepted) == 1
    assert (await house.the_delivery(ChannelKind.SMS)).state is DeliveryState.SENT


class WithAQueueAtTheTill(DyingRecords):
    """A store in which what is spent is counted once `may_count` is set."""

    def __init__(self, inner: Records) -> None:
        super().__init__(inner)
        self.may_count = asyncio.Event()

    async def add_all(self, records: Sequence[Record]) -> int:
        if any(isinstance(each, Spending) for each in records):
            await self.may_count.wait()
        return await super().add_all(records)


@pytest.mark.parametrize(
    ("outcome", "segments"), [(None, 1), (Refused(reason="not_a_mobile", scope=RefusalScope.CONTACT), 0)]
)
async def test_what_is_counted_slowly_goes_meanwhile_and_costs_in_the_end_what_it_costs(
    outcome: Refused | None, segments: int
) -> None:
    house = await a_house()
    await house.ladder(BY_SMS)
    await house.incident(severity=Severity.CRITICAL)
    await house.escalate()
    if outcome is not None:
        house.sms.script.append(outcome)
    records = WithAQueueAtTheTill(house.records)
    sending = asyncio.create_task(house.dispatcher(records).step())
    await until(lambda: house.sms.asked)
    records.may_count.set()
    assert await sending
    assert (await spending(house)).segments == segments


class WithoutATill(DyingRecords):
    """A store that gives nothing back of what was spent."""

    async def change_one(self, kind: type[R], *tests: Test, order_by: str = "id", **changes: Any) -> R | None:
        if kind is Spending:
            raise StoreUnavailableError("closed")
        return await super().change_one(kind, *tests, order_by=order_by, **changes)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Refused(reason="not_a_mobile", scope=RefusalScope.CONTACT), DeliveryState.FAILED),
        (TryLater(reason="too_many_requests"), DeliveryState.DUE),
    ],
)
async def test_what_cannot_be_taken_back_does_not_hide_what_became_of_the_message(
    outcome: Refused | TryLater, state: DeliveryState
) -> None:
    house = await a_house()
    await house.ladder(BY_SMS)
    await house.incident(severity=Severity.CRITICAL)
    await house.escalate()
    house.sms.script.append(outcome)
    assert await house.dispatcher(WithoutATill(house.records)).step()
    alarm = await house.the_delivery(ChannelKind.SMS)
    assert (alarm.state, alarm.reason) == (state, outcome.reason)


class WithAQueueToTakeBack(DyingRecords):
    """A store in which nothing is given back of what was spent before `may_take_back` is set.

    `at_once`: how often something is counted before.
    """

    def __init__(self, inner: Records, at_once: int = 0) -> None:
        super().__init__(inner)
        self.is_asked, self.may_take_back, self.at_once = False, asyncio.Event(), at_once

    async def change_one(self, kind: type[R], *tests: Test, order_by: str = "id", **changes: Any) -> R | None:
        if kind is Spending and self.at_once:
            self.at_once -= 1
        elif kind is Spending:
            self.is_asked = True
            await self.may_take_back.wait()
        return await super().change_one(kind, *tests, order_by=order_by, **changes)


async def test_the_next_provider_has_an_alarm_before_what_the_first_would_have_cost_is_taken_back() -> None:
    second = RecordingChannel(ChannelKind.SMS, "second")
    house = await a_house(second_sms=second)
    await house.ladder(BY_SMS)
    await house.incident(severity=Severity.CRITICAL)
    await house.escalate()
    house.sms.script.append(Refused(reason="unauthorised", scope=RefusalScope.ACCOUNT))
    records = WithAQueueToTakeBack(house.records)
    refusing = asyncio.create_task(house.dispatcher(records).step())
    await until(lambda: records.is_asked)
    await house.send()
    assert len(second.accepted) == 1
    records.may_take_back.set()
    assert await refusing
    assert (await spending(house)).segments == 1


async def test_the_last_money_of_a_month_goes_to_the_next_provider_where_the_first_refuses_us() -> None:
    second = RecordingChannel(ChannelKind.SMS, "second")
    house = await a_house(spent=9, second_sms=second)
    await house.ladder(BY_SMS)
    await house.incident(severity=Severity.MAJOR)
    await house.escalate()
    house.sms.script.append(Refused(reason="unauthorised", scope=RefusalScope.ACCOUNT))
    records = WithAQueueToTakeBack(house.records, at_once=2)  # it is paid, and its owner told that all is spent
    refusing = asyncio.create_task(house.dispatcher(records).step())
    await until(lambda: records.is_asked)
    await house.send()  # by another call of the lane
    records.may_take_back.set()
    assert await refusing
    await house.send()
    assert len(second.accepted) == 1
    assert (await spending(house)).segments == 10


async def test_each_text_is_counted_in_its_month_codes_too() -> None:
    house = await a_house(spent=3)
    counted = await spending(house)
    assert (counted.month, counted.segments, counted.spent_micro) == ("2026-11", 3, 3 * MICRO)


async def test_the_month_ends_at_midnight_utc() -> None:
    house = await a_house(clock=ManualClock(datetime(2026, 11, 30, 23, 59, tzinfo=UTC)))
    for number in range(2):
        await house.delivery(id=f"dlv_{number}")
        await house.send()
        await house.pass_by(minutes=2)
    assert {each.month: each.segments for each in await house.records.find(Spending)} == {"2026-11": 1, "2026-12": 1}


async def test_a_long_text_costs_its_segments_and_a_call_its_price() -> None:
    house = await a_house(voice=RecordingChannel(ChannelKind.VOICE))
    await house.delivery(id="dlv_long", text="x" * 161)
    await house.delivery(id="dlv_call", channel=ChannelKind.VOICE)
    await house.send()
    counted = await spending(house)
    assert (counted.segments, counted.calls, counted.spent_micro) == (2, 1, 4 * MICRO)


async def test_mail_and_the_desk_cost_nothing() -> None:
    house = await a_house(on_the_desk=True)
    await house.delivery(id="dlv_text")
    await house.delivery(id="dlv_mail", channel=ChannelKind.EMAIL, address=MAILS[ANNA])
    await house.send()
    assert not await house.records.count(Spending)


@pytest.mark.parametrize(
    ("outcome", "segments"),
    [
        (Refused(reason="not_a_mobile", scope=RefusalScope.CONTACT), 0),
        (TryLater(reason="provider_unavailable"), 0),
        (Unclear(reason="answer_lost"), 1),
    ],
)
async def test_what_certainly_did_not_go_costs_nothing(outcome: Refused | TryLater | Unclear, segments: int) -> None:
    house = await a_house()
    house.sms.script.append(outcome)
    await house.delivery()
    await house.send()
    assert (await spending(house)).segments == segments


async def test_what_is_over_the_cap_goes_by_a_free_way_and_the_timeline_says_so() -> None:
    house = await a_house(spent=10)
    await raise_alarm(house, Severity.MAJOR)
    assert not house.sms.accepted
    assert [message.to for message in house.mail.accepted] == [MAILS[ANNA]]
    assert await house.reasons(Happening.NOT_SENT) == {SPENDING_CAP: 1}


async def test_over_the_cap_nobody_is_called_instead() -> None:
    house = await a_house(spent=10, voice=RecordingChannel(ChannelKind.VOICE))
    await house.records.change_one(Contact, is_("id", ANNA), email_verified_at=None)
    await raise_alarm(house, Severity.MAJOR)
    assert not house.accepted


async def test_over_the_cap_it_is_said_once_however_often_the_ladder_looks() -> None:
    house = await a_house(spent=10)
    await house.records.change_one(Contact, is_("id", ANNA), email_verified_at=None)
    await raise_alarm(house, Severity.MAJOR)
    for _ in range(10):
        await house.pass_by(minutes=2)
        await house.escalate()
        await house.send()
    assert (await house.reasons(Happening.NOT_SENT))[SPENDING_CAP] == 1
    assert (await house.reasons(Happening.EXHAUSTED))["nobody_reached"] == 1


async def test_over_the_cap_a_critical_alarm_goes_as_ever() -> None:
    house = await a_house(spent=10)
    await raise_alarm(house, Severity.CRITICAL)
    assert len(house.sms.accepted) == 1
    assert (await spending(house)).spent_micro == 11 * MICRO


async def test_over_the_cap_a_code_is_not_sent_to_a_telephone() -> None:
    house = await a_house(spent=10)
    code = await house.delivery()
    await house.send()
    kept = await house.records.get(Delivery, code.id)
    assert kept is not None
    assert (kept.state, kept.reason, kept.text) == (DeliveryState.FAILED, SPENDING_CAP, "")


async def notices(house: AlertHouse) -> list[str]:
    return [each.subject_line for each in await house.deliveries(DeliveryKind.NOTICE)]


async def test_the_owner_is_told_once_at_80_and_once_at_100_percent() -> None:
    house = await a_house(spent=7)
    assert not await notices(house)
    for number in range(8, 14):
        await house.delivery(id=f"dlv_{number}")
        await house.send()
        assert len(await notices(house)) == (1 if number < 10 else 2)
    assert (await spending(house)).told_percent == 100


async def test_who_comes_to_the_cap_in_one_step_is_told_that_only() -> None:
    house = await a_house()
    await house.delivery(text="x" * 153 * 10)
    await house.send()
    (subject,) = await notices(house)
    assert subject == "iSocket: this month's money for texts and calls is spent"


async def test_without_a_cap_everything_goes() -> None:
    house = await AlertHouse(tariff=Tariff(prices=parse_prices("sms=1"))).furnish()
    for number in range(30):
        await house.delivery(id=f"dlv_{number}")
    await house.send()
    assert len(house.sms.accepted) == 30


async def test_word_to_the_operator_is_never_too_dear() -> None:
    house = await AlertHouse(tariff=Tariff(prices=parse_prices("sms=1"), cap_micro=1)).furnish()
    await house.delivery(DeliveryKind.NOTICE, account_id="operator", person_id="operator", contact_id=None)
    await house.send()
    assert len(house.sms.accepted) == 1


async def test_at_every_crash_point_never_too_little_is_counted_and_a_message_goes_once() -> None:
    async def build() -> AlertHouse:
        house = await a_house(spent=7)
        await house.delivery(id="dlv_last")
        return house

    async def run(house: AlertHouse, fuse: Fuse) -> None:
        await house.rest(fuse)

    async def check(house: AlertHouse) -> None:
        assert len(house.sms.accepted) <= 1
        assert 8 <= (await spending(house)).segments <= 9
        assert len(await notices(house)) == 1

    assert await every_crash_point(build, run, check) > 10


@settings(max_examples=40, deadline=None)
@given(
    spent=st.integers(0, 14),
    severities=st.lists(st.sampled_from([Severity.CRITICAL, Severity.MAJOR, Severity.MINOR]), min_size=1, max_size=8),
    cap=st.integers(1, 12),
)
async def test_the_cap_never_silences_a_critical_alarm(spent: int, severities: list[Severity], cap: int) -> None:
    """Whatever was spent and whatever else is due: each critical alarm goes by the way that its ladder names."""
    tariff = Tariff(prices=parse_prices("sms=1"), cap_micro=cap * MICRO)
    house = await AlertHouse(tariff=tariff).furnish(email=None)
    for number in range(spent):
        await house.delivery(id=f"dlv_{number}")
    for number, severity in enumerate(severities):
        await house.incident(f"inc_{number}", severity=severity)
    await house.escalate()
    await house.send()
    alarms = await house.deliveries()
    critical = [each for each in alarms if each.severity is Severity.CRITICAL]
    assert len(critical) == severities.count(Severity.CRITICAL)
    assert all(each.state is DeliveryState.SENT for each in critical)
    others = [message for message in house.sms.accepted if message.kind not in ABOUT_INCIDENTS]
    assert len(others) <= cap


@pytest.mark.parametrize(
    ("text", "segments"),
    [("", 1), ("x" * 160, 1), ("x" * 161, 2), ("x" * 306, 2), ("x" * 307, 3), ("я" * 70, 1), ("я" * 71, 2)],
)
def test_a_text_is_as_many_pieces_as_the_network_makes_of_it(text: str, segments: int) -> None:
    assert segments_of(text) == segments


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("percent", [80, 100])
def test_the_owner_reads_what_was_spent_and_that_critical_alarms_come(language: str, percent: int) -> None:
    reader = Reader(language=language, time_zone="UTC")
    said = spending_notice(
        reader,
        percent=percent,
        spent_micro=40 * MICRO,
        cap_micro=50 * MICRO,
        currency="EUR",
        public_url="https://cloud.example.org",
    )
    amount = "40.00 EUR" if language == "en" else "40,00 EUR"
    assert amount in said.text
    assert re.search("[ck]ri+t+i", said.text, re.IGNORECASE)
    assert said.subject.startswith("iSocket: ")
