"""Staff ask back about a request: by a mailbox that has answered, without the clock standing still, and it is noted."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from isocket.domain.accounts import StaffRole
from isocket.domain.disclosures import Disclosure
from isocket.domain.letters import LANGUAGES
from isocket.domain.processing import Controller, Office
from isocket.domain.question_letters import question_mail
from isocket.domain.request_notes import NoteKind, RequestNote
from isocket.domain.requests import RequestChannel, RightsRequest
from portal_api import access, sessions
from portal_api.pages_routes import page_routes
from tests.fakes.clock import NOON
from tests.fakes.erasing_house import Ground, erasing_house
from tests.fakes.portal_devices import ALL_ROUTES, MAIJA, fields_of, owned
from tests.fakes.portal_house import PUBLIC_URL, PortalHouse, portal_house

REASON = {"X-Reason": "letter of 20 November, file 7"}
PAGES = (*ALL_ROUTES, *page_routes(desk=False))
QUESTION = {"words": "Which of your sockets do you mean?"}
Houses = tuple[PortalHouse, Ground]


@pytest_asyncio.fixture
async def houses(tmp_path: Path) -> AsyncIterator[Houses]:
    async with erasing_house(tmp_path) as both:
        yield both


@pytest.fixture
def house(houses: Houses) -> PortalHouse:
    return houses[0]


async def request(house: PortalHouse, *, proved: bool = True) -> RightsRequest:
    body = {"kind": "rectification", "email": MAIJA, "words": "My socket is named wrongly."}
    assert (await house.ask("POST", "/privacy/requests", body)).status == 202
    if proved:
        token = await house.link_token(MAIJA)
        assert (await house.ask("POST", "/privacy/requests/confirm", {"token": token})).status == 200
    (found,) = await house.records.find(RightsRequest)
    return found


async def say(
    house: PortalHouse, token: str, made: RightsRequest, what: str, body: Any = None, *, expect: int = 200
) -> dict[str, Any]:
    path, method = f"/staff/requests/{made.id}/{what}", "GET" if body is None else "POST"
    answer = await house.ask(method, path, body, token=token, headers=REASON)
    assert answer.status == expect, await answer.text()
    said: dict[str, Any] = await answer.json()
    return said


async def test_who_of_staff_read_what_was_asked_back_is_on_record_also_of_somebody_without_an_account(
    house: PortalHouse,
) -> None:
    made, token = await request(house), await house.staff("staff@example.org", StaffRole.PRIVACY)
    assert made.account_id is None
    await say(house, token, made, "questions", QUESTION)
    (line,) = await house.records.find(Disclosure)
    assert (line.subject_id, line.what, line.reason) == (made.id, ("request_notes",), REASON["X-Reason"])


@pytest.mark.clause("C7-15", "C1-09")
async def test_a_question_goes_out_the_clock_goes_on_and_the_answer_is_noted_with_its_way(house: PortalHouse) -> None:
    await owned(house)
    made = await request(house)
    token = await house.staff("kai@example.org", StaffRole.PRIVACY)
    await say(house, token, made, "questions", QUESTION)
    mail = (await house.mails(MAIJA))[-1]
    assert QUESTION["words"] in mail.text
    assert made.id in mail.text
    assert f"{made.due_at:%Y-%m-%d}" in mail.text
    answer = {"words": "The one at the cabin.", "channel": "telephone"}
    noted = await say(house, token, made, "answers", answer)
    assert [(each["kind"], each["channel"], each["words"]) for each in noted["items"]] == [
        ("question", "mail", QUESTION["words"]),
        ("answer", "telephone", answer["words"]),
    ]
    (after,) = await house.records.find(RightsRequest)
    assert (after.due_at, after.state) == (made.due_at, made.state)
    looks = [each for each in await house.records.find(Disclosure) if each.what == ("request_notes",)]
    assert {each.reason for each in looks} == {REASON["X-Reason"]}


@pytest.mark.clause("C7-02")
async def test_what_was_noted_before_it_was_known_whose_request_it_is_is_theirs_as_well(house: PortalHouse) -> None:
    await owned(house)
    token = await house.staff("kai@example.org", StaffRole.PRIVACY)
    letter = {"kind": "access", "channel": "letter", "received_on": "2026-11-20", "postal": "Street 1", "words": "All."}
    typed = await house.ask("POST", "/staff/requests", letter, token=token, headers=REASON)
    assert typed.status == 201, await typed.text()
    (made,) = await house.records.find(RightsRequest)
    await say(house, token, made, "answers", {"words": "My mailbox is the one that you know.", "channel": "telephone"})
    known = {"proof": "knowledge", "email": MAIJA}
    await say(house, token, made, "identity", known)
    (note,) = await house.records.find(RequestNote)
    assert note.account_id == (await house.account(MAIJA)).id


@pytest.mark.clause("C7-15")
async def test_a_mailbox_that_has_not_answered_is_asked_nothing(house: PortalHouse) -> None:
    made = await request(house, proved=False)
    token = await house.staff("kai@example.org", StaffRole.PRIVACY)
    before = len(await house.mails(MAIJA))
    await say(house, token, made, "questions", QUESTION, expect=409)
    assert len(await house.mails(MAIJA)) == before
    assert await house.records.count(RequestNote) == 0


async def test_what_is_wrong_is_named(house: PortalHouse) -> None:
    made = await request(house)
    token = await house.staff("kai@example.org", StaffRole.PRIVACY)
    assert fields_of(await say(house, token, made, "questions", {"words": "What?"}, expect=422)) == ["words"]
    form = {"words": "It is the cabin.", "channel": "form"}
    assert fields_of(await say(house, token, made, "answers", form, expect=422)) == ["channel"]
    gone = await house.ask("GET", "/staff/requests/rrq_nothing/notes", token=token, headers=REASON)
    assert gone.status == 404


@pytest.mark.clause("C7-15")
async def test_on_their_page_staff_ask_and_note_what_came_back(houses: Houses) -> None:
    _, ground = houses
    async with portal_house(records=ground.records, keyring=ground.keyring, routes=PAGES) as house:
        await house.register(MAIJA)
        made = await request(house)
        await house.staff("kai@example.org", StaffRole.PRIVACY)
        kai = await house.account("kai@example.org")
        cookie = await sessions.open_cookie(house.portal, kai, sessions.SignedIn(second_factor=True))

        async def post(path: str, expect: int = 200, **form: str) -> str:
            body = {"csrf": access.csrf_token(cookie), "reason": REASON["X-Reason"], **form}
            headers = {"Origin": PUBLIC_URL, "Cookie": f"sid={cookie}"}
            answer = await house.client.post(f"/staff/requests/{made.id}{path}", data=body, headers=headers)
            assert answer.status == expect, await answer.text()
            return await answer.text()

        assert "Ask back" in await post("")
        assert "There is none." in await post("/questions")
        assert "we asked by mail: <bdi>Which of your" in await post("/questions/act", act="ask", **QUESTION)
        short = await post("/questions/act", 422, act="ask", words="What?")
        assert "What?</textarea>" in short
        told = await post("/questions/act", act="answer", words="The one at the cabin.", channel="telephone")
        assert "they answered by telephone: <bdi>The one at the cabin." in told
        done = RequestNote(
            id="rqn_1", request_id=made.id, kind=NoteKind.DONE, channel=RequestChannel.LETTER,
            words="Correction: name.", by="operator", at=house.clock.now(),
        )  # fmt: skip
        await house.records.add(done)
        assert "done: <bdi>Correction: name." in await post("/questions"), "what a command did for it"
        assert len([each for each in await house.mails(MAIJA) if QUESTION["words"] in each.text]) == 1


@pytest.mark.clause("C7-06")
async def test_what_was_asked_and_answered_goes_with_the_account(houses: Houses) -> None:
    house, ground = houses
    await owned(house)
    made = await request(house)
    assert made.account_id is not None
    token = await house.staff("kai@example.org", StaffRole.PRIVACY)
    await say(house, token, made, "questions", QUESTION)
    await ground.eraser().erase(made.account_id, by="operator")
    assert await house.records.count(RequestNote) == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_we_ask_in_every_language_and_want_no_copy_of_an_identity_card(language: str) -> None:
    controller = Controller(name="Example Ltd", contact="mailto:privacy@example.org")
    letter = question_mail(
        language, "Which one?", request_id="rrq_1", due_at=NOON, controller=controller, office=Office()
    )
    for said in ("Which one?", " privacy@example.org", "rrq_1", "2026-11-22"):
        assert said in letter.text
    assert "{" not in letter.text
