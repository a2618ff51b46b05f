"""Which version of the privacy policy a page tells its reader of, until they say that they have seen it."""

from collections.abc import Sequence
from datetime import datetime

from isocket.domain.accounts import Account
from isocket.domain.policies import Policy, to_be_seen


def banner(versions: Sequence[Policy], account: Account | None, now: datetime) -> Policy | None:
    """Return the version to tell of, None for nothing. Going on using the service makes none seen."""
    if account is None:
        return None
    return to_be_seen(versions, since=account.created_at, seen=account.policy_seen, now=now)
