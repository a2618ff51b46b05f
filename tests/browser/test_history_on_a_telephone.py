"""The past of a socket on a narrow telephone: its pictures have words that can be read, its table whole ones."""

import json
from datetime import timedelta
from pathlib import Path

from isocket.domain.devices import Device
from isocket.domain.reports import ClockQuality, Report, ReportKind
from isocket.kit.clock import to_ms
from isocket.storage.port import is_
from portal_api.portal import Portal
from tests.browser.chromium import IN_A_BROWSER, Tab, chromium_tab
from tests.browser.test_journey import DEVICE, MAIJA, portal  # noqa: F401 - a fixture

NARROW = 360
READABLE_PX = 8.5
# How high the letters of a picture are on the screen: of each word its font's size, as the picture is scaled.
LETTERS = """[...document.querySelectorAll("svg.chart text")].map((each) =>
  parseFloat(getComputedStyle(each).fontSize) * each.getScreenCTM().a)"""
# The words of the table that stand on more than one line.
BROKEN = """(() => {
  const walker = document.createTreeWalker(document.querySelector("table"), NodeFilter.SHOW_TEXT), broken = [];
  for (let node; (node = walker.nextNode()); ) {
    for (const word of node.data.matchAll(/\\S+/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (range.getClientRects().length > 1) broken.push(word[0]);
    }
  }
  return broken;
})()"""

pytestmark = IN_A_BROWSER


async def four_thermometers(portal: Portal) -> None:  # noqa: F811
    """Let the socket tell of a morning, an hour ago and before."""
    now = portal.clock.now()
    await portal.records.change_one(Device, is_("id", DEVICE), owner_id="acc_1", name="Freezer", claimed_at=now)
    fields = {"mains": False, "temp_c": [-18.25, 21.5, 4.0, -120.5], "battery_pct": 61.5}
    told = [
        Report(DEVICE, ReportKind.STATE, 1, seq, at_ms, at_ms, ClockQuality.DEVICE, json.dumps(fields), fields)
        for seq, at_ms in enumerate((to_ms(now - timedelta(hours=2)), to_ms(now - timedelta(hours=1))), start=1)
    ]
    await portal.telemetry.store(told)


async def open_history(portal: Portal, tab: Tab) -> None:  # noqa: F811
    """Sign in on a telephone and look at a week of it, with the table opened."""
    await tab.be_wide(NARROW)
    await tab.open(portal.settings.link("/"))
    await tab.sign_in(MAIJA)
    await tab.open(portal.settings.link(f"/devices/{DEVICE}/history?span=week"))
    await tab.value("document.querySelector('details').open = true")


async def test_the_words_of_a_picture_and_the_numbers_of_a_table_can_be_read_on_a_telephone(
    portal: Portal,  # noqa: F811
    tmp_path: Path,
) -> None:
    await four_thermometers(portal)
    async with chromium_tab(tmp_path) as tab:
        await open_history(portal, tab)
        letters = await tab.value(LETTERS)
        assert letters
        assert min(letters) >= READABLE_PX
        assert await tab.value(BROKEN) == []
        assert await tab.value("document.documentElement.scrollWidth") <= NARROW
