"""Hands due deliveries to the providers: claims one, checks again, writes the attempt, calls, settles."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from urllib.parse import urlsplit

from alerts.channels.channel import Channel, ChannelKind, Message
from alerts.health import refuses_us
from alerts.last_look import LastLook
from alerts.next_ways import ANOTHER_PROVIDER, SPENDING_CAP, Patience
from alerts.outcomes import Outcome, Refused, TryLater, Unclear
from alerts.providers import Providers
from alerts.settlement import Settlement, attempt_id
from alerts.spending import Purse
from isocket.domain.deliveries import BEHIND, Attempt, Delivery, DeliveryState, place_in_turn, place_until
from isocket.domain.tariff import Tariff
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import AlreadyThereError, Records, Test, above, at_most, is_, together
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
FRESH_S = 0.25  # so long what was read for an alarm need not be read again
LET_IN = 50  # at a time, of what was put off until now
LET_IN_EVERY_S = 0.25
NOT_SET_UP = (DeliveryState.FAILED, "channel_not_configured")


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
    """Sends deliveries, each at most once; when nobody can tell, it stays unclear (see `alerts.unclear`)."""

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
    ) -> None:
        self._records = records
        self._clock = clock
        self._providers = providers
        self._last_look = LastLook(records=records, clock=clock)
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

    async def carry(self, held: Delivery, *, read_at_s: float | None = None) -> None:
        """Check a claimed delivery again, call the provider and settle.

        `read_at_s`: when everything that the check reads was read in the step that made it, which need not be repeated
        within the same moment.
        """
        is_fresh = read_at_s is not None and self._clock.monotonic_s() - read_at_s < FRESH_S
        verdict = None if is_fresh else await self._last_look.verdict(held)
        if isinstance(verdict, datetime):
            await self._settlement.hold(held, verdict)
            return
        channel = await self._providers.choose(held.channel, held.avoids)
        if verdict is not None or channel is None:
            await self._settlement.not_sent(held, *(verdict or NOT_SET_UP))
            return
        attempt = self._attempt(held, channel)
        if self._purse.may_refuse(held):
            if not await self._purse.pay(held, channel):
                await self._settlement.not_sent(held, DeliveryState.FAILED, SPENDING_CAP)
                return
            is_ours = await self._write_down(attempt)
        else:  # both are on disk before the call, and share a commit; the attempt waits for no counting that fails
            is_ours, _ = await together(self._write_down(attempt), self._count(held, channel))
        if not is_ours:
            # Another worker made this attempt: our lease ran out before we got here. It, or the look at what
            # is unclear, settles the delivery.
            log.warning("attempt_made_elsewhere", delivery_id=held.id, attempt_id=attempt.id)
            await self._purse.take_back(held, channel)
            return
        began_s = self._clock.monotonic_s()
        outcome = await self._call(channel, held, attempt)
        took_s = self._clock.monotonic_s() - began_s
        if isinstance(outcome, Refused | TryLater):
            await self._purse.take_back(held, channel)
        await self._settlement.settle(held, attempt, outcome, another=await self._another(held, channel, outcome))
        await self._providers.note(channel, outcome, took_s)

    async def _count(self, held: Delivery, channel: Channel) -> None:
        """Count what a message costs that goes in any case, and whose attempt is being written meanwhile."""
        try:
            await self._purse.pay(held, channel)
        except Exception:  # better too little counted than an alarm of which nobody can say whether it went
            log.exception("spending_not_counted", account_id=held.account_id)

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

    def _attempt(self, held: Delivery, channel: Channel) -> Attempt:
        number = held.tries + 1
        return Attempt(
            id=attempt_id(held, number),
            delivery_id=held.id,
            incident_id=held.incident_id,
            account_id=held.account_id,
            person_id=held.person_id,
            number=number,
            provider=channel.name,
            started_at=self._clock.now(),
        )


def lease_s(lane: str | None) -> float:
    """Return for how long a delivery of this lane is claimed, None: of any: longer than the longest call may take."""
    deadline_s = max(DEADLINE_S.values()) if lane is None else DEADLINE_S[ChannelKind(lane.partition(".")[2])]
    return deadline_s + LEASE_MARGIN_S
