"""Somebody takes an alarm: the others hear of it, calls are called off, and later they are asked: still on it?"""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alerts import pausing
from alerts.acknowledging import Acknowledged, acknowledge, take
from alerts.calling_off import call_off
from alerts.channels.channel import ChannelKind
from alerts.outcomes import Cancellation, Unclear
from isocket.domain.accounts import Account
from isocket.domain.call_offs import CallOff
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.incidents import Happening, IncidentState, Severity
from isocket.domain.pauses import OPTED_OUT, STOP_KEY, STOP_REPLY, UNSUBSCRIBED
from isocket.domain.shares import Share, ShareRole
from isocket.storage.looked_at_again import left_looked_at_after
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import R, Test, is_
from isocket.storage.records import StoredRecords
from tests.fakes.alert_house import ACCOUNT, ANNA, BERTIL, DEVICE, MAILS, PHONES, PUBLIC_URL, AlertHouse
from tests.fakes.dying import Fuse, every_crash_point

GUEST = "acc_guest"
NIGHT = {"start": "22:00", "end": "07:00", "except_critical": True}
BOTH_BY_SMS: dict[str, Any] = {"contact_ids": [ANNA, BERTIL], "channels": ["sms"], "after_s": 0}
BY_CALL: dict[str, Any] = {"contact_ids": [ANNA, BERTIL], "channels": ["voice"], "after_s": 0}


@pytest.fixture
async def house() -> AlertHouse:
    house = await AlertHouse().furnish()
    house.calls()
    await house.contact(BERTIL)
    return house


async def told(house: AlertHouse) -> None:
    await house.incident()
    await house.escalate()
    await house.send()


async def by(house: AlertHouse, contact_id: str = ANNA, way: str = "sms") -> Acknowledged:
    outcome = await take(house.records, "inc_1", by=f"{contact_id} {way}", clock=house.clock)
    await house.rest()
    return outcome


async def sent(house: AlertHouse, kind: DeliveryKind) -> list[tuple[str | None, str]]:
    deliveries = await house.deliveries(kind)
    return sorted((each.contact_id, each.channel) for each in deliveries if each.state is DeliveryState.SENT)


async def test_the_others_who_were_told_hear_that_somebody_else_has_taken_it(house: AlertHouse) -> None:
    await house.ladder(BOTH_BY_SMS)
    await told(house)
    await by(house)
    assert await sent(house, DeliveryKind.TAKEN) == [(BERTIL, "sms")]
    (text,) = [each.text for each in await house.deliveries(DeliveryKind.TAKEN)]
    assert text == "Mökki: mains power is out, 22 Nov 12:00 UTC. Somebody else has taken it (K7QF)"
    assert ANNA not in text


async def test_each_hears_it_by_the_ways_by_which_they_got_the_alarm(house: AlertHouse) -> None:
    await told(house)
    await by(house)
    assert await sent(house, DeliveryKind.TAKEN) == [(BERTIL, "email"), (BERTIL, "sms")]
    (mail,) = [each for each in house.mail.accepted if each.subject.startswith("Taken: ")]
    assert mail.to == MAILS[BERTIL]


async def test_nobody_is_called_to_hear_it_and_whoever_was_called_gets_a_text(house: AlertHouse) -> None:
    await house.ladder(BY_CALL)
    await told(house)
    await by(house, way="voice")
    assert await sent(house, DeliveryKind.TAKEN) == [(BERTIL, "sms")]
    assert len(house.calls().accepted) == 2


async def test_whoever_can_only_be_called_does_not_hear_it_and_the_timeline_says_why(house: AlertHouse) -> None:
    await house.records.change_one(
        Contact, is_("id", BERTIL), phone_verified_at=None, voice_verified_at=house.clock.now(), email=None
    )
    await house.ladder(BY_CALL)
    await told(house)
    await by(house, way="voice")
    assert await sent(house, DeliveryKind.TAKEN) == []
    assert (await house.reasons(Happening.NOT_SENT))["not_by_call"] == 1


async def test_nobody_is_woken_to_hear_it(house: AlertHouse) -> None:
    await house.records.change_one(Contact, is_("id", BERTIL), quiet_hours=NIGHT)
    await house.pass_by(hours=12)
    await house.ladder(BOTH_BY_SMS)
    await told(house)
    assert len(house.sms.accepted) == 2  # critical
    await by(house)
    assert await sent(house, DeliveryKind.TAKEN) == []
    assert (await house.reasons(Happening.NOT_SENT))["quiet_hours"] == 1


async def test_the_owner_who_takes_it_in_the_portal_is_not_told_that_somebody_else_has(house: AlertHouse) -> None:
    await house.records.change_one(Contact, is_("id", ANNA), is_owner=True)
    await house.ladder(BOTH_BY_SMS)
    await told(house)
    await by(house, ACCOUNT, "portal")
    assert await sent(house, DeliveryKind.TAKEN) == [(BERTIL, "sms")]


async def test_a_look_that_is_taken_again_later_tells_nobody_once_more(house: AlertHouse) -> None:
    await house.records.change_one(Contact, is_("id", BERTIL), quiet_hours={**NIGHT, "start": "11:00", "end": "13:30"})
    await house.ladder(BOTH_BY_SMS)
    await told(house)
    await by(house)
    await house.pass_by(hours=2)
    await house.escalate()
    assert await house.deliveries(DeliveryKind.TAKEN) == []


async def test_calls_under_way_are_called_off_at_the_provider_and_the_timeline_says_so(house: AlertHouse) -> None:
    await house.ladder(BY_CALL)
    await told(house)
    calls = [each.provider_id for each in await house.attempts()]
    await by(house, way="portal")
    assert sorted(house.calls().let_go) == sorted(str(each) for each in calls)
    assert (await house.reasons(Happening.NOTE))["called_back"] == 2


async def test_whoever_takes_it_by_a_key_is_not_cut_off_while_they_are_thanked(house: AlertHouse) -> None:
    await house.ladder(BY_CALL)
    await told(house)
    (anna,) = [each for each in await house.attempts() if each.person_id == ANNA]
    await by(house, ANNA, "voice")
    await house.close()
    await house.rest()
    assert len(house.calls().let_go) == 1
    assert anna.provider_id not in house.calls().let_go


async def test_whoever_listens_to_a_call_is_not_cut_off(house: AlertHouse) -> None:
    await house.ladder({**BY_CALL, "contact_ids": [ANNA]})
    await told(house)
    await house.receipt("in-progress")
    await house.take_in_receipts()
    await by(house, BERTIL, "sms")
    assert not house.calls().let_go


async def test_a_text_is_not_called_off(house: AlertHouse) -> None:
    await house.ladder(BOTH_BY_SMS)
    await told(house)
    await by(house)
    assert not await house.records.count(CallOff)


async def test_a_call_whose_answer_was_lost_is_called_off_once_it_is_known(house: AlertHouse) -> None:
    house.calls().script.append((Unclear(reason="answer_lost"), True))
    await house.ladder({**BY_CALL, "contact_ids": [ANNA]})
    await told(house)
    await by(house, BERTIL, "portal")
    assert house.calls().let_go


async def test_calling_off_is_asked_again_while_its_answer_is_unclear(house: AlertHouse) -> None:
    house.calls().letting_go.extend([Cancellation.UNCLEAR, Cancellation.UNCLEAR])
    await house.ladder({**BY_CALL, "contact_ids": [ANNA]})
    await told(house)
    await by(house, BERTIL, "portal")
    assert len(house.calls().let_go) == 3
    assert (await house.reasons(Happening.NOTE))["called_back"] == 1


async def test_calling_off_is_given_up_when_no_telephone_rings_for_so_long(house: AlertHouse) -> None:
    house.calls().letting_go.extend([Cancellation.UNCLEAR] * 500)
    await house.ladder({**BY_CALL, "contact_ids": [ANNA]})
    await told(house)
    await by(house, BERTIL, "portal")
    (wish,) = await house.records.find(CallOff)
    assert wish.settled
    assert not (await house.reasons(Happening.NOTE))["called_back"]


async def test_an_end_calls_off_calls_under_way_as_well(house: AlertHouse) -> None:
    await house.ladder({**BY_CALL, "contact_ids": [ANNA]})
    await told(house)
    await house.close()
    await house.rest()
    assert len(house.calls().let_go) == 1
    assert await sent(house, DeliveryKind.CLEAR) == [(ANNA, "sms")]


async def asked(house: AlertHouse) -> None:
    """Let Anna take it and the time pass until she is asked."""
    await house.ladder(BOTH_BY_SMS)
    await told(house)
    await by(house)
    await house.pass_by(minutes=59)
    await house.escalate()
    await house.send()


async def test_whoever_took_what_is_critical_is_asked_after_an_hour_by_every_quiet_way(house: AlertHouse) -> None:
    await asked(house)
    assert await sent(house, DeliveryKind.REMINDER) == [(ANNA, "email"), (ANNA, "sms")]
    assert house.sms.accepted[-1].text == "Mökki: mains power is out, 22 Nov 12:00 UTC. Still on it? Reply K7QF"
    assert (await house.the_incident()).state is IncidentState.ACKNOWLEDGED


async def test_whoever_says_that_they_are_still_on_it_is_asked_again_an_hour_later(house: AlertHouse) -> None:
    await asked(house)
    assert await by(house) is Acknowledged.CONFIRMED
    await house.pass_by(minutes=30)
    await house.escalate()
    incident = await house.the_incident()
    assert (incident.state, incident.acknowledged_by) == (IncidentState.ACKNOWLEDGED, f"{ANNA} sms")
    assert len(await house.timeline(Happening.CONFIRMED)) == 1
    await house.pass_by(minutes=31)
    await house.escalate()
    assert len(await house.timeline(Happening.ASKED)) == 2
    assert len(await house.deliveries(DeliveryKind.REMINDER)) == 4


async def test_without_an_answer_within_a_quarter_of_an_hour_it_is_open_again_and_told_from_the_first_step_on(
    house: AlertHouse,
) -> None:
    await asked(house)
    before = len(house.sms.accepted)
    await house.pass_by(minutes=16)
    await house.escalate()
    await house.send()
    incident = await house.the_incident()
    assert (incident.state, incident.acknowledged_by) == (IncidentState.OPEN, None)
    assert [each.to for each in house.sms.accepted[before:]] == [PHONES[ANNA], PHONES[BERTIL]]
    (line,) = await house.timeline(Happening.LET_GO)
    assert (line.reason, line.detail) == ("not_answered", {"by": f"{ANNA} sms"})


async def test_it_may_be_taken_again_and_the_others_hear_that_too(house: AlertHouse) -> None:
    await asked(house)
    await house.pass_by(minutes=16)
    await house.escalate()
    await house.send()
    assert await by(house, BERTIL) is Acknowledged.TAKEN
    assert await sent(house, DeliveryKind.TAKEN) == [(ANNA, "sms"), (BERTIL, "sms")]
    assert len(await house.timeline(Happening.ACKNOWLEDGED)) == 2


async def test_what_ends_before_the_answer_is_over(house: AlertHouse) -> None:
    await asked(house)
    await house.close()
    await house.rest()
    await house.pass_by(minutes=16)
    await house.escalate()
    assert (await house.the_incident()).state is IncidentState.CLOSED
    assert not await house.timeline(Happening.LET_GO)
    assert await by(house) is Acknowledged.OVER


@pytest.mark.parametrize(
    ("severity", "remind_after_s", "comes"),
    [
        (Severity.MAJOR, None, False),
        (Severity.CRITICAL, 0, False),
        (Severity.MAJOR, 1800, True),
    ],
)
async def test_the_ladder_says_whether_and_when_it_is_asked(
    house: AlertHouse, severity: Severity, remind_after_s: int | None, comes: bool
) -> None:
    await house.ladder(BOTH_BY_SMS, remind_after_s=remind_after_s)
    await house.incident(severity=severity)
    await house.escalate()
    await house.send()
    await by(house)
    await house.pass_by(hours=2)
    await house.escalate()
    assert bool(await house.deliveries(DeliveryKind.REMINDER)) is comes


async def test_an_owner_who_is_none_of_the_contacts_is_asked_at_the_accounts_own_address(house: AlertHouse) -> None:
    await house.ladder(BOTH_BY_SMS)
    await told(house)
    await by(house, ACCOUNT, "portal")
    await house.pass_by(hours=1)
    await house.escalate()
    await house.send()
    assert house.mail.accepted[-1].to == "owner@example.org"
    assert house.mail.accepted[-1].subject.startswith("Still on it? ")


async def test_where_nobody_can_be_asked_it_is_open_again(house: AlertHouse) -> None:
    await house.ladder({**BOTH_BY_SMS, "contact_ids": [BERTIL]})
    await told(house)
    await by(house, "con_gone", "sms")
    await house.pass_by(hours=1)
    await house.escalate()
    assert await house.reasons(Happening.LET_GO) == {"nobody_to_ask": 1}
    assert (await house.the_incident()).state is IncidentState.OPEN


async def removed(house: AlertHouse, contact_id: str) -> None:
    async with left_looked_at_after(house.records, ACCOUNT, house.clock):
        await house.records.remove_all(Contact, is_("id", contact_id))


@pytest.mark.parametrize("severity", [Severity.CRITICAL, Severity.MAJOR])
async def test_what_somebody_took_who_was_removed_since_is_open_again_at_the_next_look(
    house: AlertHouse, severity: Severity
) -> None:
    await house.ladder({**BOTH_BY_SMS, "contact_ids": [ANNA, BERTIL]})
    await house.incident(severity=severity)
    await house.escalate()
    await house.send()
    await by(house, BERTIL)
    await house.pass_by(minutes=5)
    await removed(house, BERTIL)
    before = len(house.sms.accepted)
    await house.escalate()
    await house.send()
    assert [message.to for message in house.sms.accepted[before:]] == [PHONES[ANNA]]
    assert await house.reasons(Happening.LET_GO) == {"nobody_to_ask": 1}


async def test_what_somebody_else_took_stays_taken_where_a_contact_is_removed(house: AlertHouse) -> None:
    await house.ladder(BOTH_BY_SMS)
    await told(house)
    await by(house, ACCOUNT, "portal")
    await house.pass_by(minutes=5)
    await removed(house, BERTIL)
    await house.escalate()
    assert (await house.the_incident()).state is IncidentState.ACKNOWLEDGED


async def stops(house: AlertHouse, reason: str, contact_id: str = BERTIL) -> None:
    await pausing.pause(house.records, contact_id, reason=reason, clock=house.clock, public_url=PUBLIC_URL)


@pytest.mark.parametrize("reason", [STOP_REPLY, STOP_KEY, UNSUBSCRIBED, OPTED_OUT])
@pytest.mark.parametrize("severity", [Severity.CRITICAL, Severity.MAJOR])
async def test_what_somebody_took_who_then_says_stop_is_told_to_the_others_at_once(
    house: AlertHouse, severity: Severity, reason: str
) -> None:
    await house.ladder(BOTH_BY_SMS)
    await house.incident(severity=severity)
    await house.escalate()
    await house.send()
    await by(house, BERTIL)
    await house.pass_by(minutes=5)
    before = len(house.sms.accepted)
    await stops(house, reason)
    await house.rest()
    assert [message.to for message in house.sms.accepted[before:]] == [PHONES[ANNA]]
    assert await house.reasons(Happening.LET_GO) == {"nobody_to_ask": 1}
    assert (await house.the_incident()).state is IncidentState.OPEN


async def test_where_the_only_one_who_was_told_takes_it_and_says_stop_the_owner_hears_that_nobody_is_told(
    house: AlertHouse,
) -> None:
    await stops(house, STOP_REPLY, ANNA)
    await house.incident(severity=Severity.MAJOR)
    await house.escalate()
    await house.send()
    await by(house, BERTIL)
    await house.pass_by(minutes=5)
    await stops(house, STOP_REPLY)
    await house.rest()
    assert await house.reasons(Happening.EXHAUSTED) == {"nobody_reached": 1}


async def test_who_takes_it_by_its_code_after_they_said_stop_keeps_it(house: AlertHouse) -> None:
    await house.ladder(BOTH_BY_SMS)
    await told(house)
    await stops(house, STOP_REPLY)
    await house.pass_by(seconds=1)
    await by(house, BERTIL)
    assert (await house.the_incident()).state is IncidentState.ACKNOWLEDGED


@pytest.mark.parametrize("before", [UNSUBSCRIBED, STOP_REPLY])
async def test_who_takes_it_by_its_code_after_they_said_stop_and_says_it_again_has_it_no_longer(
    house: AlertHouse, before: str
) -> None:
    await house.ladder(BOTH_BY_SMS)
    await told(house)
    await stops(house, before)
    await house.pass_by(seconds=1)
    await by(house, BERTIL)
    await house.pass_by(minutes=5)
    notices = await house.deliveries(DeliveryKind.NOTICE)
    told_before = len(house.sms.accepted)
    await stops(house, STOP_REPLY)
    await house.rest()
    assert [message.to for message in house.sms.accepted[told_before:]] == [PHONES[ANNA]]
    assert await house.reasons(Happening.LET_GO) == {"nobody_to_ask": 1}
    assert await house.deliveries(DeliveryKind.NOTICE) == notices  # its owner knows that already


async def test_who_takes_it_after_they_said_stop_keeps_it_where_a_text_of_before_is_refused(house: AlertHouse) -> None:
    await house.ladder(BOTH_BY_SMS)
    await told(house)
    await stops(house, STOP_REPLY)
    await house.pass_by(seconds=1)
    await by(house, BERTIL)
    await house.pass_by(seconds=1)
    await stops(house, OPTED_OUT)
    await house.rest()
    assert (await house.the_incident()).state is IncidentState.ACKNOWLEDGED


@pytest.mark.parametrize(("taker", "way"), [(ACCOUNT, "portal"), (ANNA, "sms")])
async def test_what_somebody_else_took_stays_taken_where_a_contact_says_stop(
    house: AlertHouse, taker: str, way: str
) -> None:
    await house.records.change_one(Contact, is_("id", BERTIL), is_owner=True)
    await house.ladder(BOTH_BY_SMS)
    await told(house)
    await by(house, taker, way)
    await house.pass_by(minutes=5)
    await stops(house, STOP_REPLY)
    await house.rest()
    assert (await house.the_incident()).state is IncidentState.ACKNOWLEDGED


async def test_what_is_called_off_is_of_that_alarm_alone_and_not_yet_on_its_way(house: AlertHouse) -> None:
    documents = MemoryDocuments()
    house.records = StoredRecords(documents)
    incident = await house.incident("inc_1")
    await house.incident("inc_0")
    for number in (0, 1, 2):
        alarm = {"id": f"dlv_{number}", "incident_id": f"inc_{min(number, 1)}"}
        await house.delivery(DeliveryKind.ALARM, severity=Severity.CRITICAL, **alarm)

    class Overtaken(StoredRecords):
        async def find(self, kind: type[R], *tests: Test, **order: Any) -> list[R]:
            found = await super().find(kind, *tests, **order)
            due = is_("id", "dlv_1"), is_("state", DeliveryState.DUE)
            await house.records.change_one(Delivery, *due, state=DeliveryState.CALLING)
            return found

    await call_off(Overtaken(documents), incident, house.clock.now(), "acknowledged")
    states = {each.id: each.state for each in await house.deliveries()}
    assert states == {
        "dlv_0": DeliveryState.DUE, "dlv_1": DeliveryState.CALLING, "dlv_2": DeliveryState.CALLED_OFF,
    }  # fmt: skip


async def a_guest(house: AlertHouse, **share: Any) -> None:
    """Share the socket with somebody, who takes its alarm in the portal."""
    now = house.clock.now()
    await house.records.add(Account(id=GUEST, email="guest@example.org", created_at=now))
    values: dict[str, Any] = {"role": ShareRole.OPERATOR, "email": "guest@example.org", "created_at": now, **share}
    theirs = Share(id="shr_1", device_id=DEVICE, owner_id=ACCOUNT, account_id=GUEST, accepted_at=now, **values)
    of_another = {"id": "shr_2", "account_id": "acc_other", "email": "other@example.org"}
    lasting = replace(theirs, until=None)
    await house.records.add_all(
        [theirs, replace(lasting, **of_another), replace(lasting, id="shr_3", device_id="is-00000002")]
    )
    await take(house.records, "inc_1", by=f"{GUEST} portal", clock=house.clock)
    await house.escalate()
    await house.send()


@pytest.mark.parametrize("ends", ["ended by somebody", "over by itself"])
@pytest.mark.parametrize("severity", [Severity.CRITICAL, Severity.MAJOR])
async def test_what_a_guest_took_whose_share_ends_is_told_to_the_others_within_minutes(
    house: AlertHouse, severity: Severity, ends: str
) -> None:
    await house.ladder(BOTH_BY_SMS)
    await house.incident(severity=severity)
    await house.escalate()
    await house.send()
    by_itself = ends == "over by itself"
    await a_guest(house, until=house.clock.now() + timedelta(minutes=7) if by_itself else None)
    await house.pass_by(minutes=6)
    await house.escalate()
    assert (await house.the_incident()).state is IncidentState.ACKNOWLEDGED
    if not by_itself:
        await house.records.remove_all(Share, is_("id", "shr_1"))
    before = len(house.sms.accepted)
    await house.pass_by(minutes=5)
    await house.escalate()
    await house.send()
    assert [message.to for message in house.sms.accepted[before:]] == [PHONES[ANNA], PHONES[BERTIL]]
    assert await house.reasons(Happening.LET_GO) == {"nobody_to_ask": 1}


async def test_a_guest_who_took_what_is_critical_is_asked_at_their_own_address_whether_they_still_are_on_it(
    house: AlertHouse,
) -> None:
    await house.ladder(BOTH_BY_SMS)
    await told(house)
    await a_guest(house)
    for _ in range(12):
        await house.pass_by(minutes=5)
        await house.escalate()
        await house.send()
    (asked,) = [message for message in house.mail.accepted if message.subject.startswith("Still on it? ")]
    assert asked.to == "guest@example.org"
    (letter,) = await house.deliveries(DeliveryKind.NOTICE)
    assert (letter.account_id, letter.incident_id) == (GUEST, None)  # nothing of it is its owner's
    await by(house, GUEST, "portal")
    assert (await house.the_incident()).state is IncidentState.ACKNOWLEDGED
    assert await house.reasons(Happening.LET_GO) == {}


@pytest.mark.clause("C7-06")
async def test_what_a_guest_is_asked_holds_nothing_of_the_owners_words_for_these_could_not_go_with_the_owner(
    house: AlertHouse,
) -> None:
    await house.ladder(BOTH_BY_SMS)
    await told(house)
    assert house.sms.accepted[-1].text.startswith("Mökki: "), "so it is called"
    await a_guest(house)
    await house.pass_by(minutes=61)
    await house.escalate()
    (letter,) = await house.deliveries(DeliveryKind.NOTICE)
    assert letter.subject_line == "Still on it? iSocket: mains power is out"
    assert "Mökki" not in letter.text


async def test_what_a_guest_took_stays_theirs_while_the_socket_is_shared_with_them(house: AlertHouse) -> None:
    await house.ladder(BOTH_BY_SMS)
    await house.incident(severity=Severity.MAJOR)
    await house.escalate()
    await a_guest(house)
    for _ in range(30):
        await house.pass_by(minutes=5)
        await house.escalate()
    assert (await house.the_incident()).state is IncidentState.ACKNOWLEDGED


@pytest.mark.parametrize(("taker", "hear"), [(ANNA, [(BERTIL, "sms")]), ("con_third", [])])
async def test_the_others_hear_who_took_it_where_a_contact_is_removed_before_the_first_look(
    house: AlertHouse, taker: str, hear: list[tuple[str, str]]
) -> None:
    """Unless it is that contact who had taken it."""
    await house.ladder(BOTH_BY_SMS)
    await told(house)
    await take(house.records, "inc_1", by=f"{taker} sms", clock=house.clock)
    await house.pass_by(seconds=1)
    await removed(house, "con_third")
    await house.rest()
    assert await sent(house, DeliveryKind.TAKEN) == hear


async def test_who_would_not_be_woken_is_asked_in_the_morning(house: AlertHouse) -> None:
    strict = {**NIGHT, "start": "12:30", "except_critical": False}
    await house.records.change_one(Contact, is_("id", ANNA), quiet_hours=strict)
    await house.ladder(BOTH_BY_SMS)
    await told(house)
    await by(house)
    await house.pass_by(hours=2)
    await house.escalate()
    assert not await house.timeline(Happening.ASKED)
    assert (await house.the_incident()).step_due_at == house.clock.now().replace(hour=7, minute=0, second=0) + (
        timedelta(days=1)
    )


async def test_at_every_crash_point_word_goes_to_the_others_once_and_calls_are_called_off() -> None:
    async def build() -> AlertHouse:
        house = await AlertHouse().furnish()
        house.calls()
        await house.contact(BERTIL)
        await house.ladder(BOTH_BY_SMS, BY_CALL)
        await told(house)
        await acknowledge(house.records, "inc_1", by=f"{ANNA} sms", clock=house.clock)
        return house

    async def run(house: AlertHouse, fuse: Fuse) -> None:
        await house.rest(fuse)

    async def check(house: AlertHouse) -> None:
        assert [each.contact_id for each in await house.deliveries(DeliveryKind.TAKEN)] == [BERTIL]
        assert sum("Somebody else" in each.text for each in house.sms.accepted) <= 1
        assert len(set(house.calls().let_go)) == 2
        assert len(await house.timeline(Happening.ACKNOWLEDGED)) == 1
        assert not await house.records.count(CallOff, is_("settled", False))
        assert not await house.records.count(Delivery, is_("state", DeliveryState.DUE))

    assert await every_crash_point(build, run, check) > 20


@pytest.mark.parametrize("kind", [ChannelKind.PUSH, ChannelKind.WEBHOOK])
async def test_browsers_and_programs_hear_it_as_well(house: AlertHouse, kind: ChannelKind) -> None:
    await house.endpoint(kind)
    await told(house)
    await by(house, BERTIL)
    assert (ANNA, kind.value) in await sent(house, DeliveryKind.TAKEN)


async def test_a_question_that_is_still_on_its_way_when_it_is_open_again_is_not_sent(house: AlertHouse) -> None:
    await house.ladder(BOTH_BY_SMS)
    await told(house)
    await by(house)
    await house.pass_by(minutes=59)
    await house.escalate()
    await house.pass_by(minutes=16)
    await house.escalate()
    await house.send()
    assert await sent(house, DeliveryKind.REMINDER) == []
    states = {each.state for each in await house.deliveries(DeliveryKind.REMINDER)}
    assert states == {DeliveryState.CALLED_OFF}


async def test_at_every_crash_point_an_alarm_that_nobody_sees_to_any_more_is_told_anew_once() -> None:
    async def build() -> AlertHouse:
        house = await AlertHouse().furnish()
        await house.contact(BERTIL)
        await asked(house)
        await house.pass_by(minutes=16)
        return house

    async def run(house: AlertHouse, fuse: Fuse) -> None:
        await house.rest(fuse)

    async def check(house: AlertHouse) -> None:
        incident = await house.the_incident()
        assert (incident.state, incident.acknowledged_by, incident.asked_at) == (IncidentState.OPEN, None, None)
        assert len(await house.timeline(Happening.LET_GO)) == 1
        texts = [each for each in await house.deliveries() if each.channel is ChannelKind.SMS and not each.instead_of]
        assert Counter(each.contact_id for each in texts) == {ANNA: 2, BERTIL: 2}
        assert max(Counter(each.to for each in house.sms.accepted if "to acknowledge" in each.text).values()) <= 2

    assert await every_crash_point(build, run, check) > 20


@pytest.mark.parametrize("explanation", ["inc_flapping", "out_1"])
async def test_what_was_held_back_when_it_was_taken_is_told_when_it_is_let_go(
    house: AlertHouse, explanation: str
) -> None:
    await house.incident(explained_by=explanation, needs_step=False)
    await by(house)
    assert not await house.deliveries()
    await house.pass_by(hours=1)
    await house.escalate()
    await house.pass_by(minutes=15)
    await house.escalate()
    lost = await house.the_incident()
    assert (lost.state, lost.explained_by, lost.needs_step) == (IncidentState.OPEN, None, True)
    assert await house.deliveries()
