"""What can be typed after `isocket`. Commands import what they need when they run, so that asking for help is quick."""

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from isocket.app.archive_commands import archive
from isocket.app.command import refuse, run, serve, words_in
from isocket.app.privacy_commands import privacy
from isocket.app.provision import ModelName
from isocket.app.settings import Settings
from isocket.app.settings_table import settings_markdown
from isocket.app.staff_commands import staff
from isocket.app.typed import Commands, decimal, unwrapped, whole

MODELS = ", ".join(ModelName)
BENCHES = {
    "ingest": "How many reports a second are stored.",
    "alarm": "How long an alarm takes from the socket to the provider.",
    "signin": "What strangers who try passwords do to alarms, and to who is signed in.",
    "enumeration": "Whether the time of an answer tells who is a customer.",
    "portal": "How many requests a second the portal answers.",
    "storm": "What happens when every socket comes back at once.",
    "history": "How long a chart of a year takes.",
    "export": "How long a copy of a year of five sockets takes, and whether alarms feel it.",
}

app = typer.Typer(
    name="isocket",
    help="Watches mains power and temperature far away, and reaches a person when something is wrong.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    cls=Commands,
)
device = typer.Typer(help="The factory: devices before anybody owns them.", no_args_is_help=True)
bench = typer.Typer(help="Benchmarks; each prints its figures as JSON.", no_args_is_help=True)
app.add_typer(device, name="device")
app.add_typer(staff, name="staff")
app.add_typer(privacy, name="privacy")
app.add_typer(archive, name="archive")
app.add_typer(bench, name="bench")


@app.command()
def up() -> None:
    """Run the whole cloud in this process, with a Mosquitto of its own unless ISOCKET_BROKER_URL is set."""
    from isocket.app.roles import EVERY_ROLE

    serve(*EVERY_ROLE)


@app.command(name="bridge")
def bridge_role() -> None:
    """Run only the bridge between broker and store; any number of them."""
    serve("bridge")


@app.command(name="portal")
def portal_role() -> None:
    """Run only the portal: API, pages and provider callbacks; any number of them."""
    serve("portal")


@app.command(name="alerts")
def alerts_role() -> None:
    """Run only the alerts: reports to incidents to messages; any number of them."""
    serve("alerts")


@device.command(name="provision")
def provision_devices(
    model: Annotated[ModelName, typer.Option(metavar="MODEL", help=f"What is made: one of {MODELS}.")],
    count: Annotated[int, typer.Option(**whole(1, 1_000_000), help="How many.")] = 1,
) -> None:
    """Make devices; print device_id, secret, claim_code, model and topic_root of each, one JSON object a line.

    Secret and claim code are shown this once; only their hashes are kept. A cloud that runs lets new devices in
    within about a second.
    """
    from isocket.app.house import open_house
    from isocket.app.provision import provision

    async def make(settings: Settings) -> None:
        async with open_house(settings, may_be_new=True) as house:
            async for made in provision(house.records, house.clock, model=model, count=count):
                typer.echo(made.as_json())  # each at once: no more are made that nobody could use

    run(make)


@app.command(name="announce")
def announce_to_customers(
    words: Annotated[
        Path,
        typer.Option(help="A TOML file with `subject` and `text` in a table for each language, `\\[en]` at least."),
    ],
    model: Annotated[
        list[ModelName] | None,
        typer.Option(metavar="MODEL", help=f"Only to owners of one of {MODELS}; may be given several times."),
    ] = None,
) -> None:
    """Mail every customer what they have to know of the service, such as a planned outage; no promotion.

    Who left the newsletter gets it as well. The same words reach nobody twice.
    """
    from alerts.announcing import WordsError, announce, check_words
    from isocket.app.house import open_house
    from isocket.domain.letters import Letter

    said = words_in(words, Letter)
    try:
        check_words(said)
    except WordsError as error:
        raise typer.BadParameter(str(error), param_hint="--words") from None

    async def tell(settings: Settings) -> int:
        async with open_house(settings) as house:
            models = [each.value for each in model or ()]
            return await announce(house.records, house.clock, said, models=models)

    typer.echo(json.dumps({"mails": run(tell)}))


@app.command(name="sim")
def simulate(
    devices: Annotated[int, typer.Option(**whole(1, 1_000_000), help="How many sockets.")] = 5,
    scenario: Annotated[
        str, typer.Option(help="What they live through; a wrong name is answered with all there are.")
    ] = "day",
    url: Annotated[str, typer.Option(help="The broker; without it the one of `isocket up`.")] = "",
    credentials: Annotated[
        Path | None,
        typer.Option(
            help="What `isocket device provision` printed; without it new sockets are made, for our own broker alone."
        ),
    ] = None,
    time_scale: Annotated[
        float, typer.Option(**decimal(0.001, 1_000_000), help="How much faster than the wall clock.")
    ] = 1.0,
) -> None:
    """Let simulated sockets live a scenario against any broker."""
    from isocket.app.simulate import simulate as live_through

    def play(settings: Settings) -> Coroutine[Any, Any, bool]:
        return live_through(
            settings, devices=devices, scenario=scenario, url=url, credentials=credentials, time_scale=time_scale
        )

    if not run(play):
        refuse("No socket got through to the broker.")


@app.command()
def check() -> None:
    """Look at settings, store, broker, providers, clock and public address: a line each, exit 1 if any is wrong."""
    from isocket.app.doctor import examine

    raise typer.Exit(asyncio.run(examine()))


@app.command(name="settings")
def show_settings() -> None:
    """Print every setting with its default and meaning, as a table in Markdown."""
    typer.echo(settings_markdown(), nl=False)


@app.command()
def messages() -> None:
    """Print every message in every language, with examples, as a page in Markdown."""
    from alerts.wording.catalogue import catalogue

    typer.echo(catalogue(), nl=False)


@app.command()
def demo() -> None:
    """Run the whole cloud with five simulated sockets that live a day, and show on the screen what happens."""
    from isocket.app.demo import run_demo

    if not run(run_demo):
        raise typer.Exit(1)


def _bench(name: str) -> None:
    """Give `isocket bench` a command; its options are those of the function in the bench's own module."""

    @bench.command(
        name=name,
        help=BENCHES[name],
        add_help_option=False,
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )
    def command(context: typer.Context) -> None:
        from importlib import import_module

        one = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        one.command(name=name)(getattr(import_module("isocket.app.bench"), name))
        code = unwrapped(typer.main.get_command(one)).main(context.args, f"isocket bench {name}", standalone_mode=False)
        raise typer.Exit(code if isinstance(code, int) else 0)


for _name in BENCHES:
    _bench(_name)
