"""A test alarm: the whole chain to the people, begun by hand.

The incident ends by itself: `alerts.judge` adopts it when the device is woken, as it does with a test that the
device began, and closes it after a quarter of an hour.
"""

import secrets

from pydantic import ConfigDict, Field

from isocket.domain.devices import Device
from isocket.domain.incidents import (
    CODE_DIGITS,
    CODE_LETTERS,
    Cause,
    Happening,
    Incident,
    Severity,
    TimelineEntry,
    open_key,
)
from isocket.kit.clock import EPOCH, to_text
from isocket.kit.ids import derived_id, new_id
from isocket.kit.logs import get_logger
from isocket.storage.port import AlreadyThereError, Records, is_
from isocket.storage.still_open import HOLDS_ITS_KEY
from portal_api.limits import Rate
from portal_api.models import View
from portal_api.owned import own_device
from portal_api.portal import Portal
from portal_api.problem import Problem
from portal_api.routes import AnyRoute, Call, Route

log = get_logger(__name__)
TEST_ALARMS = Rate(name="test_alarms", tries=20, per_s=3600)  # of one account: each sends real messages
_TRIES = 50


class TestAlarm(View):
    """The test is on its way: look at the incident for what became of each message."""

    __test__ = False  # not one for pytest

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"id": "inc_q3mzv6t2cs5hd4yofn7ab2k3xe", "incident_id": "inc_q3mzv6t2cs5hd4yofn7ab2k3xe"},
            ]
        }
    )

    id: str = Field(description="The same as `incident_id`.")
    incident_id: str


async def begin(call: Call[None, None]) -> TestAlarm | Problem:
    """Raise a test alarm as though the socket had: everybody on its ladder is told, and the message says test.

    It ends by itself after 15 minutes; until then another one is refused (409).
    """
    device = await own_device(call)
    if await _is_under_way(call.portal, device):
        return _still_open()
    await call.portal.limits.demand(TEST_ALARMS, call.account.id)
    incident = await _incident(call.portal, device, call.account.id)
    try:
        await call.records.add(incident)
    except AlreadyThereError:
        return _still_open()
    await _hand_over(call.portal, incident)
    log.info("test_alarm", incident_id=incident.id, device_id=device.id)
    return TestAlarm(id=incident.id, incident_id=incident.id)


async def _incident(portal: Portal, device: Device, account_id: str) -> Incident:
    now = portal.clock.now()
    return Incident(
        id=new_id("inc"),
        account_id=account_id,
        device_id=device.id,
        cause=Cause.TEST,
        severity=Severity.MAJOR,  # a test must reach those whom an alarm reaches
        test=True,
        opened_at=now,
        detected_at=now,
        short_code=await _free_code(portal.records, account_id),
        open_key=_key(device),
        needs_step=True,
        step_due_at=now,
    )


async def _free_code(records: Records, account_id: str) -> str:
    """Return a short code that no other open incident of the account has; none rather than one of two meanings."""
    for _ in range(_TRIES):
        code = f"{secrets.choice(CODE_LETTERS)}{secrets.choice(CODE_LETTERS)}{secrets.choice(CODE_DIGITS)}"
        taken = is_("short_code", code), is_("account_id", account_id), HOLDS_ITS_KEY
        if not await records.count(Incident, *taken):
            return code
    return ""


async def _is_under_way(portal: Portal, device: Device) -> bool:
    """Return whether a test of this device is open; hand it over again, in case that our process died of it."""
    found = await portal.records.find(Incident, is_("open_key", _key(device)), limit=1)
    for each in found:
        await _hand_over(portal, each)
    return bool(found)


async def _hand_over(portal: Portal, incident: Incident) -> None:
    """Write the beginning, and have the device judged, so that the incident ends in time.

    A device that was never heard is unknown to telemetry, and has to be made known first.
    """
    device_id = incident.device_id
    await portal.records.add_all([_opened(incident)])
    if device_id not in await portal.telemetry.latest([device_id]):
        await portal.telemetry.note_presence(device_id, online=False, at=EPOCH)
    await portal.telemetry.wake(device_id)


def _key(device: Device) -> str:
    return open_key(device.id, Cause.TEST, None)


def _opened(incident: Incident) -> TimelineEntry:
    return TimelineEntry(
        id=derived_id("tl", incident.id, Happening.OPENED),
        incident_id=incident.id,
        account_id=incident.account_id,
        at=incident.detected_at,
        what=Happening.OPENED,
        detail={"began": to_text(incident.opened_at), "value": None},
    )


def _still_open() -> Problem:
    return Problem(
        status=409, kind="test-open", detail="A test alarm of this socket is under way; it ends after 15 minutes."
    )


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="POST",
        path="/devices/{device_id}/test-alarm",
        handler=begin,
        summary="Raise a test alarm",
        answers={202: TestAlarm},
        problems=(409, 429),
    ),
)
