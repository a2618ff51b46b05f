"""Who is told at which step of a ladder, and why somebody is not: pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alerts.endings import ran_out_of_time, reaches_nobody
from isocket.domain.contacts import ChannelKind, Contact, ContactRole, Escalation
from isocket.domain.deliveries import Delivery, DeliveryState


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One step of a ladder. None for `contact_ids`: every alarm contact; for `channels`: whichever they have."""

    after_s: float = 0.0
    contact_ids: tuple[str, ...] | None = None
    channels: tuple[ChannelKind, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One person and one way to reach them."""

    contact: Contact
    channel: ChannelKind
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Somebody who is not told by a way, and why, for the owner to read."""

    contact_id: str
    channel: ChannelKind | None
    reason: str


EVERYBODY_AT_ONCE = (Rung(),)


class Tally:
    """Counts the alarms that each person has by each way, so that an edited ladder tells all, and nobody twice.

    The second step that names a person by a way is done when they have two alarms by it. What could not reach them
    counts as long as nothing has changed: not after another address, a pause that ended, or a provider's long refusal.
    """

    def __init__(self, alarms: Sequence[Delivery]) -> None:
        self._alarms: dict[tuple[str, ChannelKind], list[Delivery]] = defaultdict(list)
        for each in alarms:
            self._alarms[each.contact_id or "", each.channel].append(each)
        self._named: Counter[tuple[str, ChannelKind]] = Counter()
        self._new: Counter[tuple[str, ChannelKind]] = Counter()

    def number(self, to: Recipient) -> int | None:
        """Return the number of the alarm that the next step naming them by this way needs, None if it was made."""
        way = (to.contact.id, to.channel)
        made = self._alarms[way]
        self._named[way] += 1
        done = sum(not _is_void(each, to) for each in made) + self._new[way]
        if done >= self._named[way]:
            return None
        self._new[way] += 1
        return len(made) + self._new[way] - 1


def _is_void(alarm: Delivery, to: Recipient) -> bool:
    if not reaches_nobody(alarm):
        return False
    return alarm.state is DeliveryState.CALLED_OFF or alarm.address != to.address or ran_out_of_time(alarm)


def ladder_for(device_id: str, escalations: Sequence[Escalation]) -> tuple[Rung, ...]:
    """Return the device's own ladder, else the account's, else everybody at once; earliest step first."""
    own = [each for each in escalations if each.steps and each.device_id == device_id]
    general = [each for each in escalations if each.steps and each.device_id is None]
    for chosen in (*own, *general):
        return tuple(sorted((_rung(step) for step in chosen.steps), key=lambda rung: rung.after_s))
    return EVERYBODY_AT_ONCE


def address_of(contact: Contact, channel: ChannelKind) -> str | None:
    """Return the address by which this channel reaches the contact."""
    return contact.email if channel is ChannelKind.EMAIL else contact.phone


def why_not(contact: Contact | None, channel: ChannelKind) -> str | None:
    """Return why this contact may not be told of alarms by this channel, None if they may."""
    if contact is None:
        return "removed"
    if contact.paused_at is not None:
        return "paused"
    if not address_of(contact, channel):
        return "no_address"
    if channel not in contact.verified_channels():
        return "unverified"
    return None


def climb(rung: Rung, contacts: Mapping[str, Contact]) -> tuple[list[Recipient], list[Skipped]]:
    """Return who is told at this step and who is not; nobody is told twice by the same channel."""
    told: list[Recipient] = []
    skipped: list[Skipped] = []
    for contact_id in _named(rung, contacts):
        contact = contacts.get(contact_id)
        channels = rung.channels or _channels_of(contact)
        if contact is None or not channels:
            skipped.append(_skip(contact_id, None, "removed" if contact is None else "no_address"))
            continue
        for channel in dict.fromkeys(channels):
            reason, address = why_not(contact, channel), address_of(contact, channel)
            if reason or not address:
                skipped.append(_skip(contact_id, channel, reason or "no_address"))
            else:
                told.append(Recipient(contact=contact, channel=channel, address=address))
    return told, skipped


def _skip(contact_id: str, channel: ChannelKind | None, reason: str) -> Skipped:
    return Skipped(contact_id=contact_id, channel=channel, reason=reason)


def _named(rung: Rung, contacts: Mapping[str, Contact]) -> list[str]:
    if rung.contact_ids is not None:
        return list(dict.fromkeys(rung.contact_ids))
    return sorted(each.id for each in contacts.values() if ContactRole.ALARM.value in each.roles)


def _channels_of(contact: Contact | None) -> tuple[ChannelKind, ...]:
    if contact is None:
        return ()
    both = (ChannelKind.SMS, ChannelKind.EMAIL)
    return tuple(channel for channel in both if address_of(contact, channel))


def _rung(step: Mapping[str, Any]) -> Rung:
    known = {kind.value for kind in ChannelKind}
    channels = tuple(ChannelKind(name) for name in step.get("channels") or () if name in known)
    return Rung(
        after_s=float(step.get("after_s") or 0.0),
        contact_ids=tuple(step.get("contact_ids") or ()),
        channels=channels or None,
    )
