"""What the rules remember of a device between two judgements, and its form in a Watch."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from isocket.domain.incidents import Cause
from isocket.domain.reports import Order
from isocket.kit.clock import FAR_AHEAD_MS

BEFORE_ALL: Order = (-1, -1)


class Key(NamedTuple):
    """What can be wrong once at a time: a cause, at one probe or input where it has any.

    `about`: of what comes and goes, the cause that does.
    """

    cause: Cause
    probe: int | None = None
    about: Cause | None = None

    def __str__(self) -> str:
        """Return `cause`, `cause.probe`, or either with `flapping/` before it."""
        if self.about is not None:
            return f"{self.cause}/{Key(self.about, self.probe)}"
        return str(self.cause) if self.probe is None else f"{self.cause}.{self.probe}"

    @classmethod
    def of(cls, text: str) -> "Key":
        """Return the key that `str` wrote."""
        outer, _, inner = text.rpartition("/")
        cause, _, probe = inner.partition(".")
        number = int(probe) if probe else None
        return cls(Cause(outer), number, Cause(cause)) if outer else cls(Cause(cause), number)


MAINS = Key(Cause.MAINS_LOST)


class Phase(StrEnum):
    """How far a trouble has come. What is not remembered is quiet."""

    WAITING = "waiting"  # it holds, its delay is running
    OPEN = "open"
    CLEARING = "clearing"  # open still, but it is over and the delay of the clear is running


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One trouble. Moments are those of the reports; `heard_ms` is our own clock. UTC milliseconds."""

    phase: Phase
    since_ms: int  # when the trouble began
    turned_ms: int  # when its phase began, as the report says
    heard_ms: int  # when we heard of that
    opener: str  # names the report it began with
    boot: int  # of that report
    seq: int
    incident_id: str | None = None
    by_device: bool = False  # the device itself raised the alarm, by no limit of ours
    holds: bool = True  # the last word on it was trouble
    value: float | None = None
    depth: float | None = None  # the lowest battery threshold that was reached
    explained_by: str | None = None
    late: bool = False  # whatever was said of it came long after the fact
    limit: float | None = None  # of ours, which it was beyond when it was trouble last
    limit_changed: bool = False  # it clears since it no longer is beyond a limit, and would be beyond that one

    @property
    def is_open(self) -> bool:
        """Return whether there is an incident."""
        return self.phase is not Phase.WAITING


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerBack:
    """The mains failure that ended last: for a while it still explains what follows from it."""

    incident_id: str
    began_ms: int
    at_ms: int
    heard_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a device may be silent, in milliseconds; 0 or less: for ever.

    `before_ms` is the longest that held before it was lowered at `lowered_ms`, while the device has not been heard
    since: it counts until then.
    """

    after_ms: int
    before_ms: int = 0
    lowered_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Descent:
    """Signs that a device counts its boots from the beginning again.

    `fresh`: how many state reports in a row came in good time and from a boot below the judged one.
    `disbelieved`: the order of a state that is not the newest, whatever its number says.
    """

    fresh: int = 0
    disbelieved: Order = BEFORE_ALL


Track = tuple[tuple[int, float], ...]
"""What a thermometer said within its window: moments and degrees, the oldest first, thinned out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """All of one device. `alarms` orders the alarm reports judged: they come by a lane of their own.

    `said`: the newest alarm about each thing, of the device's latest start: it outweighs a state that it overtook.
    `proven`: the thermometers that ever gave a value; one that never did is not plugged in, which is no fault.
    `tracks`: of each thermometer whose changes are watched. `flaps`: when alarms of each kind opened lately, by our
    clock; their being over does not end that.
    """

    conditions: Mapping[Key, Condition] = field(default_factory=dict)
    proven: frozenset[int] = frozenset()
    power_back: PowerBack | None = None
    alarms: Order = BEFORE_ALL
    said: Mapping[Key, Order] = field(default_factory=dict)
    patience: Patience | None = None
    descent: Descent = Descent()
    tracks: Mapping[int, Track] = field(default_factory=dict)
    flaps: Mapping[Key, tuple[int, ...]] = field(default_factory=dict)


T = TypeVar("T")
M = TypeVar("M", Condition, PowerBack, Patience)
_MOMENTS: Mapping[type, tuple[str, ...]] = {
    Condition: ("since_ms", "turned_ms", "heard_ms"),
    PowerBack: ("began_ms", "at_ms", "heard_ms"),
    Patience: ("lowered_ms",),
}


def brought_back(memory: Memory, heard_ms: int, now_ms: int) -> Memory:
    """Return the memory of a device that was heard last at `heard_ms`, with no moment far after that and the present.

    Such a moment is from before the clock was set back: what began then began when the device was heard last. As long
    as `heard_ms` lies ahead as well it is not sure that the clock was set back for good, see `Telemetry.claim_waiting`.
    """
    far_ms = max(heard_ms, now_ms) + FAR_AHEAD_MS
    back = memory.power_back
    conditions = {key: _brought_back(each, heard_ms, far_ms) for key, each in memory.conditions.items()}
    flaps = {key: tuple(each for each in moments if each <= far_ms) for key, moments in memory.flaps.items()}
    back = None if back is None else _brought_back(back, heard_ms, far_ms)
    patience = None if memory.patience is None else _brought_back(memory.patience, heard_ms, far_ms)
    if (conditions, back, patience, flaps) == (memory.conditions, memory.power_back, memory.patience, memory.flaps):
        return memory
    return replace(memory, conditions=conditions, power_back=back, patience=patience, flaps=flaps)


def _brought_back(known: M, heard_ms: int, far_ms: int) -> M:
    ahead: dict[str, Any] = {name: heard_ms for name in _MOMENTS[type(known)] if (getattr(known, name) or 0) > far_ms}
    return replace(known, **ahead) if ahead else known


_PROVEN, _POWER_BACK, _ALARMS, _PATIENCE = "proven_probes", "power_back", "alarms_judged", "patience"
_DESCENT, _TRACKS, _FLAPS, _SAID = "descent", "tracks", "flaps", "alarms_said"


def to_watch(memory: Memory) -> dict[str, Any]:
    """Return the memory as JSON values for `Watch.conditions`; what has its default is left out."""
    kept: dict[str, Any] = {str(key): _values(each) for key, each in memory.conditions.items()}
    if memory.proven:
        kept[_PROVEN] = sorted(memory.proven)
    if memory.power_back is not None:
        kept[_POWER_BACK] = _values(memory.power_back)
    if memory.alarms != BEFORE_ALL:
        kept[_ALARMS] = list(memory.alarms)
    if memory.said:
        kept[_SAID] = {str(key): list(order) for key, order in memory.said.items()}
    if memory.patience is not None:
        kept[_PATIENCE] = _values(memory.patience)
    if memory.descent != Descent():
        kept[_DESCENT] = [memory.descent.fresh, *memory.descent.disbelieved]
    if memory.tracks:
        kept[_TRACKS] = {str(probe): [list(each) for each in track] for probe, track in memory.tracks.items()}
    if memory.flaps:
        kept[_FLAPS] = {str(key): list(moments) for key, moments in memory.flaps.items()}
    return kept


def _values(flat: Condition | PowerBack | Patience) -> dict[str, Any]:
    """Return the fields by name: each holds a single value, so there is nothing to copy."""
    return {name: getattr(flat, name) for name in flat.__slots__}


def from_watch(kept: Mapping[str, Any]) -> Memory:
    """Return the memory that `to_watch` wrote, without what only a newer program remembers.

    Else no socket with anything open could be judged by the roles of an older one that still run beside it.
    """
    rest = dict(kept)
    proven = rest.pop(_PROVEN, ())
    power_back = rest.pop(_POWER_BACK, None)
    boot, seq = rest.pop(_ALARMS, BEFORE_ALL)
    patience = rest.pop(_PATIENCE, None)
    fresh, *disbelieved = rest.pop(_DESCENT, (0, *BEFORE_ALL))
    tracks, flaps, said = rest.pop(_TRACKS, {}), rest.pop(_FLAPS, {}), rest.pop(_SAID, {})
    return Memory(
        conditions={key: _condition(each) for key, each in _by_key(rest)},
        proven=frozenset(proven),
        power_back=None if power_back is None else PowerBack(**_known(PowerBack, power_back)),
        alarms=(boot, seq),
        said={key: (boot, seq) for key, (boot, seq) in _by_key(said)},
        patience=None if patience is None else Patience(**_known(Patience, patience)),
        descent=Descent(fresh=fresh, disbelieved=(disbelieved[0], disbelieved[1])),
        tracks={int(probe): tuple((at_ms, c) for at_ms, c in track) for probe, track in tracks.items()},
        flaps={key: tuple(moments) for key, moments in _by_key(flaps)},
    )


def _condition(kept: Mapping[str, Any]) -> Condition:
    return Condition(**{**_known(Condition, kept), "phase": Phase(kept["phase"])})


def _by_key(kept: Mapping[str, T]) -> Iterator[tuple[Key, T]]:
    """Yield what is kept under each key that this program knows."""
    for text, each in kept.items():
        with suppress(ValueError):
            yield Key.of(text), each


def _known(flat: type[Condition | PowerBack | Patience], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that this program knows."""
    return {name: kept[name] for name in flat.__slots__ if name in kept}
