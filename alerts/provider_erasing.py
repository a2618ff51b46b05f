"""Asks providers to erase what they keep of messages to somebody who was erased here, until they have answered.

Each step may run twice: so may asking. What a provider still carries it does not erase, so that is asked again; a call
that rings or is listened to meanwhile is ended.
"""

import asyncio
from datetime import timedelta

from alerts.channels.channel import CancellingChannel, ErasingChannel
from alerts.outcomes import Erasal
from alerts.providers import Providers
from alerts.wishes import DEADLINE_S, Wishes
from isocket.domain.provider_erasures import ProviderAnswer, ProviderErasure
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import Records

log = get_logger(__name__)

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
        self._clock = clock
        self._providers = providers
        self._wishes = Wishes(ProviderErasure, records=records, clock=clock, again_s=AGAIN_S, again_cap_s=AGAIN_CAP_S)

    async def step(self) -> bool:
        """Ask for one; return whether there was one."""
        held = await self._wishes.claim_due()
        if held is None:
            return False
        erasal, now = await self._ask(held), self._clock.now()
        answer = _ANSWERS.get(erasal)
        if answer is None and now >= held.asked_at + GIVE_UP_AFTER:
            answer = ProviderAnswer.GAVE_UP
            log.error("provider_keeps_what_was_erased", erasure_id=held.erasure_id, provider=held.provider)
        if answer is None:
            await self._wishes.ask_again(held)
            return True
        await self._wishes.settle(held, answer=answer, answered_at=now, provider_id="")
        log.info("provider_was_asked_to_erase", erasure_id=held.erasure_id, answer=answer.value)
        return True

    async def _ask(self, held: ProviderErasure) -> Erasal:
        channel = self._providers.named(held.channel, held.provider)
        if not isinstance(channel, ErasingChannel):
            return Erasal.IMPOSSIBLE
        try:
            async with asyncio.timeout(DEADLINE_S):
                erasal = await channel.erase(held.provider_id)
                if erasal is Erasal.LATER and isinstance(channel, CancellingChannel):
                    await channel.cancel(held.provider_id)
                return erasal
        except TimeoutError:
            return Erasal.LATER
        except Exception:  # a channel answers with outcomes; whatever else comes, asking again does no harm
            log.exception("erasing_elsewhere_failed", erasure_id=held.erasure_id, provider=held.provider)
            return Erasal.LATER
