"""Text messages by Twilio, through Twilio's own SDK."""

from collections.abc import Callable
from datetime import UTC, datetime

# The SDK loads this at the first message, and that takes a fifth of a second: better at the start.
from twilio.rest.api.v2010.account.message import (  # type: ignore[import-untyped]  # twilio ships no types
    MessageInstance,
)

from alerts.channels.channel import ChannelKind, Message
from alerts.channels.phone_numbers import is_number
from alerts.channels.twilio_account import TwilioAccount, read_created, with_repeats
from alerts.outcomes import Erasal, Outcome, RefusalScope, Refused, Unclear

LOOK_UP_LIMIT = 50

_GIVEN_UP = frozenset({"failed", "undelivered", "canceled"})


class TwilioSms:
    """The channel for text messages.

    `sender` is a phone number, a sender's name or the id of a messaging service (MG...). `status_callback`
    makes the address for an attempt's receipts. With `retention_minimised` Twilio keeps neither the text nor
    the whole number; it must be enabled for the account, and nothing can be looked up afterwards.
    """

    kind = ChannelKind.SMS
    name = "twilio"

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str,
        sender: str,
        base_url: str | None,
        status_callback: Callable[[str], str],
        retention_minimised: bool = False,
        connect_s: float = 3.0,
        total_s: float = 10.0,
    ) -> None:
        """Keep the plain values; nothing is opened before the first message."""
        self._sender = {"messaging_service_sid" if sender.startswith("MG") else "from_": sender}
        self._status_callback = status_callback
        self._retention_minimised = retention_minimised
        self._account = TwilioAccount(
            account_sid=account_sid, auth_token=auth_token, base_url=base_url, connect_s=connect_s, total_s=total_s
        )

    async def send(self, message: Message) -> Outcome:
        """Hand the text to Twilio, once, within the total time; see Channel.send."""
        if not is_number(message.to):
            return Refused(reason="number_invalid", scope=RefusalScope.CONTACT)
        return await self._account.create(lambda account: account.messages.create_async(**self._fields(message)))

    async def look_up(self, message: Message, sent_after: datetime) -> Outcome:
        """Look for one message with this number and text that Twilio made since `sent_after`.

        Twilio's filter by day of sending is not used: a message still in the queue has no such day.
        """
        if self._retention_minimised:
            return Unclear(reason="nothing_kept")
        sender = self._sender.get("from_")
        criteria = {"to": message.to, "limit": LOOK_UP_LIMIT} | ({"from_": sender} if sender else {})
        try:
            listed = await self._account.ask(lambda account: account.messages.list_async(**criteria))
            return _find(message, sent_after, listed)
        except Exception as error:  # noqa: BLE001 - a question without an answer leaves the attempt as it was
            return Unclear(reason=f"look_up_failed: {type(error).__name__}")

    async def erase(self, provider_id: str) -> Erasal:
        """Delete the message at Twilio, text and number; it does so once the carrier has said what became of it."""
        return await self._account.erase(lambda account: account.messages(provider_id).delete_async())

    async def close(self) -> None:
        """Close the connections to Twilio."""
        await self._account.close()

    def _fields(self, message: Message) -> dict[str, str]:
        callback = with_repeats(self._status_callback(message.attempt_id))
        fields = {"to": message.to, "body": message.text, "status_callback": callback, **self._sender}
        if self._retention_minimised:
            fields |= {"content_retention": "discard", "address_retention": "obfuscate"}
        return fields


def _find(message: Message, sent_after: datetime, listed: list[MessageInstance]) -> Outcome:
    since = sent_after.astimezone(UTC).replace(microsecond=0)  # Twilio tells whole seconds
    ours = [
        each
        for each in listed
        if each.body == message.text and isinstance(each.date_created, datetime) and each.date_created >= since
    ]
    if not ours:
        return Unclear(reason="not_found")
    if len(ours) > 1:
        return Unclear(reason="found_several")
    if ours[0].status in _GIVEN_UP:
        code = str(ours[0].error_code or "")
        return Refused(reason="failed_after_acceptance", scope=RefusalScope.MESSAGE, code=code)
    return read_created(ours[0].sid)
