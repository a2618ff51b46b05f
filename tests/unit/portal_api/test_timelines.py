"""However much happened in an incident, putting it together holds up nobody."""

import threading

import pytest

from isocket.domain.incidents import Cause, Happening, Incident, Severity, TimelineEntry
from isocket.storage.memory import MemoryDocuments
from isocket.storage.records import StoredRecords
from portal_api import timelines
from tests.fakes.clock import NOON


@pytest.mark.parametrize(("lines", "elsewhere"), [(timelines.MANY, False), (timelines.MANY + 1, True)])
async def test_a_long_timeline_is_put_together_beside_the_event_loop(
    lines: int, elsewhere: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = StoredRecords(MemoryDocuments())
    incident = Incident(
        id="inc_1", account_id="acc_1", device_id="is1", cause=Cause.MAINS_LOST, severity=Severity.MAJOR,
        opened_at=NOON, detected_at=NOON,
    )  # fmt: skip
    await records.add_all(
        [
            TimelineEntry(id=f"tl_{number:05}", incident_id="inc_1", account_id="acc_1", at=NOON, what=Happening.NOTE)
            for number in range(lines)
        ]
    )
    line, threads = timelines._line, set[threading.Thread]()

    def noted(entry: TimelineEntry, facts: timelines._Facts) -> timelines.Line:
        threads.add(threading.current_thread())
        return line(entry, facts)

    monkeypatch.setattr(timelines, "_line", noted)
    found = await timelines.chronicles(records, "acc_1", [incident])
    assert len(found["inc_1"].lines) == lines
    assert (threading.main_thread() not in threads) is elsewhere
