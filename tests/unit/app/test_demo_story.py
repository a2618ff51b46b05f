"""What the demonstration tells on the screen of alarms that an earlier run left."""

import asyncio
from datetime import datetime, timedelta
from io import StringIO

from rich.console import Console

from isocket.app.demo_story import Story
from isocket.domain.incidents import Cause, Incident, IncidentState, Severity
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import is_
from isocket.storage.records import StoredRecords
from isocket.storage.wakeups import Wakeups
from tests.fakes.clock import ManualClock
from tests.fakes.patience import until


def lasting(name: str, at: datetime, state: IncidentState = IncidentState.OPEN) -> Incident:
    return Incident(
        id=f"inc_{name}",
        account_id="acc_demo",
        device_id=name,
        cause=Cause.MAINS_LOST,
        severity=Severity.CRITICAL,
        state=state,
        opened_at=at,
        detected_at=at,
        open_key=name,
        short_code="NX5",
    )


async def test_an_alarm_of_an_earlier_run_is_told_with_its_time_and_not_as_if_it_began_now() -> None:
    clock, records, wakeups = ManualClock(), StoredRecords(MemoryDocuments()), Wakeups()
    await records.prepare()
    before = clock.now() - timedelta(days=2)
    await records.add_all([lasting("Cottage", before), lasting("Garage", before, IncidentState.ACKNOWLEDGED)])
    screen, stop = StringIO(), asyncio.Event()
    story = Story(
        records=records,
        clock=clock,
        wakeups=wakeups,
        nicknames={"Cottage": "Cottage", "Garage": "Garage", "Boathouse": "Boathouse"},
        console=Console(file=screen, width=120),
    )
    telling = asyncio.create_task(story.run(stop))
    since = f"{before.astimezone():%Y-%m-%d %H:%M}"
    await until(lambda: f"alarm: mains lost still open, since {since}" in screen.getvalue())
    assert f"alarm: mains lost acknowledged, since {since}" in screen.getvalue()
    await clock.advance(1)
    await records.add(lasting("Boathouse", clock.now()))
    await clock.advance(1)
    await until(lambda: "Boathouse  alarm: mains lost opened, critical" in screen.getvalue())
    await records.change_one(Incident, is_("id", "inc_Cottage"), state=IncidentState.CLOSED, open_key=None)
    await clock.advance(1)
    await until(lambda: "Cottage    alarm: mains lost closed" in screen.getvalue())
    stop.set()
    await clock.advance(1)
    await telling
    assert screen.getvalue().count("opened") == 1
    assert "closed, since" not in screen.getvalue(), "what ends now is told as it is"
