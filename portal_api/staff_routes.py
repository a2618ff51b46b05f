"""What the routes of those staff have in common who look after people's rights, and how they find what a path names."""

from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from isocket.domain.accounts import Account, AccountRole, StaffRole
from isocket.domain.record import Record
from isocket.storage.port import AlreadyThereError
from portal_api.problem import Problem, ProblemError, fault, not_found
from portal_api.registration import account_of
from portal_api.routes import Access, AnyRoute, Call, Route

R = TypeVar("R", bound=Record)

_LONGEST_AGO = timedelta(days=366)


def privacy_route(method: str, path: str, handler: Any, summary: str, **more: Any) -> AnyRoute:
    """Return a route of the API for staff who look after people's rights."""
    return Route(
        method=method,
        path=path,
        handler=handler,
        summary=summary,
        access=Access.STAFF,
        staff=(StaffRole.PRIVACY,),
        **more,
    )


async def named(call: Call[Any, Any], kind: type[R], parameter: str) -> R:
    """Return the record whose id the path gives.

    Raises:
        ProblemError: 404: there is none.
    """
    found = await call.records.get(kind, call.path[parameter])
    if found is None:
        raise ProblemError(not_found())
    return found


async def customer(call: Call[Any, Any], account_id: str | None, email: str | None) -> Account | None:
    """Return the customer whom staff named by the id of their account or by its address, None if there is none."""
    found = await call.records.get(Account, account_id) if account_id else None
    if email:
        found = await account_of(call.portal, email)
    return found if found is not None and found.role is AccountRole.CUSTOMER else None


def came_at(call: Call[Any, Any], received_on: date) -> datetime | Problem:
    """Return noon, at the office, of the day on which something came that is typed in; the problem of another day."""
    zone = ZoneInfo(call.portal.settings.office.time_zone)
    today = call.clock.now().astimezone(zone).date()
    if not today - _LONGEST_AGO <= received_on <= today:
        return fault("received_on", "The day on which it came: today or within the last year.")
    return datetime.combine(received_on, time(12), zone)


async def begun(call: Call[Any, Any], made: R) -> R:
    """Store a record that begins, with an id of `Call.new_id`; of a form that is sent again return what it made."""
    try:
        await call.records.add(made)
    except AlreadyThereError:
        return await first_of(call, type(made), made.id)
    return made


async def first_of(call: Call[Any, Any], kind: type[R], record_id: str) -> R:
    """Return the record that a form made which was sent before.

    Raises:
        AlreadyThereError: it is something else that is there.
    """
    found = await call.records.get(kind, record_id)
    if found is None:
        raise AlreadyThereError(record_id)
    return found
