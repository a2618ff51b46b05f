"""Writes the alarm and its end to one person by one way, as a delivery that is due."""

from dataclasses import replace
from datetime import datetime, timedelta

from alerts.ladder import Recipient
from alerts.links import incident_url, unsubscribe_url
from alerts.wording import Reader, Story, Words, alarm_mail, alarm_text, clear_mail, clear_text
from alerts.wording.spoken import alarm_call, clear_call
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.kit.ids import derived_id, new_token, token_hash

ALARM_LIFE = timedelta(hours=2)


class Letters:
    """Writes for everybody; an e-mail carries links of its reader's own (see `alerts.links`)."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url

    def alarm(self, story: Story, to: Recipient, number: int, now: datetime) -> Delivery:
        """Return the message that something is wrong, this person's `number`th by this way."""
        reader = _reader(to)
        if to.channel is not ChannelKind.EMAIL:
            said = (alarm_call if to.channel is ChannelKind.VOICE else alarm_text)(story, reader)
            return _delivery(story, DeliveryKind.ALARM, to, said, number, now=now)
        token = new_token()
        said = alarm_mail(story, reader, link=incident_url(self._public_url, token), public_url=self._public_url)
        return self._linked(_delivery(story, DeliveryKind.ALARM, to, said, number, now=now), token)

    def clear(self, story: Story, to: Recipient, now: datetime) -> Delivery:
        """Return the message that it is over."""
        reader = _reader(to)
        if to.channel is not ChannelKind.EMAIL:
            said = (clear_call if to.channel is ChannelKind.VOICE else clear_text)(story, reader)
            return _delivery(story, DeliveryKind.CLEAR, to, said, 0, now=now)
        token = new_token()
        said = clear_mail(story, reader, link=incident_url(self._public_url, token), public_url=self._public_url)
        return self._linked(_delivery(story, DeliveryKind.CLEAR, to, said, 0, now=now), token)

    def _linked(self, mail: Delivery, token: str) -> Delivery:
        """Return the mail with its reader's way out, and with the hash by which its links are known again."""
        return replace(mail, unsubscribe_url=unsubscribe_url(self._public_url, token), link_hash=token_hash(token))


def _reader(to: Recipient) -> Reader:
    return Reader(language=to.contact.language, time_zone=to.contact.time_zone)


def _delivery(story: Story, kind: DeliveryKind, to: Recipient, said: Words, number: int, *, now: datetime) -> Delivery:
    incident = story.incident
    return Delivery(
        id=derived_id("dlv", incident.id, kind, number, to.contact.id, to.channel),
        account_id=incident.account_id,
        person_id=to.contact.id,
        incident_id=incident.id,
        contact_id=to.contact.id,
        kind=kind,
        severity=incident.severity,
        channel=to.channel,
        address=to.address,
        subject_line=said.subject,
        text=said.text,
        html=said.html,
        created_at=now,
        due_at=now,
        expires_at=now + ALARM_LIFE,
    )
