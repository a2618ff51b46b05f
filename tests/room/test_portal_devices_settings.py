"""What a socket is set to, over the API."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from broker_bridge.answers import Answers
from isocket.domain.device_models import model_of
from isocket.domain.devices import Device
from isocket.domain.reports import ClockQuality, Report, ReportKind
from isocket.domain.settings import DeviceSettings, PartKind, part_name, without_names
from isocket.kit.clock import to_ms, to_text
from isocket.storage.port import is_
from portal_api.settings_models import plain, whole_settings
from tests.fakes.portal_devices import (
    SOCKET,
    claim,
    devices_house,
    fields_of,
    make_device,
    owned,
    report,
    stored_device,
)
from tests.fakes.portal_house import PortalHouse

UNTOUCHED = plain(whole_settings({}, model_of("isocket-707")))
PATH = f"/devices/{SOCKET}/settings"


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with devices_house() as running:
        yield running


async def change(house: PortalHouse, token: str, **wanted: Any) -> dict[str, Any]:
    answer = await house.ask("PATCH", PATH, wanted, token=token)
    assert answer.status == 200, await answer.text()
    changed: dict[str, Any] = await answer.json()
    return changed


async def test_what_was_never_set_stands_there_with_its_default(house: PortalHouse) -> None:
    token = await owned(house)
    shown = await (await house.ask("GET", PATH, token=token)).json()
    assert shown == {
        "desired": UNTOUCHED, "reported": {}, "version": 0, "in_step": False, "differing": [], "next": None
    }  # fmt: skip


async def test_a_change_is_merged_and_waits_to_be_sent(house: PortalHouse) -> None:
    token = await owned(house)
    await change(house, token, mains_delay_s=0, restore_delay_s=5.5)
    changed = await change(house, token, heartbeat_s=60)
    device = await stored_device(house)
    assert device.desired == {"mains_delay_s": 0, "restore_delay_s": 5.5, "heartbeat_s": 60}
    assert (changed["version"], device.desired_version, device.desired_pending) == (2, 2, True)
    assert changed["desired"]["mains_delay_s"] == 0
    assert changed["desired"]["battery_low_pct"] == [50, 30, 20]


async def test_whole_numbers_are_told_without_a_decimal_point(house: PortalHouse) -> None:
    await change(house, await owned(house), mains_delay_s=3.0)
    assert repr((await stored_device(house)).desired["mains_delay_s"]) == "3"


async def test_whole_numbers_are_shown_as_the_socket_is_told_them(house: PortalHouse) -> None:
    token = await owned(house)
    await change(house, token, mains_delay_s=3.0, temp=[{"low_c": 5, "high_c": 30.5}])
    text = await (await house.ask("GET", PATH, token=token)).text()
    for said in ('"mains_delay_s":3,', '"low_c":5,', '"high_c":30.5,', '"on_c":5,', '"heartbeat_s":900,'):
        assert said in text


async def test_a_change_that_changes_nothing_sends_nothing(house: PortalHouse) -> None:
    token = await owned(house)
    await change(house, token, heartbeat_s=60)
    again = await change(house, token, heartbeat_s=60)
    assert again["version"] == 1


async def test_a_list_replaces_the_whole_list_and_is_as_long_as_the_model_has_parts(house: PortalHouse) -> None:
    token = await owned(house, model="isocket-4g")
    await change(house, token, temp=[{"name": "Cellar", "low_c": 5}, {"high_c": 30}])
    await change(house, token, temp=[{"name": "Attic"}])
    stored = (await stored_device(house)).desired["temp"]
    assert [(each["low_c"], each["high_c"]) for each in stored] == [(None, None), (None, None)]
    shown = (await (await house.ask("GET", PATH, token=token)).json())["desired"]["temp"]
    assert [each["name"] for each in shown] == ["Attic", None]


async def test_what_parts_are_called_is_shown_to_the_owner_and_told_to_no_device(house: PortalHouse) -> None:
    token = await owned(house, model="isocket-4g")
    await change(house, token, temp=[{"low_c": 5}, {"name": "Attic"}], input=[{"name": "Door", "kind": "nc"}])
    await change(house, token, heartbeat_s=60)
    device = await stored_device(house)
    assert not [word for word in ("name", "Attic", "Door") if word in repr(device.desired)]
    assert part_name(device.part_names, PartKind.PROBE, 1) == "Attic"
    assert part_name(device.part_names, PartKind.INPUT, 0) == "Door"
    assert part_name(device.part_names, PartKind.PROBE, 0) is part_name(None, PartKind.INPUT, 7) is None
    shown = (await (await house.ask("GET", PATH, token=token)).json())["desired"]
    assert [(each["name"], each["low_c"]) for each in shown["temp"]] == [(None, 5), ("Attic", None)]
    assert (shown["input"][0]["name"], shown["input"][0]["kind"]) == ("Door", "nc")


async def test_a_new_name_alone_is_a_change(house: PortalHouse) -> None:
    token = await owned(house)
    await change(house, token, temp=[{"name": "Attic"}])
    changed = await change(house, token, temp=[{"name": "Cellar"}])
    again = await change(house, token, temp=[{"name": "Cellar"}])
    assert (changed["desired"]["temp"][0]["name"], changed["version"], again["version"]) == ("Cellar", 2, 2)


async def test_whoever_comes_next_finds_no_names_of_parts(house: PortalHouse) -> None:
    token = await owned(house)
    await change(house, token, temp=[{"name": "Attic"}])
    await house.ask("DELETE", f"/devices/{SOCKET}", token=token)
    assert (await stored_device(house)).part_names is None
    await claim(house, await house.customer("pekka@example.org"))
    assert (await stored_device(house)).part_names is None


async def test_null_sets_a_key_back_and_the_socket_is_told_so(house: PortalHouse) -> None:
    token = await owned(house)
    await change(house, token, heartbeat_s=60, temp=[{"low_c": 5}], thermostat={"enabled": True})
    changed = await change(house, token, heartbeat_s=None, temp=None, thermostat=None)
    assert changed["desired"] == UNTOUCHED
    default = {key: without_names(UNTOUCHED)[key] for key in ("heartbeat_s", "temp", "thermostat")}
    assert (await stored_device(house)).desired == default


async def test_of_the_thermostat_only_what_is_given_changes(house: PortalHouse) -> None:
    token = await owned(house)
    await change(house, token, thermostat={"enabled": True, "on_c": 18, "off_c": 21})
    changed = await change(house, token, thermostat={"enabled": False})
    thermostat = {"enabled": False, "mode": "heat", "on_c": 18, "off_c": 21, "alarm_after_s": 7200}
    assert changed["desired"]["thermostat"] == thermostat
    changed = await change(house, token, thermostat={"alarm_after_s": None})
    assert changed["desired"]["thermostat"] == {**thermostat, "alarm_after_s": None}


async def test_of_the_other_groups_too_only_what_is_given_changes_and_null_is_a_value(house: PortalHouse) -> None:
    token = await owned(house)
    await change(house, token, signal={"low_pct": 20, "delay_s": 60}, repeat_s={"critical": 1800, "major": 3600})
    changed = await change(house, token, signal={"low_pct": None, "low_dbm": -100}, repeat_s={"major": None})
    desired = changed["desired"]
    assert desired["signal"] == {"low_pct": None, "low_dbm": -100, "delay_s": 60, "hysteresis": 5}
    assert desired["repeat_s"] == {"critical": 1800, "major": None, "minor": None}


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"severities": {"test": "info"}}, "severities.test"),
        ({"severities": {"offline": "loud"}}, "severities.offline"),
        ({"flapping": {"count": 1}}, "flapping.count"),
        ({"repeat_s": {"info": 600}}, "repeat_s.info"),
        ({"repeat_s": {"critical": 10}}, "repeat_s.critical"),
        ({"signal": {"low_dbm": 20}}, "signal.low_dbm"),
        ({"credit": {"low": -1}}, "credit.low"),
        ({"temp": [{"fall_c_per_h": 0}]}, "temp.0.fall_c_per_h"),
        ({"thermostat": {"alarm_after_s": 1}}, "thermostat.alarm_after_s"),
    ],
)
async def test_a_setting_of_an_alarm_that_makes_no_sense_is_refused_by_name(
    house: PortalHouse, wanted: dict[str, Any], field: str
) -> None:
    token = await owned(house)
    answer = await house.ask("PATCH", PATH, wanted, token=token)
    assert answer.status == 422
    assert field in fields_of(await answer.json())


async def test_every_key_of_the_contract_can_be_set(house: PortalHouse) -> None:
    wanted: dict[str, Any] = {
        "mains_delay_s": 0,
        "restore_delay_s": 0,
        "heartbeat_s": 60,
        "offline_after": 2,
        "battery_low_pct": [20, 60],
        "temp": [
            {
                "name": "Cellar",
                "low_c": 5,
                "high_c": 35.5,
                "delay_s": 0,
                "hysteresis_c": 0,
                "rise_c_per_h": 10,
                "fall_c_per_h": 4.5,
                "rate_window_s": 600,
                "severity": "major",
            }
        ],
        "input": [{"name": "Door", "kind": "nc", "delay_s": 0, "severity": "minor"}],
        "power_on": "off",
        "schedule": [{"at": "07:00", "days": "tue, mon", "name": "on_for", "args": {"seconds": 60}}],
        "time_zone": "Europe/Helsinki",
        "thermostat": {"enabled": True, "mode": "cool", "on_c": 25, "off_c": 22, "alarm_after_s": 3600},
        "signal": {"low_pct": 20, "low_dbm": -100, "delay_s": 60, "hysteresis": 3},
        "credit": {"low": 5},
        "flapping": {"count": 3, "window_s": 600, "quiet_s": 900},
        "severities": {"offline": "critical"},
        "repeat_s": {"critical": 1800, "major": None, "minor": 86400},
    }
    changed = await change(house, await owned(house), **wanted)
    wanted["battery_low_pct"] = [60, 20]
    wanted["schedule"][0]["days"] = "mon,tue"
    assert changed["desired"] == wanted


async def test_the_rules_can_read_whatever_may_be_set(house: PortalHouse) -> None:
    token = await owned(house)
    await change(house, token, temp=[{"low_c": 5}], input=[{"severity": "minor"}], battery_low_pct=[], mains_delay_s=0)
    settings = DeviceSettings.of((await stored_device(house)).desired)
    assert (settings.mains_delay_s, settings.battery_low_pct, settings.temp[0].low_c) == (0, (), 5)
    assert settings.input[0].severity == "minor"


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"mains_delay": 3}, "mains_delay"),
        ({"mains_delay_s": -1}, "mains_delay_s"),
        ({"mains_delay_s": "3"}, "mains_delay_s"),
        ({"mains_delay_s": True}, "mains_delay_s"),
        ({"heartbeat_s": 0}, "heartbeat_s"),
        ({"offline_after": 1.5}, "offline_after"),
        ({"battery_low_pct": [50, 50]}, "battery_low_pct"),
        ({"battery_low_pct": [101]}, "battery_low_pct.0"),
        ({"temp": [{"low_c": 10, "high_c": 5}]}, "temp.0"),
        ({"temp": [{"colour": "red"}]}, "temp.0.colour"),
        ({"temp": {"low_c": 5}}, "temp"),
        ({"input": [{"kind": "maybe"}]}, "input.0.kind"),
        ({"power_on": "perhaps"}, "power_on"),
        ({"schedule": [{"at": "24:00", "name": "on"}]}, "schedule.0.at"),
        ({"schedule": [{"at": "07:00", "days": "mon,someday", "name": "on"}]}, "schedule.0.days"),
        ({"schedule": [{"at": "07:00", "name": "explode"}]}, "schedule.0.name"),
        ({"schedule": [{"at": "07:00", "name": "on_for"}]}, "schedule.0.args.seconds"),
        ({"thermostat": {"on_c": 30}}, "thermostat"),
    ],
)
async def test_a_bad_setting_is_named_and_nothing_is_changed(
    house: PortalHouse, wanted: dict[str, Any], field: str
) -> None:
    answer = await house.ask("PATCH", PATH, {"power_on": "on", **wanted}, token=await owned(house))
    assert answer.status == 422
    assert fields_of(await answer.json()) == [field]
    assert (await stored_device(house)).desired_version == 0


async def test_the_longest_settings_fit_into_a_message_to_a_socket(house: PortalHouse) -> None:
    rules = [
        {"at": "07:00", "name": "on_for", "args": {"seconds": 60}, "days": "mon,tue,wed,thu,fri,sat,sun"}
        for _ in range(32)
    ]
    limits = {"low_c": -123.45678901234567, "high_c": 234.56789012345678, "delay_s": 12345.678901234567}
    temp = [{"name": "ä" * 120, **limits, "hysteresis_c": 12.345678901234567} for _ in range(16)]
    inputs = [{"name": "ä" * 120, "delay_s": 12345.678901234567} for _ in range(16)]
    await change(house, await owned(house, model="isocket-4g"), schedule=rules, temp=temp, input=inputs)
    assert len(json.dumps((await stored_device(house)).desired).encode()) < 12 * 1024  # of 16 KiB


async def test_changes_at_the_same_time_are_all_kept(house: PortalHouse) -> None:
    token = await owned(house)
    changes: list[dict[str, Any]] = [{"mains_delay_s": 1}, {"restore_delay_s": 2}, {"heartbeat_s": 3}]
    await asyncio.gather(*(change(house, token, **each) for each in changes))
    device = await stored_device(house)
    assert device.desired == {"mains_delay_s": 1, "restore_delay_s": 2, "heartbeat_s": 3}
    assert device.desired_version == 3


async def test_a_change_has_the_socket_judged(house: PortalHouse) -> None:
    token = await owned(house)
    await report(house, 1, mains=True)
    waiting = await house.telemetry.claim_waiting(owner="t", now=house.clock.now(), lease_s=1)
    assert waiting is not None
    await house.telemetry.settle(waiting, envelope=None, wake_at=None, silent_after_s=None)
    await change(house, token, heartbeat_s=60)
    assert await house.telemetry.claim_waiting(owner="t", now=house.clock.now(), lease_s=1) is not None


async def test_it_shows_when_the_socket_follows(house: PortalHouse) -> None:
    token = await owned(house)
    before = await change(house, token, heartbeat_s=60)
    await house.records.change_one(Device, is_("id", SOCKET), reported={"version": 1, "heartbeat_s": 60})
    after = await (await house.ask("GET", PATH, token=token)).json()
    assert (before["in_step"], after["in_step"], after["reported"]["heartbeat_s"]) == (False, True, 60)


async def test_credit_that_is_not_known_is_never_shown_as_fine(house: PortalHouse) -> None:
    token = await owned(house)
    await change(house, token, credit={"low": 5})

    async def shown() -> str:
        return str((await (await house.ask("GET", f"/devices/{SOCKET}", token=token)).json())["credit_state"])

    assert await shown() == "unknown"
    for seq, (told, state) in enumerate([("12.40 EUR", "fine"), ("4.99 EUR", "low"), ("no answer", "unknown")], 1):
        await report(house, seq, credit=told)
        assert await shown() == state
    await change(house, token, credit=None)
    assert await shown() == "unknown"


async def told(house: PortalHouse, seq: int, **settings: Any) -> None:
    """Let the socket say how it is set, as the bridge hears it."""
    now_ms = to_ms(house.clock.now())
    fields = {"boot": 1, "seq": seq, **settings}
    said = Report(SOCKET, ReportKind.REPORTED, 1, seq, now_ms, now_ms, ClockQuality.DEVICE, json.dumps(fields), fields)
    await Answers(house.records, house.clock).settings_reported(SOCKET, fields, said)


async def differing(house: PortalHouse, token: str) -> list[tuple[str, str, str]]:
    found = await (await house.ask("GET", PATH, token=token)).json()
    return [(each["key"], each["why"], each["since"]) for each in found["differing"]]


async def test_what_the_socket_has_not_confirmed_is_pending_since_it_was_changed(house: PortalHouse) -> None:
    token = await owned(house)
    await told(house, 1, version=0, mains_delay_s=10)
    await change(house, token, mains_delay_s=0)
    changed = to_text(house.clock.now())
    await house.clock.advance(60)
    assert await differing(house, token) == [("mains_delay_s", "pending", changed)]
    await told(house, 2, version=1, mains_delay_s=0)
    assert await differing(house, token) == []


async def test_what_the_socket_does_not_follow_is_refused_since_it_first_said_so(house: PortalHouse) -> None:
    token = await owned(house)
    await change(house, token, heartbeat_s=1, mains_delay_s=0)
    await told(house, 1, version=1, heartbeat_s=60, mains_delay_s=0)
    first = to_text(house.clock.now())
    await house.clock.advance(60)
    await told(house, 2, version=1, heartbeat_s=60, mains_delay_s=0)
    assert await differing(house, token) == [("heartbeat_s", "refused", first)]


async def test_what_was_set_otherwise_at_the_socket_is_told_and_ends_with_a_new_wish(house: PortalHouse) -> None:
    token = await owned(house)
    await change(house, token, mains_delay_s=0, temp=[{"name": "Cellar", "low_c": 5}])
    as_wanted = {"low_c": 5, "high_c": None, "delay_s": 60, "hysteresis_c": 1}
    await told(house, 1, version=1, mains_delay_s=0, temp=[as_wanted])
    await told(house, 2, version=1, mains_delay_s=0, temp=[{**as_wanted, "low_c": 7}])
    assert await differing(house, token) == [("temp", "changed", to_text(house.clock.now() - timedelta(seconds=0.001)))]
    await change(house, token, temp=[{"low_c": 7}])
    await told(house, 3, version=2, mains_delay_s=0, temp=[{**as_wanted, "low_c": 7}])
    assert await differing(house, token) == []


async def test_a_schedule_is_in_the_time_zone_of_who_sets_it_and_tells_what_is_next(house: PortalHouse) -> None:
    token = await house.customer("anna@example.org", time_zone="Europe/Helsinki")
    await make_device(house)
    await claim(house, token)
    rules = [{"at": "07:00", "days": "sat", "name": "on"}, {"at": "22:00", "days": "sat", "name": "off"}]
    found = await change(house, token, schedule=rules)
    assert found["desired"]["time_zone"] == "Europe/Helsinki"
    following = datetime.fromisoformat(found["next"]["at"]).astimezone(ZoneInfo("Europe/Helsinki"))
    assert (f"{following:%a %H:%M}", found["next"]["name"], found["next"]["number"]) in {
        ("Sat 07:00", "on", 0), ("Sat 22:00", "off", 1),
    }  # fmt: skip
    assert following > house.clock.now()
    elsewhere = await change(house, token, time_zone="America/New_York")
    assert elsewhere["next"]["at"] != found["next"]["at"]
    assert (await change(house, token, schedule=[]))["next"] is None


@pytest.mark.parametrize(
    ("model", "wanted", "field"),
    [
        ("isocket-707", {"schedule": [{"at": "07:00", "name": "on"}] * 9}, "schedule.8"),
        ("isocket-3g", {"input": [{"kind": "nc"}]}, "input"),
        ("isocket-3g", {"schedule": [{"at": "07:00", "name": "arm"}]}, "schedule.0.name"),
    ],
)
async def test_a_model_is_not_set_to_what_it_does_not_have(
    house: PortalHouse, model: str, wanted: dict[str, Any], field: str
) -> None:
    token = await owned(house, model=model)
    await report(house, 1, relay=False)
    answer = await house.ask("PATCH", PATH, wanted, token=token)
    assert (answer.status, fields_of(await answer.json())) == (422, [field])


async def test_a_socket_that_has_said_nothing_yet_can_be_set_as_any_can(house: PortalHouse) -> None:
    changed = await change(house, await owned(house, model="isocket-3g"), input=[{"kind": "nc"}])
    assert changed["desired"]["input"][0]["kind"] == "nc"


async def test_an_input_that_a_socket_reports_can_be_set_whatever_its_model(house: PortalHouse) -> None:
    token = await owned(house, model="isocket-3g")
    await report(house, 1, input=[False], armed=True)
    shown = await (await house.ask("GET", PATH, token=token)).json()
    assert [each["kind"] for each in shown["desired"]["input"]] == ["no"], "it stands there with its default"
    changed = await change(house, token, input=[{"kind": "nc"}], schedule=[{"at": "07:00", "name": "arm"}])
    assert changed["desired"]["input"][0]["kind"] == "nc"


async def test_every_model_says_what_it_can_be_told(house: PortalHouse) -> None:
    token = await owned(house)
    listed = (await (await house.ask("GET", "/models", token=token)).json())["items"]
    found = {each["name"]: each for each in listed}
    assert found["isocket-707"]["schedule_rules"] == 8
    assert not {"arm", "aux_on"} & set(found["isocket-3g"]["commands"])
    assert {"arm", "aux_on"} <= set(found["isocket-4g"]["commands"])
