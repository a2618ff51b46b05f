"""The ladder that holds for an alarm: which steps there are, and when each is due. Pure; who stands on them says
`recipients`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from isocket.domain.contacts import ChannelKind, Escalation


class Source(StrEnum):
    """Where a ladder comes from."""

    DEVICE = "device"
    ACCOUNT = "account"
    DEFAULT = "default"  # every verified alarm contact at once
    SERVICE = "service"  # every service contact at once, for what matters little


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One step of a ladder. None for `contact_ids`: every alarm contact; for `channels`: whichever they have."""

    after_s: float = 0.0
    contact_ids: tuple[str, ...] | None = None
    channels: tuple[ChannelKind, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The steps that hold, the earliest first.

    `cap` is the most alarms of one incident, all people and ways together; it never holds back a critical one.
    """

    source: Source
    rungs: tuple[Rung, ...]
    repeat: int = 0
    repeat_after_s: float = 0.0
    cap: int | None = None
    remind_after_s: float | None = None


_CHANNELS: Mapping[str, ChannelKind] = MappingProxyType({kind.value: kind for kind in ChannelKind})
EVERYBODY_AT_ONCE = Ladder(source=Source.DEFAULT, rungs=(Rung(),))


def ladder_of(device_id: str | None, escalations: Sequence[Escalation]) -> Ladder:
    """Return the device's own ladder, else the account's, else everybody at once. None or "": the account's."""
    own = [each for each in escalations if each.steps and device_id and each.device_id == device_id]
    general = [each for each in escalations if each.steps and each.device_id is None]
    for source, found in ((Source.DEVICE, own), (Source.ACCOUNT, general)):
        if found:
            chosen = found[0]
            return Ladder(
                source=source,
                rungs=tuple(sorted(map(_rung, chosen.steps), key=attrgetter("after_s"))),
                repeat=chosen.repeat,
                repeat_after_s=float(chosen.repeat_after_s),
                cap=chosen.cap,
                remind_after_s=chosen.remind_after_s,
            )
    return EVERYBODY_AT_ONCE


def _rung(step: Mapping[str, Any]) -> Rung:
    channels = tuple(_CHANNELS[name] for name in step.get("channels") or () if name in _CHANNELS)
    return Rung(
        after_s=float(step.get("after_s") or 0.0),
        contact_ids=tuple(step.get("contact_ids") or ()),
        channels=channels or None,
    )
