"""Numbers and mailboxes whose readers asked us to stop: it holds for whoever enters them, and however often."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from isocket.domain.handling import STOPPED_ADDRESS, STOPPED_FACT
from isocket.domain.record import Record, record


class StopKind(StrEnum):
    """What was said, from the lightest to the weightiest; the weightiest holds.

    Whoever only said stop is asked again where a code is wanted; who objected is not.
    """

    STOP = "stop"
    OBJECTED = "objected"  # Art. 21
    ERASED = "erased"  # Art. 17: they are not entered again by somebody else

    def outweighs(self, other: "StopKind") -> bool:
        """Return whether this holds where both were said."""
        order = list(StopKind)
        return order.index(self) > order.index(other)


@record(collection="stops", subject="id", indexed=(("address",),))
class Stop(Record):
    """One address that said stop. It is of no account, so that it outlives contacts and accounts; its id says nothing.

    It goes when its reader comes back.
    """

    address: Annotated[str, STOPPED_ADDRESS]  # as `stopped_address` writes it
    stopped_at: Annotated[datetime, STOPPED_FACT]
    said: Annotated[StopKind, STOPPED_FACT] = StopKind.STOP


def stopped_address(address: str) -> str:
    """Return a number or mailbox as a stop is kept and looked for."""
    return address.strip().casefold()
