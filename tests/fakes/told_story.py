"""One alarm with everything in it: texts, a mail, calls, a contact left out, a key pressed, and the end of it."""

from dataclasses import dataclass, field

from alerts.acknowledging import acknowledge
from alerts.channels.channel import ChannelKind
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import KEY_PRESSED, Attempt, Delivery, DeliveryKind, Receipt
from isocket.domain.incidents import Happening, Incident, TimelineEntry
from isocket.kit.clock import to_text
from isocket.storage.port import is_
from tests.fakes.alert_house import ACCOUNT, ANNA, BERTIL, AlertHouse, RecordingChannel
from tests.fakes.clock import NOON

CARLA = "con_carla"
INCIDENT = "inc_1"


@dataclass
class ToldHouse(AlertHouse):
    """A house that makes calls as well, and a provider that reports what this story says."""

    voice: RecordingChannel | None = field(default_factory=lambda: RecordingChannel(ChannelKind.VOICE))

    async def work(self) -> None:
        """Do all that is due now."""
        workers = (self.escalator(), self.dispatcher(), self.receipts())
        while any([await worker.step() for worker in workers]):
            pass

    async def reports(self, contact_id: str, channel: ChannelKind, *statuses: str, gap_s: float = 4) -> None:
        """Let the provider report on the latest message to somebody by this way."""
        for status in statuses:
            await self.clock.advance(gap_s)
            (*_, delivery) = await self.records.find(
                Delivery, is_("contact_id", contact_id), is_("channel", channel), order_by="created_at"
            )
            (attempt,) = await self.records.find(Attempt, is_("delivery_id", delivery.id))
            receipt = Receipt.of(attempt, status, provider_id=attempt.provider_id or "", at=self.clock.now())
            await self.records.add_all([receipt])
            await self.work()


async def power_cut(house: ToldHouse) -> None:
    """Let it happen: Anna gets a text and a mail and does not hear the call; Bertil does, and presses 1."""
    await house.furnish(name="Anna")
    await house.contact(BERTIL, name="Bertil, next door", email=None)
    await house.records.add(Contact(id=CARLA, account_id=ACCOUNT, name="Carla", phone="+447700900003", created_at=NOON))
    await house.ladder(
        {"contact_ids": [ANNA], "channels": ["sms", "email"], "after_s": 0},
        {"contact_ids": [ANNA, CARLA], "channels": ["voice"], "after_s": 90},
        {"contact_ids": [BERTIL], "channels": ["sms", "voice"], "after_s": 180},
    )
    await house.clock.advance(3 * 3600 + 12 * 60)
    incident = await house.incident(INCIDENT)
    await house.records.add(
        TimelineEntry(
            id="tl_opened",
            incident_id=INCIDENT,
            account_id=ACCOUNT,
            at=incident.detected_at,
            what=Happening.OPENED,
            detail={"began": to_text(incident.opened_at), "value": None},
        )
    )
    await house.work()
    await house.reports(ANNA, ChannelKind.SMS, "sent", "delivered", gap_s=1)
    await house.clock.advance(88)
    await house.work()
    await house.reports(ANNA, ChannelKind.VOICE, "ringing", gap_s=3)
    await house.reports(ANNA, ChannelKind.VOICE, "no-answer", gap_s=30)
    await house.clock.advance(57)
    await house.work()
    await house.reports(BERTIL, ChannelKind.SMS, "delivered", gap_s=2)
    await house.reports(BERTIL, ChannelKind.VOICE, "ringing", "in-progress")
    await house.reports(BERTIL, ChannelKind.VOICE, KEY_PRESSED, gap_s=17)
    await acknowledge(house.records, INCIDENT, by=f"{BERTIL} {ChannelKind.VOICE}", clock=house.clock)
    await house.work()


async def power_is_back(house: ToldHouse) -> None:
    """Let it end three quarters of an hour later; those who were told hear of it."""
    await house.clock.advance(45 * 60)
    await house.close(INCIDENT)
    incident = await house.records.get(Incident, INCIDENT)
    assert incident is not None
    await house.records.add(
        TimelineEntry(
            id="tl_closed",
            incident_id=INCIDENT,
            account_id=ACCOUNT,
            at=house.clock.now(),
            what=Happening.CLOSED,
            reason="over",
            detail={"lasted_s": (house.clock.now() - incident.opened_at).total_seconds()},
        )
    )
    await house.work()
    assert await house.records.count(Delivery, is_("kind", DeliveryKind.CLEAR))
