"""Deliveries of which it is not known whether they went out: finds them, asks, and in the end gives up."""

import asyncio
from datetime import datetime, timedelta

from alerts.dispatcher import mail_domain_of, message_for
from alerts.next_ways import Patience
from alerts.outcomes import Outcome, Sent, Unclear
from alerts.providers import Providers
from alerts.settlement import UNCLEAR_LIFE_S, Settlement, attempt_id, outcome_of
from isocket.domain.deliveries import Attempt, Delivery, DeliveryState
from isocket.domain.reach import NOT_CONFIGURED
from isocket.kit.clock import EPOCH, Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, above, at_most, is_, is_not
from isocket.storage.worker import claim, settle

log = get_logger(__name__)

LEASE_S = 30.0
LOOK_UP_DEADLINE_S = 15.0
LOOK_BACK_S = 5.0  # clocks of ours and of a provider differ a little
UNKNOWN = Unclear(reason="not_found")


class UnclearDeliveries:
    """Settles what a dead worker left and what a lost answer left. Receipts do it too, and often sooner."""

    def __init__(
        self,
        *,
        records: Records,
        clock: Clock,
        providers: Providers,
        public_url: str,
        patience: Patience | None = None,
    ) -> None:
        self._records = records
        self._clock = clock
        self._providers = providers
        self._mail_domain = mail_domain_of(public_url)
        self._settlement = Settlement(records=records, clock=clock, public_url=public_url, patience=patience)

    async def step(self) -> bool:
        """Look at one delivery; return whether there was one."""
        return await self._find_left_behind() or await self._ask()

    async def _find_left_behind(self) -> bool:
        """Take over a call whose worker is gone, since its lease ran out; return whether there was one."""
        held = await claim(
            self._records,
            Delivery,
            is_("state", DeliveryState.CALLING),
            clock=self._clock,
            lease_s=LEASE_S,
            order_by="due_at",
        )
        if held is None:
            return False
        attempt = await self._records.get(Attempt, attempt_id(held, held.tries + 1))
        if attempt is None:
            # The attempt is written before the call, so there was none. Should the old worker wake up after
            # all, it finds this attempt's id taken.
            await settle(self._records, held, state=DeliveryState.DUE, lease_until=EPOCH)
        else:
            log.warning("call_left_behind", delivery_id=held.id, attempt_state=attempt.state.value)
            await self._settlement.settle(held, attempt, outcome_of(attempt))
        return True

    async def _ask(self) -> bool:
        """Ask the provider what became of an attempt whose answer was lost; return whether there was one."""
        now = self._clock.now()
        held = await claim(
            self._records,
            Delivery,
            is_("state", DeliveryState.UNCLEAR),
            at_most("due_at", now),
            clock=self._clock,
            lease_s=LEASE_S,
            order_by="due_at",
        )
        if held is None:
            return False
        attempt = await self._records.get(Attempt, attempt_id(held, held.tries))
        if attempt is None:
            await self._settlement.give_up(held)
            return True
        known = outcome_of(attempt)  # its worker may have come back after it was given up for lost
        if not isinstance(known, Unclear):
            await self._settlement.settle(held, attempt, known)
        elif now >= attempt.started_at + timedelta(seconds=UNCLEAR_LIFE_S):
            # Without asking: a provider that hangs must not hold up the end.
            await self._settlement.give_up(held, provider=attempt.provider)
        else:
            await self._settlement.settle(held, attempt, await self._look_up(held, attempt))
        return True

    async def _look_up(self, held: Delivery, attempt: Attempt) -> Outcome:
        channel = self._providers.named(held.channel, attempt.provider)
        if channel is None:
            return Unclear(reason=NOT_CONFIGURED)
        message = message_for(held, attempt.id, mail_domain=self._mail_domain)
        since = attempt.started_at - timedelta(seconds=LOOK_BACK_S)
        try:
            async with asyncio.timeout(LOOK_UP_DEADLINE_S):
                found = await channel.look_up(message, since)
                return UNKNOWN if await self._is_anothers(found, attempt, since) else found
        except TimeoutError:
            return Unclear(reason="deadline")
        except Exception as error:  # a question without an answer leaves the delivery as it was
            log.exception("look_up_failed", channel=channel.name, attempt_id=attempt.id)
            return Unclear(reason=f"look_up_failed: {type(error).__name__}")

    async def _is_anothers(self, found: Outcome, attempt: Attempt, since: datetime) -> bool:
        """Return whether another attempt is known to have become what was found: of two calls to one person, say."""
        if not isinstance(found, Sent):
            return False
        lately = is_("receipt_expected", True), above("started_at", since)
        others = is_("provider_id", found.provider_id), is_not("id", attempt.id)
        return await self._records.count(Attempt, *lately, *others) > 0
