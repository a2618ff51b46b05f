"""What cannot be undone is not done by one press in a real Chromium: a slip of the finger costs nobody their alarms."""

from datetime import timedelta
from pathlib import Path

import pytest

from isocket.domain.api_tokens import ApiToken, Scope
from isocket.domain.contacts import Contact
from isocket.domain.devices import Device
from isocket.domain.shares import Share, ShareRole
from isocket.storage.port import is_
from portal_api.portal import Portal
from tests.browser.chromium import IN_A_BROWSER, Tab, chromium_tab
from tests.browser.test_journey import DEVICE, MAIJA, portal  # noqa: F401 - a fixture

PEOPLE = f"/devices/{DEVICE}/people"

pytestmark = IN_A_BROWSER


async def two_presses(tab: Tab, action: str, told: str, done: str) -> None:
    """Press what removes something once, and see that it asks; then once more, and see that it is done."""
    button = f"form[action='{action}'] button"
    assert not await tab.value(f"document.querySelector({button!r}).checkVisibility()")
    await tab.value(f"document.querySelector({button!r}).closest('details').querySelector('summary').click()")
    await tab.until(f"document.querySelector({button!r}).checkVisibility()")
    assert told in await tab.value(f"document.querySelector({button!r}).closest('form').innerText")
    await tab.press(button, f"location.search === '?said={done}'")


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
async def test_a_contact_a_guest_and_a_program_are_removed_by_two_presses_and_the_first_says_what_goes(
    portal: Portal,  # noqa: F811
    tmp_path: Path,
    script: bool,
) -> None:
    now = portal.clock.now()
    await portal.records.change_one(Device, is_("id", DEVICE), owner_id="acc_1", name="Freezer", claimed_at=now)
    await portal.records.add_all(
        [
            Contact(id="con_1", account_id="acc_1", name="Anna", email="anna@example.org", created_at=now),
            Share(
                id="shr_1",
                device_id=DEVICE,
                owner_id="acc_1",
                email="kalle@example.org",
                role=ShareRole.VIEWER,
                created_at=now,
            ),
            ApiToken(
                id="tok_1",
                account_id="acc_1",
                name="Heat pump",
                token_hash="x",
                scopes=(Scope.READ_TELEMETRY,),
                credential_epoch=1,
                created_at=now,
                expires_at=now + timedelta(days=30),
            ),
        ]
    )
    async with chromium_tab(tmp_path, script=script) as tab:
        await tab.open(portal.settings.link("/"))
        await tab.sign_in(MAIJA)
        await tab.open(portal.settings.link("/contacts"))
        await two_presses(tab, "/contacts/con_1/remove", "told of no alarm any more", "contact-removed")
        await tab.open(portal.settings.link(PEOPLE))
        await two_presses(tab, f"{PEOPLE}/shr_1/end", "see the socket no more", "share-ended")
        await tab.open(portal.settings.link("/programs"))
        await two_presses(tab, "/programs/tok_1/end", "opens nothing", "program-ended")
    assert await portal.records.get(Contact, "con_1") is None
    assert await portal.records.get(Share, "shr_1") is None
