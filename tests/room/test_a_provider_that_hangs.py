"""A provider that never says whether it has a message costs its people minutes after it is back, and others nothing."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest

from alerts.channels.channel import ChannelKind, Message
from alerts.outcomes import Outcome, RefusalScope, Refused, TryLater, Unclear
from isocket.domain.deliveries import DeliveryKind
from isocket.domain.incidents import Happening, Severity
from isocket.kit.clock import Clock
from tests.fakes.alert_house import ANNA, BERTIL, MAILS, PHONES, AlertHouse, RecordingChannel
from tests.fakes.clock import NOON

HANGS = Unclear(reason="deadline")
IS_AWAY = TryLater(reason="nothing_sent: ClientConnectorError")
STEP_S = 15
NAMES: Mapping[str, str] = MappingProxyType(
    {PHONES[ANNA]: "Anna", MAILS[ANNA]: "Anna", PHONES[BERTIL]: "Bertil", MAILS[BERTIL]: "Bertil"}
)


class AwayUntil(RecordingChannel):
    """A provider that gives the same answer until it is back, and remembers when it took what."""

    def __init__(
        self, kind: ChannelKind, name: str = "recording", *, clock: Clock, says: Outcome, minutes: int
    ) -> None:
        super().__init__(kind, name)
        self._clock = clock
        self._says = says
        self._back_at = NOON + timedelta(minutes=minutes)
        self.took: list[tuple[datetime, Message]] = []

    async def send(self, message: Message) -> Outcome:
        if self._clock.now() < self._back_at:
            self.script.append(self._says)
        outcome = await super().send(message)
        if message in self.accepted:
            self.took.append((self._clock.now(), message))
        return outcome

    async def look_up(self, message: Message, sent_after: datetime) -> Outcome:
        return HANGS if self._clock.now() < self._back_at else await super().look_up(message, sent_after)


def by_text(who: Sequence[str], after_s: float = 0) -> dict[str, Any]:
    return {"contact_ids": list(who), "channels": ["sms"], "after_s": after_s}


async def a_house(
    *steps: dict[str, Any], says: Outcome = HANGS, minutes: int, severity: Severity = Severity.CRITICAL, **more: Any
) -> AlertHouse:
    """Return a house whose provider of texts is away so long, in which an alarm begins. Nobody has a mailbox."""
    house = AlertHouse()
    house.sms = AwayUntil(ChannelKind.SMS, clock=house.clock, says=says, minutes=minutes)
    house.mail = AwayUntil(ChannelKind.EMAIL, clock=house.clock, says=says, minutes=0)
    await house.furnish(**{"email_verified_at": None, **more})
    await house.contact(BERTIL, email_verified_at=None)
    await house.ladder(*steps)
    await house.incident(severity=severity)
    return house


async def live_through(house: AlertHouse, *, minutes: int) -> None:
    """Let time pass while everybody works and what a provider took arrives."""
    end = house.clock.now() + timedelta(minutes=minutes)
    while house.clock.now() < end:
        workers = house.escalator(), house.dispatcher(), house.unclear(), house.failover(), house.receipts()
        while any([await worker.step() for worker in workers]):
            for attempt in [each for each in await house.attempts() if each.provider_id and not each.receipt]:
                await house.receipt("delivered", attempt)
                await house.take_in_receipts()
        await house.pass_by(seconds=STEP_S)


def heard(*ways: RecordingChannel | None) -> list[str]:
    """Return who got an alarm by these ways and after how many minutes, in the order of time."""
    took = [each for way in ways if isinstance(way, AwayUntil) for each in way.took]
    alarms = sorted((each for each in took if each[1].kind is DeliveryKind.ALARM), key=lambda each: each[0])
    return [f"{NAMES[message.to]} {(at - NOON) // timedelta(minutes=1)}" for at, message in alarms]


async def owners_read(house: AlertHouse) -> list[tuple[str, int]]:
    """Return what an account was told of its ladder, and after how many minutes."""
    told = await house.timeline(Happening.EXHAUSTED)
    return [(each.reason, (each.at - NOON) // timedelta(minutes=1)) for each in told]


@pytest.mark.parametrize(("minutes", "first"), [(1, 15), (12, 15), (60, 65), (200, 230)])
async def test_whoever_has_no_other_way_hears_soon_after_their_provider_is_back(minutes: int, first: int) -> None:
    house = await a_house(by_text([ANNA]), minutes=minutes)
    await live_through(house, minutes=minutes + 40)
    assert heard(house.sms)[:1] == [f"Anna {first}"]
    assert (await owners_read(house))[0] == ("nobody_reached", 10)


async def test_what_the_first_provider_never_answered_goes_by_the_second_when_it_is_given_up() -> None:
    house = AlertHouse()
    house.sms = AwayUntil(ChannelKind.SMS, clock=house.clock, says=HANGS, minutes=600)
    house.second_sms = AwayUntil(ChannelKind.SMS, "second", clock=house.clock, says=HANGS, minutes=0)
    await house.furnish(email_verified_at=None)
    await house.ladder(by_text([ANNA]))
    await house.incident()
    await live_through(house, minutes=20)
    assert (heard(house.sms), heard(house.second_sms)) == ([], ["Anna 15"])


async def test_what_goes_in_place_of_a_lost_mail_does_not_go_by_the_provider_that_lost_the_last_text() -> None:
    house = AlertHouse()
    house.mail = AwayUntil(ChannelKind.EMAIL, clock=house.clock, says=HANGS, minutes=600)
    house.sms = AwayUntil(ChannelKind.SMS, clock=house.clock, says=HANGS, minutes=600)
    house.second_sms = AwayUntil(ChannelKind.SMS, "second", clock=house.clock, says=HANGS, minutes=0)
    await house.furnish()
    await house.ladder({"contact_ids": [ANNA], "channels": ["email"], "after_s": 0})
    await house.incident()
    await live_through(house, minutes=20)
    assert (heard(house.sms), heard(house.second_sms)) == ([], ["Anna 15"])


async def test_what_is_made_anew_leaves_room_under_a_cap_for_another_way() -> None:
    by_mail = {"contact_ids": [BERTIL], "channels": ["email"]}
    house = AlertHouse()
    house.sms = AwayUntil(ChannelKind.SMS, clock=house.clock, says=HANGS, minutes=600)
    await house.furnish(email_verified_at=None)
    await house.contact(BERTIL, phone_verified_at=None, voice_verified_at=NOON)
    await house.ladder(by_text([ANNA]), {**by_mail, "after_s": 0}, {**by_mail, "after_s": 3600}, cap=5)
    await house.incident(severity=Severity.MAJOR)
    await live_through(house, minutes=59)
    calls = house.calls()
    house.mail.script.append(Refused(reason="mailbox_unknown", scope=RefusalScope.CONTACT))
    await house.pass_by(minutes=1)
    await house.escalate()
    await house.send()
    assert [each.to for each in calls.accepted] == [PHONES[BERTIL]]


async def test_whoever_was_told_by_another_way_is_not_told_again_for_a_text_that_was_lost() -> None:
    house = await a_house(by_text([ANNA]), minutes=1, email_verified_at=NOON)
    await live_through(house, minutes=40)
    assert (heard(house.sms), heard(house.mail)) == ([], ["Anna 0"])


async def test_somebody_else_who_has_the_news_keeps_no_one_from_hearing_when_their_provider_is_back() -> None:
    by_mail = {"contact_ids": [ANNA], "channels": ["email"], "after_s": 0}
    house = await a_house(by_mail, by_text([BERTIL]), minutes=12, email_verified_at=NOON)
    await live_through(house, minutes=25)
    assert heard(house.sms, house.mail) == ["Anna 0", "Bertil 15"]


async def test_while_texts_are_lost_the_next_step_is_taken_at_once_and_the_owner_reads_it_in_time() -> None:
    house = await a_house(by_text([ANNA]), by_text([BERTIL], 3600), minutes=600)
    await live_through(house, minutes=40)
    steps = await house.timeline(Happening.STEP)
    assert [(each.detail["step"], (each.at - NOON) // timedelta(minutes=1)) for each in steps] == [(0, 0), (1, 10)]
    assert await owners_read(house) == [("nobody_reached", 20)]


async def test_a_major_alarm_that_nobody_can_tell_of_goes_by_another_way_after_a_minute() -> None:
    house = await a_house(by_text([ANNA]), minutes=60, severity=Severity.MAJOR, email_verified_at=NOON)
    await live_through(house, minutes=3)
    assert heard(house.mail) == ["Anna 1"]


@pytest.mark.parametrize("says", [HANGS, IS_AWAY], ids=["hangs", "is away"])
async def test_whoever_hears_when_their_provider_is_back_gets_their_time_to_answer_before_they_hear_again(
    says: Outcome,
) -> None:
    house = await a_house(by_text([ANNA]), says=says, minutes=65)
    await live_through(house, minutes=240)
    (first, again, *_) = [int(each.partition(" ")[2]) for each in heard(house.sms)]
    assert again - first in {89, 90}  # half an hour to answer, and an hour
    assert [reason for reason, _ in await owners_read(house)] == ["nobody_reached", "not_acknowledged"]


@pytest.mark.parametrize(("severity", "most"), [(Severity.CRITICAL, 13), (Severity.MINOR, 3)])
async def test_a_provider_that_takes_all_and_never_says_so_does_not_fill_a_telephone(
    severity: Severity, most: int
) -> None:
    house = await a_house(by_text([ANNA]), minutes=24 * 60, severity=severity)
    end = NOON + timedelta(hours=24)
    while house.clock.now() < end:
        while any([await each.step() for each in (house.escalator(), house.dispatcher(), house.unclear())]):
            pass
        await house.pass_by(minutes=1)
    assert len(house.sms.asked) == most


async def test_what_is_made_anew_takes_nobodys_place_under_a_cap() -> None:
    by_mail = {"contact_ids": [BERTIL], "channels": ["email"], "after_s": 600}
    house = AlertHouse()
    house.sms = AwayUntil(ChannelKind.SMS, clock=house.clock, says=HANGS, minutes=600)
    house.mail = AwayUntil(ChannelKind.EMAIL, clock=house.clock, says=HANGS, minutes=0)
    await house.furnish(email_verified_at=None)
    await house.contact(BERTIL, phone_verified_at=None)
    await house.ladder(by_text([ANNA]), by_mail, {**by_mail, "after_s": 7200}, cap=4)
    await house.incident(severity=Severity.MAJOR)
    await live_through(house, minutes=125)
    assert heard(house.mail) == ["Bertil 10", "Bertil 120"]


async def test_whoever_hears_late_does_not_put_off_the_climb_by_which_somebody_else_hears_at_all() -> None:
    is_off = Refused(reason="handset_unreachable", scope=RefusalScope.CONTACT)
    house = AlertHouse()
    house.sms = AwayUntil(ChannelKind.SMS, clock=house.clock, says=is_off, minutes=50)
    house.mail = AwayUntil(ChannelKind.EMAIL, clock=house.clock, says=HANGS, minutes=50)
    await house.furnish(email_verified_at=None)
    await house.contact(BERTIL, phone_verified_at=None)
    await house.ladder({"contact_ids": [ANNA, BERTIL], "channels": [], "after_s": 0})
    await house.incident()
    await live_through(house, minutes=80)
    assert (heard(house.sms), heard(house.mail)) == (["Anna 70"], ["Bertil 65"])


async def test_a_climb_goes_on_where_the_time_to_answer_of_those_who_heard_before_it_is_over() -> None:
    is_off = Refused(reason="handset_unreachable", scope=RefusalScope.CONTACT)
    by_mail = {"contact_ids": [BERTIL], "channels": ["email"], "after_s": 60}
    house = AlertHouse()
    house.sms = AwayUntil(ChannelKind.SMS, clock=house.clock, says=is_off, minutes=50)
    house.mail = AwayUntil(ChannelKind.EMAIL, clock=house.clock, says=HANGS, minutes=12)
    await house.furnish(email_verified_at=None)
    await house.contact(BERTIL, phone_verified_at=None)
    await house.ladder(by_text([ANNA]), by_mail)
    await house.incident()
    await live_through(house, minutes=80)
    assert (heard(house.sms), heard(house.mail)) == (["Anna 70"], ["Bertil 15", "Bertil 71"])


async def test_whoever_is_told_right_before_a_slow_climb_is_left_out_by_it() -> None:
    by_mail = {"contact_ids": [ANNA], "channels": ["email"], "after_s": 0}
    house = await a_house(by_mail, by_text([BERTIL]), says=IS_AWAY, minutes=87, email_verified_at=NOON)
    await live_through(house, minutes=200)
    told = [int(each.partition(" ")[2]) for each in heard(house.sms)]
    assert len(told) == 1
    assert 87 <= told[0] < 90
    assert heard(house.mail) == ["Anna 0", "Anna 90"]
