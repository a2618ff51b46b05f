"""Alarms that reached nobody are seen by their customer at the next contact: in the account, or by a text message."""

import re
from collections.abc import AsyncIterator

import pytest

from alerts.channels.gsm7 import fits_one_segment
from alerts.replies import Replies
from isocket.domain.incidents import IncidentState
from isocket.domain.unheard import Unheard, unheard_of
from isocket.storage.port import is_
from tests.fakes.alert_house import ANNA, PHONES, PUBLIC_URL, AlertHouse
from tests.fakes.portal_devices import MAIJA, PEKKA, SOCKET, devices_house, incident, owned
from tests.fakes.portal_house import PortalHouse


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house() as running:
        yield running


async def missed(house: PortalHouse, incident_id: str = "inc_1", **more: object) -> None:
    """Store an incident of Maija's that nobody heard of."""
    stored = await incident(house, incident_id, (await house.account(MAIJA)).id, **more)
    await house.records.add(unheard_of(stored, "no_recipient", house.clock.now()))


async def unheard(house: PortalHouse, token: str) -> list[dict[str, object]]:
    answer = await house.ask("GET", "/unheard", token=token)
    assert answer.status == 200, await answer.text()
    items: list[dict[str, object]] = (await answer.json())["items"]
    return items


async def test_what_nobody_heard_is_shown_until_its_customer_says_that_they_have_seen_it(house: PortalHouse) -> None:
    token = await owned(house)
    await missed(house)
    await missed(house, "inc_2", open_key=None, state=IncidentState.CLOSED, closed_at=house.clock.now())
    shown = await unheard(house, token)
    assert [(each["incident_id"], each["device_id"], each["reason"]) for each in shown] == [
        ("inc_2", SOCKET, "no_recipient"),
        ("inc_1", SOCKET, "no_recipient"),
    ]
    assert (await (await house.ask("GET", "/me", token=token)).json())["unheard"] == 2
    assert len(await unheard(house, token)) == 2, "looking marks nothing"
    for _ in range(2):
        assert (await house.ask("POST", "/unheard/inc_2/seen", token=token)).status == 204
    assert [each["incident_id"] for each in await unheard(house, token)] == ["inc_1"]


async def test_an_alarm_that_somebody_took_after_all_is_not_shown(house: PortalHouse) -> None:
    token = await owned(house)
    await missed(house)
    assert (await house.ask("POST", "/incidents/inc_1/ack", token=token)).status == 200
    assert await unheard(house, token) == []
    assert (await (await house.ask("GET", "/me", token=token)).json())["unheard"] == 0


async def test_nobody_sees_what_another_customer_missed(house: PortalHouse) -> None:
    await owned(house)
    await missed(house)
    stranger = await house.customer(PEKKA)
    assert await unheard(house, stranger) == []
    assert (await house.ask("POST", "/unheard/inc_1/seen", token=stranger)).status == 404
    (kept,) = await house.records.find(Unheard)
    assert kept.seen_at is None


async def alert_house_with_a_missed_alarm() -> AlertHouse:
    house = await AlertHouse().furnish(language="fi")
    stored = await house.incident(needs_step=False)
    other = await house.incident("inc_0_of_another", account_id="acc_other", needs_step=False)
    await house.records.add_all([unheard_of(each, "nobody_reached", house.clock.now()) for each in (stored, other)])
    return house


async def answer_to(house: AlertHouse, text: str, sender: str = PHONES[ANNA]) -> str:
    return await Replies(records=house.records, clock=house.clock, public_url=PUBLIC_URL).heed(sender, text)


async def test_a_text_message_of_a_contact_is_answered_with_what_nobody_heard() -> None:
    house = await alert_house_with_a_missed_alarm()
    said = await answer_to(house, "moi")
    assert said.startswith("Hälytyksiä, joihin kukaan ei vastannut: 1. Viimeisin: Mökki: ")
    assert fits_one_segment(said)
    assert not re.search(r"\d{6}", said)
    await house.records.change_all(Unheard, is_("seen_at", None), seen_at=house.clock.now())
    assert "kukaan ei vastannut" not in await answer_to(house, "moi")


async def test_a_number_that_was_never_proved_is_told_nothing() -> None:
    house = await alert_house_with_a_missed_alarm()
    await house.contact("con_bertil", phone_verified_at=None)
    assert "kukaan ei vastannut" not in await answer_to(house, "hej", PHONES["con_bertil"])
