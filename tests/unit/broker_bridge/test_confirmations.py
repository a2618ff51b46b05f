"""What a device may be told to drop from its backlog: never more than the unbroken run that is stored."""

from hypothesis import example, given
from hypothesis import strategies as st

from broker_bridge.confirmations import (
    EVERY_S,
    FIRST_PATIENCE_S,
    GAP_PATIENCE_S,
    MOST_STRETCHES,
    OTHER_LANE_S,
    Confirmations,
    Run,
)
from isocket.domain.reports import STARTS_OF_A_COUNT, in_count
from isocket.storage.telemetry import Confirmed

NOTHING = Confirmed(upto=None, beyond=())


def begun(past: Confirmed = NOTHING) -> Confirmations:
    confirmations = Confirmations()
    confirmations.begin("d1", past, 0.0)
    return confirmations


def run_with_gap(since: float = 0.0) -> Run:
    run = Run(upto=(1, 10))
    run.take((1, 13), since)
    return run


def test_the_first_message_of_a_new_device_is_confirmed() -> None:
    confirmations = begun()
    confirmations.stored("d1", (1, 1), 0.0, urgent=True)
    assert confirmations.due(0.0) == {"d1": (1, 1)}


def test_the_first_report_is_confirmed_whatever_its_number() -> None:
    confirmations = begun()
    confirmations.stored("d1", (17, 4211), 0.0, in_order=True, urgent=True)
    assert confirmations.due(0.0) == {"d1": (17, 4211)}


def test_an_alarm_heard_before_all_else_leaves_a_moment_for_the_reports_before_it() -> None:
    confirmations = begun()
    confirmations.stored("d1", (17, 900), 0.0, urgent=True)
    assert confirmations.due(1.0, drained_at=1.0) == {}
    confirmations.stored("d1", (17, 1), 1.5, in_order=True)
    assert confirmations.due(1.5, drained_at=1.5) == {"d1": (17, 1)}
    assert confirmations.due(20.0, drained_at=20.0) == {}


def test_an_alarm_heard_before_all_else_is_confirmed_when_nothing_follows() -> None:
    confirmations = begun()
    confirmations.stored("d1", (17, 900), 0.0, urgent=True)
    assert confirmations.due(FIRST_PATIENCE_S, drained_at=FIRST_PATIENCE_S) == {"d1": (17, 900)}


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
    assert confirmations.due(100.0, drained_at=100.0) == {}


def test_an_alarm_that_overtook_reports_waits_for_them() -> None:
    run = run_with_gap()
    assert run.upto == (1, 10)
    run.take((1, 11), 0.0)
    run.take((1, 12), 0.0)
    assert run.upto == (1, 13)


def test_a_gap_is_given_up_when_the_device_had_time_to_fill_it() -> None:
    run = run_with_gap()
    run.give_up(GAP_PATIENCE_S - 1)
    assert run.upto == (1, 10)
    run.give_up(GAP_PATIENCE_S)
    assert run.upto == (1, 13)


def test_a_gap_that_shrinks_is_waited_for_as_long_as_it_shrinks() -> None:
    run = Run(upto=(1, 0))
    run.take((1, 5001), 0.0)
    for step in range(10):
        now = 12.0 * (step + 1)
        for seq in range(step * 500 + 1, step * 500 + 501):
            run.take((1, seq), now, in_order=True)
        run.give_up(now)
        assert run.upto == ((1, step * 500 + 500) if step < 9 else (1, 5001))


def test_each_gap_has_its_own_time() -> None:
    run = run_with_gap()
    run.take((1, 20), GAP_PATIENCE_S - 1)
    run.give_up(GAP_PATIENCE_S)
    assert run.upto == (1, 13)
    run.give_up(2 * GAP_PATIENCE_S)
    assert run.upto == (1, 20)


def test_a_gap_is_not_given_up_while_the_broker_may_still_hold_it() -> None:
    confirmations = begun(Confirmed(upto=(1, 10), beyond=()))
    confirmations.stored("d1", (1, 13), 0.0, urgent=True)
    assert confirmations.due(500.0, drained_at=30.0) == {}


def test_a_reconnect_begins_the_waiting_anew() -> None:
    run = run_with_gap()
    run.in_touch_anew(GAP_PATIENCE_S - 1)
    run.give_up(GAP_PATIENCE_S)
    assert run.upto == (1, 10)


def test_after_a_restart_of_the_device_an_alarm_waits_for_its_old_backlog() -> None:
    run = Run(upto=(17, 39))
    run.take((18, 1), 0.0)
    assert run.upto == (17, 39)
    run.take((17, 40), 30.0, in_order=True)
    run.give_up(GAP_PATIENCE_S)
    assert run.upto == (17, 40)


def test_the_first_report_after_a_restart_ends_the_waiting_for_the_run_before() -> None:
    run = Run(upto=(17, 39))
    run.take((18, 1), 0.0, alarm=True)
    run.take((18, 2), 1.0, in_order=True)
    assert run.upto == (18, 2)


def test_a_report_of_a_later_run_leaves_its_alarms_the_time_to_come() -> None:
    confirmations = begun(Confirmed(upto=(1, 10), beyond=()))
    confirmations.stored("d1", (2, 1), 20.0, in_order=True, urgent=True)
    assert confirmations.urgent(20.0) == {}, "the run before may have ended with an alarm, which is in the other lane"
    nearly = 20.0 + OTHER_LANE_S - 0.1
    assert confirmations.due(nearly, drained_at=nearly) == {}
    confirmations.stored("d1", (1, 11), nearly, urgent=True)
    assert confirmations.urgent(nearly) == {"d1": (1, 11)}
    later = nearly + OTHER_LANE_S
    assert confirmations.due(later, drained_at=later - 1) == {}, "each leaves them that time, by the broker's count"
    assert confirmations.due(later, drained_at=later) == {"d1": (2, 1)}


def test_an_alarm_of_the_later_run_shows_that_those_of_the_run_before_have_come() -> None:
    confirmations = begun(Confirmed(upto=(1, 10), beyond=()))
    confirmations.stored("d1", (1, 12), 0.0, urgent=True)
    confirmations.stored("d1", (2, 1), 20.0, in_order=True)
    assert confirmations.urgent(20.0) == {}
    confirmations.stored("d1", (2, 2), 21.0, urgent=True)
    assert confirmations.urgent(21.0) == {"d1": (2, 2)}, "so (1, 11) never comes"


def test_what_an_earlier_process_stored_does_not_show_that_alarms_have_come() -> None:
    confirmations = begun(Confirmed(upto=(1, 10), beyond=((2, 1),)))
    confirmations.stored("d1", (2, 2), 20.0, in_order=True, urgent=True)
    assert confirmations.due(20.0, drained_at=20.0) == {}


def test_a_gap_in_a_run_that_reports_have_left_is_given_up_soon() -> None:
    run = Run(upto=(1, 10))
    run.take((1, 12), 0.0, alarm=True)
    run.take((2, 1), 20.0, in_order=True)
    run.give_up(20.0 + OTHER_LANE_S - 0.1)
    assert run.upto == (1, 10)
    run.give_up(20.0 + OTHER_LANE_S)
    assert run.upto == (2, 1)


def test_a_gap_that_is_old_already_gets_no_time_from_a_later_run() -> None:
    run = Run(upto=(1, 10))
    run.take((1, 12), 0.0, alarm=True)
    run.take((2, 1), GAP_PATIENCE_S - 1, in_order=True)
    run.give_up(GAP_PATIENCE_S)
    assert run.upto == (1, 12)


def test_a_report_of_a_run_between_gives_up_nothing_of_the_newest() -> None:
    confirmations = begun(Confirmed(upto=(1, 10), beyond=()))
    confirmations.stored("d1", (21, 1), 0.0, urgent=True)
    assert confirmations.urgent(0.0) == {}
    for boot in range(2, 21):
        at = 20.0 * boot
        confirmations.stored("d1", (boot, 1), at, in_order=True)
        assert confirmations.due(at + 19.0, drained_at=at + 19.0) == {"d1": (boot, 1)}
    assert confirmations.due(459.9, drained_at=459.9) == {}
    assert confirmations.due(460.0, drained_at=460.0) == {"d1": (21, 1)}, "a minute after the last report"


def test_no_gap_is_given_up_while_reports_before_it_keep_coming() -> None:
    run = Run(upto=(1, 10))
    for seq in (13, 20):
        run.take((1, seq), 0.0, alarm=True)
    run.take((1, 11), 50.0, in_order=True)
    run.take((1, 12), 59.0, in_order=True)
    run.give_up(58.9 + GAP_PATIENCE_S)
    assert run.upto == (1, 13)
    run.give_up(59.0 + GAP_PATIENCE_S)
    assert run.upto == (1, 20)


def test_only_an_alarm_shows_that_the_alarms_before_it_have_come() -> None:
    confirmations = begun(Confirmed(upto=(1, 10), beyond=()))
    confirmations.stored("d1", (2, 1), 20.0)  # settings: they come with the reports; or an answer, after the alarms
    confirmations.stored("d1", (2, 2), 20.0, in_order=True)
    assert confirmations.due(20.0, drained_at=20.0) == {}


def test_an_alarm_that_a_report_overtook_leaves_those_behind_it_the_same_time_and_no_more() -> None:
    run = Run(upto=(1, 10))
    run.take((2, 1), 20.0, in_order=True)
    run.take((1, 12), 24.0, alarm=True)
    run.give_up(24.0 + OTHER_LANE_S - 0.1)
    assert run.upto == (1, 10)
    run.give_up(24.0 + OTHER_LANE_S)
    assert run.upto == (2, 1)


def test_a_reconnect_gives_the_gaps_of_a_run_that_was_left_their_whole_time_again() -> None:
    run = Run(upto=(1, 10))
    run.take((2, 1), 0.0, in_order=True)
    run.in_touch_anew(1.0)
    run.take((1, 12), 2.0, alarm=True)
    run.give_up(1.0 + GAP_PATIENCE_S)
    assert run.upto == (1, 10)
    run.give_up(2.0 + GAP_PATIENCE_S)
    assert run.upto == (2, 1)


def test_the_newest_of_what_a_device_waits_for_is_told_at_once_although_an_older_one_was_asked_for_later() -> None:
    confirmations = begun(Confirmed(upto=(1, 10), beyond=()))
    confirmations.stored("d1", (1, 13), 0.0, urgent=True)
    confirmations.stored("d1", (1, 11), 0.1, in_order=True, urgent=True)
    assert confirmations.urgent(0.1) == {"d1": (1, 11)}
    confirmations.stored("d1", (1, 12), 0.2, in_order=True)
    assert confirmations.urgent(0.2) == {"d1": (1, 13)}


def test_an_alarm_that_begins_a_new_run_is_told_with_the_first_report_after_it_at_once() -> None:
    confirmations = begun(Confirmed(upto=(1, 10), beyond=()))
    confirmations.in_touch_anew(0.0, "d1")
    confirmations.stored("d1", (2, 1), 0.0, urgent=True)
    assert confirmations.urgent(0.0) == {"d1": (1, 10)}, "of the run before more may come still: alarms go first"
    confirmations.stored("d1", (1, 11), 0.1, in_order=True)
    assert confirmations.urgent(0.1) == {}, "that is not what it waits for"
    confirmations.stored("d1", (2, 2), 0.2, in_order=True)
    assert confirmations.urgent(0.2) == {"d1": (2, 2)}
    assert confirmations.urgent(0.2) == {}


def test_an_alarm_that_begins_a_new_run_is_told_after_a_minute_where_nothing_follows() -> None:
    confirmations = begun(Confirmed(upto=(1, 10), beyond=()))
    confirmations.stored("d1", (2, 1), 0.0, urgent=True)
    assert confirmations.due(GAP_PATIENCE_S - 1, drained_at=GAP_PATIENCE_S - 1) == {}
    assert confirmations.due(GAP_PATIENCE_S, drained_at=GAP_PATIENCE_S) == {"d1": (2, 1)}


def test_what_an_alarm_waits_for_is_told_at_once_although_something_was_told_a_moment_ago() -> None:
    confirmations = begun(Confirmed(upto=(1, 10), beyond=()))
    confirmations.stored("d1", (1, 13), 0.0, urgent=True)
    confirmations.stored("d1", (1, 11), 20.0, in_order=True)
    assert confirmations.due(20.0) == {"d1": (1, 11)}
    confirmations.refused("d1", (1, 12), 21.0, in_order=True)
    assert confirmations.urgent(21.0) == {"d1": (1, 13)}


def test_a_report_that_overtakes_the_first_alarm_of_a_new_run_waits_for_it() -> None:
    confirmations = begun(Confirmed(upto=(1, 10), beyond=()))
    confirmations.stored("d1", (2, 2), 20.0, in_order=True)
    assert confirmations.due(20.0, drained_at=20.0) == {}
    confirmations.stored("d1", (2, 1), 21.0, urgent=True)
    assert confirmations.urgent(21.0) == {"d1": (2, 2)}


def test_a_new_run_that_does_not_begin_with_one_is_told_soon() -> None:
    confirmations = begun(Confirmed(upto=(1, 10), beyond=()))
    confirmations.stored("d1", (2, 4000), 20.0, in_order=True)
    almost = 20.0 + OTHER_LANE_S - 0.1
    assert confirmations.due(almost, drained_at=almost) == {}
    assert confirmations.due(20.0 + OTHER_LANE_S, drained_at=20.0 + OTHER_LANE_S) == {"d1": (2, 4000)}


def test_a_device_that_counts_from_nought_is_told_that() -> None:
    confirmations = begun(Confirmed(upto=(1, 1), beyond=()))
    confirmations.stored("d1", (2, 0), 20.0, in_order=True)
    assert confirmations.due(20.0 + OTHER_LANE_S, drained_at=20.0 + OTHER_LANE_S) == {"d1": (2, 0)}


class Device:
    """One with several runs, the two lanes to us, and what we told it. All reports pass the broker at once."""

    def __init__(self, runs: list[list[bool]], *, alarms_first: bool) -> None:
        numbered = [(b, s, alarm) for b, run in enumerate(runs, 1) for s, alarm in enumerate(run, 11 if b == 1 else 1)]
        self.orders = [(boot, seq) for boot, seq, _ in numbered]
        self.alarms = {(boot, seq) for boot, seq, alarm in numbered if alarm}
        self.unsent = sorted(self.orders, key=lambda each: (alarms_first and each not in self.alarms, each))
        self.in_lane: list[tuple[float, tuple[int, int]]] = []
        self.stored: set[tuple[int, int]] = set()
        self.told, self.now, self.sent_at = (1, 10), 0.0, 0.0
        self.confirmations = begun(Confirmed(upto=(1, 10), beyond=()))

    def send(self) -> None:
        """Send the next message: a report is stored at once, an alarm when its lane is read."""
        if self.unsent:
            order, self.sent_at = self.unsent.pop(0), self.now
            if order in self.alarms:
                self.in_lane.append((self.now, order))
            else:
                self._store(order)

    def read_lane(self) -> None:
        """Store the first alarm in the lane."""
        if self.in_lane:
            self._store(self.in_lane.pop(0)[1])

    def wait(self, seconds: int) -> None:
        """Let time pass, not so much that the device gives its link up or an alarm stays in the lane."""
        for _ in range(seconds):
            while self.in_lane and self.now - self.in_lane[0][0] >= OTHER_LANE_S - 1:
                self.read_lane()
            if self.now - self.sent_at > GAP_PATIENCE_S - 10:
                self.send()
            self.now += 1.0
            self._hear(self.confirmations.due(self.now, drained_at=self.now))

    def _store(self, order: tuple[int, int]) -> None:
        alarm = order in self.alarms
        self.stored.add(order)
        self.confirmations.stored("d1", order, self.now, in_order=not alarm, urgent=alarm)
        self._hear(self.confirmations.urgent(self.now))

    def _hear(self, told: dict[str, tuple[int, int]]) -> None:
        assert told.get("d1", self.told) >= self.told, "it never goes back"
        self.told = told.get("d1", self.told)
        assert {each for each in self.orders if each <= self.told} <= self.stored


RUNS = st.lists(st.lists(st.booleans(), max_size=3), min_size=2, max_size=6)
STEPS = st.lists(st.one_of(st.sampled_from(["send", "read"]), st.sampled_from([1, 4, 13, 40])), max_size=25)


@given(runs=RUNS, alarms_first=st.booleans(), steps=STEPS)
@example(runs=[[True], [False]], alarms_first=False, steps=["send", "send", 1])
@example(runs=[[False, True], [True]], alarms_first=True, steps=["send", 61])
@example(runs=[[], [False], [False], [True]], alarms_first=True, steps=["send", "read", "send", 13, 40])
@example(
    runs=[[], [], [False, False], [True], [False], [True]], alarms_first=True, steps=[*["send", "read"] * 3, 40, 40]
)
def test_over_restarts_and_however_the_lanes_overtake_each_other_only_what_is_stored_is_told(
    *, runs: list[list[bool]], alarms_first: bool, steps: list[str | int]
) -> None:
    device = Device(runs, alarms_first=alarms_first)
    for step in steps:
        if isinstance(step, int):
            device.wait(step)
        else:
            (device.send if step == "send" else device.read_lane)()
    while device.unsent or device.in_lane:
        device.send()
        device.read_lane()
    device.wait(int(GAP_PATIENCE_S) + 1)
    assert device.told == max([*device.orders, (1, 10)]), "what is stored is told in the end"


def test_a_new_process_takes_up_where_the_old_one_left_a_device() -> None:
    confirmations = begun(Confirmed(upto=(1, 10), beyond=((1, 12), (1, 13))))
    confirmations.stored("d1", (1, 14), 0.0, urgent=True)
    assert confirmations.due(0.0) == {}
    confirmations.stored("d1", (1, 11), 0.0, urgent=True)
    assert confirmations.due(0.0) == {"d1": (1, 14)}


def test_the_second_lane_that_hears_a_device_does_not_forget_what_the_first_noted() -> None:
    confirmations = begun()
    confirmations.stored("d1", (1, 1), 0.0, urgent=True)
    confirmations.begin("d1", NOTHING, 0.0)
    assert confirmations.due(0.0) == {"d1": (1, 1)}


def test_the_number_of_a_refused_message_fills_its_gap() -> None:
    run = Run(upto=(1, 10))
    run.take((1, 12), 0.0)
    run.take_refused((1, 11), 0.0)
    assert run.upto == (1, 12)


def test_an_absurd_number_of_a_refused_message_is_not_believed() -> None:
    run = Run(upto=(1, 10))
    run.take_refused((9_007_199_254_740_992, 5), 0.0, in_order=True)
    run.take_refused((1, 9_007_199_254_740_992), 0.0, in_order=True)
    assert (run.upto, run.ahead) == ((1, 10), [])


def test_a_device_that_skips_every_second_number_costs_little() -> None:
    run = Run(upto=(1, 0))
    for seq in range(2, 6 * MOST_STRETCHES, 2):
        run.take((1, seq), 0.0)
    assert len(run.ahead) == MOST_STRETCHES
    run.give_up(GAP_PATIENCE_S)
    assert run.ahead == []


@given(st.permutations(range(2, 30)), st.integers(min_value=0, max_value=27))
def test_whatever_the_order_of_arrival_no_more_than_the_unbroken_run_is_told(order: list[int], cut: int) -> None:
    run = Run()
    run.take((1, 1), 0.0)
    arrived = set(order[:cut]) | {1}
    for seq in order[:cut]:
        run.take((1, seq), 0.0)
    unbroken = next(n for n in range(1, 31) if n + 1 not in arrived)
    assert run.upto == (1, unbroken)
    held = {seq for each in run.ahead for seq in range(each.first, each.last + 1)}
    assert held == {seq for seq in arrived if seq > unbroken}


def test_what_was_answered_at_once_does_not_hurry_the_ordinary_report_after_it() -> None:
    confirmations = begun()
    confirmations.stored("d1", (1, 1), 0.0, urgent=True)
    assert confirmations.due(0.0) == {"d1": (1, 1)}
    confirmations.stored("d1", (1, 2), 1.0, in_order=True)
    assert confirmations.due(1.0) == {}
    assert confirmations.due(EVERY_S) == {"d1": (1, 2)}


def test_a_gap_that_shrinks_behind_others_is_waited_for_as_long_as_well() -> None:
    run = Run(upto=(1, 1))
    run.take((1, 10), 0.0)
    run.take((1, 6), 50.0)
    for seq in (2, 3, 4, 5):
        run.take((1, seq), 51.0)
    run.give_up(GAP_PATIENCE_S + 1)
    assert run.upto == (1, 6)
    run.give_up(GAP_PATIENCE_S + 50)
    assert run.upto == (1, 10)


def test_the_first_report_joins_what_had_overtaken_it() -> None:
    run = Run()
    run.take((17, 900), 0.0, alarm=True)
    run.take((17, 899), 0.5, in_order=True)
    assert (run.upto, run.ahead) == ((17, 900), [])


def test_a_refused_report_shows_as_well_that_the_reports_before_it_have_come() -> None:
    confirmations = begun(Confirmed(upto=(1, 10), beyond=()))
    confirmations.stored("d1", (1, 13), 0.0, urgent=True)
    confirmations.refused("d1", (1, 15), 50.0, in_order=True)
    confirmations.stored("d1", (1, 17), 55.0, urgent=True)
    assert confirmations.due(GAP_PATIENCE_S, drained_at=GAP_PATIENCE_S) == {"d1": (1, 13)}


def test_a_number_that_would_follow_is_of_another_run_where_the_device_started_again() -> None:
    run = Run(upto=(1, 10))
    run.take((2, 11), 0.0)
    run.take((2, 14), 0.0)
    run.take((1, 13), 0.0)
    assert run.upto == (1, 10)
    assert [(each.boot, each.first, each.last) for each in run.ahead] == [(1, 13, 13), (2, 11, 11), (2, 14, 14)]


def test_a_report_that_comes_in_order_behind_a_gap_leaves_its_device_the_whole_time_to_fill_it() -> None:
    run = Run(upto=(1, 10))
    run.take((1, 13), 0.0, in_order=True)
    run.give_up(GAP_PATIENCE_S - 1)
    assert run.upto == (1, 10)
    run.give_up(GAP_PATIENCE_S)
    assert run.upto == (1, 13)


def test_the_second_number_of_a_run_is_not_taken_for_its_first() -> None:
    run = Run()
    run.take((17, 2), 0.0, alarm=True)
    assert run.upto is None


@given(st.permutations(range(13, 21)))
def test_whatever_the_order_of_arrival_numbers_that_follow_one_another_behind_a_gap_are_one_stretch(
    order: list[int],
) -> None:
    run = Run(upto=(1, 10))
    for seq in order:
        run.take((1, seq), 0.0)
    assert [(each.first, each.last) for each in run.ahead] == [(13, 20)]


def test_an_alarm_that_waits_for_others_is_answered_at_once_with_what_is_unbroken() -> None:
    confirmations = begun(Confirmed(upto=(1, 10), beyond=()))
    confirmations.stored("d1", (1, 11), 20.0, in_order=True)
    assert confirmations.due(20.0) == {"d1": (1, 11)}
    confirmations.stored("d1", (1, 12), 21.0, in_order=True)
    assert confirmations.due(21.0) == {}
    confirmations.stored("d1", (1, 14), 22.0, urgent=True)
    assert confirmations.urgent(22.0) == {"d1": (1, 12)}


def test_who_came_back_is_told_again_and_no_other_and_all_are_when_we_did() -> None:
    confirmations = begun()
    confirmations.begin("d2", NOTHING, 0.0)
    both = {"d1": (1, 1), "d2": (1, 1)}
    for device_id, order in both.items():
        confirmations.stored(device_id, order, 0.0, urgent=True)
    assert confirmations.due(0.0) == both
    confirmations.in_touch_anew(1.0, "d1")
    assert confirmations.due(1.0) == {"d1": (1, 1)}
    confirmations.in_touch_anew(2.0)
    assert confirmations.due(2.0) == both


def test_what_was_not_confirmed_before_a_device_began_to_count_anew_is_left_behind_by_a_new_process_too() -> None:
    anew = in_count(0, 1)
    confirmations = begun(Confirmed(upto=(9, 10), beyond=((9, 12), (anew, 2))))
    confirmations.in_touch_anew(0.0)
    assert confirmations.due(FIRST_PATIENCE_S, drained_at=FIRST_PATIENCE_S) == {"d1": (anew, 2)}


def test_a_refused_message_of_a_new_device_makes_no_count_and_no_alarm_fail() -> None:
    confirmations = begun()
    confirmations.refused("d1", (STARTS_OF_A_COUNT, 1), 0.0, in_order=True)
    assert confirmations.newest("d1") is None
    confirmations.stored("d1", (17, 900), 0.0, urgent=True)
    confirmations.refused("d1", (17, 950), 0.0)
    assert confirmations.due(0.0, drained_at=0.0) == {}


def test_of_a_run_that_begins_with_a_gap_nothing_is_told_before_that_is_given_up() -> None:
    confirmations = begun(Confirmed(upto=(1, 10), beyond=()))
    confirmations.stored("d1", (2, 3), 20.0, urgent=True)
    confirmations.stored("d1", (2, 4), 20.5, in_order=True)
    assert confirmations.due(40.0, drained_at=20.6) == {}
    assert confirmations.due(40.0, drained_at=40.0) == {"d1": (2, 4)}


def test_beginning_to_count_anew_a_second_time_forgets_nothing_that_was_said_since() -> None:
    confirmations = begun(Confirmed(upto=(9, 10), beyond=()))
    for _ in range(2):
        confirmations.begin_anew("d1", 1)
        confirmations.stored("d1", (in_count(0, 1), 1), 0.0, urgent=True)
    assert confirmations.newest("d1") == (in_count(0, 1), 1)
    confirmations.stored("d1", (in_count(0, 1), 3), 0.0)
    confirmations.begin_anew("d1", 1)
    assert confirmations.newest("d1") == (in_count(0, 1), 3)


def test_a_new_process_takes_up_a_count_that_began_anew_from_its_first_run_on() -> None:
    first_run = in_count(0, 1)
    confirmations = begun(Confirmed(upto=(first_run, 3), beyond=((first_run, 5),)))
    confirmations.stored("d1", (first_run, 4), 0.0, urgent=True)
    assert confirmations.due(0.0) == {"d1": (first_run, 5)}


def test_one_device_with_a_gap_is_enough_to_ask_the_broker_how_far_it_is() -> None:
    confirmations = begun(Confirmed(upto=(1, 10), beyond=()))
    confirmations.begin("d2", NOTHING, 0.0)
    confirmations.stored("d2", (1, 1), 0.0, in_order=True)
    assert not confirmations.has_gaps
    confirmations.stored("d1", (1, 12), 0.0)
    assert confirmations.has_gaps
