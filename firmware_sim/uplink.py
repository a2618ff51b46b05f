"""What a device may send next: live messages at once, its backlog in order, step by step."""

from collections.abc import Sequence
from dataclasses import dataclass

from firmware_sim import wire
from firmware_sim.backlog import Backlog
from firmware_sim.wire import Kind, Outgoing, Stored

STORED_WAIT_MS = 2_000
RESEND_AFTER_MS = 120_000
RESEND_AT_MOST_MS = 1_800_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    kind: Kind
    payload: bytes
    reports: int = 1


class Uplink:
    """Decides what goes out. While it catches up, new reports queue behind the old ones; new alarms do not.

    Catching up: alarms, answers and settings as single messages, then one batch of reports at a time, each step
    after `stored` or, so that a silent cloud stops nobody for ever, after two seconds.
    """

    def __init__(self, backlog: Backlog) -> None:
        self.backlog = backlog
        self.resent = 0
        self._connected = False
        self._catching_up = False
        self._wait_until_ms: int | None = None
        self._confirmed_ms = 0
        self._patience_ms = RESEND_AFTER_MS

    def connected(self, now_ms: int) -> None:
        self._connected = True
        self._begin_again(now_ms)

    def disconnected(self) -> None:
        self._connected = False
        self.backlog.nothing_was_sent()

    def offer(self, messages: Sequence[Outgoing]) -> list[Publication]:
        """New messages of the device: kept, and those returned that may go at once."""
        publications = []
        for message in messages:
            at_once = self._connected and not (self._catching_up and message.kind is Kind.STATE)
            self.backlog.keep(message, sent=at_once)
            if at_once:
                publications.append(Publication(kind=message.kind, payload=message.payload))
        return publications

    def stored(self, upto: Stored, now_ms: int) -> int:
        """How many messages that frees. The next step of catching up is due at once."""
        freed = self.backlog.stored(upto)
        if freed:
            self._confirmed_ms, self._patience_ms = now_ms, RESEND_AFTER_MS
        if not self.backlog.awaits_storing:
            self._wait_until_ms = None
        return freed

    def due(self, now_ms: int) -> list[Publication]:
        """What is to be sent now from the backlog."""
        if not self._connected:
            return []
        if not self._catching_up:
            self._judge_silence(now_ms)
        if not self._catching_up or (self._wait_until_ms is not None and now_ms < self._wait_until_ms):
            return []
        publications = self._next_step()
        if publications:
            self._wait_until_ms = now_ms + STORED_WAIT_MS
        self._catching_up = bool(publications)
        return publications

    def _next_step(self) -> list[Publication]:
        singles = self.backlog.take_singles()
        if singles:
            self.resent += len(singles)
            return [Publication(kind=message.kind, payload=message.payload) for message in singles]
        batch = self.backlog.take_batch()
        if not batch:
            return []
        self.resent += len(batch)
        payload = wire.encode_batch([message.payload for message in batch])
        return [Publication(kind=Kind.STATE, payload=payload, reports=len(batch))]

    def _judge_silence(self, now_ms: int) -> None:
        if not self.backlog.awaits_storing:
            self._confirmed_ms = now_ms
        elif now_ms - self._confirmed_ms >= self._patience_ms:
            self._patience_ms = min(2 * self._patience_ms, RESEND_AT_MOST_MS)
            self._begin_again(now_ms)

    def _begin_again(self, now_ms: int) -> None:
        self.backlog.nothing_was_sent()
        self._catching_up = self.backlog.has_unsent
        self._wait_until_ms, self._confirmed_ms = None, now_ms
