"""The other processes of a benchmark: load on one side, the provider on the other, none in the measured process."""

import asyncio
import json
import sys
from typing import Any

_LONG_LINE = 64 * 1024 * 1024


class Child:
    """A module of ours running as a process, spoken to by lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, module: str) -> "Child":
        """Start `python -m module`."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LONG_LINE,
        )
        return cls(process)

    def tell(self, message: object) -> None:
        """Send one line of JSON."""
        assert self._process.stdin is not None  # noqa: S101 - it was started with a pipe
        self._process.stdin.write(json.dumps(message).encode() + b"\n")

    async def hear_line(self) -> str:
        """Return its next line.

        Raises:
            ChildProcessError: it ended instead.
        """
        assert self._process.stdout is not None  # noqa: S101
        line = await self._process.stdout.readline()
        if not line:
            raise ChildProcessError("a process of the benchmark ended too early; its words are above")
        return line.decode().strip()

    async def hear(self) -> Any:
        """Return its next line, decoded."""
        return json.loads(await self.hear_line())

    async def end(self) -> None:
        """Close its input and wait until it is gone."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(10):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


async def publisher(job: dict[str, Any]) -> Child:
    """Return a publisher that is connected and waits for `go`."""
    child = await Child.start("isocket.app.bench.publisher")
    child.tell(job)
    await child.hear_line()
    return child


async def pulse() -> Child:
    """Return a process that computes now and then, until it is told anything: then it says how long each took."""
    child = await Child.start("isocket.app.bench.pulse")
    await child.hear_line()
    return child


async def let_go(child: Child) -> dict[str, Any]:
    """Let a publisher that waits do its whole job; return its report."""
    child.tell("go")
    report: dict[str, Any] = await child.hear()
    await child.end()
    return report


async def publish(job: dict[str, Any]) -> dict[str, Any]:
    """Let a publisher do its whole job; return its report."""
    return await let_go(await publisher(job))
