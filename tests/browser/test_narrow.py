"""Pages on a narrow telephone, with names of one long word: nothing has to be pushed aside to be read."""

from datetime import timedelta
from pathlib import Path

from isocket.domain.accounts import Account
from isocket.domain.contacts import Contact
from isocket.domain.devices import Device
from isocket.domain.incidents import Cause, Incident, IncidentState, Severity
from isocket.storage.port import is_
from portal_api.portal import Portal
from tests.browser.chromium import IN_A_BROWSER, chromium_tab
from tests.browser.test_journey import DEVICE, MAIJA, portal  # noqa: F401 - a fixture

LONG = "Lentokonesuihkuturbiinimoottoriapumekaanikkoaliupseerioppila"
NARROW = 320  # of a page 1280 wide at 400 %: WCAG 2.2, 1.4.10

# On how many lines each label stands.
LINES = """Object.fromEntries([...document.querySelectorAll("dt")].map((each) => {
  const range = document.createRange();
  range.selectNodeContents(each);
  return [each.textContent, new Set([...range.getClientRects()].map((line) => line.top)).size];
}))"""

IN_SIGHT = "(({top, bottom}) => top < innerHeight && bottom > 0)(document.activeElement.getBoundingClientRect())"

pytestmark = IN_A_BROWSER


async def test_no_page_is_wider_than_a_narrow_telephone(portal: Portal, tmp_path: Path) -> None:  # noqa: F811
    now = portal.clock.now()
    await portal.records.change_one(Device, is_("id", DEVICE), owner_id="acc_1", name=LONG, claimed_at=now)
    told = {"severity": Severity.CRITICAL, "opened_at": now, "detected_at": now}
    await portal.records.add_all(
        [
            Contact(id="con_1", account_id="acc_1", name=LONG * 2, created_at=now, phone="+447700900123"),
            Incident(id="inc_1", account_id="acc_1", device_id=DEVICE, cause=Cause.MAINS_LOST, **told),
        ]
    )
    here = f"/devices/{DEVICE}"
    paths = ["/", "/contacts", "/incidents", "/incidents/inc_1", "/contacts/con_1/choices", "/contacts/con_1/endpoints"]
    paths += [here, *(f"{here}/{each}" for each in ("history", "schedule", "people", "alarms", "ladder"))]
    async with chromium_tab(tmp_path) as tab:
        await tab.be_wide(NARROW)
        await tab.open(portal.settings.link("/"))
        await tab.sign_in(MAIJA)
        widths = {}
        for path in paths:
            await tab.open(portal.settings.link(path))
            widths[path] = await tab.value("document.documentElement.scrollWidth")
    assert {path: width for path, width in widths.items() if width > NARROW} == {}


async def test_no_label_of_an_incident_is_broken_in_two_on_a_narrow_telephone(
    portal: Portal,  # noqa: F811
    tmp_path: Path,
) -> None:
    now = portal.clock.now()
    await portal.records.change_one(Device, is_("id", DEVICE), owner_id="acc_1", name="Freezer", claimed_at=now)
    told = {"severity": Severity.CRITICAL, "opened_at": now, "detected_at": now, "acknowledged_at": now}
    await portal.records.add(
        Incident(
            id="inc_1",
            account_id="acc_1",
            device_id=DEVICE,
            cause=Cause.MAINS_LOST,
            state=IncidentState.ACKNOWLEDGED,
            **told,
        )
    )
    async with chromium_tab(tmp_path) as tab:
        await tab.be_wide(NARROW)
        await tab.open(portal.settings.link("/"))
        await tab.sign_in(MAIJA)
        await tab.open(portal.settings.link("/incidents/inc_1"))
        lines = await tab.value(LINES)
    assert lines["Acknowledged"] == 1
    assert set(lines.values()) == {1}


async def test_of_a_form_that_was_refused_the_first_wrong_field_is_in_sight(
    portal: Portal,  # noqa: F811
    tmp_path: Path,
) -> None:
    now = portal.clock.now()
    await portal.records.add_all(
        [Contact(id=f"con_{n}", account_id="acc_1", name=f"Person {n}", created_at=now) for n in range(40)]
    )
    async with chromium_tab(tmp_path) as tab:
        await tab.be_wide(NARROW)
        await tab.open(portal.settings.link("/"))
        await tab.sign_in(MAIJA)
        await tab.open(portal.settings.link("/contacts"))
        await tab.press("form[action='/contacts'] button", "document.querySelector('[aria-invalid]')")
        await tab.until(f"document.activeElement.name === 'name' && {IN_SIGHT}")
        await tab.type_in("name", "Anna")
        await tab.press("form[action='/contacts'] button", "document.querySelector('#body-more')")
        await tab.until(f"document.activeElement.role === 'group' && {IN_SIGHT}")


async def test_the_button_beside_the_news_of_a_policy_stands_on_one_line(
    portal: Portal,  # noqa: F811
    tmp_path: Path,
) -> None:
    long_ago = portal.clock.now() - timedelta(days=400)
    await portal.records.change_one(Account, is_("id", "acc_1"), created_at=long_ago)
    async with chromium_tab(tmp_path) as tab:
        await tab.be_wide(NARROW)
        await tab.open(portal.settings.link("/"))
        await tab.sign_in(MAIJA)
        lines = await tab.value(LINES.replace('"dt"', "\"form[action='/policy-seen'] button\""))
    assert lines == {"I have seen it": 1}
