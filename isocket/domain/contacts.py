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
    PUSH = "push"
    WEBHOOK = "webhook"


class ContactRole(StrEnum):
    """What a contact is told about: what is wrong at a socket, or what the device itself needs (see `ladders`)."""

    ALARM = "alarm"
    SERVICE = "service"


@record(
    collection="contacts",
    subject="id",
    account="account_id",
    unique=(("account_id", "email", "sole"), ("account_id", "phone", "sole")),
    indexed=(("account_id",), ("email",), ("phone",), ("pause_reason",)),
)
class Contact(Record):
    """Someone to be told; often another person than the customer, so sealed under a key of their own.

    Of an account's contacts that are `sole` no two have an address in common, whichever portal enters them: who is
    there twice is told of everything twice. None: from before the store saw to that, or not entered at a portal.
    """

    account_id: Annotated[str, OWNERSHIP]  # who entered them
    name: Annotated[str, CONTACT_NAME]
    phone: Annotated[str | None, CONTACT_PHONE] = None  # E.164
    email: Annotated[str | None, CONTACT_EMAIL] = None
    language: Annotated[str, CONTACT_CHOICE] = "en"
    time_zone: Annotated[str, CONTACT_CHOICE] = "UTC"
    quiet_hours: Annotated[dict[str, Any] | None, CONTACT_CHOICE] = None  # {"start", "end", "except_critical"}
    roles: Annotated[tuple[str, ...], CONTACT_CHOICE] = (ContactRole.ALARM.value,)
    phone_verified_at: Annotated[datetime | None, CONTACT_CHOICE] = None  # a text arrived
    voice_verified_at: Annotated[datetime | None, CONTACT_CHOICE] = None  # a call was heard
    email_verified_at: Annotated[datetime | None, CONTACT_CHOICE] = None
    paused_at: Annotated[datetime | None, CONTACT_CHOICE] = None  # they asked us to stop
    pause_reason: Annotated[str | None, CONTACT_CHOICE] = None
    is_owner: Annotated[bool, CONTACT_CHOICE] = False  # the account's own address, verified from activation on
    created_at: Annotated[datetime, CONTACT_CHOICE]
    sole: Plain[bool | None] = None

    def verified_channels(self) -> tuple[ChannelKind, ...]:
        """Return the channels by which this person has proved to be reachable, quickest first.

        Where a text arrived the telephone can be called as well; a call that was heard says nothing of texts. Push
        and webhook are proved at their own endpoints.
        """
        found: list[ChannelKind] = []
        if self.phone and self.phone_verified_at:
            found.append(ChannelKind.SMS)
        if self.email and self.email_verified_at:
            found.append(ChannelKind.EMAIL)
        if self.phone and (self.phone_verified_at or self.voice_verified_at):
            found.append(ChannelKind.VOICE)
        return tuple(found)


@record(collection="verifications", subject="contact_id", account="account_id", indexed=(("contact_id",),))
class Verification(Record):
    """A code on its way to a contact, one a channel. Id derived from both.

    The code before stays good for its own time: whoever asks for another may well be reading the first by then.
    """

    account_id: Annotated[str, OWNERSHIP]
    contact_id: Annotated[str, CONTACT_CHOICE]
    channel: Annotated[ChannelKind, CONTACT_CHOICE]
    code_hash: Annotated[str, CREDENTIAL]
    sent_at: Plain[datetime]
    expires_at: Plain[datetime]
    tries_left: Plain[int]
    hash_before: Annotated[str, CREDENTIAL] = ""
    before_expires_at: Plain[datetime | None] = None


@record(collection="escalations", account="account_id", subject="account_id", indexed=(("account_id",),))
class Escalation(Record):
    """A ladder: who is told, by which channels, after how many seconds. One an account, or one a device.

    Each step is `{"contact_ids": [...], "channels": [...], "after_s": 0}`. After the last step the whole ladder is
    climbed again `repeat` times, each time `repeat_after_s` after the last step of the time before.
    """

    account_id: Annotated[str, OWNERSHIP]
    device_id: Annotated[str | None, CONTACT_CHOICE] = None
    steps: Annotated[tuple[dict[str, Any], ...], CONTACT_CHOICE] = ()
    repeat: Annotated[int, CONTACT_CHOICE] = 0
    repeat_after_s: Annotated[int, CONTACT_CHOICE] = 0
    cap: Annotated[int | None, CONTACT_CHOICE] = None  # most alarms of an incident that is not critical
    remind_after_s: Annotated[int | None, CONTACT_CHOICE] = None  # "still on it?"; None: by severity, 0: never asked


@record(
    collection="substitutions",
    account="account_id",
    subject="account_id",
    indexed=(("account_id",), ("device_id",)),
)
class Substitution(Record):
    """For some days somebody is told in place of a contact, or beside them: "this week it is the neighbour"."""

    account_id: Annotated[str, OWNERSHIP]
    device_id: Annotated[str | None, CONTACT_CHOICE] = None  # None: for all sockets
    contact_id: Annotated[str, CONTACT_CHOICE]  # who is away
    stand_in_id: Annotated[str, CONTACT_CHOICE]  # who is told
    additional: Annotated[bool, CONTACT_CHOICE] = False  # both are told
    from_at: Annotated[datetime, CONTACT_CHOICE]
    until_at: Annotated[datetime, CONTACT_CHOICE]  # not any more from then on
    created_at: Annotated[datetime, CONTACT_CHOICE]
