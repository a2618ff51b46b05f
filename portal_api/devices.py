"""One's own sockets: what they are called, how they are now, and giving one up."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from pydantic import ConfigDict, Field

from isocket.domain.api_tokens import Scope
from isocket.domain.credit import CreditState, credit_state
from isocket.domain.devices import Device
from isocket.domain.incidents import Incident
from isocket.domain.listening import BELIEVED_FOR_S, BRIDGE, Listening
from isocket.domain.reports import DeviceState
from isocket.domain.settings import DeviceSettings
from isocket.domain.shares import Role
from isocket.storage.port import is_, one_of
from isocket.storage.still_open import HOLDS_ITS_KEY
from portal_api.cursor import decode, encode, page_of
from portal_api.models import Body, Instant, OneLine, Page, PageQuery, View
from portal_api.owned import Need, Standing, own_device, shared_with, standing_for, within_token
from portal_api.portal import Portal
from portal_api.problem import Problem, changed_meanwhile, not_found
from portal_api.releases import copied_first, release_device
from portal_api.routes import AnyRoute, Call, Reply, Route

_EXAMPLE: dict[str, Any] = {
    "id": "is7k2m9q4xw1",
    "model": "isocket-707",
    "name": "Summer house",
    "number": 2,
    "place": "Fuse box in the hall",
    "claimed_at": "2026-11-22T12:00:00.000Z",
    "online": True,
    "last_seen": "2026-11-22T12:30:00.000Z",
    "state": {"relay": True, "mains": True, "battery_pct": 96, "temp_c": [21.5, None]},
    "state_at": "2026-11-22T12:30:00.000Z",
    "clock": "device",
    "credit_state": "unknown",
    "settings_version": 3,
    "open_incidents": 0,
    "role": "owner",
    "until": None,
}


class DeviceView(View):
    """A socket as it is now."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    model: str
    name: str | None
    number: int | None = Field(
        description="Which of its owner's it is. Where it has no name, people read `iSocket` and this number."
    )
    place: str | None
    claimed_at: Instant | None = Field(description="Since when it is yours; null where it is shared with you.")
    online: bool = Field(description="Connected, and heard within the time after which it counts as offline.")
    last_seen: Instant | None = Field(description="The last message of any kind; null: never heard.")
    state: dict[str, Any] = Field(description="Each field of the state report as last heard.")
    state_at: Instant | None
    clock: str | None = Field(description="Whose time `state_at` is: `device`, or `server` where that was no good.")
    credit_state: CreditState = Field(
        description="The prepaid credit against its limit; `unknown` where it was never told, cannot be read as an "
        "amount, or has no limit."
    )
    settings_version: int
    open_incidents: int
    role: Role = Field(description="What you are to it: others may share theirs with you.")
    until: Instant | None = Field(description="When it stops being shared with you; null: not by itself.")


class DeviceChange(Body):
    """What to change; what is absent stays, null takes it away."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Summer house", "place": "Hall"}]})

    name: OneLine | None = None
    place: OneLine | None = None


async def show_all(call: Call[None, PageQuery]) -> Page[DeviceView]:
    """List my sockets and those that others share with me, with their last state."""
    page, following = await page_of_mine(call, cursor=call.query.cursor, limit=call.query.limit)
    return Page[DeviceView](items=await views_of(call.portal, page), next=following)


async def show(call: Call[None, None]) -> DeviceView:
    """Show one socket with its last state."""
    (view,) = await views_of(call.portal, [await standing_for(call, Need.VIEW)])
    return view


async def change(call: Call[DeviceChange, None]) -> DeviceView | Problem:
    """Change what a socket is called and where it is."""
    seen = await own_device(call)
    call.demand_match(seen.version)
    device: Device | None = seen
    changes: dict[str, Any] = {name: getattr(call.body, name) or None for name in call.body.model_fields_set}
    if changes:
        as_seen = [is_("version", seen.version)] if call.conditional else []
        device = await call.records.change_one(
            Device, is_("id", seen.id), is_("owner_id", call.account.id), *as_seen, **changes
        )
    if device is None:
        return changed_meanwhile() if call.conditional else not_found()
    return await view_of(call.portal, device)


async def release(call: Call[None, None]) -> Reply:
    """Give a socket up: what it reported, its names, settings and ladder go, and anybody with its code may claim it."""
    device = await own_device(call)
    call.demand_match(device.version)
    await copied_first(call.portal, call.account.id)
    await release_device(call.portal, device)
    return Reply()


async def view_of(portal: Portal, device: Device) -> DeviceView:
    """Return what its owner sees of a device."""
    (view,) = await views_of(portal, [owner_of(device)])
    return view


def owner_of(device: Device) -> Standing:
    """Return the standing of a device's owner."""
    return Standing(device=device, role=Role.OWNER, since=device.freed_at)


async def page_of_mine(call: Call[Any, Any], *, cursor: str | None, limit: int) -> tuple[list[Standing], str | None]:
    """Return up to `limit` of the caller's own sockets and those shared with them, by id, and the cursor after them."""
    mine = (is_("owner_id", call.account.id), *within_token(call, "id"))
    own, following = await page_of(call.records, Device, *mine, cursor=cursor, limit=limit)
    shared = await shared_with(call)
    if not shared:
        return [owner_of(device) for device in own], following
    after = decode(cursor)[1] if cursor else ""
    last = own[-1].id if following is not None else None  # what comes after it is for a later page
    due = [each for each in shared if each.device.id > after and (last is None or each.device.id <= last)]
    page = sorted([*map(owner_of, own), *due], key=lambda each: each.device.id)
    if len(page) > limit or following is not None:
        page = page[:limit]
        return page, encode(page[-1].device.id, page[-1].device.id)
    return page, None


async def views_of(portal: Portal, standings: Sequence[Standing]) -> list[DeviceView]:
    """Return what somebody sees of devices, in their order."""
    if not standings:
        return []
    devices = [each.device for each in standings]
    ids = [device.id for device in devices]
    states = await portal.telemetry.latest(ids)
    of_these = is_("device_id", ids[0]) if len(ids) == 1 else one_of("device_id", ids)
    owners = sorted({device.owner_id or "" for device in devices})
    theirs = is_("account_id", owners[0]) if len(owners) == 1 else one_of("account_id", owners)
    pending = await portal.records.find(Incident, theirs, of_these, HOLDS_ITS_KEY)
    hears = await hears_sockets(portal)
    seen = {each.device.id: each for each in standings}
    pending_of = Counter(each.device_id for each in pending if sees(seen[each.device_id], each))
    return [
        _view(portal, each, states.get(each.device.id), pending_of[each.device.id], hears=hears) for each in standings
    ]


def sees(standing: Standing, incident: Incident) -> bool:
    """Return whether an incident at a socket is for somebody who stands so to it: of this owner, and of their time."""
    if incident.account_id != standing.device.owner_id:
        return False
    return standing.owns or standing.since is None or standing.since <= incident.opened_at


async def hears_sockets(portal: Portal, *, if_none_ever_did: bool = True) -> bool:
    """Return whether the bridge hears sockets now. While its broker is dead nobody knows which of them are connected.

    Where none ever heard anything, no socket can be wrongly shown as connected, and none is.
    """
    bridge = await portal.records.get(Listening, BRIDGE)
    if bridge is None:
        return if_none_ever_did
    return portal.clock.now() - bridge.until <= timedelta(seconds=BELIEVED_FOR_S)


def is_online(portal: Portal, device: Device, state: DeviceState | None) -> bool:
    """Return whether a device is connected and was heard within the time of the rule `offline`."""
    return _is_heard(portal, DeviceSettings.of(device.desired), state)


def _is_heard(portal: Portal, settings: DeviceSettings, state: DeviceState | None) -> bool:
    if state is None or not state.online:
        return False
    return portal.clock.now() - state.received_at < timedelta(seconds=settings.offline_after_s)


def _view(portal: Portal, standing: Standing, state: DeviceState | None, pending: int, *, hears: bool) -> DeviceView:
    device = standing.device
    settings = DeviceSettings.of(device.desired)
    told = state if state is not None and state.fields else None  # connected is not yet a state report
    if told is not None and device.freed_at is not None and told.at < device.freed_at:
        told = None  # it comes late, and is of the time of another owner
    return DeviceView(
        id=device.id,
        model=device.model,
        name=device.name,
        number=device.number,
        place=device.place,
        claimed_at=device.claimed_at if standing.owns else None,
        online=hears and _is_heard(portal, settings, state),
        last_seen=state.received_at if state else None,
        state=dict(told.fields) if told else {},
        state_at=told.at if told else None,
        clock=told.clock.value if told else None,
        credit_state=credit_state(told.fields.get("credit") if told else None, settings.credit.low),
        settings_version=device.desired_version,
        open_incidents=pending,
        role=standing.role,
        until=standing.share.until if standing.share else None,
    ).of_version(device.version)


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/devices",
        handler=show_all,
        summary="List my sockets",
        scope=Scope.READ_TELEMETRY,
        query=PageQuery,
        answers={200: Page[DeviceView]},
    ),
    Route(
        method="GET",
        path="/devices/{device_id}",
        handler=show,
        summary="Show a socket",
        answers={200: DeviceView},
        scope=Scope.READ_TELEMETRY,
    ),
    Route(
        method="PATCH",
        path="/devices/{device_id}",
        handler=change,
        summary="Name a socket",
        body=DeviceChange,
        answers={200: DeviceView},
        conditional=True,
    ),
    Route(
        method="DELETE",
        path="/devices/{device_id}",
        handler=release,
        summary="Give a socket up",
        answers={204: None},
        problems=(409,),
        conditional=True,
        step_up=True,
    ),
)
