"""The caller's own things. What belongs to somebody else and what does not exist get the same answer."""

from typing import Any

from isocket.domain.contacts import Contact
from isocket.domain.devices import Device
from isocket.domain.incidents import Incident
from isocket.storage.port import Test, one_of
from portal_api.problem import ProblemError, not_found
from portal_api.routes import Call


async def own_device(call: Call[Any, Any]) -> Device:
    """Return the device that the path names.

    Raises:
        ProblemError: 404: there is none, or it is not the caller's.
    """
    device = await call.records.get(Device, call.path["device_id"])
    if device is None or device.owner_id != call.account.id or not token_reaches(call, device.id):
        raise ProblemError(not_found())
    return device


async def own_contact(call: Call[Any, Any]) -> Contact:
    """Return the contact that the path names. Raises as `own_device` does."""
    contact = await call.records.get(Contact, call.path["contact_id"])
    if contact is None or contact.account_id != call.account.id:
        raise ProblemError(not_found())
    return contact


async def own_incident(call: Call[Any, Any]) -> Incident:
    """Return the incident that the path names. Raises as `own_device` does."""
    incident = await call.records.get(Incident, call.path["incident_id"])
    if incident is None or incident.account_id != call.account.id or not token_reaches(call, incident.device_id):
        raise ProblemError(not_found())
    return incident


def token_reaches(call: Call[Any, Any], device_id: str) -> bool:
    """Return whether the personal API token of this request, if it came by one, is for that socket."""
    return call.api_token is None or call.api_token.reaches(device_id)


def within_token(call: Call[Any, Any], field: str) -> tuple[Test, ...]:
    """Return what keeps a list within the sockets of the caller's token; `field` is where their id stands."""
    if call.api_token is None or call.api_token.device_ids is None:
        return ()
    return (one_of(field, call.api_token.device_ids),)
