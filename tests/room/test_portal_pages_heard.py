"""The pages as a reader of screens goes through them, from button to button without what stands around."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause
from portal_api import sessions
from portal_api.app import ROUTES
from portal_api.pages_routes import page_routes
from portal_api.routes import Surface
from tests.fakes.portal_devices import MAIJA, incident
from tests.fakes.portal_house import PortalHouse, portal_house
from tests.fakes.visitor import Visitor, signed_in

WITH_PAGES = (*(each for each in ROUTES if each.surface is Surface.API), *page_routes(desk=False))


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house(routes=WITH_PAGES, channels=frozenset({ChannelKind.SMS, ChannelKind.EMAIL})) as running:
        yield running


class Buttons(HTMLParser):
    """Collects what each button is called, and what its form would send where."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.called: dict[str, set[str]] = {}
        self._sent: list[str] = []
        self._name: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._sent = [said.get("action", "")]
        elif tag == "input" and said.get("type") == "hidden" and said.get("name") != "csrf":
            self._sent.append(f"{said.get('name')}={said.get('value')}")
        elif tag == "button":
            self._name = said.get("aria-label", "")
            self._told(self._name)

    def handle_data(self, data: str) -> None:
        if self._name == "":
            self._told(data.strip())

    def handle_endtag(self, tag: str) -> None:
        if tag == "button":
            self._name = None

    def _told(self, name: str) -> None:
        if name:
            self.called.setdefault(name, set()).add(" ".join(self._sent))


def ambiguous(html: str) -> Mapping[str, set[str]]:
    return {name: does for name, does in Buttons(html).called.items() if len(does) > 1}


async def at_home(house: PortalHouse) -> Visitor:
    """Return Maija's browser; she has two sockets with an alarm each, two contacts, and is signed in elsewhere."""
    visitor = await signed_in(house, MAIJA)
    account, now = await house.account(MAIJA), house.clock.now()
    made = {"model": "isocket-4g", "secret_hash": "x", "claim_hash": "x", "provisioned_at": now}
    for number, name in enumerate(("Freezer", "Cabin")):
        device_id = f"is000000000{number}"
        await house.records.add(Device(id=device_id, owner_id=account.id, claimed_at=now, name=name, **made))
        await incident(house, f"inc_{number}", account.id, device_id, cause=Cause.TEMP_HIGH)
        phone, email = f"+44770090012{number}", f"neighbour{number}@example.org"
        entered = {"account_id": account.id, "name": name, "created_at": now + timedelta(seconds=number)}
        await house.records.add(Contact(id=f"con_{number}", phone=phone, email=email, **entered))
        await sessions.open_cookie(house.portal, account, sessions.SignedIn())
        await house.clock.advance(60)
    return visitor


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/", {"Acknowledge: Too warm, Freezer", "Acknowledge: Too warm, Cabin"}),
        ("/contacts", {"Verify +447700900120", "Send a new code: neighbour1@example.org"}),
        ("/security", set()),
    ],
)
async def test_buttons_that_do_different_things_have_different_names(
    house: PortalHouse, path: str, names: set[str]
) -> None:
    page = await (await at_home(house)).open(path)
    assert ambiguous(page.html) == {}
    assert names <= set(Buttons(page.html).called)
    assert len(Buttons(page.html).called) > len(names)
