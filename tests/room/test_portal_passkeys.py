"""Passkeys, by real signatures: they sign in without a password, and nothing else than the right one does."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from isocket.domain.accounts import Account, Session
from isocket.domain.factors import Passkey
from isocket.storage.port import is_
from portal_api.app import ROUTES
from portal_api.pages_routes import page_routes
from tests.fakes.authenticator import Authenticator
from tests.fakes.portal_house import PASSWORD, PUBLIC_URL, PortalHouse, portal_house
from tests.fakes.visitor import Visitor

MAIJA, PEKKA = "maija@example.org", "pekka@example.org"
RP_ID = "cloud.example.org"


@dataclass(kw_only=True)
class Maija:
    """Somebody with a passkey."""

    house: PortalHouse
    token: str
    key: Authenticator
    codes: tuple[str, ...] = ()

    async def make(self, key: Authenticator | None = None, token: str = "", **lies: Any) -> Any:
        asked = await (await self.house.ask("POST", "/me/passkeys/options", token=token or self.token)).json()
        made = {"ticket": asked["ticket"], "credential": (key or self.key).make(asked["options"]), "name": "Telephone"}
        return await self.house.ask("POST", "/me/passkeys", {**made, **lies}, token=token or self.token)

    async def begin(self) -> dict[str, Any]:
        begun: dict[str, Any] = await (await self.house.ask("POST", "/tokens/passkey/options")).json()
        return begun

    async def sign_in(self, begun: dict[str, Any] | None = None, key: Authenticator | None = None) -> Any:
        asked = begun or await self.begin()
        wish = {"ticket": asked["ticket"], "credential": (key or self.key).use(asked["options"])}
        return await self.house.ask("POST", "/tokens/passkey", wish)


def authenticator(**lies: Any) -> Authenticator:
    return Authenticator(**{"origin": PUBLIC_URL, "rp_id": RP_ID, **lies})


@pytest.fixture
async def maija() -> AsyncIterator[Maija]:
    async with portal_house(routes=(*ROUTES, *page_routes(desk=False))) as house:
        somebody = Maija(house=house, token=await house.customer(MAIJA), key=authenticator())
        made = await somebody.make()
        assert made.status == 201, await made.text()
        somebody.codes = tuple((await made.json())["recovery_codes"])
        yield somebody


async def test_a_passkey_signs_in_without_a_password(maija: Maija) -> None:
    answer = await maija.sign_in()
    token = (await answer.json())["access_token"]
    me = await (await maija.house.ask("GET", "/me", token=token)).json()
    assert (answer.status, me["username"]) == (200, MAIJA)
    (session,) = [
        each for each in (await (await maija.house.ask("GET", "/sessions", token=token)).json())["items"]
        if each["current"]
    ]  # fmt: skip
    assert session["second_factor"] is True


async def test_with_one_a_password_alone_is_not_enough_and_a_recovery_code_helps(maija: Maija) -> None:
    wish = {"username": MAIJA, "password": PASSWORD}
    refused = await maija.house.ask("POST", "/tokens", wish)
    assert (await refused.json())["type"] == "urn:isocket:problem:second-factor-needed"
    assert len(maija.codes) == 10
    assert (await maija.house.ask("POST", "/tokens", {**wish, "code": maija.codes[0]})).status == 200


async def test_what_signed_once_signs_in_once(maija: Maija) -> None:
    begun = await maija.begin()
    wish = {"ticket": begun["ticket"], "credential": maija.key.use(begun["options"])}
    statuses = [(await maija.house.ask("POST", "/tokens/passkey", wish)).status for _ in range(2)]
    assert statuses == [200, 401]


async def test_a_challenge_is_good_for_five_minutes(maija: Maija) -> None:
    begun = await maija.begin()
    await maija.house.clock.advance(301)
    assert (await maija.sign_in(begun)).status == 401


async def test_a_challenge_for_one_thing_is_none_for_another(maija: Maija) -> None:
    asked = await (await maija.house.ask("POST", "/me/step-up/passkey/options", token=maija.token)).json()
    assert (await maija.sign_in(asked)).status == 401


@pytest.mark.parametrize(
    "lie",
    [
        {"origin": "https://evil.example.net"},
        {"rp_id": "evil.example.net"},
        {"verifies": False},
    ],
    ids=lambda lie: next(iter(lie)),
)
async def test_a_key_that_signs_for_somebody_else_or_asked_for_no_finger_is_refused(
    lie: dict[str, Any], maija: Maija
) -> None:
    right = dict.fromkeys(lie)
    for name, value in lie.items():
        right[name] = getattr(maija.key, name)
        setattr(maija.key, name, value)
    assert (await maija.sign_in()).status == 401
    for name, value in right.items():
        setattr(maija.key, name, value)
    assert (await maija.sign_in()).status == 200
    assert (await maija.make(authenticator(**lie))).status == 400


async def test_another_key_under_the_same_name_opens_nothing(maija: Maija) -> None:
    forger = authenticator(credential_id=maija.key.credential_id, user_handle=maija.key.user_handle)
    assert (await maija.sign_in(key=forger)).status == 401
    assert (await maija.sign_in(key=authenticator(user_handle=b"acc_nobody"))).status == 401


async def test_a_copied_key_is_noticed_by_its_count(maija: Maija) -> None:
    assert (await maija.sign_in()).status == 200
    maija.key.count = 0
    assert (await maija.sign_in()).status == 401


async def test_a_passkey_that_claims_another_account_is_refused(maija: Maija) -> None:
    await maija.house.customer(PEKKA)
    maija.key.user_handle = (await maija.house.account(PEKKA)).id.encode()
    assert (await maija.sign_in()).status == 401


async def test_a_passkey_is_made_in_the_session_that_asked(maija: Maija) -> None:
    pekka = await maija.house.customer(PEKKA)
    asked = await (await maija.house.ask("POST", "/me/passkeys/options", token=pekka)).json()
    stolen = {"ticket": asked["ticket"], "credential": authenticator().make(asked["options"])}
    assert (await maija.house.ask("POST", "/me/passkeys", stolen, token=maija.token)).status == 400
    assert (await maija.house.ask("POST", "/me/passkeys", stolen, token=pekka)).status == 201


async def test_a_passkey_that_is_there_cannot_be_taken_over(maija: Maija) -> None:
    pekka = await maija.house.customer(PEKKA)
    copy = authenticator(credential_id=maija.key.credential_id)
    assert (await maija.make(copy, pekka)).status == 400
    assert (await maija.sign_in()).status == 200


async def test_it_proves_once_more_who_one_is_also_after_hours(maija: Maija) -> None:
    await maija.house.clock.advance(601)
    refused = await maija.house.ask("POST", "/me/passkeys/options", token=maija.token)
    assert refused.status == 403
    asked = await (await maija.house.ask("POST", "/me/step-up/passkey/options", token=maija.token)).json()
    assert [each["id"] for each in asked["options"]["allowCredentials"]] == [
        (await maija.house.records.find(Passkey))[0].credential_id
    ]
    proof = {"passkey": {"ticket": asked["ticket"], "credential": maija.key.use(asked["options"])}}
    assert (await maija.house.ask("POST", "/me/step-up", proof, token=maija.token)).status == 200
    assert (await maija.house.ask("POST", "/me/step-up", proof, token=maija.token)).status == 403
    assert (await maija.house.ask("POST", "/me/passkeys/options", token=maija.token)).status == 200


async def test_it_is_listed_named_and_removed_and_each_change_told_by_mail(maija: Maija) -> None:
    (listed,) = (await (await maija.house.ask("GET", "/me/passkeys", token=maija.token)).json())["items"]
    path = f"/me/passkeys/{listed['id']}"
    named = await maija.house.ask("PATCH", path, {"name": "Old telephone"}, token=maija.token)
    assert (listed["name"], (await named.json())["name"]) == ("Telephone", "Old telephone")
    assert (await maija.house.ask("DELETE", path, token=maija.token)).status == 204
    assert (await maija.sign_in()).status == 401
    assert (await maija.house.ask("POST", "/tokens", {"username": MAIJA, "password": PASSWORD})).status == 200
    told = " ".join(each.text for each in await maija.house.mails(MAIJA))
    assert "passkey was added" in told
    assert "passkey was removed" in told


async def test_a_stranger_neither_names_nor_removes_it(maija: Maija) -> None:
    pekka = await maija.house.customer(PEKKA)
    (passkey,) = await maija.house.records.find(Passkey)
    path = f"/me/passkeys/{passkey.id}"
    assert (await maija.house.ask("PATCH", path, {"name": "Mine"}, token=pekka)).status == 404
    assert (await maija.house.ask("DELETE", path, token=pekka)).status == 404


async def test_pages_take_what_the_script_puts_into_their_forms(maija: Maija) -> None:
    visitor = Visitor(maija.house.client)
    page = await visitor.open("/login?next=/security")
    begun = await maija.begin()
    sent = {"ticket": begun["ticket"], "credential": json.dumps(maija.key.use(begun["options"]))}
    inside = await visitor.send(page, "/login/passkey", **sent)
    assert (inside.status, inside.path) == (200, "/security")
    assert "Telephone" in inside.words
    gone = await visitor.send(inside, next(each.action for each in inside.forms if each.action.endswith("/remove")))
    assert "Removed." in gone.words
    maija.house.client.session.cookie_jar.clear()
    again = await visitor.send(page, "/login/passkey", **sent)
    assert (again.status, "opens nothing here" in again.words) == (401, True)


@pytest.mark.clause("C3-06")
async def test_whose_time_is_over_hears_that_from_a_right_passkey_or_password_and_opens_no_session(
    maija: Maija,
) -> None:
    house, visitor = maija.house, Visitor(maija.house.client)
    account = await house.account(MAIJA)
    sessions = await house.records.count(Session)
    assert await house.records.change_one(Account, is_("id", account.id), staff_until=house.clock.now())
    refused = await maija.sign_in()
    assert (refused.status, (await refused.json())["type"]) == (401, "urn:isocket:problem:time-is-over")
    page, begun = await visitor.open("/login"), await maija.begin()
    sent = {"ticket": begun["ticket"], "credential": json.dumps(maija.key.use(begun["options"]))}
    for done in (
        await visitor.send(page, "/login/passkey", **sent),
        await visitor.send(page, "/login", username=MAIJA, password=PASSWORD),
    ):
        assert (done.status, "The time for which you were let in is over." in done.words) == (401, True)
    assert await house.records.count(Session) == sessions


@pytest.mark.parametrize("raw", [b"", b"{}", b"[1]", b"\xa0", b"\xff" * 80, b"\xa1\x63fmt\x64none", bytes(200)])
async def test_whatever_bytes_come_they_are_at_most_refused(raw: bytes, maija: Maija) -> None:
    text = base64.urlsafe_b64encode(raw or b"?").decode().rstrip("=")
    for part in ("clientDataJSON", "attestationObject"):
        asked = await (await maija.house.ask("POST", "/me/passkeys/options", token=maija.token)).json()
        made = authenticator().make(asked["options"])
        made["response"][part] = text
        wish = {"ticket": asked["ticket"], "credential": made}
        assert (await maija.house.ask("POST", "/me/passkeys", wish, token=maija.token)).status == 400
    for part in ("clientDataJSON", "authenticatorData", "signature", "userHandle"):
        begun = await maija.begin()
        used = maija.key.use(begun["options"])
        used["response"][part] = text
        wish = {"ticket": begun["ticket"], "credential": used}
        assert (await maija.house.ask("POST", "/tokens/passkey", wish)).status == 401
