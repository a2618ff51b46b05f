"""Without scripts, in a real Chromium: what works is there, and what does not says so and is not pressed in vain."""

from pathlib import Path

import pytest

from isocket.domain.devices import Device
from isocket.storage.port import is_
from portal_api.portal import Portal
from tests.browser.chromium import IN_A_BROWSER, chromium_tab
from tests.browser.test_journey import DEVICE, MAIJA, portal  # noqa: F401 - a fixture

STAYS = "Without JavaScript this page stays as it was loaded"
BY_SCRIPT = "[...document.querySelectorAll('form[data-passkey]')].map((each) => each.checkVisibility())"

pytestmark = IN_A_BROWSER


async def test_a_button_that_needs_a_script_is_not_shown_and_the_page_says_what_works(
    portal: Portal,  # noqa: F811
    tmp_path: Path,
) -> None:
    async with chromium_tab(tmp_path, script=False) as tab:
        await tab.open(portal.settings.link("/login"))
        assert await tab.value(BY_SCRIPT) == [False]
        assert "A passkey needs JavaScript. The password works without it." in await tab.text()
        await tab.sign_in(MAIJA)
        await tab.open(portal.settings.link("/security"))
        assert await tab.value(BY_SCRIPT) == [False]
        assert "Adding one needs JavaScript." in await tab.text()


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
async def test_a_page_that_does_not_follow_what_happens_says_so_above_all_else(
    portal: Portal,  # noqa: F811
    tmp_path: Path,
    script: bool,
) -> None:
    await portal.records.change_one(
        Device, is_("id", DEVICE), owner_id="acc_1", name="Freezer", claimed_at=portal.clock.now()
    )
    async with chromium_tab(tmp_path, script=script) as tab:
        await tab.open(portal.settings.link("/"))
        await tab.sign_in(MAIJA)
        for path in ("/", "/incidents", f"/devices/{DEVICE}"):
            await tab.open(portal.settings.link(path))
            text = await tab.value("document.querySelector('main').innerText.trim()")
            assert text.startswith(STAYS) is not script
