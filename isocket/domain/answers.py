"""How often we have answered text messages from a number lately: two machines must not talk to each other for ever."""

from datetime import datetime
from typing import Annotated

from isocket.domain.handling import MESSAGE_FACT, Plain
from isocket.domain.record import Record, record


@record(collection="answers", subject="contact_id", account="account_id", indexed=(("contact_id",),))
class Answers(Record):
    """The answers to one contact's texts. Id derived from the contact's."""

    account_id: Annotated[str, MESSAGE_FACT]
    contact_id: Annotated[str, MESSAGE_FACT]
    at: Annotated[datetime, MESSAGE_FACT]  # counted from then on, for an hour
    given: Plain[int] = 0
