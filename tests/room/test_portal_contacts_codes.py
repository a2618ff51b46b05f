"""Proving that an address is a contact's."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from isocket.domain.contacts import ChannelKind, Contact, Verification
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState
from isocket.domain.stops import Stop
from isocket.storage.port import is_, is_not
from portal_api.codes import (
    CALLS_NUMBER,
    CODES_ACCOUNT,
    CODES_ADDRESS,
    TEXTS_ACCOUNT,
    TEXTS_ALL,
    TEXTS_ALL_DAY,
    TEXTS_CLIENT,
    TEXTS_NUMBER,
    TEXTS_ROW,
    TEXTS_ROW_DAY,
)
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


async def test_a_new_code_keeps_the_old_from_going_out_and_is_good_itself(entered: Entered) -> None:
    assert await entered.resend() == 202
    (new,) = await codes(entered.house, PHONE)
    assert await entered.verify(new) == 200


async def test_the_code_that_came_with_the_entering_is_good_though_another_was_asked_for(entered: Entered) -> None:
    first = await entered.newest()
    assert await entered.resend() == 202
    assert await entered.verify(first) == 200


async def test_the_code_before_is_good_for_its_own_ten_minutes_only(entered: Entered) -> None:
    first = await entered.newest()
    await entered.house.clock.advance(540)
    assert await entered.resend() == 202
    await entered.house.clock.advance(60)
    second = await entered.newest()
    assert first == second or await entered.verify(first) == 422
    assert await entered.verify(second) == 200


async def test_no_more_than_two_codes_are_good_at_once(entered: Entered) -> None:
    first = await entered.newest()
    for _ in range(2):
        await entered.house.clock.advance(60)
        assert await entered.resend() == 202
    kept = await entered.house.records.find(Verification, is_("channel", "sms"))
    assert len(kept) == 1
    assert await entered.verify(first) == 422 or first == await entered.newest()


async def test_a_code_whose_tries_are_used_up_does_not_come_back_with_the_next(entered: Entered) -> None:
    first = await entered.newest()
    for _ in range(5):
        await entered.verify(another(first))
    assert await entered.resend() == 202
    assert await entered.verify(first) == 422 or first == await entered.newest()


async def test_neither_code_is_good_for_another_number(entered: Entered) -> None:
    first = await entered.newest()
    path = f"/contacts/{entered.contact_id}"
    await entered.house.ask("PATCH", path, {"phone": "+358401234568"}, token=entered.token)
    assert await entered.verify(first) == 422


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


@pytest.mark.parametrize("channel", ["push", "post", ""])
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


@pytest.mark.parametrize(
    ("rate", "what"),
    [
        (TEXTS_NUMBER, ("account", PHONE)),
        (TEXTS_ACCOUNT, ("account",)),
        (TEXTS_CLIENT, ("127.0.0.1",)),
        (TEXTS_ROW, (PHONE[:-3],)),
        (TEXTS_ROW_DAY, (PHONE[:-3],)),
        (TEXTS_ALL, ()),
        (TEXTS_ALL_DAY, ()),
    ],
    ids=lambda each: each.name if isinstance(each, Rate) else "",
)
async def test_texts_with_codes_are_counted_for_number_account_client_row_and_the_whole_installation(
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


async def entered_again(entered: Entered, *stopped: str) -> Entered:
    """Remove the contact, of whom these addresses said stop, and enter the same one."""
    for address in stopped:
        await entered.house.records.add(
            Stop(id=f"stp_{address}", address=address, stopped_at=entered.house.clock.now())
        )
    await entered.house.ask("DELETE", f"/contacts/{entered.contact_id}", token=entered.token)
    contact = await enter(entered.house, entered.token, phone=PHONE, email=MAIL)
    return Entered(house=entered.house, token=entered.token, contact_id=contact["id"])


async def test_a_number_that_said_stop_gets_no_code_whoever_enters_it_again(entered: Entered) -> None:
    again = await entered_again(entered, PHONE)
    path, body = f"/contacts/{again.contact_id}/verification", {"channel": "sms"}
    answer = await again.house.ask("POST", path, body, token=again.token)
    problem = await answer.json()
    assert (answer.status, fields_of(problem), "START" in problem["detail"]) == (409, ["channel"], True)
    assert (await codes(again.house, PHONE), len(await codes(again.house, MAIL))) == ([], 1)
    await again.house.records.remove_all(Stop)
    assert await again.resend("sms") == 202


async def test_a_mailbox_that_said_stop_gets_a_code_only_where_it_is_asked_for_and_comes_back_by_it(
    entered: Entered,
) -> None:
    again = await entered_again(entered, MAIL)
    assert (await codes(again.house, MAIL), len(await codes(again.house, PHONE))) == ([], 1)
    assert await again.resend("email") == 202
    assert await again.house.records.count(Stop) == 1
    assert await again.verify(await again.newest(MAIL), "email") == 200
    assert await again.house.records.count(Stop) == 0


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


LANDLINE = "+35891234567"


@pytest.fixture
async def calling() -> AsyncIterator[Entered]:
    async with devices_house(channels=frozenset({ChannelKind.SMS, ChannelKind.VOICE, ChannelKind.EMAIL})) as house:
        token = await house.customer(MAIJA, language="fi")
        contact = await enter(house, token, phone=LANDLINE)
        yield Entered(house=house, token=token, contact_id=contact["id"])


async def the_call(entered: Entered) -> Delivery:
    """Return the call with a code that is due."""
    (due,) = await entered.house.records.find(
        Delivery, is_("channel", ChannelKind.VOICE), is_("state", DeliveryState.DUE)
    )
    return due


def heard(call: Delivery) -> str:
    return "".join(each for each in call.text if each.isdigit())


async def test_a_landline_is_called_when_it_is_asked_for_and_gets_no_texts(calling: Entered) -> None:
    assert await calling.house.records.count(Delivery, is_("kind", DeliveryKind.CODE)) == 0
    path, body = f"/contacts/{calling.contact_id}/verification", {"channel": "sms"}
    refused = await (await calling.house.ask("POST", path, body, token=calling.token)).json()
    assert (fields_of(refused), "spoken" in refused["errors"][0]["message"]) == (["channel"], True)
    assert await calling.resend("voice") == 202
    call = await the_call(calling)
    assert (call.kind, call.address, "Koodisi" in call.text) == (DeliveryKind.CODE, LANDLINE, True)


async def test_a_spoken_code_proves_that_a_telephone_can_be_called_and_nothing_of_texts(calling: Entered) -> None:
    await calling.resend("voice")
    code = heard(await the_call(calling))
    assert (len(code), await calling.verify(code, "sms"), await calling.verify(code, "voice")) == (6, 422, 200)
    shown = await (await calling.house.ask("GET", f"/contacts/{calling.contact_id}", token=calling.token)).json()
    proved = {name: shown[name] for name in ("phone_verified", "voice_verified", "phone_takes_texts")}
    assert proved == {"phone_verified": False, "voice_verified": True, "phone_takes_texts": False}
    assert await calling.resend("voice") == 409


async def test_another_number_has_to_be_called_again(calling: Entered) -> None:
    await calling.resend("voice")
    await calling.verify(heard(await the_call(calling)), "voice")
    path = f"/contacts/{calling.contact_id}"
    await calling.house.ask("PATCH", path, {"phone": "+35891234568"}, token=calling.token)
    shown = await (await calling.house.ask("GET", path, token=calling.token)).json()
    assert (shown["phone"], shown["voice_verified"]) == ("+35891234568", False)


async def test_where_a_text_arrived_no_call_has_to_prove_it_again(entered: Entered) -> None:
    await entered.verify(await entered.newest())
    shown = await (await entered.house.ask("GET", f"/contacts/{entered.contact_id}", token=entered.token)).json()
    assert (shown["phone_verified"], shown["voice_verified"]) == (True, True)


async def test_a_number_in_no_list_of_telephones_gets_a_code_by_text_only(calling: Entered) -> None:
    other = await enter(calling.house, calling.token, phone=PHONE)
    path = f"/contacts/{other['id']}/verification"
    refused = await (await calling.house.ask("POST", path, {"channel": "voice"}, token=calling.token)).json()
    assert (fields_of(refused), "text" in refused["errors"][0]["message"]) == (["channel"], True)
    assert (await calling.house.ask("POST", path, {"channel": "sms"}, token=calling.token)).status == 202


async def test_a_number_is_called_only_so_often_a_day_for_a_code(calling: Entered) -> None:
    statuses = []
    for _ in range(CALLS_NUMBER.tries + 1):
        statuses.append(await calling.resend("voice"))
        await calling.house.clock.advance(120)
    assert statuses == [202] * CALLS_NUMBER.tries + [429]


async def test_numbers_of_countries_that_are_not_served_are_refused() -> None:
    async with devices_house(countries=frozenset({"FI"})) as house:
        token = await house.customer(MAIJA)
        body = {"name": "Neighbour", "phone": PHONE}
        answer = await house.ask("POST", "/contacts", body, token=token)
        assert (answer.status, fields_of(await answer.json())) == (422, ["phone"])
        contact = await enter(house, token, phone="+358401234567")
        path = f"/contacts/{contact['id']}"
        answer = await house.ask("PATCH", path, {"phone": PHONE}, token=token)
        assert (answer.status, fields_of(await answer.json())) == (422, ["phone"])
        await house.records.change_one(Contact, is_("id", contact["id"]), phone=PHONE)
        answer = await house.ask("POST", f"{path}/verification", {"channel": "sms"}, token=token)
        assert (answer.status, fields_of(await answer.json())) == (422, ["channel"])


async def test_what_is_verified_needs_no_code_and_whatever_is_typed_says_so(entered: Entered) -> None:
    code = await entered.newest()
    assert await entered.verify(code, "sms") == 200
    before = await entered.house.records.get(Contact, entered.contact_id)
    assert [await entered.verify(each, "sms") for each in (code, "000000")] == [409, 409]
    assert await entered.house.records.get(Contact, entered.contact_id) == before
