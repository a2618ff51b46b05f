"""The whole cloud as its operator runs it: `isocket up` in a process of its own, with what people get beside it."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeVar

import aiohttp

from broker_bridge.mosquitto.config import BrokerFolder
from broker_bridge.mosquitto.folder_claim import brokers_of
from tests.fakes.broker import free_port
from tests.fakes.patience import PATIENCE_S
from tests.fakes.smtp_server import SmtpSink
from tests.fakes.twilio_server import TwilioDouble
from tests.fakes.work import worked_s

T = TypeVar("T")

ISOCKET = Path(sys.executable).with_name("isocket")
SENDER = "+447700900999"
FACTORY_S = 5 * PATIENCE_S  # ten thousand devices are made in one go
LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What the factory printed about one device."""

    device_id: str
    secret: str = field(repr=False)
    claim_code: str = field(repr=False)
    model: str
    topic_root: str
    line: str = field(repr=False)  # as printed


async def eventually(
    ask: Callable[[], Awaitable[T]], holds: Callable[[T], object], what: str, *, within_s: float = PATIENCE_S
) -> T:
    """Return the first answer that holds; fail with the last one when none does in time."""
    answer = await ask()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while not holds(answer):
                await asyncio.sleep(LOOK_EVERY_S)
                answer = await ask()
    assert holds(answer), f"not within {within_s:g} s: {what}; at last: {answer!r}"
    return answer


async def _all_it_prints(process: asyncio.subprocess.Process) -> bytes:
    """Return what a process printed when it ended; one that does not end is ended here."""
    try:
        async with asyncio.timeout(FACTORY_S):
            printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return printed


class WholeCloud:
    """Runs `isocket up` on one data folder, as often as wanted, and ends it politely or by kill -9."""

    def __init__(self, folder: Path, *, twilio: TwilioDouble, mail: SmtpSink, log_level: str = "INFO") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.data = folder / "var"
        self.log = folder / "cloud.log"
        self.factory_log = folder / "factory.log"
        self.twilio, self.mail = twilio, mail
        self.mqtt_port, self.http_port = free_port(), free_port()
        self.origin = f"http://127.0.0.1:{self.http_port}"
        self.settings = {
            "ISOCKET_DATA_DIR": str(self.data),
            "ISOCKET_HTTP": f"127.0.0.1:{self.http_port}",
            "ISOCKET_MQTT": f"127.0.0.1:{self.mqtt_port}",
            "ISOCKET_BCRYPT_COST": "10",
            "ISOCKET_TWILIO_ACCOUNT_SID": twilio.account_sid,
            "ISOCKET_TWILIO_AUTH_TOKEN": twilio.auth_token,
            "ISOCKET_TWILIO_FROM": SENDER,
            "ISOCKET_TWILIO_BASE_URL": twilio.base_url,
            "ISOCKET_SMTP_URL": mail.url,
            "ISOCKET_MAIL_FROM": "iSocket <no-reply@cloud.example.org>",
            "ISOCKET_LOG_LEVEL": log_level,
        }
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave no process behind, however the test ended."""
        if self._process is not None:
            self.kill()
            await self.dead()
        for pid in brokers_of(self._broker_folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def start(self) -> None:
        """Return when the cloud says that it is ready."""
        assert self._process is None, "it runs"
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                ISOCKET, "up", stdin=asyncio.subprocess.DEVNULL, stderr=log, env=self.environment()
            )
        await eventually(self._is_ready, bool, "the cloud is ready")

    @property
    def pid(self) -> int:
        """The process id of the cloud."""
        assert self._process is not None
        return self._process.pid

    def worked_s(self) -> float:
        """Return the seconds that a processor worked for the cloud and its broker so far."""
        assert self._process is not None
        return worked_s(self._process.pid, *brokers_of(self._broker_folder))

    def kill(self) -> None:
        """kill -9 the cloud; its broker goes with it, or is taken over by the next start."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def dead(self) -> None:
        """Return when the killed cloud is gone."""
        assert self._process is not None
        await self._process.wait()
        self._process = None

    async def stop(self) -> None:
        """End the cloud as an operator does; it has to end by itself, in order and soon."""
        assert self._process is not None
        self._process.terminate()
        async with asyncio.timeout(PATIENCE_S):
            code = await self._process.wait()
        self._process = None
        assert code == 0, f"ended with {code}: {self.last_words()}"

    def kill_broker(self) -> None:
        """kill -9 the Mosquitto that the cloud started; the cloud starts it again."""
        (pid,) = brokers_of(self._broker_folder)
        os.kill(pid, signal.SIGKILL)

    def log_lines(self) -> list[str]:
        """Return every line that the cloud and the factory logged so far."""
        written = [path.read_text() for path in (self.log, self.factory_log) if path.exists()]
        return "".join(written).splitlines()

    def last_words(self) -> str:
        """Return the end of the log."""
        return "\n".join(self.log_lines()[-15:])

    async def provision(self, count: int = 1, model: str = "isocket-4g") -> list[Made]:
        """Make devices by the command of the factory, also beside a cloud that runs."""
        with self.factory_log.open("ab") as log:
            factory = await asyncio.create_subprocess_exec(
                ISOCKET, "device", "provision", "--model", model, "--count", str(count),
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=log, env=self.environment(),
            )  # fmt: skip
            printed = await _all_it_prints(factory)
        assert factory.returncode == 0, f"the factory failed: {self.last_words()}"
        return [Made(**json.loads(line), line=line) for line in printed.decode().splitlines()]

    @contextlib.asynccontextmanager
    async def simulated(self, made: Sequence[Made], scenario: str) -> AsyncIterator[None]:
        """Let simulated devices live a scenario beside the cloud while the block runs."""
        credentials = self.data.parent / "credentials"
        credentials.write_text("".join(f"{each.line}\n" for each in made))
        command = ["sim", "--devices", str(len(made)), "--scenario", scenario, "--credentials", str(credentials)]
        with self.factory_log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                ISOCKET, *command, "--url", f"mqtt://127.0.0.1:{self.mqtt_port}",
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=log,
                env=self.environment(),
            )  # fmt: skip
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            async with asyncio.timeout(PATIENCE_S):
                await process.wait()

    def environment(self) -> dict[str, str]:
        """Return what a process of this cloud is started with."""
        inherited = os.environ.items()  # noqa: TID251 - a child needs the PATH, and coverage its own variables
        return {name: value for name, value in inherited if not name.startswith("ISOCKET_")} | self.settings

    async def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.returncode is None, f"it ended instead of starting: {self.last_words()}"
        try:
            async with aiohttp.ClientSession() as http, http.get(f"{self.origin}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    @property
    def _broker_folder(self) -> BrokerFolder:
        return BrokerFolder(path=self.data.absolute() / "broker")
