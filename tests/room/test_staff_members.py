"""Whoever runs this cloud changes what a member of staff is there for, and until when they are let in."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from isocket.domain.accounts import Account, AccountRole, Registration, StaffRole, is_over
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import Records
from isocket.storage.records import StoredRecords
from portal_api.app import ROUTES
from portal_api.device_routes import DEVICE_ROUTES
from portal_api.invitations import InvitationError, invite
from portal_api.registration import Activated, Activation, open_with_token
from portal_api.staff_members import as_invited_now, change_member, invitation_of
from tests.fakes.dying import Died, DyingRecords, Fuse, every_crash_point
from tests.fakes.portal_house import PASSWORD, PortalHouse, portal_house

KAI = "kai@example.org"
REASON = {"X-Reason": "ticket 7: no alarms arrive"}


async def invited(house: PortalHouse, *roles: StaffRole, **more: Any) -> dict[str, str]:
    """Invite Kai; return what the page of the link would send."""
    settings = house.portal.settings
    link = await invite(
        house.records, house.clock, settings, KAI, staff_roles=roles, **more
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

    async def add(self, record: Any, *more: Any, **how: Any) -> None:
        if isinstance(record, Account):
            now = record.created_at
            await change_member(self._records, KAI, now, staff_roles=(StaffRole.OPERATIONS,), staff_until=now)
        await self._records.add(record, *more, **how)


async def test_what_is_changed_while_the_account_is_being_opened_is_not_lost() -> None:
    async with portal_house(records=cast("Records", ChangedMeanwhile())) as house:
        link = await invited(house, StaffRole.SUPPORT, StaffRole.PRIVACY)
        assert (await house.ask("POST", "/accounts/activate", link)).status == 200
        made = await house.account(KAI)
        assert (made.staff_roles, made.staff_until) == ((StaffRole.OPERATIONS,), made.created_at)


class Meanwhile:
    """Records of which something happens behind the verb that is named, the `nth` time that it is about this kind."""

    def __init__(
        self, records: Records, verb: str, kind: type, happens: Callable[[], Awaitable[object]], *, nth: int = 1
    ) -> None:
        self._records, self._verb, self._kind, self._happens = records, verb, kind, happens
        self._still = nth

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._records, name)
        return self._watched(verb) if name == self._verb else verb

    def _watched(self, verb: Any) -> Any:
        async def watched(what: Any, *rest: Any, **more: Any) -> Any:
            answer = await verb(what, *rest, **more)
            if what is self._kind or isinstance(what, self._kind):
                self._still -= 1
                if self._still == 0:
                    await self._happens()
            return answer

        return watched


async def pressed(house: PortalHouse, link: dict[str, str], records: Any) -> object:
    """Open the account by the link, in a process that has these records."""
    return await open_with_token(replace(house.portal, records=cast("Records", records)), Activation(**link))


async def test_wherever_the_opening_of_an_account_breaks_off_a_change_meanwhile_is_there_once_it_is_finished() -> None:
    async with portal_house() as house:
        now = house.clock.now()
        new = {"staff_roles": (StaffRole.OPERATIONS,), "staff_until": now}

        async def build() -> tuple[Any, Records, dict[str, str]]:
            records = StoredRecords(MemoryDocuments())
            link = await invited(replace(house, records=records), StaffRole.PRIVACY)
            # Read before the change; the account is stored behind it, as it was said before.
            changes = Meanwhile(records, "get", Registration, lambda: change_member(records, KAI, now, **new))
            return changes, records, link

        async def run(world: tuple[Any, Records, dict[str, str]], fuse: Fuse) -> None:
            await pressed(house, world[2], DyingRecords(world[0], fuse))

        async def check(world: tuple[Any, Records, dict[str, str]]) -> None:
            (made,) = await world[1].find(Account)
            assert (made.staff_roles, made.staff_until) == ((StaffRole.OPERATIONS,), now)

        assert await every_crash_point(build, run, check) > 0


async def test_who_was_stored_and_no_more_is_let_in_to_nothing_until_the_link_is_pressed_again() -> None:
    async with portal_house() as house:
        link = await invited(house, StaffRole.PRIVACY)
        with pytest.raises(Died):
            await pressed(house, link, DyingRecords(house.records, Fuse(2, after=True)))
        made = await house.account(KAI)
        assert (made.staff_roles, is_over(made, house.clock.now())) == ((), True)
        assert (await house.ask("POST", "/accounts/activate", link)).status == 200
        made = await house.account(KAI)
        assert (made.staff_roles, made.staff_until) == ((StaffRole.PRIVACY,), None)


async def test_a_change_between_two_that_press_one_link_is_not_lost() -> None:
    async with portal_house() as house:
        link = await invited(house, StaffRole.PRIVACY)

        async def open_it() -> None:
            assert isinstance(await pressed(house, link, house.records), Activated)

        change = Meanwhile(
            house.records, "get", Registration, lambda: changed(house, staff_roles=(StaffRole.SUPPORT,))
        )  # fmt: skip
        first = Meanwhile(cast("Records", change), "add", Account, open_it)
        assert not isinstance(await pressed(house, link, first), Activated), "a link works once"
        assert (await house.account(KAI)).staff_roles == (StaffRole.SUPPORT,)


async def test_a_change_behind_the_last_look_at_the_invitation_is_not_written_over() -> None:
    async with portal_house() as house:
        link = await invited(house, StaffRole.PRIVACY)
        change = Meanwhile(
            house.records, "get", Registration, lambda: changed(house, staff_roles=(StaffRole.SUPPORT,)), nth=2
        )  # fmt: skip
        assert isinstance(await pressed(house, link, change), Activated)
        made = await house.account(KAI)
        assert (made.staff_roles, made.staff_until) == ((StaffRole.SUPPORT,), None)


async def test_a_change_after_the_end_of_a_link_that_was_pressed_before_it_is_not_lost() -> None:
    async with portal_house() as house:
        link = await invited(house, StaffRole.PRIVACY)
        ended = house.clock.now() + timedelta(hours=73)
        new = {"staff_roles": (StaffRole.SUPPORT,), "staff_until": ended}
        change = Meanwhile(house.records, "add", Account, lambda: change_member(house.records, KAI, ended, **new))
        assert isinstance(await pressed(house, link, change), Activated)
        made = await house.account(KAI)
        assert (made.staff_roles, made.staff_until) == ((StaffRole.SUPPORT,), ended)


async def test_a_customer_gets_no_role_by_an_invitation_with_the_same_id() -> None:
    async with portal_house() as house:
        await house.register(KAI)
        made = await house.account(KAI)
        asked = Registration(
            id="asked", account_id=made.id, email=KAI, role=AccountRole.STAFF, staff_roles=(StaffRole.PRIVACY,),
            expires_at=house.clock.now() + timedelta(days=1),
        )  # fmt: skip
        await house.records.add(asked)
        await as_invited_now(house.records, asked)
        assert await house.account(KAI) == made


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
