"""Asks providers to erase what they keep of messages to somebody who was erased here, until they have answered.

Each step may run twice: so may asking. What a provider still carries it does not let go of, so that is asked again.
"""

import asyncio
from datetime import timedelta

from alerts.channels.channel import ErasingChannel
from alerts.outcomes import Erasal
from alerts.providers import Providers
from isocket.domain.provider_erasures import ProviderAnswer, ProviderErasure
from isocket.kit.clock import EPOCH, Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, at_most, is_
from isocket.storage.worker import claim, settle

log = get_logger(__name__)

LEASE_S = 30.0
DEADLINE_S = 12.0
AGAIN_S = 60.0  # doubled with each try
AGAIN_CAP_S = 6 * 3600.0
GIVE_UP_AFTER = timedelta(days=30)

_ANSWERS = {
    Erasal.DONE: ProviderAnswer.ERASED,
    Erasal.NOT_THERE: ProviderAnswer.GONE,
    Erasal.IMPOSSIBLE: ProviderAnswer.CANNOT,
}


class ProviderErasing:
    """Works off the wishes."""

    def __init__(self, *, records: Records, clock: Clock, providers: Providers) -> None:
        self._records = records
        self._clock = clock
        self._providers = providers

    async def step(self) -> bool:
        """Ask for one; return whether there was one."""
        held = await claim(
            self._records,
            ProviderErasure,
            is_("settled", False),
            at_most("due_at", self._clock.now()),
            clock=self._clock,
            lease_s=LEASE_S,
            order_by="due_at",
        )
        if held is None:
            return False
        erasal, now = await self._ask(held), self._clock.now()
        answer = _ANSWERS.get(erasal)
        if answer is None and now >= held.asked_at + GIVE_UP_AFTER:
            answer = ProviderAnswer.GAVE_UP
            log.error("provider_keeps_what_was_erased", erasure_id=held.erasure_id, provider=held.provider)
        if answer is None:
            wait_s = min(AGAIN_S * 2**held.tries, AGAIN_CAP_S)
            due_at = now + timedelta(seconds=wait_s)
            await settle(self._records, held, tries=held.tries + 1, due_at=due_at, lease_until=EPOCH)
            return True
        await settle(
            self._records, held, answer=answer, answered_at=now, settled=True, provider_id="", lease_until=EPOCH
        )
        log.info("provider_was_asked_to_erase", erasure_id=held.erasure_id, answer=answer.value)
        return True

    async def _ask(self, held: ProviderErasure) -> Erasal:
        channel = self._providers.named(held.channel, held.provider)
        if not isinstance(channel, ErasingChannel):
            return Erasal.IMPOSSIBLE
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await channel.erase(held.provider_id)
        except TimeoutError:
            return Erasal.LATER
        except Exception:  # a channel answers with outcomes; whatever else comes, asking again does no harm
            log.exception("erasing_elsewhere_failed", erasure_id=held.erasure_id, provider=held.provider)
            return Erasal.LATER
