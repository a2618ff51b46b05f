"""Personal API tokens: what they are good for, which sockets they reach, and how they end."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from isocket.domain.api_tokens import ApiToken
from isocket.domain.commands import Command, CommandStatus
from isocket.domain.devices import Device
from isocket.domain.disclosures import DisclosedTo, Disclosure
from isocket.storage.abilities import abilities_of
from isocket.storage.port import is_
from portal_api import commands
from portal_api.app import ROUTES
from portal_api.device_routes import DEVICE_ROUTES
from portal_api.lockdown import lock
from portal_api.releases import release_device
from portal_api.token_use import PREFIX, new_api_token, well_formed
from tests.fakes.dying import DyingRecords, Fuse
from tests.fakes.portal_devices import (
    MAIJA,
    PEKKA,
    SOCKET,
    claim,
    devices_house,
    fields_of,
    incident,
    make_device,
    owned,
)
from tests.fakes.portal_house import PASSWORD, PortalHouse

OTHER = "is0000000002"
ADVISER = {"name": "Energy adviser", "purpose": "Hourly temperatures", "scopes": ["read:telemetry"]}
SCOPES = ["read:telemetry", "control", "alarms"]


async def made(house: PortalHouse, token: str, **wish: Any) -> dict[str, Any]:
    """Make a token as Maija wishes."""
    answer = await house.ask("POST", "/api-tokens", {**ADVISER, **wish}, token=token)
    assert answer.status == 201, await answer.text()
    done: dict[str, Any] = await answer.json()
    return done


async def status(house: PortalHouse, token: str, path: str = "/devices", method: str = "GET", body: Any = None) -> int:
    return (await house.ask(method, path, body, token=token)).status


async def test_a_token_reads_what_its_scope_says_and_nothing_else() -> None:
    async with devices_house() as house:
        token = (await made(house, await owned(house)))["token"]
        assert await status(house, token) == 200
        assert await status(house, token, f"/devices/{SOCKET}/history") == 200
        refused = await house.ask("GET", "/incidents", token=token)
        assert (refused.status, (await refused.json())["type"]) == (403, "urn:isocket:problem:scope")
        assert refused.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="alarms"'
        assert await status(house, token, f"/devices/{SOCKET}/commands", "POST", {"name": "on"}) == 403
        assert await status(house, token, f"/devices/{SOCKET}/settings", "PATCH", {"mains_delay_s": 0}) == 403


async def test_a_token_with_control_switches_and_sets() -> None:
    async with devices_house() as house:
        token = (await made(house, await owned(house), scopes=["control"]))["token"]
        ordered = await house.ask("POST", f"/devices/{SOCKET}/commands", {"name": "on"}, token=token)
        assert ordered.status == 202
        assert await status(house, token, f"/devices/{SOCKET}/commands/{(await ordered.json())['id']}") == 200
        assert await status(house, token, f"/devices/{SOCKET}/settings", "PATCH", {"mains_delay_s": 0}) == 200
        assert await status(house, token) == 403


async def test_a_token_with_alarms_acknowledges() -> None:
    async with devices_house() as house:
        token = (await made(house, await owned(house), scopes=["alarms"]))["token"]
        await incident(house, "inc_1", (await house.account(MAIJA)).id)
        answer = await house.ask("POST", "/incidents/inc_1/ack", token=token)
        assert (answer.status, (await answer.json())["state"]) == (200, "acknowledged")


async def test_what_names_no_scope_lets_no_token_in_whatever_it_is_good_for() -> None:
    async with devices_house() as house:
        token = (await made(house, await owned(house), scopes=SCOPES))["token"]
        closed = [each for each in (*ROUTES, *DEVICE_ROUTES) if each.scope is None and each.access.value == "account"]
        assert {"/me", "/contacts", "/privacy/erasure", "/api-tokens"} <= {each.path for each in closed}
        for route in closed:
            path = route.path.format(**dict.fromkeys(route.parameters, "anything"))
            assert await status(house, token, path, route.method, {} if route.body else None) == 403, route.path


async def test_a_token_for_one_socket_sees_no_other_anywhere() -> None:
    async with devices_house() as house:
        maija = await owned(house)
        await make_device(house, OTHER)
        await claim(house, maija, OTHER)
        account = (await house.account(MAIJA)).id
        await incident(house, "inc_1", account)
        await incident(house, "inc_2", account, device_id=OTHER)
        token = (await made(house, maija, scopes=SCOPES, device_ids=[SOCKET]))["token"]
        for path, field in (("/devices", "id"), ("/incidents", "device_id"), ("/readiness", "device_id")):
            seen = await (await house.ask("GET", path, token=token)).json()
            assert [each[field] for each in seen["items"]] == [SOCKET], path
        missing = await house.ask("GET", "/devices/is0000000009", token=token)
        for path in (
            f"/devices/{OTHER}",
            f"/devices/{OTHER}/history",
            f"/devices/{OTHER}/settings",
            "/incidents/inc_2",
        ):
            foreign = await house.ask("GET", path, token=token)
            assert (foreign.status, await foreign.read()) == (404, await missing.read()), path
        assert await status(house, token, f"/devices/{OTHER}/commands", "POST", {"name": "on"}) == 404
        assert await status(house, token, f"/incidents?device_id={OTHER}") == 200
        assert await status(house, token, "/incidents/inc_2/ack", "POST") == 404


async def test_the_token_is_shown_once_and_stored_as_a_hash() -> None:
    async with devices_house() as house:
        maija = await owned(house)
        done = await made(house, maija)
        assert well_formed(done["token"])
        listed = await (await house.ask("GET", "/api-tokens", token=maija)).json()
        assert listed["items"] == [{key: value for key, value in done.items() if key != "token"}]
        (stored,) = await house.records.find(ApiToken)
        assert done["token"] not in repr(stored)


@pytest.mark.clause("C3-08")
async def test_a_revoked_token_is_nothing_at_once() -> None:
    async with devices_house() as house:
        maija = await owned(house)
        done = await made(house, maija)
        pekka = await house.customer(PEKKA)
        assert await status(house, pekka, f"/api-tokens/{done['id']}", "DELETE") == 404
        assert await status(house, done["token"]) == 200
        assert await status(house, maija, f"/api-tokens/{done['id']}", "DELETE") == 204
        assert await status(house, done["token"]) == 401
        assert await status(house, maija, f"/api-tokens/{done['id']}", "DELETE") == 404


async def test_a_token_ends_with_its_time() -> None:
    async with devices_house() as house:
        maija = await owned(house)
        done = await made(house, maija, days=1)
        await house.clock.advance(86_400)
        assert await status(house, done["token"]) == 401
        maija = (await house.sign_in(MAIJA))["access_token"]
        assert (await (await house.ask("GET", "/api-tokens", token=maija)).json())["items"] == []


async def test_a_new_password_ends_every_token() -> None:
    async with devices_house() as house:
        done = await made(house, await owned(house))
        await house.ask("POST", "/password-resets", {"username": MAIJA})
        link = {"token": await house.link_token(MAIJA), "password": "five other words and more"}
        assert (await house.ask("POST", "/password-resets/confirm", link)).status == 204
        assert await status(house, done["token"]) == 401
        maija = (await house.sign_in(MAIJA, "five other words and more"))["access_token"]
        assert (await (await house.ask("GET", "/api-tokens", token=maija)).json())["items"] == []


async def test_a_token_is_good_only_in_its_own_header() -> None:
    async with devices_house() as house:
        token = (await made(house, await owned(house)))["token"]
        assert (await house.ask("GET", "/devices", headers={"Cookie": f"sid={token}"})).status == 401
        assert (await house.ask("GET", f"/devices?access_token={token}")).status == 401
        assert await status(house, token.upper()) == 401


async def test_the_day_of_the_last_use_is_kept_and_not_the_moment() -> None:
    async with devices_house() as house:
        maija = await owned(house)
        done = await made(house, maija)
        await status(house, done["token"])
        day = house.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        (used,) = await house.records.find(ApiToken)
        assert used.last_used_at == day
        await status(house, done["token"])
        (again,) = await house.records.find(ApiToken)
        assert again.version == used.version, "a second use of the day writes nothing"
        await house.clock.advance(86_400)
        await status(house, done["token"])
        (later,) = await house.records.find(ApiToken)
        assert later.last_used_at == day + timedelta(days=1)


async def test_a_guest_gives_nobody_a_token_for_what_is_shared_with_them() -> None:
    async with devices_house() as house:
        maija, pekka = await owned(house), await house.customer(PEKKA)
        wish = {"email": PEKKA, "role": "operator"}
        assert (await house.ask("POST", f"/devices/{SOCKET}/shares", wish, token=maija)).status == 201
        accepted = {"token": await house.link_token(PEKKA)}
        assert (await house.ask("POST", "/shares/accept", accepted, token=pekka)).status == 200
        assert len((await (await house.ask("GET", "/devices", token=pekka)).json())["items"]) == 1
        await incident(house, "inc_1", (await house.account(MAIJA)).id)
        assert await status(house, pekka, "/incidents/inc_1") == 200
        refused = await house.ask("POST", "/api-tokens", {**ADVISER, "device_ids": [SOCKET]}, token=pekka)
        assert refused.status == 422
        token = (await made(house, pekka, scopes=SCOPES))["token"]
        for path in ("/devices", "/incidents"):
            assert (await (await house.ask("GET", path, token=token)).json())["items"] == []
        for path in (f"/devices/{SOCKET}", f"/devices/{SOCKET}/history", "/incidents/inc_1"):
            assert await status(house, token, path) == 404


@pytest.mark.clause("C3-08")
async def test_who_was_given_what_is_told_once_a_day_and_kind() -> None:
    async with devices_house() as house:
        maija = await owned(house)
        done = await made(house, maija, scopes=SCOPES)
        for path in ("/devices", f"/devices/{SOCKET}/history", "/incidents", "/devices"):
            assert await status(house, done["token"], path) == 200
        assert await status(house, done["token"], "/me") == 403
        lines = await house.records.find(Disclosure)
        assert {(each.to, each.recipient_id, each.reason) for each in lines} == {
            (DisclosedTo.PROGRAM, done["id"], "Energy adviser: Hourly temperatures")
        }
        assert sorted(each.what[0] for each in lines) == ["devices", "incidents"]
        assert {each.at for each in lines} == {house.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)}
        await house.clock.advance(86_400)
        await status(house, done["token"])
        assert await house.records.count(Disclosure) == 3


async def test_a_token_is_made_only_by_who_has_just_proved_who_they_are() -> None:
    async with devices_house() as house:
        maija = await owned(house)
        await house.clock.advance(601)
        answer = await house.ask("POST", "/api-tokens", ADVISER, token=maija)
        assert (answer.status, (await answer.json())["type"]) == (403, "urn:isocket:problem:step-up")
        assert (await house.ask("POST", "/me/step-up", {"password": PASSWORD}, token=maija)).status == 200
        await made(house, maija)


async def test_a_bad_wish_names_its_field() -> None:
    bad: list[tuple[dict[str, Any], str]] = [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes.0"),
        ({"name": ""}, "name"),
        ({"days": 0}, "days"),
        ({"days": 731}, "days"),
        ({"device_ids": []}, "device_ids"),
        ({"device_ids": [OTHER]}, "device_ids.0"),
    ]
    async with devices_house() as house:
        maija = await owned(house)
        for wish, field in bad:
            answer = await house.ask("POST", "/api-tokens", {**ADVISER, **wish}, token=maija)
            assert (answer.status, fields_of(await answer.json())) == (422, [field])


async def test_an_account_has_so_many_tokens_and_no_more() -> None:
    async with devices_house() as house:
        maija = await owned(house)
        for _ in range(50):
            await made(house, maija)
        answer = await house.ask("POST", "/api-tokens", ADVISER, token=maija)
        assert (answer.status, (await answer.json())["type"]) == (409, "urn:isocket:problem:too-many-tokens")


def test_a_mistyped_token_is_known_by_itself() -> None:
    token = new_api_token()
    assert (token.startswith(PREFIX), well_formed(token)) == (True, True)
    at = len(PREFIX)
    for wrong in (token[:-1], token[:at] + "!" + token[at + 1 :], "isk_", "", token + "0", "isk_é"):
        assert not well_formed(wrong)


class AnotherGoes(DyingRecords):
    """Takes another socket out of every token just before the first change."""

    went = False

    async def change_one(self, kind: Any, *tests: Any, **changes: Any) -> Any:
        if kind is ApiToken and not self.went:
            self.went = True
            await super().change_one(ApiToken, device_ids=(SOCKET,))
        return await super().change_one(kind, *tests, **changes)


async def test_two_sockets_that_are_given_up_at_once_both_leave_the_tokens() -> None:
    async with devices_house() as house:
        maija = await owned(house)
        await make_device(house, OTHER)
        await claim(house, maija, OTHER)
        await made(house, maija, device_ids=[SOCKET, OTHER])
        device = await house.records.get(Device, SOCKET)
        assert device is not None
        await release_device(replace(house.portal, records=AnotherGoes(house.records, Fuse())), device)
        (token,) = await house.records.find(ApiToken)
        assert token.device_ids == ()


SWITCHER = {"scopes": ["control"]}
ORDER = {"name": "on", "ttl_s": 86_400}


async def order_of(house: PortalHouse, token: str) -> Command:
    """Order something of a socket that is away, and let it be sent; return the command as it is stored."""
    answer = await house.ask("POST", f"/devices/{SOCKET}/commands", ORDER, token=token)
    assert answer.status == 202, await answer.text()
    one = is_("id", (await answer.json())["id"])
    command = await house.records.change_one(Command, one, status=CommandStatus.SENT)
    assert command is not None
    return command


async def ending_of(house: PortalHouse, command: Command) -> tuple[str, str | None]:
    found = await house.records.get(Command, command.id)
    assert found is not None
    return found.status.value, found.error


@pytest.mark.parametrize("how", ["revoked", "new password", "reset"])
async def test_what_a_program_asked_of_a_socket_that_is_away_ends_with_its_token(how: str) -> None:
    async with devices_house() as house:
        maija = await owned(house)
        done, other = await made(house, maija, **SWITCHER), await made(house, maija, **SWITCHER)
        its, others, own = [await order_of(house, each) for each in (done["token"], other["token"], maija)]
        new = {"password": "five other words and more"}
        if how == "revoked":
            assert await status(house, maija, f"/api-tokens/{done['id']}", "DELETE") == 204
        elif how == "new password":
            assert await status(house, maija, "/me/password", "POST", {**new, "old_password": PASSWORD}) == 204
        else:
            await house.ask("POST", "/password-resets", {"username": MAIJA})
            link = {"token": await house.link_token(MAIJA), **new}
            assert (await house.ask("POST", "/password-resets/confirm", link)).status == 204
        over = ("expired", "access_ended")
        assert await ending_of(house, its) == over
        assert await ending_of(house, others) == (("sent", None) if how == "revoked" else over)
        assert await ending_of(house, own) == ("sent", None)


async def test_what_a_program_asks_for_ends_with_the_time_of_its_token() -> None:
    async with devices_house() as house:
        done = await made(house, await owned(house), days=1, **SWITCHER)
        await house.clock.advance(3600)
        command = await order_of(house, done["token"])
        (token,) = await house.records.find(ApiToken)
        assert command.expires_at == token.expires_at


@pytest.mark.parametrize("who", ["program", "person"])
async def test_what_is_asked_in_the_moment_in_which_the_asker_is_shut_out_is_over(
    monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    async with devices_house() as house:
        maija = await owned(house)
        done = await made(house, maija, **SWITCHER)

        async def meanwhile(*asked: Any) -> Any:
            if who == "program":
                await house.records.remove_all(ApiToken, is_("id", done["id"]))
            else:
                await lock(house.portal, await house.account(MAIJA), since=house.clock.now())
            return await abilities_of(*asked)

        monkeypatch.setattr(commands, "abilities_of", meanwhile)
        token = done["token"] if who == "program" else maija
        assert await status(house, token, f"/devices/{SOCKET}/commands", "POST", ORDER) == 401
        (command,) = await house.records.find(Command)
        assert (command.status, command.error) == (CommandStatus.EXPIRED, "access_ended")
