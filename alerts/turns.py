"""Gives each alarm its turn, so that a customer with many sockets holds up nobody who has one."""

from collections.abc import Sequence
from dataclasses import replace

from isocket.domain.deliveries import Delivery, DeliveryState
from isocket.storage.port import Records, is_


async def in_turn(records: Records, alarms: Sequence[Delivery]) -> list[Delivery]:
    """Return new alarms of one account with their turns: in each lane they stand behind what waits there already.

    What a provider will not have for now does not count.
    """
    following: dict[str, int] = {}
    placed: list[Delivery] = []
    for alarm in alarms:
        if alarm.lane not in following:
            following[alarm.lane] = await _next_turn(records, alarm)
        placed.append(replace(alarm, turn=following[alarm.lane], priority=""))
        following[alarm.lane] += 1
    return placed


async def _next_turn(records: Records, alarm: Delivery) -> int:
    last = await records.find(
        Delivery,
        is_("account_id", alarm.account_id),
        is_("state", DeliveryState.DUE),
        is_("lane", alarm.lane),
        is_("held_up", False),
        order_by="turn",
        descending=True,
        limit=1,
    )
    return last[0].turn + 1 if last else 0
