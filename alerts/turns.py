"""Gives each alarm its turn, so that a customer with many sockets holds up nobody who has one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from isocket.domain.deliveries import Delivery
from isocket.storage.port import Records, above, is_

REMEMBERED = timedelta(minutes=30)
"""So long a customer's alarms count. Those that have gone as well: else who has many would be first again with each,
as long as the others do not wait yet."""


async def in_turn(records: Records, alarms: Sequence[Delivery]) -> list[Delivery]:
    """Return new alarms of one account with their turns: in each lane they stand behind what was made of late.

    What a provider will not have for now does not count.
    """
    following: dict[str, int] = {}
    placed: list[Delivery] = []
    for alarm in alarms:
        if alarm.lane not in following:
            following[alarm.lane] = await _made_of_late(records, alarm)
        placed.append(replace(alarm, turn=following[alarm.lane], priority=""))
        following[alarm.lane] += 1
    return placed


async def _made_of_late(records: Records, alarm: Delivery) -> int:
    return await records.count(
        Delivery,
        is_("account_id", alarm.account_id),
        is_("lane", alarm.lane),
        above("created_at", alarm.created_at - REMEMBERED),
        is_("held_up", False),
    )
