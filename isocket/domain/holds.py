"""A hold: what of a customer's data must not get lost for a time, for a dispute or by an order (Art. 17(3), 18(2)).

It keeps nothing open. What it names is copied, sealed under a key of its own, and copied once more before anything of
it is erased or swept: those go on as they always do, and the account is gone. When the hold is over its key is
destroyed, and with the copy the last of somebody who was erased meanwhile: nobody has to remember to go on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

from isocket.domain.collected import TELEMETRY_COLLECTION
from isocket.domain.handling import Basis, Category, Export, Handling, Keep, OnErasure, Plain, Purpose
from isocket.domain.record import Record, personal_fields, record
from isocket.kit.ids import derived_id

HOLD_FACT = Handling(
    purpose=Purpose.CLAIMS,
    basis=Basis.LEGITIMATE_INTEREST,
    keep=Keep.HOLD,
    export=Export.WITHHELD,  # its holder reads it in the account, unless the law forbids to tell them
    on_erasure=OnErasure.KEEP,
)
HOLD_WORDS = replace(HOLD_FACT, category=Category.MESSAGE, sealed=True)

REGISTER_YEARS = 3
"""So long after its end it is known that there was a hold; of what it kept nothing is left then."""


class HoldGround(StrEnum):
    """Why something is held."""

    CLAIM = "claim"  # somebody claims something of us, or we of them
    COMPLAINT = "complaint"
    WARRANTY = "warranty"
    ORDER = "order"  # a court or an authority wants it kept


class HoldState(StrEnum):
    """How far a hold has come. What is OVER is emptied at once, by whoever finds it."""

    IN_FORCE = "in_force"
    OVER = "over"
    EMPTIED = "emptied"


class Part(StrEnum):
    """What a hold can name. Of other people, such as whom a customer entered, it holds facts and never their values."""

    ACCOUNT = "account"  # name, address, choices
    SOCKETS = "sockets"  # what they are called, what they were told
    REPORTS = "reports"  # what they reported
    INCIDENTS = "incidents"
    MESSAGES = "messages"  # what was sent when, and what became of it
    REQUESTS = "requests"  # what was asked for by right, agreed and objected to


PARTS: Mapping[Part, tuple[str, ...]] = MappingProxyType(
    {
        Part.ACCOUNT: ("accounts",),
        Part.SOCKETS: ("devices", "commands"),
        Part.REPORTS: (TELEMETRY_COLLECTION,),
        Part.INCIDENTS: ("incidents", "timeline", "acknowledgements"),
        Part.MESSAGES: ("deliveries", "attempts", "receipts"),
        Part.REQUESTS: ("rights_requests", "request_notes", "consents", "disclosures", "restrictions", "objections"),
    }
)
"""The collections of each part. None holds a proof of who somebody is: no hold keeps a password or a token."""


class UncopiedError(Exception):
    """What a hold names of somebody cannot be copied, so nothing of it may go now; it is tried again."""

    def __init__(self, hold_id: str, *, so: str = "nothing of its account goes now") -> None:
        super().__init__(
            f"The hold {hold_id} cannot be copied, so {so}. Why says hold_not_copied in the log: mend that and try "
            f"again, or end the hold by `isocket privacy hold end {hold_id} --why ...`."
        )
        self.hold_id = hold_id


@record(
    collection="holds",
    subject="id",
    indexed=(("account_id", "state"), ("state", "ends_at"), ("state", "copy_due_at"), ("expires_at",)),
)
class Hold(Record):
    """One hold. It names its account by a field that nothing follows: it must outlive the account."""

    account_id: Annotated[str, HOLD_FACT]
    ground: Annotated[HoldGround, HOLD_FACT]
    parts: Annotated[tuple[str, ...], HOLD_FACT]
    reason: Annotated[str, HOLD_WORDS]
    reference: Annotated[str, HOLD_WORDS] = ""  # of the claim, or the order
    placed_by: Annotated[str, HOLD_FACT]  # a member of staff
    placed_at: Annotated[datetime, HOLD_FACT]
    review_at: Annotated[datetime, HOLD_FACT]  # somebody has to look by then whether it is needed still
    ends_at: Annotated[datetime, HOLD_FACT]
    silent_until: Plain[datetime | None] = None  # an order forbids to tell the person before
    state: Plain[HoldState] = HoldState.IN_FORCE
    reviewed_by: Annotated[str, HOLD_FACT] = ""
    review_words: Annotated[str, HOLD_WORDS] = ""
    over_at: Annotated[datetime | None, HOLD_FACT] = None
    ended_by: Annotated[str, HOLD_FACT] = ""  # a member of staff; empty: by its own end
    end_words: Annotated[str, HOLD_WORDS] = ""
    copy_due_at: Plain[datetime]
    copied_at: Plain[datetime | None] = None
    uncopied_since: Plain[datetime | None] = None  # since when it cannot be copied
    told_uncopied: Plain[datetime | None] = None  # of which of these times staff were told
    warned_of: Plain[datetime | None] = None  # the review of which staff were told that it is due
    expires_at: Plain[datetime | None] = None  # some years after its end the register forgets it


@record(collection="held_copies", subject="vault_id", indexed=(("hold_id",),), bulky=True)
class HeldCopy(Record):
    """A copy of one record, or of a day of a socket's reports. Sealed under the vault of its hold, see `vault_of`."""

    hold_id: Plain[str]
    vault_id: Annotated[str, HOLD_FACT]
    source: Annotated[str, HOLD_FACT]  # the collection
    record_id: Annotated[str, HOLD_FACT]
    seen: Plain[int]  # the version that was copied
    content: Annotated[str, HOLD_WORDS]  # JSON


def proofs_of(kind: type[Record]) -> frozenset[str]:
    """Return the fields that prove who somebody is: no hold copies them."""
    return frozenset(name for name, how in personal_fields(kind).items() if how.category is Category.CREDENTIAL)


def vault_of(hold_id: str) -> str:
    """Return as whose values the copies of a hold are sealed: destroying that key ends them all."""
    return derived_id("vlt", hold_id)


def copy_id(hold_id: str, source: str, record_id: str) -> str:
    """Return the id of a copy: copied again, it is the same."""
    return derived_id("hcp", hold_id, source, record_id)


def collections_of(parts: Iterable[str]) -> frozenset[str]:
    """Return the collections that these parts are made of."""
    return frozenset(name for part in parts for name in PARTS[Part(part)])
