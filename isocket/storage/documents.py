"""What an adapter has to do: the verbs of the Records port on plain documents.

A document is a mapping of JSON values, times as text of fixed width. Adapters know no record classes; the one
codec, sealing and typing stand above them in `records.py` and `sealed.py`, once for all stores.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from isocket.storage.port import Changes, Test

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A kind of document, with its unique groups and its indexes as tuples of field names.

    A document with None in a unique group is free of that group.
    """

    name: str
    unique: tuple[tuple[str, ...], ...] = ()
    indexed: tuple[tuple[str, ...], ...] = ()
    subject: str | None = None
    sealed: tuple[str, ...] = ()
    lookup: tuple[str, ...] = ()
    followed: tuple[str, ...] | None = None

    def __hash__(self) -> int:
        """Collections are keys of what is worked out once: their names tell nearly all of them apart."""
        return hash(self.name)


Question = tuple[Collection, Sequence[Test]]


class Documents(Protocol):
    """Stored documents. The promises of each verb are those of `isocket.storage.port.Records`."""

    async def prepare(self, collections: Sequence[Collection]) -> None:
        """Make tables and indexes that are missing. Called once, before any other verb."""
        ...

    async def add_all(
        self, items: Sequence[tuple[Collection, Document]], *, refuse_if_there: bool = False, synced: bool = True
    ) -> int:
        """Store the new ones and return how many; `refuse_if_there`: raise AlreadyThereError for an old one."""
        ...

    async def get(self, collection: Collection, document_id: str) -> Document | None: ...

    async def find(
        self,
        collection: Collection,
        tests: Sequence[Test],
        *,
        order_by: str = "id",
        descending: bool = False,
        limit: int | None = None,
        after: tuple[Any, str] | None = None,
    ) -> list[Document]: ...

    async def find_each(self, asked: Sequence[Question]) -> list[list[Document]]: ...

    async def change_one(
        self,
        collection: Collection,
        tests: Sequence[Test],
        changes: Mapping[str, Any],
        *,
        order_by: str = "id",
        synced: bool = True,
    ) -> Document | None: ...

    async def change_all(self, collection: Collection, tests: Sequence[Test], changes: Mapping[str, Any]) -> int: ...

    async def remove_all(self, collection: Collection, tests: Sequence[Test]) -> int: ...

    async def count(self, collection: Collection, tests: Sequence[Test]) -> int: ...

    async def changes(self, after: int, *, limit: int) -> Changes: ...

    async def close(self) -> None: ...
