"""The pages of staff: nothing is shown before a reason was given, and each carries it on."""

import re
from collections.abc import AsyncIterator
from datetime import datetime
from html import unescape

import pytest
import pytest_asyncio

from isocket.domain.accounts import Account, AccountRole, StaffRole
from isocket.domain.authority_cases import AuthorityCase, CaseKind, CaseState
from isocket.domain.devices import Device
from isocket.domain.disclosures import Disclosure
from isocket.domain.holds import Hold, HoldGround, HoldState
from isocket.domain.incidents import Cause, Incident, Severity
from isocket.domain.record import Record
from isocket.domain.requests import Proof, RequestChannel, RequestState, Right, RightsRequest
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import is_
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from portal_api import access, sessions
from portal_api.pages_routes import PAGE_ROUTES, page_routes
from portal_api.routes import Access
from portal_api.staff_customers import MOST_INCIDENTS, MOST_SOCKETS
from portal_api.staff_files import MOST_LINES
from tests.fakes.portal_devices import ALL_ROUTES, MAIJA, SOCKET, owned
from tests.fakes.portal_house import PUBLIC_URL, PortalHouse, portal_house
from tests.fakes.visitor import Visitor

KAI = "kai@example.org"
STAFF_PAGES = [each for each in PAGE_ROUTES if each.path.startswith("/staff")]
REASON = "letter of 20 November, file 7"
LETTER = {
    "kind": "rectification", "channel": "letter", "received_on": "2026-11-20", "name": "Niina <b>Naapuri</b>",
    "postal": "PL 1, 00001 Helsinki", "words": "My name.", "language": "sv", "country": "SE",
}  # fmt: skip
HOLD = {
    "email": MAIJA, "ground": "claim", "parts": "incidents, messages", "words": "No text came, <b>she</b> says.",
    "reference": "118", "review_on": "2027-02-01", "ends_on": "2027-11-30",
}  # fmt: skip


@pytest_asyncio.fixture
async def house() -> AsyncIterator[PortalHouse]:
    keyring = MemoryKeyring()
    records = StoredRecords(SealedDocuments(MemoryDocuments(), keyring))
    async with portal_house(records=records, routes=(*ALL_ROUTES, *page_routes(desk=False)), keyring=keyring) as made:
        yield made


async def staff(house: PortalHouse, *roles: StaffRole) -> str:
    """Return the cookie of a member of staff."""
    await house.register(KAI)
    changes = {"role": AccountRole.STAFF, "staff_roles": roles}
    account = await house.records.change_one(Account, is_("email", KAI), **changes)
    assert account is not None
    return await sessions.open_cookie(house.portal, account, sessions.SignedIn(second_factor=True))


async def post(house: PortalHouse, cookie: str, path: str, expect: int = 200, **form: str) -> str:
    body = {"csrf": access.csrf_token(cookie), "reason": REASON, **form}
    headers = {"Origin": PUBLIC_URL, "Cookie": f"sid={cookie}"}
    answer = await house.client.post(path, data=body, headers=headers)
    text = await answer.text()
    assert answer.status == expect, text
    return text


@pytest.mark.clause("C5-02")
async def test_the_door_shows_nobodys_data_and_forms_for_ones_own_work_only(house: PortalHouse) -> None:
    cookie = await staff(house, StaffRole.SUPPORT)
    answer = await house.client.get("/staff", headers={"Cookie": f"sid={cookie}"})
    page = await answer.text()
    assert ("/staff/customers" in page, "/staff/requests" in page) == (True, False)


async def test_whose_work_has_no_page_is_shown_where_it_is_done(house: PortalHouse) -> None:
    cookie = await staff(house, StaffRole.OPERATIONS)
    answer = await house.client.get("/staff", headers={"Cookie": f"sid={cookie}"})
    page = await answer.text()
    assert ("/api/v1/docs" in page, 'action="/staff' in page) == (True, False)


@pytest.mark.clause("C5-02")
@pytest.mark.parametrize("path", [each.path for each in STAFF_PAGES if each.method == "POST"])
async def test_no_page_answers_without_a_reason_or_to_customers(house: PortalHouse, path: str) -> None:
    cookie = await staff(house, *StaffRole)
    path = path.format(request_id="rrq_1", hold_id="hld_1", case_id="cas_1", breach_id="bre_1")
    refused = await post(house, cookie, path, 403, reason="")
    assert (refused.count('class="fault"'), f'action="{path}"' in refused) == (1, True)
    assert "Say why you look: 5 to 200 characters." in refused
    await house.records.change_one(Account, is_("email", KAI), role=AccountRole.CUSTOMER)
    await post(house, cookie, path, 403)
    assert {each.access for each in STAFF_PAGES} == {Access.STAFF}


@pytest.mark.parametrize("path", [each.path for each in STAFF_PAGES if each.method == "POST"])
async def test_a_page_that_is_only_opened_asks_for_the_reason_and_shows_nobodys_data(
    house: PortalHouse, path: str
) -> None:
    cookie = await staff(house, *StaffRole)
    path = path.format(request_id="rrq_1", hold_id="hld_1", case_id="cas_1", breach_id="bre_1")
    answer = await house.client.get(path, headers={"Cookie": f"sid={cookie}"})
    page = await answer.text()
    assert answer.status == 200
    assert "Why do you look?" in page
    there = "/staff/requests" if path == "/staff/customers" else re.sub("/(act|new)$", "", path)
    assert f'action="{there}"' in page
    assert await house.records.count(Disclosure) == 0
    await house.records.change_one(Account, is_("email", KAI), role=AccountRole.CUSTOMER)
    assert (await house.client.get(path, headers={"Cookie": f"sid={cookie}"})).status in {403, 404}


@pytest.mark.clause("C3-13")
async def test_approving_asks_on_the_page_too_who_it_is_and_leads_back_to_the_case(house: PortalHouse) -> None:
    cookie = await staff(house, StaffRole.PRIVACY)
    await house.clock.advance(601)
    for act in ("approve", "fetch"):
        form = {"csrf": access.csrf_token(cookie), "reason": REASON, "act": act, "version": "1"}
        headers = {"Origin": PUBLIC_URL, "Cookie": f"sid={cookie}", "Referer": f"{PUBLIC_URL}/staff/cases/cas_1/act"}
        answer = await house.client.post("/staff/cases/cas_1/act", data=form, headers=headers, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "/prove?next=%2Fstaff%2Fcases%2Fcas_1%2Fact")


@pytest.mark.clause("C5-02")
async def test_a_look_at_a_customer_is_noted_with_its_reason(house: PortalHouse) -> None:
    await owned(house)
    cookie = await staff(house, StaffRole.SUPPORT)
    page = await post(house, cookie, "/staff/customers", email=MAIJA)
    assert (SOCKET in page, MAIJA in page) == (True, False)
    (line,) = await house.records.find(Disclosure)
    assert line.reason == REASON
    nobody = await post(house, cookie, "/staff/customers", 404, email="nobody@example.org")
    assert (nobody.count('class="fault"'), "No customer has this address." in nobody) == (1, True)


@pytest.mark.clause("C7-12")
async def test_a_letter_goes_through_the_pages_from_its_arrival_to_its_answer(house: PortalHouse) -> None:
    cookie = await staff(house, StaffRole.PRIVACY)
    wrong = await post(house, cookie, "/staff/requests/new", 422, **{**LETTER, "received_on": "2030-01-01"})
    assert "within the last year" in wrong
    page = await post(house, cookie, "/staff/requests/new", **LETTER)
    assert "<bdi>Niina &lt;b&gt;Naapuri&lt;/b&gt;</bdi> <bdi></bdi> <bdi>PL 1, 00001 Helsinki</bdi>" in page
    (request,) = await house.records.find(RightsRequest)
    path = f"/staff/requests/{request.id}"
    assert path in await post(house, cookie, "/staff/requests", show="open")
    words = {"act": "answered", "words": "We hold nothing about you."}
    assert "who asks" in await post(house, cookie, f"{path}/act", 409, **words)
    await post(house, cookie, f"{path}/act", act="identify", proof="knowledge", evidence="Knows the order.")
    await post(house, cookie, f"{path}/act", act="take")
    assert "overdue" not in await post(house, cookie, path)
    longer = await post(house, cookie, f"{path}/act", act="extend", words="It is about many years.")
    assert re.search(r"Letter to print.*It is about many years\..*imy\.se", longer, re.DOTALL), "no mail tells them"
    done = await post(house, cookie, f"{path}/act", **words)
    assert re.search(r"Letter to print.*imy\.se", done, re.DOTALL)
    (request,) = await house.records.find(RightsRequest)
    assert (request.state, request.evidence) == (RequestState.ANSWERED, "")
    assert request.typed_in_why == REASON


async def test_what_is_refused_stays_as_it_was_typed_in_its_own_form(house: PortalHouse) -> None:
    cookie = await staff(house, StaffRole.PRIVACY)
    await post(house, cookie, "/staff/requests/new", **LETTER)
    (request,) = await house.records.find(RightsRequest)
    path, words = f"/staff/requests/{request.id}/act", "We hold nothing about you.\n" + "Look at this. " * 200
    early = await post(house, cookie, path, 409, act="answered", words=words)
    assert words in early.replace("\r\n", "\n")
    wrong = await post(house, cookie, path, 422, act="answered", words=2 * words)
    assert (2 * words in wrong.replace("\r\n", "\n"), wrong.count('class="fault"')) == (True, 1)
    nobody = {"act": "identify", "proof": "document", "evidence": "A passport.", "email": "nobody@example.org"}
    page = await post(house, cookie, path, 422, **nobody)
    assert (page.count("A passport."), page.count('class="fault"')) == (1, 1)
    assert '<option value="document" selected>' in page
    await post(house, cookie, path, act="identify", proof="knowledge")
    assert (await house.records.find(RightsRequest))[0].proof is Proof.KNOWLEDGE
    await post(house, cookie, path, act="answered", words=words)
    assert (await house.records.find(RightsRequest))[0].answer == words.strip()


def _buttons(page: str) -> set[str]:
    return set(re.findall(r'name="act" value="(\w+)"', page))


async def test_the_page_of_a_request_offers_what_can_follow_and_nothing_else(house: PortalHouse) -> None:
    cookie = await staff(house, StaffRole.PRIVACY)
    answer = await house.ask("POST", "/privacy/requests", {"kind": "access", "email": MAIJA, "words": "All of it."})
    assert answer.status == 202, await answer.text()
    (unproved,) = await house.records.find(RightsRequest)
    assert _buttons(await post(house, cookie, f"/staff/requests/{unproved.id}")) == {"identify"}
    page = await post(house, cookie, "/staff/requests/new", **LETTER)
    assert _buttons(page) == {"refused", "extend", "identify"}
    (request,) = await house.records.find(RightsRequest, is_("channel", RequestChannel.LETTER))
    path = f"/staff/requests/{request.id}/act"
    page = await post(house, cookie, path, act="identify", proof="knowledge")
    assert _buttons(page) == {"answered", "refused", "extend", "take"}
    page = await post(house, cookie, path, act="extend", words="It is about many years.")
    assert _buttons(page) == {"answered", "refused", "take"}
    assert _buttons(await post(house, cookie, path, act="take")) == {"answered", "refused"}
    assert _buttons(await post(house, cookie, path, act="answered", words="We hold nothing about you.")) == set()


async def test_asking_back_is_offered_where_a_mailbox_has_answered_and_nothing_is_noted_of_a_stranger(
    house: PortalHouse,
) -> None:
    cookie = await staff(house, StaffRole.PRIVACY)
    asked = await house.ask("POST", "/privacy/requests", {"kind": "access", "email": MAIJA, "words": "All of it."})
    assert asked.status == 202, await asked.text()
    (request,) = await house.records.find(RightsRequest)
    path = f"/staff/requests/{request.id}"
    assert f'action="{path}/questions"' not in await post(house, cookie, path)
    token = await house.link_token(MAIJA)
    assert (await house.ask("POST", "/privacy/requests/confirm", {"token": token})).status == 200
    assert "<button>Ask back</button>" in await post(house, cookie, path)
    by_letter = await post(house, cookie, "/staff/requests/new", **LETTER)
    assert ("Note what they answered" in by_letter, "Ask back" in by_letter) == (True, False)


async def test_a_copy_is_offered_to_be_made_of_an_account_whose_holder_is_known(house: PortalHouse) -> None:
    cookie = await staff(house, StaffRole.PRIVACY)
    await house.register(MAIJA)
    await post(house, cookie, "/staff/requests/new", **{**LETTER, "kind": "access"})
    (request,) = await house.records.find(RightsRequest)
    path = f"/staff/requests/{request.id}/act"
    page = await post(house, cookie, path, act="identify", proof="knowledge", email=MAIJA)
    assert "fulfil" in _buttons(page)
    assert "fulfil" not in _buttons(await post(house, cookie, path, act="fulfil"))


@pytest.mark.parametrize(
    ("kind", "command"), [("restriction", "restrict"), ("objection", "object"), ("rectification", "rectify")]
)
async def test_the_command_that_follows_a_letter_is_shown_while_it_can_be_typed(
    house: PortalHouse, kind: str, command: str
) -> None:
    cookie = await staff(house, StaffRole.PRIVACY)
    await house.register(MAIJA)
    account = await house.account(MAIJA)
    page = await post(house, cookie, "/staff/requests/new", **{**LETTER, "kind": kind})
    assert "isocket privacy" not in page, "nobody knows yet who asks"
    (request,) = await house.records.find(RightsRequest)
    path = f"/staff/requests/{request.id}/act"
    page = await post(house, cookie, path, act="identify", proof="knowledge", email=MAIJA)
    assert f"isocket privacy {command} --account {account.id} --request {request.id}" in page
    assert "isocket privacy" not in await post(house, cookie, path, act="answered", words="It is as you wanted now.")


async def test_of_several_forms_only_the_one_that_was_sent_says_what_is_wrong(house: PortalHouse) -> None:
    cookie = await staff(house, StaffRole.PRIVACY)
    breach = {
        "what": "A password was published.", "kind": "confidentiality", "risk": "likely", "words": "It was read.",
        "aware_at": "2026-11-20T10:00", "began_at": "2026-11-19T10:00", "scope": "contacts.email",
    }  # fmt: skip
    unknown = await post(house, cookie, "/staff/breaches/new", 422, **{**breach, "kind": "theft"})
    assert (unknown.count('class="fault"'), "There is none" in unknown) == (1, False)
    assert "A password was published." in unknown
    page = await post(house, cookie, "/staff/breaches/new", **breach)
    found = re.search(r"/staff/breaches/bre_\w+/act", page)
    assert found is not None
    late = {"act": "authority", "duty": "authority", "at": "2026-13-01T10:00", "words": "Nobody was there."}
    page = await post(house, cookie, found.group(), 422, **late)
    assert (page.count("Nobody was there."), page.count('class="fault"')) == (1, 1)


async def test_a_reason_that_is_too_short_is_asked_for_again_and_nothing_else_typed_is_lost(house: PortalHouse) -> None:
    cookie = await staff(house, StaffRole.PRIVACY)
    page = await post(
        house, cookie, "/staff/requests/new", 403, **{**LETTER, "reason": "file", "words": "<b>\nMy name."}
    )
    assert 'name="reason" type="text" value="file"' in page
    kept = {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)}
    assert kept.pop("csrf") == access.csrf_token(cookie)
    assert kept.pop("once")
    assert kept == {**LETTER, "words": "<b>\nMy name."}
    assert await house.records.count(RightsRequest) == 0
    await post(house, cookie, "/staff/requests/new", **kept)
    (request,) = await house.records.find(RightsRequest)
    assert (request.words, request.typed_in_why) == ("<b>\nMy name.", REASON)


async def test_what_is_wrong_with_one_form_of_the_door_is_said_at_that_one_and_its_reason_stays(
    house: PortalHouse,
) -> None:
    cookie = await staff(house, StaffRole.PRIVACY)
    kept = f'name="reason" type="text" value="{REASON}"'
    for path, form in (
        ("/staff/requests/new", {**LETTER, "email": "no address"}),
        ("/staff/customers", {"email": "no address"}),
    ):
        page = await post(house, cookie, path, 422, **form)
        mine = page.partition(f'action="{path}"')[2].partition("</form>")[0]
        assert (page.count('class="fault"'), page.count(kept), page.count("no address")) == (1, 1, 1)
        assert (mine.count('class="fault"'), kept in mine, "no address" in mine) == (1, True, True)


async def test_what_is_wrong_with_a_field_is_heard_with_that_field(house: PortalHouse) -> None:
    cookie = await staff(house, StaffRole.PRIVACY)
    page = await post(
        house, cookie, "/staff/requests/new", 422, **{**LETTER, "email": "no address", "words": "x" * 5000}
    )
    for name in ("email", "words"):
        assert page.count(f'<p class="fault" id="{name}-fault">') == 1
        assert re.search(rf'name="{name}"[^>]* aria-invalid="true" aria-describedby="{name}-fault"', page)


async def test_a_day_that_a_review_of_a_hold_needs_is_marked_so_and_its_end_needs_none(house: PortalHouse) -> None:
    await owned(house)
    cookie = await staff(house, StaffRole.PRIVACY)
    page = await post(house, cookie, "/staff/holds/new", **HOLD)
    reviewed, ended = page.split("</form>")[-3:-1]
    assert reviewed.count(" required") == 3
    assert (ended.count(" required"), 'value="end"' in ended, 'type="date"' in ended) == (1, True, False)
    (hold,) = await house.records.find(Hold)
    wrong = await post(house, cookie, f"/staff/holds/{hold.id}/act", 422, act="end", words="Over.")
    assert (wrong.count('class="fault"'), wrong.count("Over.")) == (1, 1)


@pytest.mark.clause("C2-26")
async def test_a_hold_is_placed_reviewed_and_ended_on_pages(house: PortalHouse) -> None:
    await owned(house)
    cookie = await staff(house, StaffRole.PRIVACY)
    wrong = await post(house, cookie, "/staff/holds/new", 422, **{**HOLD, "parts": "passwords", "words": "short"})
    assert wrong.count('class="fault"') == 2
    page = await post(house, cookie, "/staff/holds/new", **HOLD)
    assert "&lt;b&gt;she" in page
    (hold,) = await house.records.find(Hold)
    path = f"/staff/holds/{hold.id}"
    assert path in await post(house, cookie, "/staff/holds", show="in_force")
    assert "A claim" in await post(house, cookie, path)
    moved = {"act": "review", "words": "The court meets in June.", "review_on": "2027-06-01", "ends_on": "2027-12-31"}
    assert "The court meets in June." in await post(house, cookie, f"{path}/act", **moved)
    await post(house, cookie, f"{path}/act", act="end", words="It was settled.")
    assert "It is over" in await post(house, cookie, f"{path}/act", 409, **moved)
    visitor = Visitor(house.client)
    await visitor.sign_in(MAIJA)
    assert "incidents, messages: Art. 17(3)(e): a claim is under way." in (await visitor.open("/privacy")).words


@pytest.mark.clause("C3-13")
async def test_a_case_of_an_authority_goes_through_the_pages_and_needs_two(house: PortalHouse) -> None:
    await owned(house)
    cookie = await staff(house, StaffRole.PRIVACY)
    typed = {
        "kind": "police", "authority": "Police", "reference": "1/26", "legal_basis": "Coercive Measures Act 7:8",
        "words": "When was the mains lost?", "received_on": "2026-11-20", "paper": "",
    }  # fmt: skip
    assert "court" in await post(house, cookie, "/staff/cases/new", 422, **{**typed, "kind": "court"})
    await post(house, cookie, "/staff/cases/new", **typed)
    (case,) = await house.records.find(AuthorityCase)
    path = f"/staff/cases/{case.id}"
    assert path in await post(house, cookie, "/staff/cases", show="open")
    await post(house, cookie, f"{path}/act", act="verify", words="Called back at their own number.")
    wish = {
        "act": "propose", "email": MAIJA, "fields_asked": "incidents.opened_at, incidents.cause",
        "begins": "2026-11-01", "ends": "2026-11-04", "words": "Power cuts only.",
    }  # fmt: skip
    wrong = await post(house, cookie, f"{path}/act", 422, **{**wish, "fields_asked": "accounts.password_hash"})
    assert "Cannot be handed out" in wrong
    page = await post(house, cookie, f"{path}/act", **wish)
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version is not None
    alone = await post(house, cookie, f"{path}/act", 409, act="approve", version=version.group(1))
    assert "Another has to decide" in alone
    refused = await post(house, cookie, f"{path}/act", act="refuse", words="The court has lifted it.")
    assert "The court has lifted it." in refused


@pytest.mark.parametrize(
    ("path", "kind", "made"),
    [
        ("/staff/requests", RightsRequest, {"show": "decided"}),
        ("/staff/holds", Hold, {"show": "over"}),
        ("/staff/cases", AuthorityCase, {"show": "closed"}),
    ],
)
async def test_a_list_of_staff_goes_on_where_its_page_ends(
    house: PortalHouse, path: str, kind: type[Record], made: dict[str, str]
) -> None:
    cookie, many = await staff(house, *StaffRole), 2 * MOST_LINES + 1
    await house.records.add_all([_ended(kind, number, house.clock.now()) for number in range(many)])
    text = await post(house, cookie, path, **made)
    seen = re.findall(rf'action="({path}/x[0-9]+)"', text)
    while "There are more" in text:
        (cursor,) = re.findall(r'name="cursor" value="([^"]+)"', text)
        text = await post(house, cookie, path, **made, cursor=cursor)
        seen += re.findall(rf'action="({path}/x[0-9]+)"', text)
    assert seen == [f"{path}/x{number:04}" for number in range(many)]


@pytest.mark.parametrize(("show", "most"), [("sockets", MOST_SOCKETS), ("incidents", MOST_INCIDENTS)])
async def test_what_a_customer_has_goes_on_where_its_page_ends(house: PortalHouse, show: str, most: int) -> None:
    await house.register(MAIJA)
    (account,) = await house.records.find(Account)
    cookie, many = await staff(house, StaffRole.SUPPORT), 2 * most + 1
    names = [f"x{number:04}" for number in range(many)]
    await house.records.add_all([_had(show, account.id, name, house.clock.now()) for name in names])
    text = await post(house, cookie, "/staff/customers", email=MAIJA)
    seen = re.findall(r"\bx[0-9]{4}\b", text)
    while "There are more" in text:
        (form,) = re.findall(rf'name="show" value="{show}"><input type="hidden" name="cursor" value="([^"]+)"', text)
        text = await post(house, cookie, "/staff/customers", email=MAIJA, show=show, cursor=form)
        seen += re.findall(r"\bx[0-9]{4}\b", text)
    assert seen == (names if show == "sockets" else names[::-1])


def _had(show: str, account_id: str, name: str, now: datetime) -> Record:
    if show == "sockets":
        return Device(
            id=name, owner_id=account_id, model="isocket-707", secret_hash="$", claim_hash="h", provisioned_at=now
        )
    return Incident(
        id=f"inc_{name}", account_id=account_id, device_id=name, cause=Cause.MAINS_LOST, severity=Severity.CRITICAL,
        opened_at=now, detected_at=now, open_key=name,
    )  # fmt: skip


def _ended(kind: type[Record], number: int, now: datetime) -> Record:
    """Return what is done with, all of the same moment."""
    name = f"x{number:04}"
    if kind is Hold:
        return Hold(
            id=name, account_id="acc_1", ground=HoldGround.CLAIM, parts=("account",), reason="", placed_by="acc_2",
            placed_at=now, review_at=now, ends_at=now, copy_due_at=now, state=HoldState.EMPTIED,
        )  # fmt: skip
    if kind is AuthorityCase:
        return AuthorityCase(
            id=name, kind=CaseKind.POLICE, authority="", reference="", legal_basis="", words="", received_at=now,
            typed_in_by="acc_2", lease_until=now, state=CaseState.REFUSED,
        )  # fmt: skip
    return RightsRequest(
        id=name, kind=Right.ACCESS, channel=RequestChannel.LETTER, email="", words="", received_at=now, due_at=now,
        state=RequestState.ANSWERED,
    )  # fmt: skip
