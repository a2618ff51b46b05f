"""A socket on its way to another customer: offered by its owner, taken by whoever holds the address."""

from datetime import datetime
from typing import Annotated

from isocket.domain.handling import CREDENTIAL, OWNERSHIP, SHARE_EMAIL, SHARE_FACT, Plain
from isocket.domain.record import Record, record


@record(
    collection="transfers",
    subject="id",
    account="owner_id",
    guest="account_id",
    unique=(("device_id",),),
    indexed=(("owner_id",), ("account_id",), ("email",), ("token_hash",), ("expires_at",)),
)
class Transfer(Record):
    """One offer. It goes when all of the socket's change of hands is done, or with its time."""

    device_id: Annotated[str, SHARE_FACT]
    owner_id: Annotated[str, OWNERSHIP]  # who offers
    account_id: Annotated[str | None, OWNERSHIP] = None  # who took it; None while it is only offered
    email: Annotated[str, SHARE_EMAIL]
    token_hash: Annotated[str, CREDENTIAL]
    created_at: Annotated[datetime, SHARE_FACT]
    accepted_at: Annotated[datetime | None, SHARE_FACT] = None
    expires_at: Plain[datetime]
