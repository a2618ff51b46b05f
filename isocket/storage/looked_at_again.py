"""Has incidents looked at before their time: somebody may be told now who could not be before, or is gone.

Whoever changes who can be told does so within this: once a ladder was of no use, its next look may be a day away, and
of what somebody has taken there may be none.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from isocket.domain.incidents import Incident, IncidentState
from isocket.kit.clock import Clock
from isocket.storage.port import Records, Test, above, is_, one_of

IF_WE_DIE = timedelta(minutes=1)
"""So long after a change began what is open is looked at whatever becomes of us."""


@asynccontextmanager
async def ladders_looked_at_after(records: Records, account_id: str, clock: Clock) -> AsyncIterator[None]:
    """Have what is open of this account looked at once the change is made: whoever is new is told when their step is.

    An incident whose ladder has not begun keeps its time; what holds it back is not for whoever changes people to say.
    """
    await _have_looked_at(records, account_id, clock.now() + IF_WE_DIE)
    yield
    await _have_looked_at(records, account_id, clock.now())


@asynccontextmanager
async def left_looked_at_after(records: Records, account_id: str, clock: Clock) -> AsyncIterator[None]:
    """Have what is open or taken in this account looked at once a contact is removed or stops.

    They may have taken it, or be the only one who was told so far: then the next step waits for nobody.
    What waits for its first look keeps its time: by it that one is known, in which the others hear that it is taken.
    """
    await _have_left_looked_at(records, account_id, clock.now() + IF_WE_DIE)
    yield
    await _have_left_looked_at(records, account_id, clock.now())


async def _have_looked_at(records: Records, account_id: str, due_at: datetime) -> None:
    climbed = is_("state", IncidentState.OPEN), above("ladder_position", 0)
    await _have_due(records, account_id, due_at, *climbed)


async def _have_left_looked_at(records: Records, account_id: str, due_at: datetime) -> None:
    lasting = one_of("state", (IncidentState.OPEN, IncidentState.ACKNOWLEDGED))
    if await records.count(Incident, is_("account_id", account_id), lasting):  # mostly none: who stops may stop in many
        await _have_due(records, account_id, due_at, is_("state", IncidentState.ACKNOWLEDGED))
        await _have_looked_at(records, account_id, due_at)


async def _have_due(records: Records, account_id: str, due_at: datetime, *which: Test) -> None:
    for later in (is_("needs_step", False), above("step_due_at", due_at)):
        await records.change_all(
            Incident, is_("account_id", account_id), *which, later, needs_step=True, step_due_at=due_at
        )
