"""One cloud to a broker folder: the lock, and the end of a broker that a killed cloud left behind."""

import asyncio
import contextlib
import fcntl
import os
import signal
from pathlib import Path

from broker_bridge.mosquitto.config import BrokerFolder
from isocket.kit.logs import get_logger

log = get_logger(__name__)

_PROCESSES = Path("/proc")
_POLITE_S = 10.0
_LOOK_EVERY_S = 0.02


def claim_folder(folder: BrokerFolder) -> int | None:
    """Make the folder ours and return the descriptor that holds it, or None when another process has it.

    The claim ends when the descriptor is closed or the process dies in whatever way.
    """
    folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.path.chmod(0o700)
    held = os.open(folder.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        return None
    return held


async def end_stale_broker(folder: BrokerFolder) -> None:
    """End a broker that still runs with this folder's configuration; call it with the folder claimed.

    Only a Mosquitto started with exactly our configuration file is touched, so it was ours and its cloud is
    dead. Where there is no /proc nothing is found, and a port in use is reported at the start instead.
    """
    for pid in brokers_of(folder):
        log.warning("broker_left_behind_ends", pid=pid)
        await _end(pid, folder)


def brokers_of(folder: BrokerFolder) -> list[int]:
    """Return the process ids of every Mosquitto that runs with this folder's configuration."""
    config = os.fsencode(folder.config.absolute())
    found = []
    for entry in _PROCESSES.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if words[0].endswith(b"mosquitto") and words[1:3] == [b"-c", config]:
                found.append(int(entry.name))
    return found


async def _end(pid: int, folder: BrokerFolder) -> None:
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal_number)
        for _ in range(round(_POLITE_S / _LOOK_EVERY_S)):
            if pid not in brokers_of(folder):
                return
            await asyncio.sleep(_LOOK_EVERY_S)
