"""What an operator types from the moment somebody knows of a breach until everybody has heard of it."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from isocket.app.house import open_house
from isocket.app.privacy_commands import privacy
from isocket.app.settings import load_settings
from isocket.domain.accounts import Account
from isocket.domain.devices import Device
from isocket.kit.clock import EPOCH
from tests.unit.app.installation import Installation

NOTICE = """
[en]
happened = "Strangers could read the list of sockets."
consequences = "Somebody may know when power failed at yours."
measures = "The list was taken away within an hour."
"""
OPEN = (
    "open", "--what", "A list of sockets lay open.", "--risk", "likely", "--why", "Power cuts could be read.",
    "--aware-at", "2026-11-22T12:00:00Z", "--began-at", "2026-11-20T00:00:00+02:00", "--kind", "confidentiality",
    "--open", "devices",
)  # fmt: skip


@pytest.fixture(autouse=True)
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOCKET_CONTROLLER", "Example Ltd, Main Street 1")
    monkeypatch.setenv("ISOCKET_DATA_DIR", str(Installation(folder=tmp_path).make().folder / "var"))


def typed(*words: object) -> Result:
    return CliRunner().invoke(privacy, ["breach", *(str(each) for each in words)])


def said(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def furnish() -> None:
    """Store a customer with a socket, where the commands look."""

    async def store() -> None:
        async with open_house(load_settings()) as house:
            made = EPOCH + timedelta(days=20_000)
            await house.records.add_all(
                [
                    Account(id="acc_maija", email="maija@example.org", created_at=made),
                    Device(
                        id="is_1", model="isocket-707", secret_hash="$", claim_hash="h", provisioned_at=made,
                        owner_id="acc_maija", claimed_at=made, name="Cabin",
                    ),
                ]
            )  # fmt: skip

    asyncio.run(store())


@pytest.mark.clause("C5-15", "C5-16")
def test_whoever_is_concerned_is_told_at_once_and_keeps_it_from_being_closed(tmp_path: Path) -> None:
    furnish()
    opened = said(typed(*OPEN))
    assert opened["concerned"] == 1
    (tmp_path / "notice.toml").write_text(NOTICE)
    assert said(typed("notify", opened["id"], "--words", tmp_path / "notice.toml"))["messages"] == {
        "notice_not_yet": 1,
        "report_not_yet": 1,
    }
    wider = said(typed("affected", opened["id"], "--open", "accounts.email"))
    assert (wider["concerned"], wider["messages"]["notice_not_yet"]) == (1, 1)
    reason = ("--reason", "It turned out that nobody had looked at it.")
    assert typed("authority", opened["id"], "--duty", "authority", *reason).exit_code == 0
    open_end = typed("close", opened["id"], "--lesson", "Nothing lies open any more.")
    assert (open_end.exit_code, "tell them what was done" in open_end.output) == (1, True)
    judged = said(typed("assess", opened["id"], "--risk", "high", "--why", "The list was sold.", "--event", "incident"))
    assert len(judged["clocks"]) == 5


@pytest.mark.clause("C5-15")
def test_a_breach_is_opened_judged_told_of_and_closed(tmp_path: Path) -> None:
    opened = said(typed(*OPEN))
    assert [(each["duty"], each["due_at"]) for each in opened["clocks"]] == [("authority", "2026-11-25T12:00:00.000Z")]
    (tmp_path / "notice.toml").write_text(NOTICE)
    assert typed("notify", opened["id"], "--words", tmp_path / "notice.toml").exit_code == 0
    early = typed("close", opened["id"], "--lesson", "Nothing lies open any more.")
    assert (early.exit_code, "Nothing is noted about authority" in early.output) == (1, True)
    text = typed("draft", opened["id"]).stdout
    assert "Example Ltd, Main Street 1" in text
    assert "The list was taken away within an hour." in text
    reason = ("--reason", "It turned out that nobody had looked at it.")
    assert said(typed("authority", opened["id"], "--duty", "authority", *reason))["clocks"][0]["noted"] is True
    assert said(typed("close", opened["id"], "--lesson", "Nothing lies open any more."))["state"] == "closed"
    listed = json.loads(typed("list").stdout)
    assert (listed["id"], listed["concerned"]) == (opened["id"], 0)


def test_what_was_told_stays_as_it_was_told_and_staff_read_how_it_is_set_right(tmp_path: Path) -> None:
    furnish()
    opened, words = said(typed(*OPEN)), tmp_path / "words.toml"
    words.write_text(NOTICE)
    assert typed("notify", opened["id"], "--words", words).exit_code == 0
    words.write_text(NOTICE.replace("the list of sockets", "nothing at all"))
    again = typed("notify", opened["id"], "--words", words)
    assert (again.exit_code, "What was wrong in it" in again.output, "later report" in again.output) == (1, True, True)
    words.write_text('[en]\ndone = "The list is gone; whoever read that it was nothing at all was told so wrongly."\n')
    assert typed("report", opened["id"], "--words", words).exit_code == 0
    twice = typed("report", opened["id"], "--words", words)
    assert (twice.exit_code, "the notice of another breach" in twice.output) == (1, True)
    corrected = said(typed(*OPEN))
    words.write_text(NOTICE)
    assert said(typed("notify", corrected["id"], "--words", words))["messages"]["notice_not_yet"] == 1
    for command in ("notify", "report"):
        assert "stays" in typed(command, "--help").output


def test_what_is_typed_wrongly_is_said(tmp_path: Path) -> None:
    without_zone = typed(*(each.replace("12:00:00Z", "12:00:00") for each in OPEN))
    assert (without_zone.exit_code, "with its zone" in without_zone.output) == (2, True)
    unknown = typed(*OPEN[:-1], "devices.colour")
    assert (unknown.exit_code, "devices.colour is no field" in unknown.output) == (1, True)
    nowhere = typed("show", "bre_nothing")
    assert (nowhere.exit_code, "There is no breach" in nowhere.output) == (1, True)
    (tmp_path / "notice.toml").write_text("[en]\nhappend = 1\n")
    misspelt = typed("notify", "bre_nothing", "--words", tmp_path / "notice.toml")
    assert (misspelt.exit_code, "cannot be read" in misspelt.output) == (2, True)
