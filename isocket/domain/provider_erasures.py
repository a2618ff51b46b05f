"""What a provider was asked to erase of somebody who was erased here, one message or call at a time, and its answer."""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from isocket.domain.contacts import ChannelKind
from isocket.domain.erasures import ERASURE_FACT
from isocket.domain.handling import Export, Plain
from isocket.domain.record import Record, record
from isocket.kit.clock import EPOCH

ELSEWHERE = replace(ERASURE_FACT, export=Export.WITHHELD)  # it names a message at a provider, and is gone once answered


class ProviderAnswer(StrEnum):
    """What became of asking."""

    WAITING = "waiting"  # not asked yet, or to be asked again
    ERASED = "erased"
    GONE = "gone"  # the provider does not have it any more
    CANNOT = "cannot"  # it offers no way to erase one message, or is not ours any more
    GAVE_UP = "gave_up"  # asked for weeks, and not done


@record(
    collection="provider_erasures",
    indexed=(("settled", "due_at"), ("erasure_id",)),
)
class ProviderErasure(Record):
    """One wish. Id derived from the attempt's: wished twice, it is one. It names nobody once it is answered."""

    erasure_id: Plain[str]  # of the receipt in which the answer stands
    channel: Plain[ChannelKind]
    provider: Plain[str]
    provider_id: Annotated[str, ELSEWHERE]  # as the provider calls the message; emptied with its answer
    answer: Plain[ProviderAnswer] = ProviderAnswer.WAITING
    asked_at: Plain[datetime]
    answered_at: Plain[datetime | None] = None
    due_at: Plain[datetime]
    tries: Plain[int] = 0
    settled: Plain[bool] = False
    lease_until: Plain[datetime] = EPOCH  # claimed by a worker until then
