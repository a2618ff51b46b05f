"""Staff note a breach, its clocks and both words; anybody reads what was told, and it names nobody."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from isocket.domain.accounts import StaffRole
from isocket.domain.breaches import Affected
from isocket.domain.deliveries import Delivery, DeliveryState
from isocket.kit.clock import to_text
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import is_
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from portal_api import breach_pages
from privacy.breach_watch import BreachWatch
from tests.fakes.breach_house import CONTROLLER, OPERATOR
from tests.fakes.portal_devices import ALL_ROUTES, MAIJA, fields_of
from tests.fakes.portal_house import PUBLIC_URL, PortalHouse, portal_house

REASON = {"X-Reason": "report of the mail provider"}
WORDS = {
    "en": {
        "happened": "Strangers could read <b>mails</b> that we sent.",
        "consequences": "Somebody may know your address.",
        "measures": "The password was changed within an hour.",
    },
    "fi": {
        "happened": "Ulkopuoliset saattoivat lukea viestejämme.",
        "consequences": "Joku saattaa tietää osoitteesi.",
        "measures": "Salasana vaihdettiin tunnin sisällä.",
    },
}
DONE = {"en": {"done": "The password lies in no file any more."}}


@pytest_asyncio.fixture
async def house() -> AsyncIterator[PortalHouse]:
    keyring = MemoryKeyring()
    records = StoredRecords(SealedDocuments(MemoryDocuments(), keyring))
    routes = (*ALL_ROUTES, *breach_pages.ROUTES)
    async with portal_house(records=records, keyring=keyring, routes=routes) as made:
        yield made


async def ask(
    house: PortalHouse, token: str, method: str, path: str = "", body: Any = None, *, expect: int = 200
) -> dict[str, Any]:
    answer = await house.ask(method, f"/staff/breaches{path}", body, token=token, headers=REASON)
    assert answer.status == expect, await answer.text()
    said: dict[str, Any] = await answer.json()
    return said


def wish(house: PortalHouse, **more: Any) -> dict[str, Any]:
    now = to_text(house.clock.now())
    return {
        "what": "The password of the mail server was published.", "kinds": ["confidentiality"], "risk": "likely",
        "why_risk": "Addresses could be read.", "aware_at": now, "began_at": now, "scope": ["accounts.email"], **more,
    }  # fmt: skip


def watch(house: PortalHouse) -> BreachWatch:
    return BreachWatch(
        records=house.records, clock=house.clock, controller=CONTROLLER, public_url=PUBLIC_URL, operator_email=OPERATOR
    )


@pytest.mark.clause("C5-15", "C5-16")
async def test_from_the_first_word_of_it_to_the_last(house: PortalHouse) -> None:
    customer = await house.customer(MAIJA, language="fi")
    token = await house.staff("kai@example.org", StaffRole.PRIVACY)
    opened = await ask(house, token, "POST", "", wish(house), expect=201)
    path = f"/{opened['id']}"
    assert (opened["counted_at"], opened["clocks"][0]["duty"], opened["clocks"][0]["noted"]) == (
        None,
        "authority",
        False,
    )
    assert "Our reference: " + opened["id"] in opened["clocks"][0]["draft"]
    await watch(house).round()
    assert (await ask(house, token, "GET", path))["concerned"] == 2, "staff have a mailbox as well"
    told = {"duty": "authority", "told_at": to_text(house.clock.now()), "reference": "2026/4711"}
    assert (await ask(house, token, "POST", f"{path}/authority", told))["clocks"][0]["reference"] == "2026/4711"
    await ask(house, token, "POST", f"{path}/notice", {"words": WORDS})
    again = await ask(house, token, "POST", f"{path}/notice", {"words": WORDS}, expect=409)
    assert "told already" in again["detail"]
    await ask(house, token, "POST", f"{path}/report", {"words": DONE})
    await watch(house).round()
    await house.records.change_all(Delivery, is_("state", DeliveryState.DUE), state=DeliveryState.SENT)
    await watch(house).round()
    closed = await ask(house, token, "POST", f"{path}/close", {"lesson": "No password lies in a file any more."})
    assert closed["state"] == "closed"
    assert {name: many for name, many in closed["messages"].items() if many} == {"notice_sent": 2, "report_sent": 2}
    assert [each["id"] for each in (await ask(house, token, "GET"))["items"]] == [opened["id"]]
    assert len(await house.records.find(Affected, is_("account_id", (await house.account(MAIJA)).id))) == 1
    ledger = await (await house.ask("GET", "/me", token=customer)).json()
    assert ledger["username"] == MAIJA


@pytest.mark.clause("C5-15")
async def test_anybody_reads_what_was_told_in_a_language_in_which_it_was_written(house: PortalHouse) -> None:
    token = await house.staff("kai@example.org", StaffRole.PRIVACY)
    opened = await ask(house, token, "POST", "", wish(house), expect=201)
    empty = await (await house.client.get("/breaches")).text()
    assert "Nothing of the kind has happened." in empty
    await ask(house, token, "POST", f"/{opened['id']}/notice", {"words": WORDS})
    page = await (await house.client.get("/breaches", headers={"Accept-Language": "sv"})).text()
    assert "&lt;b&gt;mails&lt;/b&gt;" in page
    assert "What was done in the end follows." in page
    finnish = await house.ask("GET", "/privacy/breaches", headers={"Accept-Language": "fi"})
    (news,) = (await finnish.json())["items"]
    assert (news["happened"], news["done"]) == (WORDS["fi"]["happened"], "")
    await ask(house, token, "POST", f"/{opened['id']}/report", {"words": DONE})
    page = await (await house.client.get("/breaches")).text()
    assert DONE["en"]["done"] in page
    for inner in (opened["what"], opened["why_risk"], "kai@example.org", opened["id"]):
        assert inner not in page


async def test_what_is_wrong_is_named_and_what_is_not_there_is_not_found(house: PortalHouse) -> None:
    token = await house.staff("kai@example.org", StaffRole.PRIVACY)
    for change, field in (
        ({"scope": ["contacts.fax"]}, "scope"),
        ({"kinds": []}, "kinds"),
        ({"began_at": "2026-13-01T00:00:00Z"}, "began_at"),
        ({"accounts": ["acc_nobody"]}, "accounts"),
        ({"victims": 3}, "victims"),
    ):
        refused = await ask(house, token, "POST", "", wish(house, **change), expect=422)
        assert fields_of(refused)[0].startswith(field)
    await ask(house, token, "GET", "/bre_nothing", expect=404)
    opened = await ask(house, token, "POST", "", wish(house), expect=201)
    path = f"/{opened['id']}"
    without = await ask(house, token, "POST", f"{path}/authority", {"duty": "authority"}, expect=422)
    assert fields_of(without) == ["reason"]
    await ask(house, token, "POST", f"{path}/notice", {"words": {"fi": WORDS["fi"]}}, expect=422)
    await ask(house, token, "POST", f"{path}/close", {"lesson": "Nothing is to be learnt."}, expect=409)


async def test_judging_it_anew_brings_the_duties_that_follow(house: PortalHouse) -> None:
    token = await house.staff("kai@example.org", StaffRole.PRIVACY)
    opened = await ask(house, token, "POST", "", wish(house), expect=201)
    path, why = f"/{opened['id']}", "A hole in the firmware is used by strangers."
    body = {"risk": "high", "why": why, "event": "vulnerability"}
    judged = await ask(house, token, "POST", f"{path}/assessment", body)
    assert [each["duty"] for each in judged["clocks"]] == [
        "authority", "cra_early_warning", "cra_notification", "cra_final_report", "cra_users",
    ]  # fmt: skip
    assert judged["clocks"][3]["due_at"] is None
    fixed = await ask(house, token, "POST", f"{path}/assessment", {**body, "fixed_at": to_text(house.clock.now())})
    assert fixed["clocks"][3]["due_at"] is not None
    again = await ask(house, token, "POST", f"{path}/assessment", {"risk": "likely", "why": "Few sockets have it."})
    assert (again["event"], len(again["clocks"])) == ("vulnerability", 5), "what is not said anew stays"
    assert "What you can do" in again["clocks"][4]["draft"]
    wider = await ask(house, token, "POST", f"{path}/scope", {"scope": ["contacts.phone"]})
    assert (wider["scope"], wider["counted_at"]) == (["accounts.email", "contacts.phone"], None)
