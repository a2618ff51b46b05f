"""Personal text reaches the store beneath only as ciphertext of its person, and goes with the person's key."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from isocket.domain import STORED
from isocket.storage.codec import collection_of
from isocket.storage.documents import Collection, Document
from isocket.storage.keyring import MemoryKeyring, PersonErasedError
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import AlreadyThereError, StoreUnavailableError, Test, at_most, is_, is_not, one_of
from isocket.storage.records import StoredRecords
from isocket.storage.sealed import ERASED, SealBrokenError, SealedDocuments, _beneath
from tests.contract.stores import Thing
from tests.fakes.clock import NOON

THINGS = _beneath(collection_of(Thing))
ADA = Thing(id="a", person_id="ada", name="Ada Lovelace", email="ada@example.org")
BOB = Thing(id="b", person_id="bob", name="Bob", email="bob@example.org")


class House:
    """Sealed records with a look at what lies beneath."""

    def __init__(self, inner: MemoryDocuments | None = None) -> None:
        self.inner = inner or MemoryDocuments()
        self.keyring = MemoryKeyring()
        self.records = StoredRecords(SealedDocuments(self.inner, self.keyring))

    async def beneath(self, document_id: str = "a") -> Document:
        found = await self.inner.get(THINGS, document_id)
        assert found is not None
        return found


@pytest.fixture
async def house() -> House:
    made = House()
    await made.records.prepare((*STORED, Thing))
    await made.records.add_all([ADA, BOB])
    return made


@pytest.mark.clause("C5-07")
async def test_nothing_personal_lies_beneath_in_clear_nor_encoded(house: House) -> None:
    text = json.dumps(await house.beneath())
    for secret in ("Ada Lovelace", "ada@example.org"):
        for form in (secret, secret.lower(), base64.b64encode(secret.encode()).decode(), secret.encode().hex()):
            assert form not in text


async def test_a_sealed_value_says_its_version_and_is_never_twice_the_same(house: House) -> None:
    await house.records.add(Thing(id="c", person_id="ada", name="Ada Lovelace"))
    one, other = (await house.beneath("a"))["name"], (await house.beneath("c"))["name"]
    assert one.startswith("v1.")
    raw = base64.urlsafe_b64decode(one.removeprefix("v1."))
    assert len(raw) == 12 + len("Ada Lovelace") + 16
    assert one != other


async def test_hidden_keys_never_come_out(house: House) -> None:
    assert len((await house.beneath())["email_blind"]) == 32
    found = await SealedDocuments(house.inner, house.keyring).get(collection_of(Thing), "a")
    assert found is not None
    assert "email_blind" not in found


async def test_none_and_empty_text_need_no_key(house: House) -> None:
    await house.records.add_all([Thing(id="c", person_id="eve", name="", email=None), Thing(id="d")])
    assert await house.keyring.key_for("eve") is None
    assert await house.records.get(Thing, "c") == Thing(id="c", person_id="eve", name="")


async def test_a_looked_up_value_is_found_in_any_case_and_width(house: House) -> None:
    for written in ("ada@example.org", "ADA@Example.org", "\uff41da@example.org"):
        assert await house.records.find(Thing, is_("email", written)) == [ADA]
    with pytest.raises(AlreadyThereError):
        await house.records.add(Thing(id="c", person_id="eve", email="Ada@example.org"))


async def test_the_same_value_in_two_fields_has_two_hidden_keys(house: House) -> None:
    from isocket.domain.accounts import Account, Registration

    await house.records.add(Account(id="acc", email="ada@example.org", created_at=NOON))
    await house.records.add(Registration(id="reg", account_id="acc", email="ada@example.org", expires_at=NOON))
    account = await house.inner.get(collection_of(Account), "acc")
    registration = await house.inner.get(collection_of(Registration), "reg")
    assert account is not None
    assert registration is not None
    assert account["email_blind"] != registration["email_blind"]


async def test_unique_and_indexed_groups_are_kept_over_hidden_keys() -> None:
    prepared: list[Collection] = []

    class Watching(MemoryDocuments):
        async def prepare(self, collections: Sequence[Collection]) -> None:
            prepared.extend(collections)

    await House(Watching()).records.prepare([Thing])
    assert prepared[0].unique == (("code",), ("shelf", "place"), ("email_blind",))
    with pytest.raises(ValueError, match=r"test_things\.name is sealed"):
        await House().records._documents.prepare(
            [Collection(name="test_things", unique=(("name",),), sealed=("name",), subject="person_id")]
        )


@pytest.mark.parametrize(
    "test",
    [is_("name", "Bob"), is_not("name", "Bob"), one_of("name", ["Bob"]), at_most("name", "Bob"), at_most("email", "b")],
    ids=str,
)
async def test_sealed_text_cannot_be_asked_for_otherwise(house: House, test: Test) -> None:
    for verb in (house.records.find, house.records.count, house.records.remove_all):
        with pytest.raises(ValueError, match="is sealed"):
            await verb(Thing, test)


async def test_sealed_text_can_be_asked_whether_it_is_there(house: House) -> None:
    await house.records.add(Thing(id="c"))
    assert await house.records.count(Thing, is_("name", None)) == 1
    assert await house.records.count(Thing, is_not("name", None)) == 2


@pytest.mark.parametrize("name", ["name", "email"])
async def test_nothing_is_ordered_by_sealed_text(house: House, name: str) -> None:
    with pytest.raises(ValueError, match="ordered"):
        await house.records.find(Thing, order_by=name)
    with pytest.raises(ValueError, match="ordered"):
        await house.records.change_one(Thing, order_by=name, rank=1)


async def test_a_destroyed_key_empties_its_persons_values_everywhere_and_only_those(house: House) -> None:
    await house.keyring.destroy("ada")
    ada, bob = await house.records.find(Thing)
    assert (ada.name, ada.email) == (ERASED, ERASED)
    assert bob == BOB


async def test_nothing_more_is_sealed_for_an_erased_person(house: House) -> None:
    await house.keyring.destroy("ada")
    with pytest.raises(PersonErasedError):
        await house.records.add_all(
            [Thing(id="x", person_id="eve", name="Eve"), Thing(id="y", person_id="ada", name="A")]
        )
    assert await house.records.get(Thing, "x") is None
    with pytest.raises(PersonErasedError):
        await house.records.change_one(Thing, is_("id", "a"), name="Ada again")
    emptied = await house.records.change_one(Thing, is_("id", "a"), name=None, email=None)
    assert emptied == Thing(id="a", version=2, person_id="ada")


async def test_a_key_that_was_lost_but_not_destroyed_is_reported(house: House) -> None:
    await house.keyring.destroy("bob")
    del house.keyring._keys["ada"]
    with capture_logs() as lines:
        found = await house.records.find(Thing)
    assert [each.name for each in found] == [ERASED, ERASED]
    assert [(line["event"], line["person_id"]) for line in lines] == [("sealed_without_key", "ada")]


@pytest.mark.clause("C5-04")
@pytest.mark.parametrize("how", ["moved to another field", "moved to another record", "altered", "never sealed"])
async def test_a_value_that_was_tampered_with_does_not_open(house: House, how: str) -> None:
    own = await house.beneath()
    await house.records.add(Thing(id="c", person_id="ada", name="Ada", email="c@example.org"))
    other = await house.beneath("c")
    first = "A" if own["name"][3] != "A" else "B"
    planted = {
        "moved to another field": own["email"],
        "moved to another record": other["name"],
        "altered": own["name"][:3] + first + own["name"][4:],
        "never sealed": "Ada Lovelace",
    }[how]
    await house.inner.change_one(THINGS, [is_("id", "a")], {"name": planted})
    with pytest.raises(SealBrokenError, match="test_things/name/a"):
        await house.records.get(Thing, "a")


async def test_sealed_text_needs_somebody_to_whom_it_belongs(house: House) -> None:
    with pytest.raises(ValueError, match="without its person_id"):
        await house.records.add(Thing(id="c", name="Nobody's"))
    await house.records.add(Thing(id="c"))
    with pytest.raises(ValueError, match="without its person_id"):
        await house.records.change_one(Thing, is_("id", "c"), name="Nobody's")


async def test_a_new_person_cannot_inherit_the_old_ones_sealed_text(house: House) -> None:
    with pytest.raises(ValueError, match="must change email too"):
        await house.records.change_one(Thing, is_("id", "a"), person_id="eve", name="Eve")
    with pytest.raises(ValueError, match="must change name too"):
        await house.records.change_one(Thing, is_("id", "a"), person_id="eve", email=None)
    with pytest.raises(ValueError, match="must change name too"):
        await house.records.change_all(Thing, person_id=None, email=None)
    assert await house.records.get(Thing, "a") == ADA


async def test_a_record_passes_to_a_new_person_with_new_text(house: House) -> None:
    changed = await house.records.change_one(Thing, is_("id", "a"), person_id="eve", name="Eve", email=None)
    assert changed == Thing(id="a", version=2, person_id="eve", name="Eve")
    await house.keyring.destroy("ada")
    assert await house.records.get(Thing, "a") == changed


async def test_the_same_person_may_be_said_again(house: House) -> None:
    changed = await house.records.change_one(Thing, is_("id", "a"), person_id="ada", name="A. L.")
    assert changed is not None
    assert (changed.name, changed.email) == ("A. L.", "ada@example.org")


async def test_sealed_text_is_not_written_to_many_at_once(house: House) -> None:
    with pytest.raises(ValueError, match="change one at a time"):
        await house.records.change_all(Thing, is_("person_id", "ada"), name="same")


class Racing(MemoryDocuments):
    """Lets another person take the document between the look and the change, `times` times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    async def change_one(
        self, collection: Collection, tests: Sequence[Test], changes: Mapping[str, Any], **how: Any
    ) -> Document | None:
        if self.times and "name" in changes:
            self.times -= 1
            taken = {"person_id": f"other{self.times}", "name": None, "email": None}
            await super().change_one(collection, [is_("id", "a")], taken)
        return await super().change_one(collection, tests, changes, **how)


async def test_a_change_that_lost_a_race_is_sealed_anew_for_who_owns_the_record_now() -> None:
    house = House(Racing(times=3))
    await house.records.add(ADA)
    changed = await house.records.change_one(Thing, is_("id", "a"), name="New name")
    assert changed is not None
    assert (changed.person_id, changed.name) == ("other0", "New name")
    await house.keyring.destroy("ada")
    assert await house.records.get(Thing, "a") == changed


class Written(MemoryDocuments):
    """Lets another write a text of the same person between the look and the change, once."""

    async def change_one(
        self, collection: Collection, tests: Sequence[Test], changes: Mapping[str, Any], **how: Any
    ) -> Document | None:
        if changes.get("person_id") == "eve":
            await super().change_one(collection, [is_("id", "a")], {"name": "v1.-"})
        return await super().change_one(collection, tests, changes, **how)


async def test_what_was_written_a_moment_before_a_record_passes_to_a_new_person_is_not_left_behind() -> None:
    house = House(Written())
    await house.records.add(Thing(id="a", person_id="ada"))
    with pytest.raises(ValueError, match="must change name too"):
        await house.records.change_one(Thing, is_("id", "a"), person_id="eve", email="eve@example.org")


async def test_a_change_that_loses_every_race_says_so() -> None:
    house = House(Racing(times=1000))
    await house.records.add(ADA)
    with pytest.raises(StoreUnavailableError, match="try again"):
        await house.records.change_one(Thing, is_("id", "a"), name="New name")
