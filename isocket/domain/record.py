"""What every stored noun has in common: an id, a version, a collection, and fields that say how they are handled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar, dataclass_transform, get_type_hints

from isocket.domain.handling import Handling, NotPersonal, Plain

R = TypeVar("R", bound="Record")


class UndescribedFieldError(TypeError):
    """A stored field does not say how it may be used: annotate it with a Handling, or with Plain[...]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A stored value. `version` grows by one with each change; it is the fence of compare-and-set."""

    collection: ClassVar[str] = ""
    subject: ClassVar[str | None] = None  # the field holding the id of the person whose values these are
    account: ClassVar[str | None] = None  # the field holding the id of the customer account it belongs to
    guest: ClassVar[str | None] = None  # the field holding the id of another account that it tells about as well
    unique: ClassVar[tuple[tuple[str, ...], ...]] = ()  # groups of fields; a None in a group frees the record
    indexed: ClassVar[tuple[tuple[str, ...], ...]] = ()
    queue: ClassVar[str | None] = None  # the field that names which of several workers a record is for
    followed: ClassVar[tuple[str, ...] | None] = None  # whose change is news, as are coming and going; None: nothing
    bulky: ClassVar[bool] = False  # whether one may hold some hundred KiB

    id: Plain[str]
    version: Plain[int] = field(default=1)

    @classmethod
    def in_other_words(cls, older: Mapping[str, Any]) -> dict[str, Any]:
        """Return fields that a document of an older program lacks, by what it says in fields that are no more."""
        del older
        return {}

    @property
    def is_queued(self) -> bool:
        """Whether it waits for whoever works off its queue."""
        return self.queue is not None


_stored: dict[str, type[Record]] = {}


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def record(
    *,
    collection: str,
    subject: str | None = None,
    account: str | None = None,
    guest: str | None = None,
    unique: tuple[tuple[str, ...], ...] = (),
    indexed: tuple[tuple[str, ...], ...] = (),
    queue: str | None = None,
    followed: tuple[str, ...] | None = None,
    bulky: bool = False,
) -> Callable[[type[R]], type[R]]:
    """Make a frozen stored class; refuse a field without handling, a sealed field without a person.

    Raises:
        UndescribedFieldError: when the module is imported, naming the class and the field.
    """

    def wrap(cls: type[R]) -> type[R]:
        made: type[R] = dataclass(frozen=True, slots=True, kw_only=True)(cls)
        made.collection = collection
        made.subject = subject
        made.account = account
        made.guest = guest
        made.unique = unique
        made.indexed = indexed
        made.queue = queue
        made.followed = followed
        made.bulky = bulky
        _check(made)
        _stored[collection] = made
        return made

    return wrap


def stored_classes() -> tuple[type[Record], ...]:
    """Return every stored class defined so far, in the order of their collections' names."""
    return tuple(_stored[name] for name in sorted(_stored))


_handled: dict[type[Record], Mapping[str, Handling | NotPersonal]] = {}


def handling_of(cls: type[Record]) -> Mapping[str, Handling | NotPersonal]:
    """Return each field's handling. It is worked out once a class: whoever copies or erases asks it for each record.

    Raises:
        UndescribedFieldError: a field says nothing.
    """
    known = _handled.get(cls)
    if known is not None:
        return known
    hints: dict[str, Any] = get_type_hints(cls, include_extras=True)
    found: dict[str, Handling | NotPersonal] = {}
    for each in fields(cls):
        notes = getattr(hints[each.name], "__metadata__", ())
        words = [note for note in notes if isinstance(note, Handling | NotPersonal)]
        if len(words) != 1:
            raise UndescribedFieldError(
                f"{cls.__name__}.{each.name} must carry one Handling, or Plain[...] if it tells nothing of a person"
            )
        found[each.name] = words[0]
    return _handled.setdefault(cls, MappingProxyType(found))


def personal_fields(cls: type[Record]) -> dict[str, Handling]:
    """Return the handling of each field that tells about a person. Raises as `handling_of` does."""
    return {name: how for name, how in handling_of(cls).items() if isinstance(how, Handling)}


def sealed_fields(cls: type[Record]) -> tuple[str, ...]:
    """Return the names of the fields that are stored only as ciphertext."""
    return tuple(name for name, how in personal_fields(cls).items() if how.sealed)


def lookup_fields(cls: type[Record]) -> tuple[str, ...]:
    """Return the names of the sealed fields that can be found by equality."""
    return tuple(name for name, how in personal_fields(cls).items() if how.lookup)


def account_fields(cls: type[Record]) -> tuple[str, ...]:
    """Return the fields that hold the id of an account the record tells about; it goes with any of them."""
    return tuple(name for name in (cls.account, cls.guest) if name is not None)


def _check(cls: type[Record]) -> None:
    names = {each.name for each in fields(cls)}
    hints: dict[str, Any] = get_type_hints(cls)
    for name in sealed_fields(cls):
        if cls.subject is None:
            raise UndescribedFieldError(f"{cls.__name__}.{name} is sealed, so the class must name its subject")
        if hints[name] not in (str, str | None):
            raise UndescribedFieldError(f"{cls.__name__}.{name} is sealed, so it must be text")
    groups = [cls.subject, cls.account, cls.guest, cls.queue, *(cls.followed or ())]
    groups += [name for group in cls.unique + cls.indexed for name in group]
    for named in groups:
        if named is not None and named not in names:
            raise UndescribedFieldError(f"{cls.__name__} names the field {named}, which it does not have")
