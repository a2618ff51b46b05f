"""Who would be told of an alarm, in which order: the ladder that holds for a socket, read the way alerts reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from isocket.domain.contacts import ChannelKind, Contact, ContactRole, Escalation


class Source(StrEnum):
    """Where a ladder comes from."""

    DEVICE = "device"
    ACCOUNT = "account"
    DEFAULT = "default"  # every verified alarm contact at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One step: who, by which channels (None: by whichever is verified), how many seconds after the alarm."""

    contact_ids: tuple[str, ...]
    channels: tuple[ChannelKind, ...] | None
    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The steps that hold, the earliest first."""

    source: Source
    rungs: tuple[Rung, ...]


def ladder_of(device_id: str | None, escalations: Sequence[Escalation], contacts: Sequence[Contact]) -> Ladder:
    """Return the device's own ladder, else the account's, else the default. None for the device: the account's."""
    own = [each for each in escalations if each.steps and each.device_id == device_id and device_id is not None]
    general = [each for each in escalations if each.steps and each.device_id is None]
    for source, found in ((Source.DEVICE, own), (Source.ACCOUNT, general)):
        if found:
            rungs = sorted((_rung(step) for step in found[0].steps), key=lambda rung: rung.after_s)
            return Ladder(source=source, rungs=tuple(rungs))
    return Ladder(source=Source.DEFAULT, rungs=_everybody_at_once(contacts))


def channels_now(contact: Contact, wanted: tuple[ChannelKind, ...] | None) -> tuple[ChannelKind, ...]:
    """Return the channels by which this contact would be told of an alarm now."""
    if contact.paused_at is not None:
        return ()
    verified = contact.verified_channels()
    if wanted is None and ChannelKind.SMS in verified:  # who gets texts is called only by a ladder that says so
        return tuple(channel for channel in verified if channel is not ChannelKind.VOICE)
    return verified if wanted is None else tuple(channel for channel in wanted if channel in verified)


def _everybody_at_once(contacts: Sequence[Contact]) -> tuple[Rung, ...]:
    told = tuple(
        each.id
        for each in sorted(contacts, key=lambda contact: (contact.created_at, contact.id))
        if ContactRole.ALARM.value in each.roles
    )
    return (Rung(contact_ids=told, channels=None, after_s=0),) if told else ()


def _rung(step: dict[str, object]) -> Rung:
    ids, channels, after_s = step.get("contact_ids"), step.get("channels"), step.get("after_s")
    named = tuple(ChannelKind(each) for each in channels) if isinstance(channels, list | tuple) and channels else None
    return Rung(
        contact_ids=tuple(str(each) for each in ids) if isinstance(ids, list | tuple) else (),
        channels=named,
        after_s=float(after_s) if isinstance(after_s, int | float) else 0.0,
    )
