"""Invites a member of staff: a registration without a password, and the link that completes it."""

from datetime import timedelta
from urllib.parse import quote

from email_validator import EmailNotValidError, validate_email

from isocket.domain.accounts import Account, AccountRole, Registration
from isocket.kit.clock import Clock
from isocket.kit.ids import new_id, new_token, token_hash
from isocket.storage.port import Records, is_

INVITATION = timedelta(hours=72)


class InvitationError(Exception):
    """Nobody was invited; the message says why."""


async def invite(records: Records, clock: Clock, *, email: str, origin: str) -> str:
    """Return the link with which the holder of `email` chooses a password and becomes staff. It works for 72 hours.

    Raises:
        InvitationError: this is no address, or it has an account.
    """
    try:
        address = validate_email(email, check_deliverability=False, globally_deliverable=False).normalized
    except EmailNotValidError:
        raise InvitationError("This is not an e-mail address.") from None
    if await records.find(Account, is_("email", address), limit=1):
        raise InvitationError("This address has an account already.")
    token = new_token()
    await records.add(
        Registration(
            id=token_hash(token),
            account_id=new_id("acc"),
            email=address,
            role=AccountRole.STAFF,
            expires_at=clock.now() + INVITATION,
        )
    )
    return f"{origin}/activate?token={quote(token)}"
