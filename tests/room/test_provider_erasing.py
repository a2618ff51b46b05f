"""Providers are asked to erase their messages to somebody who was erased, and the receipt says what came of it."""

from collections import deque
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from alerts.channels.channel import ChannelKind
from alerts.channels.twilio_sms import TwilioSms
from alerts.channels.twilio_voice import TwilioVoice
from alerts.outcomes import Erasal
from alerts.provider_erasing import AGAIN_S, GIVE_UP_AFTER, ProviderErasing
from alerts.providers import Providers
from alerts.wishes import LEASE_S
from isocket.domain.deliveries import Attempt, AttemptState, Delivery, Receipt
from isocket.domain.desk import DeskMessage
from isocket.domain.erasures import ErasureState
from isocket.domain.provider_erasures import ProviderAnswer, ProviderErasure
from isocket.domain.record import Record
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import Records, is_
from isocket.storage.provider_wishes import ask_providers
from isocket.storage.records import StoredRecords
from portal_api.recipient_acts import erase_entry
from privacy.scan import Found
from tests.fakes.alert_house import RecordingChannel
from tests.fakes.clock import ManualClock
from tests.fakes.dying import DyingRecords, Fuse, every_crash_point
from tests.fakes.erasing_house import MAIJA_ID, Ground, erasing_house, furnish, in_memory
from tests.fakes.patience import PATIENCE_S
from tests.fakes.portal_devices import PHONE
from tests.fakes.twilio_people import Person
from tests.fakes.twilio_server import TwilioDouble


class Forgetful(RecordingChannel):
    """A provider that erases what it is asked to; `answers` holds its answers to the next requests."""

    def __init__(self, kind: ChannelKind = ChannelKind.SMS, name: str = "twilio") -> None:
        super().__init__(kind, name)
        self.asked_to_erase: list[str] = []
        self.answers: deque[Erasal] = deque()

    async def erase(self, provider_id: str) -> Erasal:
        self.asked_to_erase.append(provider_id)
        return self.answers.popleft() if self.answers else Erasal.DONE


def erasing(records: Records, clock: ManualClock, *channels: Any) -> ProviderErasing:
    ways = {each.kind: each for each in channels}
    return ProviderErasing(records=records, clock=clock, providers=Providers(ways, records=records, clock=clock))


async def carried(ground: Ground, number: int, provider_id: str | None, **more: Any) -> None:
    """Store that a provider carried a message to Maija's neighbour."""
    now = ground.clock.now()
    (letter,) = await ground.records.find(Delivery, is_("id", "dlv_1"))
    attempt = Attempt(
        id=f"att_{number}", delivery_id=letter.id, account_id=MAIJA_ID, person_id=letter.person_id, number=number,
        provider=more.pop("provider", "twilio"), started_at=now, state=AttemptState.SENT, provider_id=provider_id,
        **more,
    )  # fmt: skip
    await ground.records.add(attempt)


async def wishes(records: Records) -> list[ProviderErasure]:
    return await records.find(ProviderErasure)


async def wish(records: Records, clock: ManualClock, **more: Any) -> None:
    now = clock.now()
    made = {"channel": ChannelKind.SMS, "provider": "twilio", "provider_id": "SM1", **more}
    await records.add(ProviderErasure(id="per_1", erasure_id="era_1", asked_at=now, due_at=now, **made))


@pytest.fixture
async def double() -> AsyncIterator[TwilioDouble]:
    running = TwilioDouble()
    await running.start()
    yield running
    await running.stop()


@pytest.mark.parametrize(
    ("status", "body", "content_type"),
    [
        (200, "<html>back soon</html>", "text/html"),
        (404, "<html>no such page</html>", "text/html"),
        (502, '{"type": "x", "title": "x", "status": 404, "code": 20404}', "application/problem+json"),
    ],
)
async def test_a_page_in_place_of_twilios_answer_has_erased_nothing(status: int, body: str, content_type: str) -> None:
    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(status=status, text=body, content_type=content_type)

    server = RawTestServer(answer)
    async with server:
        common: dict[str, Any] = {
            "account_sid": "AC1", "auth_token": "x", "sender": "+447700900100", "base_url": str(server.make_url("")),
            "status_callback": lambda each: f"https://cloud.example.org/{each}", "total_s": PATIENCE_S,
        }  # fmt: skip
        sms = TwilioSms(**common)
        voice = TwilioVoice(**common, voice_url=lambda each: f"https://cloud.example.org/voice/{each}")
        assert [await each.erase("SM1") for each in (sms, voice)] == [Erasal.LATER, Erasal.LATER]
        await sms.close()
        await voice.close()


@pytest.mark.clause("C7-06")
async def test_a_text_and_a_call_are_gone_at_the_provider_after_an_erasure(
    tmp_path: Path, double: TwilioDouble
) -> None:
    common: dict[str, Any] = {
        "account_sid": double.account_sid, "auth_token": double.auth_token, "sender": "+447700900100",
        "base_url": double.base_url, "status_callback": lambda each: f"https://cloud.example.org/{each}", "total_s": 60,
    }  # fmt: skip
    sms = TwilioSms(**common)
    voice = TwilioVoice(**common, voice_url=lambda each: f"https://cloud.example.org/voice/{each}")
    text = await sms._account.ask(lambda sdk: sdk.messages.create_async(to=PHONE, from_="+447700900100", body="Alarm"))
    call = await voice._account.ask(
        lambda sdk: sdk.calls.create_async(to=PHONE, from_="+447700900100", url="https://cloud.example.org/v")
    )
    ground = in_memory(tmp_path)
    await furnish(ground)
    await carried(ground, 1, text.sid)
    (letter,) = await ground.records.find(Delivery, is_("id", "dlv_1"))
    await ground.records.change_one(Delivery, is_("id", letter.id), channel=ChannelKind.SMS)
    receipt = await ground.eraser().erase(MAIJA_ID, by="operator")
    assert receipt is not None
    assert receipt.state is ErasureState.DONE
    await wish(ground.records, ground.clock, channel=ChannelKind.VOICE, provider_id=call.sid)
    worker = erasing(ground.records, ground.clock, sms, voice)
    while await worker.step():
        pass
    assert {each.answer for each in await wishes(ground.records)} == {ProviderAnswer.WAITING}, "both are under way"
    double.accepted[PHONE][0].status = "delivered"
    await double.calls.play(call.sid, Person(ends="busy"))
    await ground.clock.advance(AGAIN_S)
    while await worker.step():
        pass
    assert {(each.answer, each.provider_id) for each in await wishes(ground.records)} == {(ProviderAnswer.ERASED, "")}
    assert double.accepted[PHONE][0].deleted
    assert double.calls.deleted == {call.sid}
    assert await sms.erase(text.sid) is Erasal.NOT_THERE
    assert await voice.erase(call.sid) is Erasal.NOT_THERE
    await double.stop()
    assert await sms.erase(text.sid) is Erasal.LATER
    await sms.close()
    await voice.close()


async def test_a_telephone_that_rings_when_somebody_is_erased_is_let_go_of(double: TwilioDouble) -> None:
    records, clock = StoredRecords(MemoryDocuments()), ManualClock()
    voice = TwilioVoice(
        account_sid=double.account_sid, auth_token=double.auth_token, sender="+447700900100",
        base_url=double.base_url, status_callback=lambda each: f"https://cloud.example.org/{each}", total_s=60,
        voice_url=lambda each: f"https://cloud.example.org/voice/{each}",
    )  # fmt: skip
    call = await voice._account.ask(
        lambda sdk: sdk.calls.create_async(to=PHONE, from_="+447700900100", url="https://cloud.example.org/v")
    )
    await wish(records, clock, channel=ChannelKind.VOICE, provider_id=call.sid)
    worker = erasing(records, clock, voice)
    await worker.step()
    assert double.calls.the_call(call.sid).status == "canceled"
    await clock.advance(AGAIN_S)
    await worker.step()
    assert [each.answer for each in await wishes(records)] == [ProviderAnswer.ERASED]
    assert double.calls.deleted == {call.sid}
    await voice.close()


@pytest.mark.clause("C7-06")
async def test_the_receipt_says_what_providers_answered(tmp_path: Path) -> None:
    async with erasing_house(tmp_path) as (house, ground):
        await furnish(ground)
        for number in (1, 2):
            await carried(ground, number, f"SM{number}")
        await carried(ground, 3, "s3", provider="46elks")
        await carried(ground, 4, None)
        await carried(ground, 5, "d5", provider="desk")
        receipt = await ground.eraser().erase(MAIJA_ID, by="operator")
        assert receipt is not None
        path = f"/privacy/receipts?id={receipt.id}"
        before = (await (await house.ask("GET", path)).json())["elsewhere"]
        assert [(each["provider"], each["answer"], each["count"]) for each in before] == [
            ("46elks", "waiting", 1), ("twilio", "waiting", 2),
        ]  # fmt: skip
        channel = Forgetful()
        channel.answers.extend([Erasal.DONE, Erasal.NOT_THERE])
        worker = erasing(house.records, house.clock, channel)
        while await worker.step():
            pass
        after = (await (await house.ask("GET", path)).json())["elsewhere"]
        assert [(each["provider"], each["answer"], each["count"]) for each in after] == [
            ("46elks", "cannot", 1), ("twilio", "erased", 1), ("twilio", "gone", 1),
        ]  # fmt: skip
        assert sorted(channel.asked_to_erase) == ["SM1", "SM2"]


async def test_of_an_alarm_recipient_who_is_erased_providers_are_asked_as_well(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await carried(ground, 1, "SM1")
    for _ in range(2):
        await erase_entry(ground.records, ground.clock, "con_1", keyring=ground.keyring, note=ground.note_erasure)
    (noted,) = await wishes(ground.records)
    assert (noted.provider_id, noted.erasure_id.startswith("era_")) == ("SM1", True)


async def sent_about_their_page(ground: Ground) -> list[Record]:
    """Store what became of the code by which a neighbour opens their own page; return that."""
    (code,) = await ground.records.find(Delivery, is_("account_id", "con_1"))
    now = ground.clock.now()
    sent = Attempt(
        id="att_1", delivery_id=code.id, account_id="con_1", person_id="con_1", number=1, provider="twilio",
        started_at=now, state=AttemptState.SENT, provider_id="SM1",
    )  # fmt: skip
    shown = DeskMessage(
        id="att_2", account_id="con_1", person_id="con_1", channel=ChannelKind.SMS, address=PHONE, text=code.text,
        at=now,
    )  # fmt: skip
    stored = [sent, shown, Receipt.of(sent, "delivered", provider_id="SM1", at=now)]
    await ground.records.add_all(stored)
    return stored


async def left_of_their_page(ground: Ground) -> list[type[Record]]:
    kinds: tuple[type[Record], ...] = (Delivery, Attempt, Receipt, DeskMessage)
    return [each for each in kinds if await ground.records.count(each, is_("account_id", "con_1"))]


async def test_what_was_texted_about_their_own_page_goes_with_an_alarm_recipient_who_is_erased(tmp_path: Path) -> None:
    async with erasing_house(tmp_path) as (house, ground):
        await furnish(ground)
        assert (await house.ask("POST", "/people/codes", {"address": PHONE})).status == 202
        await sent_about_their_page(ground)
        await erase_entry(ground.records, ground.clock, "con_1", keyring=ground.keyring, note=ground.note_erasure)
        assert await left_of_their_page(ground) == []


@pytest.mark.clause("C7-06")
async def test_what_was_texted_to_somebody_about_their_own_page_goes_with_the_customer_who_entered_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with erasing_house(tmp_path) as (house, ground):
        await furnish(ground)
        assert (await house.ask("POST", "/people/codes", {"address": PHONE})).status == 202
        about_their_page = await sent_about_their_page(ground)

        async def searched(*_: object) -> list[Found]:
            await ground.records.add_all(about_their_page)  # by whoever was at it meanwhile
            return []

        monkeypatch.setattr("tests.fakes.erasing_house.scan_here", searched)
        receipt = await ground.eraser().erase(MAIJA_ID, by="operator")
        assert receipt is not None
        assert [each.provider_id for each in await wishes(ground.records)] == ["SM1"]
        assert await left_of_their_page(ground) == []
        assert receipt.removed["deliveries"] == 1, "what the customer's account holds is counted as before"


async def test_what_is_carried_still_is_asked_again_ever_more_rarely_and_not_for_ever() -> None:
    records, clock, channel = StoredRecords(MemoryDocuments()), ManualClock(), Forgetful()
    await wish(records, clock)
    channel.answers.extend([Erasal.LATER] * 500)
    worker = erasing(records, clock, channel)
    tries = []
    while not (await wishes(records))[0].settled:
        tries.append(await worker.step())
        await clock.advance(600)
    (done,) = await wishes(records)
    assert done.answer is ProviderAnswer.GAVE_UP
    assert done.answered_at is not None
    assert GIVE_UP_AFTER <= done.answered_at - done.asked_at < GIVE_UP_AFTER + timedelta(hours=7)
    assert len(channel.asked_to_erase) < 140


async def test_whoever_dies_while_asking_another_asks_again_and_it_is_settled_once() -> None:
    channel = Forgetful()

    async def build() -> tuple[Records, ManualClock]:
        records, clock = StoredRecords(MemoryDocuments()), ManualClock()
        await wish(records, clock)
        return records, clock

    async def run(world: tuple[Records, ManualClock], fuse: Fuse) -> None:
        records, clock = world
        worker = erasing(DyingRecords(records, fuse), clock, channel)
        while await worker.step():
            pass
        await clock.advance(LEASE_S)
        await worker.step()

    async def check(world: tuple[Records, ManualClock]) -> None:
        (done,) = await wishes(world[0])
        assert (done.answer, done.settled, done.provider_id) == (ProviderAnswer.ERASED, True, "")

    assert await every_crash_point(build, run, check) >= 2


async def test_wishes_are_noted_once_however_often_it_is_begun(tmp_path: Path) -> None:
    ground = in_memory(tmp_path)
    await furnish(ground)
    await carried(ground, 1, "SM1")
    mine = is_("account_id", MAIJA_ID)
    assert [await ask_providers(ground.records, "era_1", mine, now=ground.clock.now()) for _ in range(2)] == [1, 0]
