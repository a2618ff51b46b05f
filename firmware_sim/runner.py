"""The way in: runs a scenario with provisioned devices against any broker."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from firmware_sim.clock import SimulatedClock
from firmware_sim.credentials import Credential
from firmware_sim.fleet import Fleet
from firmware_sim.memory import StateFolder
from firmware_sim.network import Broker
from firmware_sim.scenarios import Scenario, scenario_named
from firmware_sim.tally import RunReport

SETTLE_S = 20.0


class TooFewCredentialsError(ValueError):
    """More devices were asked for than there are credentials."""


def check_enough(credentials: list[Credential], devices: int) -> None:
    """Raises TooFewCredentialsError."""
    if not 1 <= devices <= len(credentials):
        raise TooFewCredentialsError(
            f"{devices} devices asked for, credentials for {len(credentials)}; `isocket device provision` makes more"
        )


async def run(
    *,
    url: str,
    credentials: list[Credential],
    scenario: str,
    devices: int,
    stop: asyncio.Event,
    on_event: Callable[[str], None],
    time_scale: float = 1.0,
    state_dir: Path | None = None,
) -> RunReport:
    """Lives the scenario with the first `devices` of the credentials until it ends or `stop` is set.

    `on_event` gets one line for people at each thing that happens. With a `state_dir` each device goes on
    where its last run ended: boot number, settings, backlog. Raises AddressError, TooFewCredentialsError,
    UnknownScenarioError or UnknownModelError before anything is started.
    """
    script, broker = scenario_named(scenario), Broker.at(url)
    check_enough(credentials, devices)
    fleet = Fleet(
        credentials=credentials[:devices],
        broker=broker,
        clock=SimulatedClock(time_scale=time_scale),
        on_event=on_event,
        folder=None if state_dir is None else await asyncio.to_thread(StateFolder, state_dir),
    )
    async with fleet.alive():
        await _live(fleet, script, stop)
        connected = fleet.connected
    return _report(fleet, scenario, connected)


async def _live(fleet: Fleet, script: Scenario, stop: asyncio.Event) -> None:
    """Until the script has ended and all is settled, or until `stop`."""
    playing = asyncio.create_task(_play(fleet, script), name="script")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait((playing, stopping), return_when=asyncio.FIRST_COMPLETED)
        if playing.done():
            playing.result()
    finally:
        playing.cancel()
        stopping.cancel()
        await asyncio.gather(playing, stopping, return_exceptions=True)


async def _play(fleet: Fleet, script: Scenario) -> None:
    await fleet.gather()
    await fleet.play(script)
    await fleet.settle(SETTLE_S)


def _report(fleet: Fleet, scenario: str, connected: int) -> RunReport:
    fleet.tally.resent = sum(socket.uplink.resent for socket in fleet.sockets)
    return RunReport(
        scenario=scenario,
        devices=len(fleet.sockets),
        connected_at_end=connected,
        duration_s=fleet.clock.real_ms() / 1000,
        counts=asdict(fleet.tally),
        unconfirmed=fleet.unconfirmed,
        telemetry_dropped=sum(socket.uplink.backlog.dropped for socket in fleet.sockets),
    )
