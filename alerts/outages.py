"""Keeps what befalls many sockets at once: notices it, tells the operator once, and holds `offline` back for it.

There is one open outage of ours at a time, and one power cut. The judge asks here before it opens an incident, so
that the first of ten thousand is held back as well; a worker looks every few seconds.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.causes import severity_of
from alerts.fleet import (
    DEAF_AFTER_S,
    FEWEST_OTHERS,
    LONGEST_S,
    SETTLING_S,
    Thresholds,
    coarse,
    fell_silent,
    is_back,
    lost_power,
)
from alerts.metrics import AlertMetrics
from alerts.operator import Operator, tell_operator
from alerts.outage_news import news_of, news_of_end
from alerts.rules.decisions import Decision, Open, Release
from alerts.rules.memory import Key
from alerts.timeline import incident_line
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Happening, Incident, Severity
from isocket.domain.listening import BRIDGE, Listening
from isocket.domain.outages import PREFIX, SILENCING, Outage, OutageKind
from isocket.domain.settings import DeviceSettings
from isocket.kit.clock import Clock, to_ms
from isocket.kit.ids import derived_id
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, Test, above, is_, is_not, one_of
from isocket.storage.telemetry import RollCall, Telemetry

log = get_logger(__name__)

LOOK_EVERY_S = 5.0
FRESH_S = 1.0  # so old what was counted may be when thousands are judged at once
FEW_FRESH_S = 10.0  # and so old the answer that they are all of a few customers, for which each of them is looked at
SOME_GONE = 200  # sockets whose owners are looked up at a time
SOME_CUT = 200  # sockets without power that are looked at one by one

FLAPPING_S = 900.0
"""An outage that follows another sooner is told only when it has lasted so long."""

OURS, POWER = "ours", "power"
"""The keys of which one outage at a time can be open."""


class Outages:
    """What is out at present, for the judges of one process and for the worker that watches."""

    def __init__(
        self,
        *,
        records: Records,
        telemetry: Telemetry,
        clock: Clock,
        limits: Thresholds | None = None,
        operator: Operator | None = None,
        metrics: AlertMetrics | None = None,
    ) -> None:
        self._records = records
        self._telemetry = telemetry
        self._clock = clock
        self._limits = limits or Thresholds()
        self._operator = operator or Operator()
        self._metrics = metrics or AlertMetrics()
        self._started_at = clock.now()
        self._counted: tuple[datetime, RollCall] | None = None
        self._of_few_at: datetime | None = None  # when those that are gone were last seen to be of a few customers
        self._power_looked_at: datetime | None = None
        self._asked, self._cut = 0, 0  # how often since then, and how many were cut then

    async def known(self) -> Outage | None:
        """Return the outage of ours that is known of."""
        return await self._open(OURS)

    async def silencing(self) -> Outage | None:
        """Return the outage that explains why a socket is not heard now; look anew before saying that there is none."""
        return await self._open(OURS) or await self._notice_silence(self._clock.now())

    async def power_cut(self, known: Outage | None) -> Outage | None:
        """Return the power cut of many that is going on, None where it is not known to be one (yet).

        `known`: the one that was stored a moment ago.
        """
        self._asked += 1
        if known is not None:
            return known
        now = self._clock.now()
        # Each look goes through all that were cut lately; the more there are, the rarer it is worth while.
        if self._asked <= self._cut // 4 and not self._is_stale(self._power_looked_at, now):
            return None
        self._power_looked_at, self._asked = now, 0
        return await self._notice_power(now)

    async def look(self) -> bool:
        """Look once at the fleet and at what is out; return False: there is never more to do at once."""
        now = self._clock.now()
        ours = await self.silencing()
        if ours is not None and await self._is_news(ours, now):
            # Each time: a judge may have noticed it, or somebody who died before telling.
            await tell_operator(self._records, self._operator, "outage", ours.id, news_of(ours), now=now)
        if ours is not None:
            ours = await self._follow(ours, now)
        power = await self._open(POWER)
        power = await (self._notice_power(now) if power is None else self._follow_power(power, now))
        kinds = {each.kind for each in (ours, power) if each is not None}
        self._metrics.outages(kinds)
        return False

    async def _notice_silence(self, now: datetime) -> Outage | None:
        deaf_since = await self._deaf_since(now)
        if deaf_since is not None:
            roll = await self._roll_call(now)
            return await self._begin(OutageKind.DEAF, OURS, deaf_since, now, hit=roll.all, fleet=roll.all)
        if not await self._listens_long_enough(now):
            return None
        roll = await self._roll_call(now)
        if not fell_silent(roll, self._limits) or not await self._are_of_many(now):
            return None
        return await self._begin(OutageKind.FLEET, OURS, now, now, hit=roll.gone, fleet=roll.present + roll.gone)

    async def _follow(self, outage: Outage, now: datetime) -> Outage | None:
        """Keep count of an outage of ours, and end it when the sockets are there again; return it while it lasts."""
        roll = await self._roll_call(now)
        if await self._deaf_since(now) is None:
            too_long = now >= outage.began_at + timedelta(seconds=LONGEST_S)
            if too_long or is_back(outage, roll, self._limits):
                await self._end(outage, now)
                return None
        if roll.gone > outage.hit:
            await self._records.change_one(Outage, is_("id", outage.id), hit=roll.gone)
        return outage

    async def _deaf_since(self, now: datetime) -> datetime | None:
        """Return since when nobody listens or ever did, None while somebody does or before we can tell."""
        bridge = await self._records.get(Listening, BRIDGE)
        since = self._started_at if bridge is None else max(bridge.until, self._started_at)
        return since if now > since + timedelta(seconds=DEAF_AFTER_S) else None

    async def _listens_long_enough(self, now: datetime) -> bool:
        """Return whether sockets have had time to be heard since we listen: a pause of ours is no silence of theirs."""
        bridge = await self._records.get(Listening, BRIDGE)
        since = self._started_at if bridge is None else bridge.since
        return now >= since + timedelta(seconds=SETTLING_S)

    async def _are_of_many(self, now: datetime) -> bool:
        """Return whether those that are gone are of several customers: a house without a network is news to its own.

        That they are of few is remembered for a while: each that is judged asks.
        """
        if not self._is_stale(self._of_few_at, now, FEW_FRESH_S):
            return False
        owners: set[str | None] = set()
        last = ""
        while True:
            gone = await self._telemetry.gone(now=now, within_s=self._limits.within_s, limit=SOME_GONE, after=last)
            found = await self._records.find(Device, one_of("id", gone), is_not("owner_id", None))
            owners.update(each.owner_id for each in found)
            if len(owners) > FEWEST_OTHERS:
                return True
            if len(gone) < SOME_GONE:
                self._of_few_at = now
                return False
            last = gone[-1]

    async def _notice_power(self, now: datetime) -> Outage | None:
        """Return the power cut that begins, None where few are hit. Alarms wait for this: the cheap question first."""
        some = await self._some_cut(now)
        customers = len({each.account_id for each in some})
        if customers <= FEWEST_OTHERS:
            return None
        hit = await self._records.count(Incident, *self._lately_cut(now))
        fleet = (await self._roll_call(now)).all
        if not lost_power(customers=customers, sockets=hit, fleet=fleet, limits=self._limits):
            return None
        began = min(each.detected_at for each in some)
        return await self._begin(OutageKind.POWER, POWER, began, now, hit=hit, fleet=fleet)

    async def _some_cut(self, now: datetime) -> list[Incident]:
        """Return some that were cut lately: of many customers, if there are many. Whoever has hundreds hides nobody."""
        some: list[Incident] = []
        seen: set[str] = set()
        while len(seen) <= FEWEST_OTHERS:
            others = [is_not("account_id", each) for each in sorted(seen)]
            more = await self._records.find(
                Incident, *self._lately_cut(now), *others, order_by="detected_at", limit=SOME_CUT
            )
            some += more
            seen.update(each.account_id for each in more)
            if len(more) < SOME_CUT:
                break
        self._cut = len(some)
        return some

    async def _follow_power(self, outage: Outage, now: datetime) -> Outage | None:
        """Count who is hit; it is over when nobody new has been hit for a while, however long the power stays away."""
        if not await self._records.count(Incident, *self._lately_cut(now)):
            await self._end(outage, now)
            return None
        await self._join(outage, now)
        began = outage.began_at - timedelta(milliseconds=1)
        hit = await self._records.count(
            Incident, is_("cause", Cause.MAINS_LOST), above("detected_at", began), is_("part_of", outage.id)
        )
        if hit > outage.hit:
            return await self._records.change_one(Outage, is_("id", outage.id), hit=hit) or outage
        return outage

    def _lately_cut(self, now: datetime) -> tuple[Test, ...]:
        since = now - timedelta(seconds=self._limits.power_within_s)
        return (is_("cause", Cause.MAINS_LOST), above("detected_at", since))

    async def _join(self, outage: Outage, now: datetime) -> None:
        """Count those in that were told before it was known to be many, some at a time."""
        early = await self._records.find(
            Incident, *self._lately_cut(now), is_("part_of", None), order_by="detected_at", limit=SOME_CUT
        )
        for each in early:
            detail, reason = {"outage_id": outage.id, "others": coarse(outage.hit - 1)}, "part_of_power_cut"
            line = incident_line(each, Happening.NOTE, reason, at=now, reason=reason, detail=detail)
            await self._records.add_all([line])
            await self._records.change_one(Incident, is_("id", each.id), is_("part_of", None), part_of=outage.id)

    async def _begin(
        self, kind: OutageKind, key: str, began: datetime, now: datetime, *, hit: int, fleet: int
    ) -> Outage | None:
        outage = Outage(
            id=derived_id(PREFIX, kind, to_ms(now)),
            kind=kind,
            began_at=began,
            noticed_at=now,
            hit=hit,
            fleet=fleet,
            open_key=key,
        )
        if await self._records.add_all([outage]):
            log.error("outage_began", outage_id=outage.id, kind=kind.value, hit=hit, fleet=fleet)
        return await self._open(key)

    async def _end(self, outage: Outage, now: datetime) -> None:
        news = news_of_end(outage, now)
        if news is not None and await self._is_news(outage, now):
            await tell_operator(self._records, self._operator.by_mail(), "outage_over", outage.id, news, now=now)
        ended = await self._records.change_one(
            Outage,
            is_("id", outage.id),
            is_not("open_key", None),
            open_key=None,
            ended_at=now,
            settled=outage.kind is OutageKind.POWER,  # nothing is held back for it
        )
        if ended is not None:
            log.warning("outage_ended", outage_id=outage.id, kind=outage.kind.value)

    async def _is_news(self, outage: Outage, now: datetime) -> bool:
        """Return whether the operator is told: not of each short one while things come and go."""
        if now >= outage.noticed_at + timedelta(seconds=FLAPPING_S):
            return True
        lately = outage.began_at - timedelta(seconds=FLAPPING_S)
        before = await self._records.find(
            Outage, one_of("kind", SILENCING), above("ended_at", lately), is_not("id", outage.id), limit=1
        )
        return not before

    async def _open(self, key: str) -> Outage | None:
        found = await self._records.find(Outage, is_("open_key", key), limit=1)
        return found[0] if found else None

    async def _roll_call(self, now: datetime) -> RollCall:
        if self._counted is None or self._is_stale(self._counted[0], now):
            self._counted = now, await self._telemetry.roll_call(now=now, within_s=self._limits.within_s)
        return self._counted[1]

    def _is_stale(self, looked_at: datetime | None, now: datetime, fresh_s: float = FRESH_S) -> bool:
        return looked_at is None or not timedelta() <= now - looked_at < timedelta(seconds=fresh_s)


async def with_outages(
    decisions: Sequence[Decision], outages: Outages, settings: DeviceSettings, power_cut: Outage | None
) -> tuple[Decision, ...]:
    """Return the decisions with what befalls many: an outage explains `offline`, and a power cut has its part.

    A socket's own mains failure is the better explanation, and stays. Whose owner says that its silence is critical
    must hear of it, whoever else is silent. `power_cut`: the one that was known when the socket's own things were read.
    """
    return tuple([await _with_outage(each, outages, settings, power_cut) for each in decisions])


async def _with_outage(
    decision: Decision, outages: Outages, settings: DeviceSettings, power_cut: Outage | None
) -> Decision:
    match decision:
        case Release(key=Key(cause=Cause.OFFLINE)):
            outage = await _silencing(outages, settings)
            return decision if outage is None else replace(decision, outage=outage.id)
        case Open(key=Key(cause=Cause.OFFLINE), explained_by=None):
            outage = await _silencing(outages, settings)
            return decision if outage is None else replace(decision, explained_by=outage.id)
        case Open(key=Key(cause=Cause.MAINS_LOST)):
            outage = await outages.power_cut(power_cut)
            return decision if outage is None else replace(decision, part_of=outage.id)
    return decision


async def _silencing(outages: Outages, settings: DeviceSettings) -> Outage | None:
    """Return the outage that keeps a socket's silence from its people."""
    is_critical = severity_of(Cause.OFFLINE, None, settings) is Severity.CRITICAL
    return None if is_critical else await outages.silencing()
