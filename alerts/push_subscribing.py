"""Lets a contact without an account have alarms shown on their device, from the page behind a link of theirs.

The token of the link is the whole permission, as it is for the button beside it. A link that is some days old opens
no new way: mails are passed on.
"""

import json
from datetime import datetime, timedelta

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alerts.bodies import read_body
from alerts.links import INCIDENT_PATH, delivery_of
from alerts.readers import reader_of
from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.endpoint_letters import PUSH_HOOK
from isocket.domain.endpoints import Endpoint
from isocket.domain.greetings import greeting, is_full, new_endpoint, same_browser, write_subscription
from isocket.domain.outside import LONGEST_URL, TargetError
from isocket.kit.clock import Clock
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, above, is_

log = get_logger(__name__)

LINK_LIFE = timedelta(days=7)
MOST_GREETINGS = 5  # to one contact's browsers, within the time below
GREETINGS_WITHIN = timedelta(minutes=10)
MAX_BODY_BYTES = 8 * 1024
_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


class _Keys(BaseModel):
    model_config = ConfigDict(strict=True)

    p256dh: str = Field(max_length=128)
    auth: str = Field(max_length=64)


class _Subscription(BaseModel):
    model_config = ConfigDict(strict=True)

    endpoint: str = Field(max_length=LONGEST_URL)
    keys: _Keys


class _Wish(BaseModel):
    """What our script posts, there as in the portal; what else it holds is of no use here."""

    model_config = ConfigDict(strict=True)

    subscription: _Subscription
    label: str = Field(default="", max_length=60)


def subscription_path(token: str) -> str:
    """Return the path to which the page behind this link posts a browser's subscription."""
    return f"{PUSH_HOOK}/{token}/subscription"


def routes(*, records: Records, clock: Clock, loopback: bool) -> list[web.RouteDef]:
    """Return the route. With `loopback` push services on this machine are called as well."""
    return [web.post(subscription_path("{token}"), _Subscribing(records=records, clock=clock, loopback=loopback).add)]


def may_subscribe(link: Delivery, contact: Contact, now: datetime) -> bool:
    """Return whether this link may still add a browser to its contact."""
    return contact.paused_at is None and now < link.created_at + LINK_LIFE


class _Subscribing:
    def __init__(self, *, records: Records, clock: Clock, loopback: bool) -> None:
        self._records = records
        self._clock = clock
        self._loopback = loopback

    async def add(self, request: web.Request) -> web.Response:
        """Add the browser to the link's contact and greet it. 204; 404 no such link, or too old; 409 full; 422; 429."""
        token = request.match_info["token"]
        link = await delivery_of(self._records, token)
        contact = None if link is None else await reader_of(self._records, link)
        if link is None or contact is None or not may_subscribe(link, contact, self._clock.now()):
            raise web.HTTPNotFound
        wish = await self._wish(request)
        if wish is None:
            return _answer(422, "This is no subscription of a browser.")
        try:
            keys = wish.subscription.keys
            address = write_subscription(wish.subscription.endpoint, keys.p256dh, keys.auth, loopback=self._loopback)
        except TargetError as error:
            return _answer(422, str(error))
        if await self._greeted(contact) >= MOST_GREETINGS:
            return _answer(429, "Too often; try again in ten minutes.", **{"Retry-After": "600"})
        endpoint = await self._endpoint(contact, address, wish.label)
        if endpoint is None:
            return _answer(409, "There are as many devices and programs as one may have.")
        await self._records.add(greeting(endpoint, contact, opens=f"{INCIDENT_PATH}/{token}", now=self._clock.now()))
        return web.Response(status=204, headers=_HEADERS)

    async def _wish(self, request: web.Request) -> _Wish | None:
        try:
            raw = await read_body(request, most=MAX_BODY_BYTES)
        except web.HTTPRequestEntityTooLarge:
            return None
        try:
            return _Wish.model_validate_json(raw)
        except ValidationError:
            return None

    async def _endpoint(self, contact: Contact, address: str, label: str) -> Endpoint | None:
        """Return this browser's endpoint, taken up again where it is known; None where there is no room."""
        there = await self._records.find(Endpoint, is_("contact_id", contact.id))
        known = same_browser(there, address)
        if known is not None:
            if known.address == address and known.gone_at is None:
                return known
            renewed = await self._records.change_one(
                Endpoint, is_("id", known.id), address=address, verified_at=None, gone_at=None, gone_reason=""
            )
            return renewed or known
        if is_full(there):
            return None
        plain = "".join(each for each in label if each.isprintable()).strip()
        made = new_endpoint(contact, ChannelKind.PUSH, address, label=plain, now=self._clock.now())
        await self._records.add(made)
        log.info("endpoint_added", endpoint_id=made.id, kind=made.kind.value)
        return made

    async def _greeted(self, contact: Contact) -> int:
        return await self._records.count(
            Delivery,
            is_("contact_id", contact.id),
            is_("kind", DeliveryKind.CODE),
            is_("channel", ChannelKind.PUSH),
            above("created_at", self._clock.now() - GREETINGS_WITHIN),
        )


def _answer(status: int, detail: str, **headers: str) -> web.Response:
    text = json.dumps({"status": status, "detail": detail})
    return web.Response(
        status=status, text=text, content_type="application/problem+json", headers={**_HEADERS, **headers}
    )
