"""What the judge asks of the store: nothing that this judgement does not need."""

from typing import Any

from isocket.domain.incidents import Cause
from isocket.domain.listening import Listening
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.port import Asked
from isocket.storage.records import StoredRecords
from isocket.storage.wakeups import Wakeups
from tests.fakes.clock import ManualClock
from tests.fakes.judged_house import judged_house


class Noting(StoredRecords):
    """Notes of which classes records were asked for."""

    def __init__(self, wakeups: Wakeups) -> None:
        super().__init__(MemoryDocuments(), wakeups)
        self.asked: set[type] = set()

    async def get(self, kind: Any, record_id: str) -> Any:
        self.asked.add(kind)
        return await super().get(kind, record_id)

    async def find_each(self, *asked: Asked) -> list[list[Any]]:
        self.asked.update(kind for kind, _ in asked)
        return await super().find_each(*asked)


async def test_who_listens_is_asked_about_what_is_silent_and_not_about_what_has_just_spoken() -> None:
    clock, wakeups = ManualClock(), Wakeups()
    records = Noting(wakeups)
    stores = records, MemoryTelemetry(wakeups, clock)
    house = await judged_house(clock=clock, stores=stores, heartbeat_s=60, offline_after=3)
    await house.alarm("mains_lost")
    await house.let_pass(179)
    assert await house.only(Cause.MAINS_LOST)
    assert Listening not in records.asked
    await house.let_pass(1)
    assert Listening in records.asked
