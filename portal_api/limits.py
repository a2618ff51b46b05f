"""How often something may be tried: token buckets in the store, so that all processes count together."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from isocket.domain.accounts import Bucket
from isocket.kit.clock import Clock
from isocket.storage.keyring import Keyring
from isocket.storage.notes import note, note_first
from isocket.storage.port import AlreadyThereError, Records, is_, one_of
from portal_api.limit_keys import LONGEST_S, LimitKeys
from portal_api.problem import ProblemError, too_many
from portal_api.turns import Turns

_ROUNDS = 50  # against other processes; inside this one a lock keeps the order


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`tries` at once, and as many again spread over `per_s` seconds."""

    name: str
    tries: int
    per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """All limits of the portal, with the defaults that we run with.

    An address is a client's network address, a mailbox an e-mail address. Only failed sign-ins count.
    """

    sign_in_pair: Rate = Rate(name="sign_in_pair", tries=10, per_s=300)  # one account from one address
    sign_in_account: Rate = Rate(name="sign_in_account", tries=100, per_s=3600)  # one account from everywhere
    sign_in_known_s: float = 30 * 86_400  # so long an address counts as one of the account's own
    sign_in_address: Rate = Rate(name="sign_in_address", tries=100, per_s=300)
    refresh_address: Rate = Rate(name="refresh_address", tries=300, per_s=300)
    register_address: Rate = Rate(name="register_address", tries=100, per_s=3600)
    passkey_address: Rate = Rate(name="passkey_address", tries=100, per_s=300)
    reset_address: Rate = Rate(name="reset_address", tries=50, per_s=3600)
    token_address: Rate = Rate(name="token_address", tries=200, per_s=300)  # activation and reset links
    # Of every request, in each process by itself (see `pace`); 0 tries: no limit. Machines of our own have none.
    requests_address: Rate = Rate(name="address", tries=72_000, per_s=3600)
    requests_account: Rate = Rate(name="account", tries=36_000, per_s=3600)
    requests_token: Rate = Rate(name="token", tries=18_000, per_s=3600)
    mailbox_hour: Rate = Rate(name="mailbox_hour", tries=3, per_s=3600)  # our mails to one mailbox
    factor_minutes: Rate = Rate(name="factor_minutes", tries=5, per_s=300)  # wrong second factors of one account
    factor_hour: Rate = Rate(name="factor_hour", tries=20, per_s=3600)
    factor_day: Rate = Rate(name="factor_day", tries=50, per_s=86_400)
    mailbox_day: Rate = Rate(name="mailbox_day", tries=5, per_s=86_400)


class Limits:
    """Counts tries. What is limited is named by a keyed hash, so no address can be read out of the store."""

    def __init__(self, records: Records, clock: Clock, *, key: bytes, keyring: Keyring) -> None:
        """The keys of the hashes change and are destroyed, see `limit_keys`."""
        self._records = records
        self._clock = clock
        secret = hmac.new(key, b"limits", hashlib.sha256).digest()
        self._keys = LimitKeys(clock, secret=secret, keyring=keyring)
        self._turns = Turns()

    async def take(self, rate: Rate, *what: str) -> float:
        """Count one try of `what`; return 0.0 if it is allowed, else the seconds to wait (nothing counted)."""
        bucket_id = await self._bucket_id(rate, what)
        async with self._turns.of(bucket_id):
            for _ in range(_ROUNDS):
                wait_s = await self._try_to_take(rate, bucket_id)
                if wait_s is not None:
                    return wait_s
        return 1.0  # too many processes at the same bucket at once: that is a crowd as well

    async def take_each(self, wanted: Sequence[tuple[Rate, tuple[str, ...]]]) -> float:
        """Count one try of each; return 0.0 if all allow it, else the seconds to wait.

        All are looked at before any is counted, so that a crowd that is refused writes nothing. Where another try is
        quicker in between, those before the one that refuses are counted.
        """
        for rate, what in wanted:
            bucket = await self._records.get(Bucket, await self._bucket_id(rate, what))
            wait_s = 0.0 if bucket is None else _stands(rate, bucket, self._clock.now())[1]
            if wait_s > 0:
                return wait_s
        for rate, what in wanted:
            wait_s = await self.take(rate, *what)
            if wait_s > 0:
                return wait_s
        return 0.0

    async def demand(self, rate: Rate, *what: str) -> None:
        """Count one try of `what`.

        Raises:
            ProblemError: 429 with Retry-After: too many.
        """
        wait_s = await self.take(rate, *what)
        if wait_s > 0:
            raise ProblemError(too_many(wait_s))

    async def give_back(self, rate: Rate, *what: str) -> None:
        """Undo one `take`: the try turned out to be a good one."""
        bucket_id = await self._bucket_id(rate, what)
        async with self._turns.of(bucket_id):
            for _ in range(_ROUNDS):
                bucket = await self._records.get(Bucket, bucket_id)
                if bucket is None or await self._move(bucket, min(rate.tries, bucket.tokens + 1.0)):
                    return

    async def remember(self, lasts_s: float, *what: str) -> None:
        """Note `what` for so long from now, under a keyed hash as well.

        Raises:
            ValueError: longer than the key of the hash is kept.
        """
        if lasts_s > LONGEST_S:
            raise ValueError(f"a note is found again for {LONGEST_S:.0f} s at most")
        noted_id = _noted_id(await self._keys.now(), what)
        await note(self._records, noted_id, self._clock.now() + timedelta(seconds=lasts_s))

    async def remembers(self, *what: str) -> bool:
        """Return whether `what` was noted and its time is not over."""
        ids = [_noted_id(key, what) for key in await self._keys.lately()]
        notes = await self._records.find(Bucket, one_of("id", ids))
        return any(self._clock.now() < each.refilled_at for each in notes)

    async def once(self, lasts_s: float, *what: str) -> bool:
        """Return whether `what` comes for the first time within so long, and note it; of many at once one is first."""
        if await self.remembers(*what):  # also under the key of the week before, which ended a moment ago
            return False
        until = self._clock.now() + timedelta(seconds=lasts_s)
        noted_id = _noted_id(await self._keys.now(), what)
        return await note_first(self._records, noted_id, until)

    async def _try_to_take(self, rate: Rate, bucket_id: str) -> float | None:
        """Return as `take` does, or None when another was quicker and we must look again."""
        now = self._clock.now()
        bucket = await self._records.get(Bucket, bucket_id)
        if bucket is None:
            try:
                await self._records.add(Bucket(id=bucket_id, tokens=rate.tries - 1.0, refilled_at=now))
            except AlreadyThereError:
                return None
            return 0.0
        tokens, wait_s = _stands(rate, bucket, now)
        if wait_s > 0:
            return wait_s
        moved = await self._records.change_one(
            Bucket, is_("id", bucket_id), is_("version", bucket.version), tokens=tokens - 1.0, refilled_at=now
        )
        return 0.0 if moved else None

    async def _move(self, bucket: Bucket, tokens: float) -> bool:
        moved = await self._records.change_one(
            Bucket, is_("id", bucket.id), is_("version", bucket.version), tokens=tokens
        )
        return moved is not None

    async def _bucket_id(self, rate: Rate, what: tuple[str, ...]) -> str:
        return f"buc_{_hidden(await self._keys.now(), rate.name, *what)}"


def _stands(rate: Rate, bucket: Bucket, now: datetime) -> tuple[float, float]:
    """Return how many tries are left now, and the seconds until there is one (0.0: there is)."""
    per_token_s = rate.per_s / rate.tries
    passed_s = max(0.0, (now - bucket.refilled_at) / timedelta(seconds=1))
    tokens = min(float(rate.tries), bucket.tokens + passed_s / per_token_s)
    return tokens, 0.0 if tokens >= 1.0 else max(0.001, (1.0 - tokens) * per_token_s)


def _noted_id(key: bytes, what: tuple[str, ...]) -> str:
    return f"noted_{_hidden(key, 'noted', *what)}"


def _hidden(key: bytes, *words: str) -> str:
    return hmac.new(key, "\x1f".join(words).encode(), hashlib.sha256).hexdigest()[:32]
