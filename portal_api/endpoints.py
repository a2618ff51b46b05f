"""Browsers and programs of a contact: adding them, trying them, changing a secret, taking them away."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from isocket.domain.contacts import ChannelKind, Contact
from isocket.domain.deliveries import Delivery, DeliveryKind
from isocket.domain.endpoints import ENDPOINT_KINDS, Endpoint
from isocket.domain.greetings import (
    MOST_ENDPOINTS,
    SubscriptionError,
    greeting,
    is_full,
    new_endpoint,
    new_signing_secret,
    place_of,
    same_browser,
    trial,
    write_subscription,
)
from isocket.domain.outside import TargetError, check_target
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, is_, one_of
from portal_api.endpoint_models import EndpointMade, EndpointView, LastMessage, NewEndpoint, PushKey, SecretView
from portal_api.limits import Rate
from portal_api.models import Page
from portal_api.owned import own_contact
from portal_api.portal import Portal
from portal_api.problem import Problem, ProblemError, fault, not_found, too_many
from portal_api.routes import AnyRoute, Call, Reply, Route

log = get_logger(__name__)

# Each of these makes this server call an address that a customer chose.
SENT_TO_ONE = Rate(name="endpoint_sent", tries=6, per_s=600)
SENT_BY_ACCOUNT = Rate(name="endpoint_account", tries=40, per_s=3600)
BOTH_SECRETS_FOR = timedelta(hours=24)
MOST_SHOWN = 50  # first messages and trials that are looked through for the last of each endpoint


async def show_all(call: Call[None, None]) -> Page[EndpointView]:
    """List the browsers and programs of a contact, the oldest first."""
    contact = await own_contact(call)
    endpoints = await endpoints_of(call.records, contact)
    last = await _last_messages(call.records, contact)
    return Page[EndpointView](items=[EndpointView(**_seen(each, last.get(each.id))) for each in endpoints])


async def add(call: Call[NewEndpoint, None]) -> Reply | Problem:
    """Add a browser or a program. A first message goes to it at once, and has to be answered as the manual says.

    A browser that is there already is taken up again.
    """
    contact, wish = await own_contact(call), call.body
    address = _address(call.portal, wish)
    if isinstance(address, Problem):
        return address
    refused = _not_now(contact) or await _too_often(call.portal, contact.account_id)
    if refused is not None:
        return refused
    there = await endpoints_of(call.records, contact)
    kind = ChannelKind(wish.kind)
    known = same_browser(there, address) if kind is ChannelKind.PUSH else None
    if known is not None:
        made = await _take_up(call.records, known, address)
    elif is_full(there):
        detail = f"A contact has up to {MOST_ENDPOINTS} browsers and programs."
        return Problem(status=409, kind="too-many-endpoints", detail=detail)
    else:
        made = new_endpoint(contact, kind, address, label=wish.label, now=call.clock.now())
        await call.records.add(made)
        log.info("endpoint_added", endpoint_id=made.id, kind=kind.value)
    await _greet(call, made, contact)
    body = EndpointMade(**_seen(made, None), secret=made.secret or None)
    return Reply(body=body, status=201 if known is None else 200)


async def take_away(call: Call[None, None]) -> Reply:
    """Take away a browser or a program: nothing more is sent to it."""
    endpoint, _ = await _own_endpoint(call)
    await call.records.remove_all(Endpoint, is_("id", endpoint.id))
    log.info("endpoint_removed", endpoint_id=endpoint.id)
    return Reply()


async def prove(call: Call[None, None]) -> Reply | Problem:
    """Send the first message once more."""
    endpoint, contact = await _own_endpoint(call)
    if endpoint.verified_at is not None and endpoint.gone_at is None:
        return Problem(status=409, kind="verified", detail="It has answered already.")
    refused = await _why_not(call.portal, endpoint, contact)
    if refused is not None:
        return refused
    await _greet(call, endpoint, contact)
    return Reply()


async def test(call: Call[None, None]) -> Reply | Problem:
    """Send a message that is marked as a test."""
    endpoint, contact = await _own_endpoint(call)
    refused = await _why_not(call.portal, endpoint, contact)
    if refused is not None:
        return refused
    await call.records.add(trial(endpoint, contact, opens=path_of_page(contact.id), now=call.clock.now()))
    return Reply()


async def change_secret(call: Call[None, None]) -> SecretView | Problem:
    """Change the secret of a program. For a day messages are signed by the old one as well."""
    while True:
        endpoint, _ = await _own_endpoint(call)
        if endpoint.kind is not ChannelKind.WEBHOOK:
            return Problem(status=409, kind="no-secret", detail="A browser has no secret of ours.")
        secret, until = new_signing_secret(), call.clock.now() + BOTH_SECRETS_FOR
        changed = await call.records.change_one(
            Endpoint,
            is_("id", endpoint.id),
            is_("version", endpoint.version),
            secret=secret,
            previous_secret=endpoint.secret,
            previous_until=until,
        )
        if changed is not None:
            log.info("endpoint_secret_changed", endpoint_id=endpoint.id)
            return SecretView(secret=secret, previous_until=until)


async def show_key(call: Call[None, None]) -> PushKey | Problem:
    """Show to which key a browser subscribes."""
    key = call.portal.settings.push_key
    if not key:
        return Problem(status=409, kind="no-push", detail="Browsers cannot subscribe here.")
    return PushKey(key=key)


async def endpoints_of(records: Records, contact: Contact) -> Sequence[Endpoint]:
    """Return all endpoints of a contact, the oldest first."""
    return await records.find(Endpoint, is_("contact_id", contact.id), order_by="created_at")


def path_of_page(contact_id: str) -> str:
    """Return the path of the page with a contact's browsers and programs."""
    return f"/contacts/{contact_id}/endpoints"


def _address(portal: Portal, wish: NewEndpoint) -> str | Problem:
    loopback = portal.settings.loopback_targets
    if wish.kind == "webhook":
        if wish.url is None or wish.subscription is not None:
            return fault("url" if wish.url is None else "subscription", "A webhook has a url and no subscription.")
        try:
            return check_target(wish.url.strip(), loopback=loopback)
        except TargetError as error:
            return fault("url", str(error))
    given = wish.subscription
    if given is None or wish.url is not None:
        return fault("subscription" if given is None else "url", "A browser has a subscription and no url.")
    try:
        return write_subscription(given.endpoint, given.keys.p256dh, given.keys.auth, loopback=loopback)
    except SubscriptionError as error:
        return fault(f"subscription.{error.field}", str(error))


async def _take_up(records: Records, known: Endpoint, address: str) -> Endpoint:
    """Return a browser that subscribes anew: it has to show something once more if anything of it is new."""
    if known.address == address and known.gone_at is None:
        return known
    changed = await records.change_one(
        Endpoint, is_("id", known.id), address=address, verified_at=None, gone_at=None, gone_reason=""
    )
    return changed or known


async def _greet(call: Call[Any, Any], endpoint: Endpoint, contact: Contact) -> None:
    await call.records.add(greeting(endpoint, contact, opens=path_of_page(contact.id), now=call.clock.now()))


async def _why_not(portal: Portal, endpoint: Endpoint, contact: Contact) -> Problem | None:
    if endpoint.gone_at is not None:
        return Problem(status=409, kind="gone", detail="It wants no more messages. Take it away and add it again.")
    refused = _not_now(contact)
    if refused is not None:
        return refused
    wait_s = await portal.limits.take(SENT_TO_ONE, endpoint.id)
    return too_many(wait_s) if wait_s > 0 else await _too_often(portal, endpoint.account_id)


def _not_now(contact: Contact) -> Problem | None:
    if contact.paused_at is None:
        return None
    return Problem(status=409, kind="paused", detail="This person asked us to send nothing more.")


async def _too_often(portal: Portal, account_id: str) -> Problem | None:
    wait_s = await portal.limits.take(SENT_BY_ACCOUNT, account_id)
    return too_many(wait_s) if wait_s > 0 else None


async def _own_endpoint(call: Call[Any, Any]) -> tuple[Endpoint, Contact]:
    contact = await own_contact(call)
    endpoint = await call.records.get(Endpoint, call.path["endpoint_id"])
    if endpoint is None or endpoint.contact_id != contact.id:
        raise ProblemError(not_found())
    return endpoint, contact


async def _last_messages(records: Records, contact: Contact) -> dict[str, Delivery]:
    """Return for each endpoint the newest message that proved or tried it."""
    found = await records.find(
        Delivery,
        is_("contact_id", contact.id),
        one_of("channel", sorted(ENDPOINT_KINDS)),
        one_of("kind", [DeliveryKind.CODE, DeliveryKind.NOTICE]),
        order_by="created_at",
        descending=True,
        limit=MOST_SHOWN,
    )
    return {each.address: each for each in reversed(found)}


def _seen(endpoint: Endpoint, last: Delivery | None) -> dict[str, Any]:
    is_program = endpoint.kind is ChannelKind.WEBHOOK
    url = endpoint.address if is_program else place_of(endpoint.address)
    return {
        "id": endpoint.id,
        "contact_id": endpoint.contact_id,
        "kind": endpoint.kind.value,
        "label": endpoint.label,
        "url": url if is_program else None,
        "service": urlsplit(url).hostname or "",
        "verified": endpoint.verified_at is not None,
        "gone": endpoint.gone_at is not None,
        "created_at": endpoint.created_at,
        "last_message": None
        if last is None
        else LastMessage(at=last.created_at, state=last.state.value, reason=last.reason),
    }


_ALL = "/contacts/{contact_id}/endpoints"
_ONE = f"{_ALL}/{{endpoint_id}}"

ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path=_ALL,
        handler=show_all,
        summary="List a contact's browsers and programs",
        answers={200: Page[EndpointView]},
    ),
    Route(
        method="POST",
        path=_ALL,
        handler=add,
        summary="Add a browser or a program to a contact",
        body=NewEndpoint,
        answers={201: EndpointMade, 200: EndpointMade},
        problems=(409, 429),
    ),
    Route(
        method="DELETE",
        path=_ONE,
        handler=take_away,
        summary="Take away a browser or a program",
        answers={204: None},
    ),
    Route(
        method="POST",
        path=f"{_ONE}/verification",
        handler=prove,
        summary="Send the first message to a browser or a program once more",
        answers={202: None},
        problems=(409, 429),
    ),
    Route(
        method="POST",
        path=f"{_ONE}/test",
        handler=test,
        summary="Send a test message to a browser or a program",
        answers={202: None},
        problems=(409, 429),
    ),
    Route(
        method="POST",
        path=f"{_ONE}/secret",
        handler=change_secret,
        summary="Change the secret by which a program's messages are signed",
        answers={200: SecretView},
        problems=(409,),
    ),
    Route(
        method="GET",
        path="/push-key",
        handler=show_key,
        summary="Show to which key a browser subscribes",
        answers={200: PushKey},
        problems=(409,),
    ),
)
