"""What is done for everybody in the same time, so that its time tells nobody who is a customer.

The same answer after the same steps is not enough: to read a stored account takes a fraction of a millisecond more
than to find that there is none, and whoever asks often enough sees that.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from portal_api.portal import Portal


@asynccontextmanager
async def evenly(portal: Portal) -> AsyncIterator[None]:
    """Let what is inside last `PortalSettings.evenly_s`, which is longer than it takes but for a busy moment."""
    began_s = portal.clock.monotonic_s()
    yield
    left_s = began_s + portal.settings.evenly_s - portal.clock.monotonic_s()
    if left_s > 0:
        await portal.clock.sleep(left_s)
