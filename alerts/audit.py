"""The self-audit: looks every 30 s whether every alarm is on its way to an end, and tells the operator where not.

The outside heartbeat is pinged by the audit itself and only when all is well: an audit that does not run is noticed
by whoever waits for the heartbeat.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from alerts.audit_checks import Checks, Found, Kind
from alerts.audit_news import news_of
from alerts.heartbeat import Heartbeat
from alerts.metrics import AlertMetrics
from alerts.operator import Operator, tell_operator
from isocket.domain.findings import Finding
from isocket.kit.clock import Clock, to_ms
from isocket.kit.logs import get_logger
from isocket.storage.port import AlreadyThereError, Records, is_
from isocket.storage.proof import prove_writing
from isocket.storage.worker import Worker

log = get_logger(__name__)

AUDIT_EVERY_S = 30.0
SAME_WITHIN = timedelta(hours=1)  # a trouble that comes back sooner is the same one: nobody is told again
ABANDONED = timedelta(minutes=10)  # a finding of a process that is gone
STUCK_AFTER_S = 180.0  # longer than any call and any lease
FAILING_AFTER = 5  # failures in a row

_OF_A_PROCESS = frozenset({Kind.WORKER_STUCK, Kind.WORKER_FAILING})


class Audit:
    """One look a step. A step may run twice, and in several processes: findings and notices have derived ids."""

    def __init__(
        self,
        *,
        records: Records,
        clock: Clock,
        checks: Checks,
        workers: Callable[[], Sequence[Worker]],
        owner: str,
        operator: Operator,
        heartbeat: Heartbeat,
        metrics: AlertMetrics,
    ) -> None:
        self._records = records
        self._clock = clock
        self._checks = checks
        self._workers = workers
        self._owner = owner
        self._operator = operator
        self._heartbeat = heartbeat
        self._metrics = metrics

    async def step(self) -> bool:
        """Look once; return False: the next look is a matter of time."""
        now = self._clock.now()
        found = [*await self._checks.all(now), *self._of_workers()]
        for each in found:
            await self._keep(each, now)
        await self._end_others(found, now)
        self._metrics.findings({kind.value: 0 for kind in Kind} | {each.kind.value: each.number for each in found})
        self._metrics.oldest(self._checks.ages_s)
        self._metrics.unclear(self._checks.unclear)
        if not found:
            await prove_writing(self._records, self._clock)  # nobody could be told of what is found, if it cannot
            self._metrics.passed(now)
            await self._heartbeat.ping()
        return False

    def _of_workers(self) -> list[Found]:
        workers = self._workers()
        stuck = sum(each.idle_for_s() > STUCK_AFTER_S for each in workers)
        failing = sum(each.failures >= FAILING_AFTER for each in workers)
        numbers = ((Kind.WORKER_STUCK, stuck), (Kind.WORKER_FAILING, failing))
        return [Found(kind=kind, number=number) for kind, number in numbers if number]

    async def _keep(self, found: Found, now: datetime) -> None:
        """Write the finding down, then tell of it: whoever dies between tells at the next look, under the same key."""
        finding = await self._known(found, now)
        news = news_of(found)
        if news is not None:
            key = f"{finding.id} {to_ms(finding.since_at)}"
            await tell_operator(self._records, self._operator, "audit", key, news, now=now)

    async def _known(self, found: Found, now: datetime) -> Finding:
        finding_id = self._id_of(found.kind)
        known = await self._records.get(Finding, finding_id)
        if known is None:
            log.error("audit_found", kind=found.kind.value, number=found.number)
            new = Finding(id=finding_id, since_at=now, seen_at=now, number=found.number)
            try:
                await self._records.add(new)
            except AlreadyThereError:  # another process found it in the same moment
                return await self._records.get(Finding, finding_id) or new
            return new
        is_new = known.ended_at is not None and now >= known.ended_at + SAME_WITHIN
        if is_new:
            log.error("audit_found", kind=found.kind.value, number=found.number)
        changed = await self._records.change_one(
            Finding,
            is_("id", finding_id),
            since_at=now if is_new else known.since_at,
            seen_at=now,
            ended_at=None,
            number=found.number,
        )
        return changed or known

    async def _end_others(self, found: Sequence[Found], now: datetime) -> None:
        """End what is not found any more; what another process found of its own workers is for that one to end."""
        still = {self._id_of(each.kind) for each in found}
        for each in await self._records.find(Finding, is_("ended_at", None)):
            ours = each.id in {self._id_of(kind) for kind in Kind}
            if each.id not in still and (ours or now >= each.seen_at + ABANDONED):
                await self._records.change_one(Finding, is_("id", each.id), is_("ended_at", None), ended_at=now)
                log.info("audit_finding_ended", kind=each.id)

    def _id_of(self, kind: Kind) -> str:
        return f"{kind} {self._owner}" if kind in _OF_A_PROCESS else kind.value
