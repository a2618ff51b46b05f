"""How a command runs: with the settings, and with an expected failure said in words instead of a traceback."""

import asyncio
import tomllib
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import typer

from isocket.app.settings import load_settings
from isocket.app.settings_sources import SettingsError

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
    except SettingsError as error:
        complain(error)
        raise typer.Exit(WRONG_SETTINGS) from None
    configure_logs(level=settings.log_level)
    try:
        return asyncio.run(job(settings))
    except SettingsError as error:
        complain(error)
        raise typer.Exit(WRONG_SETTINGS) from None
    except EXPECTED as error:
        complain(error)
        raise typer.Exit(1) from None


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
    """Return what a TOML file says, a `kind` for each table, which is a language; exit where it cannot be read."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
        words = {language: kind(**said) for language, said in given.items()}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError) as error:
        complain(ValueError(f"{path} cannot be read: {error}"))
        raise typer.Exit(1) from None
    strange = [
        f"{language}.{name}" for language, said in given.items() for name in said if not isinstance(said[name], str)
    ]
    if strange:
        complain(ValueError(f"{path}: {strange[0]} is no text in quotes"))
        raise typer.Exit(1)
    return words


def complain(error: Exception) -> None:
    """Print what went wrong, in red where that shows."""
    for line in str(error).splitlines():
        typer.secho(line, fg=typer.colors.RED, err=True)
