"""The last look before a call: is it still true, and may this person still be told by this way?"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from alerts.endings import EXPIRED, REACHED, TOLD_SINCE, goes_though_over, may_have_gone
from alerts.following import ADDRESS_CHANGED
from alerts.wanted import why_no_newsletter
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import ABOUT_INCIDENTS, Attempt, AttemptState, Delivery, DeliveryKind, DeliveryState
from isocket.domain.endpoints import ENDPOINT_KINDS, Endpoint, why_not_to
from isocket.domain.incidents import Incident, IncidentState, account_open_key, open_key
from isocket.domain.pauses import UNSUBSCRIBED
from isocket.domain.quiet_hours import held_until
from isocket.domain.recipients import PAUSED, REMOVED, UNVERIFIED, address_of, why_not
from isocket.domain.record import Record
from isocket.domain.restrictions import RESTRICTED, Restriction, restriction_id
from isocket.kit.clock import Clock
from isocket.storage.port import Records, above, is_, one_of

_WHILE_IT_STANDS_SO = ABOUT_INCIDENTS - {DeliveryKind.CLEAR}

Verdict = tuple[DeliveryState, str]


class LastLook:
    """Asks the store once more, however short ago a delivery was made."""

    def __init__(self, *, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    async def verdict(self, held: Delivery) -> Verdict | datetime | None:
        """Return how the delivery ends without a call and why; None if it may go.

        A moment is the end of its reader's quiet hours, until which it waits.
        """
        now = self._clock.now()
        if held.expires_at is not None and now >= held.expires_at:
            return DeliveryState.FAILED, EXPIRED
        depends = held.kind in _WHILE_IT_STANDS_SO and held.incident_id is not None
        about_alarms = held.kind in ABOUT_INCIDENTS
        known = await self._known(
            {
                Incident: held.incident_id if depends else None,
                Contact: held.contact_id,
                Restriction: restriction_id(held.account_id) if about_alarms else None,
                Endpoint: held.address if held.channel in ENDPOINT_KINDS else None,
            }
        )
        incident: Incident | None = known.get(Incident)
        contact: Contact | None = known.get(Contact)
        restriction: Restriction | None = known.get(Restriction)
        if depends and incident is None:
            return DeliveryState.CALLED_OFF, REMOVED
        if incident is not None and not _is_told(incident, held, now):
            return DeliveryState.CALLED_OFF, incident.state.value
        if held.kind is DeliveryKind.NEWSLETTER:
            unwanted = await why_no_newsletter(self._records, held, now)
            return None if unwanted is None else (DeliveryState.CALLED_OFF, unwanted)
        if restriction is not None and restriction.stops_alarms(now):
            return DeliveryState.CALLED_OFF, RESTRICTED
        if held.contact_id is None:
            return None
        if held.instead_of is not None and await self._is_reached(held):
            return DeliveryState.CALLED_OFF, REACHED
        if await self._is_overtaken(held):
            return DeliveryState.CALLED_OFF, TOLD_SINCE
        reason = _why_not_now(held, contact, known.get(Endpoint))
        if reason is None and contact is not None:
            return quiet_until(held, contact, now)
        return None if reason is None else (DeliveryState.CALLED_OFF, reason)

    async def _is_reached(self, held: Delivery) -> bool:
        """Whether the message in whose place this one is sent, or another in its place, has arrived meanwhile.

        So has another one about the same that went while this one waited for its provider.
        """
        delivered = await self._records.find(
            Delivery,
            is_("incident_id", held.incident_id),
            is_("kind", held.kind),
            is_("contact_id", held.contact_id),
            is_("state", DeliveryState.DELIVERED),
        )
        if any(held.instead_of in {each.id, each.instead_of} for each in delivered):
            return True
        return held.tries > 0 and await self._went_since(held, delivered)

    async def _is_overtaken(self, held: Delivery) -> bool:
        """Whether its reader has later news by now. Of what had not to wait it is not asked: that is the usual.

        A program hears of each end, since it knows by the incident's id which is over.
        """
        if held.kind is DeliveryKind.ALARM:
            return held.tries > 0 and await self._is_told_since(held)
        has_waited = held.tries > 0 or held.held_until is not None
        by_words = held.kind is DeliveryKind.CLEAR and held.channel is not ChannelKind.WEBHOOK
        return by_words and has_waited and await self._is_wrong_again(held)

    async def _is_told_since(self, held: Delivery) -> bool:
        """Whether an alarm about the same went this way after this one was made, which its provider put off.

        When a provider is back after hours, what was made at each step goes at once: people are told once.
        """
        others = await self._records.find(
            Delivery,
            is_("incident_id", held.incident_id),
            is_("kind", DeliveryKind.ALARM),
            is_("contact_id", held.contact_id),
            is_("channel", held.channel),
            one_of("state", (DeliveryState.SENT, DeliveryState.DELIVERED)),
        )
        return await self._went_since(held, [each for each in others if each.address == held.address])

    async def _went_since(self, held: Delivery, others: Sequence[Delivery]) -> bool:
        """Whether one of these, all of which went, did so after this one was made: a receipt may tell of it late."""
        ids = [each.id for each in others if each.id != held.id]
        went = is_("state", AttemptState.SENT), above("started_at", held.created_at)
        return bool(ids) and bool(await self._records.count(Attempt, one_of("delivery_id", ids), *went))

    async def _is_wrong_again(self, held: Delivery) -> bool:
        """Whether what this end is about has begun anew meanwhile, lasts, and its reader was told so.

        Read last, the end would take the word back that it is wrong now.
        """
        over = None if held.incident_id is None else await self._records.get(Incident, held.incident_id)
        if over is None:
            return False
        if over.device_id:
            key = open_key(over.device_id, over.cause, over.probe, over.about)
        else:
            key = account_open_key(over.account_id, over.cause)
        for anew in await self._records.find(Incident, is_("open_key", key)):
            about_it = is_("incident_id", anew.id), is_("kind", DeliveryKind.ALARM)
            told = await self._records.find(Delivery, *about_it, is_("contact_id", held.contact_id))
            if any(may_have_gone(each) for each in told):
                return True
        return False

    async def _known(self, ids: Mapping[type[Record], str | None]) -> dict[type[Record], Any]:
        """Return those of the records that are there, by their classes."""
        wanted = [(kind, record_id) for kind, record_id in ids.items() if record_id is not None]
        found = await self._records.find_each(*((kind, [is_("id", record_id)]) for kind, record_id in wanted))
        return {kind: each[0] for (kind, _), each in zip(wanted, found, strict=True) if each}


def quiet_until(held: Delivery, contact: Contact, now: datetime) -> datetime | None:
    """Return until when a message has to wait because its reader is not to be disturbed, None if it may go.

    A program never sleeps; and whatever is not an alarm disturbs only by ringing.
    """
    if held.channel is ChannelKind.WEBHOOK:
        return None
    if held.kind is DeliveryKind.ALARM:
        return held_until(contact, held.severity, now)
    rings = held.channel is ChannelKind.VOICE and held.kind in ABOUT_INCIDENTS
    return held_until(contact, None, now) if rings else None


def _is_told(incident: Incident, held: Delivery, now: datetime) -> bool:
    """Whether the incident still stands as this message says; an alarm may go out although it is over."""
    if held.kind is DeliveryKind.ALARM:
        return incident.state is IncidentState.OPEN or goes_though_over(incident, held, now)
    return incident.state is IncidentState.ACKNOWLEDGED


def _why_not_now(held: Delivery, contact: Contact | None, endpoint: Endpoint | None) -> str | None:
    if held.channel in ENDPOINT_KINDS:
        return _why_not_there(held, contact, endpoint)
    reason = why_not(contact, held.channel)
    if reason == UNVERIFIED and held.kind not in ABOUT_INCIDENTS:
        reason = None  # a code is sent in order to verify
    if reason == PAUSED and contact is not None and held.kind is DeliveryKind.CODE and _may_come_back(held, contact):
        reason = None
    if reason is None and contact is not None and address_of(contact, held.channel) != held.address:
        reason = ADDRESS_CHANGED
    return reason


def _why_not_there(held: Delivery, contact: Contact | None, endpoint: Endpoint | None) -> str | None:
    if contact is None:
        return REMOVED
    if contact.paused_at is not None:
        return PAUSED
    reason = why_not_to(endpoint, contact.id)
    return None if reason == UNVERIFIED and held.kind not in ABOUT_INCIDENTS else reason


def _may_come_back(held: Delivery, contact: Contact) -> bool:
    """Tell whether a fresh code ends the pause: who unsubscribed comes back by mail, who replied STOP by START."""
    return held.channel is ChannelKind.EMAIL and contact.pause_reason == UNSUBSCRIBED
