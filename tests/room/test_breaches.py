"""A breach: whom it concerns, that they hear of it and later what was done, and that no clock runs out unseen."""

import re
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from isocket.domain.accounts import Account
from isocket.domain.authority_cases import AuthorityCase, CaseKind
from isocket.domain.breach_drafts import draft
from isocket.domain.breach_letters import breach_mail, breach_report_mail, breach_report_text, breach_text, kinds_of
from isocket.domain.breaches import Affected, Breach, BreachState, Decision, DeliveryProof, NoticeWords, undecided
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Attempt, Delivery, DeliveryState
from isocket.domain.disclosures import DisclosedTo, noted
from isocket.domain.handling import Basis, Category, Handling, Purpose
from isocket.domain.holds import HeldCopy, Hold, HoldGround, vault_of
from isocket.domain.inventory import inventory
from isocket.domain.letters import LANGUAGES
from isocket.domain.periods import years_later
from isocket.domain.record import handling_of
from isocket.domain.regulation import Duty, ProductEvent, Risk
from isocket.domain.requests import RightsRequest
from isocket.domain.shares import Share, ShareRole
from isocket.kit.clock import to_text
from isocket.storage import breach_register as register
from isocket.storage.breach_register import NotNow
from isocket.storage.port import is_, is_not
from privacy.breach_ways import BY_ID, BY_NAME
from privacy.retention import Retention
from tests.fakes.breach_house import CONTROLLER, NOTICE, OPERATOR, PUBLIC_URL, REPORT, BreachHouse
from tests.fakes.dying import Died, DyingRecords, Fuse

PHONE, OTHER_PHONE = "+447700900001", "+447700900002"


async def furnished() -> BreachHouse:
    """Return a house with two customers: one entered two people, the other nobody."""
    made = BreachHouse()
    maija = await made.account("maija", language="fi", name="Maija")
    await made.account("pekka")
    await made.socket(maija)
    now = made.clock.now()
    await made.contact("self", maija, email="maija@example.org", is_owner=True)
    await made.contact("anna", maija, phone=PHONE, phone_verified_at=now, email="anna@example.org", language="sv")
    await made.contact("leo", maija, phone=OTHER_PHONE, phone_verified_at=now, language="de")
    return made


@pytest_asyncio.fixture
async def house() -> BreachHouse:
    return await furnished()


@pytest.mark.clause("C5-15")
@pytest.mark.parametrize(
    ("scope", "whom"),
    [
        ("contacts.phone", {"con_anna", "con_leo"}),
        ("contacts.email", {"con_anna", "acc_maija"}),
        ("contacts", {"con_anna", "con_leo", "acc_maija"}),  # who entered them could be seen as well
        ("accounts.name", {"acc_maija"}),  # the other gave none
        ("devices.name", {"acc_maija"}),
        ("telemetry", {"acc_maija"}),
        ("*", {"acc_maija", "acc_pekka", "con_anna", "con_leo"}),  # whose own entry is not another person
    ],
)
async def test_it_concerns_exactly_those_of_whom_something_was_there_to_be_seen(
    house: BreachHouse, scope: str, whom: set[str]
) -> None:
    assert await house.counted(scope) == whom
    assert (await house.breach()).concerned == len(whom)


@pytest.mark.clause("C5-15")
async def test_who_came_after_it_was_over_is_not_concerned(house: BreachHouse) -> None:
    over = house.clock.now()
    await house.clock.advance(60)
    await house.contact("late", "acc_pekka", phone="+447700900003")
    await house.socket("acc_pekka")
    assert await house.counted("contacts.phone", "telemetry", ended_at=over) == {"con_anna", "con_leo", "acc_maija"}


@pytest.mark.clause("C5-15")
async def test_where_a_provider_was_broken_into_it_concerns_whose_messages_it_was_handed_in_that_time(
    house: BreachHouse,
) -> None:
    now = house.clock.now()
    for number, (person, provider, days) in enumerate(
        [("con_anna", "elks", 1), ("con_leo", "elks", 3), ("acc_pekka", "twilio", 1), ("con_later", "elks", 0)]
    ):
        await house.records.add(
            Attempt(
                id=f"att_{number}", delivery_id="dlv", account_id="acc_maija", person_id=person, number=1,
                provider=provider, started_at=now - timedelta(days=days),
            )
        )  # fmt: skip
    assert await house.counted(provider="elks", ended_at=now - timedelta(hours=1)) == {"con_anna"}
    assert set((await house.rows())["con_anna"].what) == {"deliveries.address", "deliveries.text"}
    assert kinds_of("en", (await house.rows())["con_anna"].what) == ["messages to you"]


@pytest.mark.clause("C5-15")
async def test_where_somebody_looked_who_should_not_it_concerns_whom_the_ledger_says(house: BreachHouse) -> None:
    now = house.clock.now()
    for person, staff, days in (
        ("acc_pekka", "acc_kai", 1),
        ("acc_maija", "acc_other", 1),
        ("acc_before", "acc_kai", 3),
        ("acc_later", "acc_kai", 0),
    ):
        line = noted(
            person, to=DisclosedTo.STAFF, recipient_id=staff, what=("devices",), purpose=Purpose.SERVICE,
            basis=Basis.CONTRACT, at=now - timedelta(days=days),
        )  # fmt: skip
        await house.records.add(line)
    assert await house.counted(recipient_id="acc_kai", ended_at=now - timedelta(hours=1)) == {"acc_pekka"}


async def test_a_share_concerns_who_was_invited_who_took_it_and_whose_socket_it_is(house: BreachHouse) -> None:
    await house.records.add(
        Share(
            id="shr_1", device_id="is_1", owner_id="acc_maija", account_id="acc_pekka", email="pekka@example.org",
            role=ShareRole.VIEWER, created_at=house.clock.now(),
        )
    )  # fmt: skip
    assert await house.counted("shares") == {"shr_1", "acc_maija", "acc_pekka"}
    await house.notify()
    assert len(await house.to("pekka@example.org")) == 1


async def test_a_stolen_account_concerns_its_holder_and_whom_they_entered(house: BreachHouse) -> None:
    await house.contact("else", "acc_pekka", phone="+447700900003")
    assert await house.counted("*", accounts=("acc_pekka",)) == {"acc_pekka", "con_else"}


async def test_a_named_account_of_which_nothing_was_open_is_left_out(house: BreachHouse) -> None:
    assert await house.counted("contacts.phone", accounts=("acc_pekka",)) == set()


@pytest.mark.clause("C5-15")
async def test_each_is_told_in_their_language_by_a_way_that_we_hold_and_what_of_theirs_it_was(
    house: BreachHouse,
) -> None:
    await house.counted("contacts.phone", "accounts.email")
    await house.notify()
    (finnish,) = await house.to("maija@example.org")
    assert "Ulkopuoliset saattoivat lukea" in finnish.text
    assert "sähköpostiosoitteesi" in finnish.text
    assert "puhelinnumerosi" not in finnish.text
    (swedish,) = await house.to("anna@example.org")
    assert "Det gäller sådana uppgifter om dig: ditt telefonnummer." in swedish.text
    assert NOTICE["en"].happened in swedish.text, "words that nobody wrote in Swedish are in English"
    (text,) = await house.to(OTHER_PHONE)
    assert (text.channel, text.person_id) == (ChannelKind.SMS, "con_leo")
    assert text.account_id != "acc_maija", "what it costs is not counted as the customer's"
    assert f"{PUBLIC_URL}/breaches" in text.text
    assert await house.to(PHONE) == [], "who has a mailbox gets the whole of it there"


@pytest.mark.clause("C5-15")
async def test_what_became_of_each_message_stands_in_the_line_and_another_way_is_tried(house: BreachHouse) -> None:
    await house.counted("contacts.phone")
    await house.notify()
    await house.end(DeliveryState.FAILED, [ChannelKind.EMAIL])
    assert len(await house.to(PHONE)) == 1
    await house.end(DeliveryState.DELIVERED)
    rows = await house.rows()
    assert {person: row.notice_proof for person, row in rows.items()} == {
        "con_anna": DeliveryProof.DELIVERED,
        "con_leo": DeliveryProof.DELIVERED,
    }
    assert len(rows["con_anna"].notice_ids) == 2
    assert rows["con_anna"].notice_proved_at == house.clock.now()


async def test_a_text_that_was_only_taken_is_waited_for_and_counts_as_sent_after_a_day(house: BreachHouse) -> None:
    await house.counted("contacts.phone")
    await house.notify()
    await house.end(DeliveryState.SENT)
    rows = await house.rows()
    assert (rows["con_anna"].notice_proof, rows["con_leo"].notice_proof) == (DeliveryProof.SENT, DeliveryProof.NOT_YET)
    await house.clock.advance(86_400)
    await house.watch().round()
    assert (await house.rows())["con_leo"].notice_proof is DeliveryProof.SENT


async def test_whoever_said_stop_to_texts_is_not_texted_and_whoever_has_no_way_is_counted(house: BreachHouse) -> None:
    await house.contact(
        "quiet", "acc_pekka", phone="+447700900003", phone_verified_at=house.clock.now(), paused_at=house.clock.now()
    )
    await house.counted("contacts.phone")
    await house.notify()
    assert (await house.rows())["con_quiet"].notice_proof is DeliveryProof.NO_WAY
    assert (await register.numbers(house.records, await house.breach()))["notice_no_way"] == 1


@pytest.mark.clause("C5-15")
async def test_who_is_found_later_is_told_then_and_nobody_twice(house: BreachHouse) -> None:
    await house.counted("contacts.email")
    await house.notify()
    widened = await register.widen(house.records, await house.breach(), scope=("accounts.email", "contacts.phone"))
    assert isinstance(widened, Breach)
    await house.watch().round()
    await house.watch().round()
    assert set(await house.rows()) == {"con_anna", "con_leo", "acc_maija", "acc_pekka"}
    assert set((await house.rows())["con_anna"].what) == {"contacts.email", "contacts.phone"}
    for address in ("anna@example.org", "pekka@example.org", OTHER_PHONE):
        assert len(await house.to(address)) == 1


@pytest.mark.clause("C5-15")
async def test_a_named_account_of_which_nothing_was_open_at_first_is_found_when_more_was(house: BreachHouse) -> None:
    assert await house.counted("devices.name", accounts=("acc_pekka",)) == set()
    await house.notify()
    widened = await register.widen(house.records, await house.breach(), scope=("accounts.email",))
    assert isinstance(widened, Breach)
    await house.watch().round()
    assert set(await house.rows()) == {"acc_pekka"}
    assert len(await house.to("pekka@example.org")) == 1


def _hold(house: BreachHouse, name: str, **more: Any) -> Hold:
    now = house.clock.now()
    return Hold(
        id=name, ground=HoldGround.ORDER, parts=("account",), reason="It is ordered.", placed_by="acc_kai",
        placed_at=now, review_at=now, ends_at=now + timedelta(days=9), copy_due_at=now, **more,
    )  # fmt: skip


@pytest.mark.clause("C5-15")
@pytest.mark.parametrize("scope", ["held_copies", "holds", "*"])
async def test_what_is_kept_under_a_hold_concerns_whom_it_is_about_unless_they_may_not_know_of_it(
    house: BreachHouse, scope: str
) -> None:
    later = house.clock.now() + timedelta(days=5)
    held = [
        _hold(house, "hld_1", account_id="acc_maija"),
        _hold(house, "hld_2", account_id="acc_pekka", silent_until=later),
    ]
    copies = [
        HeldCopy(
            id=f"hcp_{each.id}", hold_id=each.id, vault_id=vault_of(each.id), source="accounts",
            record_id=each.account_id, seen=1, content="{}",
        )
        for each in held
    ]  # fmt: skip
    await house.records.add_all(held)
    await house.records.add_all(copies)
    found = await house.counted(scope)
    of_holds = {
        person for person, row in (await house.rows()).items() if any(each.startswith("h") for each in row.what)
    }
    assert of_holds == {"acc_maija"}
    assert {each.partition("_")[0] for each in found} <= {"acc", "con"}


@pytest.mark.clause("C5-15")
async def test_a_case_of_an_authority_concerns_whom_it_is_about(house: BreachHouse) -> None:
    now = house.clock.now()
    common: dict[str, Any] = {
        "kind": CaseKind.POLICE, "authority": "Police", "reference": "1", "legal_basis": "A law", "words": "When?",
        "received_at": now, "typed_in_by": "acc_kai", "lease_until": now,
    }  # fmt: skip
    await house.records.add_all(
        [
            AuthorityCase(id="cas_1", account_id="acc_maija", **common),
            AuthorityCase(id="cas_2", account_id="acc_pekka", silent_until=now + timedelta(days=1), **common),
            AuthorityCase(id="cas_3", **common),
        ]
    )
    assert await house.counted("authority_cases.words") == {"acc_maija"}


@pytest.mark.clause("C5-15")
async def test_that_an_authority_is_not_told_holds_only_as_long_as_the_judgement(house: BreachHouse) -> None:
    breach = await house.open("contacts.phone")
    why = Decision(reason="The list could be read by nobody but us.")
    await register.decide(house.records, breach, Duty.AUTHORITY, why, now=house.clock.now())
    assert undecided(await house.breach()) == []
    judged: dict[str, Any] = {"why": "The list was sold.", "event": ProductEvent.NONE, "now": house.clock.now()}
    await register.assess(house.records, await house.breach(), risk=Risk.LIKELY, **judged)
    assert undecided(await house.breach()) == []
    await register.assess(house.records, await house.breach(), risk=Risk.HIGH, **judged)
    assert [each.duty for each in undecided(await house.breach())] == [Duty.AUTHORITY]
    assert why.reason in (await house.breach()).why_harm
    told = Decision(told_at=house.clock.now(), reference="2026/1")
    await register.decide(house.records, await house.breach(), Duty.AUTHORITY, told, now=house.clock.now())
    await register.assess(house.records, await house.breach(), risk=Risk.LIKELY, **judged)
    assert undecided(await house.breach()) == []


@pytest.mark.clause("C5-15")
async def test_whoever_reads_one_mailbox_gets_one_mail_of_all_that_was_theirs(house: BreachHouse) -> None:
    await house.contact("again", "acc_pekka", email="anna@example.org")
    await house.contact("spouse", "acc_maija", email="pekka@example.org", phone="+447700900003")
    await house.counted("contacts.email", "contacts.phone", "accounts.name", "accounts.email")
    await house.notify()
    for address in ("anna@example.org", "pekka@example.org", "maija@example.org"):
        assert len(await house.to(address)) == 1
    (mail,) = await house.to("pekka@example.org")
    assert "your e-mail address, your telephone number" in mail.text
    await house.end(DeliveryState.SENT)
    rows = await house.rows()
    assert rows["con_spouse"].notice_ids == rows["acc_pekka"].notice_ids
    assert {rows[each].notice_proof for each in ("con_anna", "con_again", "con_spouse")} == {DeliveryProof.SENT}


@pytest.mark.clause("C5-16")
async def test_it_cannot_be_closed_before_the_same_people_have_heard_what_was_done(house: BreachHouse) -> None:
    await house.counted("contacts.phone")

    async def closing() -> str:
        done = await register.close(house.records, await house.breach(), "It is better now.", now=house.clock.now())
        return done.message if isinstance(done, NotNow) else "closed"

    assert "authority" in await closing()
    told = Decision(told_at=house.clock.now(), reference="2026/4711")
    await register.decide(house.records, await house.breach(), Duty.AUTHORITY, told, now=house.clock.now())
    assert await closing() == "It concerns people: tell them what happened."
    early = await register.give_report(house.records, await house.breach(), REPORT, now=house.clock.now())
    assert isinstance(early, NotNow)
    await house.notify()
    assert await closing() == "It concerns people: tell them what was done."
    await house.end(DeliveryState.DELIVERED)
    await house.report()
    assert await closing() == "2 messages are still on their way."
    assert REPORT["en"].done in (await house.to("anna@example.org"))[-1].text
    await house.end(DeliveryState.DELIVERED)
    assert {each.report_proof for each in (await house.rows()).values()} == {DeliveryProof.DELIVERED}
    assert await closing() == "closed"
    assert await closing() == "It is closed. Open another one for what is new."


@pytest.mark.clause("C5-16")
async def test_one_that_concerns_nobody_is_kept_in_the_register_all_the_same(house: BreachHouse) -> None:
    await house.open(event=ProductEvent.INCIDENT, risk=Risk.UNLIKELY)
    await house.watch().round()
    breach = await house.breach()
    for duty in (Duty.EARLY_WARNING, Duty.PRODUCT_NOTIFICATION, Duty.FINAL_REPORT, Duty.USERS):
        decision = Decision(reason="It turned out to be a false alarm.")
        done = await register.decide(house.records, breach, duty, decision, now=house.clock.now())
        assert isinstance(done, Breach)
        breach = done
    closed = await register.close(house.records, breach, "It was a false alarm.", now=house.clock.now())
    assert isinstance(closed, Breach)
    assert (closed.state, closed.concerned) == (BreachState.CLOSED, 0)
    assert closed.expires_at == house.clock.now().replace(year=house.clock.now().year + 5)  # over a leap day


@pytest.mark.clause("C5-15")
async def test_operator_and_staff_are_warned_at_once_when_half_the_time_is_over_and_when_all_is(
    house: BreachHouse,
) -> None:
    await house.staff()
    await house.open("contacts.phone")
    due = house.clock.now() + timedelta(hours=72)
    for hours, mails in ((0, 1), (35, 1), (1, 2), (35, 2), (1, 3), (24, 3)):
        await house.clock.advance(hours * 3600)
        await house.watch().round()
        assert [len(await house.to(each)) for each in (OPERATOR, "kai@example.org")] == [mails, mails]
    assert to_text(due) in (await house.to(OPERATOR))[0].text
    last = (await house.to(OPERATOR))[-1].text
    assert "should have heard" in last
    assert f"{PUBLIC_URL}/staff/breaches/{(await house.breach()).id}," in last, "a page, which asks why they look"


async def test_staff_whose_time_is_over_are_warned_of_nothing(house: BreachHouse) -> None:
    kai = await house.staff()
    await house.records.change_one(Account, is_("id", kai), staff_until=house.clock.now())
    await house.open("contacts.phone")
    await house.watch().round()
    assert [len(await house.to(each)) for each in (OPERATOR, "kai@example.org")] == [1, 0]


async def test_what_is_decided_is_not_warned_of_and_what_is_late_says_why(house: BreachHouse) -> None:
    await house.open("contacts.phone")
    await house.clock.advance(73 * 3600)
    now = house.clock.now()
    late = await register.decide(house.records, await house.breach(), Duty.AUTHORITY, Decision(told_at=now), now=now)
    assert isinstance(late, NotNow)
    assert late.field == "reason"
    reason = Decision(told_at=now, reason="The office was closed over the holidays.")
    await register.decide(house.records, await house.breach(), Duty.AUTHORITY, reason, now=now)
    await house.watch().round()
    assert await house.to(OPERATOR) == []
    text = draft(await house.breach(), Duty.AUTHORITY, controller=CONTROLLER, numbers={})
    assert text is not None
    assert "It was late, because: The office was closed over the holidays." in text


async def test_the_draft_for_the_authority_holds_what_the_law_asks_for_and_nobodys_name(house: BreachHouse) -> None:
    await house.counted("contacts.phone")
    await house.notify()
    breach = await house.breach()
    text = draft(breach, Duty.AUTHORITY, controller=CONTROLLER, numbers=await register.numbers(house.records, breach))
    assert text is not None
    for said in ("(a) Nature", "(b) Contact", "(c) Likely consequences", "(d) Measures",
                 "Example Ltd, privacy@example.org", "your telephone number", "about: 2", NOTICE["en"].measures,
                 "notice not yet: 2"):  # fmt: skip
        assert said in text
    for value in (PHONE, "anna", "maija@example.org", "acc_maija"):
        assert value not in text
    assert draft(breach, Duty.EARLY_WARNING, controller=CONTROLLER, numbers={}) is None


@pytest.mark.parametrize("after", [False, True])
async def test_a_crash_at_any_step_tells_everybody_once(*, after: bool) -> None:
    for at in range(1, 200):
        house = await furnished()
        await house.open("contacts.phone", "accounts.email")
        for give, words in ((register.give_notice, NOTICE), (register.give_report, REPORT)):
            await give(house.records, await house.breach(), words, now=house.clock.now())
        fuse = Fuse(at, after=after)
        try:
            await house.watch(DyingRecords(house.records, fuse)).see_to(await house.breach())
        except Died:
            await house.watch().round()
        rows = await house.rows()
        assert set(rows) == {"acc_maija", "acc_pekka", "con_anna", "con_leo"}
        made = await house.records.find(Delivery, is_not("person_id", "operator"))
        assert {each.id for each in made} == {
            one for row in rows.values() for one in (*row.notice_ids, *row.report_ids)
        }
        assert len(made) == 8
        assert (await house.breach()).concerned == 4
        if not fuse.burnt:
            break
    assert at > 30


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"what": "oh"}, "what"),
        ({"kinds": ()}, "kinds"),
        ({"why_risk": ""}, "why_risk"),
        ({"aware_at": timedelta(seconds=1)}, "aware_at"),
        ({"began_at": timedelta(seconds=1)}, "began_at"),
        ({"ended_at": timedelta(days=-3)}, "ended_at"),
        ({"scope": ("contacts.fax",)}, "scope"),
        ({"scope": ("buckets",)}, "scope"),
        ({"scope": ()}, "scope"),
        ({"accounts": ("acc_nobody",)}, "accounts"),
        ({"provider": "twillio"}, "provider"),
        ({"recipient_id": "acc_nobody"}, "looked"),
    ],
)
async def test_what_is_wrong_with_a_breach_is_named(house: BreachHouse, change: dict[str, Any], field: str) -> None:
    now = house.clock.now()
    given = {name: now + value if isinstance(value, timedelta) else value for name, value in change.items()}
    scope = given.pop("scope", ("contacts.phone",))
    done = await register.open_breach(
        house.records, house.opening(*scope, **given), by="acc_kai", now=house.clock.now()
    )
    assert isinstance(done, NotNow)
    assert done.field == field
    assert await house.records.find(Breach) == []
    assert await house.records.find(Affected) == []


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"fi": NOTICE["fi"]}, "words"),
        ({**NOTICE, "fr": NOTICE["en"]}, "words"),
        ({"en": NoticeWords(happened="Oh.", consequences="x" * 20, measures="x" * 20)}, "words.en.happened"),
    ],
)
async def test_words_that_nobody_could_understand_do_not_go_out(
    house: BreachHouse, words: dict[str, NoticeWords], field: str
) -> None:
    await house.open("contacts.phone")
    done = await register.give_notice(house.records, await house.breach(), words, now=house.clock.now())
    assert isinstance(done, NotNow)
    assert done.field == field


async def test_the_register_is_swept_five_years_after_closing_and_never_before(house: BreachHouse) -> None:
    await house.open("contacts.phone")
    retention = Retention(records=house.records, clock=house.clock)
    await house.clock.advance(6 * 366 * 86_400)
    await retention.sweep()
    breach = await house.breach()
    ends = years_later(house.clock.now(), register.REGISTER_YEARS)
    await house.records.change_one(Breach, is_("id", breach.id), state=BreachState.CLOSED, expires_at=ends)
    await house.clock.advance((ends - house.clock.now()).total_seconds() - 1)
    await retention.sweep()
    assert await house.records.count(Breach) == 1
    await house.clock.advance(1)
    await retention.sweep()
    assert await house.records.count(Breach) == 0


async def test_the_words_of_the_register_are_sealed(house: BreachHouse) -> None:
    breach = await house.open("contacts.phone")
    await house.keyring.destroy(breach.id)
    assert ((await house.breach()).what, (await house.breach()).why_harm) == ("", "")


async def test_who_only_asked_by_right_is_told_as_well(house: BreachHouse) -> None:
    now = house.clock.now()
    await house.records.add(
        RightsRequest(
            id="rrq_1", kind="access", channel="form", email="stranger@example.org", state="identified",
            received_at=now, due_at=now,
        )
    )  # fmt: skip
    assert await house.counted("rights_requests.email") == {"rrq_1"}
    await house.notify()
    assert len(await house.to("stranger@example.org")) == 1


def test_every_class_that_holds_an_address_of_somebody_is_known_to_the_watch() -> None:
    addresses = {Category.MAIL_ADDRESS, Category.PHONE_NUMBER}
    theirs = {*BY_ID, *(each for each, _ in BY_NAME)}
    of_an_account = {"address_changes", "address_undos"}
    found = {
        each.collection for each in inventory()
        if each.personal and each.sealed and each.category in {one.value for one in addresses}
    }  # fmt: skip
    assert found - of_an_account == {kind.collection for kind in theirs}
    for kind in theirs:
        assert any(isinstance(how, Handling) and how.category in addresses for how in handling_of(kind).values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_words_are_said_in_every_language_and_a_text_takes_one_segment(language: str) -> None:
    from alerts.channels.gsm7 import fits_one_segment

    page = "https://alarms.a-company-with-a-name.example.org/breaches"
    every = [f"{each.collection}.{each.field}" for each in inventory() if each.personal]
    notice = breach_mail(language, NOTICE, what=every, controller=CONTROLLER, page=page)
    report = breach_report_mail(language, REPORT, controller=CONTROLLER, page=page)
    assert len(kinds_of(language, every)) == len(Category)
    for letter in (notice, report):
        assert page in letter.text
        assert "Example Ltd, privacy@example.org" in letter.text
        assert not re.search(r"[{}]", letter.text)
    assert fits_one_segment(breach_text(language, page=page))
    assert fits_one_segment(breach_report_text(language, page=page))
