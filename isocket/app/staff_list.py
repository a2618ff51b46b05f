"""Who is staff here: as much as whoever runs this cloud needs to see whom to let in no longer."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from isocket.domain.accounts import Account, AccountRole, Registration, Session, is_over
from isocket.kit.clock import to_text
from isocket.storage.port import Records, above, every, is_
from portal_api.factors import factors_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of staff, or who was invited and has not pressed their link yet: it works until `invited_until`.

    `last_here` is to the hour, of sessions that are not over; None: there is none.
    """

    email: str
    roles: list[str]
    since: str | None  # None: they were invited
    invited_until: str | None
    until: str | None  # from then on they are let in no more
    let_in: bool
    second_factor: bool
    last_here: str | None


async def members(records: Records, now: datetime) -> AsyncIterator[Member]:
    """Yield every member of staff, also whose time is over, then who was invited, as long as their link works."""
    async for each in every(records, Account, is_("role", AccountRole.STAFF)):
        yield await member(records, each, now)
    async for asked in every(records, Registration, is_("role", AccountRole.STAFF), above("expires_at", now)):
        yield await member(records, asked, now)


async def member(records: Records, found: Account | Registration, now: datetime) -> Member:
    """Return one of them."""
    if isinstance(found, Registration):
        return Member(
            email=found.email,
            roles=[role.value for role in found.staff_roles],
            since=None,
            invited_until=to_text(found.expires_at),
            until=_text(found.staff_until),
            let_in=False,
            second_factor=False,
            last_here=None,
        )
    sessions = await records.find(Session, is_("account_id", found.id))
    seen = [session.last_seen_at for session in sessions if session.last_seen_at is not None]
    return Member(
        email=found.email,
        roles=[role.value for role in found.staff_roles],
        since=to_text(found.created_at),
        invited_until=None,
        until=_text(found.staff_until),
        let_in=not is_over(found, now),
        second_factor=bool(await factors_of(records, found.id)),
        last_here=to_text(max(seen)) if seen else None,
    )


def _text(at: datetime | None) -> str | None:
    return None if at is None else to_text(at)
