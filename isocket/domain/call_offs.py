"""What a provider has taken and should not carry any further, because somebody has seen to it meanwhile."""

from datetime import datetime
from typing import Annotated

from isocket.domain.handling import MESSAGE_FACT, Plain
from isocket.domain.record import Record, record
from isocket.kit.clock import EPOCH


@record(
    collection="call_offs",
    subject="person_id",
    account="account_id",
    indexed=(("settled", "due_at"), ("delivery_id",)),
)
class CallOff(Record):
    """A wish to call off one delivery at its provider. Id derived from the delivery's: wished twice, it is one."""

    delivery_id: Annotated[str, MESSAGE_FACT]
    incident_id: Annotated[str, MESSAGE_FACT]
    account_id: Annotated[str, MESSAGE_FACT]
    person_id: Annotated[str, MESSAGE_FACT]
    wished_at: Annotated[datetime, MESSAGE_FACT]
    due_at: Plain[datetime]
    tries: Plain[int] = 0
    settled: Plain[bool] = False
    lease_until: Plain[datetime] = EPOCH  # claimed by a worker until then
