"""What makes many: counts in, one decision out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.fleet import FEWEST_OTHERS, Thresholds, coarse, fell_silent, is_back, lost_power
from isocket.domain.outages import Outage, OutageKind
from isocket.storage.telemetry import RollCall
from tests.fakes.clock import NOON

LIMITS = Thresholds(least=5, share_pct=30, power_share_pct=2)


def roll(present: int, gone: int, dark: int = 0) -> RollCall:
    return RollCall(present=present, gone=gone, dark=dark, waiting_since=None)


@pytest.mark.parametrize(
    ("present", "gone", "dark", "many"),
    [
        (0, 5, 0, True),
        (0, 4, 0, False),  # a handful may well be one house
        (10, 5, 0, True),
        (12, 5, 0, False),  # 29 %
        (7, 3, 90, False),  # those without mains power are explained by that
        (10_000, 4_285, 0, False),
        (10_000, 4_286, 0, True),
    ],
)
def test_many_are_at_least_five_and_more_than_the_share(present: int, gone: int, dark: int, *, many: bool) -> None:
    assert fell_silent(roll(present, gone, dark), LIMITS) is many


@pytest.mark.parametrize(
    ("fleet", "present", "back"), [(10, 6, True), (10, 5, False), (1000, 850, True), (1000, 849, False)]
)
def test_an_outage_is_over_when_few_are_missing(fleet: int, present: int, *, back: bool) -> None:
    outage = Outage(id="out_1", kind=OutageKind.FLEET, began_at=NOON, noticed_at=NOON, fleet=fleet)
    assert is_back(outage, roll(present, 0), LIMITS) is back


@given(st.integers(0, 50), st.integers(0, 2000), st.integers(0, 2000))
def test_what_has_just_ended_does_not_begin_again_at_once(fleet: int, present: int, gone: int) -> None:
    counted = roll(present, min(gone, max(0, fleet - present)))
    outage = Outage(id="out_1", kind=OutageKind.FLEET, began_at=NOON, noticed_at=NOON, fleet=fleet)
    if is_back(outage, counted, LIMITS) and counted.all <= fleet:
        assert not fell_silent(counted, LIMITS)


@pytest.mark.parametrize(
    ("customers", "sockets", "fleet", "cut"),
    [
        (6, 6, 100, True),
        (5, 50, 100, False),  # of one customer the others would be too few to say so
        (6, 6, 1000, False),  # a share of 0.6 %: chance
        (20, 20, 1000, True),
        (6, 6, 0, True),
    ],
)
def test_a_power_cut_of_many_befalls_several_customers_and_a_share(
    customers: int, sockets: int, fleet: int, *, cut: bool
) -> None:
    assert lost_power(customers=customers, sockets=sockets, fleet=fleet, limits=LIMITS) is cut


@pytest.mark.clause("C2-16")
@pytest.mark.clause("C3-16")
@given(st.integers(0, 10**9))
def test_a_coarse_number_is_never_more_and_never_tells_of_fewer_than_five(number: int) -> None:
    told = coarse(number)
    assert told <= number
    assert told == 0 or told >= FEWEST_OTHERS
    assert number < FEWEST_OTHERS or told * 2.5 >= number


def test_coarse_numbers_are_round() -> None:
    assert [coarse(each) for each in (4, 5, 9, 10, 19, 49, 50, 99, 1999)] == [0, 5, 5, 10, 10, 20, 50, 50, 1000]
