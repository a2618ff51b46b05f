"""A page that cannot be kept up to date says so where its reader looks, and not only at its end."""

from pathlib import Path

from isocket.domain.devices import Device
from portal_api.portal import Portal
from tests.browser.chromium import IN_A_BROWSER, Tab, chromium_tab
from tests.browser.test_journey import MAIJA, portal  # noqa: F401 - a fixture

SOCKETS = 12
SAID = """(() => {
  const said = document.querySelector("[data-live-lost]"), { top, bottom } = said.getBoundingClientRect();
  return said.checkVisibility() && top >= 0 && bottom <= innerHeight && said.innerText.includes("may be old");
})()"""
LOOK_AGAIN = "document.dispatchEvent(new Event('visibilitychange'))"

pytestmark = IN_A_BROWSER


async def network(tab: Tab, *, there: bool) -> None:
    """Take the network away from the tab, or give it back, and have the page ask at once."""
    await tab.call(
        "Network.emulateNetworkConditions", offline=not there, latency=0, downloadThroughput=-1, uploadThroughput=-1
    )
    await tab.value(LOOK_AGAIN)


async def test_the_overview_says_in_sight_of_whoever_reads_that_it_may_be_old_until_it_is_not(
    portal: Portal,  # noqa: F811
    tmp_path: Path,
) -> None:
    now = portal.clock.now()
    made = {"model": "isocket-4g", "secret_hash": "x", "claim_hash": "x", "provisioned_at": now}
    await portal.records.add_all(
        [Device(id=f"is0000001{each:03d}", owner_id="acc_1", claimed_at=now, **made) for each in range(SOCKETS)]
    )
    async with chromium_tab(tmp_path) as tab:
        await tab.call("Network.enable")
        await tab.open(portal.settings.link("/"))
        await tab.sign_in(MAIJA)
        await tab.until("document.querySelector('[data-live-state]').innerText.includes('up to date')")
        assert not await tab.value(SAID)
        await network(tab, there=False)
        await tab.until(SAID)
        assert "up to date" not in await tab.text()
        await tab.value("scrollTo(0, document.body.scrollHeight)")
        assert await tab.value("scrollY > 0")
        assert await tab.value(SAID)
        await network(tab, there=True)
        await tab.until(f"!{SAID}")
        assert "up to date" in await tab.text()
