"""Data that may only be kept: its holder reads it and chooses what becomes of alarms; nobody else uses it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from isocket.domain.call_offs import CallOff
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.incidents import Cause, Happening, Incident, IncidentState, Severity
from isocket.domain.restrictions import (
    AlarmsMeanwhile,
    Objection,
    ObjectionTo,
    Restriction,
    is_left_alone,
    objection_id,
    restriction_id,
)
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import is_
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from privacy.restricting import announce_end
from tests.fakes.alert_house import ACCOUNT, AlertHouse
from tests.fakes.clock import NOON
from tests.fakes.portal_devices import ALL_ROUTES, MAIJA, SOCKET, incident, owned
from tests.fakes.portal_house import PUBLIC_URL, PortalHouse, portal_house
from tests.fakes.visitor import Visitor, signed_in

PAGE = f"{PUBLIC_URL}/privacy"


@pytest_asyncio.fixture
async def house() -> AsyncIterator[PortalHouse]:
    from portal_api.pages_routes import page_routes

    keyring = MemoryKeyring()
    records = StoredRecords(SealedDocuments(MemoryDocuments(), keyring))
    async with portal_house(records=records, keyring=keyring, routes=(*ALL_ROUTES, *page_routes(desk=False))) as made:
        yield made


async def restrict(house: PortalHouse, token: str, *, on: bool = True, alarms: str = "continue") -> dict[str, object]:
    answer = await house.ask("PUT", "/privacy/restriction", {"on": on, "alarms": alarms}, token=token)
    assert answer.status == 200, await answer.text()
    said: dict[str, object] = await answer.json()
    return said


@pytest.mark.clause("C7-08")
async def test_the_holder_is_told_what_it_does_chooses_and_still_reads_everything(house: PortalHouse) -> None:
    token = await owned(house)
    before = await (await house.ask("GET", "/privacy/restriction", token=token)).json()
    assert (before["on"], any("nobody is told of any alarm" in each for each in before["consequences"])) == (
        False,
        True,
    )
    said = await restrict(house, token, alarms="stop")
    assert (said["on"], said["alarms"], said["lifts_at"]) == (True, "stop", None)
    (letter,) = [each for each in await house.mails(MAIJA) if each.kind is DeliveryKind.NOTICE]
    assert "NOBODY IS TOLD OF ALARMS" in letter.text
    for path in ("/me", "/devices", "/contacts", "/privacy/disclosures", "/privacy/consents"):
        assert (await house.ask("GET", path, token=token)).status == 200


async def test_the_choice_can_be_changed_and_asking_twice_tells_once(house: PortalHouse) -> None:
    token = await owned(house)
    first = await restrict(house, token, alarms="stop")
    assert await restrict(house, token, alarms="stop") == first
    changed = await restrict(house, token, alarms="continue")
    assert (changed["alarms"], changed["since"]) == ("continue", first["since"])
    assert len([each for each in await house.mails(MAIJA) if each.kind is DeliveryKind.NOTICE]) == 2
    over = await restrict(house, token, on=False)
    assert (over["on"], over["alarms"]) == (False, None)
    assert len([each for each in await house.mails(MAIJA) if each.kind is DeliveryKind.NOTICE]) == 3
    again = await restrict(house, token, alarms="stop")
    assert (again["on"], again["since"] != first["since"]) == (True, True)


async def test_somebody_who_only_has_an_old_session_cannot_silence_alarms(house: PortalHouse) -> None:
    token = await owned(house)
    await house.clock.advance(11 * 60)
    answer = await house.ask("PUT", "/privacy/restriction", {"on": True, "alarms": "stop"}, token=token)
    assert answer.status == 403
    assert await house.records.count(Restriction) == 0


@pytest.mark.clause("C7-08")
async def test_nobody_is_told_of_alarms_where_they_were_stopped_and_the_timeline_says_so() -> None:
    alerts = await AlertHouse().furnish()
    held = Restriction(
        id=restriction_id(ACCOUNT), account_id=ACCOUNT, since=alerts.clock.now(), alarms=AlarmsMeanwhile.STOP
    )
    await alerts.records.add(held)
    await alerts.incident()
    for _ in range(3):
        await alerts.escalate()
        await alerts.send()
        await alerts.clock.advance(400)
    assert alerts.accepted == []
    (line,) = await alerts.timeline(Happening.NOT_SENT)
    assert line.reason == "restricted"
    await alerts.records.change_one(Restriction, is_("id", held.id), lifts_at=alerts.clock.now())
    await alerts.clock.advance(301)
    await alerts.escalate()
    await alerts.send()
    assert len(alerts.accepted) == 2, "the incident is still open, so it is told now"


async def test_what_is_over_before_anybody_looked_is_told_to_nobody_either_and_says_why() -> None:
    alerts = await AlertHouse().furnish()
    await alerts.records.add(
        Restriction(
            id=restriction_id(ACCOUNT), account_id=ACCOUNT, since=alerts.clock.now(), alarms=AlarmsMeanwhile.STOP
        )
    )
    incident = await alerts.incident()
    await alerts.records.change_one(
        Incident, is_("id", incident.id), state=IncidentState.CLOSED, closed_at=alerts.clock.now(), open_key=None
    )
    await alerts.escalate()
    await alerts.send()
    assert alerts.accepted == []
    assert [each.reason for each in await alerts.timeline(Happening.NOT_SENT)] == ["restricted"]
    assert await alerts.records.count(Incident, is_("needs_step", True)) == 0


@pytest.mark.clause("C7-08")
async def test_an_alarm_on_its_way_is_held_back_at_the_last_look() -> None:
    alerts = await AlertHouse().furnish()
    await alerts.incident()
    await alerts.escalate()
    await alerts.records.add(
        Restriction(
            id=restriction_id(ACCOUNT), account_id=ACCOUNT, since=alerts.clock.now(), alarms=AlarmsMeanwhile.STOP
        )
    )
    await alerts.send()
    assert alerts.accepted == []
    states = {(each.state, each.reason) for each in await alerts.deliveries()}
    assert states == {(DeliveryState.CALLED_OFF, "restricted")}


@pytest.mark.clause("C7-08")
async def test_telephones_that_ring_when_alarms_are_stopped_are_called_off(house: PortalHouse) -> None:
    token = await owned(house)
    account, now = await house.account(MAIJA), house.clock.now()
    stored = {
        "account_id": account.id, "person_id": account.id, "incident_id": "inc_1", "kind": DeliveryKind.ALARM,
        "address": "+447700900123", "text": "Alarm", "due_at": now,
    }  # fmt: skip
    await house.records.add_all(
        [
            Delivery(id="rings", channel=ChannelKind.VOICE, state=DeliveryState.SENT, created_at=now, **stored),
            Delivery(id="text", channel=ChannelKind.SMS, state=DeliveryState.SENT, created_at=now, **stored),
            Delivery(
                id="over", channel=ChannelKind.VOICE, state=DeliveryState.SENT, created_at=now - timedelta(hours=1),
                **stored,
            ),
        ]
    )  # fmt: skip
    await restrict(house, token, alarms="continue")
    assert await house.records.count(CallOff) == 0
    await restrict(house, token, alarms="stop")
    (wish,) = await house.records.find(CallOff)
    assert (wish.delivery_id, wish.settled) == ("rings", False)


async def test_alarms_go_on_where_their_owner_wants_them() -> None:
    alerts = await AlertHouse().furnish()
    await alerts.records.add(Restriction(id=restriction_id(ACCOUNT), account_id=ACCOUNT, since=alerts.clock.now()))
    await alerts.incident()
    await alerts.escalate()
    await alerts.send()
    assert len(alerts.accepted) == 2


async def test_that_nobody_would_be_told_is_foretold_and_what_is_still_wrong_is_looked_at_when_it_ends(
    house: PortalHouse,
) -> None:
    token = await owned(house)
    account = await house.account(MAIJA)
    await restrict(house, token, alarms="stop")
    waits_until = house.clock.now() + timedelta(minutes=5)
    await incident(house, "inc_1", account.id, needs_step=True, step_due_at=waits_until)
    (said,) = (await (await house.ask("GET", "/readiness", token=token)).json())["items"]
    assert (said["ready"], said["reached"], said["missing"][0]["what"]) == (False, [], "restricted")
    visitor = Visitor(house.client)
    await visitor.sign_in(MAIJA)
    for path in ("/", f"/devices/{SOCKET}"):
        page = await visitor.open(path)
        assert "nobody is told of alarms meanwhile" in page.words
    await restrict(house, token, alarms="continue")
    found = await house.records.get(Incident, "inc_1")
    assert found is not None
    assert found.step_due_at == house.clock.now()
    (said,) = (await (await house.ask("GET", "/readiness", token=token)).json())["items"]
    assert "restricted" not in [each["what"] for each in said["missing"]]


@pytest.mark.clause("C7-08")
async def test_an_end_that_we_decide_is_told_before_it_comes(house: PortalHouse) -> None:
    token = await owned(house)
    account = await house.account(MAIJA)
    assert await announce_end(house.records, account.id, clock=house.clock, days=7, page=PAGE) is None
    await restrict(house, token)
    await house.clock.advance(1)
    ends = await announce_end(house.records, account.id, clock=house.clock, days=7, page=PAGE)
    assert ends == house.clock.now() + timedelta(days=7)
    assert await announce_end(house.records, account.id, clock=house.clock, days=1, page=PAGE) == ends
    letter = [each for each in await house.mails(MAIJA) if each.kind is DeliveryKind.NOTICE][-1]
    assert f"{ends:%Y-%m-%d}" in letter.text
    said = await (await house.ask("GET", "/privacy/restriction", token=token)).json()
    assert (said["on"], said["lifts_at"][:10]) == (True, f"{ends:%Y-%m-%d}")
    await house.clock.advance(7 * 86_400)
    held = await house.records.get(Restriction, restriction_id(account.id))
    assert held is not None
    assert not held.is_in_force(house.clock.now())


@pytest.mark.clause("C7-10")
def test_whoever_objects_or_is_restricted_is_left_alone() -> None:
    restriction = Restriction(id="res_1", account_id="acc_1", since=NOON)
    over = Restriction(id="res_1", account_id="acc_1", since=NOON, lifts_at=NOON)
    objection = Objection(id=objection_id("acc_1", ObjectionTo.STATISTICS), account_id="acc_1",
                          to=ObjectionTo.STATISTICS, at=NOON)  # fmt: skip
    assert is_left_alone(restriction, None, NOON)
    assert is_left_alone(None, objection, NOON)
    assert not is_left_alone(over, None, NOON)
    assert not is_left_alone(None, None, NOON)


@pytest.mark.clause("C7-10")
async def test_who_objects_to_being_told_of_alarms_is_paused_and_comes_back_when_they_want(house: PortalHouse) -> None:
    token = await owned(house)
    account = await house.account(MAIJA)
    said = await (await house.ask("PUT", "/privacy/objections", {"alarms": True}, token=token)).json()
    assert (said["alarms"], said["newsletter"]) == (True, False)
    (own,) = await house.records.find(Contact, is_("account_id", account.id))
    assert (own.pause_reason, own.paused_at is not None) == ("objected", True)
    kept = await (await house.ask("PUT", "/privacy/objections", {"statistics": True}, token=token)).json()
    assert (kept["alarms"], kept["statistics"]) == (True, True), "what is not named stays as it is"
    back = await (await house.ask("PUT", "/privacy/objections", {"alarms": False}, token=token)).json()
    assert back["alarms"] is False
    (own,) = await house.records.find(Contact, is_("account_id", account.id))
    assert own.paused_at is None


async def test_an_alarm_that_its_taker_objects_to_in_the_account_is_looked_at_at_once(house: PortalHouse) -> None:
    token, now = await owned(house), house.clock.now()
    account = await house.account(MAIJA)
    (own,) = await house.records.find(Contact, is_("account_id", account.id))
    taken = {"state": IncidentState.ACKNOWLEDGED, "acknowledged_at": now, "acknowledged_by": f"{own.id} email"}
    alarm = {"account_id": account.id, "device_id": "dev_1", "cause": Cause.OFFLINE, **taken}
    await house.records.add(Incident(id="inc_1", severity=Severity.MAJOR, opened_at=now, detected_at=now, **alarm))
    await house.ask("PUT", "/privacy/objections", {"alarms": True}, token=token)
    (known,) = await house.records.find(Incident)
    assert (known.needs_step, known.step_due_at) == (True, house.clock.now())


async def test_who_objects_after_a_stop_walks_away_as_of_now_and_saving_the_same_again_changes_nothing(
    house: PortalHouse,
) -> None:
    token = await owned(house)
    account = await house.account(MAIJA)
    for reason, walks_away in (("stop_reply", True), ("objected", False)):
        before = house.clock.now()
        mine = is_("account_id", account.id)
        await house.records.change_one(Contact, mine, paused_at=before, pause_reason=reason)
        await house.clock.advance(600)
        await house.ask("PUT", "/privacy/objections", {"alarms": True}, token=token)
        (own,) = await house.records.find(Contact, mine)
        assert (own.pause_reason, own.paused_at) == (reason, house.clock.now() if walks_away else before)


async def test_a_pause_of_another_reason_is_not_ended_by_taking_an_objection_back(house: PortalHouse) -> None:
    token = await owned(house)
    account = await house.account(MAIJA)
    stopped = {"paused_at": house.clock.now(), "pause_reason": "stop_reply"}
    await house.records.change_one(Contact, is_("account_id", account.id), **stopped)
    await house.ask("PUT", "/privacy/objections", {"alarms": False}, token=token)
    (own,) = await house.records.find(Contact, is_("account_id", account.id))
    assert own.pause_reason == "stop_reply"


async def test_the_page_begins_and_ends_a_pause(house: PortalHouse) -> None:
    visitor = await signed_in(house, MAIJA)
    page = await visitor.open("/privacy")
    paused = await visitor.send(page, "/privacy/pause", alarms="stop")
    assert "Nobody is told of alarms." in paused.words
    over = await visitor.send(paused, "/privacy/pause")
    assert "Only keep my data" in over.words
    assert await house.records.count(Delivery, is_("kind", DeliveryKind.NOTICE)) == 2
