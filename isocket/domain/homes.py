"""A customer's home automation at the broker: a login that sees and switches their own sockets, and nothing else."""

from datetime import datetime
from typing import Annotated

from isocket.domain.handling import LASTING_CREDENTIAL, OWNERSHIP, PREFERENCE, PROFILE, Plain
from isocket.domain.record import Record, record

HOME_PREFIX = "home_"
"""How the id of each begins, which is its user name at the broker: no socket is called so."""


@record(
    collection="homes",
    subject="account_id",
    account="account_id",
    unique=(("account_id", "credential_epoch", "seat"),),
    indexed=(("account_id",),),
    followed=("credential_epoch",),
)
class Home(Record):
    """One login for one Home Assistant. It ends when it is revoked, and with every credential of its account."""

    account_id: Annotated[str, OWNERSHIP]
    name: Annotated[str, PROFILE]  # which home, in the customer's words
    secret_hash: Annotated[str, LASTING_CREDENTIAL]  # as the broker reads it, see isocket.domain.secrets
    control: Annotated[bool, PREFERENCE] = True  # whether it switches, or only looks
    credential_epoch: Plain[int]
    seat: Plain[int | None] = None  # which of the few that an account may have: two made at once do not share one
    created_at: Annotated[datetime, PREFERENCE]


def is_home(name: str) -> bool:
    """Return whether a user name of the broker is that of a home."""
    return name.startswith(HOME_PREFIX)
