"""People to be told, how they are reached, in which order, and the proof that an address is theirs."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from isocket.domain.handling import (
    CONTACT_CHOICE,
    CONTACT_EMAIL,
    CONTACT_NAME,
    CONTACT_PHONE,
    CREDENTIAL,
    OWNERSHIP,
    Plain,
)
from isocket.domain.record import Record, record


class ChannelKind(StrEnum):
    """A way to reach a person."""

    SMS = "sms"
    VOICE = "voice"
    EMAIL = "email"


class ContactRole(StrEnum):
    """What a contact is told about."""

    ALARM = "alarm"
    SERVICE = "service"


@record(collection="contacts", subject="id", account="account_id", indexed=(("account_id",),))
class Contact(Record):
    """Someone to be told; often another person than the customer, so sealed under a key of their own."""

    account_id: Annotated[str, OWNERSHIP]  # who entered them
    name: Annotated[str, CONTACT_NAME]
    phone: Annotated[str | None, CONTACT_PHONE] = None  # E.164
    email: Annotated[str | None, CONTACT_EMAIL] = None
    language: Annotated[str, CONTACT_CHOICE] = "en"
    time_zone: Annotated[str, CONTACT_CHOICE] = "UTC"
    quiet_hours: Annotated[dict[str, Any] | None, CONTACT_CHOICE] = None
    roles: Annotated[tuple[str, ...], CONTACT_CHOICE] = (ContactRole.ALARM.value,)
    phone_verified_at: Annotated[datetime | None, CONTACT_CHOICE] = None
    email_verified_at: Annotated[datetime | None, CONTACT_CHOICE] = None
    paused_at: Annotated[datetime | None, CONTACT_CHOICE] = None  # they asked us to stop
    pause_reason: Annotated[str | None, CONTACT_CHOICE] = None
    is_owner: Annotated[bool, CONTACT_CHOICE] = False  # the account's own address, verified from activation on
    created_at: Annotated[datetime, CONTACT_CHOICE]

    def verified_channels(self) -> tuple[ChannelKind, ...]:
        """Return the channels by which this person has proved to be reachable, quickest first."""
        found: list[ChannelKind] = []
        if self.phone and self.phone_verified_at:
            found.append(ChannelKind.SMS)
        if self.email and self.email_verified_at:
            found.append(ChannelKind.EMAIL)
        return tuple(found)


@record(collection="verifications", subject="contact_id", account="account_id", indexed=(("contact_id",),))
class Verification(Record):
    """A code on its way to a contact, one a channel. Id derived from both."""

    account_id: Annotated[str, OWNERSHIP]
    contact_id: Annotated[str, CONTACT_CHOICE]
    channel: Annotated[ChannelKind, CONTACT_CHOICE]
    code_hash: Annotated[str, CREDENTIAL]
    sent_at: Plain[datetime]
    expires_at: Plain[datetime]
    tries_left: Plain[int]


@record(collection="escalations", account="account_id", subject="account_id", indexed=(("account_id",),))
class Escalation(Record):
    """A ladder: who is told, by which channels, after how many seconds. One an account, or one a device.

    Each step is `{"contact_ids": [...], "channels": [...], "after_s": 0}`.
    """

    account_id: Annotated[str, OWNERSHIP]
    device_id: Annotated[str | None, CONTACT_CHOICE] = None
    steps: Annotated[tuple[dict[str, Any], ...], CONTACT_CHOICE] = ()
