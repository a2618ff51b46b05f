"""What the caller may see. What belongs to somebody else and what does not exist get the same answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from isocket.domain.accounts import Account
from isocket.domain.contacts import Contact
from isocket.domain.devices import Device
from isocket.domain.incidents import Incident
from isocket.domain.shares import Need, Role, Share, may
from isocket.kit.clock import Clock
from isocket.storage.port import Records, Test, is_, one_of
from portal_api.problem import Problem, ProblemError, not_found
from portal_api.routes import Call

__all__ = ["Need", "Role"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What somebody is to a socket. `since`: what happened before is not theirs to see; None: all of it is."""

    device: Device
    role: Role
    since: datetime | None
    share: Share | None = None  # None: it is their own

    @property
    def owns(self) -> bool:
        """Return whether the socket is their own."""
        return self.role is Role.OWNER


async def own_device(call: Call[Any, Any]) -> Device:
    """Return the device that the path names.

    Raises:
        ProblemError: 404: there is none, or the caller sees none; 403: it is shared with them, and this is its owner's.
    """
    return await device_for(call, Need.OWN)


async def device_for(call: Call[Any, Any], need: Need) -> Device:
    """Return the device that the path names, for somebody who may do what needs that. Raises as `own_device` does."""
    return (await standing_for(call, need)).device


async def standing_for(call: Call[Any, Any], need: Need) -> Standing:
    """Return what the caller is to the device that the path names. Raises as `own_device` does."""
    standing = await standing_of(call.records, call.account, call.path["device_id"], call.clock)
    if standing is None or not token_reaches(call, standing.device.id, owns=standing.owns):
        raise ProblemError(not_found())
    demand(standing.role, need)
    return standing


async def standing_of(records: Records, account: Account, device_id: str, clock: Clock) -> Standing | None:
    """Return what an account is to a device now, None if nothing. Streams ask this again, as each request does."""
    device = await records.get(Device, device_id)
    if device is None:
        return None
    if device.owner_id == account.id:
        return Standing(device=device, role=Role.OWNER, since=device.freed_at)
    for share in await records.find(Share, is_("account_id", account.id), is_("device_id", device_id)):
        if share.holds(device.owner_id, clock.now()):
            return _guest(device, share)
    return None


async def standings_of(records: Records, account: Account, clock: Clock) -> Sequence[Standing]:
    """Return every socket that others share with an account now, by id."""
    shares = await records.find(Share, is_("account_id", account.id))
    if not shares:
        return ()
    devices = await records.find(Device, one_of("id", sorted({each.device_id for each in shares})))
    known, now = {each.id: each for each in devices}, clock.now()
    return tuple(
        _guest(known[each.device_id], each)
        for each in sorted(shares, key=lambda share: share.device_id)
        if each.device_id in known and each.holds(known[each.device_id].owner_id, now)
    )


async def own_contact(call: Call[Any, Any]) -> Contact:
    """Return the contact that the path names. Raises as `own_device` does."""
    contact = await call.records.get(Contact, call.path["contact_id"])
    if contact is None or contact.account_id != call.account.id:
        raise ProblemError(not_found())
    return contact


async def own_incident(call: Call[Any, Any]) -> Incident:
    """Return the incident that the path names. Raises as `own_device` does."""
    return (await incident_for(call, Need.OWN))[0]


async def incident_for(call: Call[Any, Any], need: Need) -> tuple[Incident, Role]:
    """Return the incident that the path names, and what the caller is to its socket. Raises as `own_device` does.

    What happened at a socket stays with the account whose socket it was; its guests see it while it is still theirs.
    """
    incident = await call.records.get(Incident, call.path["incident_id"])
    if incident is None or not token_reaches(call, incident.device_id, owns=incident.account_id == call.account.id):
        raise ProblemError(not_found())
    role: Role | None = Role.OWNER
    if incident.account_id != call.account.id:
        role = await _role_of_guest(call, incident)
    if role is None:
        raise ProblemError(not_found())
    demand(role, need)
    return incident, role


def demand(role: Role, need: Need) -> None:
    """Let somebody in this role pass.

    Raises:
        ProblemError: 403: the socket is shared with them, for less than this.
    """
    if not may(role, need):
        raise ProblemError(
            Problem(status=403, kind="not-allowed", detail=f"This socket is shared with you as {role}: ask its owner.")
        )


async def _role_of_guest(call: Call[Any, Any], incident: Incident) -> Role | None:
    standing = await standing_of(call.records, call.account, incident.device_id, call.clock)
    if standing is None or standing.device.owner_id != incident.account_id:
        return None
    return standing.role if standing.since is None or standing.since <= incident.opened_at else None


def _guest(device: Device, share: Share) -> Standing:
    """Return a guest's standing: one for a time sees from the beginning of it, another as far as the owner does."""
    since = max((each for each in (share.seen_from, device.freed_at) if each is not None), default=None)
    return Standing(device=device, role=Role(share.role.value), since=since, share=share)


async def shared_with(call: Call[Any, Any]) -> Sequence[Standing]:
    """Return what `standings_of` does for whoever asks; nothing for a personal API token.

    Such a token reaches its holder's own sockets only: a guest has no business giving their host's data away.
    """
    return () if call.api_token else await standings_of(call.records, call.account, call.clock)


def token_reaches(call: Call[Any, Any], device_id: str, *, owns: bool) -> bool:
    """Return whether the personal API token of this request, if it came by one, is for that socket."""
    return call.api_token is None or (owns and call.api_token.reaches(device_id))


def within_token(call: Call[Any, Any], field: str) -> tuple[Test, ...]:
    """Return what keeps a list within the sockets of the caller's token; `field` is where their id stands."""
    if call.api_token is None or call.api_token.device_ids is None:
        return ()
    return (one_of(field, call.api_token.device_ids),)
