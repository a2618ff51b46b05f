"""Who hears more of an incident after its alarm, and by which way: those who got the alarm, and quietly."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alerts.ladder import Way, way_of_delivery, way_to
from alerts.rounds import Round
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery
from isocket.domain.endpoints import ENDPOINT_KINDS, why_not_to
from isocket.domain.recipients import REMOVED, Recipient, address_of, why_not

ADDRESS_CHANGED = "address_changed"
NOT_BY_CALL = "not_by_call"
_INSTEAD_OF_CALLS = (ChannelKind.SMS, ChannelKind.EMAIL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """Somebody who got `alarm`, and the way by which they hear more; without a way, the reason."""

    alarm: Delivery
    to: Recipient | None
    reason: str = ""


def followers(round_: Round, told: Sequence[Delivery], *, calls: bool) -> list[Follower]:
    """Return who hears more, each way once, of those to whom the alarms `told` went.

    Whoever was called hears more by a text or a mail; with `calls` they are called again where a call is all that
    reaches them.
    """
    found: dict[Way, Follower] = {}
    called = [each for each in told if each.channel is ChannelKind.VOICE]
    for alarm in told:
        if alarm.channel is not ChannelKind.VOICE:
            found.setdefault(way_of_delivery(alarm), _follower(round_, alarm))
    reached = {each.to.contact.id for each in found.values() if each.to is not None}
    for alarm in called:
        if alarm.contact_id not in reached:
            follower = _after_a_call(round_, alarm, calls=calls)
            found.setdefault(way_of_delivery(alarm) if follower.to is None else way_to(follower.to), follower)
    return list(found.values())


def _follower(round_: Round, alarm: Delivery) -> Follower:
    contact = round_.people.contacts.get(alarm.contact_id or "")
    reason = _why_not(round_, contact, alarm)
    if contact is None or reason is not None:
        return Follower(alarm=alarm, to=None, reason=reason or REMOVED)
    return Follower(alarm=alarm, to=Recipient(contact=contact, channel=alarm.channel, address=alarm.address))


def _why_not(round_: Round, contact: Contact | None, alarm: Delivery) -> str | None:
    if contact is None or alarm.channel not in ENDPOINT_KINDS:
        reason = why_not(contact, alarm.channel)
        changed = contact is not None and address_of(contact, alarm.channel) != alarm.address
        return reason or (ADDRESS_CHANGED if changed else None)
    if contact.paused_at is not None:
        return why_not(contact, alarm.channel)
    endpoint = next((each for each in round_.people.endpoints if each.id == alarm.address), None)
    return why_not_to(endpoint, contact.id)


def _after_a_call(round_: Round, alarm: Delivery, *, calls: bool) -> Follower:
    by_a_call = _follower(round_, alarm)
    if by_a_call.to is None:
        return by_a_call
    quiet = next(_quiet_ways(by_a_call.to.contact), None)
    if quiet is not None:
        return Follower(alarm=alarm, to=quiet)
    return by_a_call if calls else Follower(alarm=alarm, to=None, reason=NOT_BY_CALL)


def quiet_ways(round_: Round, contact: Contact) -> list[Recipient]:
    """Return every way of this person by which nobody is called: text, mail, and browsers that show notifications."""
    browsers = [
        Recipient(contact=contact, channel=each.kind, address=each.id)
        for each in round_.people.endpoints
        if each.kind is ChannelKind.PUSH and contact.paused_at is None and why_not_to(each, contact.id) is None
    ]
    return [*_quiet_ways(contact), *browsers]


def _quiet_ways(contact: Contact) -> Iterator[Recipient]:
    for channel in _INSTEAD_OF_CALLS:
        address = address_of(contact, channel)
        if address and why_not(contact, channel) is None:
            yield Recipient(contact=contact, channel=channel, address=address)
