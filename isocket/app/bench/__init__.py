"""Benchmarks: what the promises cost, measured with real parts on this machine. Each prints its figures as JSON."""

from isocket.app.bench.alarm import alarm
from isocket.app.bench.enumeration import enumeration
from isocket.app.bench.export import export
from isocket.app.bench.history import history
from isocket.app.bench.ingest import ingest
from isocket.app.bench.portal import portal
from isocket.app.bench.signin import signin
from isocket.app.bench.storm import storm

__all__ = ["alarm", "enumeration", "export", "history", "ingest", "portal", "signin", "storm"]
