"""Works through what providers said later: attempts and deliveries move forward, never back."""

from datetime import timedelta
from typing import Any

from alerts import pausing
from alerts.endings import REACHED, UNCLEAR, ended
from alerts.next_ways import NOTHING_OF_OURS, WITH_OTHER_WAYS, Patience, moving_on
from alerts.outcomes import ReceiptKind, ReceiptMeaning
from alerts.providers import Providers
from alerts.receipt_meanings import meaning_of
from alerts.timeline import delivery_line
from isocket.domain.deliveries import Attempt, AttemptState, Delivery, DeliveryState, Receipt
from isocket.domain.incidents import Happening
from isocket.domain.pauses import OPTED_OUT
from isocket.kit.clock import EPOCH, Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, is_
from isocket.storage.worker import claim, settle

log = get_logger(__name__)

LEASE_S = 15.0

# What a receipt may still change. A failure that came first may be wrong, delivery is never taken back; and what
# was given up as unclear is no longer unclear once the provider speaks of it.
_ON_THE_WAY = frozenset({DeliveryState.CALLING, DeliveryState.UNCLEAR})
_NOT_ENDED_WELL = _ON_THE_WAY | {DeliveryState.SENT, DeliveryState.FAILED}


class Receipts:
    """Takes in one receipt at a time; receipts come late, repeated and out of order, and each may be read twice."""

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
        self._public_url = public_url
        self._patience = patience or Patience()

    async def step(self) -> bool:
        """Take in one receipt; return whether there was one."""
        held = await claim(
            self._records,
            Receipt,
            is_("settled", False),
            clock=self._clock,
            lease_s=LEASE_S,
            order_by="received_at",
        )
        if held is None:
            return False
        await self._take_in(held)
        await settle(self._records, held, settled=True, lease_until=EPOCH)
        return True

    async def _take_in(self, receipt: Receipt) -> None:
        attempt = await self._records.get(Attempt, receipt.attempt_id)
        delivery = None if attempt is None else await self._records.get(Delivery, attempt.delivery_id)
        meaning = None if delivery is None else meaning_of(receipt.status, receipt.error_code, delivery)
        if attempt is None or delivery is None or meaning is None or meaning.rank == 0:
            log.info("receipt_without_use", receipt_id=receipt.id, status=receipt.status[:32])
            return
        await self._records.add_all(
            delivery_line(
                delivery,
                Happening.RECEIPT,
                receipt.id,
                at=receipt.received_at,
                reason=meaning.reason,
                detail={
                    "attempt_id": receipt.attempt_id,
                    "status": receipt.status,
                    "error_code": receipt.error_code,
                },
            )
        )
        await self._move_attempt(receipt, meaning, delivery)
        if meaning.reason == OPTED_OUT and delivery.contact_id is not None:
            await pausing.pause_whom_the_provider_refuses(
                self._records, delivery, clock=self._clock, public_url=self._public_url
            )
        if _is_failure(meaning) and meaning.reason in NOTHING_OF_OURS:
            await self._providers.refuse(delivery.channel, attempt.provider, meaning.reason)
        await self._move_delivery(delivery.id, meaning)
        if meaning.kind is ReceiptKind.DELIVERED:
            await self._call_off_the_rest(delivery)

    async def _move_attempt(self, receipt: Receipt, meaning: ReceiptMeaning, delivery: Delivery) -> None:
        """Remember the furthest status; whoever changes the attempt meanwhile makes us read it again."""
        while (attempt := await self._records.get(Attempt, receipt.attempt_id)) is not None:
            earlier = attempt.receipt
            before = meaning_of(earlier, None, delivery) if earlier else None
            changes: dict[str, object] = {}
            if meaning.moves_on_from(before):
                changes["receipt"] = receipt.status
            if attempt.state in {AttemptState.STARTED, AttemptState.UNCLEAR}:
                changes |= {
                    "state": AttemptState.SENT,
                    "provider_id": receipt.provider_id,
                    "receipt_expected": True,
                }
            if not changes or await settle(self._records, attempt, **changes) is not None:
                return

    async def _move_delivery(self, delivery_id: str, meaning: ReceiptMeaning) -> None:
        while (delivery := await self._records.get(Delivery, delivery_id)) is not None:
            state = _next_state(delivery, meaning)
            if state is None:
                break
            reason = meaning.reason if state is DeliveryState.FAILED else ""
            changes = ended(delivery, state, at=self._clock.now(), reason=reason)
            if await settle(self._records, delivery, **changes, **self._moving_on(delivery, state)) is not None:
                log.info("delivery_receipt", delivery_id=delivery_id, state=state.value, reason=reason)
                break

    def _moving_on(self, delivery: Delivery, state: DeliveryState) -> dict[str, Any]:
        if delivery.kind not in WITH_OTHER_WAYS:
            return {}
        waits = {DeliveryState.FAILED: timedelta(0), DeliveryState.SENT: self._patience.for_a_receipt(delivery)}
        return moving_on(self._clock.now(), waits.get(state))

    async def _call_off_the_rest(self, delivered: Delivery) -> None:
        """Call off what was to tell the same person by another way and has not gone yet."""
        now = self._clock.now()
        for other in await self._due_beside(delivered):
            changes = ended(other, DeliveryState.CALLED_OFF, at=now, reason=REACHED)
            if await settle(self._records, other, **changes, moves_on=False) is not None:
                log.info("delivery_called_off", delivery_id=other.id, reason=REACHED)
            await self._records.add_all(delivery_line(other, Happening.NOT_SENT, "not_sent", at=now, reason=REACHED))

    async def _due_beside(self, delivered: Delivery) -> list[Delivery]:
        if delivered.incident_id is None:
            return []
        found = await self._records.find(
            Delivery,
            is_("incident_id", delivered.incident_id),
            is_("kind", delivered.kind),
            is_("contact_id", delivered.contact_id),
        )
        root = delivered.instead_of or delivered.id
        chain = [each for each in found if root in {each.id, each.instead_of} and each.id != delivered.id]
        return [each for each in chain if each.state is DeliveryState.DUE or each.reason == REACHED]


def _is_failure(meaning: ReceiptMeaning) -> bool:
    return meaning.kind in {ReceiptKind.FAILED_PERMANENTLY, ReceiptKind.FAILED_TRY_OTHER_CHANNEL}


def _next_state(delivery: Delivery, meaning: ReceiptMeaning) -> DeliveryState | None:
    """Return the state to which this receipt moves the delivery, None if it says nothing new."""
    state = delivery.state
    if meaning.kind is ReceiptKind.DELIVERED:
        return DeliveryState.DELIVERED if state in _NOT_ENDED_WELL else None
    given_up = state is DeliveryState.FAILED and delivery.reason == UNCLEAR
    if _is_failure(meaning):
        hopeful = state in _ON_THE_WAY or state is DeliveryState.SENT or given_up
        return DeliveryState.FAILED if hopeful else None
    return DeliveryState.SENT if state in _ON_THE_WAY or given_up else None
