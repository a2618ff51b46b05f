"""Staff open a breach on a page, note what an authority was told, and have both words go out."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from isocket.domain.accounts import Account, AccountRole, StaffRole
from isocket.domain.breaches import Breach, decisions, notice_of
from isocket.domain.regulation import Duty
from isocket.kit.clock import to_text
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import is_
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from portal_api import access, sessions
from portal_api.pages_routes import page_routes
from tests.fakes.portal_devices import ALL_ROUTES
from tests.fakes.portal_house import PUBLIC_URL, PortalHouse, portal_house

KAI = "kai@example.org"


@pytest_asyncio.fixture
async def house() -> AsyncIterator[PortalHouse]:
    keyring = MemoryKeyring()
    records = StoredRecords(SealedDocuments(MemoryDocuments(), keyring))
    async with portal_house(records=records, routes=(*ALL_ROUTES, *page_routes(desk=False)), keyring=keyring) as made:
        yield made


async def staff(house: PortalHouse, *roles: StaffRole) -> str:
    """Return the cookie of a member of staff."""
    await house.register(KAI, time_zone="Europe/Helsinki")
    changes = {"role": AccountRole.STAFF, "staff_roles": roles}
    account = await house.records.change_one(Account, is_("email", KAI), **changes)
    assert account is not None
    return await sessions.open_cookie(house.portal, account, sessions.SignedIn(second_factor=True))


async def post(house: PortalHouse, cookie: str, path: str, expect: int = 200, **form: str) -> str:
    body = {"csrf": access.csrf_token(cookie), "reason": "report of the mail provider", **form}
    headers = {"Origin": PUBLIC_URL, "Cookie": f"sid={cookie}"}
    answer = await house.client.post(f"/staff/breaches{path}", data=body, headers=headers)
    text = await answer.text()
    assert answer.status == expect, text
    return text


async def breach(house: PortalHouse) -> Breach:
    (found,) = await house.records.find(Breach)
    return found


@pytest.mark.clause("C5-15", "C5-16")
async def test_from_the_register_to_both_words(house: PortalHouse) -> None:
    cookie = await staff(house, StaffRole.PRIVACY)
    assert "There is none." in await post(house, cookie, "")
    form = {
        "what": "A list <b>lay</b> open.", "kind": "confidentiality", "risk": "likely", "event": "none",
        "words": "Numbers can be called.", "aware_at": "2026-11-22T13:00", "began_at": "2026-11-20T09:00",
        "scope": "contacts.phone, accounts.email",
    }  # fmt: skip
    wrong = await post(house, cookie, "/new", 422, **{**form, "scope": "contacts.fax"})
    assert "contacts.fax is no field" in wrong
    assert "Numbers can be called." in wrong, "what was typed stays"
    page = await post(house, cookie, "/new", **form)
    found = await breach(house)
    assert to_text(found.aware_at) == "2026-11-22T11:00:00.000Z", "the time is that of whoever typed it"
    assert "A list &lt;b&gt;lay&lt;/b&gt; open." in page
    assert "To the data protection authority" in page
    path = f"/{found.id}/act"
    told = {"duty": "authority", "at": "2026-11-22T13:30", "reference": "2026/4711"}
    late = await post(house, cookie, path, 422, act="authority", **{**told, "at": "2027-01-01T00:00"})
    assert "not in time to come" in late
    assert "2026/4711" in await post(house, cookie, path, act="authority", **told)
    assert decisions(await breach(house))[Duty.AUTHORITY].reference == "2026/4711"
    words = {
        "happened": "A list of numbers lay open.",
        "consequences": "You may be called.",
        "measures": "It is gone now.",
    }
    short = await post(house, cookie, path, 422, act="notice", **{**words, "measures": "Oh."})
    assert re.search(r'name="measures"[^>]*>\s*Oh\.<.*?Say it in a sentence', short, re.DOTALL)
    assert "stay as they were told" in short, "before it goes out"
    told_of = await post(house, cookie, path, act="notice", **words)
    assert "Tell them what was done" in told_of
    assert "what was wrong in the first word" in told_of
    assert notice_of(await breach(house))["en"].measures == words["measures"]
    assert "is being worked out" in await post(house, cookie, path, 409, act="close", words="It is gone for ever now.")
    done = await post(house, cookie, path, act="report", done="No list of numbers is written any more.")
    assert "Told what was done" in done
    assert "A list &lt;b&gt;lay" in await post(house, cookie, "")


async def test_judging_anew_and_widening_are_buttons_too(house: PortalHouse) -> None:
    cookie = await staff(house, StaffRole.PRIVACY)
    await post(
        house, cookie, "/new", what="A hole in the firmware.", kind="integrity", risk="unlikely", event="none",
        words="Nobody used it.", aware_at="2026-11-22T13:00", began_at="2026-11-20T09:00", scope="devices",
    )  # fmt: skip
    path = f"/{(await breach(house)).id}/act"
    judged = await post(house, cookie, path, act="assess", risk="high", event="vulnerability", words="It is used now.")
    assert "cra_early_warning" in judged
    assert "contacts" in await post(house, cookie, path, act="widen", scope="contacts")
    assert (await breach(house)).scope == ("devices", "contacts")
    nothing = await post(house, cookie, path, 409, act="something")
    assert ("A hole in the firmware." in nothing, "nothing was done" in nothing) == (True, True)


@pytest.mark.clause("C5-02")
async def test_support_sees_no_breaches(house: PortalHouse) -> None:
    cookie = await staff(house, StaffRole.SUPPORT)
    await post(house, cookie, "", 403)
    await post(house, cookie, "/bre_nothing", 403)
