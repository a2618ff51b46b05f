"""The settings as customers give them, as they are stored, and as sockets take them."""

from collections.abc import Mapping
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from broker_bridge.payloads import decode
from broker_bridge.topics import UpKind
from firmware_sim import models as sim_models
from firmware_sim import settings as sim
from firmware_sim.wire import encode_reported
from isocket.domain.device_models import MODELS, model_of
from isocket.domain.incidents import Cause
from isocket.domain.settings import DeviceSettings, PartKind, for_device, part_names_text
from isocket.domain.twin import unlike_keys
from portal_api.settings_models import (
    AlarmCause,
    ScheduleRule,
    Settings,
    SettingsChange,
    factory_settings,
    plain,
    whole_settings,
)

NOON_MS = 1_795_348_800_000
RULE = {"at": "07:00", "days": "mon,tue", "name": "on", "args": {}}
DIRTY: dict[str, Any] = {
    "mains_delay_s": 0, "restore_delay_s": 0, "heartbeat_s": 60, "offline_after": 5, "battery_low_pct": [10],
    "temp": [{"name": "Cellar", "low_c": 5}], "power_on": "off", "schedule": [RULE], "time_zone": "Europe/Helsinki",
    "thermostat": {"enabled": True, "mode": "cool", "on_c": 25, "off_c": 22},
}  # fmt: skip


def test_every_setting_can_be_changed() -> None:
    assert set(Settings.model_fields) == set(SettingsChange.model_fields)


def test_the_defaults_are_those_by_which_the_rules_judge() -> None:
    told = DeviceSettings.of(plain(whole_settings({}, model_of("isocket-707"))))
    rules = DeviceSettings.of({})
    assert (told.probe(0), told.input_at(0)) == (rules.probe(0), rules.input_at(0))
    for name in (
        "mains_delay_s",
        "restore_delay_s",
        "heartbeat_s",
        "offline_after",
        "battery_low_pct",
        "thermostat",
        "signal",
        "credit",
        "flapping",
        "severities",
        "repeat_s",
    ):
        assert getattr(told, name) == getattr(rules, name)


def test_an_owner_says_how_much_each_cause_matters_but_for_those_that_have_their_own_say_or_tell_of_people() -> None:
    others = {Cause.INPUT, Cause.FLAPPING, Cause.NO_RECIPIENT, Cause.DELIVERY_BROKEN, Cause.TEST}
    assert set(get_args(AlarmCause)) == {each.value for each in set(Cause) - others}


def said_by(follows: sim.DeviceSettings) -> Mapping[str, Any]:
    """Return what the cloud hears of the settings that a socket follows."""
    word = encode_reported(boot=1, seq=1, ts=NOON_MS, version=1, settings=follows.as_wire())
    heard = decode("is0000000001", UpKind.REPORTED, word, NOON_MS).fields
    assert heard is not None
    return heard


@pytest.mark.parametrize("name", MODELS)
def test_a_socket_can_follow_the_settings_of_the_factory(name: str) -> None:
    dirty = sim.merged(sim.factory_settings(sim_models.model_named(name)), DIRTY)
    assert set(unlike_keys(factory_settings(name), said_by(dirty))) >= DIRTY.keys()
    clean = sim.merged(dirty, for_device(factory_settings(name)))
    assert unlike_keys(factory_settings(name), said_by(clean)) == ()


@pytest.mark.parametrize("name", MODELS)
def test_what_a_socket_follows_comes_back_by_the_bridge_as_it_was_wanted(name: str) -> None:
    change = SettingsChange(
        schedule=[ScheduleRule.model_validate(RULE)], time_zone="Europe/Helsinki", power_on="off", heartbeat_s=60
    )
    wanted = {**factory_settings(name), **change.model_dump(mode="json", exclude_unset=True)}
    follows = sim.merged(sim.factory_settings(sim_models.model_named(name)), for_device(wanted))
    assert unlike_keys(wanted, said_by(follows)) == ()


@pytest.mark.parametrize("name", MODELS)
def test_the_simulated_socket_has_as_many_parts_as_the_cloud_believes(name: str) -> None:
    here, there = model_of(name), sim_models.model_named(name)
    assert (here.probes, here.inputs) == (there.probes, there.inputs)


@pytest.mark.parametrize(
    ("mode", "on_c", "off_c", "fits"),
    [
        ("heat", 5, 8, True),
        ("heat", 8, 5, False),
        ("cool", 25, 22, True),
        ("cool", 22, 25, False),
        ("heat", 5, 5, False),
    ],
)
def test_a_thermostat_has_its_temperatures_in_the_order_of_its_mode(
    mode: str, on_c: float, off_c: float, fits: bool
) -> None:
    wanted = {"thermostat": {"mode": mode, "on_c": on_c, "off_c": off_c}}
    if fits:
        assert Settings.model_validate(wanted).thermostat.on_c == on_c
    else:
        with pytest.raises(ValidationError):
            Settings.model_validate(wanted)


def test_a_socket_is_told_only_what_the_protocol_names() -> None:
    every = plain(whole_settings({}, model_of("isocket-707")))
    told = for_device({**every, "temp": [{**each, "fall_c_per_h": 3} for each in every["temp"]]})
    probe = {"name", "low_c", "high_c", "delay_s", "hysteresis_c"}
    assert set(told) == {
        "mains_delay_s",
        "restore_delay_s",
        "heartbeat_s",
        "offline_after",
        "battery_low_pct",
        "temp",
        "input",
        "power_on",
        "schedule",
        "time_zone",
        "thermostat",
    }
    assert [set(each) for each in told["temp"]] == [probe] * len(every["temp"])
    assert set(told["thermostat"]) == {"enabled", "mode", "on_c", "off_c"}


def test_a_name_of_which_nothing_can_be_seen_was_taken_once_and_is_none() -> None:
    names = part_names_text({PartKind.PROBE: ["Freezer", "\u3164"]})
    settings = whole_settings({}, model_of("isocket-environment-pro"), names)
    assert [each.name for each in settings.temp[:2]] == ["Freezer", None]
