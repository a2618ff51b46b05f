"""Somebody who is staff for a time, as a subcontractor is: let in until the day that was agreed, and no longer."""

from datetime import timedelta

import pytest

from isocket.domain.accounts import StaffRole
from portal_api.invitations import invite
from tests.fakes.portal_house import PASSWORD, portal_house

SUB = "sub@example.org"
REASON = {"X-Reason": "ticket 7: no alarms arrive"}


@pytest.mark.clause("C3-06")
async def test_who_is_staff_for_a_time_gets_in_until_then_by_no_session_and_no_password_after() -> None:
    async with portal_house() as house:
        until = house.clock.now() + timedelta(days=1)
        link = await invite(
            house.records, house.clock, house.portal.settings, SUB,
            staff_roles=(StaffRole.OPERATIONS,), staff_until=until,
        )  # fmt: skip
        token = link.rpartition("token=")[2]
        opened = await house.ask("POST", "/accounts/activate", {"token": token, "password": PASSWORD})
        assert opened.status == 200, await opened.text()
        assert (await house.account(SUB)).staff_until == until
        tokens = await house.sign_in(SUB)
        access = tokens["access_token"]
        assert (await house.ask("GET", "/me", token=access)).status == 200
        await house.clock.advance(86_400 - house.portal.settings.access_s)
        fresh = await (await house.ask("POST", "/tokens/refresh", {"refresh_token": tokens["refresh_token"]})).json()
        await house.clock.advance(house.portal.settings.access_s - 60)
        assert (await house.ask("GET", "/me", token=fresh["access_token"])).status == 200
        await house.clock.advance(60)
        assert (await house.ask("GET", "/me", token=fresh["access_token"])).status == 401
        renewed = await house.ask("POST", "/tokens/refresh", {"refresh_token": fresh["refresh_token"]})
        assert renewed.status == 401
        finnish = {"Accept-Language": "fi"}
        again = await house.ask("POST", "/tokens", {"username": SUB, "password": PASSWORD}, headers=finnish)
        why = await again.json()
        assert (again.status, why["type"]) == (401, "urn:isocket:problem:time-is-over")
        assert why["detail"] == "Aika, jonka sinulla oli pääsy, on päättynyt."
        wrong = await house.ask("POST", "/tokens", {"username": SUB, "password": "another one of ours"})
        assert (await wrong.json())["type"] != "urn:isocket:problem:time-is-over", (
            "only who knows the password hears it"
        )


async def test_a_customer_and_staff_without_an_end_are_never_over() -> None:
    async with portal_house() as house:
        token = await house.staff(SUB, StaffRole.OPERATIONS)
        assert (await house.ask("GET", "/staff/operations", token=token, headers=REASON)).status == 200
