"""A socket, its people and the whole alarm service on one clock, told by the clock on their wall.

A story lets time pass (`until`), lets the socket say something, lets somebody write back, and in the end reads what
came to whom and when: `heard()`.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alerts.replies import Replies
from isocket.domain.accounts import Account
from isocket.domain.contacts import ChannelKind, Contact, Escalation
from isocket.domain.deliveries import Attempt, AttemptState, Delivery, DeliveryState
from isocket.domain.devices import Device
from isocket.domain.incidents import Incident, TimelineEntry
from isocket.storage.port import Records, is_, is_not
from tests.fakes.alert_house import PUBLIC_URL, AlertHouse
from tests.fakes.clock import ManualClock
from tests.fakes.judged_house import DEVICE, OWNER, JudgedHouse, judged_house

ASLEEP = {"start": "22:00", "end": "07:00", "except_critical": True}
PHONES = {"Anna": "+447700900001", "Bertil": "+447700900002"}
JUDGED_EVERY_S = 30.0


@dataclass
class Night:
    """One night, in the zone whose wall clock the story tells its times by."""

    zone: ZoneInfo
    sockets: JudgedHouse
    people: AlertHouse
    wrote: list[tuple[datetime, str]] = field(default_factory=list)
    reported: set[str] = field(default_factory=set)

    @property
    def clock(self) -> ManualClock:
        return self.sockets.clock

    @property
    def records(self) -> Records:
        return self.people.records

    def moment(self, wall: str, *, again: bool = False) -> datetime:
        """Return the next instant at which the wall shows this time; `again`: where it shows it twice, the second."""
        hour, minute = (int(each) for each in wall.split(":"))
        now = self.clock.now().astimezone(self.zone)
        for days in (0, 1):
            day = now.date() + timedelta(days=days)
            local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone, fold=int(again))
            if local.astimezone(UTC) > now.astimezone(UTC):
                return local.astimezone(UTC)
        raise AssertionError(f"{wall} does not come")

    async def until(self, wall: str, *, again: bool = False) -> None:
        """Let everybody live until the wall shows this time."""
        end = self.moment(wall, again=again)
        await self._live()
        while self.clock.now() < end:
            due = min(await self._next_due(), self.clock.now() + timedelta(seconds=JUDGED_EVERY_S), end)
            await self.clock.advance(max((due - self.clock.now()).total_seconds(), 0.001))
            await self._live()

    async def socket(self, **fields: Any) -> None:
        """Let the socket report its state."""
        await self.sockets.state(**fields)
        await self._live()

    async def kept(self, cause: str, *, active: bool, ago_s: float) -> None:
        """Let the socket send an alarm that it kept while it was out of reach."""
        await self.sockets.alarm(cause, active=active, ago_s=ago_s)
        await self._live()

    async def flicker(self, times: int, *, every_s: float = 120) -> None:
        """Let mains power go and come again."""
        for _ in range(times):
            for mains in (False, True):
                await self.socket(mains=mains)
                await self.sockets.let_pass(every_s / 2)
                await self._live()

    async def writes(self, name: str, text: str | None = None) -> None:
        """Let somebody write to us, the code of the latest alarm unless it is said what; the answer is heard too."""
        said = text or (await self.incident()).short_code
        self.wrote.append((self.clock.now(), f"{name} writes: {said}"))
        replies = Replies(records=self.records, clock=self.clock, public_url=PUBLIC_URL)
        answer = await replies.heed(PHONES[name], said)
        if answer:
            self.wrote.append((self.clock.now(), f"{name} text: {answer}"))
        await self._live()

    async def incident(self) -> Incident:
        """Return the incident that was opened last and that people are told of."""
        return (await self.records.find(Incident, is_("explained_by", None), order_by="detected_at"))[-1]

    async def heard(self) -> list[str]:
        """Return what went out and what was written, in the order of time, as the wall showed it."""
        found = list(self.wrote)
        names = {each.id: each.name for each in await self.records.find(Contact)}
        for attempt in await self.records.find(Attempt, is_("state", AttemptState.SENT)):
            delivery = await self.records.get(Delivery, attempt.delivery_id)
            assert delivery is not None
            way = {"sms": "text", "email": "mail", "voice": "call"}[delivery.channel.value]
            said = delivery.text if delivery.channel is ChannelKind.SMS else delivery.subject_line or delivery.text
            name = names.get(delivery.contact_id or "", "Owner")
            found.append((attempt.started_at, f"{name} {way}: {said}"))
        codes = [each.short_code for each in await self.records.find(Incident) if each.short_code]
        told: list[str] = []
        for at, said in sorted(found, key=lambda line: line[0]):
            text = said
            for code in codes:
                text = text.replace(code, "CODE")
            told.append(f"{at.astimezone(self.zone):%H:%M %Z} {text}")
        return told

    async def untold(self) -> list[str]:
        """Return why something was not sent, in the order of time, as the wall showed it."""
        lines = await self.records.find(TimelineEntry, is_not("reason", ""), order_by="at")
        names = {each.id: each.name for each in await self.records.find(Contact)}
        return [
            f"{each.at.astimezone(self.zone):%H:%M %Z} {each.what.value}: {names.get(each.contact_id or '', 'nobody')},"
            f" {each.reason}"
            for each in lines
            if each.what.value in {"not_sent", "held", "let_go", "exhausted"}
        ]

    async def _live(self) -> None:
        workers = (
            self.sockets.judge,
            self.people.escalator(),
            self.people.dispatcher(),
            self.people.receipts(),
            self.people.unclear(),
            self.people.failover(),
            self.people.calling_off(),
        )
        while any([await worker.step() for worker in workers]):
            await self._deliver()

    async def _deliver(self) -> None:
        """Let the networks report that what they took has arrived."""
        for attempt in await self.records.find(Attempt, is_("state", AttemptState.SENT)):
            if attempt.id not in self.reported:
                self.reported.add(attempt.id)
                await self.people.receipt("delivered", attempt)

    async def _next_due(self) -> datetime:
        due = [each.step_due_at for each in await self.records.find(Incident, is_("needs_step", True))]
        due += [each.due_at for each in await self.records.find(Delivery, is_("state", DeliveryState.DUE))]
        due += [each.moves_on_at for each in await self.records.find(Delivery, is_("moves_on", True))]
        return min((each for each in due if each > self.clock.now()), default=self.clock.now() + timedelta(days=1))


async def night(begins: str, zone: str, **desired: Any) -> Night:
    """Return a night that begins at a local time (`2026-11-22 21:00`), at a socket with these settings."""
    place = ZoneInfo(zone)
    clock = ManualClock(datetime.fromisoformat(begins).replace(tzinfo=place).astimezone(UTC))
    sockets = await judged_house(clock=clock, **desired)
    people = AlertHouse(clock=clock, records=sockets.records)
    await people.records.add(Account(id=OWNER, email="owner@example.org", time_zone=zone, created_at=clock.now()))
    await people.records.change_one(Device, is_("id", DEVICE), name="Cabin")
    found = Night(zone=place, sockets=sockets, people=people)
    await found.socket(mains=True, temp_c=[20.0])
    return found


async def person(night: Night, name: str, *, asleep: bool = False, **changes: Any) -> str:
    """Add somebody who gets text messages; return their id."""
    contact_id = f"con_{name.lower()}"
    now = night.clock.now()
    values: dict[str, Any] = {
        "account_id": OWNER,
        "name": name,
        "phone": PHONES[name],
        "phone_verified_at": now,
        "time_zone": night.zone.key,
        "quiet_hours": ASLEEP if asleep else None,
        "created_at": now,
    }
    await night.records.add(Contact(id=contact_id, **{**values, **changes}))
    return contact_id


async def ladder(night: Night, *steps: tuple[str, float], **more: Any) -> None:
    """Set who is told by text after how many seconds."""
    made = tuple({"contact_ids": [who], "channels": ["sms"], "after_s": after_s} for who, after_s in steps)
    await night.records.add(Escalation(id="esc_1", account_id=OWNER, steps=made, **more))
