"""What texts and calls may cost an account in a month: counted as they go, before where the money may not reach, and
never a reason to keep a critical alarm from anybody."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import ceil
from operator import add
from typing import Any

from alerts.channels.channel import Channel, ChannelKind
from alerts.channels.gsm7 import SEGMENT_SEPTETS, is_gsm7, septets
from alerts.notices import notice_of_spending
from alerts.operator import OPERATOR
from isocket.domain.accounts import Account
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.incidents import Severity
from isocket.domain.sending import Spending, month_of, spending_id
from isocket.domain.tariff import PAID, Tariff
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, is_
from isocket.storage.worker import settle

log = get_logger(__name__)

TOLD_AT_PERCENT = (100, 80)
FREE_PROVIDERS = frozenset({"desk"})
_ROUNDS = 50  # against other calls of the same account


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bill:
    """What one message costs."""

    segments: int
    calls: int
    micro: int

    def __add__(self, other: "_Bill") -> "_Bill":
        return _Bill(
            segments=self.segments + other.segments,
            calls=self.calls + other.calls,
            micro=self.micro + other.micro,
        )

    def added_to(self, spending: Spending, sign: int) -> dict[str, Any]:
        return {
            "segments": max(0, spending.segments + sign * self.segments),
            "calls": max(0, spending.calls + sign * self.calls),
            "spent_micro": max(0, spending.spent_micro + sign * self.micro),
        }


class Purse:
    """Pays for messages. Whoever dies between paying and calling has paid.

    Too little is counted if the store fails, or who counts again beside another message of the account dies with it.
    """

    def __init__(self, *, records: Records, clock: Clock, tariff: Tariff, public_url: str) -> None:
        self._records = records
        self._clock = clock
        self._tariff = tariff
        self._public_url = public_url

    async def pay(self, held: Delivery, channel: Channel) -> bool:
        """Count what this message costs; return False, with nothing counted, where the month's money does not reach.

        A critical alarm is always paid for.
        """
        bill = self._bill(held, channel)
        return bill is None or await self._pay(held.account_id, bill, anyway=_goes_anyway(held))

    async def pay_anyway(self, going: Sequence[tuple[Delivery, Channel]]) -> None:
        """Count at once what several messages of one account cost of which none may be refused."""
        bills = [bill for held, channel in going if (bill := self._bill(held, channel)) is not None]
        if bills:
            await self._pay(going[0][0].account_id, reduce(add, bills), anyway=True)

    async def _pay(self, account_id: str, bill: _Bill, *, anyway: bool) -> bool:
        for _ in range(_ROUNDS):
            known, spending = await self._spending(account_id)
            if self._is_too_much(spending, bill) and not anyway:
                await self._tell(spending, at_least_percent=100)
                return False
            paid = await self._count(known, spending, bill)
            if paid is not None:
                await self._tell(paid)
                return True
        log.warning("spending_not_counted", account_id=account_id)  # a crowd; the message matters more
        return True

    def may_refuse(self, held: Delivery) -> bool:
        """Return whether `pay` might say that the month's money does not reach for this message."""
        return bool(self._tariff.cap_micro) and not _goes_anyway(held)

    async def take_back(self, held: Delivery, channel: Channel) -> None:
        """Undo one `pay`: the provider certainly did not take the message."""
        bill = self._bill(held, channel)
        if bill is None:
            return
        for _ in range(_ROUNDS):
            known, spending = await self._spending(held.account_id)
            if not known or await settle(self._records, spending, **bill.added_to(spending, -1)) is not None:
                return

    def _bill(self, held: Delivery, channel: Channel) -> _Bill | None:
        """Return what a message costs, None if it costs nothing: by mail, on the desk, or to the operator."""
        if held.channel not in PAID or channel.name in FREE_PROVIDERS or held.account_id == OPERATOR:
            return None
        segments = segments_of(held.text) if held.channel is ChannelKind.SMS else 0
        calls = int(held.channel is ChannelKind.VOICE)
        micro = self._tariff.price_micro(held.channel, held.address, segments + calls)
        return _Bill(segments=segments, calls=calls, micro=micro) if micro else None

    def _is_too_much(self, spending: Spending, bill: _Bill) -> bool:
        cap = self._tariff.cap_micro
        return bool(cap) and spending.spent_micro + bill.micro > cap

    async def _spending(self, account_id: str) -> tuple[bool, Spending]:
        """Return whether this month's spending is stored already, and how it stands."""
        now = self._clock.now()
        month = month_of(now)
        record_id = spending_id(account_id, month)
        found = await self._records.get(Spending, record_id)
        if found is not None:
            return True, found
        return False, Spending(id=record_id, account_id=account_id, month=month, started_at=now)

    async def _count(self, known: bool, spending: Spending, bill: _Bill) -> Spending | None:
        """Count a message; None when another was counted meanwhile. The first of a month brings its record along."""
        if known:
            return await settle(self._records, spending, **bill.added_to(spending, 1))
        first = replace(spending, **bill.added_to(spending, 1))
        return first if await self._records.add_all([first]) else None

    async def _tell(self, spending: Spending, *, at_least_percent: int = 0) -> None:
        """Tell the owner once that most, and once that all of the month's money is spent."""
        cap = self._tariff.cap_micro
        if not cap:
            return
        reached = max(at_least_percent, spending.spent_micro * 100 // cap)
        if reached < min(TOLD_AT_PERCENT):
            return
        percent = next(each for each in TOLD_AT_PERCENT if reached >= each)
        if spending.spent_micro > cap + self._tariff.reserve_micro:
            log.error("spending_beyond_the_reserve", account_id=spending.account_id)
        if percent <= spending.told_percent:
            return
        account = await self._records.get(Account, spending.account_id)
        if account is not None:
            notice = notice_of_spending(
                account, spending, self._tariff, percent=percent, public_url=self._public_url, now=self._clock.now()
            )
            await self._records.add_all([notice])
        await self._records.change_one(
            Spending, is_("id", spending.id), is_("told_percent", spending.told_percent), told_percent=percent
        )
        log.info("spending_told", account_id=spending.account_id, percent=percent)


def segments_of(text: str) -> int:
    """Return in how many pieces a text goes and is paid: of 160 letters of the GSM alphabet or 70 others, less where
    there are several (3GPP TS 23.040 section 9.2.3.24.1)."""
    if is_gsm7(text):
        length = septets(text)
        return 1 if length <= SEGMENT_SEPTETS else ceil(length / 153)
    units = len(text.encode("utf-16-be")) // 2
    return 1 if units <= 70 else ceil(units / 67)  # noqa: PLR2004 - the standard's figures


def _goes_anyway(held: Delivery) -> bool:
    return held.kind is DeliveryKind.ALARM and held.severity in {Severity.CRITICAL, None}
