"""Tells everybody by mail of a large change of the privacy policy, once each; small ones are shown on the pages.

Each version is noted when it is first seen: what it says must then stay as it was, also if both file and list change.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from isocket.domain.accounts import Account
from isocket.domain.deliveries import Delivery
from isocket.domain.policies import Policy, PolicyBrokenError, PolicyVersion, Severity
from isocket.domain.policy_letters import policy_mail
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, every, is_
from privacy.rounds import survived

log = get_logger(__name__)

LOOK_EVERY_S = 3600.0
USEFUL = timedelta(days=14)
_AT_ONCE = 200


class PolicyNotices:
    """Looks when it starts and every hour. A look may be broken off anywhere and run twice."""

    def __init__(self, *, records: Records, clock: Clock, public_url: str, versions: Sequence[Policy]) -> None:
        self._records = records
        self._clock = clock
        self._public_url = public_url.rstrip("/")
        self._versions = versions

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop`.

        Raises:
            PolicyBrokenError: as of `round`: nobody may run it with another text.
        """
        while not stop.is_set():
            with survived(log, waits="policy_waits", broken_off="policy_broken_off", but=PolicyBrokenError):
                await self.round()
            await self._clock.wait(stop, LOOK_EVERY_S)

    async def round(self) -> int:
        """Note what is new, and tell of what is large; return how many mails were made.

        Raises:
            PolicyBrokenError: a version says something else than when it was first seen here.
        """
        made = 0
        before: Policy | None = None
        for each in self._versions:
            if each.noticed_at <= self._clock.now():
                made += await self._see(each, before)
            before = each
        return made

    async def _see(self, policy: Policy, before: Policy | None) -> int:
        now = self._clock.now()
        noted = PolicyVersion(
            id=policy.version, digest=policy.digest, effective_at=policy.effective_at, first_seen_at=now
        )
        await self._records.add_all([noted])
        stored = await self._records.get(PolicyVersion, policy.version)
        if stored is None or stored.digest != policy.digest:
            raise PolicyBrokenError(f"Version {policy.version} of the policy is not what was published here before.")
        if stored.told_at is not None:
            return 0
        made = await self._tell(policy, before, now) if policy.severity is Severity.MAJOR and before else 0
        await self._records.change_one(PolicyVersion, is_("id", policy.version), told_at=now)
        log.info("policy_told", messages=made)
        return made

    async def _tell(self, policy: Policy, before: Policy, now: datetime) -> int:
        """Make a mail for each account that was there before; whoever comes later finds the version as it is."""
        made, letters = 0, list[Delivery]()
        async for account in every(self._records, Account, page=_AT_ONCE):
            if account.created_at < policy.noticed_at and account.email:
                letters.append(self._mail(account, policy, before, now))
            if len(letters) >= _AT_ONCE:
                made += await self._records.add_all(letters)
                letters = []
        return made + await self._records.add_all(letters)

    def _mail(self, account: Account, policy: Policy, before: Policy, now: datetime) -> Delivery:
        letter = policy_mail(
            account.language,
            day=policy.effective_at,
            summary=policy.summary,
            changes=f"{self._public_url}/policy/{before.version}/changes/{policy.version}",
            page=f"{self._public_url}/policy/{policy.version}",
        )
        once = ("policy", policy.version, account.id)
        return Delivery.of(letter, person_id=account.id, address=account.email, once=once, now=now, useful=USEFUL)
