"""After the clock was set back, what waits for a moment of before is looked at now: messages, calls, ladders."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from alerts.timeline import FOUND_BY_AUDIT, incident_line
from isocket.domain.call_offs import CallOff
from isocket.domain.deliveries import BEHIND, Delivery, DeliveryState, Receipt, place_until
from isocket.domain.incidents import Happening, Incident, IncidentState
from isocket.domain.outages import Outage
from isocket.domain.provider_erasures import ProviderErasure
from isocket.domain.record import Record
from isocket.domain.sending import ProviderHealth
from isocket.kit.clock import EPOCH, FAR_AHEAD, Clock, to_text
from isocket.kit.logs import get_logger
from isocket.storage.notes import note, noted_moment
from isocket.storage.port import Records, Test, above, every, is_, is_not
from isocket.storage.set_back import SetBack

log = get_logger(__name__)

NOTE = "clock"
PERHAPS_LATE = timedelta(hours=1)  # so long what was due may have stood in a queue when the clock was set back

_UNSETTLED = is_("settled", False)
_NEEDS_STEP = is_("needs_step", True)
_MOVES_ON = is_("moves_on", True)
_CALLING, _UNCLEAR, _DUE = (is_("state", each) for each in ("calling", "unclear", "due"))

LEASED: tuple[tuple[type[Record], Test], ...] = (
    (Delivery, _CALLING),
    (Delivery, _UNCLEAR),
    (Delivery, _MOVES_ON),
    (Incident, _NEEDS_STEP),
    (Receipt, _UNSETTLED),
    (CallOff, _UNSETTLED),
    (ProviderErasure, _UNSETTLED),
)
WAITING: tuple[tuple[type[Record], Test, str], ...] = (
    (Delivery, _DUE, "due_at"),
    (Delivery, _UNCLEAR, "due_at"),
    (Delivery, _MOVES_ON, "moves_on_at"),
    (CallOff, _UNSETTLED, "due_at"),
    (ProviderErasure, _UNSETTLED, "due_at"),
)
HAPPENED: tuple[tuple[type[Record], Test, str], ...] = (  # what is counted from
    (Outage, _UNSETTLED, "began_at"),
    (Outage, _UNSETTLED, "ended_at"),
    (ProviderHealth, is_not("refusal", ""), "refused_until"),
)
_HAPPENED = ("acknowledged_at", "confirmed_at", "asked_at", "exhausted_at")


class AfterSetBack:
    """Leaves a note of how far the clock has come; where that lies far ahead, it was set back since.

    Whatever is looked at too early is put off again by whoever looks: quiet hours are, and so are steps of a ladder.
    A clock that is behind for a moment only moves nothing, see `SetBack`. Every change may be made twice.
    """

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._set_back = SetBack(clock)

    async def look(self, now: datetime) -> int:
        """Have everything looked at, once it is sure that the clock was set back; return how many ladders begin anew.

        To be called every half minute, in any number of processes.
        """
        latest = await noted_moment(self._records, NOTE) or EPOCH
        is_ahead = latest > now + FAR_AHEAD
        if not self._set_back.is_believed(heard_ahead=is_ahead) and is_ahead:
            return 0
        begun_anew = 0
        if is_ahead:
            log.error("clock_was_set_back", until=to_text(latest))
            begun_anew = await self._bring_back(now, max(now + FAR_AHEAD, latest - PERHAPS_LATE))
        await note(self._records, NOTE, now)
        return begun_anew

    async def _bring_back(self, now: datetime, waits_until: datetime) -> int:
        """End leases and waits of before; what was to come then waits for longer than until `waits_until`."""
        for kind, queue in LEASED:
            async for each in every(self._records, kind, queue, above("lease_until", now + FAR_AHEAD)):
                await self._change(each, lease_until=EPOCH)
        for kind, queue, name in HAPPENED:
            async for each in every(self._records, kind, queue, above(name, now + FAR_AHEAD)):
                await self._change(each, **{name: now})
        for kind, queue, name in WAITING:
            async for each in every(self._records, kind, queue, above(name, waits_until)):
                await self._change(each, **{name: now}, **_let_in(each, now))
        begun_anew = 0
        async for incident in self._climbing(waits_until):
            begun_anew += await self._climb_now(incident, now)
        return begun_anew

    def _climbing(self, waits_until: datetime) -> AsyncIterator[Incident]:
        return every(self._records, Incident, _NEEDS_STEP, above("step_due_at", waits_until))

    async def _climb_now(self, incident: Incident, now: datetime) -> bool:
        """Have an incident looked at; return whether its ladder begins anew, since it began at a time to come."""
        far = now + FAR_AHEAD
        happened = ((name, getattr(incident, name)) for name in _HAPPENED)
        changes = {name: now for name, moment in happened if moment is not None and moment > far}
        begins = incident.state is IncidentState.OPEN and (incident.told_from or incident.detected_at) > far
        if begins:
            changes["told_from"] = now
            line = incident_line(incident, Happening.NOTE, FOUND_BY_AUDIT, at=now, reason=FOUND_BY_AUDIT)
            await self._records.add_all([line])
            log.error("incident_forgotten", incident_id=incident.id, cause=incident.cause)
        await self._change(incident, step_due_at=now, **changes)
        return begins

    async def _change(self, known: Record, **changes: Any) -> None:
        same = is_("id", known.id), is_("version", known.version)
        await self._records.change_one(type(known), *same, **changes)


def _let_in(waiting: Record, now: datetime) -> dict[str, Any]:
    """Return what gives a delivery that was put off its place in its lane again."""
    if isinstance(waiting, Delivery) and waiting.state is DeliveryState.DUE and waiting.priority > BEHIND:
        return {"priority": place_until(now)}
    return {}
