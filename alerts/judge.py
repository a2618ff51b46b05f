"""Judges devices: takes one that waits, asks the rules, writes incidents, and says when to look again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.causes import BEGUN_ELSEWHERE, OWNED_ELSEWHERE
from alerts.climbing import Climber, FirstSteps
from alerts.envelopes import envelope_of
from alerts.incident_ledger import IncidentLedger, MakeFirstSteps, open_at
from alerts.outages import POWER, Outages, with_outages
from alerts.rules.decisions import Close, incident_id
from alerts.rules.docket import Case, opener_of
from alerts.rules.judgement import Heard, Judgement, judge
from alerts.rules.lateness import newest_known
from alerts.rules.memory import BEFORE_ALL, Condition, Descent, Key, Memory, Phase, from_watch, to_watch
from alerts.rules.silence import Hearing, in_ms
from alerts.short_codes import CodesInHand
from isocket.domain.devices import Device
from isocket.domain.incidents import Incident, Why
from isocket.domain.listening import BELIEVED_FOR_S, BRIDGE, Listening
from isocket.domain.outages import Outage
from isocket.domain.problems import Problem
from isocket.domain.reports import Envelope, Order, Report
from isocket.domain.settings import DeviceSettings
from isocket.domain.watches import Watch
from isocket.kit.clock import FAR_AHEAD, Clock, from_ms, to_ms
from isocket.kit.ids import derived_id
from isocket.kit.logs import get_logger
from isocket.storage.port import AlreadyThereError, Records, is_
from isocket.storage.telemetry import Telemetry, Waiting

LEASE_S = 30.0
POWER_CUT = (Outage, [is_("open_key", POWER)])
STARTED_OVER = "its boot number went back; taken as started over"
log = get_logger(__name__)


class Judge:
    """Judges one device a step.

    1. Claim the device that waits longest; order is a property of the device, so nobody else has it meanwhile.
    2. Read what the rules remember, and let them say what the reports and the time mean.
    3. Write the incidents, each with the first steps of its ladder where there is a `climber`. Their ids follow from
       the report that began them: a second run finds them there.
    4. Save the memory, fenced by its version: from now on these reports are late.
    5. Close open incidents that the rules no longer know of: a run that died before 4 left them.
    6. Settle the claim with the envelope and the next look, once 4 is committed: whoever loses there has not judged
       these reports, and whoever claims the device next reads the memory, perhaps before this is on disk.
    """

    def __init__(
        self,
        *,
        records: Records,
        telemetry: Telemetry,
        clock: Clock,
        owner: str,
        outages: Outages | None = None,
        climber: Climber | None = None,
        codes: CodesInHand | None = None,
    ) -> None:
        self._records = records
        self._telemetry = telemetry
        self._clock = clock
        self._owner = owner
        self._outages = outages or Outages(records=records, telemetry=telemetry, clock=clock)
        self._climber = climber
        self._codes = codes or CodesInHand()
        self._started_ms = to_ms(clock.now())

    async def step(self) -> bool:
        """Judge one device; return whether any waited."""
        now = self._clock.now()
        waiting = await self._telemetry.claim_waiting(owner=self._owner, now=now, lease_s=LEASE_S, ahead=True)
        if waiting is None:
            return False
        known = await self._known(waiting.device_id)
        device = known.device
        if device is None or device.owner_id is None:
            await self._pass_over(waiting, known)
        else:
            await self._judge(waiting, known, device, device.owner_id)
        return True

    async def _known(self, device_id: str) -> "_Known":
        itself = [is_("id", device_id)]
        devices, incidents, watches, power_cuts = await self._records.find_each(
            (Device, itself), (Incident, open_at(device_id)), (Watch, itself), POWER_CUT
        )
        return _Known(
            device=devices[0] if devices else None,
            open=incidents,
            watch=watches[0] if watches else None,
            power_cut=power_cuts[0] if power_cuts else None,
        )

    async def _judge(self, waiting: Waiting, known: "_Known", device: Device, account_id: str) -> None:
        settings = DeviceSettings.of(device.desired)
        case = Case(device_id=device.id, account_id=account_id, settings=settings)
        watch = _under(device.claimed_at, known.watch)
        now = self._clock.now()
        claimed_ms = _claimed_ms(device.claimed_at, known.watch, now)
        own = [each for each in known.open if each.account_id == account_id]
        foreign = [each for each in known.open if each.account_id != account_id]
        memory = _with_raised(_since(_memory(watch), claimed_ms, foreign), own, case, waiting.reports)
        first_steps = self._first_steps_of(device, known.open, now)
        ledger = IncidentLedger(self._records, case, now, first_steps, codes=self._codes)
        await _close_foreign(ledger, foreign)

        heard = Heard(reports=waiting.reports, judged=_judged(watch), state=waiting.state)
        hearing = await self._hearing(waiting, settings, claimed_ms, now)
        judgement = judge(case, memory, heard, hearing, to_ms(now))
        judgement, strays = _reconcile(case, judgement, own)
        decisions = await with_outages(judgement.decisions, self._outages, settings, known.power_cut)
        await ledger.carry_out(decisions, strays)
        if judgement.started_over is not None:
            judgement = await self._start_over(device.id, judgement, judgement.started_over, now)

        if not await self._save(device.id, watch, judgement.judged, judgement.memory, device.claimed_at):
            return
        for stray in strays:
            await ledger.close_stray(stray)
        await self._telemetry.settle(
            waiting,
            envelope=envelope_of(settings, judgement.memory, waiting.state),
            wake_at=None if judgement.wake_ms is None else from_ms(judgement.wake_ms),
            silent_after_s=judgement.silent_after_s,
        )

    def _first_steps_of(self, device: Device, known: Sequence[Incident], now: datetime) -> MakeFirstSteps | None:
        """Return what makes the first steps of an incident; one that is not known to be open has no alarms yet."""
        climber = self._climber
        if climber is None:
            return None

        async def first_steps(incident: Incident) -> FirstSteps | None:
            stored = next((each for each in known if each.id == incident.id), None)
            if stored is not None:  # by a run that died: its letters name the code that it has
                incident = replace(incident, short_code=stored.short_code)
            return await climber.first_steps(incident, device, now, is_new=stored is None)

        return first_steps

    async def _hearing(self, waiting: Waiting, settings: DeviceSettings, claimed_ms: int, now: datetime) -> Hearing:
        """Return what the silence is judged by: when we listen the bridge knows, without it we count from our start.

        The bridge is asked about what is silent for so long that it matters, and not about what has just spoken.
        """
        heard_ms = None if waiting.state is None else to_ms(waiting.state.received_at)
        is_silent = heard_ms is not None and 0 < in_ms(settings.offline_after_s) <= to_ms(now) - heard_ms
        bridge = await self._records.get(Listening, BRIDGE) if is_silent else None
        if bridge is None:
            return Hearing(heard_ms=heard_ms, claimed_ms=claimed_ms, listening_ms=self._started_ms)
        deaf = (now - bridge.until).total_seconds() > BELIEVED_FOR_S
        known_of = deaf and await self._outages.known() is not None
        return Hearing(
            heard_ms=heard_ms,
            claimed_ms=claimed_ms,
            listening_ms=to_ms(bridge.since),
            # Once it is known that nobody listens, silence opens incidents that the outage explains.
            until_ms=None if known_of else to_ms(bridge.until),
            deaf=deaf and not known_of,
        )

    async def _pass_over(self, waiting: Waiting, known: "_Known") -> None:
        """Let a device without an owner go by: there is nobody to tell, and its claim will begin anew."""
        settings = DeviceSettings.of({} if known.device is None else known.device.desired)
        case = Case(device_id=waiting.device_id, account_id="", settings=settings)
        await _close_foreign(IncidentLedger(self._records, case, self._clock.now()), known.open)
        watch = known.watch
        before = _memory(watch)
        newest = newest_known(_judged(watch), waiting.state, waiting.reports)
        judged = max([newest, *(each.order for each in waiting.reports)])
        memory = Memory(proven=before.proven, alarms=before.alarms)
        if not await self._save(waiting.device_id, watch, judged, memory, None):
            return
        quiet = Envelope(anything=True)
        await self._telemetry.settle(waiting, envelope=quiet, wake_at=None, silent_after_s=None)

    async def _start_over(self, device_id: str, judgement: Judgement, start: Order, now: datetime) -> Judgement:
        """Let owner and operator know, and the latest state follow: from now on it can be believed again."""
        problem_id = derived_id("prb", device_id, "started_over", *start)
        problem = Problem(id=problem_id, device_id=device_id, at=now, topic_kind="state", reason=STARTED_OVER)
        await self._records.add_all([problem])
        await self._telemetry.start_over(device_id, beyond=start, below=judgement.memory.descent.disbelieved)
        log.warning("device_started_over", device_id=device_id)
        return replace(judgement, memory=replace(judgement.memory, descent=Descent()))

    async def _save(
        self, device_id: str, watch: Watch | None, judged: Order, memory: Memory, claimed_at: datetime | None
    ) -> bool:
        """Save the memory; False when another has judged the device since: then it is judged once more."""
        conditions = to_watch(memory)
        boot, seq = judged
        if watch is None:
            new = Watch(id=device_id, judged_boot=boot, judged_seq=seq, claimed_at=claimed_at, conditions=conditions)
            try:
                await self._records.add(new, synced=False)  # lost with the power, the device is judged again
            except AlreadyThereError:
                return await self._lose(device_id)
            return True
        if (boot, seq, claimed_at, conditions) == (*_judged(watch), watch.claimed_at, watch.conditions):
            return True
        saved = await self._records.change_one(
            Watch,
            is_("id", device_id),
            is_("version", watch.version),
            synced=False,
            judged_boot=boot,
            judged_seq=seq,
            claimed_at=claimed_at,
            conditions=conditions,
        )
        return True if saved is not None else await self._lose(device_id)

    async def _lose(self, device_id: str) -> bool:
        log.warning("judgement_lost", device_id=device_id)
        await self._telemetry.wake(device_id)
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is stored of a device and of what befalls many, read in one moment."""

    device: Device | None
    open: list[Incident]
    watch: Watch | None
    power_cut: Outage | None


async def _close_foreign(ledger: IncidentLedger, foreign: Sequence[Incident]) -> None:
    """Close what was open for an owner before. No clear is sent: the socket's words are not theirs any more."""
    for each in foreign:
        await ledger.close_stray(each, Why.OWNER, told=False)


def _under(claimed_at: datetime | None, watch: Watch | None) -> Watch | None:
    """Return the watch, its order forgotten when it was kept for another ownership: the device may be reset since."""
    if watch is None or watch.claimed_at == claimed_at:
        return watch
    memory = replace(from_watch(watch.conditions), alarms=BEFORE_ALL, descent=Descent(), patience=None)
    boot, seq = BEFORE_ALL
    return replace(watch, judged_boot=boot, judged_seq=seq, conditions=to_watch(memory))


def _claimed_ms(claimed_at: datetime | None, watch: Watch | None, now: datetime) -> int:
    """Return since when what is heard is the owner's; 0: all that is remembered is.

    A claim from before the clock was set back says nothing of what is heard since: the watch was kept under it.
    """
    is_ahead = claimed_at is not None and claimed_at > now + FAR_AHEAD
    if claimed_at is None or (is_ahead and watch is not None and watch.claimed_at == claimed_at):
        return 0
    return to_ms(claimed_at)


def _memory(watch: Watch | None) -> Memory:
    return Memory() if watch is None else from_watch(watch.conditions)


def _judged(watch: Watch | None) -> Order:
    return BEFORE_ALL if watch is None else (watch.judged_boot, watch.judged_seq)


def _since(memory: Memory, claimed_ms: int, foreign: Sequence[Incident]) -> Memory:
    """Return the memory without what began for another owner; if it lasts, the next report says so again."""
    theirs = {each.id for each in foreign}
    conditions = {
        key: each
        for key, each in memory.conditions.items()
        if each.heard_ms >= claimed_ms and each.incident_id not in theirs
    }
    back = memory.power_back
    kept = back if back is not None and back.heard_ms >= claimed_ms else None
    flaps = {key: tuple(each for each in moments if each >= claimed_ms) for key, moments in memory.flaps.items()}
    if (conditions, kept, flaps) == (memory.conditions, back, memory.flaps):
        return memory
    return replace(memory, conditions=conditions, power_back=kept, flaps=flaps)


def _with_raised(memory: Memory, own: Sequence[Incident], case: Case, reports: Sequence[Report]) -> Memory:
    """Return the memory with the one-shots that no report began, such as tests by people: they end by themselves too.

    Not with one that these very reports began, in a run that died: the rules will find it again.
    """
    if not own:
        return memory
    conditions = dict(memory.conditions)
    for key in (Key(cause) for cause in BEGUN_ELSEWHERE):
        raised = [each for each in own if each.cause is key.cause]
        if not raised or key in conditions:
            continue
        ours = {incident_id(case.device_id, case.account_id, key, opener_of(*each.order)) for each in reports}
        found = [each for each in raised if each.id not in ours]
        if found:
            conditions[key] = _of_incident(found[0])
    return replace(memory, conditions=conditions)


def _of_incident(incident: Incident) -> Condition:
    began_ms = to_ms(incident.detected_at)
    return Condition(
        phase=Phase.OPEN,
        since_ms=began_ms,
        turned_ms=began_ms,
        heard_ms=began_ms,
        opener=incident.id,
        boot=0,
        seq=0,
        incident_id=incident.id,
    )


def _reconcile(case: Case, judgement: Judgement, own: Sequence[Incident]) -> tuple[Judgement, list[Incident]]:
    """Return the judgement with what a run before us opened, and the open incidents that no rule knows.

    That run died before it saved its memory. Where we still wait for the delay of the same trouble, it is open.
    """
    if not own:
        return judgement, []
    conditions = dict(judgement.memory.conditions)
    known = {each.incident_id for each in conditions.values()}
    known |= {each.incident_id for each in judgement.decisions if isinstance(each, Close)}
    strays: list[Incident] = []
    for incident in own:
        if incident.id in known or incident.cause in OWNED_ELSEWHERE:
            continue
        key = Key(incident.cause, incident.probe, incident.about)
        waits = conditions.get(key)
        if waits is not None and incident.id == incident_id(case.device_id, case.account_id, key, waits.opener):
            conditions[key] = replace(waits, phase=Phase.OPEN, incident_id=incident.id)
        else:
            strays.append(incident)
    return replace(judgement, memory=replace(judgement.memory, conditions=conditions)), strays
