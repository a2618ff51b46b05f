"""What the house knows of each cause: how much it matters, what explains it, and whether it is over by itself."""

from collections.abc import Mapping
from types import MappingProxyType

from isocket.domain.incidents import Cause, Severity
from isocket.domain.settings import DeviceSettings

SEVERITIES: Mapping[Cause, Severity] = MappingProxyType(
    {
        Cause.MAINS_LOST: Severity.CRITICAL,
        Cause.BATTERY_LOW: Severity.MAJOR,
        Cause.SHUTDOWN_IMMINENT: Severity.CRITICAL,
        Cause.TEMP_HIGH: Severity.CRITICAL,
        Cause.TEMP_LOW: Severity.CRITICAL,
        Cause.TEMP_RATE: Severity.MAJOR,
        Cause.TEMP_FAULT: Severity.MAJOR,
        Cause.INPUT: Severity.CRITICAL,  # unless the input's settings say otherwise
        Cause.CREDIT_LOW: Severity.MAJOR,
        Cause.UNAUTHORISED: Severity.MINOR,
        Cause.RESTARTED: Severity.INFO,
        Cause.OFFLINE: Severity.MAJOR,
        Cause.THERMOSTAT_INEFFECTIVE: Severity.MAJOR,
        Cause.COMMAND_FAILED: Severity.MAJOR,
        Cause.SIGNAL_LOW: Severity.MINOR,
        Cause.FLAPPING: Severity.MAJOR,  # where it is not known of what; else as much as that matters
        Cause.NO_RECIPIENT: Severity.MAJOR,
        Cause.DELIVERY_BROKEN: Severity.MAJOR,
        Cause.TEST: Severity.MAJOR,  # a test must reach those whom an alarm reaches
    }
)

EXPLAINED_BY: Mapping[Cause, Cause] = MappingProxyType(
    {
        Cause.OFFLINE: Cause.MAINS_LOST,
        Cause.BATTERY_LOW: Cause.MAINS_LOST,
        Cause.TEMP_FAULT: Cause.MAINS_LOST,
    }
)
"""What a cause follows from: nobody is told of it while the other lasts, see `explanation_of`."""

SETTLING_S = 300
"""How long after power returned its consequences may last, or even begin, before they are news of their own:
a modem that registers again and a probe that wakes up need a few minutes."""

ONE_SHOTS = frozenset({Cause.UNAUTHORISED, Cause.RESTARTED, Cause.COMMAND_FAILED, Cause.TEST})
"""What happens and does not last: a device need not say that it is over."""

STILL_NEWS = ONE_SHOTS | {Cause.INPUT}
"""What is news though it is over: the door is shut again, yet somebody was there."""

ONE_SHOT_LASTS_S = 900
"""How long an incident of such a cause stays open, so that the ladder has time to climb and people to answer."""

BEGUN_ELSEWHERE = (Cause.TEST, Cause.COMMAND_FAILED)
"""One-shots that begin without a report: the portal or `alerts.failed_commands` opens them, the rules end them."""

PROBED = frozenset({Cause.TEMP_HIGH, Cause.TEMP_LOW, Cause.TEMP_RATE, Cause.TEMP_FAULT, Cause.INPUT})
"""Causes that belong to one thermometer or input; a report that names none means the first."""


LIMITS = frozenset({Cause.TEMP_HIGH, Cause.TEMP_LOW, Cause.TEMP_RATE})
"""Causes that the limits of a thermometer raise."""

FROM_DEVICE = frozenset(
    {
        Cause.MAINS_LOST,
        Cause.BATTERY_LOW,
        Cause.SHUTDOWN_IMMINENT,
        Cause.TEMP_HIGH,
        Cause.TEMP_LOW,
        Cause.TEMP_RATE,
        Cause.TEMP_FAULT,
        Cause.INPUT,
        Cause.CREDIT_LOW,
        Cause.UNAUTHORISED,
        Cause.RESTARTED,
        Cause.TEST,
    }
)
"""What a device may raise by an alarm report of its own; the other causes only the cloud can know."""

OWN_LIMITS = frozenset({Cause.TEMP_RATE, Cause.CREDIT_LOW})
"""Of these a device has limits of its own, which it is not told by us: only its own word ends what it raised."""

_RANKS = MappingProxyType({severity: rank for rank, severity in enumerate(Severity)})  # the most urgent first

OWNED_ELSEWHERE = frozenset({Cause.NO_RECIPIENT, Cause.DELIVERY_BROKEN})
"""What is opened and closed by `alerts.raising`: it tells of people, not of a device, and no device rule ends it."""


def severity_of(cause: Cause, probe: int | None, settings: DeviceSettings, about: Cause | None = None) -> Severity:
    """Return how much it matters: what the owner says of the input or thermometer, else of the cause, else what we say.

    What comes and goes (`about`) matters as much as when it came first.
    """
    matter = about or cause
    if matter is Cause.INPUT and probe is not None:
        return settings.input_at(probe).severity
    chosen = settings.probe(probe).severity if matter in LIMITS and probe is not None else None
    return chosen or settings.severities.get(matter) or SEVERITIES[matter]


def explanation_of(cause: Cause, probe: int | None, settings: DeviceSettings) -> Cause | None:
    """Return what makes a cause no news, None if nothing does.

    What matters less explains nothing: nobody may be told of it, or not those whom the other concerns.
    """
    explanation = EXPLAINED_BY.get(cause)
    if explanation is None:
        return None
    rank, own_rank = (_RANKS[severity_of(each, probe, settings)] for each in (explanation, cause))
    return explanation if rank <= own_rank else None


def is_told(severity: Severity) -> bool:
    """Return whether anybody is told: `info` is for the record only."""
    return severity is not Severity.INFO
