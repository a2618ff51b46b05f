"""Sockets: what the factory made, who owns one, what it is told to be and what it says it is."""

import zlib
from dataclasses import field
from datetime import datetime
from typing import Annotated, Any

from isocket.domain.handling import DEVICE_CHOICE, DEVICE_NUMBER, DEVICE_WORDS, OWNERSHIP, Plain
from isocket.domain.record import Record, record

NEUTRAL_NAME = "iSocket"
SHARDS = 64  # bridges divide them; a device's messages stay in one and so in order


@record(
    collection="devices",
    subject="owner_id",
    account="owner_id",
    unique=(("owner_id", "number"),),
    indexed=(("owner_id",), ("provisioned_at",), ("desired_pending",)),
    followed=("owner_id",),
)
class Device(Record):
    """One socket. Its id is its user name, client id and part of its topics."""

    model: Plain[str]
    secret_hash: Plain[str]  # as the broker reads it, see isocket.domain.secrets
    claim_hash: Plain[str]
    provisioned_at: Plain[datetime]
    owner_id: Annotated[str | None, OWNERSHIP] = None
    claimed_at: Annotated[datetime | None, DEVICE_CHOICE] = None
    freed_at: Plain[datetime | None] = None  # when an owner gave it up: what is older is none of the next one's
    number: Annotated[int | None, DEVICE_NUMBER] = None  # among its owner's; None: free, or claimed before any had one
    name: Annotated[str | None, DEVICE_WORDS] = None
    place: Annotated[str | None, DEVICE_WORDS] = None
    part_names: Annotated[str | None, DEVICE_WORDS] = None  # what probes and inputs are called, see domain.settings
    desired: Annotated[dict[str, Any], DEVICE_CHOICE] = field(default_factory=dict)
    desired_version: Plain[int] = 0
    desired_pending: Plain[bool] = False  # a change the bridge has yet to publish
    desired_at: Annotated[datetime | None, DEVICE_CHOICE] = None  # when it was changed last
    reported: Annotated[dict[str, Any], DEVICE_CHOICE] = field(default_factory=dict)
    unlike: Annotated[dict[str, Any], DEVICE_CHOICE] = field(default_factory=dict)  # see isocket.domain.twin
    reported_boot: Plain[int] = 0
    reported_seq: Plain[int] = 0

    @property
    def called(self) -> str:
        """What people read who may see it: its name, else what messages call it, else its id."""
        return self.name or (self.id if self.number is None else neutral_name(self.number))

    def called_by(self, reader: str) -> str:
        """What an account reads. The number is its owner's: whoever it is shared with may have the same one."""
        return self.called if reader == self.owner_id else self.name or self.id


def neutral_name(number: int | None) -> str:
    """Return what a socket is called that has no name: the neutral word, and which of its owner's it is."""
    return NEUTRAL_NAME if number is None else f"{NEUTRAL_NAME} {number}"


def shard_of(device_id: str) -> str:
    """Return the shard of a device: CRC-32 of its id modulo 64 as two hex digits."""
    return f"{zlib.crc32(device_id.encode()) % SHARDS:02x}"


def topic_root(device_id: str) -> str:
    """Return the only topic below which the device may speak and listen."""
    return f"isocket/v1/{shard_of(device_id)}/{device_id}"
