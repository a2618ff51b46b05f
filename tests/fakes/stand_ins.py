"""What is put in where a test asks for nothing of the kind: nothing is held or noted, and no copy lies anywhere."""

import asyncio
from pathlib import Path
from typing import Any

from isocket.storage.keyring import MemoryKeyring
from isocket.storage.shelf import Shelf
from privacy.scan import Found, scan


async def nothing_is_held(_: str) -> tuple[str, ...]:
    """Stand for whoever copies what holds name."""
    return ()


async def nothing_is_noted(*_: object) -> None:
    """Stand for the ledger of who was erased without an account."""


async def scan_here(roots: list[Path], *values: str) -> list[Found]:
    """Scan in this process, which has no database among these files open."""
    return await asyncio.to_thread(scan, roots, *values)


def stand_ins() -> dict[str, Any]:
    """Return what a portal needs of privacy."""
    return {
        "keyring": MemoryKeyring(),
        "shelf": Shelf(Path("/nowhere")),
        "note_erasure": nothing_is_noted,
        "copy_held": nothing_is_held,
    }
