"""Who would be reached at a moment: steps, sleep and channels that get nothing through."""

from datetime import timedelta

from isocket.domain.contacts import ChannelKind, Contact, Escalation, Substitution
from isocket.domain.endpoints import Endpoint
from isocket.domain.incidents import Severity
from isocket.domain.reach import NOT_CONFIGURED, Reach, reach
from isocket.domain.recipients import People, Skipped
from tests.fakes.clock import NOON

DEVICE = "is7k2m9q4xw1"
ADA = Contact(
    id="ada",
    account_id="acc",
    name="Ada",
    phone="+447700900123",
    phone_verified_at=NOON,
    email="ada@example.org",
    email_verified_at=NOON,
    quiet_hours={"start": "12:30", "end": "14:00", "except_critical": True},
    created_at=NOON,
)
BO = Contact(id="bo", account_id="acc", name="Bo", phone="+447700900456", phone_verified_at=NOON, created_at=NOON)
STEPS = (
    {"contact_ids": ["ada"], "channels": ["email"], "after_s": 0},
    {"contact_ids": ["ada"], "channels": ["sms"], "after_s": 3600},
)
OWN = Escalation(id="esc", account_id="acc", steps=STEPS)


def asked(severity: Severity, **more: object) -> Reach:
    unusable = {ChannelKind.EMAIL: NOT_CONFIGURED} if more.get("no_mail") else {}
    away = more.get("away")
    people = People(contacts={"ada": ADA, "bo": BO}, substitutions=(away,) if isinstance(away, Substitution) else ())
    return reach(people, [OWN], device_id=DEVICE, severity=severity, at=NOON, unusable=unusable)


def test_each_step_is_looked_at_for_its_own_moment() -> None:
    first, second = asked(Severity.MAJOR).told
    assert (first.to.channel, first.after_s, first.held_until) == (ChannelKind.EMAIL, 0, None)
    assert (second.to.channel, second.held_until) == (ChannelKind.SMS, NOON + timedelta(hours=2))
    assert asked(Severity.MAJOR).awake == (first,)


def test_a_critical_alarm_wakes_people_who_did_not_choose_otherwise() -> None:
    assert [each.held_until for each in asked(Severity.CRITICAL).told] == [None, None]


def test_a_channel_that_gets_nothing_through_reaches_nobody_and_is_named() -> None:
    found = asked(Severity.CRITICAL, no_mail=True)
    assert [each.to.channel for each in found.told] == [ChannelKind.SMS]
    assert found.skipped == (Skipped(contact_id="ada", channel=ChannelKind.EMAIL, reason=NOT_CONFIGURED),)


def test_somebody_stands_in_from_the_step_on_that_comes_after_the_beginning() -> None:
    away = Substitution(
        id="sub",
        account_id="acc",
        contact_id="ada",
        stand_in_id="bo",
        from_at=NOON + timedelta(minutes=30),
        until_at=NOON + timedelta(days=1),
        created_at=NOON,
    )
    assert [each.to.contact.id for each in asked(Severity.CRITICAL, away=away).told] == ["ada", "bo"]


def test_a_program_never_sleeps() -> None:
    hook = Endpoint(
        id="end_1",
        account_id="acc",
        contact_id="ada",
        kind=ChannelKind.WEBHOOK,
        address="-",
        created_at=NOON,
        verified_at=NOON,
    )
    people = People(contacts={"ada": ADA}, endpoints=(hook,))
    then = NOON + timedelta(hours=1)
    found = reach(people, (), device_id=DEVICE, severity=Severity.MAJOR, at=then, unusable={})
    assert [each.to.channel for each in found.awake] == [ChannelKind.WEBHOOK]
    assert len(found.told) == 3
