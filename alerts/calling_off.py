"""Calls off what has not reached anybody yet: what is still ours at once, what a provider has by asking it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.channels.channel import CancellingChannel, ChannelKind
from alerts.endings import ended, goes_though_over, reaches_nobody
from alerts.outcomes import Cancellation
from alerts.providers import Providers
from alerts.rounds import alarms_of
from alerts.timeline import delivery_line
from alerts.wishes import DEADLINE_S, Wishes
from isocket.domain.call_offs import CallOff
from isocket.domain.deliveries import Attempt, Delivery, DeliveryState
from isocket.domain.incidents import Happening, Incident
from isocket.kit.clock import Clock
from isocket.kit.ids import derived_id
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, is_

log = get_logger(__name__)

AGAIN_S = 2.0  # doubled with each try
AGAIN_CAP_S = 30.0
GIVE_UP_AFTER = timedelta(minutes=5)  # no telephone rings for so long
CALL_PATIENCE_S = 30.0  # a clear waits so long after the lease of an alarm on its way; then it may have gone
CALLED_BACK = "called_back"  # the provider let go of it
LISTENED_TO = "in-progress"  # whoever listens is told how it stands when they press a key: nobody is cut off

# A text that is out is read when it is read; a telephone that rings wakes somebody for nothing.
_WORTH_CALLING_BACK = frozenset({ChannelKind.VOICE})
_WITH_PROVIDER = frozenset({DeliveryState.CALLING, DeliveryState.UNCLEAR, DeliveryState.SENT})


async def call_off(records: Records, incident: Incident, now: datetime, reason: str) -> list[Delivery]:
    """Call off every alarm of an incident that need not go any more; return the alarms as they are then."""
    alarms = await alarms_of(records, incident)
    due = [
        each
        for each in alarms
        if each.state in {DeliveryState.DUE, DeliveryState.CALLED_OFF} and not is_to_come(incident, each, now)
    ]
    for each in due:
        await records.change_one(
            Delivery,
            is_("id", each.id),
            is_("state", DeliveryState.DUE),
            **ended(each, DeliveryState.CALLED_OFF, at=now, reason=reason),
        )
    wishes = _wishes(incident, alarms, now)
    if wishes:
        await records.add_all(wishes)
    if not due:
        return alarms
    alarms = await alarms_of(records, incident)
    lines = [
        line
        for each in alarms
        if each.state is DeliveryState.CALLED_OFF
        for line in delivery_line(each, Happening.NOT_SENT, "not_sent", at=now, reason=each.reason)
    ]
    await records.add_all(lines)
    return alarms


def is_to_come(incident: Incident, alarm: Delivery, now: datetime) -> bool:
    """Whether an alarm of an incident that is over is on its way, or goes out although it is over.

    One that failed is to come as long as nobody has looked by which other way its reader is told instead.
    """
    if alarm.state is DeliveryState.DUE or (alarm.moves_on and reaches_nobody(alarm)):
        return goes_though_over(incident, alarm, now)
    patience = timedelta(seconds=CALL_PATIENCE_S)
    return alarm.state is DeliveryState.CALLING and now < alarm.lease_until + patience


def _wishes(incident: Incident, alarms: Sequence[Delivery], now: datetime) -> list[CallOff]:
    return [
        CallOff(
            id=derived_id("off", each.id),
            delivery_id=each.id,
            incident_id=incident.id,
            account_id=each.account_id,
            person_id=each.person_id,
            wished_at=now,
            due_at=now,
        )
        for each in alarms
        if each.channel in _WORTH_CALLING_BACK
        and each.state in _WITH_PROVIDER
        and incident.acknowledged_by != f"{each.contact_id} {each.channel}"  # they are being thanked
        and not goes_though_over(incident, each, now)
    ]


class CallingOff:
    """Asks providers to let go of calls that somebody has made needless. Each step may run twice: so may asking."""

    def __init__(self, *, records: Records, clock: Clock, providers: Providers) -> None:
        self._records = records
        self._clock = clock
        self._providers = providers
        self._wishes = Wishes(CallOff, records=records, clock=clock, again_s=AGAIN_S, again_cap_s=AGAIN_CAP_S)

    async def step(self) -> bool:
        """Carry out one wish; return whether there was one."""
        held = await self._wishes.claim_due()
        if held is None:
            return False
        delivery = await self._records.get(Delivery, held.delivery_id)
        if delivery is None or delivery.state not in _WITH_PROVIDER or await self._is_settled(held, delivery):
            await self._wishes.settle(held)
        else:
            await self._wishes.ask_again(held)
        return True

    async def _is_settled(self, held: CallOff, delivery: Delivery) -> bool:
        """Ask; return whether there is nothing more to be done about it."""
        now = self._clock.now()
        attempts = await self._records.find(Attempt, is_("delivery_id", delivery.id), order_by="number")
        known = [each for each in attempts if each.provider_id]
        if not known:  # on its way, or unclear: the provider may name it yet
            return now >= held.wished_at + GIVE_UP_AFTER
        if known[-1].receipt == LISTENED_TO:
            return True
        answer = await self._ask(delivery.channel, known[-1])
        log.info("call_off_answered", delivery_id=delivery.id, answer=answer.value)
        if answer is Cancellation.DONE:
            line = delivery_line(delivery, Happening.NOTE, CALLED_BACK, at=now, reason=CALLED_BACK)
            await self._records.add_all(line)
        return answer is not Cancellation.UNCLEAR or now >= held.wished_at + GIVE_UP_AFTER

    async def _ask(self, kind: ChannelKind, attempt: Attempt) -> Cancellation:
        channel = self._providers.named(kind, attempt.provider)
        if not isinstance(channel, CancellingChannel):
            return Cancellation.TOO_LATE
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await channel.cancel(attempt.provider_id or "")
        except TimeoutError:
            return Cancellation.UNCLEAR
        except Exception:  # a channel answers with outcomes; whatever else comes, asking again does no harm
            log.exception("call_off_failed", attempt_id=attempt.id)
            return Cancellation.UNCLEAR
