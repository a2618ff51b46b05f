"""The factory step: makes devices, shows each one's secret and claim code once, and keeps only their hashes."""

import json
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from isocket.domain.devices import Device, topic_root
from isocket.domain.secrets import claim_hash, hash_secret, new_claim_code, new_secret
from isocket.kit.clock import Clock
from isocket.storage.port import AlreadyThereError, Records

BATCH = 500
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # five bits each; none is easily read as another
_ID_LETTERS = 10


class ModelName(StrEnum):
    """The models that the factory makes."""

    ISOCKET_707 = "isocket-707"
    ISOCKET_3G = "isocket-3g"
    ISOCKET_ENVIRONMENT_PRO = "isocket-environment-pro"
    ISOCKET_4G = "isocket-4g"


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeDevice:
    """What goes into the device and onto its label. Nobody can be told it a second time."""

    device_id: str
    secret: str = field(repr=False)
    claim_code: str = field(repr=False)
    model: str
    topic_root: str

    def as_json(self) -> str:
        """Return one line for the factory's file."""
        return json.dumps(asdict(self))


async def provision(records: Records, clock: Clock, *, model: ModelName, count: int) -> AsyncIterator[MadeDevice]:
    """Make `count` devices and yield each when it is stored.

    Raises:
        AlreadyThereError: two devices got the same id, which chance does not do: look at the random source.
    """
    for size in _batches(count):
        made = [_make(model) for _ in range(size)]
        now = clock.now()
        stored = [
            Device(
                id=each.device_id,
                model=each.model,
                secret_hash=hash_secret(each.secret),
                claim_hash=claim_hash(each.claim_code),
                provisioned_at=now,
            )
            for each in made
        ]
        if await records.add_all(stored) != size:
            raise AlreadyThereError("two devices got the same id; nothing of this batch was printed")
        for each in made:
            yield each


def _batches(count: int) -> Iterator[int]:
    for start in range(0, count, BATCH):
        yield min(BATCH, count - start)


def _make(model: ModelName) -> MadeDevice:
    device_id = "is" + "".join(secrets.choice(_LETTERS) for _ in range(_ID_LETTERS))
    return MadeDevice(
        device_id=device_id,
        secret=new_secret(),
        claim_code=new_claim_code(),
        model=model.value,
        topic_root=topic_root(device_id),
    )
