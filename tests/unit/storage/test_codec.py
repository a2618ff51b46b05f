"""Records become documents of plain JSON values and come back."""

import json
from datetime import timedelta, timezone
from typing import Any

import pytest

from isocket.domain import STORED
from isocket.domain import record as record_module
from isocket.domain.accounts import Account, AccountRole
from isocket.domain.handling import Plain
from isocket.domain.incidents import Cause, Incident
from isocket.domain.record import Record, record
from isocket.storage.codec import (
    UnstorableFieldError,
    collection_of,
    encode_value,
    from_document,
    to_document,
)
from tests.contract.stores import Colour, Thing
from tests.fakes.clock import NOON


def test_a_document_holds_json_values_only() -> None:
    thing = Thing(
        id="a",
        rank=1,
        weight=2,
        colour=Colour.BLUE,
        due_at=NOON,
        tags=("x",),
        detail={"when": NOON, "pair": (1, 2), "cause": Cause.TEST},
    )
    document = to_document(thing)
    assert json.loads(json.dumps(document)) == document
    assert type(document["colour"]) is str
    assert type(document["weight"]) is float
    assert document["due_at"] == "2026-11-22T12:00:00.000Z"
    assert document["detail"] == {"when": "2026-11-22T12:00:00.000Z", "pair": [1, 2], "cause": "test"}


def test_times_of_other_zones_are_stored_in_utc() -> None:
    east = NOON.astimezone(timezone(timedelta(hours=9)))
    assert to_document(Thing(id="a", due_at=east))["due_at"] == "2026-11-22T12:00:00.000Z"


def test_what_a_newer_program_wrote_besides_is_passed_over() -> None:
    document = {**to_document(Thing(id="a", rank=1)), "invented_later": [1]}
    assert from_document(Thing, document) == Thing(id="a", rank=1)


def test_what_an_older_program_did_not_write_takes_its_default() -> None:
    document = {"id": "acc", "email": "ada@example.org", "created_at": "2026-11-22T12:00:00.000Z"}
    account = from_document(Account, document)
    assert (account.version, account.language, account.role) == (1, "en", AccountRole.CUSTOMER)


def test_a_missing_field_without_default_is_an_error_that_names_it() -> None:
    with pytest.raises(TypeError, match="email"):
        from_document(Account, {"id": "acc", "created_at": "2026-11-22T12:00:00.000Z"})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), NOON.replace(tzinfo=None), b"bytes", {1, 2}])
def test_what_has_no_place_in_json_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="stored"):
        encode_value({"deep": [value]})


@pytest.mark.parametrize("kind", [bytes, int | str, dict[str, int], tuple[int, str], list[int]], ids=str)
def test_a_class_with_a_field_that_cannot_be_stored_is_refused_by_name(kind: Any) -> None:
    @record(collection="test_guests")
    class Guest(Record):
        room: Plain[kind]

    record_module._stored.pop("test_guests")
    with pytest.raises(UnstorableFieldError, match=r"Guest\.room"):
        to_document(Guest(id="g", room=None))


@pytest.mark.parametrize("kind", STORED, ids=lambda kind: kind.__name__)
def test_every_stored_class_can_be_stored(kind: type[Record]) -> None:
    with pytest.raises(TypeError, match="missing"):
        from_document(kind, {})


def test_a_collection_knows_what_its_store_needs() -> None:
    accounts = collection_of(Account)
    assert (accounts.name, accounts.subject) == ("accounts", "id")
    assert accounts.sealed == ("email", "name")
    assert accounts.lookup == ("email",)
    assert collection_of(Incident).unique == (("open_key",),)
    assert collection_of(Account) is accounts
