"""Notices to the account's own address: what its owner should know although no alarm says it."""

from datetime import datetime, timedelta

from alerts.wording import Reader, Story, Words, exhausted_notice, stopped_notice, unanswered_notice
from isocket.domain.accounts import Account
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.incidents import Incident
from isocket.kit.ids import derived_id

NOTICE_LIFE = timedelta(days=3)


def notice_that_nobody_was_told(
    account: Account, story: Story, *, reason: str, public_url: str, now: datetime
) -> Delivery:
    """Return the notice that an incident reached nobody."""
    said = exhausted_notice(story, _reader(account), public_url=public_url)
    notice_id = derived_id("dlv", story.incident.id, "exhausted", reason)
    return _notice(account, said, notice_id=notice_id, incident=story.incident, now=now)


def notice_that_nobody_answered(
    account: Account, story: Story, *, reason: str, public_url: str, now: datetime
) -> Delivery:
    """Return the notice that nobody acknowledged an incident of which people were told."""
    said = unanswered_notice(story, _reader(account), public_url=public_url)
    notice_id = derived_id("dlv", story.incident.id, "exhausted", reason)
    return _notice(account, said, notice_id=notice_id, incident=story.incident, now=now)


def notice_that_a_contact_stopped(account: Account, contact: Contact, *, public_url: str, now: datetime) -> Delivery:
    """Return the notice that a contact wants no more messages; one for each time they say so."""
    said = stopped_notice(_reader(account), public_url=public_url)
    notice_id = derived_id("dlv", contact.id, "stopped", contact.version)
    return _notice(account, said, notice_id=notice_id, incident=None, now=now)


def _reader(account: Account) -> Reader:
    return Reader(language=account.language, time_zone=account.time_zone)


def _notice(account: Account, said: Words, *, notice_id: str, incident: Incident | None, now: datetime) -> Delivery:
    return Delivery(
        id=notice_id,
        account_id=account.id,
        person_id=account.id,
        incident_id=None if incident is None else incident.id,
        kind=DeliveryKind.NOTICE,
        channel=ChannelKind.EMAIL,
        address=account.email,
        subject_line=said.subject,
        text=said.text,
        created_at=now,
        due_at=now,
        expires_at=now + NOTICE_LIFE,
    )
