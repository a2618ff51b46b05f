"""Once a ladder was of no use its next climb may be a day away; whoever can be told before that is told at once."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest

from alerts.endpoints import Endpoints
from isocket.domain.contacts import ChannelKind, Contact, Escalation
from isocket.domain.incidents import Cause, Incident, IncidentState, Severity
from isocket.kit.clock import Clock
from isocket.storage.looked_at_again import IF_WE_DIE, ladders_looked_at_after, left_looked_at_after
from isocket.storage.port import Records, is_
from portal_api.recipient_acts import come_back, entries_of, erase, object_to
from tests.fakes.alert_house import ACCOUNT, PUBLIC_URL, AlertHouse
from tests.fakes.judged_house import OWNER
from tests.fakes.night import ladder, night, person
from tests.fakes.portal_devices import MAIJA, PHONE, SOCKET, codes, devices_house, enter, owned, verified
from tests.fakes.portal_house import PortalHouse

Heeded = Callable[[Records, str, Clock], AbstractAsyncContextManager[None]]
HELSINKI = "Europe/Helsinki"
OUT = "Cabin: mains power is out, 22 Nov 22:00. Reply CODE to acknowledge"


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house() as running:
        yield running


async def exhausted(records: Records, account_id: str, clock: Clock) -> None:
    """Add an alarm that nobody answered, whose ladder is climbed again in eight hours."""
    now = clock.now()
    await records.add(
        Incident(
            id="inc_1", account_id=account_id, device_id=SOCKET, cause=Cause.MAINS_LOST, severity=Severity.CRITICAL,
            opened_at=now, detected_at=now, needs_step=True, step_due_at=now + timedelta(hours=8), ladder_position=4,
            exhausted_at=now, open_key="lasts",
        )
    )  # fmt: skip


async def looked_at(records: Records) -> timedelta:
    """Return after how long that alarm is looked at, counted from when it began."""
    incident = await records.get(Incident, "inc_1")
    assert incident is not None
    return incident.step_due_at - incident.detected_at


async def types_the_code(house: PortalHouse, token: str) -> None:
    contact = await enter(house, token, phone=PHONE)
    assert await looked_at(house.records) == timedelta(hours=8)  # nobody can be told yet who could not before
    body = {"channel": "sms", "code": (await codes(house, PHONE))[-1]}
    assert (await house.ask("POST", f"/contacts/{contact['id']}/verify", body, token=token)).status == 200


async def comes_back_by_their_own_page(house: PortalHouse, token: str) -> None:
    await verified(house, token)
    await object_to(house.portal, PHONE, await entries_of(house.records, ChannelKind.SMS, PHONE))
    await house.records.change_one(Incident, is_("id", "inc_1"), step_due_at=house.clock.now() + timedelta(hours=8))
    await come_back(house.portal, PHONE, await entries_of(house.records, ChannelKind.SMS, PHONE))


async def takes_up_their_own_messages(house: PortalHouse, token: str) -> None:
    now = house.clock.now()
    own = await house.records.change_one(Contact, is_("is_owner", True), paused_at=now, pause_reason="unsubscribed")
    assert own is not None
    assert (await house.ask("PATCH", f"/contacts/{own.id}", {"paused": False}, token=token)).status == 200


async def takes_an_objection_back(house: PortalHouse, token: str) -> None:
    for objects in (True, False):
        assert (await house.ask("PUT", "/privacy/objections", {"alarms": objects}, token=token)).status == 200


@pytest.mark.parametrize(
    "somebody", [types_the_code, comes_back_by_their_own_page, takes_up_their_own_messages, takes_an_objection_back]
)
async def test_an_alarm_that_nobody_answered_is_looked_at_as_soon_as_somebody_can_be_told(
    house: PortalHouse, somebody: Callable[[PortalHouse, str], Awaitable[None]]
) -> None:
    token = await owned(house)
    await exhausted(house.records, (await house.account(MAIJA)).id, house.clock)
    await somebody(house, token)
    assert await looked_at(house.records) < timedelta(seconds=1)  # as long as they took to ask for it


async def test_an_alarm_that_nobody_answered_is_looked_at_as_soon_as_a_program_has_answered() -> None:
    house = await AlertHouse().furnish()
    program = await house.endpoint(ChannelKind.WEBHOOK, verified_at=None)
    await exhausted(house.records, ACCOUNT, house.clock)
    await Endpoints(records=house.records, clock=house.clock, public_url=PUBLIC_URL).prove(program)
    assert await looked_at(house.records) == timedelta(0)


@pytest.mark.parametrize("by", ["owner", "themself"])
async def test_what_is_taken_is_looked_at_where_a_contact_goes_who_may_have_taken_it(
    house: PortalHouse, by: str
) -> None:
    token = await owned(house)
    await exhausted(house.records, (await house.account(MAIJA)).id, house.clock)
    contact = await verified(house, token)
    acknowledged = IncidentState.ACKNOWLEDGED
    await house.records.change_one(Incident, is_("id", "inc_1"), state=acknowledged, needs_step=False)
    if by == "owner":
        assert (await house.ask("DELETE", f"/contacts/{contact['id']}", token=token)).status == 204
    else:
        await erase(house.portal, PHONE, await entries_of(house.records, ChannelKind.SMS, PHONE))
    (found,) = await house.records.find(Incident, is_("needs_step", value=True))
    assert found.step_due_at <= house.clock.now()


@pytest.mark.parametrize(
    ("heeded", "state"),
    [
        (ladders_looked_at_after, IncidentState.OPEN),
        (left_looked_at_after, IncidentState.OPEN),
        (left_looked_at_after, IncidentState.ACKNOWLEDGED),
    ],
)
async def test_whoever_dies_over_the_change_has_it_heeded_in_a_minute(heeded: Heeded, state: IncidentState) -> None:
    house = AlertHouse()
    await exhausted(house.records, ACCOUNT, house.clock)
    await house.records.change_one(Incident, is_("id", "inc_1"), state=state)
    with pytest.raises(RuntimeError):
        async with heeded(house.records, ACCOUNT, house.clock):
            raise RuntimeError("as good as dead")
    assert await looked_at(house.records) == IF_WE_DIE


async def test_what_is_taken_or_of_another_customer_keeps_its_time() -> None:
    house = AlertHouse()
    await exhausted(house.records, ACCOUNT, house.clock)
    async with ladders_looked_at_after(house.records, "acc_another", house.clock):
        pass
    await house.records.change_one(Incident, is_("id", "inc_1"), state=IncidentState.ACKNOWLEDGED)
    async with ladders_looked_at_after(house.records, ACCOUNT, house.clock):
        pass
    assert await looked_at(house.records) == timedelta(hours=8)


async def test_a_night_in_which_the_only_one_says_stop_and_start_again() -> None:
    """What Anna missed in between comes with her START, as one text, and not by the next climb."""
    tonight = await night("2026-11-22 21:00", HELSINKI, heartbeat_s=86_400, mains_delay_s=0)
    await ladder(tonight, (await person(tonight, "Anna"), 0), repeat=2, repeat_after_s=600)

    await tonight.until("22:00")
    await tonight.socket(mains=False)
    await tonight.until("22:05")
    await tonight.writes("Anna", "STOP")
    await tonight.until("01:00")
    await tonight.writes("Anna", "START")
    await tonight.until("01:15")

    assert await tonight.heard() == [
        f"22:00 EET Anna text: {OUT}",
        "22:05 EET Anna writes: STOP",
        "22:05 EET Anna text: You get no more messages about alarms. Reply START to get them again.",
        "22:05 EET Owner mail: A contact wants no more messages",
        "22:20 EET Owner mail: Nobody has acknowledged an alarm",
        "01:00 EET Anna writes: START",
        "01:00 EET Anna text: You get messages about alarms again. Reply STOP to end them.",
        f"01:00 EET Anna text: {OUT}",
        "01:00 EET Owner mail: A contact wants messages again",
    ]


@pytest.mark.parametrize("by", ["stop", "removal"])
async def test_a_night_in_which_the_only_one_who_was_told_so_far_leaves(by: str) -> None:
    """The next step would have waited two hours for an answer that does not come."""
    tonight = await night("2026-11-22 21:00", HELSINKI, heartbeat_s=86_400, mains_delay_s=0)
    anna, bertil = await person(tonight, "Anna"), await person(tonight, "Bertil")
    await ladder(tonight, (anna, 0), (bertil, 7200))

    await tonight.until("22:00")
    await tonight.socket(mains=False)
    await tonight.until("22:05")
    if by == "stop":
        await tonight.writes("Anna", "STOP")
    else:
        async with left_looked_at_after(tonight.records, OWNER, tonight.clock):
            await tonight.records.remove_all(Contact, is_("id", anna))
    await tonight.until("22:10")

    assert [line for line in await tonight.heard() if "Bertil" in line] == [f"22:05 EET Bertil text: {OUT}"]


@pytest.mark.parametrize("by", ["stop", "removal"])
async def test_a_night_in_which_all_who_are_to_be_told_leave(by: str) -> None:
    """Their owner hears at once that nobody is on it, and not when an answer would have been due."""
    tonight = await night("2026-11-22 21:00", HELSINKI, heartbeat_s=86_400, mains_delay_s=0)
    anna = await person(tonight, "Anna")
    await ladder(tonight, (anna, 0), repeat=0)

    await tonight.until("22:00")
    await tonight.socket(mains=False)
    await tonight.until("22:05")
    if by == "stop":
        await tonight.writes("Anna", "STOP")
    else:
        async with left_looked_at_after(tonight.records, OWNER, tonight.clock):
            await tonight.records.remove_all(Contact, is_("id", anna))
    await tonight.until("22:10")

    assert "22:05 EET Owner mail: Nobody has acknowledged an alarm" in await tonight.heard()
    (incident,) = await tonight.records.find(Incident, is_("cause", Cause.MAINS_LOST))
    assert incident.exhausted_at is not None


async def test_a_night_in_which_the_only_one_who_is_awake_says_stop() -> None:
    """Whoever sleeps is told in the morning: until then nobody says that nobody has taken it."""
    cold = {"temp": [{"low_c": 5, "delay_s": 0, "severity": "major"}]}
    tonight = await night("2026-11-22 21:00", HELSINKI, heartbeat_s=86_400, **cold)
    anna, bertil = await person(tonight, "Anna"), await person(tonight, "Bertil", asleep=True)
    both = {"contact_ids": [anna, bertil], "channels": ["sms"], "after_s": 0}
    await tonight.records.add(Escalation(id="esc_1", account_id=OWNER, steps=(both,), repeat=0))

    await tonight.until("23:00")
    await tonight.socket(temp_c=[2.0])
    await tonight.until("23:05")
    await tonight.writes("Anna", "STOP")
    await tonight.until("23:10")

    assert [line for line in await tonight.heard() if "Nobody" in line] == []
    assert [each for each in await tonight.untold() if "held" in each] == ["23:00 EET held: Bertil, quiet_hours"]


async def test_a_night_in_which_one_of_two_who_were_told_says_stop() -> None:
    """The other one may answer yet: the next step keeps its time."""
    tonight = await night("2026-11-22 21:00", HELSINKI, heartbeat_s=86_400, mains_delay_s=0)
    anna, bertil = await person(tonight, "Anna"), await person(tonight, "Bertil")
    both = {"contact_ids": [anna, bertil], "channels": ["sms"], "after_s": 0}
    again = {"contact_ids": [bertil], "channels": ["sms"], "after_s": 7200}
    await tonight.records.add(Escalation(id="esc_1", account_id=OWNER, steps=(both, again)))

    await tonight.until("22:00")
    await tonight.socket(mains=False)
    await tonight.until("22:05")
    await tonight.writes("Anna", "STOP")
    await tonight.until("22:10")

    assert [line for line in await tonight.heard() if "Bertil" in line] == [f"22:00 EET Bertil text: {OUT}"]


async def test_a_night_in_which_another_number_is_proved_in_the_middle_of_an_alarm() -> None:
    """The step that passed while it was not proved is taken with the proof."""
    tonight = await night("2026-11-22 21:00", HELSINKI, heartbeat_s=86_400, mains_delay_s=0)
    anna = await person(tonight, "Anna")
    await ladder(tonight, (anna, 0), (anna, 1200))

    await tonight.until("22:00")
    await tonight.socket(mains=False)
    await tonight.until("22:05")
    changed = is_("id", anna)
    contact = await tonight.records.change_one(Contact, changed, phone="+447700900009", phone_verified_at=None)
    assert contact is not None
    await tonight.until("22:30")
    async with ladders_looked_at_after(tonight.records, contact.account_id, tonight.clock):
        await tonight.records.change_one(Contact, changed, phone_verified_at=tonight.clock.now())
    await tonight.until("22:45")

    assert await tonight.heard() == [f"22:00 EET Anna text: {OUT}", f"22:30 EET Anna text: {OUT}"]
