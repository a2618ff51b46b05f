"""A journey in a real Chromium: what only a browser knows, such as the origin it gives a form, and our scripts."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port
from prometheus_client import CollectorRegistry

from alerts.dispatcher import Dispatcher
from alerts.escalation import Escalator
from alerts.providers import Providers
from isocket.domain.accounts import Account
from isocket.domain.commands import Command
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Incident, IncidentState, Severity
from isocket.domain.reports import ClockQuality, Report, ReportKind
from isocket.domain.secrets import claim_hash
from isocket.kit.clock import SystemClock, to_ms
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.port import is_
from isocket.storage.records import StoredRecords
from isocket.storage.wakeups import Wakeups
from portal_api.app import ROUTES, portal_app
from portal_api.events import ROUTES as EVENTS
from portal_api.pages_routes import page_routes
from portal_api.passwords import Passwords
from portal_api.portal import PORTAL, Portal, PortalSettings
from portal_api.routes import Surface
from tests.browser.chromium import IN_A_BROWSER, chromium_tab
from tests.fakes.alert_house import RecordingChannel
from tests.fakes.patience import until
from tests.fakes.portal_house import PASSWORD, PEPPER
from tests.fakes.stand_ins import stand_ins

MAIJA = "maija@example.org"
DEVICE, CODE = "is00000001", "7H3K-9QXM-2D4V-RT8W"

pytestmark = IN_A_BROWSER


@pytest.fixture
async def portal() -> AsyncIterator[Portal]:
    """Run a portal on a port of its own, whose public address is where it listens."""
    clock, wakeups, passwords = SystemClock(), Wakeups(), Passwords(pepper=PEPPER, cost=10)
    records, port = StoredRecords(MemoryDocuments(), wakeups), unused_port()
    app = portal_app(
        records=records,
        telemetry=MemoryTelemetry(wakeups=wakeups, clock=clock),
        clock=clock,
        wakeups=wakeups,
        passwords=passwords,
        limits_key=PEPPER,
        settings=PortalSettings(public_url=f"http://127.0.0.1:{port}"),
        registry=CollectorRegistry(),
        **stand_ins(),
        routes=(*(each for each in ROUTES if each.surface is Surface.API), *EVENTS, *page_routes(desk=True)),
    )
    now = clock.now()
    await records.add_all(
        [
            Account(id="acc_1", email=MAIJA, password_hash=await passwords.hash(PASSWORD), created_at=now),
            Device(id=DEVICE, model="isocket-4g", secret_hash="x", claim_hash=claim_hash(CODE), provisioned_at=now),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield app[PORTAL]
    await runner.cleanup()
    passwords.close()


async def hear(portal: Portal, seq: int, **fields: object) -> None:
    now = portal.clock.now()
    report = Report(
        DEVICE, ReportKind.STATE, 1, seq, to_ms(now), to_ms(now), ClockQuality.DEVICE, json.dumps(fields), fields
    )
    await portal.telemetry.store([report])
    await portal.telemetry.note_presence(DEVICE, online=True, at=now)


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
async def test_forms_work_from_signing_in_to_acknowledging(portal: Portal, tmp_path: Path, script: bool) -> None:
    async with chromium_tab(tmp_path, script=script) as tab:
        await tab.open(portal.settings.link("/"))
        await tab.sign_in(MAIJA)
        await tab.type_in("device_id", DEVICE)
        await tab.type_in("claim_code", CODE)
        await tab.type_in("name", "Summer house")
        await tab.press(".claim button.main", "location.search === '?said=claimed'")
        await tab.press(f"#{DEVICE} button[value=on]", "document.body.innerText.includes('waiting to be sent')")
        assert await portal.records.count(Command, is_("device_id", DEVICE)) == 1
        now = portal.clock.now()
        await portal.records.add(
            Incident(
                id="inc_1",
                account_id="acc_1",
                device_id=DEVICE,
                cause=Cause.MAINS_LOST,
                severity=Severity.CRITICAL,
                opened_at=now,
                detected_at=now,
            )
        )
        await tab.open(portal.settings.link("/incidents/inc_1"))
        await tab.press("main button.main", "location.search === '?said=acknowledged'")
        assert tab.complaints == []
    incident = await portal.records.get(Incident, "inc_1")
    assert incident is not None
    assert incident.state is IncidentState.ACKNOWLEDGED


# Sends a form twice in one turn, or with something `between`; says of each sending whether it was let through.
SENT_TWICE = """(between) => {
  const form = document.querySelector("main form[method=post]"), buttons = form.querySelectorAll("button"), sent = [];
  addEventListener("submit", (event) => { sent.push(!event.defaultPrevented); event.preventDefault(); });
  for (const each of form.querySelectorAll("input:not([type=hidden])")) each.value = "something";
  form.requestSubmit(buttons[0]);
  between(form);
  form.requestSubmit(buttons[buttons.length - 1]);
  return sent;
}"""


@pytest.mark.parametrize("path", ["/contacts", "/people"])
@pytest.mark.parametrize(
    ("between", "sent"),
    [
        ("() => {}", [True, False]),
        ("(form) => { form.elements[form.elements.length - 2].value = 'something else'; }", [True, True]),
        ("() => { const later = performance.now() + 60000; performance.now = () => later; }", [True, True]),
        ("() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))", [True, True]),
    ],
    ids=["a double click", "something else typed", "a minute later", "back on the page"],
)
async def test_a_form_is_sent_once_by_a_double_click(
    portal: Portal, tmp_path: Path, path: str, between: str, sent: list[bool]
) -> None:
    async with chromium_tab(tmp_path) as tab:
        await tab.open(portal.settings.link("/"))
        await tab.sign_in(MAIJA)
        await tab.open(portal.settings.link(path))
        assert await tab.value(f"({SENT_TWICE})({between})") == sent
        assert tab.complaints == []


async def test_another_button_of_the_same_form_is_another_sending(portal: Portal, tmp_path: Path) -> None:
    await portal.records.change_one(Device, is_("id", DEVICE), owner_id="acc_1", name="Summer house")
    async with chromium_tab(tmp_path) as tab:
        await tab.open(portal.settings.link("/"))
        await tab.sign_in(MAIJA)
        assert await tab.value(f"({SENT_TWICE})(() => {{}})") == [True, True]  # on, and then off after all


async def test_the_overview_follows_what_happens_and_leaves_alone_what_one_types(
    portal: Portal, tmp_path: Path
) -> None:
    await portal.records.change_one(Device, is_("id", DEVICE), owner_id="acc_1", name="Summer house")
    await hear(portal, 1, mains=True)
    async with chromium_tab(tmp_path) as tab:
        await tab.open(portal.settings.link("/"))
        await tab.sign_in(MAIJA)
        await tab.value("document.querySelector('details.claim').open = true")
        await tab.type_in("device_id", "half of an id")
        await until(lambda: portal.registry.get_sample_value("isocket_event_streams") == 1)  # the page listens
        await hear(portal, 2, mains=False)
        await tab.until(f"document.getElementById('{DEVICE}').innerText.match(/Mains\\s+out/)")
        assert await tab.value("document.activeElement.value") == "half of an id"
        assert await tab.value("document.querySelector('details.claim').open")
        assert tab.complaints == []


async def test_the_page_of_a_test_alarm_follows_each_message_to_each_person(portal: Portal, tmp_path: Path) -> None:
    now = portal.clock.now()
    await portal.records.change_one(Device, is_("id", DEVICE), owner_id="acc_1", name="Summer house")
    await portal.records.add(
        Contact(
            id="con_1",
            account_id="acc_1",
            name="Bertil",
            phone="+447700900123",
            phone_verified_at=now,
            created_at=now,
        )
    )
    channel = RecordingChannel(ChannelKind.SMS)
    parts: dict[str, Any] = {
        "records": portal.records,
        "clock": portal.clock,
        "public_url": portal.settings.public_url,
    }
    async with chromium_tab(tmp_path) as tab:
        await tab.open(portal.settings.link("/"))
        await tab.sign_in(MAIJA)
        await tab.open(portal.settings.link(f"/devices/{DEVICE}"))
        await tab.press("form[action$=test-alarm] button", "document.title.startsWith('Test alarm')")
        await Escalator(**parts).step()
        await tab.until("document.querySelector('.told')?.innerText.includes('waiting')")
        providers = Providers({ChannelKind.SMS: channel}, records=portal.records, clock=portal.clock)
        await Dispatcher(**parts, providers=providers).step()
        await tab.until("document.querySelector('.told')?.innerText.match(/handed over/)")
        assert "Bertil" in await tab.text()
        assert tab.complaints == []
    assert len(channel.accepted) == 1
