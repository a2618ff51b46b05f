"""What the ladder never does, whatever people, providers and time do to it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from alerts.acknowledging import take
from alerts.channels.channel import ChannelKind, Message
from alerts.outcomes import RefusalScope, Refused, TryLater, Unclear
from isocket.domain.contacts import Contact, ContactRole, Escalation, Substitution
from isocket.domain.deliveries import Attempt, Delivery, DeliveryKind, DeliveryState
from isocket.domain.incidents import Cause, Happening, Incident, IncidentState, Severity, TimelineEntry
from isocket.domain.quiet_hours import held_until
from isocket.kit.ids import derived_id
from isocket.storage.port import is_
from tests.fakes.alert_house import ACCOUNT, ANNA, BERTIL, MAILS, PHONES, AlertHouse, RecordingChannel

CARLA = "con_carla"
PEOPLE = (ANNA, BERTIL, CARLA)
PHONE = {**PHONES, CARLA: "+447700900003"}
MAIL = {**MAILS, CARLA: "carla@example.org"}
QUIETLY = frozenset({DeliveryKind.TAKEN, DeliveryKind.REMINDER, DeliveryKind.NOTICE})
OUTCOMES = (
    Refused(reason="number_invalid", scope=RefusalScope.CONTACT),
    Refused(reason="credentials", scope=RefusalScope.ACCOUNT),
    TryLater(reason="provider_unavailable"),
    Unclear(reason="answer_lost"),
)

people = st.sampled_from(PEOPLE)
ways = st.lists(st.sampled_from(["sms", "email", "voice"]), max_size=3, unique=True)
steps = st.lists(
    st.fixed_dictionaries(
        {"contact_ids": st.lists(people, min_size=1, max_size=3), "channels": ways, "after_s": st.integers(0, 1800)}
    ),
    max_size=3,
)
caps = st.sampled_from([None, 1, 3])
severities = st.sampled_from([Severity.CRITICAL, Severity.MAJOR, Severity.MINOR])


class LadderMachine(RuleBasedStateMachine):
    """An account with three people, whatever befalls them, and the sending half of the alarm service."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.house = AlertHouse()
        self.house.calls()
        self.incidents = 0
        self.sent: list[tuple[Message, ChannelKind]] = []
        self.faults: list[str] = []

    def teardown(self) -> None:
        try:
            self._do(self._reaches_an_end())
        finally:
            self.runner.close()

    @initialize(made=steps, repeat=st.integers(0, 2), cap=caps)
    def furnish(self, made: list[dict[str, Any]], repeat: int, cap: int | None) -> None:
        self._do(self._furnish(made, repeat, cap))

    @rule(minutes=st.sampled_from([1, 4, 20, 61, 300]))
    def time_passes(self, minutes: int) -> None:
        self._do(self._live(timedelta(minutes=minutes)))

    @rule(minutes=st.sampled_from([4, 61, 300]))
    def nobody_works(self, minutes: int) -> None:
        self._do(self._and_live(self.house.clock.advance(minutes * 60.0)))

    @rule(severity=severities)
    def something_goes_wrong(self, severity: Severity) -> None:
        if self.incidents < 3:
            self._do(self._open(severity))

    @rule(who=people, number=st.integers(0, 2))
    def somebody_takes_it(self, who: str, number: int) -> None:
        self._do(self._take(f"inc_{number}", f"{who} sms"))

    @rule(number=st.integers(0, 2))
    def it_is_over(self, number: int) -> None:
        self._do(self._close(f"inc_{number}"))

    @rule(who=people, proof=st.sampled_from(["phone", "voice", "email"]), proved=st.booleans())
    def an_address_is_proved_or_not(self, who: str, proof: str, *, proved: bool) -> None:
        at = self.house.clock.now() if proved else None
        self._do(self._change(who, **{f"{proof}_verified_at": at}))

    @rule(who=people, paused=st.booleans())
    def somebody_stops_or_comes_back(self, who: str, *, paused: bool) -> None:
        at, reason = (self.house.clock.now(), "stop_reply") if paused else (None, None)
        self._do(self._change(who, paused_at=at, pause_reason=reason))

    @rule(who=people, start=st.integers(0, 23), hours=st.integers(1, 12), wakes=st.booleans())
    def somebody_would_sleep(self, who: str, start: int, hours: int, *, wakes: bool) -> None:
        window = {"start": f"{start:02}:00", "end": f"{(start + hours) % 24:02}:00", "except_critical": wakes}
        self._do(self._change(who, quiet_hours=window))

    @rule(who=people)
    def somebody_is_removed(self, who: str) -> None:
        self._do(self._and_live(self.house.records.remove_all(Contact, is_("id", who))))

    @rule(who=people, role=st.sampled_from([ContactRole.ALARM, ContactRole.SERVICE]))
    def somebody_is_entered(self, who: str, role: ContactRole) -> None:
        self._do(self._enter(who, role))

    @rule(made=steps, repeat=st.integers(0, 2), cap=caps)
    def the_ladder_is_edited(self, made: list[dict[str, Any]], repeat: int, cap: int | None) -> None:
        self._do(self._edit(made, repeat, cap))

    @rule(who=people, stand_in=people)
    def somebody_stands_in(self, who: str, stand_in: str) -> None:
        self._do(self._substitute(who, stand_in))

    @rule(outcome=st.sampled_from(OUTCOMES), way=st.sampled_from(["sms", "mail", "voice"]))
    def a_provider_fails(self, outcome: Any, way: str) -> None:
        channel: RecordingChannel = getattr(self.house, way)
        channel.script.append(outcome)

    @invariant()
    def nothing_was_done_that_must_not_be(self) -> None:
        assert not self.faults

    def _do(self, doing: Coroutine[Any, Any, Any]) -> None:
        self.runner.run(doing)

    async def _furnish(self, made: list[dict[str, Any]], repeat: int, cap: int | None) -> None:
        await self.house.furnish()
        await self.house.contact(BERTIL)
        await self._edit(made, repeat, cap)

    async def _and_live(self, doing: Coroutine[Any, Any, Any]) -> None:
        await doing
        await self._live(timedelta())

    async def _change(self, who: str, **changes: Any) -> None:
        await self._and_live(self.house.records.change_one(Contact, is_("id", who), **changes))

    async def _enter(self, who: str, role: ContactRole) -> None:
        now = self.house.clock.now()
        contact = Contact(
            id=who,
            account_id=ACCOUNT,
            name=who,
            phone=PHONE[who],
            email=MAIL[who],
            phone_verified_at=now,
            roles=(role.value,),
            created_at=now,
        )
        await self._and_live(self.house.records.add_all([contact]))

    async def _edit(self, made: list[dict[str, Any]], repeat: int, cap: int | None) -> None:
        await self.house.records.remove_all(Escalation)
        await self.house.ladder(*made, repeat=repeat, repeat_after_s=600, cap=cap)
        await self._live(timedelta())

    async def _substitute(self, who: str, stand_in: str) -> None:
        now = self.house.clock.now()
        substitution = Substitution(
            id=derived_id("sub", who, stand_in),
            account_id=ACCOUNT,
            contact_id=who,
            stand_in_id=stand_in,
            from_at=now,
            until_at=now + timedelta(hours=6),
            created_at=now,
        )
        await self._and_live(self.house.records.add_all([substitution]))

    async def _open(self, severity: Severity) -> None:
        causes = (Cause.MAINS_LOST, Cause.OFFLINE, Cause.INPUT)
        name = f"inc_{self.incidents}"
        await self.house.incident(name, severity=severity, cause=causes[self.incidents], short_code=f"A{name[-1]}")
        self.incidents += 1
        await self._live(timedelta())

    async def _take(self, incident_id: str, by: str) -> None:
        await take(self.house.records, incident_id, by=by, clock=self.house.clock)
        await self._live(timedelta())

    async def _close(self, incident_id: str) -> None:
        incident = await self.house.records.get(Incident, incident_id)
        if incident is not None and incident.state is not IncidentState.CLOSED:
            await self.house.close(incident_id)
        await self._live(timedelta(seconds=60))

    async def _live(self, how_long: timedelta) -> None:
        """Let everybody work until then, and look at what each round of work did."""
        end = self.house.clock.now() + how_long
        await self._work()
        while self.house.clock.now() < end:
            due = min(await self._next_due(), end)
            await self.house.clock.advance(max((due - self.house.clock.now()).total_seconds(), 0.001))
            await self._work()

    async def _work(self) -> None:
        before = {each.id: each for each in await self.house.records.find(Incident)}
        alarms = await self._alarms()
        sent = self._all_sent()
        workers: list[Callable[[], Coroutine[Any, Any, bool]]] = [
            self.house.escalator().step,
            self.house.dispatcher().step,
            self.house.receipts().step,
            self.house.unclear().step,
            self.house.failover().step,
            self.house.calling_off().step,
        ]
        while any([await step() for step in workers]):
            pass
        await self._look_at(before, alarms, [each for each in self._all_sent() if each not in sent])

    def _all_sent(self) -> list[tuple[Message, ChannelKind]]:
        ways = (self.house.sms, self.house.mail, self.house.calls())
        return [(message, way.kind) for way in ways for message in way.asked]

    async def _alarms(self) -> dict[str, Delivery]:
        found = await self.house.records.find(Delivery, is_("kind", DeliveryKind.ALARM))
        return {each.id: each for each in found}

    async def _look_at(
        self,
        before: dict[str, Incident],
        alarms: dict[str, Delivery],
        sent: list[tuple[Message, ChannelKind]],
    ) -> None:
        contacts = {each.id: each for each in await self.house.records.find(Contact)}
        after = {each.id: each for each in await self.house.records.find(Incident)}
        for message, way in sent:
            attempt = await self.house.records.get(Attempt, message.attempt_id)
            assert attempt is not None
            delivery = await self.house.records.get(Delivery, attempt.delivery_id)
            assert delivery is not None
            self.faults += self._why_not(message, way, delivery, contacts)
            self.faults += _after_it_was_taken(delivery, before, after)
        self.faults += await self._beyond_the_cap(alarms, after)
        self.faults += await self._told_again_at_once(alarms)

    def _why_not(
        self, message: Message, way: ChannelKind, delivery: Delivery, contacts: dict[str, Contact]
    ) -> list[str]:
        if delivery.contact_id is None:
            return [] if message.to == "owner@example.org" else [f"{message.to} is nobody's"]
        contact = contacts.get(delivery.contact_id)
        if contact is None:
            return [f"{delivery.contact_id} was removed"]
        if contact.paused_at is not None:
            return [f"{contact.id} is paused"]
        if way not in contact.verified_channels():
            return [f"{contact.id} has not verified {way}"]
        if delivery.kind is DeliveryKind.ALARM and held_until(contact, delivery.severity, self.house.clock.now()):
            return [f"{contact.id} sleeps"]
        return []

    async def _beyond_the_cap(self, before: dict[str, Delivery], incidents: dict[str, Incident]) -> list[str]:
        ladders = [each for each in await self.house.records.find(Escalation) if each.steps]
        cap = ladders[0].cap if ladders else None
        lines = await self.house.records.find(TimelineEntry, is_("reason", "cap_reached"))
        capped = {each.incident_id for each in lines}
        faults = [
            f"{each} is critical and was capped" for each in capped if incidents[each].severity is Severity.CRITICAL
        ]
        now = await self._alarms()
        for incident in incidents.values():
            total = sum(each.incident_id == incident.id for each in now.values())
            grew = total > sum(each.incident_id == incident.id for each in before.values())
            # What matters little goes to service contacts by a ladder of its own, which has no cap.
            if cap is not None and grew and total > cap and incident.severity is Severity.MAJOR:
                faults.append(f"{incident.id} has {total} alarms, and {cap} are allowed")
        return faults

    async def _told_again_at_once(self, before: dict[str, Delivery]) -> list[str]:
        """Whatever was missed, a person is told of it once by each way; what goes in place of a lost one is another."""
        made = [each for each in (await self._alarms()).values() if each.id not in before and each.instead_of is None]
        ways = Counter((each.incident_id, each.contact_id, each.channel) for each in made)
        return [f"{way} was told {number} times at once" for way, number in ways.items() if number > 1]

    async def _next_due(self) -> datetime:
        records, now = self.house.records, self.house.clock.now()
        due = [each.step_due_at for each in await records.find(Incident, is_("needs_step", True))]
        for each in await records.find(Delivery):
            if each.state in {DeliveryState.DUE, DeliveryState.UNCLEAR}:
                due.append(each.due_at)
            if each.moves_on:
                due.append(each.moves_on_at)
        return min((each for each in due if each > now), default=now + timedelta(days=1))

    async def _reaches_an_end(self) -> None:
        """Each incident ends: taken, over, or exhausted with a notice; and what matters is kept in view until then."""
        await self._live(timedelta(hours=26))  # the longest sleep, and half an hour for an answer
        for incident in await self.house.records.find(Incident):
            if incident.state is not IncidentState.OPEN:
                continue
            lines = await self.house.records.find(TimelineEntry, is_("incident_id", incident.id))
            said = {each.what for each in lines}
            notices = await self.house.records.find(
                Delivery, is_("incident_id", incident.id), is_("kind", DeliveryKind.NOTICE)
            )
            assert Happening.EXHAUSTED in said, (incident, sorted(said))
            assert notices, incident
            assert incident.needs_step or incident.severity is Severity.MINOR, incident
        assert not self.faults


def _after_it_was_taken(delivery: Delivery, before: dict[str, Incident], after: dict[str, Incident]) -> list[str]:
    known, now = before.get(delivery.incident_id or ""), after.get(delivery.incident_id or "")
    if known is None or now is None or known.state is not IncidentState.ACKNOWLEDGED:
        return []
    if now.state is IncidentState.ACKNOWLEDGED and delivery.kind not in QUIETLY:
        return [f"{delivery.kind} went out although {known.id} was taken"]
    return []


LadderMachine.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestTheLadderWhateverHappens = LadderMachine.TestCase
