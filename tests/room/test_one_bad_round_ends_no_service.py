"""What goes wrong with one round of a privacy service ends neither it nor, with it, the cloud: it looks again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Protocol, TypeVar

import pytest

from isocket.domain.erasures import Erasure, ErasureState, erasure_id
from isocket.domain.policies import Policy, PolicyBrokenError, policies
from isocket.storage.port import Records, StoreUnavailableError
from privacy.breach_watch import LOOK_EVERY_S as WATCH_EVERY_S
from privacy.breach_watch import BreachWatch
from privacy.erasing import LOOK_EVERY_S as ERASE_EVERY_S
from privacy.policy_notices import LOOK_EVERY_S as NOTICE_EVERY_S
from privacy.policy_notices import PolicyNotices
from tests.fakes.breach_house import CONTROLLER
from tests.fakes.dying import DyingRecords, Fuse
from tests.fakes.erasing_house import Ground, in_memory
from tests.fakes.patience import PATIENCE_S
from tests.fakes.portal_house import PUBLIC_URL

T = TypeVar("T")


class Stumble(Fuse):
    """Lets one verb fail, as a record does that cannot be read."""

    def __init__(self, at: int, error: Exception) -> None:
        super().__init__(at)
        self.error = error

    async def guard(self, verb: Callable[[], Awaitable[T]], *, leaves: Callable[[T], bool] = bool) -> T:
        self.verbs += 1
        if self.verbs == self.at:
            raise self.error
        return await verb()


class Service(Protocol):
    """What runs until it is stopped."""

    async def run(self, stop: asyncio.Event) -> None: ...


def eraser(ground: Ground, records: Records) -> Service:
    return ground.eraser(records)


def watch(ground: Ground, records: Records) -> Service:
    return BreachWatch(
        records=records, clock=ground.clock, controller=CONTROLLER, public_url=PUBLIC_URL, operator_email=""
    )


def notices(ground: Ground, records: Records, *versions: Policy) -> PolicyNotices:
    return PolicyNotices(
        records=records, clock=ground.clock, public_url=PUBLIC_URL, versions=versions or policies()[:1]
    )


@pytest.mark.parametrize(
    ("make", "every_s"), [(eraser, ERASE_EVERY_S), (watch, WATCH_EVERY_S), (notices, NOTICE_EVERY_S)]
)
@pytest.mark.parametrize("error", [ValueError("no such state"), StoreUnavailableError("busy")])
async def test_what_cannot_be_read_is_looked_at_again(
    tmp_path: Path, make: Callable[[Ground, Records], Service], every_s: float, error: Exception
) -> None:
    ground, stop, fuse = in_memory(tmp_path), asyncio.Event(), Stumble(1, error)
    running = asyncio.create_task(make(ground, DyingRecords(ground.records, fuse)).run(stop))
    await ground.clock.advance(every_s)
    assert not running.done()
    assert fuse.verbs > 1
    stop.set()
    await running


async def test_a_policy_that_is_not_what_was_published_ends_it_at_once(tmp_path: Path) -> None:
    ground, (first, *_) = in_memory(tmp_path), policies()
    await notices(ground, ground.records, first).round()
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(PolicyBrokenError):
            await notices(ground, ground.records, replace(first, digest="0" * 64)).run(asyncio.Event())


async def test_one_receipt_that_cannot_be_finished_keeps_no_other_back(tmp_path: Path) -> None:
    ground, stuck = in_memory(tmp_path), "acc_stuck"
    now = ground.clock.now()
    for account_id in (stuck, "acc_other"):
        made = Erasure(
            id=erasure_id(account_id, now), account_id=account_id, asked_at=now, due_at=now,
            state=ErasureState.DONE, done_at=now, forgets_at=now + timedelta(seconds=1),
        )  # fmt: skip
        await ground.records.add(made)
    await ground.clock.advance(2)
    await ground.eraser(DyingRecords(ground.records, Stumble(4, ValueError("no such state")))).round()
    left = [each for each in await ground.records.find(Erasure) if each.account_id]
    assert len(left) == 1
    await ground.eraser().round()
    assert not [each for each in await ground.records.find(Erasure) if each.account_id]
