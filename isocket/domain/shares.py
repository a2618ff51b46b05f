"""Other people at a socket: whom its owner lets see it or switch it, and until when."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from isocket.domain.handling import CREDENTIAL, OWNERSHIP, SHARE_EMAIL, SHARE_FACT, Plain
from isocket.domain.record import Record, record


class ShareRole(StrEnum):
    """What somebody else may do: an operator also switches and acknowledges, a viewer only looks."""

    OPERATOR = "operator"
    VIEWER = "viewer"


class Role(StrEnum):
    """What somebody is to a socket, the most powerful first."""

    OWNER = "owner"
    OPERATOR = "operator"
    VIEWER = "viewer"


class Need(StrEnum):
    """What a request wants of a socket."""

    VIEW = "view"
    OPERATE = "operate"
    OWN = "own"


_MAY = {
    Role.OWNER: frozenset(Need),
    Role.OPERATOR: frozenset({Need.VIEW, Need.OPERATE}),
    Role.VIEWER: frozenset({Need.VIEW}),
}


def may(role: Role, need: Need) -> bool:
    """Return whether somebody in this role may do what needs that."""
    return need in _MAY[role]


@record(
    collection="shares",
    subject="id",
    account="owner_id",
    guest="account_id",
    unique=(("device_id", "email"),),
    indexed=(("account_id",), ("device_id",), ("owner_id",), ("email",), ("token_hash",), ("expires_at",)),
    followed=("account_id", "role", "until"),
)
class Share(Record):
    """One socket and one other person, from the invitation to the end. The address has a key of its own.

    `expires_at` says when the record goes: an invitation that nobody took, a guest whose time is over.
    """

    device_id: Annotated[str, SHARE_FACT]
    owner_id: Annotated[str, OWNERSHIP]
    account_id: Annotated[str | None, OWNERSHIP] = None  # the guest; None while only invited
    email: Annotated[str, SHARE_EMAIL]  # where the invitation went
    role: Annotated[ShareRole, SHARE_FACT]
    until: Annotated[datetime | None, SHARE_FACT] = None  # a guest for a time; None: until somebody ends it
    token_hash: Annotated[str, CREDENTIAL] = ""  # of the invitation's link; empty once it was taken
    created_at: Annotated[datetime, SHARE_FACT]
    accepted_at: Annotated[datetime | None, SHARE_FACT] = None
    expires_at: Plain[datetime | None] = None

    def holds(self, owner_id: str | None, now: datetime) -> bool:
        """Return whether the guest may see the socket now, which belongs to `owner_id`."""
        accepted = self.account_id is not None and self.accepted_at is not None
        return accepted and self.owner_id == owner_id and (self.until is None or now < self.until)

    @property
    def seen_from(self) -> datetime | None:
        """Return since when the guest sees what happened: one for a time not what was before, another everything."""
        return self.accepted_at if self.until is not None else None
