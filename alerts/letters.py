"""Writes what one person hears of an incident by one way, as a delivery that is due."""

from datetime import datetime, timedelta

from alerts.links import incident_url, unsubscribe_url
from alerts.wording import Reader, Story, Words, alarm_mail, alarm_text, clear_mail, clear_text, signed
from alerts.wording.endpoint_texts import push_text, webhook_text
from alerts.wording.spoken import alarm_call, clear_call
from alerts.wording.taking import still_mail, still_sentence, still_text, taken_mail, taken_sentence, taken_text
from isocket.domain.acknowledgement import ANSWER_WITHIN
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.endpoints import ENDPOINT_KINDS
from isocket.domain.recipients import Recipient
from isocket.kit.clock import to_ms
from isocket.kit.ids import derived_id, new_token, token_hash

LIFE = timedelta(hours=2)
END_LIFE = timedelta(days=1)  # whoever got the alarm takes it to last until they hear otherwise

_MINUTES = round(ANSWER_WITHIN.total_seconds() / 60)

_LINKED = ENDPOINT_KINDS | {ChannelKind.EMAIL}  # what leads to a page of its reader's own, by a token

_TEXTS = {
    DeliveryKind.ALARM: alarm_text,
    DeliveryKind.CLEAR: clear_text,
    DeliveryKind.TAKEN: taken_text,
    DeliveryKind.REMINDER: still_text,
}


class Letters:
    """Writes for everybody; an e-mail carries links of its reader's own (see `alerts.links`)."""

    def __init__(self, public_url: str, *, sender: str = "") -> None:
        """`sender` is who answers for an e-mail, as its last line says it."""
        self._public_url = public_url
        self._sender = sender

    def alarm(
        self, story: Story, to: Recipient, number: int, now: datetime, *, held_until: datetime | None = None
    ) -> Delivery:
        """Return the message that something is wrong, this person's `number`th by this way.

        It waits until `held_until`, the end of their quiet hours.
        """
        return self._letter(story, DeliveryKind.ALARM, to, number, now, held_until=held_until)

    def clear(self, story: Story, to: Recipient, now: datetime, *, held_until: datetime | None = None) -> Delivery:
        """Return the message that it is over."""
        return self._letter(story, DeliveryKind.CLEAR, to, 0, now, held_until=held_until)

    def taken(self, story: Story, to: Recipient, now: datetime) -> Delivery:
        """Return the message that somebody else has taken it; one for each time that somebody does."""
        taken_at = story.incident.acknowledged_at or now
        return self._letter(story, DeliveryKind.TAKEN, to, to_ms(taken_at), now)

    def still(self, story: Story, to: Recipient, now: datetime) -> Delivery:
        """Return the question to whoever took it whether they still are on it; one for each time they said so."""
        said_at = story.incident.confirmed_at or story.incident.acknowledged_at or now
        return self._letter(story, DeliveryKind.REMINDER, to, to_ms(said_at), now)

    def _letter(
        self,
        story: Story,
        kind: DeliveryKind,
        to: Recipient,
        number: int,
        now: datetime,
        *,
        held_until: datetime | None = None,
    ) -> Delivery:
        incident, contact, due_at = story.incident, to.contact, held_until or now
        endpoint = [to.address] if to.channel in ENDPOINT_KINDS else []  # no id is derived from a number or a mailbox
        letter_id = derived_id("dlv", incident.id, kind, number, contact.id, to.channel, *endpoint)
        token = new_token() if to.channel in _LINKED else ""
        said = self._words(story, kind, to, token=token, letter_id=letter_id)
        return Delivery(
            id=letter_id,
            account_id=incident.account_id,
            person_id=contact.id,
            incident_id=incident.id,
            contact_id=contact.id,
            kind=kind,
            severity=incident.severity,
            channel=to.channel,
            address=to.address,
            subject_line=said.subject,
            text=said.text,
            html=said.html,
            unsubscribe_url=unsubscribe_url(self._public_url, token) if to.channel is ChannelKind.EMAIL else None,
            link_hash=token_hash(token) if token else "",
            created_at=now,
            due_at=due_at,
            held_until=held_until,
            expires_at=due_at + life_of(kind),
        )

    def _words(self, story: Story, kind: DeliveryKind, to: Recipient, *, token: str, letter_id: str) -> Words:
        reader = Reader.of(to.contact)
        match to.channel:
            case ChannelKind.SMS:
                return _TEXTS[kind](story, reader)
            case ChannelKind.VOICE:
                return (clear_call if kind is DeliveryKind.CLEAR else alarm_call)(story, reader)
            case ChannelKind.EMAIL:
                return signed(self._mail(story, kind, reader, token), self._sender)
            case _:
                return Words(text=self._to_endpoint(story, kind, reader, to.channel, token=token, letter_id=letter_id))

    def _mail(self, story: Story, kind: DeliveryKind, reader: Reader, token: str) -> Words:
        link, public_url = incident_url(self._public_url, token), self._public_url
        match kind:
            case DeliveryKind.CLEAR:
                return clear_mail(story, reader, link=link, public_url=public_url)
            case DeliveryKind.TAKEN:
                return taken_mail(story, reader, link=link, public_url=public_url)
            case DeliveryKind.REMINDER:
                return still_mail(story, reader, minutes=_MINUTES, link=link, public_url=public_url)
            case _:
                return alarm_mail(story, reader, link=link, public_url=public_url)

    def _to_endpoint(
        self, story: Story, kind: DeliveryKind, reader: Reader, channel: ChannelKind, *, token: str, letter_id: str
    ) -> str:
        """Return what a browser or a program gets; a program's message names the delivery."""
        said, public_url = "", self._public_url
        if kind is DeliveryKind.TAKEN:
            said = taken_sentence(reader)
        elif kind is DeliveryKind.REMINDER:
            said = still_sentence(reader, minutes=_MINUTES)
        if channel is ChannelKind.PUSH:
            return push_text(story, reader, kind, token=token, public_url=public_url, said=said)
        return webhook_text(story, reader, kind, message_id=letter_id, token=token, public_url=public_url, said=said)


def life_of(kind: DeliveryKind) -> timedelta:
    """Return how long after it was due a message of this kind is still of use; an alarm is made anew at each climb."""
    return END_LIFE if kind is DeliveryKind.CLEAR else LIFE
