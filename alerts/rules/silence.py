"""The rule `offline`: no message of any kind for too long."""

from collections.abc import Sequence
from dataclasses import dataclass

from alerts.rules.decisions import SilentToo
from alerts.rules.docket import Docket, When
from alerts.rules.memory import MAINS, Key, Patience
from isocket.domain.incidents import Cause, Why
from isocket.domain.reports import Report

OFFLINE = Key(Cause.OFFLINE)
CATCH_UP_MS = 300_000
"""After a start of ours devices get this long to be heard: a pause of the cloud is no silence of theirs."""

SOON_MS = 5_000
"""When to look again while it is not yet known that we were listening until now."""

LATER_MS = 60_000
"""When to look again while nobody listens, at the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """When a device was heard last (None: never), when it got its owner and when we listen: since and until.

    `until_ms` None: until now. `deaf`: nobody listens at present.
    """

    heard_ms: int | None
    claimed_ms: int
    listening_ms: int
    until_ms: int | None = None
    deaf: bool = False


def hear_voice(docket: Docket, hearing: Hearing, reports: Sequence[Report]) -> None:
    """End the silence when the device was heard since it began: with the first of these reports, if they came since."""
    known = docket.conditions.get(OFFLINE)
    if known is None or hearing.heard_ms is None or hearing.heard_ms <= known.since_ms:
        return
    first_ms = min((each.received_ms for each in reports), default=hearing.heard_ms)
    at_ms = first_ms if first_ms > known.since_ms else hearing.heard_ms
    docket.end(OFFLINE, at_ms, hearing.heard_ms, Why.ANSWERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """How the next silence is noticed: `after_s` after the last message by telemetry, or by a look at `look_ms`."""

    after_s: float | None = None
    look_ms: int | None = None


def patience_now(known: Patience | None, hearing: Hearing, after_ms: int, now_ms: int) -> Patience:
    """Return the patience to remember: a device that has said nothing since cannot know that it was lowered."""
    if known is None:
        return Patience(after_ms=after_ms)
    told = known.lowered_ms is None or (hearing.heard_ms is not None and hearing.heard_ms > known.lowered_ms)
    before = Patience(after_ms=known.after_ms) if told else known
    if after_ms == before.after_ms:
        return before
    if after_ms > 0 and (before.after_ms <= 0 or after_ms < before.after_ms):
        longest = max(before.after_ms, before.before_ms)
        return Patience(after_ms=after_ms, before_ms=longest, lowered_ms=now_ms)
    return Patience(after_ms=after_ms, before_ms=before.before_ms, lowered_ms=before.lowered_ms)


def hear_silence(docket: Docket, hearing: Hearing, patience: Patience, now_ms: int) -> Listening:
    """Open `offline` when it is time; return how the next silence is to be noticed."""
    after_s, after_ms = docket.case.settings.offline_after_s, patience.after_ms
    if hearing.heard_ms is None or after_ms <= 0 or OFFLINE in docket.conditions:
        return Listening()
    if now_ms < hearing.heard_ms + after_ms:
        return Listening(after_s=after_s)
    since_ms = max(hearing.heard_ms, hearing.claimed_ms)
    due_ms = max(since_ms + after_ms, hearing.listening_ms + min(after_ms, CATCH_UP_MS))
    if patience.lowered_ms is not None:
        due_ms = max(due_ms, since_ms + patience.before_ms, patience.lowered_ms + after_ms)
    if now_ms < due_ms:  # put off by the claim, by our start or by a patience that was longer
        return Listening(look_ms=due_ms)
    if hearing.deaf:  # our silence is not theirs; they are judged when we listen again
        return Listening(look_ms=now_ms + max(SOON_MS, min(after_ms, LATER_MS)))
    if hearing.until_ms is not None and hearing.until_ms < due_ms:
        return Listening(look_ms=now_ms + SOON_MS)
    docket.open_at_once(OFFLINE, When(since_ms, now_ms, 0, since_ms), None, by_device=False)
    failure = docket.conditions.get(MAINS)
    if failure is not None and failure.is_open and failure.incident_id is not None:
        docket.decisions.append(SilentToo(incident_id=failure.incident_id, heard_ms=since_ms))
    return Listening()


def in_ms(after_s: float) -> int:
    """Return a patience in whole milliseconds."""
    return round(after_s * 1000)
