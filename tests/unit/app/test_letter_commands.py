"""Objections and corrections that came by letter: typed in by staff, done as on the page, and told to the holder."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from isocket.app.house import House
from isocket.app.privacy_commands import privacy
from isocket.domain.accounts import Account, AccountRole, AddressChange, AddressUndo
from isocket.domain.consents import Consent, ConsentBy, Subscription, SubscriptionState
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Delivery
from isocket.domain.request_notes import NoteKind, RequestNote
from isocket.domain.requests import RequestChannel, RequestState, Right, RightsRequest
from isocket.domain.restrictions import OBJECTED, Objection, ObjectionTo, objection_id
from isocket.kit.ids import derived_id
from isocket.storage.port import is_
from portal_api.registration import owner_contact_id
from tests.unit.app.installation import in_house

ACCOUNT = ("--account", "acc_maija")
OWN = owner_contact_id("acc_maija")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ISOCKET_DATA_DIR", str(tmp_path / "var"))
    in_house(furnish)
    return tmp_path / "var"


def typed(*words: str, line: str = "") -> Result:
    return CliRunner().invoke(privacy, list(words), input=line)


async def furnish(house: House) -> None:
    """Store a customer who reads the newsletter, another, a member of staff, and requests of the first by letter."""
    now = house.clock.now()
    await house.records.add_all(
        [
            Account(id="acc_maija", email="maija@example.org", name="Maja", language="fi", created_at=now),
            Account(id="acc_kai", email="kai@example.org", created_at=now, role=AccountRole.STAFF),
            Account(id="acc_pia", email="pia@example.org", created_at=now),
            Contact(
                id=OWN, account_id="acc_maija", name="Maja", email="maija@example.org", language="fi",
                email_verified_at=now, is_owner=True, created_at=now,
            ),
            Subscription(
                id="sub_1", account_id="acc_maija", reader_id="acc_maija", email="maija@example.org", language="fi",
                state=SubscriptionState.CONFIRMED, leave_token="t", leave_hash="h", created_at=now,
            ),
            Consent(
                id=derived_id("cns", "sub_1", "given"), account_id="acc_maija", person_id="acc_maija",
                kind="newsletter", step="given", by=ConsentBy.ACCOUNT, wording_version="1", wording_hash="w",
                language="fi", policy_version="1", at=now,
            ),
            *(
                RightsRequest(
                    id=f"rrq_{kind.value}_{state.value}", kind=kind, channel=RequestChannel.LETTER,
                    email="maija@example.org", state=state, received_at=now, due_at=now + timedelta(days=30),
                    account_id="acc_maija" if state is RequestState.IN_WORK else None,
                )
                for kind in (Right.OBJECTION, Right.RECTIFICATION, Right.RESTRICTION)
                for state in (RequestState.IN_WORK, RequestState.RECEIVED)
            ),
        ]
    )  # fmt: skip


async def mails(house: House) -> list[Delivery]:
    return await house.records.find(Delivery, is_("account_id", "acc_maija"), order_by="created_at")


@pytest.mark.clause("C7-10", "C7-12")
def test_who_objects_by_letter_is_left_alone_and_hears_of_it_once() -> None:
    async def check(house: House) -> None:
        assert {each.to for each in await house.records.find(Objection)} == {
            ObjectionTo.NEWSLETTER,
            ObjectionTo.STATISTICS,
        }
        assert await house.records.count(Subscription) == 0
        assert [each.by for each in await house.records.find(Consent, is_("step", "withdrawn"))] == [
            ConsentBy.OBJECTION
        ]
        own = await house.records.get(Contact, OWN)
        assert own is not None
        assert (own.pause_reason, own.paused_at is not None) == (OBJECTED, True)
        (mail,) = await mails(house)
        assert (mail.address, mail.person_id) == ("maija@example.org", "acc_maija")
        assert "SINULLE EI LÄHETETÄ HÄLYTYKSIÄ" in mail.text
        assert "kyselyt" not in mail.text

    words = ("object", *ACCOUNT, "--to", "newsletter", "--to", "statistics", "--to", "alarms")
    done = typed(*words)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"newsletter": True, "statistics": True, "surveys": False, "alarms": True}
    in_house(check)
    assert typed(*words).stdout == done.stdout
    in_house(check)


@pytest.mark.clause("C7-12")
def test_who_takes_an_objection_back_by_letter_is_told_of_alarms_again_and_hears_of_it_once() -> None:
    async def check(house: House) -> None:
        assert [each.to for each in await house.records.find(Objection)] == [ObjectionTo.SURVEYS]
        own = await house.records.get(Contact, OWN)
        assert own is not None
        assert (own.pause_reason, own.paused_at) == (None, None)
        _, mail = await mails(house)
        assert "sinulle lähetetään taas hälytyksiä" in mail.text
        assert "tilastot" not in mail.text, "to that they had not objected"
        assert await house.records.count(Subscription) == 0, "it comes by a new yes only"
        lines = [each.words for each in await house.records.find(RequestNote)]
        assert lines == ["Objection taken back: newsletter, statistics, alarms."]

    assert typed("object", *ACCOUNT, "--to", "newsletter", "--to", "surveys", "--to", "alarms").exit_code == 0
    words = ("object", *ACCOUNT, "--take-back", "--to", "newsletter", "--to", "statistics", "--to", "alarms")
    for _ in range(2):
        done = typed(*words, "--request", "rrq_objection_in_work")
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout) == {"newsletter": False, "statistics": False, "surveys": True, "alarms": False}
        in_house(check)


def test_an_objection_that_is_taken_back_ends_no_pause_that_has_another_reason() -> None:
    async def pause(house: House) -> None:
        await house.records.change_one(
            Contact, is_("id", OWN), paused_at=house.clock.now(), pause_reason="unsubscribed"
        )

    async def check(house: House) -> None:
        own = await house.records.get(Contact, OWN)
        assert own is not None
        assert own.pause_reason == "unsubscribed"
        assert await mails(house) == []

    in_house(pause)
    done = typed("object", *ACCOUNT, "--to", "alarms", "--take-back")
    assert (done.exit_code, "paused for another reason already" in done.stderr) == (0, True)
    in_house(check)


def test_whoever_is_paused_already_hears_of_no_objection_that_changes_nothing() -> None:
    async def pause(house: House) -> None:
        await house.records.change_one(
            Contact, is_("id", OWN), paused_at=house.clock.now(), pause_reason="unsubscribed"
        )

    async def check(house: House) -> None:
        assert await mails(house) == []
        (line,) = await house.records.find(RequestNote)
        assert "paused for another reason already" in line.words

    in_house(pause)
    done = typed("object", *ACCOUNT, "--to", "alarms", "--request", "rrq_objection_in_work")
    assert json.loads(done.stdout)["alarms"] is False
    assert "paused for another reason already" in done.stderr
    in_house(check)


def test_what_broke_off_half_way_is_done_by_typing_it_again_and_told_no_second_time() -> None:
    async def break_off(house: House) -> None:
        for to in (ObjectionTo.NEWSLETTER, ObjectionTo.STATISTICS):
            made = Objection(id=objection_id("acc_maija", to), account_id="acc_maija", to=to, at=house.clock.now())
            await house.records.add(made)
        await house.records.change_one(Account, is_("id", "acc_maija"), name="Maija")

    async def check(house: House) -> None:
        assert await house.records.count(Subscription) == 0
        own = await house.records.get(Contact, OWN)
        assert own is not None
        assert own.name == "Maija"
        assert await mails(house) == []

    in_house(break_off)
    assert typed("object", *ACCOUNT, "--to", "newsletter").exit_code == 0
    assert json.loads(typed("rectify", *ACCOUNT, "--name", "Maija").stdout)["corrected"] == []
    in_house(check)


@pytest.mark.clause("C7-05", "C7-12")
def test_who_is_corrected_by_letter_is_so_on_their_own_contact_too_and_reads_what_it_says_now() -> None:
    async def check(house: House) -> None:
        account, own = await house.records.get(Account, "acc_maija"), await house.records.get(Contact, OWN)
        assert account is not None
        assert own is not None
        assert (account.name, account.language, account.time_zone) == ("Maija", "sv", "Europe/Helsinki")
        assert (own.name, own.language, own.time_zone) == ("Maija", "sv", "Europe/Helsinki")
        (mail,) = await mails(house)
        assert "Namn: Maija\nSpråk: Svenska\nTidszon: Europe/Helsinki" in mail.text

    words = ("rectify", *ACCOUNT, "--name", "-", "--language", "sv", "--time-zone", "Europe/Helsinki")
    done = typed(*words, line="Maija\n")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"corrected": ["name", "language", "time_zone"], "asked": []}
    in_house(check)
    assert json.loads(typed(*words, line="Maija\n").stdout)["corrected"] == []
    in_house(check)


@pytest.mark.clause("C7-05")
def test_another_address_counts_when_its_mailbox_answers_and_the_old_one_can_undo_it() -> None:
    async def check(house: House) -> None:
        account = await house.records.get(Account, "acc_maija")
        assert account is not None
        assert account.email == "maija@example.org"
        assert [each.email for each in await house.records.find(AddressChange)] == ["maija.new@example.org"]
        assert [each.email for each in await house.records.find(AddressUndo)] == ["maija@example.org"]
        assert {each.address for each in await mails(house)} == {"maija@example.org", "maija.new@example.org"}

    done = typed("rectify", *ACCOUNT, "--email", "maija.new@example.org")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"corrected": [], "asked": ["email"]}
    in_house(check)


def test_the_request_that_asked_for_it_says_once_what_was_done_and_waits_for_its_answer() -> None:
    async def check(house: House) -> None:
        lines = {each.request_id: each for each in await house.records.find(RequestNote)}
        assert {key: (each.kind, each.words, each.account_id) for key, each in lines.items()} == {
            "rrq_objection_in_work": (NoteKind.DONE, "Objection: surveys.", "acc_maija"),
            "rrq_rectification_in_work": (NoteKind.DONE, "Correction: name.", "acc_maija"),
            "rrq_restriction_in_work": (NoteKind.DONE, "Restriction: alarms continue.", "acc_maija"),
        }
        for each in lines:
            request = await house.records.get(RightsRequest, each)
            assert request is not None
            assert request.state is RequestState.IN_WORK

    for words in (
        ("object", "--to", "surveys", "--request", "rrq_objection_in_work"),
        ("rectify", "--name", "Maija", "--request", "rrq_rectification_in_work"),
        ("restrict", "--alarms", "continue", "--request", "rrq_restriction_in_work"),
    ):
        for _ in range(2):
            done = typed(words[0], *ACCOUNT, *words[1:])
            assert done.exit_code == 0, done.output
    in_house(check)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("object", "--account", "acc_kai", "--to", "surveys"), "no such customer"),
        (("object", *ACCOUNT, "--to", "surveys", "--request", "rrq_no"), "no such request of this account"),
        (("object", *ACCOUNT, "--to", "surveys", "--request", "rrq_objection_received"), "no such request of this"),
        (("object", *ACCOUNT, "--to", "surveys", "--request", "rrq_restriction_in_work"), "asks for restriction"),
        (("rectify", "--account", "acc_no", "--name", "Maija"), "no such customer"),
        (("rectify", *ACCOUNT, "--name", "Maija", "--email", "pia@example.org"), "Another account has this address"),
        (("rectify", *ACCOUNT, "--email", "maija@example.org"), "The account has this address"),
        (("restrict", *ACCOUNT, "--alarms", "stop", "--request", "rrq_objection_in_work"), "asks for objection"),
    ],
)
def test_what_nobody_asked_for_or_cannot_be_is_refused_and_nothing_is_done(words: tuple[str, ...], said: str) -> None:
    async def check(house: House) -> None:
        assert await mails(house) == []
        account = await house.records.get(Account, "acc_maija")
        assert account is not None
        assert account.name == "Maja"
        assert [await house.records.count(kind) for kind in (Objection, RequestNote, AddressChange)] == [0, 0, 0]

    done = typed(*words)
    assert (done.exit_code, said in done.output) == (1, True), done.output
    in_house(check)


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("rectify", *ACCOUNT), "--name"),
        (("rectify", *ACCOUNT, "--language", "tlh"), "--language"),
        (("rectify", *ACCOUNT, "--time-zone", "Helsinki"), "--time-zone"),
        (("rectify", *ACCOUNT, "--email", "Maija"), "--email"),
        (("object", *ACCOUNT), "--to"),
        (("object", *ACCOUNT, "--to", "contract"), "--to"),
    ],
)
def test_what_is_typed_wrongly_is_named(words: tuple[str, ...], option: str) -> None:
    done = typed(*words)
    assert (done.exit_code, option in done.output) == (2, True), done.output
