"""Giving up a socket, so that nothing of its owner is left at it.

The order makes a second run harmless, by whomever. Until the owner is taken off, the owner's own second try does
all of it again. Afterwards `claimed_at` still stands until the rest is done: a socket without an owner that has one
is cleaned before the next claim.
"""

from datetime import datetime
from typing import Any, Protocol

from isocket.domain.accounts import Account
from isocket.domain.api_tokens import ApiToken
from isocket.domain.commands import Command, CommandStatus
from isocket.domain.contacts import Escalation, Substitution
from isocket.domain.deliveries import Delivery, DeliveryState
from isocket.domain.devices import Device
from isocket.domain.holds import UncopiedError
from isocket.domain.incidents import NOT_CLOSED, Happening, Incident, IncidentState, TimelineEntry, Why
from isocket.domain.problems import Problem as RefusedMessage
from isocket.domain.processing import to_be_read
from isocket.domain.replays import Replay
from isocket.domain.share_letters import share_ended
from isocket.domain.shares import Share
from isocket.domain.transfers import Transfer
from isocket.domain.watches import Watch
from isocket.kit.ids import derived_id
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, is_, one_of
from isocket.storage.still_open import HOLDS_ITS_KEY
from isocket.storage.telemetry import Telemetry
from portal_api.forgetting import Parts, forget, forget_offer
from portal_api.outgoing import notice_to
from portal_api.portal import Portal
from portal_api.problem import ProblemError, not_now, try_later
from portal_api.settings_models import factory_settings

log = get_logger(__name__)
_UNDER_WAY = (CommandStatus.QUEUED, CommandStatus.SENT)
REASON = "owner_changed"


class Releasing(Parts, Protocol):
    """What releasing needs besides: of a portal, or of whoever erases a customer."""

    @property
    def telemetry(self) -> Telemetry:
        """What sockets reported."""
        ...


async def copied_first(portal: Portal, account_id: str) -> None:
    """Have copied what must not get lost, before a customer's socket is given up.

    Raises:
        ProblemError: 409: it cannot be copied now. The words keep to themselves why: an order may forbid to tell.
    """
    try:
        await portal.copy_held(account_id)
    except UncopiedError:
        raise ProblemError(try_later(to_be_read(portal.settings.controller.contact))) from None


async def release_device(portal: Releasing, device: Device) -> None:
    """Take the owner off a device and remove what is left of them at it.

    The device is told the settings of the factory: it keeps what it is not told otherwise.

    Raises:
        ProblemError: 409: its settings were changed again and again meanwhile; run it again.
    """
    await _clear(portal, device.id)
    await _take_out_of_tokens(portal.records, device)
    for _ in range(8):
        released = await portal.records.change_one(
            Device,
            is_("id", device.id),
            is_("owner_id", device.owner_id),
            is_("desired_version", device.desired_version),
            owner_id=None,
            number=None,
            name=None,
            place=None,
            part_names=None,
            desired=factory_settings(device.model),
            desired_version=device.desired_version + 1,
            desired_pending=True,
            desired_at=None,
            reported={},
            reported_boot=0,
            reported_seq=0,
            unlike={},
            freed_at=portal.clock.now(),
        )
        if released is not None:
            await finish_release(portal, released.id)
            log.info("device_released", device_id=device.id)
            return
        found = await portal.records.get(Device, device.id)
        if found is None or found.owner_id != device.owner_id:
            return
        device = found
    raise ProblemError(not_now("Its settings were changed again and again meanwhile. Try again."))


async def finish_release(portal: Releasing, device_id: str) -> None:
    """Remove what came between, and note that the device is as from the factory; nothing if it has an owner again."""
    device = await portal.records.get(Device, device_id)
    if device is None or device.owner_id is not None:
        return
    await _clear(portal, device_id)
    await portal.records.change_one(Device, is_("id", device_id), is_("owner_id", None), claimed_at=None)


async def _clear(portal: Releasing, device_id: str) -> None:
    records, now = portal.records, portal.clock.now()
    await records.change_all(
        Command,
        is_("device_id", device_id),
        one_of("status", _UNDER_WAY),
        status=CommandStatus.EXPIRED,
        error=REASON,
        ended_at=now,
    )
    await _close_incidents(portal, device_id, now)
    for share in await records.find(Share, is_("device_id", device_id)):
        await _tell_guest(records, share, now)
        await forget(portal, share)
    for offer in await records.find(Transfer, is_("device_id", device_id), is_("accepted_at", None)):
        await forget_offer(portal, offer)
    await records.remove_all(Escalation, is_("device_id", device_id))
    await records.remove_all(Substitution, is_("device_id", device_id))
    await records.remove_all(Replay, is_("device_id", device_id))
    await records.remove_all(RefusedMessage, is_("device_id", device_id))
    await portal.telemetry.forget(device_id)
    await records.remove_all(Watch, is_("id", device_id))


async def _take_out_of_tokens(records: Records, device: Device) -> None:
    """Let no token of the owner name the device any more: who gets it back later lets nobody in by that."""
    for found in await records.find(ApiToken, is_("account_id", device.owner_id)):
        token: ApiToken | None = found
        while token is not None and token.device_ids is not None and device.id in token.device_ids:
            rest = tuple(each for each in token.device_ids if each != device.id)
            same = (is_("id", token.id), is_("version", token.version))  # another socket may go at this moment
            token = await records.change_one(ApiToken, *same, device_ids=rest) or await records.get(ApiToken, token.id)


async def _tell_guest(records: Records, share: Share, now: datetime) -> None:
    """Have a guest told that they see the socket no more, once however often it runs."""
    guest = await records.get(Account, share.account_id) if share.account_id is not None else None
    if guest is None or share.accepted_at is None:
        return
    await records.add_all([notice_to(guest, share_ended(guest.language), now, once=(share.id, "ended"))])


async def _close_incidents(portal: Releasing, device_id: str, now: datetime) -> None:
    """Close what is open. Nobody gets a clear: the socket's words are not theirs any more."""
    found = await portal.records.find(Incident, is_("device_id", device_id), HOLDS_ITS_KEY)
    await portal.records.add_all(
        [
            TimelineEntry(
                id=derived_id("tl", each.id, Happening.CLOSED),
                incident_id=each.id,
                account_id=each.account_id,
                at=now,
                what=Happening.CLOSED,
                reason=REASON,
            )
            for each in found
        ]
    )
    for each in found:  # its messages first: whoever dies in between finds it open again
        theirs = is_("incident_id", each.id)
        called_off: dict[str, Any] = {"state": DeliveryState.CALLED_OFF, "reason": REASON, "ended_at": now}
        await portal.records.change_all(Delivery, theirs, is_("state", DeliveryState.DUE), **called_off)
        await portal.records.change_all(Delivery, theirs, is_("moves_on", True), moves_on=False)
        await portal.records.change_one(
            Incident,
            is_("id", each.id),
            one_of("state", NOT_CLOSED),
            state=IncidentState.CLOSED,
            open_key=None,
            closed_at=now,
            why_over=Why.OWNER,
            needs_step=False,
        )
