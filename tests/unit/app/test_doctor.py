"""`isocket check`: a line for each part, and an exit code that a script can use."""

import subprocess

import pytest

from isocket.app.doctor import examine
from tests.unit.app.installation import PROGRAM, Installation


def lines(text: str) -> dict[str, str]:
    """Return each line by its part, beginning with what is thought of it."""
    return {line[7:22].strip(): f"{line[:5].strip()} {line[22:].strip()}" for line in text.splitlines()}


def test_a_fresh_installation_is_well(installation: Installation) -> None:
    done = installation.make().run("check")
    assert done.returncode == 0, done.stdout
    found = lines(done.stdout)
    assert list(found) == [
        "settings", "data folder", "keyring", "store", "clock", "push", "holds", "portal", "broker", "SMS", "46elks",
        "e-mail", "public address", "operator", "transfers", "archive",
    ]  # fmt: skip
    assert found["store"].startswith("ok")
    assert found["SMS"].startswith("note")


def test_a_running_cloud_is_seen(installation: Installation) -> None:
    with installation.up():
        done = installation.typed("check")
    assert done.returncode == 0
    found = lines(done.stdout)
    assert f"runs at mqtt://127.0.0.1:{installation.mqtt}" in found["broker"]
    assert f"runs at http://127.0.0.1:{installation.http}" in found["portal"]


def test_what_is_out_of_reach_is_wrong_and_nothing_secret_is_shown(installation: Installation) -> None:
    sick = Installation(
        folder=installation.folder,
        more={
            "ISOCKET_BROKER_URL": f"mqtt://bridge:geheim@127.0.0.1:{installation.mqtt}",
            "ISOCKET_SMTP_URL": f"smtp://user:geheim@127.0.0.1:{installation.http}",
        },
    )
    done = sick.typed("check")
    found = lines(done.stdout)
    assert done.returncode == 1
    assert found["broker"].startswith("WRONG")
    assert found["e-mail"].startswith("WRONG")
    assert found["public address"].startswith("WRONG")
    assert "geheim" not in done.stdout + done.stderr


def test_a_folder_without_the_managers_keys_is_wrong(installation: Installation) -> None:
    done = Installation(folder=installation.folder, more={"ISOCKET_ARCHIVE_KEYS": "nowhere"}).typed("check")
    assert done.returncode == 1
    assert lines(done.stdout)["archive"].startswith("WRONG")
    assert "ISOCKET_ARCHIVE_KEYS" in lines(done.stdout)["archive"]


@pytest.mark.clause("C6-15")
def test_where_nobodys_keys_are_given_it_is_noted_that_no_closed_account_is_sealed(installation: Installation) -> None:
    line = lines(installation.typed("check").stdout)["archive"]
    assert (line.startswith("note"), "ISOCKET_ARCHIVE_KEYS" in line) == (True, True)


def test_whoever_reads_may_go_before_the_end(installation: Installation) -> None:
    with subprocess.Popen(
        [PROGRAM, "check"],
        env=installation.environ,
        cwd=installation.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert any("data folder" in line for line in running.stdout)
        running.stdout.close()
        said = running.stderr.read()
    assert said == ""


def test_wrong_settings_are_the_only_line(installation: Installation) -> None:
    done = Installation(folder=installation.folder, more={"ISOCKET_BCRYPT_COST": "4"}).typed("check")
    assert done.returncode == 1
    assert list(lines(done.stdout)) == ["settings"]


async def test_where_nothing_is_yet_that_is_said_and_nothing_is_made(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in installation.environ.items():
        monkeypatch.setenv(name, value)
    assert await examine() == 0
    found = lines(capsys.readouterr().out)
    assert found["data folder"].startswith("note There is no installation in")
    assert (found["store"][:4], found["clock"][:2]) == ("note", "ok")
    assert not (installation.folder / "var").exists()


async def test_where_none_can_be_made_is_wrong(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = installation.folder / "file"
    file.touch(mode=0o400)
    for name, value in {**installation.environ, "ISOCKET_DATA_DIR": str(file / "var")}.items():
        monkeypatch.setenv(name, value)
    assert await examine() == 1
    found = lines(capsys.readouterr().out)["data folder"]
    assert found.startswith("WRONG There is no installation in")
    assert f"may not write in {file}" in found


def test_a_lost_master_key_is_told(installation: Installation) -> None:
    installation.make()
    key = installation.folder / "var" / "master.key"
    key.write_text("0" * 64)
    done = installation.typed("check")
    assert done.returncode == 1
    assert "not the master key" in lines(done.stdout)["keyring"]


def test_a_contact_by_telephone_is_noted_since_push_services_may_not_take_it(installation: Installation) -> None:
    by_phone = Installation(folder=installation.folder, more={"ISOCKET_SECURITY_CONTACT": "tel:+358401234567"})
    done = by_phone.make().typed("check")
    assert done.returncode == 0
    assert lines(done.stdout)["push"].startswith("note tel:+358401234567 is no address in the sense of RFC 8292")
