"""A real Mosquitto that somebody else runs: none of our configuration, accounts or access rules."""

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def foreign_broker(folder: Path, *, anonymous: bool) -> Iterator[int]:
    """Run it on a free loopback port, and hand that out; it lets in everybody, or nobody."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    conf = folder / f"mosquitto-{port}.conf"
    conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous {str(anonymous).lower()}\n")
    with subprocess.Popen(["/usr/sbin/mosquitto", "-c", str(conf)], stderr=subprocess.PIPE) as broker:
        try:
            assert broker.stderr is not None
            assert any(b"running" in line for line in broker.stderr)
            yield port
        finally:
            broker.kill()  # Mosquitto forgets a SIGTERM that comes just after it says it is running
