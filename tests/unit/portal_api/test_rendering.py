"""Times, lengths and links as pages say them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from isocket.domain.incidents import Cause, Happening
from isocket.domain.settings import DeviceSettings
from portal_api.pages_cards import readings
from portal_api.pages_timeline import Telling, told
from portal_api.pages_words import CAUSES
from portal_api.rendering import LocalTime, lasting, linked
from portal_api.timelines import Line

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HELSINKI = LocalTime(zone=ZoneInfo("Europe/Helsinki"), now=NOON)


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (timedelta(0), "14:00"),
        (timedelta(hours=14), "00:00"),
        (timedelta(hours=14, minutes=1), "yesterday 23:59"),
        (timedelta(days=2), "20 Nov 14:00"),
        (timedelta(days=60), "23 Sep 15:00"),  # summer time
        (timedelta(days=365), "22 Nov 2025 14:00"),
    ],
)
def test_a_time_is_said_as_briefly_as_its_reader_needs(before: timedelta, said: str) -> None:
    assert HELSINKI.short(NOON - before) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-3, "just now"), (0, "just now"), (5, "5 s ago"), (60, "1 min ago"), (3599, "59 min ago"), (7200, "2 h ago")],
)
def test_what_was_a_while_ago_is_said_in_its_largest_unit(seconds: float, said: str) -> None:
    assert HELSINKI.ago(NOON - timedelta(seconds=seconds)) == said


def test_days_are_counted() -> None:
    assert (lasting(86_400), lasting(3 * 86_400 + 5)) == ("1 day", "3 days")


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("see http://a.example.org/x.", ["http://a.example.org/x."]),
        ("see http://a.example.org.evil.net/x", []),
        ("http://a.example.orgx/", []),
        ("javascript:alert(1)", []),
        ('http://a.example.org/"onclick=x', ["http://a.example.org/"]),
    ],
)
def test_only_our_own_addresses_are_taken_for_links(text: str, links: list[str]) -> None:
    parts = linked("http://a.example.org")(text)
    assert [part for part, ours in parts if ours] == links
    assert "".join(part for part, _ in parts) == text


@pytest.mark.parametrize("what", Happening)
@pytest.mark.parametrize("contact", ["Anna", None])
def test_every_kind_of_line_is_a_sentence(what: Happening, contact: str | None) -> None:
    line = Line(
        at=NOON, what=what, reason="a_new_reason", contact_id="con_1", contact=contact, channel="sms", detail={}
    )
    (sentence,) = told([line], Telling(account_id="acc_1", time=HELSINKI))
    assert sentence.text[0].isupper()
    assert sentence.text.endswith(".")
    assert "_" not in sentence.text
    assert "None" not in sentence.text


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("acc_1", "You are asked whether you are still on it."),
        ("acc_guest", "Whoever took it is asked whether they are still on it."),
        (None, "You are asked whether you are still on it."),  # in lines of before guests were asked
    ],
)
def test_whoever_took_it_is_asked_and_not_the_owner_who_reads_it(by: str | None, said: str) -> None:
    detail = {} if by is None else {"by": by}
    nobody = {"contact_id": None, "contact": None, "channel": None}
    line = Line(at=NOON, what=Happening.ASKED, reason="", detail=detail, **nobody)
    (sentence,) = told([line], Telling(account_id="acc_1", time=HELSINKI))
    assert sentence.text == said


def test_a_timeline_names_the_day_where_a_new_one_begins() -> None:
    lines = [
        Line(at=at, what=Happening.NOTE, reason="unclear", contact_id=None, contact=None, channel=None, detail={})
        for at in (NOON, NOON + timedelta(hours=1), NOON + timedelta(hours=11))
    ]
    assert [each.day for each in told(lines, Telling(account_id="acc_1", time=HELSINKI))] == [
        "Sun 22 Nov 2026",
        "",
        "Mon 23 Nov 2026",
    ]


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_words(cause: Cause) -> None:
    assert cause.value in CAUSES


@pytest.mark.parametrize(
    ("told", "low", "shown"),
    [
        (None, None, []),
        ("12.40 EUR", None, [("12.40 EUR", "")]),
        (None, 5, [("not known", "warn")]),
        ("no answer", 5, [("no answer", "warn")]),
        ("4.99 EUR", 5, [("4.99 EUR", "bad")]),
        ("5.00 EUR", 5, [("5.00 EUR", "")]),
    ],
)
def test_credit_with_a_limit_that_is_not_known_does_not_look_fine(
    told: str | None, low: float | None, shown: list[tuple[str, str]]
) -> None:
    fields = {} if told is None else {"credit": told}
    found = readings(fields, DeviceSettings.of({"credit": {"low": low}}))
    assert [(each.value, each.tone) for each in found] == shown
