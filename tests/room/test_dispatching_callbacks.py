"""The provider's callbacks: believed only when signed, stored once, and what they say is carried out."""

import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import ClientSession, ClientTimeout, web
from aiohttp.test_utils import TestClient, TestServer
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # twilio ships no types

from alerts import bodies
from alerts.callbacks import routes, status_callback
from alerts.channels.channel import ChannelKind
from alerts.channels.twilio_sms import TwilioSms
from alerts.dispatcher import Dispatcher
from alerts.providers import Providers
from alerts.signatures import SIGNATURE_HEADER, TwilioSignature
from alerts.signed_forms import MAX_BODY_BYTES
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Delivery, DeliveryKind, DeliveryState, Receipt
from isocket.domain.incidents import IncidentState
from isocket.storage.port import is_
from tests.fakes import twilio_server
from tests.fakes.alert_house import ANNA, BERTIL, PHONES, AlertHouse
from tests.fakes.endless import endless_body
from tests.fakes.patience import PATIENCE_S
from tests.fakes.twilio_server import AcceptedMessage, TwilioDouble

OUR_NUMBER = "+447700900100"


@dataclass
class Line:
    """A house whose SMS go by the genuine SDK to the double, and whose callbacks come in by real HTTP."""

    house: AlertHouse
    double: TwilioDouble
    channel: TwilioSms
    public_url: str

    async def alarm(self) -> AcceptedMessage:
        """Open an incident and send it to Anna by SMS; return what the provider got."""
        await self.house.ladder({"contact_ids": [ANNA], "channels": ["sms"], "after_s": 0})
        await self.house.incident()
        await self.house.escalate()
        await self.send()
        return self.double.accepted[PHONES[ANNA]][0]

    async def send(self) -> None:
        records, clock = self.house.records, self.house.clock
        providers = Providers({ChannelKind.SMS: self.channel}, records=records, clock=clock)
        dispatcher = Dispatcher(records=records, clock=clock, providers=providers, public_url=self.public_url)
        while await dispatcher.step():
            pass

    async def the_alarm(self) -> Delivery:
        return await self.house.the_delivery(ChannelKind.SMS)

    async def reply(self, text: str, sender: str = PHONES[ANNA], sign_with: str | None = None) -> int:
        form = {"MessageSid": "SM1", "From": sender, "To": OUR_NUMBER, "Body": text, "NumMedia": "0", "Empty": ""}
        return await self.double.post_signed(f"{self.public_url}/hooks/twilio/inbound", form, sign_with)

    async def receipts(self) -> int:
        return await self.house.records.count(Receipt)

    async def state(self) -> IncidentState:
        return (await self.house.the_incident()).state


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    house, double = await AlertHouse().furnish(), TwilioDouble()
    await double.start()
    listening = socket.create_server(("127.0.0.1", 0))  # the address is part of what is signed
    public_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    signature = TwilioSignature(auth_tokens=[double.auth_token], public_url=public_url)
    app = web.Application()
    app.add_routes(routes(records=house.records, clock=house.clock, public_url=public_url, signature=signature))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    channel = TwilioSms(
        account_sid=double.account_sid,
        auth_token=double.auth_token,
        sender=OUR_NUMBER,
        base_url=double.base_url,
        status_callback=lambda attempt_id: status_callback(public_url, attempt_id),
    )
    yield Line(house, double, channel, public_url)
    await channel.close()
    await runner.cleanup()
    await double.stop()


async def test_a_receipt_that_was_signed_moves_the_delivery(line: Line) -> None:
    message = await line.alarm()
    assert await line.double.send_status(message.sid, "delivered") == [204]
    await line.house.take_in_receipts()
    assert (await line.the_alarm()).state is DeliveryState.DELIVERED


async def test_a_receipt_that_comes_three_times_is_stored_once(line: Line) -> None:
    message = await line.alarm()
    assert await line.double.send_status(message.sid, "delivered", times=3) == [204, 204, 204]
    assert await line.receipts() == 1


async def test_a_failures_code_is_kept(line: Line) -> None:
    message = await line.alarm()
    await line.double.send_status(message.sid, "undelivered", error_code=30007)
    await line.house.take_in_receipts()
    assert (await line.the_alarm()).reason == "filtered"


@pytest.mark.parametrize("token", ["", "another-token"])
async def test_a_receipt_without_a_valid_signature_is_refused_and_changes_nothing(line: Line, token: str) -> None:
    message = await line.alarm()
    assert await line.double.send_status(message.sid, "delivered", sign_with=token) == [403]
    assert await line.receipts() == 0


async def test_a_receipt_whose_form_was_altered_is_refused(line: Line) -> None:
    message = await line.alarm()
    assert message.status_callback is not None
    target = message.status_callback.partition("#")[0]
    signed = RequestValidator(line.double.auth_token).compute_signature(target, {"MessageStatus": "failed"})
    async with (
        ClientSession() as session,
        session.post(target, data={"MessageStatus": "delivered"}, headers={"X-Twilio-Signature": signed}) as answer,
    ):
        assert answer.status == 403
    assert await line.receipts() == 0


async def test_whether_an_attempt_exists_is_told_only_to_the_provider(line: Line) -> None:
    unknown = status_callback(line.public_url, "att_unknown")
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    assert await line.double.post_signed(unknown, form, sign_with="another-token") == 403
    assert await line.double.post_signed(unknown, form) == 404


async def test_a_body_that_is_too_large_is_refused(line: Line) -> None:
    form = {"Body": "a" * MAX_BODY_BYTES}
    assert await line.double.post_signed(f"{line.public_url}/hooks/twilio/inbound", form) == 413


async def test_a_body_that_does_not_come_to_its_end_holds_up_nobody(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_TIMEOUT_S", 0.05)
    assert await sent_without_end(f"{line.public_url}/hooks/twilio/inbound", {SIGNATURE_HEADER: "forged"}) == 408


async def test_of_a_request_that_nobody_signed_nothing_is_read(line: Line) -> None:
    assert await sent_without_end(f"{line.public_url}/hooks/twilio/inbound", {}) == 403


async def sent_without_end(url: str, headers: dict[str, str]) -> int:
    """Return the answer to a body of which the end never comes; TimeoutError where it is waited for."""
    limit = ClientTimeout(total=PATIENCE_S)
    async with ClientSession(timeout=limit) as http, http.post(url, data=endless_body(), headers=headers) as answer:
        return answer.status


async def test_without_an_account_at_the_provider_every_callback_is_refused(line: Line) -> None:
    app = web.Application()
    records, clock = line.house.records, line.house.clock
    app.add_routes(routes(records=records, clock=clock, public_url=line.public_url, signature=None))
    async with TestClient(TestServer(app)) as client:
        answer = await client.post("/hooks/twilio/inbound", data={"Body": "STOP"})
        assert answer.status == 403


async def test_a_lost_answer_is_settled_by_the_receipt_that_carries_our_id(line: Line) -> None:
    line.double.script(PHONES[ANNA], twilio_server.DROP_AFTER_ACCEPT)
    message = await line.alarm()
    assert (await line.the_alarm()).state is DeliveryState.UNCLEAR
    await line.double.send_status(message.sid, "sent")
    await line.house.take_in_receipts()
    assert (await line.the_alarm()).state is DeliveryState.SENT
    assert (await line.house.attempts())[0].provider_id == message.sid
    assert line.double.accepted_total == 1


@pytest.mark.parametrize("text", ["K7QF", "k7qf", " K7QF.", "ok K7QF thanks", "k7 qf", "ok k 7 qf"])
async def test_a_reply_with_the_short_code_acknowledges(line: Line, text: str) -> None:
    await line.alarm()
    assert await line.reply(text) == 200
    incident = await line.house.the_incident()
    assert (incident.state, incident.acknowledged_by) == (IncidentState.ACKNOWLEDGED, f"{ANNA} sms")


async def test_a_reply_is_answered_by_the_same_way(line: Line) -> None:
    await line.alarm()
    status, answers = await line.double.text_from(PHONES[ANNA], "K7QF", f"{line.public_url}/hooks/twilio/inbound")
    assert (status, answers) == (200, ["Mökki: mains power is out. Thank you, you have taken it (K7QF)"])
    _, answers = await line.double.text_from("+447700900666", "K7QF", f"{line.public_url}/hooks/twilio/inbound")
    assert answers == []


@pytest.mark.parametrize("text", ["", "XXXX", "what is this?", "\u0000", "one two three four five K7QF"])
async def test_a_reply_that_names_no_open_incident_changes_nothing(line: Line, text: str) -> None:
    await line.alarm()
    assert await line.reply(text) == 200
    assert await line.state() is IncidentState.OPEN


async def test_a_stranger_who_guesses_the_code_acknowledges_nothing(line: Line) -> None:
    await line.alarm()
    assert await line.reply("K7QF", sender="+447700900666") == 200
    assert await line.state() is IncidentState.OPEN


async def test_a_reply_without_a_valid_signature_acknowledges_nothing(line: Line) -> None:
    await line.alarm()
    assert await line.reply("K7QF", sign_with="another-token") == 403
    assert await line.state() is IncidentState.OPEN


@pytest.mark.parametrize(
    "word", ["STOP", "stop", "Stopp!", "LOPETA", "avsluta", "ABMELDEN", "slutt", "stop please", "Lopeta viestit"]
)
async def test_a_stop_in_any_of_our_languages_pauses_that_person_and_tells_the_owner(line: Line, word: str) -> None:
    await line.house.contact(BERTIL)
    assert await line.reply(word) == 200
    anna, bertil = await line.house.records.get(Contact, ANNA), await line.house.records.get(Contact, BERTIL)
    assert anna is not None
    assert bertil is not None
    assert (anna.pause_reason, bertil.pause_reason) == ("stop_reply", None)
    assert len(await line.house.deliveries(DeliveryKind.NOTICE)) == 1


async def test_a_word_that_stops_says_so_only_where_it_comes_first(line: Line) -> None:
    await line.reply("please do not stop")
    anna = await line.house.records.get(Contact, ANNA)
    assert anna is not None
    assert anna.paused_at is None


async def test_a_start_undoes_ones_own_stop_and_nothing_else(line: Line) -> None:
    await line.house.contact(BERTIL, paused_at=line.house.clock.now(), pause_reason="erasure")
    await line.reply("STOP")
    await line.reply("START")
    await line.reply("START", sender=PHONES[BERTIL])
    anna, bertil = await line.house.records.get(Contact, ANNA), await line.house.records.get(Contact, BERTIL)
    assert anna is not None
    assert bertil is not None
    assert (anna.paused_at, bertil.pause_reason) == (None, "erasure")


async def test_a_stop_pauses_everybody_with_that_number(line: Line) -> None:
    await line.house.contact(BERTIL, phone=PHONES[ANNA], account_id="acc_other")
    await line.reply("STOP")
    paused = await line.house.records.find(Contact, is_("pause_reason", "stop_reply"))
    assert {each.id for each in paused} == {ANNA, BERTIL}


async def unsubscribe_address(line: Line) -> str:
    await line.house.incident()
    await line.house.escalate()
    mail = await line.house.the_delivery(ChannelKind.EMAIL)
    assert mail.unsubscribe_url is not None
    assert mail.unsubscribe_url.startswith("https://")
    return f"{line.public_url}/{mail.unsubscribe_url.split('/', 3)[3]}"


async def incident_address(line: Line, kind: DeliveryKind = DeliveryKind.ALARM) -> str:
    mail = await line.house.the_delivery(ChannelKind.EMAIL, kind)
    found = re.search(r"/hooks/incident/[\w-]+", mail.text)
    assert found is not None
    return f"{line.public_url}{found.group()}"


async def test_opening_the_link_of_a_mail_shows_the_incident_and_acknowledges_nothing(line: Line) -> None:
    await line.house.incident()
    await line.house.escalate()
    async with ClientSession() as session, session.get(await incident_address(line)) as answer:
        page = await answer.text()
        assert answer.status == 200
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Mökki: mains power is out" in page
    assert '<form method="post">' in page
    assert "<script" not in page
    assert await line.state() is IncidentState.OPEN


async def test_the_button_behind_the_link_acknowledges_as_its_reader_without_an_account(line: Line) -> None:
    await line.house.incident()
    await line.house.escalate()
    address = await incident_address(line)
    for _ in range(2):
        async with ClientSession() as session, session.post(address, headers={"Origin": "null"}) as answer:
            assert answer.status == 200
            assert "has been acknowledged" in await answer.text()
    incident = await line.house.the_incident()
    assert (incident.state, incident.acknowledged_by) == (IncidentState.ACKNOWLEDGED, f"{ANNA} email")


async def test_the_button_says_that_its_reader_is_still_on_it_when_they_were_asked(line: Line) -> None:
    await line.house.incident()
    await line.house.escalate()
    address = await incident_address(line)
    async with ClientSession() as session, session.post(address):
        pass
    await line.house.escalate()
    await line.house.pass_by(hours=1)
    await line.house.escalate()
    assert (await line.house.the_incident()).asked_at is not None
    async with ClientSession() as session, session.get(address) as answer:
        assert "I am still on it" in await answer.text()
    assert (await line.house.the_incident()).asked_at is not None, "opening the page answers nothing"
    async with ClientSession() as session, session.post(address) as answer:
        assert "<form" not in await answer.text()
    incident = await line.house.the_incident()
    assert (incident.asked_at, incident.confirmed_at) == (None, line.house.clock.now())


async def test_the_link_of_an_incident_that_is_over_says_so(line: Line) -> None:
    await line.house.incident()
    await line.house.escalate()
    address = await incident_address(line)
    await line.house.close()
    async with ClientSession() as session, session.post(address) as answer:
        page = await answer.text()
    assert "This is over." in page
    assert "<form" not in page
    assert await line.state() is IncidentState.CLOSED


async def test_what_is_public_of_a_mail_opens_neither_the_incident_nor_the_way_out(line: Line) -> None:
    """The delivery's id is its Message-ID, and the hash is what is stored."""
    await line.house.incident()
    await line.house.escalate()
    mail = await line.house.the_delivery(ChannelKind.EMAIL)
    assert mail.link_hash
    assert mail.link_hash not in mail.text
    for known in (mail.id, mail.link_hash, "inc_1", "a" * 500):
        for path in ("incident", "unsubscribe"):
            async with ClientSession() as session, session.post(f"{line.public_url}/hooks/{path}/{known}") as answer:
                assert answer.status == 404
    assert await line.state() is IncidentState.OPEN


async def test_a_contact_who_was_removed_acknowledges_nothing_by_an_old_mail(line: Line) -> None:
    await line.house.incident()
    await line.house.escalate()
    address = await incident_address(line)
    await line.house.records.remove_all(Contact, is_("id", ANNA))
    async with ClientSession() as session, session.post(address) as answer:
        assert answer.status == 404
    assert await line.state() is IncidentState.OPEN


async def test_one_click_in_a_mail_program_pauses_its_reader_and_tells_the_owner(line: Line) -> None:
    address = await unsubscribe_address(line)
    async with (
        ClientSession() as session,
        session.post(address, data={"List-Unsubscribe": "One-Click"}, allow_redirects=False) as answer,
    ):
        assert answer.status == 200
        assert not answer.cookies
    anna = await line.house.records.get(Contact, ANNA)
    assert anna is not None
    assert anna.pause_reason == "unsubscribed"
    assert len(await line.house.deliveries(DeliveryKind.NOTICE)) == 1


async def test_opening_the_way_out_changes_nothing_yet(line: Line) -> None:
    address = await unsubscribe_address(line)
    async with ClientSession() as session, session.get(address) as answer:
        assert answer.status == 200
        assert '<form method="post">' in await answer.text()
        assert "style-src 'self'" in answer.headers["Content-Security-Policy"]
    anna = await line.house.records.get(Contact, ANNA)
    assert anna is not None
    assert anna.paused_at is None


async def test_a_way_out_that_nobody_was_given_leads_nowhere(line: Line) -> None:
    await line.house.delivery(DeliveryKind.RESET, contact_id=None)
    for unknown in ("dlv_unknown", "dlv_reset"):
        async with (
            ClientSession() as session,
            session.post(f"{line.public_url}/hooks/unsubscribe/{unknown}") as answer,
        ):
            assert answer.status == 404


async def test_a_callback_with_more_fields_than_any_provider_sends_is_refused(line: Line) -> None:
    form = {f"field{number}": "x" for number in range(300)}
    assert await line.double.post_signed(f"{line.public_url}/hooks/twilio/inbound", form, None) == 403
