"""Text messages by 46elks, a provider in Sweden (https://46elks.com/docs/send-sms)."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import aiohttp

from alerts.channels.channel import ChannelKind, Message
from alerts.channels.message_ids import is_id
from alerts.channels.phone_numbers import is_number
from alerts.channels.provider_http import AnswerLostError, HttpAnswer, HttpRequest, NothingSentError, ProviderHttp
from alerts.elks_outcomes import read_elks_error
from alerts.outcomes import Outcome, RefusalScope, Refused, Sent, TryLater, Unclear

API = "https://api.46elks.com"
MESSAGES = f"{API}/a1/sms"
LOOK_UP_LIMIT = 100  # the most that it lists at once


class ElksSms:
    """The channel for text messages by 46elks.

    `sender` is a phone number or a sender's name. `status_callback` makes the address for an attempt's receipts, with
    a proof in it, because 46elks signs nothing. With `retention_minimised` it does not keep the text, and nothing can
    be looked up afterwards.
    """

    kind = ChannelKind.SMS
    name = "46elks"

    def __init__(
        self,
        *,
        username: str,
        password: str,
        sender: str,
        base_url: str | None,
        status_callback: Callable[[str], str],
        retention_minimised: bool = False,
        connect_s: float = 3.0,
        total_s: float = 10.0,
    ) -> None:
        """Keep the plain values; nothing is opened before the first message."""
        self._login = aiohttp.encode_basic_auth(username, password)
        self._sender = sender
        self._status_callback = status_callback
        self._retention_minimised = retention_minimised
        self._http = ProviderHttp(base_url=base_url, connect_s=connect_s, total_s=total_s)

    async def send(self, message: Message) -> Outcome:
        """Hand the text to 46elks, once, within the total time; see Channel.send."""
        if not is_number(message.to):
            return Refused(reason="number_invalid", scope=RefusalScope.CONTACT)
        form = {
            "from": self._sender,
            "to": message.to,
            "message": message.text,
            "whendelivered": self._status_callback(message.attempt_id),
        }
        if self._retention_minimised:
            form["dontlog"] = "message"
        try:
            answer = await self._ask("POST", MESSAGES, form)
        except NothingSentError as error:
            return TryLater(reason=f"nothing_sent: {error}")
        except AnswerLostError as error:
            return Unclear(reason=f"answer_lost: {error}")
        if not 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's range of success
            return read_elks_error(answer.status, answer.retry_after_s)
        return _read_created(_object(answer.text))

    async def look_up(self, message: Message, sent_after: datetime) -> Outcome:
        """Look for one message with this number and text that 46elks made since `sent_after`."""
        if self._retention_minimised:
            return Unclear(reason="nothing_kept")
        since = sent_after.astimezone(UTC).replace(tzinfo=None)
        # Its `end` is the far end of a list that goes backwards in time.
        query = urlencode({"to": message.to, "end": since.isoformat(), "limit": LOOK_UP_LIMIT})
        try:
            answer = await self._ask("GET", f"{MESSAGES}?{query}")
            return _find(message, since, _object(answer.text).get("data"))
        except Exception as error:  # noqa: BLE001 - a question without an answer leaves the attempt as it was
            return Unclear(reason=f"look_up_failed: {type(error).__name__}")

    async def close(self) -> None:
        """Close the connections to 46elks."""
        await self._http.close()

    async def _ask(self, method: str, url: str, form: Mapping[str, str] | None = None) -> HttpAnswer:
        headers = {"Authorization": self._login, "Accept": "application/json"}
        body = None
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(form).encode()
        return await self._http.carry(HttpRequest(method=method, url=url, body=body, headers=headers))


def _object(text: str) -> dict[str, Any]:
    """Return a JSON object, an empty one for anything else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):  # no JSON, or more brackets in each other than the parser can hold
        return {}
    return found if isinstance(found, dict) else {}


def _read_created(created: Mapping[str, Any]) -> Outcome:
    sid = created.get("id")
    if not is_id(sid):
        return Unclear(reason="no_message_id")
    if created.get("status") == "failed":
        return Refused(reason="failed_after_acceptance", scope=RefusalScope.MESSAGE, code="failed")
    return Sent(provider_id=sid, receipt_expected=True)


def _find(message: Message, since: datetime, listed: object) -> Outcome:
    ours = [
        each
        for each in (listed if isinstance(listed, list) else [])
        if isinstance(each, dict)
        and each.get("to") == message.to
        and each.get("message") == message.text
        and str(each.get("direction")).startswith("outgoing")
        and _moment(each.get("created")) >= since
    ]
    if len(ours) != 1:
        return Unclear(reason="found_several" if ours else "not_found")
    return _read_created(ours[0])


def _moment(text: object) -> datetime:
    """Return a time as 46elks writes it: in UTC, without saying so."""
    found = datetime.fromisoformat(str(text))
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
