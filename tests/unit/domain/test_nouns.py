"""What the nouns know by themselves: envelopes, shards, keys, channels."""

from dataclasses import replace
from typing import Any

import pytest

from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.devices import SHARDS, shard_of, topic_root
from isocket.domain.incidents import Cause, open_key
from isocket.domain.reports import ClockQuality, Envelope, Report, ReportKind
from tests.fakes.clock import NOON

ENVELOPE = Envelope(battery_low_pct=20, temp_c=((5, 30), (None, 40)), inputs=(False, None))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"mains": True},
        {"mains": None},
        {"battery_pct": 20.1},
        {"battery_pct": None},
        {"temp_c": []},
        {"temp_c": [5]},
        {"temp_c": [30, -40]},
        {"temp_c": [17.5, 40]},
        {"input": []},
        {"input": [False]},
        {"input": [False, True]},
        {"relay": False, "signal_pct": 1, "anything": "else"},
    ],
    ids=str,
)
def test_what_is_inside_the_envelope_is_no_news(fields: dict[str, Any]) -> None:
    assert ENVELOPE.holds(fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"mains": False},
        {"battery_pct": 20},
        {"battery_pct": 0},
        {"temp_c": [4.9]},
        {"temp_c": [30.1]},
        {"temp_c": [None]},
        {"temp_c": [20, 40.1]},
        {"temp_c": [20, None]},
        {"temp_c": [20, 20, 20]},
        {"input": [True]},
        {"input": [True, True]},
        {"input": [False, False, False]},
        {"mains": True, "battery_pct": 90, "temp_c": [20], "input": [True]},
    ],
    ids=str,
)
def test_what_is_outside_the_envelope_must_be_judged(fields: dict[str, Any]) -> None:
    assert not ENVELOPE.holds(fields)


def test_the_empty_envelope_knows_no_probe_and_no_input() -> None:
    assert Envelope().holds({"battery_pct": 1, "mains": True})
    assert not Envelope().holds({"battery_pct": 0})
    assert not Envelope().holds({"temp_c": [20]})
    assert not Envelope().holds({"input": [False]})


def test_boot_comes_before_seq_in_the_order_of_reports() -> None:
    first = Report("d", ReportKind.STATE, 1, 900, 0, 0, ClockQuality.DEVICE, "{}", {})
    second = first._replace(boot=2, seq=1)
    assert first.order < second.order


def test_shards_are_two_hex_digits_below_sixty_four() -> None:
    shards = {shard_of(f"isk-{number}") for number in range(2000)}
    assert shards == {f"{number:02x}" for number in range(SHARDS)}


def test_a_devices_topics_lie_below_its_own_root() -> None:
    # CRC-32 of "123456789" is cbf43926 by every table of the algorithm; its last six bits are 26.
    assert shard_of("123456789") == "26"
    assert topic_root("123456789") == "isocket/v1/26/123456789"


def test_an_open_key_is_the_same_for_one_device_cause_and_probe_only() -> None:
    keys = {
        open_key("d1", Cause.TEMP_HIGH, 0),
        open_key("d1", Cause.TEMP_HIGH, 1),
        open_key("d1", Cause.TEMP_HIGH, None),
        open_key("d1", Cause.TEMP_LOW, 0),
        open_key("d2", Cause.TEMP_HIGH, 0),
    }
    assert len(keys) == 5
    assert open_key("d1", Cause.TEMP_HIGH, 0) in keys


def test_a_contact_is_reached_only_where_they_proved_to_be() -> None:
    contact = Contact(
        id="c", account_id="a", name="Ada", phone="+447700900123", email="ada@example.org", created_at=NOON
    )
    assert contact.verified_channels() == ()
    by_mail = replace(contact, email_verified_at=NOON)
    assert by_mail.verified_channels() == (ChannelKind.EMAIL,)
    assert ChannelKind.SMS in replace(by_mail, phone_verified_at=NOON).verified_channels()
    assert replace(by_mail, email=None).verified_channels() == ()


def test_a_telephone_is_called_where_a_text_arrived_or_a_call_was_heard() -> None:
    contact = Contact(id="c", account_id="a", name="Ada", phone="+441632960123", created_at=NOON)
    heard = replace(contact, voice_verified_at=NOON)
    assert heard.verified_channels() == (ChannelKind.VOICE,)
    assert replace(contact, phone_verified_at=NOON).verified_channels() == (ChannelKind.SMS, ChannelKind.VOICE)
    assert replace(heard, phone=None).verified_channels() == ()
