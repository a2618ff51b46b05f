"""Ways to reach a contact that are no number and no mailbox: a browser that shows notifications, a program's address.

A contact may have several of each. Which may be used is asked of the endpoint, not of the contact.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from isocket.domain.contacts import ChannelKind
from isocket.domain.handling import CONTACT_CHOICE, ENDPOINT_ADDRESS, ENDPOINT_LABEL, ENDPOINT_SECRET, OWNERSHIP
from isocket.domain.record import Record, record

ENDPOINT_KINDS = frozenset({ChannelKind.PUSH, ChannelKind.WEBHOOK})
"""The channels whose deliveries carry the id of an endpoint for their address."""

GONE = "endpoint_gone"  # the reason of a refusal after which nothing more is sent to an endpoint


@record(
    collection="endpoints",
    subject="contact_id",
    account="account_id",
    indexed=(("contact_id",), ("account_id",)),
)
class Endpoint(Record):
    """One browser or one program of a contact. It gets alarms once it has answered, and until it is gone.

    `address` is the URL of a webhook, or for push the subscription as the browser gave it, as JSON:
    `{"endpoint": ..., "keys": {"p256dh": ..., "auth": ...}}`.
    """

    account_id: Annotated[str, OWNERSHIP]  # who entered the contact
    contact_id: Annotated[str, CONTACT_CHOICE]
    kind: Annotated[ChannelKind, CONTACT_CHOICE]
    address: Annotated[str, ENDPOINT_ADDRESS]
    secret: Annotated[str, ENDPOINT_SECRET] = ""  # with which a webhook's messages are signed
    previous_secret: Annotated[str, ENDPOINT_SECRET] = (
        ""  # signs as well until then, so that a change interrupts nothing
    )
    previous_until: Annotated[datetime | None, CONTACT_CHOICE] = None
    label: Annotated[str, ENDPOINT_LABEL] = ""
    created_at: Annotated[datetime, CONTACT_CHOICE]
    verified_at: Annotated[datetime | None, CONTACT_CHOICE] = (
        None  # it showed what was sent to it, or answered as only it can
    )
    gone_at: Annotated[datetime | None, CONTACT_CHOICE] = None  # its service says that it is no more
    gone_reason: Annotated[str, CONTACT_CHOICE] = ""


def why_not_to(endpoint: Endpoint | None, contact_id: str) -> str | None:
    """Return why this contact's endpoint may not be told of alarms, None if it may. The contact's own pause counts too.

    An endpoint that is named for another contact is as one that was removed.
    """
    if endpoint is None or endpoint.contact_id != contact_id:
        return "removed"
    if endpoint.gone_at is not None:
        return GONE
    return "unverified" if endpoint.verified_at is None else None


def endpoints_of(
    endpoints: Iterable[Endpoint], contact_id: str, kind: ChannelKind | None = None
) -> tuple[Endpoint, ...]:
    """Return a contact's endpoints that may be told of alarms, of one kind if it is named, the oldest first."""
    usable = [
        each for each in endpoints if (kind is None or each.kind is kind) and why_not_to(each, contact_id) is None
    ]
    return tuple(sorted(usable, key=lambda each: (each.created_at, each.id)))
