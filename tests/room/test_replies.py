"""What people write back, and what we answer: in their language, in one segment, and not for ever."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alerts import pausing
from alerts.acknowledging import acknowledge
from alerts.answering import COUNTED_FOR, MOST_ANSWERS
from alerts.channels.gsm7 import fits_one_segment
from alerts.replies import ANSWERED_BY_TWILIO, AT_ONCE, Replies
from isocket.domain.accounts import Account
from isocket.domain.answers import Answers
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import DeliveryKind
from isocket.domain.devices import Device
from isocket.domain.incidents import Incident, IncidentState
from isocket.domain.letters import LANGUAGES
from isocket.domain.pauses import UNSUBSCRIBED
from isocket.domain.stops import Stop
from isocket.kit.ids import derived_id
from isocket.storage.documents import Documents
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import R, Test, is_, is_not
from isocket.storage.records import StoredRecords
from tests.fakes.alert_house import ACCOUNT, ANNA, BERTIL, DEVICE, MAILS, PHONES, PUBLIC_URL, AlertHouse
from tests.fakes.clock import NOON


@pytest.fixture
async def house() -> AlertHouse:
    house = await AlertHouse().furnish()
    await house.contact(BERTIL)
    return house


async def told(house: AlertHouse) -> None:
    await house.incident()
    await house.escalate()
    await house.send()


async def answer_to(house: AlertHouse, text: str, sender: str = PHONES[ANNA]) -> str:
    replies = Replies(records=house.records, clock=house.clock, public_url=PUBLIC_URL, answered=ANSWERED_BY_TWILIO)
    return await replies.heed(sender, text)


async def test_whoever_takes_it_is_thanked(house: AlertHouse) -> None:
    await told(house)
    assert await answer_to(house, "K7QF") == "Mökki: mains power is out. Thank you, you have taken it (K7QF)"


async def test_whoever_sends_the_code_twice_is_told_the_same(house: AlertHouse) -> None:
    await told(house)
    first = await answer_to(house, "K7QF")
    assert await answer_to(house, "k7qf") == first


async def test_whoever_comes_second_is_told_that_it_is_taken(house: AlertHouse) -> None:
    await told(house)
    await answer_to(house, "K7QF")
    assert "Somebody has taken it already" in await answer_to(house, "K7QF", PHONES[BERTIL])
    assert (await house.the_incident()).acknowledged_by == f"{ANNA} sms"


async def test_whoever_comes_late_is_told_that_it_is_over(house: AlertHouse) -> None:
    await told(house)
    await house.close()
    assert "This is over already" in await answer_to(house, "K7QF")


async def test_a_code_that_is_used_again_means_the_incident_that_is_open(house: AlertHouse) -> None:
    await told(house)
    await house.close()
    await house.pass_by(hours=1)
    await house.incident("inc_2")
    await house.escalate()
    assert "you have taken it" in await answer_to(house, "K7QF")
    assert (await house.the_incident("inc_2")).state is IncidentState.ACKNOWLEDGED


async def test_other_customers_alarms_of_the_same_code_are_in_nobodys_way(house: AlertHouse) -> None:
    await told(house)
    for number in range(20):
        await house.pass_by(minutes=1)
        await house.incident(f"inc_other_{number}", account_id=f"acc_{number}")
    assert "you have taken it" in await answer_to(house, "K7QF")
    assert (await house.the_incident()).state is IncidentState.ACKNOWLEDGED
    assert (await house.the_incident("inc_other_7")).state is IncidentState.OPEN


async def two_of_one_code(house: AlertHouse, name: str = "Barn") -> None:
    """Tell Anna and Bertil of two sockets whose judges gave the same code in the same moment."""
    await another_socket(house, name)
    await house.incident()
    await house.incident("inc_2", device_id="is-2")
    await house.escalate()
    await house.send()


async def another_socket(house: AlertHouse, name: str, account_id: str = ACCOUNT) -> None:
    device = await house.records.get(Device, DEVICE)
    assert device is not None
    await house.records.add(replace(device, id="is-2", name=name, owner_id=account_id))


async def test_whoever_takes_two_alarms_of_one_code_is_told_both(house: AlertHouse) -> None:
    await two_of_one_code(house)
    both = "2 (Mökki: mains power is out; Barn: mains power is out)"
    assert await answer_to(house, "K7QF") == f"Thank you. Alarms that you have taken: {both}"
    for each in ("inc_1", "inc_2"):
        assert (await house.the_incident(each)).acknowledged_by == f"{ANNA} sms"
    assert await answer_to(house, "K7QF") == f"Thank you. Alarms that you have taken: {both}"
    assert await answer_to(house, "K7QF", PHONES[BERTIL]) == f"Alarms that somebody has taken already: {both}"


async def test_of_two_alarms_of_one_code_it_is_said_which_one_somebody_had_taken(house: AlertHouse) -> None:
    await two_of_one_code(house)
    await acknowledge(house.records, "inc_1", by=f"{BERTIL} link", clock=house.clock)
    assert await answer_to(house, "K7QF") == (
        "Thank you. Alarms that you have taken: 1 (Barn: mains power is out). "
        "Alarms that somebody has taken already: 1 (Mökki: mains power is out)"
    )


async def test_whoever_names_two_codes_in_one_text_is_told_both_alarms(house: AlertHouse) -> None:
    await another_socket(house, "Barn")
    await house.incident()
    await house.incident("inc_2", device_id="is-2", short_code="BX2")
    await house.escalate()
    said = await answer_to(house, "k7qf, bx2")
    assert said == "Thank you. Alarms that you have taken: 2 (Mökki: mains power is out; Barn: mains power is out)"


async def test_whoever_comes_late_for_two_alarms_of_one_code_is_told_that_both_are_over(house: AlertHouse) -> None:
    await house.incident("inc_0", opened_at=house.clock.now() - timedelta(days=2))
    await house.escalate()
    await house.close("inc_0")  # of the same code, and nobody means it any more
    await house.pass_by(hours=1)
    await two_of_one_code(house)
    for each in ("inc_1", "inc_2"):
        await house.close(each)
    both = "2 (Mökki: mains power is out; Barn: mains power is out)"
    assert await answer_to(house, "K7QF") == f"Alarms that are over already: {both}"


async def test_whoever_is_told_of_two_customers_alarms_of_one_code_is_told_both_and_counts_as_answered_once(
    house: AlertHouse,
) -> None:
    await another_socket(house, "Barn", "acc_2")
    anna = await house.records.get(Contact, ANNA)
    assert anna is not None
    await house.records.add(replace(anna, id="con_anna_2", account_id="acc_2"))
    await house.incident()
    await house.incident("inc_2", account_id="acc_2", device_id="is-2")
    await house.escalate()
    assert "Mökki: mains power is out; Barn: mains power is out" in await answer_to(house, "K7QF")
    assert [each.given for each in await house.records.find(Answers)] == [1]


async def test_whoever_says_again_that_they_are_on_it_is_thanked(house: AlertHouse) -> None:
    await told(house)
    await answer_to(house, "K7QF")
    await house.records.change_one(Incident, is_("id", "inc_1"), asked_at=house.clock.now())
    asked = {"state": IncidentState.ACKNOWLEDGED, "acknowledged_by": "con_asleep sms", "asked_at": house.clock.now()}
    other = await house.incident("inc_0_of_another", short_code="M3RT", account_id="acc_other", **asked)
    assert "you are still on it" in await answer_to(house, "K7QF")
    assert (await house.the_incident()).asked_at is None
    assert await house.the_incident(other.id) == other


async def test_whoever_answers_in_place_of_the_one_who_was_asked_has_taken_it(house: AlertHouse) -> None:
    await told(house)
    asked = {"state": IncidentState.ACKNOWLEDGED, "acknowledged_by": "con_asleep sms", "asked_at": house.clock.now()}
    await house.records.change_one(Incident, is_("id", "inc_1"), **asked)
    assert "you have taken it" in await answer_to(house, "K7QF")
    found = await house.the_incident()
    assert (found.acknowledged_by, found.asked_at) == (f"{ANNA} sms", None)


async def test_the_owner_who_took_it_signed_in_and_is_asked_is_still_on_it(house: AlertHouse) -> None:
    await told(house)
    await house.records.change_one(Contact, is_("id", ANNA), is_owner=True)
    asked = {"state": IncidentState.ACKNOWLEDGED, "acknowledged_by": f"{ACCOUNT} portal", "asked_at": house.clock.now()}
    await house.records.change_one(Incident, is_("id", "inc_1"), **asked)
    assert "you are still on it" in await answer_to(house, "K7QF")


async def test_a_code_that_nobody_knows_is_answered_with_those_that_are_open(house: AlertHouse) -> None:
    await told(house)
    assert await answer_to(house, "XXXX") == "We do not know this code. Your open alarms: K7QF"
    assert (await house.the_incident()).state is IncidentState.OPEN


async def test_of_many_open_alarms_as_many_codes_are_listed_as_fit(house: AlertHouse) -> None:
    for number in range(60):
        await house.incident(f"inc_{number}", short_code=f"A{number:03}")
    await house.escalate()
    answer = await answer_to(house, "XXXX")
    assert fits_one_segment(answer)
    assert answer.count(", A") > 10


async def test_where_nothing_is_open_that_is_said(house: AlertHouse) -> None:
    assert await answer_to(house, "K7QF") == "No alarm of yours is open. Nothing was changed."


@pytest.mark.parametrize("text", ["", "XXXX", "K7QF", "hello"])
async def test_a_stranger_gets_no_answer(house: AlertHouse, text: str) -> None:
    await told(house)
    assert not await answer_to(house, text, "+447700900666")
    assert (await house.the_incident()).state is IncidentState.OPEN


async def test_a_long_text_that_names_no_alarm_gets_no_answer(house: AlertHouse) -> None:
    assert not await answer_to(house, "I am on holiday until Monday and cannot answer your message")


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("STOP", ""),
        (" unsubscribe ", ""),
        ("Lopeta", "no more messages"),
        ("stop please", "no more messages"),
        ("STOP!", "no more messages"),
    ],
)
async def test_only_a_word_that_the_provider_does_not_answer_by_itself_is_answered(
    house: AlertHouse, word: str, says: str
) -> None:
    answer = await answer_to(house, word)
    assert says in answer
    assert bool(answer) is bool(says)
    contact = await house.records.get(Contact, ANNA)
    assert contact is not None
    assert contact.pause_reason == "stop_reply"
    assert len(await house.deliveries(DeliveryKind.NOTICE)) == 1


@pytest.mark.parametrize(
    "text", ["Stop calling, I take it: K7QF", "stop k7qf", "STOP, I am on it and shall look after all this now: K7QF"]
)
async def test_who_says_stop_and_names_an_alarm_takes_it_and_is_not_paused(house: AlertHouse, text: str) -> None:
    await told(house)
    assert "you have taken it" in await answer_to(house, text)
    contact = await house.records.get(Contact, ANNA)
    assert contact is not None
    assert ((await house.the_incident()).state, contact.paused_at) == (IncidentState.ACKNOWLEDGED, None)


async def test_who_says_stop_and_names_an_alarm_of_others_is_paused(house: AlertHouse) -> None:
    await house.ladder({"contact_ids": [ANNA], "channels": ["sms"], "after_s": 0})
    await told(house)
    assert "no more messages" in await answer_to(house, "stop k7qf", PHONES[BERTIL])
    contact = await house.records.get(Contact, BERTIL)
    assert contact is not None
    assert ((await house.the_incident()).state, contact.pause_reason) == (IncidentState.OPEN, "stop_reply")


async def test_who_has_the_number_that_somebody_else_was_told_by_takes_nothing(house: AlertHouse) -> None:
    await told(house)
    await house.records.change_one(Contact, is_("id", ANNA), phone="+447700900999", phone_verified_at=None)
    assert not await answer_to(house, "K7QF")
    assert (await house.the_incident()).state is IncidentState.OPEN


async def test_whoever_comes_back_is_told_so(house: AlertHouse) -> None:
    await answer_to(house, "LOPETA")
    assert "messages about alarms again" in await answer_to(house, "aloita")
    contact = await house.records.get(Contact, ANNA)
    assert contact is not None
    assert contact.paused_at is None


async def test_a_number_undoes_its_own_stop_before_it_was_proved_and_then_is_asked_but_told_of_nothing(
    house: AlertHouse,
) -> None:
    await house.records.change_one(Contact, is_("id", ANNA), phone_verified_at=None)
    await answer_to(house, "SEIS")
    assert not await answer_to(house, "aloita")
    contact = await house.records.get(Contact, ANNA)
    assert contact is not None
    assert (contact.paused_at, contact.phone_verified_at) == (None, None)
    assert await house.records.find(Stop) == []


@pytest.mark.parametrize("reason", ["objected", "stop_page"])
async def test_a_number_undoes_what_was_said_on_the_page_of_its_reader_and_the_owner_is_told(
    house: AlertHouse, reason: str
) -> None:
    paused = {"paused_at": house.clock.now(), "pause_reason": reason}
    await house.records.change_one(Contact, is_("id", ANNA), **paused)
    await house.records.add(Stop(id="stp_1", address=PHONES[ANNA], stopped_at=house.clock.now()))
    assert "messages about alarms again" in await answer_to(house, "aloita")
    contact = await house.records.get(Contact, ANNA)
    assert contact is not None
    assert contact.paused_at is None
    (notice,) = await house.deliveries(DeliveryKind.NOTICE)
    assert notice.subject_line == "A contact wants messages again"
    assert "messages about alarms again" in await answer_to(house, "aloita")
    assert len(await house.deliveries(DeliveryKind.NOTICE)) == 1


@pytest.mark.parametrize("word", ["aloita", "START"])
@pytest.mark.parametrize("reason", ["unsubscribed", "objected"])
async def test_what_the_mailbox_said_no_number_undoes_and_whoever_tries_is_told_so(
    house: AlertHouse, reason: str, word: str
) -> None:
    paused = {"paused_at": house.clock.now(), "pause_reason": reason}
    await house.records.change_one(Contact, is_("id", ANNA), **paused)
    await house.records.add(Stop(id="stp_1", address=MAILS[ANNA], stopped_at=house.clock.now()))
    assert "mailbox stopped our messages" in await answer_to(house, word)
    contact = await house.records.get(Contact, ANNA)
    assert contact is not None
    assert contact.pause_reason == reason
    assert await house.deliveries(DeliveryKind.NOTICE) == []


class Waiting(StoredRecords):
    """Records on a disk that takes its time: `most` is how many entries waited for it at once."""

    def __init__(self, documents: Documents) -> None:
        super().__init__(documents)
        self._waiting = self.most = 0

    async def change_one(self, kind: type[R], *tests: Test, **changes: Any) -> R | None:  # type: ignore[override]
        self._waiting += 1
        self.most = max(self.most, self._waiting)
        await asyncio.sleep(0)
        self._waiting -= 1
        return await super().change_one(kind, *tests, **changes)


@pytest.mark.parametrize(("word", "paused"), [("STOP", 120), ("START", 0)])
async def test_a_number_that_many_customers_entered_is_not_paused_by_one_customer_after_the_other(
    word: str, paused: int
) -> None:
    records = Waiting(MemoryDocuments())
    house = AlertHouse(records=records)
    stopped = {"paused_at": NOON, "pause_reason": "stop_reply"} if word == "START" else {}
    for number in range(120):
        await records.add(Account(id=f"acc_{number}", email=f"{number}@example.org", created_at=NOON))
        of_theirs = {"id": f"con_{number}", "account_id": f"acc_{number}", **stopped}
        await records.add(
            Contact(name="Anna", phone=PHONES[ANNA], phone_verified_at=NOON, created_at=NOON, **of_theirs)
        )
    await answer_to(house, word)
    assert await records.count(Contact, is_not("paused_at", None)) == paused
    assert len(await house.deliveries(DeliveryKind.NOTICE)) == 120
    assert records.most == AT_ONCE


async def test_a_number_that_was_heard_in_a_call_brings_its_person_back(house: AlertHouse) -> None:
    await house.records.change_one(Contact, is_("id", ANNA), phone_verified_at=None, voice_verified_at=NOON)
    await answer_to(house, "STOP")
    assert "again" in await answer_to(house, "aloita")


async def test_a_stop_by_telephone_outweighs_that_of_a_mailbox(house: AlertHouse) -> None:
    when = {"clock": house.clock, "public_url": PUBLIC_URL}
    await pausing.pause(house.records, ANNA, reason=UNSUBSCRIBED, **when)
    await answer_to(house, "STOP")
    await pausing.pause(house.records, ANNA, reason=UNSUBSCRIBED, **when)
    contact = await house.records.get(Contact, ANNA)
    assert contact is not None
    assert contact.pause_reason == "stop_reply"
    assert len(await house.deliveries(DeliveryKind.NOTICE)) == 1


async def test_who_stops_once_more_or_comes_back_does_so_for_nobody_else(house: AlertHouse) -> None:
    when = {"clock": house.clock, "public_url": PUBLIC_URL}
    for each in (ANNA, BERTIL):
        await pausing.pause(house.records, each, reason=UNSUBSCRIBED, **when)
    anna = await house.records.get(Contact, ANNA)
    for word in ("STOP", "STOP"):
        await house.pass_by(minutes=1)
        await answer_to(house, word, PHONES[BERTIL])
    bertil = await house.records.get(Contact, BERTIL)
    assert bertil is not None
    assert (bertil.pause_reason, bertil.paused_at) == ("stop_reply", house.clock.now())
    assert await house.records.get(Contact, ANNA) == anna
    await pausing.pause(house.records, BERTIL, reason="stop_key", **when)
    await house.records.change_one(Contact, is_("id", ANNA), pause_reason="stop_reply")
    await house.records.remove_all(Stop, is_("address", MAILS[BERTIL]))
    assert "again" in await answer_to(house, "aloita", PHONES[BERTIL])
    paused = await house.records.find(Contact, is_not("paused_at", None))
    assert [(each.id, each.pause_reason) for each in paused] == [(ANNA, "stop_reply")]


async def test_a_telephones_stop_that_comes_while_a_mailbox_says_stop_stays_and_so_does_each_ones_reason(
    house: AlertHouse,
) -> None:
    when = {"clock": house.clock, "public_url": PUBLIC_URL}

    class Overtaken(StoredRecords):
        async def get(self, kind: type[R], record_id: str) -> R | None:
            found = await super().get(kind, record_id)
            if kind is Contact:
                await pausing.pause(house.records, record_id, reason="stop_key", **when)
            return found

    documents = MemoryDocuments()
    house.records = StoredRecords(documents)
    await house.furnish()
    await pausing.pause(Overtaken(documents), ANNA, reason=UNSUBSCRIBED, **when)
    await answer_to(house, "STOP")
    contact = await house.records.get(Contact, ANNA)
    assert contact is not None
    assert contact.pause_reason == "stop_key"


async def test_the_stops_of_two_numbers_are_remembered_and_undone_each_by_itself(house: AlertHouse) -> None:
    for each in (BERTIL, ANNA):
        await answer_to(house, "STOP", PHONES[each])
    assert {each.address for each in await house.records.find(Stop)} == {PHONES[ANNA], PHONES[BERTIL]}
    assert "again" in await answer_to(house, "aloita")
    assert [each.address for each in await house.records.find(Stop)] == [PHONES[BERTIL]]
    assert [each.id for each in await house.records.find(Contact, is_not("paused_at", None))] == [BERTIL]


@pytest.mark.parametrize("sender", [PHONES[ANNA], "+447700900666"])
async def test_a_stop_is_remembered_of_its_number_until_a_start_whoever_has_it_as_a_contact(
    house: AlertHouse, sender: str
) -> None:
    await answer_to(house, "STOP", sender)
    await answer_to(house, "lopeta", sender)
    (stop,) = await house.records.find(Stop)
    await house.records.remove_all(Contact, is_("id", ANNA))
    await answer_to(house, "START", sender)
    assert (stop.address, await house.records.find(Stop)) == (sender, [])


@pytest.mark.parametrize(
    ("reason", "address"),
    [("opted_out", PHONES[ANNA]), ("stop_key", PHONES[ANNA]), ("unsubscribed", MAILS[ANNA])],
)
async def test_it_is_remembered_of_the_address_that_said_so(house: AlertHouse, reason: str, address: str) -> None:
    await pausing.pause(house.records, ANNA, reason=reason, clock=house.clock, public_url=PUBLIC_URL)
    assert [each.address for each in await house.records.find(Stop)] == [address]


async def test_a_machine_that_answers_us_comes_to_an_end_and_is_heeded_all_the_same(house: AlertHouse) -> None:
    await told(house)
    answers = [await answer_to(house, "who is this") for _ in range(MOST_ANSWERS + 3)]
    assert [bool(each) for each in answers] == [True] * MOST_ANSWERS + [False] * 3
    assert not await answer_to(house, "K7QF")
    assert (await house.the_incident()).state is IncidentState.ACKNOWLEDGED
    await house.clock.advance(COUNTED_FOR.total_seconds())
    assert await answer_to(house, "who is this")


async def test_what_was_taken_without_an_answer_is_not_answered_as_a_code_that_is_none(house: AlertHouse) -> None:
    anna = await house.records.get(Contact, ANNA)
    assert anna is not None
    await house.records.add(replace(anna, id="con_also_anna", account_id="acc_2"))  # another customer's contact
    await told(house)
    enough = {"account_id": ACCOUNT, "contact_id": ANNA, "at": NOON, "given": MOST_ANSWERS}
    await house.records.add(Answers(id=derived_id("ans", ANNA), **enough))
    assert not await answer_to(house, "K7QF")
    assert (await house.the_incident()).state is IncidentState.ACKNOWLEDGED


async def test_whoever_was_removed_is_not_answered_and_takes_nothing(house: AlertHouse) -> None:
    await told(house)
    await house.records.remove_all(Contact, is_("id", ANNA))
    assert not await answer_to(house, "K7QF")
    assert (await house.the_incident()).state is IncidentState.OPEN


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_answer_is_in_the_senders_language(language: str) -> None:
    house = await AlertHouse().furnish(language=language)
    await house.incident()
    await house.escalate()
    said = [await answer_to(house, text) for text in ("XXXX", "K7QF", "SEIS", "STARTA")]
    await acknowledge(house.records, "inc_1", by=f"{ANNA} sms", clock=house.clock)
    await house.close()
    said.append(await answer_to(house, "K7QF"))
    assert len({*said}) == 5
    assert all(fits_one_segment(each) for each in said)
    assert ("Thank you" in said[1]) is (language == "en")


async def test_whoever_was_told_by_mail_takes_it_with_the_code_in_it_from_their_own_telephone(
    house: AlertHouse,
) -> None:
    await house.ladder({"contact_ids": [ANNA], "channels": ["email"], "after_s": 0})
    await house.incident()
    await house.escalate()
    await house.send()
    assert "K7QF" in house.mail.accepted[0].text
    assert "Thank you" in await answer_to(house, "K7QF")
    assert (await house.the_incident()).acknowledged_by == f"{ANNA} sms"


async def test_whoever_was_told_by_mail_takes_nothing_from_a_telephone_that_was_not_proved(house: AlertHouse) -> None:
    await house.records.change_one(Contact, is_("id", ANNA), phone_verified_at=None)
    await house.ladder({"contact_ids": [ANNA], "channels": ["email"], "after_s": 0})
    await house.incident()
    await house.escalate()
    await house.send()
    assert house.mail.accepted
    await answer_to(house, "K7QF")
    assert (await house.the_incident()).state is IncidentState.OPEN


async def test_whoever_has_a_number_that_was_not_proved_gets_no_answer(house: AlertHouse) -> None:
    """A stranger would learn of the alarm, and whoever has changed their number would read that there is none."""
    await told(house)
    phone = "+447700900003"
    await house.records.change_one(Contact, is_("id", ANNA), phone=phone, phone_verified_at=None)
    assert await answer_to(house, "who is this", phone) == ""
    assert await answer_to(house, "K7QF", phone) == ""
    await house.close()
    assert await answer_to(house, "K7QF", phone) == ""
