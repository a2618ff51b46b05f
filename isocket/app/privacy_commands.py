"""`isocket privacy ...`: what is stored about people and why, and what the law lets them ask for."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from isocket.app.breach_commands import breach
from isocket.app.command import day_of, refuse, run, serve
from isocket.app.hold_commands import hold
from isocket.app.letter_commands import ACCOUNT, NO_ACCOUNT, AccountId, object_for_account, rectify_account
from isocket.app.restriction_commands import end_restriction, restrict_account
from isocket.app.settings import Settings
from isocket.app.terms import controller_of
from isocket.app.typed import FILE, line_of, whole
from isocket.kit.unreadable import unreadable

privacy = typer.Typer(help="What is stored about people, and when it goes.", no_args_is_help=True)
privacy.add_typer(breach, name="breach")
privacy.add_typer(hold, name="hold")
privacy.command(name="restrict")(restrict_account)
privacy.command(name="unrestrict")(end_restriction)
privacy.command(name="object")(object_for_account)
privacy.command(name="rectify")(rectify_account)
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


@privacy.command(name="sweep")
def sweep_now(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go, and by which rule.")] = False,
    at: Annotated[
        str,
        typer.Option(
            help="As on that day (2029-01-01, UTC). One to come only with --dry-run: nothing goes before its time."
        ),
    ] = "",
) -> None:
    """Remove what its time is over for; or show what a sweep would remove, also one in years to come."""
    from isocket.app.house import open_house
    from isocket.app.roles import retention_of

    moment = day_of(at, "--at")

    async def work(settings: Settings) -> dict[str, Any]:
        async with open_house(settings) as house:
            retention, now = retention_of(house), house.clock.now()
            then = moment or now
            if not dry_run and then > now:
                words = f"{at} is to come, and nothing goes before its time; --dry-run shows what would go by then"
                raise typer.BadParameter(words, param_hint="--at")
            if not dry_run:
                return {"swept": await retention.sweep(then)}
            return {"at": then.isoformat(), "due": [asdict(each) for each in await retention.forecast(then)]}

    typer.echo(json.dumps(run(work), indent=2))


@privacy.command(name="scan")
def scan_files(
    value: Annotated[str, typer.Option("--for", help="The value; `-` reads it from standard input.")],
) -> None:
    """Look for a value in every file of the installation, however it is written; exit 1 where it is found.

    The value itself is never printed.
    """
    from isocket.app.data_folder import DataFolder
    from isocket.app.erasures import files_of
    from privacy.scan import TooShortError, scan

    wanted = line_of(value, "--for")

    async def look(settings: Settings) -> bool:
        DataFolder(settings.data_dir).demand(settings.store_file)
        try:
            found = scan(files_of(settings), wanted)
        except TooShortError as error:
            raise typer.BadParameter(str(error), param_hint="--for") from None
        for each in found:
            typer.echo(f"{each.file}: {each.way}")
        return bool(found)

    if run(look):
        raise typer.Exit(1)
    typer.echo("not found")


@privacy.command(name="export")
def export_account(
    account: AccountId,
    out: Annotated[Path, typer.Option(help="The zip to write; it must not be there yet.")],
) -> None:
    """Write a copy of everything about a customer, in clear: hand it to nobody else, and do not keep it."""
    from isocket.app.erasures import copier_of
    from isocket.app.house import open_house
    from isocket.domain.accounts import Account

    async def write(settings: Settings) -> None:
        async with open_house(settings) as house:
            found = await house.records.get(Account, account)
            if found is None:
                refuse(NO_ACCOUNT)
            with out.open("xb") as file:
                try:
                    await copier_of(house).copy(found, file, house.clock.now(), _silent)
                except BaseException:
                    out.unlink()  # half a copy is of no use, and lies here in clear
                    raise

    try:
        run(write)
    except OSError as error:
        refuse(f"{out} cannot be written: {error.strerror}.")


@privacy.command(name="import")
def import_copy(
    file: Annotated[Path, typer.Argument(**FILE, help="A zip that `isocket` made of somebody's data elsewhere.")],
    account: Annotated[str, typer.Option(help="The account's id here; if absent, who has the same mailbox.")] = "",
    socket: Annotated[
        list[str] | None,
        typer.Option(help="THERE=HERE: this socket stands for that one; may be given several times."),
    ] = None,
) -> None:
    """Take over what a customer brings along; print as JSON what was taken, and what not and why.

    Names, people to be told (who have to answer a code again), ladders, settings with schedules, and what sockets
    reported. Their holder has an account here, and has claimed the sockets. What is set here already stays.
    """
    from zipfile import BadZipFile, ZipFile

    from isocket.app.house import open_house
    from isocket.app.taking_over import holder_of, importer_of
    from privacy.importing import NotACopyError

    pairs = dict(_pair(each) for each in socket or ())
    if len({*pairs.values()}) < len(socket or ()):
        raise typer.BadParameter("name each socket once", param_hint="--socket")

    async def take(settings: Settings) -> dict[str, Any] | None:
        async with open_house(settings) as house:
            with ZipFile(file) as archive:
                found = await holder_of(house, archive, account)
                return asdict(await importer_of(house).take_over(archive, found, pairs))

    try:
        made = run(take)
    except (OSError, BadZipFile) as error:
        refuse(f"{file} cannot be read as a zip: {unreadable(error)}.")
    except NotACopyError as error:
        refuse(error)
    typer.echo(json.dumps(made, indent=2, ensure_ascii=False))


def _pair(text: str) -> tuple[str, str]:
    there, equals, here = text.partition("=")
    if not (there and equals and here):
        raise typer.BadParameter("write THERE=HERE, the ids of two sockets", param_hint="--socket")
    return there, here


async def _silent(_: int) -> None:
    """Show no progress."""


@privacy.command(name="erase")
def erase_person(
    account: Annotated[str | None, typer.Option(help=ACCOUNT)] = None,
    recipient: Annotated[
        str | None,
        typer.Option(help="Number or mailbox of somebody told of alarms, or who reads news; `-` reads it from a line."),
    ] = None,
) -> None:
    """Erase an account or an alarm recipient now; exit 1 where there is nobody, or something keeps it from being done.

    Of an account it prints the receipt as JSON, and nobody is told: whoever asked by letter gets it from you. Of a
    recipient it is what their own page does, for whoever cannot come by it: the customers who entered them are told. A
    newsletter without an account goes too.
    """
    if (account is None) == (recipient is None):
        raise typer.BadParameter("name either an account or a recipient", param_hint="--account / --recipient")
    if account is not None:
        _erase_account(account)
    else:
        _erase_recipient(recipient or "")


def _erase_recipient(address: str) -> None:
    from isocket.app.erasures import erase_recipient
    from isocket.app.house import open_house

    read = line_of(address, "--recipient")

    async def erase(settings: Settings) -> int | None:
        async with open_house(settings) as house:
            return await erase_recipient(house, read)

    entries = run(erase)
    if entries is None:
        refuse("There is no such recipient: write the number with its country, as +358…, or the mailbox.")
    typer.echo(f"erased, with entries by customers: {entries}")


def _erase_account(account: str) -> None:
    from isocket.app.erasures import eraser_of
    from isocket.app.house import open_house
    from isocket.domain.erasures import ErasureState

    async def erase(settings: Settings) -> bool:
        async with open_house(settings) as house:
            made = await eraser_of(house).erase(account, by="operator")
        if made is None:
            refuse(NO_ACCOUNT)
        receipt = {"id": made.id, "state": made.state, "removed": made.removed, "held_up": made.problem}
        typer.echo(json.dumps(receipt, indent=2))
        return made.state is ErasureState.DONE

    if not run(erase):
        raise typer.Exit(1)


@privacy.command(name="newsletter")
def send_newsletter(
    subject: Annotated[str, typer.Option(help="The subject, on one line.")],
    text: Annotated[Path, typer.Option(help="A file with the words; the way out is added to each mail.")],
    per_minute: Annotated[int, typer.Option(**whole(1, 6000), help="How many mails become due a minute.")] = 60,
) -> None:
    """Send a newsletter to everybody who consents to it now; the same words go to nobody twice.

    Whoever had two others since the same day a month ago is passed over: they agreed to two a month. The mails go out
    by whichever process serves alerts, behind everything else.
    """
    from isocket.app.house import open_house
    from privacy.newsletter import Issue, Newsletter

    if not subject.strip() or not subject.isprintable():
        raise typer.BadParameter("write one line", param_hint="--subject")
    try:
        words = text.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{text} cannot be read as text: {unreadable(error)}.", param_hint="--text") from None

    async def send(settings: Settings) -> int:
        async with open_house(settings) as house:
            newsletter = Newsletter(
                records=house.records,
                keyring=house.keyring,
                clock=house.clock,
                controller=controller_of(settings),
                public_url=settings.origin,
            )
            return await newsletter.send(Issue(subject=subject.strip(), text=words), per_minute=per_minute)

    typer.echo(json.dumps({"mails": run(send)}))


@privacy.command(name="statistics")
def show_statistics(form: Form = "md") -> None:
    """Print the figures of each week, the newest first: of many customers, and of nobody in particular."""
    from isocket.app.house import open_house
    from isocket.domain.statistics import Release
    from privacy.statistics import as_document, as_table

    _check(form)

    async def show(settings: Settings) -> str:
        async with open_house(settings) as house:
            found = await house.records.find(Release, order_by="until", descending=True)
        if form == "json":
            return json.dumps([as_document(each) for each in found], indent=2)
        return "\n\n".join(as_table(each) for each in found) or "No week was counted yet."

    typer.echo(run(show))


def _check(form: str) -> None:
    if form not in {"md", "json"}:
        raise typer.BadParameter("write md or json", param_hint="--format")
