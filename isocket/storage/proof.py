"""Whether store and keyring take what is written: with a full disk both still answer every question."""

from datetime import timedelta

from isocket.kit.clock import Clock
from isocket.storage.keyring import Keyring
from isocket.storage.notes import note, noted_moment
from isocket.storage.port import Records

NOTE = "writing"
HOLDS = timedelta(seconds=5)  # whoever asks oftener, as strangers may, makes nothing be written


async def prove_writing(records: Records, clock: Clock, keyring: Keyring | None = None) -> None:
    """Write to the keyring, if given, and a note, where the last one is older than `HOLDS`.

    Whoever asks in any process goes by the same note.

    Raises:
        StoreUnavailableError: nothing can be stored.
    """
    now = clock.now()
    holds_until = await noted_moment(records, NOTE)
    if holds_until is None or not now < holds_until <= now + HOLDS:
        if keyring is not None:  # first, since the note says that all was proved
            await keyring.prove_writing()
        await note(records, NOTE, now + HOLDS)
