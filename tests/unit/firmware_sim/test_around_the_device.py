"""Credentials, memory over runs, waiting before reconnects, scripts and lies."""

import json
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from firmware_sim import wire
from firmware_sim.actions import Mains, Temperature
from firmware_sim.backoff import Backoff
from firmware_sim.clock import first_boot
from firmware_sim.commands import EXECUTED
from firmware_sim.credentials import CredentialsError, load_credentials
from firmware_sim.device import Flash
from firmware_sim.lies import Lie, Mouth, lies
from firmware_sim.memory import StateFolder
from firmware_sim.models import MODELS, model_named
from firmware_sim.network import AddressError, Broker
from firmware_sim.scenarios import SCENARIOS, UnknownScenarioError, scenario_named
from firmware_sim.wire import Cause, Kind, Outgoing

LINE = {
    "device_id": "is-0001",
    "secret": "correct-horse",
    "claim_code": "AAAA-BBBB",
    "model": "isocket-707",
    "topic_root": wire.topic_root("is-0001"),
}
CAST = [MODELS[name] for name in ("isocket-707", "isocket-3g", "isocket-environment-pro", "isocket-4g", "isocket-4g")]


def written(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "devices.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_credentials_are_read_as_provisioning_prints_them(tmp_path: Path) -> None:
    [credential] = load_credentials(written(tmp_path, json.dumps(LINE), ""))
    assert (credential.device_id, credential.secret, credential.claim_code) == (
        "is-0001",
        "correct-horse",
        "AAAA-BBBB",
    )


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "not a JSON object"),
        ("[]", "not a JSON object"),
        (json.dumps(LINE | {"secret": None}), "secret is missing"),
        (json.dumps(LINE | {"model": "toaster"}), "toaster"),
        (json.dumps(LINE | {"topic_root": "isocket/v1/00/is-0001"}), "topic_root is not"),
        (json.dumps(LINE), "comes twice"),
        ("[" * 100_000, "not a JSON object"),
        (json.dumps(LINE | {"secret": "\ud800"}), "secret is too long, or holds what cannot be written"),
        (json.dumps(LINE | {"device_id": "a\ud800"}), "device_id is too long, or holds what cannot be written"),
        (json.dumps(LINE | {"device_id": "a" * 70_000}), "device_id is too long, or holds what cannot be written"),
    ],
)
def test_a_bad_line_is_refused_with_its_number_and_without_the_secret(
    tmp_path: Path, line: str, complaint: str
) -> None:
    with pytest.raises(CredentialsError, match=rf"line 2: .*{complaint}") as refusal:
        load_credentials(written(tmp_path, json.dumps(LINE), line))
    assert "correct-horse" not in str(refusal.value)


def test_an_empty_or_missing_file_says_what_belongs_there(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="device provision"):
        load_credentials(written(tmp_path, ""))
    with pytest.raises(CredentialsError, match="cannot be read"):
        load_credentials(tmp_path / "nowhere")


def test_a_secret_is_not_shown_when_a_credential_is_printed(tmp_path: Path) -> None:
    [credential] = load_credentials(written(tmp_path, json.dumps(LINE)))
    assert "correct-horse" not in repr(credential)


def test_a_device_remembers_everything_over_a_run(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "sim")
    flash = Flash(
        boot=7,
        version=3,
        settings={"mains_delay_s": 0},
        relay=False,
        armed=True,
        answered=(("c1", EXECUTED),),
        alarms=((Cause.TEMP_LOW, 0), (Cause.MAINS_LOST, None)),
    )
    backlog = (Outgoing(kind=Kind.ALARM, boot=7, seq=9, payload=b'{"boot":7}'),)
    folder.save("is/0001", flash, backlog)
    assert folder.load("is/0001") == (flash, backlog)


def test_a_damaged_memory_counts_as_none(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    folder.save("a", Flash(boot=1), ())
    next(tmp_path.glob("*.json")).write_text('{"flash": 7')
    assert folder.load("a") is None


def test_a_run_without_memory_begins_above_every_earlier_boot() -> None:
    assert first_boot(1_795_332_961_000) == first_boot(1_795_332_960_000) + 1


def test_waits_stay_below_a_ceiling_that_doubles_up_to_a_limit() -> None:
    backoff = Backoff(chance=Random(1), base_s=1, ceiling_s=8)
    ceilings = [1, 2, 4, 8, 8]
    waits = [backoff.next_s() for _ in ceilings]
    assert all(0 <= wait <= ceiling for wait, ceiling in zip(waits, ceilings, strict=True))


def test_waits_of_many_devices_are_spread_over_the_whole_range() -> None:
    waits = [Backoff(chance=Random(n), base_s=1).next_s() for n in range(400)]
    assert all(70 <= sum(low <= wait < low + 0.25 for wait in waits) <= 130 for low in (0, 0.25, 0.5, 0.75))


class Longest(Random):
    """Chance at its worst: always the whole ceiling."""

    def uniform(self, a: float, b: float) -> float:
        return b


def test_only_a_stable_connection_makes_waits_short_again() -> None:
    backoff = Backoff(chance=Longest(), base_s=1, stable_s=30)
    assert [backoff.next_s() for _ in range(4)] == [1, 2, 4, 8]
    backoff.lasted(29)
    assert backoff.next_s() == 16
    backoff.lasted(30)
    assert backoff.next_s() == 1


@pytest.mark.parametrize("url", ["http://h", "mqtt://", "h:1883", "", "mqtt://h:0", "mqtt://h:99999"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(AddressError, match="mqtt://host:port"):
        Broker.at(url)


def test_an_address_without_a_port_has_the_usual_one() -> None:
    assert (Broker.at("mqtt://h").port, Broker.at("mqtts://h").port, Broker.at("mqtt://h:7").port) == (1883, 8883, 7)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_script_is_in_order_of_time(name: str) -> None:
    times = [step.at_s for step in islice(scenario_named(name).steps(CAST), 500)]
    assert times == sorted(times)


def test_the_day_cuts_the_mains_early_and_gives_it_back_within_the_minute() -> None:
    steps = islice(scenario_named("day").steps(CAST), 100)
    mains = [(step.at_s, step.action.on) for step in steps if isinstance(step.action, Mains)]
    assert mains == [(12, False), (45, True)]


def test_only_the_day_has_no_end() -> None:
    lengths = {name: len(list(islice(SCENARIOS[name].steps(CAST), 5000))) for name in SCENARIOS}
    assert {name for name, length in lengths.items() if length == 5000} == {"day"}


def test_the_cold_heater_gets_colder_for_longer_than_two_hours_and_then_warms_up() -> None:
    steps = list(scenario_named("cold-heater").steps(CAST))
    told = [(step.at_s, step.action.temp_c) for step in steps if isinstance(step.action, Temperature)]
    cold_s = [at_s for at_s, temp_c in told if temp_c is not None and temp_c < 8]
    assert max(cold_s) - min(cold_s) > 7_200
    assert told[-1][1] == 11.0


def test_an_unknown_scenario_or_model_names_those_there_are() -> None:
    with pytest.raises(UnknownScenarioError, match="power-cut"):
        scenario_named("holiday")
    with pytest.raises(ValueError, match="isocket-3g"):
        model_named("toaster")


def all_lies() -> dict[str, Lie]:
    told = lies(Mouth(device_id="is-0001", boot=1, seq=5, utc_ms=1_795_332_960_000))
    assert len({lie.name for lie in told}) == len(told)
    return {lie.name: lie for lie in told}


def test_the_long_lie_is_one_byte_too_long_and_the_batch_one_report() -> None:
    told = all_lies()
    assert len(told["too_long"].says[0][1]) == 16 * 1024 + 1
    assert len(json.loads(told["batch_too_long"].says[0][1])) == 501


def test_the_lie_about_the_shard_uses_the_own_id_elsewhere() -> None:
    [(topic, _)] = all_lies()["own_id_other_shard"].says
    assert topic.split("/")[3] == "is-0001"
    assert not topic.startswith(wire.topic_root("is-0001"))


def test_a_repeat_is_the_very_same_bytes_twice() -> None:
    first, second = all_lies()["repeat"].says
    assert first == second
