"""What a device's own alarm means: it opens at once and closes at once."""

from collections.abc import Mapping
from typing import Any

from alerts.causes import FROM_DEVICE, LIMITS, ONE_SHOTS, PROBED
from alerts.rules.decisions import Open
from alerts.rules.delays import is_beyond, limit_of
from alerts.rules.docket import Docket, When
from alerts.rules.memory import Key
from isocket.domain.incidents import Cause, Why

SHUTDOWN = Key(Cause.SHUTDOWN_IMMINENT)


def key_of(fields: Mapping[str, Any]) -> Key | None:
    """Return what an alarm report is about, None for a cause that only the cloud can know."""
    cause = Cause(fields["cause"])
    if cause not in FROM_DEVICE:
        return None
    return Key(cause, fields.get("probe") or 0) if cause in PROBED else Key(cause)


def hear_alarm(docket: Docket, key: Key, fields: Mapping[str, Any], when: When) -> None:
    """Take an alarm report about `key` to the docket."""
    if fields["active"]:
        docket.open_at_once(key, when, fields.get("value"), by_device=True)  # it applied its own delay
        if key.cause in LIMITS and fields.get("value") is not None:
            docket.remember(key, fields["value"])
        if key.cause is Cause.BATTERY_LOW and fields.get("value") is not None:
            docket.deepen(key, fields["value"])
        return
    known = docket.conditions.get(key)
    if known is None or (when.boot, when.seq) < (known.boot, known.seq):
        return
    if key.cause in ONE_SHOTS and _opened_now(docket, known.incident_id):
        return  # pressed and let go: to be told all the same, it ends by itself
    value = None if key.cause is Cause.TEMP_RATE else fields.get("value")  # how warm it is, not how fast that changes
    limit = limit_of(key, docket.case.settings)
    changed = is_beyond(key, value, known.limit) and not is_beyond(key, value, limit)  # and the device was told of it
    docket.end(key, when.at_ms, when.heard_ms, Why.LIMIT_CHANGED if changed else Why.SAID_OVER)


def hear_boot(docket: Docket, when: When) -> None:
    """End what a new start of the device ends: it did not go down for good."""
    known = docket.conditions.get(SHUTDOWN)
    if known is not None and when.boot > known.boot:
        docket.end(SHUTDOWN, when.at_ms, when.heard_ms, Why.NEW_BOOT)


def _opened_now(docket: Docket, incident_id: str | None) -> bool:
    return any(isinstance(each, Open) and each.incident_id == incident_id for each in docket.decisions)
