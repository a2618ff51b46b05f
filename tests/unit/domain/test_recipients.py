"""Who is told at a step: proved ways only, stand-ins for a time, and never nobody for a stand-in's sake."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocket.domain.contacts import ChannelKind, Contact, Escalation, Substitution
from isocket.domain.endpoints import GONE, Endpoint
from isocket.domain.incidents import Severity
from isocket.domain.ladders import EVERYBODY_AT_ONCE, Rung, Source, ladder_of
from isocket.domain.recipients import (
    NO_ADDRESS,
    PAUSED,
    REMOVED,
    STAND_IN_UNREACHABLE,
    SUBSTITUTED,
    UNVERIFIED,
    People,
    ladder_for,
    step_of,
)
from tests.fakes.clock import NOON

DEVICE = "is7k2m9q4xw1"
DAY = timedelta(days=1)
SMS, VOICE, EMAIL, PUSH, WEBHOOK = (
    ChannelKind.SMS,
    ChannelKind.VOICE,
    ChannelKind.EMAIL,
    ChannelKind.PUSH,
    ChannelKind.WEBHOOK,
)
Told = list[tuple[str, ChannelKind]]


def person(name: str, **more: Any) -> Contact:
    fields = {"phone": "+447700900123", "phone_verified_at": NOON, **more}
    return Contact(id=name, account_id="acc", name=name, created_at=NOON, **fields)


def people(*contacts: Contact, endpoints: tuple[Endpoint, ...] = (), away: tuple[Substitution, ...] = ()) -> People:
    return People(contacts={each.id: each for each in contacts}, endpoints=endpoints, substitutions=away)


def away(contact_id: str, stand_in_id: str, **more: Any) -> Substitution:
    fields = {"from_at": NOON, "until_at": NOON + 7 * DAY, "created_at": NOON, **more}
    name = f"{contact_id}-{stand_in_id}-{fields.get('device_id')}"
    return Substitution(id=name, account_id="acc", contact_id=contact_id, stand_in_id=stand_in_id, **fields)


def endpoint(name: str, kind: ChannelKind, **more: Any) -> Endpoint:
    fields = {"verified_at": NOON, **more}
    return Endpoint(id=name, account_id="acc", contact_id="ada", kind=kind, address="-", created_at=NOON, **fields)


def told(known: People, rung: Rung | None = None, at: datetime = NOON) -> Told:
    recipients, _ = step_of(rung or Rung(), known, device_id=DEVICE, at=at)
    return [(each.contact.id, each.channel) for each in recipients]


def reasons(known: People, rung: Rung | None = None) -> list[tuple[str, ChannelKind | None, str]]:
    _, skipped = step_of(rung or Rung(), known, device_id=DEVICE, at=NOON)
    return [(each.contact_id, each.channel, each.reason) for each in skipped]


def test_a_step_that_names_nobody_tells_every_alarm_contact_by_each_proved_way() -> None:
    ada = person("ada", email="ada@example.org", email_verified_at=NOON)
    known = people(
        ada,
        person("service", roles=("service",)),
        endpoints=(endpoint("end_1", PUSH), endpoint("end_2", WEBHOOK), endpoint("end_3", PUSH)),
    )
    recipients, skipped = step_of(Rung(), known, device_id=DEVICE, at=NOON)
    assert [(each.channel, each.address) for each in recipients] == [
        (SMS, "+447700900123"),
        (EMAIL, "ada@example.org"),
        (PUSH, "end_1"),
        (PUSH, "end_3"),
        (WEBHOOK, "end_2"),
    ]
    assert not skipped


def test_whose_telephone_takes_calls_only_is_called() -> None:
    ada = person("ada", phone_verified_at=None, voice_verified_at=NOON)
    assert told(people(ada)) == [("ada", VOICE)]
    assert told(people(replace(ada, phone_verified_at=NOON))) == [("ada", SMS)]
    assert told(people(ada), Rung(channels=(SMS, VOICE))) == [("ada", VOICE)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"phone_verified_at": None}, (SMS, UNVERIFIED)),
        ({"paused_at": NOON}, (SMS, PAUSED)),
        ({"phone": None}, (None, NO_ADDRESS)),
    ],
)
def test_who_is_not_told_is_named_with_the_reason(
    changes: dict[str, Any], reason: tuple[ChannelKind | None, str]
) -> None:
    known = people(replace(person("ada"), **changes))
    assert told(known) == []
    assert reasons(known) == [("ada", *reason)]


def test_a_contact_who_was_removed_and_a_browser_that_is_gone_are_named() -> None:
    known = people(person("ada"), endpoints=(endpoint("end_1", PUSH, gone_at=NOON),))
    rung = Rung(contact_ids=("bo", "ada"), channels=(SMS, PUSH))
    assert reasons(known, rung) == [("bo", None, REMOVED), ("ada", PUSH, GONE)]


def test_the_stand_in_is_told_in_their_place_for_that_time_only() -> None:
    known = people(person("ada"), person("bo", roles=("service",)), away=(away("ada", "bo"),))
    assert told(known) == [("bo", SMS)]
    assert reasons(known) == [("ada", None, SUBSTITUTED)]
    (bo,), _ = step_of(Rung(), known, device_id=DEVICE, at=NOON)
    assert bo.stands_in_for == "ada"
    assert told(known, at=NOON - DAY) == [("ada", SMS)]
    assert told(known, at=NOON + 7 * DAY) == [("ada", SMS)]


def test_a_stand_in_beside_somebody_leaves_both() -> None:
    known = people(person("ada"), person("bo"), away=(away("ada", "bo", additional=True),))
    assert told(known, Rung(contact_ids=("ada",))) == [("ada", SMS), ("bo", SMS)]


@pytest.mark.parametrize("stand_in", [{"phone_verified_at": None}, {"paused_at": NOON}, {"phone": None}])
def test_who_is_away_is_told_after_all_where_the_stand_in_has_no_proved_way(stand_in: dict[str, Any]) -> None:
    bo = replace(person("bo"), **stand_in)
    known = people(person("ada"), bo, away=(away("ada", "bo"),))
    assert told(known, Rung(contact_ids=("ada",))) == [("ada", SMS)]
    assert reasons(known, Rung(contact_ids=("ada",))) == [("bo", None, STAND_IN_UNREACHABLE)]


def test_a_stand_in_who_was_removed_silences_nobody() -> None:
    assert told(people(person("ada"), away=(away("ada", "gone"),))) == [("ada", SMS)]


def test_a_stand_in_of_one_socket_holds_there_before_that_of_all() -> None:
    three = person("ada"), person("bo"), person("cy")
    both = away("ada", "bo"), away("ada", "cy", device_id=DEVICE)
    only_ada = Rung(contact_ids=("ada",))
    assert told(people(*three, away=both), only_ada) == [("cy", SMS)]
    elsewhere, _ = step_of(only_ada, people(*three, away=both), device_id="another", at=NOON)
    assert [each.contact.id for each in elsewhere] == ["bo"]


def test_a_stand_in_who_is_away_is_stood_in_for_and_a_ring_ends_where_it_began() -> None:
    three = person("ada"), person("bo"), person("cy")
    chain = away("ada", "bo"), away("bo", "cy")
    assert told(people(*three, away=chain), Rung(contact_ids=("ada",))) == [("cy", SMS)]
    ring = (*chain, away("cy", "ada"))
    assert told(people(*three, away=ring), Rung(contact_ids=("ada",))) == [("ada", SMS)]
    assert reasons(people(*three, away=ring), Rung(contact_ids=("ada",))) == []


def test_of_stand_ins_who_stand_in_for_each_other_the_last_is_told() -> None:
    three = person("ada"), person("bo"), person("cy")
    known = people(*three, away=(away("ada", "bo"), away("bo", "cy"), away("cy", "bo")))
    assert told(known, Rung(contact_ids=("ada",))) == [("cy", SMS)]


def test_a_stand_in_who_has_somebody_beside_them_is_not_away() -> None:
    three = person("ada"), person("bo"), person("cy")
    known = people(*three, away=(away("ada", "bo"), away("bo", "cy", additional=True)))
    assert told(known, Rung(contact_ids=("ada",))) == [("bo", SMS)]


def test_a_chain_of_stand_ins_ends_with_the_last_who_can_be_told() -> None:
    chain = away("ada", "bo"), away("bo", "cy")
    only_ada = Rung(contact_ids=("ada",))
    unverified = person("cy", phone_verified_at=None)
    known = people(person("ada"), person("bo"), unverified, away=chain)
    assert told(known, only_ada) == [("bo", SMS)]
    assert reasons(known, only_ada) == [("cy", None, STAND_IN_UNREACHABLE), ("ada", None, SUBSTITUTED)]
    known = people(person("ada"), person("bo", phone_verified_at=None), person("cy"), away=chain)
    assert told(known, only_ada) == [("cy", SMS)]


def test_a_stand_in_is_told_by_ways_of_their_own_where_the_steps_are_not_theirs() -> None:
    bo = person("bo", phone=None, email="bo@example.org", email_verified_at=NOON)
    known = people(person("ada"), bo, away=(away("ada", "bo"),))
    assert told(known, Rung(contact_ids=("ada",), channels=(SMS,))) == [("bo", EMAIL)]


def test_a_step_by_some_ways_leaves_out_the_others_also_of_whoever_has_none_of_these_and_of_stand_ins() -> None:
    both = {"email": "ada@example.org", "email_verified_at": NOON}
    mailed = person("bo", phone=None, email="bo@example.org", email_verified_at=NOON)
    only_sms = Rung(contact_ids=("ada", "bo"), channels=(SMS,))
    assert told(people(person("ada", **both), mailed), only_sms) == [("ada", SMS)]
    assert told(people(person("ada"), person("bo", **both), away=(away("ada", "bo"),)), only_sms) == [("bo", SMS)]


def test_the_browser_of_one_is_no_way_to_another() -> None:
    known = people(person("ada"), person("bo"), endpoints=(endpoint("end_1", PUSH),))
    assert (told(known), reasons(known)) == ([("ada", SMS), ("ada", PUSH), ("bo", SMS)], [])
    assert reasons(known, Rung(channels=(PUSH,))) == [("bo", PUSH, NO_ADDRESS)]
    assert reasons(known, Rung(channels=(WEBHOOK,))) == [("ada", WEBHOOK, NO_ADDRESS), ("bo", WEBHOOK, NO_ADDRESS)]


def test_nobody_stands_on_a_step_twice() -> None:
    known = people(person("ada"), person("bo"), away=(away("ada", "bo"),))
    assert told(known) == [("bo", SMS)]


STEP = {"contact_ids": ["ada"], "channels": [], "after_s": 0}


def test_what_matters_little_goes_to_service_contacts_where_one_can_be_told() -> None:
    own = Escalation(id="esc", account_id="acc", steps=(STEP,))
    service = person("service", roles=("service",))
    known = people(person("ada"), service)
    minor = ladder_for(DEVICE, Severity.MINOR, [own], known)
    assert (minor.source, told(known, minor.rungs[0])) == (Source.SERVICE, [("service", SMS)])
    assert ladder_for(DEVICE, Severity.MAJOR, [own], known).source is Source.ACCOUNT
    unreached = people(person("ada"), replace(service, phone_verified_at=None))
    assert ladder_for(DEVICE, Severity.MINOR, [own], unreached).source is Source.ACCOUNT
    assert ladder_for(DEVICE, Severity.MINOR, [own], people(person("ada"))).source is Source.ACCOUNT


def test_a_socket_has_its_own_ladder_else_the_accounts_else_everybody_at_once() -> None:
    own = Escalation(id="esc_1", account_id="acc", device_id=DEVICE, steps=(STEP,), cap=3)
    general = Escalation(id="esc_2", account_id="acc", steps=(STEP,))
    assert (ladder_of(DEVICE, [general, own]).source, ladder_of(DEVICE, [general, own]).cap) == (Source.DEVICE, 3)
    assert ladder_of("another", [general, own]).source is Source.ACCOUNT
    assert ladder_of("", [general, own]).source is Source.ACCOUNT
    assert ladder_of(DEVICE, []) == EVERYBODY_AT_ONCE


names = st.sampled_from(["ada", "bo", "cy", "di", "gone"])
a_time = st.sampled_from([None, NOON])


@st.composite
def someone(draw: st.DrawFn, name: str) -> Contact:
    return Contact(
        id=name,
        account_id="acc",
        name=name,
        phone=draw(st.sampled_from([None, "+447700900123"])),
        email=draw(st.sampled_from([None, "ada@example.org"])),
        phone_verified_at=draw(a_time),
        voice_verified_at=draw(a_time),
        email_verified_at=draw(a_time),
        paused_at=draw(a_time),
        created_at=NOON,
    )


@st.composite
def an_absence(draw: st.DrawFn) -> Substitution:
    device_id = draw(st.sampled_from([None, DEVICE, "another"]))
    return away(draw(names), draw(names), device_id=device_id, additional=draw(st.booleans()))


@given(
    contacts=st.tuples(*(someone(name) for name in ("ada", "bo", "cy", "di"))),
    absences=st.lists(an_absence(), max_size=5),
    named=st.lists(names, max_size=4),
    channels=st.lists(st.sampled_from(ChannelKind), max_size=3),
    kept=st.booleans(),
)
def test_whatever_is_set_only_proved_ways_of_people_who_did_not_stop_are_used_and_stand_ins_silence_nobody(
    contacts: tuple[Contact, ...],
    absences: list[Substitution],
    named: list[str],
    channels: list[ChannelKind],
    kept: bool,
) -> None:
    endpoints = (endpoint("end_1", PUSH, verified_at=NOON if kept else None),)
    rung = Rung(contact_ids=tuple(named), channels=tuple(channels) or None)
    known = people(*contacts, endpoints=endpoints, away=tuple(absences))
    recipients, _ = step_of(rung, known, device_id=DEVICE, at=NOON)
    for each in recipients:
        assert each.contact.paused_at is None
        assert each.channel in each.contact.verified_channels() or (each.address == "end_1" and kept)
    ways = [(each.contact.id, each.channel, each.address) for each in recipients]
    assert len(ways) == len(set(ways))
    if told(replace(known, substitutions=()), rung):
        assert recipients
