"""Anybody asks for something by right, and whoever is asked learns first who it is."""

import itertools
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from isocket.domain.accounts import StaffRole
from isocket.domain.consents import Consent, Subscription
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Delivery
from isocket.domain.erasures import Erasure
from isocket.domain.exports import BY_REQUEST, DataExport
from isocket.domain.letters import LANGUAGES
from isocket.domain.processing import Office
from isocket.domain.request_letters import newsletter_no_more, who_are_you
from isocket.domain.requests import DECISION, FOLLOWS, RequestChannel, RequestState, Right, RightsRequest
from isocket.domain.stops import Stop, StopKind
from isocket.storage.port import is_
from portal_api.privacy_requests import PROOF_LIFE, confirm_with
from privacy.requests import RequestWatch
from tests.fakes.dying import Died, DyingRecords, Fuse
from tests.fakes.erasing_house import Ground, erasing_house
from tests.fakes.portal_devices import MAIJA, enter, fields_of, owned
from tests.fakes.portal_house import PASSWORD, PUBLIC_URL, PortalHouse

NEIGHBOUR = "niina@example.org"
STRANGER = "stranger@example.org"
Houses = tuple[PortalHouse, Ground]


@pytest_asyncio.fixture
async def houses(tmp_path: Path) -> AsyncIterator[Houses]:
    async with erasing_house(tmp_path) as both:
        yield both


@pytest.fixture
def house(houses: Houses) -> PortalHouse:
    return houses[0]


async def ask(house: PortalHouse, email: str, kind: str = "access", **more: Any) -> dict[str, Any]:
    answer = await house.ask("POST", "/privacy/requests", {"kind": kind, "email": email, **more})
    assert answer.status == 202, await answer.text()
    said: dict[str, Any] = await answer.json()
    return said


async def confirm(house: PortalHouse, email: str, expect: int = 200) -> dict[str, Any]:
    body = {"token": await house.link_token(email)}
    answer = await house.ask("POST", "/privacy/requests/confirm", body)
    assert answer.status == expect, await answer.text()
    said: dict[str, Any] = await answer.json()
    return said


async def stored(house: PortalHouse) -> RightsRequest:
    (found,) = await house.records.find(RightsRequest)
    return found


@pytest.mark.clause("C1-03")
@pytest.mark.clause("C7-12")
@pytest.mark.clause("C7-16")
async def test_anybody_asks_without_an_account_and_is_told_until_when(house: PortalHouse) -> None:
    said = await ask(house, STRANGER, "rectification", words="My name is\nspelt otherwise.", country="SE")
    assert (said["status"], said["authority"]["name"]) == ("accepted", "Integritetsskyddsmyndigheten")
    request = await stored(house)
    assert (request.state, request.words) == (RequestState.IDENTITY_ASKED, "My name is\nspelt otherwise.")
    assert said["due_at"].startswith(f"{request.due_at:%Y-%m-%d}")


@pytest.mark.clause("C5-18")
@pytest.mark.clause("C6-09")
async def test_nobody_learns_from_asking_whether_we_hold_an_address(house: PortalHouse) -> None:
    token = await owned(house)
    await enter(house, token, email=NEIGHBOUR)
    seen = []
    for address in (MAIJA, NEIGHBOUR, STRANGER):
        before = await house.records.count(Delivery)
        answer = await house.ask("POST", "/privacy/requests", {"kind": "erasure", "email": address})
        headers = {name: value for name, value in answer.headers.items() if name != "Date"}
        told = (await answer.json()) | {"due_at": ""}
        mail = (await house.mails(address))[-1]
        words = re.sub(r"token=[\w\-]+", "", mail.text)
        seen.append((answer.status, headers, told, await house.records.count(Delivery) - before, words))
    for each in seen[1:]:
        assert (each[0], each[2:]) == (seen[0][0], seen[0][2:])
        assert {name: v for name, v in each[1].items() if name != "Content-Length"} == {
            name: v for name, v in seen[0][1].items() if name != "Content-Length"
        }


@pytest.mark.clause("C5-18")
async def test_a_mailbox_that_has_had_enough_gets_no_more_mails_and_the_answer_stays_the_same(
    house: PortalHouse,
) -> None:
    said = [await ask(house, STRANGER) for _ in range(6)]
    assert len({each["status"] for each in said}) == 1
    assert len(await house.mails(STRANGER)) == 3
    assert await house.records.count(RightsRequest) == 1


@pytest.mark.clause("C7-13")
async def test_nothing_is_done_before_the_mailbox_has_answered(house: PortalHouse) -> None:
    await owned(house)
    await ask(house, MAIJA, "erasure")
    assert await house.records.count(Erasure) == 0
    request = await stored(house)
    assert (request.account_id, request.proof) == (None, None)


@pytest.mark.clause("C7-13")
async def test_a_known_mailbox_is_written_to_as_it_is_known_not_as_it_was_typed(house: PortalHouse) -> None:
    await owned(house)
    await ask(house, "MAIJA@example.org")
    assert [each.address for each in await house.mails(MAIJA)][-1:] == [MAIJA]
    assert await house.mails("MAIJA@example.org") == []


@pytest.mark.clause("C7-02")
@pytest.mark.clause("C7-14")
async def test_who_has_an_account_gets_the_copy_and_only_a_session_that_proved_itself_fetches_it(
    houses: Houses,
) -> None:
    house, ground = houses
    token = await owned(house)
    await ask(house, MAIJA, "access")
    shown = await confirm(house, MAIJA)
    assert shown["state"] == "in_work"
    export = await house.records.get(DataExport, shown["fulfilled_by"])
    assert export is not None
    assert export.session_id == BY_REQUEST
    assert await ground.exporter().round() == 1
    watch = RequestWatch(
        records=house.records, clock=house.clock, office=Office(), public_url=PUBLIC_URL, operator_email=None
    )
    await watch.round()
    told = [each.text for each in await house.mails(MAIJA)]
    assert any(f"{PUBLIC_URL}/privacy/copy" in each for each in told), "a page, where people can sign in"
    path = f"/privacy/exports/{export.id}/download"
    assert (await house.ask("GET", path, token=token)).status == 200
    await house.clock.advance(3600 - 1)
    assert (await house.ask("GET", path, token=token)).status == 403
    other = await house.customer(STRANGER)
    assert (await house.ask("GET", path, token=other)).status == 404


@pytest.mark.clause("C7-06")
async def test_an_erasure_that_was_asked_for_by_mail_has_the_same_time_to_undo_it(house: PortalHouse) -> None:
    token = await owned(house)
    await ask(house, MAIJA, "erasure")
    shown = await confirm(house, MAIJA)
    assert shown["state"] == "answered"
    wish = await (await house.ask("GET", "/privacy/erasure", token=token)).json()
    assert (wish["state"], wish["undo"]) == ("asked", True)
    assert shown["fulfilled_by"] in wish["receipt"]
    undone = await house.ask("DELETE", "/privacy/erasure", token=token)
    assert (await undone.json())["state"] == "undone"


@pytest.mark.clause("C6-09")
async def test_who_is_unknown_to_us_is_answered_by_people_once_the_mailbox_is_proved(house: PortalHouse) -> None:
    await ask(house, STRANGER)
    shown = await confirm(house, STRANGER)
    assert (shown["state"], shown["fulfilled_by"]) == ("identified", None)
    told = await (await house.ask("GET", f"/privacy/requests?id={shown['id']}")).json()
    assert told == shown
    assert STRANGER not in str(told)
    assert f"{(await stored(house)).due_at:%Y-%m-%d}" in (await house.mails(STRANGER))[-1].text


@pytest.mark.clause("C7-06")
@pytest.mark.clause("C7-10")
@pytest.mark.parametrize(("kind", "said"), [("erasure", StopKind.ERASED), ("objection", StopKind.OBJECTED)])
async def test_an_alarm_recipient_without_account_is_erased_or_left_alone_and_the_owner_told(
    house: PortalHouse, kind: str, said: StopKind
) -> None:
    token = await owned(house)
    entered = await enter(house, token, email=NEIGHBOUR)
    before = len(await house.mails(MAIJA))
    await ask(house, NEIGHBOUR, kind)
    assert (await confirm(house, NEIGHBOUR))["state"] == "answered"
    contact = await house.records.get(Contact, entered["id"])
    assert (contact is None) == (kind == "erasure")
    assert contact is None or contact.pause_reason == "objected"
    assert [each.said for each in await house.records.find(Stop)] == [said]
    assert len(await house.mails(MAIJA)) == before + 1
    ready = await (await house.ask("GET", "/readiness", token=token)).json()
    assert entered["id"] not in [each["contact_id"] for each in ready["items"][0]["reached"]]


@pytest.mark.clause("C7-13")
async def test_a_link_works_once_and_for_fourteen_days(house: PortalHouse) -> None:
    await ask(house, STRANGER)
    token = await house.link_token(STRANGER)
    await house.clock.advance(PROOF_LIFE.total_seconds())
    assert (await house.ask("POST", "/privacy/requests/confirm", {"token": token})).status == 400
    await house.clock.advance(86_400)
    await ask(house, STRANGER)
    token = await house.link_token(STRANGER)
    assert (await house.ask("POST", "/privacy/requests/confirm", {"token": token})).status == 200
    assert (await house.ask("POST", "/privacy/requests/confirm", {"token": token})).status == 400


async def test_what_nobody_proved_is_decided_from_that_day_and_what_a_letter_said_stays_until_its_time(
    house: PortalHouse,
) -> None:
    now = house.clock.now()
    form = RightsRequest(
        id="rrq_form", kind=Right.ACCESS, channel=RequestChannel.FORM, email=STRANGER, words="What is held?",
        state=RequestState.IDENTITY_ASKED, received_at=now, due_at=now, proof_hash="h1", proof_ends_at=now + PROOF_LIFE,
    )  # fmt: skip
    letter = replace(form, id="rrq_letter", channel=RequestChannel.LETTER, email=NEIGHBOUR, proof_hash="h2")
    waits = replace(letter, id="rrq_waits", proof_hash="h3", proof_ends_at=now + PROOF_LIFE + timedelta(seconds=1))
    await house.records.add_all([form, letter, waits])
    await house.clock.advance(PROOF_LIFE.total_seconds())
    await RequestWatch(
        records=house.records, clock=house.clock, office=Office(), public_url=PUBLIC_URL, operator_email=None
    ).round()
    ended = [await house.records.get(RightsRequest, each.id) for each in (form, letter)]
    said = [(each.state, each.decided_at, each.words, each.email, each.proof_hash) for each in ended if each]
    over = (RequestState.REFUSED, house.clock.now())
    assert said == [(*over, "", "", None), (*over, "What is held?", NEIGHBOUR, None)]
    assert await house.records.get(RightsRequest, waits.id) == waits


@pytest.mark.clause("C7-16")
async def test_asking_again_before_answering_the_mail_begins_no_new_month(house: PortalHouse) -> None:
    await ask(house, STRANGER)
    first = (await stored(house)).due_at
    await house.clock.advance(5 * 86_400)
    await ask(house, STRANGER, words="Said last.")
    assert ((await stored(house)).due_at, (await stored(house)).words) == (first, "Said last.")
    assert (await confirm(house, STRANGER))["state"] == "identified"


async def read_newsletter(house: PortalHouse, email: str) -> None:
    assert (await house.ask("POST", "/newsletter", {"email": email})).status == 202
    answer = await house.ask("POST", "/newsletter/confirm", {"token": await house.link_token(email)})
    assert answer.status == 200, await answer.text()
    await house.clock.advance(1)  # the next mail to it is the newest


@pytest.mark.clause("C7-10", "C7-06", "C2-08")
@pytest.mark.parametrize("kind", ["objection", "erasure"])
async def test_who_reads_the_newsletter_alone_and_objects_or_is_erased_gets_it_no_more_from_that_moment(
    house: PortalHouse, kind: str
) -> None:
    await read_newsletter(house, STRANGER)
    await ask(house, STRANGER, kind)
    assert await house.records.count(Subscription) == 1, "a stranger ends nobody's newsletter"
    assert (await confirm(house, STRANGER))["state"] == "answered"
    assert await house.records.count(Subscription) == 0
    assert await house.records.count(Consent) == 0
    assert (await stored(house)).answer == newsletter_no_more("en")


@pytest.mark.clause("C7-10")
async def test_an_account_that_objects_by_the_form_gets_no_newsletter_while_people_read_what_else_is_meant(
    house: PortalHouse,
) -> None:
    maija = await owned(house)
    assert (await house.ask("PUT", "/privacy/consents", {"newsletter": True}, token=maija)).status == 200
    await ask(house, MAIJA, "objection")
    assert await house.records.count(Subscription) == 1
    assert (await confirm(house, MAIJA))["state"] == "identified"
    assert await house.records.count(Subscription) == 0
    objections = await (await house.ask("GET", "/privacy/objections", token=maija)).json()
    assert (objections["newsletter"], objections["statistics"], objections["alarms"]) == (True, False, False)


@pytest.mark.clause("C7-06")
async def test_a_crash_while_a_newsletter_is_ended_for_good_leaves_it_ended_and_answered(tmp_path: Path) -> None:
    async with erasing_house(tmp_path) as (house, _):
        await read_newsletter(house, STRANGER)
        await ask(house, STRANGER, "erasure")
        token = await house.link_token(STRANGER)
        for at in itertools.count(1):
            fuse = Fuse(at, after=at % 2 == 0)
            try:
                await confirm_with(replace(house.portal, records=DyingRecords(house.records, fuse)), token)
            except Died:
                continue
            break
        assert ((await stored(house)).state, (await stored(house)).letter_due) == (RequestState.ANSWERED, DECISION)
        assert await house.records.count(Subscription) == 0


@pytest.mark.clause("C7-06")
@pytest.mark.clause("C7-10")
@pytest.mark.parametrize("kind", ["erasure", "objection"])
async def test_an_alarm_recipient_who_is_erased_or_objects_is_no_reader_of_the_newsletter_any_more(
    house: PortalHouse, kind: str
) -> None:
    await enter(house, await owned(house), email=STRANGER)
    await read_newsletter(house, STRANGER)
    await ask(house, STRANGER, kind)
    assert (await confirm(house, STRANGER))["state"] == "answered"
    assert await house.records.count(Subscription) == 0


@pytest.mark.clause("C7-02")
async def test_staff_who_answer_what_we_hold_see_that_a_mailbox_gets_the_newsletter(house: PortalHouse) -> None:
    await read_newsletter(house, STRANGER)
    await ask(house, STRANGER)
    assert (await confirm(house, STRANGER))["state"] == "identified"
    token = await house.staff("kai@example.org", StaffRole.PRIVACY)
    path, why = f"/staff/requests/{(await stored(house)).id}", {"X-Reason": "what is held of them"}
    assert (await (await house.ask("GET", path, token=token, headers=why)).json())["newsletter"] is True


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "money", "email": STRANGER}, "kind"),
        ({"kind": "access", "email": "nobody"}, "email"),
        ({"kind": "access"}, "email"),
        ({"kind": "access", "email": STRANGER, "country": "Finland"}, "country"),
        ({"kind": "access", "email": STRANGER, "country": "XX"}, "country"),
        ({"kind": "access", "email": STRANGER, "words": "x\u0000y"}, "words"),
        ({"kind": "access", "email": STRANGER, "words": "x" * 4001}, "words"),
        ({"kind": "access", "email": STRANGER, "account_id": "acc_1"}, "account_id"),
    ],
)
async def test_what_is_wrong_is_named(house: PortalHouse, body: dict[str, str], field: str) -> None:
    answer = await house.ask("POST", "/privacy/requests", body)
    assert answer.status == 422
    assert fields_of(await answer.json()) == [field]


async def test_a_crash_while_a_mailbox_answers_leaves_the_link_good_and_nothing_done_twice(tmp_path: Path) -> None:
    async with erasing_house(tmp_path) as (house, _):
        await owned(house)
        await ask(house, MAIJA, "erasure")
        token = await house.link_token(MAIJA)
        before = await house.records.count(Delivery)
        for at in itertools.count(1):
            fuse = Fuse(at, after=at % 2 == 0)
            dying = replace(house.portal, records=DyingRecords(house.records, fuse))
            try:
                await confirm_with(dying, token)
            except Died:
                continue
            break
        assert fuse.at is not None
        assert fuse.at >= 7
        assert await house.records.count(Erasure) == 1
        assert ((await stored(house)).state, (await stored(house)).letter_due) == (RequestState.ANSWERED, DECISION)
        assert await house.records.count(Delivery) == before + 1


@pytest.mark.clause("C7-17")
def test_nothing_is_answered_before_it_is_known_who_asks_and_what_is_decided_stays() -> None:
    assert RequestState.ANSWERED not in FOLLOWS[RequestState.RECEIVED] | FOLLOWS[RequestState.IDENTITY_ASKED]
    assert FOLLOWS[RequestState.ANSWERED] == FOLLOWS[RequestState.REFUSED] == frozenset()
    assert set(FOLLOWS) == set(RequestState)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_mail_names_what_was_asked_for_in_every_language(language: str) -> None:
    texts = {who_are_you(language, kind, link="https://x.example.org/t").text for kind in Right}
    assert len(texts) == len(Right)
    assert all("https://x.example.org/t" in each for each in texts)


async def test_a_request_is_sealed_under_a_key_of_its_own(houses: Houses) -> None:
    house, ground = houses
    await ask(house, STRANGER, words="Only for your eyes.")
    request = await stored(house)
    await ground.keyring.destroy(request.id)
    (found,) = await house.records.find(RightsRequest, is_("id", request.id))
    assert (found.email, found.words) == ("", "")
    assert found.due_at - found.received_at >= timedelta(days=28)
    assert PASSWORD not in str(found)
