"""What becomes of commands that wait when a later one sets the same thing, by whichever way it came."""

from datetime import datetime

from isocket.domain.commands import SUPERSEDED, Command, CommandStatus, superseded_by
from isocket.storage.port import Records, at_most, is_, is_not, one_of


async def supersede(records: Records, command: Command, now: datetime) -> None:
    """End what waits to be sent and sets the same thing: a socket that comes back does not hop through it all.

    What is with the bridge already goes its way, and comes before this one.
    """
    same = superseded_by(command.name)
    waiting = (
        is_("device_id", command.device_id),
        is_("status", CommandStatus.QUEUED),
        is_not("id", command.id),
        one_of("name", same),
        at_most("created_at", command.created_at),
        at_most("lease_until", now),
    )
    if same and await records.find(Command, *waiting, limit=1):
        await records.change_all(
            Command, *waiting, status=CommandStatus.EXPIRED, error=SUPERSEDED, ended_at=now, failure_seen=True
        )
