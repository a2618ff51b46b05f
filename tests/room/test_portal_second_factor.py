"""A second factor: signing in asks for it, a code works once, and a mail opens no way around it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from isocket.domain.accounts import Session
from isocket.domain.factors import RecoveryCode, TotpFactor
from portal_api.app import ROUTES
from portal_api.pages_routes import page_routes
from tests.fakes.codes_app import code_of
from tests.fakes.portal_house import OTHER_PASSWORD, PASSWORD, PortalHouse, portal_house
from tests.fakes.visitor import Visitor

MAIJA = "maija@example.org"
STEP_S = 30.0


@dataclass(kw_only=True)
class Maija:
    """Somebody with an app that shows codes."""

    house: PortalHouse
    token: str
    secret: str = ""
    codes: list[str] = field(default_factory=list)

    async def sign_in(self, **more: str) -> tuple[int, str]:
        wish = {"username": MAIJA, "password": PASSWORD, **more}
        answer = await self.house.ask("POST", "/tokens", wish)
        said = await answer.json()
        return answer.status, said.get("access_token") or said["type"].rpartition(":")[2]

    def code(self, steps: int = 0) -> str:
        return code_of(self.secret, self.house.clock.now(), steps=steps)

    async def next_code(self) -> str:
        await self.house.clock.advance(STEP_S)
        return self.code()

    async def add_app(self) -> None:
        made = await (await self.house.ask("POST", "/me/second-factor/totp", token=self.token)).json()
        self.secret = made["secret"]
        confirmed = await self.house.ask(
            "POST", "/me/second-factor/totp/confirm", {"code": self.code()}, token=self.token
        )
        assert confirmed.status == 200, await confirmed.text()
        self.codes = (await confirmed.json())["recovery_codes"]

    async def told(self) -> list[str]:
        return [each.text.partition("\n")[0] for each in await self.house.mails(MAIJA) if each.kind == "notice"]

    async def factors(self) -> dict[str, Any]:
        found: dict[str, Any] = await (await self.house.ask("GET", "/me/second-factor", token=self.token)).json()
        return found


@pytest.fixture
async def maija() -> AsyncIterator[Maija]:
    async with portal_house(routes=(*ROUTES, *page_routes(desk=False))) as house:
        yield Maija(house=house, token=await house.customer(MAIJA))


async def test_an_app_counts_only_after_its_first_code(maija: Maija) -> None:
    await maija.house.ask("POST", "/me/second-factor/totp", token=maija.token)
    assert (await maija.factors())["totp"] is False
    assert (await maija.sign_in())[0] == 200


async def test_a_wrong_first_code_adds_nothing(maija: Maija) -> None:
    await maija.house.ask("POST", "/me/second-factor/totp", token=maija.token)
    wrong = await maija.house.ask("POST", "/me/second-factor/totp/confirm", {"code": "000000"}, token=maija.token)
    assert (wrong.status, (await wrong.json())["errors"][0]["field"]) == (422, "code")
    assert (await maija.factors())["totp"] is False


@pytest.mark.clause("C5-10")
async def test_from_then_on_a_password_alone_is_not_enough(maija: Maija) -> None:
    await maija.add_app()
    assert await maija.sign_in() == (401, "second-factor-needed")
    assert (await maija.sign_in(code=await maija.next_code()))[0] == 200


async def test_a_wrong_password_tells_nothing_of_a_second_factor(maija: Maija) -> None:
    await maija.add_app()
    assert await maija.sign_in(password="not the right words") == (401, "wrong-credentials")
    assert await maija.sign_in(password="not the right words", code=maija.code()) == (401, "wrong-credentials")


async def test_a_code_works_once_also_for_many_at_once(maija: Maija) -> None:
    await maija.add_app()
    code = await maija.next_code()
    answers = await asyncio.gather(*(maija.sign_in(code=code) for _ in range(4)))
    assert sorted(status for status, _ in answers) == [200, 401, 401, 401]
    assert await maija.sign_in(code=code) == (401, "wrong-code")


async def test_the_code_that_confirmed_the_app_signs_nobody_in(maija: Maija) -> None:
    await maija.add_app()
    assert await maija.sign_in(code=maija.code()) == (401, "wrong-code")


@pytest.mark.parametrize(("steps", "status"), [(-2, 401), (2, 401), (-1, 200), (1, 200)])
async def test_a_clock_may_be_half_a_minute_off_and_no_more(steps: int, status: int, maija: Maija) -> None:
    await maija.add_app()
    await maija.house.clock.advance(10 * STEP_S)
    assert (await maija.sign_in(code=maija.code(steps)))[0] == status


async def test_after_a_later_code_an_earlier_one_is_over(maija: Maija) -> None:
    await maija.add_app()
    await maija.house.clock.advance(10 * STEP_S)
    early = maija.code(-1)
    assert (await maija.sign_in(code=maija.code()))[0] == 200
    assert await maija.sign_in(code=early) == (401, "wrong-code")


async def test_after_five_wrong_codes_the_right_one_has_to_wait_and_the_holder_is_told_once(maija: Maija) -> None:
    await maija.add_app()
    await maija.house.clock.advance(STEP_S)
    statuses = [(await maija.sign_in(code="000000"))[0] for _ in range(5)]
    assert statuses == [401] * 5
    assert (await maija.sign_in(code=maija.code()))[0] == 429
    assert len([each for each in await maija.told() if "wrong code" in each]) == 1


async def test_ten_recovery_codes_each_let_in_once(maija: Maija) -> None:
    await maija.add_app()
    assert len(set(maija.codes)) == 10
    assert (await maija.sign_in(code=maija.codes[0]))[0] == 200
    assert await maija.sign_in(code=maija.codes[0]) == (401, "wrong-code")
    assert (await maija.sign_in(code=maija.codes[1].lower().replace("-", " ")))[0] == 200
    assert (await maija.factors())["recovery_codes"] == 8
    assert "Codes left: 9." in " ".join(await maija.told())


@pytest.mark.clause("C5-12")
async def test_of_recovery_codes_only_hashes_are_stored(maija: Maija) -> None:
    await maija.add_app()
    stored = repr(await maija.house.records.find(RecoveryCode))
    assert not [code for code in maija.codes if code in stored or code.replace("-", "") in stored]


async def test_new_recovery_codes_end_the_old_ones(maija: Maija) -> None:
    await maija.add_app()
    made = await maija.house.ask("POST", "/me/second-factor/recovery-codes", token=maija.token)
    fresh = (await made.json())["recovery_codes"]
    assert await maija.sign_in(code=maija.codes[0]) == (401, "wrong-code")
    assert (await maija.sign_in(code=fresh[0]))[0] == 200


@pytest.mark.clause("C5-13")
async def test_a_reset_by_mail_is_no_way_around_it(maija: Maija) -> None:
    await maija.add_app()
    await maija.house.ask("POST", "/password-resets", {"username": MAIJA})
    wish = {"token": await maija.house.link_token(MAIJA), "password": OTHER_PASSWORD}
    assert (await maija.house.ask("POST", "/password-resets/confirm", wish)).status == 204
    assert await maija.sign_in(password=OTHER_PASSWORD) == (401, "second-factor-needed")


async def test_beside_it_a_shorter_password_will_do(maija: Maija) -> None:
    await maija.add_app()
    shorter = await maija.house.ask("POST", "/me/password", {"password": "kissa ja koira"}, token=maija.token)
    assert shorter.status == 204


async def test_adding_one_ends_every_session_that_came_in_without(maija: Maija) -> None:
    other = (await maija.house.sign_in(MAIJA))["access_token"]
    await maija.add_app()
    assert (await maija.house.ask("GET", "/me", token=other)).status == 401
    assert (await maija.house.ask("GET", "/me", token=maija.token)).status == 200


async def test_removing_it_needs_a_fresh_proof_and_is_told_by_mail(maija: Maija) -> None:
    await maija.add_app()
    await maija.house.clock.advance(601)
    refused = await maija.house.ask("DELETE", "/me/second-factor/totp", token=maija.token)
    assert (await refused.json())["type"] == "urn:isocket:problem:step-up"
    proof = {"code": maija.code()}
    assert (await maija.house.ask("POST", "/me/step-up", proof, token=maija.token)).status == 200
    assert (await maija.house.ask("POST", "/me/step-up", proof, token=maija.token)).status == 403
    assert (await maija.house.ask("DELETE", "/me/second-factor/totp", token=maija.token)).status == 204
    assert (await maija.sign_in())[0] == 200
    assert await maija.house.records.count(RecoveryCode) == 0
    assert not [each for each in await maija.house.records.find(Session) if each.second_factor]
    assert [each for each in await maija.told() if "was removed" in each]


async def test_a_second_app_is_refused_while_there_is_one(maija: Maija) -> None:
    await maija.add_app()
    again = await maija.house.ask("POST", "/me/second-factor/totp", token=maija.token)
    assert (again.status, await maija.house.records.count(TotpFactor)) == (409, 1)


async def test_a_person_adds_it_on_the_page_and_signs_in_with_it(maija: Maija) -> None:
    visitor = Visitor(maija.house.client)
    await visitor.sign_in(MAIJA)
    page = await visitor.send(await visitor.open("/security"), "/security/totp")
    maija.secret = page.words.partition("type this into it: ")[2][:39].replace(" ", "")
    assert "<svg" in page.html
    wrong = await visitor.send(page, "/security/totp/confirm", code="000000")
    assert (wrong.status, "clocks" in wrong.words) == (422, True)
    done = await visitor.send(wrong, "/security/totp/confirm", code=maija.code())
    assert done.html.count("<li><code>") == 10
    await visitor.send(await visitor.open("/security"), "/sign-out")
    asked = await visitor.sign_in(MAIJA)
    assert "One more step" in asked.words
    refused = await visitor.send(asked, "/login/code", code="000000")
    assert (refused.status, "wrong" in refused.words) == (401, True)
    assert (await visitor.send(refused, "/login/code", code=await maija.next_code())).path == "/"


async def test_a_page_waits_five_minutes_for_the_second_factor(maija: Maija) -> None:
    await maija.add_app()
    visitor = Visitor(maija.house.client)
    asked = await visitor.sign_in(MAIJA)
    await maija.house.clock.advance(301)
    late = await visitor.send(asked, "/login/code", code=maija.code())
    assert "took too long" in late.words
    forged = {**asked.form("/login/code").values, "ticket": "bm90IG91cnM.bm90IG91cnM", "code": maija.code()}
    assert "took too long" in (await visitor.post("/login/code", forged)).words
