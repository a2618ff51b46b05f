""" "This week it is the neighbour": who is told in place of a contact for some days, or beside them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import ConfigDict, Field

from isocket.domain.contacts import Contact, Substitution
from isocket.domain.devices import Device
from isocket.domain.endpoints import Endpoint
from isocket.domain.recipients import People, is_reachable
from isocket.kit.ids import derived_id
from isocket.kit.logs import get_logger
from isocket.storage.port import AlreadyThereError, above, at_most, is_
from portal_api.cursor import page_of
from portal_api.models import Body, GivenInstant, Instant, Page, PageQuery, View
from portal_api.problem import FieldFault, Problem, ProblemError, faults, not_found
from portal_api.routes import AnyRoute, Call, Reply, Route

log = get_logger(__name__)
LONGEST = timedelta(days=92)
SOONEST_END = timedelta(minutes=1)
MOST = 100  # of one account at a time
_EXAMPLE: dict[str, Any] = {
    "contact_id": "con_d4yofn7ab2k3xeq3mzv6t2cs5h",
    "stand_in_id": "con_cs5hd4yofn7ab2k3xeq3mzv6t2",
    "device_id": None,
    "additional": False,
    "from": "2026-11-27T12:00:00.000Z",
    "until": "2026-12-04T12:00:00.000Z",
}


class NewSubstitution(Body):
    """Who is away, who is told, from when until when."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    contact_id: str = Field(max_length=64, description="Who is away.")
    stand_in_id: str = Field(max_length=64, description="Who is told. They must have a verified address.")
    device_id: str | None = Field(default=None, max_length=64, description="One socket; null for all.")
    additional: bool = Field(default=False, description="Both are told.")
    begins: GivenInstant | None = Field(default=None, alias="from", description="Now if absent.")
    until: GivenInstant = Field(description="Not any more from then on; at most 92 days after `from`.")


class SubstitutionView(View):
    """Who is told in place of whom. Whoever stands in gets alarms by their own verified addresses only."""

    model_config = ConfigDict(
        serialize_by_alias=True,
        json_schema_extra={"examples": [{"id": "sub_q3mzv6t2cs5hd4yofn7ab2k3xe", **_EXAMPLE, "active": False}]},
    )

    id: str
    contact_id: str
    stand_in_id: str
    device_id: str | None
    additional: bool
    begins: Instant = Field(serialization_alias="from")
    until: Instant
    active: bool = Field(description="It holds now.")


async def show_all(call: Call[None, PageQuery]) -> Page[SubstitutionView]:
    """List who stands in for whom, now and later, the earliest end first."""
    now = call.clock.now()
    found, following = await page_of(
        call.records,
        Substitution,
        is_("account_id", call.account.id),
        above("until_at", now),
        cursor=call.query.cursor,
        limit=call.query.limit,
        order_by="until_at",
    )
    return Page[SubstitutionView](items=[view(each, now) for each in found], next=following)


async def enter(call: Call[NewSubstitution, None]) -> SubstitutionView | Problem:
    """Let somebody stand in. Where they cannot be told after all, the one who is away is."""
    wish, now = call.body, call.clock.now()
    wrong = [*await _wrong_people(call), *_wrong_times(wish, now)]
    if wrong:
        return faults(wrong)
    of_account = is_("account_id", call.account.id)
    await call.records.remove_all(Substitution, of_account, at_most("until_at", now))
    if await call.records.count(Substitution, of_account) >= MOST:
        detail = f"An account has up to {MOST} people standing in at a time."
        return Problem(status=409, kind="too-many-substitutions", detail=detail)
    said = (wish.device_id or "", wish.begins.isoformat() if wish.begins else "", wish.until.isoformat())
    made = Substitution(
        id=derived_id("sub", call.account.id, wish.contact_id, wish.stand_in_id, *said),  # pressed twice, it is one
        account_id=call.account.id,
        device_id=wish.device_id,
        contact_id=wish.contact_id,
        stand_in_id=wish.stand_in_id,
        additional=wish.additional,
        from_at=wish.begins or now,
        until_at=wish.until,
        created_at=now,
    )
    try:
        await call.records.add(made)
    except AlreadyThereError:
        return Problem(status=409, kind="said-already", detail="They stand in for this person at that time already.")
    log.info("substitution_entered", substitution_id=made.id, contact_id=made.contact_id)
    return view(made, now)


async def end(call: Call[None, None]) -> Reply:
    """End it: from now on the contact is told again themself."""
    removed = await call.records.remove_all(
        Substitution, is_("id", call.path["substitution_id"]), is_("account_id", call.account.id)
    )
    if not removed:
        raise ProblemError(not_found())
    log.info("substitution_ended", substitution_id=call.path["substitution_id"])
    return Reply()


def view(substitution: Substitution, now: datetime) -> SubstitutionView:
    """Return what its account sees of it."""
    return SubstitutionView(
        id=substitution.id,
        contact_id=substitution.contact_id,
        stand_in_id=substitution.stand_in_id,
        device_id=substitution.device_id,
        additional=substitution.additional,
        begins=substitution.from_at,
        until=substitution.until_at,
        active=substitution.from_at <= now < substitution.until_at,
    )


async def _wrong_people(call: Call[NewSubstitution, None]) -> Sequence[FieldFault]:
    wish, found = call.body, list[FieldFault]()
    of_account = is_("account_id", call.account.id)
    contacts = {each.id: each for each in await call.records.find(Contact, of_account)}
    people = People(contacts=contacts, endpoints=await call.records.find(Endpoint, of_account))
    if wish.contact_id not in contacts:
        found.append(FieldFault(field="contact_id", message="You have no such contact."))
    if wish.stand_in_id not in contacts:
        found.append(FieldFault(field="stand_in_id", message="You have no such contact."))
    elif wish.stand_in_id == wish.contact_id:
        found.append(FieldFault(field="stand_in_id", message="Nobody can stand in for themself."))
    elif not is_reachable(wish.stand_in_id, people):
        message = "They would get no alarms: nothing of theirs is verified, or they asked us to stop."
        found.append(FieldFault(field="stand_in_id", message=message))
    else:
        others = await call.records.find(Substitution, of_account)
        if _goes_round(wish, others, call.clock.now()):
            message = "This would go round in a circle: they are away then, and the other stands in for them."
            found.append(FieldFault(field="stand_in_id", message=message))
        if _is_said_already(wish, others, call.clock.now()):
            message = "They stand in for this person at that time already: end that first to say it otherwise."
            found.append(FieldFault(field="stand_in_id", message=message))
    if wish.device_id is not None:
        device = await call.records.get(Device, wish.device_id)
        if device is None or device.owner_id != call.account.id:
            found.append(FieldFault(field="device_id", message="You have no such socket."))
    return found


def _goes_round(wish: NewSubstitution, others: Sequence[Substitution], now: datetime) -> bool:
    """Return whether whoever is away then stands in for their stand-in, over whomever: at one time, at one socket."""
    ways = [(wish.stand_in_id, wish.device_id, wish.begins or now, wish.until)]
    seen: set[str] = set()
    while ways:
        away, device_id, begins, until = ways.pop()
        if away == wish.contact_id:
            return True
        for each in others:
            apart = None not in {device_id, each.device_id} and device_id != each.device_id
            first, last = max(begins, each.from_at), min(until, each.until_at)
            if each.contact_id != away or apart or first >= last or each.id in seen:
                continue
            seen.add(each.id)
            ways.append((each.stand_in_id, device_id or each.device_id, first, last))
    return False


def _is_said_already(wish: NewSubstitution, others: Sequence[Substitution], now: datetime) -> bool:
    """Return whether the same two are named for a time that this one touches, at this socket or at all."""
    pair = (wish.contact_id, wish.stand_in_id)
    return any(
        (each.contact_id, each.stand_in_id) == pair
        and each.device_id in {None, wish.device_id}
        and max(wish.begins or now, each.from_at) < min(wish.until, each.until_at)
        for each in others
    )


def _wrong_times(wish: NewSubstitution, now: datetime) -> Sequence[FieldFault]:
    begins = wish.begins or now
    if wish.until - max(begins, now) < SOONEST_END:
        return [FieldFault(field="until", message="This is over before it begins, or in the past.")]
    if wish.until - begins > LONGEST:
        return [FieldFault(field="until", message=f"At most {LONGEST.days} days: then decide again.")]
    return []


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/substitutions",
        handler=show_all,
        summary="List who stands in for whom",
        query=PageQuery,
        answers={200: Page[SubstitutionView]},
    ),
    Route(
        method="POST",
        path="/substitutions",
        handler=enter,
        summary="Let somebody stand in",
        body=NewSubstitution,
        answers={201: SubstitutionView},
        problems=(409,),
    ),
    Route(
        method="DELETE",
        path="/substitutions/{substitution_id}",
        handler=end,
        summary="End a substitution",
        answers={204: None},
    ),
)
