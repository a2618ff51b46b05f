"""What a dry run says would go is what a sweep then removes, also beside holds that cannot be copied."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from isocket.domain.holds import HeldCopy, Hold, HoldState, Part
from isocket.domain.restrictions import Restriction, restriction_id
from isocket.storage.port import is_
from privacy.holds import HoldKeeper
from privacy.retention import Retention
from tests.fakes.erasing_house import MAIJA_ID, Ground, furnish, in_memory
from tests.fakes.portal_devices import SOCKET
from tests.room.test_holds import DAY_S, Forgetful, furnish_another, hold, keeper, swept

LIFE = timedelta(days=31)


def retention_of(ground: Ground, mine: HoldKeeper) -> Retention:
    return Retention(
        records=ground.records, clock=ground.clock, telemetry=ground.telemetry, keyring=ground.keyring,
        before=mine.copy_all, foresee=mine.would_spare, reports_life=LIFE,
    )  # fmt: skip


async def foretold(retention: Retention, ground: Ground, later: timedelta = timedelta()) -> dict[str, int]:
    due = await retention.forecast(ground.clock.now() + later)
    return {each.collection: each.removed + each.emptied for each in due}


async def reported(ground: Ground) -> int:
    """Return how many reports there are of both sockets."""
    span = {"start": ground.clock.now() - timedelta(days=300), "end": ground.clock.now()}
    return sum([len(await ground.telemetry.reports(each, **span)) for each in (SOCKET, "is707-2")])


@pytest.mark.clause("C2-26")
@pytest.mark.clause("C6-14")
async def test_a_dry_run_knows_whom_a_hold_spares_and_says_what_the_sweep_removes(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await furnish_another(ground)
    await ground.records.add(hold(ground, Part.REPORTS, Part.MESSAGES))
    telemetry = Forgetful(ground)
    retention = retention_of(ground, keeper(replace(ground, telemetry=telemetry)))
    await ground.clock.advance(32 * DAY_S)
    for broken, goes in ((True, 1), (False, 1)):
        telemetry.broken = broken
        said = await foretold(retention, ground)
        assert (said["deliveries"], said["telemetry"]) == (goes, goes)
        before = await reported(ground)
        sweeps = await swept(retention, ground)
        assert sweeps == said
        assert before - await reported(ground) == goes
    assert await foretold(retention, ground) == {}


@pytest.mark.clause("C7-08")
async def test_a_dry_run_knows_whose_data_is_only_kept(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await furnish_another(ground)
    made = Restriction(id=restriction_id(MAIJA_ID), account_id=MAIJA_ID, since=ground.clock.now())
    await ground.records.add(made)
    retention = retention_of(ground, keeper(ground))
    await ground.clock.advance(32 * DAY_S)
    said, before = await foretold(retention, ground), await reported(ground)
    assert (said["deliveries"], said["telemetry"]) == (2, 1), "the words of hers to other people go as well"
    assert await swept(retention, ground) == said
    assert before - await reported(ground) == 1
    assert (await foretold(retention, ground, timedelta(days=400)))["deliveries"] == 1, "of hers no message goes"
    await ground.records.change_one(Restriction, is_("id", made.id), lifts_at=ground.clock.now())
    assert (await foretold(retention, ground))["telemetry"] == 1


async def test_a_dry_run_writes_nothing_and_blames_no_hold(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await ground.records.add_all(
        [hold(ground, Part.MESSAGES, Part.REPORTS), replace(hold(ground), id="hld_2", parts=("nonsense",))]
    )
    before = await ground.records.find(Hold)
    telemetry = Forgetful(ground)
    await retention_of(ground, keeper(replace(ground, telemetry=telemetry))).forecast(ground.clock.now())
    assert (await ground.records.find(Hold), await ground.records.count(HeldCopy)) == (before, 0)


async def test_a_hold_that_is_over_by_then_spares_nobody(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await ground.records.add(hold(ground, Part.MESSAGES, Part.REPORTS))
    retention = retention_of(ground, keeper(replace(ground, telemetry=Forgetful(ground))))
    early, late = [await foretold(retention, ground, timedelta(days=day)) for day in (89, 90)]
    assert ("deliveries" in early, late["deliveries"]) == (False, 1)
    await ground.clock.advance(90 * DAY_S)
    assert (await ground.records.find(Hold))[0].state is HoldState.IN_FORCE, "nobody has looked since"
    assert (await swept(retention, ground))["deliveries"] == 1


async def test_a_hold_that_was_released_before_its_day_spares_nobody(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    released = {"state": HoldState.EMPTIED, "over_at": ground.clock.now()}
    await ground.records.add(replace(hold(ground, Part.MESSAGES, Part.REPORTS), **released))
    retention = retention_of(ground, keeper(replace(ground, telemetry=Forgetful(ground))))
    assert (await foretold(retention, ground, timedelta(days=31)))["deliveries"] == 1
