"""That a member of staff looked at somebody's data, and why, as a line that the person can read."""

from datetime import datetime
from typing import Any

from aiohttp import web

from isocket.domain.disclosures import DisclosedTo, Disclosure, noted
from isocket.domain.handling import Basis, Purpose
from isocket.kit.ids import new_id
from portal_api.routes import Call

_LOOK = web.RequestKey("look", str)
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

    With `silent` they may read it from then on. However often a request reads the same, it is one look.
    """
    if _LOOK not in call.request:
        call.request[_LOOK] = new_id("look")
    this = (call.request[_LOOK], *what, str(silent))
    return noted(
        account_id,
        to=DisclosedTo.STAFF,
        recipient_id=call.account.id,
        what=what,
        purpose=purpose,
        basis=_BASES.get(purpose, Basis.CONTRACT),
        at=call.clock.now(),
        reason=call.reason,
        once=once or this,
        silent_until=silent,
    )
