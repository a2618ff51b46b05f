"""A stored field says how it may be used, or its module cannot be imported."""

from collections.abc import Iterator
from typing import Annotated, Any

import pytest

from isocket.domain import STORED
from isocket.domain import record as record_module
from isocket.domain.contacts import Contact
from isocket.domain.handling import PREFERENCE, PROFILE, Handling, NotPersonal, Plain
from isocket.domain.record import (
    Record,
    UndescribedFieldError,
    handling_of,
    lookup_fields,
    record,
    sealed_fields,
    stored_classes,
)


@pytest.fixture(autouse=True)
def _same_collections_as_before() -> Iterator[None]:
    before = dict(record_module._stored)
    yield
    record_module._stored.clear()
    record_module._stored.update(before)


def test_a_field_that_says_nothing_stops_the_import() -> None:
    with pytest.raises(UndescribedFieldError, match=r"Guest\.shoe_size"):

        @record(collection="guests")
        class Guest(Record):
            shoe_size: int


def test_a_field_that_says_two_things_stops_the_import() -> None:
    with pytest.raises(UndescribedFieldError, match=r"Guest\.name"):

        @record(collection="guests", subject="id")
        class Guest(Record):
            name: Annotated[str, PROFILE, PREFERENCE]


def test_a_sealed_field_without_its_person_is_refused() -> None:
    with pytest.raises(UndescribedFieldError, match=r"Guest.name is sealed.*subject"):

        @record(collection="guests")
        class Guest(Record):
            name: Annotated[str, PROFILE]


@pytest.mark.parametrize("kind", [int, bytes, tuple[str, ...], int | None])
def test_only_text_can_be_sealed(kind: Any) -> None:
    with pytest.raises(UndescribedFieldError, match=r"Guest.name is sealed, so it must be text"):

        @record(collection="guests", subject="id")
        class Guest(Record):
            name: Annotated[kind, PROFILE]


@pytest.mark.parametrize(
    "named",
    [{"subject": "host"}, {"account": "host"}, {"unique": (("id", "host"),)}, {"indexed": (("host",),)}],
    ids=str,
)
def test_a_class_cannot_name_a_field_that_it_does_not_have(named: dict[str, Any]) -> None:
    with pytest.raises(UndescribedFieldError, match="Guest names the field host"):

        @record(collection="guests", **named)
        class Guest(Record):
            pass


def test_a_refused_class_is_not_among_the_stored_ones() -> None:
    with pytest.raises(UndescribedFieldError):

        @record(collection="guests")
        class Guest(Record):
            shoe_size: int

    assert "guests" not in {kind.collection for kind in stored_classes()}


def test_a_described_class_is_frozen_and_listed() -> None:
    @record(collection="guests", subject="id", indexed=(("room",),))
    class Guest(Record):
        name: Annotated[str, PROFILE]
        room: Plain[int] = 1

    guest = Guest(id="g", name="Ada")
    with pytest.raises(AttributeError):
        guest.room = 2  # type: ignore[misc]  # what is tried here
    assert (guest.version, guest.room) == (1, 1)
    assert Guest in stored_classes()
    assert sealed_fields(Guest) == ("name",)
    assert lookup_fields(Guest) == ()


@pytest.mark.parametrize("kind", STORED, ids=lambda kind: kind.__name__)
def test_every_stored_class_describes_every_field(kind: type[Record]) -> None:
    described = handling_of(kind)
    assert {"id", "version"} < described.keys()
    assert all(isinstance(how, Handling | NotPersonal) for how in described.values())


def test_how_fields_are_handled_is_worked_out_once_a_class() -> None:
    assert handling_of(Contact) is handling_of(Contact)


def test_no_two_classes_share_a_collection() -> None:
    assert len({kind.collection for kind in STORED}) == len(STORED)


@pytest.mark.parametrize("kind", STORED, ids=lambda kind: kind.__name__)
def test_who_holds_personal_values_names_the_person_or_the_device(kind: type[Record]) -> None:
    personal = any(isinstance(how, Handling) for how in handling_of(kind).values())
    names_device = kind.collection in {"watches", "problems"}  # theirs is the device, which knows its owner
    # the first names the account until that is erased, the other a message at a provider until that has answered
    outlives_them = kind.collection in {"archives", "provider_erasures"}
    assert not personal or kind.subject is not None or names_device or outlives_them
