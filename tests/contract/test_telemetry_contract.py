"""What every store of telemetry promises."""

import asyncio
import csv
import io
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from isocket.domain.reports import ClockQuality, Envelope, Report, ReportKind, in_count
from isocket.kit.clock import EPOCH, to_ms
from isocket.storage.set_back import BELIEVED_AFTER_S
from isocket.storage.table import HEAD, fields_of_line
from isocket.storage.telemetry import Confirmed, Series, Telemetry, Waiting
from isocket.storage.wakeups import HEARD, Wakeups
from tests.fakes.clock import NOON, ManualClock

QUIET = Envelope(battery_low_pct=20, temp_c=((0, 30),), inputs=(False,))
IN_ORDER: dict[str, Any] = {"mains": True, "battery_pct": 90}
LOST: dict[str, Any] = {"mains": False}
YEAR_S = 366 * 86_400


def report(
    seq: int,
    fields: dict[str, Any] | None = None,
    *,
    device: str = "d1",
    boot: int = 1,
    kind: ReportKind = ReportKind.STATE,
    after_s: float = 0,
    late_s: float = 0,
) -> Report:
    """Make a message that was sent `after_s` seconds after noon and came `late_s` later."""
    own = IN_ORDER if fields is None else fields
    at_ms = to_ms(NOON) + round(after_s * 1000)
    body = {"boot": boot, "seq": seq, "ts": at_ms, **own}
    return Report(
        device, kind, boot, seq, at_ms, at_ms + round(late_s * 1000), ClockQuality.DEVICE, json.dumps(body), body
    )


async def claim(telemetry: Telemetry, clock: ManualClock, lease_s: float = 30) -> Waiting | None:
    return await telemetry.claim_waiting(owner="worker", now=clock.now(), lease_s=lease_s)


async def claimed(telemetry: Telemetry, clock: ManualClock, lease_s: float = 30) -> Waiting:
    waiting = await claim(telemetry, clock, lease_s)
    assert waiting is not None
    return waiting


async def settle(
    telemetry: Telemetry,
    waiting: Waiting,
    *,
    envelope: Envelope | None = QUIET,
    wake_in_s: float | None = None,
    silent_after_s: float | None = None,
) -> bool:
    wake_at = None if wake_in_s is None else NOON + timedelta(seconds=wake_in_s)
    return await telemetry.settle(waiting, envelope=envelope, wake_at=wake_at, silent_after_s=silent_after_s)


async def quieten(telemetry: Telemetry, clock: ManualClock, *devices: str) -> None:
    """Have each device heard once at noon and settled with a quiet envelope."""
    await telemetry.store([report(1, device=device) for device in devices])
    for _ in devices:
        assert await settle(telemetry, await claimed(telemetry, clock))


def orders(waiting: Waiting | None) -> list[tuple[int, int]] | None:
    return None if waiting is None else [each.order for each in waiting.reports]


# Storing


async def test_a_report_that_comes_twice_is_stored_once(telemetry: Telemetry) -> None:
    assert await telemetry.store([report(1), report(2), report(1)]) == [True, True, False]
    assert await telemetry.store([report(2), report(3)]) == [False, True]
    assert await telemetry.reports_waiting() == 3


async def test_the_same_number_of_another_device_or_start_is_another_report(telemetry: Telemetry) -> None:
    assert await telemetry.store([report(1), report(1, device="d2"), report(1, boot=2)]) == [True] * 3


async def test_storing_nothing_is_no_error(telemetry: Telemetry) -> None:
    assert await telemetry.store([]) == []


async def test_a_repeat_changes_nothing(telemetry: Telemetry, clock: ManualClock) -> None:
    await quieten(telemetry, clock, "d1")
    before = await telemetry.latest(["d1"])
    assert await telemetry.store([report(1, {"mains": False}, late_s=60)]) == [False]
    assert await telemetry.latest(["d1"]) == before
    assert await claim(telemetry, clock) is None


async def test_of_a_batch_with_repeats_each_new_report_counts(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store([report(1)])
    again = [report(2, {"relay": True}), report(1, LOST), report(1, device="d2"), report(2, LOST)]
    assert await telemetry.store(again) == [True, False, True, False]
    states = await telemetry.latest(["d1", "d2"])
    assert states["d1"].fields == {"mains": True, "battery_pct": 90, "relay": True}
    assert states["d2"].seq == 1
    assert await telemetry.reports_waiting() == 3


async def test_a_batch_of_one_device_moves_its_state_in_order(telemetry: Telemetry) -> None:
    alarm = report(5, {"cause": "test"}, kind=ReportKind.ALARM, late_s=70)
    batch = [report(4, {"relay": False}), report(2, {"relay": True, "aux": True}), alarm, report(1), report(1, boot=2)]
    assert await telemetry.store(batch) == [True] * 5
    state = (await telemetry.latest(["d1"]))["d1"]
    assert state.fields == {"mains": True, "battery_pct": 90, "relay": False, "aux": True}
    assert (state.boot, state.seq) == (2, 1)
    assert state.received_at == NOON + timedelta(seconds=70)


# The latest state


async def test_a_device_that_never_spoke_has_no_state(telemetry: Telemetry) -> None:
    await telemetry.store([report(1)])
    assert set(await telemetry.latest(["d1", "d2"])) == {"d1"}
    assert await telemetry.latest([]) == {}


async def test_the_latest_state_is_field_by_field_the_last_heard(telemetry: Telemetry) -> None:
    await telemetry.store([report(1, {"mains": True, "temp_c": [20.0, None]})])
    await telemetry.store([report(2, {"temp_c": [21.5]}, after_s=60, late_s=1)])
    state = (await telemetry.latest(["d1"]))["d1"]
    assert state.fields == {"mains": True, "temp_c": [21.5]}
    assert (state.boot, state.seq) == (1, 2)
    assert state.at == NOON + timedelta(seconds=60)
    assert state.received_at == NOON + timedelta(seconds=61)
    assert state.clock is ClockQuality.DEVICE


async def test_a_late_report_never_moves_the_state_back(telemetry: Telemetry) -> None:
    await telemetry.store([report(5, {"mains": True}, boot=2)])
    await telemetry.store([report(9, {"mains": False, "relay": True}, boot=1, late_s=90), report(4, LOST, boot=2)])
    state = (await telemetry.latest(["d1"]))["d1"]
    assert state.fields == {"mains": True}
    assert (state.boot, state.seq) == (2, 5)
    assert state.received_at == NOON + timedelta(seconds=90)


async def test_the_state_follows_a_device_that_counts_its_boots_anew(telemetry: Telemetry) -> None:
    await telemetry.store([report(5, {"mains": True, "relay": True}, boot=9)])
    await telemetry.store([report(1, {"mains": False}, boot=1), report(2, {"mains": False, "aux": True}, boot=1)])
    await telemetry.start_over("d1", beyond=(1, 0), below=(9, 5))
    state = (await telemetry.latest(["d1"]))["d1"]
    assert (state.boot, state.seq) == (1, 2)
    assert state.fields == {"mains": False, "relay": True, "aux": True}
    await telemetry.store([report(3, {"mains": True}, boot=1)])
    assert (await telemetry.latest(["d1"]))["d1"].fields["mains"] is True


async def test_starting_over_twice_is_starting_over_once(telemetry: Telemetry) -> None:
    await telemetry.store([report(5, {"mains": True}, boot=9)])
    await telemetry.store([report(1, {"mains": False}, boot=1)])
    await telemetry.start_over("d1", beyond=(1, 0), below=(9, 5))
    await telemetry.store([report(2, {"mains": True}, boot=1)])
    await telemetry.start_over("d1", beyond=(1, 0), below=(9, 5))
    state = (await telemetry.latest(["d1"]))["d1"]
    assert (state.boot, state.seq, state.fields) == (1, 2, {"mains": True})


async def test_starting_over_without_a_report_of_the_new_count_changes_nothing(telemetry: Telemetry) -> None:
    await telemetry.store([report(5, {"mains": True}, boot=9), report(3, kind=ReportKind.ALARM, boot=1)])
    before = await telemetry.latest(["d1"])
    await telemetry.start_over("d1", beyond=(1, 0), below=(9, 5))
    await telemetry.start_over("nobody", beyond=(1, 0), below=(9, 5))
    assert await telemetry.latest(["d1"]) == before


async def test_within_a_batch_too_the_newest_wins(telemetry: Telemetry) -> None:
    await telemetry.store(
        [report(3, {"mains": True}), report(2, {"mains": False, "relay": True}), report(4, {"aux": True})]
    )
    state = (await telemetry.latest(["d1"]))["d1"]
    assert state.fields["mains"] is True
    assert state.fields["aux"] is True
    assert state.seq == 4


@pytest.mark.parametrize("kind", [ReportKind.ALARM, ReportKind.ACK, ReportKind.REPORTED])
async def test_other_messages_count_as_heard_but_are_no_state(telemetry: Telemetry, kind: ReportKind) -> None:
    await telemetry.store([report(1, {"mains": True})])
    await telemetry.store([report(7, {"cause": "test"}, kind=kind, after_s=60)])
    await telemetry.store([report(2, {"relay": True}, after_s=30)])
    state = (await telemetry.latest(["d1"]))["d1"]
    assert state.fields == {"mains": True, "relay": True}
    assert state.seq == 2
    assert state.received_at == NOON + timedelta(seconds=60)


async def test_a_device_goes_offline_when_the_broker_says_so(telemetry: Telemetry) -> None:
    await telemetry.store([report(1)])
    assert (await telemetry.latest(["d1"]))["d1"].online
    await telemetry.note_presence("d1", online=False, at=NOON + timedelta(seconds=5))
    assert not (await telemetry.latest(["d1"]))["d1"].online


async def test_traffic_later_than_the_loss_makes_it_online_again(telemetry: Telemetry) -> None:
    await telemetry.note_presence("d1", online=False, at=NOON + timedelta(seconds=5))
    await telemetry.store([report(1, after_s=4)])
    assert not (await telemetry.latest(["d1"]))["d1"].online
    await telemetry.store([report(2, after_s=6)])
    assert (await telemetry.latest(["d1"]))["d1"].online


async def test_a_loss_that_is_told_late_does_not_outdo_later_traffic(telemetry: Telemetry) -> None:
    await telemetry.store([report(1, after_s=10)])
    await telemetry.note_presence("d1", online=False, at=NOON)
    assert (await telemetry.latest(["d1"]))["d1"].online


async def test_a_new_connection_makes_it_online(telemetry: Telemetry) -> None:
    await telemetry.store([report(1)])
    await telemetry.note_presence("d1", online=False, at=NOON + timedelta(seconds=5))
    await telemetry.note_presence("d1", online=True, at=NOON + timedelta(seconds=6))
    assert (await telemetry.latest(["d1"]))["d1"].online


# What must be judged


async def test_a_new_device_has_all_its_reports_judged(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store([report(1), report(2)])
    waiting = await claimed(telemetry, clock)
    assert waiting.device_id == "d1"
    assert waiting.reports == (report(1), report(2))
    assert waiting.envelope is None
    assert waiting.state is not None
    assert waiting.state.seq == 2


async def test_a_quiet_report_is_stored_and_nothing_else(
    telemetry: Telemetry, clock: ManualClock, wakeups: Wakeups
) -> None:
    await quieten(telemetry, clock, "d1")
    bell = wakeups.bell("telemetry")
    assert await telemetry.store([report(2)]) == [True]
    assert await telemetry.reports_waiting() == 0
    assert await claim(telemetry, clock) is None
    assert not bell._event.is_set()
    assert (await telemetry.latest(["d1"]))["d1"].seq == 2


async def test_a_report_outside_the_envelope_makes_the_device_wait_and_rings(
    telemetry: Telemetry, clock: ManualClock, wakeups: Wakeups
) -> None:
    await quieten(telemetry, clock, "d1")
    bell = wakeups.bell("telemetry")
    await telemetry.store([report(2, LOST)])
    assert bell._event.is_set()
    waiting = await claimed(telemetry, clock)
    assert orders(waiting) == [(1, 2)]
    assert waiting.envelope == QUIET


async def test_once_a_device_waits_every_later_report_is_judged(telemetry: Telemetry, clock: ManualClock) -> None:
    await quieten(telemetry, clock, "d1")
    await telemetry.store([report(2), report(3, LOST), report(4)])
    await telemetry.store([report(5)])
    assert orders(await claim(telemetry, clock)) == [(1, 3), (1, 4), (1, 5)]


async def test_reports_are_handed_out_in_the_order_in_which_they_were_made(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    await telemetry.store([report(2, boot=2), report(9)])
    await telemetry.store([report(1, boot=2), report(8)])
    assert orders(await claim(telemetry, clock)) == [(1, 8), (1, 9), (2, 1), (2, 2)]


async def test_an_alarm_is_always_judged(telemetry: Telemetry, clock: ManualClock) -> None:
    await quieten(telemetry, clock, "d1")
    await telemetry.store([report(2, {"cause": "test", "active": True}, kind=ReportKind.ALARM)])
    waiting = await claimed(telemetry, clock)
    assert [each.kind for each in waiting.reports] == [ReportKind.ALARM]


@pytest.mark.parametrize("kind", [ReportKind.ACK, ReportKind.REPORTED])
async def test_answers_and_settings_are_never_judged(
    telemetry: Telemetry, clock: ManualClock, kind: ReportKind
) -> None:
    assert await telemetry.store([report(1, LOST, kind=kind)]) == [True]
    assert await telemetry.reports_waiting() == 0
    assert await claim(telemetry, clock) is None


async def test_without_an_envelope_everything_goes_on_to_be_judged(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store([report(1)])
    await settle(telemetry, await claimed(telemetry, clock), envelope=None)
    await telemetry.store([report(2)])
    assert orders(await claim(telemetry, clock)) == [(1, 2)]


async def test_each_device_is_quiet_or_not_by_itself(telemetry: Telemetry, clock: ManualClock) -> None:
    await quieten(telemetry, clock, "d1", "d2")
    await telemetry.store([report(2, LOST, device="d1"), report(2, device="d2")])
    assert (await claimed(telemetry, clock)).device_id == "d1"
    assert await claim(telemetry, clock) is None


# Claims


async def test_nobody_waits_in_an_empty_house(telemetry: Telemetry, clock: ManualClock) -> None:
    assert await claim(telemetry, clock) is None


async def test_who_waits_longest_is_claimed_first(telemetry: Telemetry, clock: ManualClock) -> None:
    for device in ("d3", "d1", "d2"):
        await telemetry.store([report(1, device=device)])
        await clock.advance(1)
    assert [(await claimed(telemetry, clock)).device_id for _ in range(3)] == ["d3", "d1", "d2"]


async def test_a_claimed_device_is_left_alone_until_its_lease_ends(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store([report(1)])
    first = await claimed(telemetry, clock, lease_s=30)
    await telemetry.store([report(2)])
    assert await claim(telemetry, clock) is None
    await clock.advance(30)
    again = await claimed(telemetry, clock)
    assert orders(again) == [(1, 1), (1, 2)]
    assert again.fence > first.fence


async def test_of_many_who_claim_at_once_each_gets_another_device(telemetry: Telemetry, clock: ManualClock) -> None:
    devices = {f"d{number}" for number in range(6)}
    await telemetry.store([report(1, device=device) for device in devices])
    claims: Sequence[Waiting | None] = await asyncio.gather(*(claim(telemetry, clock) for _ in range(8)))
    taken = [each.device_id for each in claims if each is not None]
    assert sorted(taken) == sorted(devices)


async def test_settling_drops_what_was_handed_out(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store([report(1), report(2)])
    assert await settle(telemetry, await claimed(telemetry, clock))
    assert await telemetry.reports_waiting() == 0
    assert await claim(telemetry, clock) is None


async def test_what_came_during_the_judgement_is_judged_next(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store([report(2)])
    waiting = await claimed(telemetry, clock)
    await telemetry.store([report(1), report(3)])
    assert await settle(telemetry, waiting)
    assert orders(await claim(telemetry, clock)) == [(1, 1), (1, 3)]


async def test_who_lost_the_claim_settles_nothing(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store([report(1)])
    lost = await claimed(telemetry, clock, lease_s=10)
    await clock.advance(10)
    held = await claimed(telemetry, clock, lease_s=10)
    assert not await settle(telemetry, lost, envelope=None, wake_in_s=0)
    assert await telemetry.reports_waiting() == 1
    assert await settle(telemetry, held)
    assert await claim(telemetry, clock) is None


async def test_a_lease_that_ended_but_that_nobody_took_can_still_be_settled(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    await telemetry.store([report(1)])
    waiting = await claimed(telemetry, clock, lease_s=10)
    await clock.advance(60)
    assert await settle(telemetry, waiting)


async def test_a_claim_is_settled_once(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store([report(1)])
    waiting = await claimed(telemetry, clock)
    assert await settle(telemetry, waiting)
    assert not await settle(telemetry, waiting, envelope=None)
    assert await telemetry.store([report(2)]) == [True]
    assert await claim(telemetry, clock) is None


# Asking ahead


async def ask_ahead(telemetry: Telemetry, clock: ManualClock, owner: str = "judge") -> Waiting | None:
    return await telemetry.claim_waiting(owner=owner, now=clock.now(), lease_s=30, ahead=True)


async def test_who_asks_ahead_while_somebody_waits_gets_what_anybody_would(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    await telemetry.store([report(1)])
    waiting = await ask_ahead(telemetry, clock)
    assert orders(waiting) == [(1, 1)]
    assert await claim(telemetry, clock) is None


async def test_of_many_who_asked_ahead_in_vain_each_gets_another_device(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    owners = ("a", "b", "c")
    assert [await ask_ahead(telemetry, clock, each) for each in owners] == [None] * 3
    await telemetry.store([report(1, device=f"d{number}") for number in range(5)])
    got = [await ask_ahead(telemetry, clock, each) for each in (*owners, *owners)]
    assert sorted(each.device_id for each in got if each is not None) == [f"d{number}" for number in range(5)]
    for each in got:
        assert each is None or await settle(telemetry, each)
    assert await telemetry.reports_waiting() == 0


async def test_what_comes_between_asking_ahead_and_fetching_is_judged_once(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    assert await ask_ahead(telemetry, clock) is None
    await telemetry.store([report(2)])
    await telemetry.store([report(1), report(3)])
    judged: list[tuple[int, int]] = []
    while (waiting := await ask_ahead(telemetry, clock)) is not None:
        judged += orders(waiting) or []
        assert await settle(telemetry, waiting, envelope=None)
    assert sorted(judged) == [(1, 1), (1, 2), (1, 3)]


async def test_what_nobody_fetches_is_anybodys_once_a_lease_is_over(telemetry: Telemetry, clock: ManualClock) -> None:
    assert await ask_ahead(telemetry, clock) is None
    await telemetry.store([report(1)])
    await clock.advance(30)
    waiting = await claimed(telemetry, clock)
    assert orders(waiting) == [(1, 1)]
    assert await ask_ahead(telemetry, clock) is None
    assert await settle(telemetry, waiting)


async def test_what_was_forgotten_after_it_was_claimed_ahead_cannot_be_settled(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    assert await ask_ahead(telemetry, clock) is None
    await telemetry.store([report(1)])
    await telemetry.forget("d1")
    waiting = await ask_ahead(telemetry, clock)
    assert waiting is None or not await settle(telemetry, waiting)
    assert await telemetry.latest(["d1"]) == {}


# Time


async def test_a_device_wakes_at_the_time_it_asked_for(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store([report(1)])
    await settle(telemetry, await claimed(telemetry, clock), wake_in_s=10)
    await clock.advance(9)
    assert await claim(telemetry, clock) is None
    await clock.advance(1)
    assert orders(await claim(telemetry, clock)) == []


async def test_a_settled_waking_is_over(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store([report(1)])
    await settle(telemetry, await claimed(telemetry, clock), wake_in_s=10)
    await clock.advance(10)
    await settle(telemetry, await claimed(telemetry, clock))
    await clock.advance(100)
    assert await claim(telemetry, clock) is None


async def test_a_waking_whose_worker_died_is_not_lost(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store([report(1)])
    await settle(telemetry, await claimed(telemetry, clock), wake_in_s=10)
    await clock.advance(10)
    await claimed(telemetry, clock, lease_s=30)
    await clock.advance(30)
    assert orders(await claim(telemetry, clock)) == []


async def test_a_silent_device_waits_by_itself(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store([report(1)])
    await settle(telemetry, await claimed(telemetry, clock), silent_after_s=900)
    await clock.advance(890)
    assert await claim(telemetry, clock) is None
    await clock.advance(10)
    waiting = await claimed(telemetry, clock)
    assert waiting.reports == ()
    assert waiting.state is not None
    assert waiting.state.received_at == NOON


async def test_being_heard_puts_silence_off(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store([report(1)])
    await settle(telemetry, await claimed(telemetry, clock), silent_after_s=900)
    await telemetry.store([report(2, after_s=600)])
    await clock.advance(1490)
    assert await claim(telemetry, clock) is None
    await clock.advance(10)
    assert await claim(telemetry, clock) is not None


async def test_silence_is_noticed_though_the_clock_was_a_year_ahead_when_the_device_was_heard_last(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    await telemetry.store([report(1)])
    await settle(telemetry, await claimed(telemetry, clock), silent_after_s=900)
    await telemetry.store([report(2, late_s=YEAR_S)])
    await clock.advance(10)
    assert await claim(telemetry, clock) is None
    await clock.advance(BELIEVED_AFTER_S)
    assert await claim(telemetry, clock) is None, "from now on it is waited for"
    await clock.advance(890)
    assert await claim(telemetry, clock) is None
    await clock.advance(20)
    assert await claim(telemetry, clock) is not None


async def test_a_clock_that_is_a_year_behind_for_a_moment_makes_nobody_silent(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    await telemetry.store([report(1)])
    await settle(telemetry, await claimed(telemetry, clock), silent_after_s=900)
    clock.set_back(YEAR_S)
    for _ in range(2):
        assert await claim(telemetry, clock) is None
        await clock.advance(BELIEVED_AFTER_S / 2 - 1)
    await clock.advance(YEAR_S)
    assert await claim(telemetry, clock) is None, "it was heard minutes ago"


async def test_a_claim_from_before_the_clock_was_set_back_by_a_year_holds_nobody_up(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    await telemetry.store([report(1)])
    ahead = NOON + timedelta(seconds=YEAR_S)
    assert await telemetry.claim_waiting(owner="died", now=ahead, lease_s=30) is not None
    await clock.advance(10)
    assert orders(await claim(telemetry, clock)) == [(1, 1)]


async def test_the_same_silence_is_judged_once(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store([report(1)])
    await settle(telemetry, await claimed(telemetry, clock), silent_after_s=900)
    await clock.advance(900)
    await settle(telemetry, await claimed(telemetry, clock), silent_after_s=900)
    await clock.advance(10_000)
    assert await claim(telemetry, clock) is None
    await telemetry.store([report(2, after_s=10_900)])
    await clock.advance(910)
    assert await claim(telemetry, clock) is not None


async def test_a_longer_patience_is_waited_for(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store([report(1)])
    await settle(telemetry, await claimed(telemetry, clock), silent_after_s=900)
    await clock.advance(900)
    await settle(telemetry, await claimed(telemetry, clock), silent_after_s=2700)
    await clock.advance(1790)
    assert await claim(telemetry, clock) is None
    await clock.advance(10)
    assert await claim(telemetry, clock) is not None


async def test_silence_already_judged_never_wakes(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store([report(1)])
    await settle(telemetry, await claimed(telemetry, clock), silent_after_s=None)
    await clock.advance(100_000)
    assert await claim(telemetry, clock) is None


async def test_a_device_that_was_silent_is_judged_when_it_speaks_during_the_judgement(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    await telemetry.store([report(1)])
    await settle(telemetry, await claimed(telemetry, clock), silent_after_s=900)
    await clock.advance(900)
    waiting = await claimed(telemetry, clock)
    await telemetry.store([report(2, after_s=901)])
    await settle(telemetry, waiting, envelope=None)
    assert orders(await claim(telemetry, clock)) == [(1, 2)]


async def test_a_waking_overdue_is_claimed_although_others_always_wait(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    await telemetry.store([report(1)])
    await settle(telemetry, await claimed(telemetry, clock), wake_in_s=10)
    await clock.advance(11)
    chosen = []
    for number in range(1, 6):
        await telemetry.store([report(number, device=f"busy{number % 2}", kind=ReportKind.ALARM)])
        waiting = await claimed(telemetry, clock)
        chosen.append(waiting.device_id)
        await telemetry.store([report(number, device=f"busy{(number + 1) % 2}", kind=ReportKind.ALARM)])
        await settle(telemetry, waiting)
    assert "d1" in chosen


async def test_a_silence_is_claimed_although_others_always_wait(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store([report(1)])
    await settle(telemetry, await claimed(telemetry, clock), silent_after_s=10)
    await clock.advance(11)
    chosen = []
    for number in range(1, 6):
        await telemetry.store([report(number, device=f"busy{number % 2}", kind=ReportKind.ALARM)])
        waiting = await claimed(telemetry, clock)
        chosen.append(waiting.device_id)
        await telemetry.store([report(number, device=f"busy{(number + 1) % 2}", kind=ReportKind.ALARM)])
        await settle(telemetry, waiting)
    assert "d1" in chosen


async def test_of_reports_timers_and_silences_that_due_longest_is_claimed_first(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    reasons: list[tuple[str, dict[str, Any]]] = [
        ("timer late", {"wake_in_s": 50}),
        ("silent early", {"silent_after_s": 20}),
        ("timer early", {"wake_in_s": 10}),
        ("silent late", {"silent_after_s": 40}),
        ("reports", {}),
    ]
    for device, reason in reasons:
        await telemetry.store([report(1, device=device)])
        await settle(telemetry, await claimed(telemetry, clock), **reason)
    await clock.advance(30)
    await telemetry.store([report(2, LOST, device="reports", late_s=30)])
    await clock.advance(30)
    chosen = [(await claimed(telemetry, clock)).device_id for _ in range(5)]
    assert chosen == ["timer early", "silent early", "reports", "silent late", "timer late"]
    assert await claim(telemetry, clock) is None


def alarm(seq: int, device: str) -> Report:
    return report(seq, {"cause": "mains_lost", "active": True}, device=device, kind=ReportKind.ALARM)


async def test_an_alarm_is_claimed_before_a_crowd_that_waited_longer(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store([report(1, device=f"d{number}") for number in range(9)])
    await clock.advance(1)
    await telemetry.store([report(1, device="late"), alarm(2, "late"), report(1, device="later")])
    assert (await claimed(telemetry, clock)).device_id == "late"


async def test_a_device_in_the_crowd_goes_before_it_as_soon_as_it_says_an_alarm(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    await telemetry.store([report(1, device=f"d{number}") for number in range(9)])
    await telemetry.store([alarm(2, "d5")])
    waiting = await claimed(telemetry, clock)
    assert (waiting.device_id, orders(waiting)) == ("d5", [(1, 1), (1, 2)])


async def test_of_many_alarms_and_others_each_have_every_second_turn(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store([report(1, device=f"other{number}") for number in range(3)])
    await clock.advance(1)
    await telemetry.store([alarm(1, f"alarm{number}") for number in range(3)])
    chosen = [(await claimed(telemetry, clock)).device_id for _ in range(6)]
    assert chosen == ["alarm0", "other0", "alarm1", "other1", "alarm2", "other2"]


async def test_an_alarm_that_was_judged_takes_its_device_past_nobody_any_more(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    await telemetry.store([alarm(1, "d1")])
    assert await settle(telemetry, await claimed(telemetry, clock), envelope=None)
    await telemetry.store([report(1, device="d2")])
    await clock.advance(1)
    await telemetry.store([report(2, device="d1")])
    assert (await claimed(telemetry, clock)).device_id == "d2"


async def test_many_silent_devices_are_each_claimed_once(telemetry: Telemetry, clock: ManualClock) -> None:
    devices = [f"d{number:04}" for number in range(700)]
    await telemetry.store([report(1, device=device) for device in devices])
    for _ in devices:
        await settle(telemetry, await claimed(telemetry, clock), silent_after_s=60)
    await clock.advance(60)
    chosen = []
    for _ in range(2):  # they may be found in portions, but soon after each other
        while (waiting := await claim(telemetry, clock)) is not None:
            chosen.append(waiting.device_id)
            await settle(telemetry, waiting)
        await clock.advance(0.2)
    assert sorted(chosen) == devices


async def test_a_silence_that_is_settled_as_over_already_is_claimed_at_once(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    await telemetry.store([report(1)])
    waiting = await claimed(telemetry, clock, lease_s=100)
    await clock.advance(60)
    assert await claim(telemetry, clock) is None
    await settle(telemetry, waiting, silent_after_s=30)
    assert orders(await claim(telemetry, clock)) == []


# Waking by others


async def test_a_woken_device_is_judged_without_reports(
    telemetry: Telemetry, clock: ManualClock, wakeups: Wakeups
) -> None:
    await quieten(telemetry, clock, "d1")
    bell = wakeups.bell("telemetry")
    await telemetry.wake("d1")
    assert bell._event.is_set()
    assert orders(await claim(telemetry, clock)) == []


async def test_a_device_woken_during_its_judgement_is_judged_again(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store([report(1)])
    waiting = await claimed(telemetry, clock)
    await telemetry.wake("d1")
    await settle(telemetry, waiting)
    assert orders(await claim(telemetry, clock)) == []


async def test_a_waking_by_others_whose_worker_died_is_not_lost(telemetry: Telemetry, clock: ManualClock) -> None:
    await quieten(telemetry, clock, "d1")
    await telemetry.wake("d1")
    await claimed(telemetry, clock, lease_s=30)
    await clock.advance(30)
    assert orders(await claim(telemetry, clock)) == []


async def test_a_device_that_never_spoke_is_judged_without_a_state(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.note_presence("d1", online=False, at=clock.now())
    await telemetry.wake("d1")
    waiting = await claimed(telemetry, clock)
    assert (waiting.device_id, waiting.reports, waiting.state) == ("d1", (), None)


async def test_an_unknown_device_can_be_woken_without_harm(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.wake("nobody")
    assert await claim(telemetry, clock) is None


# Forgetting


async def test_a_forgotten_device_leaves_nothing(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store([report(1), report(2), report(1, device="d2")])
    assert await telemetry.forget("d1") == 2
    assert await telemetry.forget("d1") == 0
    assert set(await telemetry.latest(["d1", "d2"])) == {"d2"}
    assert (await telemetry.series("d1", start=NOON, end=NOON + timedelta(days=1))).ts == []
    assert await telemetry.confirmed(["d1"]) == {"d1": Confirmed(upto=None, beyond=())}
    assert await telemetry.reports_waiting() == 1
    assert (await claimed(telemetry, clock)).device_id == "d2"


async def test_a_forgotten_device_begins_anew(telemetry: Telemetry, clock: ManualClock) -> None:
    await quieten(telemetry, clock, "d1")
    await telemetry.forget("d1")
    assert await telemetry.store([report(1)]) == [True]
    assert orders(await claim(telemetry, clock)) == [(1, 1)]


async def test_a_claim_from_before_the_forgetting_settles_nothing(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store([report(1)])
    old = await claimed(telemetry, clock)
    await telemetry.forget("d1")
    assert not await settle(telemetry, old)
    await telemetry.store([report(1)])
    new = await claimed(telemetry, clock)
    assert not await settle(telemetry, old)
    assert await settle(telemetry, new)


# Confirming


async def test_what_is_stored_beyond_the_last_confirmation_is_told(telemetry: Telemetry) -> None:
    await telemetry.store([report(3), report(1), report(2, kind=ReportKind.ACK), report(1, boot=2)])
    everything = ((1, 1), (1, 2), (1, 3), (2, 1))
    assert await telemetry.confirmed(["d1"]) == {"d1": Confirmed(upto=None, beyond=everything)}
    await telemetry.note_confirmed({"d1": (1, 2)})
    assert await telemetry.confirmed(["d1"]) == {"d1": Confirmed(upto=(1, 2), beyond=((1, 3), (2, 1)))}


async def test_however_much_is_stored_beyond_it_is_told(telemetry: Telemetry) -> None:
    await telemetry.store([report(number) for number in range(1, 121)])
    assert (await telemetry.confirmed(["d1"]))["d1"].beyond == tuple((1, number) for number in range(1, 121))


async def test_a_confirmation_only_grows(telemetry: Telemetry) -> None:
    await telemetry.store([report(1), report(2)])
    await telemetry.note_confirmed({"d1": (1, 2)})
    await telemetry.note_confirmed({"d1": (1, 1), "nobody": (1, 1)})
    assert await telemetry.confirmed(["d1", "nobody"]) == {
        "d1": Confirmed(upto=(1, 2), beyond=()),
        "nobody": Confirmed(upto=None, beyond=()),
    }


async def test_where_a_device_began_to_count_anew_is_kept_and_goes_before_all_that_it_says_since(
    telemetry: Telemetry,
) -> None:
    anew = in_count(1, 1)
    await telemetry.store([report(7, boot=50)])
    await telemetry.note_confirmed({"d1": (in_count(0, 1), -1)})
    await telemetry.note_confirmed({"d1": (50, 7)})
    assert await telemetry.confirmed(["d1"]) == {"d1": Confirmed(upto=(in_count(0, 1), -1), beyond=())}
    await telemetry.store([report(2, boot=anew), report(1, boot=1)])
    assert (await telemetry.confirmed(["d1"]))["d1"].beyond == ((anew, 2),)
    assert (await telemetry.latest(["d1"]))["d1"].boot == anew


async def test_a_message_is_found_by_its_name(telemetry: Telemetry) -> None:
    both = [report(7, boot=50), report(2, boot=in_count(50, 1), kind=ReportKind.ACK)]
    await telemetry.store(both)
    assert [await telemetry.named("d1", each.order) for each in both] == both
    assert (await telemetry.named("d1", (50, 2)), await telemetry.named("nobody", (50, 7))) == (None, None)


# Following


async def test_whoever_follows_is_told_of_each_device_that_said_something_came_or_went(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    await telemetry.store([report(1), report(1, device="d2"), report(1, device="d3")])
    start = await telemetry.news(None, ["d1"])
    assert start.device_ids == ()
    await telemetry.store([report(2), report(3), report(2, device="d3", kind=ReportKind.ACK), report(1, device="d2")])
    await telemetry.note_presence("d4", online=True, at=clock.now())
    news = await telemetry.news(start.upto, ["d4", "d3", "d2", "d1", "nobody"])
    assert news.device_ids == ("d4", "d1"), "d2 repeated itself, d3 answered a command"
    assert (await telemetry.news(news.upto, ["d1", "d2", "d3", "d4"])).device_ids == ()
    await telemetry.note_presence("d2", online=False, at=clock.now())
    assert (await telemetry.news(news.upto, ["d1", "d2"])).device_ids == ("d2",)


async def test_a_place_never_goes_back_when_a_device_is_forgotten(telemetry: Telemetry) -> None:
    await telemetry.store([report(1), report(1, device="d2")])
    start = (await telemetry.news(None, [])).upto
    await telemetry.forget("d2")
    news = await telemetry.news(start, ["d1"])
    assert (news.upto, news.device_ids) == (start, ())
    await telemetry.store([report(2)])
    assert (await telemetry.news(start, ["d1"])).device_ids == ("d1",)


async def test_news_rings_a_bell(telemetry: Telemetry, clock: ManualClock, wakeups: Wakeups) -> None:
    await quieten(telemetry, clock, "d1")
    bell = wakeups.bell(HEARD)
    await telemetry.store([report(2)])
    assert bell._event.is_set()
    bell._event.clear()
    await telemetry.note_presence("d1", online=False, at=clock.now())
    assert bell._event.is_set()


# Series


async def test_a_series_holds_every_state_report_oldest_first(telemetry: Telemetry) -> None:
    await telemetry.store(
        [
            report(2, {"temp_c": [21.5, None], "mains": True}, after_s=60),
            report(1, {"temp_c": [20]}),
            report(3, {"cause": "test"}, kind=ReportKind.ALARM, after_s=30),
            report(4, {"relay": True}, after_s=120),
            report(5, {"relay": True}, device="d2"),
        ]
    )
    series = await telemetry.series("d1", start=NOON, end=NOON + timedelta(seconds=120))
    assert series.step == "raw"
    assert series.ts == [to_ms(NOON), to_ms(NOON) + 60_000]
    assert series.fields == {"temp_c.0": [20, 21.5], "temp_c.1": [None, None], "mains": [None, True]}
    assert series.next is None


async def test_a_series_can_be_cut_to_some_fields(telemetry: Telemetry) -> None:
    await telemetry.store([report(1, {"temp_c": [20, 21], "mains": True, "relay": False})])
    end = NOON + timedelta(seconds=1)
    one = await telemetry.series("d1", start=NOON, end=end, fields=["temp_c.1", "mains"])
    assert one.fields == {"temp_c.1": [21], "mains": [True]}
    both = await telemetry.series("d1", start=NOON, end=end, fields=["temp_c"])
    assert both.fields == {"temp_c.0": [20], "temp_c.1": [21]}


async def test_pages_of_a_series_show_each_report_once(telemetry: Telemetry) -> None:
    await telemetry.store([report(seq, {"battery_pct": seq}, after_s=seq // 3) for seq in range(1, 8)])
    seen: list[Any] = []
    cursor: str | None = None
    for _ in range(9):
        page = await telemetry.series("d1", start=NOON, end=NOON + timedelta(seconds=60), cursor=cursor, limit=2)
        seen += page.fields.get("battery_pct", [])
        cursor = page.next
        if cursor is None:
            break
    assert seen == [1, 2, 3, 4, 5, 6, 7]


async def test_windows_hold_means_and_last_values_and_leave_gaps(telemetry: Telemetry) -> None:
    await telemetry.store(
        [
            report(1, {"battery_pct": 90, "mains": True}, after_s=1),
            report(2, {"battery_pct": 91, "mains": False}, after_s=59),
            report(3, {"battery_pct": 80}, after_s=180),
        ]
    )
    series = await telemetry.series("d1", start=NOON, end=NOON + timedelta(hours=1), step="1m")
    assert series.ts == [to_ms(NOON), to_ms(NOON) + 180_000]
    assert series.fields == {"battery_pct": [90.5, 80], "mains": [False, None]}


async def test_days_begin_at_midnight_of_the_time_zone(telemetry: Telemetry) -> None:
    await telemetry.store(
        [report(seq, {"battery_pct": seq}, after_s=3600 * hour) for seq, hour in ((1, 10.5), (2, 11.5))]
    )
    span: dict[str, Any] = {"start": NOON, "end": NOON + timedelta(days=1)}
    in_london = await telemetry.series("d1", step="1d", time_zone="Europe/London", **span)
    in_helsinki = await telemetry.series("d1", step="1d", time_zone="Europe/Helsinki", **span)
    assert in_london.fields == {"battery_pct": [1.5]}
    assert in_helsinki.ts == [to_ms(NOON) + 10 * 3_600_000]


# Hours that outlast reports

YEAR = {"start": NOON - timedelta(days=200), "end": NOON + timedelta(days=165)}


async def rolled(telemetry: Telemetry, step: str, time_zone: str = "UTC", **span: Any) -> Series:
    return await telemetry.series("d1", step=step, time_zone=time_zone, spread=True, **{**YEAR, **span})


def measured(*hours: float, first_seq: int = 1, late_s: float = 0) -> list[Report]:
    """Make a report for each of these hours after noon, with the hour as its temperature."""
    return [
        report(first_seq + number, {"temp_c": [hour], "mains": hour < 30}, after_s=3600 * hour, late_s=late_s)
        for number, hour in enumerate(hours)
    ]


@pytest.mark.parametrize("step", ["15m", "1h", "1d"])
@pytest.mark.parametrize("time_zone", ["UTC", "Europe/Helsinki", "Asia/Kathmandu", "Australia/Lord_Howe"])
async def test_a_series_is_the_same_before_and_after_reports_are_gathered(
    telemetry: Telemetry, step: str, time_zone: str
) -> None:
    await telemetry.store(measured(0, 0.1, 0.3, 0.6, 0.9, 11.2, 11.9, 12.1, 25, 30, 48.25))
    whole = await rolled(telemetry, step, time_zone)
    middle: dict[str, Any] = {"start": NOON + timedelta(minutes=7), "end": NOON + timedelta(hours=24.9)}
    part = await rolled(telemetry, step, time_zone, **middle)
    assert await telemetry.roll_up(limit=4) == 4
    assert (await rolled(telemetry, step, time_zone), await rolled(telemetry, step, time_zone, **middle)) == (
        whole,
        part,
    )
    assert [await telemetry.roll_up(), await telemetry.roll_up()] == [7, 0]
    assert (await rolled(telemetry, step, time_zone), await rolled(telemetry, step, time_zone, **middle)) == (
        whole,
        part,
    )
    assert whole.least["temp_c.0"][0] == 0


async def test_a_window_tells_the_least_and_the_greatest_of_numbers_alone(telemetry: Telemetry) -> None:
    await telemetry.store(measured(0.1, 0.2, 0.6))
    series = await rolled(telemetry, "1h")
    assert (series.fields["temp_c.0"], series.least, series.greatest) == (
        [0.3],
        {"temp_c.0": [0.1]},
        {"temp_c.0": [0.6]},
    )


async def test_a_late_report_goes_into_the_hour_of_its_own_time(telemetry: Telemetry) -> None:
    await telemetry.store(measured(0.1, 1.1))
    await telemetry.roll_up()
    await telemetry.store(measured(0.5, first_seq=7, late_s=7200))
    await telemetry.roll_up()
    series = await rolled(telemetry, "1h")
    assert (series.ts, series.fields["temp_c.0"]) == ([to_ms(NOON), to_ms(NOON) + 3_600_000], [0.3, 1.1])


async def test_a_repeat_is_not_gathered_twice(telemetry: Telemetry) -> None:
    await telemetry.store(measured(0.1, 0.5))
    await asyncio.gather(*(telemetry.roll_up() for _ in range(4)))
    await telemetry.store(measured(0.1, 0.5))
    await telemetry.roll_up()
    await telemetry.store(measured(0.6, first_seq=3))
    assert (await rolled(telemetry, "1h")).fields["temp_c.0"] == [0.4]


async def test_what_is_not_gathered_or_not_judged_is_not_pruned(telemetry: Telemetry, clock: ManualClock) -> None:
    later = NOON + timedelta(days=1)
    await telemetry.store(measured(0.1, 0.2, 0.3))
    assert await telemetry.prune(later) == 0
    await telemetry.roll_up()
    assert await telemetry.prune(later) == 0, "nobody has judged them"
    await settle(telemetry, await claimed(telemetry, clock))
    assert [await telemetry.prunable(later), await telemetry.prune(later)] == [3, 3]
    assert [await telemetry.prunable(later), await telemetry.prune(later)] == [0, 0]


async def test_reports_of_a_device_that_is_spared_stay_until_it_is_not(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    later = NOON + timedelta(days=1)
    await telemetry.store([*measured(0.1, 0.2), report(1, device="d2")])
    await telemetry.roll_up()
    for _ in ("d1", "d2"):
        await settle(telemetry, await claimed(telemetry, clock))
    assert await telemetry.prunable(later, sparing=["d1", "d3"]) == 1
    assert await telemetry.prune(later, sparing=["d1", "d3"]) == 1
    assert await telemetry.prune(later, sparing=["d1", "d3"]) == 0
    assert await telemetry.prune(later) == 2


async def test_hours_stay_when_their_reports_are_pruned(telemetry: Telemetry, clock: ManualClock) -> None:
    await telemetry.store(measured(0.1, 0.2, 0.6, 26))
    await settle(telemetry, await claimed(telemetry, clock))
    await telemetry.roll_up()
    before = {step: await rolled(telemetry, step, "Asia/Kathmandu") for step in ("15m", "1h", "1d")}
    assert await telemetry.prune(NOON + timedelta(days=1)) == 3
    assert {step: await rolled(telemetry, step, "Asia/Kathmandu") for step in before} == before
    assert (await rolled(telemetry, "raw")).ts == [to_ms(NOON) + 26 * 3_600_000]
    assert (await telemetry.latest(["d1"]))["d1"].fields["temp_c"] == [26]


async def test_a_report_that_comes_again_after_it_was_pruned_changes_no_hour(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    await telemetry.store(measured(0.1, 0.5, 26))
    await settle(telemetry, await claimed(telemetry, clock))
    await telemetry.roll_up()
    await telemetry.prune(NOON + timedelta(days=1))
    before = await rolled(telemetry, "1h")
    await telemetry.store(measured(0.5, first_seq=2))
    assert await rolled(telemetry, "1h") == before
    await telemetry.roll_up()
    assert await rolled(telemetry, "1h") == before


async def test_a_forgotten_device_leaves_no_hours(telemetry: Telemetry) -> None:
    await telemetry.store([*measured(0.1), report(1, device="d2")])
    await telemetry.roll_up()
    await telemetry.forget("d1")
    assert (await rolled(telemetry, "1h")).ts == []
    await telemetry.store([report(1, {"relay": True})])
    assert (await rolled(telemetry, "1h")).fields == {"relay": [True]}


# Which messages came


async def test_arrivals_name_each_message_of_a_time_and_the_next_on_each_side(telemetry: Telemetry) -> None:
    await telemetry.store(
        [
            report(1),
            report(2, after_s=3600, kind=ReportKind.ALARM),
            report(3, after_s=7200, late_s=60),
            report(5, after_s=7260, kind=ReportKind.ACK),
            report(1, boot=2, after_s=9000),
            report(2, boot=2, after_s=90_000),
            report(1, device="d2"),
        ]
    )
    start, end = NOON + timedelta(hours=1.5), NOON + timedelta(hours=2.4)
    arrivals = await telemetry.arrivals("d1", start=start, end=end)
    assert [(each.boot, each.seq) for each in arrivals] == [(1, 2), (1, 3), (1, 5), (2, 1)]
    assert arrivals[1].received_ms - arrivals[1].at_ms == 60_000
    assert await telemetry.arrivals("d1", start=NOON - timedelta(days=1), end=NOON) == []
    assert await telemetry.arrivals("nobody", start=start, end=end) == []


@pytest.mark.parametrize(
    "asked",
    [{"step": "2m"}, {"cursor": "x"}, {"cursor": "1.2.3"}, {"step": "1d", "time_zone": "Nowhere/Land"}],
    ids=str,
)
async def test_a_series_that_cannot_be_is_refused(telemetry: Telemetry, asked: dict[str, Any]) -> None:
    await telemetry.store([report(1)])
    with pytest.raises(ValueError, match=r"step|cursor|zone"):
        await telemetry.series("d1", start=NOON, end=NOON + timedelta(days=1), **asked)


async def watched(telemetry: Telemetry, clock: ManualClock, device: str, fields: dict[str, Any]) -> None:
    """Have a device say something and be judged: its silence is waited for from 100 s on."""
    await telemetry.store([report(1, fields, device=device)])
    assert await settle(telemetry, await claimed(telemetry, clock), silent_after_s=100)


async def test_the_roll_call_counts_who_is_there_who_went_lately_and_who_went_without_power(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    for device, fields in (("here", IN_ORDER), ("gone", IN_ORDER), ("dark", LOST)):
        await watched(telemetry, clock, device, fields)
    before = await telemetry.roll_call(now=clock.now(), within_s=30)
    assert (before.present, before.gone, before.dark, before.all) == (3, 0, 0, 3)
    await clock.advance(60)
    await telemetry.store([report(2, device="here", late_s=60)])
    lately = await telemetry.roll_call(now=clock.now(), within_s=30)
    assert (lately.present, lately.gone, lately.dark) == (1, 1, 1)
    long_ago = await telemetry.roll_call(now=clock.now(), within_s=10)
    assert (long_ago.present, long_ago.gone, long_ago.dark) == (1, 0, 0)


async def test_those_that_the_roll_call_counts_as_gone_are_named_some_at_a_time(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    for device, fields in (("b", IN_ORDER), ("here", IN_ORDER), ("a", IN_ORDER), ("dark", LOST), ("ä", IN_ORDER)):
        await watched(telemetry, clock, device, fields)
    assert await telemetry.gone(now=clock.now(), within_s=30, limit=9) == []
    await telemetry.store([report(1, device="unwatched")])
    await clock.advance(60)
    await telemetry.store([report(2, device="here", late_s=60)])
    now = clock.now()
    assert await telemetry.gone(now=now, within_s=30, limit=9) == ["a", "b", "ä"]
    assert await telemetry.gone(now=now, within_s=30, limit=2) == ["a", "b"]
    assert await telemetry.gone(now=now, within_s=30, limit=2, after="b") == ["ä"]
    assert await telemetry.gone(now=now, within_s=10, limit=9) == [], "it was longer ago"


async def test_whom_the_broker_calls_gone_is_gone_at_once_until_heard_again(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    await watched(telemetry, clock, "d1", IN_ORDER)
    await clock.advance(5)
    await telemetry.note_presence("d1", online=False, at=clock.now())
    assert (await telemetry.roll_call(now=clock.now(), within_s=30)).gone == 1
    await clock.advance(1)
    await telemetry.store([report(2, late_s=6)])
    assert (await telemetry.roll_call(now=clock.now(), within_s=30)).present == 1


async def test_a_device_for_whose_silence_nobody_waits_is_not_counted_and_who_waits_longest_is_told(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    await telemetry.store([report(1)])
    since = clock.now()
    await clock.advance(7)
    await telemetry.store([report(1, device="d2")])
    roll = await telemetry.roll_call(now=clock.now(), within_s=30)
    assert (roll.all, roll.waiting_since) == (0, since)
    for _ in range(2):
        await settle(telemetry, await claimed(telemetry, clock))
    assert (await telemetry.roll_call(now=clock.now(), within_s=30)).waiting_since is None


# Reading messages again


async def test_messages_of_all_kinds_are_read_again_by_time_a_page_at_a_time(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    alarm = report(3, {"cause": "test", "active": True}, kind=ReportKind.ALARM, after_s=10)
    told = [report(4, after_s=5, late_s=60), report(1), alarm, report(2, after_s=10), report(1, device="d2")]
    await telemetry.store(told)
    found: list[Report] = []
    while True:
        after = found[-1] if found else None
        page = await telemetry.reports("d1", start=NOON, end=NOON + timedelta(minutes=1), after=after, limit=2)
        found += page
        if len(page) < 2:
            break
    assert [each.seq for each in found] == [1, 4, 2, 3]
    assert (found[1].received_ms - found[1].at_ms, found[3].kind, found[3].fields["cause"]) == (
        60_000,
        ReportKind.ALARM,
        "test",
    )
    assert await telemetry.reports("d1", start=NOON, end=NOON) == []
    assert await telemetry.reports("d3", start=NOON, end=clock.now() + timedelta(days=1)) == []


# Tables


async def the_table(telemetry: Telemetry, device: str = "d1", limit: int = 5_000) -> list[dict[str, str]]:
    """Return every line of a table, read a page at a time, by the names of its columns."""
    written, after, rows = bytearray(HEAD), None, 0
    while True:
        page = await telemetry.table(device, start=NOON, end=NOON + timedelta(hours=1), after=after, limit=limit)
        written += page.lines
        rows += page.rows
        after = page.next
        if after is None:
            break
    found = list(csv.DictReader(io.StringIO(written.decode(), newline="")))
    assert len(found) == rows
    return found


async def test_a_table_tells_everything_that_a_report_said(telemetry: Telemetry) -> None:
    said: dict[str, Any] = {
        "relay": True, "relay_cause": "schedule", "aux": False, "mains": True, "battery_pct": 96.5, "charging": False,
        "temp_c": [21.5, None, -3], "input": [False, True], "armed": True, "signal_dbm": -71, "signal_pct": 64,
        "credit": '12,40 "EUR"', "fw": "1.4.2", "uptime_s": 86400,
    }  # fmt: skip
    alarm = {"cause": "temp_low", "active": True, "value": 1.5, "probe": 0}
    await telemetry.store(
        [
            report(7, said, after_s=1.25, late_s=60),
            report(6, {"temp_c": [1.5], "input": [], "signal_pct": 60}, after_s=1.5),
            report(8, alarm, kind=ReportKind.ALARM, after_s=2),
            report(9, {}, kind=ReportKind.ACK, after_s=3),
            report(1, said, device="d2"),
        ]
    )
    state, whole, told = await the_table(telemetry)
    assert (whole["temp_c"], whole["input"], whole["armed"], whole["signal_pct"]) == ("[1.5]", "[]", "", "60")
    assert state == {
        "received": "2026-11-22 12:01:01.250Z", "kind": "state", "ts": "2026-11-22 12:00:01.250Z", "clock": "device",
        "boot": "1", "seq": "7", "relay": "true", "relay_cause": "schedule", "aux": "false", "mains": "true",
        "battery_pct": "96.5", "charging": "false", "armed": "true", "signal_dbm": "-71", "signal_pct": "64",
        "uptime_s": "86400", "cause": "", "active": "", "value": "", "probe": "", "temp_c": "[21.5,null,-3]",
        "input": "[false,true]", "credit": '12,40 "EUR"', "fw": "1.4.2",
    }  # fmt: skip
    assert {name: told[name] for name in ("kind", "cause", "active", "value", "probe", "mains", "temp_c", "fw")} == {
        "kind": "alarm", "cause": "temp_low", "active": "true", "value": "1.5", "probe": "0", "mains": "",
        "temp_c": "", "fw": "",
    }  # fmt: skip
    assert fields_of_line(state) == said
    assert fields_of_line(told) == alarm


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "'=1", "", "nothing", "a=b", "'", "ä€", "[1]", '"=', "\\="])
async def test_no_text_in_a_table_is_a_formula_and_each_can_be_read_back(telemetry: Telemetry, text: str) -> None:
    await telemetry.store([report(1, {"credit": text})])
    (line,) = await the_table(telemetry)
    assert not line["credit"].startswith(("=", "+", "-", "@"))
    assert fields_of_line(line).get("credit", "") == text


async def test_a_formula_among_many_lines_changes_no_other(telemetry: Telemetry) -> None:
    texts = ["1.20 EUR", "=1+1", "'", 'a "=" b', "2.40 EUR"]
    await telemetry.store([report(seq, {"credit": text, "fw": "1.4"}) for seq, text in enumerate(texts, 1)])
    lines = await the_table(telemetry)
    assert [line["credit"] for line in lines] == ["1.20 EUR", "'=1+1", "''", 'a "=" b', "2.40 EUR"]
    assert {line["fw"] for line in lines} == {"1.4"}


async def test_a_table_comes_in_pages_by_time_and_arrival_each_line_once(telemetry: Telemetry) -> None:
    at_once = [report(seq, {}) for seq in (5, 3, 4)]
    await telemetry.store([report(9, {}, after_s=9), *at_once, report(10, {}, kind=ReportKind.ACK, after_s=1)])
    await telemetry.store([report(11, {}, after_s=10)])
    for limit in (1, 2, 3, 5, 6, 100):
        assert [line["seq"] for line in await the_table(telemetry, limit=limit)] == ["5", "3", "4", "9", "11"]
    assert await the_table(telemetry, "d3") == []


async def test_since_when_single_reports_are_whole_is_known(telemetry: Telemetry, clock: ManualClock) -> None:
    assert await telemetry.whole_since() == EPOCH
    await telemetry.store([report(1)])
    await telemetry.roll_up()
    for _ in range(2):
        await telemetry.prune(NOON + timedelta(minutes=1))
        assert await telemetry.whole_since() == NOON + timedelta(minutes=1)
    await telemetry.prune(NOON)
    assert await telemetry.whole_since() == NOON + timedelta(minutes=1), "it only grows"


# The past from elsewhere


async def test_what_is_taken_in_is_the_past_and_nothing_else(telemetry: Telemetry, clock: ManualClock) -> None:
    await quieten(telemetry, clock, "d1")
    await telemetry.store([report(1)])
    before = await telemetry.latest(["d1"])
    past = [report(seq, LOST, boot=2, after_s=-3600 + seq, device=device) for seq in (1, 2) for device in ("d1", "d2")]
    assert await telemetry.take_in(past) == 4
    assert await telemetry.take_in([*past, report(1)]) == 0, "a second time it is there"
    assert await telemetry.take_in([]) == 0
    assert await telemetry.latest(["d1", "d2"]) == before
    assert await claim(telemetry, clock) is None
    series = await telemetry.series("d1", start=NOON - timedelta(hours=1), end=NOON)
    assert series.fields["mains"] == [False, False]
    await telemetry.roll_up()
    hours = await telemetry.series("d2", start=NOON - timedelta(hours=1), end=NOON, step="1h")
    assert hours.fields["mains"] == [False]
    await telemetry.store([report(2, {"battery_pct": 91})])
    assert (await telemetry.latest(["d1"]))["d1"].fields["battery_pct"] == 91, "the device goes on as it was"
