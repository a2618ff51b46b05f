"""`isocket sim` where no broker answers: it says what to start, and does not end as if all had gone well."""

import asyncio
import signal
import socket
from dataclasses import asdict, replace

import pytest

from broker_bridge.broker_address import BrokerAddress
from firmware_sim.tally import RunReport, Tally
from isocket.app import simulate
from isocket.app.house import open_house
from isocket.app.settings import load_settings
from isocket.domain.devices import Device
from tests.unit.app.installation import Installation

NOBODY_THERE = RunReport(
    scenario="day",
    devices=1,
    connected_at_end=0,
    duration_s=1.0,
    counts=asdict(Tally(connects_failed=1)),
    unconfirmed=1,
    telemetry_dropped=0,
)
ONE_THERE = replace(NOBODY_THERE, counts=asdict(Tally(connects=1)))


def ends_with(report: RunReport, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the scenario be over at once, with these figures."""

    async def run(**_: object) -> RunReport:
        return report

    monkeypatch.setattr(simulate, "run", run)


def devices_of(installation: Installation) -> int:
    async def count() -> int:
        async with open_house(load_settings(installation.environ)) as house:
            return await house.records.count(Device)

    return asyncio.run(count())


def test_without_a_cloud_it_says_what_to_start_and_makes_no_socket_before_somebody_listens(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends_with(ONE_THERE, monkeypatch)
    monkeypatch.setattr(simulate, "ASK_EVERY_S", 0.0)
    made_when_asked = []

    async def answers(_: BrokerAddress) -> bool:
        async with open_house(load_settings(installation.environ)) as house:
            made_when_asked.append(await house.records.count(Device))
        return len(made_when_asked) > 3

    monkeypatch.setattr(BrokerAddress, "answers", answers)
    done = installation.make().typed("sim", "--devices", "1")
    said = " ".join(done.stderr.split())
    assert (
        f"start the cloud with `isocket up`, which listens at 127.0.0.1:{installation.mqtt}. No socket is made" in said
    )
    assert made_when_asked == [0, 0, 0, 0]
    assert (done.returncode, done.stdout) == (0, f"{ONE_THERE.as_json()}\n")


def test_whoever_ends_it_while_nobody_listens_left_no_socket_behind_and_is_told_that_none_got_through(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    async def answers(_: BrokerAddress) -> bool:
        if not asked:
            signal.raise_signal(signal.SIGINT)  # a second one would end the process at once
        asked.append(True)
        return False

    monkeypatch.setattr(BrokerAddress, "answers", answers)
    done = installation.make().typed("sim", "--devices", "1")
    assert done.returncode == 1
    assert " ".join(done.stderr.split()).endswith("No socket got through to the broker.")
    assert devices_of(installation) == 0


def test_given_sockets_go_on_trying_and_their_figures_are_told_where_none_got_through(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends_with(NOBODY_THERE, monkeypatch)
    credentials = installation.folder / "devices.jsonl"
    credentials.write_text(installation.typed("device", "provision", "--model", "isocket-3g").stdout, encoding="utf-8")
    done = installation.typed("sim", "--devices", "1", "--credentials", str(credentials))
    assert "The sockets go on trying. No socket got through" in " ".join(done.stderr.split())
    assert (done.returncode, done.stdout) == (1, f"{NOBODY_THERE.as_json()}\n"), "the figures are told all the same"


def test_a_broker_of_somebody_else_that_does_not_answer_is_not_taken_for_the_cloud(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends_with(NOBODY_THERE, monkeypatch)
    made = installation.typed("device", "provision", "--model", "isocket-3g").stdout
    credentials = installation.folder / "devices.jsonl"
    credentials.write_text(made, encoding="utf-8")
    words = ("sim", "--devices", "1", "--credentials", str(credentials))
    there = installation.typed(*words, "--url", f"mqtt://kai:a-secret@127.0.0.1:{installation.mqtt}")
    assert "start it, or name another with --url" in " ".join(there.stderr.split())
    assert "a-secret" not in there.stderr
    url = f"mqtt://bridge:a-secret@127.0.0.1:{installation.mqtt}"
    known = Installation(folder=installation.folder, mqtt=installation.mqtt, more={"ISOCKET_BROKER_URL": url})
    here = " ".join(known.typed(*words).stderr.split())
    assert "`isocket up` starts none at ISOCKET_MQTT, which is asked here; give --url and --credentials." in here


def test_where_a_broker_answers_nothing_is_said_of_it(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends_with(ONE_THERE, monkeypatch)
    with socket.create_server(("127.0.0.1", installation.make().mqtt)):
        done = installation.typed("sim", "--devices", "1")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("given", ["", "mqtt://localhost:{port}"])
def test_our_own_broker_may_be_named_without_credentials_and_so_may_one_in_use_that_asks_for_none(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, given: str, host: str
) -> None:
    ends_with(ONE_THERE, monkeypatch)
    url = given.format(port=installation.make().mqtt)
    ours = Installation(folder=installation.folder, mqtt=installation.mqtt, more={"ISOCKET_BROKER_URL": url})
    with socket.create_server(("127.0.0.1", installation.mqtt)):
        done = ours.typed("sim", "--devices", "2", "--url", f"mqtt://{host}:{installation.mqtt}")
    assert (done.returncode, done.stderr) == (0, "")
    assert devices_of(installation) == 2


@pytest.mark.parametrize("given", ["", "mqtt://bridge:a-secret@127.0.0.1:{port}"])
def test_a_broker_that_may_know_nobody_made_here_is_not_tried_without_credentials(
    installation: Installation, given: str
) -> None:
    port = installation.make().mqtt
    ours = Installation(folder=installation.folder, mqtt=port, more={"ISOCKET_BROKER_URL": given.format(port=port)})
    done = ours.typed("sim", "--url", f"mqtt://127.0.0.1:{port if given else port + 1}")
    assert done.returncode == 2
    assert "knows no sockets made here" in " ".join(done.stderr.replace("│", "").split())
    assert devices_of(installation) == 0
