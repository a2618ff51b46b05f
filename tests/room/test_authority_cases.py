"""Authorities get what two of our staff decided that they may have: these fields, this time, on record, and no more."""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from isocket.domain.accounts import Account, Session, StaffRole
from isocket.domain.authority_cases import CLOSED, FOLLOWS, AuthorityCase, CaseKind, CaseState, HandedPage
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.disclosures import Disclosure
from isocket.domain.handing_out import may_be_handed_out, moment_of, unknown_fields
from isocket.domain.incidents import Incident
from isocket.kit.clock import EPOCH, to_text
from isocket.storage.port import is_
from privacy import authority_clerk
from privacy.authority_clerk import LEASE_S, PAGES_LIFE, AuthorityClerk
from privacy.retention import Retention
from tests.fakes.dying import DyingRecords, DyingTelemetry, Fuse, every_crash_point
from tests.fakes.erasing_house import MAIJA_ID, Ground, erasing_house, furnish, in_memory
from tests.fakes.portal_devices import MAIJA, SOCKET, enter, fields_of, incident, owned, report
from tests.fakes.portal_house import PortalHouse

KAI, KIRSI = "kai@example.org", "kirsi@example.org"
REASON = {"X-Reason": "case 5680/R/1234/26"}
LAW = "Coercive Measures Act 7:8"
CAME: dict[str, Any] = {
    "kind": "police", "authority": "Itä-Suomen poliisilaitos", "reference": "5680/R/1234/26", "legal_basis": LAW,
    "words": "When was the mains of this house lost?", "received_on": "2026-11-20",
}  # fmt: skip
CALLED_BACK = {"how": "Called back at the number on the authority's own pages."}
FIELDS = ["incidents.cause", "incidents.opened_at", "telemetry.mains"]
DAY_S = 86_400.0
Houses = tuple[PortalHouse, Ground]


@pytest_asyncio.fixture
async def houses(tmp_path: Path) -> AsyncIterator[Houses]:
    async with erasing_house(tmp_path) as both:
        yield both


def clerk(ground: Ground, fuse: Fuse | None = None) -> AuthorityClerk:
    records, telemetry = ground.records, ground.telemetry
    return AuthorityClerk(
        records=DyingRecords(records, fuse) if fuse else records,
        telemetry=DyingTelemetry(telemetry, fuse) if fuse else telemetry,
        clock=ground.clock,
    )


async def ask(
    house: PortalHouse, token: str, method: str, path: str = "", body: Any = None, *, expect: int = 200
) -> dict[str, Any]:
    answer = await house.ask(method, f"/staff/cases{path}", body, token=token, headers=REASON)
    assert answer.status == expect, await answer.text()
    said: dict[str, Any] = await answer.json()
    return said


def proposal(house: PortalHouse, **more: Any) -> dict[str, Any]:
    now = house.clock.now()
    return {
        "email": MAIJA, "fields": FIELDS, "from": to_text(now - timedelta(hours=1)), "to": to_text(now),
        "words": "Power cuts only; names and texts are not needed.", **more,
    }  # fmt: skip


async def decided(house: PortalHouse, kai: str, kirsi: str, **more: Any) -> str:
    """Bring a case as far as its approval, and return its path."""
    path = f"/{(await ask(house, kai, 'POST', '', CAME, expect=201))['id']}"
    await ask(house, kai, "POST", f"{path}/verification", CALLED_BACK)
    await house.clock.advance(1)
    proposed = await ask(house, kai, "POST", f"{path}/proposal", proposal(house, **more))
    await ask(house, kirsi, "POST", f"{path}/approval", {"version": proposed["version"]})
    return path


@pytest.mark.clause("C3-13")
def test_no_way_leads_to_handing_out_but_by_verifying_proposing_and_approving() -> None:
    needed = (CaseState.VERIFIED, CaseState.PROPOSED, CaseState.APPROVED, CaseState.READY)
    for way in product(CaseState, repeat=4):
        whole = (CaseState.RECEIVED, *way, CaseState.HANDED_OUT)
        if all(after in FOLLOWS[before] for before, after in pairwise(whole)):
            assert way == needed
    assert all(FOLLOWS[each] == frozenset() for each in CLOSED)
    assert all(CaseState.REFUSED in FOLLOWS[each] for each in CaseState if each not in CLOSED)


@pytest.mark.clause("C3-11")
async def test_where_nothing_of_it_is_stored_the_file_says_so_and_no_more(houses: Houses) -> None:
    house, ground = houses
    await owned(house)
    kai, kirsi = await house.staff(KAI, StaffRole.PRIVACY), await house.staff(KIRSI, StaffRole.PRIVACY)
    path = await decided(house, kai, kirsi)
    assert await clerk(ground).step()
    got = await house.ask("GET", f"/staff/cases{path}/file", token=kai, headers=REASON)
    content = await got.read()
    said = json.loads(content)
    assert said["fields"] == sorted(FIELDS)
    assert said["nothing"] == "Nothing of this is stored. Copies that are sealed under a hold are not looked through."
    assert said["from"] < said["to"]
    file = await ask(house, kirsi, "GET", path)
    assert (file["counts"], file["digest"]) == ({}, hashlib.sha256(content).hexdigest())


@pytest.mark.clause("C3-11")
@pytest.mark.clause("C3-13")
async def test_what_is_handed_out_is_exactly_what_was_approved_and_the_person_reads_it(houses: Houses) -> None:
    house, ground = houses
    maija = await owned(house)
    me = (await house.account(MAIJA)).id
    await incident(house, "inc_1", me)
    await incident(house, "inc_0", me, detected_at=house.clock.now() - timedelta(days=9), open_key="old")
    await report(house, 1, mains=False, temp_c=[3.5])
    kai, kirsi = await house.staff(KAI, StaffRole.PRIVACY), await house.staff(KIRSI, StaffRole.PRIVACY)
    path = await decided(house, kai, kirsi)
    early = await house.ask("GET", f"/staff/cases{path}/file", token=kai, headers=REASON)
    assert early.status == 409
    assert await clerk(ground).step()
    got = await house.ask("GET", f"/staff/cases{path}/file", token=kai, headers=REASON)
    content = await got.read()
    lines = [json.loads(each) for each in content.decode().splitlines()]
    assert [set(each) for each in lines] == [
        {"collection", "cause", "opened_at"}, {"collection", "device_id", "at", "mains"},
    ]  # fmt: skip
    assert lines[1]["mains"] is False
    file = await ask(house, kirsi, "GET", path)
    assert (file["state"], file["digest"]) == ("handed_out", hashlib.sha256(content).hexdigest())
    assert file["counts"] == {"incidents": 1, "telemetry": 1}
    again = await house.ask("GET", f"/staff/cases{path}/file", token=kai, headers=REASON)
    assert await again.read() == content
    ledger = (await (await house.ask("GET", "/privacy/disclosures", token=maija)).json())["items"]
    (told,) = [each for each in ledger if each["to"] == "an authority"]
    assert (told["what"], told["basis"]) == (sorted(FIELDS), "art6_1_c")
    assert LAW in told["reason"]
    assert MAIJA not in content.decode()


@pytest.mark.clause("C3-11")
@pytest.mark.parametrize("silent", [False, True])
async def test_everybody_whose_values_are_handed_out_has_a_line_of_their_own_once_the_law_lets_them_know(
    houses: Houses, silent: bool
) -> None:
    house, ground = houses
    maija = await owned(house)
    niina = await enter(house, maija, name="Niina", email="niina@example.org")
    kai, kirsi = await house.staff(KAI, StaffRole.PRIVACY), await house.staff(KIRSI, StaffRole.PRIVACY)
    more = {"silent_until": "2026-12-01", "silent_why": LAW} if silent else {}
    fields = ["contacts.email", "contacts.name", "incidents.cause"]
    path = await decided(house, kai, kirsi, fields=fields, **more)
    assert await clerk(ground).step()
    got = await house.ask("GET", f"/staff/cases{path}/file", token=kai, headers=REASON)
    assert "niina@example.org" in await got.text()
    told = [await told_by_ledger(house, niina["id"]), await told_to_the_contact(house)]
    assert told == ([[], []] if silent else [[["contacts.email", "contacts.name"]]] * 2)
    if silent:
        await house.clock.advance(12 * DAY_S)
        told = [await told_by_ledger(house, niina["id"]), await told_to_the_contact(house)]
        assert told == [[["contacts.email", "contacts.name"]]] * 2


@pytest.mark.clause("C3-11")
async def test_a_guest_reads_what_was_handed_out_also_where_the_customer_was_erased_before_it_was_fetched(
    houses: Houses,
) -> None:
    house, ground = houses
    maija = await owned(house)
    guest = await house.customer("guest@example.org")
    invited = {"email": "guest@example.org", "role": "viewer"}
    assert (await house.ask("POST", f"/devices/{SOCKET}/shares", invited, token=maija)).status == 201
    accepted = {"token": await house.link_token("guest@example.org")}
    assert (await house.ask("POST", "/shares/accept", accepted, token=guest)).status == 200
    kai, kirsi = await house.staff(KAI, StaffRole.PRIVACY), await house.staff(KIRSI, StaffRole.PRIVACY)
    path = await decided(house, kai, kirsi, fields=["shares.email"])
    assert await clerk(ground).step()
    await ground.eraser().erase((await house.account(MAIJA)).id, by="person")
    got = await house.ask("GET", f"/staff/cases{path}/file", token=kai, headers=REASON)
    assert "guest@example.org" in await got.text()
    told = await (await house.ask("GET", "/privacy/disclosures", token=guest)).json()
    assert [each["what"] for each in told["items"] if each["to"] == "an authority"] == [["shares.email"]]


async def told_by_ledger(house: PortalHouse, contact_id: str) -> list[list[str]]:
    """Return what an authority was handed of a contact, as the customer who entered them reads it."""
    token = (await house.sign_in(MAIJA))["access_token"]
    answer = await house.ask("GET", f"/privacy/disclosures?contact_id={contact_id}", token=token)
    return [each["what"] for each in (await answer.json())["items"] if each["to"] == "an authority"]


async def visit_of_niina(house: PortalHouse) -> str:
    await house.clock.advance(3_600)
    await house.ask("POST", "/people/codes", {"address": "niina@example.org"})
    answer = await house.ask("POST", "/people/sessions", {"token": await house.link_token("niina@example.org")})
    return str((await answer.json())["access_token"])


async def told_to_the_contact(house: PortalHouse) -> list[list[str]]:
    about = await (await house.ask("GET", "/people/me", token=await visit_of_niina(house))).json()
    assert all(LAW in each["reason"] for each in about["handed"])
    return [each["what"] for each in about["handed"]]


@pytest.mark.clause("C3-13")
async def test_nobody_approves_what_they_proposed_or_what_was_changed_since_they_saw_it(houses: Houses) -> None:
    house, ground = houses
    await owned(house)
    kai, kirsi = await house.staff(KAI, StaffRole.PRIVACY), await house.staff(KIRSI, StaffRole.PRIVACY)
    path = f"/{(await ask(house, kai, 'POST', '', CAME, expect=201))['id']}"
    await ask(house, kai, "POST", f"{path}/proposal", proposal(house), expect=409)
    await ask(house, kai, "POST", f"{path}/verification", CALLED_BACK)
    seen = await ask(house, kai, "POST", f"{path}/proposal", proposal(house))
    alone = await ask(house, kai, "POST", f"{path}/approval", {"version": seen["version"]}, expect=409)
    assert "Another" in alone["detail"]
    more = await ask(house, kai, "POST", f"{path}/proposal", proposal(house, fields=[*FIELDS, "accounts.email"]))
    await ask(house, kirsi, "POST", f"{path}/approval", {"version": seen["version"]}, expect=409)
    done = await ask(house, kirsi, "POST", f"{path}/approval", {"version": more["version"]})
    assert (done["state"], done["approved_by"] != done["proposed_by"]) == ("approved", True)
    await ask(house, kai, "POST", f"{path}/proposal", proposal(house), expect=409)
    assert await clerk(ground).step()
    assert not await clerk(ground).step()


@pytest.mark.clause("C2-27")
async def test_a_line_that_the_law_forbids_to_tell_appears_when_that_is_over(houses: Houses) -> None:
    house, ground = houses
    maija = await owned(house)
    kai, kirsi = await house.staff(KAI, StaffRole.PRIVACY), await house.staff(KIRSI, StaffRole.PRIVACY)
    silence = {"silent_until": "2026-12-24", "silent_why": "Coercive Measures Act 10:60"}
    path = await decided(house, kai, kirsi, **silence)
    await clerk(ground).step()
    assert (await house.ask("GET", f"/staff/cases{path}/file", token=kai, headers=REASON)).status == 200
    ledger = await (await house.ask("GET", "/privacy/disclosures", token=maija)).json()
    assert ledger["items"] == []
    assert await house.records.count(Disclosure) > 0
    await house.clock.advance(40 * DAY_S)
    maija = (await house.sign_in(MAIJA))["access_token"]
    ledger = await (await house.ask("GET", "/privacy/disclosures", token=maija)).json()
    assert {each["to"] for each in ledger["items"]} == {"our staff", "an authority"}


@pytest.mark.clause("C3-13")
async def test_what_is_refused_says_why_stays_on_record_and_leaves_nothing_to_hand_out(houses: Houses) -> None:
    house, ground = houses
    await owned(house)
    kai, kirsi = await house.staff(KAI, StaffRole.PRIVACY), await house.staff(KIRSI, StaffRole.PRIVACY)
    path = await decided(house, kai, kirsi)
    await clerk(ground).step()
    assert await house.records.count(HandedPage) == 1
    words = {"words": "The court has lifted its decision meanwhile."}
    done = await ask(house, kirsi, "POST", f"{path}/refusal", words)
    assert (done["state"], done["refusal"]) == ("refused", words["words"])
    assert await house.records.count(HandedPage) == 0
    await house.records.add(
        HandedPage(id="hpg_left", case_id=done["id"], number=7, content="", expires_at=house.clock.now())
    )  # as whoever died between the two steps leaves it
    await ask(house, kai, "POST", f"{path}/refusal", words, expect=409)
    assert await house.records.count(HandedPage) == 0
    listed = await ask(house, kai, "GET", "?show=closed")
    assert [each["state"] for each in listed["items"]] == ["refused"]
    assert (await ask(house, kai, "GET"))["items"] == []
    await house.clock.advance(3 * 366 * DAY_S)
    swept = await Retention(records=house.records, clock=house.clock, keyring=ground.keyring).sweep()
    assert swept["authority_cases"] == 1
    assert await ground.keyring.was_destroyed(path.removeprefix("/"))


@pytest.mark.clause("C2-24")
@pytest.mark.clause("C3-12")
@pytest.mark.parametrize("kind", ["court", "rights_holder"])
async def test_a_court_or_rights_holder_gets_nothing_without_the_decision(houses: Houses, kind: str) -> None:
    house, _ = houses
    kai = await house.staff(KAI, StaffRole.PRIVACY)
    bare = await ask(house, kai, "POST", "", {**CAME, "kind": kind}, expect=422)
    assert fields_of(bare) == ["paper"]
    made = await ask(house, kai, "POST", "", {**CAME, "kind": kind, "paper": "ab" * 32}, expect=201)
    assert made["paper"] == "ab" * 32
    assert await house.records.count(AuthorityCase) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "nobody@example.org"}, "email"),
        ({"fields": ["accounts.password_hash"]}, "fields"),
        ({"fields": ["mains"]}, "fields"),
        ({"fields": ["sessions.access_hash"]}, "fields"),
        ({"to": "2030-01-01T00:00:00.000Z"}, "to"),
        ({"silent_until": "2026-12-24"}, "silent_why"),
        ({"silent_until": "9999-12-31", "silent_why": "A law."}, "silent_until"),
        ({"silent_until": "2036-12-24", "silent_why": "A law."}, "silent_until"),
    ],
)
async def test_what_is_wrong_with_a_proposal_is_named(houses: Houses, change: dict[str, Any], field: str) -> None:
    house, _ = houses
    await house.register(MAIJA)
    kai = await house.staff(KAI, StaffRole.PRIVACY)
    path = f"/{(await ask(house, kai, 'POST', '', CAME, expect=201))['id']}"
    await ask(house, kai, "POST", f"{path}/verification", CALLED_BACK)
    wrong = await ask(house, kai, "POST", f"{path}/proposal", proposal(house, **change), expect=422)
    assert fields_of(wrong) == [field]


def test_no_secret_can_be_named_and_a_time_narrows_what_happened_and_not_how_things_stand() -> None:
    named = {f"{name}.{field}" for name, fields in may_be_handed_out().items() for field in fields}
    secrets = {"accounts.password_hash", "sessions.access_hash", "api_tokens.token_hash", "totp_factors.secret"}
    assert not secrets & named
    assert unknown_fields(["accounts.email", "accounts.password_hash", "nothing.at_all"]) == [
        "accounts.password_hash", "nothing.at_all",
    ]  # fmt: skip
    assert (moment_of(Incident), moment_of(Account)) == ("detected_at", None)


async def test_whoever_dies_while_making_it_another_makes_the_same(tmp_path: Path) -> None:
    async def build() -> Ground:
        ground = in_memory(tmp_path)
        await furnish(ground)
        now = ground.clock.now()
        case = AuthorityCase(
            id="cas_1", kind=CaseKind.POLICE, authority="Police", reference="1", legal_basis=LAW, words="When?",
            received_at=now, typed_in_by="acc_kai", state=CaseState.APPROVED, account_id=MAIJA_ID,
            fields=("accounts.email", *FIELDS), begins=now - timedelta(hours=1), ends=now + timedelta(hours=1),
            lease_until=EPOCH,
        )  # fmt: skip
        await ground.records.add(case)
        return ground

    async def run(ground: Ground, fuse: Fuse) -> None:
        while await clerk(ground, fuse).step():
            pass
        (case,) = await ground.records.find(AuthorityCase)
        if case.state is not CaseState.READY:
            await ground.clock.advance(LEASE_S)
            assert await clerk(ground, fuse).step()

    async def check(ground: Ground) -> None:
        (case,) = await ground.records.find(AuthorityCase)
        pages = await ground.records.find(HandedPage, order_by="number")
        content = "".join(each.content for each in pages)
        assert (case.state, case.digest) == (CaseState.READY, hashlib.sha256(content.encode()).hexdigest())
        assert [json.loads(each)["collection"] for each in content.splitlines()] == [
            "accounts", "incidents", "telemetry",
        ]  # fmt: skip
        assert SOCKET in content

    assert await every_crash_point(build, run, check) > 6


def _approved(ground: Ground, *fields: str) -> AuthorityCase:
    now = ground.clock.now()
    return AuthorityCase(
        id="cas_1", kind=CaseKind.POLICE, authority="Police", reference="1", legal_basis=LAW, words="When?",
        received_at=now, typed_in_by="acc_kai", state=CaseState.APPROVED, account_id=MAIJA_ID, fields=fields,
        begins=now - timedelta(hours=1), ends=now + timedelta(hours=1), lease_until=EPOCH,
    )  # fmt: skip


class SlowRecords(DyingRecords):
    """The Records port for a clerk who is put aside before the first page; `meanwhile` is what happens then."""

    def __init__(self, inner: Any, meanwhile: Callable[[], Awaitable[Any]]) -> None:
        super().__init__(inner, Fuse(None))
        self._meanwhile: Callable[[], Awaitable[Any]] | None = meanwhile

    async def add_all(self, records: Any) -> int:
        if self._meanwhile is not None and any(isinstance(each, HandedPage) for each in records):
            meanwhile, self._meanwhile = self._meanwhile, None
            await meanwhile()
        return await super().add_all(records)


async def test_of_a_case_that_is_refused_while_it_is_made_no_page_stays(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await ground.records.add(_approved(ground, *FIELDS))

    async def refuse() -> None:
        await ground.records.change_one(AuthorityCase, is_("id", "cas_1"), state=CaseState.REFUSED)

    slow = SlowRecords(ground.records, refuse)
    assert await AuthorityClerk(records=slow, telemetry=ground.telemetry, clock=ground.clock).step()
    (case,) = await ground.records.find(AuthorityCase)
    assert (case.state, case.digest) == (CaseState.REFUSED, "")
    assert await ground.records.count(HandedPage) == 0


async def test_a_clerk_who_was_too_slow_leaves_what_another_made(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(authority_clerk, "LINES", 1)
    ground = in_memory(tmp_path)
    await furnish(ground)
    await ground.records.add(_approved(ground, "accounts.email", *FIELDS))

    async def another() -> None:
        await ground.clock.advance(LEASE_S)
        await ground.records.change_one(Account, is_("id", MAIJA_ID), email="new@example.org")
        assert await clerk(ground).step()

    slow = SlowRecords(ground.records, another)
    assert await AuthorityClerk(records=slow, telemetry=ground.telemetry, clock=ground.clock).step()
    (case,) = await ground.records.find(AuthorityCase)
    content = "".join(each.content for each in await ground.records.find(HandedPage, order_by="number"))
    assert (case.state, case.digest) == (CaseState.READY, hashlib.sha256(content.encode()).hexdigest())
    assert "new@example.org" in content


async def test_making_what_takes_longer_than_a_lease_is_not_begun_by_another(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(authority_clerk, "LINES", 1)
    ground = in_memory(tmp_path)
    await furnish(ground)
    await ground.records.add(_approved(ground, "accounts.email", *FIELDS))
    others: list[bool] = []

    class Slower(DyingRecords):
        async def add_all(self, records: Any) -> int:
            await ground.clock.advance(LEASE_S / 2 + 1)
            others.append(await clerk(ground).step())
            return await super().add_all(records)

    slower = Slower(ground.records, Fuse(None))
    assert await AuthorityClerk(records=slower, telemetry=ground.telemetry, clock=ground.clock).step()
    (case,) = await ground.records.find(AuthorityCase)
    assert (case.state, others) == (CaseState.READY, [False] * 4)


@pytest.mark.clause("C3-13")
async def test_no_code_and_no_link_that_lets_somebody_in_is_handed_out(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    now = ground.clock.now()
    sent = {
        kind: Delivery(
            id=f"dlv_{kind}", account_id=MAIJA_ID, person_id=MAIJA_ID, kind=kind, channel=ChannelKind.EMAIL,
            address=MAIJA, subject_line="Your code 123456", created_at=now, due_at=now,
            text="Sauna: the power is off. 123456 https://cloud.example.org/reset?token=abc",
        )
        for kind in DeliveryKind
    }  # fmt: skip
    await ground.records.remove_all(Delivery)
    await ground.records.add_all([*sent.values()])
    words = ("deliveries.kind", "deliveries.text", "deliveries.subject_line")
    await ground.records.add(_approved(ground, *words))
    await clerk(ground).step()
    content = "".join(each.content for each in await ground.records.find(HandedPage, order_by="number"))
    told = {each["kind"]: each["text"] for each in map(json.loads, content.splitlines())}
    assert set(told) == {each.value for each in DeliveryKind}
    assert "token=abc" not in content
    assert told["alarm"] == "Sauna: the power is off. 123456 (link)"
    assert {told[each] for each in ("code", "reset", "activation", "notice", "newsletter")} == {"(not handed out)"}
    assert unknown_fields(["deliveries.html", "deliveries.unsubscribe_url"]) != []


async def test_nobody_is_looked_for_before_it_is_sure_who_asks(houses: Houses) -> None:
    house, _ = houses
    kai = await house.staff(KAI, StaffRole.PRIVACY)
    path = f"/{(await ask(house, kai, 'POST', '', CAME, expect=201))['id']}"
    body = proposal(house, email="nobody@example.org")
    await ask(house, kai, "POST", f"{path}/proposal", body, expect=409)
    await ask(house, kai, "POST", "/cas_nothing/proposal", body, expect=404)


async def test_what_was_handed_out_goes_after_a_month_and_its_digest_stays(houses: Houses) -> None:
    house, ground = houses
    await owned(house)
    kai, kirsi = await house.staff(KAI, StaffRole.PRIVACY), await house.staff(KIRSI, StaffRole.PRIVACY)
    path = await decided(house, kai, kirsi)
    await clerk(ground).step()
    await house.ask("GET", f"/staff/cases{path}/file", token=kai, headers=REASON)
    fetched = f"/staff/cases{path}/file"
    for seconds, status in ((PAGES_LIFE.total_seconds() - 1, 200), (1, 409)):  # the sweep that takes it away is late
        await house.clock.advance(seconds)
        kai = (await house.sign_in(KAI))["access_token"]
        await house.records.change_all(Session, second_factor=True)
        assert (await house.ask("GET", fetched, token=kai, headers=REASON)).status == status
    await Retention(records=house.records, clock=house.clock, keyring=ground.keyring).sweep()
    assert await house.records.count(HandedPage) == 0
    (case,) = await house.records.find(AuthorityCase, is_("state", CaseState.HANDED_OUT))
    assert len(case.digest) == 64
