"""Opens and closes incidents that no device rule owns: what is wrong with the people, or with reaching them."""

from datetime import datetime
from typing import Any

from alerts.causes import is_told, severity_of
from alerts.incident_ledger import IncidentLedger
from alerts.rules.docket import Case
from alerts.short_codes import free_code
from alerts.timeline import INFORMATION_ONLY, NOBODY_TO_TELL, incident_line
from isocket.domain.incidents import Cause, Happening, Incident, Severity, account_open_key, open_key
from isocket.domain.settings import DeviceSettings
from isocket.kit.clock import to_text
from isocket.kit.ids import derived_id
from isocket.kit.logs import get_logger
from isocket.storage.port import Records, is_

log = get_logger(__name__)


async def raised(records: Records, *, account_id: str, cause: Cause, device_id: str = "") -> Incident | None:
    """Return the open incident of this cause: of one device, or of the whole account where none is named."""
    found = await records.find(Incident, is_("open_key", _open_key(account_id, cause, device_id)), limit=1)
    return found[0] if found else None


def raised_id(account_id: str, device_id: str, cause: Cause, opener: str) -> str:
    """Return the id of the incident that `opener` begins."""
    return derived_id("inc", "raised", account_id, device_id, cause, opener)


async def raise_incident(
    records: Records,
    *,
    account_id: str,
    cause: Cause,
    opener: str,
    now: datetime,
    device_id: str = "",
    severity: Severity | None = None,
    told: bool = True,
    detail: dict[str, Any] | None = None,
) -> Incident:
    """Open an incident and hand it to the ladder; return it, or the one that is open already.

    `opener` names what it began with, for instance the id of a record: the same opener never opens a second one,
    also when the first is over. `told=False`: it is for the record and for the pages, and no ladder is climbed.
    """
    incident_id = raised_id(account_id, device_id, cause, opener)
    known = await records.get(Incident, incident_id)
    known = known or await raised(records, account_id=account_id, cause=cause, device_id=device_id)
    if known is not None:
        return known
    severity = severity or severity_of(cause, None, DeviceSettings())
    incident = Incident(
        id=incident_id,
        account_id=account_id,
        device_id=device_id,
        cause=cause,
        severity=severity,
        opened_at=now,
        detected_at=now,
        short_code=await free_code(records, account_id, incident_id),
        open_key=_open_key(account_id, cause, device_id),
        needs_step=told and is_told(severity),
        step_due_at=now,
    )
    began = {"began": to_text(now), "value": None, **(detail or {})}
    lines = [incident_line(incident, Happening.OPENED, at=now, detail=began)]
    if not incident.needs_step:
        reason = INFORMATION_ONLY if not is_told(severity) else NOBODY_TO_TELL
        lines.append(incident_line(incident, Happening.NOT_SENT, reason, at=now, reason=reason))
    if await records.add_all([incident, *lines]) == 1 + len(lines):
        log.info("incident_opened", incident_id=incident.id, device_id=device_id, cause=cause)
        return incident
    open_one = await raised(records, account_id=account_id, cause=cause, device_id=device_id)
    return open_one or incident  # somebody opened one in the same moment, and it may be over by now


async def close_raised(records: Records, incident: Incident, *, now: datetime) -> None:
    """Close an incident that `raise_incident` opened; nobody gets a clear: its end is for the record and the pages."""
    case = Case(device_id=incident.device_id, account_id=incident.account_id, settings=DeviceSettings())
    await IncidentLedger(records, case, now).close_stray(incident, told=False)


def _open_key(account_id: str, cause: Cause, device_id: str) -> str:
    return open_key(device_id, cause, None) if device_id else account_open_key(account_id, cause)
