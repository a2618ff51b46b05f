"""The rule `flapping`: alarms of one cause that come and go too often become one, until they stay or stay away."""

from collections.abc import Sequence

from alerts.rules.memory import Condition, Key, Phase
from isocket.domain.incidents import Cause
from isocket.domain.settings import FlappingSettings

NEVER = frozenset({Cause.TEST, Cause.FLAPPING})
LASTS_S = 900
"""What came and went and then has lasted so long has come to stay: it is news, as itself."""


def unstable(key: Key) -> Key:
    """Return the key of the coming and going of `key`."""
    return Key(Cause.FLAPPING, key.probe, key.cause)


def steady(key: Key) -> Key:
    """Return the key of what comes and goes."""
    return Key(key.about or key.cause, key.probe)


def with_one_more(before: Sequence[int], heard_ms: int, settings: FlappingSettings) -> tuple[int, ...]:
    """Return the openings within the window, this one included; no more than it takes to be too many."""
    since_ms = heard_ms - settings.window_s * 1000
    return (*(each for each in before if each > since_ms), heard_ms)[-(settings.count or 1) :]


def is_too_often(moments: Sequence[int], settings: FlappingSettings) -> bool:
    """Return whether so many openings are one thing that comes and goes."""
    return settings.count is not None and len(moments) >= settings.count


def beginning(known: Condition, moments: Sequence[int], incident_id: str) -> Condition:
    """Return the condition that this comes and goes: `heard_ms` is when it did so last, `value` how often."""
    return Condition(
        phase=Phase.OPEN,
        since_ms=min(moments[0], known.since_ms),
        turned_ms=known.turned_ms,
        heard_ms=known.heard_ms,
        opener=known.opener,
        boot=known.boot,
        seq=known.seq,
        incident_id=incident_id,
        value=len(moments),
    )


def rest_until_ms(known: Condition, target: Condition | None, settings: FlappingSettings) -> int | None:
    """Return when it is over, if nothing changes until then; None while it is not sure whether the target is over."""
    if target is not None and target.phase is Phase.CLEARING:
        return None
    lasts = target is not None and target.is_open
    rest_s = min(LASTS_S, settings.quiet_s) if lasts else settings.quiet_s
    return known.heard_ms + round(rest_s * 1000)
