"""Hands due deliveries to the providers: claims one, checks again, writes the attempt, calls, settles."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from types import MappingProxyType
from urllib.parse import urlsplit

from alerts.behind import Behind
from alerts.channels.channel import Channel, ChannelKind, Message
from alerts.health import is_its_fault, refuses_us
from alerts.last_look import LastLook
from alerts.next_ways import ANOTHER_PROVIDER, Patience
from alerts.outcomes import Outcome, Refused, TryLater, Unclear
from alerts.providers import Providers
from alerts.retelling import Retelling
from alerts.settlement import Settlement, attempt_id
from alerts.spending import Purse
from isocket.domain.deliveries import BEHIND, Attempt, Delivery, DeliveryState, place_in_turn, place_until
from isocket.domain.reach import NOT_CONFIGURED, SPENDING_CAP
from isocket.domain.tariff import Tariff
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import AlreadyThereError, Records, Test, above, at_most, first_of, is_
from isocket.storage.worker import claim, settle

log = get_logger(__name__)

# Longer than the channels' own limits, which know better what had left when the time was over.
DEADLINE_S: Mapping[ChannelKind, float] = MappingProxyType(
    {
        ChannelKind.SMS: 12.0,
        ChannelKind.VOICE: 12.0,
        ChannelKind.EMAIL: 35.0,
        ChannelKind.PUSH: 12.0,
        ChannelKind.WEBHOOK: 12.0,
    }
)
LEASE_MARGIN_S = 8.0
FRESH_S = 0.25  # so long what was read for an attempt need not be read again before the call
LET_IN = 50  # at a time, of what was put off until now
LET_IN_EVERY_S = 0.25
NOT_SET_UP = (DeliveryState.FAILED, NOT_CONFIGURED)
CHANGED_MEANWHILE = TryLater(reason="changed_meanwhile")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """An attempt that has only to be written down and made: `looked_s` is when it was looked whether it may be.

    `counted`: whether what it costs was counted, and so is taken back where the provider does not get it; as long as
    that is under way, what tells in the end. `next_look`: when the ladder of its incident has something to do next if
    it is out; None: nobody knows.
    """

    held: Delivery
    channel: Channel
    attempt: Attempt
    looked_s: float
    counted: bool | asyncio.Future[bool] = True
    next_look: datetime | None = None


def message_for(delivery: Delivery, attempt: str, *, mail_domain: str) -> Message:
    """Return what a channel sends for this delivery in this attempt."""
    return Message(
        attempt_id=attempt,
        to=delivery.address,
        subject=delivery.subject_line,
        text=delivery.text,
        html=delivery.html,
        unsubscribe_url=delivery.unsubscribe_url,
        message_id=f"<{delivery.id}@{mail_domain}>",
        kind=delivery.kind,
        topic=delivery.incident_id or delivery.id,
        expires_at=delivery.expires_at,
    )


def mail_domain_of(public_url: str) -> str:
    """Return the right side of our Message-IDs."""
    return urlsplit(public_url).hostname or "localhost"


class Dispatcher:
    """Sends deliveries. One of which nobody can tell whether it went stays unclear, see `alerts.unclear`."""

    def __init__(
        self,
        *,
        records: Records,
        clock: Clock,
        providers: Providers,
        public_url: str,
        patience: Patience | None = None,
        tariff: Tariff | None = None,
        chance: random.Random | None = None,
        sender: str = "",
    ) -> None:
        self._records = records
        self._clock = clock
        self._providers = providers
        self._retelling = Retelling(records=records, clock=clock, public_url=public_url, sender=sender)
        self._last_look = LastLook(records=records, clock=clock)
        self._behind = Behind(records=records, clock=clock)
        self._purse = Purse(records=records, clock=clock, tariff=tariff or Tariff(), public_url=public_url)
        self._mail_domain = mail_domain_of(public_url)
        self._let_in_next_s: dict[str | None, float] = {}  # by lane
        self._settlement = Settlement(
            records=records, clock=clock, public_url=public_url, patience=patience, chance=chance
        )

    async def step(self, lane: str | None = None) -> bool:
        """Send one due delivery of this lane, None: of any; return whether there was one."""
        held = await self.claim_one(lane)
        if held is None:
            return False
        await self.carry(held)
        return True

    async def claim_one(self, lane: str | None = None) -> Delivery | None:
        """Lease the due delivery whose turn it is, or None. From here on the provider may have it."""
        now = self._clock.now()
        waiting = [is_("state", DeliveryState.DUE), *([] if lane is None else [is_("lane", lane)])]
        await self._let_in(lane, waiting, now)
        return await claim(
            self._records,
            Delivery,
            *waiting,
            at_most("priority", BEHIND),  # and so due: whatever the clock says by now, which may have been set back
            clock=self._clock,
            lease_s=lease_s(lane),
            order_by="priority",
            state=DeliveryState.CALLING,
        )

    async def _let_in(self, lane: str | None, waiting: Sequence[Test], now: datetime) -> None:
        """Give what was put off until now its place among what is due, some at a time; not with each claim."""
        at_s = self._clock.monotonic_s()
        if at_s < self._let_in_next_s.get(lane, at_s):
            return
        become_due = await self._records.find(
            Delivery,
            *waiting,
            above("priority", BEHIND),
            at_most("priority", place_until(now)),
            order_by="priority",
            limit=LET_IN,
        )
        if len(become_due) < LET_IN:
            self._let_in_next_s[lane] = at_s + LET_IN_EVERY_S
        await asyncio.gather(*(settle(self._records, each, priority=place_in_turn(each)) for each in become_due))

    async def ready(self, alarm: Delivery, *, next_look: datetime | None = None) -> Ready | None:
        """Return the first attempt of an alarm that is being made, to be stored together with it, claimed as it is.

        All that a last look reads was read for it a moment ago. None where it has to take the way of all others:
        nobody is set up to carry it, or the month's money may not reach.
        """
        looked_s = self._clock.monotonic_s()
        channel = None if self._purse.may_refuse(alarm) else await self._providers.choose(alarm.channel)
        return None if channel is None else self._ready(alarm, channel, looked_s, next_look)

    async def count(self, going: Sequence[Ready]) -> bool:
        """Count what messages of one account cost that go in any case, while their attempts are being written.

        Return whether it was counted.
        """
        if not going:
            return True
        try:
            await self._purse.pay_anyway([(each.held, each.channel) for each in going])
        except Exception:  # better too little counted than an alarm of which nobody can say whether it went
            log.exception("spending_not_counted", account_id=going[0].held.account_id)
            return False
        return True

    async def is_stored(self, ready: Ready) -> bool:
        """Return whether the delivery is in the store as we hold it."""
        found = await self._records.get(Delivery, ready.held.id)
        return found is not None and (found.version, found.lease_until) == (ready.held.version, ready.held.lease_until)

    async def leave(self, ready: Ready) -> None:
        """Let go of an attempt that is not made: what is stored of it takes the way of all others."""
        await self._take_back(ready)
        if await self.is_stored(ready):
            await self._settlement.settle(ready.held, ready.attempt, CHANGED_MEANWHILE)

    async def carry(self, held: Delivery) -> None:
        """Check a claimed delivery again, write the attempt, call the provider and settle."""
        looked_s = self._clock.monotonic_s()  # before: who stands still over the answer has an old one
        verdict = await self._last_look.verdict(held)
        if isinstance(verdict, datetime):
            await self._settlement.hold(held, verdict)
            return
        channel = await self._providers.choose(held.channel, held.avoids)
        if verdict is not None or channel is None:
            await self._settlement.not_sent(held, *(verdict or NOT_SET_UP))
            return
        held = await self._retelling.in_words_of_now(held)
        ready = self._ready(held, channel, looked_s)
        if self._purse.may_refuse(held):
            if not await self._purse.pay(held, channel):
                await self._settlement.not_sent(held, DeliveryState.FAILED, SPENDING_CAP)
                return
            await self._make_if_ours(ready, await self._write_down(ready.attempt))
            return
        # Both share a commit; the call waits for no counting that fails, or is repeated beside that of another message.
        is_ours, counting = await first_of(self._write_down(ready.attempt), self.count([ready]))
        try:
            await self._make_if_ours(replace(ready, counted=counting), is_ours)
        finally:
            await counting

    async def _make_if_ours(self, ready: Ready, is_ours: bool) -> None:
        if is_ours:
            await self.make(ready)
            return
        # Another worker made this attempt: our lease ran out before we got here. It, or the look at what
        # is unclear, settles the delivery.
        log.warning("attempt_made_elsewhere", delivery_id=ready.held.id, attempt_id=ready.attempt.id)
        await self._take_back(ready)

    async def make(self, ready: Ready) -> None:
        """Make an attempt that is on disk and ours, and settle."""
        held, channel, attempt = ready.held, ready.channel, ready.attempt
        began_s = self._clock.monotonic_s()
        if began_s - ready.looked_s >= FRESH_S:  # it took long to write it down
            if await self._last_look.verdict(held) is not None:
                await self.leave(ready)  # whoever claims it next says why it does not go, or until when it waits
                return
            began_s = self._clock.monotonic_s()
        outcome = await self._call(channel, held, attempt)
        took_s = self._clock.monotonic_s() - began_s
        is_not_taken = isinstance(outcome, Refused | TryLater)
        first = is_not_taken and self._purse.may_refuse(held)  # the way that it takes now may need this very money
        if first:
            await self._take_back(ready)
        another = await self._another_after(ready, outcome)
        await self._settlement.settle(held, attempt, outcome, another=another, next_look=ready.next_look)
        await self._providers.note(channel, outcome, took_s)
        if is_not_taken and not first:  # late: no way that such an alarm takes now waits for the counting
            await self._take_back(ready)
        if is_its_fault(outcome) and await self._providers.none_carries(held.channel):
            await self._behind.move_on(held.lane)

    async def _another_after(self, ready: Ready, outcome: Outcome) -> bool:
        """Return whether the next provider may have it at once.

        Whatever breaks in here, what became of the message is known and has to be written down.
        """
        try:
            return await self._another(ready.held, ready.channel, outcome)
        except Exception:  # better a pause than an alarm of which nobody can say whether it went
            log.exception("call_not_followed_up", attempt_id=ready.attempt.id)
            return False

    async def _take_back(self, ready: Ready) -> None:
        try:
            if ready.counted if isinstance(ready.counted, bool) else await asyncio.shield(ready.counted):
                await self._purse.take_back(ready.held, ready.channel)
        except Exception:  # better too much counted than an alarm of which nobody can say whether it went
            log.exception("spending_not_taken_back", attempt_id=ready.attempt.id)

    async def _write_down(self, attempt: Attempt) -> bool:
        """Write an attempt before it is made; return whether it is ours to make."""
        try:
            await self._records.add(attempt)
        except AlreadyThereError:
            return False
        return True

    async def _another(self, held: Delivery, channel: Channel, outcome: Outcome) -> bool:
        """Return whether the next provider may have this message at once: it is certainly not out by the first.

        Each message is handed on once; when the second will not have it either, it waits as it does with one.
        """
        there_only = isinstance(outcome, Refused) and outcome.reason in ANOTHER_PROVIDER
        is_out_nowhere = isinstance(outcome, TryLater) or refuses_us(outcome) or there_only
        return is_out_nowhere and not held.avoids and await self._providers.has_another(held.channel, channel.name)

    async def _call(self, channel: Channel, held: Delivery, attempt: Attempt) -> Outcome:
        message = message_for(held, attempt.id, mail_domain=self._mail_domain)
        try:
            async with asyncio.timeout(DEADLINE_S[held.channel]):
                return await channel.send(message)
        except TimeoutError:
            return Unclear(reason="deadline")
        except Exception as error:  # a channel answers with outcomes; whatever else comes, it may be out
            log.exception("channel_failed", channel=channel.name, attempt_id=attempt.id)
            return Unclear(reason=f"channel_failed: {type(error).__name__}")

    def _ready(self, held: Delivery, channel: Channel, looked_s: float, next_look: datetime | None = None) -> Ready:
        number = held.tries + 1
        attempt = Attempt(
            id=attempt_id(held, number),
            delivery_id=held.id,
            incident_id=held.incident_id,
            account_id=held.account_id,
            person_id=held.person_id,
            number=number,
            provider=channel.name,
            started_at=self._clock.now(),
        )
        return Ready(held=held, channel=channel, attempt=attempt, looked_s=looked_s, next_look=next_look)


@cache  # there are but a few lanes
def lease_s(lane: str | None) -> float:
    """Return for how long a delivery of this lane is claimed, None: of any: longer than the longest call may take."""
    deadline_s = max(DEADLINE_S.values()) if lane is None else DEADLINE_S[ChannelKind(lane.partition(".")[2])]
    return deadline_s + LEASE_MARGIN_S
