"""What a device may be told to drop from its backlog: never more than the unbroken run that is stored."""

from hypothesis import given
from hypothesis import strategies as st

from broker_bridge.confirmations import BOOT_PATIENCE_S, EVERY_S, GAP_PATIENCE_S, Confirmations, Run
from isocket.storage.telemetry import Confirmed

NOTHING = Confirmed(upto=None, beyond=())


def begun(past: Confirmed = NOTHING) -> Confirmations:
    confirmations = Confirmations()
    confirmations.begin("d1", past, 0.0)
    return confirmations


def test_the_first_message_of_a_new_device_is_confirmed() -> None:
    confirmations = begun()
    confirmations.stored("d1", (17, 4211), 0.0, urgent=True)
    assert confirmations.due(0.0) == {"d1": (17, 4211)}


def test_an_ordinary_report_is_confirmed_every_ten_seconds_at_most() -> None:
    confirmations = begun()
    confirmations.stored("d1", (1, 1), 0.0)
    assert confirmations.due(0.0) == {"d1": (1, 1)}
    confirmations.stored("d1", (1, 2), 1.0)
    assert confirmations.due(1.0) == {}
    assert confirmations.due(EVERY_S) == {"d1": (1, 2)}


def test_a_device_that_repeats_what_was_confirmed_is_told_again() -> None:
    confirmations = begun()
    confirmations.stored("d1", (1, 1), 0.0, urgent=True)
    confirmations.due(0.0)
    confirmations.stored("d1", (1, 1), 1.0, urgent=True)
    assert confirmations.due(1.0) == {"d1": (1, 1)}


def test_a_device_that_comes_back_is_told_again() -> None:
    confirmations = begun()
    confirmations.stored("d1", (1, 1), 0.0, urgent=True)
    confirmations.due(0.0)
    confirmations.in_touch_anew(20.0, "d1")
    assert confirmations.due(20.0) == {"d1": (1, 1)}


def test_nothing_is_told_twice() -> None:
    confirmations = begun()
    confirmations.stored("d1", (1, 1), 0.0, urgent=True)
    confirmations.due(0.0)
    assert confirmations.due(100.0) == {}


def test_an_alarm_that_overtook_reports_waits_for_them() -> None:
    run = Run(upto=(1, 10))
    run.take((1, 13), 0.0)
    assert run.upto == (1, 10)
    run.take((1, 11), 0.0)
    run.take((1, 12), 0.0)
    assert run.upto == (1, 13)


def test_a_gap_is_given_up_when_the_device_had_time_to_fill_it() -> None:
    run = Run(upto=(1, 10))
    run.take((1, 13), 0.0)
    run.give_up_gaps(GAP_PATIENCE_S - 1)
    assert run.upto == (1, 10)
    run.give_up_gaps(GAP_PATIENCE_S)
    assert run.upto == (1, 13)


def test_a_reconnect_begins_the_waiting_anew() -> None:
    run = Run(upto=(1, 10))
    run.take((1, 13), 0.0)
    run.in_touch_anew(GAP_PATIENCE_S - 1)
    run.give_up_gaps(GAP_PATIENCE_S)
    assert run.upto == (1, 10)


def test_after_a_restart_of_the_device_its_old_backlog_is_given_time() -> None:
    run = Run(upto=(1, 10))
    run.take((2, 1), 0.0)
    run.take((1, 11), 1.0)
    run.give_up_gaps(BOOT_PATIENCE_S - 1)
    assert run.upto == (1, 11)
    run.give_up_gaps(BOOT_PATIENCE_S)
    assert run.upto == (2, 1)


def test_a_new_process_takes_up_where_the_old_one_left_a_device() -> None:
    confirmations = begun(Confirmed(upto=(1, 10), beyond=((1, 12), (1, 13))))
    confirmations.stored("d1", (1, 14), 0.0, urgent=True)
    assert confirmations.due(0.0) == {}
    confirmations.stored("d1", (1, 11), 0.0, urgent=True)
    assert confirmations.due(0.0) == {"d1": (1, 14)}


@given(st.permutations(range(2, 30)), st.integers(min_value=0, max_value=27))
def test_whatever_the_order_of_arrival_no_more_than_the_unbroken_run_is_told(order: list[int], cut: int) -> None:
    run = Run()
    run.take((1, 1), 0.0)
    arrived = set(order[:cut]) | {1}
    for seq in order[:cut]:
        run.take((1, seq), 0.0)
    unbroken = next(n for n in range(1, 31) if n + 1 not in arrived)
    assert run.upto == (1, unbroken)
