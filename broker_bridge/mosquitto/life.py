"""One run of the Mosquitto process, from its start to its end, with its log."""

import asyncio
import contextlib
import os
import pwd
import resource
import shutil
import signal
from collections import deque
from collections.abc import Sequence

from broker_bridge.mosquitto.config import BrokerConfig, BrokerFolder
from broker_bridge.mosquitto.denials import RefusalReader
from broker_bridge.mosquitto.log_pipe import LogPipe
from isocket.kit.logs import get_logger

log = get_logger(__name__)

_READY_S = 10.0
RELOAD_AGAIN_S = 0.5
_RELOAD_TRIES = 10
_POLITE_S = 10.0
_LAST_WORDS = 8
_USUAL_PLACES = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"


class BrokerStartError(RuntimeError):
    """The broker could not be started; the message says why and what to do."""


class BrokerLife:
    """One run of the process; made by `begin_life`."""

    def __init__(self, process: asyncio.subprocess.Process, pipe: LogPipe, reader: RefusalReader) -> None:
        self.process = process
        self.words: deque[str] = deque(maxlen=_LAST_WORDS)
        self._pipe = pipe
        self._reader = reader
        self._loop = asyncio.get_running_loop()
        self._running = asyncio.Event()
        self._reloaded = asyncio.Event()

    @property
    def dead(self) -> bool:
        """Whether the process has ended."""
        return self.process.returncode is not None

    def take(self, lines: list[bytes]) -> None:
        """Read lines of the broker's log; called from the pipe's thread."""
        for line in self._reader.read(lines):
            self.words.append(line)
            if line.startswith("mosquitto version") and line.endswith(" running"):
                self._loop.call_soon_threadsafe(self._running.set)
            elif line.startswith("Reloading config"):
                self._loop.call_soon_threadsafe(self._reloaded.set)
            elif line.startswith(("Error", "Unable")):  # such as: no free file descriptor
                log.error("broker_error", words=line)

    async def until_running(self, config: BrokerConfig) -> None:
        """Return when the broker says that it runs; raise `BrokerStartError` when it ends or says nothing."""
        running = asyncio.create_task(self._running.wait(), name="broker-running")
        dead = asyncio.create_task(self.process.wait(), name="broker-child")
        try:
            await asyncio.wait((running, dead), timeout=_READY_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            running.cancel()
            dead.cancel()
        if self.dead:
            await self.end()
            raise BrokerStartError(_reason(self.words, config))
        if not self._running.is_set():
            raise BrokerStartError(f"Mosquitto was not ready after {_READY_S:.0f} s. {_said(self.words)}")

    async def reload(self) -> None:
        """Let the broker read its accounts again; return when it does so, before it answers anybody.

        Mosquitto forgets a signal that comes while it is still reading for the one before, and whoever was taken out
        would stay in: it is sent until it is heard. What was sent again may be heard by itself, later: that is waited
        for as well, or the next reload would take it for its own while it is the one that is forgotten.
        """
        self._reloaded.clear()
        for again in range(_RELOAD_TRIES):
            if self.dead:
                return  # the next life reads the new file anyway
            self.process.send_signal(signal.SIGHUP)
            if await self._hears():
                for _ in range(again):
                    self._reloaded.clear()
                    if not await self._hears():
                        break
                return
        log.warning("broker_reload_unconfirmed")

    async def _hears(self) -> bool:
        """Return whether the broker says soon that it reads its accounts."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RELOAD_AGAIN_S):
                await self._reloaded.wait()
        return self._reloaded.is_set()

    async def end(self) -> None:
        """End the process, politely first, and read its last lines."""
        if not self.dead:
            self.process.terminate()
            try:
                async with asyncio.timeout(_POLITE_S):
                    await self.process.wait()
            except TimeoutError:
                log.warning("broker_killed")
                self.process.kill()
                await self.process.wait()
        await asyncio.to_thread(self._pipe.finish)


async def begin_life(folder: BrokerFolder, reader: RefusalReader) -> BrokerLife:
    """Start the process; raise `BrokerStartError` when there is no Mosquitto."""
    command = _command(folder)
    pipe = LogPipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=pipe.write_end,
            cwd=folder.path,
            start_new_session=True,  # Ctrl-C in the terminal is for us; we stop it when the others are done
        )
    except BaseException:
        pipe.drop()
        raise
    life = BrokerLife(process, pipe, reader)
    _raise_file_limit(process.pid)
    pipe.start(life.take)
    return life


def user_name() -> str:
    """Return the name of the user we run as, or its number when it has no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def mosquitto_here() -> str | None:
    """Return where the program is, None where it is not installed."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path=_USUAL_PLACES)


def _command(folder: BrokerFolder) -> list[str]:
    mosquitto = mosquitto_here()
    if mosquitto is None:
        raise BrokerStartError(
            "Mosquitto is not installed. Type: sudo apt-get install mosquitto\n"
            "Or, but for the demonstration, set ISOCKET_BROKER_URL to a broker that already runs."
        )
    # The kernel ends the broker when we die in whatever way; where setpriv is missing, the next start does.
    setpriv = shutil.which("setpriv")
    tied = [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []
    return [*tied, mosquitto, "-c", str(folder.config.absolute())]


def _raise_file_limit(pid: int) -> None:
    """Let the broker hold as many connections as the system allows us to grant."""
    if hasattr(resource, "prlimit"):
        with contextlib.suppress(OSError):
            _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, most))


def _reason(words: Sequence[str], config: BrokerConfig) -> str:
    said = _said(words)
    if any("Address already in use" in line for line in words):
        ports = " or ".join(str(port) for port in (config.port, config.tls and config.tls.port) if port)
        return (
            f"Port {ports} of {config.host} is in use, perhaps by the system's own Mosquitto. Stop that "
            f"(sudo systemctl disable --now mosquitto), set ISOCKET_MQTT to another address, or, but for the "
            f"demonstration, set ISOCKET_BROKER_URL to use the broker that is there. {said}"
        )
    if any("Cannot assign requested address" in line for line in words):
        hosts = dict.fromkeys((config.host, config.tls.host if config.tls else config.host))
        return (
            f"{' or '.join(hosts)} is no address of this machine: set ISOCKET_MQTT"
            f"{' and ISOCKET_MQTT_TLS' if config.tls else ''} to one that is. {said}"
        )
    return f"Mosquitto ended at once. {said}"


def _said(words: Sequence[str]) -> str:
    return "Its last words: " + (" | ".join(words) or "none")
