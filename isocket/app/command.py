"""How a command runs: with the settings, and with an expected failure said in words instead of a traceback."""

import asyncio
import tomllib
from dataclasses import MISSING, fields
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, NoReturn

import typer

from isocket.app.settings import load_settings
from isocket.app.settings_sources import SettingsError
from isocket.kit.unreadable import unreadable

WRONG_SETTINGS = 2
EARLIEST = date(2000, 1, 1)


def serve(*names: str) -> None:
    """Run roles until told to stop; exit 1 when one of them failed."""
    from isocket.app.process import tune_process
    from isocket.app.roles import Role
    from isocket.app.up import run_roles

    tune_process()
    if not run(lambda settings: run_roles(settings, tuple(Role(name) for name in names))):
        raise typer.Exit(1)


def run(job: Any) -> Any:
    """Run `job(settings)`; print what an expected failure says and exit, without a traceback."""
    from isocket.app.failures import EXPECTED
    from isocket.kit.logs import configure_logs

    try:
        settings = load_settings()
        configure_logs(level=settings.log_level)
        return asyncio.run(job(settings))
    except SettingsError as error:
        complain(error)
        raise typer.Exit(WRONG_SETTINGS) from None
    except EXPECTED as error:
        refuse(error)


def day_of(text: str, option: str) -> datetime | None:
    """Return the first moment (UTC) of the day that an option names, None where it was not given."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if day < EARLIEST:  # further back no term reaches, and from the first years no other day can be counted
        raise typer.BadParameter("write a day as 2029-01-01", param_hint=option)
    return datetime.combine(day, time(), UTC)


def words_in(path: Path, kind: Any) -> dict[str, Any]:
    """Return what the TOML file that `--words` names says, a `kind` for each table, which is a language.

    Raises:
        BadParameter: it cannot be read, or something else stands in it.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
        return {language: kind(**_table(language, said, kind)) for language, said in given.items()}
    except (OSError, TypeError, ValueError) as error:
        raise typer.BadParameter(f"{path} cannot be read: {unreadable(error)}.", param_hint="--words") from None


def _table(language: str, said: object, kind: Any) -> dict[str, str]:
    """Return the words in one language, once they are all that a `kind` has to have, and texts."""
    if not isinstance(said, dict):
        raise TypeError(f"`{language}` stands outside a table: write [en] above the words in English")
    places = {each.name: each.default is MISSING for each in fields(kind)}
    for name in said:
        if name not in places:
            raise ValueError(f"[{language}] has no place for `{name}`, but for {', '.join(places)}")
        if not isinstance(said[name], str):
            raise TypeError(f"{language}.{name} is no text in quotes")
    missing = [name for name, needed in places.items() if needed and name not in said]
    if missing:
        raise ValueError(f"[{language}] lacks {' and '.join(missing)}")
    return said


def complain(why: object) -> None:
    """Print what went wrong, in red where that shows."""
    for line in str(why).splitlines():
        typer.secho(line, fg=typer.colors.RED, err=True)


def refuse(why: object) -> NoReturn:
    """Print why it was not done, and end with 1."""
    complain(why)
    raise typer.Exit(1)
