"""A socket whose counters began anew is heard from its next message on that is surely no late one."""

from collections.abc import Sequence
from typing import Any

import pytest

from broker_bridge.connection import Connection
from isocket.domain.reports import STARTS_OF_A_COUNT as FIRST
from isocket.domain.reports import DeviceState, as_the_device_says
from tests.fakes.hearing_bridge import HearingBridge

YEAR_S = 365 * 86_400
ALARM: dict[str, Any] = {"cause": "mains_lost", "active": True}


BEGINNINGS = pytest.mark.parametrize(
    ("numbers", "field"),
    [((1, 2), "boot"), ((50, 2), "seq"), ((50, 7), "seq")],
    ids=["after a reset", "boot not kept", "at the very number"],
)
BRIDGES = pytest.mark.parametrize("anew", [False, True], ids=["the same bridge", "a bridge started since"])


@BRIDGES
@BEGINNINGS
async def test_the_first_alarm_of_a_socket_that_counts_anew_is_judged_as_the_newest(
    numbers: tuple[int, int], field: str, anew: bool
) -> None:
    bridge = HearingBridge()
    assert await bridge.hear("state", bridge.at(50, 7, temp_c=[4.0])) == []
    await bridge.telemetry.note_confirmed({"d1": (50, 7)})
    await bridge.clock.advance(120)
    if anew:
        bridge.start()
    boot, seq = numbers
    so = "it counts anew, and is heard from here on"
    told = f"alarm {field}: boot {boot}, seq {seq} came after boot 50, seq 7: {so}"
    assert await bridge.hear("alarm", bridge.at(boot, seq, **ALARM)) == [told]
    assert await bridge.judged() == [(50, 7), (FIRST + boot, seq)]
    await bridge.clock.advance(1)
    assert await bridge.hear("state", bridge.at(boot, seq + 1, temp_c=[9.0])) == [told], "once is enough"
    state = (await bridge.telemetry.latest(["d1"]))["d1"]
    assert (state.boot, state.seq, state.fields) == (FIRST + boot, seq + 1, {"temp_c": [9.0]})


@BRIDGES
async def test_a_socket_that_counts_anew_is_told_in_its_own_numbers_what_is_stored(anew: bool) -> None:
    bridge = await counting_anew()
    if anew:
        bridge.start()
    await bridge.clock.advance(10)
    await bridge.hear("state", bridge.at(1, 3))
    due = bridge.confirmations.due(bridge.clock.monotonic_s(), drained_at=bridge.clock.monotonic_s())
    assert {each: as_the_device_says(order) for each, order in due.items()} == {"d1": (1, 3)}
    assert await bridge.hear("alarm", {"boot": 1, "seq": 4, "cause": "nothing"}) != []
    due = bridge.confirmations.due(bridge.clock.monotonic_s() + 20, drained_at=bridge.clock.monotonic_s() + 20)
    assert {each: as_the_device_says(order) for each, order in due.items()} == {"d1": (1, 4)}, "refused is done with"


@BRIDGES
async def test_what_a_socket_repeats_after_it_began_to_count_anew_is_stored_once(anew: bool) -> None:
    bridge = HearingBridge()
    old, young = bridge.at(50, 6), bridge.at(50, 7)
    await bridge.hear("state", old, young)
    await bridge.clock.advance(30)
    unsure = bridge.at(1, 1, uptime_s=1)
    assert await bridge.hear("state", unsure) == [], "less than a minute after: it may be late"
    await bridge.clock.advance(90)
    sure = bridge.at(1, 2, **ALARM)
    await bridge.hear("alarm", sure)
    if anew:
        bridge.start()
    await bridge.clock.advance(61)
    for kind, *said in (("state", old, young), ("state", unsure), ("alarm", sure)):
        await bridge.hear(kind, *said)
    assert await bridge.stored() == [(1, 1), (50, 6), (50, 7), (FIRST + 1, 2)]


@pytest.mark.parametrize("died", ["never", "once it was stored", "before it was stored"])
async def test_what_was_said_a_moment_before_a_socket_counts_anew_is_stored_once_when_it_comes_again(died: str) -> None:
    bridge = HearingBridge()
    await bridge.hear("state", bridge.at(50, 7))
    await bridge.clock.advance(50)
    unsure = bridge.at(1, 1, uptime_s=1)
    await bridge.hear("state", unsure)
    await bridge.clock.advance(20)
    sure = bridge.at(1, 2, **ALARM)
    if died == "before it was stored":
        await bridge.telemetry.note_confirmed({"d1": (FIRST, -1)})
    else:
        await bridge.hear("alarm", sure)
    if died != "never":
        bridge.start()
    await bridge.clock.advance(5)
    await bridge.hear("state", unsure)
    await bridge.hear("alarm", sure)
    assert await bridge.stored() == [(1, 1), (50, 7), (FIRST + 1, 2)]


async def test_a_refused_boot_beyond_those_of_the_wire_begins_no_count() -> None:
    bridge = HearingBridge()
    await bridge.hear("state", {"boot": FIRST + 5, "seq": 1})
    said = bridge.poor(1, 1)
    await bridge.hear("state", said)
    await bridge.telemetry.note_confirmed(bridge.confirmations.due(bridge.clock.monotonic_s()))
    bridge.start()
    await bridge.hear("state", said)
    assert await bridge.stored() == [(1, 1)]


async def test_what_comes_again_in_a_batch_is_what_came_by_itself() -> None:
    bridge = await counting_anew()
    old = bridge.at(1, 3, uptime_s=3)
    await bridge.hear("state", old)
    await bridge.clock.advance(120)
    sure = bridge.at(1, 1, uptime_s=1)
    await bridge.hear("state", sure)
    await bridge.hear("state", old, sure)
    assert await bridge.stored() == [(50, 7), (FIRST + 1, 2), (FIRST + 1, 3), (2 * FIRST + 1, 1)]


async def test_what_was_said_before_a_socket_began_to_count_anew_and_comes_later_is_history() -> None:
    bridge = HearingBridge()
    await bridge.hear("state", bridge.at(50, 7))
    await bridge.clock.advance(30)
    late, later = bridge.at(50, 8, **ALARM), bridge.at(51, 1, uptime_s=1)
    await bridge.clock.advance(90)
    await bridge.hear("alarm", bridge.at(1, 2, **ALARM))
    await bridge.hear("alarm", late)
    await bridge.hear("state", later, bridge.at(1, 3))
    assert await bridge.stored() == [(50, 7), (50, 8), (51, 1), (FIRST + 1, 2), (FIRST + 1, 3)]
    state = (await bridge.telemetry.latest(["d1"]))["d1"]
    assert (state.boot, state.seq) == (FIRST + 1, 3)


@pytest.mark.parametrize(("wait_s", "behind_s"), [(1, YEAR_S), (3_601, 4_000)], ids=["years", "an hour after it"])
async def test_a_socket_whose_clock_falls_back_after_it_began_to_count_anew_stays_heard(
    wait_s: int, behind_s: int
) -> None:
    bridge = HearingBridge()
    await bridge.hear("state", bridge.at(50, 3))
    await bridge.clock.advance(900)
    await bridge.hear("state", bridge.at(50, 1))
    await bridge.clock.advance(wait_s)
    await bridge.hear("alarm", bridge.at(50, 4, ago_s=behind_s, **ALARM))
    assert (await bridge.stored())[-1] == (FIRST + 50, 4)


async def test_a_socket_that_said_nothing_but_alarms_is_heard_when_it_counts_anew() -> None:
    bridge = HearingBridge()
    await bridge.hear("alarm", bridge.at(50, 1, **ALARM))
    await bridge.clock.advance(120)
    await bridge.hear("alarm", bridge.at(50, 1, **ALARM))
    await bridge.hear("state", bridge.at(50, 2))
    assert await bridge.stored() == [(50, 1), (FIRST + 50, 1), (FIRST + 50, 2)]


async def test_a_socket_may_begin_to_count_anew_again_and_again() -> None:
    bridge = await counting_anew()
    await bridge.hear("state", bridge.at(1, 3))
    for count in (2, 3):
        await bridge.clock.advance(120)
        await bridge.hear("state", bridge.at(1, 1))
        assert (await bridge.telemetry.latest(["d1"]))["d1"].boot == count * FIRST + 1


async def test_a_bridge_that_was_set_aside_hears_by_the_count_that_another_gave() -> None:
    bridge = HearingBridge()
    await bridge.hear("state", bridge.at(50, 7))
    aside = bridge.intake, bridge.confirmations
    await bridge.clock.advance(120)
    bridge.start()
    await bridge.hear("state", bridge.at(1, 2))
    bridge.intake, bridge.confirmations = aside
    await bridge.clock.advance(1)
    await bridge.hear("alarm", bridge.at(1, 3, **ALARM))
    assert await bridge.stored() == [(50, 7), (FIRST + 1, 2), (FIRST + 1, 3)]


async def test_a_late_alarm_of_a_clock_that_ran_ahead_begins_no_count_and_is_told_among_the_refused() -> None:
    bridge = HearingBridge()
    ahead = bridge.at(50, 5, ago_s=-300, **ALARM)
    await bridge.hear("state", bridge.at(50, 7))
    told = "alarm seq: boot 50, seq 5 came after boot 50, seq 7: it counts as older, and raises no alarm"
    assert await bridge.hear("alarm", ahead) == [told], "put right meanwhile: both came within moments"
    await bridge.clock.advance(30)
    await bridge.hear("state", bridge.at(50, 8))
    await bridge.clock.advance(250)
    assert await bridge.hear("alarm", ahead) == [told], "it was stored, and is what it was"
    assert await bridge.stored() == [(50, 5), (50, 7), (50, 8)]


async def test_what_was_long_on_its_way_begins_no_count() -> None:
    bridge = HearingBridge()
    await bridge.hear("state", bridge.at(50, 7))
    await bridge.clock.advance(600)
    told = "alarm boot: boot 1, seq 2 came after boot 50, seq 7: it counts as older, and raises no alarm"
    assert await bridge.hear("alarm", bridge.at(1, 2, ago_s=90, **ALARM)) == [told]
    assert await bridge.stored() == [(1, 2), (50, 7)]


async def counting_anew() -> HearingBridge:
    """Return a bridge at which a socket began to count anew: boot 1, seq 2."""
    bridge = HearingBridge()
    await bridge.hear("state", bridge.at(50, 7))
    await bridge.telemetry.note_confirmed({"d1": (50, 7)})
    await bridge.clock.advance(120)
    await bridge.hear("state", bridge.at(1, 2))
    return bridge


async def test_what_a_socket_sends_late_of_an_earlier_run_is_no_counting_anew() -> None:
    bridge = HearingBridge()
    await bridge.hear("state", bridge.at(49, 9))
    await bridge.clock.advance(300)
    await bridge.hear("state", bridge.at(50, 7))
    await bridge.clock.advance(120)
    assert await bridge.hear("alarm", bridge.at(49, 11, ago_s=130, **ALARM)) == []
    assert await bridge.hear("state", bridge.at(49, 10, ago_s=200), bridge.at(50, 1, ago_s=129)) == []


@pytest.mark.parametrize("back_s", [0, 59])
async def test_a_socket_that_puts_its_clock_right_by_less_than_a_minute_does_not_count_anew(back_s: int) -> None:
    bridge = HearingBridge()
    await bridge.hear("state", bridge.at(50, 7, ago_s=back_s))
    assert await bridge.hear("state", bridge.at(50, 6)) == []


NO_TIME = pytest.mark.parametrize("timed", [{}, {"ago_s": 5 * YEAR_S}], ids=["no clock", "a clock years behind"])


@NO_TIME
async def test_a_socket_without_a_good_time_is_heard_again_by_the_third_message_when_ten_minutes_are_over(
    timed: dict[str, int],
) -> None:
    bridge = HearingBridge()
    await bridge.hear("state", bridge.at(50, 7))
    await bridge.clock.advance(300)
    await bridge.hear("state", bridge.poor(1, 1, **timed))
    await bridge.clock.advance(300)
    unsure = bridge.poor(1, 2, **timed)
    await bridge.hear("state", unsure)
    await bridge.clock.advance(299)
    await bridge.hear("state", bridge.poor(1, 3, **timed))
    await bridge.clock.advance(1)
    alarm = bridge.poor(1, 4, **timed, **ALARM)
    (*_, told) = await bridge.hear("alarm", alarm)
    assert told.endswith("seq 4 came after boot 50, seq 7: it counts anew, and is heard from here on")
    await bridge.clock.advance(5)
    await bridge.hear("state", unsure)
    await bridge.hear("alarm", alarm)
    await bridge.hear("state", bridge.poor(1, 5, **timed))
    assert await bridge.stored() == [(1, 1), (1, 2), (1, 3), (50, 7), (FIRST + 1, 4), (FIRST + 1, 5)]
    assert (await bridge.telemetry.latest(["d1"]))["d1"].seq == 5


async def test_two_messages_without_a_good_time_are_not_enough_however_far_apart() -> None:
    bridge = HearingBridge()
    await bridge.hear("state", bridge.at(50, 7))
    for seq in (1, 2):
        await bridge.clock.advance(3_600)
        assert await bridge.hear("state", bridge.poor(1, seq)) == []
    assert await bridge.stored() == [(1, 1), (1, 2), (50, 7)]


async def test_what_is_said_right_after_a_late_report_came_begins_no_count() -> None:
    bridge = HearingBridge()
    await bridge.hear("state", bridge.at(50, 7, ago_s=900))
    await bridge.clock.advance(30)
    told = "alarm seq: boot 50, seq 6 came after boot 50, seq 7: it counts as older, and raises no alarm"
    assert await bridge.hear("alarm", bridge.at(50, 6, **ALARM)) == [told], "its clock may have gone back in between"


async def test_an_alarm_whose_number_lies_in_a_gap_of_the_count_before_is_heard() -> None:
    bridge = HearingBridge()
    await bridge.hear("state", bridge.at(50, 1))
    await bridge.hear("state", bridge.at(50, 9))
    await bridge.clock.advance(120)
    await bridge.hear("alarm", bridge.at(50, 3, **ALARM))
    assert await bridge.stored() == [(50, 1), (50, 9), (FIRST + 50, 3)]


@NO_TIME
async def test_a_socket_that_counts_anew_a_second_time_before_we_were_sure_is_heard_again(
    timed: dict[str, int],
) -> None:
    bridge = HearingBridge()
    await bridge.hear("state", bridge.at(50, 7))
    for seq in range(1, 7):
        await bridge.clock.advance(60)
        await bridge.hear("state", bridge.poor(1, seq, uptime_s=1, **timed))
    for seq in (1, 2, 3):
        await bridge.clock.advance(900)
        await bridge.hear("state", bridge.poor(1, seq, uptime_s=2, **timed))
    assert (await bridge.stored())[-1] == (FIRST + 1, 3)


@NO_TIME
async def test_a_socket_whose_alarms_overtake_its_reports_is_heard_again_all_the_same(timed: dict[str, int]) -> None:
    bridge = HearingBridge()
    await bridge.hear("state", bridge.at(50, 7))
    reports: list[dict[str, Any]] = []
    for seq in (1, 3, 5):
        await bridge.clock.advance(900)
        reports.append(bridge.poor(1, seq, **timed))
        await bridge.hear("alarm", bridge.poor(1, seq + 1, **timed, **ALARM))
        await bridge.clock.advance(2)
        await bridge.hear("state", reports[-1])
    assert (await bridge.stored())[-1] == (FIRST + 1, 6)
    await bridge.hear("state", reports[0])
    assert (FIRST + 1, 1) not in await bridge.stored(), "it was stored before"


@NO_TIME
async def test_something_newer_in_between_shows_that_what_looks_old_is_late(timed: dict[str, int]) -> None:
    bridge = HearingBridge()
    await bridge.hear("state", bridge.poor(50, 7, **timed))
    for seq in range(1, 9):
        await bridge.clock.advance(300)
        await bridge.hear("state", bridge.poor(49, seq, **timed))
        if seq % 2:
            await bridge.hear("alarm", bridge.poor(50, 8 + seq, **timed, **ALARM))
    assert max(await bridge.stored()) < (FIRST, 0)


async def test_a_backlog_that_is_repeated_piece_by_piece_on_a_poor_link_begins_no_count() -> None:
    bridge = HearingBridge()
    said = [bridge.poor(50, seq, uptime_s=seq) for seq in range(1, 8)]
    await bridge.hear("state", *said)
    for upto in (3, 5, 6):
        await bridge.clock.advance(700)
        for each in said[:upto]:
            await bridge.hear("state", each)
    assert await bridge.stored() == [(50, seq) for seq in range(1, 8)]


async def test_a_backlog_of_a_good_clock_that_comes_slowly_begins_no_count() -> None:
    bridge = HearingBridge()
    late = [bridge.at(49, seq, ago_s=9_000 - 900 * seq) for seq in range(1, 8)]
    await bridge.hear("state", bridge.at(50, 7))
    for each in late:
        await bridge.clock.advance(120)
        await bridge.hear("state", each)
    assert max(await bridge.stored()) == (50, 7)


async def test_messages_are_stored_and_acknowledged_though_the_look_for_who_counts_anew_breaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bridge = HearingBridge()
    acknowledged: list[int] = []
    await bridge.hear("state", bridge.at(9, 1, temp_c=[4.0]))

    async def broken(_: Sequence[str]) -> dict[str, DeviceState]:
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr(bridge.telemetry, "latest", broken)
    monkeypatch.setattr(Connection, "acknowledge", lambda _, group: acknowledged.append(len(group)))
    await bridge.hear("alarm", bridge.at(1, 2, **ALARM))
    assert acknowledged == [1]
    assert await bridge.telemetry.reports_waiting() == 2
