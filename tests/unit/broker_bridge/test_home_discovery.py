"""What Home Assistant is told of a socket keeps to the schema that it publishes for the discovery of devices."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from broker_bridge import home_topics
from broker_bridge.home_discovery import Socket, announcement, command_of, condition
from isocket.domain.device_models import MODELS
from isocket.domain.devices import Device
from isocket.domain.homes import Home
from isocket.domain.reports import ClockQuality, DeviceState
from isocket.domain.settings import PartKind, part_names_text
from tests.fakes.clock import NOON

ORIGIN = "https://cloud.example.org"
HOME = Home(id="home_1", account_id="acc_1", name="House", secret_hash="$", credential_epoch=1, created_at=NOON)
DEVICE = Device(
    id="is0000000001", model="isocket-4g", secret_hash="$", claim_hash="c", provisioned_at=NOON, owner_id="acc_1",
    claimed_at=NOON, name="Cabin",
)  # fmt: skip
TOLD: dict[str, Any] = {
    "relay": True, "aux": False, "mains": True, "battery_pct": 96, "charging": False, "temp_c": [21.5, None],
    "input": [True, False], "armed": True, "signal_dbm": -71, "signal_pct": 62, "fw": "1.4.2",
}  # fmt: skip

# As Home Assistant publishes it (MQTT integration, device discovery, since 2024.12): what each thing may and must say.
DEVICE_KEYS = {
    "identifiers", "connections", "name", "manufacturer", "model", "model_id", "hw_version", "sw_version",
    "serial_number", "suggested_area", "via_device", "configuration_url",
}  # fmt: skip
SHARED_KEYS = {
    "device", "origin", "components", "state_topic", "command_topic", "availability", "availability_mode",
    "availability_topic", "availability_template", "payload_available", "payload_not_available", "qos", "encoding",
}  # fmt: skip
ENTITY = {"platform", "name", "unique_id", "device_class", "entity_category", "value_template", "icon"}
PLATFORMS: Mapping[str, tuple[set[str], set[str]]] = {  # which may be said besides, and which must
    "switch": ({"payload_on", "payload_off", "optimistic", "retain"}, {"command_topic"}),
    "binary_sensor": ({"payload_on", "payload_off", "expire_after", "off_delay"}, {"value_template"}),
    "sensor": ({"unit_of_measurement", "state_class", "expire_after"}, {"value_template"}),
    "button": ({"payload_press", "retain"}, {"command_topic"}),
}
CLASSES = {
    "switch": {"outlet", "switch"},
    "binary_sensor": {"power", "problem", "battery_charging"},
    "sensor": {"temperature", "battery", "signal_strength"},
    "button": {"restart", "identify", "update"},
}
UNITS = {"temperature": {"°C", "°F", "K"}, "battery": {"%"}, "signal_strength": {"dB", "dBm"}}
_FIELD = re.compile(r"^\{\{ value_json\.(\w+)(?:\[(\d+)\])? \}\}$")


def socket(device: Device = DEVICE, told: dict[str, Any] | None = None, **more: Any) -> Socket:
    state = DeviceState(
        device_id=device.id, boot=1, seq=1, at=NOON, received_at=NOON, clock=ClockQuality.DEVICE,
        fields=TOLD if told is None else told, online=True,
    )  # fmt: skip
    return Socket(**{"device": device, "state": state, "alarmed": False, "now": NOON, **more})


def announced(one: Socket, home: Home = HOME) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(json.dumps(announcement(home, one, public_url=ORIGIN)))
    return said


def faults(said: dict[str, Any]) -> list[str]:
    """Return what the published schema forbids."""
    found = [f"key {each}" for each in said.keys() - SHARED_KEYS]
    found += [f"device {each}" for each in said["device"].keys() - DEVICE_KEYS]
    found += [] if said["device"]["identifiers"] and said["origin"]["name"] else ["nobody"]
    for key, part in said["components"].items():
        may, must = PLATFORMS[part["platform"]]
        found += [f"{key} says {each}" for each in part.keys() - ENTITY - may - must]
        found += [f"{key} lacks {each}" for each in (must | {"unique_id"}) - part.keys()]
        kind = part.get("device_class")
        found += [f"{key} is {kind}"] if kind and kind not in CLASSES[part["platform"]] else []
        unit = part.get("unit_of_measurement")
        found += [f"{key} in {unit}"] if unit and kind and unit not in UNITS[kind] else []
    ids = [part["unique_id"] for part in said["components"].values()]
    return found + ([] if len(ids) == len(set(ids)) else ["two of one id"])


@pytest.mark.parametrize("control", [True, False])
@pytest.mark.parametrize("model", [*MODELS, "isocket-of-tomorrow"])
@pytest.mark.parametrize("told", [TOLD, {}])
def test_every_model_is_announced_as_the_schema_has_it_and_each_part_reads_what_is_said(
    model: str, control: bool, told: dict[str, Any]
) -> None:
    one = socket(replace(DEVICE, model=model), told)
    said, how = announced(one, replace(HOME, control=control)), condition(one)
    assert faults(said) == []
    for key, part in said["components"].items():
        if part["platform"] != "button":
            field = _FIELD.match(part["value_template"])
            assert field is not None, key
            value = how[field[1]]
            assert field[2] is None or int(field[2]) < len(value), key
    assert said["state_topic"] == home_topics.state(HOME.id, DEVICE.id)
    assert said["availability"][0]["topic"] == said["state_topic"]


def test_a_home_that_only_looks_is_given_nothing_to_switch() -> None:
    said = announced(socket(), replace(HOME, control=False))
    assert {each["platform"] for each in said["components"].values()} == {"binary_sensor", "sensor"}
    assert home_topics.wish(HOME.id, DEVICE.id, "") not in json.dumps(said)


def test_a_model_is_announced_with_what_it_has_and_no_more() -> None:
    plain = announced(socket(replace(DEVICE, model="isocket-3g"), {}))["components"]
    assert not {"aux", "armed", "input_0"} & plain.keys()
    assert [key for key in announced(socket(told={"temp_c": [1, 2, 3]}))["components"] if key.startswith("temp")] == [
        "temp_0", "temp_1", "temp_2",
    ]  # fmt: skip


def test_what_a_socket_reports_besides_what_its_model_is_sold_with_is_announced_as_well() -> None:
    more = announced(socket(replace(DEVICE, model="isocket-3g"), {"aux": False, "armed": True, "input": [False]}))
    assert {"aux", "armed", "input_0"} <= more["components"].keys()


def test_parts_are_called_as_their_owner_calls_them() -> None:
    names = part_names_text({PartKind.PROBE: ["Kitchen", None], PartKind.INPUT: ["Back door", None]})
    parts = announced(socket(replace(DEVICE, part_names=names)))["components"]
    called = [parts[key]["name"] for key in ("temp_0", "temp_1", "input_0", "input_1")]
    assert called == ["Kitchen", "Temperature 2", "Back door", "Input 2"]


def test_an_input_is_on_when_it_is_not_at_rest_whichever_way_that_is() -> None:
    device = replace(DEVICE, desired={"input": [{"kind": "no"}, {"kind": "nc"}]})
    assert condition(socket(device, {"input": [True, True]}))["input"] == ["ON", "OFF"]


def test_what_is_not_known_is_null_and_never_a_number() -> None:
    how = condition(socket(told={}))
    assert (how["relay"], how["battery"], how["temp"]) == (None, None, [None, None])
    assert condition(socket(told={"temp_c": [None]}))["temp"] == [None, None]


def test_what_a_socket_said_to_the_owner_before_is_not_told() -> None:
    later = replace(DEVICE, freed_at=NOON.replace(hour=13))
    assert condition(socket(later))["relay"] is None


def test_a_socket_that_was_not_heard_for_long_is_away() -> None:
    assert condition(socket(now=NOON.replace(hour=12, minute=44)))["online"] is True
    assert condition(socket(now=NOON.replace(hour=12, minute=45)))["online"] is False
    assert condition(socket(state=None))["online"] is False


def test_only_what_is_announced_can_be_wished() -> None:
    assert command_of("relay", "ON") == "on"
    assert command_of("restart", "PRESS") == "restart"
    for part, payload in (("relay", "on"), ("relay", "PRESS"), ("reboot", "PRESS"), ("restart", "ON"), ("", "")):
        assert command_of(part, payload) is None


@pytest.mark.parametrize(
    "topic",
    [
        "isocket/v1/home/home_1/is1/set",
        "isocket/v1/home/home_1/is1/set/relay/x",
        "isocket/v1/home/home_1/is1/get/relay",
        "isocket/v1/00/is1/cmd",
        "isocket/v2/home/home_1/is1/set/relay",
        "",
    ],
)  # fmt: skip
def test_another_topic_is_no_wish(topic: str) -> None:
    assert home_topics.parse_wish(topic) is None
    assert home_topics.parse_wish(home_topics.wish("home_1", "is1", "relay")) == ("home_1", "is1", "relay")


@pytest.mark.parametrize(
    ("subscription", "others"),
    [
        ("#", True), ("+/+/+/+", True), ("$SYS/#", True), ("$share/g/homeassistant/#", True), ("isocket/#", True),
        ("isocket/v1/home/home_12/+/state", True), ("isocket/v1/home/+/+/state", True),
        ("isocket/v1/home/home_1/#", False), ("homeassistant/#", False), ("tasmota/discovery/#", False),
    ],
)  # fmt: skip
def test_asking_for_what_is_others_is_told_from_what_home_assistant_asks_for(subscription: str, others: bool) -> None:
    assert home_topics.is_for_others("home_1", subscription) is others


def test_a_socket_without_a_name_is_announced_as_messages_call_it() -> None:
    names = [
        announced(socket(replace(DEVICE, name=name, number=number)))["device"]["name"]
        for name, number in (("Cabin", 2), (None, 2), (None, None))
    ]
    assert names == ["Cabin", "iSocket 2", DEVICE.id]
