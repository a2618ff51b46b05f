"""Whoever runs this cloud changes what a member of staff is there for, and until when they are let in."""

from datetime import timedelta
from typing import Any, cast

import pytest

from isocket.domain.accounts import Account, AccountRole, Registration, StaffRole
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import Records
from isocket.storage.records import StoredRecords
from portal_api.app import ROUTES
from portal_api.device_routes import DEVICE_ROUTES
from portal_api.invitations import InvitationError, invite
from portal_api.staff_members import change_member, invitation_of
from tests.fakes.portal_house import PASSWORD, PortalHouse, portal_house

KAI = "kai@example.org"
REASON = {"X-Reason": "ticket 7: no alarms arrive"}


async def invited(house: PortalHouse, *roles: StaffRole, **more: Any) -> dict[str, str]:
    """Invite Kai; return what the page of the link would send."""
    settings = house.portal.settings
    link = await invite(
        house.records, house.clock, settings, KAI, AccountRole.STAFF, staff_roles=roles, **more
    )  # fmt: skip
    return {"token": link.partition("token=")[2], "password": PASSWORD}


async def changed(house: PortalHouse, **changes: Any) -> Account | Registration:
    return await change_member(house.records, KAI, house.clock.now(), **changes)


async def status(house: PortalHouse, token: str, path: str) -> int:
    return (await house.ask("GET", path, token=token, headers=REASON)).status


@pytest.mark.clause("C5-02")
async def test_a_session_that_is_open_is_judged_by_the_new_role_at_once() -> None:
    async with portal_house() as house:
        token = await house.staff(KAI, StaffRole.OPERATIONS)
        seen = [await status(house, token, path) for path in ("/staff/operations", "/staff/requests")]
        assert seen == [200, 403]
        await changed(house, staff_roles=(StaffRole.PRIVACY,))
        seen = [await status(house, token, path) for path in ("/staff/operations", "/staff/requests")]
        assert seen == [403, 200]
        assert (await house.account(KAI)).staff_until is None


@pytest.mark.clause("C3-06")
async def test_who_is_given_an_end_that_has_come_is_out_by_session_password_and_token_until_it_is_taken_away() -> None:
    async with portal_house(routes=(*ROUTES, *DEVICE_ROUTES)) as house:
        access = await house.staff(KAI, StaffRole.SUPPORT)
        wish = {"name": "Script", "purpose": "My own socket", "scopes": ["read:telemetry"]}
        script = (await (await house.ask("POST", "/api-tokens", wish, token=access)).json())["token"]

        async def ways() -> list[int]:
            again = await house.ask("POST", "/tokens", {"username": KAI, "password": PASSWORD})
            return [await status(house, access, "/me"), await status(house, script, "/devices"), again.status]

        assert await ways() == [200, 200, 200]
        await changed(house, staff_until=house.clock.now())
        assert await ways() == [401, 401, 401]
        await changed(house, staff_until=None)
        assert await ways() == [200, 200, 200]
        assert (await house.account(KAI)).staff_roles == (StaffRole.SUPPORT,)


async def test_the_link_of_who_is_invited_goes_on_and_opens_what_was_changed_meanwhile() -> None:
    async with portal_house() as house:
        until = house.clock.now() + timedelta(days=90)
        link = await invited(house, StaffRole.SUPPORT)
        said = await changed(house, staff_roles=(StaffRole.PRIVACY,), staff_until=until)
        assert isinstance(said, Registration)
        assert (await house.ask("POST", "/accounts/activate", link)).status == 200
        made = await house.account(KAI)
        assert (made.staff_roles, made.staff_until) == ((StaffRole.PRIVACY,), until)


class ChangedMeanwhile:
    """Records of which somebody takes Kai's roles back between the reading of the invitation and the account."""

    def __init__(self) -> None:
        self._records = StoredRecords(MemoryDocuments())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)

    async def add(self, record: Any, **more: Any) -> None:
        if isinstance(record, Account):
            now = record.created_at
            await change_member(self._records, KAI, now, staff_roles=(StaffRole.OPERATIONS,), staff_until=now)
        await self._records.add(record, **more)


async def test_what_is_changed_while_the_account_is_being_opened_is_not_lost() -> None:
    async with portal_house(records=cast("Records", ChangedMeanwhile())) as house:
        link = await invited(house, StaffRole.SUPPORT, StaffRole.PRIVACY)
        assert (await house.ask("POST", "/accounts/activate", link)).status == 200
        made = await house.account(KAI)
        assert (made.staff_roles, made.staff_until) == ((StaffRole.OPERATIONS,), made.created_at)


class OpenedMeanwhile:
    """Records of which Kai opens the account behind the change of the invitation, and before that of accounts."""

    def __init__(self, house: PortalHouse, link: dict[str, str]) -> None:
        self._house, self._link = house, link

    async def change_one(self, kind: Any, *tests: Any, **changes: Any) -> Any:
        changed = await self._house.records.change_one(kind, *tests, **changes)
        if kind is Registration:
            assert (await self._house.ask("POST", "/accounts/activate", self._link)).status == 200
        return changed


async def test_a_change_in_the_moment_in_which_the_account_is_opened_finds_one_of_the_two() -> None:
    async with portal_house() as house:
        between = cast("Records", OpenedMeanwhile(house, await invited(house, StaffRole.SUPPORT)))
        said = await change_member(between, KAI, house.clock.now(), staff_roles=(StaffRole.PRIVACY,))
        assert said == await house.account(KAI)
        assert said.staff_roles == (StaffRole.PRIVACY,)


async def test_nobody_becomes_staff_by_a_change() -> None:
    async with portal_house() as house:
        await house.register(KAI)
        await house.ask("POST", "/accounts", {"username": "maija@example.org", "password": PASSWORD})
        for address, why in ((KAI, "nobody"), ("maija@example.org", "nobody"), ("kai", "not an e-mail")):
            with pytest.raises(InvitationError, match=why):
                await change_member(house.records, address, house.clock.now(), staff_roles=(StaffRole.PRIVACY,))
        (account,), (wish,) = await house.records.find(Account), await house.records.find(Registration)
        assert (account.staff_roles, wish.staff_roles) == ((), ())
        assert await invitation_of(house.records, "maija@example.org") is None


async def test_a_link_that_has_ended_is_changed_for_nobody_but_what_it_said_is_known_to_the_next() -> None:
    async with portal_house() as house:
        await invited(house, StaffRole.PRIVACY)
        await house.clock.advance(72 * 3600.0)
        with pytest.raises(InvitationError, match="staff list"):
            await changed(house, staff_roles=(StaffRole.SUPPORT,))
        before = await invitation_of(house.records, KAI)
        assert before is not None
        assert before.staff_roles == (StaffRole.PRIVACY,)


async def test_who_is_staff_already_is_not_invited_but_changed() -> None:
    async with portal_house() as house:
        await house.staff(KAI, StaffRole.SUPPORT)
        with pytest.raises(InvitationError, match="isocket staff change"):
            await invited(house, StaffRole.PRIVACY)
