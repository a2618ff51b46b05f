"""An alarm that waited, for a morning or for its provider, tells how warm it is by now, not how warm it was then."""

from alerts.letters import Letters
from alerts.rounds import with_newest_reading
from alerts.stories import story_of
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.endpoints import ENDPOINT_KINDS
from isocket.domain.incidents import Incident
from isocket.domain.recipients import Recipient
from isocket.kit.clock import Clock
from isocket.storage.port import Records, is_
from isocket.storage.worker import settle


class Retelling:
    """Writes again, right before it goes, what was written hours ago."""

    def __init__(self, *, records: Records, clock: Clock, public_url: str, sender: str = "") -> None:
        """`sender` stands under alarms by mail, see `Letters`."""
        self._records = records
        self._clock = clock
        self._letters = Letters(public_url, sender=sender)

    async def in_words_of_now(self, held: Delivery) -> Delivery:
        """Return a claimed message with the newest reading, and stored so; what did not wait as it is.

        The incident is given the value that is told, so that an answer tells no older one.
        """
        if held.kind is not DeliveryKind.ALARM or not _has_waited(held):
            return held
        incident = await self._records.get(Incident, held.incident_id or "")
        contact = await self._records.get(Contact, held.contact_id or "")
        if incident is None or contact is None:
            return held
        newest = await with_newest_reading(self._records, incident)
        if newest is incident:
            return held
        to = Recipient(contact=contact, channel=held.channel, address=held.address)
        said = self._letters.alarm(await story_of(self._records, newest), to, 0, self._clock.now())
        if newest.value != incident.value:
            await self._records.change_one(Incident, is_("id", incident.id), value=newest.value)
        retold = await settle(
            self._records,
            held,
            subject_line=said.subject_line,
            text=said.text,
            html=said.html,
            unsubscribe_url=said.unsubscribe_url,
            link_hash=said.link_hash,
        )
        return retold or held


def _has_waited(held: Delivery) -> bool:
    """Whether it was put off. What a browser or a program may have already keeps its words, and the link in them."""
    if held.tries:
        return held.channel not in ENDPOINT_KINDS
    return held.held_until is not None
