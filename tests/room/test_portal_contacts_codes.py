"""Proving that an address is a contact's."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from isocket.domain.contacts import Contact, Verification
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.storage.port import is_, is_not
from portal_api.codes import CODES_ACCOUNT, CODES_ADDRESS, TEXTS_ALL, TEXTS_NUMBER, TEXTS_ROW
from portal_api.limits import Rate
from tests.fakes.portal_devices import MAIJA, PHONE, codes, devices_house, enter, fields_of
from tests.fakes.portal_house import PortalHouse

MAIL = "neighbour@example.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """A customer and a contact with both addresses that nobody has verified yet."""

    house: PortalHouse
    token: str
    contact_id: str

    async def resend(self, channel: str = "sms") -> int:
        body = {"channel": channel}
        path = f"/contacts/{self.contact_id}/verification"
        return (await self.house.ask("POST", path, body, token=self.token)).status

    async def verify(self, code: str, channel: str = "sms") -> int:
        body = {"channel": channel, "code": code}
        return (await self.house.ask("POST", f"/contacts/{self.contact_id}/verify", body, token=self.token)).status

    async def newest(self, address: str = PHONE) -> str:
        return (await codes(self.house, address))[-1]


@pytest.fixture
async def entered() -> AsyncIterator[Entered]:
    async with devices_house() as house:
        token = await house.customer(MAIJA, language="fi")
        contact = await enter(house, token, phone=PHONE, email=MAIL)
        yield Entered(house=house, token=token, contact_id=contact["id"])


def another(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


async def test_entering_a_contact_sends_a_code_to_each_address(entered: Entered) -> None:
    assert len(await codes(entered.house, PHONE)) == len(await codes(entered.house, MAIL)) == 1


async def test_the_code_is_sent_in_the_contacts_language_and_is_of_use_for_ten_minutes(entered: Entered) -> None:
    sent = await entered.house.records.find(Delivery, is_("kind", DeliveryKind.CODE))
    assert {each.person_id for each in sent} == {entered.contact_id}
    assert all("koodisi" in each.text for each in sent)
    assert {each.subject_line for each in sent} == {"", "iSocket-koodisi"}
    assert all(each.expires_at and (each.expires_at - each.created_at).total_seconds() == 600 for each in sent)


async def test_the_right_code_verifies_its_own_channel_only(entered: Entered) -> None:
    assert await entered.verify(await entered.newest()) == 200
    shown = await (await entered.house.ask("GET", f"/contacts/{entered.contact_id}", token=entered.token)).json()
    assert (shown["phone_verified"], shown["email_verified"]) == (True, False)


async def test_a_code_of_one_channel_is_no_good_for_the_other(entered: Entered) -> None:
    sms, mail = await entered.newest(), await entered.newest(MAIL)
    statuses = [await entered.verify(sms, "email"), await entered.verify(mail, "sms")]
    assert statuses == ([422, 422] if sms != mail else [200, 200])


async def test_a_code_typed_with_spaces_is_read(entered: Entered) -> None:
    code = await entered.newest()
    assert await entered.verify(f" {code[:3]} {code[3:]} ") == 200


async def test_verifying_twice_is_no_fault(entered: Entered) -> None:
    code = await entered.newest()
    assert [await entered.verify(code), await entered.verify(code)] == [200, 200]


async def test_after_five_wrong_tries_the_right_code_is_no_good_either(entered: Entered) -> None:
    code = await entered.newest()
    tries = [await entered.verify(another(code)) for _ in range(5)]
    assert [*tries, await entered.verify(code)] == [422] * 6


async def test_five_tries_are_five_however_many_come_at_once(entered: Entered) -> None:
    code = await entered.newest()
    await asyncio.gather(*(entered.verify(another(code)) for _ in range(20)))
    (left,) = await entered.house.records.find(Verification, is_("channel", "sms"))
    assert (left.tries_left, await entered.verify(code)) == (0, 422)


async def test_a_code_is_good_for_ten_minutes(entered: Entered) -> None:
    code = await entered.newest()
    await entered.house.clock.advance(600)
    assert await entered.verify(code) == 422


async def test_a_refused_code_is_told_from_one_that_is_spent(entered: Entered) -> None:
    path = f"/contacts/{entered.contact_id}/verify"
    body = {"channel": "sms", "code": another(await entered.newest())}
    kinds = []
    for _ in range(6):
        answer = await (await entered.house.ask("POST", path, body, token=entered.token)).json()
        kinds.append(answer["type"].rpartition(":")[2])
        assert fields_of(answer) == ["code"]
    assert kinds == ["wrong-code"] * 5 + ["code-spent"]


async def test_a_new_code_replaces_the_old_and_keeps_it_from_going_out(entered: Entered) -> None:
    old = await entered.newest()
    assert await entered.resend() == 202
    (new,) = await codes(entered.house, PHONE)
    assert [await entered.verify(old), await entered.verify(new)] == ([422, 200] if old != new else [200, 200])


async def test_one_code_may_be_asked_for_at_once_and_then_one_a_minute(entered: Entered) -> None:
    statuses = [await entered.resend(), await entered.resend()]
    await entered.house.clock.advance(60)
    assert [*statuses, await entered.resend(), await entered.resend()] == [202, 429, 202, 429]


async def test_a_wait_is_told_in_seconds(entered: Entered) -> None:
    await entered.resend()
    path = f"/contacts/{entered.contact_id}/verification"
    answer = await entered.house.ask("POST", path, {"channel": "sms"}, token=entered.token)
    assert 0 < int(answer.headers["Retry-After"]) <= 60


async def test_one_address_gets_only_so_many_codes_a_day_whoever_enters_it(entered: Entered) -> None:
    for _ in range(CODES_ADDRESS.tries):
        await entered.house.portal.limits.take(CODES_ADDRESS, PHONE)
    assert (await entered.resend(), await entered.resend("email")) == (429, 202)


async def test_one_account_sends_only_so_many_codes_a_day_and_may_enter_contacts_all_the_same(entered: Entered) -> None:
    account_id = (await entered.house.account(MAIJA)).id
    for _ in range(CODES_ACCOUNT.tries):
        await entered.house.portal.limits.take(CODES_ACCOUNT, account_id)
    other = await enter(entered.house, entered.token, phone="+447700900999")
    assert other["phone_verified"] is False
    assert await codes(entered.house, "+447700900999") == []


async def test_what_is_verified_needs_no_code(entered: Entered) -> None:
    await entered.verify(await entered.newest())
    assert await entered.resend() == 409


@pytest.mark.parametrize("channel", ["voice", "post", ""])
async def test_an_unknown_channel_is_refused(entered: Entered, channel: str) -> None:
    assert await entered.resend(channel) == 422


async def test_without_an_address_there_is_nothing_to_verify(entered: Entered) -> None:
    other = await enter(entered.house, entered.token, phone="+447700900999")
    path = f"/contacts/{other['id']}"
    asked = await entered.house.ask("POST", f"{path}/verification", {"channel": "email"}, token=entered.token)
    body = {"channel": "email", "code": "123456"}
    typed = await entered.house.ask("POST", f"{path}/verify", body, token=entered.token)
    assert [fields_of(await each.json()) for each in (asked, typed)] == [["channel"], ["channel"]]


async def test_the_store_does_not_hold_the_code(entered: Entered) -> None:
    code = await entered.newest()
    assert code not in repr(await entered.house.records.find(Verification))


async def test_numbers_in_a_row_get_only_so_many_codes_an_hour_whoever_enters_them(entered: Entered) -> None:
    for _ in range(TEXTS_ROW.tries):
        await entered.house.portal.limits.take(TEXTS_ROW, PHONE[:-3])
    await enter(entered.house, entered.token, phone="+447700900999")
    await enter(entered.house, entered.token, phone="+358401234567")
    assert await codes(entered.house, "+447700900999") == []
    assert len(await codes(entered.house, "+358401234567")) == 1


@pytest.mark.parametrize(("rate", "what"), [(TEXTS_ALL, ()), (TEXTS_NUMBER, ("account", PHONE))])
async def test_texts_with_codes_are_counted_for_the_number_and_for_the_whole_installation(
    entered: Entered, rate: Rate, what: tuple[str, ...]
) -> None:
    account_id = (await entered.house.account(MAIJA)).id
    named = [account_id if each == "account" else each for each in what]
    for _ in range(rate.tries):
        await entered.house.portal.limits.take(rate, *named)
    assert (await entered.resend(), await entered.resend("email")) == (429, 202)


async def pause(entered: Entered, reason: str) -> None:
    await entered.house.records.change_one(
        Contact, is_("id", entered.contact_id), paused_at=entered.house.clock.now(), pause_reason=reason
    )


async def test_who_left_by_the_button_in_a_mail_comes_back_with_a_code_from_a_new_one(entered: Entered) -> None:
    await entered.verify(await entered.newest(MAIL), "email")
    await pause(entered, "unsubscribed")
    assert (await entered.resend("sms"), await entered.resend("email")) == (409, 202)
    assert await entered.verify(await entered.newest(MAIL), "email") == 200
    contact = await entered.house.records.get(Contact, entered.contact_id)
    assert contact is not None
    assert (contact.paused_at, contact.pause_reason) == (None, None)


async def test_who_wrote_stop_is_sent_no_code_and_a_code_from_before_brings_nobody_back(entered: Entered) -> None:
    await pause(entered, "stop_reply")
    assert (await entered.resend("sms"), await entered.resend("email")) == (409, 409)
    await entered.verify(await entered.newest(MAIL), "email")
    contact = await entered.house.records.get(Contact, entered.contact_id)
    assert contact is not None
    assert contact.pause_reason == "stop_reply"


@pytest.mark.parametrize("reason", ["unsubscribed", "stop_reply"])
async def test_the_holder_of_the_account_takes_up_their_own_messages_and_nobody_elses(
    entered: Entered, reason: str
) -> None:
    await pause(entered, reason)
    await entered.house.records.change_one(
        Contact, is_("is_owner", True), paused_at=entered.house.clock.now(), pause_reason=reason
    )
    (own,) = await entered.house.records.find(Contact, is_("is_owner", True))
    statuses = [
        (await entered.house.ask("PATCH", f"/contacts/{each}", {"paused": False}, token=entered.token)).status
        for each in (own.id, entered.contact_id)
    ]
    still = await entered.house.records.find(Contact, is_not("paused_at", None))
    assert (statuses, [each.id for each in still]) == ([200, 409], [entered.contact_id])
