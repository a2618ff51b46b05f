"""The pages about people: how each is told, who is away, and who is told first, without any script."""

from collections.abc import AsyncIterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from isocket.domain.contacts import ChannelKind, Contact, Escalation, Substitution
from isocket.domain.deliveries import Delivery
from isocket.domain.devices import Device
from isocket.kit.ids import derived_id
from isocket.storage.port import is_
from portal_api.app import ROUTES
from portal_api.pages_away import MOST_SOCKETS
from portal_api.pages_routes import page_routes
from portal_api.routes import Surface
from tests.fakes.portal_house import PortalHouse, portal_house
from tests.fakes.visitor import Page, Visitor, signed_in

MAIJA = "maija@example.org"
DEVICE, BERTIL = "is00000001", "con_bertil"
WITH_PAGES = (*(each for each in ROUTES if each.surface is Surface.API), *page_routes(desk=False))
EVERY_WAY = frozenset({ChannelKind.SMS, ChannelKind.VOICE, ChannelKind.EMAIL})


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house(routes=WITH_PAGES, channels=EVERY_WAY) as running:
        yield running


async def with_a_neighbour(house: PortalHouse) -> Visitor:
    """Return Maija's browser; she has a socket and a neighbour whose telephone is verified."""
    visitor = await signed_in(house, MAIJA, time_zone="Europe/Helsinki")
    account, now = await house.account(MAIJA), house.clock.now()
    await house.records.add_all(
        [
            Device(
                id=DEVICE,
                model="isocket-4g",
                secret_hash="x",
                claim_hash="x",
                provisioned_at=now,
                owner_id=account.id,
                name="Summer house",
            ),
            Contact(
                id=BERTIL,
                account_id=account.id,
                name="Bertil",
                phone="+447700900123",
                phone_verified_at=now,
                created_at=now + timedelta(seconds=1),  # after Maija herself, in whose place he is told
            ),
        ]
    )
    return visitor


async def own_id(house: PortalHouse) -> str:
    (found,) = await house.records.find(Contact, is_("is_owner", True))
    return found.id


@pytest.mark.parametrize("cursor", ["nonsense", "9" * 5000])
async def test_a_place_in_the_contacts_that_is_none_of_ours_is_refused(house: PortalHouse, cursor: str) -> None:
    visitor = await with_a_neighbour(house)
    assert (await visitor.open(f"/contacts?cursor={cursor}")).status == 422


async def test_quiet_hours_and_roles_are_chosen_on_a_page(house: PortalHouse) -> None:
    visitor = await with_a_neighbour(house)
    path = f"/contacts/{BERTIL}/choices"
    page = await visitor.open(path)
    assert page.form(path).values["alarm"] == "on"
    page = await visitor.send(page, path, quiet_from="22:00", quiet_until="07:00", service="on", language="sv")
    assert "Told of alarms and service; quiet from 22:00 to 07:00" in page.words
    contact = await house.records.get(Contact, BERTIL)
    assert contact is not None
    assert contact.quiet_hours == {"start": "22:00", "end": "07:00", "except_critical": True}
    assert (contact.language, set(contact.roles)) == ("sv", {"alarm", "service"})
    page = await visitor.open(path)
    values = {**page.form(path).values, "quiet_from": "", "quiet_until": ""}
    del values["service"]
    await visitor.post(path, values)
    contact = await house.records.get(Contact, BERTIL)
    assert contact is not None
    assert (contact.quiet_hours, contact.roles) == (None, ("alarm",))


async def test_what_is_wrong_with_a_choice_is_said_beside_it(house: PortalHouse) -> None:
    visitor = await with_a_neighbour(house)
    path = f"/contacts/{BERTIL}/choices"
    page = await visitor.open(path)
    values = {**page.form(path).values, "quiet_from": "22:00"}
    del values["alarm"]
    page = await visitor.post(path, values)
    assert (page.status, "Choose at least one." in page.words) == (422, True)
    assert 'id="quiet_until-more"' in page.html
    assert page.focused == ["quiet_until"]
    assert (await visitor.post(path, {**values, "quiet_from": ""})).focused == ["alarm-more"]


async def test_a_landline_is_called_by_a_button_and_its_code_verifies_it_for_calls(house: PortalHouse) -> None:
    visitor = await signed_in(house, MAIJA)
    page = await visitor.send(await visitor.open("/contacts"), "/contacts", name="Office", phone="+35891234567")
    assert "No code was sent: ask for one below." in page.words
    assert "Have somebody at the telephone" in page.words
    (contact,) = await house.records.find(Contact, is_("is_owner", False))
    page = await visitor.send(page, f"/contacts/{contact.id}/verification")
    (call,) = await house.records.find(Delivery, is_("channel", ChannelKind.VOICE))
    code = "".join(each for each in call.text if each.isdigit())
    page = await visitor.send(page, f"/contacts/{contact.id}/verify", code=code)
    assert "Verified for calls" in page.words


async def away(house: PortalHouse, visitor: Visitor, **more: str) -> Page:
    until = (house.clock.now() + timedelta(days=7)).astimezone(ZoneInfo("Europe/Helsinki"))
    typed = {"stand_in_id": BERTIL, "until": f"{until:%Y-%m-%dT%H:%M}", **more}
    return await visitor.send(await visitor.open("/away"), "/away", **typed)


async def test_somebody_stands_in_and_every_page_about_people_says_so(house: PortalHouse) -> None:
    visitor = await with_a_neighbour(house)
    page = await away(house, visitor, device_id=DEVICE)
    sentence = "Bertil is told in place of"
    assert sentence in page.words
    assert "at Summer house until 29 Nov 14:00" in page.words
    assert sentence in (await visitor.open("/contacts")).words
    assert "stands in for" in (await visitor.open(f"/devices/{DEVICE}")).words
    (stored,) = await house.records.find(Substitution)
    assert (stored.contact_id, stored.device_id, stored.additional) == (await own_id(house), DEVICE, False)
    page = await visitor.send(page, f"/away/{stored.id}/end")
    assert "Ended." in page.words
    assert await house.records.count(Substitution) == 0


async def test_a_stand_in_who_gets_no_alarms_and_a_time_that_is_none_are_refused(house: PortalHouse) -> None:
    visitor = await with_a_neighbour(house)
    page = await away(house, visitor, until="some day")
    assert (page.status, "This is not a day and a time." in page.words) == (422, True)
    page = await away(house, visitor, until="")
    assert "Please fill this in." in page.words
    await house.records.change_one(Contact, is_("id", BERTIL), phone_verified_at=None)
    page = await away(house, visitor)
    assert (page.status, "They would get no alarms" in page.words) == (422, True)


@pytest.mark.parametrize("path", ["/away", "/programs"])
async def test_where_not_every_socket_stands_to_choose_from_the_page_says_so(house: PortalHouse, path: str) -> None:
    visitor, account, now = await with_a_neighbour(house), await house.account(MAIJA), house.clock.now()
    made = {"model": "isocket-4g", "secret_hash": "x", "claim_hash": "x", "provisioned_at": now, "owner_id": account.id}
    await house.records.add_all([Device(id=f"ist{n}", **made) for n in range(MOST_SOCKETS - 1)])
    missing = "Not all of your sockets stand here"
    assert missing not in (await visitor.open(path)).words, "with the one that she has, they do"
    await house.records.add(Device(id="ist_more", **made))
    page = await visitor.open(path)
    (select,) = [each for tag, each in page.tags if tag == "select" and each["name"] == "device_id"]
    assert (missing in page.words, select["aria-describedby"]) == (True, "device_id-more")


async def test_a_ladder_is_set_shown_and_taken_away_on_a_page(house: PortalHouse) -> None:
    visitor = await with_a_neighbour(house)
    path = f"/devices/{DEVICE}/ladder"
    page = await visitor.open(path)
    assert "everybody with a verified address is told at once" in page.words
    steps = {
        "step.0.contact": await own_id(house),
        "step.0.after": "0",
        "step.0.email": "on",
        "step.1.contact": BERTIL,
        "step.1.after": "1,5",
        "step.1.sms": "on",
        "step.1.voice": "on",
        "step.2.contact": "",
    }
    values = {**page.form(path).values, **steps, "repeat": "2", "repeat_after": "10", "cap": "30"}
    page = await visitor.post(path, values)
    assert "This socket has its own." in page.words
    (stored,) = await house.records.find(Escalation)
    assert [(step["contact_ids"], step["channels"], step["after_s"]) for step in stored.steps] == [
        ([await own_id(house)], ["email"], 0),
        ([BERTIL], ["sms", "voice"], 90),
    ]
    assert (stored.device_id, stored.repeat, stored.repeat_after_s, stored.cap) == (DEVICE, 2, 600, 30)
    shown = page.form(path).values
    assert (shown["step.1.contact"], shown["step.1.after"], shown["repeat_after"]) == (BERTIL, "1.5", "10")
    await visitor.send(page, path, take_away="1")
    assert await house.records.count(Escalation) == 0


async def test_what_is_wrong_with_a_step_is_said_beside_it(house: PortalHouse) -> None:
    visitor = await with_a_neighbour(house)
    page = await visitor.open("/ladder")
    values = {**page.form("/ladder").values, "step.0.contact": BERTIL, "step.0.after": "soon", "repeat": "12"}
    page = await visitor.post("/ladder", values)
    assert page.status == 422
    assert 'id="step.0.after-more"' in page.html
    assert 'id="repeat-more"' in page.html
    assert page.form("/ladder").values["step.0.after"] == "soon"


async def test_what_a_page_does_not_show_of_a_ladder_stays_as_it_was(house: PortalHouse) -> None:
    visitor = await with_a_neighbour(house)
    account = await house.account(MAIJA)
    ladder_id = derived_id("esc", account.id, "")
    step = {"contact_ids": [BERTIL], "channels": ["sms"], "after_s": 0}
    await house.records.add(Escalation(id=ladder_id, account_id=account.id, steps=(step,), remind_after_s=0))
    page = await visitor.open("/ladder")
    await visitor.post("/ladder", {**page.form("/ladder").values, "step.0.after": "5"})
    (stored,) = await house.records.find(Escalation)
    assert (stored.steps[0]["after_s"], stored.remind_after_s) == (300, 0)


async def test_a_ladder_with_more_people_than_a_page_shows_is_not_saved_by_it(house: PortalHouse) -> None:
    visitor = await with_a_neighbour(house)
    account = await house.account(MAIJA)
    page = await visitor.open("/ladder")
    earlier = page.form("/ladder").values
    step = {"contact_ids": [BERTIL, await own_id(house)], "channels": [], "after_s": 0}
    ladder_id = derived_id("esc", account.id, "")
    await house.records.add(Escalation(id=ladder_id, account_id=account.id, steps=(step,) * 11))
    page = await visitor.open("/ladder")
    assert ("more people than this page can show" in page.words, "Save" in page.words) == (True, False)
    answer = await visitor.post("/ladder", {**earlier, "step.0.contact": BERTIL})
    (stored,) = await house.records.find(Escalation)
    assert (answer.status, len(stored.steps)) == (409, 11)
    await visitor.send(page, "/ladder", take_away="1")
    assert await house.records.count(Escalation) == 0


async def test_a_socket_s_page_foretells_whom_the_ladder_s_cap_leaves_out(house: PortalHouse) -> None:
    visitor = await with_a_neighbour(house)
    account, own = await house.account(MAIJA), await own_id(house)
    steps = ({"contact_ids": [own], "channels": [], "after_s": 0}, {"contact_ids": [BERTIL], "after_s": 60})
    ladder = Escalation(id=derived_id("esc", account.id, ""), account_id=account.id, steps=steps)
    await house.records.add(ladder)
    left_out = "Bertil, text message: is left out of alarms that are not critical"
    assert left_out not in (await visitor.open(f"/devices/{DEVICE}")).words
    await house.records.change_one(Escalation, is_("id", ladder.id), cap=1)
    assert left_out in (await visitor.open(f"/devices/{DEVICE}")).words
