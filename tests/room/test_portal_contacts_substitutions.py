"""Who stands in for whom: entering it, seeing it, ending it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from isocket.domain.contacts import Contact, Substitution
from isocket.kit.clock import to_text
from isocket.storage.port import is_
from tests.fakes.portal_devices import (
    PEKKA,
    PHONE,
    SOCKET,
    claim,
    devices_house,
    enter,
    fields_of,
    make_device,
    owned,
    verified,
)
from tests.fakes.portal_house import PortalHouse


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house() as running:
        yield running


async def wish(house: PortalHouse, stand_in_id: str, **more: Any) -> dict[str, Any]:
    (me,) = await house.records.find(Contact, is_("is_owner", True))
    until = to_text(house.clock.now() + timedelta(days=7))
    return {"contact_id": me.id, "stand_in_id": stand_in_id, "until": until, **more}


async def listed(house: PortalHouse, token: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await (await house.ask("GET", "/substitutions", token=token)).json())["items"]
    return items


async def test_this_week_it_is_the_neighbour(house: PortalHouse) -> None:
    token = await owned(house)
    contact = await verified(house, token)
    asked = await wish(house, contact["id"], device_id=SOCKET)
    answer = await house.ask("POST", "/substitutions", asked, token=token)
    made = await answer.json()
    assert answer.status == 201, made
    (stored,) = await house.records.find(Substitution)
    assert made == {**asked, "id": stored.id, "additional": False, "from": to_text(stored.from_at), "active": True}
    assert await listed(house, token) == [made]
    assert (await house.ask("DELETE", f"/substitutions/{made['id']}", token=token)).status == 204
    assert await listed(house, token) == []
    assert (await house.ask("DELETE", f"/substitutions/{made['id']}", token=token)).status == 404


async def test_one_that_is_over_is_not_shown_and_goes_with_the_next(house: PortalHouse) -> None:
    token = await owned(house)
    contact = await verified(house, token)
    soon = to_text(house.clock.now() + timedelta(minutes=5))
    await house.ask("POST", "/substitutions", await wish(house, contact["id"], until=soon), token=token)
    await house.clock.advance(600)
    assert await listed(house, token) == []
    await house.ask("POST", "/substitutions", await wish(house, contact["id"]), token=token)
    assert await house.records.count(Substitution) == 1


async def test_the_same_said_twice_is_refused_and_can_be_said_again_once_it_was_ended(house: PortalHouse) -> None:
    token = await owned(house)
    contact = await verified(house, token)
    asked = await wish(house, contact["id"])
    made = await (await house.ask("POST", "/substitutions", asked, token=token)).json()
    for again in (asked, {**asked, "device_id": SOCKET}):
        answer = await house.ask("POST", "/substitutions", again, token=token)
        assert (answer.status, fields_of(await answer.json())) == (422, ["stand_in_id"])
    later = {**asked, "from": asked["until"], "until": to_text(house.clock.now() + timedelta(days=9))}
    assert (await house.ask("POST", "/substitutions", later, token=token)).status == 201
    await house.ask("DELETE", f"/substitutions/{made['id']}", token=token)
    assert (await house.ask("POST", "/substitutions", asked, token=token)).status == 201


async def test_pressed_twice_at_once_it_is_said_once(house: PortalHouse) -> None:
    token = await owned(house)
    asked = await wish(house, (await verified(house, token))["id"])
    answers = await asyncio.gather(*(house.ask("POST", "/substitutions", asked, token=token) for _ in range(3)))
    assert min(each.status for each in answers) == 201
    assert await house.records.count(Substitution) == 1


async def test_who_gets_no_alarms_cannot_stand_in(house: PortalHouse) -> None:
    token = await owned(house)
    unverified = await enter(house, token, phone=PHONE)
    answer = await house.ask("POST", "/substitutions", await wish(house, unverified["id"]), token=token)
    assert (answer.status, fields_of(await answer.json())) == (422, ["stand_in_id"])
    contact = await verified(house, token, phone="+447700900456")
    await house.records.change_one(Contact, is_("id", contact["id"]), paused_at=house.clock.now())
    answer = await house.ask("POST", "/substitutions", await wish(house, contact["id"]), token=token)
    assert (answer.status, fields_of(await answer.json())) == (422, ["stand_in_id"])


async def test_what_is_wrong_is_named(house: PortalHouse) -> None:
    token = await owned(house)
    contact = (await verified(house, token))["id"]
    now = house.clock.now()
    for more, field in (
        ({"contact_id": "con_nobody"}, "contact_id"),
        ({"stand_in_id": "con_nobody"}, "stand_in_id"),
        ({"contact_id": contact}, "stand_in_id"),
        ({"device_id": "is0000000099"}, "device_id"),
        ({"until": to_text(now - timedelta(days=1))}, "until"),
        ({"from": to_text(now + timedelta(days=8))}, "until"),
        ({"until": to_text(now + timedelta(days=93))}, "until"),
        ({"until": "next week"}, "until"),
        ({"until": "9999-12-31T00:00:00Z"}, "until"),
        ({"from": "9999-12-30T00:00:00-10:00"}, "from"),
        ({"until": "0001-01-01T00:00:00+10:00"}, "until"),
    ):
        answer = await house.ask("POST", "/substitutions", {**await wish(house, contact), **more}, token=token)
        assert (answer.status, fields_of(await answer.json())) == (422, [field]), more


async def test_people_and_sockets_of_others_are_none_of_mine(house: PortalHouse) -> None:
    token = await owned(house)
    contact = await verified(house, token)
    good = await wish(house, contact["id"])
    stranger = await owned(house, PEKKA, "is0000000002")
    answer = await house.ask("POST", "/substitutions", {**good, "device_id": SOCKET}, token=stranger)
    assert fields_of(await answer.json()) == ["contact_id", "stand_in_id", "device_id"]
    made = await (await house.ask("POST", "/substitutions", good, token=token)).json()
    assert await listed(house, stranger) == []
    assert (await house.ask("DELETE", f"/substitutions/{made['id']}", token=stranger)).status == 404
    assert len(await listed(house, token)) == 1


async def test_a_contact_who_is_removed_stands_in_no_more(house: PortalHouse) -> None:
    token = await owned(house)
    contact = await verified(house, token)
    await house.ask("POST", "/substitutions", await wish(house, contact["id"]), token=token)
    await house.ask("DELETE", f"/contacts/{contact['id']}", token=token)
    assert await house.records.count(Substitution) == 0


async def away(house: PortalHouse, token: str, who: str, stand_in: str, **more: Any) -> int | list[str]:
    """Enter somebody for the week; return 201, or which fields are wrong."""
    asked = {**await wish(house, stand_in), "contact_id": who, **more}
    answer = await house.ask("POST", "/substitutions", asked, token=token)
    return answer.status if answer.status == 201 else fields_of(await answer.json())


async def test_nobody_stands_in_for_their_own_stand_in_at_the_same_time(house: PortalHouse) -> None:
    token = await owned(house)
    first, second, third = [(await verified(house, token, phone=f"+44770090045{number}"))["id"] for number in range(3)]
    assert await away(house, token, first, second) == 201
    assert await away(house, token, second, first) == ["stand_in_id"]
    assert await away(house, token, second, first, device_id=SOCKET) == ["stand_in_id"]
    assert await away(house, token, second, third) == 201
    assert await away(house, token, third, first) == ["stand_in_id"], "a circle of three is one as well"
    after = {
        "from": to_text(house.clock.now() + timedelta(days=7)),
        "until": to_text(house.clock.now() + timedelta(days=8)),
    }
    assert await away(house, token, second, first, **after) == 201, "one after the other is none"


async def test_a_circle_needs_one_time_at_which_all_of_it_holds(house: PortalHouse) -> None:
    token = await owned(house)
    first, second, third = [(await verified(house, token, phone=f"+44770090045{number}"))["id"] for number in range(3)]
    now = house.clock.now()

    def days(begin: int, end: int) -> dict[str, str]:
        return {"from": to_text(now + timedelta(days=begin)), "until": to_text(now + timedelta(days=end))}

    assert await away(house, token, second, third, **days(2, 3)) == 201
    assert await away(house, token, third, first, **days(5, 6)) == 201, "the second is back by then"
    assert await away(house, token, first, second, **days(1, 5)) == 201
    assert await away(house, token, first, third, **days(6, 8)) == 201, "from the moment on in which the other ends"
    assert await away(house, token, third, first, **days(2, 3)) == ["stand_in_id"]


async def test_a_circle_needs_one_socket_that_is_meant_by_all(house: PortalHouse) -> None:
    token = await owned(house)
    await make_device(house, "is2")
    await claim(house, token, "is2")
    first, second = [(await verified(house, token, phone=f"+44770090045{number}"))["id"] for number in range(2)]
    assert await away(house, token, first, second, device_id=SOCKET) == 201
    assert await away(house, token, second, first, device_id="is2") == 201
    assert await away(house, token, second, first) == ["stand_in_id"]
