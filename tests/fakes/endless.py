"""A body that begins and never ends."""

import asyncio
from collections.abc import AsyncIterator


async def endless_body() -> AsyncIterator[bytes]:
    """Send a little, and then keep whoever reads it waiting."""
    yield b"a"
    await asyncio.Event().wait()
