"""Real time in tests: how long they wait for what is sure to come, and how a limit runs out without their waiting."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE_S = 120.0  # guards against hanging only: what comes in time here comes in time on a machine ten times slower


async def until(condition: Callable[[], object]) -> None:
    """Return as soon as `condition` holds; raise TimeoutError when it never does."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in another thread or process
            await asyncio.sleep(0.005)


def set_forward(seconds: float) -> None:
    """Let the running loop believe that `seconds` have passed: the limits that end by then end now.

    So a limit is proved as it is in service, however slow the machine is, and nobody waits for it.
    """
    loop = asyncio.get_running_loop()
    told = loop.time
    loop.time = lambda: told() + seconds  # type: ignore[method-assign]  # of this loop alone


async def out_of_time(work: Coroutine[Any, Any, T], silent: asyncio.Event, *, limit_s: float) -> T:
    """Return what `work` comes to; as soon as its other end falls `silent`, its limit of `limit_s` has passed."""
    silent.clear()
    working, fallen = asyncio.create_task(work), asyncio.create_task(silent.wait())
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.wait({working, fallen}, return_when=asyncio.FIRST_COMPLETED)
    if not working.done():
        set_forward(limit_s)
    fallen.cancel()
    async with asyncio.timeout(PATIENCE_S):
        return await working
