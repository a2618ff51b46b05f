"""What watches over the alarm service itself, put together: outages of many, and the self-audit."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from alerts.audit import AUDIT_EVERY_S, Audit
from alerts.audit_checks import Checks
from alerts.fleet import Thresholds
from alerts.heartbeat import Heartbeat
from alerts.held_back import HeldBack
from alerts.metrics import AlertMetrics
from alerts.operator import Operator
from alerts.outages import LOOK_EVERY_S, Outages
from isocket.kit.clock import Clock
from isocket.storage.port import Records
from isocket.storage.telemetry import Telemetry
from isocket.storage.wakeups import Wakeups
from isocket.storage.worker import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Oversight:
    """What the operator has chosen: how they are reached, what counts as many, where figures go."""

    operator: Operator = field(default_factory=Operator)
    limits: Thresholds = field(default_factory=Thresholds)
    metrics: AlertMetrics = field(default_factory=AlertMetrics)
    heartbeat: Heartbeat = field(default_factory=Heartbeat)

    def outages(self, *, records: Records, telemetry: Telemetry, clock: Clock) -> Outages:
        """Return what knows of outages of many."""
        return Outages(
            records=records,
            telemetry=telemetry,
            clock=clock,
            limits=self.limits,
            operator=self.operator,
            metrics=self.metrics,
        )

    def watchers(
        self,
        watched: Sequence[Worker],
        *,
        outages: Outages,
        records: Records,
        telemetry: Telemetry,
        clock: Clock,
        wakeups: Wakeups,
        owner: str,
    ) -> list[Worker]:
        """Return the workers that watch the others. Nobody rings for them: they look by themselves."""
        held_back = HeldBack(records=records, clock=clock, limits=self.limits)
        watching = [
            Worker("outages", outages.look, bell=wakeups.bell(), clock=clock, idle_s=LOOK_EVERY_S),
            Worker("held-back", held_back.step, bell=wakeups.bell(), clock=clock, idle_s=LOOK_EVERY_S),
        ]
        audit = Audit(
            records=records,
            clock=clock,
            checks=Checks(records=records, telemetry=telemetry, hold_s=self.limits.hold_s),
            workers=lambda: (*watched, *watching),
            owner=owner,
            operator=self.operator,
            heartbeat=self.heartbeat,
            metrics=self.metrics,
        )
        return [*watching, Worker("audit", audit.step, bell=wakeups.bell(), clock=clock, idle_s=AUDIT_EVERY_S)]
