"""Two portals on one store: what is asked of both in the same moment is done as if one had been a little later."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from isocket.domain.accounts import Registration
from isocket.domain.consents import Subscription
from isocket.domain.contacts import Contact
from isocket.domain.erasures import Erasure
from isocket.domain.exports import DataExport, ExportState
from isocket.domain.record import Record
from isocket.kit.ids import token_hash
from isocket.storage.port import is_
from portal_api import privacy_erasure
from tests.fakes.portal_devices import ALL_ROUTES, MAIJA, PHONE, devices_house, enter, fields_of
from tests.fakes.portal_house import PASSWORD, PortalHouse, portal_house

MAIL = "neighbour@example.org"


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house() as running:
        yield running


@asynccontextmanager
async def beside(house: PortalHouse) -> AsyncIterator[PortalHouse]:
    """Run another portal on the store of a house."""
    async with portal_house(records=house.records, routes=ALL_ROUTES) as another:
        yield another


def write_together(house: PortalHouse, monkeypatch: pytest.MonkeyPatch, verb: str, kind: type[Record]) -> None:
    """Hold the first write of a kind of record back until another is about to be written as well."""
    write = getattr(house.records, verb)
    together = at_the_same_time(write)

    async def either(what: Any, *given: Any, **named: Any) -> Any:
        is_one = what is kind or isinstance(what, kind)
        return await (together if is_one else write)(what, *given, **named)

    monkeypatch.setattr(house.records, verb, either)


def at_the_same_time(work: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return `work` that begins for the first two who ask once both have asked."""
    both, came = asyncio.Barrier(2), itertools.count()

    async def begun(*given: Any, **named: Any) -> Any:
        if next(came) < both.parties:
            await both.wait()
        return await work(*given, **named)

    return begun


async def test_whoever_is_entered_at_two_portals_at_once_is_there_once(
    house: PortalHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await house.customer(MAIJA)
    wish = {"name": "Neighbour", "email": MAIL, "phone": PHONE}
    async with beside(house) as another:
        write_together(house, monkeypatch, "add", Contact)
        asked = [each.ask("POST", "/contacts", wish, token=token) for each in (house, another)]
        answers = await asyncio.gather(*asked)
        assert sorted(each.status for each in answers) == [201, 422]
        assert [sorted(fields_of(await each.json())) for each in answers if each.status == 422] == [["email", "phone"]]
    assert await house.records.count(Contact, is_("email", MAIL)) == 1


async def test_two_contacts_changed_at_two_portals_at_once_do_not_get_one_address(
    house: PortalHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await house.customer(MAIJA)
    ids = [(await enter(house, token, email=f"{each}@example.org"))["id"] for each in ("one", "two")]
    async with beside(house) as another:
        write_together(house, monkeypatch, "change_one", Contact)
        portals = zip((house, another), ids, strict=True)
        asked = [each.ask("PATCH", f"/contacts/{mine}", {"phone": PHONE}, token=token) for each, mine in portals]
        assert sorted(each.status for each in await asyncio.gather(*asked)) == [200, 422]
    assert await house.records.count(Contact, is_("phone", PHONE)) == 1


async def test_who_is_there_twice_from_before_can_still_be_changed(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    first, second = await enter(house, token, phone=PHONE), await enter(house, token, email=MAIL)
    for each in (first, second):
        await house.records.change_one(Contact, is_("id", each["id"]), phone=PHONE, sole=None)
    for each, status in ((first, 200), (second, 422)):
        changed = await house.ask(
            "PATCH", f"/contacts/{each['id']}", {"email": f"{each['id']}@example.org"}, token=token
        )
        assert changed.status == status
    renamed = await house.ask("PATCH", f"/contacts/{second['id']}", {"name": "The same"}, token=token)
    assert renamed.status == 200


async def test_whoever_asks_two_portals_at_once_for_an_account_is_one_person_and_has_one_link(
    house: PortalHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = {"username": MAIJA, "password": PASSWORD}
    async with beside(house) as another:
        write_together(house, monkeypatch, "remove_all", Registration)
        asked = [each.ask("POST", "/accounts", wish) for each in (house, another)]
        assert [each.status for each in await asyncio.gather(*asked)] == [202, 202]
    (noted,) = await house.records.find(Registration, is_("email", MAIJA))
    assert [each.person_id for each in await house.mails(MAIJA)] == [noted.account_id] * 2


async def test_whoever_asks_two_portals_at_once_to_be_erased_has_one_wish_and_one_letter(
    house: PortalHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await house.customer(MAIJA)
    before = len(await house.mails(MAIJA))
    wish = {"password": PASSWORD, "confirm": MAIJA}
    async with beside(house) as another:
        monkeypatch.setattr("portal_api.privacy_erasure._farewells", at_the_same_time(privacy_erasure._farewells))
        asked = [each.ask("POST", "/privacy/erasure", wish, token=token) for each in (house, another)]
        answers = [await each.json() for each in await asyncio.gather(*asked)]
    (noted,) = await house.records.find(Erasure)
    assert [noted.id in each["receipt"] for each in answers] == [True, True]
    assert len(await house.mails(MAIJA)) == before + 1


async def test_whoever_asks_two_portals_at_once_for_a_copy_gets_one(
    house: PortalHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await house.customer(MAIJA)
    async with beside(house) as another:
        write_together(house, monkeypatch, "add", DataExport)
        asked = [each.ask("POST", "/privacy/exports", {"password": PASSWORD}, token=token) for each in (house, another)]
        answers = await asyncio.gather(*asked)
        assert [each.status for each in answers] == [202, 202]
        said = [(await each.json())["id"] for each in answers]
        (noted,) = await house.records.find(DataExport)
        assert said == [noted.id] * 2
        await house.records.change_one(DataExport, is_("id", noted.id), state=ExportState.READY)
        again = await another.ask("POST", "/privacy/exports", {"password": PASSWORD}, token=token)
        assert (await again.json())["id"] != noted.id, "once it is made another may be asked for"


async def test_whoever_asks_two_portals_at_once_for_the_newsletter_is_one_reader(
    house: PortalHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with beside(house) as another:
        write_together(house, monkeypatch, "remove_all", Subscription)
        asked = [each.ask("POST", "/newsletter", {"email": MAIL}) for each in (house, another)]
        assert [each.status for each in await asyncio.gather(*asked)] == [202, 202]
    (noted,) = await house.records.find(Subscription)
    letters = await house.mails(MAIL)
    assert [each.person_id for each in letters] == [noted.reader_id] * 2
    tokens = [re.findall(r"[?&]token=([\w-]+)", each.text)[0] for each in letters]
    assert [token_hash(each) for each in tokens].count(noted.confirm_hash or "") == 1
