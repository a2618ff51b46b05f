"""A ladder that is climbed again: as it says, as the owner wants, and slowly for as long as nobody answers."""

import itertools
from datetime import timedelta
from typing import Any

import pytest

from alerts.acknowledging import acknowledge
from alerts.channels.channel import ChannelKind
from alerts.outcomes import RefusalScope, Refused
from isocket.domain.contacts import Contact, ContactRole, Substitution
from isocket.domain.devices import Device
from isocket.domain.incidents import Happening, Severity
from isocket.storage.port import is_
from tests.fakes.alert_house import ACCOUNT, ANNA, BERTIL, DEVICE, PHONES, AlertHouse

BY_SMS: dict[str, Any] = {"contact_ids": [ANNA], "channels": ["sms"], "after_s": 0}


@pytest.fixture
async def house() -> AlertHouse:
    return await AlertHouse().furnish()


async def live_through(house: AlertHouse, *, hours: float, step_minutes: float = 5) -> None:
    """Let time pass while everybody works; Anna has nothing but her telephone's texts."""
    await house.only_by(ChannelKind.SMS)
    for _ in range(round(hours * 60 / step_minutes)):
        await house.escalate()
        await house.send()
        await house.pass_by(minutes=step_minutes)


async def test_a_ladder_that_repeats_tells_the_same_people_again_and_then_is_exhausted(house: AlertHouse) -> None:
    await house.ladder(BY_SMS, repeat=2, repeat_after_s=600)
    await house.incident(severity=Severity.MINOR)
    await live_through(house, hours=3)
    assert [message.to for message in house.sms.accepted] == [PHONES[ANNA]] * 3
    assert await house.reasons(Happening.EXHAUSTED) == {"not_acknowledged": 1}
    assert not (await house.the_incident()).needs_step


async def test_an_exhausted_ladder_of_what_matters_keeps_trying_ever_more_rarely_until_somebody_answers(
    house: AlertHouse,
) -> None:
    await house.ladder(BY_SMS)
    await house.incident()
    await live_through(house, hours=24)
    told = sorted(each.created_at for each in await house.deliveries())
    gaps = [later - earlier for earlier, later in itertools.pairwise(told)]
    assert gaps[:4] == [timedelta(hours=1.5), *(timedelta(hours=hours) for hours in (2, 4, 8))]
    assert len({each.at for each in await house.timeline(Happening.STEP)}) == len(told)
    assert await acknowledge(house.records, "inc_1", by=f"{ANNA} sms", clock=house.clock)
    await house.rest()
    before = len(house.sms.accepted)
    await house.pass_by(minutes=50)
    await house.rest()
    assert len(house.sms.accepted) == before


async def test_what_could_not_be_sent_is_tried_again_by_the_slow_climbs(house: AlertHouse) -> None:
    await house.ladder(BY_SMS)
    house.sms.script.append(Refused(reason="number_invalid", scope=RefusalScope.CONTACT))
    await house.incident()
    await live_through(house, hours=1.2)
    assert await house.reasons(Happening.EXHAUSTED) == {"nobody_reached": 1}
    assert [message.to for message in house.sms.accepted] == [PHONES[ANNA]]


async def test_a_number_that_fails_is_not_tried_over_and_over_at_once_because_the_ladder_repeats(
    house: AlertHouse,
) -> None:
    await house.ladder(BY_SMS, repeat=9, repeat_after_s=3600)
    house.sms.script.append(Refused(reason="number_invalid", scope=RefusalScope.CONTACT))
    await house.incident()
    await live_through(house, hours=0.9)
    assert len(house.sms.asked) == 1
    assert await house.reasons(Happening.EXHAUSTED) == {"nobody_reached": 1}


async def test_the_owner_who_wants_it_is_told_again_while_nobody_has_taken_it(house: AlertHouse) -> None:
    await house.records.change_one(Device, is_("id", DEVICE), desired={"repeat_s": {"major": 1800}})
    await house.ladder(BY_SMS)
    await house.incident(severity=Severity.MAJOR)
    await live_through(house, hours=2.1)
    assert len(house.sms.accepted) == 5
    await acknowledge(house.records, "inc_1", by=f"{ANNA} sms", clock=house.clock)
    await live_through(house, hours=2)
    assert len(house.sms.accepted) == 5


@pytest.mark.parametrize("told_before", [True, False])
async def test_what_was_missed_while_nobody_climbed_is_told_once_and_not_as_often_as_it_was_missed(
    house: AlertHouse, *, told_before: bool
) -> None:
    await house.records.change_one(Device, is_("id", DEVICE), desired={"repeat_s": {"critical": 900}})
    await house.ladder(BY_SMS, {**BY_SMS, "after_s": 600}, repeat=2, repeat_after_s=600)
    await house.incident()
    if told_before:
        await live_through(house, hours=0.1)
    before = len(house.sms.accepted)
    await house.only_by(ChannelKind.SMS)
    await house.pass_by(hours=10, minutes=1)
    for _ in range(3):
        await house.escalate()
        await house.send()
        await house.pass_by(minutes=1)
    assert len(house.sms.accepted) == before + 1
    await live_through(house, hours=1)
    assert len(house.sms.accepted) > before + 1, "and from there on in its rhythm again"


async def test_a_cap_ends_the_alarms_of_what_is_not_critical_and_says_so(house: AlertHouse) -> None:
    await house.ladder(BY_SMS, repeat=9, repeat_after_s=600, cap=3)
    await house.incident(severity=Severity.MAJOR)
    await live_through(house, hours=2.5)
    assert len(house.sms.accepted) == 3
    assert (await house.reasons(Happening.NOT_SENT))["cap_reached"] == 7


async def test_a_cap_never_holds_back_what_is_critical(house: AlertHouse) -> None:
    await house.ladder(BY_SMS, repeat=9, repeat_after_s=600, cap=3)
    await house.incident(severity=Severity.CRITICAL)
    await live_through(house, hours=2.5)
    assert len(house.sms.accepted) >= 10
    assert not await house.timeline(Happening.NOT_SENT)


async def test_this_week_it_is_the_neighbour(house: AlertHouse) -> None:
    await house.contact(BERTIL)
    now = house.clock.now()
    week = Substitution(
        id="sub_1",
        account_id=ACCOUNT,
        contact_id=ANNA,
        stand_in_id=BERTIL,
        from_at=now,
        until_at=now + timedelta(days=7),
        created_at=now,
    )
    await house.records.add(week)
    await house.ladder(BY_SMS)
    await house.incident()
    await house.escalate()
    await house.send()
    assert [message.to for message in house.sms.accepted] == [PHONES[BERTIL]]
    assert await house.reasons(Happening.NOT_SENT) == {"substituted": 1}


async def test_a_substitute_who_is_paused_is_not_told_and_whom_they_stand_in_for_is(house: AlertHouse) -> None:
    await house.contact(BERTIL, paused_at=house.clock.now(), pause_reason="stop_reply")
    now = house.clock.now()
    week = Substitution(
        id="sub_1",
        account_id=ACCOUNT,
        contact_id=ANNA,
        stand_in_id=BERTIL,
        from_at=now,
        until_at=now + timedelta(days=7),
        created_at=now,
    )
    await house.records.add(week)
    await house.ladder(BY_SMS)
    await house.incident()
    await house.escalate()
    await house.send()
    assert [message.to for message in house.sms.accepted] == [PHONES[ANNA]]
    assert await house.reasons(Happening.NOT_SENT) == {"stand_in_unreachable": 1}


async def test_browsers_and_programs_are_told_beside_text_and_mail(house: AlertHouse) -> None:
    await house.endpoint(ChannelKind.PUSH)
    await house.endpoint(ChannelKind.PUSH, id="end_tablet")
    await house.endpoint(ChannelKind.WEBHOOK)
    await house.incident()
    await house.escalate()
    await house.send()
    assert sorted(message.to for message in house.push.accepted) == ["end_push", "end_tablet"]
    assert [message.to for message in house.webhook.accepted] == ["end_webhook"]
    assert len(house.accepted) == 5


async def test_whoever_has_proved_only_a_telephone_is_called(house: AlertHouse) -> None:
    now = house.clock.now()
    await house.records.change_one(Contact, is_("id", ANNA), phone_verified_at=None, voice_verified_at=now, email=None)
    calls = house.calls()
    await house.incident()
    await house.escalate()
    await house.send()
    assert [message.to for message in house.accepted] == [PHONES[ANNA]]
    assert calls.accepted


async def test_what_matters_little_goes_to_those_who_look_after_the_device(house: AlertHouse) -> None:
    await house.contact(BERTIL, roles=(ContactRole.SERVICE.value,))
    await house.incident(severity=Severity.MINOR)
    await house.escalate()
    assert {each.contact_id for each in await house.deliveries()} == {BERTIL}
