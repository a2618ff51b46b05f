"""Whether a newsletter is still wanted by whom it is for."""

from datetime import datetime

from isocket.domain.consents import Subscription, SubscriptionState
from isocket.domain.deliveries import Delivery
from isocket.domain.restrictions import (
    RESTRICTED,
    Objection,
    ObjectionTo,
    Restriction,
    is_left_alone,
    objection_id,
    restriction_id,
)
from isocket.storage.port import Records, is_

WITHDRAWN = "withdrawn"


async def why_no_newsletter(records: Records, held: Delivery, now: datetime) -> str | None:
    """Return why a newsletter must not go, None if it may. However short ago it was made, the answer is of now."""
    found = await records.find(Subscription, is_("email", held.address), limit=1)
    if not found or found[0].state is not SubscriptionState.CONFIRMED:
        return WITHDRAWN
    objection = await records.get(Objection, objection_id(held.account_id, ObjectionTo.NEWSLETTER))
    restriction = await records.get(Restriction, restriction_id(held.account_id))
    return RESTRICTED if is_left_alone(restriction, objection, now) else None
