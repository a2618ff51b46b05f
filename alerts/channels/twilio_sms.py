"""Text messages by Twilio, through Twilio's own SDK."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]  # twilio ships no types
from twilio.rest import Client  # type: ignore[import-untyped]  # twilio ships no types

# The SDK loads this at the first message, and that takes a fifth of a second: better at the start.
from twilio.rest.api.v2010.account.message import (  # type: ignore[import-untyped]  # twilio ships no types
    MessageInstance,
)

from alerts.channels.channel import ChannelKind, Message
from alerts.channels.twilio_http import AnswerLostError, NothingSentError, TwilioConnection, TwilioExchange
from alerts.outcomes import Outcome, RefusalScope, Refused, Sent, TryLater, Unclear, read_twilio_error

# Twilio repeats a callback that failed for any reason up to 3 times; without this only a failed connection
# is repeated, once (https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides).
CALLBACK_REPEATS = "#rc=3&rp=all"
LOOK_UP_LIMIT = 50

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
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
        self._account_sid = account_sid
        self._auth_token = auth_token
        self._sender = {"messaging_service_sid" if sender.startswith("MG") else "from_": sender}
        self._status_callback = status_callback
        self._retention_minimised = retention_minimised
        self._connection = TwilioConnection(base_url=base_url, connect_s=connect_s, total_s=total_s)

    async def send(self, message: Message) -> Outcome:
        """Hand the text to Twilio, once, within the total time; see Channel.send."""
        if not _E164.fullmatch(message.to):
            return Refused(reason="number_invalid", scope=RefusalScope.CONTACT)
        exchange = TwilioExchange(self._connection)
        try:
            created = await self._client(exchange).messages.create_async(**self._fields(message))
        except NothingSentError as error:
            return TryLater(reason=f"nothing_sent: {error}")
        except AnswerLostError as error:
            return Unclear(reason=f"answer_lost: {error}")
        except TwilioException as error:
            return read_twilio_error(exchange.http_status, _code(error), exchange.retry_after_s)
        except Exception as error:  # noqa: BLE001 - whatever the SDK trips over, the message may be out
            return _unforeseen(error, exchange)
        return _read_created(created.sid)

    async def look_up(self, message: Message, sent_after: datetime) -> Outcome:
        """Look for one message with this number and text that Twilio made since `sent_after`.

        Twilio's filter by day of sending is not used: a message still in the queue has no such day.
        """
        if self._retention_minimised:
            return Unclear(reason="nothing_kept")
        exchange = TwilioExchange(self._connection)
        sender = self._sender.get("from_")
        criteria = {"to": message.to, "limit": LOOK_UP_LIMIT} | ({"from_": sender} if sender else {})
        try:
            listed = await self._client(exchange).messages.list_async(**criteria)
            return _find(message, sent_after, listed)
        except Exception as error:  # noqa: BLE001 - a question without an answer leaves the attempt as it was
            return Unclear(reason=f"look_up_failed: {type(error).__name__}")

    async def close(self) -> None:
        """Close the connections to Twilio."""
        await self._connection.close()

    def _client(self, exchange: TwilioExchange) -> Any:
        # With an environment of its own the SDK does not look at the TWILIO_ variables of the process;
        # an empty one would not do, it counts as none.
        environment = {"TWILIO_REGION": ""}
        return Client(self._account_sid, self._auth_token, http_client=exchange, environment=environment)

    def _fields(self, message: Message) -> dict[str, str]:
        callback = self._status_callback(message.attempt_id)
        if "#" not in callback:
            callback += CALLBACK_REPEATS
        fields = {"to": message.to, "body": message.text, "status_callback": callback, **self._sender}
        if self._retention_minimised:
            fields |= {"content_retention": "discard", "address_retention": "obfuscate"}
        return fields


def _read_created(sid: str | None) -> Outcome:
    if not isinstance(sid, str) or not sid:
        return Unclear(reason="no_message_id")  # an empty 201 comes through the SDK as a message without id
    return Sent(provider_id=sid, receipt_expected=True)


def _unforeseen(error: Exception, exchange: TwilioExchange) -> Outcome:
    if exchange.began_to_leave:
        return Unclear(reason=f"answer_unreadable: {type(error).__name__}")
    return Refused(reason=f"not_sendable: {type(error).__name__}", scope=RefusalScope.MESSAGE)


def _code(error: TwilioException) -> int | None:
    code = getattr(error, "code", None)
    return code if isinstance(code, int) else None


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
    return _read_created(ours[0].sid)
