"""What follows from a mains failure, and so is no news: while it lasts, and while it is about to be one. Pure."""

from collections.abc import Mapping

from alerts.causes import SETTLING_S, explanation_of
from alerts.rules.delays import raise_after_ms
from alerts.rules.memory import MAINS, Condition, Key, Phase, PowerBack
from isocket.domain.settings import DeviceSettings

SETTLING_MS = SETTLING_S * 1000

Conditions = Mapping[Key, Condition]


def explanation(
    conditions: Conditions, back: PowerBack | None, settings: DeviceSettings, key: Key, since_ms: int
) -> str | None:
    """Return the mains failure that this follows from: one that lasts, or that ended a short while ago."""
    if (cause := explanation_of(key.cause, key.probe, settings)) is None:
        return None
    failure = conditions.get(Key(cause))
    if failure is not None and failure.is_open and since_ms >= failure.since_ms:
        return failure.incident_id
    return back.incident_id if back is not None and back.began_ms <= since_ms < back.at_ms + SETTLING_MS else None


def waits_for_it(conditions: Conditions, settings: DeviceSettings, key: Key, known: Condition) -> bool:
    """Whether a trouble waits until it is known whether the failure that it came with is one, and so explains it."""
    cause = explanation_of(key.cause, key.probe, settings)
    failure = None if cause is None or known.is_open else conditions.get(Key(cause))
    began = failure is not None and failure.phase is Phase.WAITING and known.since_ms >= failure.since_ms
    return began and is_soon_one(settings)


def may_release(conditions: Conditions, settings: DeviceSettings, key: Key, known: Condition) -> bool:
    """Whether what was explained is news once power is back for a while: nothing else explains it."""
    if known.explained_by is None or not known.holds:
        return False
    cause = explanation_of(key.cause, key.probe, settings)
    failure = None if cause is None else conditions.get(Key(cause))
    lasts = failure is not None and (failure.is_open or is_soon_one(settings))  # and so explains this anew
    by_itself = any(known.explained_by == each.incident_id for key, each in conditions.items() if key.about)
    return not lasts and not by_itself


def is_soon_one(settings: DeviceSettings) -> bool:
    """Whether a mains failure that begins is one for its owner before what follows from it has to be news."""
    return raise_after_ms(MAINS, settings) <= SETTLING_MS
