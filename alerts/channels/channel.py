"""What every way of reaching a person looks like to the alarm service: one message in, one outcome out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from alerts.outcomes import Cancellation, Erasal, Outcome
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import DeliveryKind

__all__ = ["CancellingChannel", "Channel", "ChannelKind", "ErasingChannel", "Message"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one channel sends to one person, once.

    `attempt_id` is ours and opaque; it travels in the address of the status callback. `to` is an E.164
    phone number, an e-mail address or the id of an Endpoint. `subject` is for e-mail and empty elsewhere.
    `unsubscribe_url` offers the one click of RFC 8058. `message_id` stays the same for one delivery, so that a
    mailbox can collapse a second copy. A later message about the same `topic` takes the place of one that waits.
    After `expires_at` it is of no use any more.
    """

    attempt_id: str
    to: str
    subject: str
    text: str
    html: str | None = None
    unsubscribe_url: str | None = None
    message_id: str | None = None
    kind: DeliveryKind = DeliveryKind.ALARM
    topic: str = ""
    expires_at: datetime | None = None


class Channel(Protocol):
    """One provider of one kind of message. Trouble at the provider is an outcome, never an exception."""

    @property
    def kind(self) -> ChannelKind:
        """Which way of reaching a person this is."""
        ...

    @property
    def name(self) -> str:
        """The provider's name as attempts and the record of disclosures carry it: twilio, smtp, desk."""
        ...

    async def send(self, message: Message) -> Outcome:
        """Hand the message to the provider once, within the channel's own deadline; never try again."""
        ...

    async def look_up(self, message: Message, sent_after: datetime) -> Outcome:
        """Ask the provider what became of an attempt whose answer was lost.

        `sent_after` is a moment (aware UTC) before the attempt. `Sent` when the provider has it, `Refused`
        when it has it and gave it up, `Unclear` when it cannot be told; that includes "not there now",
        because a message may still appear. `TryLater` where whoever gets it knows a second copy for one.
        """
        ...

    async def close(self) -> None:
        """Give connections back. A closed channel is not used again."""
        ...


@runtime_checkable
class CancellingChannel(Channel, Protocol):
    """A channel whose provider can be asked to call off what it took and nobody has heard yet, such as a call."""

    async def cancel(self, provider_id: str) -> Cancellation:
        """Call off what `Sent.provider_id` named; may be asked again, and trouble is an answer, never an exception."""
        ...


@runtime_checkable
class ErasingChannel(Channel, Protocol):
    """A channel whose provider can be asked to erase what it keeps of a message that it carried."""

    async def erase(self, provider_id: str) -> Erasal:
        """Erase what `Sent.provider_id` named; may be asked again, and trouble is an answer, never an exception."""
        ...
