"""Personal tokens by which a customer lets a program, or somebody else's service, at their sockets."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from isocket.domain.handling import CREDENTIAL, DEVICE_CHOICE, OWNERSHIP, PREFERENCE, PROFILE, SIGN_IN_FACT, Plain
from isocket.domain.record import Record, record


class Scope(StrEnum):
    """What a token may be good for. What none of them names (people, addresses, the account) no token reaches."""

    READ_TELEMETRY = "read:telemetry"  # sockets, what they report and are set to
    CONTROL = "control"  # commands and settings
    ALARMS = "alarms"  # incidents, acknowledging them, readiness


@record(
    collection="api_tokens",
    subject="account_id",
    account="account_id",
    unique=(("token_hash",),),
    indexed=(("account_id",), ("expires_at",)),
    followed=("expires_at",),
)
class ApiToken(Record):
    """One such token. It ends with its time, when it is revoked, and with every credential of its account."""

    account_id: Annotated[str, OWNERSHIP]
    name: Annotated[str, PROFILE]  # of the program, or of whom it is for
    purpose: Annotated[str, PROFILE] = ""  # what they said they need it for
    token_hash: Annotated[str, CREDENTIAL]
    scopes: Annotated[tuple[Scope, ...], PREFERENCE]
    device_ids: Annotated[tuple[str, ...] | None, DEVICE_CHOICE] = None  # None: all that its account may see
    credential_epoch: Plain[int]
    created_at: Annotated[datetime, SIGN_IN_FACT]
    expires_at: Annotated[datetime, PREFERENCE]
    last_used_at: Annotated[datetime | None, SIGN_IN_FACT] = None  # the day, not the moment
    used_for: Annotated[tuple[Scope, ...], SIGN_IN_FACT] = ()  # on that day

    def reaches(self, device_id: str) -> bool:
        """Return whether the token is for that socket, if its account may see it at all."""
        return self.device_ids is None or device_id in self.device_ids
