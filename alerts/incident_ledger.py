"""Carries out what the rules decided: incidents and lines of their timeline. Every step may run twice."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from alerts.causes import is_told, severity_of
from alerts.climbing import FirstSteps
from alerts.handing_over import NO_ORDERS
from alerts.rules.decisions import Close, Decision, Deepen, Open, Release, SilentToo, Wait, is_told_though_over
from alerts.rules.docket import Case
from alerts.rules.memory import Key
from alerts.short_codes import CodesInHand, first_code, free_code
from alerts.timeline import INFORMATION_ONLY, came_late_line, incident_line
from isocket.domain.incidents import (
    NOT_CLOSED,
    Cause,
    Happening,
    Incident,
    IncidentState,
    Severity,
    TimelineEntry,
    Why,
    open_key,
)
from isocket.domain.outages import is_outage
from isocket.kit.clock import from_ms, to_ms, to_text
from isocket.kit.logs import get_logger
from isocket.storage.keyring import PersonErasedError
from isocket.storage.port import Records, Test, above, is_, one_of
from isocket.storage.still_open import HOLDS_ITS_KEY

log = get_logger(__name__)

MakeFirstSteps = Callable[[Incident], Awaitable[FirstSteps | None]]


class StillOpenError(Exception):
    """Another incident of this device and cause is open. The lease of the device brings the judgement back."""


def open_at(device_id: str) -> list[Test]:
    """Return the tests for the incidents of a device that are not closed."""
    return [is_("device_id", device_id), HOLDS_ITS_KEY]


class IncidentLedger:
    """Writes the decisions of one judgement, made at `now`, about one device.

    `first_steps` makes the alarms with which an incident's ladder begins: they are stored together with it, so that
    whoever waits for them does not wait until a worker has found the incident. Without it, a worker finds it.
    `codes` are those of the incidents that others are about to store.
    """

    def __init__(
        self,
        records: Records,
        case: Case,
        now: datetime,
        first_steps: MakeFirstSteps | None = None,
        *,
        codes: CodesInHand | None = None,
    ) -> None:
        self._records = records
        self._case = case
        self._now = now
        self._first_steps = first_steps
        self._codes = codes or CodesInHand()

    async def carry_out(self, decisions: Sequence[Decision], strays: Sequence[Incident] = ()) -> None:
        """Write all decisions in their order.

        What began and ended within them is stored, and nobody is told: unless it matters much and we heard of it
        in time; then people get the alarm and its end.

        `strays` are open incidents that the rules no longer know of: one of them may be in an opening one's way.

        Raises:
            StillOpenError: an unknown incident is.
        """
        ends = {each.incident_id: each for each in decisions if isinstance(each, Close)}
        for decision in decisions:
            match decision:
                case Open() if decision.incident_id in ends and not self._is_told_though_over(decision):
                    await self._store_passed(decision, ends[decision.incident_id])
                case Open():
                    await self._open(decision, strays, is_over=decision.incident_id in ends)
                case Close():
                    await self._close(decision)
                case Deepen():
                    await self._deepen(decision)
                case SilentToo():
                    await self._note_silence(decision)
                case Release():
                    await self._release(decision)
                case Wait():
                    await self._wait(decision)

    async def close_stray(self, stray: Incident, why: Why = Why.OVER, *, told: bool = True) -> None:
        """Close an open incident that the rules do not know of.

        The line comes first: a second run finds only what is open still. `told=False`: nobody gets a clear.
        """
        close = Close(incident_id=stray.id, at_ms=to_ms(self._now), why=why)
        await self._records.add_all([self._closed_line(stray, close)])
        await self._end(close, told=told)

    async def _close(self, close: Close) -> None:
        """Close an incident that is open, else only make sure that its timeline says so."""
        closed = await self._end(close) or await self._records.get(Incident, close.incident_id)
        if closed is not None:
            await self._records.add_all([self._closed_line(closed, close)])

    async def _end(self, close: Close, *, told: bool = True) -> Incident | None:
        known = await self._records.get(Incident, close.incident_id)
        if known is None:
            return None
        changes: dict[str, Any] = {} if told else {"told_though_over": False}
        if close.value is not None:
            changes["value"] = close.value
        closed = await self._records.change_one(
            Incident,
            is_("id", close.incident_id),
            one_of("state", NOT_CLOSED),
            state=IncidentState.CLOSED,
            open_key=None,
            closed_at=from_ms(close.at_ms),
            needs_step=told and is_told(known.severity) and not close.explained and known.explained_by is None,
            step_due_at=self._now,
            why_over=close.why,
            **changes,
        )
        if closed is not None:
            log.info("incident_closed", incident_id=closed.id, device_id=closed.device_id, cause=closed.cause)
        return closed

    async def _open(self, opening: Open, strays: Sequence[Incident], *, is_over: bool) -> None:
        incident = self._incident(opening)
        with self._codes.hand_of(incident) as hand:
            is_ours = hand.takes(incident.short_code)
            steps = await self._steps(incident, strays) if is_ours and not is_over else None
            if steps is None:
                code = await free_code(self._records, incident.account_id, incident.id, hand)
                await self._store_open(opening, strays, replace(incident, short_code=code), None)
                return
            try:
                await self._store_open(opening, strays, incident, steps)
            finally:
                await steps.orders.let_go()

    async def _store_open(
        self, opening: Open, strays: Sequence[Incident], incident: Incident, steps: FirstSteps | None
    ) -> None:
        begun, made = (incident, ()) if steps is None else (replace(incident, **steps.changes), steps.made)
        orders = NO_ORDERS if steps is None else steps.orders
        records = [begun, *self._opening_lines(incident, opening), *made]
        try:
            added = await orders.counted_with(self._records.add_all(records), len(records))
        except PersonErasedError:
            # Somebody on the ladder was removed in this moment. That keeps it from nobody else: a worker climbs.
            log.warning("first_steps_failed", incident_id=incident.id)
            await orders.let_go()
            records = [incident, *self._opening_lines(incident, opening)]
            added = await self._records.add_all(records)
        if added == len(records):
            await orders.go()
            log.info("incident_opened", incident_id=incident.id, device_id=incident.device_id, cause=incident.cause)
            return
        if await self._records.get(Incident, incident.id) is None:
            for stray in strays:
                if stray.open_key == incident.open_key:
                    await self.close_stray(stray)
            if not await self._records.add_all([incident]):
                raise StillOpenError(f"{incident.device_id} {incident.cause}: it will be judged again")
        await orders.go_where_stored()

    async def _steps(self, incident: Incident, strays: Sequence[Incident]) -> FirstSteps | None:
        """Return the first steps of an incident that goes to people at once, None where a worker sees to it.

        Whatever goes wrong here, the incident is stored.
        """
        at_once = incident.needs_step and incident.step_due_at <= self._now
        if self._first_steps is None or not at_once or any(each.open_key == incident.open_key for each in strays):
            return None
        try:
            return await self._first_steps(incident)
        except Exception:  # a worker tries again, and again
            log.exception("first_steps_failed", incident_id=incident.id)
            return None

    async def _store_passed(self, opening: Open, close: Close) -> None:
        """Store an incident that was over when we heard of it, unless a run before us opened it in good time."""
        known = await self._records.get(Incident, opening.incident_id)
        if known is not None and known.short_code:
            return
        incident = replace(
            self._incident(opening),
            state=IncidentState.CLOSED,
            open_key=None,
            short_code="",
            closed_at=from_ms(close.at_ms),
            why_over=close.why,
            needs_step=False,
        )
        late = came_late_line(incident, at=self._now)
        await self._records.add_all([incident, *self._opening_lines(incident, opening), late])

    async def _deepen(self, deeper: Deepen) -> None:
        found = await self._records.change_one(
            Incident, is_("id", deeper.incident_id), one_of("state", NOT_CLOSED), value=deeper.value
        )
        if found is not None:
            detail = {"value": deeper.value, "threshold_pct": deeper.threshold_pct}
            key = str(deeper.threshold_pct)
            await self._note(found, "deeper", key, detail=detail)

    async def _note_silence(self, silence: SilentToo) -> None:
        found = await self._records.get(Incident, silence.incident_id)
        if found is not None:
            detail = {"last_heard": to_text(from_ms(silence.heard_ms))}
            await self._note(found, "silent_as_well", silence.heard_ms, detail=detail)

    async def _release(self, release: Release) -> None:
        """Hand an incident that outlasts its explanation to the ladder, or to the outage that explains it by now."""
        now_news: dict[str, Any] = {"needs_step": True, "step_due_at": self._now, "told_from": self._now}
        released = await self._records.change_one(
            Incident,
            is_("id", release.incident_id),
            is_("state", IncidentState.OPEN),
            is_("explained_by", release.explained_by),
            explained_by=release.outage,
            **({} if release.outage else now_news),
        )
        found = released or await self._records.get(Incident, release.incident_id)
        if found is not None:
            reason = "explained_by_outage" if release.outage else "no_longer_explained"
            detail = {"incident_id": release.outage or release.explained_by}
            await self._note(found, reason, release.explained_by, detail=detail)

    async def _wait(self, wait: Wait) -> None:
        """Put off the first step of an incident where it is not due yet."""
        await self._records.change_one(
            Incident,
            is_("id", wait.incident_id),
            is_("state", IncidentState.OPEN),
            is_("needs_step", True),
            is_("ladder_position", 0),
            is_("exhausted_at", None),
            above("step_due_at", self._now),
            step_due_at=from_ms(wait.until_ms),
        )

    def _is_told_though_over(self, opening: Open) -> bool:
        return is_told_though_over(opening, self._severity(opening.key))

    def _severity(self, key: Key) -> Severity:
        return severity_of(key.cause, key.probe, self._case.settings, key.about)

    def _incident(self, opening: Open) -> Incident:
        """Return the incident as it begins, with the code that it has where no other one has it."""
        cause, probe, about = opening.key
        severity = self._severity(opening.key)
        though_over = is_told_though_over(opening, severity)
        hold_ms = None if though_over else opening.hold_until_ms
        return Incident(
            id=opening.incident_id,
            account_id=self._case.account_id,
            device_id=self._case.device_id,
            cause=cause,
            about=about,
            probe=probe,
            severity=severity,
            test=cause is Cause.TEST,
            value=opening.value,
            opened_at=from_ms(opening.began_ms),
            detected_at=self._now,
            explained_by=opening.explained_by,
            part_of=opening.part_of,
            short_code=first_code(opening.incident_id),
            open_key=open_key(self._case.device_id, cause, probe, about),
            needs_step=is_told(severity) and opening.explained_by is None,
            step_due_at=self._now if hold_ms is None else from_ms(hold_ms),
            told_though_over=though_over,
        )

    def _opening_lines(self, incident: Incident, opening: Open) -> list[TimelineEntry]:
        began = {"began": to_text(incident.opened_at), "value": incident.value}
        lines = [incident_line(incident, Happening.OPENED, at=self._now, detail=began)]
        if incident.explained_by is not None:
            detail = {"incident_id": incident.explained_by}
            reason = f"explained_by_{_kind_of_explanation(opening, incident.explained_by)}"
            lines.append(
                incident_line(incident, Happening.NOT_SENT, "explained", at=self._now, reason=reason, detail=detail)
            )
        if incident.part_of is not None:
            detail, reason = {"outage_id": incident.part_of}, "part_of_power_cut"
            lines.append(incident_line(incident, Happening.NOTE, reason, at=self._now, reason=reason, detail=detail))
        if not is_told(incident.severity):
            lines.append(incident_line(incident, Happening.NOT_SENT, "info", at=self._now, reason=INFORMATION_ONLY))
        return lines

    def _closed_line(self, incident: Incident, close: Close) -> TimelineEntry:
        ended = incident.closed_at or from_ms(close.at_ms)
        lasted_s = max(0.0, (ended - incident.opened_at).total_seconds())
        return incident_line(incident, Happening.CLOSED, at=self._now, reason=close.why, detail={"lasted_s": lasted_s})

    async def _note(self, incident: Incident, reason: str, *key: str | int, detail: dict[str, Any]) -> None:
        line = incident_line(incident, Happening.NOTE, reason, *key, at=self._now, reason=reason, detail=detail)
        await self._records.add_all([line])


def _kind_of_explanation(opening: Open, explanation: str) -> str:
    if is_outage(explanation):
        return "outage"
    return Cause.FLAPPING if opening.comes_and_goes else Cause.MAINS_LOST
