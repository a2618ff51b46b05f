"""Writes down what became of an attempt or why none was made, in an order that a crash cannot turn into a lie."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alerts import pausing
from alerts.endings import HAVE_IT, UNCLEAR, ended
from alerts.health import REFUSED_FOR_S
from alerts.next_ways import WITH_OTHER_WAYS, Patience, moving_on
from alerts.outcomes import Outcome, RefusalScope, Refused, Sent, TryLater, Unclear
from alerts.timeline import delivery_line, due_line
from alerts.urging import let_rest, urge, urge_the_end
from isocket.domain.deliveries import Attempt, AttemptState, Delivery, DeliveryState, place_until
from isocket.domain.incidents import Happening
from isocket.domain.pauses import OPTED_OUT
from isocket.kit.backoff import full_jitter
from isocket.kit.clock import EPOCH, Clock
from isocket.kit.ids import derived_id
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, is_, one_of, together
from isocket.storage.worker import settle

log = get_logger(__name__)

MAX_TRIES = 12  # of what never expires
PATIENT_TRIES = 4  # after so many a message counts as held up, and others are told
RETRY_BASE_S = 2.0
RETRY_CAP_S = 300.0
LOOK_UP_AFTER_S = 10.0  # a receipt usually comes first
LOOK_UP_AGAIN_S = 30.0
UNCLEAR_LIFE_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """What an outcome makes of the attempt and of the delivery."""

    attempt: AttemptState
    detail: str
    delivery: Mapping[str, Any]


def attempt_id(delivery: Delivery, number: int) -> str:
    """Return the id of the delivery's attempt `number`, counted from 1.

    Derived, so that two workers who both believe to hold the delivery cannot both make the same attempt. It
    tells the provider nothing, and nobody can guess it who does not know the random id of the recipient.
    """
    return derived_id("att", delivery.id, number)


class Settlement:
    """Settles deliveries that the caller holds (see `isocket.storage.worker`).

    The attempt and its line in the timeline first, then the delivery, so that whoever finds a delivery left in the
    middle can read off the attempt what is still to be done.
    """

    def __init__(
        self,
        *,
        records: Records,
        clock: Clock,
        public_url: str,
        patience: Patience | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self._records = records
        self._clock = clock
        self._public_url = public_url
        self._patience = patience or Patience()
        self._chance = chance

    async def settle(
        self,
        held: Delivery,
        attempt: Attempt,
        outcome: Outcome,
        *,
        another: bool = False,
        next_look: datetime | None = None,
    ) -> None:
        """Write down an attempt's outcome. A delivery that was settled by somebody else meanwhile is left alone.

        With `another`, a second provider takes at once what the first certainly does not have. `next_look`: when the
        ladder has something to do next if it is out; None: nobody knows.
        """
        now = self._clock.now()
        result = self._result(held, attempt, outcome, now)
        if another:
            result = replace(result, delivery=_by_another(attempt, result.detail, now))
        line = delivery_line(
            held,
            Happening.ATTEMPT,
            attempt.id,
            result.attempt,
            at=now,
            reason=result.detail,
            detail={"attempt_id": attempt.id, "number": attempt.number, "outcome": result.attempt.value},
        )
        expected = isinstance(outcome, Sent) and outcome.receipt_expected
        told = self._records.change_one(
            Attempt,
            is_("id", attempt.id),
            one_of("state", (AttemptState.STARTED, AttemptState.UNCLEAR)),
            state=result.attempt,
            detail=result.detail,
            ended_at=now,
            provider_id=outcome.provider_id if isinstance(outcome, Sent) else attempt.provider_id,
            receipt_expected=expected,
        )
        changes = {**result.delivery, "tries": attempt.number}
        if not isinstance(outcome, Refused):  # they share a commit, in this order, and none is kept without the former
            finishing = self._finish(held, changes, now, receipt_expected=expected)
            resting = []
            if isinstance(outcome, Sent) and next_look is not None:
                resting.append(let_rest(self._records, held, next_look, now))
            await together(told, self._records.add_all(line), finishing, *resting)
            return
        await together(told, self._records.add_all(line))
        await self._heed(held, outcome)
        await self._finish(held, changes, now)

    async def not_sent(self, held: Delivery, state: DeliveryState, reason: str) -> None:
        """Write down that a delivery ends without a call, and why."""
        now = self._clock.now()
        await self._records.add_all(delivery_line(held, Happening.NOT_SENT, "not_sent", at=now, reason=reason))
        await self._finish(held, ended(held, state, at=now, reason=reason), now)

    async def hold(self, held: Delivery, until: datetime) -> None:
        """Let a delivery wait until its reader's quiet hours are over; others are told meanwhile."""
        now = self._clock.now()
        waiting = replace(held, held_until=until)
        await self._records.add_all(due_line(waiting, at=now))
        changes = {
            "state": DeliveryState.DUE,
            "due_at": until,
            "priority": place_until(until),
            "held_until": until,
            "expires_at": None if held.expires_at is None else until + (held.expires_at - held.created_at),
            "lease_until": EPOCH,
        }
        if not held.tries:  # it stands behind nobody's calls until then
            changes |= {"moves_on": False, "moves_on_at": EPOCH}
        if await settle(self._records, held, **changes) is not None:
            await urge(self._records, held, now)
        await urge_the_end(self._records, held, now)

    async def give_up(self, held: Delivery, *, provider: str = "") -> None:
        """End a delivery of which nobody could tell in time whether it went out, not even the provider that was asked.

        What is made anew in its place goes by another provider, if there is one.
        """
        now = self._clock.now()
        await self._records.add_all(delivery_line(held, Happening.NOTE, "gave_up", at=now, reason=UNCLEAR))
        changes = ended(held, DeliveryState.FAILED, at=now, reason=UNCLEAR)
        await self._finish(held, {**changes, "avoids": provider}, now)

    async def _finish(
        self, held: Delivery, changes: Mapping[str, Any], now: datetime, *, receipt_expected: bool = False
    ) -> None:
        moving = self._moving_on(held, changes, now, receipt_expected=receipt_expected)
        settled = await settle(self._records, held, **{**changes, **moving})
        if changes["state"] is not DeliveryState.DUE:
            await urge_the_end(self._records, held, now)  # a receipt that came first may have settled it
        if settled is None:
            log.info("delivery_settled_elsewhere", delivery_id=held.id)
            return
        log.info("delivery_settled", delivery_id=held.id, state=settled.state.value, reason=settled.reason)

    async def _heed(self, held: Delivery, refused: Refused) -> None:
        if refused.reason == OPTED_OUT and held.contact_id is not None:
            await pausing.pause_whom_the_provider_refuses(
                self._records, held, clock=self._clock, public_url=self._public_url
            )

    def _moving_on(
        self, held: Delivery, changes: Mapping[str, Any], now: datetime, *, receipt_expected: bool
    ) -> dict[str, Any]:
        """Return when the same person is told by another way, as fields of the delivery.

        It is part of the step that settles, so that nobody can die in between. What stays unclear keeps its time, also
        where it is tried again. Whoever has the news needs no other way.
        """
        state = changes["state"]
        if held.kind not in WITH_OTHER_WAYS or (state is DeliveryState.UNCLEAR and held.state is state):
            return {}
        if changes.get("reason") in HAVE_IT:
            return moving_on(now, None)
        newly_held_up = changes.get("held_up", False) and not held.held_up
        in_doubt = state in {DeliveryState.UNCLEAR, DeliveryState.DUE}
        if in_doubt and held.moves_on and not newly_held_up:
            return {}
        wait: timedelta | None = None
        if newly_held_up or state in {DeliveryState.FAILED, DeliveryState.CALLED_OFF}:
            wait = timedelta(0)
        elif state is DeliveryState.UNCLEAR:
            wait = self._patience.for_clarity(held)
        elif state is DeliveryState.SENT and receipt_expected:
            wait = self._patience.for_a_receipt(held)
        return moving_on(now, wait)

    def _result(self, held: Delivery, attempt: Attempt, outcome: Outcome, now: datetime) -> _Result:
        match outcome:
            case Sent():
                changes = ended(held, DeliveryState.SENT, at=now)
                return _Result(attempt=AttemptState.SENT, detail="", delivery=changes)
            case Refused(reason=reason, code=code, scope=scope):
                detail = f"{reason} {code}".strip()
                if scope is RefusalScope.ACCOUNT:  # nothing against this message: it goes when we may send again
                    changes = self._again(held, attempt.number, reason, now + timedelta(seconds=REFUSED_FOR_S), now)
                    return _Result(attempt=AttemptState.LATER, detail=detail, delivery={**changes, "held_up": True})
                changes = ended(held, DeliveryState.FAILED, at=now, reason=reason)
                return _Result(attempt=AttemptState.REFUSED, detail=detail, delivery=changes)
            case TryLater(reason=reason, after_s=after_s):
                changes = self._later(held, attempt.number, reason, after_s, now)
                return _Result(attempt=AttemptState.LATER, detail=reason, delivery=changes)
            case Unclear(reason=reason):
                changes = {
                    "state": DeliveryState.UNCLEAR,
                    "reason": reason,
                    "due_at": self._next_look(attempt, now),
                    "lease_until": EPOCH,
                }
                return _Result(attempt=AttemptState.UNCLEAR, detail=reason, delivery=changes)

    def _later(self, held: Delivery, tries: int, reason: str, after_s: float | None, now: datetime) -> dict[str, Any]:
        wait_s = full_jitter(tries - 1, base_s=RETRY_BASE_S, cap_s=RETRY_CAP_S, chance=self._chance)
        due_at = now + timedelta(seconds=round((after_s or 0.0) + wait_s, 3))
        changes = self._again(held, tries, reason, due_at, now)
        gives_up = changes["state"] is DeliveryState.FAILED
        patience = self._patience.for_a_pause(held)
        too_long = patience is not None and due_at - now > patience
        return {**changes, "held_up": held.held_up or gives_up or too_long or tries >= PATIENT_TRIES}

    def _again(self, held: Delivery, tries: int, reason: str, due_at: datetime, now: datetime) -> dict[str, Any]:
        """Return the changes for another try at `due_at`, or for the end where that would be of no use."""
        if tries >= MAX_TRIES if held.expires_at is None else due_at > held.expires_at:
            return ended(held, DeliveryState.FAILED, at=now, reason=reason)
        return {
            "state": DeliveryState.DUE,
            "reason": reason,
            "due_at": due_at,
            "priority": place_until(due_at),
            "lease_until": EPOCH,
            "avoids": "",
        }

    def _next_look(self, attempt: Attempt, now: datetime) -> datetime:
        first = attempt.started_at + timedelta(seconds=LOOK_UP_AFTER_S)
        return first if first > now else now + timedelta(seconds=LOOK_UP_AGAIN_S)


def _by_another(attempt: Attempt, reason: str, now: datetime) -> dict[str, Any]:
    """Return the changes by which the next provider takes the message at once."""
    return {
        "state": DeliveryState.DUE,
        "reason": reason,
        "due_at": now,
        "lease_until": EPOCH,
        "held_up": False,
        "avoids": attempt.provider,
    }


def outcome_of(attempt: Attempt) -> Outcome:
    """Return the outcome that a stored attempt tells of; a started one is unclear, its worker is gone."""
    reason = attempt.detail.partition(" ")[0]
    match attempt.state:
        case AttemptState.SENT:
            return Sent(provider_id=attempt.provider_id or "", receipt_expected=attempt.receipt_expected)
        case AttemptState.REFUSED:
            return Refused(reason=reason or "refused", scope=RefusalScope.MESSAGE)
        case AttemptState.LATER:
            return TryLater(reason=attempt.detail)
        case AttemptState.STARTED | AttemptState.UNCLEAR:
            return Unclear(reason=attempt.detail or "worker_lost")
