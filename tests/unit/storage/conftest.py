"""A store on a file of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from isocket.storage.sqlite import SqliteStore
from tests.fakes.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "house.sqlite"


@pytest.fixture
async def store(file: Path, clock: ManualClock) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(file, clock=clock)
    yield opened
    await opened.close()
