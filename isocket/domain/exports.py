"""Somebody's wish for a copy of everything about them (Art. 15 and 20), and how far it has come."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from isocket.domain.handling import Basis, Handling, Keep, Plain, Purpose
from isocket.domain.record import Record, record
from isocket.kit.clock import EPOCH

EXPORT_LIFE = timedelta(days=3)
BY_REQUEST = "by_request"
"""Stands for a session where a copy was asked for by letter or form: any session that proved itself anew fetches it."""

EXPORT_FACT = Handling(purpose=Purpose.SERVICE, basis=Basis.LEGAL_DUTY, keep=Keep.DAYS_30)


class ExportState(StrEnum):
    """How far a copy has come."""

    WAITING = "waiting"
    WORKING = "working"
    READY = "ready"
    EXPIRED = "expired"


@record(
    collection="exports",
    subject="account_id",
    account="account_id",
    indexed=(("account_id", "created_at"), ("state", "lease_until"), ("state", "ends_at")),
)
class DataExport(Record):
    """One copy. Its file lies on the shelf under this id, sealed under the person's own key."""

    account_id: Annotated[str, EXPORT_FACT]
    session_id: Annotated[str, EXPORT_FACT]  # only who typed the password fetches it
    created_at: Annotated[datetime, EXPORT_FACT]
    state: Plain[ExportState] = ExportState.WAITING
    progress: Plain[int] = 0  # percent
    size: Plain[int] = 0  # bytes, once it is ready
    ready_at: Plain[datetime | None] = None
    ends_at: Plain[datetime | None] = None  # then the file goes
    lease_until: Plain[datetime] = EPOCH
