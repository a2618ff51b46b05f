"""Turns incidents into deliveries: climbs the ladder, stops when somebody has taken it, tells when it is over.

How others hand an incident over, each in one atomic step:

* whoever opens or closes it sets `needs_step=True, step_due_at=now` with the change;
* whoever acknowledges it (see `alerts.acknowledging`; the portal does the same by itself) makes the changes of
  `isocket.domain.acknowledgement` where `state` is open.

What is due is then called off here, and the timeline written.
"""

from datetime import datetime, timedelta

from alerts.climbing import Climber
from alerts.closing import Closing
from alerts.rounds import DONE, Changes, Round, look
from alerts.taken import Taken
from alerts.timeline import incident_line
from isocket.domain.incidents import Happening, Incident, IncidentState
from isocket.domain.restrictions import RESTRICTED
from isocket.kit.clock import EPOCH, Clock
from isocket.storage.port import Records, at_most, is_
from isocket.storage.worker import claim, settle

LEASE_S = 15.0
OPEN_FIRST = (IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.CLOSED)
OPEN_LAST = (IncidentState.ACKNOWLEDGED, IncidentState.CLOSED, IncidentState.OPEN)
LOOK_AGAIN = timedelta(minutes=5)  # at what is held back by a restriction
OPEN_IN_A_ROW = 4  # every fourth look is at one that somebody has taken or that is over, if there is any


class Escalator:
    """Takes the next step of one incident at a time."""

    def __init__(self, *, records: Records, clock: Clock, public_url: str, sender: str = "") -> None:
        self._records = records
        self._clock = clock
        self._climber = Climber(records=records, public_url=public_url, sender=sender)
        self._taken = Taken(records=records, public_url=public_url, sender=sender)
        self._closing = Closing(records=records, climber=self._climber, public_url=public_url, sender=sender)
        self._looks = 0
        self._found = False  # whether the last look found something

    async def step(self) -> bool:
        """Take the step of one incident that needs one; return whether there was one."""
        held = await self._claim_one()
        if held is None:
            return False
        changes = await self._take(held, self._clock.now())
        # A lease that ends now lets go and rings nobody: what is due later is no news, and what is due now we look for.
        if await settle(self._records, held, lease_until=self._clock.now(), **changes) is None:
            # It was acknowledged, closed or urged meanwhile: let go, so that the next look comes at once.
            await self._records.change_one(
                Incident, is_("id", held.id), is_("lease_until", held.lease_until), lease_until=EPOCH
            )
        return True

    async def _claim_one(self) -> Incident | None:
        """Lease the incident that is looked at next: what is open goes first, but keeps nothing from the rest.

        Most looks are in vain: after one, a single question tells whether anything at all is due.
        """
        if not self._found and not await self._is_anything_due():
            return None
        held = await self._claim_in_order()
        self._found = held is not None
        return held

    async def _is_anything_due(self) -> bool:
        now = self._clock.now()
        due = is_("needs_step", True), at_most("step_due_at", now), at_most("lease_until", now)
        return bool(await self._records.find(Incident, *due, limit=1))

    async def _claim_in_order(self) -> Incident | None:
        self._looks += 1
        for state in OPEN_FIRST if self._looks % OPEN_IN_A_ROW else OPEN_LAST:
            held = await claim(
                self._records,
                Incident,
                is_("state", state),
                is_("needs_step", True),
                at_most("step_due_at", self._clock.now()),
                clock=self._clock,
                lease_s=LEASE_S,
                order_by="step_due_at",
            )
            if held is not None:
                return held
        return None

    async def _take(self, incident: Incident, now: datetime) -> Changes:
        if incident.state is IncidentState.OPEN and incident.explained_by is not None:
            return await self._leave_explained(incident, now, incident.explained_by)
        round_ = await look(self._records, incident, now)
        if round_.is_stopped and incident.state is not IncidentState.ACKNOWLEDGED:
            return await self._leave_restricted(incident, now)
        match incident.state:
            case IncidentState.CLOSED:
                return await self._closing.tell(round_)
            case IncidentState.ACKNOWLEDGED:
                return _told_as(round_, await self._taken.see_to(round_))
            case IncidentState.OPEN:
                return _told_as(round_, await self._climber.climb(round_))

    async def _leave_restricted(self, incident: Incident, now: datetime) -> Changes:
        """Say once that nobody is told, and look again: the restriction may be over while the incident is not."""
        line = incident_line(incident, Happening.NOT_SENT, RESTRICTED, at=now, reason=RESTRICTED)
        await self._records.add_all([line])
        return {"step_due_at": now + LOOK_AGAIN} if incident.state is IncidentState.OPEN else DONE

    async def _leave_explained(self, incident: Incident, now: datetime, by: str) -> Changes:
        line = incident_line(incident, Happening.NOTE, by, at=now, reason="explained", detail={"by": by})
        await self._records.add_all([line])
        return DONE


def _told_as(round_: Round, changes: Changes) -> Changes:
    """Return the changes with the value that this round told, so that answers and other ways do not tell an older."""
    return {**changes, "value": round_.incident.value}
