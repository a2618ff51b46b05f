"""Notifications in a real Chromium: adding this device on the page, and what our own script does with a message."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port
from prometheus_client import CollectorRegistry

from alerts.push_hooks import routes as push_routes
from isocket.domain.accounts import Account
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Attempt, Delivery, DeliveryKind, Receipt
from isocket.domain.endpoint_letters import Take, push_body
from isocket.domain.endpoints import Endpoint
from isocket.domain.greetings import new_endpoint, write_subscription
from isocket.domain.incidents import Cause, Incident, IncidentState, Severity
from isocket.kit.clock import SystemClock
from isocket.kit.ids import token_hash
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.port import is_
from isocket.storage.records import StoredRecords
from isocket.storage.wakeups import Wakeups
from portal_api.app import ROUTES, portal_app
from portal_api.device_routes import DEVICE_ROUTES
from portal_api.pages_routes import page_routes
from portal_api.passwords import Passwords
from portal_api.portal import PORTAL, Portal, PortalSettings
from tests.browser.chromium import IN_A_BROWSER, Tab, chromium_tab
from tests.fakes.portal_house import PASSWORD, PEPPER
from tests.fakes.stand_ins import stand_ins
from tests.fakes.web_receiver import PushService

MAIJA = "maija@example.org"
PAGE = "/contacts/con_1/endpoints"
TOKEN = "t" * 43
KEY = "BFu2vvLvLPhPk3r9xCq1O0zW2nNcxTEpS0DYq6ao2rtDrG1qf9AOS9S7l8mHmJfPzFw1E7ifRrjXxMDKbMBBL6M"

pytestmark = IN_A_BROWSER


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """A portal with the hooks of alerts, and a customer with a contact and an open incident."""

    portal: Portal

    @property
    def origin(self) -> str:
        return self.portal.settings.origin

    async def incident(self) -> Incident:
        found = await self.portal.records.get(Incident, "inc_1")
        assert found is not None
        return found


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    clock, wakeups, passwords = SystemClock(), Wakeups(), Passwords(pepper=PEPPER, cost=10)
    records, port = StoredRecords(MemoryDocuments(), wakeups), unused_port()
    public_url = f"http://127.0.0.1:{port}"
    app = portal_app(
        records=records,
        telemetry=MemoryTelemetry(wakeups=wakeups, clock=clock),
        clock=clock,
        wakeups=wakeups,
        passwords=passwords,
        limits_key=PEPPER,
        settings=PortalSettings(public_url=public_url, push_key=KEY),
        registry=CollectorRegistry(),
        **stand_ins(),
        routes=(*ROUTES, *DEVICE_ROUTES, *page_routes(desk=False)),
        extra_routes=push_routes(records=records, clock=clock, public_url=public_url),
    )
    now = clock.now()
    contact = Contact(id="con_1", account_id="acc_1", name="Maija", email=MAIJA, created_at=now, is_owner=True)
    keys = PushService().subscribe("here", origin="https://push.example.org")
    address = write_subscription(keys["endpoint"], **keys["keys"])
    await records.add_all(
        [
            Account(id="acc_1", email=MAIJA, password_hash=await passwords.hash(PASSWORD), created_at=now),
            contact,
            new_endpoint(contact, ChannelKind.PUSH, address, label="Other", now=now),
            Incident(
                id="inc_1", account_id="acc_1", device_id="is00000001", cause=Cause.MAINS_LOST,
                severity=Severity.CRITICAL, opened_at=now, detected_at=now,
            ),
        ]
    )  # fmt: skip
    (endpoint,) = await records.find(Endpoint)
    await records.add_all(
        [
            Delivery(
                id="dlv_1", account_id="acc_1", person_id="con_1", contact_id="con_1", incident_id="inc_1",
                kind=DeliveryKind.ALARM, channel=ChannelKind.PUSH, address=endpoint.id, text="{}",
                link_hash=token_hash(TOKEN), created_at=now, due_at=now,
            ),
            Attempt(
                id="att_1", delivery_id="dlv_1", account_id="acc_1", person_id="con_1", number=1,
                provider="web_push", started_at=now,
            ),
        ]
    )  # fmt: skip
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield Cloud(portal=app[PORTAL])
    await runner.cleanup()
    passwords.close()


async def on_the_page(tab: Tab, cloud: Cloud) -> None:
    """Sign in, let notifications be shown, and go to the page with the offer."""
    await tab.call("Browser.grantPermissions", origin=cloud.origin, permissions=["notifications"])
    await tab.open(f"{cloud.origin}/login")
    await tab.sign_in(MAIJA)
    await tab.open(f"{cloud.origin}{PAGE}")
    await tab.until("!document.querySelector('[data-push]').hidden")


async def test_a_press_on_the_offer_adds_this_browser(cloud: Cloud, tmp_path: Path) -> None:
    fresh = json.dumps(PushService().subscribe("this", origin="https://push.example.org"))
    async with chromium_tab(tmp_path) as tab:
        await on_the_page(tab, cloud)
        # The push service of the browser's maker is not asked: it would need the internet.
        await tab.value(
            "PushManager.prototype.subscribe = async (wish) => "
            f"{{ window.wish = wish; return {{ toJSON: () => ({fresh}) }} }}"
        )
        await tab.press("[data-push] button", "document.querySelector('[data-push-said]').innerText")
        assert "should appear now" in await tab.text()
        assert await tab.value("[wish.userVisibleOnly, wish.applicationServerKey.length]") == [True, 65]
        assert tab.complaints == []
    added = [each for each in await cloud.portal.records.find(Endpoint) if each.label != "Other"]
    assert [(each.kind, each.contact_id, each.verified_at) for each in added] == [(ChannelKind.PUSH, "con_1", None)]
    assert [each.address for each in await cloud.portal.records.find(Delivery) if each.kind is DeliveryKind.CODE] == [
        added[0].id
    ]


async def test_a_browser_that_will_not_show_anything_is_told_so(cloud: Cloud, tmp_path: Path) -> None:
    async with chromium_tab(tmp_path) as tab:
        await on_the_page(tab, cloud)
        await tab.value("Notification.requestPermission = async () => 'denied'")
        await tab.press("[data-push] button", "document.querySelector('[data-push-said]').innerText")
        assert "does not allow" in await tab.text()
    assert await cloud.portal.records.count(Endpoint) == 1


async def test_a_message_is_shown_and_its_button_takes_it(cloud: Cloud, tmp_path: Path) -> None:
    take = Take(label="I'll take it", done="You have taken it.", over="It was over.", failed="That did not work.")
    message = push_body(
        title="Mökki: mains power is out",
        body="Began: 14:00",
        language="en",
        tag="inc_1",
        token=TOKEN,
        opens="/incidents",
        take=take,
    )
    async with chromium_tab(tmp_path) as tab:
        await on_the_page(tab, cloud)
        await tab.call("ServiceWorker.enable")
        await tab.value(
            "navigator.serviceWorker.register('/static/push-worker.js')"
            ".then((made) => { window.made = made; return null })"
        )
        await tab.until("made.active && made.active.state === 'activated'")
        registration = tab.heard["ServiceWorker.workerRegistrationUpdated"]["registrations"][-1]["registrationId"]
        await tab.call(
            "ServiceWorker.deliverPushMessage", origin=cloud.origin, registrationId=registration, data=message
        )
        await _until(cloud, Receipt)
        assert await _shown(tab) == [
            {"title": "Mökki: mains power is out", "body": "Began: 14:00", "tag": "inc_1"},
        ]
        assert (await cloud.incident()).state is IncidentState.OPEN  # being shown acknowledges nothing
        async with tab.worker() as worker:
            await worker.value(
                "(async () => {"
                " const show = self.registration.showNotification.bind(self.registration);"
                " const answered = new Promise((done) => {"
                "  self.registration.showNotification = (...said) => show(...said).then(done) });"
                " const [there] = await self.registration.getNotifications();"
                " const press = { notification: there, action: 'take' };"
                " self.dispatchEvent(new NotificationEvent('notificationclick', press));"
                " await answered })()"
            )
        assert [(each["body"], each["tag"]) for each in await _shown(tab)] == [("You have taken it.", "inc_1")]
    incident = await cloud.incident()
    assert (incident.state, incident.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "con_1 push")


async def test_the_page_with_a_new_secret_keeps_itself_up_to_date_and_a_reload_makes_no_other(
    cloud: Cloud, tmp_path: Path
) -> None:
    records = cloud.portal.records
    contact = await records.get(Contact, "con_1")
    assert contact is not None
    url, now = "https://hooks.example.org/alarm", cloud.portal.clock.now()
    program = new_endpoint(contact, ChannelKind.WEBHOOK, url, label="Home", now=now)
    await records.add(program)
    async with chromium_tab(tmp_path) as tab:
        await on_the_page(tab, cloud)
        await tab.press(f"form[action='{PAGE}/{program.id}/secret'] button", "document.querySelector('.note code')")
        changed = await records.get(Endpoint, program.id)
        assert changed is not None
        assert changed.secret in await tab.text()
        await records.change_one(Endpoint, is_("id", program.id), verified_at=now)
        await tab.until(f"document.getElementById('{program.id}').innerText.includes('Verified')")
        assert "cannot reach" not in await tab.text()
        assert changed.secret in await tab.text()
        await tab.call("Page.reload")
        await tab.until("document.readyState === 'complete' && !document.querySelector('.note code')")
        assert tab.complaints == []
    assert ((await records.get(Endpoint, program.id)) or program).secret == changed.secret


async def _shown(tab: Tab) -> list[dict[str, Any]]:
    """Return the notifications that are shown.

    To be asked once showing has ended: Chromium forgets what it is asked for after storing and before showing it.
    """
    found: list[dict[str, Any]] = await tab.value(
        "made.getNotifications().then((all) => all.map(({ title, body, tag }) => ({ title, body, tag })))"
    )
    return found


async def _until(cloud: Cloud, kind: type[Receipt]) -> None:
    bell = cloud.portal.wakeups.bell(kind.collection)
    while not await cloud.portal.records.count(kind):
        await bell.wait(cloud.portal.clock, 1.0)
