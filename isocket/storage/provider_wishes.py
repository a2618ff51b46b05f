"""Notes for each message that a provider carried that it be erased there too, before what names it is removed here."""

from collections.abc import Sequence
from datetime import datetime

from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Attempt, Delivery
from isocket.domain.disclosures import DESK
from isocket.domain.provider_erasures import ProviderErasure
from isocket.kit.ids import derived_id
from isocket.storage.port import PAGE, Records, Test, every, one_of

_KEPT_BY_PROVIDERS = frozenset({ChannelKind.SMS, ChannelKind.VOICE})


async def ask_providers(records: Records, erasure_id: str, whose: Test, *, now: datetime) -> int:
    """Note the wishes of an erasure, from the attempts that fit; return how many were new. It may run twice.

    What never got a name from its provider cannot be asked for.
    """
    noted, waiting = 0, list[Attempt]()
    async for each in every(records, Attempt, whose):
        if each.provider_id and each.provider != DESK:
            waiting.append(each)
        if len(waiting) >= PAGE:
            noted, waiting = noted + await _note(records, erasure_id, waiting, now), []
    return noted + await _note(records, erasure_id, waiting, now)


async def _note(records: Records, erasure_id: str, attempts: Sequence[Attempt], now: datetime) -> int:
    if not attempts:
        return 0
    ids = sorted({each.delivery_id for each in attempts})
    ways = {each.id: each.channel for each in await records.find(Delivery, one_of("id", ids))}
    wishes = [
        ProviderErasure(
            id=derived_id("per", each.id),
            erasure_id=erasure_id,
            channel=ways[each.delivery_id],
            provider=each.provider,
            provider_id=each.provider_id or "",
            asked_at=now,
            due_at=now,
        )
        for each in attempts
        if ways.get(each.delivery_id) in _KEPT_BY_PROVIDERS
    ]
    return await records.add_all(wishes) if wishes else 0
