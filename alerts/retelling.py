"""An alarm that waited, for a morning or for its provider, tells how warm it is by now, not how warm it was then."""

from datetime import datetime, timedelta

from alerts.letters import Letters
from alerts.rounds import with_newest_reading
from alerts.stories import story_of
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.endpoints import ENDPOINT_KINDS
from isocket.domain.incidents import Incident
from isocket.domain.recipients import Recipient
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import Records
from isocket.storage.worker import settle

log = get_logger(__name__)

LONG = timedelta(minutes=1)  # what was written so lately still holds, and must not wait for more writes


class Retelling:
    """Writes again, right before it goes, what was written long before."""

    def __init__(self, *, records: Records, clock: Clock, public_url: str, sender: str = "") -> None:
        """`sender` stands under alarms by mail, see `Letters`."""
        self._records = records
        self._clock = clock
        self._letters = Letters(public_url, sender=sender)

    async def in_words_of_now(self, held: Delivery) -> Delivery:
        """Return a claimed message with the newest reading, and stored so; what did not wait as it is.

        The incident is given the value that is told, so that an answer tells no older one. Whatever breaks in here, the
        alarm goes.
        """
        now = self._clock.now()
        if held.kind is not DeliveryKind.ALARM or not _has_waited(held, now):
            return held
        try:
            return await self._written_again(held, now)
        except Exception:  # better how warm it was then than nothing
            log.exception("alarm_not_retold", delivery_id=held.id)
            return held

    async def _written_again(self, held: Delivery, now: datetime) -> Delivery:
        incident = await self._records.get(Incident, held.incident_id or "")
        contact = await self._records.get(Contact, held.contact_id or "")
        if incident is None or contact is None:
            return held
        newest = await with_newest_reading(self._records, incident)
        if newest is incident:
            return held
        to = Recipient(contact=contact, channel=held.channel, address=held.address)
        said = self._letters.alarm(await story_of(self._records, newest), to, 0, now)
        if newest.value != incident.value:
            await settle(self._records, incident, value=newest.value)  # whoever changed it meanwhile knows it newer
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


def _has_waited(held: Delivery, now: datetime) -> bool:
    """Whether it was put off. What a browser or a program may have already keeps its words, and the link in them."""
    if held.tries:
        return held.channel not in ENDPOINT_KINDS and now >= held.created_at + LONG
    return held.held_until is not None
