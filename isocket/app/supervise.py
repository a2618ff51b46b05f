"""Runs services until told to stop: starts them stage by stage, and drains them in the opposite order."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from isocket.app.cli import INTERRUPTED
from isocket.kit.cancelling import is_told_to_end
from isocket.kit.logs import get_logger

log = get_logger(__name__)

DRAIN_S = 15.0  # longer than a provider's call may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Something that runs. `start` returns when it is ready to run, and may refuse; `run` ends at `stop`."""

    name: str
    run: Callable[[asyncio.Event], Awaitable[None]]
    start: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Services that begin and end together. The next stage begins when `ready(stop)` returns."""

    name: str
    services: Sequence[Service]
    ready: Callable[[asyncio.Event], Awaitable[None]] | None = None


class Supervisor:
    """Carries the stages of one process. A service that ends unasked ends them all: better whole again than half."""

    def __init__(self, stages: Sequence[Stage], *, drain_s: float = DRAIN_S) -> None:
        self._stages = stages
        self._drain_s = drain_s
        self._running: list[tuple[Stage, asyncio.Event, list[asyncio.Task[None]]]] = []
        self.failed = False

    async def run(self, stop: asyncio.Event, *, on_ready: Callable[[], None] = lambda: None) -> bool:
        """Run everything until `stop`; return whether it ended because it was asked to.

        Whatever a service's `start` raises is raised here, when those begun before it are drained.
        """
        refusal: Exception | None = None
        async with asyncio.TaskGroup() as tasks:
            try:
                await self._begin_all(stop, tasks)
                if not stop.is_set():
                    on_ready()
                await stop.wait()
            except Exception as error:  # noqa: BLE001 - raised below, out of the group that would wrap it
                refusal = error
            finally:
                for stage, stage_stop, running in reversed(self._running):
                    await self._end(stage, stage_stop, running)
        if refusal is not None:
            raise refusal
        return not self.failed

    async def _begin_all(self, stop: asyncio.Event, tasks: asyncio.TaskGroup) -> None:
        for stage in self._stages:
            if stop.is_set():
                return
            await self._begin(stage, stop, tasks)

    async def _begin(self, stage: Stage, stop: asyncio.Event, tasks: asyncio.TaskGroup) -> None:
        stage_stop, running = asyncio.Event(), list[asyncio.Task[None]]()
        self._running.append((stage, stage_stop, running))
        for service in stage.services:
            if service.start is not None:
                await service.start()
            watched = self._watch(service, stage_stop, stop)
            running.append(tasks.create_task(watched, name=service.name))
        if stage.ready is not None:
            await stage.ready(stop)

    async def _watch(self, service: Service, stage_stop: asyncio.Event, stop: asyncio.Event) -> None:
        try:
            await service.run(stage_stop)
        except asyncio.CancelledError:
            if is_told_to_end():
                raise
            log.exception("service_failed", service=service.name)
            self.failed = True
        except Exception:
            log.exception("service_failed", service=service.name)
            self.failed = True
        else:
            if not stage_stop.is_set():
                log.error("service_ended_unasked", service=service.name)
                self.failed = True
        if self.failed:
            stop.set()

    async def _end(self, stage: Stage, stage_stop: asyncio.Event, running: list[asyncio.Task[None]]) -> None:
        stage_stop.set()
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=self._drain_s)
        for task in late:
            log.warning("service_cancelled", stage=stage.name, service=task.get_name())
            task.cancel()
        if late:
            await asyncio.wait(late)


@asynccontextmanager
async def stop_on_signals() -> AsyncIterator[asyncio.Event]:
    """Yield an event that SIGTERM or SIGINT sets; a second one ends the process at once."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def heard(name: str) -> None:
        if stop.is_set():
            os._exit(INTERRUPTED)
        log.info("stopping", signal=name)
        stop.set()

    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, heard, each.name)
    try:
        yield stop
    finally:
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)
