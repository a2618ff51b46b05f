"""Inviting somebody to staff: to an account without a password, which they choose when the mailbox answers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from isocket.domain.accounts import Account, AccountRole, Registration, StaffRole
from isocket.kit.clock import Clock, to_text
from isocket.kit.ids import new_id, new_token, token_hash
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, is_
from portal_api.portal import PortalSettings
from portal_api.usernames import Username

log = get_logger(__name__)
_USERNAME: TypeAdapter[str] = TypeAdapter(Username)


class InvitationError(ValueError):
    """This address cannot be invited, or was not; the message says why."""


def mailbox_of(address: str) -> str:
    """Return the address as accounts have it.

    Raises:
        InvitationError: it is none.
    """
    try:
        return _USERNAME.validate_python(address)
    except ValidationError:
        raise InvitationError(f"{address!r} is not an e-mail address") from None


async def who_wished(records: Records, before: Sequence[Registration]) -> str | None:
    """Return the id that a mailbox's account will have by a wish before this one.

    None where there was none, or where it was noted while an account had the mailbox that has another one by now.
    """
    if not before or await records.get(Account, before[0].account_id) is not None:
        return None
    return before[0].account_id


async def invite(
    records: Records,
    clock: Clock,
    settings: PortalSettings,
    address: str,
    *,
    staff_roles: tuple[StaffRole, ...] = (),
    staff_until: datetime | None = None,
) -> str:
    """Return the link with which the holder of `address` opens an account of staff, for as long as settings say.

    `staff_roles` say what a member of staff is there for, `staff_until` from when on they are let in no more. As with
    any wish for an account, a new one voids those before for the same mailbox, a customer's too: only the newest link
    works, and no wish that comes later voids it.

    Raises:
        InvitationError: it is no e-mail address, or has an account already.
    """
    username = mailbox_of(address)
    known = await records.find(Account, is_("email", username), limit=1)
    if known and known[0].role is AccountRole.STAFF:
        raise InvitationError("this address is of staff already: `isocket staff change` says for what and until when")
    if known:
        raise InvitationError("this address has a customer's account already: staff need an address of their own")
    token = new_token()
    pending = await records.find(Registration, is_("email", username), limit=1)
    await records.remove_all(Registration, is_("email", username))
    account_id = await who_wished(records, pending) or new_id("acc")
    await records.add(
        Registration(
            id=token_hash(token),
            account_id=account_id,
            email=username,
            role=AccountRole.STAFF,
            staff_roles=staff_roles,
            staff_until=staff_until,
            expires_at=clock.now() + timedelta(seconds=settings.activation_s),
        )
    )
    until = to_text(staff_until) if staff_until else None
    log.info("invited", account_id=account_id, roles=list(staff_roles), until=until)
    return settings.link(f"/activate?token={quote(token)}")
