"""An account with a ladder for each of very many sockets: whoever asks for one socket reads its ladder alone."""

from collections import Counter
from typing import Any

import pytest

from alerts.rounds import look
from isocket.domain.contacts import Contact, Escalation
from isocket.domain.incidents import Cause, Incident, Severity
from isocket.domain.ladders import Source
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import Asked
from isocket.storage.records import StoredRecords
from tests.fakes.clock import ManualClock
from tests.fakes.portal_devices import ALL_ROUTES, MAIJA, SOCKET, owned
from tests.fakes.portal_house import portal_house

MANY = 50


class Noting(StoredRecords):
    """Notes how many records of which class were read."""

    def __init__(self) -> None:
        super().__init__(MemoryDocuments())
        self.read: Counter[type] = Counter()

    async def find(self, kind: Any, *tests: Any, **how: Any) -> list[Any]:
        found: list[Any] = await super().find(kind, *tests, **how)
        self.read[kind] += len(found)
        return found

    async def find_each(self, *asked: Asked) -> list[list[Any]]:
        found = await super().find_each(*asked)
        for (kind, _), some in zip(asked, found, strict=True):
            self.read[kind] += len(some)
        return found


def ladders(account_id: str, contact_id: str) -> list[Escalation]:
    steps = ({"contact_ids": [contact_id], "channels": [], "after_s": 60},)
    others = [None, SOCKET, *(f"is-other{number:04}" for number in range(MANY))]
    return [
        Escalation(id=f"esc_{number}", account_id=account_id, device_id=device_id, steps=steps)
        for number, device_id in enumerate(others)
    ]


@pytest.mark.parametrize("path", ["/readiness", f"/devices/{SOCKET}/escalation", "/escalation"])
async def test_pages_read_the_ladder_of_the_socket_and_the_general_one(path: str) -> None:
    records = Noting()
    async with portal_house(records=records, routes=ALL_ROUTES) as house:
        token = await owned(house)
        account = await house.account(MAIJA)
        (owner,) = await records.find(Contact)
        await records.add_all(ladders(account.id, owner.id))
        records.read.clear()
        answer = await house.ask("GET", path, token=token)
        assert answer.status == 200, await answer.text()
        assert 1 <= records.read[Escalation] <= 2


async def test_an_alarm_reads_the_ladder_of_its_socket_and_the_general_one() -> None:
    records, now = Noting(), ManualClock().now()
    await records.add_all([Contact(id="con_1", account_id="acc_1", name="A", created_at=now)])
    await records.add_all(ladders("acc_1", "con_1"))
    incident = Incident(
        id="inc_1", account_id="acc_1", device_id=SOCKET, cause=Cause.MAINS_LOST, severity=Severity.CRITICAL,
        opened_at=now, detected_at=now,
    )  # fmt: skip
    found = await look(records, incident, now)
    assert (found.course.ladder.source, records.read[Escalation]) == (Source.DEVICE, 2)
