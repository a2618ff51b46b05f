"""Calls by Twilio, through Twilio's own SDK.

A call carries no words: Twilio fetches them from us, by the attempt's opaque id, when somebody has answered (see
`alerts.voice_hooks`). So they are kept nowhere else, and say how things stand at that moment.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]  # twilio ships no types

# The SDK loads this at the first call, and that takes time: better at the start.
from twilio.rest.api.v2010.account.call import CallInstance  # type: ignore[import-untyped]  # twilio ships no types

from alerts.channels.channel import ChannelKind, Message
from alerts.channels.phone_numbers import is_number
from alerts.channels.twilio_account import NOT_FOUND, TwilioAccount, code_of, read_created, with_repeats
from alerts.outcomes import Cancellation, Erasal, Outcome, RefusalScope, Refused, Unclear

RING_S = 30  # longer, and the voicemail of most carriers answers
LONGEST_CALL_S = 240  # whoever wants to hear it again and again may
EVENTS = ("initiated", "ringing", "answered", "completed")
LOOK_UP_LIMIT = 50

_NOT_REACHED = frozenset({"busy", "no-answer", "failed", "canceled"})
_STATE_FORBIDS_IT = 21220


class TwilioVoice:
    """The channel for calls, which can be called off.

    `sender` is a phone number of the account's that may call. `voice_url` and `status_callback` make the addresses
    for an attempt's words and for its receipts. Whether a person or a machine answers is not asked of Twilio: it
    would cost seconds of silence, and only a key press counts.
    """

    kind = ChannelKind.VOICE
    name = "twilio"

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str,
        sender: str,
        base_url: str | None,
        voice_url: Callable[[str], str],
        status_callback: Callable[[str], str],
        connect_s: float = 3.0,
        total_s: float = 10.0,
    ) -> None:
        """Keep the plain values; nothing is opened before the first call."""
        self._sender = sender
        self._voice_url = voice_url
        self._status_callback = status_callback
        self._account = TwilioAccount(
            account_sid=account_sid, auth_token=auth_token, base_url=base_url, connect_s=connect_s, total_s=total_s
        )

    async def send(self, message: Message) -> Outcome:
        """Ask Twilio to call, once, within the total time; see Channel.send."""
        if not is_number(message.to):
            return Refused(reason="number_invalid", scope=RefusalScope.CONTACT)
        fields = {
            "to": message.to,
            "from_": self._sender,
            "url": with_repeats(self._voice_url(message.attempt_id)),
            "method": "POST",
            "status_callback": with_repeats(self._status_callback(message.attempt_id)),
            "status_callback_method": "POST",
            "status_callback_event": list(EVENTS),
            "timeout": RING_S,
            "time_limit": LONGEST_CALL_S,
        }
        return await self._account.create(lambda account: account.calls.create_async(**fields))

    async def look_up(self, message: Message, sent_after: datetime) -> Outcome:
        """Look for one call to this number that Twilio made since `sent_after`.

        Twilio does not show which words a call would fetch, so that of several none is taken for ours. Usually the
        status callback with our own id has settled it before.
        """
        criteria = {"to": message.to, "from_": self._sender, "limit": LOOK_UP_LIMIT}
        try:
            listed = await self._account.ask(lambda account: account.calls.list_async(**criteria))
            return _find(sent_after, listed)
        except Exception as error:  # noqa: BLE001 - a question without an answer leaves the attempt as it was
            return Unclear(reason=f"look_up_failed: {type(error).__name__}")

    async def cancel(self, provider_id: str) -> Cancellation:
        """Call a call off while it waits or rings, and end it where somebody or a machine listens to it.

        Who hears "somebody else has taken it" in the middle of a call is told so when they press a key before.
        """
        try:
            status = await self._update(provider_id, "canceled")
            if status == "in-progress":
                status = await self._update(provider_id, "completed")
        except TwilioException as error:
            too_late = code_of(error) in {_STATE_FORBIDS_IT, NOT_FOUND}  # a page in place of its answer says neither
            return Cancellation.TOO_LATE if too_late else Cancellation.UNCLEAR
        except Exception:  # noqa: BLE001 - whatever broke: it may or may not have been called off
            return Cancellation.UNCLEAR
        return Cancellation.DONE if status in {"canceled", "completed"} else Cancellation.UNCLEAR

    async def erase(self, provider_id: str) -> Erasal:
        """Delete the record of the call at Twilio, which it does once the call is over."""
        return await self._account.erase(lambda account: account.calls(provider_id).delete_async())

    async def close(self) -> None:
        """Close the connections to Twilio."""
        await self._account.close()

    async def _update(self, sid: str, status: str) -> str:
        updated = await self._account.ask(lambda account: account.calls(sid).update_async(status=status))
        return str(updated.status)


def _find(sent_after: datetime, listed: list[CallInstance]) -> Outcome:
    since = sent_after.astimezone(UTC).replace(microsecond=0)  # Twilio tells whole seconds
    ours = [each for each in listed if isinstance(each.date_created, datetime) and each.date_created >= since]
    if not ours:
        return Unclear(reason="not_found")
    if len(ours) > 1:
        return Unclear(reason="found_several")
    if ours[0].status in _NOT_REACHED:
        return Refused(reason="failed_after_acceptance", scope=RefusalScope.MESSAGE, code=str(ours[0].status))
    return read_created(ours[0].sid)
