"""An installation of its own for a test: a folder, free ports, and the commands as a person types them."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import structlog
from typer.testing import CliRunner

from isocket.app.commands import app
from isocket.app.house import House, open_house
from isocket.app.settings import Settings, load_settings
from tests.fakes.broker import free_port
from tests.fakes.patience import PATIENCE_S

PROGRAM = Path(sys.executable).with_name("isocket")
_INHERITED = ("COVERAGE", "PYTHONPATH")  # so that coverage sees a child, and it runs the code beside its test


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Settings that meet nobody else's."""

    folder: Path
    http: int = field(default_factory=free_port)
    mqtt: int = field(default_factory=free_port)
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "ISOCKET_DATA_DIR": str(self.folder / "var"),
            "ISOCKET_HTTP": f"127.0.0.1:{self.http}",
            "ISOCKET_MQTT": f"127.0.0.1:{self.mqtt}",
            "ISOCKET_BCRYPT_COST": "10",
            **{name: value for name, value in os.environ.items() if name.startswith(_INHERITED)},  # noqa: TID251
            **self.more,
        }

    @property
    def log(self) -> Path:
        """What the cloud wrote on its screen."""
        return self.folder / "screen"

    def make(self) -> Self:
        """Make it, as the first command does that may; return it."""
        asyncio.run(_make(load_settings(self.environ)))
        return self

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `isocket` with these words to its end."""
        return subprocess.run(
            [PROGRAM, *words],
            env=self.environ,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def typed(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the same command in this process: what `run` shows, without the second that a program takes to start.

        What no command expects comes through, as it would be a traceback on the screen.
        """
        others = {name: None for name in os.environ if name.startswith("ISOCKET_")}  # noqa: TID251 - so that none is inherited
        with contextlib.chdir(self.folder), _logs_as_before():
            done = CliRunner().invoke(app, words, prog_name="isocket", env={**others, **self.environ})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)

    def get(self, path: str) -> Any:
        """Return what the portal answers, None where nobody answers or it refuses."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=PATIENCE_S) as answer:
                return answer.read().decode()
        except OSError:
            return None

    @contextlib.contextmanager
    def up(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run the cloud while the block lasts, once it says that it is ready."""
        with self.log.open("w") as log:
            process = subprocess.Popen(
                [PROGRAM, *(words or ("up",))],
                env=self.environ,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            deadline = time.monotonic() + PATIENCE_S
            while not self.is_ready():
                assert process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, "not ready in time"
                time.sleep(0.05)
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise

    def is_ready(self) -> bool:
        """Return whether the portal says that store and broker answer."""
        answer = self.get("/readyz")
        return answer is not None and json.loads(answer)["status"] == "ready"


@contextlib.contextmanager
def _logs_as_before() -> Iterator[None]:
    """Give the logs back: a command sends them to a screen that is closed when it is over."""
    config, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        structlog.configure(**config)
        root.handlers[:] = handlers
        root.setLevel(level)


async def _make(settings: Settings) -> None:
    async with open_house(settings, may_be_new=True):
        pass


def in_house(work: Callable[[House], Awaitable[Any]]) -> Any:
    """Do something with the stores where the commands of this process look."""

    async def do() -> Any:
        async with open_house(load_settings(), may_be_new=True) as house:
            return await work(house)

    return asyncio.run(do())
