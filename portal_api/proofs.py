"""When each way of each person was last seen to work, and where it has failed since: by what was sent and answered."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery, DeliveryState
from isocket.domain.incidents import Incident
from isocket.domain.recipients import People
from isocket.storage.port import Records, is_, is_not, one_of

MOST_DELIVERIES = 200  # the latest of an account
MOST_ANSWERS = 100
Way = tuple[str, ChannelKind]
_KINDS = frozenset(kind.value for kind in ChannelKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """What is known of each way (contact and channel)."""

    reached_at: Mapping[Way, datetime] = field(default_factory=dict)
    failed: Mapping[Way, str] = field(default_factory=dict)  # the latest message by it failed, and why


async def proofs_of(records: Records, account_id: str, people: People) -> Proofs:
    """Return when people of an account were last reached: a receipt, an answer, or the code when they were entered.

    An e-mail's server only takes it: that proves nothing of its reader.
    """
    of_account = is_("account_id", account_id)
    deliveries = await records.find(
        Delivery,
        of_account,
        one_of("state", [DeliveryState.DELIVERED, DeliveryState.SENT, DeliveryState.FAILED]),
        order_by="created_at",
        descending=True,
        limit=MOST_DELIVERIES,
    )
    answered = await records.find(
        Incident, of_account, is_not("acknowledged_by", None), order_by="opened_at", descending=True, limit=MOST_ANSWERS
    )
    reached: dict[Way, datetime] = {}
    for way, at in (*_verified(people), *_delivered(deliveries), *_answers(answered)):
        reached[way] = max(at, reached.get(way, at))
    return Proofs(reached_at=reached, failed=dict(_failed(deliveries, reached)))


def _verified(people: People) -> Iterator[tuple[Way, datetime]]:
    for contact in people.contacts.values():
        for channel, at in _codes(contact):
            if at is not None:
                yield (contact.id, channel), at
    for endpoint in people.endpoints:
        if endpoint.verified_at is not None:
            yield (endpoint.contact_id, endpoint.kind), endpoint.verified_at


def _codes(contact: Contact) -> Iterator[tuple[ChannelKind, datetime | None]]:
    yield ChannelKind.SMS, contact.phone_verified_at
    yield ChannelKind.VOICE, contact.voice_verified_at
    yield ChannelKind.EMAIL, contact.email_verified_at


def _delivered(deliveries: Sequence[Delivery]) -> Iterator[tuple[Way, datetime]]:
    for each in deliveries:
        if each.state is DeliveryState.DELIVERED and each.contact_id is not None:
            yield (each.contact_id, each.channel), each.ended_at or each.created_at


def _answers(incidents: Sequence[Incident]) -> Iterator[tuple[Way, datetime]]:
    for each in incidents:
        who, way = each.taken_by
        if each.acknowledged_at is not None and way in _KINDS:
            yield (who, ChannelKind(way)), each.acknowledged_at


def _failed(deliveries: Sequence[Delivery], reached: Mapping[Way, datetime]) -> Iterator[tuple[Way, str]]:
    seen: set[Way] = set()
    for each in deliveries:  # the latest first
        way = (each.contact_id or "", each.channel)
        if way in seen:
            continue
        seen.add(way)
        if each.state is DeliveryState.FAILED and (way not in reached or reached[way] < each.created_at):
            yield way, each.reason
