"""What a past period would have looked like with other settings: the question, and the answer once it is known."""

from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from isocket.domain.handling import REHEARSAL, Plain
from isocket.domain.record import Record, record
from isocket.kit.clock import EPOCH


class ReplayState(StrEnum):
    """Where a replay stands."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"  # see `error`


@record(
    collection="replays",
    subject="account_id",
    account="account_id",
    indexed=(("state", "created_at"), ("account_id", "state"), ("device_id",)),
)
class Replay(Record):
    """One question of the portal, which the alarm service answers. `settings` are whole, as a device's `desired`."""

    account_id: Annotated[str, REHEARSAL]
    device_id: Annotated[str, REHEARSAL]
    start_at: Annotated[datetime, REHEARSAL]
    end_at: Annotated[datetime, REHEARSAL]
    settings: Annotated[dict[str, Any], REHEARSAL]
    created_at: Annotated[datetime, REHEARSAL]
    state: Plain[ReplayState] = ReplayState.WAITING
    error: Plain[str] = ""
    reports: Plain[int] = 0  # how many were judged
    answer: Annotated[dict[str, Any], REHEARSAL] = field(default_factory=dict)  # `incidents`, a list
    truncated: Plain[bool] = False  # there would have been more than are listed
    tries: Plain[int] = 0
    lease_until: Plain[datetime] = EPOCH  # claimed by a worker until then

    @property
    def incidents(self) -> list[dict[str, Any]]:
        """Return the incidents that would have been; none while nobody has answered."""
        return list(self.answer.get("incidents", ()))
