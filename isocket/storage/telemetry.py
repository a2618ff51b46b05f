"""The Telemetry port, the hot path: what sockets report, their latest state, and which of them wait to be judged.

A report is quiet when its device's envelope holds it (`isocket.domain.reports.Envelope`); then it is stored and
nothing else happens. A report that is not quiet, of any kind but `ack` and `reported`, marks the device as
waiting, and so does every later one until the device was judged: rules see them in order, without gaps.
A device without an envelope (new, or with something open) has all its reports judged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from isocket.domain.reports import DeviceState, Envelope, Order, Report
from isocket.storage.table import Table, TableCursor


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A device claimed for judgement. `fence` grows with each claim; only the holder of the newest may settle."""

    device_id: str
    fence: int
    reports: tuple[Report, ...]  # those to judge, by (boot, seq); empty when only time brought us here
    state: DeviceState | None
    envelope: Envelope | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """How far a device was told that everything is stored, and which messages beyond that are stored too."""

    upto: Order | None  # None: it was never told anything
    beyond: tuple[Order, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RollCall:
    """How many sockets are there, of those whose silence is waited for.

    A device is gone when the broker said so and it has not been heard since, or when half the time has passed after
    which its silence is judged. `gone` went within the time that was asked about, and `dark` did so too after having
    said that it has no mains power; who went longer ago is not counted at all.
    """

    present: int
    gone: int
    dark: int
    waiting_since: datetime | None  # since when the device waits that waits longest to be judged

    @property
    def all(self) -> int:
        """Return of how many this tells."""
        return self.present + self.gone + self.dark


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Points of one device: `ts` in UTC milliseconds; a list as long for each field, None where no value is.

    Of windows, `least` and `greatest` hold the same for the fields that are numbers.
    """

    step: str
    ts: list[int]
    fields: dict[str, list[Any]]
    next: str | None
    least: dict[str, list[Any]] = field(default_factory=dict)
    greatest: dict[str, list[Any]] = field(default_factory=dict)


class Arrival(NamedTuple):
    """That a message came, of whatever kind."""

    boot: int
    seq: int
    at_ms: int
    received_ms: int


NewsCursor = tuple[int, int]
"""How far somebody has followed all devices: the number of a report, and that of a coming or going."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Of whom there was news, and up to where it was looked."""

    upto: NewsCursor
    device_ids: tuple[str, ...]


class Telemetry(Protocol):
    """Reports of all devices. Every verb is atomic and durable when it returns."""

    async def store(self, reports: Sequence[Report]) -> list[bool]:
        """Store hundreds of reports in one commit; return for each whether it was new (False: a repeat).

        Moves each device's latest state (only forward by (boot, seq)), notes that the device was heard, and
        marks it as waiting where a report is outside its envelope. A repeat changes nothing.
        """
        ...

    async def note_presence(self, device_id: str, *, online: bool, at: datetime) -> None:
        """Note what the broker says of a connection. Traffic later than `at` makes a device online again."""
        ...

    async def confirmed(self, device_ids: Sequence[str]) -> dict[str, Confirmed]:
        """Return for each device (known or not) how far its storing was confirmed and what is stored beyond."""
        ...

    async def note_confirmed(self, upto: Mapping[str, Order]) -> None:
        """Note how far devices were told; it only grows."""
        ...

    async def latest(self, device_ids: Sequence[str]) -> dict[str, DeviceState]:
        """Return the latest state of those devices that ever spoke."""
        ...

    async def news(self, after: NewsCursor | None, device_ids: Sequence[str]) -> News:
        """Return which of the devices have stored a state report, come or gone after a place, and the place of now.

        Places are given in the order of the commits and survive a restart. Whoever asks from far back is told of all
        of them: looking closer would cost more. None for `after` asks for the place of now alone.
        """
        ...

    async def series(
        self,
        device_id: str,
        *,
        start: datetime,
        end: datetime,
        step: str = "raw",
        fields: Sequence[str] | None = None,
        cursor: str | None = None,
        limit: int = 10_000,
        time_zone: str = "UTC",
        spread: bool = False,
    ) -> Series:
        """Return points with start <= time < end, oldest first. A list field becomes `temp_c.0`, `temp_c.1` …

        `step` `raw` gives every report; `1m 15m 1h 1d` give one point a window that has any, numbers as mean and
        true/false as the last. Windows without a report are absent: a gap stays a gap. Steps from `15m` on reach back
        behind reports that were pruned, the others do not. `spread` also asks for the least and the greatest.

        Raises:
            ValueError: the step is none of these, or the cursor is not one of ours.
        """
        ...

    async def arrivals(self, device_id: str, *, start: datetime, end: datetime) -> list[Arrival]:
        """Return which messages of a time came, and of each side of it the next one, ordered by (boot, seq)."""
        ...

    async def roll_up(self, *, limit: int = 1000) -> int:
        """Gather up to `limit` reports, in the order in which they came, into the hours that outlast them.

        Return how many were looked at; 0: all are in. Each report is gathered once, whatever dies or runs at the same
        time, and one that is late goes into the hour of its own time.
        """
        ...

    async def prune(self, before: datetime, *, limit: int = 500, sparing: Sequence[str] = ()) -> int:
        """Remove reports of a time before `before`, which only grows; return how many, at most about `limit`.

        Those that are not gathered or not judged yet stay, and those of the devices in `sparing`. A report that comes
        later of so long ago is in no hour: it may have been there before.
        """
        ...

    async def prunable(self, before: datetime, *, sparing: Sequence[str] = ()) -> int:
        """Return how many reports `prune` would remove."""
        ...

    async def reports(
        self, device_id: str, *, start: datetime, end: datetime, after: Report | None = None, limit: int = 10_000
    ) -> list[Report]:
        """Return the messages of a device, of whatever kind, with start <= time < end, ordered by (time, boot, seq).

        `after` is the last one seen: what follows it in the order is returned.
        """
        ...

    async def named(self, device_id: str, order: Order) -> Report | None:
        """Return the message of a device that has this boot and seq, of whatever kind."""
        ...

    async def table(
        self, device_id: str, *, start: datetime, end: datetime, after: TableCursor | None = None, limit: int = 5_000
    ) -> Table:
        """Return state and alarm reports with start <= time < end as lines of a table, ordered by (time, arrival).

        It is for long tables that nobody waits for: it stands back behind everything else. At most `limit` lines,
        behind the place `after`. The columns are `isocket.storage.table.COLUMNS`.
        """
        ...

    async def take_in(self, reports: Sequence[Report]) -> int:
        """Store reports that were made elsewhere, as the past alone; return how many were not there.

        Nothing is judged, no state moves, and no device counts as heard. They are gathered into hours as any other.
        """
        ...

    async def whole_since(self) -> datetime:
        """Return since when single reports are all there: what was pruned is older."""
        ...

    async def claim_waiting(self, *, owner: str, now: datetime, lease_s: float, ahead: bool = False) -> Waiting | None:
        """Claim the device that waits longest: with reports to judge, woken by time, or silent for too long.

        One that says an alarm overtakes: of the devices with one, that waits longest which does so with an alarm. Yet
        every other time it is the turn of all, so that many alarms starve nobody.
        The device is the unit of claiming, since order is a property of the device. None when nobody waits. Who asks
        in vain with `ahead` asks again soon, and a store of this process may claim for them, in the very commit that
        makes it wait, the next device that begins to: they get it then.

        Such a claim is one as any other. Its device goes to one of those who asked so and to nobody else, with what had
        come by then; what comes later is judged next. They may hear of it while its commit is on its way to the disk:
        what the task that claimed writes then waits for that commit, and is refused where it fails. Where nobody
        fetches it, or its process dies with it, its lease of `lease_s` runs out and anybody may claim it. A store that
        is closed gives it back.

        A lease until more than `FAR_AHEAD_MS` after `now` is from before the clock was set back, and over. What was
        heard so late counts as heard now, so that its silence is noticed all the same, but only once the clock has
        stayed like that for a while (see `SetBack`): brought back by a clock that is wrong for a moment, all would
        seem silent as soon as it is right again.
        """
        ...

    async def settle(
        self,
        waiting: Waiting,
        *,
        envelope: Envelope | None,
        wake_at: datetime | None,
        silent_after_s: float | None,
    ) -> bool:
        """End a claim: drop the judged reports from the waiting list and set what wakes the device next.

        `silent_after_s`: that many seconds after the last message the device waits by itself, once; None: never
        (its silence is judged already). Returns False, changing nothing, when the claim was lost to another.
        """
        ...

    async def wake(self, device_id: str) -> None:
        """Make a device wait to be judged now: its settings or its owner changed. Unknown devices are no error."""
        ...

    async def roll_call(self, *, now: datetime, within_s: float) -> RollCall:
        """Count the devices that are there, and those that went within the last `within_s` seconds."""
        ...

    async def gone(self, *, now: datetime, within_s: float, limit: int, after: str = "") -> list[str]:
        """Name at most `limit` of those that the roll call counts as `gone`, in the order of their ids.

        `after` is the last one seen: those that follow it are named.
        """
        ...

    async def start_over(self, device_id: str, *, beyond: Order, below: Order) -> None:
        """Let the latest state follow a device that counts its boots from the beginning again.

        It becomes what the state report said that came last among those with `beyond` < (boot, seq) < `below`, field
        by field over what was known; newer ones move it forward from there. Without such a report nothing changes.
        """
        ...

    async def forget(self, device_id: str) -> int:
        """Remove everything reported by a device, its state and what waits; return how many reports there were."""
        ...

    async def reports_waiting(self) -> int:
        """Return how many reports wait to be judged (for metrics and tests)."""
        ...


def flat(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields with each list spread out: `{"temp_c": [1, None]}` is `{"temp_c.0": 1, "temp_c.1": None}`."""
    spread: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, list | tuple):
            spread.update({f"{name}.{number}": item for number, item in enumerate(value)})
        else:
            spread[name] = value
    return spread
