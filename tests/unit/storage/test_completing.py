"""What an older program stored without fields that came later is found by them as soon as a newer one has begun."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from isocket.domain.contacts import ChannelKind, Contact, ContactRole
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.incidents import Cause, Incident, IncidentState, Severity, Why
from isocket.storage.completing import AT_ONCE
from isocket.storage.documents import Collection, Document
from isocket.storage.keyring import MemoryKeyring
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import Test, is_
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import SealedDocuments
from isocket.storage.sqlite import SqliteStore
from tests.contract.stores import Thing
from tests.fakes.clock import NOON

KINDS = (Contact, Delivery, Incident, Thing)
OVER = Incident(
    id="inc_1", account_id="acc_1", device_id="is-1", cause=Cause.INPUT, severity=Severity.CRITICAL,
    state=IncidentState.CLOSED, opened_at=NOON, detected_at=NOON, closed_at=NOON,
)  # fmt: skip
ANNA = Contact(
    id="con_1", account_id="acc_1", name="Anna", email="anna@example.org", roles=(ContactRole.ALARM,), created_at=NOON
)
ALARM = Delivery(
    id="del_1", account_id="acc_1", person_id="con_1", kind=DeliveryKind.ALARM, channel=ChannelKind.SMS,
    address="+447700900001", text="Cabin: mains power is out", created_at=NOON, due_at=NOON,
)  # fmt: skip


class Installation:
    """One file and one keyring, opened as often as wanted."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.keyring = MemoryKeyring()

    @asynccontextmanager
    async def begun(self) -> AsyncIterator[StoredRecords]:
        store = await SqliteStore.open(self.file)
        try:
            records = StoredRecords(SealedDocuments(store.documents, self.keyring))
            await records.prepare(KINDS)
            yield records
        finally:
            await store.close()

    def as_before(self, collection: str, *unknown: str, where: str = "1") -> None:
        """Bring documents back to what a program wrote that did not know some fields, nor that any may be missing."""
        names = "".join(f", '$.{name}'" for name in unknown)
        with sqlite3.connect(self.file) as connection:
            statement = f"UPDATE records_{collection} SET doc = json_remove(doc{names}) WHERE {where}"  # noqa: S608 - ours
            connection.execute(statement)
            connection.execute("DELETE FROM records_layouts")
        connection.close()

    def says(self, collection: str, name: str) -> None:
        """Let documents say yes in a field, which the class may no longer have."""
        with sqlite3.connect(self.file) as connection:
            connection.execute(f"UPDATE records_{collection} SET doc = json_set(doc, '$.{name}', json('true'))")  # noqa: S608 - ours
        connection.close()


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "house.sqlite")


async def test_an_alarm_that_waits_since_before_there_were_lanes_is_found_in_its_lane(
    installation: Installation,
) -> None:
    async with installation.begun() as records:
        await records.add(ALARM)
    installation.as_before("deliveries", "lane", "priority", "turn", "moves_on")
    async with installation.begun() as records:
        (found,) = await records.find(Delivery, is_("lane", "urgent.sms"), is_("moves_on", value=False))
        assert (found.id, found.address, found.priority) == ("del_1", ALARM.address, ALARM.priority)


@pytest.mark.parametrize(("said", "why"), [("limit_gone", Why.SETTINGS), ("disarmed", Why.DISARMED), ("test", None)])
async def test_an_incident_from_before_it_said_why_it_is_over_says_so_by_what_it_said_then(
    installation: Installation, said: str, why: Why | None
) -> None:
    async with installation.begun() as records:
        await records.add(OVER)
    installation.as_before("incidents", "why_over")
    installation.says("incidents", said)
    async with installation.begun() as records:
        (found,) = await records.find(Incident)
        assert found.why_over is why


async def test_a_contact_from_before_mailboxes_could_be_looked_up_is_found_by_theirs(
    installation: Installation,
) -> None:
    async with installation.begun() as records:
        await records.add(ANNA)
    installation.as_before("contacts", "email_blind")
    async with installation.begun() as records:
        (found,) = await records.find(Contact, is_("email", "anna@example.org"))
        assert (found.id, found.name, found.email) == (ANNA.id, ANNA.name, ANNA.email)


async def test_more_documents_than_are_read_at_once_are_all_completed_those_alone_that_lack_something(
    installation: Installation,
) -> None:
    async with installation.begun() as records:
        await records.add_all([Thing(id=f"{number:04d}") for number in range(AT_ONCE + 2)])
    installation.as_before("test_things", "ready", where="id <> '0007'")
    async with installation.begun() as records:
        assert await records.count(Thing, is_("ready", value=False)) == AT_ONCE + 2
        found = {each.id: each.version for each in await records.find(Thing)}
        assert (found["0007"], found["0008"]) == (1, 2)


async def test_a_document_that_is_found_by_its_mailbox_already_is_left_as_it_is(installation: Installation) -> None:
    async with installation.begun() as records:
        await records.add_all([ANNA, replace(ANNA, id="con_2", email="other@example.org")])
    installation.as_before("contacts", "email_blind", where="id = 'con_2'")
    async with installation.begun() as records:
        assert {each.id: each.version for each in await records.find(Contact)} == {"con_1": 1, "con_2": 2}
        assert await records.count(Contact, is_("email", "other@example.org")) == 1


async def test_of_an_erased_person_nothing_is_sealed_anew(installation: Installation) -> None:
    async with installation.begun() as records:
        await records.add(ANNA)
    await installation.keyring.destroy(ANNA.id)
    installation.as_before("contacts", "email_blind", "paused_at")
    async with installation.begun() as records:
        assert await records.find(Contact, is_("email", "anna@example.org")) == []


async def test_a_document_that_cannot_be_read_keeps_neither_the_others_nor_the_start_back(
    installation: Installation,
) -> None:
    async with installation.begun() as records:
        await records.add_all([ANNA, ALARM])
    installation.as_before("contacts", "email_blind")
    installation.as_before("deliveries", "lane")
    with sqlite3.connect(installation.file) as connection:
        connection.execute("UPDATE records_contacts SET doc = json_set(doc, '$.name', 'v1.altered')")
    connection.close()
    for _ in range(2):  # looked at again at the next start
        with capture_logs() as logs:
            async with installation.begun() as records:
                assert await records.count(Delivery, is_("lane", "urgent.sms")) == 1
        (line,) = [each for each in logs if each["event"] == "documents_not_completed"]
        assert line["collection"] == "contacts"


@pytest.mark.parametrize("broken", [["name", "v1.altered"], ["roles", 7]], ids=["seal", "type"])
async def test_behind_a_document_that_cannot_be_read_all_are_completed_and_it_alone_is_looked_at_again(
    installation: Installation, broken: list[Any]
) -> None:
    (field, value), bob = broken, replace(ANNA, id="con_2", email="bob@example.org")
    async with installation.begun() as records:
        await records.add_all([replace(ANNA, id="con_0"), ANNA, bob])
        whole = (await records.find(Contact))[1]
    installation.as_before("contacts", "email_blind", where="id <> 'con_1'")
    with sqlite3.connect(installation.file) as connection:
        kept = connection.execute("SELECT doc FROM records_contacts WHERE id = 'con_1'").fetchone()
        statement = f"UPDATE records_contacts SET doc = json_set(doc, '$.{field}', ?) WHERE id = 'con_1'"  # noqa: S608 - ours
        connection.execute(statement, (value,))
    connection.close()
    for _ in range(2):
        async with installation.begun() as records:
            assert await records.count(Contact, is_("email", "bob@example.org")) == 1
    with sqlite3.connect(installation.file) as connection:  # what is found now was written out before
        connection.execute("UPDATE records_contacts SET doc = json_remove(doc, '$.email_blind') WHERE id = 'con_2'")
        connection.execute("UPDATE records_contacts SET doc = json_remove(?, '$.email_blind') WHERE id = 'con_1'", kept)
    connection.close()
    with capture_logs() as logs:
        async with installation.begun() as records:
            assert await records.count(Contact, is_("email", "bob@example.org")) == 0, "not read again"
            assert await records.find(Contact, is_("email", "anna@example.org"), is_("id", "con_1")) == [
                replace(whole, version=2)
            ]
    assert [each["records"] for each in logs if each["event"] == "documents_completed"] == [1]


async def test_two_who_have_what_only_one_may_by_now_keep_neither_the_others_nor_the_start_back(
    installation: Installation,
) -> None:
    async with installation.begun() as records:
        for name in ("a", "b"):
            await records.add(Thing(id=name, person_id=name, email="ada@example.org"))
            installation.as_before("test_things", "email_blind")  # who looks nobody up lets both in
        await records.add(Thing(id="c", person_id="c", email="bob@example.org"))
    installation.as_before("test_things", "email_blind")
    with capture_logs() as logs:
        async with installation.begun() as records:
            assert [each.id for each in await records.find(Thing)] == ["a", "b", "c"]
            assert await records.count(Thing, is_("email", "ada@example.org")) == 1
            assert await records.count(Thing, is_("email", "bob@example.org")) == 1
    assert [each["collection"] for each in logs if each["event"] == "document_not_completed"] == ["test_things"]


class Meddled(MemoryDocuments):
    """Somebody else changes a document right before it is written out; `read` names what was read."""

    def __init__(self) -> None:
        super().__init__()
        self.meddle: Callable[[], Any] | None = None
        self.read: list[str] = []

    async def find(self, collection: Collection, tests: Sequence[Test], **how: Any) -> list[Document]:
        self.read.append(collection.name)
        return await super().find(collection, tests, **how)

    async def change_one(
        self, collection: Collection, tests: Sequence[Test], changes: Mapping[str, Any], **how: Any
    ) -> Document | None:
        meddle, self.meddle = self.meddle, None
        if meddle is not None:
            await meddle()
        return await super().change_one(collection, tests, changes, **how)


THINGS = Collection(name="test_things")
OLD = {"id": "one", "version": 1, "rank": 4}


async def test_what_somebody_else_writes_meanwhile_is_not_overwritten() -> None:
    documents = Meddled()
    await documents.prepare([THINGS])
    await documents.add_all([(THINGS, OLD)])

    async def make_ready() -> None:
        await documents.change_one(THINGS, [], {"ready": True})

    documents.meddle = make_ready
    records = StoredRecords(documents)
    await records.prepare((Thing,))
    found = await records.get(Thing, "one")
    assert found is not None
    assert (found.ready, found.rank) == (True, 4)
    assert await records.count(Thing, is_("weight", 0.0)) == 1


async def test_documents_are_read_when_their_class_has_changed_and_not_with_every_start() -> None:
    documents = Meddled()
    await documents.prepare([THINGS])
    await documents.add_all([(THINGS, OLD)])
    await StoredRecords(documents).prepare((Thing,))
    documents.read.clear()
    await StoredRecords(documents).prepare((Thing,))
    assert "test_things" not in documents.read
    layouts = Collection(name="layouts")
    await documents.change_one(layouts, [], {"fields": ["id", "version", "rank"]})
    await StoredRecords(documents).prepare((Thing,))
    assert "test_things" in documents.read
