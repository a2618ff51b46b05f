"""The providers of each kind of message, in the order in which they are wanted, and the record of how they do."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from alerts import health
from alerts.channels.channel import Channel, ChannelKind
from alerts.health import Count, Standing
from alerts.outcomes import Outcome
from isocket.domain.endpoints import ENDPOINT_KINDS
from isocket.domain.sending import ProviderHealth
from isocket.kit.clock import EPOCH, Clock
from isocket.kit.ids import derived_id
from isocket.kit.logs import get_logger
from isocket.storage.port import Records
from isocket.storage.worker import settle

log = get_logger(__name__)

Ways = Mapping[ChannelKind, Channel | Sequence[Channel]]
"""What the composition root hands over: for each kind its provider, or several in the order of preference."""

WRITE_AGAIN_S = 1.0  # calls that end in between are counted together
_ROUNDS = 5  # against other processes; a count that gets lost is no harm


class Providers:
    """Which provider carries what. One that refuses us, fails or is slow is passed over as long as another is better.

    Every process counts for itself and adds to the stored record; while all goes well nothing is written.
    """

    def __init__(self, ways: Ways, *, records: Records, clock: Clock) -> None:
        self._by_kind = {kind: _as_tuple(way) for kind, way in ways.items()}
        self._records = records
        self._clock = clock
        self._uncounted: dict[str, tuple[Count, float]] = {}  # and since when, which fades as well
        self._written_s: dict[str, float] = {}

    def of(self, kind: ChannelKind) -> tuple[Channel, ...]:
        """Return the providers of a kind; none if it is not set up."""
        return self._by_kind.get(kind, ())

    def named(self, kind: ChannelKind, name: str) -> Channel | None:
        """Return the provider that an attempt names, None if it is not set up any more."""
        return next((each for each in self.of(kind) if each.name == name), None)

    async def choose(self, kind: ChannelKind, avoids: str = "") -> Channel | None:
        """Return whom to ask now, None if nobody is set up for this kind."""
        found = self.of(kind)
        if len(found) <= 1:
            return found[0] if found else None
        name = health.choice([each.name for each in found], await self._standings(kind), avoids)
        return self.named(kind, name)

    async def has_another(self, kind: ChannelKind, than: str) -> bool:
        """Return whether another provider of this kind would have what `than` would not."""
        if len(self.of(kind)) <= 1:
            return False
        standings = await self._standings(kind)
        return any(how is not Standing.REFUSES for name, how in standings.items() if name != than)

    async def none_carries(self, kind: ChannelKind) -> bool:
        """Return whether each provider of this kind is known to refuse us or to fail."""
        return all(how >= Standing.FAILING for how in (await self._standings(kind)).values())

    async def note(self, channel: Channel, outcome: Outcome, took_s: float) -> None:
        """Count a call. What goes to a contact's own endpoint says nothing of any provider."""
        if channel.kind in ENDPOINT_KINDS:
            return
        if health.refuses_us(outcome):
            await self.refuse(channel.kind, channel.name, getattr(outcome, "reason", ""))
        await self._count(channel.kind, channel.name, health.count_of(outcome, took_s))

    async def note_late(self, kind: ChannelKind, name: str) -> None:
        """Count that a receipt did not come in time; a browser that is switched off is no fault of a provider."""
        if kind in ENDPOINT_KINDS:
            return
        await self._count(kind, name, health.LATE)

    async def refuse(self, kind: ChannelKind, name: str, reason: str) -> None:
        """Write down that a provider refuses everything that we send."""
        log.error("provider_refuses_us", channel=kind.value, provider=name, reason=reason)
        await self._change(kind, name, refusal=reason)

    async def _count(self, kind: ChannelKind, name: str, more: Count) -> None:
        record_id, now_s = health_id(kind, name), self._clock.monotonic_s()
        count = self._uncounted_of(record_id) + more
        self._uncounted[record_id] = (count, now_s)
        if self._is_worth_writing(record_id, count):
            self._written_s[record_id] = now_s
            self._uncounted[record_id] = (Count(), now_s)
            await self._change(kind, name, count=count)

    def _is_worth_writing(self, record_id: str, count: Count) -> bool:
        last_s = self._written_s.get(record_id)
        if last_s is None:
            return not count.is_spotless
        # Having written something bad, what is good is written too, until the bad has faded.
        since_s = self._clock.monotonic_s() - last_s
        return since_s >= WRITE_AGAIN_S and (not count.is_spotless or since_s < health.FADING_S)

    def _uncounted_of(self, record_id: str) -> Count:
        now_s = self._clock.monotonic_s()
        known, at_s = self._uncounted.get(record_id, (Count(), now_s))
        return known.after(now_s - at_s)

    async def _standings(self, kind: ChannelKind) -> dict[str, Standing]:
        now = self._clock.now()
        found = {}
        for each in self.of(kind):
            record_id = health_id(kind, each.name)
            record = await self._records.get(ProviderHealth, record_id)
            found[each.name] = health.standing(record, now, self._uncounted_of(record_id))
        return found

    async def _change(self, kind: ChannelKind, name: str, *, count: Count | None = None, refusal: str = "") -> None:
        record_id = health_id(kind, name)
        for _ in range(_ROUNDS):
            now = self._clock.now()
            known = await self._records.get(ProviderHealth, record_id)
            if known is None:
                await self._records.add_all([ProviderHealth(id=record_id, kind=kind, name=name, counted_at=EPOCH)])
                continue
            changes = health.counted(known, count, now) if count is not None else health.refused(refusal, now)
            if await settle(self._records, known, **changes) is not None:
                return


@lru_cache(maxsize=64)  # asked for with each message
def health_id(kind: ChannelKind, name: str) -> str:
    """Return the id of a provider's record."""
    return derived_id("prv", kind, name)


def _as_tuple(way: Channel | Sequence[Channel]) -> tuple[Channel, ...]:
    return tuple(way) if isinstance(way, Sequence) else (way,)
