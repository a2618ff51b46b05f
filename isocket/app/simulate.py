"""Simulated sockets from the command line: with given credentials, or with sockets made for the occasion."""

import asyncio
import contextlib
from pathlib import Path

import typer
from rich.console import Console

from broker_bridge.broker_address import BrokerAddress
from firmware_sim.credentials import Credential, CredentialsError, load_credentials, parse_credential
from firmware_sim.network import Broker
from firmware_sim.runner import TooFewCredentialsError, check_enough, run
from firmware_sim.scenarios import UnknownScenarioError, scenario_named
from isocket.app.addresses import check_host
from isocket.app.data_folder import DataFolder
from isocket.app.house import open_house
from isocket.app.provision import ModelName, provision
from isocket.app.settings import Settings
from isocket.app.supervise import stop_on_signals
from isocket.kit.loopback import is_loopback

ASK_EVERY_S = 1.0


async def simulate(
    settings: Settings,
    *,
    devices: int,
    scenario: str,
    url: str,
    credentials: Path | None,
    time_scale: float,
) -> bool:
    """Run the scenario until it ends or somebody stops it, then print its figures as JSON.

    Return whether any socket got through to the broker at all.

    Raises:
        typer.BadParameter: before anything is made or started.
        DataFolderError: there is no installation to make sockets in, and none are given.
    """
    try:
        scenario_named(scenario)
    except UnknownScenarioError as error:
        raise typer.BadParameter(str(error), param_hint="--scenario") from None
    if url:
        _check_broker(url)
    if url and not credentials and not _is_ours(settings, url):
        words = "a broker of somebody else's knows no sockets made here: give --credentials too"
        raise typer.BadParameter(words, param_hint="--url")
    console = Console(stderr=True, highlight=False)
    cast = _given_cast(credentials, devices) if credentials else None
    if cast is None:  # said at once: nobody waits for a broker who then has no store to make sockets in
        await asyncio.to_thread(DataFolder(settings.data_dir).demand, settings.store_file)
    where = url or f"mqtt://{settings.mqtt}"
    broker = BrokerAddress.parse(where)
    async with stop_on_signals() as stop:
        if not await broker.answers():
            goes_on = "The sockets go on trying" if cast else "No socket is made before somebody does"
            words = f"Nobody answers at the broker's address: {_what_to_start(settings, url)}. {goes_on}."
            console.print(words, markup=False)
            if cast is None and not await _somebody_answers(broker, stop):
                return False
        cast = cast or await _new_cast(settings, devices)
        report = await run(
            url=where,
            credentials=cast,
            scenario=scenario,
            devices=devices,
            stop=stop,
            on_event=lambda line: console.print(line, markup=False),
            time_scale=time_scale,
        )
    typer.echo(report.as_json())
    return report.counts["connects"] > 0


def _check_broker(url: str) -> None:
    try:
        check_host(Broker.at(url).host, "write mqtt://host:port or mqtts://host:port")
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from None


def _is_ours(settings: Settings, url: str) -> bool:
    """Tell whether the broker there lets sockets in that are made here: our own, or one in use that asks nobody."""
    given = settings.broker_url
    ours = BrokerAddress.parse(given.get_secret_value() if given else f"mqtt://{settings.mqtt}")
    named = BrokerAddress.parse(url)
    same_host = named.host == ours.host or (is_loopback(named.host) and is_loopback(ours.host))
    return same_host and named.port == ours.port and ours.username is None


def _what_to_start(settings: Settings, url: str) -> str:
    if url:
        return "start it, or name another with --url"
    if settings.broker_url is not None:
        return (
            "where ISOCKET_BROKER_URL is set, `isocket up` starts none at ISOCKET_MQTT, which is asked here; "
            "give --url and --credentials"
        )
    return f"start the cloud with `isocket up`, which listens at {settings.mqtt}"


async def _somebody_answers(broker: BrokerAddress, stop: asyncio.Event) -> bool:
    """Return True once somebody listens there, False at `stop`."""
    while not stop.is_set():
        if await broker.answers():
            return True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), ASK_EVERY_S)
    return False


def _given_cast(credentials: Path, devices: int) -> list[Credential]:
    """Return the sockets that a file names, at least so many."""
    try:
        found = load_credentials(credentials)
        check_enough(found, devices)
    except CredentialsError as error:
        raise typer.BadParameter(str(error), param_hint="--credentials") from None
    except TooFewCredentialsError as error:
        raise typer.BadParameter(str(error), param_hint="--devices") from None
    return found


async def _new_cast(settings: Settings, devices: int) -> list[Credential]:
    """Make sockets in the store of these settings; nobody owns them."""
    async with open_house(settings) as house:
        made = provision(house.records, house.clock, model=ModelName.ISOCKET_4G, count=devices)
        return [parse_credential(each.as_json()) async for each in made]
