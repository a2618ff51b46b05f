"""The pages on what is an alarm at a socket, and on what the last month would have been like, without any script."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from alerts.replaying import Replayer
from isocket.domain.contacts import ChannelKind
from isocket.domain.device_models import model_of
from isocket.domain.devices import Device
from isocket.domain.replays import Replay
from portal_api.app import ROUTES
from portal_api.pages_routes import page_routes
from portal_api.routes import Surface
from portal_api.settings_models import whole_settings
from tests.fakes.portal_devices import MAIJA, SOCKET, make_device, report
from tests.fakes.portal_house import PortalHouse, portal_house
from tests.fakes.visitor import Page, Visitor, signed_in

PAGE = f"/devices/{SOCKET}/alarms"
WITH_PAGES = (*(each for each in ROUTES if each.surface is Surface.API), *page_routes(desk=False))


@pytest.fixture
async def house() -> AsyncIterator[PortalHouse]:
    async with portal_house(routes=WITH_PAGES, channels=frozenset({ChannelKind.EMAIL})) as running:
        yield running


async def own(house: PortalHouse) -> Visitor:
    """Return Maija's browser; she has one socket with a thermometer."""
    visitor = await signed_in(house, MAIJA)
    await make_device(house, model="isocket-environment-pro")
    owner = (await house.account(MAIJA)).id
    await house.records.change_all(Device, owner_id=owner, claimed_at=house.clock.now(), name="Summer house")
    return visitor


async def desired(house: PortalHouse) -> dict[str, Any]:
    (device,) = await house.records.find(Device)
    return device.desired


async def save(visitor: Visitor, **typed: str) -> Page:
    return await visitor.send(await visitor.open(PAGE), PAGE, **typed)


async def test_the_page_shows_what_holds_and_saving_it_untouched_changes_nothing(house: PortalHouse) -> None:
    visitor = await own(house)
    page = await visitor.open(PAGE)
    form = page.form(PAGE)
    assert form.values["severities.offline"] == ""
    assert form.values["thermostat.alarm_after_s"] == "120"
    (device,) = await house.records.find(Device)
    before = whole_settings(device.desired, model_of(device.model))
    assert "Saved" in (await save(visitor)).words
    assert whole_settings(await desired(house), model_of(device.model)) == before


async def test_what_is_typed_is_what_holds(house: PortalHouse) -> None:
    visitor = await own(house)
    typed = {
        "severities.offline": "critical",
        "severities.restarted": "info",
        "repeat_s.critical": "7,5",
        "signal.low_dbm": "\N{MINUS SIGN}105",
        "credit.low": "5",
        "thermostat.enabled": "on",
        "thermostat.on_c": "6",
        "thermostat.off_c": "9",
        "thermostat.alarm_after_s": "60",
    }
    page = await save(visitor, **typed)
    assert (page.status, "Saved" in page.words) == (200, True)
    kept = await desired(house)
    assert kept["severities"] == {"offline": "critical", "restarted": "info"}
    assert kept["repeat_s"] == {"critical": 450, "major": None, "minor": None}
    assert (kept["signal"]["low_dbm"], kept["signal"]["low_pct"], kept["credit"]) == (-105, None, {"low": 5})
    thermostat = {"enabled": True, "mode": "heat", "on_c": 6, "off_c": 9, "alarm_after_s": 3600}
    assert kept["thermostat"] == thermostat
    shown = (await visitor.open(PAGE)).form(PAGE).values
    assert {name: shown[name] for name in ("repeat_s.critical", "signal.low_dbm", "credit.low")} == {
        "repeat_s.critical": "7.5",
        "signal.low_dbm": "-105",
        "credit.low": "5",
    }
    await save(visitor, **{"signal.low_dbm": "", "severities.offline": "", "repeat_s.critical": ""})
    kept = await desired(house)
    assert (kept["signal"]["low_dbm"], kept["repeat_s"]["critical"]) == (None, None)
    assert kept["severities"] == {"restarted": "info"}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("repeat_s.major", "2", "From 5 minutes to 7 days, or nothing."),
        ("repeat_s.major", "often", "From 5 minutes to 7 days, or nothing."),
        ("thermostat.alarm_after_s", "9", "From 10 minutes to 7 days, or nothing."),
        ("signal.low_pct", "120", "It must be 99 or less."),
        ("credit.low", "much", "A number is needed."),
    ],
)
@pytest.mark.parametrize("button", ["", "1"])
async def test_what_cannot_be_is_said_at_its_field_and_what_was_typed_stays(
    house: PortalHouse, name: str, value: str, said: str, button: str
) -> None:
    visitor = await own(house)
    page = await save(visitor, **{name: value, "replay": button})
    assert (page.status, said in page.said_at(name)) == (422, True)
    assert page.form(PAGE).values[name] == value
    assert await desired(house) == {}
    assert await house.records.count(Replay) == 0


async def test_a_thermostat_that_contradicts_itself_is_told_so(house: PortalHouse) -> None:
    page = await save(await own(house), **{"thermostat.on_c": "9", "thermostat.off_c": "6"})
    assert (page.status, "To heat, it must go on at a lower temperature than off" in page.words) == (422, True)
    assert page.focused == ["thermostat-more"]


async def test_last_month_is_shown_as_it_would_have_been_and_nothing_is_changed(house: PortalHouse) -> None:
    visitor = await own(house)
    for seq, signal in enumerate((60, 10, 10, 60), start=1):
        await report(house, seq, mains=True, signal_pct=signal)
        await house.clock.advance(1800)
    page = await save(visitor, **{"signal.low_pct": "20", "severities.signal_low": "major", "replay": "1"})
    assert "The reports are being judged" in page.words
    assert await desired(house) == {}
    replayer = Replayer(records=house.records, telemetry=house.telemetry, clock=house.clock)
    while await replayer.step():
        pass
    page = await visitor.open(page.path)
    assert "4 reports were judged. There would have been 1 alarm, and people would have been told of 1." in page.words
    assert "The mobile signal is weak major" in page.words
    assert (await house.records.find(Replay))[0].settings["signal"]["low_pct"] == 20


async def test_a_replay_of_too_much_says_what_to_do(house: PortalHouse) -> None:
    visitor = await own(house)
    page = await save(visitor, replay="1")
    await house.records.change_all(Replay, state="failed", error="too_many_reports")
    assert "ask for less time by the API" in (await visitor.open(page.path)).words


async def test_another_customer_s_pages_are_not_there(house: PortalHouse) -> None:
    visitor = await own(house)
    answer = await save(visitor, replay="1")
    await house.records.change_all(Device, owner_id="acc_somebody_else")
    assert [(await visitor.open(path)).status for path in (PAGE, answer.path)] == [404, 404]
