"""Hands incidents that an outage held back to the ladder: when it lasts too long, or is over and they are not."""

from datetime import datetime, timedelta

from alerts.fleet import SETTLING_S, Thresholds
from alerts.timeline import incident_line
from isocket.domain.incidents import Happening, Incident, IncidentState
from isocket.domain.outages import SILENCING, Outage
from isocket.kit.clock import Clock, to_text
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, Test, at_most, is_, one_of

log = get_logger(__name__)

AT_ONCE = 100


class HeldBack:
    """Releases some incidents a step. Who is released twice is released once: the change asks for the explanation."""

    def __init__(self, *, records: Records, clock: Clock, limits: Thresholds | None = None) -> None:
        self._records = records
        self._clock = clock
        self._limits = limits or Thresholds()

    async def step(self) -> bool:
        """Release what is due of one outage; return whether there may be more."""
        outages = await self._records.find(
            Outage, is_("settled", False), one_of("kind", SILENCING), order_by="began_at"
        )
        released = [await self._release_some(each) for each in outages]
        return any(released)

    async def _release_some(self, outage: Outage) -> bool:
        now = self._clock.now()
        over = outage.ended_at is not None and now >= outage.ended_at + timedelta(seconds=SETTLING_S)
        # Once it is over all are, also those from before the clock was set back.
        long = () if over else (at_most("detected_at", now - timedelta(seconds=self._limits.hold_s)),)
        due = await self._records.find(Incident, *held_by(outage), *long, order_by="detected_at", limit=AT_ONCE)
        for each in due:
            await self._release(each, outage, now, over=over)
        if over and not due:
            await self._records.change_one(Outage, is_("id", outage.id), is_("settled", False), settled=True)
        return bool(due)

    async def _release(self, incident: Incident, outage: Outage, now: datetime, *, over: bool) -> None:
        """Write why first: a second run finds the line there and the incident still held."""
        line = incident_line(
            incident,
            Happening.NOTE,
            "no_longer_explained",
            outage.id,
            at=now,
            reason="still_silent_after_outage" if over else "outage_lasts_too_long",
            detail={"outage_id": outage.id, "outage_began": to_text(outage.began_at)},
        )
        await self._records.add_all([line])
        released = await self._records.change_one(
            Incident,
            is_("id", incident.id),
            is_("state", IncidentState.OPEN),
            is_("explained_by", outage.id),
            explained_by=None,
            needs_step=True,
            step_due_at=now,
            told_from=now,
        )
        if released is not None:
            log.info("incident_released", incident_id=incident.id, outage_id=outage.id)


def held_by(outage: Outage) -> tuple[Test, ...]:
    """Return the tests for the open incidents that this outage keeps from their people."""
    return (
        is_("state", IncidentState.OPEN),
        is_("needs_step", False),
        is_("explained_by", outage.id),
    )
