"""Notices to the account's own address: what its owner should know although no alarm says it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.wording import (
    Reader,
    Story,
    Words,
    came_back_notice,
    exhausted_notice,
    stopped_notice,
    unanswered_notice,
)
from alerts.wording.account_troubles import trouble_notice
from alerts.wording.spending import spending_notice
from alerts.wording.taking import still_notice
from isocket.domain.accounts import Account
from isocket.domain.acknowledgement import ANSWER_WITHIN
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.incidents import Incident
from isocket.domain.sending import Spending
from isocket.domain.tariff import Tariff
from isocket.kit.clock import to_ms
from isocket.kit.ids import derived_id

NOTICE_LIFE = timedelta(days=3)


def notice_of_exhaustion(
    account: Account, story: Story, *, told: bool, key: Sequence[str | int], public_url: str, now: datetime
) -> Delivery:
    """Return the notice that an incident reached nobody, or that nobody acknowledged it of those who were `told`.

    `key` tells it from others about the same incident.
    """
    said = (unanswered_notice if told else exhausted_notice)(story, Reader.of(account), public_url=public_url)
    notice_id = derived_id("dlv", story.incident.id, "exhausted", *key)
    return _notice(account, said, notice_id=notice_id, incident=story.incident, now=now)


def notice_that_asks(account: Account, story: Story, *, public_url: str, now: datetime) -> Delivery:
    """Return the question to somebody who took an incident in the portal whether they still are on it.

    A guest's is a letter of theirs, and none of the incident, which is its owner's. So it says nothing that the owner
    called anything: it lies among the guest's messages, and the owner may be erased.
    """
    incident = story.incident
    its_own = incident if account.id == incident.account_id else None
    if its_own is None:
        story = Story(incident=incident, device_name=None)
    minutes = round(ANSWER_WITHIN.total_seconds() / 60)
    said = still_notice(story, Reader.of(account), minutes=minutes, public_url=public_url)
    said_at = to_ms(incident.confirmed_at or incident.acknowledged_at or now)
    notice_id = derived_id("dlv", incident.id, "still", said_at)
    return _notice(account, said, notice_id=notice_id, incident=its_own, now=now)


def notice_that_a_contact_stopped(account: Account, contact: Contact, *, public_url: str, now: datetime) -> Delivery:
    """Return the notice that a contact wants no more messages; one for each time they say so."""
    said = stopped_notice(Reader.of(account), public_url=public_url)
    notice_id = derived_id("dlv", contact.id, "stopped", contact.version)
    return _notice(account, said, notice_id=notice_id, incident=None, now=now)


def notice_that_a_contact_came_back(account: Account, contact: Contact, *, public_url: str, now: datetime) -> Delivery:
    """Return the notice that a contact wants messages again; one for each time they say so."""
    said = came_back_notice(Reader.of(account), public_url=public_url)
    notice_id = derived_id("dlv", contact.id, "came back", contact.version)
    return _notice(account, said, notice_id=notice_id, incident=None, now=now)


def notice_of_spending(
    account: Account, spending: Spending, tariff: Tariff, *, percent: int, public_url: str, now: datetime
) -> Delivery:
    """Return the notice that so many percent of a month's money are spent; one a month for each."""
    said = spending_notice(
        Reader.of(account),
        percent=percent,
        spent_micro=spending.spent_micro,
        cap_micro=tariff.cap_micro,
        currency=tariff.currency,
        public_url=public_url,
    )
    return _notice(account, said, notice_id=derived_id("dlv", spending.id, percent), incident=None, now=now)


def notice_of_trouble(account: Account, story: Story, *, public_url: str, now: datetime) -> Delivery:
    """Return the notice that nobody can be told, or that messages do not arrive; one an incident."""
    said = trouble_notice(story, Reader.of(account), public_url=public_url)
    notice_id = derived_id("dlv", story.incident.id, "trouble")
    return _notice(account, said, notice_id=notice_id, incident=story.incident, now=now)


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
