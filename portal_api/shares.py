"""Letting other people see or switch a socket: inviting them by their address, accepting, and ending it by either.

Nobody learns from an invitation whether the address has an account: it is the same record, the same mail and the
same answer. A person with an account is found only when they take the invitation themselves.
"""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

from isocket.domain.accounts import Account
from isocket.domain.deliveries import Delivery
from isocket.domain.devices import Device
from isocket.domain.letters import Letter
from isocket.domain.share_letters import share_accepted, share_ended, share_invitation, share_left
from isocket.domain.shares import Share, ShareRole
from isocket.kit.ids import new_id, new_token, token_hash
from isocket.kit.logs import get_logger
from isocket.storage.orders import call_off
from isocket.storage.port import AlreadyThereError, above, is_
from portal_api.cursor import page_of
from portal_api.forgetting import forget
from portal_api.limits import Rate
from portal_api.models import Page, PageQuery
from portal_api.outgoing import notice_to
from portal_api.owned import Need, own_device, standing_for
from portal_api.portal import Portal
from portal_api.problem import Problem, ProblemError, bad_link, fault, not_found
from portal_api.routes import AnyRoute, Call, Reply, Route
from portal_api.share_models import Acceptance, NewShare, ShareView, view

log = get_logger(__name__)
INVITATION_LIFE = timedelta(days=14)
MOST_SHARES = 20  # of one socket
INVITATIONS = Rate(name="share_account", tries=30, per_s=86_400)  # of one account
INVITATIONS_MAILBOX = Rate(name="share_mailbox", tries=5, per_s=86_400)  # to one address, by whomever
ACCEPTING = Rate(name="share_accept", tries=30, per_s=600)  # of one account


async def show_all(call: Call[None, PageQuery]) -> Page[ShareView]:
    """List with whom a socket is shared. A guest sees their own share and nobody else's."""
    standing = await standing_for(call, Need.VIEW)
    tests = [is_("device_id", standing.device.id), is_("owner_id", standing.device.owner_id)]
    if not standing.owns:
        tests.append(is_("account_id", call.account.id))
    found, following = await page_of(
        call.records, Share, *tests, cursor=call.query.cursor, limit=call.query.limit, order_by="created_at"
    )
    now = call.clock.now()
    return Page[ShareView](items=[view(each, now) for each in found], next=following)


async def invite(call: Call[NewShare, None]) -> ShareView | Problem:
    """Share a socket with whoever holds an e-mail address. They get a mail, and accept signed in with that address.

    The answer is the same whether the address has an account. At most 20 people a socket. Inviting an address again
    changes role and time, and mails a new link where the first was not taken yet.
    """
    device, wish = await own_device(call), call.body
    if wish.email.casefold() == call.account.email.casefold():
        return fault("email", "This is your own address.")
    if wish.until is not None and wish.until <= call.clock.now():
        return fault("until", "This is over already.")
    before = await _known(call, device, wish.email)
    if before is not None and before.owner_id != call.account.id:  # made in the moment in which it was handed over
        await forget(call.portal, before)
        before = None
    if before is None and await call.records.count(Share, is_("device_id", device.id)) >= MOST_SHARES:
        return Problem(
            status=409, kind="too-many-shares", detail=f"A socket is shared with {MOST_SHARES} people at most."
        )
    if before is None or before.accepted_at is None:
        await call.portal.limits.demand(INVITATIONS, call.account.id)
        await call.portal.limits.demand(INVITATIONS_MAILBOX, wish.email.casefold())
    share = await _store(call, device, before)
    log.info("share_noted", share_id=share.id, device_id=device.id)
    return view(share, call.clock.now())


async def accept(call: Call[Acceptance, None]) -> ShareView | Problem:
    """Accept an invitation, signed in with the address to which it went. A token works once."""
    await call.portal.limits.demand(ACCEPTING, call.account.id)
    share = await invited(call.portal, call.account, call.body.token)
    now = call.clock.now()
    taken = await call.records.change_one(
        Share,
        is_("id", share.id),
        is_("token_hash", share.token_hash),
        account_id=call.account.id,
        accepted_at=now,
        token_hash="",
        expires_at=share.until,
    )
    if taken is None:
        raise ProblemError(bad_link())
    owner = await call.records.get(Account, taken.owner_id)
    if owner is not None:
        link = call.portal.settings.link(f"/devices/{taken.device_id}/people")
        await _tell(call.portal, owner, share_accepted(owner.language, link=link))
    log.info("share_accepted", share_id=taken.id, device_id=taken.device_id, account_id=call.account.id)
    return view(taken, now)


async def end(call: Call[None, None]) -> Reply | Problem:
    """End a share: its owner anybody's, a guest their own. Access ends at once, in streams too."""
    standing = await standing_for(call, Need.VIEW)
    share = await call.records.get(Share, call.path["share_id"])
    if share is None or share.device_id != standing.device.id or share.owner_id != standing.device.owner_id:
        return not_found()
    if not standing.owns and share.account_id != call.account.id:
        return not_found()
    await end_share(call.portal, share, by_owner=standing.owns)
    return Reply()


async def end_share(portal: Portal, share: Share, *, by_owner: bool) -> None:
    """Take somebody's access away, and tell the other side."""
    if not await forget(portal, share) or share.account_id is None:
        return
    other = await portal.records.get(Account, share.account_id if by_owner else share.owner_id)
    if other is not None:
        link = portal.settings.link(f"/devices/{share.device_id}/people")
        letter = share_ended(other.language) if by_owner else share_left(other.language, link=link)
        await _tell(portal, other, letter)
    log.info("share_ended", share_id=share.id, device_id=share.device_id)


async def invited(portal: Portal, account: Account, token: str) -> Share:
    """Return the open invitation of this token.

    Raises:
        ProblemError: 400: there is none any more; 403: it went to another address than the account's.
    """
    found = await portal.records.find(Share, is_("token_hash", token_hash(token)), limit=1) if token else []
    share = found[0] if found else None
    device = await portal.records.get(Device, share.device_id) if share else None
    over = share is None or share.expires_at is None or share.expires_at <= portal.clock.now()
    if share is None or over or device is None or device.owner_id != share.owner_id:
        raise ProblemError(bad_link())
    if share.email.casefold() != account.email.casefold():
        raise ProblemError(
            Problem(
                status=403,
                kind="other-address",
                detail="This invitation went to another address. Sign in with that one.",
            )
        )
    return share


async def _known(call: Call[Any, Any], device: Device, email: str) -> Share | None:
    found = await call.records.find(Share, is_("device_id", device.id), is_("email", email), limit=1)
    return found[0] if found else None


async def _store(call: Call[NewShare, None], device: Device, before: Share | None) -> Share:
    """Note the invitation or change what is noted, and mail the link where it was not taken yet."""
    wish, now, token = call.body, call.clock.now(), new_token()
    ends = min(each for each in (wish.until, now + INVITATION_LIFE) if each is not None)
    if before is not None:
        taken = before.accepted_at is not None
        fresh: dict[str, Any] = (
            {"expires_at": wish.until} if taken else {"expires_at": ends, "token_hash": token_hash(token)}
        )
        if taken and before.until is not None and before.until <= now:
            fresh["accepted_at"] = now  # a guest who is let in again sees nothing of the time between
        changed = await call.records.change_one(
            Share, is_("id", before.id), is_("version", before.version), role=wish.role, until=wish.until, **fresh
        )
        if changed is None:
            raise ProblemError(_changed_meanwhile())
        if not taken:
            await _mail_link(call, changed, token)
        elif changed.account_id is not None and changed.role is ShareRole.VIEWER:
            await call_off(call.records, changed.account_id, now, is_("device_id", device.id))
        elif changed.account_id is not None and changed.until is not None:
            longer = above("expires_at", changed.until)
            await call_off(call.records, changed.account_id, now, is_("device_id", device.id), longer)
        return changed
    share = Share(
        id=new_id("shr"),
        device_id=device.id,
        owner_id=call.account.id,
        email=wish.email,
        role=wish.role,
        until=wish.until,
        token_hash=token_hash(token),
        created_at=now,
        expires_at=ends,
    )
    try:
        await call.records.add(share)
    except AlreadyThereError:
        raise ProblemError(_changed_meanwhile()) from None
    await _mail_link(call, share, token)
    return share


async def _mail_link(call: Call[NewShare, None], share: Share, token: str) -> None:
    """Mail the invitation under the key of the share: whoever it is for may be nobody's customer yet."""
    letter = share_invitation(
        call.body.language or call.account.language,
        owner=call.account.email,
        link=call.portal.settings.link(f"/shares/accept?token={quote(token)}"),
        days=INVITATION_LIFE.days,
    )
    due = Delivery.of(
        letter,
        person_id=share.id,
        account_id=call.account.id,
        address=share.email,
        now=call.clock.now(),
        useful=INVITATION_LIFE,
    )
    await call.records.add_all([due])


async def _tell(portal: Portal, account: Account, letter: Letter) -> None:
    await portal.records.add_all([notice_to(account, letter, portal.clock.now())])


def _changed_meanwhile() -> Problem:
    return Problem(status=409, kind="changed", detail="Somebody changed this at the same moment. Look, and try again.")


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/devices/{device_id}/shares",
        handler=show_all,
        summary="List with whom a socket is shared",
        query=PageQuery,
        answers={200: Page[ShareView]},
    ),
    Route(
        method="POST",
        path="/devices/{device_id}/shares",
        handler=invite,
        summary="Share a socket",
        body=NewShare,
        answers={201: ShareView},
        problems=(403, 409, 429),
        step_up=True,
    ),
    Route(
        method="DELETE",
        path="/devices/{device_id}/shares/{share_id}",
        handler=end,
        summary="End a share",
        answers={204: None},
    ),
    Route(
        method="POST",
        path="/shares/accept",
        handler=accept,
        summary="Accept an invitation to a socket",
        body=Acceptance,
        answers={200: ShareView},
        problems=(400, 403, 429),
    ),
)
