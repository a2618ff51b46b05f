"""A browser or a program that somebody adds to a contact, and the first message to it, which it has to answer.

Until then it gets no alarms: a browser by showing what only it can read, a program by echoing what only it was told.
"""

import json
import re
import secrets
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec

from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.endpoint_letters import push_hello, push_test, webhook_test, webhook_verification
from isocket.domain.endpoints import Endpoint
from isocket.domain.outside import TargetError, check_target
from isocket.kit.ids import new_id, new_token, token_hash

MOST_ENDPOINTS = 10  # of one contact, those that are gone not counted
ANSWER_WITHIN = timedelta(minutes=10)
TEST_LIFE = timedelta(minutes=10)
SECRET_PREFIX = "whsec_"  # noqa: S105 - no secret: by it one is known for what it is, wherever it leaks

_POINT_BYTES, _UNCOMPRESSED, _AUTH_BYTES = 65, 4, 16


_NO_KEY = "This is no key of a push subscription: send what the browser gives, as it is."


class SubscriptionError(TargetError):
    """It is no push subscription; `field` says by which part of it one knows."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def write_subscription(endpoint: str, p256dh: str, auth: str, *, loopback: bool = False) -> str:
    """Return a push subscription as it is stored.

    Raises:
        SubscriptionError: it is not what a browser gives, or leads to a place that we do not call.
    """
    try:
        check_target(endpoint, loopback=loopback)
    except TargetError as error:
        raise SubscriptionError("endpoint", str(error)) from None
    point = _raw("keys.p256dh", p256dh)
    if len(point) != _POINT_BYTES or point[0] != _UNCOMPRESSED or not _is_on_the_curve(point):
        raise SubscriptionError("keys.p256dh", _NO_KEY)  # to which nothing could be written, as the first message shows
    if len(_raw("keys.auth", auth)) != _AUTH_BYTES:
        raise SubscriptionError("keys.auth", _NO_KEY)
    return json.dumps({"endpoint": endpoint, "keys": {"p256dh": p256dh, "auth": auth}})


def place_of(subscription: str) -> str:
    """Return the address in a stored subscription, which tells one browser from another; "" if it holds none."""
    try:
        place = json.loads(subscription)["endpoint"]
    except (ValueError, KeyError, TypeError):
        return ""
    return place if isinstance(place, str) else ""


def same_browser(endpoints: Iterable[Endpoint], subscription: str) -> Endpoint | None:
    """Return the endpoint that is this browser already, None if there is none."""
    place = place_of(subscription)
    ours = (each for each in endpoints if each.kind is ChannelKind.PUSH and place_of(each.address) == place)
    return next(ours, None)


def is_full(endpoints: Iterable[Endpoint]) -> bool:
    """Return whether a contact has as many endpoints as one may have."""
    return sum(each.gone_at is None for each in endpoints) >= MOST_ENDPOINTS


def new_endpoint(contact: Contact, kind: ChannelKind, address: str, *, label: str, now: datetime) -> Endpoint:
    """Return an endpoint that has not answered yet; a program's with a new secret."""
    return Endpoint(
        id=new_id("end"),
        account_id=contact.account_id,
        contact_id=contact.id,
        kind=kind,
        address=address,
        secret=new_signing_secret() if kind is ChannelKind.WEBHOOK else "",
        label=label,
        created_at=now,
    )


def new_signing_secret() -> str:
    """Return 256 random bits with which a program's messages are signed."""
    return SECRET_PREFIX + secrets.token_urlsafe(32)


def greeting(endpoint: Endpoint, contact: Contact, *, opens: str, now: datetime) -> Delivery:
    """Return the first message to an endpoint; `opens` is the path that a notification leads to."""
    token = new_token()
    made = _message(endpoint, contact, DeliveryKind.CODE, token, now, life=ANSWER_WITHIN)
    if endpoint.kind is ChannelKind.PUSH:
        text = push_hello(contact.language, tag=endpoint.id, token=token, opens=opens)
    else:
        text = webhook_verification(made.id, now, new_token())
    return replace(made, text=text)


def trial(endpoint: Endpoint, contact: Contact, *, opens: str, now: datetime) -> Delivery:
    """Return a message by which somebody tries the way."""
    token = new_token()
    made = _message(endpoint, contact, DeliveryKind.NOTICE, token, now, life=TEST_LIFE)
    if endpoint.kind is ChannelKind.PUSH:
        return replace(made, text=push_test(contact.language, tag=endpoint.id, token=token, opens=opens))
    return replace(made, text=webhook_test(made.id, now, contact.language))


def _raw(field: str, text: str) -> bytes:
    bare = text.rstrip("=")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", bare):
        raise SubscriptionError(field, _NO_KEY)
    try:
        return urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except Base64Error:
        raise SubscriptionError(field, _NO_KEY) from None


def _is_on_the_curve(point: bytes) -> bool:
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        return False
    return True


def _message(
    endpoint: Endpoint, contact: Contact, kind: DeliveryKind, token: str, now: datetime, *, life: timedelta
) -> Delivery:
    return Delivery(
        id=new_id("dlv"),
        account_id=endpoint.account_id,
        person_id=contact.id,
        contact_id=contact.id,
        kind=kind,
        channel=endpoint.kind,
        address=endpoint.id,
        text="",
        link_hash=token_hash(token),
        created_at=now,
        due_at=now,
        expires_at=now + life,
    )
