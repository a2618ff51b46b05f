"""Who is staff here: as much as whoever runs this cloud needs to see whom to let in no longer."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from isocket.domain.accounts import Account, AccountRole, Session
from isocket.kit.clock import to_text
from isocket.storage.port import Records, every, is_
from portal_api.factors import factors_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of staff. `last_here` is to the hour, of sessions that are not over; None: there is none."""

    email: str
    roles: list[str]
    since: str
    until: str | None  # from then on they are let in no more
    let_in: bool
    second_factor: bool
    last_here: str | None


async def members(records: Records, now: datetime) -> AsyncIterator[Member]:
    """Yield every member of staff, also whose time is over."""
    async for each in every(records, Account, is_("role", AccountRole.STAFF)):
        sessions = await records.find(Session, is_("account_id", each.id))
        seen = [session.last_seen_at for session in sessions if session.last_seen_at is not None]
        yield Member(
            email=each.email,
            roles=[role.value for role in each.staff_roles],
            since=to_text(each.created_at),
            until=None if each.staff_until is None else to_text(each.staff_until),
            let_in=each.staff_until is None or now < each.staff_until,
            second_factor=bool(await factors_of(records, each.id)),
            last_here=to_text(max(seen)) if seen else None,
        )
