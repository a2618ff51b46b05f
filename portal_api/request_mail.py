"""Letters to whoever asked for something by right, on their way out: sealed under the request's own key."""

from dataclasses import replace
from datetime import datetime

from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.letters import Letter
from isocket.domain.requests import RightsRequest
from isocket.kit.ids import derived_id
from portal_api.outgoing import NOTICE_USEFUL_S, mail


def letter_to(
    request: RightsRequest, letter: Letter, *, key: str, now: datetime, useful_s: float = NOTICE_USEFUL_S
) -> Delivery:
    """Return a mail to whoever asked, sealed under the request's own key; the same `key` makes it once."""
    made = mail(
        letter, kind=DeliveryKind.NOTICE, person_id=request.id, address=request.email, now=now, useful_s=useful_s
    )
    return replace(made, id=letter_id(request, key), account_id=request.account_id or request.id)


def letter_id(request: RightsRequest, key: str) -> str:
    """Return the id of the mail that `letter_to` makes with this key."""
    return derived_id("del", request.id, key)
