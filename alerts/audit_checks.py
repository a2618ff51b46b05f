"""What the self-audit asks of the stored records: each question is answered by an index, however much is stored."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alerts import health
from alerts.audit_forgotten import LATE, SOME, Forgotten
from alerts.endings import UNCLEAR
from alerts.endpoints import TO_ENDPOINTS
from alerts.health import Standing
from alerts.set_back import AfterSetBack
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Attempt, Delivery, DeliveryKind, DeliveryState, Receipt
from isocket.domain.endpoints import ENDPOINT_KINDS
from isocket.domain.incidents import Incident, IncidentState
from isocket.domain.outages import PREFIX, SILENCING, Outage
from isocket.domain.sending import ProviderHealth
from isocket.kit.clock import EPOCH, Clock
from isocket.storage.port import Records, Test, above, at_most, is_, is_not, one_of
from isocket.storage.telemetry import Telemetry

LATE_ORDINARY = timedelta(minutes=15)  # any other message
LEASE_OVER = timedelta(seconds=60)  # a call whose worker is gone is taken over much sooner
MANY_UNCLEAR = 10
MANY_GIVEN_UP = 3  # alarms of which nobody ever could tell, within an hour
GIVEN_UP_WITHIN = timedelta(hours=1)
PUT_OFF_TOO_LONG = timedelta(minutes=15)  # an alarm that its provider will not have, or that does not reach it
RECEIPTS_WITHIN = timedelta(minutes=5)  # of what was accepted by then a receipt has come
RECEIPTS_OF = timedelta(hours=2)
NOT_REACHED = "nothing_sent"  # as channels begin the reason where they did not reach the provider
FEWEST_SENDS = 5  # that say anything about receipts
BY_PROVIDERS = tuple(each for each in ChannelKind if each not in ENDPOINT_KINDS)
"""The ways that are ours to keep open. What goes to a customer's own browser or program is held up by them alone: else
one of them could page the operator and keep the heartbeat away from everybody."""
BY_PHONE = tuple(each for each in BY_PROVIDERS if each is not ChannelKind.EMAIL)
HELD_TOO_LONG = timedelta(minutes=15)  # beyond the time after which an outage lets go


class Kind(StrEnum):
    """Each kind of trouble that is told by itself."""

    STEPS_LATE = "steps_late"
    FORGOTTEN = "incidents_forgotten"
    HELD_TOO_LONG = "incidents_held_too_long"
    ALARMS_LATE = "alarms_late"
    MESSAGES_LATE = "messages_late"
    CALLS_LEFT = "calls_left_behind"
    MANY_UNCLEAR = "many_unclear"
    RECEIPTS_LATE = "receipts_late"
    CALLBACKS_SILENT = "callbacks_silent"
    JUDGING_LATE = "judging_late"
    PROVIDER_REFUSES = "provider_refuses"
    OUTAGE = "outage"
    WORKER_STUCK = "workers_stuck"
    WORKER_FAILING = "workers_failing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something is wrong: of which kind, and how much of it."""

    kind: Kind
    number: int = 1


class Checks:
    """Asks every question once. Nothing is changed but what was forgotten, or waits as the clock was before."""

    def __init__(self, *, records: Records, telemetry: Telemetry, clock: Clock, hold_s: float) -> None:
        self._records = records
        self._telemetry = telemetry
        self._hold = timedelta(seconds=hold_s)
        self._forgotten = Forgotten(records)
        self._after_set_back = AfterSetBack(records, clock)
        self.ages_s: dict[str, float] = {}  # of the oldest of each kind of due work, at the last look
        self.unclear = 0

    async def all(self, now: datetime) -> list[Found]:
        """Return everything that is wrong at this moment."""
        found = [
            await self._late_steps(now),
            await self._given_back(now),
            await self._held_too_long(now),
            *await self._late_deliveries(now),
            await self._calls_left(now),
            await self._unclear(now),
            await self._late_receipts(now),
            await self._silent_callbacks(now),
            await self._late_judging(now),
            await self._refusing_providers(now),
            await self._outage(),
        ]
        return [each for each in found if each is not None]

    async def _late_steps(self, now: datetime) -> Found | None:
        """The ladder: the first step that is due."""
        first = await self._records.find(
            Incident, is_("needs_step", True), at_most("step_due_at", now), order_by="step_due_at", limit=1
        )
        return self._if_late("step", Kind.STEPS_LATE, first[0].step_due_at if first else None, now)

    async def _given_back(self, now: datetime) -> Found | None:
        number = await self._after_set_back.look(now) + await self._forgotten.give_back(now)
        return Found(kind=Kind.FORGOTTEN, number=number) if number else None

    async def _held_too_long(self, now: datetime) -> Found | None:
        """Incidents that an outage holds back longer than it may."""
        held = await self._records.find(
            Incident,
            is_("state", IncidentState.OPEN),
            is_("needs_step", False),
            above("explained_by", f"{PREFIX}_"),
            at_most("explained_by", f"{PREFIX}`"),  # the letter after the underscore
            at_most("detected_at", now - self._hold - HELD_TOO_LONG),
            limit=SOME,
        )
        return Found(kind=Kind.HELD_TOO_LONG, number=len(held)) if held else None

    async def _late_deliveries(self, now: datetime) -> list[Found | None]:
        alarms = await self._first_due(now, is_("kind", DeliveryKind.ALARM))
        oldest = await self._first_due(now)
        late = self._if_late("message", Kind.MESSAGES_LATE, oldest, now, LATE_ORDINARY)
        late_alarms = self._if_late("alarm", Kind.ALARMS_LATE, alarms, now) or await self._put_off(now)
        return [late_alarms, late]

    async def _put_off(self, now: datetime) -> Found | None:
        """Alarms that a provider puts off for long; of mail only where it is out of reach: a mailbox may do so."""
        put_off = (
            is_("state", DeliveryState.DUE),
            above("due_at", now),
            is_("kind", DeliveryKind.ALARM),
            is_("held_up", value=True),
            at_most("created_at", now - PUT_OFF_TOO_LONG),
        )
        by_phone = await self._records.count(Delivery, *put_off, one_of("channel", BY_PHONE))
        mails = await self._records.find(Delivery, *put_off, is_("channel", ChannelKind.EMAIL), limit=SOME)
        ours = by_phone or any(each.reason.startswith(NOT_REACHED) for each in mails)
        return Found(kind=Kind.ALARMS_LATE) if ours else None

    async def _first_due(self, now: datetime, *tests: Test) -> datetime | None:
        first = await self._records.find(
            Delivery,
            is_("state", DeliveryState.DUE),
            at_most("due_at", now),
            one_of("channel", BY_PROVIDERS),
            *tests,
            order_by="due_at",
            limit=1,
        )
        return first[0].due_at if first else None

    async def _calls_left(self, now: datetime) -> Found | None:
        left = await self._records.find(
            Delivery, is_("state", DeliveryState.CALLING), at_most("lease_until", now - LEASE_OVER), limit=SOME
        )
        return Found(kind=Kind.CALLS_LEFT, number=len(left)) if left else None

    async def _unclear(self, now: datetime) -> Found | None:
        self.unclear = await self._records.count(
            Delivery, is_("state", DeliveryState.UNCLEAR), one_of("channel", BY_PROVIDERS)
        )
        given_up = await self._records.count(
            Delivery,
            is_("state", DeliveryState.FAILED),
            above("due_at", now - GIVEN_UP_WITHIN),
            is_("kind", DeliveryKind.ALARM),
            is_("reason", UNCLEAR),
            one_of("channel", BY_PROVIDERS),
        )
        many = self.unclear >= MANY_UNCLEAR or given_up >= MANY_GIVEN_UP
        return Found(kind=Kind.MANY_UNCLEAR, number=self.unclear + given_up) if many else None

    async def _late_receipts(self, now: datetime) -> Found | None:
        first = await self._records.find(Receipt, is_("settled", False), order_by="received_at", limit=1)
        return self._if_late("receipt", Kind.RECEIPTS_LATE, first[0].received_at if first else None, now)

    async def _silent_callbacks(self, now: datetime) -> Found | None:
        """Of what a provider accepted lately and must report on, nothing was reported."""
        sent = await self._records.find(
            Attempt,
            is_("receipt_expected", True),
            above("started_at", now - RECEIPTS_OF),
            at_most("started_at", now - RECEIPTS_WITHIN),
            *(is_not("provider", each) for each in TO_ENDPOINTS),
            order_by="started_at",
            descending=True,
            limit=SOME,
        )
        by_provider: dict[str, list[Attempt]] = {}
        for each in sent:
            by_provider.setdefault(each.provider, []).append(each)
        silent = [
            some
            for some in by_provider.values()
            if len(some) >= FEWEST_SENDS and not any(each.receipt for each in some)
        ]
        return Found(kind=Kind.CALLBACKS_SILENT, number=sum(map(len, silent))) if silent else None

    async def _late_judging(self, now: datetime) -> Found | None:
        roll = await self._telemetry.roll_call(now=now, within_s=1.0)
        return self._if_late("judgement", Kind.JUDGING_LATE, roll.waiting_since, now)

    async def _refusing_providers(self, now: datetime) -> Found | None:
        known = await self._records.find(ProviderHealth)
        refusing = sum(health.standing(each, now) is Standing.REFUSES for each in known)
        return Found(kind=Kind.PROVIDER_REFUSES, number=refusing) if refusing else None

    async def _outage(self) -> Found | None:
        lasting = await self._records.find(
            Outage, is_("settled", False), above("began_at", EPOCH), one_of("kind", SILENCING), is_("ended_at", None)
        )
        return Found(kind=Kind.OUTAGE) if lasting else None

    def _if_late(
        self, what: str, kind: Kind, since: datetime | None, now: datetime, limit: timedelta = LATE
    ) -> Found | None:
        age = timedelta() if since is None else max(timedelta(), now - since)
        self.ages_s[what] = age.total_seconds()
        return Found(kind=kind) if age > limit else None
