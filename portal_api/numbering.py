"""Whose a socket becomes, and under which number: so that several without a name are told apart in messages.

The number is the next after the highest that its owner has. No two sockets of an owner have the same: the store sees to
that, also where two are claimed at once.
"""

from datetime import datetime

from isocket.domain.devices import Device
from isocket.kit.logs import get_logger
from isocket.storage.port import AlreadyThereError, Records, Test, is_, is_not

log = get_logger(__name__)

LOOK_EVERY_S = 24 * 3600.0  # for sockets without a number: of before there were any, or out of a backup of then
SOME = 100


async def give(
    records: Records, device_id: str, *tests: Test, to: str, name: str | None, now: datetime
) -> Device | None:
    """Make a socket without an owner somebody's, as from the factory but for its name; None where it is none such."""
    free = (is_("id", device_id), is_("owner_id", None), *tests)
    while True:
        number = await _next_number(records, to)
        try:
            return await records.change_one(
                Device,
                *free,
                owner_id=to,
                number=number,
                name=name,
                place=None,
                part_names=None,
                claimed_at=now,
            )
        except AlreadyThereError:  # another of theirs came to it first
            continue


class Numbering:
    """Numbers the sockets that have an owner and no number, in the order in which they were claimed."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def step(self) -> bool:
        """Number those of some owners; return whether there were any."""
        found = await self._records.find(Device, is_not("owner_id", None), is_("number", None), limit=SOME)
        for owner in dict.fromkeys(each.owner_id for each in found if each.owner_id is not None):
            await self._number_all(owner)
        return bool(found)

    async def _number_all(self, owner: str) -> None:
        found = await self._records.find(Device, is_("owner_id", owner), is_("number", None), order_by="claimed_at")
        for each in found:
            try:
                await self._records.change_one(
                    Device,
                    is_("id", each.id),
                    is_("owner_id", owner),
                    is_("number", None),
                    number=await _next_number(self._records, owner),
                )
            except AlreadyThereError:  # one was claimed at this moment: the next step comes back to it
                return
        log.info("devices_numbered", account_id=owner, devices=len(found))


async def _next_number(records: Records, owner: str) -> int:
    newest = await records.find(
        Device, is_("owner_id", owner), is_not("number", None), order_by="number", descending=True, limit=1
    )
    return 1 + (newest[0].number or 0) if newest else 1
