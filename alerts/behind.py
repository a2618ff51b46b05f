"""What stands in its lane behind calls that fail goes by another way in time, as if it were one of them."""

from datetime import datetime, timedelta

from alerts.next_ways import TIMES_AS_LONG, UNCLEAR_WAIT_S, moving_on
from isocket.domain.deliveries import BEHIND, Delivery, DeliveryKind, DeliveryState
from isocket.kit.clock import EPOCH
from isocket.storage.port import Records, at_most, is_


async def move_on_behind(records: Records, lane: str, now: datetime) -> None:
    """Have the readers of alarms that no call was made for told when they would be if one had just remained unclear.

    Each once. It keeps its place in the lane, and what has gone by then needs no other way: its outcome says so.
    """
    untried = (
        is_("state", DeliveryState.DUE),
        is_("lane", lane),
        at_most("priority", BEHIND),
        is_("kind", DeliveryKind.ALARM),
        is_("tries", 0),
        is_("moves_on_at", EPOCH),
    )
    for severity, times in TIMES_AS_LONG.items():
        wait = timedelta(seconds=UNCLEAR_WAIT_S * times)
        await records.change_all(Delivery, *untried, is_("severity", severity), **moving_on(now, wait))
