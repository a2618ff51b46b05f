"""Whoever tries the demonstration out may have its customer erased like any other."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from isocket.app.demo_cast import USERNAME, gather_cast
from isocket.domain.accounts import Account
from isocket.domain.erasures import ErasureState
from tests.fakes.erasing_house import MAIJA_ID, in_memory


async def test_what_the_demonstration_remembers_keeps_no_erasure_of_its_customer_back(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    house = SimpleNamespace(records=ground.records, clock=ground.clock, folder=SimpleNamespace(demo=tmp_path / "demo"))
    first = await gather_cast(cast("Any", house))
    await ground.records.add(Account(id=MAIJA_ID, email=USERNAME, created_at=ground.clock.now()))
    done = await ground.eraser().erase(MAIJA_ID, by="operator")
    assert done is not None
    assert (done.state, done.problem) == (ErasureState.DONE, "")
    assert (await gather_cast(cast("Any", house))).owner == first.owner, "the next run goes on with the same password"
