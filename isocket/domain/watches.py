"""What the rules remember of a device between two judgements."""

from dataclasses import field
from datetime import datetime
from typing import Annotated, Any

from isocket.domain.handling import RULE_MEMORY, Plain
from isocket.domain.record import Record, record


@record(collection="watches")
class Watch(Record):
    """Memory of one device's rules. Id = device id.

    `judged_boot`, `judged_seq` order what was judged: an older report that comes later is history only.
    `conditions` maps `cause` or `cause.probe` to what its rule needs to know, for instance since when it holds.
    """

    judged_boot: Plain[int] = 0
    judged_seq: Plain[int] = 0
    claimed_at: Plain[datetime | None] = None  # of the ownership it was judged under; with another, it begins anew
    conditions: Annotated[dict[str, Any], RULE_MEMORY] = field(default_factory=dict)
