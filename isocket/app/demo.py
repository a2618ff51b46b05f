"""The whole cloud with five simulated sockets that live a scripted day, and what happens told on the screen."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from firmware_sim.runner import run as simulate
from isocket.app.addresses import HostPort
from isocket.app.data_folder import DataFolder
from isocket.app.demo_cast import Cast, gather_cast
from isocket.app.demo_customer import Customer
from isocket.app.demo_story import Story
from isocket.app.house import House
from isocket.app.process import tune_process
from isocket.app.roles import EVERY_ROLE
from isocket.app.settings import Settings
from isocket.app.supervise import Service, Stage
from isocket.app.up import run_roles
from isocket.kit.logs import configure_logs

SCENARIO = "day"
PORTS_TRIED = 20
ELSEWHERE = ("twilio_", "elks_", "smtp_url", "heartbeat_url", "broker_url", "public_url")
"""How the settings begin that would lead off this machine; the demonstration does without."""


async def run_demo(settings: Settings) -> bool:
    """Run until Ctrl-C; return whether nothing failed. Nothing leaves this machine, whatever is set up.

    Raises as `run_roles`, and DemoError when the customer of the demonstration is refused something.
    """
    tune_process()
    console = Console(highlight=False)
    wanted, settings = settings, on_this_machine(on_free_ports(settings))
    moved = what_others_are_told(wanted, settings)
    folder = DataFolder(settings.data_dir)
    await asyncio.to_thread(folder.prepare)
    with _log_file(folder.path / "demo.log") as log_file:
        configure_logs(level=settings.log_level, stream=log_file)

        async def more(house: House) -> list[Stage]:
            return _stages(house, await gather_cast(house), console, moved)

        with console.status("Starting broker, store, bridge, alerts and portal") as status:
            orderly = await run_roles(settings, EVERY_ROLE, more=more, on_ready=status.stop)
    console.print("Stopped. `make demo` goes on from here; without the data folder it begins anew.", style="dim")
    return orderly


def on_this_machine(settings: Settings) -> Settings:
    """Return the settings without whatever leads elsewhere."""
    fields = Settings.model_fields
    elsewhere = {name: field.get_default() for name, field in fields.items() if name.startswith(ELSEWHERE)}
    return settings.model_copy(update=elsewhere)


def on_free_ports(settings: Settings) -> Settings:
    """Return the settings with the next free port in place of one that is in use and that nobody asked for.

    Debian's package of Mosquitto begins a broker of its own where ours would listen, as soon as it is installed.
    """
    unasked = {"http", "mqtt"} - settings.model_fields_set
    return settings.model_copy(update={name: _free(getattr(settings, name)) for name in unasked})


def what_others_are_told(wanted: Settings, taken: Settings) -> str:
    """Return the settings by which other commands meet the demonstration where it had to give way; else nothing.

    Without them `isocket sim` and `check` speak to whoever is where it would be, and a link of `staff add` leads there.
    """
    moved = {name: getattr(taken, name) for name in ("http", "mqtt") if getattr(taken, name) != getattr(wanted, name)}
    return " ".join(f"ISOCKET_{name.upper()}={where}" for name, where in moved.items())


def _free(wanted: HostPort) -> HostPort:
    """Return where nobody listens; the first if that is nowhere, whose start then says what to do."""
    for port in range(wanted.port, wanted.port + PORTS_TRIED):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((wanted.host, port))
            except OSError:
                continue
        return replace(wanted, port=port)
    return wanted


def _log_file(path: Path) -> AbstractContextManager[TextIO]:
    """Open the log apart from the screen, which belongs to the story."""
    return path.open("a", encoding="utf-8", buffering=1)


def _stages(house: House, cast: Cast, console: Console, moved: str) -> list[Stage]:
    story = Story(
        records=house.records, clock=house.clock, wakeups=house.wakeups, nicknames=cast.nicknames, console=console
    )

    async def welcome() -> None:
        origin = f"http://{house.settings.http}"
        async with Customer(origin=origin, cast=cast, records=house.records, clock=house.clock) as customer:
            as_printed = await customer.settle_in()
        console.print(panel(house.settings, cast, as_printed=as_printed, moved=moved))

    return [
        Stage(name="story", services=(Service(name="story", start=welcome, run=story.run),)),
        Stage(name="sockets", services=(Service(name="sockets", run=_sockets(house, cast, story.hear)),)),
    ]


def _sockets(house: House, cast: Cast, hear: Callable[[str], None]) -> Callable[[asyncio.Event], Awaitable[None]]:
    async def live(stop: asyncio.Event) -> None:
        await simulate(
            url=f"mqtt://{house.settings.mqtt}",
            credentials=list(cast.sockets),
            scenario=SCENARIO,
            devices=len(cast.sockets),
            stop=stop,
            on_event=hear,
            state_dir=cast.folder / "sockets",
        )

    return live


def panel(settings: Settings, cast: Cast, *, as_printed: bool, moved: str) -> Panel:
    """Return what a person needs to know to look around; `moved`: what other commands have to be told for it."""
    shown = Table.grid(padding=(0, 2))
    shown.add_column(style="bold")
    shown.add_column(overflow="fold")
    shown.add_row("Overview", f"{settings.origin}/")
    shown.add_row("Desk", f"{settings.origin}/desk  what would be sent")
    shown.add_row("API", f"{settings.origin}/api/v1/openapi.json")
    proof = (
        f"password {cast.owner.password}"
        if as_printed
        else f"as you changed it; delete {settings.data_dir}/ to begin anew"
    )
    shown.add_row("Login", f"{cast.owner.username}  {proof}")
    shown.add_row("Broker", f"mqtt://{settings.mqtt}")
    shown.add_row("Data", f"{settings.data_dir}/  log in {settings.data_dir}/demo.log")
    if moved:
        shown.add_row("Commands", f"export {moved}")
    return Panel(
        shown,
        title="iSocket Cloud: five sockets, one scripted day",
        subtitle="a power cut in a few seconds; Ctrl-C stops",
        expand=False,
        padding=(1, 2),
    )
