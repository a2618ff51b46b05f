"""Mails about somebody's own data, on their way out: records that the dispatcher finds and sends."""

from datetime import datetime, timedelta

from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.letters import Letter
from isocket.kit.ids import derived_id


def mail(
    letter: Letter,
    *,
    person_id: str,
    address: str,
    key: tuple[str | int, ...],
    now: datetime,
    useful: timedelta,
    account_id: str | None = None,
) -> Delivery:
    """Return the mail to store, due at once; the same `key` makes it once.

    `person_id` names whose key it is sealed under; `account_id` the customer it goes with, if that is somebody else.
    """
    return Delivery(
        id=derived_id("del", *key),
        account_id=account_id or person_id,
        person_id=person_id,
        kind=DeliveryKind.NOTICE,
        channel=ChannelKind.EMAIL,
        address=address,
        subject_line=letter.subject,
        text=letter.text,
        created_at=now,
        due_at=now,
        expires_at=now + useful,
    )
