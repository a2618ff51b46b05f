"""What people write back: the short code of an incident, or a word that stops or restarts our messages."""

import re
from collections.abc import Sequence

from alerts import pausing
from alerts.acknowledging import acknowledge
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.incidents import Incident, IncidentState
from isocket.domain.record import lookup_fields
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, every, is_

log = get_logger(__name__)

# Twilio's own words (https://www.twilio.com/docs/messaging/guides/opt-out-messages) and those of our languages.
# None of them may be used for acknowledging.
STOP_WORDS = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
    | {"LOPETA", "SEIS", "PERU", "STOPP", "AVSLUTA", "SLUTA", "AVSLUTT", "SLUTT", "HALT", "ABMELDEN"}
)
START_WORDS = frozenset({"START", "UNSTOP", "ALOITA", "STARTA"})
MAX_WORDS = 5  # a code stands among the first words, or it is none

LONGEST_CODE = 4

_WORD = re.compile(r"\w+")


class Replies:
    """Heeds one text message that came in. A message that comes twice changes nothing more."""

    def __init__(self, *, records: Records, clock: Clock, public_url: str) -> None:
        self._records = records
        self._clock = clock
        self._public_url = public_url

    async def heed(self, sender: str, text: str) -> None:
        """Act on what `sender` (E.164) wrote; what we do not understand is left alone."""
        said = [word.upper() for word in _WORD.findall(text[:200])]
        first = said[0] if said else ""
        if first in STOP_WORDS:
            await self._stop(sender)
        elif len(said) == 1 and first in START_WORDS:
            await self._start(sender)
        else:
            await self._acknowledge(sender, said[:MAX_WORDS])

    async def _acknowledge(self, sender: str, said: list[str]) -> None:
        for code in dict.fromkeys([*said, *_joined(said)]):
            found = await self._records.find(Incident, is_("short_code", code), is_("state", IncidentState.OPEN))
            for incident in found:
                contact_id = await self._told(incident, sender)
                if contact_id is not None:
                    by = f"{contact_id} {ChannelKind.SMS}"
                    await acknowledge(self._records, incident.id, by=by, clock=self._clock)

    async def _told(self, incident: Incident, sender: str) -> str | None:
        """Return who has this number among those whom this incident was told to; nobody else acknowledges it."""
        deliveries = await self._records.find(
            Delivery, is_("incident_id", incident.id), is_("kind", DeliveryKind.ALARM)
        )
        matching = (each.contact_id for each in deliveries if each.address == sender and each.contact_id)
        return next(matching, None)

    async def _stop(self, sender: str) -> None:
        for contact in await self._contacts_with(sender):
            await pausing.pause(
                self._records,
                contact.id,
                reason=pausing.STOP_REPLY,
                clock=self._clock,
                public_url=self._public_url,
            )

    async def _start(self, sender: str) -> None:
        for contact in await self._contacts_with(sender):
            await pausing.resume(self._records, contact.id)

    async def _contacts_with(self, phone: str) -> list[Contact]:
        if "phone" in lookup_fields(Contact):
            return await self._records.find(Contact, is_("phone", phone))
        return [contact async for contact in every(self._records, Contact) if contact.phone == phone]


def _joined(said: Sequence[str]) -> list[str]:
    """Return the codes that stand there with spaces in them, as a telephone or a finger puts them: `k7 qf`."""
    spans = [said[start:end] for start in range(len(said)) for end in range(start + 2, len(said) + 1)]
    return [code for code in ("".join(span) for span in spans) if len(code) <= LONGEST_CODE]
