"""What would have gone out: the messages that the desk shows where no provider is set up."""

from datetime import datetime
from typing import Annotated

from isocket.domain.contacts import ChannelKind
from isocket.domain.handling import DESK_FACT, MESSAGE_TEXT
from isocket.domain.record import Record, record


@record(collection="desk_messages", subject="person_id", account="account_id", indexed=(("at",),))
class DeskMessage(Record):
    """One message put on the desk instead of being sent. Id = id of the attempt."""

    account_id: Annotated[str, DESK_FACT]
    person_id: Annotated[str, DESK_FACT]
    channel: Annotated[ChannelKind, DESK_FACT]
    address: Annotated[str, MESSAGE_TEXT]
    subject_line: Annotated[str, MESSAGE_TEXT] = ""
    text: Annotated[str, MESSAGE_TEXT]
    at: Annotated[datetime, DESK_FACT]
