"""Something is wrong at a socket: one incident for each device, cause and probe, from raise to clear."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from isocket.domain.handling import EPISODE_FACT, INCIDENT_FACT, Plain
from isocket.domain.record import Record, record
from isocket.kit.clock import EPOCH
from isocket.kit.ids import derived_id


class Cause(StrEnum):
    """What is wrong."""

    MAINS_LOST = "mains_lost"
    BATTERY_LOW = "battery_low"
    SHUTDOWN_IMMINENT = "shutdown_imminent"
    TEMP_HIGH = "temp_high"
    TEMP_LOW = "temp_low"
    TEMP_RATE = "temp_rate"
    TEMP_FAULT = "temp_fault"
    INPUT = "input"
    CREDIT_LOW = "credit_low"
    UNAUTHORISED = "unauthorised"
    RESTARTED = "restarted"
    OFFLINE = "offline"
    THERMOSTAT_INEFFECTIVE = "thermostat_ineffective"
    COMMAND_FAILED = "command_failed"
    SIGNAL_LOW = "signal_low"
    FLAPPING = "flapping"  # another cause comes and goes, see `Incident.about`
    NO_RECIPIENT = "no_recipient"
    DELIVERY_BROKEN = "delivery_broken"
    TEST = "test"


class Severity(StrEnum):
    """How much it matters: critical wakes people, major the same day, minor for whoever cares for the device."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    INFO = "info"


class Why(StrEnum):
    """Why an incident is over."""

    OVER = "over"  # the trouble is
    SAID_OVER = "device_says_over"
    ANSWERED = "device_was_heard"
    DISARMED = "disarmed"
    NEW_BOOT = "device_started_again"
    BY_ITSELF = "ends_by_itself"
    SETTINGS = "settings_changed"  # what it was judged by was taken away
    LIMIT_CHANGED = "limit_changed"  # it would be wrong still by the limit that raised it
    NOT_ASKED = "nothing_asked"  # the thermostat has nothing to do any more, whether or not it could
    OWNER = "owner_changed"
    STEADY = "steady_again"
    LASTS = "lasts_now"  # what came and went has come to stay


class IncidentState(StrEnum):
    """An incident's life."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


NOT_CLOSED = (IncidentState.OPEN, IncidentState.ACKNOWLEDGED)

CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # of short codes: without I and O, which look like 1 and 0
CODE_DIGITS = "23456789"


@record(
    collection="incidents",
    subject="account_id",
    account="account_id",
    unique=(("open_key",),),
    indexed=(
        ("account_id", "opened_at"),
        ("device_id", "open_key"),
        ("needs_step", "step_due_at"),
        ("state", "needs_step", "step_due_at"),
        ("short_code", "open_key"),
        ("cause", "detected_at"),
        ("state", "needs_step", "explained_by", "detected_at"),
    ),
    queue="state",
    followed=("state", "acknowledged_by", "asked_at"),
)
class Incident(Record):
    """One episode. `open_key` is unique while it lasts, which is what allows only one at a time, and None after it."""

    account_id: Annotated[str, EPISODE_FACT]
    device_id: Annotated[str, EPISODE_FACT]  # empty where it is a matter of the whole account
    cause: Annotated[Cause, EPISODE_FACT]
    about: Annotated[Cause | None, EPISODE_FACT] = None  # of `flapping`: the cause that comes and goes
    probe: Annotated[int | None, EPISODE_FACT] = None
    severity: Annotated[Severity, EPISODE_FACT]
    state: Annotated[IncidentState, EPISODE_FACT] = IncidentState.OPEN
    test: Annotated[bool, EPISODE_FACT] = False
    value: Annotated[float | None, EPISODE_FACT] = None
    opened_at: Annotated[datetime, EPISODE_FACT]  # when it began, by the device's clock where that is good
    detected_at: Annotated[datetime, EPISODE_FACT]  # when we knew
    acknowledged_at: Annotated[datetime | None, EPISODE_FACT] = None
    acknowledged_by: Annotated[str | None, EPISODE_FACT] = None  # account or contact id, and by which way
    confirmed_at: Annotated[datetime | None, EPISODE_FACT] = None  # whoever took it said again that they are on it
    asked_at: Plain[datetime | None] = None  # they were asked whether they still are, and have not answered
    closed_at: Annotated[datetime | None, EPISODE_FACT] = None
    explained_by: Annotated[str | None, EPISODE_FACT] = None  # the incident, or the outage, that makes it no news
    why_over: Annotated[Why | None, EPISODE_FACT] = None  # None: it lasts, or an older program did not write it
    part_of: Annotated[str | None, EPISODE_FACT] = None  # the power cut that befell many at once
    short_code: Annotated[str, EPISODE_FACT] = ""  # what a reply says to acknowledge
    open_key: Plain[str | None] = None
    needs_step: Plain[bool] = False  # the ladder has something to do, see alerts.escalation
    step_due_at: Plain[datetime] = EPOCH
    told_from: Plain[datetime | None] = None  # since when the ladder's seconds count; None: since it was detected
    told_though_over: Plain[bool] = False  # its alarm goes out even if it ends before that went
    ladder_position: Plain[int] = 0  # how many steps of the ladder were taken
    exhausted_at: Plain[datetime | None] = None  # the ladder was of no use; it is climbed again, ever more rarely
    lease_until: Plain[datetime] = EPOCH  # claimed by a worker until then

    @classmethod
    def in_other_words(cls, older: Mapping[str, Any]) -> dict[str, Any]:
        """Return why it is over, of which there were two fields that excluded each other."""
        if older.get("limit_gone"):
            return {"why_over": Why.SETTINGS}
        return {"why_over": Why.DISARMED} if older.get("disarmed") else {}

    @property
    def taken_by(self) -> tuple[str, str]:
        """Return the id of the account or contact that took it, and by which way; both empty where nobody has."""
        who, _, way = (self.acknowledged_by or "").partition(" ")
        return who, way

    @property
    def is_queued(self) -> bool:
        """Whether its ladder has something to do now: one that brought its first steps along waits for the next."""
        begins_later = self.version == 1 and self.step_due_at > self.detected_at
        return self.needs_step and not begins_later


def moment_told(incident: Incident) -> datetime:
    """Return the time that a message tells: when it began, of what comes and goes when it had done so too often.

    The first time may be an hour past by then, and no news of that hour.
    """
    return incident.detected_at if incident.cause is Cause.FLAPPING else incident.opened_at


def open_key(device_id: str, cause: Cause, probe: int | None, about: Cause | None = None) -> str:
    """Return the key that only one open incident of a device can have."""
    parts = [] if about is None else [about.value]
    return derived_id("open", device_id, cause, -1 if probe is None else probe, *parts)


def account_open_key(account_id: str, cause: Cause) -> str:
    """Return the key that only one open incident of a whole account can have."""
    return derived_id("open", "account", account_id, cause)


class Happening(StrEnum):
    """A kind of line in an incident's timeline."""

    OPENED = "opened"
    STEP = "step"
    DELIVERY_DUE = "delivery_due"
    HELD = "held"  # until its reader's quiet hours are over
    NOT_SENT = "not_sent"
    ATTEMPT = "attempt"
    RECEIPT = "receipt"
    ACKNOWLEDGED = "acknowledged"
    ASKED = "asked"  # whether whoever took it still is on it
    CONFIRMED = "confirmed"  # they are
    LET_GO = "let_go"  # they did not answer: it is open again
    CLOSED = "closed"
    EXHAUSTED = "exhausted"
    NOTE = "note"


@record(
    collection="timeline",
    subject="account_id",
    account="account_id",
    indexed=(("incident_id", "at"),),
)
class TimelineEntry(Record):
    """One line of what happened in an incident, with the reason where something was not sent."""

    incident_id: Annotated[str, INCIDENT_FACT]
    account_id: Annotated[str, INCIDENT_FACT]
    at: Annotated[datetime, INCIDENT_FACT]
    what: Annotated[Happening, INCIDENT_FACT]
    reason: Annotated[str, INCIDENT_FACT] = ""
    contact_id: Annotated[str | None, INCIDENT_FACT] = None
    channel: Annotated[str | None, INCIDENT_FACT] = None
    detail: Annotated[dict[str, Any], INCIDENT_FACT] = field(default_factory=dict)
