"""What is kept while a socket or contact is kept goes with it: so does a class that is new, or a test fails."""

from collections.abc import AsyncIterator
from dataclasses import fields, replace
from typing import Any

import pytest

from isocket.domain import STORED
from isocket.domain.api_tokens import ApiToken
from isocket.domain.handling import Handling, Keep
from isocket.domain.record import Record, handling_of
from isocket.storage.port import is_
from portal_api.recipient_acts import erase_entry
from tests.fakes.canaries import canaries_of
from tests.fakes.portal_devices import MAIJA, SOCKET, devices_house, enter, owned
from tests.fakes.portal_house import PortalHouse


def kept_with(key: str) -> list[type[Record]]:
    """Return the classes that name a socket or contact, of which something is kept as long as that is."""
    named = [kind for kind in STORED if key in {each.name for each in fields(kind)}]
    return [kind for kind in named if Keep.RELATION in keeps_of(kind)]


def keeps_of(kind: type[Record]) -> set[Keep]:
    return {how.keep for how in handling_of(kind).values() if isinstance(how, Handling)}


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house() as running:
        yield running


async def put(house: PortalHouse, kind: type[Record], **named: Any) -> None:
    account_id = (await house.account(MAIJA)).id
    record = canaries_of(kind, house.clock.now()).record
    own = {} if kind.account is None else {kind.account: account_id}
    await house.records.add(replace(record, **own, **named))


@pytest.mark.parametrize("kind", kept_with("device_id"), ids=lambda kind: kind.collection)
async def test_what_is_kept_while_a_socket_is_goes_when_that_is_given_up(
    kind: type[Record], house: PortalHouse
) -> None:
    token = await owned(house)
    await put(house, kind, device_id=SOCKET)
    assert (await house.ask("DELETE", f"/devices/{SOCKET}", token=token)).status == 204
    left = await house.records.count(kind, is_("device_id", SOCKET))
    assert left == 0, f"`_clear` in portal_api/releases.py does not remove {kind.__name__}"


@pytest.mark.parametrize("by", ["owner", "themselves"])
@pytest.mark.parametrize("kind", kept_with("contact_id"), ids=lambda kind: kind.collection)
async def test_what_is_kept_while_a_contact_is_goes_when_that_is_removed(
    kind: type[Record], by: str, house: PortalHouse
) -> None:
    token, portal = await house.customer(MAIJA), house.portal
    contact = await enter(house, token, email="neighbour@example.org")
    await put(house, kind, contact_id=contact["id"])
    if by == "owner":
        assert (await house.ask("DELETE", f"/contacts/{contact['id']}", token=token)).status == 204
    else:
        parts = {"keyring": portal.keyring, "note": portal.note_erasure}
        await erase_entry(portal.records, portal.clock, contact["id"], **parts)
    left = await house.records.count(kind, is_("contact_id", contact["id"]))
    assert left == 0, f"`remove_what_hangs_on` in portal_api/recipient_acts.py leaves {kind.__name__}"


def test_no_other_class_names_several_sockets_than_the_one_that_a_given_up_one_is_taken_out_of() -> None:
    several = {kind for kind in STORED if "device_ids" in {each.name for each in fields(kind)}}
    assert several == {ApiToken}
