"""What the alarm service shows in figures."""

from collections.abc import Collection, Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge

from isocket.domain.outages import OutageKind


class AlertMetrics:
    """Figures of one process, in its registry; without one they are kept for nobody."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = registry or CollectorRegistry()
        self._outages = Gauge(
            "isocket_outage", "1 while many sockets are silent or without power at once", ["kind"], registry=registry
        )
        self._findings = Gauge(
            "isocket_audit_findings", "Things that the self-audit finds wrong, by kind", ["kind"], registry=registry
        )
        self._passed_at = Gauge(
            "isocket_audit_passed_timestamp_seconds", "When the self-audit last found all well", registry=registry
        )
        self._unclear = Gauge(
            "isocket_deliveries_unclear",
            "Messages of which nobody can tell yet whether they went out",
            registry=registry,
        )
        self._oldest = Gauge(
            "isocket_oldest_due_seconds",
            "For how long the oldest of what is due has waited",
            ["what"],
            registry=registry,
        )

    def outages(self, kinds: Collection[OutageKind]) -> None:
        """Show which kinds of outage there are."""
        for kind in OutageKind:
            self._outages.labels(kind.value).set(1 if kind in kinds else 0)

    def findings(self, numbers: Mapping[str, int]) -> None:
        """Show how much of each kind is wrong."""
        for kind, number in numbers.items():
            self._findings.labels(kind).set(number)

    def passed(self, at: datetime) -> None:
        """Show that all was well."""
        self._passed_at.set(at.timestamp())

    def unclear(self, number: int) -> None:
        """Show how many messages are unclear."""
        self._unclear.set(number)

    def oldest(self, ages_s: Mapping[str, float]) -> None:
        """Show how old the oldest of each kind of due work is."""
        for what, age_s in ages_s.items():
            self._oldest.labels(what).set(age_s)
