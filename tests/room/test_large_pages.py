"""What grows with the people and the hours of an alarm is shown in parts, and nothing of it is out of reach."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from isocket.domain.contacts import Contact
from isocket.domain.incidents import Happening, TimelineEntry
from portal_api import readiness
from portal_api.pages_devices import SHOWN_PEOPLE
from portal_api.pages_incidents import LINES, PEOPLE
from tests.fakes.portal_devices import claim, devices_house, make_device
from tests.fakes.portal_house import PortalHouse
from tests.fakes.visitor import Page, Visitor
from tests.room.test_portal_pages import DEVICE, INCIDENT, MAIJA, house, own, raise_alarm  # noqa: F401 - a fixture

MANY_LINES = 2 * LINES + 50
MANY_PEOPLE = 2 * PEOPLE + 5


@pytest_asyncio.fixture
async def api() -> AsyncIterator[PortalHouse]:
    async with devices_house() as running:
        yield running


async def people(house: PortalHouse, number: int) -> list[str]:  # noqa: F811
    """Add so many contacts, none of whom can be told; return what they are called."""
    account, now = await house.account(MAIJA), house.clock.now()
    made = [
        Contact(id=f"con_{each:04}", account_id=account.id, name=f"Person {each:04}", created_at=now)
        for each in range(number)
    ]
    await house.records.add_all(made)
    return [each.name for each in made]


async def happens(house: PortalHouse, number: int, **more: Any) -> None:  # noqa: F811
    """Add so many lines to the incident, a second apart: each says of another per cent, or person."""
    account, now = await house.account(MAIJA), house.clock.now()
    lines = [
        {"what": Happening.NOTE, "reason": "deeper", "detail": {"value": each}, **more}
        | ({"contact_id": f"con_{each:04}"} if more else {})
        for each in range(number)
    ]
    await house.records.add_all(
        [
            TimelineEntry(
                id=f"tl_{each:04}",
                incident_id=INCIDENT,
                account_id=account.id,
                at=now + timedelta(seconds=each),
                **line,
            )
            for each, line in enumerate(lines)
        ]
    )


def way(page: Page, words: str) -> str | None:
    """Return where the link with these words leads."""
    found = re.search(rf'<a href="(\?[^"]*)">{words}</a>', page.html)
    return f"/incidents/{INCIDENT}{found[1].replace('&amp;', '&')}" if found else None


async def walk(visitor: Visitor, words: str, seen: str) -> list[list[str]]:
    """Return what is seen on the page of the incident and on each that the link with these words leads to."""
    pages, path = [], f"/incidents/{INCIDENT}"
    while path:
        page = await visitor.open(path)
        pages.append(re.findall(seen, page.words))
        path = way(page, words) or ""
    return pages


async def test_a_link_to_an_incident_to_which_somebody_on_the_way_added_something_opens_it(
    house: PortalHouse,  # noqa: F811
) -> None:
    visitor = await own(house)
    await raise_alarm(house)
    page = await visitor.open(f"/incidents/{INCIDENT}?utm_source=mail")
    assert (page.status, "What happened" in page.words) == (200, True)


async def test_a_long_timeline_shows_its_newest_lines_and_leads_through_all_the_others(
    house: PortalHouse,  # noqa: F811
) -> None:
    visitor = await own(house)
    await raise_alarm(house)
    await happens(house, MANY_LINES)
    older = await walk(visitor, "Older", r"\((\d+) %\)")
    assert [len(each) for each in older] == [LINES, LINES, 50]
    assert [int(each) for page in reversed(older) for each in page] == [*range(MANY_LINES)]
    oldest = await visitor.open(f"/incidents/{INCIDENT}?until=50")
    assert f"1 to 50 of {MANY_LINES}" in oldest.words
    assert re.search(r'class="day"><p>\w', oldest.html), "each part says of which day it is"
    newer = await visitor.open(way(oldest, "Newer") or "")
    assert re.findall(r"\((\d+) %\)", newer.words)[0] == "50"
    newest = await visitor.open(way(newer, "Newest") or "")
    assert re.findall(r"\((\d+) %\)", newest.words)[-1] == str(MANY_LINES - 1)


async def test_a_part_that_was_opened_stays_the_same_while_more_happens(house: PortalHouse) -> None:  # noqa: F811
    visitor = await own(house)
    await raise_alarm(house)
    await happens(house, LINES + 1)
    path = way(await visitor.open(f"/incidents/{INCIDENT}"), "Older") or ""
    before = re.findall(r"\((\d+) %\)", (await visitor.open(path)).words)
    await house.clock.advance(3600)
    await house.records.add(
        TimelineEntry(
            id="tl_later",
            incident_id=INCIDENT,
            account_id=(await house.account(MAIJA)).id,
            at=house.clock.now(),
            what=Happening.NOTE,
            reason="deeper",
            detail={"value": 5},
        )
    )
    assert re.findall(r"\((\d+) %\)", (await visitor.open(path)).words) == before == ["0"]


async def test_many_people_who_were_told_are_shown_some_at_a_time(house: PortalHouse) -> None:  # noqa: F811
    visitor = await own(house)
    await raise_alarm(house)
    names = await people(house, MANY_PEOPLE)
    await happens(house, MANY_PEOPLE, what=Happening.NOT_SENT, reason="unverified", channel="sms", detail={})
    pages = await walk(visitor, "Told later", r"(Person \d+) Text message")
    assert [len(each) for each in pages] == [PEOPLE, PEOPLE, 5]
    assert [each for page in pages for each in page] == names
    last = await visitor.open(f"/incidents/{INCIDENT}?people={MANY_PEOPLE + 1000}&until=20")
    assert re.findall(r"(Person \d+) Text message", last.words) == pages[-1]
    before = way(last, "Told earlier") or ""
    assert "until=20" in before, "what is shown of the timeline stays"
    assert re.findall(r"(Person \d+) Text message", (await visitor.open(before)).words) == pages[1]


async def test_a_short_incident_is_one_page(house: PortalHouse) -> None:  # noqa: F811
    visitor = await own(house)
    await raise_alarm(house)
    await happens(house, LINES)
    page = await visitor.open(f"/incidents/{INCIDENT}")
    assert [way(page, each) for each in ("Older", "Newer", "Newest", "Told later", "Told earlier")] == [None] * 5


@pytest.mark.parametrize("query", ["until=0", "until=x", "people=-1"])
async def test_a_part_that_cannot_be_is_refused(house: PortalHouse, query: str) -> None:  # noqa: F811
    visitor = await own(house)
    await raise_alarm(house)
    assert (await visitor.open(f"/incidents/{INCIDENT}?{query}")).status == 422


async def test_of_many_who_would_be_told_at_a_socket_the_first_are_shown_and_the_others_folded(
    house: PortalHouse,  # noqa: F811
) -> None:
    visitor = await own(house)
    names = await people(house, 30)
    page = await visitor.open(f"/devices/{DEVICE}")
    lacking = len(names) + 1 - SHOWN_PEOPLE  # the socket itself was never heard
    folded = page.html.partition(f"<summary>{lacking} more that is missing</summary>")[2].partition("</details>")[0]
    assert folded.count("<li>") == lacking
    assert all(page.words.count(name) == 1 for name in names)
    await house.records.change_all(Contact, email="a@example.org", email_verified_at=house.clock.now())
    page = await visitor.open(f"/devices/{DEVICE}")
    folded = page.html.partition(f"<summary>{31 - SHOWN_PEOPLE} more</summary>")[2].partition("</details>")[0]
    assert folded.count("<li>") == 31 - SHOWN_PEOPLE
    assert all(page.words.count(name) == 1 for name in names)


@pytest.mark.parametrize(("most", "sockets"), [(0, [1, 1, 1, 1, 1]), (12, [2, 2, 1]), (1000, [5])])
async def test_a_page_of_the_readiness_ends_early_where_it_names_many_and_the_next_one_goes_on(
    api: PortalHouse, monkeypatch: pytest.MonkeyPatch, most: int, sockets: list[int]
) -> None:
    token = await api.customer(MAIJA)
    for each in range(5):
        await make_device(api, f"is000000000{each}")
        await claim(api, token, f"is000000000{each}")
    await people(api, 4)
    whole = await (await api.ask("GET", "/readiness", token=token)).json()
    assert [len(each["reached"]) + len(each["missing"]) for each in whole["items"]] == [6] * 5
    monkeypatch.setattr(readiness, "MOST_ROWS", most)
    pages, path = [], "/readiness?limit=5"
    while path:
        page = await (await api.ask("GET", path, token=token)).json()
        pages.append(page["items"])
        path = f"/readiness?limit=5&cursor={page['next']}" if page["next"] else ""
    assert [len(each) for each in pages] == sockets
    told = [
        each | {"at": ""} for page in pages for each in page
    ]  # each page is of the moment in which it was asked for
    assert told == [each | {"at": ""} for each in whole["items"]]
