"""Makes the pictures in `docs/` anew: `make pictures`. What they show is a real portal and what alerts really did."""

import asyncio
import tempfile
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import unused_port
from prometheus_client import CollectorRegistry

from isocket.domain.accounts import Account
from isocket.domain.incidents import Incident
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.port import is_
from isocket.storage.wakeups import Wakeups
from portal_api.app import ROUTES, portal_app
from portal_api.pages_routes import page_routes
from portal_api.passwords import Passwords
from portal_api.portal import PortalSettings
from portal_api.routes import Surface
from tests.browser.chromium import chromium_tab
from tests.fakes.alert_house import ACCOUNT
from tests.fakes.portal_house import PASSWORD, PEPPER
from tests.fakes.stand_ins import stand_ins
from tests.fakes.told_story import INCIDENT, ToldHouse, power_cut, power_is_back

DOCS = Path(__file__).parents[2] / "docs"
WIDTH = 820


async def timeline(file: Path) -> None:
    """Write the page of an incident from its alarm to its end."""
    house = ToldHouse()
    await power_cut(house)
    await power_is_back(house)
    wakeups, passwords, port = Wakeups(), Passwords(pepper=PEPPER, cost=10), unused_port()
    await house.records.change_one(
        Account, is_("id", ACCOUNT), password_hash=await passwords.hash(PASSWORD), time_zone="Europe/Helsinki"
    )
    app = portal_app(
        records=house.records,
        telemetry=MemoryTelemetry(wakeups=wakeups, clock=house.clock),
        clock=house.clock,
        wakeups=wakeups,
        passwords=passwords,
        limits_key=PEPPER,
        settings=PortalSettings(public_url=f"http://127.0.0.1:{port}"),
        registry=CollectorRegistry(),
        **stand_ins(),
        routes=(*(each for each in ROUTES if each.surface is Surface.API), *page_routes(desk=False)),
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    account, incident = await house.records.get(Account, ACCOUNT), await house.records.get(Incident, INCIDENT)
    assert account is not None
    assert incident is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        async with chromium_tab(Path(folder)) as tab:
            await tab.be_wide(WIDTH)
            await tab.call("Emulation.setScrollbarsHidden", hidden=True)
            await tab.open(f"http://127.0.0.1:{port}/")
            await tab.sign_in(account.email)
            await tab.open(f"http://127.0.0.1:{port}/incidents/{incident.id}")
            await tab.picture(file)
    await runner.cleanup()
    passwords.close()


if __name__ == "__main__":
    asyncio.run(timeline(DOCS / "timeline.png"))
