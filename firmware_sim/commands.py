"""The device's rules for commands: in time, once, and with arguments that make sense."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from firmware_sim.clock import Moment
from firmware_sim.wire import Command, Malformed, Result

REMEMBERED_IDS = 32
RESTART_S = 10
PULSE_S = 2
LONGEST_TIMER_S = 65_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    result: Result
    error: str | None = None


EXECUTED = Verdict(result=Result.EXECUTED)


class CommandDesk:
    """Judges each command and remembers the last ids with their verdicts."""

    def __init__(self, answered: tuple[tuple[str, Verdict], ...] = ()) -> None:
        self._answered = OrderedDict(answered)

    @property
    def answered(self) -> tuple[tuple[str, Verdict], ...]:
        return tuple(self._answered.items())

    def judge(self, command: Command, now: Moment, execute: Callable[[Command], Verdict]) -> Verdict:
        """The verdict on a command; a repeated id gets its first verdict again and moves nothing."""
        if command.id in self._answered:
            return self._answered[command.id]
        verdict = _too_late(command, now) or execute(command)
        self._remember(command.id, verdict)
        return verdict

    def reject(self, malformed: Malformed) -> Verdict:
        """The answer to a command that has an id but cannot be read."""
        verdict = Verdict(result=Result.REJECTED, error=malformed.reason)
        if malformed.id is not None and malformed.id not in self._answered:
            self._remember(malformed.id, verdict)
        return verdict

    def _remember(self, command_id: str, verdict: Verdict) -> None:
        self._answered[command_id] = verdict
        while len(self._answered) > REMEMBERED_IDS:
            self._answered.popitem(last=False)


def timer_s(command: Command, default_s: float | None) -> float | Verdict:
    """`args.seconds`, or the default; a rejection where neither will do."""
    seconds = command.args.get("seconds", default_s)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return Verdict(result=Result.REJECTED, error="args.seconds: a number is needed")
    if not 0 < seconds <= LONGEST_TIMER_S:
        return Verdict(result=Result.REJECTED, error=f"args.seconds: above 0, at most {LONGEST_TIMER_S} is needed")
    return seconds


def _too_late(command: Command, now: Moment) -> Verdict | None:
    if now.utc_ms is None:
        return Verdict(result=Result.FAILED, error="the clock is not set, so nobody knows if this is in time")
    if now.utc_ms > command.expires_ms:
        return Verdict(result=Result.EXPIRED)
    return None
