"""Documents in dictionaries, under the same promises as on disk: for unit tests and for trying things out."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from isocket.storage.documents import Collection, Document, Shapes
from isocket.storage.port import AlreadyThereError, Change, Changes, Op, Test

_Key = tuple[Any, ...]
KEPT_CHANGES = 50_000


class MemoryDocuments:
    """Stored documents that go with the process. No verb waits inside, so each is atomic on the event loop."""

    def __init__(self) -> None:
        self._documents: dict[str, dict[str, Document]] = defaultdict(dict)
        self._taken: dict[str, dict[_Key, str]] = defaultdict(dict)  # (group, values) -> id of the holder
        self._changes: deque[Change] = deque(maxlen=KEPT_CHANGES)
        self._changed = 0

    async def prepare(self, collections: Sequence[Collection]) -> None:
        """Nothing to make: dictionaries are there when asked for."""

    async def add_all(
        self,
        items: Sequence[tuple[Collection, Document]],
        *,
        refuse_if_there: bool = False,
        synced: bool = True,  # noqa: ARG002 - nothing is on a disk
    ) -> int:
        """Store the new ones and return how many; with `refuse_if_there`, raise before anything is stored."""
        added: list[tuple[Collection, str]] = []
        for collection, document in items:
            if not self._is_free(collection, document):
                if refuse_if_there:
                    for there, document_id in added:
                        self._drop(there, document_id)
                    raise _already_there(collection, document)
                continue
            self._put(collection, _copy(document))
            added.append((collection, document["id"]))
        for there, document_id in added:
            self._note(there, document_id)
        return len(added)

    async def get(self, collection: Collection, document_id: str) -> Document | None:
        """Return the document with this id, or None."""
        found = self._documents[collection.name].get(document_id)
        return None if found is None else _copy(found)

    async def find(
        self,
        collection: Collection,
        tests: Sequence[Test],
        *,
        order_by: str = "id",
        descending: bool = False,
        limit: int | None = None,
        after: tuple[Any, str] | None = None,
    ) -> list[Document]:
        """Return what fits, ordered by (`order_by`, id), both turned round when `descending`; None comes first."""
        found = sorted(self._fitting(collection, tests), key=lambda each: _place(each, order_by), reverse=descending)
        rest: Iterable[Document] = found
        if after is not None:
            last = _place({order_by: after[0], "id": after[1]}, order_by)
            rest = (
                each
                for each in found
                if (_place(each, order_by) < last if descending else _place(each, order_by) > last)
            )
        return [_copy(each) for each in islice(rest, limit)]

    async def find_each(self, shapes: Shapes, values: Sequence[Any]) -> list[list[Document]]:
        """Return for each of some questions what fits, in the order of the ids."""
        return [await self.find(collection, tests) for collection, tests in shapes.questions(values)]

    async def change_one(
        self,
        collection: Collection,
        tests: Sequence[Test],
        changes: Mapping[str, Any],
        *,
        order_by: str = "id",
        synced: bool = True,  # noqa: ARG002 - nothing is on a disk
    ) -> Document | None:
        """Change the first that fits and return it as it is now; its version grows by one."""
        found = min(self._fitting(collection, tests), key=lambda each: _place(each, order_by), default=None)
        if found is None:
            return None
        self._change(collection, [found], changes)
        return _copy(self._documents[collection.name][found["id"]])

    async def change_all(self, collection: Collection, tests: Sequence[Test], changes: Mapping[str, Any]) -> int:
        """Change all that fit, or none of them if that would break a unique group; return how many."""
        found = list(self._fitting(collection, tests))
        self._change(collection, found, changes)
        return len(found)

    async def remove_all(self, collection: Collection, tests: Sequence[Test], *, limit: int | None = None) -> int:
        """Remove what fits; return how many."""
        found = [each["id"] for each in self._fitting(collection, tests)][:limit]
        for document_id in found:
            self._drop(collection, document_id)
            if collection.subject == "id":  # a person: not even the id may stay
                kept = [each for each in self._changes if each.record_id != document_id]
                self._changes = deque(kept, maxlen=KEPT_CHANGES)
                self._note(collection, "")
            else:
                self._note(collection, document_id)
        return len(found)

    async def count(self, collection: Collection, tests: Sequence[Test]) -> int:
        """Return how many fit."""
        return sum(1 for _ in self._fitting(collection, tests))

    async def changes(self, after: int, *, limit: int) -> Changes:
        """Return what became of followed documents after the change with that number."""
        found = [each for each in self._changes if each.number > after]
        kept_after = self._changes[0].number - 1 if self._changes else self._changed
        return Changes(found=tuple(found[:limit]), kept_after=kept_after, newest=self._changed)

    async def close(self) -> None:
        """Nothing to let go of."""

    def _note(self, collection: Collection, document_id: str) -> None:
        if collection.followed is not None:
            self._changed += 1
            self._changes.append(Change(self._changed, collection.name, document_id))

    def _fitting(self, collection: Collection, tests: Sequence[Test]) -> Iterable[Document]:
        documents = self._documents[collection.name]
        for test in tests:
            if test.field == "id" and test.op is Op.IS:
                only = documents.get(test.value)
                return [only] if only is not None and _fits(only, tests) else []
        return [each for each in documents.values() if _fits(each, tests)]

    def _change(self, collection: Collection, found: Sequence[Document], changes: Mapping[str, Any]) -> None:
        changed = [{**each, **_copy(changes), "version": each["version"] + 1} for each in found]
        for each in found:
            self._drop(collection, each["id"])
        for position, each in enumerate(changed):
            if not self._is_free(collection, each):
                for done in changed[:position]:
                    self._drop(collection, done["id"])
                for old in found:
                    self._put(collection, old)
                raise _already_there(collection, each)
            self._put(collection, each)
        for old, new in zip(found, changed, strict=True):
            if any(old.get(name) != new.get(name) for name in collection.followed or ()):
                self._note(collection, new["id"])

    def _is_free(self, collection: Collection, document: Document) -> bool:
        if document["id"] in self._documents[collection.name]:
            return False
        taken = self._taken[collection.name]
        return not any(key in taken for key in _keys(collection, document))

    def _put(self, collection: Collection, document: Document) -> None:
        self._documents[collection.name][document["id"]] = document
        for key in _keys(collection, document):
            self._taken[collection.name][key] = document["id"]

    def _drop(self, collection: Collection, document_id: str) -> None:
        document = self._documents[collection.name].pop(document_id)
        for key in _keys(collection, document):
            del self._taken[collection.name][key]


def _keys(collection: Collection, document: Document) -> list[_Key]:
    """Return what the document takes for itself alone; a group with None in it takes nothing."""
    keys = [(group, *(document.get(name) for name in group)) for group in collection.unique]
    return [key for key in keys if None not in key[1:]]


def _fits(document: Document, tests: Sequence[Test]) -> bool:
    return all(_holds(document.get(test.field), test) for test in tests)


def _holds(value: Any, test: Test) -> bool:
    match test.op:
        case Op.IS:
            return bool(value == test.value)
        case Op.IS_NOT:
            return bool(value != test.value)
        case Op.ONE_OF:
            return value in test.value
        case Op.AT_MOST:
            return value is not None and test.value is not None and bool(value <= test.value)
        case Op.ABOVE:
            return value is not None and test.value is not None and bool(value > test.value)


def _place(document: Mapping[str, Any], order_by: str) -> tuple[bool, Any, str]:
    value = document.get(order_by)
    return (value is not None, 0 if value is None else value, document["id"])


def _already_there(collection: Collection, document: Document) -> AlreadyThereError:
    return AlreadyThereError(f"{collection.name} {document['id']}: its id or its unique fields are taken")


def _copy(document: Mapping[str, Any]) -> Document:
    """Return a deep copy: several times quicker than copy.deepcopy, which must expect anything."""
    return {name: _copied(value) for name, value in document.items()}


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return _copy(value)
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value
