"""How well providers do, and which one is asked."""

from datetime import timedelta

import pytest

from alerts.channels.channel import ChannelKind
from alerts.health import FADING_S, Count, Standing, choice, count_of, counted, faded, refused, standing
from alerts.outcomes import Outcome, RefusalScope, Refused, Sent, TryLater, Unclear
from isocket.domain.sending import ProviderHealth
from tests.fakes.clock import NOON

NAMES = ("first", "second")


def health(calls: float, *, errors: float = 0.0, slow: float = 0.0) -> ProviderHealth:
    return ProviderHealth(
        id="prv_1", kind=ChannelKind.SMS, name="first", calls=calls, errors=errors, slow=slow, counted_at=NOON
    )


@pytest.mark.parametrize(
    ("outcome", "errors"),
    [
        (Sent(provider_id="SM1", receipt_expected=True), 0),
        (Refused(reason="not_a_mobile", scope=RefusalScope.CONTACT), 0),
        (Refused(reason="text_too_long", scope=RefusalScope.MESSAGE), 0),
        (TryLater(reason="too_many_requests"), 0),
        (TryLater(reason="provider_unavailable"), 1),
        (Unclear(reason="answer_lost"), 1),
        (Refused(reason="credentials", scope=RefusalScope.ACCOUNT), 1),
    ],
)
def test_only_what_is_the_providers_own_fault_counts_against_it(outcome: Outcome, errors: int) -> None:
    assert count_of(outcome, 0.1) == Count(calls=1, errors=errors)


def test_a_call_that_takes_long_counts_as_slow_however_it_ends() -> None:
    assert count_of(Sent(provider_id="SM1", receipt_expected=True), 5.0).slow == 1


def test_few_calls_say_nothing() -> None:
    assert standing(health(3, errors=3), NOON) is Standing.WELL


@pytest.mark.parametrize(
    ("record", "how"),
    [
        (None, Standing.WELL),
        (health(10), Standing.WELL),
        (health(10, errors=4.9), Standing.WELL),
        (health(10, errors=5), Standing.FAILING),
        (health(10, slow=5), Standing.SLOW),
        (health(10, errors=6, slow=9), Standing.FAILING),
    ],
)
def test_half_of_the_calls_decide(record: ProviderHealth | None, how: Standing) -> None:
    assert standing(record, NOON) is how


def test_what_went_wrong_fades() -> None:
    assert standing(health(10, errors=10), NOON + timedelta(seconds=FADING_S)) is Standing.WELL
    assert faded(health(10, errors=10), NOON + timedelta(seconds=FADING_S)).calls == pytest.approx(3.68, abs=0.01)


def test_counts_add_up() -> None:
    changes = counted(health(10, errors=2), Count(calls=1, errors=1), NOON)
    assert (changes["calls"], changes["errors"], changes["counted_at"]) == (11, 3, NOON)


def test_a_refusal_lasts_as_long_as_its_reason_says() -> None:
    assert refused("credentials", NOON)["refused_until"] < refused("daily_cap", NOON)["refused_until"]


@pytest.mark.parametrize(
    ("first", "second", "avoids", "asked"),
    [
        (Standing.WELL, Standing.WELL, "", "first"),
        (Standing.SLOW, Standing.SLOW, "", "first"),
        (Standing.FAILING, Standing.FAILING, "", "first"),
        (Standing.REFUSES, Standing.REFUSES, "", "first"),
        (Standing.SLOW, Standing.WELL, "", "second"),
        (Standing.FAILING, Standing.SLOW, "", "second"),
        (Standing.REFUSES, Standing.FAILING, "", "second"),
        (Standing.WELL, Standing.FAILING, "first", "second"),
        (Standing.WELL, Standing.REFUSES, "first", "first"),
    ],
)
def test_the_first_that_does_best_is_asked(first: Standing, second: Standing, avoids: str, asked: str) -> None:
    assert choice(NAMES, {"first": first, "second": second}, avoids) == asked
