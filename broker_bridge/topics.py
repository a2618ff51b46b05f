"""Topics of the device protocol: made and taken apart in this one place."""

from dataclasses import dataclass
from enum import StrEnum

from isocket.domain.devices import shard_of, topic_root
from isocket.domain.homes import is_home

PREFIX = "isocket/v1"


class UpKind(StrEnum):
    """What a device may publish."""

    STATE = "state"
    ALARM = "alarm"
    ACK = "ack"
    REPORTED = "reported"
    STATUS = "status"


REPORTS = (UpKind.STATE, UpKind.REPORTED, UpKind.STATUS)
"""What the telemetry lane carries."""

ALARMS = (UpKind.ALARM, UpKind.ACK)
"""What the alarm lane carries."""


@dataclass(frozen=True, slots=True)
class UpTopic:
    """Who speaks, and of what."""

    device_id: str
    kind: UpKind


class ForeignTopicError(Exception):
    """A topic that no device of ours may use, however the broker came to let it through."""


def parse(topic: str) -> UpTopic:
    """Return who speaks of what.

    Raises:
        ForeignTopicError: not below a device's own root. The broker's pattern rule names the device but not its
            shard, so a device can publish below another shard; that is refused here, since another bridge would
            see it out of order. So is what speaks as a home, which is no device.
    """
    parts = topic.split("/")
    if len(parts) != 5 or "/".join(parts[:2]) != PREFIX or not parts[3]:  # noqa: PLR2004 - the protocol's depth
        raise ForeignTopicError("not a topic of the device protocol")
    if is_home(parts[3]):
        raise ForeignTopicError("a home is no device")
    if parts[2] != shard_of(parts[3]):
        raise ForeignTopicError(f"the shard of this device is {shard_of(parts[3])}, not {ascii(parts[2])[:12]}")
    try:
        return UpTopic(parts[3], UpKind(parts[4]))
    except ValueError:
        raise ForeignTopicError("not a kind of message that devices send") from None


def every(kind: UpKind) -> str:
    """Return the subscription to one kind of message of every device."""
    return f"{PREFIX}/+/+/{kind}"


def command(device_id: str) -> str:
    """Return where commands for a device go."""
    return f"{topic_root(device_id)}/cmd"


def desired(device_id: str) -> str:
    """Return where the wanted settings of a device are kept, retained."""
    return f"{topic_root(device_id)}/desired"


def stored(device_id: str) -> str:
    """Return where a device hears what is stored."""
    return f"{topic_root(device_id)}/stored"


def marker(client_id: str) -> str:
    """Return where a bridge publishes to itself, to learn that the broker's queue before that is empty.

    It has the shape of a status, which both of our accounts may publish and hear; no device has such a shard.
    """
    return f"{PREFIX}/marker/{client_id}/status"
