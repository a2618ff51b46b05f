"""Services begin in order, end in the opposite order, and none is missed when it is gone."""

import asyncio
import os
import signal

import pytest

from isocket.app.supervise import Service, Stage, Supervisor, stop_on_signals
from tests.fakes.patience import PATIENCE_S


class Heard:
    """Services that tell what happens to them."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def service(self, name: str) -> Service:
        async def start() -> None:
            self.lines.append(f"{name} starts")

        async def run(stop: asyncio.Event) -> None:
            await stop.wait()
            self.lines.append(f"{name} ends")

        return Service(name=name, start=start, run=run)


def stage(name: str, *services: Service) -> Stage:
    return Stage(name=name, services=services)


async def test_stages_begin_in_order_and_end_in_the_opposite_order() -> None:
    heard, stop = Heard(), asyncio.Event()
    stages = [stage(name, heard.service(name)) for name in ("broker", "bridge", "portal")]
    assert await Supervisor(stages).run(stop, on_ready=stop.set)
    starts, ends = heard.lines[:3], heard.lines[3:]
    assert starts == ["broker starts", "bridge starts", "portal starts"]
    assert ends == ["portal ends", "bridge ends", "broker ends"]


async def test_the_next_stage_waits_until_the_one_before_is_ready() -> None:
    heard, stop = Heard(), asyncio.Event()

    async def ready(_: asyncio.Event) -> None:
        heard.lines.append("bridge is connected")

    first = Stage(name="bridge", services=(heard.service("bridge"),), ready=ready)
    await Supervisor([first, stage("portal", heard.service("portal"))]).run(stop, on_ready=stop.set)
    assert heard.lines[:3] == ["bridge starts", "bridge is connected", "portal starts"]


async def test_a_service_that_fails_ends_the_others_and_the_run_is_called_failed() -> None:
    heard = Heard()

    async def fail(_: asyncio.Event) -> None:
        raise RuntimeError("the disk is gone")

    stages = [stage("store", heard.service("store")), stage("bad", Service(name="bad", run=fail))]
    assert not await Supervisor(stages).run(asyncio.Event())
    assert heard.lines == ["store starts", "store ends"]


async def test_a_service_that_ends_unasked_is_a_failure_too() -> None:
    async def leave(_: asyncio.Event) -> None:
        return

    assert not await Supervisor([stage("gone", Service(name="gone", run=leave))]).run(asyncio.Event())


async def test_a_service_that_is_cancelled_by_what_it_waits_for_is_a_failure_too() -> None:
    async def wait_for_what_is_cancelled(_: asyncio.Event) -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    gone = Service(name="gone", run=wait_for_what_is_cancelled)
    assert not await asyncio.wait_for(Supervisor([stage("gone", gone)]).run(asyncio.Event()), PATIENCE_S)


async def test_a_refused_start_is_told_when_those_before_are_drained() -> None:
    heard = Heard()

    async def refuse() -> None:
        raise OSError("port 80 is in use")

    async def never(_: asyncio.Event) -> None:
        raise AssertionError("it must not run")

    stages = [
        stage("broker", heard.service("broker")),
        stage("portal", Service(name="portal", start=refuse, run=never)),
    ]
    with pytest.raises(OSError, match="port 80 is in use"):
        await Supervisor(stages).run(asyncio.Event())
    assert heard.lines == ["broker starts", "broker ends"]


async def test_a_service_that_does_not_end_in_time_is_cancelled() -> None:
    stop, cancelled = asyncio.Event(), asyncio.Event()

    async def hang(_: asyncio.Event) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    slow = Supervisor([stage("slow", Service(name="slow", run=hang))], drain_s=0.0)
    await slow.run(stop, on_ready=stop.set)
    assert cancelled.is_set()


async def test_nothing_more_begins_when_the_stop_comes_during_the_start() -> None:
    heard, stop = Heard(), asyncio.Event()

    async def ready(_: asyncio.Event) -> None:
        stop.set()

    first = Stage(name="broker", services=(heard.service("broker"),), ready=ready)
    assert await Supervisor([first, stage("portal", heard.service("portal"))]).run(stop)
    assert heard.lines == ["broker starts", "broker ends"]


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_asks_to_stop(which: signal.Signals) -> None:
    async with stop_on_signals() as stop:
        os.kill(os.getpid(), which)
        async with asyncio.timeout(PATIENCE_S):
            await stop.wait()
