"""The whole of a judgement: late ones out, reports in order, then silence and the present moment."""

from dataclasses import dataclass

from alerts.causes import LIMITS
from alerts.rules.alarms import hear_alarm, hear_boot, key_of
from alerts.rules.decisions import Decision
from alerts.rules.descent import believed, follow
from alerts.rules.docket import Case, Docket, When
from alerts.rules.heating import hear_thermostat
from alerts.rules.lateness import batches, came_late, is_overtaken_alarm, is_overtaken_state, newest_known
from alerts.rules.memory import MAINS, Key, Memory, Patience, brought_back
from alerts.rules.rates import hear_rates
from alerts.rules.signs import Look, Standing, signs
from alerts.rules.silence import Hearing, hear_silence, hear_voice, in_ms, patience_now
from isocket.domain.incidents import Cause, Why
from isocket.domain.reports import DeviceState, Order, Report, ReportKind

OUTPUT = ("relay", "relay_cause")  # of which the last word holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came of a device: reports to judge in any order, the newest order judged, its latest state."""

    reports: tuple[Report, ...]
    judged: Order
    state: DeviceState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What follows: the memory to keep, what to do, the newest order judged, when to look again.

    `silent_after_s`: how long after the last message the silence is to be judged, None for not at all.
    `started_over`: the device counts its boots anew, from after this order.
    """

    memory: Memory
    decisions: tuple[Decision, ...]
    judged: Order
    wake_ms: int | None
    silent_after_s: float | None
    started_over: Order | None = None


def judge(case: Case, memory: Memory, heard: Heard, hearing: Hearing, now_ms: int) -> Judgement:
    """Return what the reports and the time until `now_ms` mean. The same in, the same out."""
    if hearing.heard_ms is not None:
        memory = brought_back(memory, hearing.heard_ms, now_ms)
    backlogs = batches(heard.reports)
    state = believed(heard.state, memory.descent)
    newest = newest_known(heard.judged, state, heard.reports)
    memory, started_over = follow(memory, heard.reports, newest, heard.state, backlogs)
    if started_over is not None:
        state = believed(heard.state, memory.descent)
        newest = newest_known(started_over, state, heard.reports)
    walk = _Walk(case, memory, state, newest, backlogs)
    hear_voice(walk.docket, hearing, heard.reports)
    for report in sorted(heard.reports, key=lambda each: each.order):
        walk.hear(report)
    walk.docket.pass_until(now_ms)
    patience = patience_now(memory.patience, hearing, in_ms(case.settings.offline_after_s), now_ms)
    listening = hear_silence(walk.docket, hearing, patience, now_ms)
    wakes = [each for each in (walk.docket.wake_ms(), listening.look_ms) if each is not None]
    return Judgement(
        memory=walk.memory(patience),
        decisions=walk.docket.decided(),
        judged=walk.newest,
        wake_ms=min(wakes, default=None),
        silent_after_s=listening.after_s,
        started_over=started_over,
    )


class _Walk:
    """Goes through a device's reports, the oldest first; up to the `newest` they are late."""

    def __init__(
        self, case: Case, memory: Memory, state: DeviceState | None, newest: Order, backlogs: frozenset[int]
    ) -> None:
        self.docket = Docket.of(case, memory)
        self.newest = newest
        self._descent = memory.descent
        self._state = state
        self._late_until = newest
        self._backlogs = backlogs
        self._alarms = memory.alarms
        self._said = dict(memory.said)
        self._proven = set(memory.proven)
        self._tracks = dict(memory.tracks)
        known = {} if state is None else state.fields
        self._armed = known.get("armed") is not False
        self._output = {name: known.get(name) for name in OUTPUT}

    def memory(self, patience: Patience | None) -> Memory:
        """Return what is remembered of all this."""
        return Memory(
            conditions=self.docket.conditions,
            proven=frozenset(self._proven),
            power_back=self.docket.power_back,
            alarms=self._alarms,
            said=self._said,
            patience=patience,
            descent=self._descent,
            tracks=self._tracks,
            flaps=self.docket.flaps,
        )

    def hear(self, report: Report) -> None:
        order = report.order
        if order <= self._late_until and not self._is_overtaken(report):
            return
        late = came_late(report, self._backlogs)
        when = When(min(report.at_ms, report.received_ms), report.received_ms, *order, late)
        self.docket.pass_before(when.at_ms)
        hear_boot(self.docket, when)
        if report.kind is ReportKind.ALARM:
            self._hear_alarm(report, when)
            self._alarms = max(self._alarms, order)
        elif report.kind is ReportKind.STATE:
            self._hear_state(report, when)
        self.docket.pass_with(when.at_ms)
        self.newest = max(self.newest, order)

    def _hear_alarm(self, alarm: Report, when: When) -> None:
        key = key_of(alarm.fields)
        if key is not None:
            hear_alarm(self.docket, key, alarm.fields, when)
            order = alarm.order
            of_this_start = {each: said for each, said in self._said.items() if said[0] == alarm.boot}
            self._said = {**of_this_start, key: max(of_this_start.get(key, order), order)}

    def _hear_state(self, report: Report, when: When) -> None:
        fields, docket = report.fields, self.docket
        if fields.get("armed") is not None:
            self._armed = fields["armed"]
        if not self._armed:
            for key in [key for key in docket.conditions if key.cause is Cause.INPUT]:
                if not self._is_outweighed(key, report):
                    docket.end(key, when.at_ms, when.heard_ms, Why.DISARMED)
        for sign in signs(fields, docket.case.settings, self._standing()):
            if self._is_outweighed(sign.key, report):
                continue
            docket.look(sign.key, sign.look, when, sign.value)
            if sign.key.cause is Cause.BATTERY_LOW and sign.look is Look.BAD and sign.value is not None:
                docket.deepen(sign.key, sign.value)
        hear_rates(docket, self._tracks, fields, when)
        self._keep_newest(report)
        self._output.update({name: fields[name] for name in OUTPUT if fields.get(name) is not None})
        hear_thermostat(docket, {**fields, **self._output}, when)
        self._proven.update(
            number
            for number, reading in enumerate(fields.get("temp_c") or ())
            if reading is not None and not docket.case.settings.needs_probe(number)  # who is needed needs no proof
        )

    def _keep_newest(self, report: Report) -> None:
        """Keep with what is open how warm it is by now: whoever is told again, or later, is told that."""
        for number, reading in enumerate(report.fields.get("temp_c") or ()):
            for key in (Key(cause, number) for cause in LIMITS):
                known = self.docket.conditions.get(key)
                if reading is not None and known is not None and known.is_open and not self._is_outweighed(key, report):
                    self.docket.remember(key, reading)

    def _standing(self) -> Standing:
        failure = self.docket.conditions.get(MAINS)
        return Standing(
            armed=self._armed,
            on_battery=failure is not None and failure.holds,
            proven=frozenset(self._proven),
        )

    def _is_outweighed(self, key: Key, state: Report) -> bool:
        """Whether an alarm that the device sent after this state speaks of the same."""
        said = self._said.get(key)
        return said is not None and said[0] == state.boot and said > state.order

    def _is_overtaken(self, report: Report) -> bool:
        if is_overtaken_state(report, newest=self._late_until, state=self._state):
            return True
        return is_overtaken_alarm(
            report,
            newest=self._late_until,
            alarms=self._alarms,
            state=self._state,
            settings=self.docket.case.settings,
            standing=self._standing(),
        )
