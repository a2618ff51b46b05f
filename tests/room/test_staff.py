"""Staff answer requests by right and help customers: each only for what they are there for, and never unseen."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio

from isocket.domain.accounts import Account, Session, StaffRole
from isocket.domain.deliveries import Delivery
from isocket.domain.disclosures import Disclosure
from isocket.domain.erasures import Erasure
from isocket.domain.exports import DataExport
from isocket.domain.processing import Office
from isocket.domain.record import Record
from isocket.domain.requests import DECISION, RequestState, RightsRequest
from isocket.storage.keyring import Keyring, MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import Records, is_
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from portal_api.app import ROUTES
from portal_api.privacy_requests import PROOF_LIFE
from portal_api.routes import Access, AnyRoute
from privacy.requests import RequestWatch
from tests.fakes.dying import Died, DyingRecords, Fuse
from tests.fakes.erasing_house import Ground, erasing_house
from tests.fakes.portal_devices import MAIJA, PHONE, SOCKET, Crowd, enter, fields_of, incident, owned
from tests.fakes.portal_house import PUBLIC_URL, PortalHouse, portal_house

STRANGER = "stranger@example.org"
STAFF = "kai@example.org"
REASON = {"X-Reason": "letter of 20 November, file 7"}
LETTER = {
    "kind": "access",
    "channel": "letter",
    "received_on": "2026-11-20",
    "name": "Niina Naapuri",
    "postal": "PL 1, 00001 Helsinki",
    "country": "SE",
    "language": "sv",
}
STAFF_ROUTES = [each for each in ROUTES if each.access is Access.STAFF]
WORDS = {"outcome": "answered", "words": "We hold nothing about you."}
Houses = tuple[PortalHouse, Ground]


@pytest_asyncio.fixture
async def houses(tmp_path: Path) -> AsyncIterator[Houses]:
    async with erasing_house(tmp_path) as both:
        yield both


@pytest.fixture
def house(houses: Houses) -> PortalHouse:
    return houses[0]


async def staff(house: PortalHouse, *roles: StaffRole, email: str = STAFF) -> str:
    return await house.staff(email, *roles)


async def ask(
    house: PortalHouse, token: str, method: str, path: str, body: Any = None, *, expect: int = 200
) -> dict[str, Any]:
    answer = await house.ask(method, f"/staff/{path}", body, token=token, headers=REASON)
    assert answer.status == expect, await answer.text()
    said: dict[str, Any] = await answer.json()
    return said


async def by_form(house: PortalHouse, email: str, kind: str, *, proved: bool = True) -> RightsRequest:
    body = {"kind": kind, "email": email, "words": "Please."}
    assert (await house.ask("POST", "/privacy/requests", body)).status == 202
    if proved:
        token = await house.link_token(email)
        assert (await house.ask("POST", "/privacy/requests/confirm", {"token": token})).status == 200
    return (await house.records.find(RightsRequest, order_by="received_at"))[-1]


def watch(house: PortalHouse, records: Records | None = None, keyring: Keyring | None = None) -> RequestWatch:
    return RequestWatch(
        records=records or house.records,
        keyring=keyring,
        clock=house.clock,
        office=Office(),
        public_url=PUBLIC_URL,
        operator_email="operator@example.org",
    )


@pytest.mark.clause("C5-02")
@pytest.mark.parametrize("route", STAFF_ROUTES, ids=lambda each: f"{each.method} {each.path}")
async def test_customers_staff_without_a_reason_and_staff_for_other_things_stand_at_the_door(
    route: AnyRoute, tmp_path: Path
) -> None:
    async with erasing_house(tmp_path) as (house, _):
        names = {"request_id": "rrq_nothing", "breach_id": "bre_nothing", "hold_id": "hld_nothing", "case_id": "cas_1"}
        path = route.path.format(**names)
        body = {} if route.body else None
        customer = await house.customer(MAIJA)
        answer = await house.ask(route.method, path, body, token=customer, headers=REASON)
        assert (answer.status, (await answer.json())["type"]) == (403, "urn:isocket:problem:not-allowed")
        others = tuple(each for each in StaffRole if each not in route.staff)
        token = await staff(house, *others)
        answer = await house.ask(route.method, path, body, token=token, headers=REASON)
        assert (answer.status, (await answer.json())["type"]) == (403, "urn:isocket:problem:not-your-role")
        await house.records.change_one(Account, is_("email", STAFF), staff_roles=tuple(StaffRole))
        answer = await house.ask(route.method, path, body, token=token)
        assert answer.status == 403
        assert "X-Reason" in (await answer.json())["detail"]
        assert route.staff != ()


@pytest.mark.clause("C7-08")
async def test_of_a_customer_whose_data_is_only_kept_support_sees_no_socket(house: PortalHouse) -> None:
    customer = await owned(house)
    token = await staff(house, StaffRole.SUPPORT)
    path = f"customers?email={MAIJA}"
    assert len((await ask(house, token, "GET", path))["sockets"]) == 1
    kept = await house.ask("PUT", "/privacy/restriction", {"on": True, "alarms": "continue"}, token=customer)
    assert kept.status == 200
    seen = await ask(house, token, "GET", path)
    assert (seen["sockets"], seen["incidents"]) == (None, None)


@pytest.mark.clause("C5-02")
async def test_a_customer_reads_who_looked_at_them_and_why(house: PortalHouse) -> None:
    maija = await owned(house)
    await incident(house, "inc_1", (await house.account(MAIJA)).id)
    await enter(house, maija, name="Secret Neighbour", phone=PHONE)
    token = await staff(house, StaffRole.SUPPORT)
    seen = await ask(house, token, "GET", f"customers?email={MAIJA}")
    assert ([each["id"] for each in seen["sockets"]], [each["id"] for each in seen["incidents"]]) == (
        [SOCKET], ["inc_1"],
    )  # fmt: skip
    assert seen["requests"] is None
    assert not [each for each in (MAIJA, PHONE, "Secret", "password") if each in str(seen)]
    lines = (await (await house.ask("GET", "/privacy/disclosures", token=maija)).json())["items"]
    (line,) = [each for each in lines if each["reason"]]
    assert line["reason"] == REASON["X-Reason"]
    assert "incidents" in line["what"]


@pytest.mark.clause("C5-02")
async def test_staff_for_privacy_see_requests_and_no_sockets_and_staff_for_operations_nobody(
    house: PortalHouse,
) -> None:
    await owned(house)
    await by_form(house, MAIJA, "rectification")
    token = await staff(house, StaffRole.PRIVACY)
    seen = await ask(house, token, "GET", f"customers?email={MAIJA}")
    assert (seen["sockets"], seen["incidents"], len(seen["requests"])) == (None, None, 1)
    await ask(house, token, "GET", f"customers?email={STRANGER}", expect=404)
    await ask(house, token, "GET", f"customers?email={STAFF}", expect=404)
    await house.records.change_one(Account, is_("email", STAFF), staff_roles=(StaffRole.OPERATIONS,))
    assert await ask(house, token, "GET", "operations") == {"outages": [], "providers": []}


@pytest.mark.clause("C7-12")
@pytest.mark.clause("C1-10")
async def test_a_letter_is_typed_in_and_its_month_counts_from_the_day_on_which_it_came(house: PortalHouse) -> None:
    token = await staff(house, StaffRole.PRIVACY)
    made = await ask(house, token, "POST", "requests", LETTER, expect=201)
    assert (made["state"], made["typed_in_why"]) == ("received", REASON["X-Reason"])
    assert made["due_at"].startswith("2026-12-21")  # the 20th is a Sunday
    assert made["authority"]["country"] == "SE"
    moved = await ask(house, token, "POST", f"requests/{made['id']}/decision", WORDS, expect=409)
    assert "who asks" in moved["detail"]


async def test_a_letter_with_a_mailbox_is_asked_there_who_wrote_and_is_no_other_request(house: PortalHouse) -> None:
    await by_form(house, STRANGER, "access", proved=False)
    token = await staff(house, StaffRole.PRIVACY)
    made = await ask(house, token, "POST", "requests", {**LETTER, "email": STRANGER, "words": "By letter."}, expect=201)
    assert (made["state"], made["words"], made["channel"]) == ("identity_asked", "By letter.", "letter")
    assert await house.records.count(RightsRequest) == 2
    link = await house.link_token(STRANGER)
    assert (await house.ask("POST", "/privacy/requests/confirm", {"token": link})).status == 200
    assert (await ask(house, token, "GET", f"requests/{made['id']}"))["state"] == "identified"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"received_on": "2026-12-24"}, "received_on"),
        ({"received_on": "2020-01-01"}, "received_on"),
        ({"channel": "form"}, "channel"),
        ({"postal": ""}, "email"),
    ],
)
async def test_what_is_typed_in_wrongly_is_named(house: PortalHouse, change: dict[str, str], field: str) -> None:
    token = await staff(house, StaffRole.PRIVACY)
    assert fields_of(await ask(house, token, "POST", "requests", {**LETTER, **change}, expect=422)) == [field]


@pytest.mark.clause("C7-13")
async def test_evidence_of_who_asks_is_gone_with_the_decision(house: PortalHouse) -> None:
    token = await staff(house, StaffRole.PRIVACY)
    path = f"requests/{(await ask(house, token, 'POST', 'requests', LETTER, expect=201))['id']}"
    bare = await ask(house, token, "POST", f"{path}/identity", {"proof": "document"}, expect=422)
    assert fields_of(bare) == ["evidence"]
    proof = {"proof": "document", "evidence": "Passport shown at the door; no other address is known."}
    assert (await ask(house, token, "POST", f"{path}/identity", proof))["evidence"]
    assert (await ask(house, token, "POST", f"{path}/take"))["state"] == "in_work"
    done = await ask(house, token, "POST", f"{path}/decision", WORDS)
    assert (done["state"], done["evidence"], done["proof"]) == ("answered", "", "document")
    assert "We hold nothing" in done["letter"]
    assert "imy.se" in done["letter"]


@pytest.mark.clause("C7-18")
@pytest.mark.clause("C7-19")
@pytest.mark.parametrize("outcome", ["answered", "refused"])
async def test_the_answer_goes_by_mail_with_its_reason_and_the_way_to_complain(
    house: PortalHouse, outcome: str
) -> None:
    request = await by_form(house, STRANGER, "rectification")
    token = await staff(house, StaffRole.PRIVACY)
    body = {"outcome": outcome, "words": "There is nothing that we could correct."}
    done = await ask(house, token, "POST", f"requests/{request.id}/decision", body)
    for _ in range(2):
        await watch(house).round()
    (text,) = [each.text for each in await house.mails(STRANGER) if body["words"] in each.text]
    assert done["state"] == outcome
    assert body["words"] in text
    assert "https://tietosuoja.fi" in text
    assert "tell us first" in text
    await ask(house, token, "POST", f"requests/{request.id}/decision", body, expect=409)
    assert [each["id"] for each in (await ask(house, token, "GET", "requests?show=decided"))["items"]] == [request.id]


@pytest.mark.clause("C7-17")
async def test_of_two_staff_who_decide_at_once_one_is_told_so_and_whoever_asked_hears_only_of_the_other(
    tmp_path: Path,
) -> None:
    keyring = MemoryKeyring()
    crowded = DyingRecords(StoredRecords(SealedDocuments(MemoryDocuments(), keyring)), Crowd())
    async with portal_house(records=crowded, keyring=keyring, routes=ROUTES) as house:
        request = await by_form(house, STRANGER, "rectification")
        token = await staff(house, StaffRole.PRIVACY)
        path = f"/staff/requests/{request.id}/decision"
        both = [{"outcome": "answered", "words": "We corrected it."}, {"outcome": "refused", "words": "It is right."}]
        answers = await asyncio.gather(*(house.ask("POST", path, body, token=token, headers=REASON) for body in both))
        assert sorted(each.status for each in answers) == [200, 409]
        won = both[0] if answers[0].status == 200 else both[1]
        await watch(house).round()
        (stored,) = await house.records.find(RightsRequest)
        assert (stored.state.value, stored.answer) == (won["outcome"], won["words"])
        told = [each.text for each in await house.mails(STRANGER) if "correct" in each.text and "link" not in each.text]
        assert [won["words"] in text for text in told if any(each["words"] in text for each in both)] == [True]


async def test_whoever_dies_while_telling_a_decision_tells_it_once_in_the_end(tmp_path: Path) -> None:
    async with erasing_house(tmp_path) as (house, _):
        request = await by_form(house, STRANGER, "rectification")
        token = await staff(house, StaffRole.PRIVACY)
        await ask(house, token, "POST", f"requests/{request.id}/decision", WORDS)
        for at in itertools.count(1):
            fuse = Fuse(at, after=at % 2 == 0)
            try:
                await watch(house, DyingRecords(house.records, fuse)).round()
            except Died:
                continue
            break
        assert fuse.at is not None
        assert fuse.at > 3
        assert [WORDS["words"] in each.text for each in await house.mails(STRANGER)].count(True) == 1
        (told,) = await house.records.find(RightsRequest)
        assert told.letter_due == ""


async def test_a_letter_that_cannot_be_made_keeps_no_other_back(tmp_path: Path) -> None:
    class Stubborn(DyingRecords):
        async def add_all(self, records: Any) -> int:
            if any(isinstance(each, Delivery) and each.person_id == first for each in records):
                raise ValueError("this one cannot be stored")
            return await super().add_all(records)

    async with erasing_house(tmp_path) as (house, _):
        token = await staff(house, StaffRole.PRIVACY)
        for email in (STRANGER, "else@example.org"):
            request = await by_form(house, email, "rectification")
            await ask(house, token, "POST", f"requests/{request.id}/decision", WORDS)
        first, second = [each.id for each in await house.records.find(RightsRequest)]
        await watch(house, Stubborn(house.records, Fuse(None))).round()
        left = {each.id: each.letter_due for each in await house.records.find(RightsRequest)}
        assert left == {first: DECISION, second: ""}


@pytest.mark.clause("C5-02")
async def test_a_mailbox_that_staff_saw_masked_in_the_queue_is_a_line_of_the_ledger_once_a_day(
    house: PortalHouse,
) -> None:
    maija = await owned(house)
    await by_form(house, MAIJA, "rectification")
    token = await staff(house, StaffRole.PRIVACY)
    for _ in range(2):
        await ask(house, token, "GET", "requests")
    lines = (await (await house.ask("GET", "/privacy/disclosures", token=maija)).json())["items"]
    assert [each["what"] for each in lines if each["to"] == "our staff"] == [["rights_requests"]]
    assert await house.records.count(Disclosure) == 1


@pytest.mark.clause("C7-13")
async def test_what_nobody_has_proved_is_neither_refused_nor_extended_so_no_stranger_is_written_to(
    tmp_path: Path,
) -> None:
    async with erasing_house(tmp_path) as (house, ground):
        request = await by_form(house, STRANGER, "access", proved=False)
        token, before = await staff(house, StaffRole.PRIVACY), len(await house.mails(STRANGER))
        for act, body in (("extension", {"words": "Much to do."}), ("decision", {**WORDS, "outcome": "refused"})):
            said = await ask(house, token, "POST", f"requests/{request.id}/{act}", body, expect=409)
            assert "ends by itself" in said["detail"]
        await house.clock.advance(PROOF_LIFE.total_seconds())
        await watch(house, keyring=ground.keyring).round()
        assert len(await house.mails(STRANGER)) == 0 < before
        (ended,) = await house.records.find(RightsRequest)
        assert (ended.state, ended.email, ended.letter_due) == (RequestState.REFUSED, "", "")


@pytest.mark.clause("C7-17")
async def test_it_takes_longer_only_once_and_only_where_that_is_said_in_the_first_month(house: PortalHouse) -> None:
    request = await by_form(house, STRANGER, "rectification")
    late = await by_form(house, "other@example.org", "rectification")
    token, body = await staff(house, StaffRole.PRIVACY), {"words": "It is about many years."}
    longer = await ask(house, token, "POST", f"requests/{request.id}/extension", body)
    assert longer["due_at"] > request.due_at.isoformat()
    await watch(house).round()
    text = (await house.mails(STRANGER))[-1].text
    assert (body["words"] in text, longer["due_at"][:10] in text) == (True, True)
    assert "tietosuoja" in text
    await ask(house, token, "POST", f"requests/{request.id}/extension", body, expect=409)
    await house.clock.advance((late.due_at - house.clock.now()).total_seconds() + 60)
    token = (await house.sign_in(STAFF))["access_token"]
    await house.records.change_all(Session, second_factor=True)
    await ask(house, token, "POST", f"requests/{late.id}/extension", body, expect=409)


async def test_the_queue_begins_with_the_first_deadline_and_shows_no_more_than_is_needed(house: PortalHouse) -> None:
    first = await by_form(house, STRANGER, "rectification")
    await by_form(house, MAIJA, "objection", proved=False)
    await house.clock.advance(3 * 86_400)
    second = await by_form(house, "other@example.org", "restriction")
    token = await staff(house, StaffRole.PRIVACY)
    told = await ask(house, token, "GET", "requests")
    assert [each["id"] for each in told["items"]] == [first.id, second.id]
    assert (told["items"][0]["who"], STRANGER in str(told)) == ("s…@example.org", False)
    assert len((await ask(house, token, "GET", "requests?show=unproved"))["items"]) == 1


async def test_a_copy_by_letter_is_begun_once_however_often_staff_press(house: PortalHouse) -> None:
    await owned(house)
    token = await staff(house, StaffRole.PRIVACY)
    path = f"requests/{(await ask(house, token, 'POST', 'requests', LETTER, expect=201))['id']}"
    proof = {"proof": "known_channel", "evidence": "Called back.", "email": MAIJA}
    await ask(house, token, "POST", f"{path}/identity", proof)
    begun = await ask(house, token, "POST", f"{path}/fulfilment")
    again = await ask(house, token, "POST", f"{path}/fulfilment", expect=409)
    assert "under way already" in again["detail"]
    assert [each.id for each in await house.records.find(DataExport)] == [begun["fulfilled_by"]]


async def test_an_erasure_by_letter_goes_the_usual_way_once_staff_know_who_wrote(house: PortalHouse) -> None:
    maija = await owned(house)
    token = await staff(house, StaffRole.PRIVACY)
    made = await ask(house, token, "POST", "requests", {**LETTER, "kind": "erasure"}, expect=201)
    path = f"requests/{made['id']}"
    await ask(house, token, "POST", f"{path}/fulfilment", expect=409)
    proof = {"proof": "known_channel", "evidence": "Called back.", "email": MAIJA}
    await ask(house, token, "POST", f"{path}/identity", proof)
    done = await ask(house, token, "POST", f"{path}/fulfilment")
    assert (done["state"], await house.records.count(Erasure)) == ("answered", 1)
    await ask(house, token, "POST", f"{path}/fulfilment", expect=409)
    assert (await (await house.ask("GET", "/privacy/erasure", token=maija)).json())["undo"] is True
    looks = await house.records.find(Disclosure, is_("account_id", made["account_id"] or done["account_id"]))
    assert {each.recipient_id for each in looks} == {(await house.account(STAFF)).id}


@pytest.mark.clause("C7-16")
@pytest.mark.clause("C7-17")
async def test_staff_and_operator_are_warned_a_week_and_a_day_before_and_when_it_is_overdue_each_once(
    house: PortalHouse,
) -> None:
    request = await by_form(house, STRANGER, "rectification")
    await staff(house, StaffRole.PRIVACY)
    await staff(house, StaffRole.SUPPORT, email="support@example.org")
    before = len(await house.mails(STAFF))
    counts = []
    for days in (8, 7, 6, 1, 0.5, -1, -2):
        await house.clock.advance((request.due_at - house.clock.now()).total_seconds() - days * 86_400)
        await watch(house).round()
        await watch(house).round()
        counts.append((len(await house.mails(STAFF)) - before, len(await house.mails("operator@example.org"))))
    assert counts == [(0, 0), (1, 1), (1, 1), (2, 2), (2, 2), (3, 3), (3, 3)]
    assert "overdue" in (await house.mails(STAFF))[-1].subject_line
    offers = ["Until that day it can be extended" in each.text for each in (await house.mails(STAFF))[before:]]
    assert offers == [True, True, False], "when the month is over, it cannot be extended any more"
    sorry = [each for each in await house.mails(STRANGER) if each.subject_line == "Our answer is late"]
    assert len(sorry) == 1
    assert "tietosuoja.fi" in sorry[0].text
    assert not [each for each in await house.mails("support@example.org") if "request" in each.subject_line]


class Written:
    """Records that count how often something is stored."""

    def __init__(self, inner: Records) -> None:
        self._inner = inner
        self.times = 0

    async def add_all(self, records: Sequence[Record]) -> int:
        self.times += 1
        return await self._inner.add_all(records)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


async def test_who_was_warned_of_a_request_has_nothing_written_for_it_at_every_look(house: PortalHouse) -> None:
    request, read = await by_form(house, STRANGER, "rectification"), Written(house.records)
    looking = watch(house, cast(Records, read))
    for days, written in ((6, 1), (6, 0), (0.5, 1), (0.5, 0), (-1, 1), (-1, 0)):
        await house.clock.advance((request.due_at - house.clock.now()).total_seconds() - days * 86_400)
        read.times = 0
        await looking.round()
        assert read.times == written
    await staff(house, StaffRole.PRIVACY)
    await looking.round()
    assert [each.subject_line for each in await house.mails(STAFF) if "overdue" in each.subject_line]


@pytest.mark.clause("C7-14")
async def test_a_copy_that_is_ready_is_answered_without_staff(houses: Houses) -> None:
    house, ground = houses
    await owned(house)
    request = await by_form(house, MAIJA, "access")
    await watch(house).round()
    assert request.state is RequestState.IN_WORK
    await ground.exporter().round()
    await watch(house).round()
    await watch(house).round()
    (done,) = await house.records.find(RightsRequest)
    assert done.state is RequestState.ANSWERED
    (told,) = [each for each in await house.mails(MAIJA) if "/privacy/copy" in each.text]
    assert told.person_id == request.id


@pytest.mark.clause("C7-13")
async def test_what_nobody_proved_ends_by_itself_and_writes_to_nobody(house: PortalHouse) -> None:
    await by_form(house, STRANGER, "erasure", proved=False)
    count = await house.records.count(Delivery)
    await house.clock.advance(PROOF_LIFE.total_seconds())
    await watch(house).round()
    (request,) = await house.records.find(RightsRequest)
    assert (request.state, request.proof_hash) == (RequestState.REFUSED, None)
    assert await house.records.count(Delivery) == count


async def test_whoever_dies_before_the_key_of_what_nobody_proved_is_destroyed_destroys_it_the_next_time(
    houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, ground = houses
    request = await by_form(house, STRANGER, "erasure", proved=False)
    await house.clock.advance(PROOF_LIFE.total_seconds())

    async def die(_: str) -> bool:
        raise Died("before a key is destroyed")

    with monkeypatch.context() as dying:
        dying.setattr(ground.keyring, "destroy", die)
        with pytest.raises(Died):
            await watch(house, keyring=ground.keyring).round()
    await watch(house, keyring=ground.keyring).round()
    assert await ground.keyring.was_destroyed(request.id)
    ended = await house.records.get(RightsRequest, request.id)
    await watch(house, keyring=ground.keyring).round()
    assert await house.records.get(RightsRequest, request.id) == ended


async def test_of_what_nobody_proved_by_the_form_no_value_and_no_key_is_left(houses: Houses) -> None:
    house, ground = houses
    request = await by_form(house, STRANGER, "erasure", proved=False)
    token = await staff(house, StaffRole.PRIVACY)
    typed = await ask(house, token, "POST", "requests", {**LETTER, "email": "writer@example.org"}, expect=201)
    await house.clock.advance(PROOF_LIFE.total_seconds())
    watching = watch(house, keyring=ground.keyring)
    await watching.round()
    await watching.round()
    ended = await house.records.get(RightsRequest, request.id)
    assert ended is not None
    assert (ended.state, ended.email, ended.name, ended.words) == (RequestState.REFUSED, "", "", "")
    mails = await house.records.find(Delivery, is_("person_id", request.id))
    assert [(each.address, each.subject_line, each.text) for each in mails] == [("", "", "")]
    assert await ground.keyring.was_destroyed(request.id)
    of_letter = await house.records.get(RightsRequest, typed["id"])
    assert of_letter is not None
    assert (of_letter.state, of_letter.email) == (RequestState.REFUSED, "writer@example.org")
    token = await staff(house, StaffRole.PRIVACY, email="second@example.org")
    listed = (await ask(house, token, "GET", "requests?show=decided"))["items"]
    assert {each["id"]: each["who"] for each in listed} == {request.id: None, typed["id"]: "w…@example.org"}
    assert (await ask(house, token, "GET", f"requests/{request.id}"))["words"] == ""
    assert (await ask(house, token, "GET", f"requests/{request.id}/notes"))["items"] == []
