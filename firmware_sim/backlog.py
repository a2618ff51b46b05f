"""What the cloud has not yet said it stored: kept, sent again, and bounded."""

from collections.abc import Iterable
from dataclasses import dataclass

from firmware_sim.wire import BATCH_LIMIT_BYTES, BATCH_LIMIT_REPORTS, Kind, Outgoing, Stored

SINGLES = (Kind.ALARM, Kind.ACK, Kind.REPORTED)
GIVEN_UP = (Kind.STATE, Kind.REPORTED, Kind.ACK)  # over capacity, in this order; alarms never
_ROOM_FOR_BRACKETS = 2


@dataclass(slots=True, kw_only=True)
class _Kept:
    message: Outgoing
    sent: bool = False


class Backlog:
    """Messages by (boot, seq) until `stored` covers them. Over capacity the oldest telemetry goes first.

    `stored` frees only what was sent on the connection of today: an alarm that overtook older reports
    must not take them with it, because the cloud cannot have stored what it was not yet sent.
    """

    def __init__(self, *, capacity: int = 5000, kept: Iterable[Outgoing] = ()) -> None:
        self._capacity = capacity
        self._kept = {(m.boot, m.seq): _Kept(message=m) for m in sorted(kept, key=_place)}
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def messages(self) -> tuple[Outgoing, ...]:
        return tuple(entry.message for entry in self._kept.values())

    @property
    def awaits_storing(self) -> bool:
        """Something was sent on this connection and is not yet confirmed."""
        return any(entry.sent for entry in self._kept.values())

    @property
    def has_unsent(self) -> bool:
        return any(not entry.sent for entry in self._kept.values())

    def keep(self, message: Outgoing, *, sent: bool) -> None:
        """Keeps a new message: each with a number, or the cloud would wait for the number that is missing."""
        self._kept[_place(message)] = _Kept(message=message, sent=sent)
        while len(self._kept) > self._capacity and self._drop_oldest():
            self.dropped += 1

    def stored(self, upto: Stored) -> int:
        """How many messages this confirmation frees."""
        limit = (upto.boot, upto.seq)
        freed = [place for place, entry in self._kept.items() if entry.sent and place <= limit]
        for place in freed:
            del self._kept[place]
        return len(freed)

    def nothing_was_sent(self) -> None:
        """A new connection, or no confirmation for too long: all that is kept is to be sent again."""
        for entry in self._kept.values():
            entry.sent = False

    def take_singles(self) -> list[Outgoing]:
        """Unsent alarms, then answers, then settings, each oldest first; they count as sent."""
        taken = [entry for kind in SINGLES for entry in self._unsent(kind)]
        for entry in taken:
            entry.sent = True
        return [entry.message for entry in taken]

    def take_batch(self) -> list[Outgoing]:
        """The oldest unsent state reports that fit into one batch; they count as sent."""
        room_bytes = BATCH_LIMIT_BYTES - _ROOM_FOR_BRACKETS
        batch: list[Outgoing] = []
        for entry in self._unsent(Kind.STATE):
            room_bytes -= len(entry.message.payload) + 1
            if room_bytes < 0 or len(batch) == BATCH_LIMIT_REPORTS:
                break
            entry.sent = True
            batch.append(entry.message)
        return batch

    def _unsent(self, kind: Kind) -> list[_Kept]:
        return [entry for entry in self._kept.values() if not entry.sent and entry.message.kind is kind]

    def _drop_oldest(self) -> bool:
        for kind in GIVEN_UP:
            for place, entry in self._kept.items():
                if entry.message.kind is kind:
                    del self._kept[place]
                    return True
        return False


def _place(message: Outgoing) -> tuple[int, int]:
    return (message.boot, message.seq)
