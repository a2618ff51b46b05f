"""An erasure that a file holds up reads all files again now and then, not all the time."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from isocket.domain.erasures import Erasure, ErasureState
from isocket.storage.port import is_
from privacy.erasing import FOUND_IN_FILES, LOOK_EVERY_S, SEARCH_AGAIN_S, Eraser
from privacy.scan import Found
from tests.fakes.erasing_house import MAIJA_ID, Ground, furnish, in_memory
from tests.fakes.portal_house import PUBLIC_URL
from tests.fakes.stand_ins import nothing_is_held


@dataclass(slots=True)
class Search:
    """Finds what it is told to, and counts how often it was asked."""

    found: list[Found] = field(default_factory=lambda: [Found(file="debug.log", way="plain")])
    times: int = 0
    breaks_off: bool = False

    async def __call__(self, *_: object) -> list[Found]:
        self.times += 1
        if self.breaks_off:
            raise PermissionError(13, "Permission denied")
        return self.found


def eraser_with(ground: Ground, search: Search) -> Eraser:
    async def nothing_is_released(_: object) -> None: ...

    return Eraser(
        public_url=PUBLIC_URL, records=ground.records, keyring=ground.keyring, clock=ground.clock,
        release=nothing_is_released, empty_log=ground.empty_log, files=list, ledger=ground.ledger, shelf=ground.shelf,
        search=search, preserve=nothing_is_held,
    )  # fmt: skip


async def test_the_files_are_searched_again_after_a_while_and_at_once_when_an_operator_asks(tmp_path: Path) -> None:
    ground, search = in_memory(tmp_path), Search()
    await furnish(ground)
    eraser = eraser_with(ground, search)
    await eraser.erase(MAIJA_ID, by="operator")
    for _ in range(3):
        await ground.clock.advance(LOOK_EVERY_S)
        assert await eraser.round() == 0
    assert search.times == 1
    held = await eraser.erase(MAIJA_ID, by="operator")
    assert held is not None
    assert (held.state, held.problem, search.times) == (ErasureState.RUNNING, FOUND_IN_FILES, 2)
    search.found = []
    await ground.clock.advance(SEARCH_AGAIN_S)
    assert await eraser.round() == 1
    assert search.times == 3


async def test_a_search_that_breaks_off_is_begun_anew_after_a_while_and_not_all_the_time(tmp_path: Path) -> None:
    ground, search = in_memory(tmp_path), Search(found=[], breaks_off=True)
    await furnish(ground)
    eraser = eraser_with(ground, search)
    with pytest.raises(PermissionError):
        await eraser.erase(MAIJA_ID, by="operator")
    for _ in range(3):
        await ground.clock.advance(LOOK_EVERY_S)
        assert await eraser.round() == 0
    assert search.times == 1
    search.breaks_off = False
    await ground.clock.advance(SEARCH_AGAIN_S)
    assert await eraser.round() == 1


async def test_a_clock_that_is_set_back_keeps_no_erasure_waiting_until_it_is_that_time_again(tmp_path: Path) -> None:
    ground, search = in_memory(tmp_path), Search()
    await furnish(ground)
    eraser = eraser_with(ground, search)
    held = await eraser.erase(MAIJA_ID, by="operator")
    assert held is not None
    await ground.records.change_one(Erasure, is_("id", held.id), due_at=held.due_at - timedelta(days=366))
    search.found = []
    ground.clock.set_back(365 * 86_400)
    await ground.clock.advance(SEARCH_AGAIN_S)
    assert await eraser.round() == 1
