"""An incident of each cause, as the page of all messages shows it."""

from datetime import UTC, datetime, timedelta

from alerts.wording import Story
from isocket.domain.incidents import Cause, Incident, Severity

BEGAN = datetime(2026, 11, 22, 21, 58, tzinfo=UTC)
_LASTED = timedelta(hours=1, minutes=12)
_VALUES = {
    Cause.BATTERY_LOW: 20.0,
    Cause.TEMP_HIGH: 31.5,
    Cause.TEMP_LOW: -3.5,
    Cause.TEMP_RATE: 4.0,
    Cause.THERMOSTAT_INEFFECTIVE: 3.5,
    Cause.CREDIT_LOW: 1.5,
    Cause.SIGNAL_LOW: 12.0,
    Cause.FLAPPING: 12.0,
}
_PROBES = {Cause.TEMP_HIGH: "Loft", Cause.TEMP_LOW: "Hall", Cause.INPUT: "Water"}
_OF_THE_ACCOUNT = frozenset({Cause.NO_RECIPIENT, Cause.DELIVERY_BROKEN})
CODE = "K7QF"


def example_of(cause: Cause) -> Story:
    """Return an incident of this cause, told of and over, at a socket called "Mökki"; the account's own have none."""
    of_account = cause in _OF_THE_ACCOUNT
    incident = Incident(
        id="inc_EXAMPLE",
        account_id="",
        device_id="" if of_account else "EXAMPLE",
        cause=cause,
        about=Cause.MAINS_LOST if cause is Cause.FLAPPING else None,
        probe=0 if cause in _PROBES else None,
        severity=Severity.CRITICAL,
        value=_VALUES.get(cause),
        opened_at=BEGAN,
        detected_at=BEGAN,
        closed_at=BEGAN + _LASTED,
        short_code=CODE,
        test=cause is Cause.TEST,
    )
    name = None if of_account else "Mökki"
    return Story(incident=incident, device_name=name, probe_name=_PROBES.get(cause))
