"""The rule `offline`: no message of any kind for too long."""

from dataclasses import dataclass

from alerts.rules.decisions import SilentToo, Why
from alerts.rules.docket import Docket, When
from alerts.rules.memory import Key
from isocket.domain.incidents import Cause

OFFLINE = Key(Cause.OFFLINE)
CATCH_UP_MS = 300_000
"""After a start of ours devices get this long to be heard: a pause of the cloud is no silence of theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """When a device was heard last (None: never), when it got its owner and since when we listen."""

    heard_ms: int | None
    claimed_ms: int
    listening_ms: int


def hear_voice(docket: Docket, hearing: Hearing, first_heard_ms: int | None) -> None:
    """End the silence when the device was heard since it began."""
    known = docket.conditions.get(OFFLINE)
    if known is None or hearing.heard_ms is None or hearing.heard_ms <= known.since_ms:
        return
    fresh = first_heard_ms is not None and first_heard_ms > known.since_ms
    at_ms = first_heard_ms if fresh and first_heard_ms is not None else hearing.heard_ms
    docket.end(OFFLINE, at_ms, hearing.heard_ms, Why.ANSWERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """How the next silence is noticed: `after_s` after the last message by telemetry, or by a look at `look_ms`."""

    after_s: float | None = None
    look_ms: int | None = None


def hear_silence(docket: Docket, hearing: Hearing, now_ms: int) -> Listening:
    """Open `offline` when it is time; return how the next silence is to be noticed."""
    after_s = docket.case.settings.offline_after_s
    after_ms = round(after_s * 1000)
    if hearing.heard_ms is None or after_ms <= 0 or OFFLINE in docket.conditions:
        return Listening()
    if now_ms < hearing.heard_ms + after_ms:
        return Listening(after_s=after_s)
    since_ms = max(hearing.heard_ms, hearing.claimed_ms)
    due_ms = max(since_ms + after_ms, hearing.listening_ms + min(after_ms, CATCH_UP_MS))
    if now_ms < due_ms:  # put off by the claim or by our start
        return Listening(look_ms=due_ms)
    docket.open_at_once(OFFLINE, When(since_ms, now_ms, 0, since_ms), None, by_device=False)
    failure = docket.conditions.get(Key(Cause.MAINS_LOST))
    if failure is not None and failure.is_open and failure.incident_id is not None:
        docket.decisions.append(
            SilentToo(key=Key(Cause.MAINS_LOST), incident_id=failure.incident_id, heard_ms=since_ms)
        )
    return Listening()
