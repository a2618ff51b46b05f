"""The Records port on any adapter of documents: typed, checked, and ringing the bells of waiting workers."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from isocket.domain import STORED
from isocket.domain.record import Record
from isocket.kit.clock import EPOCH
from isocket.storage.asking import asked_together
from isocket.storage.codec import (
    check_orderable,
    collection_of,
    encode_change,
    encode_tested,
    encode_tests,
    from_document,
    to_document,
)
from isocket.storage.completing import LAYOUTS, complete
from isocket.storage.documents import Documents
from isocket.storage.in_turns import in_turns
from isocket.storage.port import Asked, Changes, Test, Value
from isocket.storage.wakeups import FOLLOWED, Wakeups, queue_bell

R = TypeVar("R", bound=Record)


class StoredRecords:
    """Records kept as documents. Field names are checked, so that a slip of the pen never means "nothing fits"."""

    def __init__(self, documents: Documents, wakeups: Wakeups | None = None) -> None:
        self._documents = documents
        self._wakeups = wakeups

    async def prepare(self, kinds: Iterable[type[Record]] = STORED) -> None:
        """Make what the store lacks for these classes. Called once, before any other verb."""
        prepared = tuple(kinds)
        await self._documents.prepare([*map(collection_of, prepared), LAYOUTS])
        await complete(self._documents, prepared)

    async def add(self, record: Record, *more: Record, synced: bool = True) -> None:
        """Store a new record, and `more` in the same step; without `synced` nobody waits for the disk.

        Raises:
            AlreadyThereError: id or unique fields of one of them are taken; none is stored.
        """
        items = [(collection_of(type(each)), to_document(each)) for each in (record, *more)]
        await self._documents.add_all(items, refuse_if_there=True, synced=synced)
        self._ring_for(record, *more)

    async def add_all(self, records: Sequence[Record]) -> int:
        """Store those that are not there yet, each by itself; return how many were new."""
        items = [(collection_of(type(record)), to_document(record)) for record in records]
        if not items:
            return 0
        new = await self._documents.add_all(items)
        if new:
            self._ring_for(*records)
        return new

    async def get(self, kind: type[R], record_id: str) -> R | None:
        """Return the record with this id, or None."""
        document = await self._documents.get(collection_of(kind), record_id)
        return None if document is None else from_document(kind, document)

    async def find(
        self,
        kind: type[R],
        *tests: Test,
        order_by: str = "id",
        descending: bool = False,
        limit: int | None = None,
        after: tuple[Value, str] | None = None,
    ) -> list[R]:
        """Return what fits all tests, ordered by (`order_by`, id), both turned round when `descending`.

        `after` is the (value of order_by, id) of the last one seen.

        Raises:
            ValueError: a test or `order_by` names a field that the class does not have, or `limit` is negative.
        """
        check_orderable(kind, order_by)
        if limit is not None and limit < 0:
            raise ValueError(f"the limit {limit} is negative")
        found = await self._documents.find(
            collection_of(kind),
            encode_tests(kind, tests),
            order_by=order_by,
            descending=descending,
            limit=limit,
            after=None if after is None else (encode_tested(kind, order_by, after[0]), after[1]),
        )
        return await in_turns(partial(from_document, kind), found)

    async def find_each(self, *asked: Asked) -> list[list[Any]]:
        """Return for each of some questions what fits all its tests, in the order of the ids."""
        if not asked:
            return []
        shapes, values = asked_together(asked)
        found = await self._documents.find_each(shapes, values)
        return [
            await in_turns(partial(from_document, kind), documents) if documents else []
            for (kind, _), documents in zip(asked, found, strict=True)
        ]

    async def change_one(
        self, kind: type[R], *tests: Test, order_by: str = "id", synced: bool = True, **changes: Any
    ) -> R | None:
        """Change the first record that fits, in one atomic step; return it as it is now, or None if none fits.

        Raises:
            AlreadyThereError: the change would break a unique group; nothing was changed.
            ValueError: a name is not one of the class's fields, or a value does not belong there.
        """
        check_orderable(kind, order_by)
        document = await self._documents.change_one(
            collection_of(kind),
            encode_tests(kind, tests),
            _encode_changes(kind, changes),
            order_by=order_by,
            synced=synced,
        )
        if document is None:
            return None
        changed = from_document(kind, document)
        if changes.get("lease_until", EPOCH) == EPOCH:  # what was just claimed is nobody else's work
            self._ring_for(changed)
        return changed

    async def change_all(self, kind: type[R], *tests: Test, **changes: Any) -> int:
        """Change every record that fits; return how many. Raises as `change_one` does. No bell of a queue is rung."""
        changed = await self._documents.change_all(
            collection_of(kind), encode_tests(kind, tests), _encode_changes(kind, changes)
        )
        if changed and self._wakeups is not None:
            self._wakeups.ring(kind.collection)
            self._ring_for_followers(kind)
        return changed

    async def remove_all(self, kind: type[R], *tests: Test, limit: int | None = None) -> int:
        """Remove every record that fits, or `limit` of them, whichever; return how many."""
        removed = await self._documents.remove_all(collection_of(kind), encode_tests(kind, tests), limit=limit)
        if removed:
            self._ring_for_followers(kind)
        return removed

    async def count(self, kind: type[R], *tests: Test) -> int:
        """Return how many fit."""
        return await self._documents.count(collection_of(kind), encode_tests(kind, tests))

    async def changes(self, after: int, *, limit: int = 1000) -> Changes:
        """Return what became of followed records after the change with that number."""
        return await self._documents.changes(after, limit=limit)

    def _ring_for_followers(self, kind: type[Record]) -> None:
        if self._wakeups is not None and kind.followed is not None:
            self._wakeups.ring(FOLLOWED)

    def _ring_for(self, *records: Record) -> None:
        if self._wakeups is None:
            return
        names: set[str] = set()
        for each in records:
            names.add(each.collection)
            if each.queue and each.is_queued:
                names.add(queue_bell(each.collection, getattr(each, each.queue)))
            if each.followed is not None:
                names.add(FOLLOWED)
        self._wakeups.ring(*names)


def _encode_changes(kind: type[Record], changes: Mapping[str, Any]) -> dict[str, Any]:
    for name in ("id", "version"):
        if name in changes:
            raise ValueError(f"{kind.__name__}.{name} is not yours to change")
    return {name: encode_change(kind, name, value) for name, value in changes.items()}
