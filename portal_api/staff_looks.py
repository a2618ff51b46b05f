"""That a member of staff looked at somebody's data, and why, as a line that the person can read."""

from datetime import datetime
from typing import Any

from isocket.domain.disclosures import DisclosedTo, Disclosure, noted
from isocket.domain.handling import Basis, Purpose
from portal_api.routes import Call

_BASES = {Purpose.RIGHTS: Basis.LEGAL_DUTY, Purpose.CLAIMS: Basis.LEGITIMATE_INTEREST}


def look(
    call: Call[Any, Any],
    account_id: str,
    what: tuple[str, ...],
    purpose: Purpose,
    *,
    once: tuple[str, ...] = (),
    silent: datetime | None = None,
) -> Disclosure:
    """Return the line of the ledger that a member of staff looks at somebody's data, for that person to read.

    With `silent` they may read it from then on.
    """
    return noted(
        account_id,
        to=DisclosedTo.STAFF,
        recipient_id=call.account.id,
        what=what,
        purpose=purpose,
        basis=_BASES.get(purpose, Basis.CONTRACT),
        at=call.clock.now(),
        reason=call.reason,
        once=once,
        silent_until=silent,
    )
