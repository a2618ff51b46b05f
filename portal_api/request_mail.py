"""Letters to whoever asked for something by right, on their way out: sealed under the request's own key."""

from datetime import datetime, timedelta

from isocket.domain.deliveries import Delivery
from isocket.domain.letters import Letter
from isocket.domain.requests import RightsRequest
from isocket.kit.ids import derived_id
from portal_api.outgoing import NOTICE_USEFUL


def letter_to(
    request: RightsRequest, letter: Letter, *, key: str, now: datetime, useful: timedelta = NOTICE_USEFUL
) -> Delivery:
    """Return a mail to whoever asked, sealed under the request's own key; the same `key` makes it once."""
    return Delivery.of(
        letter,
        person_id=request.id,
        account_id=request.account_id,
        address=request.email,
        now=now,
        useful=useful,
        once=(request.id, key),
    )


def letter_id(request: RightsRequest, key: str) -> str:
    """Return the id of the mail that `letter_to` makes with this key."""
    return derived_id("del", request.id, key)
