"""Members of staff, for whoever runs this cloud: what somebody is there for, and until when they are let in.

Both are read from the account on each request, so a change holds for sessions that are open, in every process.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from isocket.domain.accounts import Account, AccountRole, Registration, StaffRole
from isocket.kit.clock import to_text
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, Test, above, is_
from portal_api.invitations import InvitationError, mailbox_of

log = get_logger(__name__)


async def invitation_of(records: Records, address: str) -> Registration | None:
    """Return the invitation to staff that this address had last, also one whose link has ended, or None.

    Raises:
        InvitationError: it is no e-mail address.
    """
    found = await records.find(Registration, *_staff(mailbox_of(address)), limit=1)
    return found[0] if found else None


async def wishes_to_be_customer(records: Records, address: str) -> bool:
    """Return whether somebody asked for a customer's account with this address, which is not open yet.

    Raises:
        InvitationError: it is no e-mail address.
    """
    wish = is_("email", mailbox_of(address)), is_("role", AccountRole.CUSTOMER)
    return await records.count(Registration, *wish) > 0


async def standing_invitation(records: Records, email: str, now: datetime) -> Registration | None:
    """Return the invitation to staff that this mailbox has now, or None."""
    return standing_among(await records.find(Registration, *_staff(email)), now)


def standing_among(asked: Iterable[Registration], now: datetime) -> Registration | None:
    """Return the invitation to staff whose link opens an account that is let in now, or None if there is none."""
    for each in asked:
        over = each.staff_until is not None and each.staff_until <= now
        if each.role is AccountRole.STAFF and each.expires_at > now and not over:
            return each
    return None


async def change_member(records: Records, address: str, now: datetime, **changes: Any) -> Account | Registration:
    """Change `staff_roles` or `staff_until` of a member of staff, or of who is invited; return what is so now.

    Raises:
        InvitationError: it is no e-mail address, or nobody of it is staff or invited.
    """
    whom = _staff(mailbox_of(address))
    # The invitation first: whoever opens their account meanwhile looks at it once more when that is there.
    asked = await records.change_one(Registration, *whom, above("expires_at", now), **changes)
    account = await records.change_one(Account, *whom, **changes)
    if account and not asked and await records.change_one(Registration, *whom, **changes):
        # Its link ended while the account was being opened, and what it says may have been copied in between.
        account = await records.change_one(Account, *whom, **changes)
    changed = account or asked
    if changed is None:
        raise InvitationError("nobody of this address is staff or invited: see `isocket staff list`")
    account_id = changed.id if isinstance(changed, Account) else changed.account_id
    until = to_text(changed.staff_until) if changed.staff_until else None
    log.info("staff_changed", account_id=account_id, roles=list(changed.staff_roles), until=until)
    return changed


async def as_invited_now(records: Records, asked: Registration) -> None:
    """Let the account be what its invitation says by now, whoever stored it, and however long ago.

    The account is read first, and changed only as it was read: whoever changes both begins with the invitation, so
    what it said then is never older than the account, and a later change is not written over.
    """
    while True:
        account = await records.get(Account, asked.account_id)
        said = await records.get(Registration, asked.id)
        if account is None or said is None or account.role is not AccountRole.STAFF or _terms(account) == _terms(said):
            return
        as_seen = is_("id", account.id), is_("version", account.version)
        if await records.change_one(
            Account, *as_seen, staff_roles=said.staff_roles, staff_until=said.staff_until
        ):  # fmt: skip
            return


def _terms(said: Account | Registration) -> tuple[tuple[StaffRole, ...], datetime | None]:
    return said.staff_roles, said.staff_until


def _staff(email: str) -> tuple[Test, ...]:
    return is_("email", email), is_("role", AccountRole.STAFF)
