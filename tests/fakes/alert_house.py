"""The sending half of the alarm service on memory stores: people, incidents, and channels that remember."""

import random
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from alerts.calling_off import CallingOff
from alerts.channels.channel import Channel, ChannelKind, Message
from alerts.desk import DeskChannel
from alerts.dispatcher import Dispatcher
from alerts.escalation import Escalator
from alerts.failover import Failover
from alerts.outcomes import Cancellation, Outcome, Sent, Unclear
from alerts.providers import Providers, Ways
from alerts.receipts import Receipts
from alerts.unclear import UnclearDeliveries
from isocket.domain.accounts import Account
from isocket.domain.call_offs import CallOff
from isocket.domain.contacts import Contact, Escalation
from isocket.domain.deliveries import Attempt, Delivery, DeliveryKind, DeliveryState, Receipt
from isocket.domain.devices import Device
from isocket.domain.endpoints import Endpoint
from isocket.domain.incidents import Cause, Happening, Incident, IncidentState, Severity, TimelineEntry
from isocket.domain.tariff import Tariff
from isocket.kit.ids import derived_id
from isocket.storage.memory import MemoryDocuments
from isocket.storage.port import Records, is_, one_of
from isocket.storage.records import StoredRecords
from isocket.storage.wakeups import Wakeups
from tests.fakes.clock import NOON, ManualClock
from tests.fakes.dying import DyingRecords, Fuse

PUBLIC_URL = "https://cloud.example.org"
ACCOUNT = "acc_owner"
DEVICE = "is-00000001"
ANNA, BERTIL = "con_anna", "con_bertil"
PHONES = {ANNA: "+447700900001", BERTIL: "+447700900002"}
MAILS = {ANNA: "anna@example.org", BERTIL: "bertil@example.org"}
QUIET_S = 75  # longer than every lease and than the first look at an incident that nobody heard of
OPEN_STATES = (DeliveryState.DUE, DeliveryState.CALLING, DeliveryState.UNCLEAR)


class RecordingChannel:
    """A provider that remembers what it accepted, whatever it answers.

    `script` holds answers to the next messages; each is an outcome, or a pair of an outcome and whether the
    message was accepted all the same. An outcome `Sent` in it means accepted.
    """

    def __init__(self, kind: ChannelKind, name: str = "recording") -> None:
        self.kind = kind
        self.name = name
        self.asked: list[Message] = []
        self.accepted: list[Message] = []
        self.looked_up: list[Message] = []
        self.can_be_asked = True
        self.script: deque[Outcome | tuple[Outcome, bool]] = deque()

    async def send(self, message: Message) -> Outcome:
        self.asked.append(message)
        answer = self.script.popleft() if self.script else _sent(message)
        outcome, accepted = answer if isinstance(answer, tuple) else (answer, isinstance(answer, Sent))
        if accepted:
            self.accepted.append(message)
        return outcome

    async def look_up(self, message: Message, sent_after: datetime) -> Outcome:
        self.looked_up.append(message)
        ours = [each for each in self.accepted if each.to == message.to and each.text == message.text]
        return _sent(ours[0]) if ours and self.can_be_asked else Unclear(reason="not_found")

    async def close(self) -> None:
        pass


class RecordingCalls(RecordingChannel):
    """A provider of calls, which lets go of what it is asked to; `letting_go` holds answers to the next requests."""

    def __init__(self) -> None:
        super().__init__(ChannelKind.VOICE)
        self.let_go: list[str] = []
        self.letting_go: deque[Cancellation] = deque()

    async def cancel(self, provider_id: str) -> Cancellation:
        self.let_go.append(provider_id)
        return self.letting_go.popleft() if self.letting_go else Cancellation.DONE


@dataclass
class AlertHouse:
    """A store, a clock, channels of every kind, and fresh workers for every step."""

    clock: ManualClock = field(default_factory=ManualClock)
    records: Records = field(default_factory=lambda: StoredRecords(MemoryDocuments(), Wakeups()))
    sms: RecordingChannel = field(default_factory=lambda: RecordingChannel(ChannelKind.SMS))
    mail: RecordingChannel = field(default_factory=lambda: RecordingChannel(ChannelKind.EMAIL))
    voice: RecordingChannel | None = None  # not set up, unless a test wants it
    second_sms: RecordingChannel | None = None
    push: RecordingChannel = field(default_factory=lambda: RecordingChannel(ChannelKind.PUSH))
    webhook: RecordingChannel = field(default_factory=lambda: RecordingChannel(ChannelKind.WEBHOOK))
    on_the_desk: bool = False
    tariff: Tariff = field(default_factory=Tariff)

    @property
    def accepted(self) -> list[Message]:
        ways = [self.sms, self.mail, self.push, self.webhook]
        ways += [each for each in (self.voice, self.second_sms) if each is not None]
        return [message for way in ways for message in way.accepted]

    def calls(self) -> RecordingCalls:
        """Return the provider of calls, which is set up from the first time on that it is asked for."""
        if not isinstance(self.voice, RecordingCalls):
            self.voice = RecordingCalls()
        return self.voice

    async def furnish(self, **contact: Any) -> "AlertHouse":
        """Add the account, its socket and Anna, who can be reached by both ways."""
        await self.records.add_all(
            [
                Account(id=ACCOUNT, email="owner@example.org", created_at=NOON),
                Device(
                    id=DEVICE,
                    model="isocket-4g",
                    secret_hash="",
                    claim_hash="",
                    provisioned_at=NOON,
                    owner_id=ACCOUNT,
                    name="Mökki",
                ),
            ]
        )
        await self.contact(ANNA, **contact)
        return self

    async def contact(self, contact_id: str, **changes: Any) -> Contact:
        values: dict[str, Any] = {
            "account_id": ACCOUNT,
            "name": contact_id,
            "phone": PHONES[contact_id],
            "email": MAILS[contact_id],
            "phone_verified_at": NOON,
            "email_verified_at": NOON,
            "created_at": NOON,
        }
        contact = Contact(id=contact_id, **{**values, **changes})
        await self.records.add(contact)
        return contact

    async def endpoint(self, kind: ChannelKind = ChannelKind.PUSH, **changes: Any) -> Endpoint:
        """Add a browser or a program of Anna's that has answered."""
        values: dict[str, Any] = {
            "id": f"end_{kind}",
            "account_id": ACCOUNT,
            "contact_id": ANNA,
            "address": "https://hooks.example.org/alarm",
            "created_at": NOON,
            "verified_at": NOON,
        }
        endpoint = Endpoint(kind=kind, **{**values, **changes})
        await self.records.add(endpoint)
        return endpoint

    async def only_by(self, channel: ChannelKind, contact_id: str = ANNA) -> None:
        """Leave a contact one way by which they can be told."""
        proofs = {
            ChannelKind.SMS: "phone_verified_at",
            ChannelKind.VOICE: "voice_verified_at",
            ChannelKind.EMAIL: "email_verified_at",
        }
        left = {proof: NOON if way is channel else None for way, proof in proofs.items()}
        await self.records.change_one(Contact, is_("id", contact_id), **left)

    async def ladder(self, *steps: dict[str, Any], device_id: str | None = None, **more: Any) -> None:
        ladder = Escalation(
            id=derived_id("esc", ACCOUNT, device_id or ""), account_id=ACCOUNT, device_id=device_id, steps=steps, **more
        )
        await self.records.add(ladder)

    async def incident(self, incident_id: str = "inc_1", **changes: Any) -> Incident:
        now = self.clock.now()
        values: dict[str, Any] = {
            "account_id": ACCOUNT,
            "device_id": DEVICE,
            "cause": Cause.MAINS_LOST,
            "severity": Severity.CRITICAL,
            "opened_at": now,
            "detected_at": now,
            "short_code": "K7QF",
            "open_key": None if changes.get("state") is IncidentState.CLOSED else f"{incident_id} lasts",
            "needs_step": True,
            "step_due_at": now,
        }
        incident = Incident(id=incident_id, **{**values, **changes})
        await self.records.add(incident)
        return incident

    async def delivery(self, kind: DeliveryKind = DeliveryKind.CODE, **changes: Any) -> Delivery:
        """Add a due message to Anna that belongs to no incident."""
        now = self.clock.now()
        values: dict[str, Any] = {
            "id": f"dlv_{kind}",
            "account_id": ACCOUNT,
            "person_id": ANNA,
            "contact_id": ANNA,
            "channel": ChannelKind.SMS,
            "address": PHONES[ANNA],
            "text": "Your iSocket code is 012345.",
            "created_at": now,
            "due_at": now,
        }
        delivery = Delivery(kind=kind, **{**values, **changes})
        await self.records.add(delivery)
        return delivery

    async def close(self, incident_id: str = "inc_1") -> None:
        """Do what the judge does when it is over."""
        now = self.clock.now()
        await self.records.change_one(
            Incident,
            is_("id", incident_id),
            state=IncidentState.CLOSED,
            open_key=None,
            closed_at=now,
            needs_step=True,
            step_due_at=now,
        )

    def channels(self, records: Records) -> Ways:
        if self.on_the_desk:
            return {
                kind: DeskChannel(kind, records=records, clock=self.clock)
                for kind in (ChannelKind.SMS, ChannelKind.EMAIL)
            }
        ways: dict[ChannelKind, Channel | Sequence[Channel]] = {
            each.kind: each for each in (self.sms, self.mail, self.push, self.webhook)
        }
        if self.voice is not None:
            ways[ChannelKind.VOICE] = self.voice
        if self.second_sms is not None:
            ways[ChannelKind.SMS] = (self.sms, self.second_sms)
        return ways

    def escalator(self, records: Records | None = None) -> Escalator:
        return Escalator(records=records or self.records, clock=self.clock, public_url=PUBLIC_URL)

    def dispatcher(self, records: Records | None = None) -> Dispatcher:
        records = records or self.records
        return Dispatcher(
            records=records,
            clock=self.clock,
            providers=self.providers(records),
            public_url=PUBLIC_URL,
            tariff=self.tariff,
            chance=random.Random(1),
        )

    def unclear(self, records: Records | None = None) -> UnclearDeliveries:
        records = records or self.records
        return UnclearDeliveries(
            records=records, clock=self.clock, providers=self.providers(records), public_url=PUBLIC_URL
        )

    def receipts(self, records: Records | None = None) -> Receipts:
        records = records or self.records
        return Receipts(records=records, clock=self.clock, providers=self.providers(records), public_url=PUBLIC_URL)

    def failover(self, records: Records | None = None) -> Failover:
        records = records or self.records
        return Failover(records=records, clock=self.clock, providers=self.providers(records), public_url=PUBLIC_URL)

    def providers(self, records: Records) -> Providers:
        return Providers(self.channels(records), records=records, clock=self.clock)

    def calling_off(self, records: Records | None = None) -> CallingOff:
        records = records or self.records
        return CallingOff(records=records, clock=self.clock, providers=self.providers(records))

    async def escalate(self) -> None:
        """Take every step that is due now."""
        while await self.escalator().step():
            pass

    async def send(self) -> None:
        """Send everything that is due now."""
        while await self.dispatcher().step() or await self.failover().step():
            pass

    async def rest(self, fuse: Fuse | None = None, *, step_s: float = 5.0) -> None:
        """Run everything, moving the clock by steps, until nothing is left to do but to keep what is open in view."""
        records = DyingRecords(self.records, fuse or Fuse())
        workers = (
            self.escalator(records),
            self.dispatcher(records),
            self.receipts(records),
            self.unclear(records),
            self.failover(records),
            self.calling_off(records),
        )
        for _ in range(200):
            while any([await worker.step() for worker in workers]):
                pass
            if await self.is_at_rest():
                return
            if await self._on_the_way():
                await self.clock.advance(step_s)
                continue
            before = await self._what_is_there()
            await self.clock.advance(QUIET_S)
            while any([await worker.step() for worker in workers]):
                pass
            if await self._what_is_there() == before:
                return
        raise AssertionError("the house does not come to rest")

    async def is_at_rest(self) -> bool:
        """Whether no worker has anything left to do, now or later."""
        return not (await self.records.count(Incident, is_("needs_step", True)) or await self._on_the_way())

    async def _on_the_way(self) -> int:
        return (
            await self.records.count(Delivery, one_of("state", OPEN_STATES))
            + await self.records.count(Receipt, is_("settled", False))
            + await self.records.count(CallOff, is_("settled", False))
        )

    async def _what_is_there(self) -> tuple[int, int]:
        """Return what grows with everything that happens: an open incident is only kept in view."""
        return await self.records.count(Delivery), await self.records.count(TimelineEntry)

    async def receipt(self, status: str, attempt: Attempt | None = None, error_code: int | None = None) -> Receipt:
        """Do what the callback does when the provider reports."""
        attempt = attempt or (await self.attempts())[0]
        receipt = Receipt.of(attempt, status, provider_id="SM1", at=self.clock.now(), error_code=error_code)
        await self.records.add(receipt)
        return receipt

    async def take_in_receipts(self) -> None:
        while await self.receipts().step() or await self.failover().step():
            pass

    async def deliveries(self, kind: DeliveryKind | None = DeliveryKind.ALARM) -> list[Delivery]:
        tests = () if kind is None else (is_("kind", kind),)
        return await self.records.find(Delivery, *tests, order_by="channel")

    async def the_delivery(self, channel: ChannelKind, kind: DeliveryKind = DeliveryKind.ALARM) -> Delivery:
        (found,) = [each for each in await self.deliveries(kind) if each.channel is channel]
        return found

    async def attempts(self) -> list[Attempt]:
        return await self.records.find(Attempt, order_by="started_at")

    async def the_incident(self, incident_id: str = "inc_1") -> Incident:
        found = await self.records.get(Incident, incident_id)
        assert found is not None
        return found

    async def timeline(self, what: Happening) -> list[TimelineEntry]:
        return await self.records.find(TimelineEntry, is_("what", what), order_by="at")

    async def reasons(self, what: Happening) -> Counter[str]:
        return Counter(each.reason for each in await self.timeline(what))

    async def pass_by(self, **time: float) -> None:
        """Let time pass while nobody works."""
        await self.clock.advance(timedelta(**time).total_seconds())


def _sent(message: Message) -> Sent:
    return Sent(provider_id=f"SM{message.attempt_id}", receipt_expected=True)
