"""What we asked back about a request by right, what was answered and by which way, and what was done for it."""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from isocket.domain.handling import Keep
from isocket.domain.record import Record, record
from isocket.domain.requests import REQUEST_FACT, REQUEST_WORDS, RequestChannel

NOTE_WORDS = replace(REQUEST_WORDS, keep=Keep.YEAR_1)


class NoteKind(StrEnum):
    """Whose words they are."""

    QUESTION = "question"  # ours
    ANSWER = "answer"  # of whoever asks
    DONE = "done"  # ours: what was done for it by a command


@record(
    collection="request_notes",
    subject="request_id",
    account="account_id",
    indexed=(("request_id", "at"), ("account_id",)),
)
class RequestNote(Record):
    """One question, answer or deed, sealed under the key of its request: when that goes, nobody reads it any more."""

    request_id: Annotated[str, REQUEST_FACT]
    account_id: Annotated[str | None, REQUEST_FACT] = None  # where it was known by then whose request it is
    kind: Annotated[NoteKind, REQUEST_FACT]
    channel: Annotated[RequestChannel, REQUEST_FACT]
    words: Annotated[str, NOTE_WORDS]
    by: Annotated[
        str, REQUEST_FACT
    ]  # the member of staff who asked or typed the answer in; whoever runs this cloud did it
    at: Annotated[datetime, REQUEST_FACT]
