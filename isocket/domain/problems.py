"""Messages from a socket that could not be used, and why: for its owner and for the operator."""

from datetime import datetime
from typing import Annotated

from isocket.domain.handling import DIAGNOSIS, Plain
from isocket.domain.record import Record, record


@record(collection="problems", indexed=(("device_id", "at"),))
class Problem(Record):
    """One refused message. The content is not kept, only what was wrong with it."""

    device_id: Plain[str]
    at: Annotated[datetime, DIAGNOSIS]
    topic_kind: Plain[str]
    reason: Plain[str]
    field: Plain[str | None] = None
