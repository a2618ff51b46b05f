"""Where the lines of a chart go: numbers over time as paths of an SVG picture, with gaps where nothing was told."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 10, 22
_ROOMY = 2.5  # windows: a socket that reports once a window misses one now and then, which is no gap
_STEPS = (1, 2, 5)
_TICKS = 5
_LEAST_SPAN = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What is drawn as one line: for each moment the mean, the least and the greatest; None: not told."""

    name: str
    mean: Sequence[float | None]
    least: Sequence[float | None]
    greatest: Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line as paths: itself, and the area from the least to the greatest."""

    name: str
    path: str
    area: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark at an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A picture, ready to be written down. `bars` are stretches of time: where they begin and how long they are."""

    lines: tuple[Line, ...]
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]
    bars: tuple[tuple[float, float], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The time that a picture shows, in UTC milliseconds, and how long a window is."""

    start_ms: int
    end_ms: int
    step_ms: int

    def x(self, at_ms: int) -> float:
        """Return where a moment is."""
        share = (at_ms - self.start_ms) / (self.end_ms - self.start_ms)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def chart_of(
    axis: Axis,
    ts: Sequence[int],
    measured: Sequence[Measured],
    *,
    columns: Sequence[tuple[int, str]],
    dark: Sequence[int] = (),
    whole: tuple[float, float] | None = None,
) -> Chart | None:
    """Return the picture, None where there is nothing to show. `dark` are windows to be marked as a stretch of time.

    `whole` is what the picture shows at least, as 0 to 100 of a percentage; without it what was measured.
    """
    told = [each for one in measured for values in (one.least, one.greatest) for each in values if each is not None]
    if not told:
        return None
    rows = _round_values(min([*told, *(whole or ())]), max([*told, *(whole or ())]))
    low, high = rows[0], rows[-1]

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    middle_ms = axis.step_ms // 2
    xs = [axis.x(at_ms + middle_ms) for at_ms in ts]
    lines = []
    for one in measured:
        runs = list(_runs(ts, one.mean, axis.step_ms * _ROOMY))
        there = [[(xs[place], y(one.mean[place] or 0)) for place in run] for run in runs]
        above = [[(xs[place], y(one.greatest[place] or 0)) for place in run] for run in runs]
        below = [[(xs[place], y(one.least[place] or 0)) for place in reversed(run)] for run in runs]
        area = "".join(f"{_path([*up, *down])}Z" for up, down in zip(above, below, strict=True))
        lines.append(Line(name=one.name, path="".join(map(_path, there)), area=area))
    bars = [(axis.x(at_ms), round(axis.x(at_ms + axis.step_ms) - axis.x(at_ms), 1)) for at_ms in dark]
    return Chart(
        lines=tuple(lines),
        rows=tuple(Tick(at=y(each), label=f"{each:g}") for each in rows),
        columns=tuple(Tick(at=axis.x(at_ms), label=label) for at_ms, label in columns),
        bars=tuple(bars),
    )


def _runs(ts: Sequence[int], values: Sequence[float | None], longest_ms: float) -> Iterator[list[int]]:
    """Yield the places that belong together: a line is broken where nothing was told for too long."""
    run: list[int] = []
    for place, value in enumerate(values):
        if value is None:
            continue
        if run and ts[place] - ts[run[-1]] > longest_ms:
            yield run
            run = []
        run.append(place)
    if run:
        yield run


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Return a path; one point alone is a dot, by its round ends."""
    first, *others = (f"{x:g} {y:g}" for x, y in points)
    return f"M{first}{''.join(f'L{each}' for each in others) or 'h0'}"


def _round_values(low: float, high: float) -> list[float]:
    """Return a few round numbers that hold both; what hardly moves lies in the middle of a span of at least one."""
    spare = max(_LEAST_SPAN - (high - low), 0.0) / 2
    low, high = low - spare, high + spare
    raw = (high - low) / _TICKS
    size = 10.0 ** math.floor(math.log10(raw))
    step = next((size * each for each in _STEPS if size * each >= raw), size * 10)
    first, last = math.floor(low / step), max(math.ceil(high / step), math.floor(low / step) + 1)
    return [round(number * step, 6) for number in range(first, last + 1)]
