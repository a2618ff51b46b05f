"""What went wrong, whom it was told, and acknowledging it: over the API, with the real judge and ladder behind it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from alerts.escalation import Escalator
from alerts.judge import Judge
from alerts.outcomes import Unclear
from alerts.settlement import Settlement
from alerts.timeline import due_line
from isocket.domain.contacts import ChannelKind, Escalation
from isocket.domain.deliveries import Attempt, AttemptState, Delivery, DeliveryKind, DeliveryState
from isocket.domain.incidents import Cause, Happening, Incident, IncidentState, Severity, TimelineEntry
from isocket.kit.clock import to_text
from isocket.storage.port import Records, is_
from portal_api.timelines import chronicles
from tests.fakes.portal_devices import (
    MAIJA,
    SOCKET,
    claim,
    devices_house,
    fields_of,
    incident,
    make_device,
    owned,
    report,
    verified,
)
from tests.fakes.portal_house import PUBLIC_URL, PortalHouse

TEST_ALARM = f"/devices/{SOCKET}/test-alarm"


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house() as running:
        yield running


async def work(house: PortalHouse) -> None:
    """Let judge and ladder do what there is to do."""
    judge = Judge(
        records=house.records,
        telemetry=house.telemetry,
        clock=house.clock,
        owner="test",
    )
    escalator = Escalator(records=house.records, clock=house.clock, public_url=PUBLIC_URL)
    while await judge.step() or await escalator.step():
        pass


async def alarms(house: PortalHouse) -> list[Delivery]:
    return await house.records.find(Delivery, is_("kind", DeliveryKind.ALARM))


async def test_incidents_are_listed_the_newest_first_by_state_and_socket(house: PortalHouse) -> None:
    token = await owned(house)
    await make_device(house, "is2")
    await claim(house, token, "is2")
    account_id = (await house.account(MAIJA)).id
    states = (IncidentState.CLOSED, IncidentState.ACKNOWLEDGED, IncidentState.OPEN)
    for number, state in enumerate(states):
        at = house.clock.now() + timedelta(seconds=number)
        key = None if state is IncidentState.CLOSED else f"k{number}"
        await incident(house, f"inc_{number}", account_id, state=state, opened_at=at, open_key=key)
    await incident(house, "inc_other", account_id, "is2")

    async def ids(query: str) -> list[str]:
        listed = await (await house.ask("GET", f"/incidents?{query}", token=token)).json()
        return [each["id"] for each in listed["items"]]

    assert await ids(f"device_id={SOCKET}") == ["inc_2", "inc_1", "inc_0"]
    assert await ids(f"device_id={SOCKET}&state=open") == ["inc_2", "inc_1"]
    assert await ids("state=closed") == ["inc_0"]
    assert (await house.ask("GET", "/incidents?state=strange", token=token)).status == 422


async def test_incidents_are_listed_by_cause_severity_and_when_they_began(house: PortalHouse) -> None:
    token = await owned(house)
    account_id, begun = (await house.account(MAIJA)).id, house.clock.now()
    kinds = ((Cause.MAINS_LOST, Severity.CRITICAL), (Cause.OFFLINE, Severity.MAJOR), (Cause.MAINS_LOST, Severity.MAJOR))
    for number, (cause, severity) in enumerate(kinds):
        more = {"cause": cause, "severity": severity, "opened_at": begun + timedelta(hours=number)}
        await incident(house, f"inc_{number}", account_id, open_key=f"k{number}", **more)
    hours = [to_text(begun + timedelta(hours=number)) for number in range(3)]

    async def ids(query: str) -> list[str]:
        listed = await (await house.ask("GET", f"/incidents?{query}", token=token)).json()
        return [each["id"] for each in listed["items"]]

    assert await ids("cause=mains_lost") == ["inc_2", "inc_0"]
    assert await ids("severity=major") == ["inc_2", "inc_1"]
    assert await ids("cause=mains_lost&severity=major&state=open") == ["inc_2"]
    assert await ids(f"from={hours[1]}") == ["inc_2", "inc_1"]
    assert await ids(f"to={hours[1]}") == ["inc_0"]
    assert await ids(f"from={hours[1]}&to={hours[2]}") == ["inc_1"]
    first = await (await house.ask("GET", f"/incidents?from={hours[1]}&limit=1", token=token)).json()
    assert await ids(f"from={hours[1]}&limit=1&cursor={first['next']}") == ["inc_1"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("cause=rain", "cause"),
        ("severity=huge", "severity"),
        ("from=yesterday", "from"),
        ("to=2026-11-22T12:00:00", "to"),
        ("from=2026-11-22T12:00:00Z&to=2026-11-22T12:00:00Z", "from"),
        ("began=2026-11-22T12:00:00Z", "began"),
    ],
)
async def test_a_wish_for_incidents_that_cannot_be_met_names_the_field(
    house: PortalHouse, query: str, field: str
) -> None:
    token = await house.customer(MAIJA)
    answer = await house.ask("GET", f"/incidents?{query}", token=token)
    assert (answer.status, fields_of(await answer.json())) == (422, [field])


async def test_incidents_come_in_pages(house: PortalHouse) -> None:
    token = await owned(house)
    account_id = (await house.account(MAIJA)).id
    for number in range(3):
        await incident(house, f"inc_{number}", account_id, open_key=f"k{number}")
    first = await (await house.ask("GET", "/incidents?limit=2", token=token)).json()
    rest = await (await house.ask("GET", f"/incidents?limit=2&cursor={first['next']}", token=token)).json()
    assert [each["id"] for each in first["items"] + rest["items"]] == ["inc_2", "inc_1", "inc_0"]
    assert rest["next"] is None


class Meanwhile:
    """Records in which something happens just before one of several reads."""

    def __init__(self, inner: Records, read: int, happens: Callable[[], Awaitable[object]]) -> None:
        self._inner = inner
        self._left = read
        self._happens = happens

    async def find(self, kind: type[Any], *tests: Any, **how: Any) -> list[Any]:
        if self._left == 0:
            await self._happens()
        self._left -= 1
        return await self._inner.find(kind, *tests, **how)


@pytest.mark.parametrize("read", range(5))
async def test_a_call_whose_end_is_stored_while_the_timeline_is_read_is_in_it_once(
    house: PortalHouse, read: int
) -> None:
    now = house.clock.now()
    made = await incident(house, "inc_1", "acc_1")
    ids = {"incident_id": made.id, "account_id": made.account_id, "person_id": "con_1"}
    held = Delivery(
        id="dlv_1",
        **ids,
        contact_id="con_1",
        kind=DeliveryKind.ALARM,
        channel=ChannelKind.SMS,
        address="+447700900001",
        text="Mains lost",
        state=DeliveryState.CALLING,
        created_at=now,
        due_at=now,
    )
    attempt = Attempt(id="att_1", delivery_id=held.id, **ids, number=1, provider="twilio", started_at=now)
    await house.records.add_all([held, attempt, *due_line(held, at=now)])
    settlement = Settlement(records=house.records, clock=house.clock, public_url=PUBLIC_URL)
    meanwhile = Meanwhile(house.records, read, lambda: settlement.settle(held, attempt, Unclear(reason="lost")))
    told = (await chronicles(meanwhile, made.account_id, [made]))[made.id]  # type: ignore[arg-type]  # all it needs
    (due,) = [each for each in told.lines if each.what is Happening.DELIVERY_DUE]
    (called,) = [each for each in told.lines if each.what is Happening.ATTEMPT]
    assert due.detail["state"] in {"calling", "unclear"}
    assert called.detail["outcome"] in {"started", "unclear"}


async def test_the_timeline_tells_of_each_message_each_try_and_why_not(house: PortalHouse) -> None:
    token = await owned(house)
    contact = await verified(house, token, name="Neighbour")
    now = house.clock.now()
    made = await incident(house, "inc_1", (await house.account(MAIJA)).id, needs_step=True, step_due_at=now)
    await work(house)
    (sms,) = [each for each in await alarms(house) if each.channel is ChannelKind.SMS]
    await house.records.change_one(Delivery, is_("id", sms.id), state=DeliveryState.CALLING)
    await house.records.add(
        Attempt(
            id="att_1",
            delivery_id=sms.id,
            incident_id=made.id,
            account_id=made.account_id,
            person_id=contact["id"],
            number=1,
            provider="twilio",
            started_at=now + timedelta(seconds=1),
        )
    )
    shown = await (await house.ask("GET", "/incidents/inc_1", token=token)).json()
    of_contact = [each for each in shown["timeline"] if each["contact_id"] == contact["id"]]
    assert [(each["what"], each["channel"], each["contact"]) for each in of_contact] == [
        ("delivery_due", "sms", "Neighbour"),
        ("attempt", "sms", "Neighbour"),
    ]
    assert of_contact[0]["detail"]["state"] == "calling"
    assert (of_contact[1]["detail"]["outcome"], of_contact[1]["detail"]["provider"]) == ("started", "twilio")
    assert [each["at"] for each in shown["timeline"]] == sorted(each["at"] for each in shown["timeline"])


async def test_a_try_that_has_ended_has_one_line(house: PortalHouse) -> None:
    token = await owned(house)
    account_id = (await house.account(MAIJA)).id
    await incident(house, "inc_1", account_id)
    now = house.clock.now()
    attempt = Attempt(
        id="att_1",
        delivery_id="dlv_1",
        incident_id="inc_1",
        account_id=account_id,
        person_id=account_id,
        number=1,
        provider="twilio",
        started_at=now,
        state=AttemptState.SENT,
        receipt="delivered",
    )
    line = TimelineEntry(
        id="tl_1",
        incident_id="inc_1",
        account_id=account_id,
        at=now,
        what=Happening.ATTEMPT,
        detail={"attempt_id": "att_1"},
    )
    await house.records.add_all([attempt, line])
    (shown,) = (await (await house.ask("GET", "/incidents/inc_1", token=token)).json())["timeline"]
    assert shown["detail"] == {"attempt_id": "att_1", "provider": "twilio", "receipt": "delivered"}


async def test_a_contact_that_was_removed_has_no_name_any_more(house: PortalHouse) -> None:
    token = await owned(house)
    account_id = (await house.account(MAIJA)).id
    await incident(house, "inc_1", account_id)
    line = TimelineEntry(
        id="tl_1",
        incident_id="inc_1",
        account_id=account_id,
        at=house.clock.now(),
        what=Happening.ACKNOWLEDGED,
        detail={"by": "con_gone sms"},
    )
    await house.records.add(line)
    (shown,) = (await (await house.ask("GET", "/incidents/inc_1", token=token)).json())["timeline"]
    assert (shown["contact_id"], shown["contact"]) == ("con_gone", None)


async def test_acknowledging_calls_off_what_has_not_gone_and_keeps_the_incident(house: PortalHouse) -> None:
    token = await owned(house)
    account = await house.account(MAIJA)
    await incident(house, "inc_1", account.id, needs_step=True, step_due_at=house.clock.now())
    await work(house)
    answer = await house.ask("POST", "/incidents/inc_1/ack", token=token)
    await work(house)
    shown = await answer.json()
    assert (answer.status, shown["state"], shown["acknowledged_by"]) == (200, "acknowledged", f"{account.id} portal")
    assert {each.state for each in await alarms(house)} == {DeliveryState.CALLED_OFF}
    (after,) = (await (await house.ask("GET", "/incidents?state=open", token=token)).json())["items"]
    assert "acknowledged" in {each["what"] for each in after["timeline"]}


async def test_acknowledging_twice_or_too_late_changes_nothing(house: PortalHouse) -> None:
    token = await owned(house)
    account_id = (await house.account(MAIJA)).id
    await incident(house, "inc_1", account_id)
    await incident(house, "inc_2", account_id, state=IncidentState.CLOSED, open_key=None)
    first = await (await house.ask("POST", "/incidents/inc_1/ack", token=token)).json()
    second = await house.ask("POST", "/incidents/inc_1/ack", token=token)
    closed = await house.ask("POST", "/incidents/inc_2/ack", token=token)
    assert (second.status, await second.json()) == (200, first)
    assert (closed.status, (await closed.json())["state"]) == (200, "closed")


async def test_whoever_was_asked_says_in_the_portal_that_they_are_still_on_it(house: PortalHouse) -> None:
    token = await owned(house)
    account_id = (await house.account(MAIJA)).id
    await house.records.add(
        Escalation(id="esc_1", account_id=account_id, steps=({"contact_ids": ["con_1"]},), remind_after_s=600)
    )
    await incident(house, "inc_1", account_id)
    await house.ask("POST", "/incidents/inc_1/ack", token=token)
    await work(house)
    await house.clock.advance(600)
    await work(house)
    asked = await (await house.ask("GET", "/incidents/inc_1", token=token)).json()
    assert (asked["state"], asked["asked_at"] is None) == ("acknowledged", False)
    await house.ask("POST", "/incidents/inc_1/ack", token=token)
    await house.clock.advance(599)
    await work(house)
    shown = await (await house.ask("GET", "/incidents/inc_1", token=token)).json()
    assert (shown["state"], shown["asked_at"]) == ("acknowledged", None)
    assert "confirmed" in {each["what"] for each in shown["timeline"]}


async def test_a_test_alarm_goes_the_whole_way_and_is_marked(house: PortalHouse) -> None:
    token = await owned(house)
    contact = await verified(house, token)
    answer = await house.ask("POST", TEST_ALARM, token=token)
    made = await answer.json()
    await work(house)
    shown = await (await house.ask("GET", f"/incidents/{made['incident_id']}", token=token)).json()
    assert (answer.status, shown["test"], shown["cause"], shown["state"]) == (202, True, "test", "open")
    told = await alarms(house)
    assert {each.contact_id for each in told} >= {contact["id"]}
    assert all(shown["short_code"] in each.text and "TEST" in each.text for each in told)
    assert shown["timeline"][0]["what"] == "opened"


@pytest.mark.parametrize("heard", [True, False])
async def test_a_test_alarm_ends_by_itself_even_of_a_socket_that_was_never_heard(
    house: PortalHouse, heard: bool
) -> None:
    token = await owned(house)
    if heard:
        await report(house, 1, mains=True)
    made = await (await house.ask("POST", TEST_ALARM, token=token)).json()
    await work(house)
    await house.clock.advance(901)
    await work(house)
    found = await house.records.get(Incident, made["id"])
    assert found is not None
    assert found.state is IncidentState.CLOSED
    assert (await house.ask("POST", TEST_ALARM, token=token)).status == 202


async def test_a_test_alarm_does_not_make_a_silent_socket_look_online(house: PortalHouse) -> None:
    token = await owned(house)
    await house.ask("POST", TEST_ALARM, token=token)
    shown = await (await house.ask("GET", f"/devices/{SOCKET}", token=token)).json()
    assert (shown["online"], shown["last_seen"]) == (False, None)


async def test_a_second_test_alarm_waits_for_the_first(house: PortalHouse) -> None:
    token = await owned(house)
    await house.ask("POST", TEST_ALARM, token=token)
    assert (await house.ask("POST", TEST_ALARM, token=token)).status == 409
    assert await house.records.count(Incident) == 1
