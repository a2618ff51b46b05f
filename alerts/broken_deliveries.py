"""Finds accounts whose messages arrive by no way: `delivery_broken`, until one gets through again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.account_troubles import AccountTroubles
from alerts.operator import OPERATOR
from isocket.domain.accounts import Account
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.incidents import NOT_CLOSED, Cause, Incident
from isocket.kit.clock import EPOCH, Clock
from isocket.storage.port import Records, above, is_, one_of

LOOK_EVERY_S = 15.0
AT_ONCE = 200
LOOKED_BACK = timedelta(days=1)
ENOUGH = 3  # messages in a row that failed

_TO_CONTACTS = (DeliveryKind.ALARM, DeliveryKind.CLEAR, DeliveryKind.TAKEN, DeliveryKind.REMINDER, DeliveryKind.CODE)
_WENT = (DeliveryState.SENT, DeliveryState.DELIVERED)


def is_broken(failed: Sequence[datetime], went: datetime | None) -> bool:
    """Return whether so many messages failed since the last one that went: pure."""
    return sum(went is None or each > went for each in failed) >= ENOUGH


class BrokenDeliveries:
    """Looks at accounts of which a message failed lately, and at those whose trouble is open."""

    def __init__(self, *, records: Records, clock: Clock, public_url: str) -> None:
        self._records = records
        self._clock = clock
        self._troubles = AccountTroubles(Cause.DELIVERY_BROKEN, records=records, public_url=public_url)
        self._last: tuple[datetime, str] | None = None

    async def step(self) -> bool:
        """Look at the next failures and at every open trouble; return False, since alarms are in more of a hurry."""
        now = self._clock.now()
        failed = await self._records.find(
            Delivery,
            is_("state", DeliveryState.FAILED),
            above("due_at", now - LOOKED_BACK),
            order_by="due_at",
            limit=AT_ONCE,
            after=self._last,
        )
        self._last = (failed[-1].due_at, failed[-1].id) if len(failed) == AT_ONCE else None
        for account_id in sorted({each.account_id for each in failed} - {OPERATOR} | await self._open()):
            await self._look_at(account_id, now)
        return False

    async def _open(self) -> set[str]:
        found = await self._records.find(
            Incident,
            is_("cause", Cause.DELIVERY_BROKEN),
            above("detected_at", EPOCH),
            one_of("state", NOT_CLOSED),
        )
        return {each.account_id for each in found}

    async def _look_at(self, account_id: str, now: datetime) -> None:
        account = await self._records.get(Account, account_id)
        if account is None:
            return
        went = await self._ended(account_id, now, _WENT)
        failed = await self._ended(account_id, now, (DeliveryState.FAILED,))
        if is_broken(failed, max(went, default=None)):
            await self._troubles.keep(account, now)
        elif went:
            await self._troubles.end(account_id, now)

    async def _ended(self, account_id: str, now: datetime, states: Sequence[DeliveryState]) -> list[datetime]:
        """Return when messages to contacts of this account ended so, within the time that is looked back."""
        found = [
            each
            for state in states
            for each in await self._records.find(
                Delivery,
                is_("account_id", account_id),
                is_("state", state),
                above("ended_at", now - LOOKED_BACK),
                one_of("kind", _TO_CONTACTS),
            )
        ]
        return [each.ended_at for each in found if each.ended_at is not None]
