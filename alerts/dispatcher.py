"""Hands due deliveries to the providers: claims one, checks again, writes the attempt, calls, settles."""

import asyncio
import random
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import urlsplit

from alerts.channels.channel import Channel, ChannelKind, Message
from alerts.endings import EXPIRED, goes_though_over
from alerts.outcomes import Outcome, Unclear
from alerts.settlement import Settlement, attempt_id
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Attempt, Delivery, DeliveryKind, DeliveryState
from isocket.domain.endpoints import ENDPOINT_KINDS, Endpoint, why_not_to
from isocket.domain.incidents import Incident, IncidentState
from isocket.domain.recipients import address_of, why_not
from isocket.domain.record import Record
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import AlreadyThereError, Records, at_most, is_
from isocket.storage.worker import claim

R = TypeVar("R", bound=Record)
log = get_logger(__name__)

# Longer than the channels' own limits, which know better what had left when the time was over.
DEADLINE_S: Mapping[ChannelKind, float] = MappingProxyType(
    {
        ChannelKind.SMS: 12.0,
        ChannelKind.VOICE: 12.0,
        ChannelKind.EMAIL: 35.0,
        ChannelKind.PUSH: 12.0,
        ChannelKind.WEBHOOK: 12.0,
    }
)
LEASE_MARGIN_S = 8.0
ABOUT_INCIDENTS = frozenset({DeliveryKind.ALARM, DeliveryKind.CLEAR})

Verdict = tuple[DeliveryState, str]


def message_for(delivery: Delivery, attempt: str, *, mail_domain: str) -> Message:
    """Return what a channel sends for this delivery in this attempt."""
    return Message(
        attempt_id=attempt,
        to=delivery.address,
        subject=delivery.subject_line,
        text=delivery.text,
        html=delivery.html,
        unsubscribe_url=delivery.unsubscribe_url,
        message_id=f"<{delivery.id}@{mail_domain}>",
        kind=delivery.kind,
        topic=delivery.incident_id or delivery.id,
        expires_at=delivery.expires_at,
    )


def mail_domain_of(public_url: str) -> str:
    """Return the right side of our Message-IDs."""
    return urlsplit(public_url).hostname or "localhost"


class Dispatcher:
    """Sends deliveries, each at most once; when nobody can tell, it stays unclear (see `alerts.unclear`)."""

    def __init__(
        self,
        *,
        records: Records,
        clock: Clock,
        channels: Mapping[ChannelKind, Channel],
        public_url: str,
        chance: random.Random | None = None,
    ) -> None:
        self._records = records
        self._clock = clock
        self._channels = channels
        self._mail_domain = mail_domain_of(public_url)
        self._settlement = Settlement(records=records, clock=clock, public_url=public_url, chance=chance)

    async def step(self, lane: str | None = None) -> bool:
        """Send one due delivery of this lane, None: of any; return whether there was one."""
        held = await self.claim_one(lane)
        if held is None:
            return False
        await self.carry(held)
        return True

    async def claim_one(self, lane: str | None = None) -> Delivery | None:
        """Lease the due delivery whose turn it is, or None. From here on the provider may have it."""
        return await claim(
            self._records,
            Delivery,
            is_("state", DeliveryState.DUE),
            *([] if lane is None else [is_("lane", lane)]),
            at_most("due_at", self._clock.now()),
            clock=self._clock,
            lease_s=_deadline_s(lane) + LEASE_MARGIN_S,
            order_by="priority",
            state=DeliveryState.CALLING,
        )

    async def carry(self, held: Delivery) -> None:
        """Check a claimed delivery again, call the provider and settle."""
        verdict = await self._verdict(held)
        if verdict is not None:
            await self._settlement.not_sent(held, *verdict)
            return
        channel = self._channels[held.channel]
        attempt = self._attempt(held, channel)
        try:
            await self._records.add(attempt)
        except AlreadyThereError:
            # Another worker made this attempt: our lease ran out before we got here. It, or the look at what
            # is unclear, settles the delivery.
            log.warning("attempt_made_elsewhere", delivery_id=held.id, attempt_id=attempt.id)
            return
        outcome = await self._call(channel, held, attempt)
        await self._settlement.settle(held, attempt, outcome)

    async def _call(self, channel: Channel, held: Delivery, attempt: Attempt) -> Outcome:
        message = message_for(held, attempt.id, mail_domain=self._mail_domain)
        try:
            async with asyncio.timeout(DEADLINE_S[held.channel]):
                return await channel.send(message)
        except TimeoutError:
            return Unclear(reason="deadline")
        except Exception as error:  # a channel answers with outcomes; whatever else comes, it may be out
            log.exception("channel_failed", channel=channel.name, attempt_id=attempt.id)
            return Unclear(reason=f"channel_failed: {type(error).__name__}")

    async def _verdict(self, held: Delivery) -> Verdict | None:
        if held.expires_at is not None and self._clock.now() >= held.expires_at:
            return DeliveryState.FAILED, EXPIRED
        if held.channel not in self._channels:
            return DeliveryState.FAILED, "channel_not_configured"
        about_an_alarm = held.kind is DeliveryKind.ALARM and held.incident_id is not None
        incident, contact = await asyncio.gather(
            self._get(Incident, held.incident_id if about_an_alarm else None),
            self._get(Contact, held.contact_id),
        )
        if about_an_alarm and incident is None:
            return DeliveryState.CALLED_OFF, "removed"
        if about_an_alarm and incident is not None and not self._is_told(incident, held):
            return DeliveryState.CALLED_OFF, incident.state.value
        if held.contact_id is None:
            return None
        endpoint = await self._get(Endpoint, held.address if held.channel in ENDPOINT_KINDS else None)
        reason = _why_not_now(held, contact, endpoint)
        return None if reason is None else (DeliveryState.CALLED_OFF, reason)

    def _is_told(self, incident: Incident, alarm: Delivery) -> bool:
        return incident.state is IncidentState.OPEN or goes_though_over(incident, alarm, self._clock.now())

    async def _get(self, kind: type[R], record_id: str | None) -> R | None:
        return None if record_id is None else await self._records.get(kind, record_id)

    def _attempt(self, held: Delivery, channel: Channel) -> Attempt:
        number = held.tries + 1
        return Attempt(
            id=attempt_id(held, number),
            delivery_id=held.id,
            incident_id=held.incident_id,
            account_id=held.account_id,
            person_id=held.person_id,
            number=number,
            provider=channel.name,
            started_at=self._clock.now(),
        )


def _deadline_s(lane: str | None) -> float:
    """Return how long the longest call of this lane may take, None: of any lane."""
    return max(DEADLINE_S.values()) if lane is None else DEADLINE_S[ChannelKind(lane.partition(".")[2])]


def _why_not_now(held: Delivery, contact: Contact | None, endpoint: Endpoint | None) -> str | None:
    if held.channel in ENDPOINT_KINDS:
        return _why_not_there(held, contact, endpoint)
    reason = why_not(contact, held.channel)
    if reason == "unverified" and held.kind not in ABOUT_INCIDENTS:
        reason = None  # a code is sent in order to verify
    if reason == "paused" and contact is not None and held.kind is DeliveryKind.CODE and _may_come_back(held, contact):
        reason = None
    if reason is None and contact is not None and address_of(contact, held.channel) != held.address:
        reason = "address_changed"
    return reason


def _why_not_there(held: Delivery, contact: Contact | None, endpoint: Endpoint | None) -> str | None:
    if contact is None:
        return "removed"
    if contact.paused_at is not None:
        return "paused"
    reason = why_not_to(endpoint, contact.id)
    return None if reason == "unverified" and held.kind not in ABOUT_INCIDENTS else reason


def _may_come_back(held: Delivery, contact: Contact) -> bool:
    """Tell whether a fresh code ends the pause: who unsubscribed comes back by mail, who replied STOP by START."""
    return held.channel is ChannelKind.EMAIL and contact.pause_reason == "unsubscribed"
