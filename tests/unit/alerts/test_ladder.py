"""The way up a ladder: which steps come when, and which of their alarms were made."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile

import pytest

from alerts.ladder import FIRST_SLOW, LEAST_GAP, MOST_REPEATS, SLOWEST, Course, Tally
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.incidents import Cause, Incident, Severity
from isocket.domain.ladders import Ladder, Rung, Source
from isocket.domain.recipients import Recipient

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ANNA = Contact(id="con_anna", account_id="acc_1", name="Anna", phone="+447700900001", created_at=START)
BY_SMS = Recipient(contact=ANNA, channel=ChannelKind.SMS, address="+447700900001")


def incident(**changes: object) -> Incident:
    values: dict[str, object] = {
        "id": "inc_1",
        "account_id": "acc_1",
        "device_id": "is-1",
        "cause": Cause.MAINS_LOST,
        "severity": Severity.CRITICAL,
        "opened_at": START,
        "detected_at": START,
    }
    return Incident(**{**values, **changes})  # type: ignore[arg-type]  # values by name


def ladder(*after_s: float, **more: object) -> Ladder:
    rungs = tuple(Rung(after_s=each) for each in after_s)
    return Ladder(source=Source.ACCOUNT, rungs=rungs, **more)  # type: ignore[arg-type]  # values by name


def times(course: Course, most: int = 12) -> list[timedelta]:
    return [each.due_at - START for each in islice(course.steps(), most)]


def alarm(number: int, **changes: object) -> Delivery:
    values: dict[str, object] = {
        "id": f"dlv_{number}",
        "account_id": "acc_1",
        "person_id": ANNA.id,
        "contact_id": ANNA.id,
        "kind": DeliveryKind.ALARM,
        "channel": ChannelKind.SMS,
        "address": BY_SMS.address,
        "text": "",
        "state": DeliveryState.SENT,
        "created_at": START + number * MINUTE,
        "due_at": START,
    }
    return Delivery(**{**values, **changes})  # type: ignore[arg-type]  # values by name


def test_a_ladder_is_climbed_as_often_as_it_says_and_so_long_after_its_last_step() -> None:
    course = Course(ladder=ladder(0, 300, repeat=2, repeat_after_s=600), incident=incident())
    assert times(course) == [0 * MINUTE, 5 * MINUTE, 15 * MINUTE, 20 * MINUTE, 30 * MINUTE, 35 * MINUTE]
    assert course.own_end == START + 35 * MINUTE


def test_two_climbs_are_at_least_a_minute_apart() -> None:
    course = Course(ladder=ladder(0, repeat=2), incident=incident())
    assert times(course) == [0 * LEAST_GAP, LEAST_GAP, 2 * LEAST_GAP]


def test_seconds_count_from_the_moment_from_which_it_is_told() -> None:
    course = Course(ladder=ladder(0), incident=incident(told_from=START + HOUR))
    assert times(course) == [HOUR]


def test_an_exhausted_ladder_is_climbed_ever_more_rarely_but_at_least_daily() -> None:
    course = Course(ladder=ladder(0, 300), incident=incident(exhausted_at=START + HOUR))
    begins = [each.due_at for each in islice(course.steps(), 40) if each.number == 0][1:]
    gaps = [later - earlier for earlier, later in zip([START + HOUR, *begins], begins, strict=False)]
    assert gaps[0] == FIRST_SLOW
    assert all(later == min(2 * earlier, SLOWEST) for earlier, later in pairwise(gaps))
    assert gaps[-1] == SLOWEST


def test_a_slow_climb_never_begins_before_the_last_one_is_over() -> None:
    course = Course(ladder=ladder(0, 7200), incident=incident(exhausted_at=START))
    due = [each.due_at for each in islice(course.steps(), 20)]
    assert due == sorted(due)


@pytest.mark.parametrize("severity", [Severity.MINOR, Severity.INFO])
def test_what_matters_little_is_let_rest(severity: Severity) -> None:
    course = Course(ladder=ladder(0), incident=incident(severity=severity, exhausted_at=START))
    assert times(course) == [timedelta()]


def test_an_owner_who_wants_to_be_told_again_is_told_in_that_rhythm_and_after_a_hundred_times_daily() -> None:
    course = Course(ladder=ladder(0), incident=incident(), repeat_s=1800)
    found = times(course, MOST_REPEATS + 3)
    assert found[1:4] == [HOUR / 2, HOUR, 1.5 * HOUR]
    assert found[MOST_REPEATS] == MOST_REPEATS * HOUR / 2
    assert found[MOST_REPEATS + 1] - found[MOST_REPEATS] == SLOWEST


def test_a_ladder_without_steps_has_none_for_ever() -> None:
    course = Course(ladder=ladder(), incident=incident(exhausted_at=START), repeat_s=60)
    assert times(course) == []


def test_steps_come_in_the_order_of_their_times() -> None:
    course = Course(ladder=ladder(0, 60, 86_400, repeat=3, repeat_after_s=60), incident=incident(exhausted_at=START))
    due = [each.due_at for each in takewhile(lambda step: step.climb < 4, course.steps())]
    assert due == sorted(due)


def test_each_step_that_names_a_person_needs_an_alarm_of_its_own() -> None:
    tally = Tally([alarm(0)])
    assert tally.number(BY_SMS, START, None) is None
    assert tally.number(BY_SMS, START + MINUTE, None) == 1
    assert tally.number(BY_SMS, START + 2 * MINUTE, None) == 2


def test_an_alarm_that_was_called_off_does_not_count_but_keeps_its_number() -> None:
    tally = Tally([alarm(0, state=DeliveryState.CALLED_OFF)])
    assert tally.number(BY_SMS, START, None) == 1


def test_an_alarm_that_failed_counts_as_long_as_the_address_is_the_same() -> None:
    failed = alarm(0, state=DeliveryState.FAILED, reason="number_invalid")
    assert Tally([failed]).number(BY_SMS, START, None) is None
    assert Tally([failed]).number(replace(BY_SMS, address="+447700900009"), START, None) == 1


def test_an_alarm_that_waits_for_the_morning_serves_for_every_step_of_the_night() -> None:
    morning = START + 8 * HOUR
    tally = Tally([alarm(0, state=DeliveryState.DUE, held_until=morning)])
    for hour in range(8):
        assert tally.number(BY_SMS, START + hour * HOUR, morning) is None
    assert tally.number(BY_SMS, morning, None) == 1


def test_an_alarm_of_this_look_that_waits_for_the_morning_serves_for_every_step_of_the_night() -> None:
    morning = START + 8 * HOUR
    tally = Tally([])
    assert tally.number(BY_SMS, START, morning) == 0
    assert tally.number(BY_SMS, START + HOUR, morning) is None
    assert tally.number(BY_SMS, morning, None) == 1


def test_a_second_try_that_failed_as_well_takes_no_step_s_place() -> None:
    lost = alarm(0, state=DeliveryState.FAILED)
    again = alarm(1, state=DeliveryState.FAILED, instead_of=lost.id)
    tally = Tally([lost, again])
    assert tally.number(BY_SMS, START, None) is None
    assert tally.number(BY_SMS, START + HOUR, None) == 2
    for may_have_told in ({"state": DeliveryState.DELIVERED}, {"state": DeliveryState.FAILED, "reason": "unclear"}):
        tally = Tally([lost, alarm(1, instead_of=lost.id, **may_have_told)])
        assert tally.number(BY_SMS, START, None) is None
        assert tally.number(BY_SMS, START + HOUR, None) is None


def test_an_alarm_that_is_made_late_serves_for_every_step_that_was_due_before() -> None:
    tally = Tally([], now=START + HOUR)
    assert tally.number(BY_SMS, START, None) == 0
    assert tally.number(BY_SMS, START + MINUTE, None) is None
    again = Tally([alarm(0, created_at=START + HOUR)], now=START + HOUR + MINUTE)
    assert again.number(BY_SMS, START, None) is None
    assert again.number(BY_SMS, START + MINUTE, None) is None
    assert again.number(BY_SMS, START + HOUR + MINUTE, None) == 1


def test_steps_of_the_same_second_tell_a_person_once_by_each_way() -> None:
    tally = Tally([], now=START)
    assert tally.number(BY_SMS, START, None) == 0
    assert tally.number(BY_SMS, START, None) is None
    later = Tally([alarm(0)], now=START + MINUTE)
    assert later.number(BY_SMS, START, None) is None
    assert later.number(BY_SMS, START, None) is None
    assert later.number(BY_SMS, START + MINUTE, None) == 1


def test_what_was_made_before_the_ladder_began_anew_has_only_its_number() -> None:
    tally = Tally([alarm(0), alarm(1)], since=START + HOUR)
    assert tally.number(BY_SMS, START + HOUR, None) == 2


def test_browsers_of_one_person_are_counted_by_themselves() -> None:
    first, second = (Recipient(contact=ANNA, channel=ChannelKind.PUSH, address=each) for each in ("end_1", "end_2"))
    tally = Tally([alarm(0, channel=ChannelKind.PUSH, address="end_1")])
    assert tally.number(first, START, None) is None
    assert tally.number(second, START, None) == 0


def test_one_of_which_nobody_could_tell_counts_for_a_while_and_each_further_one_longer() -> None:
    lost = {"state": DeliveryState.FAILED, "reason": "unclear"}
    first = alarm(0, ended_at=START + 10 * MINUTE, **lost)
    second = alarm(15, ended_at=START + 25 * MINUTE, **lost)
    assert Tally([first], now=START + 14 * MINUTE).number(BY_SMS, START, None) is None
    assert Tally([first], now=START + 14 * MINUTE).again_at == START + 15 * MINUTE
    assert Tally([first], now=START + 15 * MINUTE).number(BY_SMS, START, None) == 1
    assert Tally([first, second], now=START + 34 * MINUTE).number(BY_SMS, START, None) is None
    assert Tally([first, second], now=START + 35 * MINUTE).number(BY_SMS, START, None) == 2


def test_one_of_which_nobody_could_tell_counts_for_good_where_its_reader_was_told_by_another_way() -> None:
    lost = alarm(0, state=DeliveryState.FAILED, reason="unclear", ended_at=START + 10 * MINUTE, avoids="twilio")
    tally = Tally([lost, alarm(1, channel=ChannelKind.EMAIL)], now=START + HOUR)
    assert (tally.number(BY_SMS, START, None), tally.again_at) == (None, None)
    later = Tally([lost, alarm(16, channel=ChannelKind.EMAIL)], now=START + HOUR)
    assert (later.number(BY_SMS, START, None), later.lost_by(BY_SMS)) == (1, "twilio")


@pytest.mark.parametrize(
    ("severity", "most"), [(Severity.CRITICAL, 10), (Severity.MAJOR, 10), (Severity.MINOR, 2), (Severity.INFO, 2)]
)
def test_what_may_have_gone_each_time_is_made_anew_only_so_often(severity: Severity, most: int) -> None:
    gone = {"state": DeliveryState.FAILED, "reason": "unclear", "severity": severity}
    lost = [alarm(40 * each, ended_at=START + (40 * each + 10) * MINUTE, **gone) for each in range(most + 1)]
    now = START + 24 * HOUR
    last = Tally(lost[:most], now=now)
    assert (last.number(BY_SMS, START, None), last.replaced) == (most, most)
    enough = Tally(lost, now=now)
    assert (enough.number(BY_SMS, START, None), enough.again_at, enough.replaced) == (None, None, most)


def test_each_step_of_a_slow_climb_that_names_a_person_needs_an_alarm_of_its_own() -> None:
    slow = START + 3 * HOUR
    tally = Tally([alarm(0), alarm(60)], now=slow)
    assert tally.number(BY_SMS, slow, None, slow_since=slow) == 2
    later = Tally([alarm(0), alarm(60), alarm(180)], now=slow + 5 * MINUTE)
    assert later.number(BY_SMS, slow, None, slow_since=slow) is None
    assert later.number(BY_SMS, slow + 5 * MINUTE, None, slow_since=slow) == 3


def test_a_slow_climb_tells_whoever_waits_for_a_provider_that_is_away_once_more_and_not_at_each_look() -> None:
    slow = START + 2 * HOUR
    away = {"state": DeliveryState.DUE, "held_up": True}
    tally = Tally([alarm(90, **away)], now=slow)
    assert tally.number(BY_SMS, slow, None, slow_since=slow) == 1  # by other ways at least
    later = Tally([alarm(90, **away), alarm(120, **away)], now=slow + MINUTE)
    assert later.number(BY_SMS, slow, None, slow_since=slow) is None
    on_its_way = Tally([alarm(90, state=DeliveryState.DUE)], now=slow)
    assert on_its_way.number(BY_SMS, slow, None, slow_since=slow) is None
