"""Members of staff at the command line: invited, invited again, and changed."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from isocket.app.house import open_house
from isocket.app.settings import load_settings
from isocket.app.staff_commands import staff
from isocket.domain.accounts import Account, Registration, StaffRole
from tests.fakes.clock import ManualClock

KAI = ("--email", "kai@example.org")


@pytest.fixture(autouse=True)
def at_noon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the commands a folder of their own, and a clock that stands at noon of 22 November 2026."""
    monkeypatch.setenv("ISOCKET_DATA_DIR", str(tmp_path / "var"))
    for module in ("house", "staff_commands"):
        monkeypatch.setattr(f"isocket.app.{module}.SystemClock", ManualClock)


def typed(*words: str) -> Result:
    return CliRunner().invoke(staff, list(words))


def said(done: Result) -> str:
    """Return the words of a refusal, without the frame around them."""
    assert done.exit_code, done.output
    return " ".join(done.stderr.replace("│", "").split())


def listed() -> tuple[list[str], str | None]:
    """Return what the one member is there for, and until when."""
    (line,) = typed("list").stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found["roles"], found["until"]


@pytest.mark.clause("C3-06")
def test_who_is_invited_again_keeps_end_and_roles_that_are_not_said_and_is_told_on_the_screen() -> None:
    first = typed("add", *KAI, "--role", "privacy", "--until", "2099-01-01")
    assert first.stdout.count("/activate?token=") == 1
    again = typed("add", *KAI)
    assert again.stdout.count("/activate?token=") == 1
    assert again.stdout != first.stdout
    assert "Invited for privacy, let in no more from 2099-01-01 (UTC) on." in again.stderr
    assert listed() == (["privacy"], "2099-01-01T00:00:00.000Z")
    typed("add", *KAI, "--role", "support", "--until", "2098-01-01")
    assert listed() == (["support"], "2098-01-01T00:00:00.000Z")
    assert "Invited for support, with no end." in typed("add", *KAI, "--no-end").stderr
    assert listed() == (["support"], None)


def test_an_end_that_has_come_is_not_kept_for_a_new_link_in_silence() -> None:
    typed("add", *KAI, "--until", "2099-01-01")
    assert typed("change", *KAI, "--until", "2026-11-22").exit_code == 0, "with today's day their time is over now"
    done = typed("add", *KAI)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--until" in said(done)
    assert "would never be let in: name a day to come, or --no-end" in said(done)


@pytest.mark.clause("C3-06")
def test_role_and_end_are_changed_each_by_itself_and_what_stands_is_printed() -> None:
    typed("add", *KAI, "--role", "privacy")
    until = json.loads(typed("change", *KAI, "--until", "2099-01-01").stdout)
    assert (until["roles"], until["until"]) == (["privacy"], "2099-01-01T00:00:00.000Z")
    roles = json.loads(typed("change", *KAI, "--role", "support", "--role", "operations").stdout)
    assert (roles["roles"], roles["until"]) == (["support", "operations"], "2099-01-01T00:00:00.000Z")
    assert listed() == (["support", "operations"], "2099-01-01T00:00:00.000Z")
    assert json.loads(typed("change", *KAI, "--no-end").stdout)["until"] is None
    assert listed() == (["support", "operations"], None)


@pytest.mark.parametrize(
    ("words", "field", "why"),
    [
        (KAI, "--role", "say what is to change: --role, --until or --no-end"),
        ((*KAI, "--until", "2099-01-01", "--no-end"), "--until", "not both"),
        (
            (*KAI, "--until", "2026-11-21"),
            "--until",
            "2026-11-21 is past: today's day, 2026-11-22, ends their time now",
        ),
        ((*KAI, "--until", "soon"), "--until", "write a day"),
        ((*KAI, "--role", "king"), "--role", "operations"),
        (("--email", "kim@example.org", "--no-end"), "--email", "nobody of this address is staff or invited"),
        (("--email", "kim", "--no-end"), "--email", "is not an e-mail address"),
    ],
)
def test_a_change_that_cannot_be_made_names_the_option_and_what_to_do(
    words: tuple[str, ...], field: str, why: str
) -> None:
    typed("add", *KAI)
    refused = said(typed("change", *words))
    assert field in refused
    assert why in refused
    assert listed() == (["support"], None)


def test_a_change_and_an_invitation_leave_a_line_in_the_log_that_names_nobody() -> None:
    typed("add", *KAI)
    done = typed("change", *KAI, "--role", "privacy", "--until", "2099-01-01")
    (line,) = [json.loads(each) for each in done.stderr.splitlines()]
    assert (line["event"], line["roles"], line["until"]) == ("staff_changed", ["privacy"], "2099-01-01T00:00:00.000Z")

    async def account() -> str:
        async with open_house(load_settings()) as house:
            (asked,) = await house.records.find(Registration)
            assert asked.staff_roles == (StaffRole.PRIVACY,)
            return asked.account_id

    assert line["account_id"] == asyncio.run(account())
    assert "kai" not in done.stderr


def test_who_has_or_wants_an_account_as_a_customer_is_told_of_on_the_screen() -> None:
    async def store(record: Account | Registration) -> None:
        async with open_house(load_settings(), may_be_new=True) as house:
            await house.records.add(record)

    now = ManualClock().now()
    asyncio.run(store(Registration(id="r", account_id="acc_1", email=KAI[1], expires_at=now + timedelta(days=1))))
    words = "asked for a customer's account with this address and did not open it"
    assert words in typed("add", *KAI).stderr
    assert words not in typed("add", *KAI).stderr, "that wish has ended"
    asyncio.run(store(Account(id="acc_2", email="maija@example.org", created_at=now)))
    refused = said(typed("add", "--email", "maija@example.org"))
    assert "has a customer's account already: staff need an address of their own" in refused
