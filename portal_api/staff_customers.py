"""What staff may see of a customer, each only what their work needs; the customer reads who looked, and why.

Never shown: passwords and other secrets, texts of messages, the people whom a customer entered, where sockets stand.
"""

from typing import Any

from pydantic import Field

from isocket.domain.accounts import Account, AccountRole, StaffRole
from isocket.domain.contacts import ChannelKind
from isocket.domain.devices import Device
from isocket.domain.handling import Purpose
from isocket.domain.incidents import Cause, Incident, IncidentState, Severity
from isocket.domain.outages import Outage, OutageKind
from isocket.domain.requests import RequestState, Right, RightsRequest
from isocket.domain.restrictions import Restriction, restriction_id
from isocket.domain.sending import ProviderHealth
from isocket.kit.clock import EPOCH
from isocket.kit.logs import get_logger
from isocket.storage.port import is_
from portal_api.cursor import MAX_LENGTH, page_of
from portal_api.devices import is_online
from portal_api.masking import masked
from portal_api.models import Instant, Query, View
from portal_api.problem import Problem, not_found
from portal_api.registration import account_of
from portal_api.routes import Access, AnyRoute, Call, Route
from portal_api.staff_looks import look
from portal_api.usernames import Username

log = get_logger(__name__)
MOST_SOCKETS = 200
MOST_INCIDENTS = 50
MOST_OUTAGES = 50


class CustomerQuery(Query):
    """Which customer, and from where their lists go on."""

    email: Username
    sockets_cursor: str | None = Field(default=None, max_length=MAX_LENGTH, description="`sockets_next` of before.")
    incidents_cursor: str | None = Field(default=None, max_length=MAX_LENGTH, description="`incidents_next` of before.")


class SocketLine(View):
    """One socket of a customer: how it does, not what it is called or where it stands."""

    id: str
    model: str
    online: bool
    heard_at: Instant | None
    claimed_at: Instant | None


class IncidentLine(View):
    """One incident of a customer."""

    id: str
    device_id: str
    cause: Cause
    severity: Severity
    state: IncidentState
    opened_at: Instant
    acknowledged_at: Instant | None
    closed_at: Instant | None
    exhausted_at: Instant | None = Field(description="The ladder reached nobody who answered.")


class RequestLine(View):
    """One request by right of a customer."""

    id: str
    kind: Right
    state: RequestState
    received_at: Instant
    due_at: Instant


class CustomerView(View):
    """A customer. Null is what the roles of whoever looks do not include."""

    id: str
    email: str = Field(description="Beginning and domain of the mailbox.", examples=["m…@example.org"])
    language: str
    time_zone: str
    created_at: Instant
    sockets: list[SocketLine] | None = Field(description="For support, some at a time.")
    sockets_next: str | None = Field(default=None, description="Behind which there are more of them.")
    incidents: list[IncidentLine] | None = Field(description="For support, some at a time, the latest first.")
    incidents_next: str | None = Field(default=None, description="Behind which there are more of them.")
    requests: list[RequestLine] | None = Field(description="For privacy.")


class OutageLine(View):
    """Something that befell many sockets at once. It names none."""

    kind: OutageKind
    began_at: Instant
    ended_at: Instant | None
    hit: int
    fleet: int


class ProviderLine(View):
    """How a provider of messages does, by what was counted of late."""

    kind: ChannelKind
    name: str
    calls: float
    errors: float
    slow: float
    refuses_until: Instant | None


class OperationsView(View):
    """How the cloud does; nobody's data."""

    outages: list[OutageLine] = Field(description="The latest first.")
    providers: list[ProviderLine]


async def find(call: Call[None, CustomerQuery]) -> CustomerView | Problem:
    """Look at a customer. They can read that you did and why, at `GET /privacy/disclosures`.

    Of whose data is only kept (Art. 18) support sees no more than that there is an account.
    """
    account = await account_of(call.portal, call.query.email)
    if account is None or account.role is not AccountRole.CUSTOMER:
        return not_found()
    roles = call.account.staff_roles
    restriction = await call.records.get(Restriction, restriction_id(account.id))
    kept_only = restriction is not None and restriction.is_in_force(call.clock.now())
    helps, answers = StaffRole.SUPPORT in roles and not kept_only, StaffRole.PRIVACY in roles
    what = ("accounts", *(("devices", "incidents") if helps else ()), *(("rights_requests",) if answers else ()))
    await call.records.add_all([look(call, account.id, what, Purpose.SERVICE)])
    log.info("customer_looked_at", account_id=account.id, person_id=call.account.id)
    sockets, more_sockets = await _sockets(call, account) if helps else (None, None)
    incidents, more_incidents = await _incidents(call, account) if helps else (None, None)
    return CustomerView(
        id=account.id,
        email=masked(account.email) or "",
        language=account.language,
        time_zone=account.time_zone,
        created_at=account.created_at,
        sockets=sockets,
        sockets_next=more_sockets,
        incidents=incidents,
        incidents_next=more_incidents,
        requests=await _requests(call, account) if answers else None,
    )


async def operations(call: Call[None, None]) -> OperationsView:
    """Show outages and how providers do."""
    outages = await call.records.find(Outage, order_by="began_at", descending=True, limit=MOST_OUTAGES)
    providers = await call.records.find(ProviderHealth)
    return OperationsView(
        outages=[
            OutageLine(kind=each.kind, began_at=each.began_at, ended_at=each.ended_at, hit=each.hit, fleet=each.fleet)
            for each in outages
        ],
        providers=[
            ProviderLine(
                kind=each.kind,
                name=each.name,
                calls=each.calls,
                errors=each.errors,
                slow=each.slow,
                refuses_until=None if each.refused_until == EPOCH else each.refused_until,
            )
            for each in providers
        ],
    )


async def _sockets(call: Call[None, CustomerQuery], account: Account) -> tuple[list[SocketLine], str | None]:
    devices, following = await page_of(
        call.records, Device, is_("owner_id", account.id), cursor=call.query.sockets_cursor, limit=MOST_SOCKETS
    )
    states = await call.portal.telemetry.latest([each.id for each in devices])
    found = []
    for each in devices:
        state = states.get(each.id)
        found.append(
            SocketLine(
                id=each.id,
                model=each.model,
                online=is_online(call.portal, each, state),
                heard_at=state.received_at if state else None,
                claimed_at=each.claimed_at,
            )
        )
    return found, following


async def _incidents(call: Call[None, CustomerQuery], account: Account) -> tuple[list[IncidentLine], str | None]:
    found, following = await page_of(
        call.records,
        Incident,
        is_("account_id", account.id),
        cursor=call.query.incidents_cursor,
        limit=MOST_INCIDENTS,
        order_by="opened_at",
        descending=True,
    )
    lines = [
        IncidentLine(
            id=each.id,
            device_id=each.device_id,
            cause=each.cause,
            severity=each.severity,
            state=each.state,
            opened_at=each.opened_at,
            acknowledged_at=each.acknowledged_at,
            closed_at=each.closed_at,
            exhausted_at=each.exhausted_at,
        )
        for each in found
    ]
    return lines, following


async def _requests(call: Call[Any, Any], account: Account) -> list[RequestLine]:
    found = await call.records.find(RightsRequest, is_("account_id", account.id), order_by="received_at")
    return [
        RequestLine(id=each.id, kind=each.kind, state=each.state, received_at=each.received_at, due_at=each.due_at)
        for each in found
    ]


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/staff/customers",
        handler=find,
        summary="Look at a customer",
        access=Access.STAFF,
        staff=(StaffRole.SUPPORT, StaffRole.PRIVACY),
        query=CustomerQuery,
        answers={200: CustomerView},
        problems=(404,),
    ),
    Route(
        method="GET",
        path="/staff/operations",
        handler=operations,
        summary="How the cloud does",
        access=Access.STAFF,
        staff=(StaffRole.OPERATIONS,),
        answers={200: OperationsView},
    ),
)
