"""Whether the store takes what is written: one whose disk is full still answers every question."""

from datetime import timedelta

from isocket.kit.clock import Clock
from isocket.storage.notes import note, noted_moment
from isocket.storage.port import Records

NOTE = "writing"
HOLDS = timedelta(seconds=5)  # whoever asks oftener, as strangers may, makes nothing be written


async def prove_writing(records: Records, clock: Clock) -> None:
    """Write a note, where the last one is older than `HOLDS`; whoever asks in any process goes by the same note.

    Raises:
        StoreUnavailableError: nothing can be stored.
    """
    now = clock.now()
    holds_until = await noted_moment(records, NOTE)
    if holds_until is None or not now < holds_until <= now + HOLDS:
        await note(records, NOTE, now + HOLDS)
