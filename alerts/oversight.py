"""What watches over the alarm service itself, put together: outages of many, whom nobody could tell, the audit."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from alerts import broken_deliveries, lonely_accounts
from alerts.audit import AUDIT_EVERY_S, Audit
from alerts.audit_checks import Checks
from alerts.broken_deliveries import BrokenDeliveries
from alerts.fleet import Thresholds
from alerts.heartbeat import Heartbeat
from alerts.held_back import HeldBack
from alerts.lonely_accounts import LonelyAccounts
from alerts.metrics import AlertMetrics
from alerts.operator import Operator
from alerts.outages import LOOK_EVERY_S, Outages
from isocket.domain.contacts import ChannelKind
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
        public_url: str,
        configured: Collection[ChannelKind],
    ) -> list[Worker]:
        """Return the workers that watch the others. Nobody rings for them: they look by themselves."""
        held_back = HeldBack(records=records, clock=clock, limits=self.limits)
        lonely = LonelyAccounts(records=records, clock=clock, public_url=public_url, configured=configured)
        broken = BrokenDeliveries(records=records, clock=clock, public_url=public_url)
        watching = [
            Worker("outages", outages.look, bell=wakeups.bell(), clock=clock, idle_s=LOOK_EVERY_S),
            Worker("held-back", held_back.step, bell=wakeups.bell(), clock=clock, idle_s=LOOK_EVERY_S),
            Worker(
                "lonely-accounts", lonely.step, bell=wakeups.bell(), clock=clock, idle_s=lonely_accounts.LOOK_EVERY_S
            ),
            Worker(
                "broken-deliveries",
                broken.step,
                bell=wakeups.bell(),
                clock=clock,
                idle_s=broken_deliveries.LOOK_EVERY_S,
            ),
        ]
        audit = Audit(
            records=records,
            clock=clock,
            checks=Checks(records=records, telemetry=telemetry, clock=clock, hold_s=self.limits.hold_s),
            workers=lambda: (*watched, *watching),
            owner=owner,
            operator=self.operator,
            heartbeat=self.heartbeat,
            metrics=self.metrics,
        )
        return [*watching, Worker("audit", audit.step, bell=wakeups.bell(), clock=clock, idle_s=AUDIT_EVERY_S)]
