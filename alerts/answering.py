"""What we answer to a text message, in its sender's language: one segment, and not for ever."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

from alerts.acknowledging import Acknowledged
from alerts.stories import story_of
from alerts.unheard_answer import unheard_answer
from alerts.wording import Reader, Story
from alerts.wording.several import several_reply
from alerts.wording.taking import (
    already_reply,
    done_reply,
    nothing_reply,
    over_reply,
    still_reply,
    unknown_reply,
)
from isocket.domain.answers import Answers
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.incidents import NOT_CLOSED, Incident, IncidentState
from isocket.kit.clock import Clock
from isocket.kit.ids import derived_id
from isocket.kit.logs import get_logger
from isocket.storage.port import AlreadyThereError, Records, is_, one_of

log = get_logger(__name__)

MOST_ANSWERS = 6  # to one contact within an hour: a machine that answers us must come to an end
COUNTED_FOR = timedelta(hours=1)
LATEST = 100  # alarms of a contact in which what is open is looked for

_REPLIES = {
    Acknowledged.TAKEN: done_reply,
    Acknowledged.CONFIRMED: still_reply,
    Acknowledged.ALREADY: already_reply,
    Acknowledged.OVER: over_reply,
}


class Named(NamedTuple):
    """An incident that somebody named who was told of it, and what came of that."""

    contact: Contact
    incident: Incident
    outcome: Acknowledged


class Answering:
    """Writes answers; empty where there is nobody to answer, or where they had enough of them."""

    def __init__(self, *, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    async def about(self, named: Sequence[Named]) -> str:
        """Answer somebody who named incidents that they were told of; empty where they named none.

        The answer tells of each of them: whoever took two has to know of both.
        """
        if not named or not await self._may_answer(named[0].contact):
            return ""
        contact = named[0].contact
        if len(named) == 1:
            reader = Reader.of(contact)
            return _REPLIES[named[0].outcome](await story_of(self._records, named[0].incident), reader)
        stories: dict[Acknowledged, list[Story]] = {outcome: [] for outcome in Acknowledged}
        for each in sorted(named, key=lambda each: each.incident.opened_at):
            stories[each.outcome].append(await story_of(self._records, each.incident))
        return several_reply(contact.language, stories)

    async def late(self, contacts: Sequence[Contact], codes: Sequence[str]) -> str:
        """Answer somebody who names an incident that they were told of and that is over; empty if none is.

        Codes come again: the last one that ended is meant, with those that were open beside it.
        """
        for contact in contacts:
            told = one_of("id", await self._told(contact))
            closed = is_("state", IncidentState.CLOSED)
            found = await self._records.find(Incident, told, closed, one_of("short_code", codes), order_by="opened_at")
            meant = [each for each in found if each.closed_at is None or each.closed_at >= found[-1].opened_at]
            if meant:
                return await self.about([Named(contact, each, Acknowledged.OVER) for each in meant])
        return ""

    async def not_understood(self, contacts: Sequence[Contact]) -> str:
        """Answer a text that names no incident: with the codes that its sender could take, or what nobody heard."""
        if not contacts or not await self._may_answer(contacts[0]):
            return ""
        codes = [code for each in contacts for code in await self._open_codes(each)]
        language = contacts[0].language
        if codes:
            return unknown_reply(language, list(dict.fromkeys(codes)))
        for each in contacts:
            unheard = await unheard_answer(self._records, each)
            if unheard:
                return unheard
        return nothing_reply(language)

    async def shortly(self, contacts: Sequence[Contact], reply: Callable[[str], str]) -> str:
        """Answer with the words of a language that tell of no incident, such as `stopped_reply`."""
        return reply(contacts[0].language) if contacts and await self._may_answer(contacts[0]) else ""

    async def _open_codes(self, contact: Contact) -> list[str]:
        not_over = one_of("state", NOT_CLOSED)
        told = one_of("id", await self._told(contact))
        found = await self._records.find(Incident, told, not_over, order_by="opened_at", descending=True)
        return [each.short_code for each in found if each.short_code]

    async def _told(self, contact: Contact) -> list[str]:
        """Return the ids of the incidents that this person was told of lately."""
        alarms = await self._records.find(
            Delivery,
            is_("contact_id", contact.id),
            is_("kind", DeliveryKind.ALARM),
            order_by="created_at",
            descending=True,
            limit=LATEST,
        )
        return list(dict.fromkeys(each.incident_id for each in alarms if each.incident_id))

    async def _may_answer(self, contact: Contact) -> bool:
        """Count an answer; return whether it may be given."""
        now = self._clock.now()
        answers_id = derived_id("ans", contact.id)
        counted = await self._records.get(Answers, answers_id)
        if counted is None:
            first = Answers(id=answers_id, account_id=contact.account_id, contact_id=contact.id, at=now, given=1)
            try:
                await self._records.add(first)
            except AlreadyThereError:
                return await self._may_answer(contact)
            return True
        fresh = now >= counted.at + COUNTED_FOR
        if not fresh and counted.given >= MOST_ANSWERS:
            log.info("answer_withheld", contact_id=contact.id)
            return False
        changes = {"at": now, "given": 1} if fresh else {"given": counted.given + 1}
        changed = await self._records.change_one(
            Answers, is_("id", answers_id), is_("version", counted.version), **changes
        )
        return True if changed is not None else await self._may_answer(contact)
