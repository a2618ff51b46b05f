"""Writes into documents of an older program what it did not know: fields that came later, and keys of sealed values.

A question is answered by what is written: a document without a field is found by none of the field's values, whatever
the class says that it is when nothing is said. So when a class has changed since its documents were last looked at,
each is read and written out once, before anybody asks.
"""

import asyncio
from collections.abc import Iterable, Sequence

from isocket.domain.record import Record
from isocket.kit.logs import get_logger
from isocket.storage.codec import collection_of, from_document, to_document
from isocket.storage.documents import Collection, Document, Documents, hidden_name
from isocket.storage.keyring import PersonErasedError
from isocket.storage.port import AlreadyThereError, StoreUnavailableError, Test, is_, is_not, one_of
from isocket.storage.sealed import SealBrokenError

log = get_logger(__name__)

LAYOUTS = Collection(name="layouts")
"""A document for each collection, named like it: `fields` are those in which its documents are written out, all but
those whose ids are in `left`, which could not be read."""

AT_ONCE = 500  # documents are read, and share a commit
TRIES = 8  # of a document that others change meanwhile
MOST_LEFT = 100  # documents of a class that cannot be read, and are looked at again at the next start
_UNREADABLE = (PersonErasedError, SealBrokenError, TypeError, ValueError)


async def complete(documents: Documents, kinds: Iterable[type[Record]]) -> None:
    """Write out what is missing in the documents of classes that have changed. It may break off and run again.

    A document that cannot be read is left as it is, logged, and looked at again at the next start; where a class has
    more than `MOST_LEFT`, all of it is. Whatever is wrong with one must not keep a cloud from starting.
    """
    noted = {each["id"]: each for each in await documents.find(LAYOUTS, [])}
    looked_at: list[Document] = []
    for kind in kinds:
        collection, fields = collection_of(kind), _fields_of(kind)
        before = noted.get(collection.name, {"fields": []})
        left = before.get("left", [])
        if before["fields"] == fields and not left:
            continue
        some = [one_of("id", left)] if before["fields"] == fields else []
        try:
            still_left = await _complete(documents, kind, [] if left else before["fields"], some)
        except _UNREADABLE:
            log.exception("documents_not_completed", collection=collection.name)
            continue
        if still_left:
            log.error("documents_not_completed", collection=collection.name, records=len(still_left))
        if len(still_left) > MOST_LEFT:
            continue
        if still_left != left or before["fields"] != fields:
            looked_at.append({"id": collection.name, "version": 1, "fields": fields, "left": still_left})
    known = tuple(each["id"] for each in looked_at if each["id"] in noted)
    if known:
        await documents.remove_all(LAYOUTS, [one_of("id", known)])
    if looked_at:
        await documents.add_all([(LAYOUTS, each) for each in looked_at])


def _fields_of(kind: type[Record]) -> list[str]:
    """Return what is written of a class, with the hidden keys of its sealed fields."""
    return [*kind.__dataclass_fields__, *map(hidden_name, collection_of(kind).lookup)]


async def _complete(documents: Documents, kind: type[Record], before: Sequence[str], some: Sequence[Test]) -> list[str]:
    """Write out the documents of a class that fit `some`, and give up where more than `MOST_LEFT` cannot be read.

    Return the ids of those that cannot.
    """
    collection = collection_of(kind)
    found_by = [name for name in collection.lookup if hidden_name(name) not in before]
    written, seen, left = 0, "", list[str]()
    while len(left) <= MOST_LEFT:
        others = [*some, *(is_not("id", each) for each in left)]
        try:
            page = await documents.find(collection, others, limit=AT_ONCE, after=(seen, seen) if seen else None)
        except SealBrokenError as error:
            log.exception("document_not_completed", collection=collection.name)
            left.append(error.document_id)
            continue
        if not page:
            break
        seen = page[-1]["id"]
        done = await asyncio.gather(*(_tried(documents, kind, each, found_by) for each in page))
        left += [each["id"] for each, was_missing in zip(page, done, strict=True) if was_missing is None]
        written += sum(filter(None, done))
    if written:
        log.info("documents_completed", collection=collection.name, records=written)
    return left


async def _tried(documents: Documents, kind: type[Record], found: Document, found_by: Sequence[str]) -> bool | None:
    """Do as `_write_out` does; return None where the document cannot be read."""
    try:
        return await _write_out(documents, kind, found, found_by)
    except _UNREADABLE:
        log.exception("document_not_completed", collection=collection_of(kind).name)
        return None


async def _write_out(documents: Documents, kind: type[Record], found: Document, found_by: Sequence[str]) -> bool:
    """Write what a document lacks; return whether it lacked anything."""
    collection = collection_of(kind)
    for _ in range(TRIES):
        missing = _missing(kind, found) | await _not_found_by(documents, collection, found, found_by)
        same = [is_("id", found["id"]), is_("version", found["version"])]
        try:
            if not missing or await documents.change_one(collection, same, missing, synced=False) is not None:
                return bool(missing)
        except AlreadyThereError:  # an older program let two have what only one may: nobody can tell which
            log.warning("document_not_completed", collection=collection.name)
            return False
        changed = await documents.get(collection, found["id"])
        if changed is None:
            return False
        found = changed
    raise StoreUnavailableError(f"{collection.name}: changed by others {TRIES} times in a row, try again")


def _missing(kind: type[Record], found: Document) -> Document:
    """Return the fields that are to be written: None is what a missing one says anyway."""
    whole = to_document(from_document(kind, {**kind.in_other_words(found), **found}))
    return {name: value for name, value in whole.items() if name not in found and value is not None}


async def _not_found_by(
    documents: Documents, collection: Collection, found: Document, found_by: Sequence[str]
) -> Document:
    """Return the sealed values whose keys are to be written; nobody's value has none."""
    missing: Document = {}
    for name in found_by:
        if found.get(name) and not await documents.find(collection, [is_("id", found["id"]), is_(name, found[name])]):
            missing[name] = found[name]
    return missing
