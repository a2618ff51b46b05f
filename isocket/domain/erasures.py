"""Somebody's wish to be erased (Art. 17), how far it has come, and what is left of it: a receipt about nobody."""

import hashlib
from dataclasses import field, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from isocket.domain.handling import Basis, Category, Export, Handling, Keep, OnErasure, Plain, Purpose
from isocket.domain.record import Record, record
from isocket.kit.ids import derived_id

ERASURE_FACT = Handling(
    purpose=Purpose.SECURITY,
    basis=Basis.LEGAL_DUTY,  # to show that the wish was followed, Art. 5(2)
    keep=Keep.ACCOUNT,  # an hour longer, then the receipt that stays names nobody
    on_erasure=OnErasure.BLANK,
)
# Copies of what is elsewhere, held for as long as the erasure takes.
ERASURE_VALUES = replace(ERASURE_FACT, category=Category.NAME, export=Export.WITHHELD, sealed=True)


HOLD_UNCOPIED = "what a hold names cannot be copied yet; it is tried again every few minutes"
"""Why an erasure waits, as `problem` says it. The person reads it only where the law lets them know of the hold."""


class ErasureState(StrEnum):
    """How far an erasure has come. RUNNING cannot be undone."""

    ASKED = "asked"
    UNDONE = "undone"
    RUNNING = "running"
    DONE = "done"


TO_COME = (ErasureState.ASKED, ErasureState.RUNNING)


@record(
    collection="erasures",
    subject="account_id",
    account="account_id",
    unique=(("open_key",),),
    indexed=(("account_id", "asked_at"), ("state", "due_at"), ("state", "forgets_at")),
)
class Erasure(Record):
    """One wish. When it is done the record is the receipt: it names nobody any more.

    `persons` are the account and its contacts, whose keys are to be destroyed; `values` what the search through every
    file is for. Both are emptied at the end, `account_id` an hour later: until then what still comes is removed.
    """

    account_id: Annotated[str, ERASURE_FACT]
    asked_at: Annotated[datetime, ERASURE_FACT]
    due_at: Plain[datetime]
    by: Plain[str] = "person"  # "operator"; "restore": after a backup; of who has no account: "recipient", "owner"
    state: Plain[ErasureState] = ErasureState.ASKED
    open_key: Plain[str | None] = None  # the account, while it can come to something; one at a time
    farewell_ids: Plain[tuple[str, ...]] = ()  # the messages that told of it, which must get away first
    persons: Annotated[tuple[str, ...], ERASURE_FACT] = ()
    values: Annotated[str, ERASURE_VALUES] = ""  # JSON list
    holds: Plain[tuple[str, ...]] = ()  # under which copies of something were kept
    removed: Plain[dict[str, Any]] = field(default_factory=dict)  # collection to how many
    problem: Plain[str] = ""  # what keeps it from being done, in fixed words
    started_at: Plain[datetime | None] = None
    done_at: Plain[datetime | None] = None
    forgets_at: Plain[datetime | None] = None


def erasure_id(account_id: str, asked_at: datetime) -> str:
    """Return the id of a wish; who does not know the account cannot guess it, so it can open the receipt."""
    return derived_id("era", account_id, asked_at.isoformat())


def tombstone(account_id: str) -> str:
    """Return what the ledger of erasures keeps of an account: account ids are random, so nobody finds it by trying."""
    return hashlib.sha256(b"isocket erasure " + account_id.encode()).hexdigest()
