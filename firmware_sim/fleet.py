"""Many simulated sockets in one process and one loop, and the script that they live."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from random import Random

from firmware_sim.actions import carry_out
from firmware_sim.client import SimulatedSocket
from firmware_sim.clock import SimulatedClock
from firmware_sim.credentials import Credential
from firmware_sim.memory import StateFolder
from firmware_sim.network import Broker
from firmware_sim.scenarios import Scenario, Step
from firmware_sim.tally import Tally

SMALL_FLEET = 50
SMALL_FLEET_TICK_S = 0.2
TICK_S = 1.0
SAVE_EVERY_S = 2.0
GATHER_S = 5.0
FAREWELL_S = 2.0


class Fleet:
    """The sockets, their shared clock and counters."""

    def __init__(
        self,
        *,
        credentials: Sequence[Credential],
        broker: Broker,
        clock: SimulatedClock,
        on_event: Callable[[str], None],
        folder: StateFolder | None = None,
    ) -> None:
        self.clock, self.tally, self._folder, self._on_event = clock, Tally(), folder, on_event
        self._forgetful = False
        self.sockets = [
            SimulatedSocket(
                credential=credential,
                broker=broker,
                clock=clock,
                chance=Random(credential.device_id),  # noqa: S311 - spreads reconnects, guards nothing
                tally=self.tally,
                on_event=on_event,
                folder=folder,
            )
            for credential in credentials
        ]

    @property
    def connected(self) -> int:
        return sum(socket.connected for socket in self.sockets)

    @property
    def unconfirmed(self) -> int:
        return sum(len(socket.uplink.backlog) for socket in self.sockets)

    @asynccontextmanager
    async def alive(self) -> AsyncIterator[None]:
        """The sockets live inside this block; at its end they say good-bye and are remembered.

        Raises OSError before the first connects, where the number of its start cannot be remembered: by the same
        number once more its messages would count as those of before.
        """
        await self._save()
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(socket.live(), name=f"socket {socket.credential.device_id}")
                for socket in self.sockets
            ]
            tasks.append(group.create_task(self._tick(), name="tick"))
            tasks.append(group.create_task(self._keep_saving(), name="remember"))
            try:
                yield
            finally:
                await self._farewell()
                for task in tasks:
                    task.cancel()
        await self._save_if_there_is_room()

    async def gather(self) -> None:
        """Returns when every socket is connected, or after some seconds without those that cannot."""
        await self._until(lambda: self.connected == len(self.sockets), timeout_s=GATHER_S)

    async def settle(self, timeout_s: float) -> None:
        """Returns when everybody is connected and everything confirmed, or after that time."""
        await self._until(lambda: self.connected == len(self.sockets) and self.unconfirmed == 0, timeout_s=timeout_s)

    async def play(self, scenario: Scenario) -> None:
        """Carries the script out; returns after its last step, if it has one."""
        began = self.clock.now().up_ms
        for step in scenario.steps([socket.device.model for socket in self.sockets]):
            wait_s = step.at_s - (self.clock.now().up_ms - began) / 1000
            if wait_s > 0:
                await asyncio.sleep(self.clock.real_s(wait_s))
            self._carry_out(step)

    def _carry_out(self, step: Step) -> None:
        chosen = self.sockets if step.who is None else self.sockets[step.who : step.who + 1]
        for socket in chosen:
            carry_out(step.action, socket, self.tally)
        if step.note and chosen:
            who = "all" if step.who is None else chosen[0].credential.device_id
            self._on_event(f"{who}: {step.note}")

    async def _tick(self) -> None:
        tick_s = SMALL_FLEET_TICK_S if len(self.sockets) <= SMALL_FLEET else TICK_S
        while True:
            for socket in self.sockets:
                socket.tick()
            await asyncio.sleep(tick_s)

    async def _keep_saving(self) -> None:
        while True:
            await asyncio.sleep(SAVE_EVERY_S)
            await self._save_if_there_is_room()

    async def _save_if_there_is_room(self) -> None:
        """A full disk is told of once and ends no life: what is not remembered yet is tried again."""
        try:
            await self._save()
        except OSError as error:
            if not self._forgetful:
                self._on_event(f"all: what they know cannot be kept ({error.strerror}); it is tried again")
            self._forgetful = True
        else:
            if self._forgetful:
                self._on_event("all: what they know is kept again")
            self._forgetful = False

    async def _save(self) -> None:
        """Raises OSError, once all were tried, where what one of them knows could not be kept."""
        if self._folder is None:
            return
        failure: OSError | None = None
        for socket in self.sockets:
            known = socket.snapshot()
            if known is not None:
                try:
                    await asyncio.to_thread(self._folder.save, socket.credential.device_id, *known)
                except OSError as error:
                    socket.not_saved()
                    failure = error
        if failure is not None:
            raise failure

    async def _farewell(self) -> None:
        for socket in self.sockets:
            socket.farewell()
        await self._until(lambda: self.connected == 0, timeout_s=FAREWELL_S)

    async def _until(self, reached: Callable[[], bool], *, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not reached():  # noqa: ASYNC110 - a condition over a thousand sockets has no one event
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return
