"""Times as text and numbers, ids, and waiting before the next try."""

import base64
import hashlib
import random
import re
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from isocket.kit.backoff import full_jitter
from isocket.kit.clock import EPOCH, from_ms, from_text, to_ms, to_text
from isocket.kit.ids import derived_id, new_code, new_id, new_token, token_hash

INSTANTS = st.integers(0, to_ms(datetime(9999, 12, 31, tzinfo=UTC))).map(from_ms)


@given(instant=INSTANTS)
def test_text_and_milliseconds_lead_back_to_the_instant(instant: datetime) -> None:
    assert from_text(to_text(instant)) == instant
    assert from_ms(to_ms(instant)) == instant


@given(one=INSTANTS, other=INSTANTS)
def test_the_order_of_text_is_the_order_of_time(one: datetime, other: datetime) -> None:
    assert (to_text(one) < to_text(other)) == (one < other)
    assert len(to_text(one)) == len("2026-11-22T12:00:00.000Z")


def test_text_is_utc_whatever_the_zone() -> None:
    assert to_text(datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=3)))) == "2025-12-31T23:00:00.000Z"
    assert to_ms(EPOCH) == 0


def test_fractions_of_milliseconds_are_cut_off() -> None:
    instant = datetime(2026, 1, 1, microsecond=1999, tzinfo=UTC)
    assert to_text(instant) == "2026-01-01T00:00:00.001Z"
    assert from_ms(to_ms(instant)) == instant.replace(microsecond=1000)


def test_fresh_ids_differ_and_wear_their_prefix() -> None:
    ids = {new_id("inc") for _ in range(500)}
    assert len(ids) == 500
    assert all(re.fullmatch(r"inc_[a-z2-7]{26}", each) for each in ids)


def test_a_derived_id_is_the_same_for_the_same_parts_only() -> None:
    assert derived_id("d", "a", 1) == derived_id("d", "a", 1)
    others = {derived_id("d", "a", 1), derived_id("d", "a", 2), derived_id("d", "a1"), derived_id("d", "1", "a")}
    assert len(others) == 4


@given(st.lists(st.text() | st.integers(), max_size=3))
def test_a_derived_id_is_base32_of_a_hash(parts: list[str | int]) -> None:
    joined = "\x1f".join(str(part) for part in parts)
    letters = base64.b32encode(hashlib.sha256(joined.encode()).digest()).decode().lower()
    assert derived_id("d", *parts) == f"d_{letters[:26]}"


def test_tokens_are_long_random_and_stored_only_as_hashes() -> None:
    token = new_token()
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
    assert token != new_token()
    assert re.fullmatch(r"[0-9a-f]{64}", token_hash(token))
    assert token_hash(token) != token_hash(new_token())


def test_a_code_has_all_its_digits() -> None:
    assert all(re.fullmatch(r"\d{6}", new_code()) for _ in range(200))


@given(attempt=st.integers(0, 1000), seed=st.integers())
def test_waiting_never_exceeds_its_cap_nor_the_doubling(attempt: int, seed: int) -> None:
    waited = full_jitter(attempt, base_s=0.5, cap_s=60, chance=random.Random(seed))
    assert 0 <= waited <= min(60, 0.5 * 2 ** min(attempt, 32))


def test_waiting_is_spread_over_the_whole_span() -> None:
    chance = random.Random(7)
    waits = [full_jitter(4, base_s=1, cap_s=10, chance=chance) for _ in range(400)]
    assert min(waits) < 1
    assert max(waits) > 9
    assert 4 < sum(waits) / len(waits) < 6
