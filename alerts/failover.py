"""Tells the same person by the next way when a message does not get through, at once and not at the next step."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alerts.endings import goes_though_over, may_have_gone, reaches_nobody
from alerts.ladder import Tally
from alerts.last_look import quiet_until
from alerts.letters import Letters, life_of
from alerts.next_ways import ANOTHER_PROVIDER, NO_RECEIPT, STANDS_BEHIND, again_after_s, next_channel
from alerts.outcomes import ReceiptKind
from alerts.providers import Providers
from alerts.receipt_meanings import meaning_of
from alerts.settlement import attempt_id
from alerts.stories import story_of
from alerts.timeline import delivery_line, due_line
from alerts.urging import urge, urge_the_end, urge_the_end_anew
from alerts.wording import Story
from isocket.domain.contacts import ChannelKind, Contact, Escalation
from isocket.domain.deliveries import Attempt, Delivery, DeliveryKind, DeliveryState, Receipt
from isocket.domain.endpoints import ENDPOINT_KINDS, Endpoint, endpoints_of
from isocket.domain.incidents import Happening, Incident, IncidentState, Severity
from isocket.domain.ladders import ladder_of
from isocket.domain.reach import CAP_REACHED
from isocket.domain.recipients import Recipient, address_of, why_not
from isocket.domain.record import Record
from isocket.kit.clock import EPOCH, Clock, to_ms
from isocket.kit.ids import derived_id
from isocket.kit.logs import get_logger
from isocket.storage.ladders_at import ladders_at
from isocket.storage.port import Records, at_most, is_
from isocket.storage.worker import claim, settle

log = get_logger(__name__)

LEASE_S = 15.0
READ_WITHIN = timedelta(seconds=15)  # a stored receipt, usually much sooner
UNCLEAR_SO_FAR = "unclear_so_far"
INSTEAD, AGAIN = "instead", "again"
ANOTHER_WAY, ONCE_MORE = "another_way", "once_more"  # the reasons of lines in the timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A message that did not get through, and what is known around it."""

    lost: Delivery
    reason: str
    root: Delivery
    incident: Incident
    contact: Contact
    endpoints: Sequence[Endpoint]
    others: Sequence[Delivery]  # what else this person was sent about it, since the first that was lost
    tally: Tally  # of all that was sent about it
    full: bool  # the incident has as many alarms as its ladder allows
    now: datetime

    @property
    def is_told(self) -> bool:
        """Whether the person certainly has the news by another message."""
        return any(each.state is DeliveryState.DELIVERED for each in self.others)


class Failover:
    """Takes up one lost message at a time. What it makes has derived ids: looked at twice, nothing comes twice."""

    def __init__(
        self, *, records: Records, clock: Clock, providers: Providers, public_url: str, sender: str = ""
    ) -> None:
        self._records = records
        self._clock = clock
        self._providers = providers
        self._letters = Letters(public_url, sender=sender)

    async def step(self) -> bool:
        """Look at one message that may not have reached its reader; return whether there was one."""
        now = self._clock.now()
        held = await claim(
            self._records,
            Delivery,
            is_("moves_on", True),
            at_most("moves_on_at", now),
            clock=self._clock,
            lease_s=LEASE_S,
            order_by="moves_on_at",
        )
        if held is None:
            return False
        unread = await self._unread(held, now)
        if unread:
            await settle(self._records, held, **unread, lease_until=EPOCH)
            return True
        if held.state is DeliveryState.SENT:
            await self._note_late(held)
        case = await self._case(held, now)
        if case is not None and not case.is_told:
            if not await self._tell(case):
                await self._leave_to_the_ladder(held, now)
            await urge_the_end_anew(self._records, held, now)
        await settle(self._records, held, moves_on=False, lease_until=EPOCH)
        await urge_the_end(self._records, held, now)
        return True

    async def _unread(self, held: Delivery, now: datetime) -> dict[str, Any]:
        """Return what a receipt that is stored but was not read yet changes here, nothing if there is none.

        What arrived needs no other way, however late that is read. Of anything else the reading may say which way is
        of use, and is waited for a moment.
        """
        if not may_have_gone(held):
            return {}
        attempt = attempt_id(held, held.tries)
        for each in await self._records.find(Receipt, is_("attempt_id", attempt), is_("settled", False)):
            meaning = meaning_of(each.status, each.error_code, held)
            if meaning.kind is ReceiptKind.DELIVERED:
                return {"moves_on": False}
            says_more = meaning.rank > 0 and (held.state is DeliveryState.UNCLEAR or meaning.is_final)
            if says_more and now < each.received_at + READ_WITHIN:
                return {"moves_on_at": each.received_at + READ_WITHIN}
        return {}

    async def _case(self, lost: Delivery, now: datetime) -> _Case | None:
        """Return the case, None if there is nothing to be done any more."""
        incident = None if lost.incident_id is None else await self._records.get(Incident, lost.incident_id)
        if incident is None or not _is_worth_telling(incident, lost, now):
            return None
        contact = None if lost.contact_id is None else await self._records.get(Contact, lost.contact_id)
        if contact is None:
            await self._leave_to_the_ladder(lost, now)
            return None
        cap = await self._cap(incident, lost)
        # Under a cap each would take two places, its own besides in its turn; who sleeps is told once, after it.
        if _is_untried(lost) and (cap is not None or quiet_until(lost, contact, now) is not None):
            return None
        root = (await self._records.get(Delivery, lost.instead_of) if lost.instead_of else None) or lost
        all_sent, endpoints = await asyncio.gather(
            self._records.find(Delivery, is_("incident_id", incident.id), is_("kind", lost.kind)),
            self._records.find(Endpoint, is_("contact_id", contact.id)),
        )
        tally = Tally(all_sent, since=incident.told_from or EPOCH, now=now)
        return _Case(
            lost=lost,
            reason=_reason(lost),
            root=root,
            incident=incident,
            contact=contact,
            endpoints=endpoints,
            others=[
                each
                for each in all_sent
                if each.contact_id == contact.id and each.id != lost.id and each.created_at >= root.created_at
            ],
            tally=tally,
            full=cap is not None and len(all_sent) - tally.replaced >= cap,
            now=now,
        )

    async def _cap(self, incident: Incident, lost: Delivery) -> int | None:
        """Return how many alarms its ladder allows, None: any number. What is critical is never held back by that."""
        if incident.severity is Severity.CRITICAL or lost.kind is not DeliveryKind.ALARM:
            return None
        escalations = await self._records.find(Escalation, *ladders_at(incident.account_id, [incident.device_id]))
        return ladder_of(incident.device_id, escalations).cap

    async def _would_not(self, case: _Case) -> str:
        """Return the provider that is not asked again for this very message, "" where any may have it."""
        if case.reason not in ANOTHER_PROVIDER:
            return ""
        attempt = await self._records.get(Attempt, attempt_id(case.lost, case.lost.tries))
        return "" if attempt is None else attempt.provider

    async def _note_late(self, sent: Delivery) -> None:
        attempt = await self._records.get(Attempt, attempt_id(sent, sent.tries))
        if attempt is not None:
            await self._providers.note_late(sent.channel, attempt.provider)

    async def _leave_to_the_ladder(self, lost: Delivery, now: datetime) -> None:
        if reaches_nobody(lost) or lost.held_up:
            await urge(self._records, lost, now)

    async def _tell(self, case: _Case) -> int:
        """Make what is sent next and the lines that tell of it; return how many messages go out at once.

        What waits for the end of its reader's quiet hours does not: others are told meanwhile.
        """
        usable = [each for each in ChannelKind if self._providers.of(each) and _may(case, each)]
        others = [each for each in case.others if not _is_ours(case, each)]
        channel = next_channel(case.lost, case.reason, usable, others)
        again_s = again_after_s(case.lost, case.reason, providers=len(self._providers.of(case.lost.channel)))
        story = await story_of(self._records, case.incident)
        made: list[Delivery] = []
        if channel is not None:
            instead = [(each, self._message(case, story, each, INSTEAD)) for each in _recipients(case, channel)]
            made += [replace(message, avoids=case.tally.lost_by(to)) for to, message in instead]
        if again_s is not None and _may(case, case.lost.channel):
            to = Recipient(contact=case.contact, channel=case.lost.channel, address=case.lost.address)
            again = self._message(case, story, to, AGAIN, wait_s=again_s)
            if again.id != case.lost.id:  # once more is once
                made.append(replace(again, avoids=await self._would_not(case)))
        if case.full and made:
            await self._records.add_all(
                delivery_line(case.lost, Happening.NOT_SENT, "full", at=case.now, reason=CAP_REACHED)
            )
            return 0
        await self._records.add_all([*made, *(line for each in made for line in _lines(case, each))])
        if made:
            log.info("told_by_another_way", delivery_id=case.lost.id, reason=case.reason, messages=len(made))
        return sum(not each.held_up and each.held_until is None for each in made)

    def _message(self, case: _Case, story: Story, to: Recipient, how: str, *, wait_s: float = 0.0) -> Delivery:
        due_at = case.now + timedelta(seconds=wait_s)
        held = quiet_until(replace(case.lost, channel=to.channel), case.contact, due_at)
        if case.lost.kind is DeliveryKind.CLEAR:
            said = self._letters.clear(story, to, case.now, held_until=held)
        else:
            said = self._letters.alarm(story, to, 0, case.now, held_until=held)
        due_at = held or due_at
        return replace(
            said,
            id=_message_id(case, how, to.channel, to.address),
            instead_of=case.root.id,
            due_at=due_at,
            expires_at=due_at + life_of(said.kind),
            held_up=wait_s > 0,  # nobody else should wait for it
            priority="",
        )


def _message_id(case: _Case, how: str, channel: ChannelKind, address: str) -> str:
    """Return the id of what is sent in place of a lost message.

    It is the same for all that this person was sent at the same step: when two ways are lost, the third is taken once.
    """
    endpoint = address if channel in ENDPOINT_KINDS else ""  # no id is derived from a number or a mailbox
    since = to_ms(case.root.created_at)
    return derived_id("dlv", case.incident.id, case.lost.kind, how, case.contact.id, channel, endpoint, since)


def _is_ours(case: _Case, other: Delivery) -> bool:
    """Whether this is what an earlier look at the same lost message made, and still on its way."""
    hopeful = not reaches_nobody(other) and not other.held_up and other.created_at >= case.lost.created_at
    return hopeful and other.id == _message_id(case, INSTEAD, other.channel, other.address)


def _is_worth_telling(incident: Incident, lost: Delivery, now: datetime) -> bool:
    if lost.state is DeliveryState.DELIVERED:
        return False
    if lost.kind is DeliveryKind.CLEAR:
        return incident.state is IncidentState.CLOSED
    return incident.state is IncidentState.OPEN or goes_though_over(incident, lost, now)


def _reason(lost: Delivery) -> str:
    if lost.state is DeliveryState.SENT:
        return NO_RECEIPT
    if lost.state in {DeliveryState.UNCLEAR, DeliveryState.CALLING}:
        return UNCLEAR_SO_FAR
    return STANDS_BEHIND if _is_untried(lost) else lost.reason


def _is_untried(lost: Delivery) -> bool:
    """Whether no call was made for it: it stands behind others by the same way that fail."""
    return lost.state is DeliveryState.DUE and not lost.tries


def _may(case: _Case, channel: ChannelKind) -> bool:
    return why_not(case.contact, channel, case.endpoints) is None


def _recipients(case: _Case, channel: ChannelKind) -> list[Recipient]:
    if channel in ENDPOINT_KINDS:
        found = endpoints_of(case.endpoints, case.contact.id, channel)
        return [Recipient(contact=case.contact, channel=channel, address=each.id) for each in found]
    address = address_of(case.contact, channel)
    return [Recipient(contact=case.contact, channel=channel, address=address)] if address else []


def _lines(case: _Case, made: Delivery) -> list[Record]:
    how = ONCE_MORE if made.channel is case.lost.channel else ANOTHER_WAY
    detail = {"why": case.reason, "to": made.channel.value}
    return [
        *delivery_line(case.lost, Happening.NOTE, how, made.id, at=case.now, reason=how, detail=detail),
        *due_line(made, at=case.now, detail={"instead_of": case.lost.id}),
    ]
