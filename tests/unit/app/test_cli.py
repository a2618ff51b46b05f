"""The other commands, as a person types them."""

import asyncio
import errno
import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import pytest

from isocket.app.demo_customer import time_zone
from isocket.app.house import open_house
from isocket.app.settings import Settings, load_settings
from isocket.app.staff_list import members
from isocket.domain.accounts import Account, AccountRole, Registration, Session, SessionKind, StaffRole
from isocket.domain.factors import TotpFactor
from isocket.kit.clock import to_text
from isocket.storage.memory import MemoryDocuments
from isocket.storage.records import StoredRecords
from portal_api.invitations import invite
from portal_api.portal import PortalSettings
from privacy.exporting import Copier
from privacy.openings import Openings
from privacy.scan import SearchBrokenError
from tests.fakes.clock import NOON, ManualClock
from tests.fakes.patience import PATIENCE_S
from tests.unit.app.installation import PROGRAM, Installation


def test_a_member_of_staff_is_invited_by_a_link_to_the_public_address(installation: Installation) -> None:
    public = Installation(folder=installation.folder, more={"ISOCKET_PUBLIC_URL": "https://cloud.example.org"})
    done = public.run("staff", "add", "--email", "kai@example.org")
    assert re.fullmatch(r"https://cloud\.example\.org/activate\?token=[\w\-]{43}\n", done.stdout)


def test_a_member_of_staff_may_be_there_for_several_things_but_not_for_anything(installation: Installation) -> None:
    both = installation.typed("staff", "add", "--email", "kai@example.org", "--role", "privacy", "--role", "operations")
    assert (both.returncode, "/activate?token=" in both.stdout) == (0, True)
    done = installation.typed("staff", "add", "--email", "kim@example.org", "--role", "king")
    assert (done.returncode, "privacy" in done.stderr) == (2, True)


def test_what_is_no_address_is_not_invited(installation: Installation) -> None:
    done = installation.run("staff", "add", "--email", "kai")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--email: 'kai' is not an e-mail address" in done.stderr


async def test_who_is_staff_is_listed_with_what_whoever_runs_this_has_to_know() -> None:
    records, now = StoredRecords(MemoryDocuments()), ManualClock().now()
    kai = Account(
        id="acc_1", email="kai@example.org", role=AccountRole.STAFF, staff_roles=(StaffRole.PRIVACY,),
        staff_until=now, created_at=now,
    )  # fmt: skip
    kim = replace(kai, id="acc_2", email="kim@example.org", staff_until=None)
    seen = [now, now - timedelta(hours=2)]
    await records.add_all(
        [
            kai,
            kim,
            replace(kai, id="acc_3", email="maija@example.org", role=AccountRole.CUSTOMER),
            TotpFactor(id="acc_2", account_id="acc_2", secret="s", confirmed_at=now, created_at=now),
            *(
                Session(
                    id=f"ses_{number}", account_id="acc_2", kind=SessionKind.COOKIE, access_hash=f"{number}",
                    access_expires_at=now, expires_at=now, credential_epoch=1, created_at=now, last_seen_at=at,
                )
                for number, at in enumerate(seen)
            ),
        ]
    )  # fmt: skip
    first, second = [each async for each in members(records, now)]
    assert (first.email, first.roles, first.let_in) == ("kai@example.org", ["privacy"], False)
    assert (first.second_factor, first.last_here, first.invited_until) == (False, None, None)
    assert (second.let_in, second.second_factor, second.last_here) == (True, True, to_text(now))


async def test_who_was_invited_and_has_not_pressed_the_link_is_listed_as_long_as_it_works() -> None:
    records, clock = StoredRecords(MemoryDocuments()), ManualClock()
    until, settings = clock.now() + timedelta(days=90), PortalSettings(public_url="https://cloud.example.org")
    roles = (StaffRole.PRIVACY, StaffRole.SUPPORT)
    await invite(
        records, clock, settings, "kai@example.org", staff_roles=roles, staff_until=until
    )  # fmt: skip
    until_then = clock.now() + timedelta(hours=72)
    await records.add(Registration(id="wish", account_id="acc_2", email="maija@example.org", expires_at=until_then))
    (found,) = [each async for each in members(records, clock.now())]
    assert (found.email, found.roles, found.since) == ("kai@example.org", ["privacy", "support"], None)
    assert (found.let_in, found.until) == (False, to_text(until))
    assert found.invited_until == to_text(clock.now() + timedelta(hours=72))
    await clock.advance(72 * 3600.0)
    assert [each async for each in members(records, clock.now())] == []


def test_the_inventory_is_printed_for_people_and_for_programs(installation: Installation) -> None:
    assert "| `contacts` | `phone` | alerts |" in installation.typed("privacy", "inventory").stdout
    entries = json.loads(installation.typed("privacy", "inventory", "--format", "json").stdout)
    assert {"collection", "field", "purpose", "basis", "keep", "recipients"} <= set(entries[0])


def test_the_settings_are_printed(installation: Installation) -> None:
    assert "| `ISOCKET_HTTP` | `127.0.0.1:8080` |" in installation.typed("settings").stdout


@pytest.mark.parametrize("name", ["ingest", "alarm", "storm", "history"])
def test_each_bench_tells_its_options(installation: Installation, name: str) -> None:
    done = installation.typed("bench", name, "--help")
    assert done.returncode == 0, done.stderr
    assert f"isocket bench {name}" in done.stdout


def test_simulated_sockets_live_through_a_power_cut_and_all_of_it_is_stored(installation: Installation) -> None:
    with installation.up():
        done = installation.run("sim", "--devices", "2", "--scenario", "power-cut", "--time-scale", "20")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert (figures["devices"], figures["connected_at_end"], figures["unconfirmed"]) == (2, 2, 0)
    assert figures["counts"]["alarms"] >= 4
    assert "the mains goes off" in done.stderr


def test_an_unknown_scenario_is_refused_and_the_known_ones_are_named(installation: Installation) -> None:
    done = installation.typed("sim", "--devices", "1", "--scenario", "war")
    assert done.returncode == 2
    assert "power-cut" in done.stderr


def test_importing_the_command_line_brings_in_neither_a_room_nor_a_store() -> None:
    look = (
        "import sys, isocket.app.commands; "
        "print([m for m in sys.modules if m.split('.')[0] in"
        " {'aiohttp', 'twilio', 'paho', 'alerts', 'portal_api', 'broker_bridge', 'firmware_sim', 'privacy'}])"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_what_a_command_logs_before_it_knows_its_settings_is_redacted_and_off_the_output() -> None:
    breaks = """
import isocket.app.doctor, sys
from isocket.app.cli import main
from isocket.app.settings_sources import SettingsError
from isocket.kit.logs import get_logger
def load_settings():
    secret = "canary-in-a-local"
    try:
        raise ValueError("of canary@example.org")
    except ValueError:
        get_logger("test").exception("broke")
    raise SettingsError(["nothing is set"])
isocket.app.doctor.load_settings = load_settings
sys.argv = ["isocket", "check"]
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", breaks], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert "nothing is set" in done.stdout
    assert "broke" not in done.stdout
    (line,) = done.stderr.splitlines()
    assert json.loads(line)["event"] == "broke"
    assert "canary" not in done.stdout + done.stderr


def test_the_demo_takes_the_time_zone_of_the_machine_where_it_tells(tmp_path: Path) -> None:

    folder = tmp_path
    named = folder / "zoneinfo" / "Europe" / "Helsinki"
    named.parent.mkdir(parents=True)
    named.touch()
    link = folder / "localtime"
    link.symlink_to(named)
    assert time_zone(link) == "Europe/Helsinki"
    plain = folder / "zoneinfo" / "Etc" / "UTC"
    plain.parent.mkdir()
    plain.touch()
    assert time_zone(plain) == "UTC", "one word for one thing"
    assert time_zone(folder / "nothing") == "UTC"


def test_the_record_of_processing_is_printed_with_who_answers(installation: Installation) -> None:
    known = Installation(folder=installation.folder, more={"ISOCKET_CONTROLLER": "Example Ltd, Main Street 1"})
    assert "Controller: Example Ltd, Main Street 1" in known.typed("privacy", "record").stdout
    record = json.loads(known.typed("privacy", "record", "--format", "json").stdout)
    assert record["controller"]["name"] == "Example Ltd, Main Street 1"


def test_the_search_says_where_a_value_lies_and_never_the_value(installation: Installation) -> None:
    assert installation.typed("staff", "add", "--email", "kai@example.org").returncode == 0
    clean = installation.typed("privacy", "scan", "--for", "kai@example.org")
    assert (clean.returncode, clean.stdout) == (0, "not found\n")
    left = installation.folder / "var" / "left.txt"
    left.write_text("a letter to kai@example.org")
    hit = installation.typed("privacy", "scan", "--for", "kai@example.org")
    assert hit.returncode == 1
    assert "kai@" not in hit.stdout + hit.stderr
    assert "left.txt: plain" in hit.stdout
    assert installation.typed("privacy", "scan", "--for", "kai").returncode == 2


def test_the_search_names_what_it_may_not_look_into_and_does_not_say_that_nothing_was_found(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports = installation.make().folder / "var" / "exports"
    exports.mkdir(exist_ok=True)
    scandir = os.scandir

    def refuse(path: str) -> Any:
        if Path(path) == exports:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    done = installation.typed("privacy", "scan", "--for", "kai@example.org")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{exports} cannot be looked into: Permission denied. Nobody can tell what is in it" in done.stderr


def test_an_erasure_whose_search_breaks_off_says_so_and_gives_no_receipt(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def break_off(*_: object) -> None:
        raise SearchBrokenError("The search broke off.")

    monkeypatch.setattr("isocket.app.searching.scan_apart", break_off)
    asyncio.run(_customer_moves_in(load_settings(installation.environ)))
    done = installation.typed("privacy", "erase", "--account", "acc_1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "The search broke off."


def test_nobody_is_erased_who_is_not_there(installation: Installation) -> None:
    installation.make()
    done = installation.typed("privacy", "erase", "--account", "maija@example.org")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no such account: give its id" in done.stderr


def test_of_nobody_there_is_no_copy(installation: Installation) -> None:
    installation.make()
    out = installation.folder / "copy.zip"
    done = installation.run("privacy", "export", "--account", "acc_nobody", "--out", str(out))
    assert (done.returncode, done.stdout, out.exists()) == (1, "", False)
    assert "no such account" in done.stderr


def test_of_a_copy_that_breaks_off_nothing_is_left_in_clear(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def copy(_: Copier, __: Account, file: IO[bytes], *___: object) -> None:
        file.write(b"half of what is known of somebody")
        file.flush()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    asyncio.run(_customer_moves_in(load_settings(installation.environ)))
    monkeypatch.setattr(Copier, "copy", copy)
    out = installation.folder / "copy.zip"
    done = installation.typed("privacy", "export", "--account", "acc_1", "--out", str(out))
    assert (done.returncode, done.stderr) == (1, f"{out} cannot be written: No space left on device.\n")
    assert not out.exists()
    out.write_text("somebody's own")
    again = installation.typed("privacy", "export", "--account", "acc_1", "--out", str(out))
    assert (again.returncode, out.read_text()) == (1, "somebody's own")


async def _customer_moves_in(settings: Settings) -> None:
    async with open_house(settings, may_be_new=True) as house:
        await house.records.add(Account(id="acc_1", email="maija@example.org", created_at=house.clock.now()))


def test_of_what_is_no_copy_nothing_is_taken_over(installation: Installation) -> None:
    installation.make()
    file = installation.folder / "copy.zip"
    file.write_text("no zip")
    other = installation.typed("privacy", "import", str(file))
    assert (other.returncode, other.stdout, "cannot be read as a zip" in other.stderr) == (1, "", True)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("data/accounts.json", '{"items": [{"id": "acc_1", "email": "kai@example.org"}]}')
    nobody = installation.typed("privacy", "import", str(file))
    assert (nobody.returncode, "let them register first" in nobody.stderr) == (1, True)
    assert "no account" in installation.typed("privacy", "import", str(file), "--account", "acc_2").stderr
    assert "THERE=HERE" in installation.typed("privacy", "import", str(file), "--socket", "is1").stderr


def test_a_sweep_of_years_to_come_is_shown_and_does_nothing(installation: Installation) -> None:
    assert installation.typed("staff", "add", "--email", "kai@example.org").returncode == 0
    for _ in range(2):
        shown = json.loads(installation.typed("privacy", "sweep", "--dry-run", "--at", "2099-02-28").stdout)
        (due,) = shown["due"]
        assert (due["collection"], due["removed"], due["since"]) == ("registrations", 1, "expires_at")
    assert json.loads(installation.typed("privacy", "sweep", "--dry-run").stdout)["due"] == []
    assert json.loads(installation.typed("privacy", "sweep").stdout) == {"swept": {}}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--at", "2099-01-01"), "nothing goes before its time"),
        (("--dry-run", "--at", "2099-02-29"), "write a day"),
        (("--at", "soon"), "write a day"),
        (("--dry-run", "--at", "0001-01-01"), "write a day"),
    ],
)
def test_nothing_goes_before_its_time_by_a_slip(installation: Installation, words: tuple[str, ...], why: str) -> None:
    installation.make()
    done = installation.typed("privacy", "sweep", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert why in " ".join(done.stderr.replace("│", "").split())


def test_a_newsletter_goes_to_nobody_where_nobody_asked_for_it(installation: Installation) -> None:
    installation.make()
    words = installation.folder / "news.txt"
    words.write_text("There is a new socket.", encoding="utf-8")
    sent = installation.typed("privacy", "newsletter", "--subject", "News", "--text", str(words))
    assert json.loads(sent.stdout) == {"mails": 0}
    missing = installation.typed("privacy", "newsletter", "--subject", "News", "--text", str(words) + "x")
    assert (missing.returncode, "cannot be read" in missing.stderr) == (2, True)
    assert installation.typed("privacy", "newsletter", "--subject", "a\nb", "--text", str(words)).returncode == 2


def test_a_restriction_that_is_none_cannot_be_ended(installation: Installation) -> None:
    installation.make()
    done = installation.typed("privacy", "unrestrict", "--account", "acc_nobody")
    assert (done.returncode, "no such account" in done.stderr) == (1, True)


@pytest.mark.parametrize("words", [("privacy", "inventory"), ("device", "provision", "--model", "isocket-3g")])
def test_what_finds_no_room_for_its_answer_says_so(installation: Installation, words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [PROGRAM, *words],
            env={**installation.environ, "ISOCKET_LOG_LEVEL": "ERROR"},
            cwd=installation.folder,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    said = "There is no room left where this writes to: what it wrote or printed is not whole.\n"
    assert (done.returncode, done.stderr) == (1, said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sim", "--scenario", "noon"), "--scenario: there is no 'noon', but day (five sockets live a day"),
        (("privacy", "scan", "--for", "abc"), "--for: a value to look for needs 4 characters or more"),
        (("staff", "change", "--email", "kai", "--no-end"), "--email: 'kai' is not an e-mail address"),
    ],
)
def test_what_was_mistyped_is_named_by_its_option_and_is_no_failure_of_the_cloud(
    installation: Installation, words: tuple[str, ...], said: str
) -> None:
    installation.make()
    done = installation.typed(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in " ".join(done.stderr.replace("│", " ").split())


def test_what_is_typed_in_a_folder_that_is_gone_says_so_without_a_traceback(installation: Installation) -> None:
    gone = (
        'import os, sys; os.mkdir("gone"); os.chdir("gone"); os.rmdir("../gone"); os.execv(sys.argv[1], sys.argv[1:])'
    )
    done = subprocess.run(
        [sys.executable, "-c", gone, PROGRAM, "staff", "list"],
        env={**installation.environ, "ISOCKET_DATA_DIR": "var"},
        cwd=installation.folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    said = "The folder in which this was typed is gone, or closed to us: go into another.\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


def test_a_program_that_a_test_starts_runs_the_code_beside_the_test(installation: Installation) -> None:
    look = "import isocket.app.commands as it; print(it.__file__)"
    done = subprocess.run(
        [PROGRAM.with_name("python"), "-c", look],
        env=installation.environ,
        cwd=installation.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()).is_relative_to(Path(__file__).parents[3])


def test_what_a_terminals_alphabet_lacks_is_shown_by_its_number_and_without_a_traceback(tmp_path: Path) -> None:
    Openings(tmp_path).note("arc_1", ("a", "b"), NOON, "Łuk, Mäki 🏡")
    installation = Installation(folder=tmp_path, more={"PYTHONIOENCODING": "iso8859-5"})
    done = installation.run("archive", "list", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["reason"] == "Łuk, Mäki 🏡", "and it is JSON still"
