"""Alarm recipients at the page that is their own: no account, a link or a code to an address that we hold already."""

import hashlib
import hmac
from dataclasses import replace
from datetime import datetime
from typing import Annotated

from isocket.domain.contacts import ChannelKind
from isocket.domain.handling import Basis, Category, Export, Handling, Keep, Plain, Purpose
from isocket.domain.record import Record, record

VISIT_FACT = Handling(purpose=Purpose.RIGHTS, basis=Basis.LEGAL_DUTY, keep=Keep.UNTIL_USED, export=Export.WITHHELD)
VISIT_PROOF = replace(VISIT_FACT, category=Category.CREDENTIAL)


@record(collection="recipient_visits", subject="person_id", unique=(("token_hash",),), indexed=(("expires_at",),))
class RecipientVisit(Record):
    """One visit: asked for, then open for a short while. It holds no address, only whose entries it is about.

    Of no account: it is about entries of any number of customers, and none of these is to see it.
    """

    person_id: Annotated[str, VISIT_FACT]  # the first of those that follow, entries before words of a stop
    contact_ids: Annotated[tuple[str, ...], VISIT_FACT]
    stop_ids: Annotated[tuple[str, ...], VISIT_FACT] = ()
    channel: Annotated[ChannelKind, VISIT_FACT]
    address_hash: Annotated[str, VISIT_PROOF]  # an entry that has another address by now is not theirs any more
    token_hash: Annotated[str | None, VISIT_PROOF] = None  # of the link, then of the session
    code_hash: Annotated[str, VISIT_PROOF] = ""
    tries_left: Plain[int] = 0
    opened_at: Plain[datetime | None] = None
    expires_at: Plain[datetime]


def hidden_address(visit_id: str, address: str) -> str:
    """Return what a visit keeps of the address by which it was asked for."""
    return hmac.new(visit_id.encode(), address.casefold().encode(), hashlib.sha256).hexdigest()


def hidden_code(visit_id: str, address: str, code: str) -> str:
    """Return what a visit keeps of the code that was sent: good for this address only."""
    return hmac.new(visit_id.encode(), f"{address.casefold()}\x1f{code}".encode(), hashlib.sha256).hexdigest()
