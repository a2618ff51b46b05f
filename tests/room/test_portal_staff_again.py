"""A form of staff that is sent again makes nothing a second time, and one of an old page does nothing."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest

from isocket.domain.accounts import StaffRole
from isocket.domain.authority_cases import AuthorityCase
from isocket.domain.breaches import Breach
from isocket.domain.deliveries import Delivery
from isocket.domain.disclosures import Disclosure
from isocket.domain.holds import Hold, HoldState
from isocket.domain.record import Record
from isocket.domain.request_notes import RequestNote
from isocket.domain.requests import Proof, RightsRequest
from isocket.storage.port import is_
from tests.fakes.portal_devices import MAIJA, owned
from tests.fakes.portal_house import PortalHouse
from tests.room.test_portal_pages_staff import LETTER, house, post, staff

__all__ = ["house"]
LIST = {"holds": "in_force", "cases": "open"}
NEW: dict[str, tuple[type[Record], dict[str, str], str]] = {
    "holds": (Hold, {
        "email": MAIJA, "ground": "claim", "parts": "incidents", "words": "No text came, she says.",
        "review_on": "2027-02-01", "ends_on": "2027-11-30",
    }, "words"),
    "cases": (AuthorityCase, {
        "kind": "police", "authority": "Police", "reference": "1/26", "legal_basis": "Coercive Measures Act 7:8",
        "words": "When was the mains lost?", "received_on": "2026-11-20",
    }, "reference"),
    "breaches": (Breach, {
        "what": "A password was published.", "kind": "confidentiality", "risk": "likely", "words": "It was read.",
        "aware_at": "2026-11-20T10:00", "began_at": "2026-11-19T10:00", "scope": "contacts.email",
    }, "what"),
    "requests": (RightsRequest, LETTER, "words"),
}  # fmt: skip


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found is not None, page
    return found.group(1)


async def with_its_form(house: PortalHouse, cookie: str, what: str) -> str:
    """Return the page with the form that begins one."""
    if what == "requests":
        return await (await house.client.get("/staff", headers={"Cookie": f"sid={cookie}"})).text()
    return await post(house, cookie, f"/staff/{what}", **({"show": LIST[what]} if what in LIST else {}))


@pytest.mark.parametrize("what", NEW)
async def test_a_reload_of_what_was_begun_shows_it_and_begins_no_other(house: PortalHouse, what: str) -> None:
    await owned(house)
    cookie = await staff(house, StaffRole.PRIVACY)
    kind, typed, differs = NEW[what]
    form = {**typed, "once": hidden(await with_its_form(house, cookie, what), "once")}
    shown = [await post(house, cookie, f"/staff/{what}/new", **form) for _ in range(2)]
    (made,) = await house.records.find(kind)
    assert all(made.id in page for page in shown)
    await post(house, cookie, f"/staff/{what}/new", **{**form, differs: f"{typed[differs]} And more."})
    assert await house.records.count(kind) == 2, "what says something else is another"
    await post(house, cookie, f"/staff/{what}/new", **{**form, "once": "of-another-page"})
    assert await house.records.count(kind) == 3


@pytest.mark.parametrize("what", NEW)
async def test_two_presses_of_a_button_at_once_begin_one(house: PortalHouse, what: str) -> None:
    await owned(house)
    cookie = await staff(house, StaffRole.PRIVACY)
    kind, typed, _ = NEW[what]
    form = {**typed, "once": hidden(await with_its_form(house, cookie, what), "once")}
    if what == "requests":
        form["email"] = "niina@example.org"
    await asyncio.gather(*(post(house, cookie, f"/staff/{what}/new", **form) for _ in range(3)))
    assert await house.records.count(kind) == 1
    asked = [each for each in await house.records.find(Delivery) if each.address == "niina@example.org"]
    assert len(asked) == int(what == "requests")


async def test_whoever_died_before_the_mail_that_asks_who_it_is_writes_it_when_the_form_is_sent_again(
    house: PortalHouse,
) -> None:
    cookie = await staff(house, StaffRole.PRIVACY)
    once = hidden(await with_its_form(house, cookie, "requests"), "once")
    form = {**LETTER, "email": "niina@example.org", "once": once}
    await post(house, cookie, "/staff/requests/new", **form)
    before = await house.link_token("niina@example.org")
    for each in await house.mails("niina@example.org"):
        await house.records.remove_all(Delivery, is_("id", each.id))  # as where the process died before it
    for _ in range(2):
        await post(house, cookie, "/staff/requests/new", **form)
    assert len(await house.mails("niina@example.org")) == 1
    token = await house.link_token("niina@example.org")
    answers = [await house.ask("POST", "/privacy/requests/confirm", {"token": each}) for each in (before, token)]
    assert [each.status for each in answers] == [400, 200]
    told = await house.mails("niina@example.org")
    await post(house, cookie, "/staff/requests/new", **form)
    assert await house.mails("niina@example.org") == told, "who has answered is not asked again"


async def test_a_form_of_another_request_is_another_form(house: PortalHouse) -> None:
    cookie = await staff(house, StaffRole.PRIVACY)
    for number in range(2):
        await post(house, cookie, "/staff/requests/new", **{**LETTER, "words": f"Number {number}."})
    requests = await house.records.find(RightsRequest)
    form = {"act": "answer", "words": "The one at the cabin.", "channel": "letter", "once": "of-one-page"}
    for each in requests:
        await post(house, cookie, f"/staff/requests/{each.id}/questions/act", **form)
    assert {each.request_id for each in await house.records.find(RequestNote)} == {each.id for each in requests}


@pytest.mark.clause("C7-12")
async def test_a_question_is_asked_once_however_often_its_form_is_sent(house: PortalHouse) -> None:
    cookie = await staff(house, StaffRole.PRIVACY)
    await post(house, cookie, "/staff/requests/new", **{**LETTER, "email": "niina@example.org"})
    (request,) = await house.records.find(RightsRequest)
    path = f"/staff/requests/{request.id}"
    await post(house, cookie, f"{path}/act", act="identify", proof="known_channel", evidence="Called back.")
    page = await post(house, cookie, f"{path}/questions")
    form = {"act": "ask", "words": "Which of your sockets do you mean?", "channel": "mail"}
    before = await house.records.count(Delivery)
    for _ in range(2):
        await post(house, cookie, f"{path}/questions/act", **form, once=hidden(page, "once"))
    assert [each.words for each in await house.records.find(RequestNote)] == [form["words"]]
    assert await house.records.count(Delivery) == before + 1


async def a_hold(house: PortalHouse, cookie: str) -> tuple[str, str]:
    """Place a hold; return its path and its page."""
    page = await post(house, cookie, "/staff/holds/new", **NEW["holds"][1])
    (hold,) = await house.records.find(Hold)
    return f"/staff/holds/{hold.id}", page


REVIEW = {"act": "review", "words": "The court meets in June.", "review_on": "2027-06-01", "ends_on": "2027-12-31"}


async def test_of_a_page_that_was_opened_before_somebody_else_changed_it_nothing_is_done(house: PortalHouse) -> None:
    await owned(house)
    cookie = await staff(house, StaffRole.PRIVACY)
    path, page = await a_hold(house, cookie)
    seen = hidden(page, "seen")
    await post(house, cookie, f"{path}/act", **REVIEW, seen=seen)
    mine = {**REVIEW, "words": "We have not heard of them.", "review_on": "2027-05-01"}
    late = await post(house, cookie, f"{path}/act", 409, **mine, seen=seen)
    assert ("was out of date, and nothing was done" in late, 'class="fault"' in late) == (True, False)
    assert ("The court meets in June." in late, mine["words"] in late) == (True, True), "as it is, and as was typed"
    assert (await house.records.find(Hold))[0].review_words == REVIEW["words"]
    await post(house, cookie, f"{path}/act", **mine, seen=hidden(late, "seen"))
    assert (await house.records.find(Hold))[0].review_words == mine["words"]


async def test_what_changes_without_anybodys_doing_makes_no_page_out_of_date(house: PortalHouse) -> None:
    await owned(house)
    cookie = await staff(house, StaffRole.PRIVACY)
    path, page = await a_hold(house, cookie)
    later = house.clock.now() + timedelta(hours=1)
    await house.records.change_all(Hold, copied_at=later, copy_due_at=later, uncopied_since=later)
    await post(house, cookie, f"{path}/act", act="end", words="It was settled.", seen=hidden(page, "seen"))
    assert (await house.records.find(Hold))[0].state is HoldState.OVER


@pytest.mark.parametrize(
    "stale", [{"act": "prolong"}, {"act": ""}, {"seen": "of the page before an update"}, {"until": "2027-12-31"}]
)
async def test_a_form_of_before_an_update_is_told_to_be_loaded_anew_and_names_no_field(
    house: PortalHouse, stale: dict[str, str]
) -> None:
    await owned(house)
    cookie = await staff(house, StaffRole.PRIVACY)
    path, _ = await a_hold(house, cookie)
    before = await house.records.find(Hold)
    page = await post(house, cookie, f"{path}/act", 409, **{**REVIEW, **stale})
    assert ("out of date" in page, "until" in page.partition("<form")[0], 'class="fault"' in page) == (
        True, False, False,
    )  # fmt: skip
    assert await house.records.find(Hold) == before


async def test_a_page_tells_its_own_updates_apart(
    house: PortalHouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    await owned(house)
    cookie = await staff(house, StaffRole.PRIVACY)
    path, page = await a_hold(house, cookie)
    (tmp_path / "staff_holds.html").write_text("as it is after an update")
    monkeypatch.setattr("portal_api.staff_files.TEMPLATES", tmp_path)
    await post(house, cookie, f"{path}/act", 409, **REVIEW, seen=hidden(page, "seen"))


@pytest.mark.clause("C5-02")
async def test_one_request_is_one_look_for_whom_it_is_about(house: PortalHouse) -> None:
    await owned(house)
    cookie = await staff(house, StaffRole.PRIVACY)
    path, page = await a_hold(house, cookie)
    before = await house.records.count(Disclosure)
    await post(house, cookie, f"{path}/act", **REVIEW, seen=hidden(page, "seen"))
    assert await house.records.count(Disclosure) == before + 1


async def test_how_somebody_was_known_is_not_noted_on_a_page_that_is_out_of_date(house: PortalHouse) -> None:
    cookie = await staff(house, StaffRole.PRIVACY)
    page = await post(house, cookie, "/staff/requests/new", **LETTER)
    (request,) = await house.records.find(RightsRequest)
    path, seen = f"/staff/requests/{request.id}/act", hidden(page, "seen")
    await post(house, cookie, path, act="identify", proof="knowledge", evidence="Knows the order.", seen=seen)
    await post(house, cookie, path, 409, act="refused", words="Nobody knows who this is.", seen=seen)
    (request,) = await house.records.find(RightsRequest)
    assert (request.proof, request.answer) == (Proof.KNOWLEDGE, "")
