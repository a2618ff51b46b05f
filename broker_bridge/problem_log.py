"""Refused messages, kept for the owner's and the operator's eyes: the newest hundred a device, and not too fast."""

from isocket.domain.problems import Problem
from isocket.kit.clock import FAR_AHEAD_MS, from_ms
from isocket.kit.ids import derived_id
from isocket.storage.port import Records, above, at_most, is_

KEPT = 100
A_MINUTE = 30  # more than that in a minute are counted, not stored: a device gone mad must not fill the disk


class ProblemLog:
    """Writes problems. What was sent is not kept, only what was wrong with it."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._minute = 0
        self._written: dict[str, int] = {}

    async def add(self, device_id: str, topic_kind: str, reason: str, field: str | None, received_ms: int) -> None:
        """Store one; the same one twice within a millisecond is one."""
        minute = received_ms // 60_000
        if minute != self._minute:
            self._minute, self._written = minute, {}
        written = self._written.get(device_id, 0)
        if written >= A_MINUTE:
            return
        self._written[device_id] = written + 1
        problem = Problem(
            id=derived_id("prb", device_id, topic_kind, reason, field or "", received_ms),
            device_id=device_id,
            at=from_ms(received_ms),
            topic_kind=topic_kind,
            reason=reason,
            field=field,
        )
        await self._records.add_all([problem])
        if written == 0:
            await self._drop_old(device_id, received_ms)

    async def _drop_old(self, device_id: str, now_ms: int) -> None:
        """Look once a minute and device, so that a few more than the hundred may stand for a while.

        What is from before the clock was set back is older than what comes now, and not the newest until then.
        """
        of_it, ahead = is_("device_id", device_id), above("at", from_ms(now_ms + FAR_AHEAD_MS))
        await self._records.change_all(Problem, of_it, ahead, at=from_ms(now_ms - 1))
        newest = await self._records.find(Problem, of_it, order_by="at", descending=True, limit=KEPT + 1)
        if len(newest) > KEPT:
            await self._records.remove_all(Problem, of_it, at_most("at", newest[-1].at))
