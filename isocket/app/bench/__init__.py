"""Benchmarks: what the promises cost, measured with real parts on this machine. Each prints its figures as JSON."""

from isocket.app.bench.alarm import alarm
from isocket.app.bench.history import history
from isocket.app.bench.ingest import ingest
from isocket.app.bench.storm import storm

__all__ = ["alarm", "history", "ingest", "storm"]
