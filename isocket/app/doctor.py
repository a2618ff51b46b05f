"""Looks at an installation: a line for each part, and what to do where something is wrong."""

import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.text import Text

from isocket.app.data_folder import DataFolder, DataFolderError, NoInstallationError
from isocket.app.erasures import managers_of
from isocket.app.examinations import (
    Finding,
    Health,
    broker_of_others,
    elks,
    operator,
    own_broker,
    portal,
    public_address,
    smtp,
    transfers,
    twilio,
)
from isocket.app.house import House, open_house
from isocket.app.push_key import open_push_key
from isocket.app.settings import Settings, load_settings
from isocket.app.settings_sources import SettingsError
from isocket.domain.accounts import Bucket
from isocket.domain.devices import Device
from isocket.domain.holds import Hold, HoldState
from isocket.kit.clock import SystemClock, to_text
from isocket.kit.ids import new_id
from isocket.storage.master_key import MasterKeyError
from isocket.storage.port import StoreUnavailableError, is_
from privacy.holds import uncopied_holds

SANE_AFTER = datetime(2026, 1, 1, tzinfo=UTC)
TOLERANCE = timedelta(minutes=1)
_MARKS = {Health.GOOD: ("ok   ", "green"), Health.NOTE: ("note ", "yellow"), Health.WRONG: ("WRONG", "bold red")}


async def examine() -> int:
    """Print one line for each part; return 1 if any is wrong, else 0."""
    console = Console(highlight=False, soft_wrap=True)
    wrong = False
    async with aclosing(_findings()) as findings:  # whoever reads may go before the end, as `head` does
        async for finding in findings:
            mark, style = _MARKS[finding.health]
            line = Text.assemble((mark, style), "  ", (f"{finding.part:<15}", "bold"), finding.says)
            console.print(line)
            wrong = wrong or finding.health is Health.WRONG
    return 1 if wrong else 0


async def _findings() -> AsyncGenerator[Finding, None]:
    try:
        settings = load_settings()
    except SettingsError as error:
        for fault in error.faults:
            yield Finding("settings", Health.WRONG, fault)
        return
    yield Finding("settings", Health.GOOD, f"{len(settings.model_fields_set)} given, the others have their defaults")
    async with aclosing(_of_the_house(settings)) as of_the_house:
        async for finding in of_the_house:
            yield finding
    yield await portal(settings)
    yield await (own_broker(settings) if settings.broker_url is None else broker_of_others(settings))
    yield await twilio(settings)
    yield await elks(settings)
    yield await smtp(settings)
    yield await public_address(settings)
    yield operator(settings)
    yield transfers(settings)
    yield _archive(settings)


async def _of_the_house(settings: Settings) -> AsyncGenerator[Finding, None]:
    folder = DataFolder(settings.data_dir)
    try:
        folder.demand(settings.store_file)
        folder.prepare()
        yield Finding("data folder", Health.GOOD, f"{settings.data_dir.absolute()}, {_free(settings)}")
        async with open_house(settings) as house:
            yield Finding("keyring", Health.GOOD, "opens with the master key")
            yield await _store(house)
            yield _clock(house.clock.now(), await _newest(house))
            yield await _push(house)
            yield await _holds(house)
    except NoInstallationError as error:
        yield _to_be_made(folder, error)
        yield Finding("store", Health.NOTE, f"{settings.store_file} is made with the installation")
        yield _clock(SystemClock().now(), None)
    except DataFolderError as error:
        yield Finding("data folder", Health.WRONG, str(error))
    except MasterKeyError as error:
        yield Finding("keyring", Health.WRONG, str(error))
    except StoreUnavailableError as error:
        yield Finding("store", Health.WRONG, str(error))


def _to_be_made(folder: DataFolder, missing: NoInstallationError) -> Finding:
    """Say that there is nothing yet, make nothing, and look whether this user could."""
    path = folder.path.absolute()
    above = next(each for each in (path, *path.parents) if each.exists())
    if os.access(above, os.W_OK | os.X_OK):
        return Finding("data folder", Health.NOTE, str(missing))
    words = f"{missing} As this user, who may not write in {above}, it cannot be started."
    return Finding("data folder", Health.WRONG, words)


def _free(settings: Settings) -> str:
    return f"{shutil.disk_usage(settings.data_dir).free / 2**30:.1f} GiB free"


async def _store(house: House) -> Finding:
    """Write a record and remove it again."""
    probe = Bucket(id=new_id("chk"), tokens=0.0, refilled_at=house.clock.now())
    await house.records.add(probe)
    await house.records.remove_all(Bucket, is_("id", probe.id))
    devices = await house.records.count(Device)
    return Finding("store", Health.GOOD, f"{house.settings.store_file} can be written; {devices} devices")


async def _push(house: House) -> Finding:
    """Open the key that browsers subscribe to, and look whether push services learn who sends."""
    try:
        await open_push_key(house.folder, house.records)
    except DataFolderError as error:
        return Finding("push", Health.WRONG, str(error))
    contact = house.settings.security_contact
    if contact.endswith("@localhost"):
        return Finding(
            "push", Health.NOTE, f"{contact} is nobody: some push services refuse (ISOCKET_SECURITY_CONTACT)"
        )
    if contact.lower().startswith("tel:"):
        words = f"{contact} is no address in the sense of RFC 8292, which wants mailto: or https:"
        return Finding("push", Health.NOTE, f"{words}: some push services refuse (ISOCKET_SECURITY_CONTACT)")
    return Finding("push", Health.GOOD, "its key is there, and push services find us")


async def _holds(house: House) -> Finding:
    """Look whether everything that holds name can be copied: until it can, what they name is not swept."""
    uncopied = await uncopied_holds(house.records)
    if uncopied:
        which = ", ".join(f"{each.id} since {to_text(each.uncopied_since or house.clock.now())}" for each in uncopied)
        return Finding("holds", Health.WRONG, f"cannot be copied, see hold_not_copied in the log: {which}")
    in_force = await house.records.count(Hold, is_("state", HoldState.IN_FORCE))
    return Finding("holds", Health.GOOD, f"{in_force} in force, none of which could not be copied")


def _archive(settings: Settings) -> Finding:
    """Read the managers' public keys, as the privacy service does before it seals."""
    if settings.archive_keys is None:
        return Finding("archive", Health.NOTE, "no account that was closed is ever sealed (ISOCKET_ARCHIVE_KEYS)")
    try:
        managers_of(settings)
    except SettingsError as error:
        return Finding("archive", Health.WRONG, str(error))
    return Finding("archive", Health.GOOD, "the keys of three managers can be read")


async def _newest(house: House) -> datetime | None:
    """Return when the newest device was made."""
    newest = await house.records.find(Device, order_by="provisioned_at", descending=True, limit=1)
    return newest[0].provisioned_at if newest else None


def _clock(now: datetime, newest: datetime | None) -> Finding:
    if now < SANE_AFTER:
        return Finding("clock", Health.WRONG, f"says {to_text(now)}: set it, and let it be kept right by NTP")
    if newest is not None and newest > now + TOLERANCE:
        return Finding(
            "clock", Health.WRONG, f"says {to_text(now)}, but a device was made later: it was set back; let NTP keep it"
        )
    return Finding("clock", Health.GOOD, f"says {to_text(now)}")
