"""What the cloud finds wrong with itself: one finding for each kind of trouble, as long as it lasts."""

from datetime import datetime

from isocket.domain.handling import Plain
from isocket.domain.record import Record, record


@record(collection="findings")
class Finding(Record):
    """One kind of trouble of our own. Id = its kind, and whose where each process may have it.

    A trouble that comes back soon after it ended is the same one: `since_at` stays, and nobody is told again.
    """

    since_at: Plain[datetime]
    seen_at: Plain[datetime]  # when it was last found
    ended_at: Plain[datetime | None] = None
    number: Plain[int] = 0  # how many of the things it is about
