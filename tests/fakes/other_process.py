"""Another process that looks into a database and goes, as `isocket check` and every other command does."""

import asyncio
import sys
from pathlib import Path

_LOOK = """
import sqlite3, sys
base = sqlite3.connect(sys.argv[1])
base.execute("PRAGMA user_version").fetchone()
base.close()
"""


async def look_into_from_outside(file: Path) -> None:
    """Open the database in a process of its own, read from it and close it."""
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", _LOOK, str(file))
    assert await child.wait() == 0
