"""The newsletter: nothing without a yes from the mailbox, and out of it by one click, for good."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from alerts.last_look import LastLook
from isocket.domain.accounts import Account
from isocket.domain.consents import (
    Consent,
    ConsentBy,
    ConsentStep,
    Subscription,
    SubscriptionState,
    Suppression,
    wording_of,
)
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.handling import Keep
from isocket.domain.processing import Controller
from isocket.domain.stops import Stop
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import is_
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from portal_api.app import ROUTES
from portal_api.pages_routes import page_routes
from privacy.newsletter import Issue, Newsletter
from privacy.retention import Retention
from tests.fakes.portal_house import PUBLIC_URL, PortalHouse, portal_house
from tests.fakes.visitor import Visitor, signed_in

READER = "reader@example.org"
MAIJA = "maija@example.org"
ISSUE = Issue(subject="News of November", text="There is a new socket.\n")
CONTROLLER = Controller(name="Example Ltd", contact="mailto:privacy@example.org")
_LEAVE = re.compile(r"/newsletter/leave\?token=([\w\-]+)")


@pytest_asyncio.fixture
async def house() -> AsyncIterator[PortalHouse]:
    keyring = MemoryKeyring()
    records = StoredRecords(SealedDocuments(MemoryDocuments(), keyring))
    async with portal_house(records=records, keyring=keyring, routes=(*ROUTES, *page_routes(desk=False))) as running:
        yield running


def sender(house: PortalHouse) -> Newsletter:
    assert house.portal.keyring is not None
    return Newsletter(
        records=house.records, keyring=house.portal.keyring, clock=house.clock, controller=CONTROLLER,
        public_url=PUBLIC_URL,
    )  # fmt: skip


async def ask(house: PortalHouse, email: str = READER, language: str = "en") -> bytes:
    answer = await house.ask("POST", "/newsletter", {"email": email, "language": language})
    assert answer.status == 202, await answer.text()
    return await answer.read()


async def subscribed(house: PortalHouse, email: str = READER) -> None:
    await ask(house, email)
    answer = await house.ask("POST", "/newsletter/confirm", {"token": await house.link_token(email)})
    assert answer.status == 200, await answer.text()


async def newsletters(house: PortalHouse, email: str = READER) -> list[Delivery]:
    found = await house.records.find(Delivery, is_("kind", DeliveryKind.NEWSLETTER))
    return [each for each in found if each.address == email]


async def verdict(house: PortalHouse, letter: Delivery) -> Any:
    return await LastLook(records=house.records, clock=house.clock).verdict(letter)


@pytest.mark.clause("C1-04")
async def test_without_an_account_nothing_but_the_address_and_the_consent_is_stored(house: PortalHouse) -> None:
    await subscribed(house)
    (reader,) = await house.records.find(Subscription)
    (line,) = await house.records.find(Consent)
    assert (reader.email, reader.state, reader.language) == (READER, SubscriptionState.CONFIRMED, "en")
    assert await house.records.count(Account) == 0
    words = wording_of("en")
    assert (line.step, line.by, line.wording_hash) == (ConsentStep.GIVEN, ConsentBy.LINK, words.digest)
    assert (line.person_id, line.policy_version) == (reader.reader_id, "1")


@pytest.mark.clause("C2-08")
async def test_the_link_pressed_once_more_is_answered_as_before_and_the_list_says_how_long_it_is_known(
    house: PortalHouse,
) -> None:
    assert (await house.ask("POST", "/newsletter", {"email": READER})).status == 202
    token = {"token": await house.link_token(READER)}
    assert [(await house.ask("POST", "/newsletter/confirm", token)).status for _ in range(2)] == [200, 200]
    answer = await house.ask("GET", "/privacy/inventory")
    listed = {
        each["field"]: each["keep"]
        for each in (await answer.json())["fields"]
        if each["collection"] == Subscription.collection
    }
    assert listed["confirm_hash"] == listed["email"] == Keep.CONSENT
    assert listed["leave_hash"] == Keep.UNTIL_USED


@pytest.mark.clause("C2-08")
async def test_a_mailbox_that_did_not_say_yes_is_never_written_to_and_forgotten(house: PortalHouse) -> None:
    await ask(house)
    assert await sender(house).send(ISSUE) == 0
    token = await house.link_token(READER)
    opened = await house.client.get(f"/newsletter/confirm?token={token}")
    assert (opened.status, "Nothing has happened yet" in await opened.text()) == (200, True)
    assert await house.records.count(Consent) == 0, "opening a link is no yes"
    await house.clock.advance(3 * 86_400)
    late = await house.ask("POST", "/newsletter/confirm", {"token": token})
    assert late.status == 400


@pytest.mark.clause("C2-08")
async def test_the_page_asks_by_a_box_that_nobody_ticked(house: PortalHouse) -> None:
    visitor = Visitor(house.client)
    page = await visitor.open("/newsletter")
    assert "agree" not in page.form("/newsletter").values
    refused = await visitor.send(page, "/newsletter", email=READER)
    assert (refused.status, await house.records.count(Subscription)) == (422, 0)
    asked = await visitor.send(page, "/newsletter", email=READER, agree="on")
    assert (asked.status, await house.records.count(Subscription)) == (202, 1)
    button = await visitor.open(f"/newsletter/confirm?token={await house.link_token(READER)}")
    said = await visitor.send(button, "/newsletter/confirm")
    assert "It will come" in said.words


@pytest.mark.clause("C2-09")
async def test_every_newsletter_has_a_visible_way_out_and_one_for_the_mail_program(house: PortalHouse) -> None:
    await subscribed(house)
    assert await sender(house).send(ISSUE) == 1
    (letter,) = await newsletters(house)
    assert letter.text.startswith("There is a new socket.")
    assert letter.text.rstrip().endswith("Example Ltd, privacy@example.org")
    (token,) = _LEAVE.findall(letter.text)
    assert letter.unsubscribe_url == f"{PUBLIC_URL}/api/v1/newsletter/leave?token={token}"
    assert await verdict(house, letter) is None
    got = await house.client.get(f"/api/v1/newsletter/leave?token={token}", allow_redirects=False)
    assert (got.status, got.headers["Location"]) == (303, f"/newsletter/leave?token={token}")
    page = await house.client.get(f"/newsletter/leave?token={token}")
    assert page.status == 200
    assert await house.records.count(Subscription) == 1, "programs that open links change nothing"
    one_click = await house.client.post(
        f"/api/v1/newsletter/leave?token={token}", data={"List-Unsubscribe": "One-Click"}
    )
    assert one_click.status == 202
    assert await house.records.count(Subscription) == 0


@pytest.mark.clause("C1-22")
async def test_leaving_stops_what_is_on_its_way_already(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    await house.ask("PUT", "/privacy/consents", {"newsletter": True}, token=token)
    await sender(house).send(ISSUE)
    (letter,) = await newsletters(house, MAIJA)
    held = await house.records.change_one(Delivery, is_("id", letter.id), state=DeliveryState.CALLING)
    assert held is not None
    said = await (await house.ask("PUT", "/privacy/consents", {"newsletter": False}, token=token)).json()
    assert await verdict(house, held) == (DeliveryState.CALLED_OFF, "withdrawn")
    assert (said["newsletter"], [each["step"] for each in said["history"]]) == (False, ["given", "withdrawn"])
    assert await sender(house).send(Issue(subject="News of December", text="More.")) == 0


@pytest.mark.clause("C2-08")
async def test_a_reader_gets_two_newsletters_a_month_as_they_agreed_and_no_third(house: PortalHouse) -> None:
    a_day = 86_400
    await subscribed(house)
    first = Issue(subject="First", text="One.")
    assert await sender(house).send(first) == 1
    await house.clock.advance(14 * a_day)
    assert await sender(house).send(Issue(subject="Second", text="Two.")) == 1
    assert await sender(house).send(Issue(subject="Third", text="Three.")) == 0
    await subscribed(house, MAIJA)
    assert await sender(house).send(Issue(subject="Third", text="Three.")) == 1  # who came later had none yet
    assert len(await newsletters(house)) == 2
    await house.clock.advance(17 * a_day)
    assert await sender(house).send(Issue(subject="Fourth", text="Four.")) == 2


async def test_a_newsletter_that_was_called_off_is_none_of_the_two_a_month(house: PortalHouse) -> None:
    await subscribed(house)
    for subject in ("First", "Second"):
        assert await sender(house).send(Issue(subject=subject, text=f"{subject}.")) == 1
    assert await sender(house).send(Issue(subject="Third", text="Three.")) == 0
    letter, _ = await newsletters(house)
    await house.records.change_one(Delivery, is_("id", letter.id), state=DeliveryState.CALLED_OFF, reason="objected")
    assert await sender(house).send(Issue(subject="Third", text="Three.")) == 1
    assert await sender(house).send(Issue(subject="Fourth", text="Four.")) == 0


@pytest.mark.clause("C2-29")
@pytest.mark.clause("C7-07")
async def test_of_who_left_without_an_account_only_a_keyed_hash_is_left(house: PortalHouse) -> None:
    await subscribed(house)
    (reader,) = await house.records.find(Subscription)
    await sender(house).send(ISSUE)
    (letter,) = await newsletters(house)
    visitor = Visitor(house.client)
    (token,) = _LEAVE.findall(letter.text)
    button = await visitor.open(f"/newsletter/leave?token={token}")
    assert "comes no more" in (await visitor.send(button, "/newsletter/leave")).words
    (left,) = await house.records.find(Suppression)
    assert READER not in repr(left)
    assert left.wording_hash == wording_of("en").digest, "that there was a consent can be shown"
    for kind in (Subscription, Consent, Delivery):
        assert await house.records.count(kind, is_("account_id", reader.account_id)) == 0
    assert house.portal.keyring is not None
    assert await house.portal.keyring.was_destroyed(reader.reader_id)
    assert "comes no more" in (await visitor.send(button, "/newsletter/leave")).words, "a second click is told the same"


@pytest.mark.clause("C7-07")
async def test_whoever_left_stays_out_although_a_backup_brings_the_subscription_back(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    await house.ask("PUT", "/privacy/consents", {"newsletter": True}, token=token)
    (reader,) = await house.records.find(Subscription)
    await house.ask("PUT", "/privacy/consents", {"newsletter": False}, token=token)
    await house.records.add(reader)
    assert await sender(house).send(ISSUE) == 0
    await house.records.remove_all(Subscription)
    await house.ask("PUT", "/privacy/consents", {"newsletter": True}, token=token)
    assert await sender(house).send(ISSUE) == 1, "a new yes of their own holds"


@pytest.mark.clause("C6-14")
async def test_a_wish_that_no_mailbox_answered_goes_by_itself_and_a_reader_stays(house: PortalHouse) -> None:
    await subscribed(house)
    await ask(house, "silent@example.org")
    await house.clock.advance(3 * 86_400)
    await Retention(records=house.records, clock=house.clock).sweep()
    assert [each.email for each in await house.records.find(Subscription)] == [READER]
    assert await Retention(records=house.records, clock=house.clock).sweep() == {}


async def test_asking_tells_nobody_whether_a_mailbox_gets_it(house: PortalHouse) -> None:
    await subscribed(house)
    await house.register(MAIJA)
    before = await house.records.count(Delivery)
    answers = {await ask(house, email) for email in (READER, MAIJA, "nobody@example.org")}
    assert len(answers) == 1
    assert await house.records.count(Delivery) == before + 3, "as many writes for each"
    assert len([each for each in await house.mails(READER) if "newsletter" in each.subject_line]) == 1


async def test_a_mailbox_is_asked_a_few_times_only_and_never_after_it_said_stop(house: PortalHouse) -> None:
    for _ in range(6):
        await ask(house)
    assert len(await house.mails(READER)) == 3
    await house.records.add(Stop(id="stp_1", address="stopped@example.org", stopped_at=house.clock.now()))
    await ask(house, "stopped@example.org")
    assert await house.mails("stopped@example.org") == []


async def test_the_same_words_reach_nobody_twice_and_go_slowly_behind_everything_else(house: PortalHouse) -> None:
    for number in range(3):
        await subscribed(house, f"reader{number}@example.org")
    assert await sender(house).send(ISSUE, per_minute=2) == 3
    assert await sender(house).send(ISSUE, per_minute=2) == 0
    found = await house.records.find(Delivery, is_("kind", DeliveryKind.NEWSLETTER), order_by="due_at")
    assert [(each.due_at - found[0].due_at).total_seconds() for each in found] == [0.0, 30.0, 60.0]
    assert all(each.turn > 1000 for each in found)


@pytest.mark.clause("C7-10")
async def test_an_objection_to_the_newsletter_ends_it_and_a_new_yes_ends_the_objection(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    await house.ask("PUT", "/privacy/consents", {"newsletter": True}, token=token)
    await sender(house).send(ISSUE)
    (letter,) = await newsletters(house, MAIJA)
    objected = await house.ask("PUT", "/privacy/objections", {"newsletter": True}, token=token)
    assert await objected.json() == {"newsletter": True, "statistics": False, "surveys": False, "alarms": False}
    assert await verdict(house, letter) == (DeliveryState.CALLED_OFF, "withdrawn")
    assert await sender(house).send(Issue(subject="Another", text="More.")) == 0
    await house.ask("PUT", "/privacy/consents", {"newsletter": True}, token=token)
    again = await (await house.ask("GET", "/privacy/objections", token=token)).json()
    assert again["newsletter"] is False


@pytest.mark.clause("C2-29")
@pytest.mark.clause("C2-10")
async def test_what_the_contract_needs_is_sent_although_the_newsletter_was_left(house: PortalHouse) -> None:
    token = await house.customer(MAIJA)
    await house.ask("PUT", "/privacy/objections", {"newsletter": True, "surveys": True}, token=token)
    await house.ask("POST", "/password-resets", {"username": MAIJA})
    (reset,) = [each for each in await house.mails(MAIJA) if each.kind is DeliveryKind.RESET]
    assert await verdict(house, reset) is None
    assert reset.unsubscribe_url is None


async def test_after_a_change_of_address_the_newsletter_can_still_be_left_and_moves_by_a_new_yes(
    house: PortalHouse,
) -> None:
    token = await house.customer(MAIJA)
    await house.ask("PUT", "/privacy/consents", {"newsletter": True}, token=token)
    account = await house.account(MAIJA)
    await house.records.change_one(Account, is_("id", account.id), email="maija.new@example.org")
    said = await (await house.ask("GET", "/privacy/consents", token=token)).json()
    assert said["newsletter"] is True
    await house.ask("PUT", "/privacy/consents", {"newsletter": True}, token=token)
    assert [each.email for each in await house.records.find(Subscription)] == ["maija.new@example.org"]
    await house.ask("PUT", "/privacy/consents", {"newsletter": False}, token=token)
    assert await house.records.count(Subscription) == 0


async def test_a_reader_who_opens_an_account_is_one_person_with_one_consent(house: PortalHouse) -> None:
    await subscribed(house, MAIJA)
    token = await house.customer(MAIJA)
    account = await house.account(MAIJA)
    (reader,) = await house.records.find(Subscription)
    assert (reader.reader_id, reader.account_id, reader.email) == (account.id, account.id, MAIJA)
    said = await (await house.ask("GET", "/privacy/consents", token=token)).json()
    assert (said["newsletter"], [each["by"] for each in said["history"]]) == (True, ["by the link in a mail"])
    assert await house.records.count(Consent) == 1
    assert await sender(house).send(ISSUE) == 1


@pytest.mark.clause("C1-08")
async def test_a_box_that_acknowledges_is_no_consent(house: PortalHouse) -> None:
    visitor = await signed_in(house, MAIJA)
    page = await visitor.open("/policy")
    token = (await visitor.open("/profile")).form("/profile").values["csrf"]
    seen = await visitor.post("/policy-seen", {"csrf": token, "version": "1", "back": "/policy"})
    assert (page.status, seen.status) == (200, 200)
    assert await house.records.count(Consent) == 0


@pytest.mark.clause("C9-06")
async def test_using_the_service_agrees_to_nothing(house: PortalHouse) -> None:
    visitor = await signed_in(house, MAIJA)
    for path in ("/", "/profile", "/contacts", "/incidents", "/privacy", "/policy", "/newsletter"):
        assert (await visitor.open(path)).status == 200
    assert await house.records.count(Consent) == 0
    assert (await house.account(MAIJA)).policy_seen == ""


async def test_the_page_of_ones_data_changes_what_is_ticked(house: PortalHouse) -> None:
    visitor = await signed_in(house, MAIJA)
    page = await visitor.open("/privacy")
    ticked = await visitor.send(page, "/privacy/choices", newsletter="on", statistics="on")
    assert "given, in the account" in ticked.words
    assert {"newsletter", "statistics"} <= set(ticked.form("/privacy/choices").values)
    values = {"csrf": ticked.form("/privacy/choices").values["csrf"]}
    after = await visitor.post("/privacy/choices", values)
    assert "withdrawn" in after.words
