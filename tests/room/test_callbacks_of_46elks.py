"""The second provider's callbacks: it signs nothing, so that each address holds its own proof."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from alerts import elks_hooks
from alerts.channels.channel import ChannelKind
from alerts.channels.elks_sms import ElksSms
from alerts.dispatcher import Dispatcher
from alerts.providers import Providers
from alerts.signatures import AddressProof
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Attempt, DeliveryState, Receipt
from isocket.domain.incidents import IncidentState
from isocket.storage.port import is_
from tests.fakes.alert_house import ANNA, BERTIL, PHONES, AlertHouse
from tests.fakes.elks_server import ElksDouble, ElksMessage
from tests.fakes.twilio_server import DROP_AFTER_ACCEPT


@dataclass
class Line:
    """A house whose texts go by 46elks' double, and whose hooks are real HTTP."""

    house: AlertHouse
    double: ElksDouble
    channel: ElksSms
    proof: AddressProof
    public_url: str

    async def alarm(self) -> ElksMessage:
        """Open an incident and send it to Anna; return what the provider got."""
        await self.house.ladder({"contact_ids": [ANNA], "channels": ["sms"], "after_s": 0})
        await self.house.incident()
        await self.house.escalate()
        dispatcher = Dispatcher(
            records=self.house.records,
            clock=self.house.clock,
            providers=Providers({ChannelKind.SMS: self.channel}, records=self.house.records, clock=self.house.clock),
            public_url=self.public_url,
        )
        while await dispatcher.step():
            pass
        return self.double.accepted[PHONES[ANNA]][0]

    async def reported(self, message: ElksMessage, *statuses: str) -> list[int]:
        """Report these statuses and take them in."""
        answers = [await self.double.report(message, each) for each in statuses]
        await self.house.take_in_receipts()
        return answers

    async def state(self) -> DeliveryState:
        return (await self.house.the_delivery(ChannelKind.SMS)).state

    @property
    def inbound(self) -> str:
        return elks_hooks.inbound_address(self.public_url, self.proof)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    house, double, app = await AlertHouse().furnish(), ElksDouble(), web.Application()
    await double.start()
    proof = AddressProof(double.password)
    server = TestServer(app, host="127.0.0.1")
    app.add_routes(elks_hooks.routes(records=house.records, clock=house.clock, public_url="", proof=proof))
    await server.start_server()
    public_url = str(server.make_url("")).rstrip("/")
    channel = ElksSms(
        username=double.username,
        password=double.password,
        sender="+46700000000",
        base_url=double.base_url,
        status_callback=lambda attempt_id: elks_hooks.status_callback(public_url, proof, attempt_id),
    )
    yield Line(house, double, channel, proof, public_url)
    await channel.close()
    await server.close()
    await double.stop()


async def test_the_provider_is_told_number_text_and_an_opaque_id(line: Line) -> None:
    message = await line.alarm()
    (attempt,) = await line.house.attempts()
    assert (message.to, message.sender, attempt.provider) == (PHONES[ANNA], "+46700000000", "46elks")
    assert message.whendelivered == f"{line.public_url}/hooks/46elks/status/{attempt.id}/{line.proof.of(attempt.id)}"


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        (["sent"], DeliveryState.SENT),
        (["sent", "delivered"], DeliveryState.DELIVERED),
        (["delivered", "sent", "delivered"], DeliveryState.DELIVERED),
        (["failed"], DeliveryState.FAILED),
        (["failed", "delivered"], DeliveryState.DELIVERED),
    ],
)
async def test_reports_move_the_delivery_forward_in_whatever_order_they_come(
    line: Line, statuses: list[str], state: DeliveryState
) -> None:
    answers = await line.reported(await line.alarm(), *statuses)
    assert (await line.state(), set(answers)) == (state, {204})


async def test_a_report_settles_a_message_whose_answer_was_lost(line: Line) -> None:
    line.double.script(PHONES[ANNA], DROP_AFTER_ACCEPT)
    message = await line.alarm()
    assert await line.state() is DeliveryState.UNCLEAR
    await line.reported(message, "delivered")
    (attempt,) = await line.house.attempts()
    assert (await line.state(), attempt.provider_id) == (DeliveryState.DELIVERED, message.sid)


async def test_a_report_with_a_wrong_proof_or_about_nothing_of_ours_is_refused_and_changes_nothing(line: Line) -> None:
    message = await line.alarm()
    (attempt,) = await line.house.attempts()
    base = f"{line.public_url}/hooks/46elks/status"
    addresses = [
        f"{base}/{attempt.id}/{line.proof.of('another')}",
        f"{base}/{attempt.id}/{'0' * 40}",
        f"{base}/{attempt.id}/ä",
        f"{base}/att_nothing/{line.proof.of('att_nothing')}",
        f"{base}/att_nothing/{line.proof.of(attempt.id)}",
    ]
    answers = [await line.double.report(message, "delivered", to=address) for address in addresses]
    assert (set(answers), await line.house.records.count(Receipt)) == ({403}, 0)


async def test_without_an_account_every_callback_is_refused(line: Line) -> None:
    message, app = await line.alarm(), web.Application()
    app.add_routes(elks_hooks.routes(records=line.house.records, clock=line.house.clock, public_url="", proof=None))
    async with TestServer(app, host="127.0.0.1") as server:
        path = (message.whendelivered or "").removeprefix(line.public_url)
        assert await line.double.report(message, "delivered", to=str(server.make_url(path))) == 403


async def test_a_reply_with_the_code_acknowledges_and_is_answered(line: Line) -> None:
    await line.alarm()
    status, answer = await line.double.text_from(PHONES[ANNA], "k7qf", line.inbound)
    incident = await line.house.the_incident()
    assert (status, incident.state, incident.acknowledged_by) == (200, IncidentState.ACKNOWLEDGED, f"{ANNA} sms")
    assert answer


async def test_a_stop_pauses_and_a_start_resumes_and_both_are_answered_by_us(line: Line) -> None:
    _, stopped = await line.double.text_from(PHONES[ANNA], "STOP", line.inbound)
    paused = await line.house.records.get(Contact, ANNA)
    _, started = await line.double.text_from(PHONES[ANNA], "START", line.inbound)
    resumed = await line.house.records.get(Contact, ANNA)
    assert paused is not None
    assert resumed is not None
    assert (paused.pause_reason, resumed.paused_at) == ("stop_reply", None)
    assert ("no more messages" in stopped, "again" in started) == (True, True)


async def test_a_text_to_an_address_without_the_proof_is_refused(line: Line) -> None:
    await line.alarm()
    for wrong in ("0" * 40, line.proof.of("att_1")):
        address = f"{line.public_url}/hooks/46elks/inbound/{wrong}"
        assert (await line.double.text_from(PHONES[ANNA], "K7QF", address))[0] == 403
    assert (await line.house.the_incident()).state is IncidentState.OPEN


async def test_a_stranger_gets_no_answer(line: Line) -> None:
    assert await line.double.text_from(PHONES[BERTIL], "hello", line.inbound) == (200, "")


async def test_the_proof_of_an_attempt_is_good_for_no_other(line: Line) -> None:
    await line.alarm()
    (attempt,) = await line.house.records.find(Attempt, is_("provider", "46elks"))
    assert line.proof.is_valid(line.proof.of(attempt.id), attempt.id)
    assert not line.proof.is_valid(line.proof.of(attempt.id), f"{attempt.id}x")
    assert AddressProof("another password").of(attempt.id) != line.proof.of(attempt.id)


def test_an_empty_password_makes_no_proofs() -> None:
    with pytest.raises(ValueError, match="empty"):
        AddressProof("")
