"""What people write back: the short code of an incident, or a word that stops or restarts our messages."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from alerts import pausing
from alerts.acknowledging import Acknowledged, take
from alerts.answering import Answering, Named
from alerts.readers import reader_of
from alerts.rounds import alarms_of
from alerts.wording.taking import started_reply, still_stopped_reply, stopped_reply
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.incidents import Incident
from isocket.domain.pauses import STOP_REPLY
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, is_
from isocket.storage.still_open import HOLDS_ITS_KEY

log = get_logger(__name__)

# Twilio's own words (https://www.twilio.com/docs/messaging/guides/opt-out-messages), which it answers by itself,
# and those of our languages. None of them may be used for acknowledging.
_TWILIOS_STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
_TWILIOS_START_WORDS = frozenset({"START", "UNSTOP"})
ANSWERED_BY_TWILIO = _TWILIOS_STOP_WORDS | _TWILIOS_START_WORDS
STOP_WORDS = _TWILIOS_STOP_WORDS | {
    "LOPETA",
    "SEIS",
    "PERU",
    "STOPP",
    "AVSLUTA",
    "SLUTA",
    "AVSLUTT",
    "SLUTT",
    "HALT",
    "ABMELDEN",
}
START_WORDS = _TWILIOS_START_WORDS | {"ALOITA", "STARTA"}
MAX_WORDS = 5  # a code stands among the first words, or it is none

LONGEST_CODE = 4
AT_ONCE = 50  # entries of one number that are written beside each other: one by one each waits for the disk twice

_NUMBER = re.compile(r"\+[0-9]{5,15}")
_WORD = re.compile(r"\w+")


class Replies:
    """Heeds one text message that came in. A message that comes twice changes nothing more.

    `answered` are the words that the provider answers by itself where nothing else is said: those we do not.
    """

    def __init__(
        self, *, records: Records, clock: Clock, public_url: str, answered: AbstractSet[str] = frozenset()
    ) -> None:
        self._records = records
        self._clock = clock
        self._public_url = public_url
        self._answered = answered
        self._answering = Answering(records=records, clock=clock)

    async def heed(self, sender: str, text: str) -> str:
        """Act on what `sender` (E.164) wrote, and return what to answer, empty where nothing is to be said.

        Whoever is no contact gets no answer, nor does one whose number was not proved: a stranger would learn of
        alarms, or a contact that there are none. Nor does a long text that says nothing to us: it is not meant for us.
        """
        said = [word.upper() for word in _WORD.findall(text[:200])]
        first = said[0] if said else ""
        silent = text.strip().upper() in self._answered
        if first in STOP_WORDS:
            # "Stop calling, I take it: K7QF" means the calls of this alarm.
            taken, answer = await self._take_all(sender, [*said, *_joined(said[:MAX_WORDS])])
            return answer if taken else await self._stop(sender, silent=silent)
        if len(said) == 1 and first in START_WORDS:
            return await self._start(sender, silent=silent)
        return await self._acknowledge(sender, said)

    async def _acknowledge(self, sender: str, said: Sequence[str]) -> str:
        words = said[:MAX_WORDS]
        codes = list(dict.fromkeys([*words, *_joined(words)]))
        taken, answer = await self._take_all(sender, codes)
        if taken or len(said) > MAX_WORDS:
            return answer
        proved = [each for each in await self._contacts_with(sender) if _is_proved(each)]
        return await self._answering.late(proved, codes) or await self._answering.not_understood(proved)

    async def _take_all(self, sender: str, codes: Sequence[str]) -> tuple[bool, str]:
        """Acknowledge what these codes name and `sender` was told of; return whether that was any, and an answer."""
        named: list[Named] = []
        for code in dict.fromkeys(codes):
            # Of all customers: a code is unique only among the open incidents of one, and not even there where two
            # processes gave it in the same moment. Whoever names it means each of them that they were told of.
            for incident in await self._records.find(Incident, is_("short_code", code), HOLDS_ITS_KEY):
                contact = await self._told(incident, sender)
                if contact is not None:
                    named.append(Named(contact, incident, await self._take(incident, contact)))
        return bool(named), await self._answering.about(named)

    async def _take(self, incident: Incident, contact: Contact) -> Acknowledged:
        by = f"{contact.id} {ChannelKind.SMS}"
        outcome = await take(self._records, incident.id, by=by, clock=self._clock)
        if outcome is Acknowledged.ALREADY and incident.acknowledged_by == by:
            return Acknowledged.TAKEN  # the same message again, or they want to be sure
        if outcome is Acknowledged.CONFIRMED and not _was_theirs(incident, contact):
            return Acknowledged.TAKEN  # somebody else was asked whether they still are on it
        return outcome

    async def _told(self, incident: Incident, sender: str) -> Contact | None:
        """Return who has this number among those whom this incident was told to; nobody else acknowledges it.

        The code stands in a mail as well: whoever was told by another way has their number proved.
        """
        contacts = await self._contacts_with(sender)
        theirs = {each.id: each for each in contacts if _is_proved(each)}
        for each in await alarms_of(self._records, incident):
            by_phone = each.address == sender
            contact = await reader_of(self._records, each) if by_phone else theirs.get(each.contact_id or "")
            if contact is not None:  # who was removed is not asked any more
                return contact
        return None

    async def _stop(self, sender: str, *, silent: bool) -> str:
        contacts = await self._contacts_with(sender)
        if _NUMBER.fullmatch(sender):
            await pausing.remember_stop(self._records, sender, clock=self._clock)
        for some in _groups_of(contacts):
            await asyncio.gather(*(self._pause(each) for each in some))
        return "" if silent else await self._answering.shortly(contacts, stopped_reply)

    async def _start(self, sender: str, *, silent: bool) -> str:
        """Let this person's messages come again; where a mailbox of theirs said stop as well, say that they do not.

        The number that said stop undoes it, proved or not. Only one that was proved is told of alarms, and so answered.
        """
        await pausing.forget_stop(self._records, sender)
        contacts, back = await self._contacts_with(sender), list[bool]()
        for some in _groups_of(contacts):
            back += await asyncio.gather(*(self._resume(each, sender) for each in some))
        proved = [_is_proved(each) for each in contacts]
        here = [each for each, is_back, is_proved in zip(contacts, back, proved, strict=True) if is_back and is_proved]
        if any(proved) and not here:  # whatever the provider says by itself, it does not know this
            return await self._answering.shortly(contacts, still_stopped_reply)
        return await self._answering.shortly(here, started_reply) if here and not silent else ""

    async def _pause(self, contact: Contact) -> None:
        await pausing.pause(
            self._records, contact.id, reason=STOP_REPLY, clock=self._clock, public_url=self._public_url
        )

    async def _resume(self, contact: Contact, sender: str) -> bool:
        return await pausing.resume(self._records, contact, sender, clock=self._clock, public_url=self._public_url)

    async def _contacts_with(self, phone: str) -> list[Contact]:
        return await self._records.find(Contact, is_("phone", phone))


def _is_proved(contact: Contact) -> bool:
    """Whether this is their number: one that somebody merely typed in may be a stranger's."""
    return ChannelKind.VOICE in contact.verified_channels()


def _groups_of(contacts: Sequence[Contact]) -> Iterator[Sequence[Contact]]:
    return (contacts[begin : begin + AT_ONCE] for begin in range(0, len(contacts), AT_ONCE))


def _was_theirs(incident: Incident, contact: Contact) -> bool:
    """Whether this person had taken it; the account's own contact is whoever took it signed in."""
    taker, _ = incident.taken_by
    return taker == contact.id or (contact.is_owner and taker == contact.account_id)


def _joined(said: Sequence[str]) -> list[str]:
    """Return the codes that stand there with spaces in them, as a telephone or a finger puts them: `k7 qf`."""
    spans = [said[start:end] for start in range(len(said)) for end in range(start + 2, len(said) + 1)]
    return [code for code in ("".join(span) for span in spans) if len(code) <= LONGEST_CODE]
