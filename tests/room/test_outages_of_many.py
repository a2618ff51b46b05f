"""Many sockets lost at once are one event: the operator hears of it once, customers only of what is theirs."""

import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from alerts import outages
from alerts.fleet import DEAF_AFTER_S, SETTLING_S, Thresholds
from alerts.held_back import HeldBack
from alerts.outages import FLAPPING_S, SOME_GONE
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Incident, IncidentState
from isocket.domain.listening import BRIDGE, Listening
from isocket.domain.outages import OutageKind
from isocket.storage.port import is_, one_of
from tests.fakes.dying import DyingRecords, Fuse, every_crash_point
from tests.fakes.fleet_house import JUDGES, PATIENCE_S, FleetHouse, fleet_house

SIZE = 12
LARGE = 5_000  # several times as many as are looked for, read or judged at a time


async def the_operator_was_told_once(house: FleetHouse) -> None:
    """One notice, by mail and by text message."""
    news = await house.operator_news()
    assert len({(each.created_at, each.channel) for each in news}) == 2, [each.text for each in news]
    assert len(news) == 2


@pytest.fixture
def light_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where the system has one: ten thousand judgements wait for a disk longer than they take."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as folder:
        yield Path(folder)


async def test_when_the_broker_dies_under_a_large_fleet_no_customer_is_paged_and_the_operator_is_once(
    light_folder: Path,
) -> None:
    async with fleet_house(LARGE, light_folder) as house:
        await house.let_pass(PATIENCE_S, listening=False, step_s=900)
        for _ in range(100):  # the store looks for some hundreds of silent ones at a time
            if await house.records.count(Incident) == LARGE:
                break
            await house.let_pass(0.2, listening=False)
        assert not await house.paged()
        await the_operator_was_told_once(house)
        open_now = await house.open()
        assert len(open_now) == LARGE
        assert {each.explained_by for each in open_now} == {(await house.outages_kept())[0].id}
        assert "explained_by_outage" in await house.reasons(open_now[0])


async def test_all_is_forgotten_when_the_fleet_comes_back() -> None:
    async with fleet_house(SIZE) as house:
        await house.let_pass(PATIENCE_S + 60, listening=False)
        assert len(await house.open()) == SIZE
        await house.let_pass(1, listening=True)
        await house.hear(house.devices)
        await house.let_pass(SETTLING_S + 120, listening=True)
        assert not await house.open()
        assert not await house.paged()
        (outage,) = await house.outages_kept()
        assert (outage.kind, outage.settled, outage.open_key) == (OutageKind.DEAF, True, None)
        news = [each.text for each in await house.operator_news()]
        assert len(news) == 3, "the beginning by both ways, the end by mail alone"


async def test_whose_socket_stays_silent_when_the_others_are_back_is_told() -> None:
    async with fleet_house(SIZE) as house:
        await house.let_pass(PATIENCE_S + 60, listening=False)
        await house.let_pass(1, listening=True)
        await house.hear(house.devices[1:])
        await house.let_pass(SETTLING_S - 120, listening=True)
        assert not await house.paged()
        await house.let_pass(240, listening=True)
        (alarm,) = await house.paged()
        assert alarm.account_id == "acc-00000"
        (lost,) = await house.open()
        assert lost.explained_by is None
        assert await house.reasons(lost) == ["explained_by_outage", "still_silent_after_outage"]


async def test_an_outage_that_lasts_too_long_is_told_to_each_customer_after_all() -> None:
    async with fleet_house(SIZE) as house:
        await house.let_pass(PATIENCE_S + 60, listening=False)
        await house.let_pass(house.limits.hold_s - 120, listening=False)
        assert not await house.paged()
        await house.let_pass(240, listening=False)
        assert {each.account_id for each in await house.paged()} == {f"acc-{number:05}" for number in range(SIZE)}
        await the_operator_was_told_once(house)
        assert "outage_lasts_too_long" in await house.reasons((await house.open())[0])


async def test_sockets_that_vanish_while_the_bridge_listens_are_one_event_as_well() -> None:
    async with fleet_house(SIZE) as house:
        for _ in range(PATIENCE_S // 900):
            await house.let_pass(900, listening=True)
            await house.hear(house.devices[: SIZE // 2])
        await house.let_pass(120, listening=True)
        (outage,) = await house.outages_kept()
        assert (outage.kind, outage.hit, outage.fleet) == (OutageKind.FLEET, SIZE // 2, SIZE)
        held = await house.open()
        assert {each.explained_by for each in held} == {outage.id}
        assert len(held) == SIZE // 2
        assert not await house.paged()
        await the_operator_was_told_once(house)


async def test_one_customers_whole_house_that_falls_silent_is_told_to_that_customer() -> None:
    async with fleet_house(SIZE) as house:
        await house.records.change_all(Device, owner_id="acc-00000", name=None, place=None, part_names=None)
        for _ in range(PATIENCE_S // 900):
            await house.let_pass(900, listening=True)
            await house.hear(house.devices[: SIZE // 2])
        await house.let_pass(120, listening=True)
        assert not await house.outages_kept()
        assert {each.account_id for each in await house.paged()} == {"acc-00000"}


async def give_to_one_customer(house: FleetHouse, devices: list[str]) -> None:
    for each in devices:
        await house.records.change_one(Device, is_("id", each), owner_id="acc-00000")


async def test_one_customers_house_that_falls_silent_is_told_however_many_others_are_well() -> None:
    async with fleet_house(SIZE) as house:
        await give_to_one_customer(house, house.devices[:6])
        for _ in range(PATIENCE_S // 900):
            await house.let_pass(900, listening=True)
            await house.hear(house.devices[6:])
        await house.let_pass(120, listening=True)
        assert not await house.outages_kept()
        assert {each.account_id for each in await house.paged()} == {"acc-00000"}
        assert {each.explained_by for each in await house.open()} == {None}


async def test_many_customers_that_fall_silent_are_one_event_though_most_sockets_are_one_customers() -> None:
    async with fleet_house(SOME_GONE + 6) as house:
        await give_to_one_customer(house, house.devices[: SOME_GONE + 1])
        await house.let_pass(PATIENCE_S // 2 + 60, listening=True, step_s=600)
        (outage,) = await house.outages_kept()
        assert (outage.kind, outage.hit) == (OutageKind.FLEET, SOME_GONE + 6)


async def test_whose_sockets_are_gone_is_looked_up_once_for_all_that_are_judged() -> None:
    async with fleet_house(40, limits=Thresholds(within_s=PATIENCE_S)) as house:  # they count as gone until judged
        await give_to_one_customer(house, house.devices)
        await house.let_pass(PATIENCE_S - 60, listening=True, step_s=600)
        asked, gone = [], house.telemetry.gone

        async def counted(**named: Any) -> list[str]:
            asked.append(named)
            return await gone(**named)

        house.telemetry.gone = counted  # type: ignore[method-assign] - the real one answers
        await house.clock.advance(70)
        await house.listen()
        await house.judge_all()
        assert len(await house.open()) == 40
        assert 0 < len(asked) <= JUDGES, "once for each that found nothing remembered"


async def test_who_says_that_silence_is_critical_hears_of_it_in_an_outage_as_well() -> None:
    async with fleet_house(SIZE) as house:
        desired = {"severities": {"offline": "critical"}}
        await house.records.change_one(Device, is_("id", house.devices[0]), desired=desired)
        await house.let_pass(PATIENCE_S + 60, listening=False)
        (outage,) = await house.outages_kept()
        assert [each.account_id for each in await house.paged()] == ["acc-00000"]
        held = [each for each in await house.open() if each.explained_by == outage.id]
        assert len(held) == SIZE - 1


async def test_what_the_broker_says_of_connections_is_noticed_within_seconds() -> None:
    async with fleet_house(SIZE) as house:
        await house.let_pass(30, listening=True)
        for each in house.devices[:6]:
            await house.telemetry.note_presence(each, online=False, at=house.clock.now())
        await house.let_pass(5, listening=True, step_s=5)
        (outage,) = await house.outages_kept()
        assert (outage.kind, outage.hit) == (OutageKind.FLEET, 6)


async def test_a_few_that_fall_silent_are_told_to_their_customers_as_ever() -> None:
    async with fleet_house(SIZE) as house:
        for _ in range(4):
            await house.let_pass(900, listening=True)
            await house.hear(house.devices[4:])
        assert {each.account_id for each in await house.paged()} == {f"acc-{number:05}" for number in range(4)}
        assert not await house.outages_kept()
        assert not await house.operator_news()


async def test_a_bridge_that_restarts_is_no_outage() -> None:
    async with fleet_house(SIZE) as house:
        await house.let_pass(50, listening=False, step_s=5)
        await house.let_pass(30, listening=True, step_s=5)
        assert not await house.outages_kept()


async def test_the_operator_hears_of_a_bridge_that_never_came_and_that_it_came_at_last() -> None:
    async with fleet_house(0) as house:
        await house.records.remove_all(Listening, is_("id", BRIDGE))
        house.outages = house.fresh_outages()
        await house.let_pass(DEAF_AFTER_S, listening=False, step_s=DEAF_AFTER_S)
        assert not await house.operator_news()
        await house.let_pass(60, listening=False)
        await the_operator_was_told_once(house)
        await house.let_pass(SETTLING_S + 120, listening=True)
        (outage,) = await house.outages_kept()
        assert (outage.kind, outage.settled, outage.open_key) == (OutageKind.DEAF, True, None)


async def test_an_incident_that_somebody_saw_to_is_not_released() -> None:
    async with fleet_house(SIZE) as house:
        await house.let_pass(PATIENCE_S + 60, listening=False)
        first = (await house.open())[0]
        await house.records.change_one(Incident, is_("id", first.id), state=IncidentState.ACKNOWLEDGED)
        await house.let_pass(house.limits.hold_s + 120, listening=False)
        assert len(await house.paged()) == SIZE - 1
        assert {each.cause for each in await house.open()} == {Cause.OFFLINE}


NO_POWER = {"mains": False, "battery_pct": 97}


async def lose_power(house: FleetHouse, devices: list[str]) -> None:
    """Have these sockets say so one after another, each for longer than the delay of the alarm."""
    await house.hear(devices, **NO_POWER)
    await house.work()
    await house.let_pass(11, listening=True, step_s=1)


async def test_a_power_cut_of_many_is_told_to_each_customer_once_and_said_as_such() -> None:
    async with fleet_house(SIZE) as house:
        await lose_power(house, house.devices[:4])
        first = await house.paged()
        assert len(first) == 4
        assert not any("at several other sockets too" in each.text for each in first), "nobody can know yet"
        await lose_power(house, house.devices[4:10])
        told = await house.paged()
        assert sorted(each.account_id for each in told) == [f"acc-{number:05}" for number in range(10)]
        assert sum("at several other sockets too" in each.text for each in told) >= 4
        assert not await house.operator_news()
        (outage,) = await house.outages_kept()
        assert (outage.kind, outage.fleet) == (OutageKind.POWER, SIZE)
        await house.let_pass(10, listening=True, step_s=5)
        cut = await house.open()
        assert {each.part_of for each in cut} == {outage.id}
        for each in cut:
            assert (await house.reasons(each)).count("part_of_power_cut") == 1
        await house.let_pass(300, listening=True)
        (outage,) = await house.outages_kept()
        assert (outage.hit, outage.open_key, outage.settled) == (10, None, True)


async def test_sockets_that_fall_silent_in_a_power_cut_are_no_outage_of_ours_and_page_nobody_again() -> None:
    async with fleet_house(SIZE) as house:
        await lose_power(house, house.devices[:10])
        for _ in range(4):
            await house.let_pass(900, listening=True)
            await house.hear(house.devices[10:])
        assert len({each.account_id for each in await house.paged()}) == len(await house.paged()) == 10
        assert {each.kind for each in await house.outages_kept()} == {OutageKind.POWER}
        assert not await house.operator_news()


async def test_sockets_that_fall_silent_right_after_a_power_cut_are_held_back_for_the_outage_of_ours() -> None:
    async with fleet_house(SIZE) as house:
        await lose_power(house, house.devices)
        await house.hear(house.devices)
        await house.let_pass(11, listening=True, step_s=1)
        told = len(await house.paged())
        await house.let_pass(PATIENCE_S + 60, listening=True)
        (fleet,) = [each for each in await house.outages_kept() if each.kind is OutageKind.FLEET]
        silent = await house.open()
        assert {each.cause for each in silent} == {Cause.OFFLINE}
        assert {each.explained_by for each in silent} == {fleet.id}
        assert len(await house.paged()) == told == SIZE, "of the cut, and of nothing else"
        assert "explained_by_outage" in await house.reasons(silent[0])
        await house.let_pass(house.limits.hold_s, listening=True)
        assert len(await house.paged()) == 2 * SIZE, "what lasts too long is told after all"


async def test_a_customer_whose_many_sockets_went_first_does_not_hide_that_others_have_no_power_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outages, "SOME_CUT", 4)
    async with fleet_house(20) as house:
        await house.records.change_all(Device, one_of("id", house.devices[:8]), owner_id="acc-00000")
        await lose_power(house, house.devices[:8])
        assert not await house.outages_kept()
        await lose_power(house, house.devices[8:16])
        (outage,) = await house.outages_kept()
        cut = await house.open()
        assert (outage.kind, outage.began_at) == (OutageKind.POWER, min(each.detected_at for each in cut))
        assert any("at several other sockets too" in each.text for each in await house.paged())


async def test_a_power_cut_at_one_customers_sockets_is_no_cut_of_many() -> None:
    async with fleet_house(SIZE) as house:
        await house.records.change_all(Device, owner_id="acc-00000")
        await lose_power(house, house.devices)
        assert not await house.outages_kept()
        assert not any("several other" in each.text for each in await house.paged())


async def test_whoever_dies_anywhere_tells_the_operator_once_and_holds_nothing_for_ever() -> None:
    async def build() -> FleetHouse:
        house = await opened.enter_async_context(fleet_house(6))
        await house.let_pass(PATIENCE_S, listening=False, step_s=900)
        house.listening_since = house.clock.now()
        await house.listen()
        await house.hear(house.devices[1:])
        await house.judge_all()
        return house

    async def run(house: FleetHouse, fuse: Fuse) -> None:
        records = DyingRecords(house.records, fuse)
        outages, held_back = house.fresh_outages(records), HeldBack(records=records, clock=house.clock)
        for _ in range(3):
            await house.clock.advance(SETTLING_S)
            await house.listen()
            await house.hear(house.devices[1:])
            await outages.look()
            while await held_back.step():
                pass

    async def check(house: FleetHouse) -> None:
        (outage,) = await house.outages_kept()
        assert outage.settled
        assert len(await house.operator_news()) == 3
        (lost,) = [each for each in await house.open() if each.device_id == house.devices[0]]
        assert (lost.explained_by, lost.needs_step) == (None, True)
        assert (await house.reasons(lost)).count("still_silent_after_outage") == 1

    async with AsyncExitStack() as opened:
        assert await every_crash_point(build, run, check) > 20


async def test_a_broker_that_comes_and_goes_is_told_once_and_again_when_it_stays_away() -> None:
    async with fleet_house(SIZE) as house:
        for _ in range(4):
            await house.let_pass(180, listening=False)
            await house.hear(house.devices)
            await house.let_pass(120, listening=True)
        assert len(await house.outages_kept()) == 4
        assert len(await house.operator_news()) == 3, "the first beginning by both ways, and its end"
        await house.let_pass(FLAPPING_S + 120, listening=False)
        assert len(await house.operator_news()) == 5
