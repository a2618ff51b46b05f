"""What a device may be told: `stored {boot, seq}` says that everything up to there is on disk. Pure.

Messages come in two lanes, so a stored one does not mean that those before it are stored. A device is told no more
than the end of the unbroken run that we hold. A number that never comes (a refused message without a readable
number, a device that skips) would stop that for ever, so a gap is given up when the device has been in touch long
enough to have sent it again: after a reconnect it sends everything that was not confirmed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from isocket.storage.telemetry import Confirmed, Order

GAP_PATIENCE_S = 60.0  # 64 KiB take that long on a poor GPRS link
BOOT_PATIENCE_S = 5.0  # after a restart: the backlog of the boot before goes first on the other lane
EVERY_S = 10.0  # the contract: at most so often without a reason


@dataclass(slots=True)
class Run:
    """One device: everything up to `upto` is stored, and so are those in `beyond`."""

    upto: Order | None = None
    beyond: set[Order] = field(default_factory=set)
    lowest: Order | None = None  # of those in `beyond`
    waiting_since: float = 0.0  # when the gap behind `upto` was found, on the monotonic clock
    told: Order | None = None
    told_at: float = float("-inf")

    def take(self, order: Order, now: float) -> None:
        """Note that a message is stored."""
        upto = self.upto
        if upto is None:
            self.upto = order
        elif order == (upto[0], upto[1] + 1):
            self.upto = order
            if self.lowest is not None and self.lowest <= (order[0], order[1] + 1):
                self._close_up()
        elif order > upto:
            if self.lowest is None:
                self.waiting_since = now
            if self.lowest is None or order < self.lowest:
                self.lowest = order
            self.beyond.add(order)
        else:
            self.told = None  # it sends what we have confirmed, so it did not hear us

    def in_touch_anew(self, now: float) -> None:
        """The device (or we) came back: it now sends again what was not confirmed; wait for that.

        It may have missed what we told it, so it is told again, and soon.
        """
        self.waiting_since = now
        self.told, self.told_at = None, float("-inf")

    def give_up_gaps(self, now: float) -> None:
        """Pass over numbers that the device had time enough to send again."""
        while self.lowest is not None and self.upto is not None:
            patience = GAP_PATIENCE_S if self.lowest[0] == self.upto[0] else BOOT_PATIENCE_S
            if now - self.waiting_since < patience:
                return
            self.upto = self.lowest
            self._close_up()

    def due(self, now: float, *, urgent: bool) -> Order | None:
        """Return what to tell the device now, or None."""
        if self.upto is None or self.upto == self.told:
            return None
        if not urgent and now - self.told_at < EVERY_S:
            return None
        return self.upto

    def _close_up(self) -> None:
        """Move `upto` over what follows it without a gap, and forget what it has passed."""
        if self.upto is None:
            return
        boot, seq = self.upto
        while (boot, seq + 1) in self.beyond:
            seq += 1
        self.upto = (boot, seq)
        self.beyond = {each for each in self.beyond if each > self.upto}
        self.lowest = min(self.beyond, default=None)


class Confirmations:
    """The runs of all devices that spoke since we started."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._advanced: set[str] = set()
        self._urgent: set[str] = set()

    def unknown(self, device_ids: Iterable[str]) -> list[str]:
        """Return the devices of which `begin` has not told the past."""
        return [each for each in set(device_ids) if each not in self._runs]

    def begin(self, device_id: str, past: Confirmed, now: float) -> None:
        """Take up a device where an earlier process left it.

        Without a past the first number we see is where its run begins. With one, but never confirmed, the run
        begins at the oldest report that we hold.
        """
        run = Run(upto=past.upto, told=past.upto)
        for order in past.beyond:
            run.take(order, now)
        self._runs[device_id] = run

    def stored(self, device_id: str, order: Order, now: float, *, urgent: bool = False) -> None:
        """Note that a message is stored; `urgent` ones are answered at once."""
        self._runs[device_id].take(order, now)
        self._advanced.add(device_id)
        if urgent:
            self._urgent.add(device_id)

    def in_touch_anew(self, now: float, device_id: str | None = None) -> None:
        """One device came back, or (None) we did."""
        for each in self._runs if device_id is None else {device_id} & self._runs.keys():
            self._runs[each].in_touch_anew(now)
            self._advanced.add(each)

    def due(self, now: float) -> dict[str, Order]:
        """Return what to tell whom now; it counts as told."""
        told: dict[str, Order] = {}
        for device_id in list(self._advanced):
            run = self._runs[device_id]
            run.give_up_gaps(now)
            order = run.due(now, urgent=device_id in self._urgent)
            if order is not None:
                run.told, run.told_at = order, now
                told[device_id] = order
                self._urgent.discard(device_id)
            if run.upto == run.told and not run.beyond:
                self._advanced.discard(device_id)
        return told
