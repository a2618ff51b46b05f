"""Notifications in browsers: RFC 8030 (push), RFC 8291 (encryption, by http_ece) and RFC 8292 (who sends, by py-vapid).

The push service is the browser maker's; it learns an opaque address, how long a message is good for and which older
one it replaces. What it carries is ciphertext, filled up so that not even its length tells anything.
"""

import json
import re
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from urllib.parse import urlsplit

import http_ece  # type: ignore[import-untyped]  # http_ece ships no types
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from py_vapid import Vapid02  # type: ignore[import-untyped]  # py_vapid ships no types

from alerts.channels.channel import ChannelKind, Message
from alerts.channels.message_ids import is_id
from alerts.channels.outside_http import Answer, OutsideHttp
from alerts.channels.outside_posts import answer_or_end, endpoint_or_end
from alerts.endpoints import WEB_PUSH, Endpoints
from alerts.outcomes import Outcome, RefusalScope, Refused, Sent, TryLater
from isocket.domain.endpoints import GONE, Endpoint
from isocket.domain.outside import TargetError, check_target
from isocket.kit.clock import Clock
from isocket.kit.ids import derived_id

LONGEST_TEXT = 3072  # bytes; every push service takes 4096 with what encryption adds (RFC 8030, section 7.2)
FILLED_UP_TO = 1024  # bytes, and its multiples
USUAL_LIFE = timedelta(hours=2)  # of a message that does not say how long it is good for
SIGNED_FOR = timedelta(hours=12)  # RFC 8292 allows 24, and clocks differ

_GONE = frozenset({404, 410})
_TAKEN = range(200, 300)
_LATER: Mapping[int, str] = MappingProxyType(
    {
        408: "request_timeout",
        425: "provider_unavailable",
        429: "too_many_requests",
        500: "provider_unavailable",
        502: "provider_unavailable",
        503: "provider_unavailable",
        504: "provider_unavailable",
    }
)
_REFUSED: Mapping[int, tuple[str, RefusalScope]] = MappingProxyType(
    {
        400: ("refused", RefusalScope.MESSAGE),
        # Whoever names the push service is a customer: what one of them refuses says nothing of the others.
        401: ("credentials", RefusalScope.CONTACT),
        403: ("credentials", RefusalScope.CONTACT),
        413: ("text_too_long", RefusalScope.MESSAGE),
    }
)


class WebPush:
    """The channel for notifications; `Message.to` is the id of an Endpoint.

    Repeating is safe, so that an answer that is lost means "again" and not "unclear": the second copy replaces the
    first at the push service (its Topic) and on the screen (its tag), where our script lets it make no noise.

    `key` is the installation's own; browsers subscribe to its public half, and another key would end all
    subscriptions. `contact` is where a push service's people find us: `mailto:` or `https:`.
    """

    kind = ChannelKind.PUSH
    name = WEB_PUSH

    def __init__(
        self,
        *,
        endpoints: Endpoints,
        clock: Clock,
        key: EllipticCurvePrivateKey,
        contact: str,
        loopback: bool = False,
        connect_s: float = 4.0,
        total_s: float = 10.0,
    ) -> None:
        """Keep the plain values; nothing is opened before the first message."""
        self._endpoints = endpoints
        self._clock = clock
        # Not strict: the library's own idea of such an address leaves out good ones.
        self._vapid = Vapid02(private_key=key, conf={"no-strict": True})
        self._contact = contact
        self._loopback = loopback
        self._http = OutsideHttp(loopback=loopback, connect_s=connect_s, total_s=total_s)

    async def send(self, message: Message) -> Outcome:
        """Hand the notification to the browser's push service, once; see Channel.send."""
        endpoint = await endpoint_or_end(self._endpoints, message.to, ChannelKind.PUSH)
        if not isinstance(endpoint, Endpoint):
            return endpoint
        try:
            url, body = self._sealed(endpoint, message)
            headers = self._headers(url, message)
        except _SubscriptionInvalidError:
            await self._endpoints.lose(endpoint, "subscription_invalid")
            return Refused(reason=GONE, scope=RefusalScope.CONTACT, code="subscription_invalid")
        except _TextTooLongError:
            return Refused(reason="text_too_long", scope=RefusalScope.MESSAGE)
        except Exception as error:  # noqa: BLE001 - whatever the libraries trip over, nothing has left
            return Refused(reason=f"not_sendable: {type(error).__name__}", scope=RefusalScope.MESSAGE)
        answer = await answer_or_end(self._http.post(url, body=body, headers=headers))
        if not isinstance(answer, Answer):
            return answer
        return await self._read(answer, endpoint, message)

    async def look_up(self, message: Message, sent_after: datetime) -> Outcome:
        """Have it sent again: a push service answers no questions, and a second copy replaces the first."""
        del message, sent_after
        return TryLater(reason="answer_lost")

    async def close(self) -> None:
        """Close the connections to push services."""
        await self._http.close()

    async def _read(self, answer: Answer, endpoint: Endpoint, message: Message) -> Outcome:
        status = answer.status
        if status in _TAKEN:
            told = answer.headers.get("Location", "").rpartition("/")[2]
            return Sent(provider_id=told if is_id(told) else message.attempt_id, receipt_expected=True)
        if status in _GONE:
            await self._endpoints.lose(endpoint, f"http_{status}")
            return Refused(reason=GONE, scope=RefusalScope.CONTACT, code=str(status))
        if status in _LATER:
            return TryLater(reason=_LATER[status], after_s=answer.retry_after_s)
        reason, scope = _REFUSED.get(status, ("refused", RefusalScope.MESSAGE))
        return Refused(reason=reason, scope=scope, code=str(status))

    def _sealed(self, endpoint: Endpoint, message: Message) -> tuple[str, bytes]:
        """Return where the message goes and its ciphertext."""
        url, point, secret = _subscription(endpoint.address, loopback=self._loopback)
        text = message.text.encode()
        if len(text) > LONGEST_TEXT:
            raise _TextTooLongError
        filled = text.ljust(-(-len(text) // FILLED_UP_TO) * FILLED_UP_TO)  # blanks after JSON mean nothing
        try:
            body: bytes = http_ece.encrypt(
                filled, private_key=generate_private_key(SECP256R1()), dh=point, auth_secret=secret, version="aes128gcm"
            )
        except ValueError:  # a point that is not on the curve
            raise _SubscriptionInvalidError from None
        return url, body

    def _headers(self, url: str, message: Message) -> dict[str, str]:
        now, parts = self._clock.now(), urlsplit(url)
        life = (message.expires_at - now) if message.expires_at is not None else USUAL_LIFE
        # A dictionary of this call's own: the library has been known to write into what it is given.
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int((now + SIGNED_FOR).timestamp()),
            "sub": self._contact,
        }
        signed: dict[str, str] = self._vapid.sign(claims)
        headers = {
            **signed,
            "Content-Type": "application/octet-stream",
            "Content-Encoding": "aes128gcm",
            "TTL": str(max(0, int(life.total_seconds()))),
            "Urgency": "high",  # also on a telephone that saves its battery; what is over must follow what was wrong
        }
        if message.topic:
            headers["Topic"] = _topic(message.topic)
        return headers


class _SubscriptionInvalidError(Exception):
    pass


class _TextTooLongError(Exception):
    pass


def _topic(about: str) -> str:
    """Return at most 32 characters that tell the push service nothing (RFC 8030, section 5.4)."""
    return derived_id("t", about)


def _subscription(address: str, *, loopback: bool) -> tuple[str, bytes, bytes]:
    """Return URL, public point and secret of a subscription as the browser gave it."""
    try:
        given = json.loads(address)
        url = check_target(given["endpoint"], loopback=loopback)
        return url, _raw(given["keys"]["p256dh"]), _raw(given["keys"]["auth"])
    except (TargetError, ValueError, KeyError, TypeError, AttributeError):
        raise _SubscriptionInvalidError from None


def _raw(text: str) -> bytes:
    if not re.fullmatch(r"[A-Za-z0-9_-]+={0,2}", text):
        raise ValueError("this is no base64url")
    try:
        return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except Base64Error:
        raise ValueError("this is no base64url") from None
