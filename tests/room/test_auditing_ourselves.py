"""The self-audit: what it finds, whom it tells, and that the outside heartbeat stays away while anything is wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry, generate_latest

from alerts.audit import AUDIT_EVERY_S, Audit
from alerts.audit_checks import Checks, Kind
from alerts.audit_forgotten import SOME
from alerts.channels.web_push import WebPush
from alerts.heartbeat import Heartbeat
from alerts.metrics import AlertMetrics
from alerts.operator import OPERATOR, Operator
from alerts.rules.memory import Condition, Key, Memory, Phase, PowerBack, to_watch
from alerts.timeline import NOBODY_TO_TELL, incident_line
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import Attempt, Delivery, DeliveryKind, DeliveryState, Receipt
from isocket.domain.findings import Finding
from isocket.domain.incidents import Cause, Happening, Incident, IncidentState, Severity
from isocket.domain.outages import Outage, OutageKind
from isocket.domain.sending import ProviderHealth
from isocket.domain.watches import Watch
from isocket.kit.clock import to_ms
from isocket.storage.memory_telemetry import MemoryTelemetry
from isocket.storage.port import StoreUnavailableError, is_
from isocket.storage.set_back import BELIEVED_AFTER_S
from isocket.storage.wakeups import Wakeups
from isocket.storage.worker import Worker
from tests.fakes.alert_house import ACCOUNT, ANNA, DEVICE, PHONES, AlertHouse
from tests.fakes.clock import NOON
from tests.fakes.dying import DyingRecords, Fuse, every_crash_point
from tests.fakes.full_disk import FullDisk

A_YEAR_S = 366 * 86_400.0
TOLD = Operator(email="ops@example.org", phone="+447700900999")


@dataclass
class CountingHeartbeat(Heartbeat):
    """A heartbeat whose pings a test counts, where no server is needed."""

    pings: int = 0

    async def ping(self) -> bool:
        self.pings += 1
        return True


@dataclass
class AuditedHouse:
    """An alert house with an audit that looks when told."""

    house: AlertHouse = field(default_factory=AlertHouse)
    heartbeat: CountingHeartbeat = field(default_factory=CountingHeartbeat)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    workers: list[Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.audit = self.fresh_audit(AlertMetrics(self.registry))

    def fresh_audit(self, metrics: AlertMetrics, records: Any = None) -> Audit:
        house, records = self.house, records or self.house.records
        telemetry = MemoryTelemetry(Wakeups(), house.clock)
        return Audit(
            records=records,
            clock=house.clock,
            checks=Checks(records=records, telemetry=telemetry, clock=house.clock, hold_s=3600),
            workers=lambda: self.workers,
            owner="house",
            operator=TOLD,
            heartbeat=self.heartbeat,
            metrics=metrics,
        )

    async def found(self) -> set[str]:
        """Look, and return the kinds of what is wrong now."""
        await self.audit.step()
        return {each.id for each in await self.house.records.find(Finding, is_("ended_at", None))}

    async def news(self) -> list[Delivery]:
        return await self.house.records.find(Delivery, is_("account_id", OPERATOR))


async def audited() -> AuditedHouse:
    made = AuditedHouse()
    await made.house.furnish()
    return made


async def test_while_all_is_well_the_heartbeat_is_pinged_and_nobody_is_told() -> None:
    made = await audited()
    await made.house.incident()
    await made.house.escalate()
    await made.house.send()
    assert await made.found() == set()
    assert made.heartbeat.pings == 1
    assert not await made.news()
    assert "isocket_audit_passed_timestamp_seconds 1." in generate_latest(made.registry).decode()


Wrong = Callable[[AlertHouse], Any]


async def a_step_is_late(house: AlertHouse) -> None:
    await house.incident()


async def an_alarm_is_late(house: AlertHouse) -> None:
    await house.delivery(DeliveryKind.ALARM)


async def a_message_is_late(house: AlertHouse) -> None:
    await house.delivery(DeliveryKind.NOTICE)
    await house.pass_by(minutes=14)


async def a_call_is_left(house: AlertHouse) -> None:
    await house.delivery(state=DeliveryState.CALLING, lease_until=house.clock.now())


async def many_are_unclear(house: AlertHouse) -> None:
    for number in range(10):
        due = house.clock.now() + timedelta(hours=1)
        await house.delivery(id=f"dlv_{number}", state=DeliveryState.UNCLEAR, due_at=due)


async def a_provider_never_answers(house: AlertHouse) -> None:
    lost = {"state": DeliveryState.FAILED, "reason": "unclear"}
    for number in range(3):
        await house.delivery(DeliveryKind.ALARM, id=f"dlv_{number}", **lost)


async def a_provider_is_away(house: AlertHouse, channel: ChannelKind = ChannelKind.SMS, **changes: Any) -> None:
    """Put an alarm off for a quarter of an hour, which is tried again in minutes."""
    now = house.clock.now()
    reason = {"reason": "provider_unavailable", "held_up": True, "tries": 9, **changes}
    at = {"created_at": now - timedelta(minutes=15), "due_at": now + timedelta(minutes=4)}
    await house.delivery(DeliveryKind.ALARM, channel=channel, **at, **reason)


async def a_receipt_is_late(house: AlertHouse) -> None:
    await house.delivery()
    await house.send()
    await house.receipt("delivered")


async def no_receipt_came(house: AlertHouse) -> None:
    for number in range(5):
        await house.delivery(id=f"dlv_{number}")
    await house.send()
    await house.pass_by(minutes=4)


async def a_provider_refuses(house: AlertHouse) -> None:
    until = house.clock.now() + timedelta(hours=1)
    await house.records.add(ProviderHealth(id="prv_1", kind=ChannelKind.SMS, name="twilio", refused_until=until))


async def an_outage_lasts(house: AlertHouse) -> None:
    now = house.clock.now()
    await house.records.add(Outage(id="out_1", kind=OutageKind.DEAF, began_at=now, noticed_at=now, open_key="ours"))


async def an_incident_is_held_for_ever(house: AlertHouse) -> None:
    now = house.clock.now()
    await house.records.add(Outage(id="out_1", kind=OutageKind.DEAF, began_at=now, noticed_at=now, ended_at=now))
    await house.incident(explained_by="out_1", needs_step=False)
    await house.pass_by(hours=2)


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (a_step_is_late, Kind.STEPS_LATE),
        (an_alarm_is_late, Kind.ALARMS_LATE),
        (a_message_is_late, Kind.MESSAGES_LATE),
        (a_call_is_left, Kind.CALLS_LEFT),
        (many_are_unclear, Kind.MANY_UNCLEAR),
        (a_provider_never_answers, Kind.MANY_UNCLEAR),
        (a_provider_is_away, Kind.ALARMS_LATE),
        (a_receipt_is_late, Kind.RECEIPTS_LATE),
        (no_receipt_came, Kind.CALLBACKS_SILENT),
        (a_provider_refuses, Kind.PROVIDER_REFUSES),
        (an_outage_lasts, Kind.OUTAGE),
        (an_incident_is_held_for_ever, Kind.HELD_TOO_LONG),
    ],
)
async def test_each_kind_of_trouble_is_found_and_keeps_the_heartbeat_away(wrong: Wrong, kind: Kind) -> None:
    made = await audited()
    await wrong(made.house)
    await made.house.pass_by(seconds=125)
    assert kind.value in await made.found()
    assert made.heartbeat.pings == 0
    told = len(await made.news())
    assert told == (0 if kind is Kind.OUTAGE else 2 * len(await made.found()))
    await made.house.pass_by(seconds=30)
    await made.found()
    assert len(await made.news()) == told, "told again"


async def what_is_done_or_not_yet_due(house: AlertHouse) -> None:
    """Leave of everything that is looked for what lacks one sign of it, as often as would be told of."""
    now = house.clock.now()
    hour, soon, past = timedelta(hours=1), now + timedelta(minutes=4), now - timedelta(days=1)
    over = Outage(id="out_1", kind=OutageKind.DEAF, began_at=past, noticed_at=past, ended_at=now)
    await house.records.add_all([over, replace(over, id="out_2", kind=OutageKind.POWER, ended_at=None)])
    taken = {"state": IncidentState.ACKNOWLEDGED, "needs_step": False, "detected_at": past}
    await house.incident("inc_taken", step_due_at=past, **taken)
    await house.incident("inc_waits", step_due_at=soon, detected_at=past)
    held = {"explained_by": over.id, "step_due_at": soon}
    await house.incident("inc_held_and_taken", **taken, **held)
    await house.incident("inc_held_and_climbed", detected_at=past, **held)
    await house.incident("inc_held_just_now", needs_step=False, **held)
    for lasts in ("inc_lasts", "pow_lasts"):
        await house.incident(lasts, step_due_at=soon)
        by_it = {**held, "explained_by": lasts, "detected_at": past}
        await house.incident(f"{lasts}_too", needs_step=False, **by_it)
    off = {"reason": "nothing_sent: TimeoutError", "held_up": True, "created_at": past, "due_at": soon}
    alarm, code = DeliveryKind.ALARM, DeliveryKind.CODE
    lost = {"state": DeliveryState.FAILED, "reason": "unclear", "due_at": now}
    sent = {"state": DeliveryState.SENT, "due_at": past, "lease_until": past}
    mail, program = ({"channel": each} for each in (ChannelKind.EMAIL, ChannelKind.WEBHOOK))
    few: list[tuple[DeliveryKind, dict[str, Any]]] = [
        (alarm, sent),
        (code, {"due_at": now - timedelta(minutes=3)}),
        *((alarm, {**off, **way, "state": DeliveryState.CALLED_OFF}) for way in (mail, {})),
        *((code, {**off, **way}) for way in (mail, {})),
        *((alarm, {**off, **way, "held_up": False}) for way in (mail, {})),
        *((alarm, {**off, **way, "created_at": now}) for way in (mail, {})),
        *((alarm, {**off, **way, "created_at": now - timedelta(minutes=16), "due_at": now}) for way in (mail, {})),
        (alarm, {**off, **program}),
        (alarm, {"state": DeliveryState.CALLING, "lease_until": now}),
    ]
    many = [
        (alarm, {**lost, "state": DeliveryState.CALLED_OFF}),
        (alarm, {**lost, "due_at": now - 2 * hour}),
        (code, lost),
        (alarm, {**lost, "reason": "refused"}),
        (alarm, {**lost, **program}),
        (alarm, {"state": DeliveryState.UNCLEAR, "due_at": now + hour, **program}),
    ]
    for number, (kind, changes) in enumerate(few + many * 10):
        await house.delivery(kind, id=f"dlv_{number}", **changes)
    attempt = Attempt(
        id="", delivery_id="", account_id=ACCOUNT, person_id=ANNA, number=1, provider="twilio", started_at=now
    )  # fmt: skip
    for number in range(5):
        for ago, expected in ((hour, False), (3 * hour, True), (timedelta(), True)):
            silent = replace(attempt, id=f"att_{number}_{ago}", started_at=now - ago, receipt_expected=expected)
            await house.records.add(silent)
    told = Receipt.of(attempt, "delivered", provider_id="SM1", at=past, error_code=None)
    await house.records.add(replace(told, settled=True))


async def test_what_lacks_one_sign_of_trouble_is_none() -> None:
    made = await audited()
    await what_is_done_or_not_yet_due(made.house)
    assert await made.found() == set()


async def many_to_a_program_are_unclear(house: AlertHouse) -> None:
    for number in range(10):
        due = house.clock.now() + timedelta(hours=1)
        to = {"channel": ChannelKind.WEBHOOK, "address": "end_1"}
        await house.delivery(id=f"dlv_{number}", state=DeliveryState.UNCLEAR, due_at=due, **to)


async def a_program_is_waited_for(house: AlertHouse) -> None:
    for kind in (DeliveryKind.ALARM, DeliveryKind.CODE):
        await house.delivery(kind, channel=ChannelKind.WEBHOOK, address="end_1")


async def browsers_never_report(house: AlertHouse) -> None:
    for number in range(300):  # more than are looked at
        await house.records.add(
            Attempt(
                id=f"att_{number}",
                delivery_id=f"dlv_{number}",
                account_id=ACCOUNT,
                person_id=ANNA,
                number=1,
                provider=WebPush.name,
                started_at=house.clock.now(),
                receipt_expected=True,
            )
        )


@pytest.mark.parametrize("wrong", [many_to_a_program_are_unclear, a_program_is_waited_for, browsers_never_report])
async def test_what_one_customers_browsers_and_programs_do_is_no_trouble_of_ours(wrong: Wrong) -> None:
    made = await audited()
    await wrong(made.house)
    await made.house.pass_by(minutes=20)
    assert (await made.found(), made.heartbeat.pings, await made.news()) == (set(), 1, [])


@pytest.mark.parametrize(
    ("reason", "found"), [("server_said_452", set()), ("nothing_sent: TimeoutError", {Kind.ALARMS_LATE})]
)
async def test_a_mailbox_that_puts_mail_off_is_no_trouble_of_ours_but_a_server_out_of_reach_is(
    reason: str, found: set[Kind]
) -> None:
    made = await audited()
    await a_provider_is_away(made.house, ChannelKind.EMAIL, reason=reason)
    assert await made.found() == found


async def test_hundreds_of_mailboxes_that_put_mail_off_hide_no_provider_of_texts_that_is_away() -> None:
    made = await audited()
    for number in range(SOME):
        await a_provider_is_away(made.house, ChannelKind.EMAIL, reason="server_said_452", id=f"dlv_{number:03}")
    await a_provider_is_away(made.house, id="dlv_text")
    assert await made.found() == {Kind.ALARMS_LATE}


async def test_browsers_that_never_report_hide_no_provider_that_is_silent() -> None:
    made = await audited()
    await no_receipt_came(made.house)
    await made.house.pass_by(minutes=1)
    await browsers_never_report(made.house)
    await made.house.pass_by(minutes=6)
    assert await made.found() == {Kind.CALLBACKS_SILENT}


async def test_one_that_had_nothing_due_and_no_reason_for_it_goes_back_to_its_ladder() -> None:
    made = await audited()
    await made.house.incident(needs_step=False)
    assert await made.found() == set(), "it has just begun"
    await made.house.pass_by(seconds=125)
    assert await made.found() == {Kind.FORGOTTEN}
    assert "found_by_audit" in await made.house.reasons(Happening.NOTE)
    await made.house.escalate()
    assert await made.house.deliveries()
    await made.house.send()
    assert await made.found() == set()


async def test_what_went_and_what_is_said_of_another_alarm_are_no_reasons_to_rest() -> None:
    made = await audited()
    lost = await made.house.incident(needs_step=False)
    other = await made.house.incident("inc_0", needs_step=False, severity=Severity.INFO)
    await made.house.delivery(DeliveryKind.ALARM, incident_id=lost.id, state=DeliveryState.SENT)
    nobody: dict[str, Any] = {"at": made.house.clock.now(), "reason": NOBODY_TO_TELL}
    said = ((other, Happening.NOT_SENT), (lost, Happening.NOTE))
    await made.house.records.add_all([incident_line(each, what, **nobody) for each, what in said])
    await made.house.pass_by(seconds=125)
    assert await made.found() == {Kind.FORGOTTEN}
    assert (await made.house.the_incident()).needs_step
    assert await made.house.the_incident(other.id) == other


@pytest.mark.parametrize(
    "changes",
    [
        {"severity": Severity.INFO},
        {"explained_by": "inc_0"},
        {"explained_by": "inc_missing", "severity": Severity.INFO},
        {"explained_by": "inc_missing", "state": IncidentState.ACKNOWLEDGED},
        {"exhausted_at": NOON, "severity": Severity.MINOR},
        {"account_id": ACCOUNT, "cause": "no_recipient"},
    ],
    ids=str,
)
async def test_what_rests_for_a_reason_is_no_trouble(changes: dict[str, Any]) -> None:
    made = await audited()
    await made.house.incident("inc_0", open_key="open_0", state=IncidentState.ACKNOWLEDGED, needs_step=False)
    await made.house.incident(needs_step=False, **changes)
    await made.house.pass_by(minutes=10)
    assert await made.found() == set()


async def what_explained_it_is_over(house: AlertHouse) -> None:
    await house.incident("inc_0", state=IncidentState.CLOSED, closed_at=house.clock.now(), needs_step=False)
    await house.incident(explained_by="inc_0", needs_step=False)


async def what_explained_it_is_gone(house: AlertHouse) -> None:
    await house.incident(explained_by="inc_0", needs_step=False)


async def its_outage_is_settled(house: AlertHouse) -> None:
    now = house.clock.now()
    await house.records.add(
        Outage(id="out_1", kind=OutageKind.DEAF, began_at=now, noticed_at=now, ended_at=now, settled=True)
    )
    await house.incident(explained_by="out_1", needs_step=False)


@pytest.mark.parametrize("over", [what_explained_it_is_over, what_explained_it_is_gone, its_outage_is_settled])
async def test_one_whose_explanation_is_over_goes_back_to_its_ladder(over: Wrong) -> None:
    made = await audited()
    await over(made.house)
    assert await made.found() == set(), "whoever ended it may be about to"
    await made.house.pass_by(seconds=125)
    assert await made.found() == {Kind.FORGOTTEN}
    given_back = await made.house.the_incident()
    assert (given_back.explained_by, given_back.told_from) == (None, made.house.clock.now())
    assert "found_by_audit" in await made.house.reasons(Happening.NOTE)
    await made.house.escalate()
    assert await made.house.deliveries()
    await made.house.send()
    assert await made.found() == set()


async def the_rules_remember(
    house: AlertHouse, *, holds: bool, back: datetime, explained_by: str | None, failure: str | None = None
) -> None:
    """Leave what the rules know of a battery that fell low in a mains failure which is over.

    `failure`: the incident of the next one.
    """
    now_ms = to_ms(NOON)
    known = Condition(
        phase=Phase.OPEN,
        since_ms=now_ms,
        turned_ms=now_ms,
        heard_ms=now_ms,
        opener="1.1",
        boot=1,
        seq=1,
        incident_id="inc_1",
        holds=holds,
        explained_by=explained_by,
    )
    power_back = PowerBack(incident_id="inc_0", began_ms=now_ms, at_ms=now_ms, heard_ms=to_ms(back))
    conditions = {Key(Cause.BATTERY_LOW): known}
    if failure is not None:
        conditions[Key(Cause.MAINS_LOST)] = replace(known, incident_id=failure, holds=True, explained_by=None)
    memory = Memory(conditions=conditions, power_back=power_back)
    await house.records.add(Watch(id=DEVICE, conditions=to_watch(memory)))


@pytest.mark.parametrize(
    ("holds", "back_s", "explained_by", "found"),
    [
        (False, 0, "inc_0", set()),  # the battery is being charged
        (True, 3000, "inc_0", set()),  # we heard just now that power is back: the rules release it soon
        (True, 0, "inc_0", {Kind.FORGOTTEN}),
        (False, 3000, None, {Kind.FORGOTTEN}),  # they think that it was released
    ],
)
async def test_what_the_rules_still_hold_back_is_not_given_back(
    *, holds: bool, back_s: float, explained_by: str | None, found: set[Kind]
) -> None:
    made = await audited()
    await what_explained_it_is_over(made.house)
    await the_rules_remember(made.house, holds=holds, back=NOON + timedelta(seconds=back_s), explained_by=explained_by)
    await made.house.pass_by(seconds=3300)
    assert await made.found() == found


@pytest.mark.parametrize(
    ("state", "found"), [(IncidentState.ACKNOWLEDGED, set()), (IncidentState.CLOSED, {Kind.FORGOTTEN})]
)
async def test_what_the_next_mains_failure_explains_is_given_back_only_where_that_is_over(
    state: IncidentState, found: set[Kind]
) -> None:
    made = await audited()
    await what_explained_it_is_over(made.house)
    await made.house.incident("inc_next", state=state, needs_step=False, closed_at=NOON)
    await the_rules_remember(made.house, holds=True, back=NOON, explained_by="inc_0", failure="inc_next")
    await made.house.pass_by(seconds=3300)
    assert await made.found() == found


async def test_however_many_rest_for_a_reason_the_one_that_was_forgotten_is_found() -> None:
    made = await audited()
    lonely = {"cause": Cause.NO_RECIPIENT, "severity": Severity.MAJOR, "needs_step": False}
    for number in range(SOME + 1):
        await made.house.incident(f"inc_a{number}", open_key=f"open_a{number}", **lonely)
        await made.house.incident(f"inc_b{number}", open_key=f"open_b{number}", needs_step=False)
        await made.house.delivery(
            id=f"dlv_{number}",
            incident_id=f"inc_b{number}",
            state=DeliveryState.UNCLEAR,
            due_at=made.house.clock.now() + timedelta(days=1),
        )
    await made.house.pass_by(seconds=1)
    await made.house.incident(needs_step=False)
    await made.house.pass_by(seconds=1)
    for number in range(SOME + 1):
        await made.house.incident(f"inc_c{number}", open_key=f"open_c{number}", **lonely)
    await made.house.pass_by(seconds=125)
    assert Kind.FORGOTTEN in await made.found()
    assert (await made.house.the_incident()).needs_step


async def test_all_whom_a_settled_outage_left_behind_are_given_back_however_many_another_one_holds() -> None:
    made = await audited()
    await an_outage_lasts(made.house)
    for number in range(SOME + 1):
        held = {"open_key": f"open_{number}", "needs_step": False, "explained_by": "out_1"}
        await made.house.incident(f"inc_a{number}", **held)
        await made.house.incident(f"inc_b{number}", **held | {"open_key": f"open_b{number}", "explained_by": "out_2"})
    await made.house.pass_by(seconds=125)
    assert await made.found() == {Kind.FORGOTTEN, Kind.OUTAGE}
    lost = await made.house.records.count(Incident, is_("explained_by", None), is_("needs_step", True))
    held_still = await made.house.records.count(Incident, is_("explained_by", "out_1"), is_("needs_step", False))
    assert (lost, held_still) == (SOME + 1, SOME + 1)


async def test_a_ladder_that_was_of_no_use_may_not_rest_while_it_matters_much() -> None:
    made = await audited()
    await made.house.incident(needs_step=False, exhausted_at=NOON, severity=Severity.MAJOR)
    await made.house.pass_by(seconds=125)
    assert await made.found() == {Kind.FORGOTTEN}
    assert (await made.house.the_incident()).needs_step


async def test_an_exhausted_ladder_is_climbed_again_for_as_long_as_it_matters_and_nothing_is_found() -> None:
    made = await audited()
    await made.house.incident()
    for _ in range(3 * 24 * 4):
        await made.house.escalate()
        await made.house.send()
        for each in await made.house.attempts():
            if not each.receipt:
                await made.house.receipt("delivered", each)
        await made.house.take_in_receipts()
        assert await made.found() == set()
        await made.house.pass_by(minutes=15)
    alarms = await made.house.deliveries()
    assert len(alarms) > 6, "told again after an hour, two, four ..."
    assert (await made.house.the_incident()).needs_step


async def test_a_trouble_that_comes_back_within_the_hour_is_not_told_again_and_a_new_one_is() -> None:
    made = await audited()

    async def a_receipt_lies_about(minutes: int) -> None:
        await made.house.pass_by(minutes=minutes)
        attempt = Attempt(
            id=f"att_{minutes}",
            delivery_id="d",
            account_id=ACCOUNT,
            person_id=ANNA,
            number=1,
            provider="p",
            started_at=made.house.clock.now(),
        )
        await made.house.receipt("sent", attempt)
        await made.house.pass_by(minutes=3)
        assert await made.found() == {Kind.RECEIPTS_LATE}
        await made.house.take_in_receipts()
        await made.house.send()
        assert await made.found() == set()

    await a_receipt_lies_about(0)
    await a_receipt_lies_about(30)
    assert len(await made.news()) == 2
    await a_receipt_lies_about(61)
    assert len(await made.news()) == 4


async def test_receipts_that_come_show_that_callbacks_are_heard() -> None:
    made = await audited()
    for number in range(6):
        await made.house.delivery(id=f"dlv_{number}")
    await made.house.send()
    await made.house.receipt("delivered")
    await made.house.take_in_receipts()
    await made.house.pass_by(minutes=10)
    assert await made.found() == set()


async def test_a_worker_that_does_not_get_on_is_found_and_one_that_idles_is_not() -> None:
    made, stop, hang = await audited(), asyncio.Event(), asyncio.Event()
    wakeups, clock = Wakeups(), made.house.clock

    async def hangs() -> bool:
        await hang.wait()
        return False

    async def idles() -> bool:
        return False

    async def fails() -> bool:
        raise ValueError("broken")

    made.workers = [Worker(step.__name__, step, bell=wakeups.bell(), clock=clock) for step in (hangs, idles, fails)]
    async with asyncio.TaskGroup() as running:
        for each in made.workers:
            running.create_task(each.run(stop))
        for _ in range(20):
            await made.house.pass_by(seconds=10)
        assert await made.found() == {"workers_stuck house", "workers_failing house"}
        stop.set()
        hang.set()
        await made.house.pass_by(seconds=20)
    made.workers = []
    assert await made.found() == set()


async def test_an_audit_that_cannot_look_leaves_the_heartbeat_away() -> None:
    made = await audited()
    broken = DyingRecords(made.house.records, Fuse(at=3))
    with pytest.raises(BaseException, match="death"):
        await made.fresh_audit(AlertMetrics(), broken).step()
    assert made.heartbeat.pings == 0


async def set_back_by_a_year(made: AuditedHouse) -> None:
    await made.found()
    made.house.clock.set_back(A_YEAR_S)


async def until_it_is_believed(made: AuditedHouse) -> list[set[str]]:
    """Audit until it is believed that the clock was set back; return what each look found."""
    found = [await made.found()]
    for _ in range(round(BELIEVED_AFTER_S / AUDIT_EVERY_S)):
        await made.house.clock.advance(AUDIT_EVERY_S)
        found.append(await made.found())
    return found


async def test_an_incident_from_before_the_clock_was_set_back_by_a_year_climbs_its_ladder_now() -> None:
    made = await audited()
    house = made.house
    await house.clock.advance(A_YEAR_S)
    ahead = house.clock.now()
    await house.incident(detected_at=ahead, step_due_at=ahead + timedelta(minutes=5), lease_until=ahead)
    await set_back_by_a_year(made)
    night = {"detected_at": NOON, "step_due_at": NOON + timedelta(hours=9)}
    await house.incident("inc_2", **night)
    *before, last = await until_it_is_believed(made)
    assert before == [set()] * len(before), "a clock that is behind for a moment moves nothing"
    assert last == {Kind.FORGOTTEN}
    found = {each.id: each for each in await house.records.find(Incident)}
    assert (found["inc_1"].step_due_at, found["inc_1"].told_from) == (house.clock.now(), house.clock.now())
    assert found["inc_2"].step_due_at == NOON + timedelta(hours=9), "what waits for the morning goes on waiting"
    await house.escalate()
    assert {each.incident_id for each in await house.deliveries(DeliveryKind.ALARM)} == {"inc_1"}
    assert await made.found() == set()


async def test_who_was_told_before_the_clock_was_set_back_by_a_year_is_told_again_after_an_hour_like_anybody() -> None:
    made = await audited()
    house = made.house
    await house.clock.advance(A_YEAR_S)
    ahead = house.clock.now()
    await house.ladder({"contact_ids": [ANNA], "channels": ["sms"], "after_s": 0})
    await house.incident(detected_at=ahead, step_due_at=ahead + timedelta(minutes=30), ladder_position=1)
    told = {"incident_id": "inc_1", "contact_id": ANNA, "channel": ChannelKind.SMS, "address": PHONES[ANNA]}
    await house.delivery(DeliveryKind.ALARM, **told, created_at=ahead, state=DeliveryState.SENT)
    await set_back_by_a_year(made)
    await until_it_is_believed(made)
    await house.escalate()
    assert len(await house.deliveries()) == 1, "nobody is told twice because of the clock"
    for _ in range(10):
        await house.clock.advance(600)
        await house.escalate()
    assert await house.reasons(Happening.EXHAUSTED) == {"not_acknowledged": 1}
    assert len(await house.deliveries()) == 2


async def test_while_nothing_can_be_stored_the_heartbeat_stays_away_though_nothing_is_found() -> None:
    made, disk = await audited(), FullDisk()
    await disk.prepare()
    audit = made.fresh_audit(AlertMetrics(), disk)
    disk.is_full = True
    with pytest.raises(StoreUnavailableError):
        await audit.step()
    assert made.heartbeat.pings == 0
    disk.is_full = False
    await audit.step()
    assert made.heartbeat.pings == 1


async def test_an_audit_that_dies_anywhere_tells_each_trouble_once_all_the_same() -> None:
    async def build() -> AuditedHouse:
        made = await audited()
        await a_step_is_late(made.house)
        await many_are_unclear(made.house)
        await made.house.incident("inc_2", needs_step=False, open_key=None)
        await made.house.pass_by(seconds=125)
        return made

    async def run(made: AuditedHouse, fuse: Fuse) -> None:
        await made.fresh_audit(AlertMetrics(), DyingRecords(made.house.records, fuse)).step()

    async def check(made: AuditedHouse) -> None:
        news = await made.news()
        assert len(news) in {4, 6}, "twice, or not at all"
        assert len({(each.text, each.channel) for each in news}) == len(news)
        lost = await made.house.the_incident("inc_2")
        assert lost.needs_step

    assert await every_crash_point(build, run, check) > 10


@asynccontextmanager
async def switch(answer: Callable[[web.Request], Any]) -> AsyncIterator[str]:
    """Serve a dead man's switch."""
    app = web.Application()
    app.router.add_get("/ping/secret", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/ping/secret"))


async def test_a_ping_is_heard_by_a_real_server_and_one_that_is_refused_is_not() -> None:
    answers = [web.Response(text="OK"), web.Response(status=404), web.Response(status=302, headers={"Location": "/"})]

    async def answer(_: web.Request) -> web.Response:
        return answers.pop(0)

    async with switch(answer) as url:
        assert [await Heartbeat(url).ping() for _ in range(3)] == [True, False, False]


async def test_a_switch_that_is_not_there_is_no_failure_of_the_audit(caplog: pytest.LogCaptureFixture) -> None:
    assert not await Heartbeat("http://127.0.0.1:9/ping/secret").ping()
    assert not await Heartbeat().ping()
    assert "secret" not in caplog.text
