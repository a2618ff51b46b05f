"""Finds open incidents that nobody will climb for any more, and gives them back to their ladder."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.causes import OWNED_ELSEWHERE, SETTLING_S
from alerts.ladder import LASTING
from alerts.rules.memory import MAINS, Condition, from_watch
from alerts.timeline import FOUND_BY_AUDIT, NOBODY_TO_TELL, incident_line
from isocket.domain.deliveries import Delivery, DeliveryState
from isocket.domain.incidents import NOT_CLOSED, Happening, Incident, IncidentState, Severity, TimelineEntry
from isocket.domain.outages import Outage, is_outage
from isocket.domain.watches import Watch
from isocket.kit.clock import to_ms
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, Test, Value, above, at_most, is_, is_not, one_of

log = get_logger(__name__)

LATE = timedelta(seconds=120)  # a step, a receipt, a judgement or an alarm that has been due for longer
SOME = 200  # things that are looked at one by one
PAGES = 5  # of explained incidents that are looked through at a time
SETTLED = timedelta(seconds=SETTLING_S) + LATE  # so long after power returned its consequences may rest


_OF_A_DEVICE = tuple(is_not("cause", each) for each in sorted(OWNED_ELSEWHERE))
_ON_THE_WAY = (DeliveryState.DUE, DeliveryState.CALLING, DeliveryState.UNCLEAR)


class Forgotten:
    """Looks through open incidents that have nothing due, however many of them rest for a reason."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._looked_upto = ""  # the explanation at which the next look goes on; after the last it begins anew

    async def give_back(self, now: datetime) -> int:
        """Give back those that are due no step, without a reason to hold them or an end that was told.

        What matters much has no such end: a ladder that was of no use is climbed again, ever more rarely.
        Returns how many there were.
        """
        lost = await self._without_a_step(now, one_of("severity", tuple(LASTING)))
        lost += await self._without_a_step(now, is_("severity", Severity.MINOR), is_("exhausted_at", None))
        for each in lost:
            await self._give_back(each, now)
        return len(lost) + await self._give_back_explained(now)

    async def _without_a_step(self, now: datetime, *tests: Test) -> list[Incident]:
        """Return some that are lost, the oldest first; those that rest are passed by, a page at a time."""
        lost: list[Incident] = []
        after: tuple[Value, str] | None = None
        while len(lost) < SOME:
            some = await self._records.find(
                Incident,
                *_nothing_due(now),
                is_("explained_by", None),
                *_OF_A_DEVICE,
                *tests,
                order_by="detected_at",
                limit=SOME,
                after=after,
            )
            lost += [each for each in some if not await self._rests(each)]
            if len(some) < SOME:
                break
            after = some[-1].detected_at, some[-1].id
        return lost

    async def _rests(self, incident: Incident) -> bool:
        """Return whether nobody was to be told from the beginning, or a message is still on its way."""
        of_it = is_("incident_id", incident.id)
        nobody = (is_("what", Happening.NOT_SENT), is_("reason", NOBODY_TO_TELL))
        return bool(
            await self._records.find(Delivery, of_it, one_of("state", _ON_THE_WAY), limit=1)
            or await self._records.find(TimelineEntry, of_it, *nobody, limit=1)
        )

    async def _give_back_explained(self, now: datetime) -> int:
        """Give back those whose explanation is over. Ten thousand may be held: each look goes on where one ended."""
        lost = 0
        for _ in range(PAGES):
            some = await self._records.find(
                Incident,
                *_nothing_due(now),
                above("explained_by", self._looked_upto),
                is_not("severity", Severity.INFO),
                order_by="explained_by",
                limit=SOME,
            )
            over = await self._are_over(sorted({each.explained_by or "" for each in some}), now)
            for each in some:
                if each.explained_by in over and not await self._will_be_released(each, now):
                    await self._give_back(each, now)
                    lost += 1
            if len(some) < SOME:
                self._looked_upto = ""
                break
            last = some[-1].explained_by or ""
            if not (is_outage(last) and last in over):  # else more of it come up now that these are gone
                self._looked_upto = last
        return lost

    async def _are_over(self, explanations: Sequence[str], now: datetime) -> set[str]:
        """Return those that explain nothing any more: closed or settled for a while, or not there at all."""
        incidents = await self._records.find(Incident, one_of("id", explanations))
        outages = await self._records.find(Outage, one_of("id", explanations), is_("settled", False))
        lasting = {each.id for each in incidents if each.closed_at is None or each.closed_at > now - LATE}
        return set(explanations) - lasting - {each.id for each in outages}

    async def _will_be_released(self, incident: Incident, now: datetime) -> bool:
        """Return whether the rules still mean to: power is out again or returned just now, or a battery is charged."""
        watch = await self._records.get(Watch, incident.device_id)
        if watch is None:
            return False
        memory = from_watch(watch.conditions)
        known = next((each for each in memory.conditions.values() if each.incident_id == incident.id), None)
        if known is None or known.explained_by is None:
            return False
        back = memory.power_back
        settles = back is not None and to_ms(now - SETTLED) < back.heard_ms
        return settles or not known.holds or await self._lasts(memory.conditions.get(MAINS))

    async def _lasts(self, failure: Condition | None) -> bool:
        """Return whether this mains failure, by which the rules explain what they did by an earlier one, is told."""
        if failure is None or failure.incident_id is None:
            return failure is not None
        return bool(await self._records.count(Incident, is_("id", failure.incident_id), one_of("state", NOT_CLOSED)))

    async def _give_back(self, incident: Incident, now: datetime) -> None:
        detail = {} if incident.explained_by is None else {"no_longer_explained_by": incident.explained_by}
        line = incident_line(incident, Happening.NOTE, FOUND_BY_AUDIT, at=now, reason=FOUND_BY_AUDIT, detail=detail)
        await self._records.add_all([line])
        await self._records.change_one(
            Incident,
            is_("id", incident.id),
            is_("version", incident.version),
            explained_by=None,
            needs_step=True,
            step_due_at=now,
            told_from=incident.told_from if incident.explained_by is None else now,
        )
        log.error("incident_forgotten", incident_id=incident.id, cause=incident.cause)


def _nothing_due(now: datetime) -> tuple[Test, ...]:
    """Return the tests for what nobody has taken, has nothing due, and did not begin just now."""
    return (
        is_("state", IncidentState.OPEN),
        is_("needs_step", False),
        at_most("detected_at", now - LATE),
    )
