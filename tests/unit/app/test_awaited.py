"""For which devices the broker keeps what waits for them."""

import json
from datetime import timedelta

import pytest

from isocket.app.awaited import Awaited
from isocket.domain.reports import ClockQuality, Report, ReportKind
from isocket.kit.clock import to_ms
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.port import StoreUnavailableError
from tests.fakes.clock import ManualClock


async def _heard(telemetry: MemoryTelemetry, clock: ManualClock, device_id: str) -> None:
    now = to_ms(clock.now())
    body = {"boot": 1, "seq": 1, "ts": now, "mains": True}
    quality = ClockQuality.DEVICE
    await telemetry.store([Report(device_id, ReportKind.STATE, 1, 1, now, now, quality, json.dumps(body), body)])


async def test_who_was_heard_within_the_days_is_awaited_and_who_is_unknown_is_not() -> None:
    clock = ManualClock()
    telemetry = MemoryTelemetry(clock=clock)
    awaited = Awaited(telemetry=telemetry, clock=clock, days=14)
    await _heard(telemetry, clock, "long-silent")
    await clock.advance(timedelta(days=1).total_seconds())
    await _heard(telemetry, clock, "of-late")
    await _heard(telemetry, clock, "erased")
    await telemetry.forget("erased")
    await clock.advance(timedelta(days=13).total_seconds())
    assert set(await awaited.among({"long-silent", "of-late", "erased", "never-heard"})) == {"of-late"}


async def test_all_are_awaited_while_the_store_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock()
    telemetry = MemoryTelemetry(clock=clock)

    async def latest(_: object) -> object:
        raise StoreUnavailableError

    monkeypatch.setattr(telemetry, "latest", latest)
    assert set(await Awaited(telemetry=telemetry, clock=clock, days=14).among({"a", "b"})) == {"a", "b"}
