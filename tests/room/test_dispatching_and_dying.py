"""A process that dies before or after any of its writes: each message goes out once at most and is never lost."""

import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from alerts.acknowledging import acknowledge
from alerts.outcomes import RefusalScope, Refused, TryLater, Unclear
from isocket.domain.contacts import ChannelKind
from isocket.domain.deliveries import AttemptState, DeliveryKind, DeliveryState
from isocket.domain.desk import DeskMessage
from isocket.domain.incidents import Happening, IncidentState, Severity
from isocket.storage.port import Asked, Records, StoreUnavailableError
from isocket.storage.records import StoredRecords
from isocket.storage.sqlite import SqliteStore
from tests.fakes.alert_house import ANNA, BERTIL, AlertHouse
from tests.fakes.dying import Died, DyingRecords, Fuse, every_crash_point

BY_SMS = {"contact_ids": [ANNA], "channels": ["sms"], "after_s": 0}
THEN_BERTIL = {"contact_ids": [BERTIL], "channels": ["sms"], "after_s": 60}
DONE = frozenset({DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.CALLED_OFF})

Build = Callable[[], Awaitable[AlertHouse]]


async def run(house: AlertHouse, fuse: Fuse) -> None:
    await house.rest(fuse)


async def nothing_twice_nothing_lost(house: AlertHouse) -> None:
    """Assert what is true of every ending."""
    out = Counter((message.to, message.text) for message in house.accepted)
    assert all(times == 1 for times in out.values()), out
    for delivery in await house.deliveries(None):
        assert delivery.state in DONE, delivery
        gone = (delivery.address, delivery.text) in out
        unclear = delivery.state is DeliveryState.FAILED and delivery.reason == "unclear"
        assert gone == (delivery.state is DeliveryState.SENT) or unclear, delivery
    notes = await house.reasons(Happening.NOTE)
    given_up = [each for each in await house.deliveries(None) if each.reason == "unclear" and each.incident_id]
    assert notes["unclear"] == len(given_up)
    incident = await house.the_incident()
    assert incident.needs_step == (incident.state is not IncidentState.CLOSED)  # critical: in view until it is over
    await nobody_left_uninformed(house, incident.state)


async def nobody_left_uninformed(house: AlertHouse, state: IncidentState) -> None:
    alarms = await house.deliveries()
    reached = any(each.state is DeliveryState.SENT for each in alarms)
    exhausted = bool(await house.timeline(Happening.EXHAUSTED))
    assert reached or exhausted or state is not IncidentState.OPEN


async def an_alarm() -> AlertHouse:
    house = await AlertHouse().furnish()
    await house.incident()
    return house


async def a_ladder() -> AlertHouse:
    house = await AlertHouse().furnish()
    await house.contact(BERTIL)
    await house.ladder(BY_SMS, THEN_BERTIL)
    await house.incident()
    return house


async def a_provider_that_is_busy() -> AlertHouse:
    house = await an_alarm()
    house.sms.script.append(TryLater(reason="provider_unavailable"))
    return house


async def a_provider_that_refuses() -> AlertHouse:
    house = await a_ladder()
    house.sms.script.append(Refused(reason="opted_out", scope=RefusalScope.CONTACT))
    return house


async def an_answer_that_is_lost() -> AlertHouse:
    house = await an_alarm()
    house.sms.script.append((Unclear(reason="answer_lost"), True))
    return house


async def nobody_to_tell() -> AlertHouse:
    house = await AlertHouse().furnish(phone_verified_at=None, email_verified_at=None)
    await house.incident()
    return house


async def an_end() -> AlertHouse:
    house = await an_alarm()
    await house.escalate()
    await house.send()
    await house.close()
    return house


async def an_end_before_anything_went() -> AlertHouse:
    house = await an_alarm()
    await house.escalate()
    await house.close()
    return house


async def an_end_that_came_first() -> AlertHouse:
    house = await AlertHouse().furnish()
    await house.incident(told_though_over=True)
    await house.close()
    return house


async def an_acknowledgement() -> AlertHouse:
    house = await a_ladder()
    await house.escalate()
    await acknowledge(house.records, "inc_1", by="con_anna sms", clock=house.clock)
    return house


@pytest.mark.parametrize(
    "build",
    [
        an_alarm,
        a_ladder,
        a_provider_that_is_busy,
        a_provider_that_refuses,
        an_answer_that_is_lost,
        nobody_to_tell,
        an_end,
        an_end_before_anything_went,
        an_end_that_came_first,
        an_acknowledgement,
    ],
)
async def test_at_every_crash_point_nothing_goes_twice_and_nothing_is_lost(build: Build) -> None:
    assert await every_crash_point(build, run, nothing_twice_nothing_lost) > 20


async def test_at_every_crash_point_an_end_reaches_those_who_got_the_alarm() -> None:
    async def check(house: AlertHouse) -> None:
        await nothing_twice_nothing_lost(house)
        alarmed = {(each.contact_id, each.channel) for each in await house.deliveries()}
        cleared = {(each.contact_id, each.channel) for each in await house.deliveries(DeliveryKind.CLEAR)}
        assert cleared == alarmed

    await every_crash_point(an_end, run, check)


async def test_at_every_crash_point_an_acknowledgement_lets_nothing_more_go() -> None:
    async def check(house: AlertHouse) -> None:
        assert not house.accepted
        assert len(await house.timeline(Happening.ACKNOWLEDGED)) == 1
        assert await house.reasons(Happening.NOT_SENT) == {"acknowledged": 1}

    await every_crash_point(an_acknowledgement, run, check)


async def test_at_every_crash_point_the_desk_shows_each_message_once() -> None:
    async def build() -> AlertHouse:
        house = await an_alarm()
        house.on_the_desk = True
        return house

    async def check(house: AlertHouse) -> None:
        shown = Counter(each.address for each in await house.records.find(DeskMessage))
        assert all(times == 1 for times in shown.values()), shown
        for delivery in await house.deliveries():
            unclear = delivery.state is DeliveryState.FAILED and delivery.reason == "unclear"
            assert delivery.state is DeliveryState.SENT or unclear

    await every_crash_point(build, run, check)


async def test_only_a_death_between_attempt_and_outcome_can_end_as_unclear() -> None:
    """Before the attempt nothing can have left, so another worker sends it; after the outcome it is known."""
    deaths = 0
    for at in range(1, 200):
        house, fuse = await an_alarm(), Fuse(at)
        house.sms.can_be_asked = house.mail.can_be_asked = False
        try:
            await house.rest(fuse)
        except Died:
            deaths += 1
        if not fuse.burnt:
            break
        open_ended = {each.delivery_id for each in await house.attempts() if each.state is AttemptState.STARTED}
        await house.rest()
        for delivery in await house.deliveries():
            assert delivery.state is DeliveryState.SENT or delivery.id in open_ended, fuse
    assert deaths > 20


async def test_on_a_full_disk_nothing_counts_as_settled_whose_line_was_not_written(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "alerts.sqlite")
    try:
        records = StoredRecords(store.documents)
        await records.prepare()
        house = await AlertHouse(records=records).furnish()
        await house.incident(severity=Severity.CRITICAL)
        await house.escalate()
        await store._file.write(lines_find_no_room)
        with pytest.raises(StoreUnavailableError, match="full"):
            await house.dispatcher().step("urgent.sms")
        alarm = await house.the_delivery(ChannelKind.SMS)
        (attempt,) = await house.attempts()
        assert (alarm.state, attempt.state) == (DeliveryState.CALLING, AttemptState.SENT)
        assert not await house.timeline(Happening.ATTEMPT)

        await store._file.write(lambda connection: connection.execute("DROP TRIGGER no_room").fetchall())
        await house.pass_by(seconds=60)
        await house.unclear().step()
        assert (await house.the_delivery(ChannelKind.SMS)).state is DeliveryState.SENT
        assert [each.detail["outcome"] for each in await house.timeline(Happening.ATTEMPT)] == ["sent"]
        assert len(house.sms.accepted) == 1
    finally:
        await store.close()


def lines_find_no_room(connection: sqlite3.Connection) -> None:
    """Have every line of a timeline need more pages than the file may still have: a genuinely full disk, to SQLite."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={pages + 100}")
    connection.execute("CREATE TABLE ballast (weight BLOB)")
    connection.execute(
        "CREATE TRIGGER no_room AFTER INSERT ON records_timeline"
        " BEGIN INSERT INTO ballast VALUES (zeroblob(1000000)); END"
    )


class StandsStill(DyingRecords):
    """Records of a process that is stopped just as it hears an answer, and goes on after all else has happened."""

    def __init__(self, inner: Records, meanwhile: Callable[[], Awaitable[None]]) -> None:
        super().__init__(inner)
        self._meanwhile: Callable[[], Awaitable[None]] | None = meanwhile

    async def find_each(self, *asked: Asked) -> list[list[Any]]:
        answer = await super().find_each(*asked)
        if self._meanwhile is not None:
            meanwhile, self._meanwhile = self._meanwhile, None
            await meanwhile()
        return answer


async def test_whoever_stands_still_over_the_last_look_tells_nobody_of_what_is_over_by_then() -> None:
    house = await a_ladder()
    await house.escalate()

    async def it_ends() -> None:
        await house.clock.advance(60)
        await house.close()
        await house.rest()

    await house.dispatcher(StandsStill(house.records, it_ends)).step()
    await house.rest()
    assert house.accepted == []
    assert [each.state for each in await house.deliveries()] == [DeliveryState.CALLED_OFF]
