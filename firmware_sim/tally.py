"""What happened in a run, counted."""

import json
from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Tally:
    """Counters that the sockets of one fleet share."""

    connects: int = 0
    connects_failed: int = 0
    lines_lost: int = 0
    states: int = 0
    alarms: int = 0
    acks: int = 0
    reported: int = 0
    resent: int = 0
    confirmed: int = 0
    commands: int = 0
    executed: int = 0
    lies: int = 0
    unreadable: int = 0
    slowest_return_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """The outcome of a run. `unconfirmed`: messages that the cloud has not said it stored."""

    scenario: str
    devices: int
    connected_at_end: int
    duration_s: float
    counts: dict[str, int]
    unconfirmed: int
    telemetry_dropped: int

    def as_json(self) -> str:
        return json.dumps(asdict(self))
