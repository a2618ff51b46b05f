"""Passwords are hashed so that a stolen database alone is of no use, and accepted by few and plain rules."""

import asyncio
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal_api.line import TooBusyError
from portal_api.password_rules import weakness
from portal_api.passwords import Passwords, load_or_create_pepper

PEPPER = b"p" * 48
GOOD = "four words in a row"


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords(pepper=PEPPER, cost=10)
    yield made
    made.close()


async def test_the_right_password_is_right_and_a_wrong_one_wrong(passwords: Passwords) -> None:
    stored = await passwords.hash(GOOD)
    assert (await passwords.verify(GOOD, stored)).right
    assert not (await passwords.verify(GOOD + ".", stored)).right


async def test_the_same_password_is_never_stored_the_same_way(passwords: Passwords) -> None:
    assert await passwords.hash(GOOD) != await passwords.hash(GOOD)


async def test_every_character_counts_however_long_the_password(passwords: Passwords) -> None:
    stored = await passwords.hash("x" * 200 + "a")
    assert not (await passwords.verify("x" * 200 + "b", stored)).right


async def test_a_zero_byte_ends_nothing(passwords: Passwords) -> None:
    stored = await passwords.hash("front\x00back one")
    assert not (await passwords.verify("front\x00back two", stored)).right


async def test_two_ways_to_type_the_same_letter_are_one_password(passwords: Passwords) -> None:
    stored = await passwords.hash("h\u00e4lytys neljästi")
    assert (await passwords.verify("ha\u0308lytys neljästi", stored)).right


async def test_without_the_pepper_the_right_password_is_wrong(passwords: Passwords) -> None:
    stored = await passwords.hash(GOOD)
    thief = Passwords(pepper=b"q" * 48, cost=10)
    verdict = await thief.verify(GOOD, stored)
    thief.close()
    assert not verdict.right


@pytest.mark.parametrize("stored", [None, ""])
async def test_without_a_stored_hash_every_password_is_wrong(passwords: Passwords, stored: str | None) -> None:
    assert not (await passwords.verify(GOOD, stored)).right


async def test_a_hash_below_todays_cost_is_outdated(passwords: Passwords) -> None:
    stored = await passwords.hash(GOOD)
    dearer = Passwords(pepper=PEPPER, cost=11)
    verdict = await dearer.verify(GOOD, stored)
    dearer.close()
    assert verdict.right
    assert verdict.outdated
    assert not (await passwords.verify(GOOD, stored)).outdated


async def test_no_queue_grows_at_the_door() -> None:
    small = Passwords(pepper=PEPPER, cost=10, threads=1, waiting=2)
    results = await asyncio.gather(*(small.hash(GOOD) for _ in range(10)), return_exceptions=True)
    await small.hash(GOOD)
    small.close()
    assert sum(isinstance(each, TooBusyError) for each in results) == 7


async def test_the_thread_that_hashes_steps_back_for_all_others(passwords: Passwords) -> None:
    await passwords.hash(GOOD)
    threads = {each.name: each.native_id for each in threading.enumerate()}
    hashing = [number for name, number in threads.items() if name.startswith("passwords")]
    assert hashing
    ours = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert {os.getpriority(os.PRIO_PROCESS, number or 0) for number in hashing} == {max(Passwords.niceness, ours)}
    assert Passwords.niceness > 0


def test_a_cheap_hash_is_refused() -> None:
    with pytest.raises(ValueError, match="ISOCKET_BCRYPT_COST"):
        Passwords(pepper=PEPPER, cost=9)


def test_the_pepper_is_made_once_and_readable_by_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "pepper"
    first = load_or_create_pepper(path)
    assert load_or_create_pepper(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["pepper"]


def test_a_damaged_pepper_is_not_replaced_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "pepper"
    path.write_bytes(b"c2hvcnQ=")
    with pytest.raises(ValueError, match="backup"):
        load_or_create_pepper(path)


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "correct horse battery staple",
        "hälytys-kello-42",
        "s3cure-Passw0rd-of-mine",
        "x9" * 6 + "abq1",
        "fifteenletters!",
        "one two three four " * 6 + "five",
    ],
)
def test_a_password_that_is_long_and_own_is_accepted(password: str) -> None:
    assert weakness(password, "maija@example.org", "Maija") is None


@pytest.mark.parametrize("password", ["Tr0ub4dor&3x", "8charsOK", "kissa ja koira"])
def test_a_shorter_one_is_accepted_only_beside_a_second_factor(password: str) -> None:
    assert weakness(password, least=8) is None
    assert "15" in (weakness(password) or "")


@pytest.mark.parametrize(
    "password",
    ["trustno1", "jordan23", "Chelsea1!", "scooter1", "polniypizdec0211", "q1w2e3r4t5y6u7i8", "Mustang2026!"],
)
def test_whatever_is_among_the_commonest_of_the_breached_is_refused(password: str) -> None:
    assert "tried first" in (weakness(password, least=8) or "")


@pytest.mark.parametrize(
    "password",
    [
        "sunshinedragons!"[:-2] + "1234",
        "password-password",
        "qwertyuiopasdfghjkl",
        "footballmaija2026",
        "Maija.Meikalainen",
        "maijameikalainen1",
        "isocketpassword1!",
        "abcdefg1abcdefg1",
    ],
)
def test_to_be_long_by_what_is_common_is_not_enough(password: str) -> None:
    assert weakness(password, "maija@example.org", "Maija Meikalainen")
    assert len(password) >= 15


def test_only_the_whole_password_is_compared() -> None:
    assert weakness("my sunshine is a password for dragons") is None


@pytest.mark.parametrize(
    "password",
    [
        "",
        "7 chars",
        "12345678",
        "87654321",
        "1234567890123",
        "abcdefgh",
        "aaaaaaaaaa",
        "abababababab",
        "password",
        "Password1!",
        "P@ssw0rd",
        "qwertyuiop",
        "salasana123",
        "iSocket2026",
        "maija@example.org",
        "Maija2026!",
        "x" * 257,
        "\U0001f600" * 257,
    ],
)
def test_a_password_that_is_tried_first_is_refused_with_the_reason(password: str) -> None:
    assert weakness(password, "maija@example.org", "Maija Meikalainen")
