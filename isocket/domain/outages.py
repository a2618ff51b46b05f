"""What befalls many sockets at once: one event, ours or the grid's, instead of thousands."""

from datetime import datetime
from enum import StrEnum

from isocket.domain.handling import Plain
from isocket.domain.record import Record, record


class OutageKind(StrEnum):
    """What is out."""

    DEAF = "deaf"  # nobody listens: the bridge is gone, or the broker it speaks to
    FLEET = "fleet"  # many sockets fell silent at once while we listen
    POWER = "power"  # many sockets lost mains power at once


SILENCING = (OutageKind.DEAF, OutageKind.FLEET)
"""The kinds that explain why sockets are not heard."""

PREFIX = "out"
"""What the ids of outages begin with, before the first `_`: an incident may be explained by one, or by another."""


def is_outage(explanation: str) -> bool:
    """Return whether what explains an incident is an outage."""
    return explanation.startswith(f"{PREFIX}_")


@record(collection="outages", unique=(("open_key",),), indexed=(("kind", "began_at"), ("settled", "began_at")))
class Outage(Record):
    """One event. While it lasts there is one of its kind, which `open_key` allows only once.

    It names no socket: the incidents of those it explains name it.
    """

    kind: Plain[OutageKind]
    began_at: Plain[datetime]
    noticed_at: Plain[datetime]
    ended_at: Plain[datetime | None] = None
    hit: Plain[int] = 0  # the most sockets that were seen hit by it
    fleet: Plain[int] = 0  # of so many
    open_key: Plain[str | None] = None
    settled: Plain[bool] = False  # it is over, and no incident is held back for it any more
