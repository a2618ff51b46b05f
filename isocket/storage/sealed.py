"""Personal text stored only as ciphertext under the key of its own person, by a wrapper around any documents.

A sealed value is `v1.` and base64url of nonce and ciphertext (AES-256-GCM). Collection, field and document id are
bound in, so a value moved elsewhere does not open. A lookup field has a hidden neighbour, `<field>_blind`, a keyed
hash by which it is found. None and the empty text tell nothing and stay as they are; they need no key.
"""

import hashlib
import hmac
import os
import unicodedata
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache, partial
from typing import Any

from cryptography.exceptions import InvalidTag

from isocket.kit.logs import get_logger
from isocket.storage.documents import SHAPES, Collection, Document, Documents, Shape, Shapes, hidden_name
from isocket.storage.in_turns import in_turns
from isocket.storage.keyring import Keyring, PersonKey
from isocket.storage.port import Changes, Op, StoreUnavailableError, Test, is_

log = get_logger(__name__)

ERASED = ""
"""What is read of a value whose key was destroyed, so that one erased person never breaks a list."""

MARK = "v1."
NONCE_BYTES = 12
BLIND_BYTES = 16
_URL_SAFE, _STANDARD = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")
TRIES = 8  # of a change that others get in the way of


class SealBrokenError(Exception):
    """A stored value does not open: it was altered or moved, or was never sealed. Restore the record."""

    def __init__(self, collection: Collection, name: str, document_id: str) -> None:
        super().__init__(f"{collection.name}/{name}/{document_id} does not open: altered, moved, or never sealed")
        self.document_id = document_id


class SealedDocuments:
    """The Documents port; what reaches the store beneath holds no sealed value in clear."""

    def __init__(self, inner: Documents, keyring: Keyring) -> None:
        self._inner = inner
        self._keyring = keyring

    async def prepare(self, collections: Sequence[Collection]) -> None:
        """Make what is missing, with groups over the hidden keys in place of lookup fields."""
        await self._inner.prepare([_beneath(collection) for collection in collections])

    async def add_all(
        self, items: Sequence[tuple[Collection, Document]], *, refuse_if_there: bool = False, synced: bool = True
    ) -> int:
        """Store the new ones; return how many.

        Raises:
            PersonErasedError: one of them belongs to an erased person; nothing is stored.
        """
        persons = {_person(kind, document) for kind, document in items if kind.sealed and _texts(kind, document)}
        keys = await self._keyring.keys_for(persons, create=True)
        sealed: list[tuple[Collection, Document]] = []
        for collection, document in items:
            beneath = document
            if collection.sealed:
                key = keys.get(document[collection.subject or ""])
                beneath = await self._sealed(collection, document["id"], document, key)
            sealed.append((_beneath(collection), beneath))
        return await self._inner.add_all(sealed, refuse_if_there=refuse_if_there, synced=synced)

    async def get(self, collection: Collection, document_id: str) -> Document | None:
        """Return the document with this id, or None."""
        found = await self._inner.get(_beneath(collection), document_id)
        return None if found is None else (await self._opened(collection, [found]))[0]

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
        """Return what fits, ordered by (`order_by`, id), which cannot be a sealed field."""
        _check_order(collection, order_by)
        found = await self._inner.find(
            _beneath(collection),
            await self._asked(collection, tests),
            order_by=order_by,
            descending=descending,
            limit=limit,
            after=after,
        )
        return await self._opened(collection, found)

    async def find_each(self, shapes: Shapes, values: Sequence[Any]) -> list[list[Document]]:
        """Return for each of some questions what fits, in the order of the ids."""
        beneath, hidden = _shapes_beneath(shapes)
        if hidden:
            values = [*values]
            for place, collection, name in hidden:
                values[place] = await self._blind(collection, name, values[place])
        found = await self._inner.find_each(beneath, values)
        return [
            await self._opened(collection, each) if each and collection.sealed else each
            for (collection, _), each in zip(shapes.each, found, strict=True)
        ]

    async def change_one(
        self,
        collection: Collection,
        tests: Sequence[Test],
        changes: Mapping[str, Any],
        *,
        order_by: str = "id",
        synced: bool = True,
    ) -> Document | None:
        """Change the first that fits and return it as it is now.

        Raises:
            PersonErasedError: the new text belongs to an erased person.
            StoreUnavailableError: others changed the same document again and again.
            ValueError: the person would change, and a sealed value of the one before would stay.
        """
        _check_order(collection, order_by)
        beneath, asked = _beneath(collection), await self._asked(collection, tests)
        if not _texts(collection, changes) and collection.subject not in changes:
            blanked = await self._sealed(collection, "", changes, None)
            changed = await self._inner.change_one(beneath, asked, blanked, order_by=order_by, synced=synced)
            return None if changed is None else (await self._opened(collection, [changed]))[0]
        for _ in range(TRIES):
            first = await self._inner.find(beneath, asked, order_by=order_by, limit=1)
            if not first:
                return None
            same, sealed = await self._for(collection, first[0], changes)
            changed = await self._inner.change_one(beneath, [*asked, *same], sealed, synced=synced)
            if changed is not None:
                return (await self._opened(collection, [changed]))[0]
        raise StoreUnavailableError(f"{collection.name}: changed by others {TRIES} times in a row, try again")

    async def change_all(self, collection: Collection, tests: Sequence[Test], changes: Mapping[str, Any]) -> int:
        """Change all that fit; return how many.

        Raises:
            ValueError: there is sealed text to write, which is bound to one document; or the person would change
                and a sealed value of the one before would stay.
        """
        texts = _texts(collection, changes)
        if texts:
            raise ValueError(f"{collection.name}.{texts[0]} is sealed for each document: change one at a time")
        if collection.subject in changes:
            for name in collection.sealed:
                if name not in changes:
                    raise _left_behind(collection, name)
        blanked = await self._sealed(collection, "", changes, None)
        return await self._inner.change_all(_beneath(collection), await self._asked(collection, tests), blanked)

    async def remove_all(self, collection: Collection, tests: Sequence[Test], *, limit: int | None = None) -> int:
        """Remove what fits; return how many."""
        return await self._inner.remove_all(_beneath(collection), await self._asked(collection, tests), limit=limit)

    async def count(self, collection: Collection, tests: Sequence[Test]) -> int:
        """Return how many fit."""
        return await self._inner.count(_beneath(collection), await self._asked(collection, tests))

    async def changes(self, after: int, *, limit: int) -> Changes:
        """Return what became of followed documents: their ids, which nothing seals."""
        return await self._inner.changes(after, limit=limit)

    async def close(self) -> None:
        """Close the store beneath; the keyring belongs to whoever opened it."""
        await self._inner.close()

    async def _for(
        self, collection: Collection, found: Document, changes: Mapping[str, Any]
    ) -> tuple[list[Test], Document]:
        """Return the changes sealed for one document, and the tests that it is still what it was when we looked."""
        before = found[collection.subject or "id"]
        person = changes.get(collection.subject or "id", before)
        same = [is_("id", found["id"]), is_(collection.subject or "id", before)]
        for name in collection.sealed if person != before else ():
            if name not in changes:
                if found.get(name):
                    raise _left_behind(collection, name)
                same.append(is_(name, found.get(name)))
        key = None
        if _texts(collection, changes):
            owner = _person(collection, {**changes, collection.subject or "id": person})
            key = (await self._keyring.keys_for([owner], create=True))[owner]
        return same, await self._sealed(collection, found["id"], changes, key)

    async def _sealed(
        self, collection: Collection, document_id: str, values: Mapping[str, Any], key: PersonKey | None
    ) -> Document:
        """Return a document, or changes of one, with text sealed and hidden keys set."""
        sealed = dict(values)
        for name in collection.sealed:
            if key is not None and sealed.get(name):
                sealed[name] = _seal(key, sealed[name], _place(collection, name, document_id))
        for name in collection.lookup:
            if name in values:
                sealed[hidden_name(name)] = await self._blind(collection, name, values[name])
        return sealed

    async def _opened(self, collection: Collection, documents: Sequence[Document]) -> list[Document]:
        """Return documents as they were given to us."""
        if not collection.sealed:
            return list(documents)
        persons = {_person(collection, each) for each in documents if _texts(collection, each)}
        keys = await self._keyring.keys_for(persons)
        for person in persons - keys.keys():
            if not await self._keyring.was_destroyed(person):
                log.error("sealed_without_key", collection=collection.name, person_id=person)
        return await in_turns(partial(_open_document, collection, keys), documents)

    async def _asked(self, collection: Collection, tests: Sequence[Test]) -> list[Test]:
        """Return the tests as the store beneath can answer them."""
        return [await self._asked_one(collection, test) if test.field in collection.sealed else test for test in tests]

    async def _asked_one(self, collection: Collection, test: Test) -> Test:
        field, op, value = test
        name = _asked_for(collection, field, op, is_none=value is None)
        if name == field:
            return test
        if op is Op.ONE_OF:
            return Test(name, op, tuple([await self._blind(collection, field, each) for each in value]))
        return Test(name, op, await self._blind(collection, field, value))

    async def _blind(self, collection: Collection, name: str, value: str | None) -> str | None:
        """Return the keyed hash of a value: the same in capitals and small letters, wide and narrow ones."""
        if value is None:
            return None
        key = await self._keyring.index_key(f"{collection.name}.{name}")
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())
        return hmac.digest(key, folded.encode(), hashlib.sha256)[:BLIND_BYTES].hex()


@cache
def _beneath(collection: Collection) -> Collection:
    """Return the collection as the store beneath sees it."""
    if not collection.sealed:
        return collection
    return replace(
        collection,
        unique=tuple(_hidden_group(collection, group) for group in collection.unique),
        indexed=tuple(_hidden_group(collection, group) for group in collection.indexed),
        sealed=(),
        lookup=(),
    )


@lru_cache(maxsize=SHAPES)
def _shapes_beneath(shapes: Shapes) -> tuple[Shapes, tuple[tuple[int, Collection, str], ...]]:
    """Return how to ask the store beneath, and of which values, by place, collection and field, it knows the hash."""
    hidden: list[tuple[int, Collection, str]] = []
    beneath: list[tuple[Collection, Shape]] = []
    place = 0
    for collection, shape in shapes.each:
        asked: list[tuple[str, Op, int]] = []
        for field, op, number in shape:
            name = _asked_for(collection, field, op, is_none=not number)
            count = number // 2 if op is Op.ONE_OF else number
            if name != field:
                hidden += [(each, collection, field) for each in range(place, place + count)]
            asked.append((name, op, number))
            place += count
        beneath.append((_beneath(collection), tuple(asked)))
    return Shapes(tuple(beneath)), tuple(hidden)


def _asked_for(collection: Collection, field: str, op: Op, *, is_none: bool) -> str:
    """Return the field by which the store beneath can answer a test."""
    if field not in collection.sealed or (is_none and op in (Op.IS, Op.IS_NOT)):
        return field
    if field not in collection.lookup or op in (Op.AT_MOST, Op.ABOVE):
        raise ValueError(f"{collection.name}.{field} is sealed: it cannot be asked for {op.value}")
    return hidden_name(field)


def _hidden_group(collection: Collection, group: Iterable[str]) -> tuple[str, ...]:
    for name in group:
        if name in collection.sealed and name not in collection.lookup:
            raise ValueError(f"{collection.name}.{name} is sealed: it cannot be unique or indexed without lookup")
    return tuple(hidden_name(name) if name in collection.lookup else name for name in group)


def _texts(collection: Collection, values: Mapping[str, Any]) -> list[str]:
    """Return the names of the sealed fields that have something to hide."""
    return [name for name in collection.sealed if values.get(name)]


def _person(collection: Collection, document: Mapping[str, Any]) -> str:
    person = document.get(collection.subject or "")
    if not isinstance(person, str):
        raise ValueError(  # noqa: TRY004 - the value is missing, it is not of a wrong type
            f"{collection.name}: without its {collection.subject} nothing can be sealed in a document"
        )
    return person


def _place(collection: Collection, name: str, document_id: str) -> bytes:
    return f"{collection.name}/{name}/{document_id}".encode()


def _seal(key: PersonKey, text: str, place: bytes) -> str:
    nonce = os.urandom(NONCE_BYTES)
    raw = nonce + key.cipher.encrypt(nonce, text.encode(), place)
    return MARK + b2a_base64(raw, newline=False).translate(_URL_SAFE).decode()


def _open_document(collection: Collection, keys: Mapping[str, PersonKey], document: Document) -> Document:
    opened = dict(document)
    for name in collection.lookup:
        opened.pop(hidden_name(name), None)
    key = keys.get(document.get(collection.subject or "", ""))
    for name in collection.sealed:
        if sealed := document.get(name):
            opened[name] = ERASED if key is None else _open(key, sealed, collection, name, document["id"])
    return opened


def _open(key: PersonKey, sealed: str, collection: Collection, name: str, document_id: str) -> str:
    try:
        raw = a2b_base64(sealed.removeprefix(MARK).encode("ascii").translate(_STANDARD))
        place = _place(collection, name, document_id)
        return key.cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place).decode()
    except (ValueError, InvalidTag) as error:
        raise SealBrokenError(collection, name, document_id) from error


def _check_order(collection: Collection, order_by: str) -> None:
    if order_by in collection.sealed:
        raise ValueError(f"{collection.name}.{order_by} is sealed: nothing can be ordered by it")


def _left_behind(collection: Collection, name: str) -> ValueError:
    return ValueError(
        f"{collection.name}: whoever changes {collection.subject} must change {name} too, for it is sealed for the"
        " person before"
    )
