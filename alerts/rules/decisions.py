"""What the rules decide, as values. The judge carries them out; each names its incident, so twice is once."""

from dataclasses import dataclass

from alerts.causes import is_told
from alerts.rules.memory import Key
from isocket.domain.incidents import Severity, Why
from isocket.kit.ids import derived_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Something is wrong since `began_ms`. `explained_by` names the incident that makes it no news.

    `hold_until_ms`: it seems over already, and only the delay of its clear runs, or we heard of it so late that its
    end may be on the way; nobody is told before then.
    `comes_and_goes`: what explains it is that it has come and gone too often, of which people were told once.
    `late`: we heard of it long after the fact, so that nobody is told if it is over already.
    """

    key: Key
    incident_id: str
    began_ms: int
    value: float | None = None
    explained_by: str | None = None
    hold_until_ms: int | None = None
    by_device: bool = False
    late: bool = False
    comes_and_goes: bool = False
    part_of: str | None = None  # the power cut that befell many at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """It is over since `at_ms`."""

    incident_id: str
    at_ms: int
    why: Why
    explained: bool = False  # nobody is told of its end
    value: float | None = None  # what to remember with it, None: nothing new


@dataclass(frozen=True, slots=True, kw_only=True)
class Deepen:
    """The battery fell to its next threshold."""

    incident_id: str
    value: float
    threshold_pct: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentToo:
    """The device whose mains failed fell silent as well, last heard at `heard_ms`."""

    incident_id: str
    heard_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What explained this incident is over, and it still lasts: now it is news, unless another outage explains it."""

    key: Key
    incident_id: str
    explained_by: str
    outage: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What came late seems over: if nobody has been told yet, nobody is before `until_ms`."""

    incident_id: str
    until_ms: int


Decision = Open | Close | Deepen | SilentToo | Release | Wait


def is_told_though_over(opening: Open, severity: Severity) -> bool:
    """Return whether people hear of it though it is over: a device's own alarm, or what wakes people anyway."""
    matters = opening.by_device or severity is Severity.CRITICAL
    return matters and is_told(severity) and not opening.late and opening.explained_by is None


def incident_id(device_id: str, account_id: str, key: Key, opener: str) -> str:
    """Return the id of the incident that the report `opener` began; whoever judges it again finds the same."""
    return derived_id("inc", device_id, account_id, str(key), opener)
