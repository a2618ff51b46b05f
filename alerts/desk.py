"""The desk: shows each message on a page instead of sending it, where no provider is set up."""

from datetime import datetime

from alerts.channels.channel import ChannelKind, Message
from alerts.outcomes import Outcome, RefusalScope, Refused, Sent, Unclear
from alerts.wording.spoken import speech_of
from isocket.domain.contacts import Contact
from isocket.domain.deliveries import Attempt, DeliveryKind
from isocket.domain.desk import DeskMessage
from isocket.kit.clock import Clock
from isocket.storage.port import AlreadyThereError, Records, StoreUnavailableError


class DeskChannel:
    """The channel of one kind that ends on the desk. The attempt must be stored before, as the dispatcher does."""

    name = "desk"

    def __init__(self, kind: ChannelKind, *, records: Records, clock: Clock) -> None:
        self.kind = kind  # the way of reaching a person that this stands in for
        self._records = records
        self._clock = clock

    async def send(self, message: Message) -> Outcome:
        """Put the message on the desk, once; see Channel.send."""
        try:
            attempt = await self._records.get(Attempt, message.attempt_id)
            if attempt is None:
                return Refused(reason="attempt_unknown", scope=RefusalScope.MESSAGE)
            await self._records.add(await self._desk_message(message, attempt))
        except AlreadyThereError:
            pass  # the second time of the same attempt
        except StoreUnavailableError:
            return Unclear(reason="store_unavailable")
        return Sent(provider_id=message.attempt_id, receipt_expected=False)

    async def look_up(self, message: Message, sent_after: datetime) -> Outcome:
        """Look whether the message lies on the desk."""
        del sent_after
        try:
            found = await self._records.get(DeskMessage, message.attempt_id)
        except StoreUnavailableError:
            return Unclear(reason="store_unavailable")
        if found is None:
            return Unclear(reason="not_found")
        return Sent(provider_id=found.id, receipt_expected=False)

    async def close(self) -> None:
        """Do nothing: the store is closed by who opened it."""

    async def _desk_message(self, message: Message, attempt: Attempt) -> DeskMessage:
        return DeskMessage(
            id=message.attempt_id,
            account_id=attempt.account_id,
            person_id=attempt.person_id,
            channel=self.kind,
            address=message.to,
            subject_line=message.subject,
            text=await self._as_heard(message, attempt),
            at=self._clock.now(),
        )

    async def _as_heard(self, message: Message, attempt: Attempt) -> str:
        """Return the text; of a call that asks for a key, with the sentence that tells the keys."""
        if self.kind is not ChannelKind.VOICE or message.kind is not DeliveryKind.ALARM:
            return message.text
        contact = await self._records.get(Contact, attempt.person_id)
        speech = speech_of(contact.language if contact is not None else "")
        return f"{message.text} {speech.keys}"
