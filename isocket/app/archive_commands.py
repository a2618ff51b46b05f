"""`isocket archive ...`: what managers do. Private keys are made and used on a manager's own machine."""

import json
import re
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from isocket.app.command import complain, refuse
from isocket.app.typed import FILE, line_of
from isocket.kit.unreadable import unreadable

archive = typer.Typer(
    help="What is kept sealed after a customer has left: only two of three managers open it.", no_args_is_help=True
)
_NAME = re.compile(r"[A-Za-z0-9_\-]{1,40}")
PassphraseFile = Annotated[
    Path | None, typer.Option(help="A file whose first line is the passphrase; without it you are asked.")
]


@archive.command(name="keygen")
def make_manager_key(
    name: Annotated[
        str, typer.Argument(help="What the two files are called: a role, such as `manager-1`.")
    ] = "manager",
    out: Annotated[Path, typer.Option(help="The folder for the two files; without it the one you are in.")] = Path(),
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make a manager's key pair: NAME.key stays with the manager, NAME.pub goes to the server."""
    from isocket.kit.secret_file import create_secret_file
    from privacy.manager_keys import make_key, write_private

    if not _NAME.fullmatch(name):
        raise typer.BadParameter("write at most 40 letters, digits, - and _", param_hint="NAME")
    private, public = out / f"{name}.key", out / f"{name}.pub"
    for each in (private, public):
        if each.exists():
            _refuse_to_overwrite(each)
    key = make_key(name)
    passphrase = _new_passphrase(passphrase_file, private)
    try:
        out.mkdir(parents=True, exist_ok=True)
        written = write_private(key, passphrase)
        create_secret_file(private, written)
        if private.read_bytes() != written:  # somebody made it while we waited for the passphrase
            _refuse_to_overwrite(private)
        public.write_text(key.public.text(), encoding="utf-8")
    except OSError as error:
        refuse(f"{out} cannot be written to: {error.strerror}.")
    if not passphrase:
        typer.echo(f"{private} has no passphrase: whoever gets the file has the key.", err=True)
    made = {"private": str(private), "public": str(public), "fingerprint": key.public.fingerprint}
    typer.echo(json.dumps(made))


def _refuse_to_overwrite(file: Path) -> NoReturn:
    refuse(f"{file} is there already: a key that is overwritten opens nothing any more.")


@archive.command(name="list")
def list_archives(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Where archives lie; without it those of this server.", exists=True, file_okay=False),
    ] = None,
) -> None:
    """Print each archive and each opening as a line of JSON. Whose an archive is, it does not say."""
    from isocket.kit.clock import to_text
    from privacy.openings import Openings, OpeningsBrokenError
    from privacy.sealing import ArchiveError, manifest_of

    where, wrong = folder or _folder_of_this_server(), False
    for path in sorted(where.glob("*.archive")):
        try:
            found = manifest_of(path)
        except ArchiveError as error:
            complain(error)
            wrong = True
            continue
        typer.echo(
            json.dumps(
                {
                    "archive": found.id,
                    "file": str(path),
                    "sealed_at": to_text(found.sealed_at),
                    "destroy_at": to_text(found.destroy_at),
                    "managers": sorted(found.managers.values()),
                    "records": dict(found.counts),
                }
            )
        )
    try:
        for opening in Openings(where).lines():
            typer.echo(
                json.dumps(
                    {
                        "opened": opening.archive_id,
                        "at": opening.at,
                        "managers": list(opening.managers),
                        "reason": opening.reason,
                    },
                    ensure_ascii=False,
                )
            )
    except OpeningsBrokenError as error:
        complain(error)
        wrong = True
    if wrong:
        raise typer.Exit(1)


@archive.command(name="find")
def find_archive(
    email: Annotated[
        str, typer.Option(help="The mailbox of somebody who comes back; `-` reads it from standard input.")
    ],
) -> None:
    """Say which archive of this server is of a mailbox; exit 1 where there is none."""
    from isocket.app.command import run
    from isocket.app.erasures import archivist_of
    from isocket.app.house import open_house
    from isocket.app.settings import Settings
    from isocket.domain.archives import Archive
    from isocket.storage.port import is_

    wanted = line_of(email, "--email").strip()

    async def look(settings: Settings) -> list[str]:
        async with open_house(settings) as house:
            archivist = archivist_of(house)
            found = await house.records.find(Archive, is_("holder", await archivist.holder(wanted)))
            return [str(archivist.file_of(each)) for each in found]

    found: list[str] = run(look)
    for each in found:
        typer.echo(each)
    if not found:
        typer.echo("none", err=True)
        raise typer.Exit(1)


@archive.command(name="open")
def open_one(
    file: Annotated[Path, typer.Argument(**FILE, help="The archive.")],
    key: Annotated[list[Path], typer.Option("--key", **FILE, help="A manager's private key; two of them.")],
    out: Annotated[Path | None, typer.Option(help="The JSON file to write; without it ID.json, here.")] = None,
    reason: Annotated[str, typer.Option(help="What for; it stands in the ledger.")] = "not given",
    passphrase_file: PassphraseFile = None,
) -> None:
    """Open an archive with the private keys of two managers; the opening is noted beside the archive first."""
    from isocket.kit.clock import SystemClock
    from privacy.manager_keys import ManagerKeyError, read_private
    from privacy.openings import Openings, OpeningsBrokenError
    from privacy.sealing import ArchiveError, check_keys, manifest_of, open_archive

    def ask(name: str) -> str:
        return _passphrase(f"Passphrase of {name}", passphrase_file)

    try:
        manifest = manifest_of(file)
        keys = [read_private(each, ask) for each in key]
        check_keys(manifest, keys)
        names = tuple(sorted(each.name for each in keys))
        Openings(file.resolve().parent).note(manifest.id, names, SystemClock().now(), reason)
        written = out or Path(f"{manifest.id}.json")
        open_archive(file, keys, written)
    except (ArchiveError, ManagerKeyError, OpeningsBrokenError) as error:
        refuse(error)
    except OSError as error:
        refuse(f"{error.filename or file} cannot be written: {error.strerror}.")
    typer.echo(json.dumps({"archive": manifest.id, "written": str(written), "records": dict(manifest.counts)}))


def _folder_of_this_server() -> Path:
    from isocket.app.command import run
    from isocket.app.data_folder import DataFolder
    from isocket.app.settings import Settings

    async def find(settings: Settings) -> Path:
        folder = DataFolder(settings.data_dir)
        folder.demand(settings.store_file)
        return folder.archives

    found: Path = run(find)
    return found


def _new_passphrase(file: Path | None, key: Path) -> str:
    if file is not None:
        return _passphrase("", file)
    if not sys.stdin.isatty():
        return ""
    words = f"Passphrase for {key.absolute()} (empty for none)"
    return str(typer.prompt(words, default="", hide_input=True, confirmation_prompt=True))


def _passphrase(question: str, file: Path | None) -> str:
    if file is None:
        return str(typer.prompt(question, hide_input=True, err=True))
    try:
        return file.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        words = f"{file} cannot be read: {unreadable(error)}."
        raise typer.BadParameter(words, param_hint="--passphrase-file") from None
