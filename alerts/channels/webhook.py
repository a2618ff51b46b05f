"""Messages to a program of the customer's: one signed POST each, to the address that it proved to be its own.

What the program gets, and how it checks the signature, is in docs/webhooks.md.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from alerts.channels.channel import ChannelKind, Message
from alerts.channels.outside_http import Answer, OutsideHttp
from alerts.channels.outside_posts import answer_or_end, endpoint_or_end
from alerts.endpoints import WEBHOOK, Endpoints
from alerts.outcomes import Outcome, RefusalScope, Refused, Sent, TryLater
from isocket.domain.deliveries import DeliveryKind
from isocket.domain.endpoint_letters import challenge_of
from isocket.domain.endpoints import GONE, Endpoint
from isocket.domain.outside import TargetError, check_target
from isocket.kit.clock import Clock
from isocket.storage.port import StoreUnavailableError

SIGNATURE_HEADER = "iSocket-Signature"
ID_HEADER = "iSocket-Id"

_TAKEN = range(200, 300)
_ELSEWHERE = range(300, 400)
_BROKEN = range(500, 600)
_GONE = 410
_LATER: Mapping[int, str] = MappingProxyType(
    {408: "request_timeout", 425: "provider_unavailable", 429: "too_many_requests"}
)


class Webhook:
    """The channel for programs; `Message.to` is the id of an Endpoint, `Message.text` the body as it is.

    Repeating is safe, so that a lost answer and an error of the program's (any 5xx, which may come after it took the
    message) mean "again" and not "unclear": every copy carries the same id, by which the program knows it again.
    """

    kind = ChannelKind.WEBHOOK
    name = WEBHOOK

    def __init__(
        self,
        *,
        endpoints: Endpoints,
        clock: Clock,
        loopback: bool = False,
        connect_s: float = 4.0,
        total_s: float = 10.0,
    ) -> None:
        """Keep the plain values; nothing is opened before the first message."""
        self._endpoints = endpoints
        self._clock = clock
        self._loopback = loopback
        self._http = OutsideHttp(loopback=loopback, connect_s=connect_s, total_s=total_s)

    async def send(self, message: Message) -> Outcome:
        """Post the message once; see Channel.send. A program proves itself by what only it can answer."""
        endpoint = await endpoint_or_end(self._endpoints, message.to, ChannelKind.WEBHOOK)
        if not isinstance(endpoint, Endpoint):
            return endpoint
        challenge = challenge_of(message.text) if message.kind is DeliveryKind.CODE else None
        try:
            url = check_target(endpoint.address, loopback=self._loopback)
        except TargetError:
            return Refused(reason="address_forbidden", scope=RefusalScope.CONTACT)
        headers, body = self._headers(endpoint, message), message.text.encode()
        answer = await answer_or_end(self._http.post(url, body=body, headers=headers, read=challenge is not None))
        if not isinstance(answer, Answer):
            return answer
        if answer.status in _TAKEN and challenge is not None:
            proved = _proves(answer.body, challenge, self._keys(endpoint))
            return await self._proved(endpoint, message, proved=proved)
        return await self._read(answer, endpoint, message)

    async def look_up(self, message: Message, sent_after: datetime) -> Outcome:
        """Have it sent again: nobody can be asked what became of it, and its program knows a second copy by its id."""
        del message, sent_after
        return TryLater(reason="answer_lost")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _proved(self, endpoint: Endpoint, message: Message, *, proved: bool) -> Outcome:
        if not proved:
            return Refused(reason="challenge_not_answered", scope=RefusalScope.CONTACT)
        try:
            await self._endpoints.prove(endpoint)
        except StoreUnavailableError:  # a second challenge proves it as well
            return TryLater(reason="store_unavailable")
        return Sent(provider_id=message.attempt_id, receipt_expected=False)

    async def _read(self, answer: Answer, endpoint: Endpoint, message: Message) -> Outcome:
        status = answer.status
        if status in _TAKEN:
            return Sent(provider_id=message.attempt_id, receipt_expected=False)
        if status == _GONE:
            await self._endpoints.lose(endpoint, f"http_{status}")
            return Refused(reason=GONE, scope=RefusalScope.CONTACT, code=str(status))
        if status in _LATER:
            return TryLater(reason=_LATER[status], after_s=answer.retry_after_s)
        if status in _BROKEN:
            return TryLater(reason="provider_unavailable", after_s=answer.retry_after_s)
        reason = "redirected" if status in _ELSEWHERE else "refused"
        return Refused(reason=reason, scope=RefusalScope.MESSAGE, code=str(status))

    def _headers(self, endpoint: Endpoint, message: Message) -> dict[str, str]:
        at_s = int(self._clock.now().timestamp())
        return {
            "Content-Type": "application/json",
            ID_HEADER: _id_of(message),
            SIGNATURE_HEADER: signature(message.text.encode(), self._keys(endpoint), at_s),
        }

    def _keys(self, endpoint: Endpoint) -> list[str]:
        """Return the secrets that are good now: for a while after a change, the one before as well."""
        until = endpoint.previous_until
        if endpoint.previous_secret and until is not None and self._clock.now() < until:
            return [endpoint.secret, endpoint.previous_secret]
        return [endpoint.secret]


def signature(body: bytes, keys: list[str], at_s: int) -> str:
    """Return `t=<seconds since 1970>,v1=<HMAC-SHA256 over "t.body", hexadecimal>`, one `v1` for each key."""
    signed = f"{at_s}.".encode() + body
    found = [hmac.new(key.encode(), signed, hashlib.sha256).hexdigest() for key in keys]
    return ",".join([f"t={at_s}", *(f"v1={each}" for each in found)])


def _id_of(message: Message) -> str:
    """Return the delivery's id, which stays the same when it is sent again."""
    return (message.message_id or message.attempt_id).strip("<>").partition("@")[0]


def proof(challenge: str, key: str) -> str:
    """Return what a program that knows the key answers: HMAC-SHA256 over the challenge, hexadecimal."""
    return hmac.new(key.encode(), challenge.encode(), hashlib.sha256).hexdigest()


def _proves(body: bytes, challenge: str, keys: list[str]) -> bool:
    """Return whether the answer holds the proof, as plain text or as JSON `{"proof": ...}`; it may be anything.

    What merely reflects our request, as many a server does, proves nothing: its answer holds the challenge alone.
    """
    text = body.decode("utf-8", "replace").strip()
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):  # no JSON, or more brackets in each other than the parser can hold
        said = None
    told = said.get("proof") if isinstance(said, dict) else text
    if not isinstance(told, str) or not told.isascii():
        return False
    return any(hmac.compare_digest(told.lower(), proof(challenge, each)) for each in keys)
