"""Handing a socket over to another customer, so that nothing of the one before is left at it.

The order makes a second run harmless, by whomever: what a hold names is copied, the offer is marked as taken, then the
socket is given up as in a release, then it becomes the taker's, and the offer goes last. Whoever asks again with the
same link goes on where it broke off; meanwhile nobody can claim the socket with the code on its label.
"""

from datetime import timedelta
from urllib.parse import quote

from pydantic import ConfigDict

from isocket.domain.accounts import Account
from isocket.domain.deliveries import Delivery
from isocket.domain.devices import Device
from isocket.domain.transfer_letters import transfer_done, transfer_offer, transfer_received
from isocket.domain.transfers import Transfer
from isocket.kit.ids import new_id, new_token, token_hash
from isocket.kit.logs import get_logger
from isocket.storage.port import AlreadyThereError, is_
from portal_api.devices import DeviceView, view_of
from portal_api.forgetting import forget, forget_offer
from portal_api.limits import Rate
from portal_api.models import Body, Instant, LinkToken, View
from portal_api.numbering import give
from portal_api.outgoing import notice_to
from portal_api.owned import own_device
from portal_api.portal import Portal
from portal_api.problem import Problem, ProblemError, bad_link, fault, not_found
from portal_api.releases import copied_first, finish_release, release_device
from portal_api.routes import AnyRoute, Call, Reply, Route
from portal_api.usernames import Username

log = get_logger(__name__)
OFFER_LIFE = timedelta(days=14)
FINISH_WITHIN = timedelta(days=1)  # what was taken and broke off can be gone on with so long
OFFERS = Rate(name="transfer_account", tries=20, per_s=86_400)  # of one account
OFFERS_MAILBOX = Rate(name="transfer_mailbox", tries=5, per_s=86_400)  # to one address, by whomever
ACCEPTING = Rate(name="transfer_accept", tries=30, per_s=600)  # of one account


class NewTransfer(Body):
    """To whom a socket is to go."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "pekka@example.org"}]})

    email: Username


class TransferAcceptance(LinkToken):
    """The answer to an offer, with the token of its link."""


class TransferView(View):
    """An offer that nobody has taken yet."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "tra_q3mzv6t2cs5hd4yofn7ab2k3xe",
                    "device_id": "is7k2m9q4xw1",
                    "email": "pekka@example.org",
                    "created_at": "2026-11-22T12:00:00.000Z",
                    "expires_at": "2026-12-06T12:00:00.000Z",
                }
            ]
        }
    )

    id: str
    device_id: str
    email: str
    created_at: Instant
    expires_at: Instant


async def show(call: Call[None, None]) -> TransferView | Problem:
    """Show to whom a socket is offered; 404 if to nobody."""
    device = await own_device(call)
    offer = await open_offer(call.portal, device)
    return not_found() if offer is None else _view(offer)


async def offer(call: Call[NewTransfer, None]) -> TransferView | Problem:
    """Offer a socket to whoever holds an e-mail address. It stays yours until they take it, within 14 days.

    The answer is the same whether the address has an account. A new offer replaces the one before.
    """
    device, wish = await own_device(call), call.body
    if wish.email.casefold() == call.account.email.casefold():
        return fault("email", "This is your own address.")
    await call.portal.limits.demand(OFFERS, call.account.id)
    await call.portal.limits.demand(OFFERS_MAILBOX, wish.email.casefold())
    await withdraw(call.portal, device)
    now, token = call.clock.now(), new_token()
    made = Transfer(
        id=new_id("tra"),
        device_id=device.id,
        owner_id=call.account.id,
        email=wish.email,
        token_hash=token_hash(token),
        created_at=now,
        expires_at=now + OFFER_LIFE,
    )
    try:
        await call.records.add(made)
    except AlreadyThereError:
        return Problem(status=409, kind="being-taken", detail="It is being taken over at this moment.")
    letter = transfer_offer(
        call.account.language,
        owner=call.account.email,
        link=call.portal.settings.link(f"/transfers/accept?token={quote(token)}"),
        days=OFFER_LIFE.days,
    )
    due = Delivery.of(
        letter,
        person_id=made.id,
        account_id=call.account.id,
        address=made.email,
        now=now,
        useful=OFFER_LIFE,
    )
    await call.records.add_all([due])
    log.info("transfer_offered", transfer_id=made.id, device_id=device.id)
    return _view(made)


async def take_back(call: Call[None, None]) -> Reply | Problem:
    """Take an offer back that nobody has taken yet."""
    device = await own_device(call)
    if await open_offer(call.portal, device) is None:
        return not_found()
    await withdraw(call.portal, device)
    return Reply()


async def accept(call: Call[TransferAcceptance, None]) -> DeviceView | Problem:
    """Take a socket over, signed in with the address to which it was offered. It comes as from the factory."""
    await call.portal.limits.demand(ACCEPTING, call.account.id)
    offered = await offered_by(call.portal, call.account, call.body.token)
    device = await hand_over(call.portal, call.account, offered)
    return bad_link() if device is None else await view_of(call.portal, device)


async def hand_over(portal: Portal, taker: Account, offered: Transfer) -> Device | None:
    """Make the socket the taker's, whole, however often it is begun; None where it went elsewhere meanwhile.

    Raises:
        ProblemError: 409: it cannot be given up just now.
    """
    now, device = portal.clock.now(), await portal.records.get(Device, offered.device_id)
    if device is not None and device.owner_id == offered.owner_id:
        await copied_first(portal, offered.owner_id)  # before the offer is taken: where it cannot be, nothing began
    if offered.accepted_at is None:
        taken = await portal.records.change_one(
            Transfer,
            is_("id", offered.id),
            is_("accepted_at", None),
            account_id=taker.id,
            accepted_at=now,
            expires_at=now + FINISH_WITHIN,
        )
        if taken is None:
            return None
    device = await portal.records.get(Device, offered.device_id)
    if device is not None and device.owner_id == offered.owner_id:
        await release_device(portal, device)
        device = await portal.records.get(Device, offered.device_id)
    if device is not None and device.owner_id is None:
        await finish_release(portal, device.id)
        device = await give(portal.records, device.id, to=taker.id, name=None, now=portal.clock.now())
    if device is None or device.owner_id != taker.id:
        await forget(portal, offered)
        return None
    await portal.telemetry.wake(device.id)
    await _tell_both(portal, taker, offered)
    await forget(portal, offered)
    log.info("device_handed_over", device_id=device.id, account_id=taker.id, transfer_id=offered.id)
    return device


async def offered_by(portal: Portal, account: Account, token: str) -> Transfer:
    """Return the offer of this token, also one that this account took and that is not done yet.

    Raises:
        ProblemError: 400: there is none any more; 403: it went to another address than the account's.
    """
    found = await portal.records.find(Transfer, is_("token_hash", token_hash(token)), limit=1) if token else []
    if not found or found[0].expires_at <= portal.clock.now():
        raise ProblemError(bad_link())
    if found[0].account_id not in {None, account.id} or found[0].email.casefold() != account.email.casefold():
        raise ProblemError(
            Problem(
                status=403, kind="other-address", detail="This offer went to another address. Sign in with that one."
            )
        )
    return found[0]


async def open_offer(portal: Portal, device: Device) -> Transfer | None:
    """Return the offer of a device that can still be taken, None if there is none."""
    found = await portal.records.find(Transfer, is_("device_id", device.id), is_("accepted_at", None), limit=1)
    return found[0] if found and found[0].expires_at > portal.clock.now() else None


async def withdraw(portal: Portal, device: Device) -> None:
    """Take back what was offered and not taken; what is being taken over stays."""
    for each in await portal.records.find(Transfer, is_("device_id", device.id), is_("accepted_at", None)):
        await forget_offer(portal, each)


async def _tell_both(portal: Portal, taker: Account, offered: Transfer) -> None:
    before = await portal.records.get(Account, offered.owner_id)
    link = portal.settings.link(f"/devices/{offered.device_id}")
    now, told = portal.clock.now(), [(taker, transfer_received(taker.language, link=link))]
    if before is not None:
        told.append((before, transfer_done(before.language)))
    await portal.records.add_all(
        [notice_to(account, letter, now, once=(offered.id, account.id)) for account, letter in told]
    )


def _view(transfer: Transfer) -> TransferView:
    return TransferView(
        id=transfer.id,
        device_id=transfer.device_id,
        email=transfer.email,
        created_at=transfer.created_at,
        expires_at=transfer.expires_at,
    )


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/devices/{device_id}/transfer",
        handler=show,
        summary="Show to whom a socket is offered",
        answers={200: TransferView},
    ),
    Route(
        method="POST",
        path="/devices/{device_id}/transfer",
        handler=offer,
        summary="Offer a socket to another customer",
        body=NewTransfer,
        answers={201: TransferView},
        problems=(409, 429),
        step_up=True,
    ),
    Route(
        method="DELETE",
        path="/devices/{device_id}/transfer",
        handler=take_back,
        summary="Take an offer back",
        answers={204: None},
    ),
    Route(
        method="POST",
        path="/transfers/accept",
        handler=accept,
        summary="Take a socket over",
        body=TransferAcceptance,
        answers={200: DeviceView},
        problems=(400, 403, 409, 429),
    ),
)
