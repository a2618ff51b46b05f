"""Alarm recipients see what is held about them and decide about it, without an account."""

import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from alerts.channels.gsm7 import SEGMENT_SEPTETS, septets
from isocket.domain.accounts import Account
from isocket.domain.contacts import ChannelKind, Contact, Verification
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.incidents import Cause, Incident, IncidentState, Severity
from isocket.domain.letters import LANGUAGES
from isocket.domain.people_letters import page_code
from isocket.domain.processing import NO_SAFEGUARD, Controller
from isocket.domain.recipient_visits import RecipientVisit
from isocket.domain.stops import Stop, StopKind
from isocket.storage.port import is_
from isocket.storage.records import StoredRecords
from portal_api import codes as counting
from portal_api.codes import CODE_LIFE
from portal_api.processing_words import recipient_in
from portal_api.recipient_acts import come_back, entries_of, erase, erase_entry, object_to
from portal_api.recipient_visits import LINK_LIFE, VISIT_LIFE, VISITS_ADDRESS, open_by_code
from tests.fakes.clock import ManualClock
from tests.fakes.dying import Died, DyingRecords, Fuse
from tests.fakes.erasing_house import Ground, back_up, erasing_house, furnish, ground_on_disk
from tests.fakes.portal_devices import MAIJA, PEKKA, PHONE, codes, enter, fields_of, owned, verified
from tests.fakes.portal_house import PortalHouse

NIINA = "niina@example.org"
LANDLINE = "+35891234567"
Houses = tuple[PortalHouse, Ground]
_SIX_DIGITS = re.compile(r"(?<!\d)\d{6}(?!\d)")


@pytest_asyncio.fixture
async def houses(tmp_path: Path) -> AsyncIterator[Houses]:
    async with erasing_house(tmp_path) as both:
        yield both


@pytest.fixture
def house(houses: Houses) -> PortalHouse:
    return houses[0]


async def invited(house: PortalHouse, address: str) -> None:
    answer = await house.ask("POST", "/people/codes", {"address": address})
    assert (answer.status, await answer.json()) == (202, {"status": "accepted"})


async def visit(house: PortalHouse, email: str = NIINA) -> str:
    """Return the token of somebody who came by the link in a mail."""
    await invited(house, email)
    answer = await house.ask("POST", "/people/sessions", {"token": await house.link_token(email)})
    assert answer.status == 200, await answer.text()
    return str((await answer.json())["access_token"])


async def me(house: PortalHouse, token: str) -> dict[str, Any]:
    answer = await house.ask("GET", "/people/me", token=token)
    assert answer.status == 200, await answer.text()
    told: dict[str, Any] = await answer.json()
    return told


async def do(house: PortalHouse, token: str, what: str) -> None:
    method, path = ("DELETE", "/people/me") if what == "erase" else ("POST", f"/people/me/{what}")
    answer = await house.ask(method, path, token=token)
    assert answer.status in {200, 204}, await answer.text()


async def texts_to(house: PortalHouse, phone: str) -> list[Delivery]:
    due = await house.records.find(Delivery, is_("kind", DeliveryKind.CODE), order_by="created_at")
    return [each for each in due if each.address == phone]


async def with_niina(house: PortalHouse) -> tuple[str, dict[str, Any]]:
    """Let Maija have a socket and Niina be told of it."""
    token = await owned(house)
    await house.records.change_one(Account, is_("email", MAIJA), name="Maija")
    entered = await enter(house, token, name="Neighbour", email=NIINA)
    code = (await codes(house, NIINA))[-1]
    body = {"channel": "email", "code": code}
    assert (await house.ask("POST", f"/contacts/{entered['id']}/verify", body, token=token)).status == 200
    return token, entered


@pytest.mark.clause("C7-01")
@pytest.mark.clause("C7-02")
async def test_a_recipient_sees_who_entered_them_what_for_and_what_was_sent(house: PortalHouse) -> None:
    _, entered = await with_niina(house)
    told = await me(house, await visit(house))
    (entry,) = told["entries"]
    assert (entry["id"], entry["entered_by"], entry["email"], entry["verified"]) == (
        entered["id"], "Maija", NIINA, ["email"],
    )  # fmt: skip
    assert [each["kind"] for each in told["messages"]] == ["code"]
    assert "customer" in told["source"]
    assert any("SMS and voice provider" in who for use in told["uses"] for who in use["recipients"])
    assert (told["said"], told["authority"]["country"]) == ([], "FI")


@pytest.mark.clause("C3-10")
async def test_a_recipient_reads_by_what_it_is_covered_that_their_number_leaves_the_eea(tmp_path: Path) -> None:
    covered = "standard contractual clauses (EU) 2021/914"
    controller = Controller(name="Example Ltd", contact="mailto:p@example.org", sms_country="US", safeguard=covered)
    async with erasing_house(tmp_path, controller=controller) as (house, _):
        await with_niina(house)
        told = await me(house, await visit(house))
    assert {who for use in told["uses"] for who in use["recipients"] if who.startswith("SMS and voice provider")} == {
        f"SMS and voice provider (US: {covered})"
    }
    assert recipient_in(f"SMS and voice provider (US: {covered})", "de").endswith(f"(US: {covered})")
    assert recipient_in(f"SMS and voice provider (US: {NO_SAFEGUARD})", "sv").startswith("leverantör av sms")
    assert NO_SAFEGUARD not in recipient_in(f"SMS and voice provider (US: {NO_SAFEGUARD})", "sv")


@pytest.mark.clause("C7-09")
async def test_a_recipient_takes_it_along_as_a_file(house: PortalHouse) -> None:
    await with_niina(house)
    token = await visit(house)
    answer = await house.ask("GET", "/people/me/data", token=token)
    assert "attachment" in answer.headers["Content-Disposition"]
    assert await answer.json() == await me(house, token)


async def test_two_customers_entries_are_shown_and_owners_entries_of_themselves_are_not(house: PortalHouse) -> None:
    await with_niina(house)
    pekka = await house.customer(PEKKA)
    await enter(house, pekka, email=NIINA)
    await enter(house, pekka, email=MAIJA)
    assert len((await me(house, await visit(house)))["entries"]) == 2
    (entry,) = (await me(house, await visit(house, MAIJA)))["entries"]
    assert entry["entered_by"] == "p…@example.org"


async def test_a_page_asks_as_often_however_many_entered_its_reader(
    house: PortalHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, entered = await with_niina(house)
    alone = await visit(house)
    known = await house.records.get(Contact, entered["id"])
    assert known is not None
    others = [replace(known, id=f"con_{each}", account_id=f"acc_{each}") for each in range(7)]
    owners = [Account(id=f"acc_{each}", email=f"o{each}@example.org", created_at=known.created_at) for each in range(7)]
    await house.records.add_all([*others, *owners])
    among_many, asked = await visit(house), Counter[str]()

    def counted(verb: str) -> None:
        as_it_is = getattr(StoredRecords, verb)

        def ask(records: StoredRecords, *of: Any, **how: Any) -> Any:
            asked[verb] += 1
            return as_it_is(records, *of, **how)

        monkeypatch.setattr(StoredRecords, verb, ask)

    counted("get")
    counted("find")
    assert len((await me(house, alone))["entries"]) == 1
    of_one = Counter(asked)
    asked.clear()
    assert len((await me(house, among_many))["entries"]) == 8
    assert asked == of_one


async def test_the_number_of_somebody_who_came_by_mail_is_shown_only_where_it_was_proved(house: PortalHouse) -> None:
    token = await owned(house)
    await enter(house, token, email=NIINA, phone=PHONE)
    assert (await me(house, await visit(house)))["entries"][0]["phone"] == "…23"
    await house.records.change_one(Contact, is_("phone", PHONE), phone_verified_at=house.clock.now())
    assert (await me(house, await visit(house)))["entries"][0]["phone"] == PHONE


async def test_no_code_to_a_number_is_shown_to_who_only_reads_the_mailbox_beside_it(house: PortalHouse) -> None:
    token = await owned(house)
    await enter(house, token, email=NIINA, phone=PHONE)
    (code,) = await codes(house, PHONE)
    told = await me(house, await visit(house))
    assert {each["kind"] for each in told["messages"]} == {"code"}
    assert code not in str(told)
    assert {each["text"] for each in told["messages"]} == {""}


@pytest.mark.clause("C5-18")
async def test_nobody_learns_whether_we_hold_an_address_and_strangers_get_no_mail(house: PortalHouse) -> None:
    await with_niina(house)
    for address in (NIINA, "stranger@example.org"):
        count = await house.records.count(Delivery)
        await invited(house, address)
        assert await house.records.count(Delivery) == count + 1
    assert await house.mails("stranger@example.org") == []
    wrong = {"address": "+447700900999", "code": "123456"}
    unknown = await house.ask("POST", "/people/sessions", wrong)
    await verified(house, await house.customer(PEKKA), PHONE)
    await invited(house, PHONE)
    known = await house.ask("POST", "/people/sessions", {**wrong, "address": PHONE})
    assert (unknown.status, await unknown.read()) == (known.status, await known.read()) == (400, await known.read())


async def test_a_recipient_by_telephone_comes_with_a_code_that_has_five_tries(house: PortalHouse) -> None:
    await verified(house, await owned(house), PHONE)
    await invited(house, PHONE)
    (code,) = _SIX_DIGITS.findall((await texts_to(house, PHONE))[-1].text)
    other = "000000" if code != "000000" else "111111"
    for _ in range(5):
        assert await open_by_code(house.portal, PHONE, other) is None
    assert await open_by_code(house.portal, PHONE, code) is None
    await house.clock.advance(3600)
    await invited(house, PHONE)
    (code,) = _SIX_DIGITS.findall((await texts_to(house, PHONE))[-1].text)
    answer = await house.ask("POST", "/people/sessions", {"address": PHONE, "code": f" {code[:3]} {code[3:]} "})
    told = await me(house, (await answer.json())["access_token"])
    assert told["entries"][0]["phone"] == PHONE
    assert await open_by_code(house.portal, PHONE, code) is None


async def test_a_landline_is_sent_no_code_that_it_could_not_show(house: PortalHouse) -> None:
    contact = await verified(house, await owned(house), PHONE)
    await house.records.change_one(Contact, is_("id", contact["id"]), phone=LANDLINE)
    await invited(house, LANDLINE)
    assert await texts_to(house, LANDLINE) == []


@pytest.mark.clause("C5-10")
async def test_asking_for_addresses_that_we_do_not_hold_leaves_no_key_for_each(house: PortalHouse) -> None:
    for address in (PEKKA, NIINA, PHONE):
        await invited(house, address)
    to_nobody = await house.records.find(Delivery, is_("reason", "to_nobody"))
    assert len(to_nobody) == 3
    assert len({each.person_id for each in to_nobody}) == 1


@pytest.mark.parametrize("address", [NIINA, PHONE])
async def test_of_who_had_only_said_stop_nothing_is_left_when_they_come_back(houses: Houses, address: str) -> None:
    house, ground = houses
    await house.records.add(Stop(id="stp_1", address=address, stopped_at=house.clock.now()))
    await invited(house, address)
    (sent,) = [each for each in await house.records.find(Delivery) if each.address == address]
    proof = {"address": address, "code": _SIX_DIGITS.findall(sent.text)[0]} if "@" not in address else None
    proof = proof or {"token": await house.link_token(address)}
    answer = await house.ask("POST", "/people/sessions", proof)
    await do(house, str((await answer.json())["access_token"]), "return")
    assert await house.records.count(Stop) == 0
    assert await house.records.find(Delivery, is_("id", sent.id)) == []
    assert await ground.keyring.key_for(sent.person_id) is None


async def test_links_codes_and_visits_end(house: PortalHouse) -> None:
    await with_niina(house)
    await invited(house, NIINA)
    link = await house.link_token(NIINA)
    await house.clock.advance(LINK_LIFE.total_seconds())
    assert (await house.ask("POST", "/people/sessions", {"token": link})).status == 400
    token = await visit(house)
    used = await house.ask("POST", "/people/sessions", {"token": await house.link_token(NIINA)})
    assert used.status == 400
    assert (await house.ask("POST", "/people/sessions", {"token": token})).status == 400
    await house.clock.advance(VISIT_LIFE.total_seconds())
    assert (await house.ask("GET", "/people/me", token=token)).status == 401
    assert CODE_LIFE < LINK_LIFE


async def test_a_visit_is_no_session_and_a_session_no_visit(house: PortalHouse) -> None:
    maija, _ = await with_niina(house)
    token = await visit(house)
    assert (await house.ask("GET", "/devices", token=token)).status == 401
    assert (await house.ask("GET", "/me", token=token)).status == 401
    assert (await house.ask("GET", "/people/me", token=maija)).status == 401


async def test_messages_to_one_address_are_limited_and_the_answer_stays_the_same(house: PortalHouse) -> None:
    await with_niina(house)
    before = len(await house.mails(NIINA))
    for _ in range(VISITS_ADDRESS.tries + 2):
        await invited(house, NIINA)
    assert len(await house.mails(NIINA)) == before + VISITS_ADDRESS.tries


async def test_strangers_who_name_invented_numbers_use_up_nobodys_codes(
    house: PortalHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = replace(counting.TEXTS_ALL, tries=3)
    monkeypatch.setattr(counting, "TEXTS_ALL", few)
    await verified(house, await owned(house), PHONE)
    for number in range(6):
        await invited(house, f"+44770090045{number}")
    before = len(await texts_to(house, PHONE))
    await invited(house, PHONE)
    assert len(await texts_to(house, PHONE)) == before + 1
    assert await house.portal.limits.take(few) == 0


async def test_an_entry_that_has_another_address_by_now_is_not_theirs_any_more(house: PortalHouse) -> None:
    owner, entered = await with_niina(house)
    token = await visit(house)
    body = {"email": "somebody.else@example.org"}
    assert (await house.ask("PATCH", f"/contacts/{entered['id']}", body, token=owner)).status == 200
    assert (await house.ask("GET", "/people/me", token=token)).status == 401


@pytest.mark.clause("C7-05")
async def test_a_recipient_corrects_their_name_and_nothing_else_of_an_entry(house: PortalHouse) -> None:
    owner, entered = await with_niina(house)
    token = await visit(house)
    good = await house.ask("PATCH", "/people/me", {"name": "Niina Naapuri", "language": "fi"}, token=token)
    assert good.status == 200
    shown = await (await house.ask("GET", f"/contacts/{entered['id']}", token=owner)).json()
    assert (shown["name"], shown["language"], shown["time_zone"]) == ("Niina Naapuri", "fi", "UTC")
    bad = await house.ask("PATCH", "/people/me", {"phone": PHONE}, token=token)
    assert (bad.status, fields_of(await bad.json())) == (422, ["phone"])


async def test_another_time_zone_of_a_recipient_holds_for_what_waits_already(house: PortalHouse) -> None:
    _, entered = await with_niina(house)
    token = await visit(house)
    now = house.clock.now()
    later = now + timedelta(hours=8)
    alarm = {"kind": DeliveryKind.ALARM, "channel": ChannelKind.EMAIL, "account_id": "acc_1", "text": "It is cold"}
    to = {"person_id": entered["id"], "contact_id": entered["id"], "address": entered["email"]}
    await house.records.add(Delivery(id="dlv_1", created_at=now, due_at=later, held_until=later, **alarm, **to))
    assert (await house.ask("PATCH", "/people/me", {"time_zone": "Asia/Tokyo"}, token=token)).status == 200
    looked_at = await house.records.get(Delivery, "dlv_1")
    assert looked_at is not None
    assert now <= looked_at.due_at == looked_at.held_until <= house.clock.now()


@pytest.mark.clause("C7-10")
@pytest.mark.parametrize("what", ["stop", "objection"])
async def test_who_stops_or_objects_is_told_no_more_the_owner_knows_and_only_they_undo_it(
    house: PortalHouse, what: str
) -> None:
    owner, entered = await with_niina(house)
    token, mails = await visit(house), len(await house.mails(MAIJA))
    await do(house, token, what)
    await do(house, token, what)
    assert len(await house.mails(MAIJA)) == mails + 1
    ready = await (await house.ask("GET", "/readiness", token=owner)).json()
    assert "paused" in [each["what"] for each in ready["items"][0]["missing"]]
    refused = await house.ask("PATCH", f"/contacts/{entered['id']}", {"paused": False}, token=owner)
    assert refused.status == 409
    again = await house.ask("POST", f"/contacts/{entered['id']}/verification", {"channel": "email"}, token=owner)
    assert again.status == 409
    await do(house, token, "return")
    assert (await me(house, token))["entries"][0]["paused"] is False
    assert await house.records.count(Stop) == 0


@pytest.mark.parametrize("what", ["stop", "objection", "erase"])
async def test_an_alarm_that_its_taker_walks_away_from_on_their_page_is_looked_at_at_once(
    house: PortalHouse, what: str
) -> None:
    _, entered = await with_niina(house)
    token, now = await visit(house), house.clock.now()
    taken = {"state": IncidentState.ACKNOWLEDGED, "acknowledged_at": now, "acknowledged_by": f"{entered['id']} email"}
    alarm = {"account_id": (await house.account(MAIJA)).id, "device_id": "dev_1", "cause": Cause.OFFLINE, **taken}
    await house.records.add(Incident(id="inc_1", severity=Severity.MAJOR, opened_at=now, detected_at=now, **alarm))
    await do(house, token, what)
    (known,) = await house.records.find(Incident)
    assert (known.needs_step, known.step_due_at) == (True, house.clock.now())


@pytest.mark.parametrize("what", ["stop", "objection"])
async def test_who_walks_away_a_second_time_does_so_as_of_now_whatever_they_took_since(
    house: PortalHouse, what: str
) -> None:
    _, entered = await with_niina(house)
    token = await visit(house)
    await do(house, token, "stop")
    await house.clock.advance(600)
    await do(house, token, what)
    contact = await house.records.get(Contact, entered["id"])
    assert contact is not None
    assert contact.paused_at == house.clock.now()


@pytest.mark.clause("C7-10")
@pytest.mark.parametrize("by_text", [True, False])
async def test_a_mailbox_in_the_same_entry_undoes_no_word_of_the_telephone(house: PortalHouse, by_text: bool) -> None:
    owner = await owned(house)
    entered = await verified(house, owner, PHONE, email=PEKKA)
    if by_text:  # as the reply STOP is stored
        stopped = {"paused_at": house.clock.now(), "pause_reason": "stop_reply"}
        await house.records.change_one(Contact, is_("id", entered["id"]), **stopped)
        await house.records.add(Stop(id="stp_1", address=PHONE, stopped_at=house.clock.now()))
    else:
        await object_to(house.portal, PHONE, await entries_of(house.records, ChannelKind.SMS, PHONE))
    token = await visit(house, PEKKA)
    await do(house, token, "return")
    assert (await me(house, token))["entries"][0]["paused"] is True
    assert [each.address for each in await house.records.find(Stop)] == [PHONE]
    entries = await entries_of(house.records, ChannelKind.SMS, PHONE)
    await come_back(house.portal, PHONE, entries)
    assert (await me(house, token))["entries"][0]["paused"] is False


@pytest.mark.clause("C7-06")
async def test_who_is_erased_leaves_nothing_behind_and_the_owner_sees_the_gap(houses: Houses) -> None:
    house, ground = houses
    owner, entered = await with_niina(house)
    token, mails = await visit(house), len(await house.mails(MAIJA))
    await do(house, token, "erase")
    assert (await house.ask("GET", "/people/me", token=token)).status == 401
    assert (await house.ask("GET", f"/contacts/{entered['id']}", token=owner)).status == 404
    assert await ground.keyring.was_destroyed(entered["id"])
    assert await house.records.count(Verification) == 0
    left = await house.records.find(Delivery, is_("person_id", entered["id"]))
    assert all((each.address, each.text) == ("", "") and each.state is not DeliveryState.DUE for each in left)
    assert len(await house.mails(MAIJA)) == mails + 1
    ready = await (await house.ask("GET", "/readiness", token=owner)).json()
    assert entered["id"] not in [each["contact_id"] for each in ready["items"][0]["reached"]]


@pytest.mark.clause("C7-06")
@pytest.mark.clause("C7-10")
@pytest.mark.parametrize("what", ["erase", "objection"])
async def test_who_is_entered_anew_stays_blocked_until_they_opt_in_themselves(house: PortalHouse, what: str) -> None:
    await with_niina(house)
    await do(house, await visit(house), what)
    pekka, mails = await house.customer(PEKKA), len(await house.mails(NIINA))
    entered = await enter(house, pekka, email=NIINA)
    asked = await house.ask("POST", f"/contacts/{entered['id']}/verification", {"channel": "email"}, token=pekka)
    assert (asked.status, (await asked.json())["type"]) == (409, "urn:isocket:problem:stopped")
    assert len(await house.mails(NIINA)) == mails
    token = await visit(house)
    assert (await me(house, token))["said"] == [{"erase": "erased", "objection": "objected"}[what]]
    await do(house, token, "return")
    asked = await house.ask("POST", f"/contacts/{entered['id']}/verification", {"channel": "email"}, token=pekka)
    assert asked.status == 202


async def test_who_had_their_telephone_proved_as_well_is_blocked_by_it_too(house: PortalHouse) -> None:
    owner = await owned(house)
    await verified(house, owner, PHONE, email=NIINA)
    await do(house, await visit(house), "erase")
    entered = await enter(house, owner, phone=PHONE)
    asked = await house.ask("POST", f"/contacts/{entered['id']}/verification", {"channel": "sms"}, token=owner)
    assert (asked.status, (await asked.json())["type"]) == (409, "urn:isocket:problem:stopped")
    assert {each.said for each in await house.records.find(Stop)} == {StopKind.ERASED}


async def test_an_erasure_that_dies_anywhere_is_completed_by_the_next(houses: Houses) -> None:
    house, ground = houses
    _, entered = await with_niina(house)
    for at in range(1, 100):
        fuse = Fuse(at, after=at % 2 == 0)
        portal = replace(house.portal, records=DyingRecords(house.records, fuse))
        try:
            await erase(portal, NIINA, await entries_of(house.records, ChannelKind.EMAIL, NIINA))
        except Died:
            continue
        break
    assert await house.records.get(Contact, entered["id"]) is None
    assert await ground.keyring.was_destroyed(entered["id"])
    assert [each.said for each in await house.records.find(Stop)] == [StopKind.ERASED]
    assert await house.records.count(RecipientVisit) == 0


@pytest.mark.clause("C5-01")
@pytest.mark.clause("C7-06")
async def test_a_restored_backup_brings_no_recipient_back(tmp_path: Path) -> None:
    clock, folder, backup = ManualClock(), tmp_path / "var", tmp_path / "backup"
    folder.mkdir()
    files = ("isocket.sqlite", "keyring.sqlite")
    async with ground_on_disk(folder, clock) as ground:
        await furnish(ground)
        back_up(folder, backup, *files)
        await erase_entry(ground.records, clock, "con_1", keyring=ground.keyring, note=ground.note_erasure)
        assert await ground.records.get(Contact, "con_1") is None
        assert await ground.replay() == 0
    for name in files:
        (folder / name).unlink()
        for more in folder.glob(f"{name}-*"):
            more.unlink()
    back_up(backup, folder, *files)
    async with ground_on_disk(folder, clock) as ground:
        assert await ground.records.get(Contact, "con_1") is not None
        assert await ground.replay() == 1
        assert await ground.records.get(Contact, "con_1") is None
        assert await ground.keyring.was_destroyed("con_1")
        assert await ground.records.get(Contact, "con_2") is not None
        assert await ground.replay() == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_with_the_code_fits_one_segment_and_has_no_other_digits(language: str) -> None:
    said = page_code(language, "402117")
    assert septets(said) <= SEGMENT_SEPTETS
    assert re.findall(r"\d+", said) == ["402117"]
