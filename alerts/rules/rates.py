"""The rule `temp_rate`: a temperature that changes faster than it may, measured over a window."""

from collections.abc import Mapping
from typing import Any

from alerts.rules.delays import CALM
from alerts.rules.docket import Docket, When
from alerts.rules.memory import Key, Track
from alerts.rules.signs import Look
from isocket.domain.incidents import Cause
from isocket.domain.settings import ProbeSettings

STEPS = 12
"""Into so many parts a window is divided; of each the first reading is kept."""

HOUR_MS = 3_600_000


def hear_rates(docket: Docket, tracks: dict[int, Track], fields: Mapping[str, Any], when: When) -> None:
    """Compare each thermometer that is watched for it with what it said before; keep what it says now."""
    settings = docket.case.settings
    for number, reading in enumerate(fields.get("temp_c") or ()):
        probe = settings.probe(number)
        if not probe.watches_rate or reading is None:
            continue
        before = tracks.get(number, ())
        rate = rate_c_per_h(before, when.at_ms, reading, probe.rate_window_s)
        if rate is not None:
            docket.look(Key(Cause.TEMP_RATE, number), _look(rate, probe), when, reading, rate)
        tracks[number] = longer(before, when.at_ms, reading, probe.rate_window_s)
    for number in [each for each in tracks if not settings.probe(each).watches_rate]:
        del tracks[number]


def rate_c_per_h(before: Track, at_ms: int, reading_c: float, window_s: float) -> float | None:
    """Return the change since the oldest reading within the window, None while that is not half a window ago."""
    window_ms = window_s * 1000
    since = next(((then_ms, c) for then_ms, c in before if at_ms - window_ms <= then_ms), None)
    if since is None or at_ms - since[0] < window_ms / 2:
        return None
    return (reading_c - since[1]) * HOUR_MS / (at_ms - since[0])


def longer(before: Track, at_ms: int, reading_c: float, window_s: float) -> Track:
    """Return the track with one more reading and without what the window has left; a clock set back begins it anew."""
    window_ms = window_s * 1000
    kept = tuple(each for each in before if at_ms - window_ms <= each[0])
    if kept and at_ms < kept[-1][0]:
        return ((at_ms, reading_c),)
    if kept and at_ms - kept[-1][0] < window_ms / STEPS:
        return kept
    return (*kept, (at_ms, reading_c))


def _look(rate: float, probe: ProbeSettings) -> Look:
    limit = probe.rise_c_per_h if rate > 0 else probe.fall_c_per_h
    if limit is None or abs(rate) <= limit * CALM:
        return Look.GOOD
    return Look.BAD if abs(rate) > limit else Look.BETWEEN
