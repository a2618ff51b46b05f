"""One device's troubles while its reports are walked: begin, wait, open, clear, close."""

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from alerts.causes import ONE_SHOT_LASTS_S, ONE_SHOTS, OWN_LIMITS, STILL_NEWS
from alerts.rules.decisions import Close, Decision, Deepen, Open, Release, Wait, incident_id
from alerts.rules.delays import NEEDS_WORD, clear_after_ms, has_no_rule, is_beyond, limit_of, raise_after_ms
from alerts.rules.explaining import SETTLING_MS, explanation, may_release, waits_for_it
from alerts.rules.flapping import NEVER, beginning, is_too_often, rest_until_ms, steady, unstable, with_one_more
from alerts.rules.memory import Condition, Key, Memory, Phase, PowerBack
from alerts.rules.signs import Look
from isocket.domain.incidents import Cause, Why
from isocket.domain.settings import DeviceSettings

ONE_SHOT_MS = ONE_SHOT_LASTS_S * 1000
END_FOLLOWS_MS = 10_000  # what is heard long after the fact comes message by message, its end right behind it
JUDGED_MS = 2_000  # within it the end of a delay is judged: whoever is told in the same moment may be told before


class When(NamedTuple):
    """A report's place: its moment (never later than we heard it), when we heard it, its order, if it came late."""

    at_ms: int
    heard_ms: int
    boot: int
    seq: int
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Whose device it is and how it is to be judged."""

    device_id: str
    account_id: str
    settings: DeviceSettings


@dataclass(slots=True, kw_only=True)
class Docket:
    """The conditions of one device, changed step by step, and what was decided on the way.

    Delays are measured twice. Between two reports by the reports' own moments, so that a backlog is judged as it
    would have been live; from the last report to the present by our clock, from when we heard it, so that a
    socket whose clock is slow is given its delay too.
    """

    case: Case
    conditions: dict[Key, Condition]
    power_back: PowerBack | None
    flaps: dict[Key, tuple[int, ...]]
    decisions: list[Decision] = field(default_factory=list)

    @classmethod
    def of(cls, case: Case, memory: Memory) -> "Docket":
        """Return the docket that goes on from `memory`; what waits and is asked for no more never opens."""
        known = memory.conditions.items()
        asked = {key: each for key, each in known if each.is_open or not has_no_rule(key, case.settings)}
        return cls(case=case, conditions=asked, power_back=memory.power_back, flaps=dict(memory.flaps))

    def look(self, key: Key, look: Look, when: When, value: float | None = None, rate: float | None = None) -> None:
        """Take note of how a thing looks; `rate`: how fast its value changes, where it is judged by that."""
        known, limit = self.conditions.get(key), limit_of(key, self.case.settings, rate)
        if known is None:
            if look is Look.BAD:
                self.conditions[key] = replace(_beginning(when, value), limit=limit)
        elif not known.is_open:
            if look is not Look.BAD:
                del self.conditions[key]
            else:
                self.conditions[key] = replace(known, late=known.late and when.late, limit=limit)
        elif known.by_device and key.cause in OWN_LIMITS:
            return
        elif look is Look.GOOD:
            if known.phase is Phase.OPEN:
                changed = is_beyond(key, value if rate is None else rate, known.limit)
                cleared = replace(known, phase=Phase.CLEARING, holds=False, limit_changed=changed)
                self.conditions[key] = replace(cleared, turned_ms=when.at_ms, heard_ms=when.heard_ms)
        elif look is Look.BAD:
            self.conditions[key] = replace(known, phase=Phase.OPEN, holds=True, limit=limit)
        else:
            self.conditions[key] = replace(known, phase=Phase.OPEN, holds=False)

    def open_at_once(self, key: Key, when: When, value: float | None, *, by_device: bool) -> None:
        """Open without a delay. What is open stays so; a one-shot begins anew."""
        known = self.conditions.get(key)
        if known is None:
            self._open(key, _beginning(when, value), by_device=by_device)
        elif not known.is_open:
            heard = known.value if value is None else value
            self._open(key, replace(known, value=heard, late=known.late and when.late), by_device=by_device)
        else:
            since_ms = max(known.since_ms, when.at_ms) if key.cause in ONE_SHOTS else known.since_ms
            raised = self._raised(key, by_device)
            self.conditions[key] = replace(known, phase=Phase.OPEN, holds=True, since_ms=since_ms, **raised)

    def end(self, key: Key, at_ms: int, heard_ms: int, why: Why) -> None:
        """Close at once what is open, forget what waits."""
        known = self.conditions.pop(key, None)
        if known is None or known.incident_id is None:
            return
        ended_ms = max(at_ms, known.since_ms)
        self._note_change(key, heard_ms)
        self.decisions.append(Close(incident_id=known.incident_id, at_ms=ended_ms, why=why))
        if key.cause is Cause.MAINS_LOST:
            self.power_back = PowerBack(
                incident_id=known.incident_id, began_ms=known.since_ms, at_ms=ended_ms, heard_ms=heard_ms
            )

    def remember(self, key: Key, value: float) -> None:
        """Keep a number with a trouble that is known."""
        if key in self.conditions:
            self.conditions[key] = replace(self.conditions[key], value=value)

    def deepen(self, key: Key, pct: float) -> None:
        """Note which battery threshold was reached; one deeper than that of the open incident is a decision."""
        known = self.conditions.get(key)
        passed = [each for each in self.case.settings.battery_low_pct if pct <= each]
        if known is None or not known.holds or not passed:
            return
        threshold = min(passed)
        if known.depth is not None and threshold >= known.depth:
            return
        self.conditions[key] = replace(known, depth=threshold, value=pct)
        if known.incident_id is not None and known.depth is not None:
            self.decisions.append(Deepen(incident_id=known.incident_id, value=pct, threshold_pct=threshold))

    def pass_before(self, at_ms: int) -> None:
        """Let the time pass up to just before a report: a delay that was over by then did its work."""
        for key, each in list(self.conditions.items()):
            if key.cause in ONE_SHOTS and each.is_open and at_ms >= each.since_ms + ONE_SHOT_MS:
                self.end(key, each.since_ms + ONE_SHOT_MS, each.heard_ms, Why.BY_ITSELF)
            elif key.cause not in NEEDS_WORD and at_ms - each.turned_ms > self._delay_ms(key, each):
                self._turn(key, each)

    def pass_with(self, at_ms: int) -> None:
        """Let the time pass up to a report, with what it said."""
        for key, each in list(self.conditions.items()):
            if each.phase is not Phase.OPEN and at_ms - each.turned_ms >= self._delay_ms(key, each):
                self._turn(key, each)

    def pass_until(self, now_ms: int) -> None:
        """Let the time pass up to the present of our own clock."""
        turning = [(key, each) for key, each in self.conditions.items() if each.phase is not Phase.OPEN]
        for key, each in turning:
            if key.cause not in NEEDS_WORD and now_ms >= each.heard_ms + self._delay_ms(key, each):
                self._turn(key, each)
        for key, each in list(self.conditions.items()):
            if key.cause in ONE_SHOTS and each.is_open and now_ms >= each.since_ms + ONE_SHOT_MS:
                self.end(key, each.since_ms + ONE_SHOT_MS, now_ms, Why.BY_ITSELF)
            elif not each.by_device and has_no_rule(key, self.case.settings):
                self.end(key, now_ms, now_ms, Why.SETTINGS)
        self._count_what_came_late()
        self._release(now_ms)
        self._rest(now_ms)

    def decided(self) -> tuple[Decision, ...]:
        """Return what was decided; what opened but seems over, or may be by now, is held back until that is known."""
        opened = {each.incident_id for each in self.decisions if isinstance(each, Open)}
        waits = [
            Wait(incident_id=each.incident_id, until_ms=self._surely_over_ms(key, each))
            for key, each in self.conditions.items()
            if each.late and each.phase is Phase.CLEARING and each.incident_id and each.incident_id not in opened
        ]
        return (*[self._held(each) if isinstance(each, Open) else each for each in self.decisions], *waits)

    def wake_ms(self) -> int | None:
        """Return when the next delay ends by our clock, None where nothing waits."""
        due: list[int] = []
        for key, each in self.conditions.items():
            if each.phase is not Phase.OPEN and key.cause not in NEEDS_WORD and not self._waits(key, each):
                due.append(each.heard_ms + self._delay_ms(key, each))
            if each.is_open and key.cause in ONE_SHOTS:
                due.append(each.since_ms + ONE_SHOT_MS)
            resting = None if key.about is None else self._rests_ms(key, each)
            if resting is not None:
                due.append(resting)
            if self.power_back is not None and may_release(self.conditions, self.case.settings, key, each):
                due.append(self.power_back.heard_ms + SETTLING_MS)
        return min(due, default=None)

    def _held(self, opening: Open) -> Open:
        known = self.conditions.get(opening.key)
        if known is None or known.incident_id != opening.incident_id:
            return opening
        holds_ms = [self._surely_over_ms(opening.key, known)] if known.phase is Phase.CLEARING else []
        holds_ms += [known.heard_ms + END_FOLLOWS_MS] if opening.late and opening.key.cause not in STILL_NEWS else []
        return replace(opening, hold_until_ms=max(holds_ms)) if holds_ms else opening

    def _surely_over_ms(self, key: Key, known: Condition) -> int:
        return known.heard_ms + self._delay_ms(key, known) + JUDGED_MS

    def _turn(self, key: Key, known: Condition) -> None:
        if self._waits(key, known):
            return
        if known.phase is Phase.WAITING:
            self._open(key, known)
        elif known.phase is Phase.CLEARING:
            why = Why.LIMIT_CHANGED if known.limit_changed else Why.OVER
            self.end(key, known.turned_ms, known.heard_ms, why)

    def _raised(self, key: Key, by_device: bool) -> dict[str, Any]:
        """Return who raised it: what a device raised ends with the limit of ours that it was told, if there is one."""
        settings = self.case.settings
        if by_device and key.cause not in OWN_LIMITS and not has_no_rule(key, settings):
            return {"by_device": False, "limit": limit_of(key, settings)}
        return {"by_device": by_device}

    def _open(self, key: Key, known: Condition, *, by_device: bool = False) -> None:
        name = incident_id(self.case.device_id, self.case.account_id, key, known.opener)
        explained = explanation(self.conditions, self.power_back, self.case.settings, key, known.since_ms)
        often = None if explained is not None or known.late else self._often(key, known)
        explained = explained or often
        raised = self._raised(key, by_device)
        opened = replace(known, phase=Phase.OPEN, holds=True, incident_id=name, explained_by=explained, **raised)
        self.conditions[key] = opened
        self.decisions.append(
            Open(
                key=key,
                incident_id=name,
                began_ms=known.since_ms,
                value=known.value,
                explained_by=explained,
                by_device=by_device,
                late=known.late,
                comes_and_goes=often is not None,
            )
        )

    def _often(self, key: Key, known: Condition) -> str | None:
        """Return the incident of its coming and going, if it opened too often lately; begin that where need be."""
        settings, coming = self.case.settings.flapping, unstable(key)
        if settings.count is None or key.cause in NEVER:
            return None
        going_on = self.conditions.get(coming)
        moments = self.flaps[key] = with_one_more(self.flaps.get(key, ()), known.heard_ms, settings)
        if going_on is not None:
            self._note_change(key, known.heard_ms)
            self.remember(coming, (going_on.value or 0) + 1)
            return going_on.incident_id
        if not is_too_often(moments, settings):
            return None
        name = incident_id(self.case.device_id, self.case.account_id, coming, known.opener)
        begun = self.conditions[coming] = beginning(known, moments, name)
        self.decisions.append(Open(key=coming, incident_id=name, began_ms=begun.since_ms, value=begun.value))
        return name

    def _count_what_came_late(self) -> None:
        """Count what opened late and lasts as one more coming: of a slow clock, or by a poor link, all is late."""
        for place, each in list(enumerate(self.decisions)):
            if not isinstance(each, Open) or not each.late or each.explained_by is not None:
                continue
            known = self.conditions.get(each.key)
            if known is None or known.incident_id != each.incident_id:
                continue  # it is over by now: people hear of neither
            often = self._often(each.key, known)
            if often is not None:
                self.conditions[each.key] = replace(known, explained_by=often)
                self.decisions[place] = replace(each, explained_by=often, comes_and_goes=True)

    def _note_change(self, key: Key, heard_ms: int) -> None:
        """Note that what comes and goes did so again."""
        coming = unstable(key)
        known = self.conditions.get(coming)
        if known is not None:
            self.conditions[coming] = replace(known, heard_ms=max(known.heard_ms, heard_ms))

    def _rests_ms(self, coming: Key, known: Condition) -> int | None:
        return rest_until_ms(known, self.conditions.get(steady(coming)), self.case.settings.flapping)

    def _rest(self, now_ms: int) -> None:
        """End the coming and going of what stays away, or has come to stay and is news as itself."""
        settings = self.case.settings.flapping
        for coming, each in [item for item in self.conditions.items() if item[0].about is not None]:
            key = steady(coming)
            target = self.conditions.get(key)
            off, rests_ms = settings.count is None, self._rests_ms(coming, each)
            if each.incident_id is None or (not off and (rests_ms is None or now_ms < rests_ms)):
                continue
            del self.conditions[coming]
            lasts = target is not None and target.explained_by == each.incident_id
            why = Why.LASTS if lasts else Why.SETTINGS if off else Why.STEADY
            self.decisions.append(
                Close(
                    incident_id=each.incident_id,
                    at_ms=max(now_ms, each.since_ms),
                    why=why,
                    explained=lasts,
                    value=each.value,
                )
            )
            if target is not None and target.incident_id is not None and lasts:
                self.conditions[key] = replace(target, explained_by=None)
                self.decisions.append(Release(key=key, incident_id=target.incident_id, explained_by=each.incident_id))

    def _release(self, now_ms: int) -> None:
        """Make news of what outlasts its explanation. A battery that is charging again does not."""
        back = self.power_back
        if back is None or now_ms < back.heard_ms + SETTLING_MS:
            return
        for key, each in list(self.conditions.items()):
            may = may_release(self.conditions, self.case.settings, key, each)
            if may and each.incident_id and each.explained_by:
                self.conditions[key] = replace(each, explained_by=None)
                self.decisions.append(Release(key=key, incident_id=each.incident_id, explained_by=each.explained_by))

    def _waits(self, key: Key, known: Condition) -> bool:
        """Whether it turns no sooner than the mains failure that it came with, which turns before it in each pass."""
        return waits_for_it(self.conditions, self.case.settings, key, known)

    def _delay_ms(self, key: Key, known: Condition) -> int:
        after = raise_after_ms if known.phase is Phase.WAITING else clear_after_ms
        return after(key, self.case.settings)


def opener_of(boot: int, seq: int) -> str:
    """Return how a condition names the report it began with."""
    return f"{boot}.{seq}"


def _beginning(when: When, value: float | None) -> Condition:
    return Condition(
        phase=Phase.WAITING,
        since_ms=when.at_ms,
        turned_ms=when.at_ms,
        heard_ms=when.heard_ms,
        opener=opener_of(when.boot, when.seq),
        boot=when.boot,
        seq=when.seq,
        value=value,
        late=when.late,
    )
