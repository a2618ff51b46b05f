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
from alerts.outages import Outages
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
from isocket.storage.wakeups import WAITS, Wakeups, queue_bell
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
    sender: str = "",
    oversight: Oversight | None = None,
    sending: Sending = UNLIMITED,
) -> list[Worker]:
    """Return the workers that turn reports into incidents and incidents into messages.

    `owner` names this process among several. A kind of channel that is missing from `channels` makes its
    deliveries fail visibly. `sender` stands under alarms by mail, see `Letters`; `oversight` says who is told
    of trouble of our own.
    """
    parts = _Parts(
        records=records,
        telemetry=telemetry,
        clock=clock,
        wakeups=wakeups,
        right_of_way=right_of_way,
        providers=Providers(channels, records=records, clock=clock),
        public_url=public_url,
        owner=owner,
        sender=sender,
        sending=sending,
    )
    oversight = oversight or Oversight()
    outages = oversight.outages(records=records, telemetry=telemetry, clock=clock)
    dispatcher = parts.dispatcher()
    lanes = parts.lanes(dispatcher)
    hand_over = HandOver(lanes, dispatcher=dispatcher)
    climber = Climber(records=records, public_url=public_url, sender=sender, hand_over=hand_over)
    working: list[Worker] = [
        *parts.judges(outages, climber),
        *parts.escalators(),
        *lanes,
        *parts.followers_up(),
        *parts.lookers(),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What the workers are made of."""

    records: Records
    telemetry: Telemetry
    clock: Clock
    wakeups: Wakeups
    right_of_way: RightOfWay
    providers: Providers
    public_url: str
    owner: str
    sender: str
    sending: Sending

    def dispatcher(self) -> Dispatcher:
        return Dispatcher(
            records=self.records,
            clock=self.clock,
            providers=self.providers,
            public_url=self.public_url,
            patience=self.sending.patience,
            tariff=self.sending.tariff,
            sender=self.sender,
        )

    def lanes(self, dispatcher: Dispatcher) -> list[Lane]:
        """Return a lane for each way, of alarms that are urgent and of all else."""
        rates = {kind: per_s for kind, per_s in self.sending.per_s.items() if per_s}
        paces = {kind: Pace(kind, rates[kind], records=self.records, clock=self.clock) for kind in rates}
        names = {(urgency, kind): lane_name(urgency, kind) for urgency in Urgency for kind in ChannelKind}
        bells = {name: queue_bell(Delivery.collection, name) for name in names.values()}
        due = Due(records=self.records, clock=self.clock, bell=self.wakeups.bell(*bells.values()))
        return [
            Lane(
                f"send-{name}",
                dispatcher=dispatcher,
                lane=name,
                calls=CALLS[urgency],
                pace=paces.get(kind),
                due=due,
                bell=self.wakeups.bell(bells[name]),
                clock=self.clock,
                right_of_way=self.right_of_way if urgency is Urgency.URGENT else None,
            )
            for (urgency, kind), name in names.items()
        ]

    def judges(self, outages: Outages, climber: Climber) -> list[Worker]:
        codes = CodesInHand()
        return [
            Worker(
                f"judge-{number}",
                Judge(
                    records=self.records,
                    telemetry=self.telemetry,
                    clock=self.clock,
                    owner=f"{self.owner}/judge-{number}",
                    outages=outages,
                    climber=climber,
                    codes=codes,
                ).step,
                bell=self.wakeups.bell(WAITS),
                clock=self.clock,
                right_of_way=self.right_of_way,
            )
            for number in range(JUDGES)
        ]

    def escalators(self) -> list[Worker]:
        escalator = Escalator(records=self.records, clock=self.clock, public_url=self.public_url, sender=self.sender)
        return [
            Worker(
                f"escalate-{number}",
                escalator.step,
                bell=self.wakeups.bell(*(queue_bell(Incident.collection, state) for state in IncidentState)),
                clock=self.clock,
                right_of_way=self.right_of_way,
            )
            for number in range(ESCALATORS)
        ]

    def followers_up(self) -> list[Worker]:
        """Return who sees to what follows a message, and to what the portal asks for."""
        records, clock, bell = self.records, self.clock, self.wakeups.bell
        calling_off = CallingOff(records=records, clock=clock, providers=self.providers)
        erasing = ProviderErasing(records=records, clock=clock, providers=self.providers)
        replayer = Replayer(records=records, telemetry=self.telemetry, clock=clock)
        receipts = Receipts(
            records=records,
            clock=clock,
            providers=self.providers,
            public_url=self.public_url,
            patience=self.sending.patience,
        )
        return [
            Worker("calling-off", calling_off.step, bell=bell(CallOff.collection), clock=clock),
            *(
                Worker(
                    f"receipts-{number}",
                    receipts.step,
                    bell=bell(Receipt.collection),
                    clock=clock,
                    idle_s=LOOK_S if number == 0 else JOIN_S,
                )
                for number in range(READERS)
            ),
            Worker("erasing-elsewhere", erasing.step, bell=bell(ProviderErasure.collection), clock=clock, idle_s=5.0),
            Worker("replays", replayer.step, bell=bell(Replay.collection), clock=clock, idle_s=1.0),
        ]

    def lookers(self) -> list[Worker]:
        """Return who looks for what went wrong, since nobody rings for it."""
        records, clock, bell = self.records, self.clock, self.wakeups.bell
        failover = Failover(
            records=records, clock=clock, providers=self.providers, public_url=self.public_url, sender=self.sender
        )
        failed = FailedCommands(records=records, telemetry=self.telemetry, clock=clock)
        unclear = UnclearDeliveries(
            records=records,
            clock=clock,
            providers=self.providers,
            public_url=self.public_url,
            patience=self.sending.patience,
        )
        return [
            Worker("failover", failover.step, bell=bell(), clock=clock),
            Worker("failed-commands", failed.step, bell=bell(), clock=clock, idle_s=1.0),
            *(
                Worker(
                    f"unclear-{number}",
                    unclear.step,
                    bell=bell(),
                    clock=clock,
                    idle_s=1.0 if number == 0 else JOIN_S,
                )
                for number in range(QUESTIONS)
            ),
        ]
