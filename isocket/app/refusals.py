"""Shows what our broker refused among the metrics."""

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from broker_bridge.mosquitto.process import MosquittoChild


class RefusalCollector(Collector):
    """Reads the child's counts whenever the metrics are asked for."""

    def __init__(self, child: MosquittoChild) -> None:
        self._child = child

    def collect(self) -> Iterator[Metric]:
        """Yield refusals by kind, and how often the broker had to be started again."""
        refusals = CounterMetricFamily("isocket_broker_refusals", "What the broker refused", labels=["kind"])
        for kind, times in self._child.refusals.totals().items():
            refusals.add_metric([kind.value], times)
        yield refusals
        yield CounterMetricFamily(
            "isocket_broker_restarts", "Times the broker had to be started again", value=self._child.restarts
        )
