"""Customers hear what they have to know of the service: whom it concerns, once; the newsletter is another thing."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alerts.announcing import WordsError, announce
from isocket.app.commands import app
from isocket.domain.accounts import Account, AccountRole
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.devices import Device
from isocket.domain.letters import Letter
from isocket.domain.restrictions import Objection, ObjectionTo, objection_id
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import Records
from isocket.storage.records import StoredRecords
from tests.fakes.clock import ManualClock

WORDS = {
    "en": Letter(subject="Planned work on Sunday", text="From 2 to 3 in the morning alarms may come later."),
    "fi": Letter(subject="Huolto sunnuntaina", text="Kello 2-3 hälytykset voivat viivästyä."),
}


async def people(clock: ManualClock) -> Records:
    """Return a store with four customers of different kinds, and a member of staff."""
    records, now = StoredRecords(MemoryDocuments()), clock.now()
    for name, language, more in (
        ("maija", "fi", {}),
        ("pekka", "sv", {}),
        ("closed", "en", {"ended_at": now}),
        ("kai", "en", {"role": AccountRole.STAFF}),
    ):
        await records.add(
            Account(id=f"acc_{name}", email=f"{name}@example.org", language=language, created_at=now, **more)
        )
    await records.add(
        Device(id="is_1", model="isocket-3g", secret_hash="$", claim_hash="h", provisioned_at=now, owner_id="acc_pekka")
    )
    to = ObjectionTo.NEWSLETTER
    await records.add(Objection(id=objection_id("acc_maija", to), account_id="acc_maija", to=to, at=now))
    return records


async def mails(records: Records) -> dict[str, Delivery]:
    return {each.address: each for each in await records.find(Delivery)}


@pytest.mark.clause("C2-13", "C2-10")
async def test_every_customer_hears_of_planned_work_in_their_language_and_once() -> None:
    clock = ManualClock()
    records = await people(clock)
    assert await announce(records, clock, WORDS) == 2
    assert await announce(records, clock, WORDS) == 0
    found = await mails(records)
    assert {address: each.subject_line for address, each in found.items()} == {
        "maija@example.org": "Huolto sunnuntaina",  # who objects to the newsletter; this is none
        "pekka@example.org": "Planned work on Sunday",  # in Swedish there are no words
    }
    assert {each.kind for each in found.values()} == {DeliveryKind.NOTICE}


@pytest.mark.clause("C2-13")
async def test_what_concerns_one_model_goes_to_its_owners_only() -> None:
    clock = ManualClock()
    records = await people(clock)
    assert await announce(records, clock, WORDS, models=("isocket-3g",)) == 1
    assert set(await mails(records)) == {"pekka@example.org"}


async def test_many_go_out_a_few_at_a_time_behind_everything_else() -> None:
    clock = ManualClock()
    records = await people(clock)
    await announce(records, clock, WORDS, per_minute=1)
    first, second = sorted((await mails(records)).values(), key=lambda each: each.due_at)
    assert (second.due_at - first.due_at).total_seconds() == 60


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"fi": WORDS["fi"]}, "English"),
        ({**WORDS, "fr": WORDS["en"]}, "fr is none of"),
        ({"en": Letter(subject="a\nb", text="x")}, "one line"),
        ({"en": Letter(subject="a", text=" ")}, "no text"),
    ],
)
async def test_words_that_cannot_go_out_are_refused_with_the_reason(words: dict[str, Letter], said: str) -> None:
    clock = ManualClock()
    records = await people(clock)
    with pytest.raises(WordsError, match=said):
        await announce(records, clock, words)
    assert await mails(records) == {}


def test_an_operator_types_it_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOCKET_DATA_DIR", str(tmp_path / "var"))
    assert CliRunner().invoke(app, ["device", "provision", "--model", "isocket-4g"]).exit_code == 0
    file = tmp_path / "words.toml"
    file.write_text('[en]\nsubject = "Planned work"\ntext = "On Sunday."\n')
    done = CliRunner().invoke(app, ["announce", "--words", str(file), "--model", "isocket-4g"])
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"mails": 0})
    file.write_text('[en]\nsubject = "Planned work"\n')
    wrong = CliRunner().invoke(app, ["announce", "--words", str(file)])
    assert (wrong.exit_code, "cannot be read" in wrong.output) == (2, True)
    file.write_text('[en]\nsubject = "Planned work"\ntext = 7\n')
    number = CliRunner().invoke(app, ["announce", "--words", str(file)])
    assert (number.exit_code, "en.text is no text in quotes" in number.output) == (2, True)
