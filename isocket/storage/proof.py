"""Whether the store takes what is written: one whose disk is full still answers every question."""

from datetime import timedelta

from isocket.domain.accounts import Bucket
from isocket.kit.clock import Clock
from isocket.storage.port import Records, is_

NOTE = "writing"
HOLDS = timedelta(seconds=5)  # whoever asks oftener, as strangers may, makes nothing be written


async def prove_writing(records: Records, clock: Clock) -> None:
    """Write a note, where the last one is older than `HOLDS`; whoever asks in any process goes by the same note.

    Raises:
        StoreUnavailableError: nothing can be stored.
    """
    now = clock.now()
    note = await records.get(Bucket, NOTE)
    if note is not None and now < note.refilled_at <= now + HOLDS:
        return
    if await records.change_one(Bucket, is_("id", NOTE), refilled_at=now + HOLDS) is None:
        await records.add_all([Bucket(id=NOTE, tokens=0.0, refilled_at=now + HOLDS)])
