"""Puts the workers of the alarm service together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from alerts.calling_off import CallingOff
from alerts.channels.channel import ChannelKind
from alerts.climbing import Climber
from alerts.dispatcher import Dispatcher
from alerts.due import Due
from alerts.escalation import Escalator
from alerts.failed_commands import FailedCommands
from alerts.failover import Failover
from alerts.handing_over import HandOver
from alerts.judge import Judge
from alerts.lanes import Lane
from alerts.next_ways import Patience
from alerts.oversight import Oversight
from alerts.pace import Pace
from alerts.provider_erasing import ProviderErasing
from alerts.providers import Providers, Ways
from alerts.receipts import Receipts
from alerts.replaying import Replayer
from alerts.short_codes import CodesInHand
from alerts.unclear import UnclearDeliveries
from isocket.domain.call_offs import CallOff
from isocket.domain.deliveries import Delivery, Receipt, Urgency, lane_name
from isocket.domain.incidents import Incident, IncidentState
from isocket.domain.provider_erasures import ProviderErasure
from isocket.domain.replays import Replay
from isocket.domain.tariff import Tariff
from isocket.kit.clock import Clock
from isocket.kit.right_of_way import RightOfWay
from isocket.storage.port import Records
from isocket.storage.telemetry import Telemetry
from isocket.storage.wakeups import Wakeups, queue_bell
from isocket.storage.worker import Worker

JUDGES = 2
ESCALATORS = 2
CALLS = MappingProxyType({Urgency.URGENT: 16, Urgency.ORDINARY: 8})  # of each lane at a time
READERS = 4  # of receipts: in a storm they come several times as fast as messages go
QUESTIONS = 4  # about unclear deliveries, at a time
LOOK_S = 0.25  # how often one of several alike looks for what another process stored, for which no bell rings here
JOIN_S = 2.0  # how often the others look whether there is more than one can do


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """How messages go: how fast each sender may, what they cost, how long a receipt is waited for.

    `per_s` is in segments, calls or mails a second; a way that is missing or 0 is not held back.
    """

    per_s: Mapping[ChannelKind, float] = field(default_factory=dict)
    tariff: Tariff = field(default_factory=Tariff)
    patience: Patience = field(default_factory=Patience)


UNLIMITED = Sending()


def workers(
    *,
    records: Records,
    telemetry: Telemetry,
    clock: Clock,
    wakeups: Wakeups,
    right_of_way: RightOfWay,
    channels: Ways,
    public_url: str,
    owner: str,
    oversight: Oversight | None = None,
    sending: Sending = UNLIMITED,
) -> list[Worker]:
    """Return the workers that turn reports into incidents and incidents into messages.

    `owner` names this process among several. A kind of channel that is missing from `channels` makes its
    deliveries fail visibly. `oversight` says who is told of trouble of our own.
    """
    providers = Providers(channels, records=records, clock=clock)
    oversight = oversight or Oversight()
    outages = oversight.outages(records=records, telemetry=telemetry, clock=clock)
    dispatcher = Dispatcher(
        records=records,
        clock=clock,
        providers=providers,
        public_url=public_url,
        patience=sending.patience,
        tariff=sending.tariff,
    )
    paces = {kind: Pace(kind, per_s, records=records, clock=clock) for kind, per_s in sending.per_s.items() if per_s}
    lane_bells = {
        lane_name(urgency, channel): queue_bell(Delivery.collection, lane_name(urgency, channel))
        for urgency in Urgency
        for channel in ChannelKind
    }
    due = Due(records=records, clock=clock, bell=wakeups.bell(*lane_bells.values()))
    lanes = [
        Lane(
            f"send-{lane_name(urgency, channel)}",
            dispatcher=dispatcher,
            lane=lane_name(urgency, channel),
            calls=CALLS[urgency],
            pace=paces.get(channel),
            due=due,
            bell=wakeups.bell(lane_bells[lane_name(urgency, channel)]),
            clock=clock,
            right_of_way=right_of_way if urgency is Urgency.URGENT else None,
        )
        for urgency in Urgency
        for channel in ChannelKind
    ]
    climber = Climber(records=records, public_url=public_url, hand_over=HandOver(lanes, dispatcher=dispatcher))
    codes = CodesInHand()
    judging = [
        Worker(
            f"judge-{number}",
            Judge(
                records=records,
                telemetry=telemetry,
                clock=clock,
                owner=f"{owner}/judge-{number}",
                outages=outages,
                climber=climber,
                codes=codes,
            ).step,
            bell=wakeups.bell("telemetry"),
            clock=clock,
            right_of_way=right_of_way,
        )
        for number in range(JUDGES)
    ]
    escalator = Escalator(records=records, clock=clock, public_url=public_url)
    escalating = [
        Worker(
            f"escalate-{number}",
            escalator.step,
            bell=wakeups.bell(*(queue_bell(Incident.collection, state) for state in IncidentState)),
            clock=clock,
            right_of_way=right_of_way,
        )
        for number in range(ESCALATORS)
    ]
    replayer = Replayer(records=records, telemetry=telemetry, clock=clock)
    failed = FailedCommands(records=records, telemetry=telemetry, clock=clock)
    receipts = Receipts(
        records=records, clock=clock, providers=providers, public_url=public_url, patience=sending.patience
    )
    unclear = UnclearDeliveries(
        records=records, clock=clock, providers=providers, public_url=public_url, patience=sending.patience
    )
    failover = Failover(records=records, clock=clock, providers=providers, public_url=public_url)
    erasing = ProviderErasing(records=records, clock=clock, providers=providers)
    calling_off = CallingOff(records=records, clock=clock, providers=providers)
    working: list[Worker] = [
        *judging,
        *escalating,
        *lanes,
        Worker("failover", failover.step, bell=wakeups.bell(), clock=clock),
        Worker("calling-off", calling_off.step, bell=wakeups.bell(CallOff.collection), clock=clock),
        *(
            Worker(
                f"receipts-{number}",
                receipts.step,
                bell=wakeups.bell(Receipt.collection),
                clock=clock,
                idle_s=LOOK_S if number == 0 else JOIN_S,
            )
            for number in range(READERS)
        ),
        Worker(
            "erasing-elsewhere",
            erasing.step,
            bell=wakeups.bell(ProviderErasure.collection),
            clock=clock,
            idle_s=5.0,
        ),
        Worker("replays", replayer.step, bell=wakeups.bell(Replay.collection), clock=clock, idle_s=1.0),
        # Nobody rings for what went wrong: it is found by looking.
        Worker("failed-commands", failed.step, bell=wakeups.bell(), clock=clock, idle_s=1.0),
        *(
            Worker(
                f"unclear-{number}",
                unclear.step,
                bell=wakeups.bell(),
                clock=clock,
                idle_s=1.0 if number == 0 else JOIN_S,
            )
            for number in range(QUESTIONS)
        ),
    ]
    watching = oversight.watchers(
        working,
        outages=outages,
        records=records,
        telemetry=telemetry,
        clock=clock,
        wakeups=wakeups,
        owner=owner,
        public_url=public_url,
        configured=frozenset(channels),
    )
    return [*working, *watching]
