"""Opens and ends incidents of a whole account, and tells its owner by mail: they have no ladder to climb."""

from datetime import datetime

from alerts.notices import notice_of_trouble
from alerts.raising import close_raised, raise_incident, raised
from alerts.stories import story_of
from isocket.domain.accounts import Account
from isocket.domain.deliveries import Delivery
from isocket.domain.incidents import Cause
from isocket.kit.clock import to_ms
from isocket.storage.port import Records


class AccountTroubles:
    """Keeps one cause. Every step may run twice: who is open already is not opened again, a notice has its own id."""

    def __init__(self, cause: Cause, *, records: Records, public_url: str) -> None:
        self._cause = cause
        self._records = records
        self._public_url = public_url

    async def keep(self, account: Account, now: datetime, *, device_id: str = "") -> None:
        """Have it open, and its owner told once."""
        incident = await raise_incident(
            self._records,
            account_id=account.id,
            cause=self._cause,
            opener=str(to_ms(now)),
            now=now,
            device_id=device_id,
            told=False,
        )
        story = await story_of(self._records, incident)
        notice = notice_of_trouble(account, story, public_url=self._public_url, now=now)
        if await self._records.get(Delivery, notice.id) is None:
            await self._records.add_all([notice])

    async def end(self, account_id: str, now: datetime, *, device_id: str = "") -> None:
        """Have it closed where it is open."""
        known = await raised(self._records, account_id=account_id, cause=self._cause, device_id=device_id)
        if known is not None:
            await close_raised(self._records, known, now=now)
