"""Every test that asks for one of these runs once for each store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from isocket.storage.keyring import Keyring, MemoryKeyring, SqliteKeyring
from isocket.storage.records import StoredRecords
from isocket.storage.telemetry import Telemetry
from isocket.storage.wakeups import Wakeups
from tests.contract.stores import (
    MASTER_KEY,
    RECORD_STORES,
    TELEMETRY_STORES,
    open_records,
    open_telemetry,
)
from tests.fakes.clock import ManualClock


@pytest.fixture
def wakeups() -> Wakeups:
    return Wakeups()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=RECORD_STORES)
async def records(request: pytest.FixtureRequest, tmp_path: Path, wakeups: Wakeups) -> AsyncIterator[StoredRecords]:
    async with open_records(request.param, tmp_path, wakeups) as opened:
        yield opened


@pytest.fixture(params=TELEMETRY_STORES)
async def telemetry(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock, wakeups: Wakeups
) -> AsyncIterator[Telemetry]:
    async with open_telemetry(request.param, tmp_path, clock, wakeups) as opened:
        yield opened


@pytest.fixture(params=("memory", "sqlite"))
async def keyring(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Keyring]:
    if request.param == "memory":
        yield MemoryKeyring()
        return
    opened = await SqliteKeyring.open(tmp_path / "keyring.db", MASTER_KEY)
    yield opened
    await opened.close()
