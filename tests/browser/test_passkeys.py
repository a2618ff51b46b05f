"""Passkeys in a real Chromium with an authenticator of its own: made on the page, signed in with, shown as a proof."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port
from prometheus_client import CollectorRegistry

from isocket.domain.accounts import Account
from isocket.domain.factors import Passkey
from isocket.storage.memory import MemoryDocuments
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.records import StoredRecords
from isocket.storage.wakeups import Wakeups
from portal_api.app import ROUTES, portal_app
from portal_api.device_routes import DEVICE_ROUTES
from portal_api.pages_routes import page_routes
from portal_api.passwords import Passwords
from portal_api.portal import PORTAL, Portal, PortalSettings
from tests.browser.chromium import IN_A_BROWSER, chromium_tab
from tests.fakes.clock import ManualClock
from tests.fakes.portal_house import PASSWORD, PEPPER
from tests.fakes.stand_ins import stand_ins

MAIJA = "maija@example.org"

pytestmark = IN_A_BROWSER


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """A portal and a customer, under a name for which browsers make passkeys."""

    portal: Portal
    clock: ManualClock

    @property
    def origin(self) -> str:
        return self.portal.settings.origin


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    clock, wakeups, passwords = ManualClock(), Wakeups(), Passwords(pepper=PEPPER, cost=10)
    records, port = StoredRecords(MemoryDocuments(), wakeups), unused_port()
    app = portal_app(
        records=records,
        telemetry=MemoryTelemetry(wakeups=wakeups, clock=clock),
        clock=clock,
        wakeups=wakeups,
        passwords=passwords,
        limits_key=PEPPER,
        settings=PortalSettings(public_url=f"http://localhost:{port}"),
        registry=CollectorRegistry(),
        **stand_ins(),
        routes=(*ROUTES, *DEVICE_ROUTES, *page_routes(desk=False)),
    )
    hashed = await passwords.hash(PASSWORD)
    await records.add(Account(id="acc_1", email=MAIJA, password_hash=hashed, created_at=clock.now()))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield Cloud(portal=app[PORTAL], clock=clock)
    await runner.cleanup()
    passwords.close()


async def test_a_passkey_is_made_signs_in_and_proves(cloud: Cloud, tmp_path: Path) -> None:
    async with chromium_tab(tmp_path) as tab:
        await tab.call("WebAuthn.enable")
        await tab.call(
            "WebAuthn.addVirtualAuthenticator",
            options={
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            },
        )
        await tab.open(f"{cloud.origin}/login?next=/security")
        await tab.type_in("username", MAIJA)
        await tab.type_in("password", PASSWORD)
        await tab.press("form[action='/login'] button", "location.pathname === '/security'")
        await tab.until("!document.querySelector('form[data-passkey]').hidden")
        await tab.type_in("name", "This computer")
        await tab.press("form[data-passkey] button", "location.pathname === '/security/passkeys'")
        assert "recovery codes" in await tab.text()
        (passkey,) = await cloud.portal.records.find(Passkey)
        assert passkey.name == "This computer"

        await tab.open(f"{cloud.origin}/security")
        await tab.press("form[action='/sign-out'] button", "location.pathname === '/login'")
        await tab.open(f"{cloud.origin}/login?next=/security")
        await tab.until("!document.querySelector('form[data-passkey]').hidden")
        await tab.press("form[data-passkey] button", "location.pathname === '/security'")
        assert "This computer" in await tab.text()

        await cloud.clock.advance(601)
        await tab.press("form[action='/security/recovery-codes'] button", "location.pathname === '/prove'")
        await tab.until("!document.querySelector('form[data-passkey]').hidden")
        await tab.press("form[data-passkey] button", "location.pathname === '/security'")
        await tab.press(
            "form[action='/security/recovery-codes'] button", "location.pathname === '/security/recovery-codes'"
        )
        assert tab.complaints == []
