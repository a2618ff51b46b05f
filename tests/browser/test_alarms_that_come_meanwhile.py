"""An alarm that comes while somebody reads the overview: it takes no other's place under their finger, and is heard."""

import itertools
from datetime import datetime, timedelta
from pathlib import Path

from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Incident, IncidentState, Severity
from isocket.storage.port import is_
from portal_api.portal import Portal
from tests.browser.chromium import IN_A_BROWSER, Tab, chromium_tab
from tests.browser.test_journey import DEVICE, MAIJA, hear, portal  # noqa: F401 - a fixture

SHOWN = "document.querySelectorAll('article.trouble').length"
# Notes what comes into the region that is read aloud, as a reader of screens does who was told to read what is added.
LISTEN = """(() => {
  const region = document.querySelector("[aria-live=polite][aria-relevant=additions]");
  window.heard = [];
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const each of addedNodes) window.heard.push(each.textContent);
  }).observe(region, { childList: true, subtree: true });
})()"""

SLOW_MS = 200
# Lets each answer take long, and notes when it was asked for.
SLOWLY = f"""(() => {{
  const usual = window.fetch;
  window.began = [];
  window.fetch = async (...asked) => {{
    window.began.push(performance.now());
    await new Promise((done) => setTimeout(done, {SLOW_MS}));
    return usual(...asked);
  }};
}})()"""

pytestmark = IN_A_BROWSER


async def alarm(portal: Portal, number: int, cause: Cause, at: datetime) -> None:  # noqa: F811
    made = {"severity": Severity.CRITICAL, "opened_at": at, "detected_at": at}
    await portal.records.add(Incident(id=f"inc_{number}", account_id="acc_1", device_id=DEVICE, cause=cause, **made))


async def on_the_overview_of_an_alarm(portal: Portal, tab: Tab) -> datetime:  # noqa: F811
    """Sign in where one alarm is open, some hours old; return now."""
    now = portal.clock.now()
    await portal.records.change_one(Device, is_("id", DEVICE), owner_id="acc_1", name="Freezer", claimed_at=now)
    await alarm(portal, 1, Cause.BATTERY_LOW, now - timedelta(hours=3))
    await tab.open(portal.settings.link("/"))
    await tab.sign_in(MAIJA)
    await tab.until(f"{SHOWN} === 1")
    return now


async def press_enter(tab: Tab) -> None:
    """Press the key on whatever has the focus."""
    for kind in ("keyDown", "keyUp"):
        await tab.call(
            "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r"
        )


async def test_the_button_that_has_the_focus_acknowledges_what_it_did_before_another_alarm_came(
    portal: Portal,  # noqa: F811
    tmp_path: Path,
) -> None:
    async with chromium_tab(tmp_path) as tab:
        now = await on_the_overview_of_an_alarm(portal, tab)
        await tab.value("document.querySelector('article.trouble button').focus()")
        await alarm(portal, 2, Cause.TEMP_HIGH, now)
        await tab.until(f"{SHOWN} === 2")
        await press_enter(tab)
        await tab.until(f"{SHOWN} === 1 && location.search === '?said=acknowledged'")
    states = {each.id: each.state for each in await portal.records.find(Incident)}
    assert states == {"inc_1": IncidentState.ACKNOWLEDGED, "inc_2": IncidentState.OPEN}


async def test_a_reader_of_screens_hears_the_alarm_that_came_and_no_other(
    portal: Portal,  # noqa: F811
    tmp_path: Path,
) -> None:
    async with chromium_tab(tmp_path) as tab:
        now = await on_the_overview_of_an_alarm(portal, tab)
        await tab.value(LISTEN)
        await alarm(portal, 2, Cause.TEMP_HIGH, now)
        await tab.until(f"{SHOWN} === 2")
        heard = " ".join(await tab.value("window.heard"))
    assert "Too warm" in heard
    assert "The battery is low" not in heard


async def test_a_page_whose_answer_takes_long_is_asked_for_less_often_however_much_happens(
    portal: Portal,  # noqa: F811
    tmp_path: Path,
) -> None:
    async with chromium_tab(tmp_path) as tab:
        await on_the_overview_of_an_alarm(portal, tab)
        await tab.value(SLOWLY)
        for seq in itertools.count(1):
            await hear(portal, seq, mains=True)
            began = await tab.value("window.began")
            if (
                len(began) > 4
            ):  # the first may be asked for before it is known how long it takes, and the next beside it
                break
    assert all(after - before > 3 * SLOW_MS for before, after in itertools.pairwise(began[2:]))
