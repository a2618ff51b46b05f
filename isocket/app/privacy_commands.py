"""`isocket privacy ...`: what is stored about people and why, and what the law lets them ask for."""

from typing import Annotated

import typer

from isocket.app.command import complain, run, serve
from isocket.app.settings import Settings, controller_of

privacy = typer.Typer(help="What is stored about people, and when it goes.", no_args_is_help=True)
Form = Annotated[str, typer.Option("--format", help="md or json", metavar="md|json")]


@privacy.command(name="serve")
def privacy_role() -> None:
    """Run only the worker that removes what its time is over for, and carries out what people asked for."""
    serve("privacy")


@privacy.command(name="inventory")
def show_inventory(form: Form = "md") -> None:
    """Print every stored field with purpose, lawful basis, retention, export, erasure and recipients."""
    from privacy.inventory import as_json, as_markdown

    _check(form)
    typer.echo(as_json() if form == "json" else as_markdown().rstrip())


@privacy.command(name="record")
def show_record(form: Form = "md") -> None:
    """Print the record of processing activities (Art. 30 GDPR)."""
    from privacy.inventory import record_as_json, record_as_markdown

    _check(form)

    async def make(settings: Settings) -> str:
        return (record_as_json if form == "json" else record_as_markdown)(controller_of(settings))

    typer.echo(run(make).rstrip())


@privacy.command(name="scan")
def scan_files(
    value: Annotated[str, typer.Option("--for", help="The value; `-` reads it from standard input.")],
) -> None:
    """Look for a value in every file of the installation, however it is written; exit 1 where it is found.

    The value itself is never printed.
    """
    from privacy.scan import TooShortError, scan

    wanted = typer.get_text_stream("stdin").readline().rstrip("\n") if value == "-" else value

    async def look(settings: Settings) -> bool:
        roots = [settings.data_dir, *settings.store_file.parent.glob(f"{settings.store_file.name}*")]
        try:
            found = scan(roots, wanted)
        except TooShortError as error:
            complain(error)
            raise typer.Exit(2) from None
        for each in found:
            typer.echo(f"{each.file}: {each.way}")
        return bool(found)

    if run(look):
        raise typer.Exit(1)
    typer.echo("not found")


def _check(form: str) -> None:
    if form not in {"md", "json"}:
        raise typer.BadParameter("write md or json", param_hint="--format")
