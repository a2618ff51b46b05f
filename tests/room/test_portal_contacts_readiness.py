"""Whether anybody would be reached, now and at another time, and what is missing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from alerts.escalation import Escalator
from isocket.domain import recipients
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.endpoints import GONE, Endpoint
from isocket.domain.incidents import IncidentState, Severity
from isocket.domain.reach import CAP_REACHED, NOT_CONFIGURED, SPENDING_CAP, Reach, reach
from isocket.domain.sending import ProviderHealth, Spending, month_of, spending_id
from isocket.kit.clock import to_text
from isocket.storage.port import is_
from portal_api import readiness
from portal_api.pages_words import LACKS
from portal_api.readiness import Lack, Readiness
from portal_api.ways_out import PROVIDER_REFUSES
from tests.fakes.portal_devices import (
    MAIJA,
    PEKKA,
    PHONE,
    SOCKET,
    claim,
    devices_house,
    enter,
    fields_of,
    incident,
    make_device,
    owned,
    report,
    verified,
)
from tests.fakes.portal_house import PUBLIC_URL, PortalHouse

DEVICE_PATH = f"/devices/{SOCKET}/escalation"
NIGHT = {"start": "22:00", "end": "07:00", "except_critical": False}


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house() as running:
        yield running


async def own_id(house: PortalHouse) -> str:
    (found,) = await house.records.find(Contact, is_("is_owner", True))
    return found.id


async def put(house: PortalHouse, token: str, *steps: dict[str, Any], path: str = DEVICE_PATH) -> None:
    answer = await house.ask("PUT", path, {"steps": list(steps)}, token=token)
    assert answer.status == 200, await answer.text()


async def ready(house: PortalHouse, token: str, **query: str) -> dict[str, Any]:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    answer = await house.ask("GET", f"/readiness?{asked}", token=token)
    (item,) = (await answer.json())["items"]
    readiness: dict[str, Any] = item
    return readiness


def lacks(readiness: dict[str, Any]) -> list[tuple[str, str | None, str | None]]:
    return [(each["what"], each["contact_id"], each["channel"]) for each in readiness["missing"]]


def reached(readiness: dict[str, Any]) -> list[tuple[str, list[str]]]:
    return [(each["contact_id"], each["channels"]) for each in readiness["reached"]]


async def test_a_socket_that_is_heard_and_has_a_recipient_is_ready(house: PortalHouse) -> None:
    token = await owned(house)
    await report(house, 1, mains=True)
    contact = await verified(house, token, email="neighbour@example.org")
    found = await ready(house, token)
    assert (found["ready"], found["ladder"]) == (True, "default")
    assert reached(found) == [(await own_id(house), ["email"]), (contact["id"], ["sms"])]
    assert lacks(found) == [("unverified", contact["id"], "email")]


async def test_what_is_missing_is_said(house: PortalHouse) -> None:
    token = await owned(house)
    contact = await enter(house, token, phone=PHONE)
    gone = await enter(house, token, phone="+447700900999")
    steps = [{"contacts": [contact["id"], gone["id"]], "channels": ["sms", "email"]}]
    await put(house, token, *steps, path="/escalation")
    await house.ask("DELETE", f"/contacts/{gone['id']}", token=token)
    never = await ready(house, token)
    await report(house, 1, mains=True)
    await house.clock.advance(3 * 900)
    silent = await ready(house, token)
    people = [
        ("unverified", contact["id"], "sms"),
        ("no_address", contact["id"], "email"),
        ("removed", gone["id"], None),
    ]
    assert [lacks(never), lacks(silent)] == [
        [("no_recipient", None, None), ("never_heard", None, None), *people],
        [("no_recipient", None, None), ("silent", None, None), *people],
    ]
    assert (never["ready"], never["reached"]) == (False, [])


async def test_a_paused_contact_is_not_counted_on(house: PortalHouse) -> None:
    token = await owned(house)
    contact = await verified(house, token)
    await put(house, token, {"contacts": [contact["id"]]})
    await house.records.change_one(Contact, is_("id", contact["id"]), paused_at=house.clock.now())
    found = await ready(house, token)
    assert (found["reached"], found["missing"][-1]["what"]) == ([], "paused")


async def test_readiness_names_exactly_those_whom_an_alarm_tells(house: PortalHouse) -> None:
    token = await owned(house)
    first = await verified(house, token, email="neighbour@example.org")
    second = await verified(house, token, phone="+447700900456", roles=["service"])
    await make_device(house, "is2")
    await claim(house, token, "is2")
    await put(house, token, {"contacts": [second["id"]]}, {"contacts": [first["id"]], "channels": ["sms"]})
    escalator = Escalator(records=house.records, clock=house.clock, public_url=PUBLIC_URL)
    answer = await house.ask("GET", "/readiness", token=token)
    items = (await answer.json())["items"]
    assert len(items) == 2
    for item in items:
        test = await house.ask("POST", f"/devices/{item['device_id']}/test-alarm", token=token)
        await escalator.step()
        due = await house.records.find(Delivery, is_("incident_id", (await test.json())["incident_id"]))
        named = {(each["contact_id"], channel) for each in item["reached"] for channel in each["channels"]}
        assert {(each.contact_id, each.channel.value) for each in due} == named
        assert named


async def test_a_channel_that_reaches_nobody_here_is_not_counted_on() -> None:
    async with devices_house(channels=frozenset({ChannelKind.EMAIL})) as house:
        token = await owned(house)
        contact = await enter(house, token, phone=PHONE)
        await house.records.change_one(Contact, is_("id", contact["id"]), phone_verified_at=house.clock.now())
        await put(house, token, {"contacts": [contact["id"]]})
        found = await ready(house, token)
        codes_due = await house.records.count(Delivery, is_("kind", DeliveryKind.CODE))
        asked = await house.ask("POST", f"/contacts/{contact['id']}/verification", {"channel": "sms"}, token=token)
    assert found["reached"] == []
    assert ("channel_not_configured", contact["id"], "sms") in lacks(found)
    assert (codes_due, asked.status) == (0, 409)


async def test_who_sleeps_through_it_is_told_at_the_end_of_their_quiet_hours(house: PortalHouse) -> None:
    token = await owned(house)  # it is noon
    contact = await verified(house, token, email=PEKKA, time_zone="Europe/Helsinki", quiet_hours=NIGHT)
    await put(house, token, {"contacts": [contact["id"]]})
    now = house.clock.now()
    await house.records.change_one(Contact, is_("id", contact["id"]), email_verified_at=now)
    night = to_text(now + timedelta(hours=10))  # midnight in Helsinki
    found = await ready(house, token, at=night)
    (item,) = found["reached"]
    assert item["held_until"] == "2026-11-23T05:00:00.000Z"
    assert lacks(found)[0][0] == "all_quiet"
    assert lacks(found).count(("quiet_hours", contact["id"], None)) == 1, "by however many ways they would be told"
    assert (await ready(house, token))["reached"][0]["held_until"] is None
    exempt = {"quiet_hours": {"start": "22:00", "end": "07:00"}}
    await house.ask("PATCH", f"/contacts/{contact['id']}", exempt, token=token)
    assert (await ready(house, token, at=night))["reached"][0]["held_until"] is None
    assert (await ready(house, token, at=night, severity="major"))["reached"][0]["held_until"] is not None


@pytest.mark.parametrize(
    ("night", "ends"),
    [("2027-10-31T02:30:00Z", "2027-10-31T05:00:00.000Z"), ("2027-03-28T00:30:00Z", "2027-03-28T04:00:00.000Z")],
)
async def test_a_rehearsal_crosses_the_change_of_clocks(house: PortalHouse, night: str, ends: str) -> None:
    token = await owned(house)
    contact = await verified(house, token, time_zone="Europe/Helsinki", quiet_hours=NIGHT)
    await put(house, token, {"contacts": [contact["id"]]})
    assert (await ready(house, token, at=night))["reached"][0]["held_until"] == ends


@pytest.mark.parametrize("at", ["2028-01-01T00:00:00Z", "2026-11-01T00:00:00Z", "tomorrow", "2026-11-26T00:00:00"])
async def test_a_rehearsal_is_for_a_time_that_can_be_foreseen(house: PortalHouse, at: str) -> None:
    answer = await house.ask("GET", f"/readiness?at={at}", token=await owned(house))
    assert (answer.status, fields_of(await answer.json())) == (422, ["at"])


async def test_whoever_stands_in_is_named_for_the_time_in_which_they_do(house: PortalHouse) -> None:
    token = await owned(house)
    contact = await verified(house, token)
    me, now = await own_id(house), house.clock.now()
    wish = {
        "contact_id": me,
        "stand_in_id": contact["id"],
        "from": to_text(now + timedelta(days=1)),
        "until": to_text(now + timedelta(days=8)),
    }
    await put(house, token, {"contacts": [me]})
    assert (await house.ask("POST", "/substitutions", wish, token=token)).status == 201
    assert reached(await ready(house, token)) == [(me, ["email"])]
    away = await ready(house, token, at=to_text(now + timedelta(days=2)))
    assert [(each["contact_id"], each["stands_in_for"]) for each in away["reached"]] == [(contact["id"], me)]
    assert ("substituted", me, None) in lacks(away)


async def test_the_last_proof_of_each_way_is_shown_and_the_last_failure(house: PortalHouse) -> None:
    token = await owned(house)
    contact = await verified(house, token)
    await put(house, token, {"contacts": [contact["id"]]})
    stored = await house.records.get(Contact, contact["id"])
    assert stored is not None
    assert stored.phone_verified_at is not None
    await house.clock.advance(600)
    assert (await ready(house, token))["reached"][0]["last_reached_at"] == to_text(stored.phone_verified_at)
    delivered_at = await sent(house, stored, DeliveryState.DELIVERED)
    assert (await ready(house, token))["reached"][0]["last_reached_at"] == to_text(delivered_at)
    await house.clock.advance(600)
    await sent(house, stored, DeliveryState.FAILED, reason="number_invalid")
    found = await ready(house, token)
    assert {
        "what": "last_failed",
        "contact_id": contact["id"],
        "channel": "sms",
        "until": None,
        "reason": "number_invalid",
    } in found["missing"]
    answered_at = house.clock.now() + timedelta(hours=1)
    await incident(
        house,
        "inc_1",
        stored.account_id,
        state=IncidentState.ACKNOWLEDGED,
        acknowledged_at=answered_at,
        acknowledged_by=f"{contact['id']} sms",
    )
    found = await ready(house, token)
    assert found["reached"][0]["last_reached_at"] == to_text(answered_at)
    assert "last_failed" not in {each["what"] for each in found["missing"]}


async def sent(house: PortalHouse, to: Contact, state: DeliveryState, reason: str = "") -> datetime:
    now = house.clock.now()
    await house.records.add(
        Delivery(
            id=f"dlv_{state}",
            account_id=to.account_id,
            person_id=to.id,
            contact_id=to.id,
            kind=DeliveryKind.ALARM,
            channel=ChannelKind.SMS,
            address=PHONE,
            text="-",
            state=state,
            reason=reason,
            created_at=now,
            due_at=now,
            ended_at=now,
        )
    )
    return now


async def test_a_browser_that_is_gone_is_named(house: PortalHouse) -> None:
    token = await owned(house)
    contact = await verified(house, token)
    now = house.clock.now()
    await house.records.add(
        Endpoint(
            id="end_1",
            account_id=(await house.account(MAIJA)).id,
            contact_id=contact["id"],
            kind=ChannelKind.PUSH,
            address="{}",
            created_at=now,
            verified_at=now,
            gone_at=now,
        )
    )
    assert ("endpoint_gone", contact["id"], "push") in lacks(await ready(house, token))


async def test_what_matters_little_is_rehearsed_with_the_service_contacts(house: PortalHouse) -> None:
    token = await owned(house)
    contact = await verified(house, token, roles=["service"])
    found = await ready(house, token, severity="minor")
    own = (await own_id(house), ["email"])  # whose account it is has both roles
    assert (found["ladder"], reached(found)) == ("service", [own, (contact["id"], ["sms"])])


async def test_a_provider_that_refuses_us_and_a_cap_that_is_reached_are_said(house: PortalHouse) -> None:
    token = await owned(house)
    contact = await verified(house, token)
    await put(house, token, {"contacts": [contact["id"]]})
    now, account_id = house.clock.now(), (await house.account(MAIJA)).id
    month = month_of(now)
    await house.records.add(
        Spending(
            id=spending_id(account_id, month), account_id=account_id, month=month, started_at=now, told_percent=100
        )
    )
    assert reached(await ready(house, token)) == [(contact["id"], ["sms"])]
    assert ("spending_cap", contact["id"], "sms") in lacks(await ready(house, token, severity="major"))
    refused_until = now + timedelta(minutes=5)
    health = ProviderHealth(id="ph_1", kind=ChannelKind.SMS, name="twilio", refused_until=refused_until)
    await house.records.add(health)
    found = await ready(house, token)
    assert (reached(found), lacks(found)[0][0]) == ([], "no_recipient")
    assert ("provider_refuses", contact["id"], "sms") in lacks(found)
    await house.records.add(ProviderHealth(id="ph_2", kind=ChannelKind.SMS, name="elks"))
    assert reached(await ready(house, token)) == [(contact["id"], ["sms"])]


@pytest.mark.parametrize(("refusing", "ready_by"), [(("twilio",), ["sms"]), (("twilio", "46elks"), None)])
async def test_a_provider_that_refuses_us_closes_no_way_while_another_of_which_nothing_was_noted_is_set_up(
    refusing: tuple[str, ...], ready_by: list[str] | None
) -> None:
    async with devices_house(providers={ChannelKind.SMS: ("twilio", "46elks")}) as house:
        token = await owned(house)
        contact = await verified(house, token)
        await put(house, token, {"contacts": [contact["id"]]})
        until = house.clock.now() + timedelta(minutes=5)
        for name in refusing:
            await house.records.add(
                ProviderHealth(id=f"ph_{name}", kind=ChannelKind.SMS, name=name, refused_until=until)
            )
        found = await ready(house, token)
    assert reached(found) == ([(contact["id"], ready_by)] if ready_by else [])


def test_every_reason_for_which_somebody_is_passed_over_has_a_name_and_words() -> None:
    reasons = {value for name, value in vars(recipients).items() if name.isupper() and isinstance(value, str)}
    assert {*reasons, CAP_REACHED, GONE, NOT_CONFIGURED, PROVIDER_REFUSES, SPENDING_CAP} <= {
        each.value for each in Lack
    }
    assert {each.value for each in Lack} - set(LACKS) == {"no_recipient", "all_quiet"}


async def test_whom_the_ladder_s_cap_leaves_out_is_foretold_except_of_critical_alarms(house: PortalHouse) -> None:
    token = await owned(house)
    await report(house, 1, mains=True)
    contact, own = await verified(house, token), await own_id(house)
    steps = [{"contacts": [own]}, {"contacts": [contact["id"]], "after_s": 60}, {"contacts": [own], "after_s": 120}]
    answer = await house.ask("PUT", DEVICE_PATH, {"steps": steps, "cap": 2}, token=token)
    assert answer.status == 200
    foretold = await ready(house, token, severity="major")
    assert reached(foretold) == [(own, ["email"]), (contact["id"], ["sms"])]
    assert ("cap_reached", own, "email") in lacks(foretold)
    critical = await ready(house, token)
    assert reached(critical) == [(own, ["email"]), (contact["id"], ["sms"]), (own, ["email"])]
    assert "cap_reached" not in {each["what"] for each in critical["missing"]}


async def test_of_what_is_for_information_only_nobody_is_told_and_that_is_foretold(house: PortalHouse) -> None:
    token = await owned(house)
    await report(house, 1, mains=True)
    await verified(house, token)
    foretold = await ready(house, token, severity="info")
    assert (foretold["ready"], foretold["reached"]) == (False, [])
    assert lacks(foretold) == [("information_only", None, None)]


async def test_what_is_foretold_of_a_cap_is_what_happens(house: PortalHouse) -> None:
    token = await owned(house)
    await report(house, 1, mains=True)
    contact, own = await verified(house, token), await own_id(house)
    steps = [{"contacts": [own, contact["id"]]}, {"contacts": [own], "after_s": 1}]
    await house.ask("PUT", DEVICE_PATH, {"steps": steps, "cap": 1}, token=token)
    foretold = await ready(house, token, severity="major")
    account_id = (await house.account(MAIJA)).id
    await incident(house, "inc_1", account_id, severity=Severity.MAJOR, needs_step=True)
    escalator = Escalator(records=house.records, clock=house.clock, public_url=PUBLIC_URL)
    await house.clock.advance(5)
    while await escalator.step():
        pass
    alarms = await house.records.find(Delivery, is_("kind", DeliveryKind.ALARM))
    assert [(each.contact_id, each.channel.value) for each in alarms] == [
        (told["contact_id"], channel) for told in foretold["reached"] for channel in told["channels"]
    ]


async def test_the_people_of_sockets_alike_are_gone_through_once(
    house: PortalHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await owned(house)
    contact, own = await verified(house, token, email="neighbour@example.org"), await own_id(house)
    others = [f"is000000000{number}" for number in range(2, 6)]
    for each in others:
        await make_device(house, each)
        await claim(house, token, each)
    await put(house, token, {"contacts": [contact["id"]], "channels": ["sms"], "after_s": 0}, path=DEVICE_PATH)
    now = house.clock.now()
    away = {"contact_id": contact["id"], "stand_in_id": own, "device_id": others[0]}
    times = {"from": to_text(now), "until": to_text(now + timedelta(days=1))}
    entered = await house.ask("POST", "/substitutions", {**away, **times}, token=token)
    assert entered.status == 201, await entered.text()
    asked: list[str] = []

    def counted(*people: Any, device_id: str, **how: Any) -> Reach:
        asked.append(device_id)
        return reach(*people, device_id=device_id, **how)

    monkeypatch.setattr("portal_api.readiness.reach", counted)
    found = (await (await house.ask("GET", "/readiness", token=token)).json())["items"]
    told = {each["device_id"]: reached(each) for each in found}
    alike = [(own, ["email"]), (contact["id"], ["sms"])]
    assert told == {
        SOCKET: [(contact["id"], ["sms"])],
        others[0]: [(own, ["email"])],
        **dict.fromkeys(others[1:], alike),
    }
    assert len(asked) == 3, "of the two that something names, and of all others"


async def test_others_have_their_turn_between_the_answers_about_many_sockets(
    house: PortalHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await owned(house)
    for number in range(2, 12):
        await make_device(house, f"is00000000{number:02}")
        await claim(house, token, f"is00000000{number:02}")
    turns, at = 0, list[int]()

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def noting(*parts: Any) -> Readiness:
        at.append(turns)
        return answer(*parts)

    answer = readiness._readiness
    monkeypatch.setattr(readiness, "_readiness", noting)
    other = asyncio.create_task(turn())
    try:
        assert len((await (await house.ask("GET", "/readiness", token=token)).json())["items"]) == 11
    finally:
        other.cancel()
    assert len(set(at)) == 11, "of an alarm that comes meanwhile"
