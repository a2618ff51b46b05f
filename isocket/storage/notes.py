"""Notes of a moment, about nobody: how far the clock has come, what a rate limit remembers, what a store knows.

Each is a `Bucket` without tokens, so that it goes by itself two days after its moment.
"""

from datetime import datetime

from isocket.domain.accounts import Bucket
from isocket.storage.port import Records, is_


async def noted_moment(records: Records, name: str) -> datetime | None:
    """Return the moment of a note, or None where there is none."""
    note = await records.get(Bucket, name)
    return None if note is None else note.refilled_at


async def note(records: Records, name: str, moment: datetime) -> None:
    """Write a note, over the one that was there."""
    for _ in range(2):  # another may make it just after the first look
        if await records.change_one(Bucket, is_("id", name), refilled_at=moment) is not None:
            return
        if await note_first(records, name, moment):
            return


async def note_first(records: Records, name: str, moment: datetime) -> bool:
    """Write a note where there is none; return whether there was none."""
    return bool(await records.add_all([Bucket(id=name, tokens=0.0, refilled_at=moment)]))
