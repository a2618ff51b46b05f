"""What becomes of commands that wait: when a later one sets the same thing, and when their asker may not any more."""

from datetime import datetime

from isocket.domain.commands import ACCESS_ENDED, SUPERSEDED, Command, CommandStatus, superseded_by
from isocket.storage.port import Records, Test, at_most, change_every, is_, is_not, one_of


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


async def call_off(records: Records, account_id: str, now: datetime, *which: Test) -> None:
    """End what an account asked of sockets and waits, all or what fits `which`; also what was sent and not answered.

    What was sent would be sent again to a socket that comes back. An answer that comes after all is still the truth,
    and stands in its place.
    """
    for status in (CommandStatus.QUEUED, CommandStatus.SENT):
        await change_every(
            records,
            Command,
            is_("account_id", account_id),
            *which,
            is_("status", status),
            status=CommandStatus.EXPIRED,
            error=ACCESS_ENDED,
            ended_at=now,
            failure_seen=True,
        )


async def call_off_programs(records: Records, account_id: str, now: datetime) -> None:
    """End what programs and homes of an account asked for and waits: every one of them is shut out."""
    await call_off(records, account_id, now, is_not("asked_with", None))
