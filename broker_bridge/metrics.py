"""What the bridge counts."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class BridgeMetrics:
    """Counters of one bridge, in the registry of the process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._stored = Counter("isocket_reports_stored", "Reports stored, repeats left out", registry=registry)
        self._repeats = Counter("isocket_reports_repeated", "Reports that came again", registry=registry)
        self._refused = Counter(
            "isocket_messages_refused", "Messages of devices that could not be used", ["kind"], registry=registry
        )
        self._unknown = Counter("isocket_unknown_fields", "Fields of reports that we do not know", registry=registry)
        self._commands = Counter("isocket_commands_sent", "Commands published", registry=registry)
        self._connected = Gauge(
            "isocket_broker_connected", "1 while a session at the broker is up", ["lane"], registry=registry
        )

    def stored(self, received: int, *, repeats: int) -> None:
        """Count a stored group."""
        self._stored.inc(received - repeats)
        if repeats:
            self._repeats.inc(repeats)

    def refused(self, kind: str) -> None:
        """Count a refused message."""
        self._refused.labels(kind).inc()

    def unknown_fields(self, number: int) -> None:
        """Count fields that were ignored."""
        self._unknown.inc(number)

    def command_sent(self) -> None:
        """Count a published command."""
        self._commands.inc()

    def connected(self, lane: str, *, up: bool) -> None:
        """Show whether a session is up."""
        self._connected.labels(lane).set(1 if up else 0)
